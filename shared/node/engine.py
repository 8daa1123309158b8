"""The database under a store: one connection, used by one thread, and the SQL that every engine understands.

Queries are written once, for SQLite and PostgreSQL alike: `?` for a value, `ON CONFLICT` for what may be there already, no
function that only one of them has. Migrations are the files in `sql/`, each committed together with the record that it ran.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from shared.node.errors import StoreUnusable, Unstorable

SQL = Path(__file__).parent / "sql"
"""Migrations as `number_name.sql`, run in the order of their names."""


class Engine(Protocol):
    """What a store asks of its database. Everything raises StoreUnusable, which names the database and what to do.

    Values are None, int (64 bits), float and text without U+0000, true and false are 1 and 0; others raise Unstorable.
    """

    @property
    def shared(self) -> bool:
        """True when other processes may write to the same database, so that nothing read may be kept in memory."""
        ...

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Runs a statement; outside of a transaction it commits by itself."""
        ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs a statement for each row."""
        ...

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        ...

    def transaction(self, doing: str) -> AbstractContextManager[None]:
        """A transaction alone among all writers, durable when the block ends; `doing` goes into the error's sentence.

        Another writer waits for it a few seconds, then raises StoreUnusable. A transaction in which a statement failed
        fails as a whole, even when the error was caught. Lost during its end it raises too, and may have been written.
        """
        ...

    def migrate(self) -> None:
        """Brings the tables to this version."""
        ...

    def purge(self) -> None:
        """Sees to it that deleted values are nowhere left in the database's files."""
        ...

    def another(self) -> "Engine":
        """A connection of its own to the same database, for another thread."""
        ...

    def close(self) -> None:
        """Closes the connection."""
        ...


def migration_files() -> list[tuple[str, str]]:
    """Name and text of every migration, in order."""
    return [(file.stem, file.read_text(encoding="utf-8")) for file in sorted(SQL.glob("*.sql"))]


def statements(text: str) -> list[str]:
    """The statements of an SQL text; they end with a semicolon at the end of a line, comments begin with two dashes."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [one.strip() for one in "\n".join(lines).split(";\n") if one.strip(" ;\n")]


class SqliteEngine:
    """SQLite in WAL mode with `synchronous=FULL`: what is committed is on disk. Deleted values are overwritten."""

    shared = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._failed = False
        with self._guard("open"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(path, isolation_level=None)
            self.connection.execute("PRAGMA busy_timeout=2000")
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=FULL")
            self.connection.execute("PRAGMA secure_delete=ON")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """See Engine."""
        with self._guard("write"):
            self.connection.execute(sql, _storable(values))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """See Engine."""
        with self._guard("write"):
            self.connection.executemany(sql, map(_storable, rows))

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """See Engine."""
        with self._guard("read"):
            return self.connection.execute(sql, _storable(values)).fetchall()

    @contextmanager
    def transaction(self, doing: str) -> Iterator[None]:
        """See Engine."""
        with self._guard(doing):
            self.connection.execute("BEGIN IMMEDIATE")
        self._failed = False
        try:
            yield
            with self._guard(doing):
                if self._failed:
                    raise sqlite3.OperationalError("a statement in it failed; nothing was written")
                self.connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")
            raise

    def migrate(self) -> None:
        """See Engine."""
        migrations = Migrations("barie")
        for name, text in migration_files():
            migrations(name=name)(_run(statements(text)))
        with self._guard("migrate"):
            migrations.apply(Database(self.connection))

    def purge(self) -> None:
        """See Engine."""
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def another(self) -> "SqliteEngine":
        """See Engine."""
        return SqliteEngine(self.path)

    def close(self) -> None:
        """See Engine."""
        self.connection.close()

    @contextmanager
    def _guard(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (OverflowError, ValueError) as error:
            self._failed = True
            raise Unstorable(f"cannot {doing} {self.path}: {error}") from error
        except (sqlite3.Error, OSError) as error:
            self._failed = True
            raise StoreUnusable(
                f"cannot {doing} {self.path}: {error}; use key and paper, call the technician"
            ) from error


def _storable(values: Sequence[Any]) -> Sequence[Any]:
    """The values, unless a text holds U+0000: SQLite would take it, PostgreSQL does not."""
    for value in values:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("text with U+0000 cannot be kept; leave the character out")
    return values


def _run(texts: Sequence[str]) -> Any:
    def migrate(database: Database) -> None:
        for text in texts:
            database.execute(text)

    return migrate
