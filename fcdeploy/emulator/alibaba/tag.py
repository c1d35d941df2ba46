"""Tags of services (facts 9.11)."""

import re
from dataclasses import replace

from fcdeploy.emulator.alibaba.common import SERVICE
from fcdeploy.emulator.alibaba.errors import invalid_argument, too_many
from fcdeploy.emulator.alibaba.fields import Flag, Many, Map, Struct, Text, read_body
from fcdeploy.emulator.alibaba.paging import list_page, page_of, with_token
from fcdeploy.emulator.alibaba.qualifiers import live_service
from fcdeploy.emulator.alibaba.service import tags_of
from fcdeploy.emulator.alibaba.versions import BOTH, V2016, V2021
from fcdeploy.emulator.errors import echo
from fcdeploy.emulator.exchange import Reply, Request, Tenant
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.store import Row, Session

TAGS_MOST = 20  # facts 13

_ARN = re.compile(r"(?:acs:fc:([^:]*):([^:]*):)?services/([^/]+)")
_FIELDS = Struct(
    {
        "resourceArn": Text(),
        "tags": Map(item=Text()),
        "tagKeys": Many(item=Text()),
        "all": Flag(),
    }
)


def _service_of(arn: object, tenant: Tenant) -> str:
    """Return the service that a full or short ARN names; only services carry tags (facts 9.11)."""
    if not isinstance(arn, str) or not arn:
        raise invalid_argument("ResourceArn is required but not provided")
    found = _ARN.fullmatch(arn)
    if found is None:
        raise invalid_argument(f"ResourceArn '{echo(arn)}' is not a service of this account")
    region, account, service = found.groups()
    if region not in (None, tenant.region) or account not in (None, tenant.account):
        raise invalid_argument(f"ResourceArn '{echo(arn)}' is not a service of this account")
    return service.removesuffix(".LATEST")


def _full_arn(tenant: Tenant, service: str) -> str:
    return f"acs:fc:{tenant.region}:{tenant.account}:services/{service}"


def _put_tags(session: Session, row: Row, tags: dict[str, object]) -> None:
    """Keep ``tags`` with the service; its ETag and its time of change stay."""
    session.put(replace(row, body={**row.body, "_tags": tags}))


def tag_resource(request: Request) -> Reply:
    """POST /tag: the given tags are merged into those that are there."""
    given = read_body(request.body, _FIELDS)
    service = _service_of(given.get("resourceArn"), request.tenant)
    tags = given.get("tags")
    if not isinstance(tags, dict) or not tags:
        raise invalid_argument("Tags is required but not provided")
    if "" in tags:
        raise invalid_argument("Tags contains an empty key")
    with request.world.write(request.tenant) as session:
        row = live_service(session, service)
        merged = {**tags_of(row), **tags}
        if len(merged) > TAGS_MOST:
            raise too_many("Tags", TAGS_MOST, len(merged))
        _put_tags(session, row, merged)
    return Reply(body={"requestId": request.request_id})


def get_resource_tags(request: Request) -> Reply:
    """GET /tag?resourceArn=."""
    service = _service_of(request.one("resourceArn"), request.tenant)
    with request.world.read(request.tenant) as session:
        tags = tags_of(live_service(session, service))
    arn = _full_arn(request.tenant, service)
    return Reply(body={"resourceArn": arn, "tags": tags, "requestId": request.request_id})


def untag_resource(request: Request) -> Reply:
    """DELETE /tag with a body in 2016, PUT /tag in 2021 (facts 1.21); ``all`` removes every tag."""
    given = read_body(request.body, _FIELDS)
    service = _service_of(given.get("resourceArn"), request.tenant)
    keys = given.get("tagKeys", [])
    assert isinstance(keys, list)
    if given.get("all") is not True and not keys:
        raise invalid_argument("TagKeys is required but not provided")
    with request.world.write(request.tenant) as session:
        row = live_service(session, service)
        left = tags_of(row)
        left = {} if given.get("all") is True else {key: left[key] for key in left if key not in keys}
        _put_tags(session, row, left)
    return Reply(body={"requestId": request.request_id})


def list_tagged_resources(request: Request) -> Reply:
    """GET /tags: every service that has a tag."""
    page = page_of(request)
    with request.world.read(request.tenant) as session:
        rows, token = list_page(session, SERVICE, "", page, lambda row: bool(tags_of(row)))
    resources = [{"resourceArn": _full_arn(request.tenant, row.name), "tags": tags_of(row)} for row in rows]
    return Reply(body=with_token({"resources": resources}, token))


def _tag_coverage(*choices: str) -> Coverage:
    return Coverage(sources=("facts 3.3, 7.1, 9.11",), choices=choices)


ROUTES = (
    Route(
        operation="TagResource",
        method="POST",
        template="/tag",
        call=tag_resource,
        versions=BOTH,
        coverage=_tag_coverage("the 21st tag of a service is refused; empty tags are refused"),
    ),
    Route(
        operation="GetResourceTags",
        method="GET",
        template="/tag",
        call=get_resource_tags,
        versions=BOTH,
        coverage=_tag_coverage(),
    ),
    Route(
        operation="UntagResource",
        method="DELETE",
        template="/tag",
        call=untag_resource,
        versions=(V2016,),
        coverage=_tag_coverage("neither keys nor all: InvalidArgument"),
    ),
    Route(
        operation="UntagResource",
        method="PUT",
        template="/tag",
        call=untag_resource,
        versions=(V2021,),
        coverage=_tag_coverage("neither keys nor all: InvalidArgument"),
    ),
    Route(
        operation="ListTaggedResources",
        method="GET",
        template="/tags",
        call=list_tagged_resources,
        versions=(V2021,),
        coverage=_tag_coverage(),
    ),
)
