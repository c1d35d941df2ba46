"""Custom domains (facts 9.6)."""

import pytest

CERT = {
    "certName": "c",
    "certificate": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----",
    "privateKey": "-----BEGIN RSA PRIVATE KEY-----\ny\n-----END RSA PRIVATE KEY-----",
}
SHOWN = {**CERT, "privateKey": None}
NOTHING = {"certName": None, "certificate": None, "privateKey": None}
ROUTE = {"path": "/a/*", "serviceName": "s1", "functionName": "f1"}


def test_the_name_alone_is_enough(api) -> None:
    made = api.send("POST", "/custom-domains", {"domainName": "a.example.com"})
    assert "etag" not in made.headers
    body = made.json()
    assert (body["protocol"], body["routeConfig"], body["certConfig"]) == ("HTTP", {"routes": []}, None)
    assert (body["accountId"], body["apiVersion"]) == (api.account, "2016-08-15")
    assert api.ok("GET", "/custom-domains/a.example.com") == {**body, "certConfig": NOTHING}
    assert api.error("POST", "/custom-domains", {"domainName": "a.example.com"}) == (
        409,
        "DomainNameAlreadyExists",
        "domain name a.example.com already exists",
    )


def test_routes_need_no_functions_and_never_show_null(api) -> None:
    rewrite = {"regexRules": [{"match": "^/old/[a-z]+/", "replacement": "/$1"}]}
    routes = [ROUTE, {**ROUTE, "path": "/b", "qualifier": "prod", "methods": ["GET"], "rewriteConfig": rewrite}]
    body = {"domainName": "b.example.com", "routeConfig": {"routes": routes}}
    first, second = api.ok("POST", "/custom-domains", body)["routeConfig"]["routes"]
    assert first == {**ROUTE, "qualifier": "", "methods": [], "rewriteConfig": None}
    assert second["qualifier"] == "prod"
    assert second["rewriteConfig"] == {"equalRules": [], "wildcardRules": [], **rewrite}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"domainName": None}, "DomainName is required"),
        ({"domainName": "no_dots"}, "DomainName doesn't match expected format"),
        ({"domainName": "a." * 130 + "com"}, "max: 253"),
        ({"protocol": "FTP"}, "allowed: HTTP | HTTPS | HTTP,HTTPS"),
        ({"protocol": "HTTPS"}, "CertConfig is required"),
        ({"certConfig": {"certName": "c"}}, "CertConfig.Certificate is required"),
        ({"certConfig": {**CERT, "certName": None}}, "CertConfig.CertName is required"),
        ({"certConfig": {**CERT, "privateKey": "secret-words"}}, "CertConfig.PrivateKey is not in PEM format"),
        ({"routeConfig": {"routes": [{"path": "/"}]}}, "ServiceName is required"),
        ({"routeConfig": {"routes": [{**ROUTE, "path": "a"}]}}, "Path doesn't match"),
        ({"routeConfig": {"routes": [{**ROUTE, "path": "/*/a"}]}}, "Path doesn't match"),
        ({"routeConfig": {"routes": [ROUTE, ROUTE]}}, "Duplicate path '/a/*'"),
        ({"routeConfig": {"routes": [{**ROUTE, "methods": ["BREW"]}]}}, "Methods[0]"),
        ({"tlsConfig": {"minVersion": "SSLv3"}}, "TlsConfig.MinVersion"),
        ({"tlsConfig": {"minVersion": "TLSv1.3", "maxVersion": "TLSv1.2"}}, "TlsConfig.MaxVersion"),
        ({"wafConfig": {"enableWAF": "yes"}}, "WafConfig.EnableWAF"),
    ],
)
def test_fields_are_checked(api, change, text) -> None:
    status, code, message = api.error("POST", "/custom-domains", {"domainName": "c.example.com", **change})
    assert (status, code) == (400, "InvalidArgument")
    assert text in message
    assert "secret-words" not in message
    assert api.ok("GET", "/custom-domains") == {"customDomains": []}


