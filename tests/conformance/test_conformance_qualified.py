"""Both SDKs on what is read and listed by version, alias and qualifier; the differential test writes them."""

import base64

import fc2
import pytest

ARN = "acs:mns:cn-hangzhou:1234567890123456:/queues/q/messages"


@pytest.fixture
def old(fc2_client):
    return fc2_client()


@pytest.fixture
def sdk(fc_open):
    return fc_open


@pytest.fixture
def published(sdk, archive):
    """A service with a function, three versions and two aliases, made through the 2021 SDK."""
    client, m = sdk
    client.create_service(m.CreateServiceRequest(service_name="demo", description="live"))
    code = m.Code(zip_file=base64.b64encode(archive.read_bytes()).decode())
    request = m.CreateFunctionRequest(function_name="f", runtime="python3.9", handler="index.handler", code=code)
    client.create_function("demo", request)
    for number in "123":
        client.update_function("demo", "f", m.UpdateFunctionRequest(description=f"d{number}"))
        client.publish_service_version("demo", m.PublishServiceVersionRequest(description=f"v{number}"))
    for name in ("beta", "prod"):
        client.create_alias("demo", m.CreateAliasRequest(alias_name=name, version_id="2"))
    return sdk


def refused(call, *arguments, **more) -> tuple[int, str]:
    with pytest.raises(fc2.FcError) as caught:
        call(*arguments, **more)
    return caught.value.status_code, caught.value.err_code


def failure(call, *arguments) -> tuple[int, str]:
    from Tea.exceptions import TeaException

    with pytest.raises(TeaException) as caught:
        call(*arguments)
    return caught.value.statusCode, caught.value.code


def test_versions_by_fc2(published, old) -> None:
    page = old.list_versions("demo", limit=2).data
    assert [each["versionId"] for each in page["versions"]] == ["3", "2"]
    assert page["direction"] == "BACKWARD"
    rest = old.list_versions("demo", limit=2, nextToken=page["nextToken"]).data
    assert [each["versionId"] for each in rest["versions"]] == ["1"]
    assert "nextToken" not in rest
    forward = old.list_versions("demo", startKey="2", direction="FORWARD").data
    assert [each["versionId"] for each in forward["versions"]] == ["2", "3"]
    assert old.get_service("demo", qualifier="1").data["description"] == "v1"
    assert old.get_service("demo").data["description"] == "live"
    assert old.get_function("demo", "f", qualifier="1").data["description"] == "d1"
    assert old.get_function("demo", "f", qualifier="prod").data["description"] == "d2"
    assert [each["description"] for each in old.list_functions("demo", qualifier="prod").data["functions"]] == ["d2"]
    assert old.get_function_code("demo", "f", qualifier="prod").data["checksum"]
    assert refused(old.get_service, "demo", qualifier="9") == (404, "VersionNotFound")
    assert refused(old.publish_version, "demo", "again")[1] == "VersionPublishError"
    etag = old.get_service("demo").headers["etag"]
    old.update_service("demo", description="newer")
    assert refused(old.publish_version, "demo", "x", headers={"if-match": etag}) == (412, "PreconditionFailed")
    assert old.publish_version("demo", "v4").data["versionId"] == "4"


def test_versions_by_fc_open(published) -> None:
    client, m = published
    page = client.list_service_versions("demo", m.ListServiceVersionsRequest(limit=2)).body
    assert [each.version_id for each in page.versions] == ["3", "2"]
    rest = client.list_service_versions("demo", m.ListServiceVersionsRequest(next_token=page.next_token)).body
    assert ([each.version_id for each in rest.versions], rest.next_token) == (["1"], None)
    assert client.get_service("demo", m.GetServiceRequest(qualifier="1")).body.description == "v1"
    assert client.get_function("demo", "f", m.GetFunctionRequest(qualifier="beta")).body.description == "d2"
    assert client.delete_service_version("demo", "2").status_code == 204
    missing = client.get_function, "demo", "f", m.GetFunctionRequest(qualifier="beta")
    assert failure(*missing) == (404, "VersionNotFound")
    assert failure(client.delete_service_version, "demo", "2") == (404, "VersionNotFound")


