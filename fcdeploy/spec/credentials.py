"""`credentials:` of a target: where its keys come from (S6). A key itself never stands in a spec.

No message here repeats a value that might be a token put where its name belongs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fcdeploy.diagnostics import Diagnostic, did_you_mean, error
from fcdeploy.model import PROVIDER_ARN, ROLE_ARN, Federation, KeySource, Provider
from fcdeploy.spec.node import Node, Path, path_text
from fcdeploy.spec.reading import FieldReader
from fcdeploy.spec.word_forms import map_word, text_word

SESSION = r"[A-Za-z0-9.@_-]{2,64}"
"""API reference STS 2015-04-01, AssumeRole: RoleSessionName."""
EXTERNAL_ID = r"[A-Za-z0-9+=,.@:/_-]{2,1224}"
"""API reference STS 2015-04-01, AssumeRole: ExternalId."""
VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
SHORTEST, LONGEST = 900, 43200
"""Seconds of a session (API reference STS 2015-04-01, AssumeRole; RAM, MaxSessionDuration)."""
SOURCES = ("profile", "oidc", "ecsRole")
TOKENS = ("tokenFile", "tokenEnv", "github")

_FIELDS = (*SOURCES, "roleArn", "sessionName", "externalId", "durationSeconds")
_OIDC_FIELDS = ("providerArn", "roleArn", *TOKENS, "sessionName", "durationSeconds")
_ROLE_HINT = 'roleArn: "acs:ram::ACCOUNT:role/NAME"'
_NO_KEYS = "keys never stand in a spec: name a profile or a role, or use the environment"
_SESSION_HINT = "2 to 64 letters, digits and `.@-_`"


def to_credentials(
    node: Node | None, path: Path, found: list[Diagnostic], *, account: str | None, cloud: Provider
) -> KeySource | None:
    """The rendered `credentials:` at `path`; what is wrong is added to `found`. `account` is the target's own."""
    if node is None or node.value is None:
        return None
    fields = _Fields(node, path, found, "`credentials`")
    foreign = [name for name in _FIELDS if cloud.key_fields and name not in cloud.key_fields and _given(node, name)]
    for name in foreign:
        summary = f"`{name}` cannot be used at {cloud.title}"
        hint = f"name a {' or '.join(cloud.key_fields)}, or leave `credentials` out and let the environment hold a key"
        fields.say(summary, node.fields[name].key_span or node.span, name, hint)
    if foreign:
        return None
    if not fields.known(_FIELDS, "`credentials`", _NO_KEYS, example="credentials: {profile: NAME}"):
        return None
    given = [name for name in SOURCES if _given(node, name)]
    if len(given) > 1:
        summary = f"`{given[0]}` and `{given[1]}` cannot both say where keys come from"
        fields.say(summary, node.fields[given[1]].key_span or node.span, given[1], "keep one of them")
    role = fields.matching("roleArn", ROLE_ARN, "is not the name of a RAM role", _ROLE_HINT)
    source = KeySource(
        profile=fields.plain("profile"),
        oidc=_federation(node, path, found),
        ecs_role=_ecs_role(node, fields),
        role_arn=role,
        session_name=fields.matching("sessionName", SESSION, "is not a session's name", _SESSION_HINT),
        external_id=fields.matching("externalId", EXTERNAL_ID, "is not an external id", "2 to 1224 letters and digits"),
        duration_seconds=fields.seconds("durationSeconds"),
    )
    if not _given(node, "roleArn"):
        for name in ("sessionName", "externalId", "durationSeconds"):
            if _given(node, name):
                fields.say(f"`{name}` needs `roleArn`", node.fields[name].span, name, _ROLE_HINT)
    if account is not None and source.account is not None and source.account != account:
        # What a role may do is done in the role's own account.
        summary = f"the role is one of account {source.account}, but the target's account is {account}"
        where = node.fields["roleArn"] if role else node.fields["oidc"]
        fields.say(summary, where.span, "roleArn" if role else "oidc", "take a role of the target's account")
    return source


def _federation(node: Node, path: Path, found: list[Diagnostic]) -> Federation | None:
    inner = node.at(["oidc"])
    if inner is None or inner.value is None:
        return None
    here: Path = (*path, "oidc")
    fields = _Fields(inner, here, found, "`oidc`")
    example = "oidc: {providerArn: …, roleArn: …, tokenEnv: NAME}"
    if not fields.known(_OIDC_FIELDS, "`oidc`", "the token itself never stands in a spec", example=example):
        return None
    given = [name for name in TOKENS if _given(inner, name)]
    if len(given) != 1:
        summary = f"`{given[0]}` and `{given[1]}` cannot both be" if given else "nothing says where the id token is"
        hint = f"one of: {', '.join(TOKENS)}"
        found.append(error(summary, span=inner.key_span or inner.span, path=path_text(here), hint=hint))
    hint = 'providerArn: "acs:ram::ACCOUNT:oidc-provider/NAME"'
    provider = fields.matching("providerArn", PROVIDER_ARN, "is not the name of an OIDC provider", hint, required=True)
    role = fields.matching("roleArn", ROLE_ARN, "is not the name of a RAM role", _ROLE_HINT, required=True)
    made = Federation(
        provider_arn=provider or "",
        role_arn=role or "",
        token_file=fields.matching(
            "tokenFile", r"/.*", "must be an absolute path", "the file is read for each session"
        ),
        token_env=fields.matching("tokenEnv", VARIABLE, "is not the name of a variable", "tokenEnv: NAME"),
        github=_audience(inner, here, found),
        session_name=fields.matching("sessionName", SESSION, "is not a session's name", _SESSION_HINT),
        duration_seconds=fields.seconds("durationSeconds"),
    )
    return made if provider and role else None


