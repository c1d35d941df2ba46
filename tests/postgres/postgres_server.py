"""A PostgreSQL server of its own on a socket in a temporary folder, as the user that Debian's package makes."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

PASSWORD = "pa55 of:the@te/am?"
ROLE = "team"
SECONDS = 60


def programs() -> Path:
    """The folder of `initdb` and `postgres`; `make test-postgres` installs Debian's."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if found:
        return Path(found).resolve().parent
    assert folders, "there is no PostgreSQL: make test-postgres installs Debian's"
    return folders[-1]


class PostgresServer:
    """One server with one database, which tests use one after the other; `stop` and `start` as often as wanted."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fcdeploy-pg-"))
        # It refuses to run as root.
        self._user = _other_user() if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            *("initdb", "--pgdata", str(self.folder / "data"), "--username", ROLE, "--pwfile", str(password)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
        )
        self.start()

    @property
    def environ(self) -> dict[str, str]:
        """What lets a program in."""
        return {"PGPASSWORD": PASSWORD}

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(str(programs() / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder)),
                    # What the journal must not rely on; and what only a power cut would show.
                    *("-c", "synchronous_commit=off", "-c", "fsync=off"),
                    *("-c", "listen_addresses=", "-c", "max_connections=60"),
                ],
                stdout=subprocess.DEVNULL,
                stderr=log,
                **self._as_user(),
            )
        self._run("pg_isready", "--host", str(self.folder), "--timeout", str(SECONDS), tries=200)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it as a power cut would (SIGQUIT), or in order (SIGINT)."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(how)
        self._process.wait(timeout=SECONDS)

    def close(self) -> None:
        """End it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder)

    @property
    def url(self) -> str:
        """The address of the database, without the password."""
        return f"postgresql://{ROLE}@/postgres?host={self.folder}"

    def clear(self) -> None:
        """Let the database be as if no journal had been in it."""
        self.ask("DROP SCHEMA IF EXISTS fcdeploy CASCADE")

    def ask(self, statement: str) -> str:
        """What psql says, as the role that owns everything."""
        return self._run(
            *("psql", "--host", str(self.folder), "--username", ROLE, "--dbname", "postgres"),
            *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1", "--command", statement),
        ).strip()

    def _run(self, program: str, *words: str, tries: int = 1) -> str:
        for _ in range(tries):
            done = subprocess.run(
                [str(programs() / program), *words],
                env={**os.environ, **self.environ},
                capture_output=True,
                encoding="utf-8",
                timeout=SECONDS,
                cwd=self.folder,
                **self._as_user(),
            )
            if done.returncode == 0:
                return done.stdout
        raise AssertionError(f"{program}: {done.stderr}\n{(self.folder / 'log').read_text()}")

    def _as_user(self) -> dict[str, object]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("there is no user but root to run PostgreSQL")
