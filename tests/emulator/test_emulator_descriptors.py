"""The emulator's rules against the deployer's descriptors, field by field, by asking a running emulator.

Neither knows the other, so a wrong belief shows up here as a difference. Every field of every descriptor is probed
with generated requests: is it required, what does it default to, can it be updated, which values, ranges, steps,
lengths and counts are allowed. Each difference must stand in ``descriptor_differences.yaml`` with both sides and a
reason, and each entry there must be met.
"""

import base64
import copy
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from fcdeploy.kinds.alibaba import async_invoke, custom_domain, function, on_demand, provision, service, trigger
from fcdeploy.kinds.alibaba.trigger_types import NO_ROLE, NO_SOURCE, VARIANTS
from fcdeploy.kinds.fields import Access, Codec, Field, obj

DIFFERENCES = Path(__file__).with_name("descriptor_differences.yaml")
QUALIFIED = (async_invoke.KIND, on_demand.KIND, provision.KIND)
BOGUS = "~bogus~"
ROLE = "acs:ram::1:role/r"
BRIDGE = {"x-fc-enable-eventbridge-trigger": "enable"}
FAR = 2**40

_DATA = yaml.safe_load(Path(__file__).with_name("descriptor_samples.yaml").read_text(encoding="utf-8"))
SAMPLES: dict[str, list[object]] = _DATA["samples"]
SOURCES: dict[str, str] = _DATA["sources"]
NEEDED: dict[str, list[str]] = _DATA["needed"]
CUSTOM_ONLY = ("caPort", "customRuntimeConfig", "customHealthCheckConfig")

Path_ = tuple[str, ...]


def sample(field: Field, place: int = 0) -> object:
    """A valid value; ``place`` 0 and 1 differ where the field has two values at all."""
    if field.name in SAMPLES:
        return copy.deepcopy(SAMPLES[field.name][place])
    schema = field.schema
    if field.codec is Codec.JSON_TEXT:
        return ('["a"]', '["b"]')[place]
    if "enum" in schema:
        return schema["enum"][min(place, len(schema["enum"]) - 1)]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "integer":
        return schema.get("minimum", schema.get("multipleOf", 1)) + place * schema.get("multipleOf", 1)
    if kind == "boolean":
        return place == 0
    if kind == "array":
        assert field.item is not None
        return [sample(field.item, place)]
    if kind == "object" and field.fields:
        members = [one for one in field.fields if one.required] or field.fields[:1]
        return {one.name: sample(one, place) for one in members}
    if kind == "object":
        extra = schema.get("additionalProperties", {})
        return {"a": [("x", "y")[place]] if extra.get("type") == "array" else ("x", "y")[place]}
    return (f"{field.name}-a", f"{field.name}-b")[place]


class Subject:
    """One kind (of triggers: one type) on the running emulator: how it is created, read and updated."""

    numbers = itertools.count()  # shared: no name is used twice

    def __init__(self, api, name: str, fields: tuple[Field, ...], prefix: Path_ = ()) -> None:
        self.api, self.name, self.fields, self.prefix = api, name, fields, prefix

    def walk(self) -> Iterator[tuple[Path_, Field]]:
        """Every field with its path; ``[]`` stands for an item of a list."""

        def below(path: Path_, fields: tuple[Field, ...]) -> Iterator[tuple[Path_, Field]]:
            for one in fields:
                yield (*path, one.name), one
                yield from below((*path, one.name), one.fields)
                if one.item is not None and one.item.fields:
                    yield from below((*path, one.name, "[]"), one.item.fields)

        yield from below(self.prefix, self.fields)

    def base(self, path: Path_) -> dict:
        """The smallest body in which the field at ``path`` has a meaning."""
        raise NotImplementedError

    def create(self, body: dict, name: str = "") -> tuple[str, object]:
        """Send a create; return the path of the new resource and the answer."""
        raise NotImplementedError

    def body_with(self, path: Path_, field: Field, value: object) -> dict:
        """The base with ``value`` at ``path``; the objects above it get what they require."""
        body = self.base(path)
        here: object = body
        fields: tuple[Field, ...] = self.fields
        for depth, part in enumerate(path[:-1]):
            if part == "[]":
                assert isinstance(here, list)
                here = here[0]
                continue
            owner = next((one for one in fields if one.name == part), None)
            assert isinstance(here, dict)
            if owner is None:  # the prefix: triggerConfig
                here = here.setdefault(part, {})
                continue
            if part not in here:
                here[part] = sample(owner)
            here = here[part]
            fields = owner.item.fields if owner.item is not None and path[depth + 1] == "[]" else owner.fields
        assert isinstance(here, dict)
        if value is LEFT_OUT:
            here.pop(path[-1], None)
        else:
            here[path[-1]] = value
        return body

    def complaint(self, path: Path_, body: dict) -> str:
        """What the emulator has against the field at ``path`` in a create; "" when it has nothing against it."""
        answer = self.create(body)[1]
        if answer.status_code < 400:
            return ""
        message = answer.json()["ErrorMessage"]
        label = ".".join(part[0].upper() + part[1:] for part in path).replace(".[]", "[0]")
        if message.startswith((f"{label} ", f"{label}[0] ", f"{path[-1]} ")):
            return message.partition(" ")[2]
        return ""


