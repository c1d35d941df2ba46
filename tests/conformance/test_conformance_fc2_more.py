"""aliyun-fc2 2.5.2 (API 2016-08-15): custom domains, account settings, reserved capacity."""

import fc2
import pytest

from fcdeploy.emulator.alibaba.account import RESERVED_CAPACITY
from fcdeploy.emulator.exchange import Tenant
from fcdeploy.emulator.store import Row

CERT = {
    "certName": "c",
    "certificate": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----",
    "privateKey": "-----BEGIN RSA PRIVATE KEY-----\ny\n-----END RSA PRIVATE KEY-----",
}


@pytest.fixture
def client(fc2_client):
    return fc2_client()


def refused(call, *arguments, **more) -> tuple[int, str]:
    with pytest.raises(fc2.FcError) as caught:
        call(*arguments, **more)
    return caught.value.status_code, caught.value.err_code


def test_custom_domain_life(client) -> None:
    name = "python.example.com"
    made = client.create_custom_domain(name)
    assert (made.data["domainName"], made.data["protocol"]) == (name, "HTTP")
    assert refused(client.create_custom_domain, name) == (409, "DomainNameAlreadyExists")
    routes = {
        "routes": [
            {"path": "/login/*", "serviceName": "s1", "functionName": "f1", "qualifier": "prod"},
            {"path": "/", "serviceName": "s2", "functionName": "f2", "methods": ["GET", "POST"]},
        ]
    }
    changed = client.update_custom_domain(name, protocol="HTTP,HTTPS", routeConfig=routes, certConfig=CERT)
    assert changed.data["certConfig"]["privateKey"] is None
    assert changed.data["certConfig"]["certName"] == "c"
    seen = client.get_custom_domain(name).data
    assert [each["qualifier"] for each in seen["routeConfig"]["routes"]] == ["prod", ""]
    assert seen["certConfig"] == changed.data["certConfig"]
    # What the SDK leaves out is unchanged, but HTTP alone drops the certificate.
    assert client.update_custom_domain(name, protocol="HTTP").data["certConfig"] is None
    seen = client.get_custom_domain(name).data
    assert seen["certConfig"] == {"certName": None, "certificate": None, "privateKey": None}
    assert len(seen["routeConfig"]["routes"]) == 2
    assert refused(client.update_custom_domain, name, protocol="HTTPS") == (400, "InvalidArgument")
    client.delete_custom_domain(name)
    assert refused(client.get_custom_domain, name) == (404, "DomainNameNotFound")
    assert refused(client.delete_custom_domain, name) == (404, "DomainNameNotFound")
    assert refused(client.create_custom_domain, "no_domain") == (400, "InvalidArgument")


def test_custom_domains_are_listed(client) -> None:
    for name in ("b.example.com", "a.example.com", "a.example.org", "c.example.com"):
        client.create_custom_domain(name)
    page = client.list_custom_domains(limit=2).data
    assert [each["domainName"] for each in page["customDomains"]] == ["a.example.com", "a.example.org"]
    rest = client.list_custom_domains(limit=5, nextToken=page["nextToken"]).data
    assert [each["domainName"] for each in rest["customDomains"]] == ["b.example.com", "c.example.com"]
    assert "nextToken" not in rest
    seen = client.list_custom_domains(prefix="a.", startKey="a.example.org").data
    assert [each["domainName"] for each in seen["customDomains"]] == ["a.example.org"]
    assert client.list_custom_domains(prefix="x").data["customDomains"] == []
    assert refused(client.list_custom_domains, limit=101) == (400, "InvalidArgument")


def test_account_settings(client) -> None:
    assert client.get_account_settings().data["availableAZs"]


def test_reserved_capacities(client, emulator) -> None:
    assert client.list_reserved_capacities().data == {"reservedCapacities": []}
    with emulator.app.world.write(Tenant("1234567890123456", "cn-hangzhou")) as session:
        for letter in "abc":
            body = {"instanceId": letter * 22, "cu": 5, "isRefunded": "false"}
            row = Row(kind=RESERVED_CAPACITY, parent="", name=letter * 22, body=body, etag="", created="", modified="")
            session.put(row)
    page = client.list_reserved_capacities(limit=2).data
    assert [each["instanceId"][0] for each in page["reservedCapacities"]] == ["a", "b"]
    rest = client.list_reserved_capacities(limit=2, nextToken=page["nextToken"]).data
    assert [each["instanceId"][0] for each in rest["reservedCapacities"]] == ["c"]


def test_layers_in_a_function(client, archive, fc_open) -> None:
    """The SDK has no call for layers and no argument for a function's; what others set, it shows."""
    import base64

    other, m = fc_open
    code = m.Code(zip_file=base64.b64encode(archive.read_bytes()).decode())
    arn = other.create_layer_version("shared", m.CreateLayerVersionRequest(code=code)).body.arn
    client.create_service("demo")
    request = m.CreateFunctionRequest(
        function_name="f", runtime="python3.9", handler="index.handler", code=code, layers=[arn]
    )
    other.create_function("demo", request)
    assert client.get_function("demo", "f").data["layers"] == [arn]
    other.delete_layer_version("shared", "1")
    assert client.update_function("demo", "f", description="d").data["layers"] == [arn]
