"""alibabacloud-fc-open20210406 2.0.12 (API 2021-04-06, ACS3 signature): services, tags, functions, code, triggers."""

import base64
import json

import pytest
import requests

ROLE = "acs:ram::1234567890123456:role/fc"


@pytest.fixture
def sdk(fc_open):
    return fc_open


def failure(call, *arguments) -> tuple[int, str]:
    from Tea.exceptions import TeaException

    with pytest.raises(TeaException) as caught:
        call(*arguments)
    return caught.value.statusCode, caught.value.code


def test_service_life(sdk) -> None:
    client, m = sdk
    made = client.create_service(
        m.CreateServiceRequest(
            service_name="demo",
            description="d",
            role=ROLE,
            log_config=m.LogConfig(project="p", logstore="l", enable_request_metrics=True),
            nas_config=m.NASConfig(
                user_id=1, group_id=2, mount_points=[m.NASConfigMountPoints(server_addr="nas:/", mount_dir="/mnt")]
            ),
        )
    )
    assert made.status_code == 200
    assert made.body.service_name == "demo"
    assert made.body.log_config.logstore == "l"
    assert made.body.nas_config.mount_points[0].mount_dir == "/mnt"
    etag = made.headers["etag"]
    seen = client.get_service("demo", m.GetServiceRequest(qualifier="LATEST"))
    assert seen.body.to_map() == made.body.to_map()

    def update(guard: str):
        from alibabacloud_tea_util.models import RuntimeOptions

        headers = m.UpdateServiceHeaders(if_match=guard)
        request = m.UpdateServiceRequest(internet_access=False)
        return client.update_service_with_options("demo", request, headers, RuntimeOptions())

    changed = update(etag)
    assert changed.body.internet_access is False
    assert changed.body.description == "d"
    assert failure(update, etag) == (412, "PreconditionFailed")
    assert client.delete_service("demo").status_code == 204
    assert failure(client.get_service, "demo", m.GetServiceRequest()) == (404, "ServiceNotFound")


def test_lists_with_spaces_in_the_query(sdk) -> None:
    client, m = sdk
    for name in ("a1", "a2", "b1"):
        client.create_service(m.CreateServiceRequest(service_name=name))
    page = client.list_services(m.ListServicesRequest(limit=1, prefix="a")).body
    assert [each.service_name for each in page.services] == ["a1"]
    rest = client.list_services(m.ListServicesRequest(prefix="a", next_token=page.next_token)).body
    assert [each.service_name for each in rest.services] == ["a2"]
    assert rest.next_token is None
    assert client.list_services(m.ListServicesRequest(prefix="a b+c%~/é")).body.services == []


def test_tags(sdk) -> None:
    client, m = sdk
    client.create_service(m.CreateServiceRequest(service_name="one"))
    arn = "acs:fc:cn-hangzhou:1234567890123456:services/one"
    client.tag_resource(m.TagResourceRequest(resource_arn=arn, tags={"k": "v", "l": "w"}))
    assert client.get_resource_tags(m.GetResourceTagsRequest(resource_arn=arn)).body.tags == {"k": "v", "l": "w"}
    listed = client.list_tagged_resources(m.ListTaggedResourcesRequest()).body.resources
    assert [(each.resource_arn, each.tags) for each in listed] == [(arn, {"k": "v", "l": "w"})]
    client.untag_resource(m.UntagResourceRequest(resource_arn=arn, tag_keys=["k"]))
    assert client.get_resource_tags(m.GetResourceTagsRequest(resource_arn=arn)).body.tags == {"l": "w"}
    client.untag_resource(m.UntagResourceRequest(resource_arn=arn, all=True))
    assert not client.list_tagged_resources(m.ListTaggedResourcesRequest()).body.resources


def test_function_life_and_code(sdk, archive) -> None:
    client, m = sdk
    client.create_service(m.CreateServiceRequest(service_name="demo"))
    code = m.Code(zip_file=base64.b64encode(archive.read_bytes()).decode())
    made = client.create_function(
        "demo",
        m.CreateFunctionRequest(
            function_name="hello",
            runtime="nodejs16",
            handler="index.handler",
            code=code,
            instance_concurrency=5,
            instance_lifecycle_config=m.InstanceLifecycleConfig(
                pre_stop=m.LifecycleHook(handler="index.stop", timeout=9)
            ),
            custom_dns=m.CustomDNS(name_servers=["8.8.8.8"], dns_options=[m.DNSOption(name="ndots", value="1")]),
        ),
    )
    assert made.body.instance_concurrency == 5
    assert made.body.instance_lifecycle_config.pre_stop.timeout == 9
    assert made.body.custom_dns.dns_options[0].name == "ndots"
    assert made.body.code_size == archive.stat().st_size
    changed = client.update_function("demo", "hello", m.UpdateFunctionRequest(instance_concurrency=7, cpu=0.5))
    assert (changed.body.instance_concurrency, changed.body.cpu) == (7, 0.5)
    assert changed.body.code_checksum == made.body.code_checksum
    told = client.get_function_code("demo", "hello", m.GetFunctionCodeRequest()).body
    assert told.checksum == made.body.code_checksum
    assert requests.get(told.url, timeout=10).content == archive.read_bytes()
    listed = client.list_functions("demo", m.ListFunctionsRequest(limit=10)).body.functions
    assert [each.function_name for each in listed] == ["hello"]
    assert failure(client.delete_service, "demo") == (409, "ServiceNotEmpty")
    assert client.delete_function("demo", "hello").status_code == 204
    assert failure(client.get_function, "demo", "hello", m.GetFunctionRequest()) == (404, "FunctionNotFound")


