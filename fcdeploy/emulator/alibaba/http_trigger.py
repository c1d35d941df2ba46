"""Calls through an HTTP trigger by the path ``/2016-08-15/proxy/{S[.Q]}/{F}/{path}`` (facts 2, 8.1).

Who may call is decided as the service does; an accepted call is answered with 501, because no code is run.
"""

from urllib.parse import unquote

from fcdeploy.emulator.alibaba import auth, auth_fc
from fcdeploy.emulator.alibaba.common import LATEST, TRIGGER
from fcdeploy.emulator.alibaba.errors import NOT_RUN, TRIGGER_NOT_FOUND
from fcdeploy.emulator.alibaba.function import function_in_view
from fcdeploy.emulator.alibaba.versions import V2016
from fcdeploy.emulator.errors import ApiError
from fcdeploy.emulator.exchange import Reply, Request
from fcdeploy.emulator.routes import ANY, Coverage, Extent, Route
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.emulator.store import Row, Session

_PLATFORM_ERROR = ("X-Fc-Error-Type", "FcCommonError")  # facts 3.2


def _marked(error: ApiError) -> ApiError:
    """Return an error of the platform, not of the function, as a caller of a trigger sees it."""
    return ApiError(error.status, error.code, error.message, (*error.headers, _PLATFORM_ERROR))


def _http_trigger(session: Session, service: str, qualifier: str | None, function: str) -> Row | None:
    """Return the HTTP trigger of a function that is bound to the qualifier of the path."""
    for row in session.children(TRIGGER, f"{service}/{function}"):
        if row.body["triggerType"] == "http" and (row.body["qualifier"] or LATEST) == (qualifier or LATEST):
            return row
    return None


def _split(reference: str) -> tuple[str, str | None]:
    service, _, qualifier = reference.partition(".")
    return service, qualifier or None


def _auth_type(request: Request) -> str:
    """Return how the trigger under the path wants its callers; what is not there wants a signature."""
    parts = request.raw_path.split("/", 5)
    if len(parts) < 5:
        return "function"
    service, qualifier = _split(unquote(parts[3]))
    with request.world.read(request.tenant) as session:
        row = _http_trigger(session, service, qualifier, unquote(parts[4]))
    config = None if row is None else row.body["triggerConfig"]
    return str(config["authType"]) if isinstance(config, dict) else "function"


def authenticate(request: Request, settings: EmulatorSettings) -> None:
    """Let in who may call: anybody when the trigger is anonymous, else a signed request or a pre-signed URL.

    A token of authType jwt is not looked at: nothing can be had with it but the 501.
    """
    if _auth_type(request) != "function":
        return
    try:
        if any(key == auth_fc.SIGNATURE for key, _ in request.query):
            auth.authenticate_presigned(request, settings)
        else:
            auth.authenticate(request, settings)
    except ApiError as error:
        raise _marked(error) from None


def call_http_trigger(request: Request) -> Reply:
    """Any method on /proxy/{S[.Q]}/{F}/{path}."""
    service, qualifier = _split(request.params[0])
    function = request.params[1]
    try:
        with request.world.read(request.tenant) as session:
            function_in_view(session, service, qualifier, function)
            if _http_trigger(session, service, qualifier, function) is None:
                raise TRIGGER_NOT_FOUND("http", function)
        raise NOT_RUN(function, service)
    except ApiError as error:
        raise _marked(error) from None


_COVERAGE = Coverage(
    extent=Extent.PARTIAL,
    missing="code is not run: a call that would be accepted is answered with 501 NotImplemented; "
    "methods and tokens (authType jwt) are not checked",
    sources=("facts 2, 3.2, 4.2, 4.3, 8.1, 9.3",),
    choices=("no HTTP trigger on the qualifier: 404 TriggerNotFound", "a signature is asked for before existence"),
)

ROUTES = (
    Route(
        operation="HTTPTriggerInvocation",
        method=ANY,
        template="/proxy/{}/{}",
        call=call_http_trigger,
        versions=(V2016,),
        coverage=_COVERAGE,
    ),
    Route(
        operation="HTTPTriggerInvocation",
        method=ANY,
        template="/proxy/{}/{}/{*}",
        call=call_http_trigger,
        versions=(V2016,),
        coverage=_COVERAGE,
    ),
)
