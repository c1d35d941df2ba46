"""Functions and their code (facts 9.2, 12)."""

import base64

import pytest

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


@pytest.fixture
def service(api) -> str:
    api.ok("POST", "/services", {"serviceName": "s"})
    return "/services/s/functions"


def test_create_answers_defaults_and_the_checksum(api, service, function_body) -> None:
    body = function_body(code={"zipFile": base64.b64encode(EMPTY_ZIP).decode()})
    answer = api.send("POST", service, body)
    made = answer.json()
    assert made["codeChecksum"] == "2220831586920633690"  # facts 12, the 22-byte empty zip
    assert made["codeSize"] == 22
    assert (made["timeout"], made["memorySize"], made["instanceType"]) == (3, 128, "e1")
    assert (made["initializer"], made["initializationTimeout"], made["instanceConcurrency"]) == ("", 3, 1)
    assert made["environmentVariables"] == {}
    assert made["layers"] == []
    assert "code" not in made
    assert api.send("GET", f"{service}/f").headers["etag"] == answer.headers["etag"]
    assert api.ok("GET", f"{service}/f") == made


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"runtime": "nodejs3"}, "Runtime is set to an invalid value (allowed: nodejs20 | "),
        ({"runtime": 10}, "actual: '10')"),
        ({"runtime": None}, "Runtime is required"),
        ({"handler": None}, "Handler is required"),
        ({"functionName": "a" * 65}, "max: 64"),
        ({"functionName": "9"}, "FunctionName doesn't match expected format"),
        ({"code": None}, "Code is required"),
        ({"code": {}}, "Code must have either"),
        ({"code": {"zipFile": "%%%"}}, "not valid base64"),
        ({"code": {"zipFile": "eHg="}}, "not a valid zip"),
        ({"code": {"ossBucketName": "b"}}, "Code must have either"),
        ({"customContainerConfig": {"image": "i"}}, "only supported when Runtime is 'custom-container'"),
        ({"runtime": "custom-container"}, "Code is not supported"),
        ({"timeout": 0}, "Timeout is set to an invalid value"),
        ({"timeout": 86401}, "Timeout is set to an invalid value"),
        ({"timeout": 3.5}, "Timeout is set to an invalid value"),
        ({"timeout": True}, "Timeout is set to an invalid value"),
        ({"timeout": "3"}, "Timeout is set to an invalid value"),
        ({"initializationTimeout": 301}, "InitializationTimeout"),
        ({"memorySize": 130}, "multiple of 64"),
        ({"memorySize": 3136}, "MemorySize"),
        ({"memorySize": 1024, "instanceType": "c1"}, "allowed: 4096 | 8192"),
        ({"cpu": 0.33}, "Cpu"),
        ({"diskSize": 1024}, "DiskSize"),
        ({"gpuMemorySize": 1000}, "GpuMemorySize"),
        ({"instanceType": "e2"}, "InstanceType"),
        ({"instanceConcurrency": 101}, "InstanceConcurrency"),
        ({"instanceConcurrency": 2}, "not supported by runtime 'python3.9'"),
        ({"runtime": "nodejs14", "instanceConcurrency": 2, "instanceSoftConcurrency": 3}, "InstanceSoftConcurrency"),
        ({"environmentVariables": {"a": 1}}, "EnvironmentVariables.a"),
        ({"environmentVariables": []}, "EnvironmentVariables"),
        ({"layers": ["x"] * 6}, "Layers contains too many values (max: 5, actual: 6)"),
        ({"layers": ["x"]}, "Layers is set to an invalid value"),
        ({"caPort": 9000}, "custom runtimes"),
        ({"customHealthCheckConfig": {}}, "custom runtimes"),
        ({"instanceLifecycleConfig": {"preStop": {"timeout": 91}}}, "InstanceLifecycleConfig.PreStop.Timeout"),
    ],
)
def test_fields_are_checked(api, service, function_body, change, text) -> None:
    status, code, message = api.error("POST", service, {**function_body(), **change})
    assert (status, code) == (400, "InvalidArgument")
    assert text in message
    assert api.ok("GET", service) == {"functions": []}


def test_boundaries_are_allowed(api, service, function_body) -> None:
    for place, change in enumerate(
        (
            {"timeout": 86400, "memorySize": 3072, "initializationTimeout": 300},
            {"cpu": 0.35, "memorySize": 4096},
            {"instanceType": "c1", "memorySize": 32768, "diskSize": 10240},
            {"runtime": "nodejs14", "instanceConcurrency": 100, "instanceSoftConcurrency": 100},
            {"runtime": "custom", "caPort": 8080, "customHealthCheckConfig": {"httpGetUrl": "/h"}},
            {"functionName": "_" * 64},
        )
    ):
        api.ok("POST", service, {**function_body(f"f{place}"), **change})


