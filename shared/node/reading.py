"""A store that is only read: while its node runs, from another process, and without a file being made or changed."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.node.engine import SqliteEngine
from shared.node.errors import StoreUnusable
from shared.node.store import Store

DATABASE = "facts.db"


def database_of(place: Path) -> Path:
    """The database file of a data folder, or the file itself; raises StoreUnusable when it is not there."""
    file = place / DATABASE if place.is_dir() else place
    if not file.is_file():
        raise StoreUnusable(f"no store at {file}; name a gate's data folder or its database file")
    return file


class ReadOnlyEngine(SqliteEngine):
    """See Engine. Whatever would write raises StoreUnusable.

    A store that nobody has open is read as it lies; SQLite would else leave two files beside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._failed = False
        self._connect()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """See Engine. Bytes that are no text come as text that fits no hash."""
        if self._alone and self._wal.exists():
            self.connection.close()
            self._connect()
        return super().rows(sql, values)

    @contextmanager
    def transaction(self, doing: str) -> Iterator[None]:
        """See ReadOnlyEngine."""
        del doing
        yield

    def migrate(self) -> None:
        """Nothing: the tables are those that the store has."""

    def another(self) -> "ReadOnlyEngine":
        """See Engine."""
        return ReadOnlyEngine(self.path)

    @property
    def _wal(self) -> Path:
        return self.path.with_name(f"{self.path.name}-wal")

    def _connect(self) -> None:
        with self._guard("open"):
            self._alone = not self._wal.exists()
            how = "immutable=1" if self._alone else "mode=ro"
            self.connection = sqlite3.connect(
                f"{self.path.resolve().as_uri()}?{how}", uri=True, isolation_level=None
            )
            self.connection.execute("PRAGMA busy_timeout=2000")
            self.connection.text_factory = _text


class ReadStore(Store):
    """A Store on a ReadOnlyEngine, without projections."""

    def __init__(self, file: Path) -> None:
        super().__init__(ReadOnlyEngine(file))

    def _understand(self) -> None:
        """Nothing is written, so what a newer program would understand stays as it is."""


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
