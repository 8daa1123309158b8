"""What tests of several folders share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from central.postgres import PostgresEngine
from shared.node.engine import SqliteEngine
from tests.engines import ENGINES, Open
from tests.postgres import PostgresServer, postgres


def pytest_configure(config: pytest.Config) -> None:
    """Names the marker that `on_both_engines` is."""
    config.addinivalue_line("markers", "both_engines: run once on each engine under a store")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Doubles the tests that `on_both_engines` marks and that use an engine."""
    if "connect" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_engines"):
        metafunc.parametrize("connect", ENGINES, indirect=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests that do not stop it."""
    with postgres() as server:
        yield server


@pytest.fixture
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the database of the test; see `on_both_engines`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return lambda: SqliteEngine(tmp_path / "data" / "store.db")
    dsn = request.getfixturevalue("postgres_server").schema()
    return lambda: PostgresEngine(dsn)
