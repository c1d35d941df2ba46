"""The fields of a custom domain and the rules between them (facts 9.6)."""

from fcdeploy.emulator.alibaba.errors import invalid_argument, wrong_format, wrong_value
from fcdeploy.emulator.alibaba.fields import Flag, Many, Struct, Text
from fcdeploy.emulator.errors import echo
from fcdeploy.emulator.exchange import Json

DOMAIN_PATTERN = r"^([a-z0-9A-Z][-a-z0-9A-Z]{0,62}\.)+[a-zA-Z]{2,}$"  # facts 6.3
NAME_LONGEST = 253  # of any domain name
PROTOCOLS = ("HTTP", "HTTPS", "HTTP,HTTPS")
METHODS = ("GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS")
_TLS = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")


class _RoutePath:
    """A path of a route: begins with a slash, a star stands at the end only (facts 9.6)."""

    def read(self, value: object, label: str) -> str:
        """Return the path as it was sent."""
        text = Text(shortest=1).read(value, label)
        if not text.startswith("/") or "*" in text[:-1]:
            raise wrong_format(label, "^/[^*]*[*]?$", text)
        return text


class _Pem:
    """A PEM block, or several."""

    def read(self, value: object, label: str) -> str:
        """Return the text; it is never echoed, it may be a key."""
        text = Text(shortest=1).read(value, label)
        if "-----BEGIN " not in text or "-----END " not in text:
            raise invalid_argument(f"{label} is not in PEM format")
        return text


_RULES = Many(
    item=Struct({"match": Text(shortest=1), "replacement": Text(shortest=1)}, required=("match", "replacement"))
)
_REWRITE = Struct(
    {"equalRules": _RULES, "regexRules": _RULES, "wildcardRules": _RULES},
    defaults={"equalRules": [], "regexRules": [], "wildcardRules": []},
)
_ROUTE = Struct(
    {
        "path": _RoutePath(),
        "serviceName": Text(shortest=1),
        "functionName": Text(shortest=1),
        "qualifier": Text(),
        "methods": Many(item=Text(allowed=METHODS)),
        "rewriteConfig": _REWRITE,
    },
    # Clients read qualifier without asking whether it is null (facts 5.2).
    defaults={"qualifier": "", "methods": [], "rewriteConfig": None},
    required=("path", "serviceName", "functionName"),
)


def _check_routes(body: Json, label: str) -> None:
    routes = body["routes"]
    assert isinstance(routes, list)
    paths = [route["path"] for route in routes]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise invalid_argument(f"Duplicate path '{echo(twice)}' in {label}.Routes is not allowed")


def _check_tls(body: Json, label: str) -> None:
    lowest, highest = body.get("minVersion"), body.get("maxVersion")
    if isinstance(lowest, str) and isinstance(highest, str) and _TLS.index(lowest) > _TLS.index(highest):
        raise wrong_value(f"{label}.MaxVersion", _TLS[_TLS.index(lowest) :], highest)


FIELDS = Struct(
    {
        "domainName": Text(longest=NAME_LONGEST, pattern=DOMAIN_PATTERN),
        "protocol": Text(allowed=PROTOCOLS),
        "routeConfig": Struct({"routes": Many(item=_ROUTE)}, defaults={"routes": []}, check=_check_routes),
        "certConfig": Struct(
            {"certName": Text(), "certificate": _Pem(), "privateKey": _Pem()},
            # The schema of Resource Orchestration and the Terraform provider require all three.
            required=("certName", "certificate", "privateKey"),
        ),
        "tlsConfig": Struct(
            {
                "minVersion": Text(allowed=_TLS),
                "maxVersion": Text(allowed=_TLS),
                "cipherSuites": Many(item=Text(pattern="TLS_[A-Z0-9_]+")),
            },
            defaults={"minVersion": None, "maxVersion": None, "cipherSuites": []},
            check=_check_tls,
        ),
        "wafConfig": Struct({"enableWAF": Flag()}, defaults={"enableWAF": False}),
    }
)


def defaults() -> Json:
    """Return what a domain has that was created with its name alone (facts 9.6: HTTP, no certificate)."""
    return {
        "protocol": "HTTP",
        "routeConfig": {"routes": []},
        "certConfig": None,
        "tlsConfig": None,
        "wafConfig": None,
    }


def without_key(given: Json) -> Json:
    """Return the given fields with the private key left out: no answer has it, so nothing of it is kept."""
    cert = given.get("certConfig")
    return {**given, "certConfig": {**cert, "privateKey": None}} if isinstance(cert, dict) else given


def check_certificate(body: Json) -> None:
    """Refuse HTTPS without a certificate ([INF]: nothing could be served)."""
    if "HTTPS" in str(body["protocol"]) and body["certConfig"] is None:
        raise invalid_argument("CertConfig is required when Protocol contains HTTPS")