LEFT_OUT = object()


class ServiceSubject(Subject):
    def base(self, path: Path_) -> dict:
        return {}

    def create(self, body: dict, name: str = "") -> tuple[str, object]:
        name = name or f"s{next(self.numbers)}"
        return f"/services/{name}", self.api.send("POST", "/services", {**body, "serviceName": name})


class FunctionSubject(Subject):
    zipped = b""

    def base(self, path: Path_) -> dict:
        body = {"runtime": "nodejs14", "handler": "index.handler", "memorySize": 128}
        code = {"zipFile": base64.b64encode(self.zipped).decode()}
        if path[0] == "memorySize":  # e1 and c1 have limits of their own, which no field's schema says
            body["instanceType"] = "fc.gpu.tesla.1"
        if path[0] == "instanceSoftConcurrency":  # at most the hard one
            body["instanceConcurrency"] = 100
        if path[0] == "customContainerConfig":
            return {**body, "runtime": "custom-container", "customContainerConfig": {"image": "i"}}
        return {**body, "code": code, **({"runtime": "custom"} if path[0] in CUSTOM_ONLY else {})}

    def create(self, body: dict, name: str = "") -> tuple[str, object]:
        name = name or f"f{next(self.numbers)}"
        return f"/services/s/functions/{name}", self.api.send(
            "POST", "/services/s/functions", {**body, "functionName": name}
        )


class TriggerSubject(Subject):
    def base(self, path: Path_) -> dict:
        kind = self.name.partition(".")[2]
        body: dict = {"triggerType": kind}
        if kind not in NO_SOURCE:
            body["sourceArn"] = SOURCES[kind]
        if kind not in NO_ROLE and kind not in NO_SOURCE:
            body["invocationRole"] = ROLE
        needed = {one.name: sample(one) for one in VARIANTS[kind] if one.required}
        needed |= {one.name: sample(one) for one in VARIANTS[kind] if one.name in NEEDED.get(kind, ())}
        return {**body, "triggerConfig": needed}

    def create(self, body: dict, name: str = "") -> tuple[str, object]:
        function_name = f"t{next(self.numbers)}"
        code = {"zipFile": base64.b64encode(FunctionSubject.zipped).decode()}
        made = {"functionName": function_name, "runtime": "nodejs14", "handler": "h", "code": code}
        assert self.api.send("POST", "/services/s/functions", made).status_code == 200
        path = f"/services/s/functions/{function_name}/triggers"
        return f"{path}/{name or 't'}", self.api.send(
            "POST", path, {**body, "triggerName": name or "t"}, headers=BRIDGE
        )


