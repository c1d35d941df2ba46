"""aiohttp, loaded without what a command line that ends in a second has no use for.

It reads the certificate store twice while it is imported (60 ms each), for contexts that are used only where a caller
brings none. Ours always brings one, made when it is known whether there is any TLS at all.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _without_certificates() -> Iterator[None]:
    made = ssl.create_default_context
    # A context without certificates trusts nobody: whoever used it by mistake would fail, not be fooled.
    ssl.create_default_context = lambda *_, **__: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The method is the base class's own, and seen again when this one is gone.
    ssl.SSLContext.set_default_verify_paths = lambda self: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        ssl.create_default_context = made
        del ssl.SSLContext.set_default_verify_paths


with _without_certificates():
    import aiohttp as aiohttp
    import yarl as yarl
    from multidict import CIMultiDict as CIMultiDict
