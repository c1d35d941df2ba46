"""Credentials for the bucket of code that is too big for a request (facts 5.2, 8.1; :mod:`.upload` has the bucket)."""

from fcdeploy.emulator.alibaba.account import CODE_SIZE_LIMIT
from fcdeploy.emulator.alibaba.qualifiers import live_service, service_to_write
from fcdeploy.emulator.alibaba.upload import new_credentials
from fcdeploy.emulator.alibaba.versions import V2016
from fcdeploy.emulator.exchange import Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Extent, Route


def _answer(request: Request, prefix: str) -> Json:
    given = new_credentials(request, prefix)
    return {
        "credentials": {
            "AccessKeyId": given.key_id,
            "AccessKeySecret": given.secret,
            "SecurityToken": given.token,
            "Expiration": given.expiration,
        },
        "ossBucket": given.bucket,
        "ossRegion": f"oss-{request.tenant.region}",
        "objectName": given.name,
        # The emulator's own: the vendor's SDKs know the addresses of OSS by heart.
        "ossEndpoint": request.world.settings.public_url or request.base_url,
    }


def get_temp_bucket_token(request: Request) -> Reply:
    """GET /tempBucketToken: the caller writes ``{account}/{objectName}``."""
    return Reply(body=_answer(request, request.tenant.account))


def get_temp_code_bucket_token(request: Request) -> Reply:
    """GET /services/{S}/tempCodeBucketToken: the caller writes ``{account}/{S}/{objectName}``.

    ``functionName`` and ``instanceType`` are accepted as they are: an SDK sends the text ``undefined`` in updates.
    """
    service = service_to_write(request)
    with request.world.read(request.tenant) as session:
        live_service(session, service)
    body = _answer(request, f"{request.tenant.account}/{service}")
    return Reply(body={**body, "codeSizeLimit": CODE_SIZE_LIMIT})


def _coverage(*choices: str) -> Coverage:
    return Coverage(
        extent=Extent.PARTIAL,
        missing="of OSS there is PutObject with the first signature, for this bucket alone",
        sources=("facts 5.2, 8.1", "@alicloud/fc2 2.6.6 and ali-oss 6.23.0, which call it"),
        choices=("credentials live 30 minutes and write one object", *choices),
    )


ROUTES = (
    Route(
        operation="GetTempBucketToken",
        method="GET",
        template="/tempBucketToken",
        call=get_temp_bucket_token,
        versions=(V2016,),
        coverage=_coverage(),
    ),
    Route(
        operation="GetTempCodeBucketToken",
        method="GET",
        template="/services/{}/tempCodeBucketToken",
        call=get_temp_code_bucket_token,
        versions=(V2016,),
        coverage=_coverage("the service must exist, the function need not"),
    ),
)
