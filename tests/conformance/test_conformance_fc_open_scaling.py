"""alibabacloud-fc-open20210406 2.0.12: provision, on-demand and async invoke configs, stateful calls, instances."""

import base64

import pytest

ARN = "acs:fc:cn-hangzhou:1:services/demo/functions/other"
QUEUE = "acs:mns:cn-hangzhou:1:/queues/q/messages"


@pytest.fixture
def sdk(fc_open, archive):
    client, m = fc_open
    client.create_service(m.CreateServiceRequest(service_name="demo"))
    code = m.Code(zip_file=base64.b64encode(archive.read_bytes()).decode())
    for name in "fg":
        request = m.CreateFunctionRequest(function_name=name, runtime="python3.9", handler="index.handler", code=code)
        client.create_function("demo", request)
    client.publish_service_version("demo", m.PublishServiceVersionRequest())
    client.create_alias("demo", m.CreateAliasRequest(alias_name="test", version_id="1"))
    return client, m


def failure(call, *arguments) -> tuple[int, str]:
    from Tea.exceptions import TeaException

    with pytest.raises(TeaException) as caught:
        call(*arguments)
    return caught.value.statusCode, caught.value.code


def options():
    from alibabacloud_tea_util.models import RuntimeOptions

    return RuntimeOptions()


def test_provision_config(sdk) -> None:
    client, m = sdk
    get = m.GetProvisionConfigRequest(qualifier="test")
    nothing = client.get_provision_config("demo", "f", get).body
    assert (nothing.target, nothing.current, nothing.scheduled_actions) == (0, 0, [])
    action = m.ScheduledActions(
        name="a",
        start_time="2020-10-10T10:10:10Z",
        end_time="2030-10-10T10:10:10Z",
        target=5,
        schedule_expression="cron(0 30 8 * * *)",
    )
    policy = m.TargetTrackingPolicies(
        name="p",
        start_time="2020-10-10T10:10:10Z",
        end_time="2030-10-10T10:10:10Z",
        metric_type="ProvisionedConcurrencyUtilization",
        metric_target=0.6,
        min_capacity=1,
        max_capacity=9,
    )

    def put(**fields: object):
        return client.put_provision_config("demo", "f", m.PutProvisionConfigRequest(qualifier="test", **fields)).body

    made = put(target=3, scheduled_actions=[action], target_tracking_policies=[policy], always_allocate_cpu=False)
    assert (made.target, made.current, made.always_allocate_cpu) == (3, 3, False)
    assert made.resource == "1234567890123456#demo#test#f"
    assert made.scheduled_actions[0].schedule_expression == "cron(0 30 8 * * *)"
    seen = client.get_provision_config("demo", "f", get).body
    assert (seen.target_tracking_policies[0].metric_target, seen.current_error) == (0.6, "")
    kept = put(target=4, target_tracking_policies=[])
    assert [each.name for each in kept.scheduled_actions] == ["a"]
    assert (kept.target_tracking_policies, kept.always_allocate_cpu) == ([], False)
    assert put(target=4, scheduled_actions=[]).scheduled_actions == []
    assert failure(client.delete_function, "demo", "f") == (409, "ProvisionConfigExist")
    assert failure(client.delete_alias, "demo", "test") == (409, "ProvisionConfigExist")
    request = m.ListProvisionConfigsRequest(service_name="demo", qualifier="test", limit=1)
    listed = client.list_provision_configs(request).body
    assert [each.target for each in listed.provision_configs] == [4]
    assert listed.next_token is None
    assert failure(lambda: put(target=10_001)) == (400, "InvalidArgument")
    version = m.PutProvisionConfigRequest(qualifier="1", target=1)
    assert failure(client.put_provision_config, "demo", "f", version) == (400, "InvalidArgument")
    assert put(target=0).target == 0
    assert client.list_provision_configs(m.ListProvisionConfigsRequest()).body.provision_configs == []
    client.delete_alias("demo", "test")


