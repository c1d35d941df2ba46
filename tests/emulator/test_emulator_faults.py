"""Faults, throttling, another writer, overlapping writes, eventual consistency, and the control paths."""

import asyncio
import concurrent.futures
import json
import time

import httpx
import pytest

from fcdeploy.emulator.app import create_app
from fcdeploy.emulator.faults import BadFaults, FaultBook
from fcdeploy.emulator.settings import Delays, EmulatorSettings


def rule(effect: dict, when: str = "before", **match: object) -> dict:
    return {"match": match, "when": when, "effect": effect}


@pytest.fixture
def faulty(start):
    handle, api = start()

    def put(*rules: dict, **more: object) -> None:
        document = {"rules": list(rules), **more}
        assert api.client.put(f"{handle.url}/__emulator__/faults", json=document).status_code == 204

    api.faults = put
    return api


def test_a_status_before_the_effect(faulty) -> None:
    effect = {"status": 503, "code": "ResourceThrottled", "message": "busy", "retryAfter": 2}
    faulty.faults(rule(effect, method="POST", path="/services$", nth=1))
    answer = faulty.send("POST", "/services", {"serviceName": "s"})
    assert (answer.status_code, answer.json()["ErrorCode"], answer.json()["Message"]) == (
        503,
        "ResourceThrottled",
        "busy",
    )
    assert answer.headers["retry-after"] == "2"
    assert faulty.error("GET", "/services/s")[0] == 404
    faulty.ok("POST", "/services", {"serviceName": "s"})


def test_a_status_after_the_effect(faulty) -> None:
    faulty.faults(rule({"status": 500}, "after", operation="CreateService"))
    assert faulty.error("POST", "/services", {"serviceName": "s"})[:2] == (500, "InternalServerError")
    assert faulty.ok("GET", "/services/s")["serviceName"] == "s"


def test_nth_every_times(faulty) -> None:
    def seen() -> list[int]:
        return [faulty.send("GET", "/services").status_code for _ in range(6)]

    faulty.faults(rule({"status": 500}, nth=2))
    assert seen() == [200, 500, 200, 200, 200, 200]
    faulty.faults(rule({"status": 500}, every=3))
    assert seen() == [200, 200, 500, 200, 200, 500]
    faulty.faults(rule({"status": 500}, times=2))
    assert seen() == [500, 500, 200, 200, 200, 200]
    report = faulty.client.get(f"{faulty.url}/__emulator__/faults").json()
    assert report == {"rules": [{"rule": 0, "seen": 6, "fired": 2}]}
    assert faulty.client.delete(f"{faulty.url}/__emulator__/faults").status_code == 204
    assert seen() == [200] * 6


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_disconnect(faulty, when) -> None:
    faulty.faults(rule({"disconnect": True}, when, method="POST"))
    with pytest.raises(httpx.TransportError):
        faulty.send("POST", "/services", {"serviceName": "s"})
    assert faulty.send("GET", "/services/s").status_code == (404 if when == "before" else 200)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_timeout(faulty, when) -> None:
    faulty.faults(rule({"timeout": True}, when, method="POST"))
    with httpx.Client(timeout=0.3, trust_env=False) as impatient:
        patient, faulty.client = faulty.client, impatient
        with pytest.raises(httpx.ReadTimeout):
            faulty.send("POST", "/services", {"serviceName": "s"})
        faulty.client = patient
    assert faulty.send("GET", "/services/s").status_code == (404 if when == "before" else 200)
    faulty.faults(rule({"timeout": 0.05}))
    with pytest.raises(httpx.TransportError):
        faulty.send("GET", "/services/s")


def test_a_truncated_reply(faulty) -> None:
    faulty.faults(rule({"truncate": True}, method="POST"))
    with pytest.raises(httpx.RemoteProtocolError):
        faulty.send("POST", "/services", {"serviceName": "s"})
    assert faulty.ok("GET", "/services/s")["serviceName"] == "s"


def test_a_delay(faulty) -> None:
    faulty.faults(rule({"delay": 0.2}))
    began = time.monotonic()
    faulty.ok("GET", "/services")
    assert time.monotonic() - began >= 0.2


def test_another_writer_before_the_effect(faulty, function_body) -> None:
    etag = faulty.send("POST", "/services", {"serviceName": "s"}).headers["etag"]
    faulty.ok("POST", "/services/s/functions", function_body())
    faulty.faults(rule({"touch": {}}, method="PUT", times=1))
    assert faulty.error("PUT", "/services/s", {"role": ""}, headers={"if-match": etag})[0] == 412
    assert faulty.ok("GET", "/services/s")["description"] == "(touched)"
    etag = faulty.send("GET", "/services/s/functions/f").headers["etag"]
    faulty.faults(rule({"touch": {"set": {"timeout": 77}}}, method="DELETE", times=1))
    assert faulty.error("DELETE", "/services/s.LATEST/functions/f", headers={"if-match": etag})[0] == 412
    assert faulty.ok("GET", "/services/s/functions/f")["timeout"] == 77