class QualifiedSubject(Subject):
    """What a function has behind a qualifier: one PUT makes and changes it."""

    def __init__(self, api, name: str, fields: tuple[Field, ...], last: str) -> None:
        super().__init__(api, name, fields)
        self.last = last

    def base(self, path: Path_) -> dict:
        needed = {one.name for one in self.fields if one.required} | {*NEEDED.get(self.name, ())}
        return {one.name: sample(one) for one in self.fields if one.name in needed}

    def create(self, body: dict, name: str = "") -> tuple[str, object]:
        function_name = f"q{next(self.numbers)}"
        code = {"zipFile": base64.b64encode(FunctionSubject.zipped).decode()}
        made = {"functionName": function_name, "runtime": "nodejs14", "handler": "h", "code": code}
        assert self.api.send("POST", "/services/s/functions", made).status_code == 200
        path = f"/services/s.LATEST/functions/{function_name}/{self.last}"
        return path, self.api.send("PUT", path, body)


class DomainSubject(Subject):
    def base(self, path: Path_) -> dict:
        # Anything with HTTPS needs a certificate, which no field's schema says.
        needing = path[0] == "protocol"
        return {"certConfig": sample(custom_domain.KIND.field("certConfig"))} if needing else {}

    def create(self, body: dict, name: str = "") -> tuple[str, object]:
        name = name or f"d{next(self.numbers)}.example.com"
        return f"/custom-domains/{name}", self.api.send("POST", "/custom-domains", {**body, "domainName": name})