def test_provision_lists(sdk) -> None:
    client, m = sdk
    for name in "fg":
        client.put_provision_config("demo", name, m.PutProvisionConfigRequest(qualifier="LATEST", target=1))
    page = client.list_provision_configs(m.ListProvisionConfigsRequest(limit=1)).body
    assert [each.resource for each in page.provision_configs] == ["1234567890123456#demo#LATEST#f"]
    rest = client.list_provision_configs(m.ListProvisionConfigsRequest(next_token=page.next_token)).body
    assert [each.resource for each in rest.provision_configs] == ["1234567890123456#demo#LATEST#g"]


def test_on_demand_config(sdk) -> None:
    client, m = sdk
    get = m.GetFunctionOnDemandConfigRequest(qualifier="test")
    assert failure(client.get_function_on_demand_config, "demo", "f", get) == (404, "OnDemandConfigNotFound")
    assert not client.list_on_demand_configs(m.ListOnDemandConfigsRequest()).body.configs

    def put(count: int, guard: str | None = None):
        request = m.PutFunctionOnDemandConfigRequest(qualifier="test", maximum_instance_count=count)
        headers = m.PutFunctionOnDemandConfigHeaders(if_match=guard)
        return client.put_function_on_demand_config_with_options("demo", "f", request, headers, options())

    made = put(10)
    assert made.body.to_map() == {"maximumInstanceCount": 10, "resource": "services/demo.test/functions/f"}
    seen = client.get_function_on_demand_config("demo", "f", get)
    assert seen.headers["etag"] == made.headers["etag"]
    put(11, made.headers["etag"])
    assert failure(put, 12, made.headers["etag"]) == (412, "PreconditionFailed")
    request = m.PutFunctionOnDemandConfigRequest(maximum_instance_count=1)
    assert client.put_function_on_demand_config("demo", "g", request).body.resource.startswith("services/demo.LATEST/")
    page = client.list_on_demand_configs(m.ListOnDemandConfigsRequest(limit=1, prefix="services/demo.")).body
    assert [each.resource for each in page.configs] == ["services/demo.LATEST/functions/g"]
    rest = client.list_on_demand_configs(m.ListOnDemandConfigsRequest(next_token=page.next_token)).body
    assert [each.maximum_instance_count for each in rest.configs] == [11]

    def delete(guard: str | None = None):
        request = m.DeleteFunctionOnDemandConfigRequest(qualifier="test")
        headers = m.DeleteFunctionOnDemandConfigHeaders(if_match=guard)
        return client.delete_function_on_demand_config_with_options("demo", "f", request, headers, options())

    assert failure(delete, made.headers["etag"]) == (412, "PreconditionFailed")
    assert delete().status_code == 204
    assert failure(delete) == (404, "OnDemandConfigNotFound")


