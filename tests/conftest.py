"""What tests of several folders share."""

from collections.abc import Iterator

import pytest

from tests.postgres import PostgresServer, postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests that do not stop it."""
    with postgres() as server:
        yield server
