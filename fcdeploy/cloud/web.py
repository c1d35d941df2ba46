"""httpx without its command line: that would bring rich, pygments and click, a tenth of a second, where those are
installed. A blocked name makes it take the way of an installation without them.
"""

from __future__ import annotations

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
import httpx as httpx  # noqa: E402