def test_aliases(published, old) -> None:
    client, m = published
    page = old.list_aliases("demo", limit=1).data
    assert [each["aliasName"] for each in page["aliases"]] == ["beta"]
    rest = client.list_aliases("demo", m.ListAliasesRequest(next_token=page["nextToken"])).body
    assert ([each.alias_name for each in rest.aliases], rest.next_token) == (["prod"], None)
    seen = old.get_alias("demo", "prod")
    assert seen.data["versionId"] == client.get_alias("demo", "prod").body.version_id == "2"
    changed = old.update_alias("demo", "prod", "3", additionalVersionWeight={"1": 0.25})
    assert changed.data["additionalVersionWeight"] == {"1": 0.25}
    late = {"if-match": seen.headers["etag"]}
    assert refused(old.update_alias, "demo", "prod", "1", headers=late) == (412, "PreconditionFailed")
    assert refused(old.delete_alias, "demo", "prod", headers=late) == (412, "PreconditionFailed")
    assert client.get_alias("demo", "prod").body.additional_version_weight == {"1": 0.25}
    assert refused(old.create_alias, "demo", "LATEST", "1") == (400, "InvalidArgument")
    assert failure(client.get_alias, "demo", "none") == (404, "AliasNotFound")


def test_settings_by_qualifier(published, old) -> None:
    client, m = published
    old.put_provision_config("demo", "prod", "f", 2)
    assert old.get_provision_config("demo", "prod", "f").data["target"] == 2
    seen = client.get_provision_config("demo", "f", m.GetProvisionConfigRequest(qualifier="prod")).body
    assert (seen.target, seen.current) == (2, 2)
    assert len(old.list_provision_configs("demo", "prod").data["provisionConfigs"]) == 1
    listed = client.list_provision_configs(m.ListProvisionConfigsRequest(service_name="demo", qualifier="prod")).body
    assert [each.resource for each in listed.provision_configs] == ["1234567890123456#demo#prod#f"]
    for name in ("beta", "prod"):
        old.put_on_demand_config("demo", name, "f", 5)
    assert old.get_on_demand_config("demo", "beta", "f").data["maximumInstanceCount"] == 5
    page = client.list_on_demand_configs(m.ListOnDemandConfigsRequest(limit=1)).body
    assert [each.resource for each in page.configs] == ["services/demo.beta/functions/f"]
    rest = old.list_on_demand_config(nextToken=page.next_token).data
    assert [each["resource"] for each in rest["configs"]] == ["services/demo.prod/functions/f"]
    old.delete_on_demand_config("demo", "prod", "f")
    assert refused(old.get_on_demand_config, "demo", "prod", "f") == (404, "OnDemandConfigNotFound")
    for name in ("beta", "prod"):
        old.put_function_async_invoke_config("demo", name, "f", {"maxAsyncRetryAttempts": 1})
    old.put_function_async_invoke_config(
        "demo", "prod", "f", {"destinationConfig": {"onSuccess": {"destination": ARN}}}
    )
    request = m.GetFunctionAsyncInvokeConfigRequest(qualifier="prod")
    merged = client.get_function_async_invoke_config("demo", "f", request).body
    assert merged.max_async_retry_attempts == 1
    assert merged.destination_config.on_success.destination == ARN
    assert (merged.service, merged.function, merged.qualifier) == ("demo", "f", "prod")
    page = old.list_function_async_invoke_configs("demo", "f", limit=1).data
    assert [each["qualifier"] for each in page["configs"]] == ["beta"]
    more = m.ListFunctionAsyncInvokeConfigsRequest(next_token=page["nextToken"])
    rest = client.list_function_async_invoke_configs("demo", "f", more).body
    assert [each.qualifier for each in rest.configs] == ["prod"]
    old.delete_function_async_invoke_config("demo", "prod", "f")
    gone = old.get_function_async_invoke_config, "demo", "prod", "f"
    assert refused(*gone) == (404, "AsyncConfigNotExists")


def test_instances(published, old) -> None:
    client, m = published
    assert isinstance(old.list_instances("demo", "prod", "f").data["instances"], list)
    seen = client.list_instances("demo", "f", m.ListInstancesRequest(qualifier="prod", limit=10)).body
    assert isinstance(seen.instances, list)
    assert failure(client.list_instances, "demo", "g", m.ListInstancesRequest()) == (404, "FunctionNotFound")
