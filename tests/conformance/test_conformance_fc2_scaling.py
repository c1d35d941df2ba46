"""aliyun-fc2 2.5.2 (API 2016-08-15): provision, on-demand and async invoke configs, instances, calls."""

import gc
import json

import fc2
import pytest

# The SDK never closes the archive that it reads; the warning is its own.
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <_io.FileIO name=.*zip:pytest.PytestUnraisableExceptionWarning"
    ),
    pytest.mark.filterwarnings("ignore:unclosed file <_io.BufferedReader name=.*zip:ResourceWarning"),
]

ACCOUNT = "1234567890123456"
ARN = "acs:fc:cn-hangzhou:1:services/demo/functions/fc2"


@pytest.fixture(autouse=True)
def leaks_stay_here():
    """Let the SDK's unclosed files be found in the test that made them, where their warning is expected."""
    yield
    gc.collect()


@pytest.fixture
def client(fc2_client, archive):
    made = fc2_client()
    made.create_service("demo")
    made.create_function("demo", "f", "python3.9", "index.handler", codeZipFile=str(archive))
    made.publish_version("demo")
    made.create_alias("demo", "test", "1")
    return made


def failure(call, *arguments, **named) -> tuple[int, str]:
    with pytest.raises(fc2.FcError) as caught:
        call(*arguments, **named)
    return caught.value.status_code, caught.value.err_code


def test_provision_config(client) -> None:
    resource = f"{ACCOUNT}#demo#test#f"
    put = client.put_provision_config("demo", "test", "f", 10)
    assert (put.data["target"], put.data["resource"]) == (10, resource)
    seen = client.get_provision_config("demo", "test", "f")
    assert (seen.data["target"], seen.data["current"], seen.data["resource"]) == (10, 10, resource)
    listed = client.list_provision_configs("demo", "test").data
    assert [each["resource"] for each in listed["provisionConfigs"]] == [resource]
    assert failure(client.delete_function, "demo", "f") == (409, "ProvisionConfigExist")
    etag = seen.headers["etag"]
    client.put_provision_config("demo", "test", "f", 11, headers={"if-match": etag})
    stale = failure(client.put_provision_config, "demo", "test", "f", 12, headers={"if-match": etag})
    assert stale == (412, "PreconditionFailed")
    assert failure(client.put_provision_config, "demo", "test", "f", 10_001) == (400, "InvalidArgument")
    assert failure(client.put_provision_config, "demo", "nobody", "f", 1) == (404, "AliasNotFound")
    assert failure(client.get_provision_config, "demo", "test", "none") == (404, "FunctionNotFound")
    client.put_provision_config("demo", "test", "f", 0)
    assert client.get_provision_config("demo", "test", "f").data["target"] == 0
    assert client.list_provision_configs("demo", None).data == {"provisionConfigs": []}
    client.delete_function("demo", "f")


def test_provision_lists(client, archive) -> None:
    for name in ("g", "h"):
        client.create_function("demo", name, "python3.9", "index.handler", codeZipFile=str(archive))
    for name in "fgh":
        client.put_provision_config("demo", "LATEST", name, 1)
    page = client.list_provision_configs("demo", "LATEST", limit=2).data
    assert [each["resource"][-1] for each in page["provisionConfigs"]] == ["f", "g"]
    rest = client.list_provision_configs("demo", "LATEST", limit=2, nextToken=page["nextToken"]).data
    assert [each["resource"][-1] for each in rest["provisionConfigs"]] == ["h"]
    assert not rest.get("nextToken")


def test_on_demand_config(client) -> None:
    missing = (404, "OnDemandConfigNotFound")
    assert failure(client.get_on_demand_config, "demo", "test", "f") == missing
    assert client.list_on_demand_config().data["configs"] is None
    put = client.put_on_demand_config("demo", "test", "f", 10)
    assert put.data == {"resource": "services/demo.test/functions/f", "maximumInstanceCount": 10}
    seen = client.get_on_demand_config("demo", "test", "f")
    assert (seen.data, seen.headers["etag"]) == (put.data, put.headers["etag"])
    guard = {"if-match": seen.headers["etag"]}
    newer = client.put_on_demand_config("demo", "test", "f", 11, headers=guard)
    assert failure(client.put_on_demand_config, "demo", "test", "f", 12, headers=guard) == (412, "PreconditionFailed")
    assert failure(client.delete_on_demand_config, "demo", "test", "f", headers=guard) == (412, "PreconditionFailed")
    assert failure(client.put_on_demand_config, "demo", "test", "f", 101) == (400, "InvalidArgument")
    for name in ("g", "h"):
        client.put_on_demand_config("demo", "test", name, 1)
    page = client.list_on_demand_config(limit=2, prefix="services/demo.").data
    assert [each["maximumInstanceCount"] for each in page["configs"]] == [11, 1]
    rest = client.list_on_demand_config(limit=2, nextToken=page["nextToken"]).data
    assert [each["resource"] for each in rest["configs"]] == ["services/demo.test/functions/h"]
    client.delete_on_demand_config("demo", "test", "f", headers={"if-match": newer.headers["etag"]})
    assert failure(client.delete_on_demand_config, "demo", "test", "f") == missing


