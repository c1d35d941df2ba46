"""Where a target says that its keys come from (S6). Values only: nothing here is a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct

ROLE_ARN = r"acs:ram::([0-9]+):role/[A-Za-z0-9.@_/-]{1,128}"
PROVIDER_ARN = r"acs:ram::([0-9]+):oidc-provider/[A-Za-z0-9._-]{1,128}"


class Federation(Struct, frozen=True, kw_only=True):
    """`oidc:`: a role taken with an id token. Exactly one of the three places of the token is set.

    `token_file` is an absolute path, `token_env` the name of a variable, `github` the audience to ask GitHub Actions
    for ("": its default).
    """

    provider_arn: str
    role_arn: str
    token_file: str | None = None
    token_env: str | None = None
    github: str | None = None
    session_name: str | None = None
    duration_seconds: int | None = None


class KeySource(Struct, frozen=True, kw_only=True):
    """`credentials:` of a target: at most one of `profile`, `oidc` and `ecs_role`, and a role to take with that.

    Without the three, `role_arn` is taken with what the environment has. `ecs_role` "" is whatever role the machine
    has. `duration_seconds` is how long a session lasts.
    """

    profile: str | None = None
    oidc: Federation | None = None
    ecs_role: str | None = None
    role_arn: str | None = None
    session_name: str | None = None
    external_id: str | None = None
    duration_seconds: int | None = None

    @property
    def account(self) -> str | None:
        """The account whose keys these will be, where a role names it."""
        arn = self.role_arn or (self.oidc.role_arn if self.oidc else None)
        return arn_account(arn) if arn else None

    def to_json(self) -> dict[str, Any]:
        """As the spec writes it."""
        oidc = self.oidc
        return _without_none(
            {
                "profile": self.profile,
                "oidc": oidc
                and _without_none(
                    {
                        "providerArn": oidc.provider_arn,
                        "roleArn": oidc.role_arn,
                        "tokenFile": oidc.token_file,
                        "tokenEnv": oidc.token_env,
                        "github": _github_to_json(oidc.github),
                        "sessionName": oidc.session_name,
                        "durationSeconds": oidc.duration_seconds,
                    }
                ),
                "ecsRole": True if self.ecs_role == "" else self.ecs_role,
                "roleArn": self.role_arn,
                "sessionName": self.session_name,
                "externalId": self.external_id,
                "durationSeconds": self.duration_seconds,
            }
        )

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        oidc = saved.get("oidc")
        ecs_role = saved.get("ecsRole")
        return cls(
            profile=saved.get("profile"),
            oidc=oidc
            and Federation(
                provider_arn=oidc["providerArn"],
                role_arn=oidc["roleArn"],
                token_file=oidc.get("tokenFile"),
                token_env=oidc.get("tokenEnv"),
                github=oidc["github"].get("audience", "") if "github" in oidc else None,
                session_name=oidc.get("sessionName"),
                duration_seconds=oidc.get("durationSeconds"),
            ),
            ecs_role="" if ecs_role is True else ecs_role,
            role_arn=saved.get("roleArn"),
            session_name=saved.get("sessionName"),
            external_id=saved.get("externalId"),
            duration_seconds=saved.get("durationSeconds"),
        )


def arn_account(arn: str) -> str | None:
    """The account that a role's name (ARN) begins with."""
    found = re.fullmatch(ROLE_ARN, arn)
    return found[1] if found else None


def _github_to_json(audience: str | None) -> dict[str, str] | None:
    if audience is None:
        return None
    return {"audience": audience} if audience else {}


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
