"""The policies that are built in: what a file may say and rather should not, by names that stay.

A kind's checks name the one that a finding belongs to (`Finding.risk`); a spec sets each off, or makes it an error.
"""

from __future__ import annotations

from collections.abc import Mapping

IMAGE_DIGEST = "image-digest"
ANONYMOUS_HTTP = "anonymous-http"
WILDCARD_ROLE = "wildcard-role"
PLAIN_SECRET = "plain-secret"
LIMITS = "limits"

BUILTIN: Mapping[str, str] = {
    ANONYMOUS_HTTP: "Http triggers that everybody may call without a signature.",
    IMAGE_DIGEST: "Images that are named by a tag, which can be moved to another image, and by no digest.",
    LIMITS: "More than the service allows unless a limit was raised.",
    PLAIN_SECRET: "What looks like a secret and stands in the file in plain text.",
    WILDCARD_ROLE: "ARNs of roles and destinations with a `*` in them.",
}
"""Each with a line that says what it finds."""


def rule_of(risk: str) -> str:
    """What a finding calls the policy that it belongs to."""
    return f"builtin/{risk}" if risk else ""
