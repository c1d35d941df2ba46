"""Qualifiers: how a call names a version or an alias, and which rows it then reads.

The seam for versions and aliases: a *view* says where the service and its functions are. ``LATEST`` (or nothing) is
the live rows. A published version is a row of kind VERSION whose body holds the frozen service under ``_service``,
and rows of kind FROZEN_FUNCTION under ``S/V``; an alias is a row of kind ALIAS with a ``versionId`` in its body.
Nothing else has to change for them to be readable by every operation that takes a qualifier.
"""

from dataclasses import dataclass

from fcdeploy.emulator.alibaba.common import ALIAS, FROZEN_FUNCTION, FUNCTION, LATEST, SERVICE, VERSION
from fcdeploy.emulator.alibaba.errors import (
    ALIAS_NOT_FOUND,
    SERVICE_NOT_FOUND,
    VERSION_NOT_FOUND,
    invalid_argument,
)
from fcdeploy.emulator.exchange import Json, Request
from fcdeploy.emulator.rows import number_name
from fcdeploy.emulator.store import Row, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One readable state of a service. ``version`` is "" for the live one; functions are rows of
    ``function_kind`` under ``function_parent``; ``service_row`` is the live row, ``service_body`` what to show.
    """

    service: str
    version: str
    service_row: Row
    service_body: Json
    etag: str
    function_kind: str
    function_parent: str


def service_reference(request: Request) -> tuple[str, str | None]:
    """Return service name and qualifier of a path ``/services/{}/...``.

    2016 writes the qualifier into the path (``name.qualifier``), 2021 into the query; both forms are accepted in
    both versions (facts 14.1). A dot cannot be part of a service name, so the path form is never ambiguous.
    """
    service, dot, qualifier = request.params[0].partition(".")
    if dot:
        return service, qualifier or None
    return service, request.one("qualifier")


def service_to_write(request: Request) -> str:
    """Return the service name of a call that changes live resources; only LATEST may qualify it.

    SDK examples write to ``demo.LATEST`` (signing vector py2016-put-function-sts); a version cannot be changed.
    """
    service, qualifier = service_reference(request)
    if qualifier not in (None, LATEST):
        raise invalid_argument("Qualifier is set to an invalid value (allowed: LATEST): a version cannot be changed")
    return service


def live_service(session: Session, service: str) -> Row:
    """Return the live row of a service or raise ServiceNotFound."""
    row = session.get(SERVICE, "", service)
    if row is None:
        raise SERVICE_NOT_FOUND(service)
    return row


def _version_row(session: Session, service: str, version: str) -> Row:
    number = int(version) if version.isascii() and version.isdigit() and len(version) <= 10 else None
    row = None if number is None else session.get(VERSION, service, number_name(number))
    if row is None:
        raise VERSION_NOT_FOUND(version, service)
    return row


def resolve(session: Session, service: str, qualifier: str | None) -> View:
    """Return what ``qualifier`` of ``service`` shows: a number is a version, LATEST the live one, else an alias.

    An alias shows its main version (facts 9.1); the weights of others do not matter for reading.

    Raises:
        ApiError: ServiceNotFound, VersionNotFound, AliasNotFound.
    """
    live = live_service(session, service)
    if qualifier is not None and qualifier != LATEST and not qualifier[:1].isdigit():
        alias = session.get(ALIAS, service, qualifier)
        if alias is None:
            raise ALIAS_NOT_FOUND(qualifier, service)
        qualifier = str(alias.body["versionId"])
    if qualifier in (None, LATEST):
        return View(
            service=service,
            version="",
            service_row=live,
            service_body=live.body,
            etag=live.etag,
            function_kind=FUNCTION,
            function_parent=service,
        )
    assert qualifier is not None
    version = _version_row(session, service, qualifier)
    frozen = version.body["_service"]
    assert isinstance(frozen, dict)
    return View(
        service=service,
        version=str(int(version.name)),
        service_row=live,
        service_body={**frozen, "description": version.body.get("description")},  # facts 1.17
        etag=version.etag,
        function_kind=FROZEN_FUNCTION,
        function_parent=f"{service}/{int(version.name)}",
    )


def check_qualifier(session: Session, service: str, qualifier: str | None) -> None:
    """Refuse a qualifier that names no version and no alias of the service."""
    resolve(session, service, qualifier)
