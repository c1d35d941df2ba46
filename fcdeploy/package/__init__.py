"""Code archives: where code comes from, the same bytes on every machine, and what differs from a live archive.

S25 to S29. This package knows no cloud and no engine: it turns a spec's `code` value into bytes on disk that are
addressed by their sha256, and compares such bytes with others.
"""
