"""The error table of FunctionGraph (facts 13): clients match codes, the texts are the emulator's own."""

from fcdeploy.emulator.errors import ApiError, ErrorKind
from fcdeploy.emulator.exchange import Json

BAD_PARAMETER = ErrorKind("FSS.0400", 400, "bad parameter: %s")
FORBIDDEN = ErrorKind("FSS.0403", 403, "forbidden: %s")
NOT_FOUND = ErrorKind("FSS.0404", 404, "not found: %s")
BAD_BODY = ErrorKind("FSS.0406", 406, "the body is not of the wanted form: %s")
TOO_LARGE = ErrorKind("FSS.0413", 413, "the body is larger than %s bytes")
THROTTLED = ErrorKind("FSS.0429", 429, "too many requests")
INTERNAL = ErrorKind("FSS.0500", 500, "internal error")

NAME = ErrorKind("FSS.1002", 400, "the function name is invalid: %s")
HANDLER = ErrorKind("FSS.1003", 400, "the handler is invalid: %s")
PACKAGE = ErrorKind("FSS.1004", 400, "the package is invalid: %s")
RUNTIME = ErrorKind("FSS.1005", 400, "the runtime is invalid: %s")
CODE_TYPE = ErrorKind("FSS.1006", 400, "code_type is invalid: %s")
MEMORY = ErrorKind("FSS.1007", 400, "memory_size is invalid: %s")
TIMEOUT = ErrorKind("FSS.1008", 400, "timeout is invalid: %s")
USER_DATA = ErrorKind("FSS.1009", 400, "user_data is invalid: %s")
CODE_URL = ErrorKind("FSS.1010", 400, "code_url is invalid: %s")
CODE = ErrorKind("FSS.1011", 400, "the code is invalid: %s")
CODE_MISSING = ErrorKind("FSS.1012", 400, "the code is missing: %s")
ALIAS_NAME = ErrorKind("FSS.1014", 400, "the alias name is invalid: %s")
VERSION_NAME = ErrorKind("FSS.1015", 400, "the version name is invalid: %s")
NOTHING_TO_PUBLISH = ErrorKind("FSS.1016", 400, "the code has not changed since the last version")
TOO_MANY_VARIABLES = ErrorKind("FSS.1017", 400, "more than 20 variables")
VARIABLES_TOO_LONG = ErrorKind("FSS.1018", 400, "the variables are longer than 4096 characters")
DESCRIPTION = ErrorKind("FSS.1019", 400, "the description is longer than 512 characters")
DEPENDENCY_INVALID = ErrorKind("FSS.1024", 400, "the dependency is invalid: %s")
CONCURRENCY = ErrorKind("FSS.1026", 400, "the number of instances is invalid: %s")
DEPENDENCY_TYPE = ErrorKind("FSS.1032", 400, "depend_type is invalid: %s")
DEPENDENCY_IN_USE = ErrorKind("FSS.1033", 412, "the dependency is used by function %s")
FUNCTION_LIMIT = ErrorKind("FSS.1041", 403, "the number of functions exceeds %s")
ALIAS_LIMIT = ErrorKind("FSS.1043", 403, "the number of aliases exceeds %s")
VERSION_LIMIT = ErrorKind("FSS.1044", 403, "the number of versions exceeds %s")
DEPENDENCY_LIMIT = ErrorKind("FSS.1045", 403, "the number of dependencies exceeds %s")
MOUNT_LIMIT = ErrorKind("FSS.1049", 403, "the number of mounts exceeds %s")

FUNCTION_NOT_FOUND = ErrorKind("FSS.1051", 404, "Not found the function %s")
VERSION_NOT_FOUND = ErrorKind("FSS.1052", 404, "Not found the function version %s")
ALIAS_NOT_FOUND = ErrorKind("FSS.1053", 404, "Not found the function alias %s")
DEPENDENCY_NOT_FOUND = ErrorKind("FSS.1056", 404, "Not found the dependency %s")
FUNCTION_EXISTS = ErrorKind("FSS.1061", 409, "The function has existed")
VERSION_EXISTS = ErrorKind("FSS.1062", 409, "The function version %s has existed")
ALIAS_EXISTS = ErrorKind("FSS.1063", 409, "The function alias %s has existed")
VERSION_HAS_ALIAS = ErrorKind("FSS.1066", 409, "The function version %s has an alias already")
PACKAGE_TOO_LARGE = ErrorKind("FSS.1071", 413, "the package is larger than %s bytes")
INLINE_TOO_LARGE = ErrorKind("FSS.1072", 413, "the inline code is larger than %s bytes")
MOUNT_USER = ErrorKind("FSS.1075", 400, "the mount user is invalid: %s")
RESERVED_INVALID = ErrorKind("FSS.1076", 400, "the reserved instances are invalid: %s")
ADDITIONAL_VERSION = ErrorKind("FSS.1091", 400, "the additional version is invalid: %s")
WEIGHT = ErrorKind("FSS.1092", 400, "the weight of the additional version is invalid: %s")
ADDITIONAL_IS_MAIN = ErrorKind("FSS.1093", 400, "the additional version %s is the version of the alias")
VERSION_IN_ALIAS = ErrorKind("FSS.1094", 403, "the version %s is an additional version of alias %s")

TRIGGER_TYPE = ErrorKind("FSS.1101", 400, "the trigger type is invalid: %s")
TRIGGER_LIMIT = ErrorKind("FSS.1126", 403, "the number of triggers exceeds %s")
ALIAS_HAS_TRIGGERS = ErrorKind("FSS.1154", 403, "the alias %s has triggers")
LTS_ENABLED = ErrorKind("FSS.1221", 400, "the log service is enabled already")

UNAUTHORIZED = ErrorKind("APIGW.0301", 401, "Incorrect IAM authentication information: %s")
NO_SUCH_API = ErrorKind("APIGW.0101", 404, "The API does not exist or has not been published: %s")


def to_error_body(error: ApiError, request_id: str) -> Json:
    """Return ``error_code`` and ``error_msg``; the gateway's own errors name the request too (facts 1)."""
    body: Json = {"error_code": error.code, "error_msg": error.message}
    if error.code.startswith("APIGW."):
        body["request_id"] = request_id
    return body
