"""The error table of Function Compute 2.0 (facts 6.1), one name a line.

Where the source gives only the code, the wording is inferred and marked [INF]. The body carries both key families,
because 2016 SDKs read ``ErrorCode``/``ErrorMessage`` and the 2021 SDK ``Code``/``Message``/``RequestId`` (facts 1.4).
"""

from fcdeploy.emulator.errors import ApiError, ErrorKind, echo
from fcdeploy.emulator.exchange import Json

INVALID_ARGUMENT = ErrorKind("InvalidArgument", 400, "%s")
MISSING_HEADER = ErrorKind("MissingRequiredHeader", 400, "required HTTP header %s was not specified")
PATH_NOT_SUPPORTED = ErrorKind("PathNotSupported", 400, "'%s' against '%s' is not supported")
ENTITY_TOO_LARGE = ErrorKind("EntityTooLarge", 400, "payload size exceeds maximum allowed size (%s bytes)")
LIMIT_EXCEEDED = ErrorKind("LimitExceededError", 400, "%s")  # wording [INF]
WEIGHT_HAS_MAIN = ErrorKind(
    "AdditionalVersionContainsMajorVersion", 400, "additionalVersionWeight %s should not contain major version %s"
)
DOMAIN_NOT_RESOLVED = ErrorKind(
    "DomainNameNotResolved",
    400,
    "domain name '%s' has not been resolved to your FC endpoint, the expected endpoint is %s",
)
INVALID_DESTINATION = ErrorKind(  # code and wording of the FC 3.0 successor
    "InvalidDestinationResources", 400, "The destination resource is invalid: %s."
)

ACCESS_DENIED = ErrorKind("AccessDenied", 403, "%s")
SIGNATURE_NOT_MATCH = ErrorKind(
    "SignatureNotMatch",
    403,
    "The request signature we calculated does not match the signature you provided. "
    "Check your access key and signing method.",
)
INVALID_ACCESS_KEY = ErrorKind("InvalidAccessKeyID", 403, "invalid access key ID '%s'.")

SERVICE_NOT_FOUND = ErrorKind("ServiceNotFound", 404, "service '%s' does not exist")
FUNCTION_NOT_FOUND = ErrorKind("FunctionNotFound", 404, "function '%s' does not exist in service '%s'")
TRIGGER_NOT_FOUND = ErrorKind("TriggerNotFound", 404, "trigger '%s' does not exist in function '%s'")  # [INF]
VERSION_NOT_FOUND = ErrorKind("VersionNotFound", 404, "version '%s' of service '%s' does not exist")
ALIAS_NOT_FOUND = ErrorKind("AliasNotFound", 404, "alias '%s' of service '%s' does not exist")
DOMAIN_NOT_FOUND = ErrorKind("DomainNameNotFound", 404, "domain name '%s' does not exist")
ASYNC_CONFIG_NOT_FOUND = ErrorKind("AsyncConfigNotExists", 404, "AsyncConfig for %s:%s does not exist.")
ON_DEMAND_NOT_FOUND = ErrorKind("OnDemandConfigNotFound", 404, "on demand config for '%s' does not exist")  # [INF]
STATEFUL_NOT_FOUND = ErrorKind(  # wording [INF]
    "StatefulAsyncInvocationNotFound", 404, "stateful async invocation '%s' of function '%s' does not exist"
)
LAYER_NOT_FOUND = ErrorKind("LayerNotFound", 404, "layer '%s' does not exist")  # wording [INF]
LAYER_VERSION_NOT_FOUND = ErrorKind("LayerVersionNotFound", 404, "layer version '%s' does not exist")  # [INF]
VPC_BINDING_NOT_FOUND = ErrorKind("VpcBindingNotFound", 404, "VPC '%s' is not bound to service '%s'")  # [INF]
EVENT_SOURCE_NOT_FOUND = ErrorKind("EventSourceNotFound", 404, "event source '%s' of '%s' does not exist")  # [INF]
GPU_INSTANCE_NOT_FOUND = ErrorKind("GPUInstanceNotFound", 404, "GPU instance '%s' does not exist")  # [INF]

SERVICE_EXISTS = ErrorKind("ServiceAlreadyExists", 409, "service '%s' already exists")  # wording [INF]
FUNCTION_EXISTS = ErrorKind("FunctionAlreadyExists", 409, "function '%s' already exists in service '%s'")
TRIGGER_EXISTS = ErrorKind("TriggerAlreadyExists", 409, "trigger '%s' already exists in function '%s'")  # [INF]
ALIAS_EXISTS = ErrorKind("AliasAlreadyExists", 409, "alias '%s' of service '%s' already exists")
VPC_BINDING_EXISTS = ErrorKind("VpcBindingAlreadyExists", 409, "VPC '%s' is already bound to service '%s'")  # [INF]
EVENT_SOURCE_EXISTS = ErrorKind("EventSourceAlreadyExists", 409, "event source '%s' of '%s' already exists")  # [INF]
DOMAIN_EXISTS = ErrorKind("DomainNameAlreadyExists", 409, "domain name %s already exists")
SERVICE_NOT_EMPTY = ErrorKind("ServiceNotEmpty", 409, "service '%s' has active '%s'.")  # code [INF]
FUNCTION_NOT_EMPTY = ErrorKind("FunctionNotEmpty", 409, "function '%s' has active %s")
PROVISION_EXISTS = ErrorKind(  # code of the FC 3.0 successor, wording [INF]
    "ProvisionConfigExist", 409, "function '%s' of service '%s' has a provision config of qualifier '%s'"
)
CONCURRENT_UPDATE = ErrorKind("ConcurrentUpdateError", 409, "%s")
VERSION_PUBLISH = ErrorKind("VersionPublishError", 409, "%s")  # code of the FC 3.0 successor, status [INF]

PRECONDITION_FAILED = ErrorKind("PreconditionFailed", 412, "the resource being modified has been changed")
RESOURCE_EXHAUSTED = ErrorKind("ResourceExhausted", 429, "%s")
NOT_RUN = ErrorKind(  # the emulator's own
    "NotImplemented", 501, "the emulator does not run code: function '%s' of service '%s' was not called"
)
INTERNAL_ERROR = ErrorKind("InternalServerError", 500, "an internal error has occurred. Please retry")


def to_error_body(error: ApiError, request_id: str) -> Json:
    """Return the JSON body of an error answer, both key families in one object (facts 6.1)."""
    return {
        "ErrorCode": error.code,
        "ErrorMessage": error.message,
        "Code": error.code,
        "Message": error.message,
        "RequestId": request_id,
    }


def wrong_format(label: str, pattern: str, actual: object) -> ApiError:
    """A name that does not match (facts 6.3, "name format")."""
    return invalid_argument(f"{label} doesn't match expected format (allowed: '{pattern}', actual: '{echo(actual)}')")


def wrong_value(label: str, allowed: tuple[str, ...], actual: object) -> ApiError:
    """A value outside an enumeration, or of a wrong JSON type (facts 6.3, "enum")."""
    choices = " | ".join(allowed)
    return invalid_argument(f"{label} is set to an invalid value (allowed: {choices}, actual: '{echo(actual)}')")


def too_many(label: str, most: int, actual: int) -> ApiError:
    """A list that is too long (facts 6.3)."""
    return invalid_argument(f"{label} contains too many values (max: {most}, actual: {actual})")


def invalid_argument(message: str) -> ApiError:
    """An InvalidArgument with a finished message; parts that the caller sent must have been through ``echo``."""
    return ApiError(400, INVALID_ARGUMENT.code, message)
