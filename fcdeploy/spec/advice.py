"""What people write instead of what is meant: words of other tools, `auto`, shapes. Text for hints only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from fcdeploy.diagnostics import did_you_mean
from fcdeploy.kinds import registry
from fcdeploy.model import Sensitive
from fcdeploy.spec.node import Node

FOREIGN: Mapping[str, str] = {
    "codeuri": "code",
    "source": "code",
    "src": "code",
    "env": "environmentVariables",
    "envs": "environmentVariables",
    "envvars": "environmentVariables",
    "concurrency": "instanceConcurrency",
    "disk": "diskSize",
    "image": "customContainerConfig",
    "container": "customContainerConfig",
    "customcontainer": "customContainerConfig",
    "memory": "memorySize",
    "port": "caPort",
    "rolearn": "role",
    "triggerconfig": "config",
    "triggertype": "type",
    "cron": "cronExpression",
    "schedule": "cronExpression",
    "events": "triggers",
    "vpc": "vpcConfig",
    "nas": "nasConfig",
    "log": "logConfig",
    "service": "services",
    "function": "functions",
    "resources": "services",
    "variables": "vars",
    "stages": "targets",
    "environments": "targets",
    "name": "project",
    "version": "apiVersion",
}
"""Words of other tools, folded, and what they are called here; a hint only where the word is known."""

AUTO: Mapping[str, str] = {
    "role": "create the role yourself and write its ARN: `role: acs:ram::{account}:role/{name}`",
    "invocationRole": "create the role yourself and write its ARN: `invocationRole: acs:ram::{account}:role/{name}`",
    "vpcConfig": "write the network that exists: `vpcConfig: {vpcId: …, vSwitchIds: […], securityGroupId: …}`",
    "nasConfig": "write the file system that exists: `nasConfig: {mountPoints: [{serverAddr: …, mountDir: …}]}`",
    "customDomains": "write a domain name of your own; its CNAME must lead to the account's endpoint",
    "logConfig": "write the log store that exists: `logConfig: {project: …, logstore: …}`",
}
"""What to write instead of `auto`, which other tools take as leave to create resources (S5)."""

COMMANDS = frozenset({"build", "command"})
"""Keys whose value is a program with its arguments."""

_TRUE_WORDS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}


def for_unknown_key(key: str, known: Iterable[str]) -> str:
    """The known key that was probably meant, or an empty string."""
    names = sorted(known)
    folded = key.lower().replace("_", "").replace("-", "")
    same = [name for name in names if name.lower() == folded]
    if same:
        return same[0]
    foreign = FOREIGN.get(folded, "")
    if foreign in names:
        return foreign
    near = did_you_mean(key, names)
    return near.split("`")[1] if near else ""


def where_known(key: str, provider: str) -> str:
    """`a field of a function` for a name that belongs elsewhere, or an empty string."""
    found = [
        kind.title.lower()
        for kind in registry.KINDS.values()
        if kind.provider == provider and any(one.spec_name == key for one in kind.fields)
    ]
    if found:
        return f"`{key}` belongs to a {' or a '.join(found)}"
    parents = [kind.place for kind in registry.KINDS.values() if kind.provider == provider and kind.section == key]
    if parents:
        return f"`{key}` stand in a {parents[0]}" if parents[0] else f"`{key}` stand at the top of the file"
    return ""


def for_type(node: Node, wanted: tuple[str, ...]) -> str:
    """How to write a value of the wanted JSON types instead of what the node holds."""
    value = node.value
    if isinstance(value, Sensitive):
        return "a secret can only be text"
    if node.templated:
        if isinstance(value, str) and "integer" in wanted:
            return "the template gives text: add `| int` to it"
        if "string" in wanted and isinstance(value, (int, float)):
            return "the template gives no text: add `| string` to it"
        return ""
    match value:
        case str() if "integer" in wanted or "number" in wanted:
            return _number_hint(value)
        case str() if "boolean" in wanted:
            word = _TRUE_WORDS.get(value.strip().lower())
            return f"write {word} without quotes" if word else "write true or false"
        case bool() | int() | float() if "string" in wanted and node.pasted:
            return 'quote what is put in: "{{ … }}"'
        case bool() | int() | float() if "string" in wanted:
            return f'quote it: "{node.text or value}"'
        case float() if "integer" in wanted:
            return f"write {round(value)}"
        case dict() if "array" in wanted:
            return "write a list: each entry begins with `- `"
        case str() if "array" in wanted:
            return f"write a list: [{value}]" if re.fullmatch(r"[\w./:@#-]+", value) else "write a list: [ … ]"
        case bool() | int() | float() if "array" in wanted:
            return f"write a list: [{node.text or value}]"
        case list() if "object" in wanted:
            return _map_hint(node)
        case str() if "object" in wanted and re.match(r"\s*\{", value):
            return "write it as YAML, without the quotes"
        case list() if "string" in wanted and len(node.items) == 1:
            return "write the value alone, without a list"
        case _:
            return ""


def for_command(node: Node) -> str:
    """How to write a command that stands as one text: nothing here splits words or asks a shell."""
    text = node.value
    if not isinstance(text, str) or isinstance(text, Sensitive) or node.templated:
        return ""
    plain = re.fullmatch(r"[\w./:@=,+ -]+", text) and text.split()
    if plain:
        return f"write a list: {json.dumps(plain)}"
    return 'write a list; for a shell: ["sh", "-c", "…"]'


def _number_hint(text: str) -> str:
    plain = text.strip()
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", plain):
        return f"write {plain} without quotes"
    unit = re.fullmatch(r"([0-9]+)\s*([a-zA-Z]+)", plain)
    if unit:
        return f"write the number alone, without `{unit[2]}`"
    return "write a number"


def _map_hint(node: Node) -> str:
    first = node.items[0] if node.items else None
    if first is None:
        return "write a map: {}"
    if {"name", "value"} <= first.fields.keys():
        return "write a map: `NAME: value`, one a line, without `- `"
    if "name" in first.fields:
        return "write a map with each `name` as the key, without `- `"
    if isinstance(first.value, str) and "=" in first.value:
        return "write a map: `NAME: value` in place of `NAME=value`"
    return "write a map: `name: …`, without `- `"
