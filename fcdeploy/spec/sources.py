"""What a template may read of the world: the environment, secrets, files beside the spec, git. Read when asked for."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcdeploy.diagnostics import Diagnostic, did_you_mean
from fcdeploy.model import Json
from fcdeploy.spec.values import MAX_TEXT, Failed, Meter, TemplateFault

if TYPE_CHECKING:
    from fcdeploy.spec.sandbox import Sandbox

COMMAND_SECONDS = 60.0
MAX_WORK = 300_000
"""What all large expressions of all targets may do, in elements visited or what takes as long: about half a second."""
UNREAD = "(unknown)"
"""Stands for the text of a secret that is not read."""
_GIT_SECONDS = 20.0
# A checkout of a pull request is detached; the CI systems name the branch here.
_BRANCH_VARIABLES = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BRANCH_NAME")
# `git status` may run a program that the checkout names as its monitor of files, and hooks of the index.
_WITHOUT_HOOKS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")

ReadSecret = Callable[[str, Mapping[str, Json]], str]
"""Takes a secret's name and its source (`{env: NAME}`, `{file: PATH}`, `{command: [argv]}`), gives its text."""


class Surroundings:
    """The world around a spec, read at most once each, and what its templates may still do; shared by all targets of a
    run.

    `root` is the folder of the spec. `read_secret` replaces how secrets are read. `unread`: none is, and each stands as
    text that means nothing (`plan --no-secrets`, `validate`).
    """

    def __init__(
        self, *, root: Path, env: Mapping[str, str], read_secret: ReadSecret | None = None, unread: bool = False
    ) -> None:
        self.unread = unread
        self.root = root
        self.env = env
        self._read_secret = read_secret or self._read_source
        self.work = Meter(MAX_WORK)
        self.exhausted: Failed | None = None
        self.sandbox: Sandbox | None = None
        self._secrets: dict[tuple[str, str], str | TemplateFault] = {}
        self._texts: dict[str, str | TemplateFault] = {}
        self._git: dict[str, Json | TemplateFault] = {}

    def retell(self, found: Iterable[Diagnostic]) -> None:
        """Let the next target say that too much is asked for in the words in which it was found for the first."""
        if self.exhausted is not None:
            said = [(one.summary, one.span) for one in self.exhausted.diagnostics]
            self.exhausted = Failed(
                [one for one in found if (one.summary, one.span) in said][:1] or self.exhausted.diagnostics
            )

    def read_env(self, name: Json, *fallback: Json) -> Json:
        """`env('X')` and `env('X', 'fallback')`."""
        if not isinstance(name, str) or not name or "=" in name or len(fallback) > 1:
            raise TemplateFault("env() takes a name and at most one fallback", "`env('NAME', 'fallback')`")
        found = self.env.get(name)
        if found is not None:
            return found
        if fallback:
            return fallback[0]
        near = did_you_mean(name, self.env)
        raise TemplateFault(
            f"the environment variable `{name}` is not set", near or f"set it, or give a fallback: `env('{name}', '')`"
        )

    def read_text(self, name: Json) -> str:
        """`file('path')`: UTF-8 text of a file, the path relative to the spec's folder."""
        if not isinstance(name, str) or not name or "\0" in name:
            raise TemplateFault("file() takes a path")
        if name not in self._texts:
            self._texts[name] = _kept(lambda: _text_of(self.root, name))
        return _given(self._texts[name])

    def read_secret(self, name: str, source: Mapping[str, Json]) -> str:
        """The text of a declared secret; never empty."""
        if self.unread:
            return UNREAD
        key = (name, repr(sorted(source.items())))
        if key not in self._secrets:
            self._secrets[key] = _kept(lambda: self._read_secret(name, source))
        return _given(self._secrets[key])

    @property
    def secrets_read(self) -> frozenset[str]:
        """The texts of all secrets that were read so far."""
        return frozenset(text for text in self._secrets.values() if isinstance(text, str))

    def read_git(self, name: str) -> Json:
        """`commit` (full hash), `branch`, or `dirty` (whether tracked files differ) of the spec's checkout."""
        if name not in self._git:
            self._git[name] = _kept(lambda: self._read_git(name))
        found = self._git[name]
        if isinstance(found, TemplateFault):
            raise found
        return found

    def _read_source(self, name: str, source: Mapping[str, Json]) -> str:
        text = ""
        match dict(source):
            case {"env": str(variable), **rest} if not rest:
                found = self.env.get(variable)
                if found is None:
                    raise TemplateFault(
                        f"the secret `{name}` is not there: the environment variable `{variable}` is not set",
                        f"export {variable}=…",
                    )
                text = found
            case {"file": str(path), **rest} if not rest:
                text = _without_newline(_text_of(self.root, path, what=f"the secret `{name}` is not there: "))
            case {"command": [str(), *_] as argv, **rest} if not rest and all(isinstance(one, str) for one in argv):
                text = _without_newline(self._run(name, argv))
            case _:
                raise TemplateFault(
                    f"the secret `{name}` has no usable source",
                    "give exactly one of `env: NAME`, `file: PATH`, `command: [program, argument]`",
                )
        if not text:
            raise TemplateFault(f"the secret `{name}` is empty")
        return text

    def _run(self, name: str, argv: list[str]) -> str:
        about = f"the secret `{name}` is not there: "
        try:
            done = subprocess.run(
                argv,
                cwd=self.root,
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else "its arguments cannot be passed"
            raise TemplateFault(f"{about}`{argv[0]}` cannot be started: {reason}") from None
        except subprocess.TimeoutExpired:
            raise TemplateFault(f"{about}`{argv[0]}` took longer than {COMMAND_SECONDS:.0f} s") from None
        if done.returncode != 0:
            # What the command wrote may quote the secret; it is not repeated.
            raise TemplateFault(f"{about}`{argv[0]}` ended with {done.returncode}", "run it by hand to see why")
        if len(done.stdout) > MAX_TEXT:
            raise TemplateFault(f"{about}`{argv[0]}` wrote more than {MAX_TEXT:,} bytes")
        try:
            return done.stdout.decode()
        except UnicodeDecodeError:
            raise TemplateFault(f"{about}what `{argv[0]}` wrote is not UTF-8") from None

    def _read_git(self, name: str) -> Json:
        match name:
            case "commit":
                return self._git_output("rev-parse", "--verify", "HEAD")
            case "dirty":
                return self._git_output("status", "--porcelain", "--untracked-files=no") != ""
            case "branch":
                branch = self._git_output("rev-parse", "--abbrev-ref", "HEAD")
                if branch != "HEAD":
                    return branch
                for variable in _BRANCH_VARIABLES:
                    if self.env.get(variable):
                        return self.env[variable]
                raise TemplateFault("git.branch is not known: HEAD is detached", "use git.commit, or env('…')")
            case _:
                raise KeyError(name)

    def _git_output(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                ["git", *_WITHOUT_HOOKS, "-C", str(self.root), *arguments],
                env={**self.env, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_GIT_SECONDS,
                check=False,
            )
        except OSError:
            raise TemplateFault("git is not installed") from None
        except subprocess.TimeoutExpired:
            raise TemplateFault("git does not answer") from None
        if done.returncode != 0:
            reason = done.stderr.decode("utf-8", "replace").strip()
            if "not a git repository" in reason:
                hint = "run it in a checkout, or give the value with env('…') or --var"
                raise TemplateFault("git has no answer: the spec is in no git repository", hint)
            if "Needed a single revision" in reason:
                raise TemplateFault("git has no answer: the repository has no commit yet", "commit first")
            raise TemplateFault(f"git has no answer: {reason.splitlines()[0] if reason else 'no reason given'}")
        return done.stdout.decode("utf-8", "replace").strip()


def _text_of(root: Path, name: str, *, what: str = "") -> str:
    path = root / name
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise TemplateFault(f"{what}`{name}` is not a file")
        if status.st_size > MAX_TEXT:
            raise TemplateFault(f"{what}`{name}` is larger than {MAX_TEXT:,} bytes")
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise TemplateFault(f"{what}`{name}` is not UTF-8") from None
    except OSError as problem:
        raise TemplateFault(
            f"{what}`{name}` cannot be read: {problem.strerror}", "the path is relative to the spec's folder"
        ) from None


def _without_newline(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _kept(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except TemplateFault as fault:
        return fault


def _given(kept: str | TemplateFault) -> str:
    if isinstance(kept, TemplateFault):
        raise kept
    return kept
