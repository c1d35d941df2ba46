"""How layers are named (facts 9.2, 9.10): two spellings in, both out."""

import hashlib
import re
from dataclasses import dataclass

from fcdeploy.emulator.alibaba.common import LAYER_VERSION
from fcdeploy.emulator.alibaba.errors import LAYER_VERSION_NOT_FOUND, invalid_argument
from fcdeploy.emulator.errors import echo
from fcdeploy.emulator.exchange import Tenant
from fcdeploy.emulator.rows import number_name
from fcdeploy.emulator.store import Session

OFFICIAL = "official"
_OFFICIAL_MARK = "d3fc5de8d120687be2bfab761518d5de"  # of the vendor's own layers, in the examples of its provider
_ARN = re.compile(r"acs:fc:([^:]+):([^:]+):layers/([^/]+)/versions/([1-9][0-9]{0,8})")
_SHORT = re.compile(r"([0-9a-f]{32})#([^#]+)#([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLayer:
    """One layer version as somebody named it: both spellings, and their parts."""

    owner: str
    layer: str
    version: int
    short: str
    long: str


def _mark(account: str) -> str:
    """Return the first part of the short form. What the vendor hashes is not documented; here it is the owner."""
    if account == OFFICIAL:
        return _OFFICIAL_MARK
    return hashlib.md5(account.encode(), usedforsecurity=False).hexdigest()


def short_arn(account: str, layer: str, version: int) -> str:
    """Return ``{md5}#{layer}#{version}``."""
    return f"{_mark(account)}#{layer}#{version}"


def long_arn(tenant: Tenant, layer: str, version: int) -> str:
    """Return ``acs:fc:{region}:{account}:layers/{layer}/versions/{version}``."""
    return f"acs:fc:{tenant.region}:{tenant.account}:layers/{layer}/versions/{version}"


def named_layer(tenant: Tenant, name: str) -> NamedLayer:
    """Return what ``name`` means; of the short form only the caller's own and the official mark say whose it is.

    Raises:
        ApiError: InvalidArgument: neither spelling, or another region.
    """
    found = _ARN.fullmatch(name)
    if found is not None:
        region, owner, layer, version = found[1], found[2], found[3], int(found[4])
        if region != tenant.region:
            raise invalid_argument(f"Layer '{echo(name)}' is not in region '{tenant.region}'")
        short = short_arn(owner, layer, version)
        return NamedLayer(owner=owner, layer=layer, version=version, short=short, long=name)
    found = _SHORT.fullmatch(name)
    if found is None:
        raise invalid_argument(
            "Layers is set to an invalid value (allowed: acs:fc:{region}:{accountID}:layers/{layerName}"
            f"/versions/{{layerVersion}}, actual: '{echo(name)}')"
        )
    layer, version = found[2], int(found[3])
    owner = tenant.account if found[1] == _mark(tenant.account) else OFFICIAL
    long = long_arn(Tenant(owner, tenant.region), layer, version)
    return NamedLayer(owner=owner, layer=layer, version=version, short=name, long=long)


def read_layers(session: Session, names: list[str]) -> tuple[list[str], list[str]]:
    """Return the short and the long form of the layers that ``names`` lists, in its order.

    A layer of this account must exist (LayerVersionNotFound, code from facts 6.1); those of other owners, the
    official ones above all, cannot be seen from here and are accepted.
    """
    tenant = session.tenant
    layers = [named_layer(tenant, name) for name in names]
    for name, each in zip(names, layers, strict=True):
        own = each.owner == tenant.account
        if own and session.get(LAYER_VERSION, each.layer, number_name(each.version)) is None:
            raise LAYER_VERSION_NOT_FOUND(name)
    return [each.short for each in layers], [each.long for each in layers]
