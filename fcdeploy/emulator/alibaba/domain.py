"""Custom domains (facts 9.6). There is no ETag and no If-Match here (facts 6.2)."""

from dataclasses import replace

from fcdeploy.emulator.alibaba.common import new_row
from fcdeploy.emulator.alibaba.domain_fields import (
    DOMAIN_PATTERN,
    FIELDS,
    NAME_LONGEST,
    check_certificate,
    defaults,
    without_key,
)
from fcdeploy.emulator.alibaba.errors import (
    DOMAIN_EXISTS,
    DOMAIN_NOT_FOUND,
    DOMAIN_NOT_RESOLVED,
    invalid_argument,
)
from fcdeploy.emulator.alibaba.fields import read_body
from fcdeploy.emulator.alibaba.paging import list_page, page_of, with_token
from fcdeploy.emulator.alibaba.versions import BOTH, V2016
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Extent, Route
from fcdeploy.emulator.rows import public
from fcdeploy.emulator.store import Row, Session
from fcdeploy.emulator.times import later_text

CUSTOM_DOMAIN = "custom-domain"  # parent "", name the domain name
_RESOLVED = ".localhost"  # always leads to this machine (RFC 6761)
_NO_CERT: Json = {"certName": None, "certificate": None, "privateKey": None}


def _check_resolved(request: Request, name: str) -> None:
    """Refuse a name that does not lead to the endpoint, when the settings ask for it (facts 14.12).

    No DNS is asked. Names under ``.localhost`` lead to this machine, and so to the emulator; no other name does.
    """
    if request.world.settings.resolve_domains and not name.lower().endswith(_RESOLVED):
        tenant = request.tenant
        raise DOMAIN_NOT_RESOLVED(name, f"{tenant.account}.{tenant.region}.fc.aliyuncs.com")


def _shown(row: Row, *, written: bool) -> Json:
    """Return a domain; without a certificate a write answers null and a read an object of nulls (facts 7.2)."""
    body = public(row.body)
    if body["certConfig"] is None and not written:
        body["certConfig"] = _NO_CERT
    return body


def _live_domain(session: Session, name: str) -> Row:
    row = session.get(CUSTOM_DOMAIN, "", name)
    if row is None:
        raise DOMAIN_NOT_FOUND(name)
    return row


def create_custom_domain(request: Request) -> Reply:
    """POST /custom-domains; the name alone is enough, the functions of its routes need not exist."""
    given = without_key(read_body(request.body, FIELDS))
    name = given.get("domainName")
    if not isinstance(name, str):
        raise invalid_argument("DomainName is required but not provided")
    body: Json = {**defaults(), **given, "accountId": request.tenant.account, "apiVersion": V2016}
    check_certificate(body)
    _check_resolved(request, name)
    with request.world.write(request.tenant) as session:
        if session.get(CUSTOM_DOMAIN, "", name) is not None:
            raise DOMAIN_EXISTS(name)
        row = new_row(request, CUSTOM_DOMAIN, "", name, body)
        session.put(row)
    return Reply(body=_shown(row, written=True))


def get_custom_domain(request: Request) -> Reply:
    """GET /custom-domains/{D}."""
    with request.world.read(request.tenant) as session:
        return Reply(body=_shown(_live_domain(session, request.params[0]), written=False))


def update_custom_domain(request: Request) -> Reply:
    """PUT /custom-domains/{D}: given objects replace the stored ones (facts 7.2).

    Protocol HTTP without a certificate drops the stored one.
    """
    given = without_key(read_body(request.body, FIELDS))
    given.pop("domainName", None)
    with request.world.write(request.tenant) as session:
        row = _live_domain(session, request.params[0])
        body = {**row.body, **given}
        if given.get("protocol") == "HTTP" and "certConfig" not in given:
            body["certConfig"] = None
        check_certificate(body)
        _check_resolved(request, row.name)
        modified = later_text(request.now, row.modified)
        row = replace(row, body={**body, "lastModifiedTime": modified}, modified=modified)
        session.put(row)
    return Reply(body=_shown(row, written=True))


def delete_custom_domain(request: Request) -> Reply:
    """DELETE /custom-domains/{D}."""
    with request.world.write(request.tenant) as session:
        row = _live_domain(session, request.params[0])
        session.delete(CUSTOM_DOMAIN, "", row.name)
    return NO_CONTENT


def list_custom_domains(request: Request) -> Reply:
    """GET /custom-domains."""
    page = page_of(request)
    with request.world.read(request.tenant) as session:
        rows, token = list_page(session, CUSTOM_DOMAIN, "", page)
    return Reply(body=with_token({"customDomains": [_shown(row, written=False) for row in rows]}, token))


_SOURCES = ("facts 3.3, 6.2, 6.3, 7.2, 9.6", "API reference 2016-08-15 and 2021-04-06, custom domains")
_NOT_SERVED = "requests to the domain are not served; names are not looked up, see resolve_domains"
_CHOICES = (
    "HTTPS needs a certificate, a certificate its key, both in PEM form: InvalidArgument",
    f"names match {DOMAIN_PATTERN}, up to {NAME_LONGEST} characters",
    "a path may be routed once; a route names service and function, which need not exist",
    "a route without methods shows [], without a qualifier an empty one; tlsConfig and wafConfig are null when unset",
    "a second creation in the account: 409 (facts 15)",
)


def _route(operation: str, method: str, template: str, extent: Extent = Extent.WHOLE, *choices: str) -> Route:
    call = {
        "CreateCustomDomain": create_custom_domain,
        "GetCustomDomain": get_custom_domain,
        "UpdateCustomDomain": update_custom_domain,
        "DeleteCustomDomain": delete_custom_domain,
        "ListCustomDomains": list_custom_domains,
    }[operation]
    missing = _NOT_SERVED if extent is Extent.PARTIAL else ""
    return Route(
        operation=operation,
        method=method,
        template=template,
        call=call,
        versions=BOTH,
        kind="" if operation.startswith("List") else CUSTOM_DOMAIN,
        coverage=Coverage(extent=extent, missing=missing, sources=_SOURCES, choices=choices),
    )


ROUTES = (
    _route("CreateCustomDomain", "POST", "/custom-domains", Extent.PARTIAL, *_CHOICES),
    _route("GetCustomDomain", "GET", "/custom-domains/{}"),
    _route(
        "UpdateCustomDomain",
        "PUT",
        "/custom-domains/{}",
        Extent.PARTIAL,
        "If-Match is ignored (facts 16.9)",
        "the certificate goes only when the PUT itself names HTTP and none",
    ),
    _route("DeleteCustomDomain", "DELETE", "/custom-domains/{}", Extent.WHOLE, "If-Match is ignored (facts 16.9)"),
    _route("ListCustomDomains", "GET", "/custom-domains", Extent.WHOLE, "certConfig as GetCustomDomain has it"),
)
