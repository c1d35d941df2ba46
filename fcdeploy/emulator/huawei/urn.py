"""Which function a path means (facts 2): whole URNs and the short forms."""

import re
from dataclasses import dataclass

from fcdeploy.emulator.exchange import Request
from fcdeploy.emulator.huawei.errors import BAD_PARAMETER, FUNCTION_NOT_FOUND

LATEST = "latest"
LONGEST = 269


@dataclass(frozen=True, slots=True)
class Named:
    """A function, and what of it: ``qualifier`` is "" for the whole, ``latest``, a version, or ``!`` and an alias."""

    package: str
    name: str
    qualifier: str

    @property
    def place(self) -> str:
        """The parent of everything beneath the function."""
        return f"{self.package}/{self.name}"

    @property
    def version(self) -> str:
        """The version that is meant; the whole function is its working copy."""
        return self.qualifier or LATEST

    @property
    def alias(self) -> str | None:
        """The alias, if that is what is meant."""
        return self.qualifier[1:] if self.qualifier.startswith("!") else None


def to_urn(request: Request, place: str, qualifier: str = "") -> str:
    """Return the URN of the function at ``package/name``."""
    package, _, name = place.partition("/")
    tenant = request.tenant
    urn = f"urn:fss:{tenant.region}:{tenant.account}:function:{package}:{name}"
    return f"{urn}:{qualifier}" if qualifier else urn


def named(request: Request, text: str | None = None) -> Named:
    """Return what the first path parameter, or ``text``, names. Raises FSS.0400 for what is no URN and FSS.1051 for a
    function of another project or region.
    """
    urn = request.params[1] if text is None else text
    if len(urn) > LONGEST:
        raise BAD_PARAMETER("the function URN is too long")
    match urn.split(":"):
        case [name]:
            found = Named("default", name, "")
        case [package, name]:
            found = Named(package or "default", name, "")
        case [project, package, name]:
            found = _of_project(request, urn, project, Named(package or "default", name, ""))
        case [project, package, name, qualifier]:
            found = _of_project(request, urn, project, Named(package or "default", name, qualifier))
        case ["urn", "fss", region, project, "function", package, name, *rest] if len(rest) < 2:
            if region != request.tenant.region:
                raise FUNCTION_NOT_FOUND(urn)
            found = _of_project(request, urn, project, Named(package or "default", name, rest[0] if rest else ""))
        case _:
            raise BAD_PARAMETER(f"{urn} is not a function URN")
    if not found.name or re.fullmatch(r"!?[A-Za-z0-9._-]*", found.qualifier) is None:
        raise BAD_PARAMETER(f"{urn} is not a function URN")
    return found


def _of_project(request: Request, urn: str, project: str, found: Named) -> Named:
    if project and project != request.tenant.account:
        raise FUNCTION_NOT_FOUND(urn)
    return found
