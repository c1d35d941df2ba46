"""Keys that are renewed in time, once for all who wait, and never more often than they must be."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.keys import EARLY, PAUSE, Keys
from fcdeploy.cloud.retry import Cause, Tries, again, cause, says_expired
from fcdeploy.errors import ApiError, CredentialsError, CredentialsUnreachable, KeyExpired


@dataclass
class Source:
    """Gives a key that lasts for `life` seconds, and takes `seconds` for it; `fails` are raised first."""

    life: float | None = 3600.0
    seconds: float = 0.0
    now: float = 1000.0
    fails: list[CredentialsError] = field(default_factory=list)
    given: int = 0

    async def read(self) -> Credentials:
        return await asyncio.to_thread(self.read_now)

    def read_now(self) -> Credentials:
        time.sleep(self.seconds)
        if self.fails:
            raise self.fails.pop(0)
        self.given += 1
        ends = None if self.life is None else self.now + self.life
        return Credentials(access_key_id=f"STS.{self.given}", access_key_secret="s", expires_at=ends)

    def keys(self) -> Keys:
        return Keys(self.read, clock=lambda: self.now, pauses=(0.001, 0.001))


def test_one_is_fetched_for_all_who_wait_and_the_loop_goes_on() -> None:
    source = Source(seconds=0.05)
    keys = source.keys()
    turns = 0

    async def main() -> None:
        nonlocal turns
        waiting = asyncio.gather(*(keys.current() for _ in range(50)))
        first = asyncio.ensure_future(keys.current())
        await asyncio.sleep(0)
        first.cancel()
        while not waiting.done():
            turns += 1
            await asyncio.sleep(0.005)
        assert {key.access_key_id for key in await waiting} == {"STS.1"}

    asyncio.run(main())
    assert source.given == 1 and turns >= 3


@pytest.mark.parametrize(("life", "renewed"), [(3600.0, 3600.0 - EARLY), (600.0, 400.0), (3.0, 2.0), (None, None)])
def test_a_key_is_renewed_before_it_ends(life: float | None, renewed: float | None) -> None:
    source = Source(life=life)
    keys = source.keys()
    assert asyncio.run(keys.current()).access_key_id == "STS.1"
    source.now += 1e9 if renewed is None else renewed - 0.1
    assert asyncio.run(keys.current()).access_key_id == "STS.1"
    source.now += 0.2
    assert asyncio.run(keys.current()).access_key_id == ("STS.1" if renewed is None else "STS.2")


def test_a_key_that_is_still_good_is_used_when_no_other_can_be_had() -> None:
    source = Source()
    keys = source.keys()
    asyncio.run(keys.current())
    source.now += 3600 - EARLY + 1
    source.fails = [CredentialsUnreachable("down"), CredentialsError("no more")]
    assert asyncio.run(keys.current()).access_key_id == "STS.1"
    assert asyncio.run(keys.current()).access_key_id == "STS.1"
    assert len(source.fails) == 1, "asked again at once"
    source.now += PAUSE
    assert asyncio.run(keys.current()).access_key_id == "STS.1"
    source.fails = [CredentialsUnreachable("down")]
    source.now += EARLY
    with pytest.raises(CredentialsUnreachable):
        asyncio.run(keys.current())
    assert asyncio.run(keys.current()).access_key_id == "STS.2"


def test_the_first_key_is_tried_for_again_where_nobody_answers() -> None:
    source = Source(fails=[CredentialsUnreachable("down"), CredentialsUnreachable("down")])
    assert asyncio.run(source.keys().current()).access_key_id == "STS.1"
    source = Source(fails=[CredentialsUnreachable("down")] * 3)
    with pytest.raises(CredentialsUnreachable):
        asyncio.run(source.keys().current())
    assert source.fails == []
    source = Source(fails=[CredentialsError("refused"), CredentialsError("again")])
    with pytest.raises(CredentialsError, match="refused"):
        asyncio.run(source.keys().current())


def test_a_key_that_the_service_refuses_is_replaced_once() -> None:
    source = Source()
    keys = source.keys()

    async def main() -> None:
        old = await keys.current()
        # Fifty calls were in flight with it.
        assert all(keys.expired(old) for _ in range(25))
        new = await keys.current()
        assert all(keys.expired(old) for _ in range(25))
        assert (await keys.current()) is new
        assert (old.access_key_id, new.access_key_id) == ("STS.1", "STS.2")

    asyncio.run(main())
    fixed = Keys.of(Credentials(access_key_id="LTAI", access_key_secret="s"))
    assert not fixed.expired(asyncio.run(fixed.current()))


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (403, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.", True),
        (403, "SecurityTokenExpired", "", True),
        (403, "AccessDenied", "The security token you provided has expired.", True),
        (400, "AccessDenied", "an expired security token was given", True),
        (403, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.", False),
        (403, "AccessDenied", "the pre-signed URL has expired", False),
        (403, "InvalidAccessKeyID", "invalid access key ID 'STS.x'.", False),
        (500, "InternalServerError", "security token expired", False),
    ],
)
def test_what_says_that_a_key_is_over(status: int, code: str, message: str, expected: bool) -> None:
    assert says_expired(status, code, message) is expected


def test_a_call_is_repeated_once_with_another_key_writes_too() -> None:
    error = KeyExpired(operation="PutX", status=403, code="InvalidSecurityToken.Expired", message="over")
    assert cause(error) is Cause.KEY_EXPIRED and isinstance(error, ApiError)
    first = again(error, reads=False, tries=Tries(faults=3), elapsed=0.0, random=lambda: 0.5)
    assert first is not None and first.seconds == 0.0
    assert again(error, reads=True, tries=first.tries, elapsed=0.0, random=lambda: 0.5) is None