def test_async_config_and_stateful_functions(sdk) -> None:
    client, m = sdk
    get = m.GetFunctionAsyncInvokeConfigRequest(qualifier="test")
    missing = (404, "AsyncConfigNotExists")
    assert failure(client.get_function_async_invoke_config, "demo", "f", get) == missing
    empty = client.list_function_async_invoke_configs("demo", "f", m.ListFunctionAsyncInvokeConfigsRequest()).body
    assert (empty.configs or [], empty.next_token) == ([], "")

    def put(qualifier: str | None = "test", **fields: object):
        request = m.PutFunctionAsyncInvokeConfigRequest(qualifier=qualifier, **fields)
        return client.put_function_async_invoke_config("demo", "f", request).body

    success = m.DestinationConfig(on_success=m.Destination(destination=ARN))
    made = put(destination_config=success, max_async_event_age_in_seconds=300, stateful_invocation=True)
    assert (made.service, made.function, made.qualifier) == ("demo", "f", "test")
    assert made.max_async_retry_attempts == 3
    assert client.get_function_async_invoke_config("demo", "f", get).body.to_map() == made.to_map()
    failed = m.DestinationConfig(on_failure=m.Destination(destination=QUEUE))
    merged = put(destination_config=failed, max_async_retry_attempts=0)
    assert merged.destination_config.on_success.destination == ARN
    assert merged.destination_config.on_failure.destination == QUEUE
    assert (merged.max_async_retry_attempts, merged.max_async_event_age_in_seconds) == (0, 300)
    nowhere = m.DestinationConfig(on_failure=m.Destination())
    assert failure(lambda: put(destination_config=nowhere)) == (400, "InvalidDestinationResources")
    assert put(None).qualifier == "LATEST"
    page = client.list_function_async_invoke_configs("demo", "f", m.ListFunctionAsyncInvokeConfigsRequest(limit=1)).body
    assert [each.qualifier for each in page.configs] == ["LATEST"]
    rest = client.list_function_async_invoke_configs(
        "demo", "f", m.ListFunctionAsyncInvokeConfigsRequest(next_token=page.next_token)
    ).body
    assert ([each.qualifier for each in rest.configs], rest.next_token) == (["test"], "")
    stateful = client.list_stateful_async_invocation_functions(m.ListStatefulAsyncInvocationFunctionsRequest()).body
    assert [each.to_map() for each in stateful.data] == [
        {"functionName": "f", "qualifier": "test", "serviceName": "demo"}
    ]
    delete = m.DeleteFunctionAsyncInvokeConfigRequest(qualifier="test")
    assert client.delete_function_async_invoke_config("demo", "f", delete).status_code == 204
    assert failure(client.delete_function_async_invoke_config, "demo", "f", delete) == missing


def test_calls_say_that_no_code_is_run(sdk) -> None:
    client, m = sdk
    from Tea.exceptions import TeaException

    with pytest.raises(TeaException) as caught:
        client.invoke_function("demo", "f", m.InvokeFunctionRequest(body=b"x", qualifier="test"))
    assert (caught.value.statusCode, caught.value.code) == (501, "NotImplemented")
    assert "does not run code" in caught.value.message

    def call(**headers: str):
        asked = m.InvokeFunctionHeaders(**headers)
        return client.invoke_function_with_options("demo", "f", m.InvokeFunctionRequest(), asked, options())

    later = {"x_fc_invocation_type": "Async", "x_fc_stateful_async_invocation_id": "job"}
    assert failure(lambda: call(**later)) == (501, "NotImplemented")
    assert failure(lambda: call(x_fc_invocation_type="Async", x_fc_log_type="Tail")) == (400, "InvalidArgument")
    unknown = m.InvokeFunctionRequest(qualifier="9")
    assert failure(client.invoke_function, "demo", "f", unknown) == (404, "VersionNotFound")


def test_stateful_invocations_and_instances(sdk) -> None:
    client, m = sdk
    request = m.ListStatefulAsyncInvocationsRequest(
        qualifier="test", limit=10, sort_order_by_time="asc", include_payload=True, started_time_begin=1
    )
    listed = client.list_stateful_async_invocations("demo", "f", request).body
    assert not listed.invocations
    assert listed.next_token is None
    get = m.GetStatefulAsyncInvocationRequest(qualifier="test")
    missing = (404, "StatefulAsyncInvocationNotFound")
    assert failure(client.get_stateful_async_invocation, "demo", "f", "job", get) == missing
    stop = m.StopStatefulAsyncInvocationRequest(qualifier="test")
    assert failure(client.stop_stateful_async_invocation, "demo", "f", "job", stop) == missing
    instances = m.ListInstancesRequest(qualifier="test", limit=10, instance_ids=["a", "b"])
    assert client.list_instances("demo", "f", instances).body.instances == []
    assert failure(client.list_instances, "demo", "none", m.ListInstancesRequest()) == (404, "FunctionNotFound")
