"""Which keys a target at Huawei Cloud uses: a profile that it names, the environment, or the SDKs' own file.

The variables and the file are those of the vendor's SDKs (huaweicloudsdkcore, auth/provider). No message here holds a
secret, nor a line of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fcdeploy.cloud.credentials import PROJECT, checked_key, given
from fcdeploy.cloud.origins import AtHand
from fcdeploy.diagnostics import did_you_mean
from fcdeploy.errors import CredentialsError
from fcdeploy.model import KeySource

if TYPE_CHECKING:
    from configparser import RawConfigParser

KEY_ID = "HUAWEICLOUD_SDK_AK"
KEY_SECRET = "HUAWEICLOUD_SDK_SK"
TOKEN = "HUAWEICLOUD_SDK_SECURITY_TOKEN"
PROVIDER = "HUAWEICLOUD_SDK_IDP_ID"
TOKEN_FILE = "HUAWEICLOUD_SDK_ID_TOKEN_FILE"
CREDENTIALS_FILE = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
FILE = Path(".huaweicloud") / "credentials"
DEFAULT_PROFILE = "basic"

_FEDERATED = "fcdeploy takes no roles with an id token at Huawei Cloud; a temporary key does the same"


def huawei_key_origin(wanted: KeySource | None, environ: Mapping[str, str], home: Path) -> AtHand:
    """The key of a target, with the id of the project that is told beside it, if one is.

    `wanted` is the target's `credentials:`; without it, the first of these that is there: a key in the environment, the
    profile `basic` of the SDKs' file. Raises CredentialsError, which says what is missing and where it was looked for.
    """
    named = given(environ, CREDENTIALS_FILE)
    file = home / FILE if named is None else Path(named)
    if wanted is not None and wanted.profile is not None:
        return _from_profile(file, wanted.profile)
    found = _from_environment(environ)
    if found is not None:
        return found
    if file.exists():
        return _from_profile(file, DEFAULT_PROFILE, project=given(environ, PROJECT))
    federated = given(environ, PROVIDER) is not None or given(environ, TOKEN_FILE) is not None
    raise CredentialsError(
        "no credentials for Huawei Cloud found",
        detail=_FEDERATED if federated else f"looked at {KEY_ID}, {KEY_SECRET} and {file}",
        hint=f"set {KEY_ID} and {KEY_SECRET}, or write them as `ak` and `sk` under [{DEFAULT_PROFILE}] into {file}",
    )


def _from_environment(environ: Mapping[str, str]) -> AtHand | None:
    names = (KEY_ID, KEY_SECRET, TOKEN)
    key_id, secret, token = (given(environ, name) for name in names)
    if key_id is None and secret is None and token is None:
        return None
    for name, value in ((KEY_ID, key_id), (KEY_SECRET, secret)):
        if value is None:
            others = [other for other in names if given(environ, other) is not None]
            raise CredentialsError(
                f"{name} is not set, but {' and '.join(others)} {'is' if len(others) == 1 else 'are'}",
                hint=f"set {name} too, or unset {' and '.join(others)} to use a profile",
            )
    return AtHand(
        key=checked_key(key_id or "", secret or "", token, account=given(environ, PROJECT), source="the environment")
    )


def _from_profile(file: Path, name: str, *, project: str | None = None) -> AtHand:
    """The key of a profile: a section of the file. `project` is told elsewhere and beats the profile's own."""
    parser = _read_file(file)
    if not parser.has_section(name):
        raise CredentialsError(
            f"profile `{name}` is not in {file}",
            detail=f"profiles there: {', '.join(sorted(parser.sections())) or 'none'}",
            hint=did_you_mean(name, parser.sections()) or f"a profile is a section [{name}] with `ak` and `sk`",
        )
    values = {key: value.strip() for key, value in parser.items(name) if value and value.strip()}
    missing = [key for key in ("ak", "sk") if key not in values]
    if missing:
        raise CredentialsError(
            f"profile `{name}` lacks {' and '.join(missing)}",
            detail=f"in {file}",
            hint=_FEDERATED if "idp_id" in values or "id_token_file" in values else "",
        )
    key = checked_key(
        values["ak"],
        values["sk"],
        values.get("security_token"),
        account=project or values.get("project_id"),
        source=f"profile `{name}`",
    )
    return AtHand(key=key)


def _read_file(file: Path) -> RawConfigParser:
    from configparser import Error, MissingSectionHeaderError, ParsingError, RawConfigParser

    # Raw: a key may hold a percent sign, and a complaint about one would quote it.
    parser = RawConfigParser()
    wrong: list[int] = []
    try:
        parser.read_string(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        hint = f"a profile is a section with `ak` and `sk` there; {CREDENTIALS_FILE} names another file"
        raise CredentialsError(f"there is no {file}", hint=hint) from None
    except OSError as error:
        raise CredentialsError(f"{file} cannot be read: {error.strerror or type(error).__name__}") from error
    except UnicodeDecodeError:
        raise CredentialsError(f"{file} is not UTF-8 text") from None
    except MissingSectionHeaderError as error:
        wrong = [error.lineno]
    except ParsingError as error:
        wrong = [number for number, _ in error.errors]
    except Error:
        # Something stands there twice; which, is said with the text around it.
        wrong = [0]
    if wrong:
        # Raised here: the parser's own error holds the line, and that may be the key.
        where = f" at line {wrong[0]}" if wrong[0] else ": a section or a name in one stands there twice"
        raise CredentialsError(f"{file} is not a file of profiles{where}", hint="[basic], and `ak = …` beneath it")
    return parser