def as_sent(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The fields as they travel: what is wrapped inside what wraps it, a name in parts as its parts."""
    made: list[Field] = []
    for one in fields:
        if one.split:
            made += [replace(one, name=part, split=(), refers="", schema={"type": "string"}) for part in one.split]
            continue
        item = replace(one.item, fields=as_sent(one.item.fields)) if one.item is not None else None
        one = replace(one, fields=as_sent(one.fields), item=item)
        if one.wrapped:
            inner = replace(one, name=one.wrapped, spec="", wrapped="")
            one = obj(one.name, one.title, one.description, fields=(inner,), defaults=one.defaults)
        made.append(one)
    return tuple(made)


def at(body: object, path: Path_) -> object:
    """The value at a path of a live body, None where there is none."""
    for part in path:
        if part == "[]":
            body = body[0] if isinstance(body, list) and body else None
        elif isinstance(body, Mapping):
            body = body.get(part)
        else:
            return None
    return body


def nothing(field: Field, live: object) -> bool:
    """Whether a live value is the field's way to say that it is not there."""
    if live in (None, "", [], {}) or live == field.empty:
        return True
    if isinstance(live, Mapping):
        if field.off:
            return not live.get(field.off)
        return all(value in (None, "", [], {}, -1, False) for value in live.values())
    return False


# One probe an aspect: what the descriptor says and what the emulator does, as plain values. None: does not apply.

Sides = tuple[object, object] | None


def probe_required(one: Subject, path: Path_, field: Field) -> Sides:
    said = "is required" in one.complaint(path, one.body_with(path, field, LEFT_OUT))
    return field.required, said


def probe_default(one: Subject, path: Path_, field: Field) -> Sides:
    body = one.body_with(path, field, LEFT_OUT)
    default = field.default(one.base(path))
    if field.required or default is None or field.codec is Codec.ARCHIVE:
        return None
    place, answer = one.create(body)
    if answer.status_code >= 400:
        return None  # probe_required tells
    live = at(one.api.send("GET", place, headers=BRIDGE).json(), path)
    if default.value in (None, "", [], {}) and nothing(field, live):
        return None
    return default.value, live


def probe_updatable(one: Subject, path: Path_, field: Field) -> Sides:
    if len(path) > len(one.prefix) + 1 or field.codec is Codec.ARCHIVE or sample(field, 0) == sample(field, 1):
        return None
    place, answer = one.create(one.body_with(path, field, sample(field, 0)))
    assert answer.status_code == 200, (one.name, path, answer.text)
    before = at(one.api.send("GET", place, headers=BRIDGE).json(), path)
    changed: dict = {}
    here = changed
    for part in path[:-1]:
        here = here.setdefault(part, {})
    here[path[-1]] = sample(field, 1)
    if isinstance(one, QualifiedSubject):
        changed = {**one.base(path), **changed}
    one.api.send("PUT", place, changed, headers=BRIDGE)
    after = at(one.api.send("GET", place, headers=BRIDGE).json(), path)
    return field.access is not Access.CREATE_ONLY, before != after


def probe_choices(one: Subject, path: Path_, field: Field) -> Sides:
    schema = field.schema
    if schema.get("type") != "string" and not (field.item and field.item.schema.get("enum")):
        return _number_choices(one, path, field) if schema.get("type") == "integer" else None
    value: object = [BOGUS] if field.item is not None else BOGUS
    told = re.search(
        r"set to an invalid value \(allowed: (.*), actual", one.complaint(path, one.body_with(path, field, value))
    )
    allowed = (
        sorted(each for each in told[1].split(" | ") if each)
        if told and " " not in told[1].replace(" | ", "")
        else None
    )
    own = (field.item.schema if field.item is not None else schema).get("enum")
    return (sorted(own) if own else None), allowed


def _number_choices(one: Subject, path: Path_, field: Field) -> Sides:
    told = re.search(r"\(allowed: ([0-9 |]+), actual", one.complaint(path, one.body_with(path, field, 7)))
    own = field.schema.get("enum")
    return (sorted(own) if own else None), (sorted(int(each) for each in told[1].split(" | ")) if told else None)


def probe_form(one: Subject, path: Path_, field: Field) -> Sides:
    if field.schema.get("type") != "string" or "enum" in field.schema:
        return None
    said = one.complaint(path, one.body_with(path, field, BOGUS))
    refused = bool(said) and " | " not in said
    return "pattern" in field.schema or field.codec is Codec.JSON_TEXT, refused


def probe_range(one: Subject, path: Path_, field: Field) -> Sides:
    if field.schema.get("type") not in ("integer", "number") or "enum" in field.schema:
        return None
    limits = []
    for far in (-FAR, FAR):
        told = re.search(
            r"allowed: \[([-0-9.]+|None), ([-0-9.]+|None)\]", one.complaint(path, one.body_with(path, field, far))
        )
        limits.append(told.groups() if told else ("None", "None"))
    low, high = limits[0][0], limits[1][1]
    own = field.schema.get("minimum", field.schema.get("exclusiveMinimum")), field.schema.get("maximum")
    theirs = [None if each == "None" else float(each) for each in (low, high)]
    for limit, beyond in zip(theirs, (-1, 1), strict=True):  # what the message says is what it does
        if limit is not None and field.schema["type"] == "integer":
            step = field.schema.get("multipleOf", 1)
            assert "allowed: [" not in one.complaint(path, one.body_with(path, field, int(limit))), path
            assert one.complaint(path, one.body_with(path, field, int(limit) + beyond * step)), path
    return [None if each is None else float(each) for each in own], theirs


def probe_step(one: Subject, path: Path_, field: Field) -> Sides:
    if field.schema.get("type") != "integer" or "enum" in field.schema:
        return None
    value = max(int(field.schema.get("minimum", 0)), 0) + 1
    told = re.search(r"allowed: multiple of ([0-9.]+)", one.complaint(path, one.body_with(path, field, value)))
    return field.schema.get("multipleOf"), int(told[1]) if told else None


def probe_length(one: Subject, path: Path_, field: Field) -> Sides:
    if field.schema.get("type") != "string" or "enum" in field.schema or field.codec is Codec.JSON_TEXT:
        return None
    told = re.search(r"\(max: ([0-9]+)", one.complaint(path, one.body_with(path, field, "a" * 300_000)))
    return field.schema.get("maxLength"), int(told[1]) if told else None


def probe_count(one: Subject, path: Path_, field: Field) -> Sides:
    if field.item is None or field.codec is Codec.JSON_TEXT:
        return None
    many = [sample(field.item) for _ in range(200)]
    if field.item.fields:
        key = field.item.fields[-1].name
        many = [{**each, key: each.get(key)} for each in many]
    told = re.search(r"\(max: ([0-9]+)", one.complaint(path, one.body_with(path, field, many)))
    none = bool(one.complaint(path, one.body_with(path, field, [])))
    own = field.schema.get("maxItems")
    return [int(bool(field.schema.get("minItems"))), own], [int(none), int(told[1]) if told else None]


PROBES: dict[str, Callable[[Subject, Path_, Field], Sides]] = {
    "required": probe_required,
    "default": probe_default,
    "updatable": probe_updatable,
    "choices": probe_choices,
    "form": probe_form,
    "range": probe_range,
    "step": probe_step,
    "length": probe_length,
    "count": probe_count,
}


def name_limits(one: Subject, schema: Mapping[str, object]) -> Sides:
    """The longest name: of the descriptor, and of the emulator."""
    answer = one.create(one.base(("",)), "n" * 500)[1]
    told = re.search(r"Name exceeds the maximum allowed length \(max: ([0-9]+)", answer.json()["ErrorMessage"])
    assert "Name doesn't match" in one.create(one.base(("",)), "9")[1].json()["ErrorMessage"]
    return schema["maxLength"], int(told[1]) if told else None


def subjects(api) -> Iterator[tuple[Subject, Mapping[str, object]]]:
    own = tuple(one for one in service.KIND.fields if one.name != "tags")  # tags have endpoints of their own
    yield ServiceSubject(api, "service", own), service.KIND.name_schema
    yield FunctionSubject(api, "function", function.KIND.fields), function.KIND.name_schema
    outer = tuple(one for one in trigger.KIND.fields if one.name not in ("triggerConfig", "triggerType"))
    yield TriggerSubject(api, "trigger.oss", outer), trigger.KIND.name_schema
    for kind, fields in VARIANTS.items():
        yield TriggerSubject(api, f"trigger.{kind}", fields, ("triggerConfig",)), trigger.KIND.name_schema
    yield DomainSubject(api, "customDomain", as_sent(custom_domain.KIND.fields)), {}
    for one in QUALIFIED:  # qualifiers have names of their own kinds
        yield QualifiedSubject(api, one.name, one.fields, one.create.path.rpartition("/")[2]), {}


def differences(api) -> tuple[dict[tuple[str, str, str], tuple[object, object]], int]:
    """All differences by kind, field and aspect, and how many comparisons were made."""
    found: dict[tuple[str, str, str], tuple[object, object]] = {}
    made = 0
    for one, names in subjects(api):
        sides = name_limits(one, names) if names else None
        if sides is not None and sides[0] != sides[1]:
            found[one.name, "", "name"] = sides
        for path, field in one.walk():
            dotted = ".".join(path).replace(".[]", "[]")
            for aspect, probe in PROBES.items():
                sides = probe(one, path, field)
                made += sides is not None
                if sides is not None and sides[0] != sides[1]:
                    found[one.name, dotted, aspect] = sides
    return found, made


@pytest.fixture(scope="module")
def explained() -> dict[tuple[str, str, str], dict]:
    listed = yaml.safe_load(DIFFERENCES.read_text(encoding="utf-8"))
    entries = {(each["kind"], each["field"], each["aspect"]): each for each in listed}
    assert len(entries) == len(listed), "a difference is explained twice"
    return entries


def test_every_difference_is_explained_and_every_explanation_is_needed(start, zipped, explained) -> None:
    FunctionSubject.zipped = zipped()
    _, api = start(functions_per_service=100_000)
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/versions", {})
    found, made = differences(api)
    assert made > 400  # the probes did run
    told = {key: {"descriptor": sides[0], "emulator": sides[1]} for key, sides in found.items() if key not in explained}
    assert not told, yaml.safe_dump(told)
    unused = [key for key in explained if key not in found]
    assert not unused, "explained, but there is no such difference"
    for key, each in explained.items():
        assert (each["descriptor"], each["emulator"]) == found[key], key
        assert len(each["reason"]) > 20, key
