"""FunctionGraph's own SDK 3.1.219, unmodified, through every operation that the emulator has."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.emulator.huawei.registry import ROUTES
from fcdeploy.emulator.server import Handle, start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings

AK, SK = "HWconformance", "conformance-secret"
PROJECT = "0123456789abcdef0123456789abcdef"
URN = f"urn:fss:cn-north-4:{PROJECT}:function:default:f"
SOURCE = b"# -*- coding:utf-8 -*-"
NOT_IN_SDK = {"ListProjectTriggers", "ListRuntimeTypes", "ListTriggerTypes"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK writes an id into the home folder when it is imported, and obeys proxies."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def emulator(home: None) -> Iterator[Handle]:
    del home
    with start_in_thread(EmulatorSettings(access_keys={AK: SK})) as handle:
        yield handle


@pytest.fixture
def sdk(emulator: Handle) -> Any:
    """The client and its models as one: `sdk.create_function(...)` sends, `sdk.FuncCode(...)` makes a model."""
    import huaweicloudsdkfunctiongraph.v2 as models
    from huaweicloudsdkcore.auth.credentials import BasicCredentials

    client = (
        models.FunctionGraphClient.new_builder()
        .with_credentials(BasicCredentials(AK, SK, PROJECT))
        .with_endpoint(emulator.url)
        .build()
    )

    class Sdk:
        def __getattr__(self, name: str) -> Any:
            return getattr(models, name) if name[0].isupper() else getattr(client, name)

    return Sdk()


def refused(code: str, status: int, call: Callable[[], Any]) -> None:
    from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

    with pytest.raises(ClientRequestException) as caught:
        call()
    assert (caught.value.error_code, caught.value.status_code) == (code, status), caught.value.error_msg
    assert caught.value.request_id


def zipped(text: str = "def handler(event, context): pass") -> str:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), text)
    return base64.b64encode(made.getvalue()).decode()


def create(sdk: Any, name: str = "f", **more: Any) -> Any:
    given = {
        "func_name": name,
        "package": "default",
        "runtime": "Python3.10",
        "timeout": 3,
        "handler": "index.handler",
        "memory_size": 128,
        "code_type": "inline",
        "func_code": sdk.FuncCode(file=base64.b64encode(SOURCE).decode()),
    }
    return sdk.create_function(sdk.CreateFunctionRequest(body=sdk.CreateFunctionRequestBody(**given | more)))


def new_code(sdk: Any, text: str) -> Any:
    body = sdk.UpdateFunctionCodeRequestBody(
        code_type="zip", code_filename="index.zip", func_code=sdk.FuncCode(file=zipped(text))
    )
    return sdk.update_function_code(sdk.UpdateFunctionCodeRequest(URN, body=body))


def publish(sdk: Any, version: str) -> Any:
    body = sdk.CreateFunctionVersionRequestBody(version=version, description=f"version {version}")
    return sdk.create_function_version(sdk.CreateFunctionVersionRequest(URN, body=body))


def alias(sdk: Any, name: str, version: str) -> Any:
    body = sdk.CreateVersionAliasRequestBody(name=name, version=version)
    return sdk.create_version_alias(sdk.CreateVersionAliasRequest(URN, body=body))


def config(sdk: Any, urn: str = URN, **more: Any) -> Any:
    needed = {"func_name": "f", "runtime": "Python3.10", "timeout": 3, "handler": "index.handler", "memory_size": 128}
    body = sdk.UpdateFunctionConfigRequestBody(**needed | more)
    return sdk.update_function_config(sdk.UpdateFunctionConfigRequest(urn, body=body))


def test_a_function_from_its_creation_to_its_end(sdk: Any) -> None:
    made = create(sdk, description="d é", user_data='{"A":"1"}', encrypted_user_data='{"S":"hidden"}')
    assert (made.func_urn, made.cpu, made.code_size, made.version) == (f"{URN}:latest", 300, len(SOURCE), "latest")
    assert made.digest == hashlib.sha512(SOURCE).hexdigest()
    assert (made.encrypted_user_data, made.code_filename, made.type) == ('{"S":""}', "index.py", "v2")
    refused("FSS.1061", 409, lambda: create(sdk))
    shown = sdk.show_function_config(sdk.ShowFunctionConfigRequest(URN))
    assert (shown.func_urn, shown.description, shown.last_modified) == (URN, "d é", made.last_modified)
    assert sdk.show_function_config(sdk.ShowFunctionConfigRequest(f"{URN}:latest")).func_urn == f"{URN}:latest"
    changed = config(sdk, timeout=9, memory_size=1024)
    assert (changed.timeout, changed.cpu, changed.description) == (9, 1000, "d é")
    instances = sdk.UpdateFunctionMaxInstanceConfigRequestBody(max_instance_num=7)
    request = sdk.UpdateFunctionMaxInstanceConfigRequest(URN, body=instances)
    assert sdk.update_function_max_instance_config(request).strategy_config.concurrency == 7
    refused("FSS.1005", 400, lambda: config(sdk, runtime="Python3.9"))
    refused("FSS.1002", 400, lambda: config(sdk, func_name="g"))
    sdk.update_function_collect_state(sdk.UpdateFunctionCollectStateRequest(func_urn=URN, state="true"))
    refused("FSS.0400", 400, lambda: sdk.delete_function(sdk.DeleteFunctionRequest(f"{URN}:latest")))
    sdk.delete_function(sdk.DeleteFunctionRequest(URN))
    refused("FSS.1051", 404, lambda: sdk.show_function_config(sdk.ShowFunctionConfigRequest(URN)))


def test_code_is_read_back_byte_for_byte(sdk: Any) -> None:
    create(sdk)
    content = base64.b64decode(zipped("print(1)"))
    changed = new_code(sdk, "print(1)")
    assert (changed.digest, changed.code_size) == (hashlib.sha512(content).hexdigest(), len(content))
    link = sdk.show_function_code(sdk.ShowFunctionCodeRequest(URN)).func_code.link
    assert urllib.request.urlopen(link).read() == content
    exported = sdk.export_function(sdk.ExportFunctionRequest(URN, code=True, config=False)).raw_content
    assert b"code_url" in exported
    refused("FSS.0400", 400, lambda: sdk.export_function(sdk.ExportFunctionRequest(URN, code=False, config=False)))
    whole = sdk.export_function(sdk.ExportFunctionRequest(URN, code=True, config=True)).raw_content
    address = json.loads(whole)["code_url"]
    file = base64.b64encode(urllib.request.urlopen(address).read()).decode()
    body = sdk.ImportFunctionRequestBody(func_name="copy", file_name="f.zip", file_type="zip", file_code=file)
    copy = sdk.import_function(sdk.ImportFunctionRequest(body=body))
    assert (copy.func_name, copy.digest) == ("copy", changed.digest)
    refused("FSS.1061", 409, lambda: sdk.import_function(sdk.ImportFunctionRequest(body=body)))


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("FSS.1002", {"func_name": "1f"}),
        ("FSS.1003", {"handler": "handler"}),
        ("FSS.1005", {"runtime": "python3.10"}),
        ("FSS.1006", {"code_type": "folder"}),
        ("FSS.1006", {"code_type": "jar"}),
        ("FSS.1007", {"memory_size": 129}),
        ("FSS.1008", {"timeout": 2}),
        ("FSS.1009", {"user_data": "A=1"}),
        ("FSS.1009", {"user_data": '{"1A":"x"}'}),
        ("FSS.1011", {"code_type": "zip", "code_filename": "index.zip"}),
        ("FSS.1017", {"user_data": str({f"A{n}": "" for n in range(21)}).replace("'", '"')}),
        ("FSS.1018", {"user_data": '{"A":"' + "x" * 4096 + '"}'}),
        ("FSS.1019", {"description": "x" * 513}),
        ("FSS.0400", {"code_type": "zip"}),
        ("FSS.0400", {"pre_stop_timeout": 91}),
    ],
)
def test_what_a_function_may_not_be(sdk: Any, code: str, given: dict[str, Any]) -> None:
    refused(code, 400, lambda: create(sdk, **given))


def test_lists_go_by_pages(sdk: Any) -> None:
    for name in ("a1", "a2", "b1"):
        create(sdk, name)
    first = sdk.list_functions(sdk.ListFunctionsRequest(maxitems="2", marker="0"))
    assert ([one.func_name for one in first.functions], first.next_marker, first.count) == (["a1", "a2"], 2, 3)
    rest = sdk.list_functions(sdk.ListFunctionsRequest(maxitems="2", marker="2"))
    assert ([one.func_name for one in rest.functions], rest.next_marker) == (["b1"], 3)
    named = sdk.list_functions(sdk.ListFunctionsRequest(func_name="1"))
    assert [one.func_name for one in named.functions] == ["a1", "b1"]
    refused("FSS.0400", 400, lambda: sdk.list_functions(sdk.ListFunctionsRequest(maxitems="-1")))


def test_versions(sdk: Any) -> None:
    create(sdk)
    made = publish(sdk, "v1")
    assert (made.version, made.func_urn, made.version_description) == ("v1", f"{URN}:v1", "version v1")
    refused("FSS.1062", 409, lambda: publish(sdk, "v1"))
    refused("FSS.1016", 400, lambda: publish(sdk, "v2"))
    config(sdk, timeout=60)
    refused("FSS.1016", 400, lambda: publish(sdk, "v2"))
    refused("FSS.1015", 400, lambda: publish(sdk, "-v"))
    new_code(sdk, "2")
    assert publish(sdk, "").version.startswith("v20")
    listed = sdk.list_function_versions(sdk.ListFunctionVersionsRequest(URN)).versions
    assert [one.version for one in listed][::2] == ["latest", "v1"]
    assert (listed[0].func_urn, listed[2].func_urn, listed[2].timeout) == (URN, f"{URN}:v1", 3)
    refused("FSS.0403", 403, lambda: config(sdk, f"{URN}:v1", timeout=5))
    sdk.delete_function(sdk.DeleteFunctionRequest(f"{URN}:v1"))
    refused("FSS.1052", 404, lambda: sdk.show_function_config(sdk.ShowFunctionConfigRequest(f"{URN}:v1")))


def test_aliases(sdk: Any) -> None:
    create(sdk)
    publish(sdk, "v1")
    new_code(sdk, "2")
    publish(sdk, "v2")
    made = alias(sdk, "live", "v1")
    assert (made.version, made.alias_urn) == ("v1", f"{URN}:!live")
    refused("FSS.1066", 409, lambda: alias(sdk, "other", "v1"))
    refused("FSS.1063", 409, lambda: alias(sdk, "live", "v2"))
    refused("FSS.1052", 404, lambda: alias(sdk, "other", "v9"))

    def update(**given: Any) -> Any:
        body = sdk.UpdateVersionAliasRequestBody(**given)
        return sdk.update_version_alias(sdk.UpdateVersionAliasRequest(URN, "live", body=body))

    update(version="v2", additional_version_weights={"v1": 10})
    shown = sdk.show_version_alias(sdk.ShowVersionAliasRequest(URN, "live"))
    assert (shown.version, shown.additional_version_weights) == ("v2", {"v1": 10})
    assert len(sdk.list_version_aliases(sdk.ListVersionAliasesRequest(URN)).body) == 1
    refused("FSS.1093", 400, lambda: update(version="v1", additional_version_weights={"v1": 10}))
    refused("FSS.1092", 400, lambda: update(version="v2", additional_version_weights={"v1": 101}))
    refused("FSS.1094", 403, lambda: sdk.delete_function(sdk.DeleteFunctionRequest(f"{URN}:v1")))
    timer(sdk, f"{URN}:!live")
    delete = sdk.DeleteVersionAliasRequest(URN, "live")
    refused("FSS.1154", 403, lambda: sdk.delete_version_alias(delete))
    sdk.batch_delete_function_triggers(sdk.BatchDeleteFunctionTriggersRequest(f"{URN}:!live"))
    sdk.delete_version_alias(delete)
    refused("FSS.1053", 404, lambda: sdk.show_version_alias(sdk.ShowVersionAliasRequest(URN, "live")))
    alias(sdk, "live", "v1")
    sdk.delete_function(sdk.DeleteFunctionRequest(f"{URN}:!live"))
    left = sdk.list_function_versions(sdk.ListFunctionVersionsRequest(URN)).versions
    assert [one.version for one in left] == ["latest", "v2"], "an alias' URN deletes its version"


def timer(sdk: Any, urn: str = URN, **more: Any) -> Any:
    data = sdk.TriggerEventDataRequestBody(
        **{"name": "nightly", "schedule_type": "Cron", "schedule": "0 0 2 * * ?"} | more
    )
    body = sdk.CreateFunctionTriggerRequestBody(trigger_type_code="TIMER", event_data=data)
    return sdk.create_function_trigger(sdk.CreateFunctionTriggerRequest(urn, body=body))


def test_timers(sdk: Any) -> None:
    create(sdk)
    made = timer(sdk)
    assert (made.trigger_status, made.event_data.schedule) == ("ACTIVE", "0 0 2 * * ?")
    refused("FSS.1148", 409, lambda: timer(sdk))
    for schedule in ("every night", "@every", "CRON_TZ=Nowhere 0 0 2 * * ?"):
        refused("FSS.1109", 400, lambda schedule=schedule: timer(sdk, name="other", schedule=schedule))
    for number, schedule in enumerate(("@every 1h30m", "CRON_TZ=Asia/Shanghai 0 0 2 * * ?", "0 0 2 * *")):
        timer(sdk, name=f"more{number}", schedule=schedule)
    timer(sdk, name="rate", schedule_type="Rate", schedule="3m")
    refused("FSS.1109", 400, lambda: timer(sdk, name="rate2", schedule_type="Rate", schedule="61m"))
    assert len(sdk.list_function_triggers(sdk.ListFunctionTriggersRequest(URN)).body) == 5
    body = sdk.UpdateTriggerRequestBody(trigger_status="DISABLED")
    off = sdk.update_trigger(sdk.UpdateTriggerRequest(URN, "TIMER", made.trigger_id, body=body))
    assert (off.trigger_status, off.event_data.name) == ("DISABLED", "nightly")
    show = sdk.ShowFunctionTriggerRequest(URN, "TIMER", made.trigger_id)
    assert sdk.show_function_trigger(show).trigger_status == "DISABLED"
    sdk.delete_function_trigger(sdk.DeleteFunctionTriggerRequest(URN, "TIMER", made.trigger_id))
    refused("FSS.1140", 404, lambda: sdk.show_function_trigger(show))


def test_an_http_trigger_and_one_that_polls(sdk: Any) -> None:
    create(sdk)
    data = sdk.TriggerEventDataRequestBody(
        name="api",
        type=1,
        path="/x",
        protocol="HTTPS",
        req_method="ANY",
        group_id="group",
        match_mode="SWA",
        env_name="RELEASE",
        env_id="DEFAULT_ENVIRONMENT_RELEASE_ID",
        auth="NONE",
        func_info=sdk.ApigTriggerFuncInfo(timeout=5000),
    )
    body = sdk.CreateFunctionTriggerRequestBody(trigger_type_code="APIG", event_data=data)
    made = sdk.create_function_trigger(sdk.CreateFunctionTriggerRequest(URN, body=body))
    assert made.event_data.invoke_url.startswith("https://group.apig.cn-north-4") and len(made.trigger_id) == 32
    assert (made.event_data.func_info.function_urn, made.event_data.func_info.version) == (URN, "latest")
    refused("FSS.1146", 409, lambda: sdk.create_function_trigger(sdk.CreateFunctionTriggerRequest(URN, body=body)))
    data = sdk.TriggerEventDataRequestBody(
        stream_name="s",
        sharditerator_type="LATEST",
        batch_size=10,
        polling_interval=30,
        polling_unit="s",
        is_serial="true",
    )
    body = sdk.CreateFunctionTriggerRequestBody(trigger_type_code="DIS", event_data=data)
    made = sdk.create_function_trigger(sdk.CreateFunctionTriggerRequest(URN, body=body))
    change = sdk.UpdateriggerEventData(is_serial=False, polling_interval=60)
    body = sdk.UpdateTriggerRequestBody(trigger_status="ACTIVE", event_data=[change])
    changed = sdk.update_trigger(sdk.UpdateTriggerRequest(URN, "DIS", made.trigger_id, body=body))
    assert (changed.event_data.is_serial, changed.event_data.polling_interval) == ("false", 60)
    assert changed.event_data.stream_name == "s"


def test_dependencies(sdk: Any) -> None:
    def depend(text: str, **more: Any) -> Any:
        given = {"name": "tools", "runtime": "Python3.10", "depend_type": "zip", "depend_file": zipped(text)}
        body = sdk.CreateDependencyRequestBody(**given | more)
        return sdk.create_dependency_version(sdk.CreateDependencyVersionRequest(body=body))

    one, two = depend("1"), depend("2")
    assert (one.version, two.version, one.dep_id, one.id != two.id) == (1, 2, two.dep_id, True)
    assert one.etag == hashlib.md5(base64.b64decode(zipped("1"))).hexdigest()
    refused("FSS.1032", 400, lambda: depend("1", depend_type="git"))
    refused("FSS.1005", 400, lambda: depend("1", runtime="Python3.9"))
    (listed,) = sdk.list_dependencies(sdk.ListDependenciesRequest()).dependencies
    assert (listed.id, listed.version) == (one.dep_id, 2)
    versions = sdk.list_dependency_version(sdk.ListDependencyVersionRequest(one.dep_id)).dependencies
    assert [each.id for each in versions] == [two.id, one.id]
    shown = sdk.show_dependency_version(sdk.ShowDependencyVersionRequest(one.dep_id, "1"))
    assert urllib.request.urlopen(shown.download_link).read() == base64.b64decode(zipped("1"))
    refused("FSS.1056", 404, lambda: create(sdk, depend_version_list=["nothing"]))
    made = create(sdk, depend_version_list=[one.id])
    assert [each.version for each in made.dependencies] == [1]
    delete = sdk.DeleteDependencyVersionRequest(one.dep_id, "1")
    refused("FSS.1033", 412, lambda: sdk.delete_dependency_version(delete))
    sdk.delete_function(sdk.DeleteFunctionRequest(URN))
    sdk.delete_dependency_version(delete)
    sdk.delete_dependency_version(sdk.DeleteDependencyVersionRequest(one.dep_id, "2"))
    assert sdk.list_dependencies(sdk.ListDependenciesRequest()).count == 0
    assert depend("3").dep_id != one.dep_id


def test_reserved_instances_and_async_configs(sdk: Any) -> None:
    create(sdk)
    publish(sdk, "v1")
    alias(sdk, "live", "v1")

    def reserve(urn: str, count: int, **more: Any) -> Any:
        body = sdk.UpdateFunctionReservedInstancesCountRequestBody(count=count, **more)
        request = sdk.UpdateFunctionReservedInstancesCountRequest(urn, body=body)
        return sdk.update_function_reserved_instances_count(request)

    night = sdk.CronConfig(name="night", cron="0 0 1 * * ?", count=5, start_time=1, expired_time=2)
    assert reserve(f"{URN}:!live", 2, tactics_config=sdk.TacticsConfig(cron_configs=[night])).count == 2
    refused("FSS.1076", 400, lambda: reserve(f"{URN}:v1", 1))
    refused("FSS.0400", 400, lambda: reserve(URN, 1))
    (listed,) = sdk.list_reserved_instance_configs(sdk.ListReservedInstanceConfigsRequest()).reserved_instances
    assert (listed.qualifier_type, listed.qualifier_name, listed.min_count) == ("alias", "live", 2)
    counts = sdk.list_function_reserved_instances(sdk.ListFunctionReservedInstancesRequest())
    assert [(one.func_urn, one.count) for one in counts.reservedinstances] == [(f"{URN}:!live", 2)]
    reserve(f"{URN}:!live", 0, idle_mode=False)
    assert sdk.list_reserved_instance_configs(sdk.ListReservedInstanceConfigsRequest()).count == 0

    show = sdk.ShowFunctionAsyncInvokeConfigRequest(URN)
    refused("FSS.0404", 404, lambda: sdk.show_function_async_invoke_config(show))

    def invoke_config(**given: Any) -> Any:
        body = sdk.UpdateFunctionAsyncInvokeConfigRequestBody(**given)
        return sdk.update_function_async_invoke_config(sdk.UpdateFunctionAsyncInvokeConfigRequest(URN, body=body))

    there = sdk.FuncDestinationConfig(destination="SMN", param='{"topic_urn":"urn:smn:x"}')
    made = invoke_config(
        max_async_retry_attempts=0, destination_config=sdk.FuncAsyncDestinationConfig(on_failure=there)
    )
    assert (made.max_async_retry_attempts, made.max_async_event_age_in_seconds) == (0, 3600)
    refused("FSS.0400", 400, lambda: invoke_config(max_async_retry_attempts=4))
    assert sdk.show_function_async_invoke_config(show).destination_config.on_failure.destination == "SMN"
    listed = sdk.list_function_async_invoke_config(sdk.ListFunctionAsyncInvokeConfigRequest(URN))
    assert (listed.count, listed.async_invoke_configs[0].func_urn) == (1, f"{URN}:latest")
    sdk.delete_function_async_invoke_config(sdk.DeleteFunctionAsyncInvokeConfigRequest(URN))
    refused("FSS.0404", 404, lambda: sdk.show_function_async_invoke_config(show))


def test_tags(sdk: Any) -> None:
    create(sdk)

    def tagged(action: str, *tags: Any) -> Any:
        body = sdk.UpdateFunctionTagsRequestBody(action=action, tags=list(tags))
        kind = sdk.CreateTagsRequest if action == "create" else sdk.DeleteTagsRequest
        return getattr(sdk, f"{action}_tags")(kind("functions", URN, body=body))

    tagged("create", sdk.KvItem("team", "media"), sdk.KvItem("stage", "dev"))
    shown = sdk.list_function_tags(sdk.ListFunctionTagsRequest("functions", URN))
    assert [(one.key, one.value) for one in shown.tags] == [("stage", "dev"), ("team", "media")]
    of_all = sdk.show_project_tags_list(sdk.ShowProjectTagsListRequest("functions"))
    assert [(one.key, one.values) for one in of_all.tags] == [("stage", ["dev"]), ("team", ["media"])]
    create(sdk, "untagged")
    for given, found in (({}, {"f", "untagged"}), ({"without_any_tag": True}, {"untagged"}), ({"limit": "1"}, {"f"})):
        body = sdk.ListEnterpriseResourceRequestBody(**given)
        shown = sdk.show_res_instance_info(sdk.ShowResInstanceInfoRequest("functions", "filter", body=body))
        assert {one.resource_name for one in shown.resources} == found
        # An object: the Go SDK loses the whole answer over a detail that is a string, and says nothing.
        assert {one.resource_detail.detail_id for one in shown.resources} == {
            one.resource_id for one in shown.resources
        }
    tagged("delete", sdk.KvItem("team", "media"))
    left = sdk.list_function_tags(sdk.ListFunctionTagsRequest("functions", URN)).tags
    assert [one.key for one in left] == ["stage"]
    refused("FSS.0400", 400, lambda: sdk.list_function_tags(sdk.ListFunctionTagsRequest("workflows", URN)))


def test_what_belongs_to_the_project(sdk: Any) -> None:
    create(sdk, enable_lts_log=True)
    used = {one.type: one.used for one in sdk.list_quotas(sdk.ListQuotasRequest()).quotas.resources}
    assert used["fgs_func_num"] == 1
    sdk.enable_lts_logs(sdk.EnableLtsLogsRequest())
    refused("FSS.1221", 400, lambda: sdk.enable_lts_logs(sdk.EnableLtsLogsRequest()))
    assert sdk.show_lts_log_details(sdk.ShowLtsLogDetailsRequest(URN)).group_id
    called = sdk.invoke_function(sdk.InvokeFunctionRequest(URN, body={"a": 1}))
    assert (called.status, called.result) == (200, "f:latest")
    assert sdk.async_invoke_function(sdk.AsyncInvokeFunctionRequest(URN, body={"a": 1})).request_id


def test_a_wrong_key_is_refused(emulator: Handle) -> None:
    import huaweicloudsdkfunctiongraph.v2 as models
    from huaweicloudsdkcore.auth.credentials import BasicCredentials

    builder = models.FunctionGraphClient.new_builder().with_endpoint(emulator.url)
    client = builder.with_credentials(BasicCredentials(AK, "other", PROJECT)).build()
    refused("APIGW.0301", 401, lambda: client.list_quotas(models.ListQuotasRequest()))


def test_the_example_of_the_vendors_page(sdk: Any) -> None:
    """CreateFunction, updated on 2022-02-22: digest, size and CPU of its answer, and what a second one gets."""
    seed = Path(__file__).parents[1] / "vectors" / "functiongraph-create.json"
    example = json.loads(seed.read_text("utf-8"))
    code = sdk.FuncCode(file=example["request"].pop("func_code")["file"])
    body = sdk.CreateFunctionRequestBody(**example["request"], func_code=code)
    made = sdk.create_function(sdk.CreateFunctionRequest(body=body))
    assert {name: getattr(made, name) for name in example["answer"]} == example["answer"]
    refused("FSS.1061", 409, lambda: sdk.create_function(sdk.CreateFunctionRequest(body=body)))


def test_every_operation_is_called_here() -> None:
    called = Path(__file__).read_text("utf-8")
    names = sorted({route.operation for route in ROUTES} - NOT_IN_SDK)
    calls = {"CreateTags": "CreateTagsRequest", "DeleteTags": "DeleteTagsRequest"}
    snakes = {name: calls.get(name, re.sub("(?<!^)(?=[A-Z])", "_", name).lower()) for name in names}
    assert [name for name, call in snakes.items() if call not in called] == []
