"""alibabacloud-fc-open20210406 2.0.12 (API 2021-04-06): versions, aliases, and reading through them."""

import base64

import pytest
import requests


@pytest.fixture
def sdk(fc_open, archive):
    client, m = fc_open
    client.create_service(m.CreateServiceRequest(service_name="demo", description="live"))
    code = m.Code(zip_file=base64.b64encode(archive.read_bytes()).decode())
    client.create_function(
        "demo", m.CreateFunctionRequest(function_name="f", runtime="python3.9", handler="index.handler", code=code)
    )
    return client, m


def failure(call, *arguments) -> tuple[int, str]:
    from Tea.exceptions import TeaException

    with pytest.raises(TeaException) as caught:
        call(*arguments)
    return caught.value.statusCode, caught.value.code


def options():
    from alibabacloud_tea_util.models import RuntimeOptions

    return RuntimeOptions()


def test_version_life(sdk) -> None:
    client, m = sdk

    def publish(guard: str | None = None):
        headers = m.PublishServiceVersionHeaders(if_match=guard)
        request = m.PublishServiceVersionRequest(description="d")
        return client.publish_service_version_with_options("demo", request, headers, options())

    etag = client.get_service("demo", m.GetServiceRequest()).headers["etag"]
    made = publish(etag)
    assert (made.body.version_id, made.body.description) == ("1", "d")
    assert made.body.created_time
    assert made.body.last_modified_time
    assert made.headers["etag"]
    assert failure(publish) == (409, "VersionPublishError")
    client.update_service("demo", m.UpdateServiceRequest(description="x"))
    assert failure(publish, etag) == (412, "PreconditionFailed")
    bare = client.publish_service_version("demo", m.PublishServiceVersionRequest())
    assert (bare.body.version_id, bare.body.description) == ("2", "")
    assert client.delete_service_version("demo", "2").status_code == 204
    assert failure(client.delete_service_version, "demo", "2") == (404, "VersionNotFound")
    assert failure(client.delete_service_version, "demo", "LATEST") == (400, "InvalidArgument")
    assert publish().body.version_id == "3"
    assert failure(client.publish_service_version, "none", m.PublishServiceVersionRequest()) == (404, "ServiceNotFound")


def test_version_lists(sdk) -> None:
    client, m = sdk
    for number in range(1, 7):
        client.update_service("demo", m.UpdateServiceRequest(description=str(number)))
        client.publish_service_version("demo", m.PublishServiceVersionRequest(description=f"v{number}"))

    def listed(**query: object) -> tuple[list[str], str | None, str]:
        body = client.list_service_versions("demo", m.ListServiceVersionsRequest(**query)).body
        return [each.version_id for each in body.versions], body.next_token, body.direction

    assert listed() == (["6", "5", "4", "3", "2", "1"], None, "BACKWARD")
    assert listed(limit=2) == (["6", "5"], "4", "BACKWARD")
    assert listed(limit=3, next_token="4") == (["4", "3", "2"], "1", "BACKWARD")
    assert listed(direction="FORWARD", start_key="4", limit=2) == (["4", "5"], "6", "FORWARD")
    wrong = m.ListServiceVersionsRequest(direction="x")
    assert failure(client.list_service_versions, "demo", wrong) == (400, "InvalidArgument")


def test_reading_through_versions_and_aliases(sdk, archive) -> None:
    client, m = sdk
    live = client.get_function("demo", "f", m.GetFunctionRequest()).body
    client.publish_service_version("demo", m.PublishServiceVersionRequest(description="v1"))
    client.create_alias("demo", m.CreateAliasRequest(alias_name="test", version_id="1"))
    client.update_function("demo", "f", m.UpdateFunctionRequest(timeout=99, environment_variables={"A": "b"}))
    client.update_service("demo", m.UpdateServiceRequest(description="later"))
    for qualifier in ("1", "test"):
        assert client.get_service("demo", m.GetServiceRequest(qualifier=qualifier)).body.description == "v1"
        seen = client.get_function("demo", "f", m.GetFunctionRequest(qualifier=qualifier)).body
        assert seen.to_map() == live.to_map()
        listed = client.list_functions("demo", m.ListFunctionsRequest(qualifier=qualifier)).body.functions
        assert [(each.function_name, each.timeout) for each in listed] == [("f", 3)]
        told = client.get_function_code("demo", "f", m.GetFunctionCodeRequest(qualifier=qualifier)).body
        assert told.checksum == live.code_checksum
        assert requests.get(told.url, timeout=10).content == archive.read_bytes()
    assert client.get_function("demo", "f", m.GetFunctionRequest(qualifier="LATEST")).body.timeout == 99
    unknown = m.GetFunctionRequest(qualifier="7")
    assert failure(client.get_function, "demo", "f", unknown) == (404, "VersionNotFound")
    nobody = m.GetServiceRequest(qualifier="nobody")
    assert failure(client.get_service, "demo", nobody) == (404, "AliasNotFound")


