"""The clouds' HTTP APIs: credentials, hosts, signatures, repetition, and the client that sends calls."""

import sys

# httpx loads a command line of its own (rich, pygments, click: a tenth of a second) wherever those are installed; a
# blocked name makes it take the way of an installation without them.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