def test_a_container_function(api, service, function_body) -> None:
    body = {"functionName": "c", "runtime": "custom-container", "handler": "x"}
    assert "CustomContainerConfig is required" in api.error("POST", service, body)[2]
    bad = {**body, "customContainerConfig": {"image": "i", "command": ["a"]}}
    assert api.error("POST", service, bad)[1] == "InvalidArgument"
    made = api.ok("POST", service, {**body, "customContainerConfig": {"image": "i", "args": '["-a"]'}})
    assert made["caPort"] == 9000
    assert made["customContainerConfig"]["webServerMode"] is True
    assert (made["codeSize"], made["codeChecksum"]) == (0, "")
    assert api.error("GET", f"{service}/c/code")[:2] == (400, "InvalidArgument")
    moved = api.ok("PUT", f"{service}/c", {"runtime": "python3.9", "code": function_body()["code"]})
    assert moved["customContainerConfig"] is None
    assert moved["caPort"] is None
    assert moved["codeSize"] > 0
    assert "Code is required" in api.error("PUT", f"{service}/c", {"runtime": "custom-container"})[2].replace(
        "CustomContainerConfig", "Code"
    )


def test_existence_is_checked_from_the_top(api, function_body) -> None:
    assert api.error("POST", "/services/s/functions", function_body())[:2] == (404, "ServiceNotFound")
    assert api.error("GET", "/services/s/functions/f")[:2] == (404, "ServiceNotFound")
    api.ok("POST", "/services", {"serviceName": "s"})
    assert api.error("GET", "/services/s/functions/f") == (
        404,
        "FunctionNotFound",
        "function 'f' does not exist in service 's'",
    )
    api.ok("POST", "/services/s/functions", function_body())
    assert api.error("POST", "/services/s/functions", function_body())[:2] == (409, "FunctionAlreadyExists")


def test_update_merges_and_keeps_the_code(api, service, function_body) -> None:
    made = api.ok("POST", service, function_body(environmentVariables={"a": "1", "b": "2"}, description="d"))
    seen = api.ok("PUT", f"{service}/f", {"MemorySize": 256, "code": None, "functionName": "other"})
    assert seen["memorySize"] == 256
    assert seen["functionName"] == "f"
    assert (seen["codeChecksum"], seen["codeSize"]) == (made["codeChecksum"], made["codeSize"])
    assert seen["environmentVariables"] == {"a": "1", "b": "2"}
    assert api.ok("PUT", f"{service}/f", {"environmentVariables": {"c": "3"}})["environmentVariables"] == {"c": "3"}
    seen = api.ok("PUT", f"{service}/f", {"environmentVariables": {}, "description": ""})
    assert (seen["environmentVariables"], seen["description"]) == ({}, "")
    seen = api.ok("PUT", f"{service}/f", {"code": {"zipFile": base64.b64encode(EMPTY_ZIP).decode()}})
    assert seen["codeSize"] == 22
    assert seen["functionId"] == made["functionId"]


def test_if_match_is_the_function_s_own(api, service, function_body) -> None:
    outer = api.send("GET", "/services/s").headers["etag"]
    etag = api.send("POST", service, function_body()).headers["etag"]
    assert api.send("GET", "/services/s").headers["etag"] == outer
    assert api.error("PUT", f"{service}/f", {}, headers={"if-match": outer})[:2] == (412, "PreconditionFailed")
    newer = api.send("PUT", f"{service}/f", {"timeout": 9}, headers={"If-Match": etag}).headers["etag"]
    assert newer != etag
    assert api.error("DELETE", f"{service}/f", headers={"if-match": etag})[0] == 412
    api.ok("DELETE", f"{service}/f", headers={"if-match": newer})


def test_the_checksum_header_is_compared(api, service, function_body, zipped) -> None:
    body = function_body(code={"zipFile": base64.b64encode(EMPTY_ZIP).decode()})
    wrong = {"x-fc-code-checksum": "1"}
    assert api.error("POST", service, body, headers=wrong)[:2] == (400, "InvalidArgument")
    api.ok("POST", service, body, headers={"x-fc-code-checksum": "2220831586920633690"})
    assert api.error("PUT", f"{service}/f", {"code": body["code"]}, headers=wrong)[0] == 400


