"""The bench of one target: its client, reader, place and redactor, put together and taken down again."""

from __future__ import annotations

import random
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from fcdeploy.app.folders import OwnFolder
from fcdeploy.app.types import Where
from fcdeploy.cloud.client import Client
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.endpoints import endpoint
from fcdeploy.cloud.huawei_keys import huawei_key_origin
from fcdeploy.cloud.key_origin import key_origin
from fcdeploy.cloud.keys import Keyring, Keys
from fcdeploy.cloud.limiter import Limiters
from fcdeploy.cloud.lines import Lines
from fcdeploy.cloud.origins import Origin, account_of
from fcdeploy.cloud.retry import look_pause, pause, waits
from fcdeploy.diagnostics import Diagnostic
from fcdeploy.engine.attempt import Tools
from fcdeploy.engine.hiding import texts_to_hide
from fcdeploy.engine.perform import Performer
from fcdeploy.engine.places import Place, place_of
from fcdeploy.engine.reader import Reader
from fcdeploy.engine.redact import Redactor
from fcdeploy.engine.settling import WaitingPerformer
from fcdeploy.engine.snapshot import Site
from fcdeploy.engine.spool import Spool
from fcdeploy.errors import UsageError
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.model import ArchiveRef, Plan, Target

if TYPE_CHECKING:
    from fcdeploy.app.code import Packages
    from fcdeploy.package.cache import ArchiveCache

SCHEMES: Mapping[tuple[str, str], str] = {
    ("alibaba", "2021-04-06"): "acs3",
    ("alibaba", "2016-08-15"): "fc",
    ("huawei", "v2"): "huawei",
}
"""How each API version signs (facts 4.1; FunctionGraph facts 16)."""

LOCAL_ACCOUNT = "1234567890123456"
LOCAL_PROJECT = "0123456789abcdef0123456789abcdef"
LOCAL_KEY = Credentials(access_key_id="local", access_key_secret="local")


class Cloud(Struct, frozen=True, kw_only=True):
    """What all benches of one command share: the limits of calls, keys, and connections; with `--local` these lead to
    the embedded emulator. `archives` are those of code, by the folder that they are kept in."""

    limiters: Limiters
    keyring: Keyring
    lines: Lines = field(default_factory=Lines)
    archives: dict[Path, ArchiveCache] = field(default_factory=dict)


class Bench(Struct, frozen=True, kw_only=True):
    """What a use case needs to work on one target; `parallelism`: steps in flight at most.

    `has_archive` says of one, by its hex SHA-256, whether this machine has it to send.
    """

    site: Site
    place: Place
    client: Client
    reader: Reader
    spool: Spool
    downloads: OwnFolder
    secrets_read: Callable[[], Iterable[str]]
    parallelism: int
    has_archive: Callable[[str], bool]
    warnings: tuple[Diagnostic, ...] = ()

    def download_path(self) -> Path:
        """A new file name for a live archive, in a folder that goes with the bench."""
        return Path(tempfile.mkdtemp(dir=self.downloads.path())) / "live.zip"

    def keep_download(self, path: Path, archive: ArchiveRef) -> Path:
        """Name a downloaded archive by its content."""
        kept = self.downloads.path() / archive.sha256
        path.replace(kept)
        return kept

    def write_download(self, sha256: str, content: bytes) -> None:
        """Have an archive at hand that came from elsewhere."""
        kept = self.downloads.path() / sha256
        kept.touch(mode=0o600)
        kept.write_bytes(content)

    def redactor(self, plan: Plan) -> Redactor:
        """Cuts out every secret of the file, also one that is only a part of a value, and what the plan must hide."""
        return Redactor(chain(tuple(self.secrets_read()), texts_to_hide(plan)))

    def performer(self, redactor: Redactor, wait: float | None = None) -> Performer:
        """Performs steps through this bench's client; `wait`: and sees each settle, for so many seconds at most."""
        tools = Tools(
            sender=self.client,
            reader=self.reader,
            site=self.site,
            redactor=redactor,
            waits=waits,
            pause=lambda failures: pause(failures, random=random.random),
        )
        if wait is None:
            return Performer(tools)
        return WaitingPerformer(tools, most=wait, pause=lambda looks: look_pause(looks, random=random.random))


