"""Custom domains: a name of the user's own that leads to functions. Facts 6.2, 6.3, 7.2, 8.1, 9.6, S14, S22."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from fcdeploy.kinds.alibaba.qualifier import API_2021, BEHIND, LATEST, QUALIFIER_SCHEMA
from fcdeploy.kinds.descriptor import Attribute, Finding, GuardStyle, Kind, Listing, Marking, Operation
from fcdeploy.kinds.fields import NOT_SENT, Access, Default, Field, Order, Reset, boolean, obj, objects, strings, text
from fcdeploy.model import Json

METHODS = ("GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS")
TLS_VERSIONS = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.+?-----END \1PRIVATE KEY-----", re.DOTALL)


def _rules(name: str, title: str, description: str) -> Field:
    return objects(
        name,
        title,
        description,
        fields=(
            text("match", "Match", "What the path must be.", default=None, required=True, minLength=1),
            text("replacement", "Replacement", "What it becomes.", default=None, required=True, minLength=1),
        ),
    )


_ROUTE = (
    text(
        "path",
        "Path",
        "The path that leads there: exactly this one, or all that begin like it where it ends with `*`.",
        default=None,
        required=True,
        pattern=r"^/[^*\s]*\*?$",
    ),
    text(
        "function",
        "Function",
        "The function, as `service/name`; it must have an http trigger.",
        default=None,
        required=True,
        pattern=r"^[^/\s]+/[^/\s]+$",
        refers="function",
        split=("serviceName", "functionName"),
    ),
    text(
        "qualifier",
        "Qualifier",
        "`LATEST`, an alias or a version.",
        default=None,
        # No qualifier, an empty one and LATEST are the same (facts 9.6).
        defaults=(Default(value=LATEST),),
        empty="",
        behind=BEHIND,
        root="function",
        pattern=str(QUALIFIER_SCHEMA["pattern"]),
    ),
    strings(
        "methods",
        "Methods",
        "HTTP methods that lead there; empty: all.",
        item={"enum": list(METHODS)},
        order=Order.SET,
        uniqueItems=True,
    ),
    obj(
        "rewriteConfig",
        "Rewriting",
        "How path and query are rewritten on the way; nothing else of a request can be.",
        since=API_2021,
        empty={},
        fields=(
            _rules("equalRules", "Equal rules", "Rules for one path each."),
            _rules("regexRules", "Regex rules", "Rules by regular expression; `$1` is the first group."),
            _rules("wildcardRules", "Wildcard rules", "Rules in which `*` stands for anything."),
        ),
    ),
)

FIELDS = (
    text(
        "protocol",
        "Protocol",
        "What the domain is served over; anything with HTTPS needs `certConfig`.",
        default="HTTP",
        enum=["HTTP", "HTTPS", "HTTP,HTTPS"],
        # A protocol HTTP that comes without a certificate drops the stored one (facts 7.2).
        together=("certConfig",),
    ),
    objects(
        "routeConfig",
        "Routes",
        "Which function answers which paths: an exact path beats a prefix, a longer prefix a shorter one.",
        spec="routes",
        wrapped="routes",
        fields=_ROUTE,
    ),
    obj(
        "certConfig",
        "Certificate",
        "The certificate that HTTPS is served with; what is in it changes as a whole.",
        off="certificate",
        empty=NOT_SENT,
        together=("protocol",),
        fields=(
            text("certName", "Name", "What the certificate is called.", default=None, required=True, minLength=1),
            text(
                "certificate",
                "Certificate",
                "The certificate and those that it hangs on, in PEM form: `${{ file('cert.pem') }}`.",
                default=None,
                required=True,
            ),
            text(
                "privateKey",
                "Private key",
                # S22
                "Its key, in PEM form: `${{ secret('KEY') }}`. The service never shows it, so it is not compared; it "
                "is sent whenever the certificate is.",
                default=None,
                required=True,
                access=Access.WRITE_ONLY,
                sensitive=True,
            ),
        ),
    ),
    obj(
        "tlsConfig",
        "TLS",
        "Which versions of TLS are spoken, with which ciphers.",
        off="minVersion",
        empty={},
        since=API_2021,
        fields=(
            text(
                "minVersion",
                "Lowest version",
                "The lowest version.",
                default=None,
                required=True,
                enum=list(TLS_VERSIONS),
            ),
            text(
                "maxVersion",
                "Highest version",
                "The highest version.",
                default=None,
                reset=Reset.NONE,
                enum=list(TLS_VERSIONS),
            ),
            strings(
                "cipherSuites",
                "Cipher suites",
                "Names of cipher suites, such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`.",
                item={"pattern": "^TLS_[A-Z0-9_]+$"},
                order=Order.SET,
                uniqueItems=True,
                defaults=(),
                reset=Reset.NONE,
            ),
        ),
    ),
    obj(
        "wafConfig",
        "Web application firewall",
        "Whether requests pass the firewall.",
        empty={"enableWAF": False},
        since=API_2021,
        fields=(boolean("enableWAF", "Enabled", "Send requests through the firewall.", default=False),),
    ),
)


def check(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """Rules between fields: facts 6.3, 7.2, 9.6."""
    del api, name
    protocol, certificate, tls = body.get("protocol", "HTTP"), body.get("certConfig"), body.get("tlsConfig")
    if "HTTPS" in str(protocol) and certificate is None:
        yield Finding(
            path="protocol",
            summary=f"protocol `{protocol}` needs a certificate",
            hint="add `certConfig` with `certName`, `certificate` and `privateKey`, or write `protocol: HTTP`",
        )
    if "HTTPS" not in str(protocol) and certificate is not None:
        yield Finding(
            path="protocol",
            summary=f"protocol `{protocol}` does not use the certificate",
            detail="it is stored all the same",
            hint="write `protocol: HTTP,HTTPS`, or remove `certConfig`",
            is_warning=True,
        )
    if isinstance(certificate, Mapping):
        yield from _check_certificate(certificate)
    if isinstance(tls, Mapping):
        low, high = tls.get("minVersion"), tls.get("maxVersion")
        if low in TLS_VERSIONS and high in TLS_VERSIONS and TLS_VERSIONS.index(low) > TLS_VERSIONS.index(high):
            yield Finding(
                path="tlsConfig.maxVersion",
                summary="the highest version of TLS is below the lowest",
                detail=f"{low} to {high}",
            )
    yield from _check_routes(body.get("routeConfig"))


def _check_certificate(certificate: Mapping[str, Json]) -> Iterator[Finding]:
    """Nothing of what is found is quoted: a key may stand in the wrong place."""
    shown, key = certificate.get("certificate"), certificate.get("privateKey")
    if isinstance(shown, str) and (not _CERTIFICATE.search(shown) or _KEY.search(shown)):
        yield Finding(
            path="certConfig.certificate",
            summary="this holds a private key" if _KEY.search(shown) else "this is not a certificate in PEM form",
            hint="it begins with `-----BEGIN CERTIFICATE-----`",
        )
    if not isinstance(key, str):
        return
    found = _KEY.search(key)
    if found is None or "ENCRYPTED" in found[1]:
        yield Finding(
            path="certConfig.privateKey",
            summary="this is not a private key in PEM form"
            if found is None
            else "the private key is encrypted, so the service cannot use it",
            hint="it begins with `-----BEGIN RSA PRIVATE KEY-----`, or the like without RSA",
        )


def _check_routes(routes: Json) -> Iterator[Finding]:
    if not isinstance(routes, list):
        return
    paths = [route.get("path") if isinstance(route, Mapping) else None for route in routes]
    times = Counter(path for path in paths if isinstance(path, str))
    for index, path in enumerate(paths):
        if isinstance(path, str) and times[path] > 1 and path in paths[:index]:
            yield Finding(
                path=f"routeConfig.{index}.path",
                summary=f"the path `{path}` is routed twice",
                hint="give each path one route; `methods` says which methods it is for",
            )


def about(body: Mapping[str, Json]) -> str:
    """What it is served over and where it leads."""
    routes = body.get("routeConfig") or []
    routes = (routes.get("routes") if isinstance(routes, Mapping) else routes) or []
    named = (one.get("function") or f"{one.get('serviceName')}/{one.get('functionName')}" for one in routes)
    functions = list(dict.fromkeys(named))
    return ", ".join(str(one) for one in (body.get("protocol"), " and ".join(functions)) if one)


_PATH = "/custom-domains"
_ONE = _PATH + "/{domainName}"

KIND = Kind(
    provider="alibaba",
    name="customDomain",
    title="Custom domain",
    description="A domain name of yours that leads to functions.",
    section="customDomains",
    parent=None,
    identity=("domainName",),
    name_schema={
        "description": "a domain name such as `api.example.com`; its CNAME leads to the account's endpoint",
        "type": "string",
        "pattern": r"^([a-z0-9A-Z][-a-z0-9A-Z]{0,62}\.)+[a-zA-Z]{2,}$",
        "minLength": 1,
        "maxLength": 253,
    },
    fields=FIELDS,
    create=Operation(name="CreateCustomDomain", method="POST", path=_PATH),
    read=Operation(name="GetCustomDomain", method="GET", path=_ONE),
    update=Operation(name="UpdateCustomDomain", method="PUT", path=_ONE),
    delete=Operation(name="DeleteCustomDomain", method="DELETE", path=_ONE),
    listing=Listing(operation=Operation(name="ListCustomDomains", method="GET", path=_PATH), items="customDomains"),
    guard=GuardStyle.RECHECK,
    marking=Marking.NONE,
    missing=frozenset({"DomainNameNotFound"}),
    check=check,
    about=about,
    attributes=(Attribute(name="name", description="The domain name.", template="{domainName}"),),
)
