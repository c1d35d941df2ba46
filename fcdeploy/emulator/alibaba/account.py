"""What belongs to the account: settings, bought capacity, GPU machines (facts 9.14, 8.1)."""

import secrets
import string

from fcdeploy.emulator.alibaba.errors import GPU_INSTANCE_NOT_FOUND
from fcdeploy.emulator.alibaba.fields import Many, Struct, Text, read_body
from fcdeploy.emulator.alibaba.paging import list_page, page_of, with_token
from fcdeploy.emulator.alibaba.versions import BOTH, V2016, V2021
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Extent, Route
from fcdeploy.emulator.store import Row
from fcdeploy.emulator.times import to_utc_text

RESERVED_CAPACITY = "reserved-capacity"  # parent "", name the instance id; bought, so no operation makes one
GPU_INSTANCE = "gpu-instance"  # parent "", name the instance id
CODE_SIZE_LIMIT = 524_288_000  # facts 13: 500 MB through OSS

_PORTS = Many(item=Text())
_GPU = Struct(
    {
        "diskPerformanceLevel": Text(),
        "diskSizeGigabytes": Text(),
        "imageId": Text(shortest=1),
        "instanceType": Text(shortest=1),
        "internetBandwidthOut": Text(),
        "password": Text(),
        "role": Text(),
        "sgId": Text(shortest=1),
        "sourceCidrIp": Text(),
        "tcpPortRange": _PORTS,
        "udpPortRange": _PORTS,
        "vpcId": Text(shortest=1),
        "vswId": Text(shortest=1),
    },
    required=("imageId", "instanceType", "sgId", "vpcId", "vswId"),
)


def get_account_settings(request: Request) -> Reply:
    """GET /account-settings: the zones of the region and the default role."""
    tenant = request.tenant
    zones = [f"{tenant.region}-{letter}" for letter in "fgh"]
    role = f"acs:ram::{tenant.account}:role/aliyunfcdefaultrole"
    return Reply(body={"availableAZs": zones, "defaultRole": role})


def get_account_configs(request: Request) -> Reply:
    """GET /accountConfigs?config=NAME: the named ones that are known, all of them when none is named."""
    known: Json = {"CodeSizeLimit": CODE_SIZE_LIMIT}
    wanted = [value for key, value in request.query if key in ("config", "config[]")]
    return Reply(body={name: known[name] for name in known if not wanted or name in wanted})


def list_reserved_capacities(request: Request) -> Reply:
    """GET /reservedCapacities in 2016, /reserved-capacities in 2021 (facts 1.22)."""
    page = page_of(request)
    with request.world.read(request.tenant) as session:
        rows, token = list_page(session, RESERVED_CAPACITY, "", page)
    return Reply(body=with_token({"reservedCapacities": [row.body for row in rows]}, token))


def claim_gpu_instance(request: Request) -> Reply:
    """POST /gpuInstances: a machine of its own; its password is not kept."""
    given = read_body(request.body, _GPU)
    given.pop("password", None)
    name = "i-" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(20))
    now = to_utc_text(int(request.now))
    with request.world.write(request.tenant) as session:
        # 203.0.113.0/24 belongs to nobody (RFC 5737): nothing can be reached by mistake.
        address = f"203.0.113.{session.next_number('gpu address') % 254 + 1}"
        body: Json = {"instanceId": name, "createdTime": now, "publicIp": address}
        session.put(
            Row(
                kind=GPU_INSTANCE,
                parent="",
                name=name,
                body={**given, **body},
                etag="",
                created=now,
                modified=now,
            )
        )
    return Reply(body=body)


def release_gpu_instance(request: Request) -> Reply:
    """DELETE /gpuInstances/{id}."""
    with request.world.write(request.tenant) as session:
        if not session.delete(GPU_INSTANCE, "", request.params[0]):
            raise GPU_INSTANCE_NOT_FOUND(request.params[0])
    return NO_CONTENT


_RESERVED = Coverage(
    extent=Extent.PARTIAL,
    missing="capacity is bought outside of the API, so the list is empty unless rows were put into the store",
    sources=("facts 1.22, 9.14",),
    choices=("limit outside 1..100: InvalidArgument (facts 16.10)",),
)

ROUTES = (
    Route(
        operation="GetAccountSettings",
        method="GET",
        template="/account-settings",
        call=get_account_settings,
        versions=BOTH,
        coverage=Coverage(sources=("facts 9.14",), choices=("three zones in every region",)),
    ),
    Route(
        operation="GetAccountConfigs",
        method="GET",
        template="/accountConfigs",
        call=get_account_configs,
        versions=(V2016,),
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing="only CodeSizeLimit is known, the one that an SDK asks for",
            sources=("facts 8.1, 13", "@alicloud/fc2 2.6.6, getAccountConfigs"),
        ),
    ),
    Route(
        operation="ListReservedCapacities",
        method="GET",
        template="/reservedCapacities",
        call=list_reserved_capacities,
        versions=(V2016,),
        coverage=_RESERVED,
    ),
    Route(
        operation="ListReservedCapacities",
        method="GET",
        template="/reserved-capacities",
        call=list_reserved_capacities,
        versions=(V2021,),
        coverage=_RESERVED,
    ),
    Route(
        operation="ClaimGPUInstance",
        method="POST",
        template="/gpuInstances",
        call=claim_gpu_instance,
        versions=(V2021,),
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing="no machine is started",
            sources=("facts 8.1", "API reference 2021-04-06, ClaimGPUInstance"),
            choices=("image, type, security group, VPC and vSwitch are required: none is marked so",),
        ),
    ),
    Route(
        operation="ReleaseGPUInstance",
        method="DELETE",
        template="/gpuInstances/{}",
        call=release_gpu_instance,
        versions=(V2021,),
        kind=GPU_INSTANCE,
        coverage=Coverage(sources=("facts 3.3, 8.1",), choices=("204; unknown: 404, the code is inferred",)),
    ),
)