def test_the_code_comes_back_byte_for_byte(api, service, function_body, zipped, client) -> None:
    content = zipped("print('é')" * 1000)
    api.ok("POST", service, function_body(code={"zipFile": base64.b64encode(content).decode()}))
    told = api.ok("GET", f"{service}/f/code")
    assert told["checksum"] == api.ok("GET", f"{service}/f")["codeChecksum"]
    assert told["url"].startswith(api.url)
    fetched = client.get(told["url"])
    assert fetched.content == content
    assert fetched.headers["content-type"] == "application/zip"
    assert client.get(told["url"][:-1] + "z").status_code == 403
    assert client.get(told["url"].replace("/__code__/", "/__code__/9")).status_code == 403
    # A client that keeps the vendor's Host gets a link that it can reach all the same.
    told = api.ok("GET", f"{service}/f/code", headers={"host": f"{api.account}.cn-hangzhou.fc.aliyuncs.com"})
    assert client.get(told["url"]).content == content


def test_code_from_the_folder_that_stands_for_oss(start, tmp_path, zipped, function_body) -> None:
    (tmp_path / "bucket").mkdir()
    (tmp_path / "bucket" / "a.zip").write_bytes(zipped())
    _, api = start(oss_root=tmp_path)
    api.ok("POST", "/services", {"serviceName": "s"})
    path = "/services/s/functions"
    made = api.ok("POST", path, function_body(code={"ossBucketName": "bucket", "ossObjectName": "a.zip"}))
    assert made["codeSize"] == len(zipped())
    for name in ("none.zip", "../../etc/passwd", "a\x00b"):
        body = function_body("g", code={"ossBucketName": "bucket", "ossObjectName": name})
        assert api.error("POST", path, body)[:2] == (400, "InvalidArgument")


def test_a_made_up_oss_archive_is_stable(api, service, function_body) -> None:
    code = {"ossBucketName": "b", "ossObjectName": "dir/o.zip"}
    first = api.ok("POST", service, function_body(code=code))
    second = api.ok("PUT", f"{service}/f", {"code": code})
    other = api.ok("PUT", f"{service}/f", {"code": {**code, "ossObjectName": "p.zip"}})
    assert first["codeChecksum"] == second["codeChecksum"] != other["codeChecksum"]


def test_layers_in_both_spellings(api, service, function_body) -> None:
    official = "acs:fc:cn-hangzhou:official:layers/Python310/versions/2"
    seen = api.ok("POST", service, function_body(layers=[official]))
    assert seen["layersArnV2"] == [official]
    assert seen["layers"][0].endswith("#Python310#2")
    again = api.ok("PUT", f"{service}/f", {"layers": seen["layers"]})
    assert again["layers"] == seen["layers"]
    assert again["layersArnV2"] == [official]
    own = f"acs:fc:cn-hangzhou:{api.account}:layers/l/versions/1"
    assert api.error("PUT", f"{service}/f", {"layers": [own]})[:2] == (404, "LayerVersionNotFound")
    assert api.ok("PUT", f"{service}/f", {"layers": []})["layers"] == []


def test_lists(api, service, function_body) -> None:
    for name in ("b", "a", "c"):
        api.ok("POST", service, function_body(name))
    page = api.ok("GET", f"{service}?limit=2")
    assert [each["functionName"] for each in page["functions"]] == ["a", "b"]
    assert page["functions"][0] == api.ok("GET", f"{service}/a")
    rest = api.ok("GET", f"{service}?limit=2&nextToken={page['nextToken']}")
    assert [each["functionName"] for each in rest["functions"]] == ["c"]
    assert "nextToken" not in rest
    assert api.error("GET", "/services/none/functions")[:2] == (404, "ServiceNotFound")


def test_the_number_of_functions_is_limited(start, function_body) -> None:
    _, api = start(functions_per_service=1)
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/functions", function_body("a"))
    assert api.error("POST", "/services/s/functions", function_body("b"))[:2] == (400, "LimitExceededError")


def test_code_size_and_body_size_are_limited(start, function_body) -> None:
    _, api = start(code_limit=100, body_limit=2000)
    api.ok("POST", "/services", {"serviceName": "s"})
    message = api.error("POST", "/services/s/functions", function_body())[2]
    assert "Code size exceeds the maximum allowed length (max: 100, actual: '" in message
    big = b'{"functionName": "' + b"x" * 3000 + b'"}'
    expected = (400, "EntityTooLarge", "payload size exceeds maximum allowed size (2000 bytes)")
    assert api.error("POST", "/services/s/functions", content=big) == expected
    assert api.ok("GET", "/services/s")["serviceName"] == "s"  # the connection is still good
