"""The one pinned deflate encoder (S26).

Deflate has many right answers, and which one comes out is part of the checksum that the service keeps. The
interpreter's zlib is out: 1.2.13, zlib-ng and the builds of distributions give different bytes. So are zlib-ng, ISA-L
and zlib-rs, whose matching uses the CRC instructions of the processor at hand, and zopfli, whose cost model is
floating point. libdeflate is deterministic for a version but takes a file as a whole, so memory would grow with it.

Chosen: `cramjam`, whose deflate is the crate miniz_oxide, pinned by the wheel's own lock file. It is safe Rust on
integers; its compressor has no code that depends on processor, word size or byte order, and it streams. The golden
archive of the tests came out the same on x86-64 with and without SSE4/AVX and on two arm64 processors. The pin is
exact (`cramjam==2.14.0`, which is miniz_oxide 0.9.1 in the wheels for Linux, macOS and Windows). Another version would
change no meaning, only make every archive look new, and equal content is then recognised by content (S27).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fcdeploy.package.errors import PackageError

ENCODER_VERSION = "2.14.0"
LEVEL = 5
"""On Python sources within 1.5 % of level 6 in size and almost twice as fast."""

CHUNK = 1 << 20
"""Bytes of content that go into the encoder between two flushes: part of the format, as each flush leaves a mark."""

FORM = f"cramjam-{ENCODER_VERSION} level-{LEVEL} chunk-{CHUNK}"


def check_encoder() -> None:
    """Raise PackageError when another version of the encoder is installed than the one the bytes are promised for."""
    import cramjam

    if cramjam.__version__ != ENCODER_VERSION:
        raise PackageError(
            f"the installed cramjam is {cramjam.__version__}, but archives are made with {ENCODER_VERSION}",
            detail="another encoder gives other bytes for the same files, and every function would look changed",
            hint=f"install cramjam=={ENCODER_VERSION}",
        )


def deflated_whole(chunk: bytes) -> bytes:
    """The raw deflate stream of one chunk: the same bytes as from `deflated`, in half the time."""
    from cramjam import deflate

    return bytes(deflate.compress(chunk, level=LEVEL))


def deflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The raw deflate stream of `chunks`, each of CHUNK bytes but the last; holds one chunk at a time."""
    from cramjam import deflate

    encoder = deflate.Compressor(level=LEVEL)
    started = False
    for chunk in chunks:
        if started:
            yield bytes(encoder.flush())
        encoder.compress(chunk)
        started = True
    yield bytes(encoder.finish())