def test_the_private_key_is_in_no_answer_and_in_no_store(api, server, client) -> None:
    body = {"domainName": "d.example.com", "protocol": "HTTP,HTTPS", "certConfig": CERT}
    assert api.ok("POST", "/custom-domains", body)["certConfig"] == SHOWN
    assert api.ok("GET", "/custom-domains/d.example.com")["certConfig"] == SHOWN
    assert api.ok("PUT", "/custom-domains/d.example.com", {"certConfig": CERT})["certConfig"] == SHOWN
    assert api.ok("GET", "/custom-domains?prefix=d.")["customDomains"][0]["certConfig"] == SHOWN
    dump = client.get(f"{server.url}/__emulator__/dump").text
    assert "d.example.com" in dump
    assert "PRIVATE KEY" not in dump


def test_updates_replace_objects_and_http_drops_the_certificate(api) -> None:
    path = "/custom-domains/e.example.com"
    body = {"domainName": "e.example.com", "protocol": "HTTP,HTTPS", "certConfig": CERT}
    first = api.ok("POST", "/custom-domains", {**body, "tlsConfig": {"minVersion": "TLSv1.2"}})
    assert first["tlsConfig"] == {"minVersion": "TLSv1.2", "maxVersion": None, "cipherSuites": []}
    kept = api.ok("PUT", path, {"routeConfig": {"routes": [ROUTE]}, "certConfig": None, "protocol": None})
    assert kept["certConfig"] == SHOWN
    assert kept["lastModifiedTime"] > first["lastModifiedTime"]
    replaced = api.ok("PUT", path, {"routeConfig": {"routes": [{**ROUTE, "path": "/new"}]}, "tlsConfig": {}})
    assert [each["path"] for each in replaced["routeConfig"]["routes"]] == ["/new"]
    assert replaced["tlsConfig"]["minVersion"] is None
    assert api.ok("PUT", path, {"protocol": "HTTP", "certConfig": CERT})["certConfig"] == SHOWN
    assert api.ok("PUT", path, {"protocol": "HTTP"})["certConfig"] is None
    assert api.ok("GET", path)["certConfig"] == NOTHING
    assert api.error("PUT", path, {"protocol": "HTTPS"})[:2] == (400, "InvalidArgument")
    assert api.ok("PUT", path, {"wafConfig": {"enableWAF": True}}, headers={"if-match": "x"})["wafConfig"] == {
        "enableWAF": True
    }
    assert api.send("DELETE", path, headers={"if-match": "x"}).status_code == 204
    for method in ("GET", "PUT", "DELETE"):
        told = api.error(method, path, {} if method == "PUT" else None)
        assert told == (404, "DomainNameNotFound", "domain name 'e.example.com' does not exist")


def test_names_are_resolved_when_the_settings_say_so(start) -> None:
    _, api = start(resolve_domains=True)
    assert api.error("POST", "/custom-domains", {"domainName": "a.example.com"}) == (
        400,
        "DomainNameNotResolved",
        "domain name 'a.example.com' has not been resolved to your FC endpoint, the expected endpoint is "
        "1234567890123456.cn-hangzhou.fc.aliyuncs.com",
    )
    assert api.ok("POST", "/custom-domains", {"domainName": "a.localhost"})["domainName"] == "a.localhost"


def test_lists(api) -> None:
    for name in ("b.com", "a.com", "a.net"):
        api.ok("POST", "/custom-domains", {"domainName": name})
    page = api.ok("GET", "/custom-domains?limit=2")
    assert [each["domainName"] for each in page["customDomains"]] == ["a.com", "a.net"]
    rest = api.ok("GET", f"/custom-domains?limit=2&nextToken={page['nextToken']}")
    assert [each["domainName"] for each in rest["customDomains"]] == ["b.com"]
    assert "nextToken" not in rest
    assert len(api.ok("GET", "/custom-domains?startKey=a.net&prefix=a")["customDomains"]) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_writer_may_come_first(start, method) -> None:
    rule = {"match": {"path": "/custom-domains", "method": method}, "effect": {"touch": {"delete": True}}}
    handle, api = start()
    api.ok("POST", "/custom-domains", {"domainName": "a.com"})
    handle.app.world.faults.load({"rules": [rule]})
    assert api.error(method, "/custom-domains/a.com", {} if method == "PUT" else None)[0] == 404
    assert api.ok("GET", "/custom-domains") == {"customDomains": []}