def test_alias_life(sdk) -> None:
    client, m = sdk
    for number in "12":
        client.update_service("demo", m.UpdateServiceRequest(description=number))
        client.publish_service_version("demo", m.PublishServiceVersionRequest())
    plain = client.create_alias("demo", m.CreateAliasRequest(alias_name="plain", version_id="1")).body
    assert (plain.description, plain.additional_version_weight, plain.resolve_policy) == ("", None, "Random")
    route = m.RoutePolicy(condition="AND", policy_items=[m.PolicyItem(key="x", operator="=", type="Header", value="1")])
    made = client.create_alias(
        "demo",
        m.CreateAliasRequest(
            alias_name="test",
            version_id="1",
            description="d",
            additional_version_weight={"2": 0.05},
            resolve_policy="Content",
            route_policy=route,
        ),
    )
    assert made.body.additional_version_weight == {"2": 0.05}
    assert made.body.route_policy.policy_items[0].type == "Header"
    assert client.get_alias("demo", "test").body.to_map() == made.body.to_map()
    etag = made.headers["etag"]

    def update(guard: str | None = None, **fields: object):
        headers = m.UpdateAliasHeaders(if_match=guard)
        return client.update_alias_with_options("demo", "test", m.UpdateAliasRequest(**fields), headers, options())

    changed = update(etag, version_id="2", additional_version_weight={"1": 1.0})
    assert (changed.body.version_id, changed.body.description) == ("2", "d")
    assert failure(lambda: update(etag, description="late")) == (412, "PreconditionFailed")
    assert update(description="").body.description == ""
    assert update(additional_version_weight={}).body.additional_version_weight == {}
    contains = failure(lambda: update(additional_version_weight={"2": 0.5}))
    assert contains == (400, "AdditionalVersionContainsMajorVersion")

    def delete(guard: str | None = None):
        return client.delete_alias_with_options("demo", "test", m.DeleteAliasHeaders(if_match=guard), options())

    assert failure(delete, etag) == (412, "PreconditionFailed")
    assert delete().status_code == 204
    assert failure(client.get_alias, "demo", "test") == (404, "AliasNotFound")
    again = m.CreateAliasRequest(alias_name="plain", version_id="1")
    assert failure(client.create_alias, "demo", again) == (409, "AliasAlreadyExists")
    missing = m.CreateAliasRequest(alias_name="other", version_id="9")
    assert failure(client.create_alias, "demo", missing) == (404, "VersionNotFound")


def test_alias_lists(sdk) -> None:
    client, m = sdk
    client.publish_service_version("demo", m.PublishServiceVersionRequest())
    for name in ("b", "a1", "a2"):
        client.create_alias("demo", m.CreateAliasRequest(alias_name=name, version_id="1"))
    page = client.list_aliases("demo", m.ListAliasesRequest(limit=1, prefix="a")).body
    assert [each.alias_name for each in page.aliases] == ["a1"]
    rest = client.list_aliases("demo", m.ListAliasesRequest(prefix="a", next_token=page.next_token)).body
    assert ([each.alias_name for each in rest.aliases], rest.next_token) == (["a2"], None)
    assert [
        each.alias_name for each in client.list_aliases("demo", m.ListAliasesRequest(start_key="b")).body.aliases
    ] == ["b"]
