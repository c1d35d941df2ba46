"""What a shared journal keeps sealed: plans and archives, under a key that only the pipelines have (S35).

From the passphrase and the journal's own salt, scrypt (N 32768, r 8, p 1) makes 64 bytes: a key for AES-256-GCM and a
key for names. A sealed piece is a nonce of 12 random bytes and the ciphertext with its tag; what it is a piece of goes
in as associated data, so that none can be put in another's place. Names are HMAC-SHA256 under the second key: whoever
reads the database cannot tell by a hash whether a guess at what a plan holds is right.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fcdeploy.errors import JournalError

VARIABLE = "FCDEPLOY_JOURNAL_KEY"

SHORTEST = 20
"""Characters of a passphrase at least."""

SALT_BYTES = 16

_NONCE_BYTES = 12
_MEMORY = 64 * 1024 * 1024


class JournalKey:
    """Seals and opens what one journal keeps."""

    def __init__(self, passphrase: str, salt: bytes) -> None:
        made = _derived(passphrase, salt)
        self._sealing = AESGCM(made[:32])
        self._naming = made[32:]

    @property
    def check(self) -> bytes:
        """What tells this key from another and says nothing else of it."""
        return hmac.digest(self._naming, b"check", "sha256")

    def name_of(self, sha256: str) -> str:
        """What the content of a hex SHA-256 is called in the database."""
        return hmac.new(self._naming, f"content {sha256}".encode(), "sha256").hexdigest()

    def sealed(self, plain: bytes, about: str) -> bytes:
        """A piece as it is kept; `about` says of what it is a piece."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, plain, about.encode())

    def opened(self, kept: bytes, about: str) -> bytes:
        """The inverse of `sealed`. Raises JournalError for what was not sealed with this key as that."""
        try:
            return self._sealing.decrypt(kept[:_NONCE_BYTES], kept[_NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError) as error:
            raise JournalError(
                "what the journal keeps of the run is damaged",
                detail="it is not what was sealed with FCDEPLOY_JOURNAL_KEY",
                hint="`fcdeploy abandon` closes the run; the next plan is made from what is live",
            ) from error


def passphrase_of(given: str | None, journal: str) -> str:
    """The passphrase from the environment. Raises JournalError when it is missing or too short."""
    passphrase = (given or "").strip()
    if not passphrase:
        raise JournalError(
            f"{VARIABLE} is not set",
            detail=f"plans and archives in the journal {journal} are sealed with it",
            hint="set it to what the team's pipelines have; without it an open run can only be abandoned",
        )
    if len(passphrase) < SHORTEST:
        raise JournalError(
            f"{VARIABLE} is too short",
            detail=f"it has {len(passphrase)} characters, and {SHORTEST} are needed",
            hint="make one with `openssl rand -base64 32`",
        )
    return passphrase


def wrong_key(journal: str) -> JournalError:
    """That the key is another than the one that the journal is kept with."""
    return JournalError(
        f"{VARIABLE} is not the key of the journal {journal}",
        detail="the first run there was made with another one",
        hint="set it to what the team's pipelines have; without it an open run can only be abandoned",
    )


@functools.lru_cache(maxsize=2)
def _derived(passphrase: str, salt: bytes) -> bytes:
    # All targets of a command have one journal, and this takes a tenth of a second.
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=1 << 15, r=8, p=1, maxmem=_MEMORY, dklen=64)
