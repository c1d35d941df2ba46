"""One server for all tests of a process, empty for each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

# Tests of this folder import what several of them share, and what they share with the journal of one machine.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from postgres_server import PASSWORD, ROLE, PostgresServer


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    running = PostgresServer()
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def database(server: PostgresServer) -> str:
    """The address of an empty database, without the password."""
    server.clear()
    return server.url


@pytest.fixture
def url(database: str) -> str:
    """The same with the password."""
    return database.replace(f"{ROLE}@", f"{ROLE}:{quote(PASSWORD, safe='')}@")
