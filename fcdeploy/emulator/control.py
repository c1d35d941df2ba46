"""The emulator's own endpoints, under a path that no vendor uses: not signed, for callers on this machine only.

GET    /__emulator__/health      {"status": "ok"}
GET    /__emulator__/faults      how often each rule counted and fired
PUT    /__emulator__/faults      put a fault document in force (see faults.py)
DELETE /__emulator__/faults      take all faults out of force
GET    /__emulator__/requests    the request log, oldest first; ?limit=N for the newest N
DELETE /__emulator__/requests    forget it
GET    /__emulator__/dump        the whole contents as canonical JSON
POST   /__emulator__/reset       forget contents, faults and log
GET    /__emulator__/coverage    what is emulated, by operation
"""

import ipaddress
import json
from typing import TYPE_CHECKING

from fcdeploy.emulator.coverage import PROVIDERS, coverage_rows, shared_choices, to_json
from fcdeploy.emulator.exchange import NO_CONTENT, Reply, Request
from fcdeploy.emulator.faults import BadFaults
from fcdeploy.emulator.json_body import BadBody, parse_object

if TYPE_CHECKING:
    from fcdeploy.emulator.app import App

PREFIX = "/__emulator__/"


def _is_local(client: tuple[str, int] | None) -> bool:
    if client is None:  # in process
        return True
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


def _refusal(status: int, message: str) -> Reply:
    return Reply(status=status, body={"error": message})


def answer(app: "App", request: Request, client: tuple[str, int] | None) -> Reply:
    """Answer one control request."""
    if not _is_local(client):
        return _refusal(403, "control paths are for callers on this machine")
    world = app.world
    match request.method, request.raw_path[len(PREFIX) :]:
        case "GET", "health":
            return Reply(body={"status": "ok"})
        case "GET", "faults":
            return Reply(body={"rules": world.faults.report()})
        case "PUT" | "POST", "faults":
            try:
                delays = world.faults.load(parse_object(request.body))
            except (BadBody, BadFaults) as error:
                return _refusal(400, str(error))
            if delays is not None:
                world.set_delays(delays)
            return NO_CONTENT
        case "DELETE", "faults":
            world.faults.clear()
            return NO_CONTENT
        case "GET", "requests":
            entries = world.log.entries()
            limit = request.one("limit")
            if limit is not None and limit.isascii() and limit.isdigit():
                entries = entries[-int(limit[:9]) :] if int(limit[:9]) else []
            return Reply(body={"total": world.log.total, "requests": entries})
        case "DELETE", "requests":
            world.log.clear()
            return NO_CONTENT
        case "GET", "dump":
            text = json.dumps({"resources": world.store.dump()}, sort_keys=True, separators=(",", ":"))
            return Reply(raw=text.encode())
        case "POST", "reset":
            world.clear()
            return NO_CONTENT
        case "GET", "coverage":
            shared = [
                {"provider": provider, "topic": topic, "choice": choice, "source": source}
                for provider in PROVIDERS
                for topic, choice, source in shared_choices(provider)
            ]
            return Reply(body={"operations": [to_json(row) for row in coverage_rows()], "shared": shared})
        case _:
            return _refusal(404, "no such control path")
