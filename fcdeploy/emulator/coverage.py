"""What is emulated and what is not, by operation: rows for the command line and for the docs.

An operation that no route has is listed with extent ``none``: it answers 400 PathNotSupported.
"""

from dataclasses import dataclass

from fcdeploy.emulator.alibaba.operations import OPERATIONS, SHARED_CHOICES
from fcdeploy.emulator.alibaba.registry import ROUTES
from fcdeploy.emulator.alibaba.versions import BOTH
from fcdeploy.emulator.exchange import Json
from fcdeploy.emulator.routes import Extent


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
    rows = [
        CoverageRow(
            provider="alibaba",
            operation=route.operation,
            method=route.method,
            path=route.template,
            versions=route.versions,
            extent=route.coverage.extent,
            missing=route.coverage.missing,
            choices=route.coverage.choices,
            sources=route.coverage.sources,
        )
        for route in ROUTES
    ]
    known = {row.operation for row in rows}
    rows += [
        CoverageRow(
            provider="alibaba",
            operation=operation,
            method="",
            path="",
            versions=BOTH,
            extent=Extent.NONE,
            missing="answers 400 PathNotSupported",
            choices=(),
            sources=("facts 8.1",),
        )
        for operation in OPERATIONS
        if operation not in known
    ]
    order = {operation: place for place, operation in enumerate(OPERATIONS)}
    return sorted(rows, key=lambda row: order.get(row.operation, len(order)))


def shared_choices() -> tuple[tuple[str, str, str], ...]:
    """Return what concerns every operation and was decided without a clear source: topic, choice, source."""
    return SHARED_CHOICES


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
