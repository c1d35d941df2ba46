"""Id tokens: read from where the pipeline or the cluster puts them, for each session anew. No message holds one."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fcdeploy.cloud.origins import GithubToken, Token, TokenFile, TokenVariable
from fcdeploy.errors import CredentialsError, CredentialsUnreachable

GITHUB_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
GITHUB_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
SECONDS = 10.0
"""How long GitHub has for its answer."""

_FORM = re.compile(r"[\x21-\x7e]{4,20000}")  # API reference STS 2015-04-01, AssumeRoleWithOIDC: OIDCToken
_OPEN_FILES = Path("/proc/self/fd")


def read_id_token(token: Token, environ: Mapping[str, str]) -> str:
    """The id token. Raises CredentialsError, CredentialsUnreachable when GitHub does not answer."""
    match token:
        case TokenFile(path=path):
            where, text = path, _file_text(path)
        case TokenVariable(name=name):
            where, text = name, environ.get(name, "")
            if not text.strip():
                raise CredentialsError(
                    f"{name} is not set, which is to hold the id token",
                    hint=f"GitLab: `id_tokens: {{{name}: {{aud: …}}}}` in the job",
                )
        case GithubToken(audience=audience):
            where, text = "GitHub's answer", _github_text(audience, environ)
    text = text.strip()
    if not _FORM.fullmatch(text):
        raise CredentialsError(f"what {where} holds is not an id token", hint="a JSON web token: eyJ… in three parts")
    return text


@contextmanager
def token_path(token: str) -> Iterator[str]:
    """A path at which the token can be read meanwhile, for a library that takes nothing else.

    Where the system has it, the file is one without a name that never touches a disk; elsewhere one of mode 0600.
    """
    if hasattr(os, "memfd_create") and _OPEN_FILES.is_dir():
        with os.fdopen(os.memfd_create("id-token"), "w", encoding="ascii") as file:
            file.write(token)
            file.flush()
            yield str(_OPEN_FILES / str(file.fileno()))
        return
    with tempfile.NamedTemporaryFile("w", encoding="ascii", prefix="fcdeploy-") as named:
        named.write(token)
        named.flush()
        yield named.name


def _file_text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except UnicodeDecodeError:
        return ""
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CredentialsError(
            f"the id token in {path} cannot be read: {reason}",
            hint="in Kubernetes: a projected serviceAccountToken volume, readable by the user of the container",
        ) from None


def _github_text(audience: str, environ: Mapping[str, str]) -> str:
    from fcdeploy.cloud.web import httpx

    url, bearer = environ.get(GITHUB_URL, ""), environ.get(GITHUB_TOKEN, "")
    if not url or not bearer:
        raise CredentialsError(
            "GitHub gives this job no id token",
            detail=f"{GITHUB_URL} and {GITHUB_TOKEN} are not both set",
            hint="give the job `permissions: {id-token: write, contents: read}`",
        )
    status, value = 0, None
    try:
        # No redirect is followed: the header that lets us in would go along.
        answer = httpx.get(
            httpx.URL(url).copy_merge_params({"audience": audience} if audience else {}),
            headers={"authorization": f"Bearer {bearer}", "accept": "application/json"},
            timeout=SECONDS,
        )
        status = answer.status_code
        content = answer.json() if status == 200 else None
        value = content.get("value") if isinstance(content, dict) else None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fault = type(error).__name__
    except ValueError:
        fault = "it is not JSON"
    else:
        fault = f"status {status}"
    if isinstance(value, str):
        return value
    # Outside the handler, so that nothing of the request hangs on the error.
    kind = CredentialsError if 400 <= status < 500 else CredentialsUnreachable
    raise kind(f"GitHub gave no id token: {fault}", hint="see whether the job may have one: `id-token: write`")
