"""Whatever a plan may hold, what is saved of it reads back equal and holds no secret."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fcdeploy.engine.journal_rows import from_event_row, from_plan_text, to_event_row, to_plan_text
from fcdeploy.engine.redact import has_secret
from fcdeploy.model import (
    Action,
    Address,
    ArchiveRef,
    Call,
    Event,
    EventType,
    Federation,
    Guard,
    IfMatch,
    Json,
    JustCreated,
    KeySource,
    LaterJson,
    LaterText,
    MustNotExist,
    Output,
    Plan,
    Recheck,
    Sensitive,
    Step,
    Target,
    archives_in,
    from_json,
    to_json,
)

SECRETS = {name: f"<<the secret value of {name}>>" for name in ("A", "API_TOKEN", "ü")}

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
word = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
keys = text | st.sampled_from(["$secret", "$archive", "$output", "$", "$$", "$$secret", "secret", "jsonText"])


def sensitive(parts: list[Json]) -> Sensitive:
    value = "".join(part if isinstance(part, str) else SECRETS[part["secret"]] for part in parts)
    return Sensitive(value, parts=tuple(parts))


named = st.sampled_from(sorted(SECRETS)).map(lambda name: {"secret": name})
secrets_ = st.builds(lambda before, at, after: sensitive([*before, at, *after]), st.lists(text), named, st.lists(text))
archives = st.builds(
    ArchiveRef,
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    crc64=st.integers(0, 2**64 - 1).map(str),
    size=st.integers(0, 2**40),
    sha512=st.sampled_from(["", "ab" * 64]),
    md5=st.sampled_from(["", "cd" * 16]),
)
outputs = st.builds(Output, step=word, pointer=text)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
plain = st.none() | st.booleans() | numbers | text


def nested(leaf: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
    )


bodies = nested(plain | secrets_ | archives | outputs)
mappings = st.dictionaries(keys, bodies, max_size=3)
addresses = st.builds(
    Address,
    provider=st.sampled_from(["alibaba", "huawei"]),
    target=st.lists(word, min_size=1, max_size=2).map("/".join),
    kind=st.sampled_from(["service", "function", "async_invoke"]),
    identity=st.lists(word, min_size=1, max_size=3).map(tuple),
)
calls = st.builds(
    Call,
    operation=word,
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    path=text,
    query=st.lists(st.tuples(text, text), max_size=2).map(tuple),
    headers=st.dictionaries(text, text, max_size=2),
    body=bodies,
    resource=text,
)
guards: st.SearchStrategy[Guard] = (
    st.builds(IfMatch, etag=text)
    | st.builds(Recheck, fingerprint=text)
    | st.just(MustNotExist())
    | st.just(JustCreated())
)


def steps(undo: st.SearchStrategy[tuple[Step, ...]]) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        id=word,
        address=addresses,
        action=st.sampled_from(list(Action)),
        group=word,
        call=calls,
        guard=guards,
        before=st.none() | mappings,
        after=st.none() | mappings,
        needs=st.frozensets(word, max_size=2),
        last=st.booleans(),
        undo=undo,
        ignored=st.lists(st.lists(word, min_size=1, max_size=3).map(tuple), max_size=2).map(tuple),
    )


whole_steps = steps(st.lists(steps(st.just(())), max_size=2).map(tuple))


def secret_of(part: dict[str, str]) -> str:
    return SECRETS[part["secret"]]


def origins(value: Json) -> Json:
    """The parts of every secret inside, in order: equality of texts alone would not show a lost origin."""
    match value:
        case Sensitive():
            return [value.parts]
        case dict():
            return [item for key in value for item in origins(value[key])]
        case list():
            return [item for inner in value for item in origins(inner)]
        case _:
            return []


@given(bodies)
def test_a_body_reads_back_equal_with_the_origin_of_its_secrets(body: Json) -> None:
    saved = to_json(body)
    assert not has_secret(saved)
    again = from_json(json.loads(json.dumps(saved)), secret_of)
    assert again == body
    assert origins(again) == origins(body)
    assert "the secret value of" not in json.dumps(saved)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(whole_steps)
def test_a_step_reads_back_equal(step: Step) -> None:
    saved = json.loads(json.dumps(step.to_json()))
    assert Step.from_json(saved, secret_of) == step


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(whole_steps, max_size=2).map(tuple), word, word)
def test_a_plan_reads_back_equal_and_its_text_holds_no_secret(steps: tuple[Step, ...], project: str, name: str) -> None:
    target = Target(name=name, provider="alibaba", region="cn-hangzhou", account="1", network="internal", retired=True)
    plan = Plan(project=project, target=target, changes=(), steps=steps)
    saved = to_plan_text(plan)
    assert "the secret value of" not in saved
    again = from_plan_text(saved.encode(), secret_of)
    assert again == plan
    assert to_plan_text(again) == saved
    found = [archive for step in plan.steps for archive in archives_in(step.call.body)]
    assert all(archive.sha256 in saved for archive in found)


@pytest.mark.parametrize(
    "body",
    [
        {"price": "$5", "list": ["$", "$archive", 'a "$b" c']},
        {"$archive": 1, "code": {"zipFile": ArchiveRef(sha256="ab" * 32, crc64="1", size=2)}},
        {Output(step="create a", pointer="/versionId"): 0.1, "other": Output(step="create b", pointer="/versionId")},
        {"cut": "\ud83d", "long": 2**70, "secret": sensitive(["$", {"secret": "A"}])},
        {"$secret": sensitive([{"secret": "A"}]), "text": LaterText(parts=("x", Output(step="s", pointer="/n")))},
        {"json": LaterJson(value={"$text": [Output(step="s", pointer="/n")], "by": sensitive([{"secret": "ü"}])})},
    ],
    ids=lambda body: next(iter(map(str, body))),
)
def test_a_body_that_cannot_be_saved_the_short_way_reads_back_equal(body: Json) -> None:
    step = Step(
        id="s",
        address=Address(provider="alibaba", target="dev", kind="service", identity=("s",)),
        action=Action.CREATE,
        group="body",
        call=Call(operation="o", method="POST", path="/p", body=body),
        guard=MustNotExist(),
        before=None,
        after=body,
    )
    plan = Plan(project="p", target=Target(name="t", provider="alibaba", region="r"), changes=(), steps=(step,))
    saved = to_plan_text(plan)
    assert json.loads(saved)["steps"] == [json.loads(json.dumps(step.to_json()))]
    assert "the secret value of" not in saved
    (again,) = from_plan_text(saved.encode(), secret_of).steps
    assert again == step and origins(again.after) == origins(step.after)


def test_a_plan_keeps_where_its_keys_come_from() -> None:
    arn = "acs:ram::1:role/deploy"
    oidc = Federation(provider_arn="acs:ram::1:oidc-provider/g", role_arn=arn, github="", duration_seconds=900)
    for source in (None, KeySource(profile="p"), KeySource(oidc=oidc, role_arn=arn), KeySource(ecs_role="")):
        target = Target(name="t", provider="alibaba", region="r", credentials=source)
        plan = Plan(project="p", target=target, changes=(), steps=())
        assert from_plan_text(to_plan_text(plan).encode(), secret_of) == plan


@given(
    st.builds(
        Event,
        step=word,
        type=st.sampled_from(list(EventType)),
        at=st.floats(0, 1e11),
        etag=st.none() | text,
        outputs=st.dictionaries(keys, nested(plain | archives | outputs), max_size=3),
        request_id=text,
        note=text,
    )
)
def test_an_event_reads_back_equal(event: Event) -> None:
    assert from_event_row(to_event_row(event)) == event