def test_a_container_function(sdk) -> None:
    client, m = sdk
    client.create_service(m.CreateServiceRequest(service_name="demo"))
    made = client.create_function(
        "demo",
        m.CreateFunctionRequest(
            function_name="box",
            runtime="custom-container",
            handler="x",
            ca_port=8080,
            custom_container_config=m.CustomContainerConfig(image="registry/x:1", args='["-a"]'),
            custom_health_check_config=m.CustomHealthCheckConfig(http_get_url="/h", period_seconds=10),
        ),
    )
    assert made.body.custom_container_config.image == "registry/x:1"
    assert made.body.custom_health_check_config.period_seconds == 10
    assert made.body.ca_port == 8080


def test_trigger_life(sdk, archive) -> None:
    client, m = sdk
    client.create_service(m.CreateServiceRequest(service_name="demo"))
    code = m.Code(zip_file=base64.b64encode(archive.read_bytes()).decode())
    client.create_function(
        "demo", m.CreateFunctionRequest(function_name="f", runtime="python3.9", handler="index.handler", code=code)
    )
    timer = {"cronExpression": "@every 5m", "payload": "é", "enable": True}
    made = client.create_trigger(
        "demo", "f", m.CreateTriggerRequest(trigger_name="t", trigger_type="timer", trigger_config=json.dumps(timer))
    )
    assert json.loads(made.body.trigger_config) == timer
    changed = client.update_trigger(
        "demo", "f", "t", m.UpdateTriggerRequest(trigger_config=json.dumps({"enable": False}))
    )
    assert json.loads(changed.body.trigger_config) == {**timer, "enable": False}
    listed = client.list_triggers("demo", "f", m.ListTriggersRequest()).body.triggers
    assert [each.trigger_name for each in listed] == ["t"]
    assert json.loads(client.get_trigger("demo", "f", "t").body.trigger_config)["enable"] is False
    assert failure(client.delete_function, "demo", "f") == (409, "FunctionNotEmpty")
    assert client.delete_trigger("demo", "f", "t").status_code == 204
    http = json.dumps({"authType": "anonymous", "methods": ["GET"]})
    web = client.create_trigger(
        "demo", "f", m.CreateTriggerRequest(trigger_name="h", trigger_type="http", trigger_config=http)
    )
    assert web.body.url_internet.startswith("https://")
    assert web.body.source_arn is None


def test_a_wrong_secret(sdk) -> None:
    from alibabacloud_fc_open20210406.client import Client
    from alibabacloud_tea_openapi.models import Config

    client, m = sdk
    endpoint = client._endpoint
    wrong = Config(access_key_id="LTAIconformance", access_key_secret="x", endpoint=endpoint, protocol="HTTP")
    other = Config(access_key_id="nobody", access_key_secret="x", endpoint=endpoint, protocol="HTTP")
    assert failure(Client(wrong).list_services, m.ListServicesRequest()) == (403, "SignatureNotMatch")
    assert failure(Client(other).list_services, m.ListServicesRequest()) == (403, "InvalidAccessKeyID")


def test_an_sts_token_is_signed_along(sdk) -> None:
    from alibabacloud_fc_open20210406.client import Client
    from alibabacloud_tea_openapi.models import Config

    client, m = sdk
    settings = Config(
        access_key_id="LTAIconformance",
        access_key_secret="conformance-secret",
        security_token="CAIS==",
        endpoint=client._endpoint,
        protocol="HTTP",
    )
    assert Client(settings).list_services(m.ListServicesRequest()).body.services == []


def test_an_endpoint_that_is_a_whole_url_and_with_a_prefix(emulator, archive) -> None:
    """The SDK then sends the URL as its Host, and signs that (facts 5.1)."""
    from alibabacloud_fc_open20210406 import models as m
    from alibabacloud_fc_open20210406.client import Client
    from alibabacloud_tea_openapi.models import Config

    keys = {"access_key_id": "LTAIconformance", "access_key_secret": "conformance-secret"}
    client = Client(Config(**keys, endpoint=emulator.url, protocol="HTTP"))
    client.create_service(m.CreateServiceRequest(service_name="demo"))
    code = m.Code(zip_file=base64.b64encode(archive.read_bytes()).decode())
    client.create_function(
        "demo", m.CreateFunctionRequest(function_name="f", runtime="python3.9", handler="index.handler", code=code)
    )
    told = client.get_function_code("demo", "f", m.GetFunctionCodeRequest()).body
    assert requests.get(told.url, timeout=10).content == archive.read_bytes()
