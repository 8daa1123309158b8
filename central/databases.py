"""The database that the configuration names: SQLite, or PostgreSQL for several processes."""

from collections.abc import Iterator
from contextlib import contextmanager

from central.configuration import CentreConfiguration
from central.leading import Alone, Lead
from shared.node.engine import Engine, SqliteEngine
from shared.node.errors import StoreUnusable


def open_engine(configuration: CentreConfiguration) -> Engine:
    """The engine under the centre's store; raises StoreUnusable, BadConfiguration where the password cannot be read."""
    if configuration.database is None:
        return SqliteEngine(configuration.store)
    with _driver():
        from central.postgres import PostgresEngine
    return PostgresEngine(configuration.database, configuration.database_password())


def open_lead(configuration: CentreConfiguration) -> Lead:
    """Who speaks for the centre among the processes on that database; raises as `open_engine` does."""
    if configuration.database is None:
        return Alone()
    with _driver():
        from central.postgres import PostgresLead
    return PostgresLead(configuration.database, configuration.database_password())


@contextmanager
def _driver() -> Iterator[None]:
    """psycopg is installed only where it is needed."""
    try:
        yield
    except ImportError as error:
        raise StoreUnusable(f"PostgreSQL needs a driver ({error}); install barie[postgres]") from error
