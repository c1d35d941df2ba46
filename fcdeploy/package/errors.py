"""The one error of this package."""

from __future__ import annotations

from pathlib import Path

from fcdeploy.errors import FcdeployError


class PackageError(FcdeployError):
    """Code cannot be packaged, or an archive cannot be read.

    `path` is the file or folder at fault, or None where there is none (an `oss://` address, an archive in memory).
    The caller knows which line of the spec gave the code and makes a diagnostic of it.
    """

    def __init__(self, summary: str, *, detail: str = "", hint: str = "", path: Path | None = None) -> None:
        super().__init__(summary, detail=detail, hint=hint)
        self.path = path


def os_reason(error: OSError) -> str:
    """What the operating system said, without the file name that the summary already has."""
    return error.strerror or type(error).__name__


def unreadable(error: OSError, path: Path, hint: str) -> PackageError:
    """What is said of code that the operating system does not give; the file that it names is the one at fault."""
    path = Path(error.filename) if isinstance(error.filename, str) else path
    return PackageError(f"{path} cannot be read", detail=os_reason(error), hint=hint, path=path)


def unwritable(summary: str, error: OSError, path: Path) -> PackageError:
    """What is said of what cannot be kept in the state folder."""
    hint = "check the free space and the permissions of the state folder"
    return PackageError(summary, detail=os_reason(error), hint=hint, path=path)
