"""How a function names its layers (facts 9.2, 9.10): two spellings in, both out."""

import hashlib
import re

from fcdeploy.emulator.alibaba.common import LAYER_VERSION, number_name
from fcdeploy.emulator.alibaba.errors import LAYER_VERSION_NOT_FOUND, invalid_argument
from fcdeploy.emulator.errors import echo
from fcdeploy.emulator.exchange import Tenant
from fcdeploy.emulator.store import Session

_ARN = re.compile(r"acs:fc:([^:]+):([^:]+):layers/([^/]+)/versions/([1-9][0-9]{0,8})")
_SHORT = re.compile(r"([0-9a-f]{32})#([^#]+)#([1-9][0-9]{0,8})")


def short_arn(account: str, layer: str, version: int) -> str:
    """Return ``{md5}#{layer}#{version}``. What the vendor hashes is not documented; here it is the owner."""
    return f"{hashlib.md5(account.encode(), usedforsecurity=False).hexdigest()}#{layer}#{version}"


def long_arn(tenant: Tenant, layer: str, version: int) -> str:
    """Return ``acs:fc:{region}:{account}:layers/{layer}/versions/{version}``."""
    return f"acs:fc:{tenant.region}:{tenant.account}:layers/{layer}/versions/{version}"


def read_layers(session: Session, names: list[str]) -> tuple[list[str], list[str]]:
    """Return the short and the long form of the layers that ``names`` lists, in its order.

    A layer of this account must exist (LayerVersionNotFound, code from facts 6.1); those of other owners, the
    official ones above all, cannot be seen from here and are accepted.
    """
    tenant = session.tenant
    own = hashlib.md5(tenant.account.encode(), usedforsecurity=False).hexdigest()
    short, long = [], []
    for name in names:
        found = _ARN.fullmatch(name)
        if found is not None:
            region, owner, layer, version = found[1], found[2], found[3], int(found[4])
            if region != tenant.region:
                raise invalid_argument(f"Layer '{echo(name)}' is not in region '{tenant.region}'")
            mark = short_arn(owner, layer, version)
            arn = name
        else:
            found = _SHORT.fullmatch(name)
            if found is None:
                raise invalid_argument(
                    "Layers is set to an invalid value (allowed: acs:fc:{region}:{accountID}:layers/{layerName}"
                    f"/versions/{{layerVersion}}, actual: '{echo(name)}')"
                )
            layer, version = found[2], int(found[3])
            owner = tenant.account if found[1] == own else "official"
            mark, arn = name, f"acs:fc:{tenant.region}:{owner}:layers/{layer}/versions/{version}"
        if owner == tenant.account and session.get(LAYER_VERSION, layer, number_name(version)) is None:
            raise LAYER_VERSION_NOT_FOUND(name)
        short.append(mark)
        long.append(arn)
    return short, long
