"""Where dependencies are kept, for functions that name their versions (facts 7)."""

from fcdeploy.emulator.exchange import Json
from fcdeploy.emulator.huawei.common import DEPENDENCY_VERSION, FUNCTION, VERSION
from fcdeploy.emulator.huawei.errors import DEPENDENCY_NOT_FOUND
from fcdeploy.emulator.rows import public
from fcdeploy.emulator.store import Row, Session


def version_by_id(session: Session, version_id: str) -> Row | None:
    """Return the dependency version of an id."""
    return next((row for row in session.scan(DEPENDENCY_VERSION) if row.body["id"] == version_id), None)


def check_dependencies(session: Session, body: Json) -> None:
    """Refuse a function that names a version that is not there."""
    wanted = body["depend_version_list"]
    if isinstance(wanted, list):
        for version_id in wanted:
            if version_by_id(session, str(version_id)) is None:
                raise DEPENDENCY_NOT_FOUND(version_id)


def dependencies_of(session: Session, body: Json) -> list[Json]:
    """Return the dependency versions that a function names, whole."""
    wanted = body["depend_version_list"]
    if not isinstance(wanted, list) or not wanted:
        return []
    rows = {str(row.body["id"]): row for row in session.scan(DEPENDENCY_VERSION)}
    return [public(rows[str(each)].body) for each in wanted if str(each) in rows]


def user_of(session: Session, version_id: str) -> str | None:
    """Return the name of a function, or of a version of one, that names this dependency version."""
    for row in (*session.scan(FUNCTION), *session.scan(VERSION)):
        wanted = row.body["depend_version_list"]
        if isinstance(wanted, list) and version_id in wanted:
            return str(row.body["func_name"])
    return None