def test_async_config(client) -> None:
    missing = (404, "AsyncConfigNotExists")
    assert failure(client.get_function_async_invoke_config, "demo", "test", "f") == missing
    assert client.list_function_async_invoke_configs("demo", "f").data == {"configs": None, "nextToken": ""}
    config = {
        "destinationConfig": {"onSuccess": {"destination": ARN}},
        "maxAsyncEventAgeInSeconds": 100,
        "maxAsyncRetryAttempts": 1,
    }
    made = client.put_function_async_invoke_config("demo", "test", "f", config).data
    assert (made["service"], made["function"], made["qualifier"]) == ("demo", "f", "test")
    assert made["destinationConfig"]["onSuccess"]["destination"] == ARN
    assert (made["maxAsyncEventAgeInSeconds"], made["maxAsyncRetryAttempts"]) == (100, 1)
    assert made["createdTime"]
    assert made["lastModifiedTime"]
    assert client.get_function_async_invoke_config("demo", "test", "f").data == made
    merged = client.put_function_async_invoke_config("demo", "test", "f", {"maxAsyncRetryAttempts": 0}).data
    assert (merged["maxAsyncRetryAttempts"], merged["maxAsyncEventAgeInSeconds"]) == (0, 100)
    assert client.put_function_async_invoke_config("demo", "LATEST", "f", {}).data["qualifier"] == "LATEST"
    page = client.list_function_async_invoke_configs("demo", "f", limit=1).data
    assert ([each["qualifier"] for each in page["configs"]], page["nextToken"]) == (["LATEST"], "test")
    rest = client.list_function_async_invoke_configs("demo", "f", limit=1, nextToken="test").data
    assert ([each["qualifier"] for each in rest["configs"]], rest["nextToken"]) == (["test"], "")
    bad = {"maxAsyncRetryAttempts": 9}
    assert failure(client.put_function_async_invoke_config, "demo", "test", "f", bad) == (400, "InvalidArgument")
    gone = failure(client.put_function_async_invoke_config, "demo", "test", "none", {})
    assert gone == (404, "FunctionNotFound")
    for qualifier in ("test", "LATEST"):
        client.delete_function_async_invoke_config("demo", qualifier, "f")
        assert failure(client.delete_function_async_invoke_config, "demo", qualifier, "f") == missing


def test_instances(client) -> None:
    assert client.list_instances("demo", "LATEST", "f").data == {"instances": []}
    assert client.list_instances("demo", "test", "f", params={"limit": 5, "instanceIds": ["a", "b"]}).data == {
        "instances": []
    }
    assert failure(client.list_instances, "demo", "LATEST", "none") == (404, "FunctionNotFound")
    assert failure(client.list_instances, "demo", "LATEST", "f", params={"limit": 1001}) == (400, "InvalidArgument")


def test_calls_say_that_no_code_is_run(client) -> None:
    with pytest.raises(fc2.FcError) as caught:
        client.invoke_function("demo", "f", payload=b"x", qualifier="test")
    assert (caught.value.status_code, caught.value.err_code) == (501, "NotImplemented")
    assert "does not run code" in str(caught.value)
    later = {"x-fc-invocation-type": "Async"}
    assert failure(client.invoke_function, "demo", "f", headers=later) == (501, "NotImplemented")
    wrong = {"x-fc-log-type": "Invalid"}
    assert failure(client.invoke_function, "demo", "f", headers=wrong) == (400, "InvalidArgument")
    assert failure(client.invoke_function, "demo", "none") == (404, "FunctionNotFound")
    assert failure(client.invoke_function, "demo", "f", qualifier="9") == (404, "VersionNotFound")


def test_http_triggers_say_that_no_code_is_run(client) -> None:
    """The SDK signs such a call with its query; it returns the answer and raises nothing."""
    http = {"authType": "function", "methods": ["GET"]}
    client.create_trigger("demo", "f", "h", "http", http, "", "")
    for path, query in (("/a b/c", {"k": ["v", "w"], "a": ""}), ("", None), ("/x", {"é": "ü"})):
        answer = client.do_http_request("GET", "demo", "f", path, params=query)
        assert answer.status_code == 501, answer.text
        assert answer.headers["x-fc-error-type"] == "FcCommonError"
        assert json.loads(answer.content)["ErrorCode"] == "NotImplemented"
    assert client.do_http_request("GET", "demo.1", "f", "/").json()["ErrorCode"] == "TriggerNotFound"
