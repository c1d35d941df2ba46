"""A function as it is stored, and as its answers show it (facts 3.2-3.4)."""

import secrets
import time

from fcdeploy.emulator.codelink import to_link
from fcdeploy.emulator.exchange import Json, Request
from fcdeploy.emulator.huawei.common import to_time_text
from fcdeploy.emulator.huawei.dependency_rows import dependencies_of
from fcdeploy.emulator.huawei.function_fields import IMAGE, blanked, unset
from fcdeploy.emulator.huawei.urn import LATEST, Named, to_urn
from fcdeploy.emulator.rows import new_id, public
from fcdeploy.emulator.store import Row, Session


def image_name(now: float) -> str:
    """Return ``latest-191025153727@zehht`` (facts 3.4)."""
    return f"{LATEST}-{time.strftime('%y%m%d%H%M%S', time.gmtime(now))}@{secrets.token_hex(3)[:5]}"


def shown(request: Request, place: str, body: Json, qualifier: str) -> Json:
    """Return the metadata of a function or version as answers have it; ``qualifier`` ends its URN."""
    memory = body["memory_size"]
    assert isinstance(memory, int)
    urn = to_urn(request, place)
    return {
        **public(body),
        "func_urn": f"{urn}:{qualifier}" if qualifier else urn,
        "resource_id": f"{body['func_id']}:{body['func_name']}",
        "domain_id": f"domain-of-{request.tenant.account}",
        "namespace": request.tenant.account,
        "project_name": request.tenant.region,
        "cpu": memory * 100 // 128 + 200,
        "encrypted_user_data": blanked(str(body["encrypted_user_data"])),
        "func_code": {"file": "", "link": ""},
        "depend_list": [],
        "long_time": False,
        "is_bridge_function": False,
        "allow_ephemeral_storage": body["runtime"] in ("http", IMAGE),
    }


def with_dependencies(session: Session, body: Json) -> Json:
    """Return an answer with the dependencies that it names, whole."""
    return {**body, "dependencies": dependencies_of(session, body)}


def listed(request: Request, row: Row) -> Json:
    """Return a row as the list has it: without VPC, mounts, dependencies and network (facts 3.4, SDK model)."""
    body = shown(request, f"{row.parent}/{row.name}", row.body, "")
    vpc = body["func_vpc"]
    left_out = ("func_vpc", "mount_config", "network_controller", "custom_image", "depend_version_list", "func_id")
    return {
        **{key: value for key, value in body.items() if key not in left_out},
        "func_vpc_id": vpc.get("vpc_id", "") if isinstance(vpc, dict) else "",
        "fail_count": 0,
        "bind_bridge_funcUrns": [],
    }


def code_view(request: Request, session: Session, asked: Named, row: Row, *, link: bool) -> Json:
    """Return what the two code operations answer; `link`: with the address of the content."""
    body = shown(request, asked.place, row.body, str(row.body["version"]))
    kept = row.body.get("_code")
    url = to_link(request, str(kept["digest"])) if link and isinstance(kept, dict) else ""
    names = (
        *("func_urn", "func_name", "domain_id", "runtime", "code_type", "code_url", "code_filename", "code_size"),
        *("digest", "last_modified", "depend_list", "depend_version_list", "strategy_config"),
    )
    view: Json = {name: body[name] for name in names}
    return {**view, "func_code": {"file": "", "link": url}, "dependencies": dependencies_of(session, body)}


def new_body(request: Request, given: Json) -> Json:
    """Return what is stored of a function that is made from these fields."""
    kind = str(given.get("type") or "v2")
    body: Json = {
        **unset(kind),
        **{key: value for key, value in given.items() if key not in ("func_code", "log_config")},
        "func_id": new_id(),
        "version": LATEST,
        "image_name": image_name(request.now),
        "last_modified": to_time_text(request.now),
        **logs_of(given),
        "_tags": {},
        "_published": None,
    }
    return body


def logs_of(given: Json) -> Json:
    """Return what is stored of the logs that a body asks for."""
    config = given.get("log_config")
    logs = config if isinstance(config, dict) else {}
    if not logs and given.get("enable_lts_log"):
        # The service makes group and stream of its own (facts 3.2).
        logs = {"group_id": new_id(), "group_name": "functiongraph.log.group", "stream_id": new_id()}
    if not logs:
        return {"log_group_id": "", "log_stream_id": "", "_log": {}}
    return {"log_group_id": logs.get("group_id", ""), "log_stream_id": logs.get("stream_id", ""), "_log": logs}
