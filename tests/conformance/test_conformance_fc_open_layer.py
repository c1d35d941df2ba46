"""alibabacloud-fc-open20210406 2.0.12 (API 2021-04-06, ACS3): layers."""

import base64

import pytest
import requests


@pytest.fixture
def sdk(fc_open):
    return fc_open


@pytest.fixture
def publish(sdk, archive):
    client, m = sdk
    code = m.Code(zip_file=base64.b64encode(archive.read_bytes()).decode())

    def make(name: str = "tools", **more):
        return client.create_layer_version(name, m.CreateLayerVersionRequest(code=code, **more)).body

    return make


def failure(call, *arguments) -> tuple[int, str]:
    from Tea.exceptions import TeaException

    with pytest.raises(TeaException) as caught:
        call(*arguments)
    return caught.value.statusCode, caught.value.code


def test_layer_version_life(sdk, publish, archive) -> None:
    client, m = sdk
    made = publish(description="d", compatible_runtime=["python3.9", "custom"])
    assert (made.layer_name, made.version, made.acl, made.description) == ("tools", 1, 0, "d")
    assert made.codesize == archive.stat().st_size
    assert made.compatible_runtime == ["python3.9", "custom"]
    assert made.create_time.endswith("Z")
    seen = client.get_layer_version("tools", "1")
    assert len(seen.headers["etag"]) == 32
    assert (seen.body.arn, seen.body.code_checksum) == (made.arn, made.code_checksum)
    assert seen.body.code_size == archive.stat().st_size
    assert seen.body.arn_v2 == "acs:fc:cn-hangzhou:1234567890123456:layers/tools/versions/1"
    assert seen.body.code.repository_type == "OSS"
    for location in (made.code.location, seen.body.code.location):
        assert requests.get(location, timeout=10).content == archive.read_bytes()
    assert publish().version == 2
    assert client.delete_layer_version("tools", "2").status_code == 204
    assert publish().version == 3
    assert failure(client.get_layer_version, "tools", "2") == (404, "LayerVersionNotFound")
    assert failure(client.get_layer_version, "none", "1") == (404, "LayerNotFound")
    assert failure(client.delete_layer_version, "tools", "2") == (404, "LayerVersionNotFound")
    assert failure(client.get_layer_version, "tools", "LATEST") == (400, "InvalidArgument")
    assert failure(client.create_layer_version, "tools", m.CreateLayerVersionRequest()) == (400, "InvalidArgument")


def test_layers_and_versions_are_listed(sdk, publish) -> None:
    client, m = sdk
    for name in ("b", "a", "a", "a", "ab"):
        publish(name)
    page = client.list_layers(m.ListLayersRequest(limit=1, prefix="a")).body
    assert [(each.layer_name, each.version) for each in page.layers] == [("a", 3)]
    rest = client.list_layers(m.ListLayersRequest(prefix="a", next_token=page.next_token)).body
    assert [each.layer_name for each in rest.layers] == ["ab"]
    assert rest.next_token is None
    seen = client.list_layers(m.ListLayersRequest(start_key="ab")).body
    assert [each.layer_name for each in seen.layers] == ["ab", "b"]
    versions = client.list_layer_versions("a", m.ListLayerVersionsRequest(start_version=1, limit=2)).body
    assert [each.version for each in versions.layers] == [1, 2]
    assert versions.next_version == 3
    last = client.list_layer_versions("a", m.ListLayerVersionsRequest(start_version=versions.next_version)).body
    assert [each.version for each in last.layers] == [3]
    assert last.next_version is None
    assert failure(client.list_layer_versions, "none", m.ListLayerVersionsRequest()) == (404, "LayerNotFound")


def test_acl(sdk, publish) -> None:
    client, m = sdk
    publish("open")
    publish("shut")
    assert client.put_layer_acl("open", m.PutLayerACLRequest(public=True)).status_code == 204
    assert client.get_layer_version("open", "1").body.acl == 1
    listed = client.list_layers(m.ListLayersRequest(public=True)).body.layers
    assert [each.layer_name for each in listed] == ["open"]
    assert client.list_layers(m.ListLayersRequest(official=True)).body.layers == []
    client.put_layer_acl("open", m.PutLayerACLRequest(public=False))
    assert client.list_layers(m.ListLayersRequest(public=True)).body.layers == []
    assert failure(client.put_layer_acl, "none", m.PutLayerACLRequest(public=True)) == (404, "LayerNotFound")


def test_functions_refer_to_layers(sdk, publish, archive) -> None:
    client, m = sdk
    short = publish("tools").arn
    long = client.get_layer_version("tools", "1").body.arn_v2
    client.create_service(m.CreateServiceRequest(service_name="demo"))
    code = m.Code(zip_file=base64.b64encode(archive.read_bytes()).decode())

    def create(name: str, layers: list[str]):
        return client.create_function(
            "demo",
            m.CreateFunctionRequest(
                function_name=name, runtime="python3.9", handler="index.handler", code=code, layers=layers
            ),
        ).body

    made = create("f", [long])
    assert (made.layers, made.layers_arn_v2) == ([short], [long])
    assert failure(create, "g", [long.replace("/1", "/9")]) == (404, "LayerVersionNotFound")
    assert failure(create, "g", [long] * 6) == (400, "InvalidArgument")
    client.delete_layer_version("tools", "1")
    assert client.get_function("demo", "f", m.GetFunctionRequest()).body.layers == [short]
    assert client.update_function("demo", "f", m.UpdateFunctionRequest(layers=[])).body.layers == []
