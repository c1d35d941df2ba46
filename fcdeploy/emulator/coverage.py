"""What is emulated and what is not, by operation: rows for the command line and for the docs.

An operation that no route has is listed with extent ``none``: what it answers is said there.
"""

from dataclasses import dataclass

from fcdeploy.emulator.alibaba import operations as alibaba
from fcdeploy.emulator.alibaba import registry as alibaba_registry
from fcdeploy.emulator.alibaba.versions import BOTH
from fcdeploy.emulator.exchange import Json
from fcdeploy.emulator.huawei import operations as huawei
from fcdeploy.emulator.huawei import registry as huawei_registry
from fcdeploy.emulator.huawei.common import VERSIONS
from fcdeploy.emulator.routes import Extent, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vendor:
    """A vendor's API as its reference lists it; ``answer`` is what an operation gets that no route has."""

    name: str
    routes: tuple[Route, ...]
    operations: tuple[str, ...]
    shared: tuple[tuple[str, str, str], ...]
    versions: tuple[str, ...]
    answer: str
    source: str


_VENDORS = (
    _Vendor(
        name="alibaba",
        routes=tuple(alibaba_registry.ROUTES),
        operations=alibaba.OPERATIONS,
        shared=alibaba.SHARED_CHOICES,
        versions=BOTH,
        answer="answers 400 PathNotSupported",
        source="facts 8.1",
    ),
    _Vendor(
        name="huawei",
        routes=huawei_registry.ROUTES,
        operations=huawei.OPERATIONS,
        shared=huawei.SHARED_CHOICES,
        versions=VERSIONS,
        answer="answers 404 APIGW.0101",
        source="SDK 3.1.219",
    ),
)
PROVIDERS = tuple(vendor.name for vendor in _VENDORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow:
    """One operation of one vendor. ``choices`` are the unknowns and how they were decided, strictly."""

    provider: str
    operation: str
    method: str
    path: str
    versions: tuple[str, ...]
    extent: Extent
    missing: str
    choices: tuple[str, ...]
    sources: tuple[str, ...]


def coverage_rows() -> list[CoverageRow]:
    """Return all operations of all vendors, by vendor and then in the order of the vendor's reference."""
    return [row for vendor in _VENDORS for row in _rows(vendor)]


def _rows(vendor: _Vendor) -> list[CoverageRow]:
    rows = [
        CoverageRow(
            provider=vendor.name,
            operation=route.operation,
            method=route.method,
            path=route.template,
            versions=route.versions,
            extent=route.coverage.extent,
            missing=route.coverage.missing,
            choices=route.coverage.choices,
            sources=route.coverage.sources,
        )
        for route in vendor.routes
    ]
    known = {row.operation for row in rows}
    rows += [
        CoverageRow(
            provider=vendor.name,
            operation=operation,
            method="",
            path="",
            versions=vendor.versions,
            extent=Extent.NONE,
            missing=vendor.answer,
            choices=(),
            sources=(vendor.source,),
        )
        for operation in vendor.operations
        if operation not in known
    ]
    order = {operation: place for place, operation in enumerate(vendor.operations)}
    return sorted(rows, key=lambda row: order.get(row.operation, len(order)))


def shared_choices(provider: str) -> tuple[tuple[str, str, str], ...]:
    """Return what concerns every operation of a vendor and was decided for want of a source."""
    return next(vendor.shared for vendor in _VENDORS if vendor.name == provider)


def to_json(row: CoverageRow) -> Json:
    """Return a row as JSON."""
    return {
        "provider": row.provider,
        "operation": row.operation,
        "method": row.method,
        "path": row.path,
        "versions": list(row.versions),
        "extent": row.extent.value,
        "missing": row.missing,
        "choices": list(row.choices),
        "sources": list(row.sources),
    }
