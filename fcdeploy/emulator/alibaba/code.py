"""Archives of functions and layers: where they come from, their checksum and what is kept of them.

The stored body of a resource with an archive has ``_code``: ``{"digest": sha-256 of the kept blob}``.
"""

import base64
import binascii
import io
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastcrc import crc64

from fcdeploy.emulator.alibaba.errors import invalid_argument
from fcdeploy.emulator.alibaba.fields import Struct, Text
from fcdeploy.emulator.alibaba.upload import BUCKET_PREFIX, read_object
from fcdeploy.emulator.errors import echo
from fcdeploy.emulator.exchange import Json, Request
from fcdeploy.emulator.rows import zip_of
from fcdeploy.emulator.settings import EmulatorSettings

CODE = Struct({"zipFile": Text(), "ossBucketName": Text(), "ossObjectName": Text()})
CHECKSUM_HEADER = "x-fc-code-checksum"


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip as it was uploaded, with its CRC-64/XZ as the API writes it (facts 12)."""

    content: bytes
    checksum: str


def crc64_text(content: bytes) -> str:
    """Return the CRC-64/XZ of ``content`` as an unsigned decimal (facts 12)."""
    return str(crc64.xz(content))


def _from_zip_file(text: str, settings: EmulatorSettings) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid_argument("Code.ZipFile is not valid base64") from None
    if len(content) > settings.code_limit:
        raise invalid_argument(  # text: facts 6.3, "code too large"
            f"Code size exceeds the maximum allowed length (max: {settings.code_limit}, actual: '{len(content)}')"
        )
    return content


def _from_oss(request: Request, bucket: str, name: str) -> bytes:
    """Return an object of the code bucket, or of the folder that stands for OSS, or a zip made from its name.

    The emulator has no OSS. The made-up archive is the same for the same name, so that checksums are stable.
    """
    settings = request.world.settings
    if bucket.startswith(BUCKET_PREFIX):
        content = read_object(request, bucket, name)
        if content is None:
            raise invalid_argument(f"the object '{echo(name)}' of bucket '{echo(bucket)}' does not exist")
        return content
    path = PurePosixPath(bucket) / name
    if ".." in path.parts or path.is_absolute() or "\x00" in str(path):
        raise invalid_argument(f"the object '{echo(name)}' of bucket '{echo(bucket)}' does not exist")
    if settings.oss_root is not None:
        file = settings.oss_root / path
        if not file.is_file():
            raise invalid_argument(f"the object '{echo(name)}' of bucket '{echo(bucket)}' does not exist")
        return file.read_bytes()
    return zip_of("oss-object.txt", f"oss://{bucket}/{name}\n".encode())


def read_archive(request: Request, code: Json) -> Archive:
    """Return the archive that a ``code`` object names; checks X-Fc-Code-Checksum when the header is there.

    Raises:
        ApiError: InvalidArgument: neither or both sources, not base64, too large, not a zip, or another checksum
            than the header's (its code is not documented, facts 16.4).
    """
    settings = request.world.settings
    text, bucket, name = code.get("zipFile"), code.get("ossBucketName"), code.get("ossObjectName")
    if isinstance(text, str) and text:
        if bucket or name:
            raise invalid_argument("Code must have either zipFile or ossBucketName and ossObjectName, not both")
        content = _from_zip_file(text, settings)
    elif isinstance(bucket, str) and bucket and isinstance(name, str) and name:
        content = _from_oss(request, bucket, name)
    else:
        raise invalid_argument("Code must have either zipFile or ossBucketName and ossObjectName")
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise invalid_argument("Code is not a valid zip archive")
    archive = Archive(content, crc64_text(content))
    wanted = request.headers.get(CHECKSUM_HEADER)
    if wanted and wanted != archive.checksum:
        raise invalid_argument(
            f"the code checksum does not match (expected: '{echo(wanted)}', actual: '{archive.checksum}')"
        )
    return archive
