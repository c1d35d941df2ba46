"""The one exception of the emulator: an answer of the API that is not a success.

Tree::

    ApiError    status, code and message, as they go out on the wire

An :class:`ErrorKind` is a line of a vendor's error table; calling it makes the error: ``raise NOT_FOUND("x")``.
"""

from dataclasses import dataclass

ECHO_LIMIT = 256  # a message repeats what the caller sent; it must not repeat a megabyte of it


class ApiError(Exception):
    """An error answer. ``status`` is the HTTP status, ``headers`` are extra ones (``Retry-After``)."""

    def __init__(self, status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One line of an error table: code, HTTP status and a message template with ``%s`` places."""

    code: str
    status: int
    template: str

    def __call__(self, *values: object) -> ApiError:
        """Return the error with ``values`` put into the template, each cut to a sane length."""
        return ApiError(self.status, self.code, self.template % tuple(echo(value) for value in values))


def echo(value: object) -> str:
    """Return ``value`` as text fit for a message: no lone surrogate, no control character, at most 256 characters."""
    text = str(value)[:ECHO_LIMIT]
    return "".join(char if char.isprintable() else "?" for char in text)