@asynccontextmanager
async def opened_bench(
    where: Where,
    project: str,
    target: Target,
    place: Place,
    packages: Packages,
    cloud: Cloud,
    *,
    secrets_read: Callable[[], Iterable[str]] = tuple,
) -> AsyncIterator[Bench]:
    """A bench for one target; `secrets_read` tells the file's secrets that were read so far.

    Raises CredentialsError, UsageError and RunError.
    """
    scheme = SCHEMES.get((target.provider, target.api))
    if scheme is None:
        raise UsageError(f"target {target.name}: API {target.api} of {target.provider} is not known")
    place.write_folders()
    account: str | None
    if where.local:
        keys, account = Keys.of(LOCAL_KEY), target.account or _local_account(target)
    else:
        origin = _key_origin(target, where.environ)
        keys, account = cloud.keyring.of(origin), account_of(origin)
    there = endpoint(target, account=account, url=where.endpoint)
    # Whoever is not let in hears of it now, not at the first call.
    await keys.current()
    spool = Spool(place.spool)
    # Live archives may hold what nobody should find lying about.
    with OwnFolder(place.folder, "live-") as downloads:

        def archive(sha256: str) -> Path:
            if spool.holds(sha256):
                return spool.path(sha256)
            return downloads.file(sha256) or packages.path(sha256)

        def has_archive(sha256: str) -> bool:
            if spool.holds(sha256) or downloads.file(sha256) is not None:
                return True
            planned = packages.planned(sha256)
            # Of one that a plan file was compared with only the list of its files is here.
            return planned is not None and planned.path.is_file()

        site = Site(
            project=project,
            target=target,
            scope=Scope(region=target.region, account=there.account, api=target.api),
        )
        async with Client(
            scheme=scheme,
            api=target.api,
            host=there.host,
            base_url=there.base_url,
            keys=keys,
            account=there.account,
            archives=archive,
            limiter=cloud.limiters.of(target.provider, there.account, target.region),
            lines=cloud.lines,
        ) as client:
            yield Bench(
                site=site,
                place=place,
                client=client,
                reader=Reader(client, site),
                spool=spool,
                downloads=downloads,
                secrets_read=secrets_read,
                parallelism=where.parallelism,
                has_archive=has_archive,
                warnings=there.warnings,
            )


def _key_origin(target: Target, environ: Mapping[str, str]) -> Origin:
    home = Path(environ.get("HOME") or Path.home())
    if target.provider == "huawei":
        return huawei_key_origin(target.credentials, environ, home)
    inside = target.region if target.network == "internal" else None
    return key_origin(target.credentials, environ, home, inside=inside)


def _local_account(target: Target) -> str:
    return LOCAL_PROJECT if target.provider == "huawei" else LOCAL_ACCOUNT


@contextmanager
def opened_cloud(where: Where, project: str, root: Path, like: Cloud | None = None) -> Iterator[Cloud]:
    """One cloud for all targets of a project; for `--local` the embedded emulator, its contents in the state folder.

    `root` is the folder of the spec, in which no state may lie. `like` is another project's: they share limits,
    keys and, unless they are local, connections.
    """
    limiters = like.limiters if like is not None else Limiters(where.parallelism)
    keyring = like.keyring if like is not None else Keyring(where.environ)
    if not where.local:
        yield Cloud(limiters=limiters, keyring=keyring, lines=like.lines if like is not None else Lines())
        return
    from fcdeploy.emulator.app import create_app
    from fcdeploy.emulator.settings import EmulatorSettings

    place = place_of(project, "local", spec_folder=root, environ=where.environ)
    place.write_folders()
    app = create_app(
        EmulatorSettings(
            account=LOCAL_ACCOUNT,
            access_keys={LOCAL_KEY.access_key_id: LOCAL_KEY.access_key_secret},
            data=place.local,
        )
    )
    try:
        yield Cloud(limiters=limiters, keyring=keyring, lines=Lines(app))
    finally:
        app.close()
