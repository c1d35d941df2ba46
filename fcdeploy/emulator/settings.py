"""What one emulator process is told at its start: frozen values, no behaviour."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_ACCOUNT = "1234567890123456"
DEFAULT_REGION = "cn-hangzhou"
DEFAULT_HUAWEI_REGION = "cn-north-4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Eventual consistency to imitate, in seconds; 0 is off (facts 11).

    ``role``: a RAM role is refused with AccessDenied until it has been known for so long (counted from its first
    mention). ``log_project``: the same for a log project, with InvalidArgument. ``service``: a new service
    answers ServiceNotFound to version calls. ``trigger_delete``: a deleted trigger still blocks the deletion of its
    function. ``provision``: time until ``current`` of a provision setting reaches its target.
    """

    role: float = 0.0
    log_project: float = 0.0
    service: float = 0.0
    trigger_delete: float = 0.0
    provision: float = 0.0


EVENTUAL = Delays(role=2.0, log_project=2.0, service=1.0, trigger_delete=5.0, provision=30.0)
"""What the real service was seen to take, or the shortest of it (facts 11: triggers 5 s, provision 30-120 s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSettings:
    """Everything an emulator is started with.

    ``account`` and ``region`` are used when neither the Host header nor ``X-Fc-Account-Id`` names one.
    ``access_keys`` maps access key id to secret. ``key_accounts`` optionally ties a key to the one account it may
    use; a key that is not named there is good for every account. ``data`` is the folder of the database, None keeps
    it in memory. ``latency`` is seconds per request, half of it before the effect and half after. ``log`` gets one
    JSON object per request. ``faults`` is a file, or the document itself, see :mod:`fcdeploy.emulator.faults`.
    ``oss_root`` is a folder that stands for OSS (``{bucket}/{object}``). ``public_url`` overrides the address
    used in the links the server hands out. ``path_prefix`` is stripped from every path ("/fc").
    ``main_version_in_weights`` chooses a side where sources disagree (facts 15). ``resolve_domains`` refuses custom
    domains that do not lead here, with DomainNameNotResolved: no DNS is asked, names under ``.localhost`` do.
    ``roles`` are the RAM roles (ARNs) that STS knows, none of them: any. ``oidc_audiences`` are the client ids that id
    tokens must be for, likewise. ``key_life`` is how many seconds keys of STS and of the instance last, 0: as long as
    asked for. ``ecs_role`` is the role of the instance whose metadata is served, ``metadata_token`` whether that asks
    for a token (hardened mode).
    ``log_bodies`` adds each request's JSON body to its log entry, secrets and all: for tests.
    """

    account: str = DEFAULT_ACCOUNT
    region: str = DEFAULT_REGION
    huawei_region: str = DEFAULT_HUAWEI_REGION
    access_keys: Mapping[str, str] = field(default_factory=dict)
    key_accounts: Mapping[str, str] = field(default_factory=dict)
    check_signatures: bool = True
    clock_skew: float = 900.0
    data: Path | None = None
    latency: float = 0.0
    log: Path | None = None
    log_bodies: bool = False
    faults: Path | Mapping[str, object] | None = None
    strict_concurrency: bool = False
    delays: Delays = field(default_factory=Delays)
    oss_root: Path | None = None
    public_url: str | None = None
    path_prefix: str = ""
    body_limit: int = 104_857_600  # facts 13, "Whole request body"
    code_limit: int = 104_857_600  # facts 15: 100 MB today, 52428800 in older regions
    functions_per_service: int = 50  # facts 13; raise it to load-test
    functions_per_project: int = 400  # FunctionGraph facts 15; raise it to load-test
    config_replaces: bool = False  # FunctionGraph facts 19: does a metadata update reset what it leaves out?
    instances_per_region: int = 100  # facts 13, the most that an on-demand config may ask for
    main_version_in_weights: bool = False
    resolve_domains: bool = False
    roles: tuple[str, ...] = ()
    oidc_audiences: tuple[str, ...] = ()
    key_life: float = 0.0
    ecs_role: str | None = None
    metadata_token: bool = False
    clock: Callable[[], float] = time.time
