"""alibabacloud-fc-open20210406 2.0.12 (API 2021-04-06, ACS3): custom domains, bindings, event sources, the account."""

import base64

import pytest

CERT = {
    "cert_name": "c",
    "certificate": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----",
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\ny\n-----END RSA PRIVATE KEY-----",
}


@pytest.fixture
def sdk(fc_open):
    return fc_open


def failure(call, *arguments) -> tuple[int, str]:
    from Tea.exceptions import TeaException

    with pytest.raises(TeaException) as caught:
        call(*arguments)
    return caught.value.statusCode, caught.value.code


def test_custom_domain_life(sdk) -> None:
    client, m = sdk
    rewrite = m.RewriteConfig(
        equal_rules=[m.RewriteConfigEqualRules(match="/a", replacement="/b")],
        regex_rules=[m.RewriteConfigRegexRules(match="^/old/", replacement="/$1")],
        wildcard_rules=[m.RewriteConfigWildcardRules(match="/api/*", replacement="/$1")],
    )
    routes = m.RouteConfig(
        routes=[
            m.PathConfig(path="/a/*", service_name="s", function_name="f", methods=["GET"], rewrite_config=rewrite),
            m.PathConfig(path="/*", service_name="s", function_name="g", qualifier="prod"),
        ]
    )
    made = client.create_custom_domain(
        m.CreateCustomDomainRequest(
            domain_name="tea.example.com",
            protocol="HTTP,HTTPS",
            route_config=routes,
            cert_config=m.CertConfig(**CERT),
            tls_config=m.TLSConfig(min_version="TLSv1.2", cipher_suites=["TLS_AES_128_GCM_SHA256"]),
            waf_config=m.WAFConfig(enable_waf=True),
        )
    ).body
    assert (made.domain_name, made.account_id, made.protocol) == ("tea.example.com", "1234567890123456", "HTTP,HTTPS")
    assert made.cert_config.private_key is None
    assert made.tls_config.min_version == "TLSv1.2"
    assert made.waf_config.enable_waf is True
    first, second = made.route_config.routes
    assert first.rewrite_config.to_map() == rewrite.to_map()
    assert (first.methods, first.qualifier, second.qualifier) == (["GET"], "", "prod")
    seen = client.get_custom_domain("tea.example.com").body
    assert seen.to_map() == made.to_map()
    changed = client.update_custom_domain("tea.example.com", m.UpdateCustomDomainRequest(protocol="HTTP")).body
    assert changed.cert_config is None
    assert len(changed.route_config.routes) == 2
    assert client.get_custom_domain("tea.example.com").body.cert_config.to_map() == {}
    again = m.CreateCustomDomainRequest(domain_name="tea.example.com", protocol="HTTP")
    assert failure(client.create_custom_domain, again) == (409, "DomainNameAlreadyExists")
    assert client.delete_custom_domain("tea.example.com").status_code == 204
    assert failure(client.delete_custom_domain, "tea.example.com") == (404, "DomainNameNotFound")
    bad = m.CreateCustomDomainRequest(domain_name="tea.example.com", protocol="HTTPS")
    assert failure(client.create_custom_domain, bad) == (400, "InvalidArgument")


def test_custom_domains_are_listed(sdk) -> None:
    client, m = sdk
    for name in ("b.com", "a.com", "a.net"):
        client.create_custom_domain(m.CreateCustomDomainRequest(domain_name=name, protocol="HTTP"))
    page = client.list_custom_domains(m.ListCustomDomainsRequest(limit=1, prefix="a.")).body
    assert [each.domain_name for each in page.custom_domains] == ["a.com"]
    rest = client.list_custom_domains(m.ListCustomDomainsRequest(prefix="a.", next_token=page.next_token)).body
    assert [each.domain_name for each in rest.custom_domains] == ["a.net"]
    assert rest.next_token is None


def test_vpc_bindings(sdk) -> None:
    client, m = sdk
    client.create_service(m.CreateServiceRequest(service_name="demo"))
    for name in ("vpc-b", "vpc-a"):
        assert client.create_vpc_binding("demo", m.CreateVpcBindingRequest(vpc_id=name)).status_code == 204
    assert client.list_vpc_bindings("demo").body.vpc_ids == ["vpc-a", "vpc-b"]
    assert failure(client.create_vpc_binding, "demo", m.CreateVpcBindingRequest(vpc_id="vpc-a"))[0] == 409
    assert client.delete_vpc_binding("demo", "vpc-a").status_code == 204
    assert failure(client.delete_vpc_binding, "demo", "vpc-a")[0] == 404
    assert failure(client.list_vpc_bindings, "none") == (404, "ServiceNotFound")


def test_event_sources(sdk, archive) -> None:
    client, m = sdk
    client.create_service(m.CreateServiceRequest(service_name="demo"))
    code = m.Code(zip_file=base64.b64encode(archive.read_bytes()).decode())
    client.create_function(
        "demo", m.CreateFunctionRequest(function_name="f", runtime="python3.9", handler="index.handler", code=code)
    )
    arn = "acs:mns:cn-hangzhou:1234567890123456:/queues/q"
    made = client.register_event_source("demo", "f", m.RegisterEventSourceRequest(source_arn=arn)).body
    assert made.source_arn == arn
    other = m.RegisterEventSourceRequest(source_arn=f"{arn}2", qualifier="LATEST")
    client.register_event_source("demo", "f", other)
    listed = client.list_event_sources("demo", "f", m.ListEventSourcesRequest(qualifier="LATEST")).body
    assert [each.source_arn for each in listed.event_sources] == [arn, f"{arn}2"]
    assert listed.event_sources[0].created_time == made.created_time
    assert failure(client.register_event_source, "demo", "f", other)[0] == 409
    gone = client.deregister_event_source("demo", "f", arn, m.DeregisterEventSourceRequest())
    assert gone.status_code == 204
    assert failure(client.deregister_event_source, "demo", "f", arn, m.DeregisterEventSourceRequest())[0] == 404
    nowhere = m.ListEventSourcesRequest(qualifier="1")
    assert failure(client.list_event_sources, "demo", "f", nowhere) == (404, "VersionNotFound")


def test_the_account(sdk) -> None:
    client, m = sdk
    settings = client.get_account_settings().body
    assert settings.available_azs
    assert settings.default_role.startswith("acs:ram::1234567890123456:role/")
    seen = client.list_reserved_capacities(m.ListReservedCapacitiesRequest(limit="10")).body
    assert (seen.reserved_capacities, seen.next_token) == ([], None)
    assert failure(client.list_reserved_capacities, m.ListReservedCapacitiesRequest(limit="0"))[0] == 400


def test_gpu_instances(sdk) -> None:
    client, m = sdk
    request = m.ClaimGPUInstanceRequest(
        image_id="m-1",
        instance_type="ecs.gn6i",
        sg_id="sg-1",
        vpc_id="vpc-1",
        vsw_id="vsw-1",
        password="p",
        tcp_port_range=["80/80"],
    )
    made = client.claim_gpuinstance(request)
    assert made.status_code == 200
    assert made.body.public_ip
    assert client.release_gpuinstance(made.body.instance_id).status_code == 204
    assert failure(client.release_gpuinstance, made.body.instance_id)[0] == 404
    assert failure(client.claim_gpuinstance, m.ClaimGPUInstanceRequest()) == (400, "InvalidArgument")
