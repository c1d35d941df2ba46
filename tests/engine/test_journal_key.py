"""The seal of a shared journal: what the key opens and nothing else does, and what of a key is refused."""

from __future__ import annotations

import pytest

from fcdeploy.engine.journal_key import SHORTEST, JournalKey, passphrase_of
from fcdeploy.errors import JournalError

PASSPHRASE = "a passphrase of the whole team"
SALT = bytes(16)


def test_what_was_sealed_is_opened_with_the_same_passphrase_and_salt() -> None:
    sealed = JournalKey(PASSPHRASE, SALT).sealed(b"plain", "piece 0")
    assert b"plain" not in sealed
    assert JournalKey(PASSPHRASE, SALT).opened(sealed, "piece 0") == b"plain"
    # A nonce is never used twice.
    assert JournalKey(PASSPHRASE, SALT).sealed(b"plain", "piece 0") != sealed


@pytest.mark.parametrize(
    ("passphrase", "salt", "about", "change"),
    [
        (PASSPHRASE + "!", SALT, "piece 0", bytes),
        (PASSPHRASE, bytes([1] * 16), "piece 0", bytes),
        (PASSPHRASE, SALT, "piece 1", bytes),
        (PASSPHRASE, SALT, "piece 0", lambda sealed: sealed[:-1]),
        (PASSPHRASE, SALT, "piece 0", lambda sealed: bytes([sealed[0] ^ 1]) + sealed[1:]),
        (PASSPHRASE, SALT, "piece 0", lambda sealed: b""),
    ],
    ids=["passphrase", "salt", "place", "cut", "changed", "empty"],
)
def test_anything_else_is_refused(passphrase: str, salt: bytes, about: str, change: type[bytes]) -> None:
    sealed = JournalKey(PASSPHRASE, SALT).sealed(b"plain", "piece 0")
    with pytest.raises(JournalError, match="damaged"):
        JournalKey(passphrase, salt).opened(change(sealed), about)


def test_names_and_the_check_say_nothing_without_the_key() -> None:
    ours, theirs = JournalKey(PASSPHRASE, SALT), JournalKey(PASSPHRASE, bytes([1] * 16))
    assert ours.name_of("ab" * 32) == JournalKey(PASSPHRASE, SALT).name_of("ab" * 32)
    assert len({ours.name_of("ab" * 32), ours.name_of("cd" * 32), theirs.name_of("ab" * 32), ours.check.hex()}) == 4
    assert ours.check != theirs.check


@pytest.mark.parametrize(
    ("given", "said"), [(None, "is not set"), ("", "is not set"), (" \n", "is not set"), ("x" * 19, "too short")]
)
def test_a_passphrase_that_is_none_is_refused_without_showing_it(given: str | None, said: str) -> None:
    with pytest.raises(JournalError, match=said) as caught:
        passphrase_of(given, "postgresql://db/fc")
    assert "x" * 19 not in f"{caught.value.summary} {caught.value.detail} {caught.value.hint}"


def test_the_end_of_the_line_is_no_part_of_it() -> None:
    assert passphrase_of("x" * SHORTEST + "\n", "postgresql://db/fc") == "x" * SHORTEST