def test_another_writer_deletes_or_creates_first(faulty) -> None:
    faulty.faults(rule({"touch": True}, method="POST", times=1))
    assert faulty.error("POST", "/services", {"serviceName": "s"})[:2] == (409, "ServiceAlreadyExists")
    faulty.faults(rule({"touch": {"delete": True}}, method="PUT", times=1))
    assert faulty.error("PUT", "/services/s", {})[:2] == (404, "ServiceNotFound")


def test_another_writer_after_the_effect(faulty) -> None:
    etag = faulty.send("POST", "/services", {"serviceName": "s"}).headers["etag"]
    faulty.faults(rule({"touch": {"set": {"description": "theirs"}}}, "after", method="PUT", times=1))
    answer = faulty.send("PUT", "/services/s", {"description": "ours"}, headers={"if-match": etag})
    assert answer.json()["description"] == "ours"
    seen = faulty.send("GET", "/services/s")
    assert seen.json()["description"] == "theirs"
    assert seen.headers["etag"] != answer.headers["etag"]


def test_throttling_is_per_account(faulty) -> None:
    faulty.faults(throttle={"rate": 0.5, "burst": 3})
    answers = [faulty.send("GET", "/services") for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert answers[3].json()["ErrorCode"] == "ResourceExhausted"
    assert 1 <= int(answers[3].headers["retry-after"]) <= 2
    faulty.account = "42"
    faulty.ok("GET", "/services")


def test_throttling_is_per_region(faulty) -> None:
    faulty.faults(throttle={"rate": 0.1, "burst": 1})
    faulty.ok("GET", "/services")
    assert faulty.error("GET", "/services")[:2] == (429, "ResourceExhausted")
    faulty.ok("GET", "/services", headers={"host": f"{faulty.account}.cn-shanghai.fc.aliyuncs.com"})


@pytest.mark.parametrize(("told", "header"), [(True, "10"), (2.5, "2.5"), (0, "0"), (False, None)])
def test_throttling_tells_when_to_come_back_or_does_not(faulty, told: object, header: str | None) -> None:
    faulty.faults(throttle={"rate": 0.1, "burst": 1, "retryAfter": told})
    faulty.ok("GET", "/services")
    refusal = faulty.send("GET", "/services")
    assert (refusal.status_code, refusal.headers.get("retry-after")) == (429, header)


@pytest.mark.parametrize(
    "document",
    [
        {"rules": {}},
        {"rule": []},
        {"rules": [{}]},
        {"rules": [{"effect": {}}]},
        {"rules": [{"effect": {"status": 500, "delay": 1}}]},
        {"rules": [{"effect": {"status": 5000}}]},
        {"rules": [{"effect": {"status": "500"}}]},
        {"rules": [{"effect": {"delay": -1}}]},
        {"rules": [{"effect": {"delay": 1}, "when": "during"}]},
        {"rules": [{"effect": {"delay": 1}, "match": {"path": "("}}]},
        {"rules": [{"effect": {"delay": 1}, "match": {"nth": 0}}]},
        {"rules": [{"effect": {"delay": 1}, "match": {"method": 3}}]},
        {"throttle": {"rate": "fast"}},
        {"throttle": {"rate": 1, "retryAfter": "soon"}},
        {"delays": {"sleep": 1}},
    ],
)
def test_a_bad_document_is_refused_and_changes_nothing(document) -> None:
    book = FaultBook()
    book.load({"rules": [rule({"status": 500})]})
    with pytest.raises(BadFaults):
        book.load(document)
    assert len(book.due("GET", "/", "")) == 1


def test_a_bad_document_over_the_wire(faulty) -> None:
    url = f"{faulty.url}/__emulator__/faults"
    assert faulty.client.put(url, content=b"{").status_code == 400
    told = faulty.client.put(url, json={"rules": [{"effect": {}}]})
    assert told.status_code == 400
    assert "rules[0].effect" in told.json()["error"]


def test_a_faults_file_in_yaml(start, tmp_path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("rules:\n- match: {method: GET, nth: 1}\n  effect: {status: 502}\ndelays: {role: 60}\n")
    _, api = start(faults=file)
    assert api.error("GET", "/services")[0] == 502
    denied = api.error("POST", "/services", {"serviceName": "s", "role": "acs:ram::1:role/r"})
    assert denied == (403, "AccessDenied", "the caller is not authorized to perform 'ram:PassRole'")


def test_overlapping_writes_to_one_service(start) -> None:
    _, api = start(latency=0.3, strict_concurrency=True)
    for name in ("a", "b"):
        api.ok("POST", "/services", {"serviceName": name})

    def write(name: str) -> int:
        return api.send("PUT", f"/services/{name}", {"description": "x"}).status_code

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(write, ["a", "a", "b"])) == [200, 200, 409]
    assert write("a") == 200


def test_a_role_and_a_log_project_settle(start) -> None:
    _, api = start(delays=Delays(role=0.3, log_project=0.3))
    sent = {"serviceName": "s", "logConfig": {"project": "p", "logstore": "l"}}
    assert api.error("POST", "/services", sent) == (400, "InvalidArgument", "project 'p' does not exist")
    time.sleep(0.35)
    api.ok("POST", "/services", sent)
    role = {"role": "acs:ram::1:role/r"}
    assert api.error("PUT", "/services/s", role)[:2] == (403, "AccessDenied")
    time.sleep(0.35)
    api.ok("PUT", "/services/s", role)


def test_a_deleted_trigger_lingers(start, function_body) -> None:
    _, api = start(delays=Delays(trigger_delete=0.3))
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/functions", function_body())
    timer = {"triggerName": "t", "triggerType": "timer", "triggerConfig": {"cronExpression": "@every 1m"}}
    api.ok("POST", "/services/s/functions/f/triggers", timer)
    api.ok("DELETE", "/services/s/functions/f/triggers/t")
    assert api.error("DELETE", "/services/s/functions/f")[:2] == (409, "FunctionNotEmpty")
    time.sleep(0.35)
    api.ok("DELETE", "/services/s/functions/f")


def test_control_requests_dump_reset_coverage(start, tmp_path) -> None:
    log = tmp_path / "log.jsonl"
    handle, api = start(log=log)
    made = api.send("POST", "/services", {"serviceName": "s"})
    api.send("PUT", "/services/s?x=1", {}, headers={"if-match": "no"})

    def control(method: str, path: str) -> httpx.Response:
        return api.client.request(method, f"{handle.url}/__emulator__/{path}")

    assert control("GET", "health").json() == {"status": "ok"}
    told = control("GET", "requests").json()
    assert told["total"] == 2
    first, second = told["requests"]
    assert (first["method"], first["path"], first["status"]) == ("POST", "/2016-08-15/services", 200)
    assert first["requestId"] == made.headers["x-fc-request-id"]
    assert first["bytesOut"] == len(made.content)
    assert first["operation"] == "CreateService"
    assert (second["query"], second["status"], second["ifMatch"], second["code"]) == (
        "x=1",
        412,
        "no",
        "PreconditionFailed",
    )
    assert second["durationMs"] > 0
    assert [json.loads(line) for line in log.read_text().splitlines()] == told["requests"]
    assert len(control("GET", "requests?limit=1").json()["requests"]) == 1
    dump = control("GET", "dump").json()["resources"]
    assert [(row["kind"], row["name"], row["etag"]) for row in dump] == [("service", "s", made.headers["etag"])]
    assert control("GET", "dump").content == control("GET", "dump").content
    rows = control("GET", "coverage").json()["operations"]
    assert {"CreateService", "InvokeFunction"} <= {row["operation"] for row in rows}
    assert control("DELETE", "requests").status_code == 204
    assert control("GET", "requests").json() == {"total": 0, "requests": []}
    assert control("POST", "reset").status_code == 204
    assert control("GET", "dump").json() == {"resources": []}
    assert control("GET", "none").status_code == 404
    assert api.error("GET", "/services/s")[0] == 404


def test_control_paths_are_for_this_machine_only() -> None:
    app = create_app(EmulatorSettings())

    async def ask(client: tuple[str, int]) -> int:
        transport = httpx.ASGITransport(app=app, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://emulator") as one:
            return (await one.get("/__emulator__/dump")).status_code

    assert asyncio.run(ask(("127.0.0.1", 1))) == 200
    assert asyncio.run(ask(("::1", 1))) == 200
    assert asyncio.run(ask(("192.0.2.1", 1))) == 403
    app.close()


def test_the_app_in_process() -> None:
    app = create_app(EmulatorSettings(check_signatures=False, account="7", region="cn-shanghai"))

    async def talk() -> None:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://emulator") as one:
            made = await one.post("/2016-08-15/services", json={"serviceName": "s"})
            assert len(made.headers["etag"]) == 32
            seen = await one.get("/2016-08-15/services/s")
            assert seen.json() == made.json()
            tagged = await one.get("/2016-08-15/tag?resourceArn=services/s")
            assert tagged.json()["resourceArn"] == "acs:fc:cn-shanghai:7:services/s"

    asyncio.run(talk())
    app.close()
