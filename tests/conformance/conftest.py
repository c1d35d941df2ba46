"""The vendors' own SDKs, unmodified, against the emulator on a socket."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from fcdeploy.emulator.server import Handle, start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings

AK, SK = "LTAIconformance", "conformance-secret"


@pytest.fixture
def emulator() -> Iterator[Handle]:
    with start_in_thread(EmulatorSettings(access_keys={AK: SK})) as handle:
        yield handle


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    file = tmp_path / "code.zip"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("index.py", "def handler(event, context):\n    return 'hello'\n")
    file.write_bytes(buffer.getvalue())
    return file


@pytest.fixture
def fc2_client(emulator: Handle) -> Callable[..., object]:
    import fc2

    def build(ak: str = AK, sk: str = SK, token: str = "") -> object:
        return fc2.Client(endpoint=emulator.url, accessKeyID=ak, accessKeySecret=sk, securityToken=token)

    return build


@pytest.fixture
def fc_open(emulator: Handle) -> tuple[object, ModuleType]:
    from alibabacloud_fc_open20210406 import models
    from alibabacloud_fc_open20210406.client import Client
    from alibabacloud_tea_openapi.models import Config

    endpoint = emulator.url.removeprefix("http://")
    settings = Config(access_key_id=AK, access_key_secret=SK, endpoint=endpoint, protocol="HTTP")
    return Client(settings), models
