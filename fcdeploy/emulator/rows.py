"""What every vendor's stored resources have in common: names of rows, ids, what leaves the emulator, made-up zips."""

import io
import uuid
import zipfile

from fcdeploy.emulator.exchange import Json


def number_name(number: int) -> str:
    """Return a number as a row name that sorts like the number."""
    return f"{number:010d}"


def new_id() -> str:
    """Return a UUID."""
    return str(uuid.uuid4())


def public(body: Json) -> Json:
    """Return a stored body without the emulator's own keys."""
    return {key: value for key, value in body.items() if not key.startswith("_")}


def zip_of(name: str, content: bytes) -> bytes:
    """Return a zip of one file, the same for the same file: it stands for an archive that is not at hand."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()