def _audience(node: Node, path: Path, found: list[Diagnostic]) -> str | None:
    inner = node.at(["github"])
    if inner is None or inner.value is None:
        return None
    fields = _Fields(inner, (*path, "github"), found, "`github`")
    if not fields.known(("audience",), "`github`", "", example="github: {audience: sts.aliyuncs.com}"):
        return None
    return fields.plain("audience") or ""


def _ecs_role(node: Node, fields: _Fields) -> str | None:
    inner = node.at(["ecsRole"])
    if inner is None or inner.value is None or inner.value is False:
        return None
    if inner.value is True:
        return ""
    return fields.matching("ecsRole", r"[A-Za-z0-9.@_-]{1,64}", "is not a role's name", "ecsRole: NAME, or true")


def _given(node: Node, name: str) -> bool:
    inner = node.at([name])
    return inner is not None and inner.value is not None and inner.value is not False


class _Fields(FieldReader):
    """A field reader that knows of forms and of seconds."""

    def __init__(self, node: Node, path: Path, found: list[Diagnostic], what: str) -> None:
        super().__init__(node, path, found, what)
        self._map, self._at, self._all = node, path, found

    def known(self, allowed: Sequence[str], what: str, otherwise: str, *, example: str) -> bool:
        """Whether it is a map at all; a field that is not allowed is an error."""
        if not isinstance(self._map.value, dict):
            summary = f"{what} must be a map, not {self._map.what}"
            self._all.append(error(summary, span=self._map.span, path=path_text(self._at), hint=example))
            return False
        for key, item in self._map.fields.items():
            if key not in allowed:
                hint = did_you_mean(key, allowed) or otherwise or f"fields are: {', '.join(allowed)}"
                self.say(f"{what} has no field `{key}`", item.key_span or item.span, key, hint)
        return True

    def plain(self, field: str, *, required: bool = False) -> str | None:
        """The text of a field as plain text, whatever a template made of it."""
        text = self.text(field, required=required)
        return None if text is None else str.__str__(text)

    def matching(self, field: str, form: str, wrong: str, hint: str, *, required: bool = False) -> str | None:
        """The text of a field if it has this form."""
        text = self.plain(field, required=required)
        if text is None or re.fullmatch(form, text):
            return text
        self.say(f"`{field}` {wrong}", self._map.fields[field].span, field, hint)
        return None

    def seconds(self, field: str) -> int | None:
        """How long a session lasts."""
        inner = self._map.at([field])
        if inner is None or inner.value is None:
            return None
        value = inner.value
        if not isinstance(value, int) or isinstance(value, bool) or not SHORTEST <= value <= LONGEST:
            hint = "the role's own maximum, an hour unless it was raised, may be less"
            self.say(f"`{field}` must be a number from {SHORTEST} to {LONGEST}", inner.span, field, hint)
            return None
        return value


def _text(title: str, description: str, form: str = "") -> dict[str, Any]:
    return text_word(title, description, **({"pattern": f"^{form}$"} if form else {}))


def _map(title: str, description: str, properties: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return map_word(title, description, properties=properties, additionalProperties=False, **rest)


def _duration() -> dict[str, Any]:
    return {
        "title": "Duration",
        "description": "Seconds that a session lasts; new keys are fetched before it ends. Without it: 3600.",
        "type": "integer",
        "minimum": SHORTEST,
        "maximum": LONGEST,
    }


_SESSION = _text("Session name", "Who the audit log says it was. Without it: `fcdeploy`.", SESSION)

CREDENTIALS: dict[str, Any] = _map(
    "Credentials",
    "Where this target's credentials come from; beats the environment. At most one of `profile`, `oidc` and "
    "`ecsRole`; `roleArn` is a role to take with it.",  # S6
    {
        "profile": _text("Profile", "A profile of the provider's own command line tool, or of its SDKs."),
        "oidc": _map(
            "OIDC",
            "A role taken with an id token of the pipeline or the cluster.",
            {
                "providerArn": _text("Provider", "The OIDC provider as RAM names it.", PROVIDER_ARN),
                "roleArn": _text("Role", "The role that trusts the provider.", ROLE_ARN),
                "tokenFile": _text("Token file", "An absolute path; the file is read for each session.", "/.*"),
                "tokenEnv": _text("Token variable", "The environment variable that holds the id token.", VARIABLE),
                "github": _map(
                    "GitHub",
                    "Ask GitHub Actions for the id token; the job needs `permissions: {id-token: write}`.",
                    {"audience": _text("Audience", "Who the token is for: a client id of the provider.")},
                ),
                "sessionName": _SESSION,
                "durationSeconds": _duration(),
            },
            required=["providerArn", "roleArn"],
        ),
        "ecsRole": {
            "title": "ECS role",
            "description": "The role of the machine that fcdeploy runs on, by name, or `true` for the one it has.",
            "type": ["string", "boolean"],
        },
        "roleArn": _text(
            "Role", "A role to take with the keys that the other fields or the environment give.", ROLE_ARN
        ),
        "sessionName": _SESSION,
        "externalId": _text("External id", "What the role's trust policy asks for as `sts:ExternalId`.", EXTERNAL_ID),
        "durationSeconds": _duration(),
    },
)
