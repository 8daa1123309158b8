"""Projections: tables shaped for a screen or a look-up. They follow from the facts held, and can be made anew at any time."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from shared import subjects
from shared.bodies import read_body
from shared.body import Body
from shared.canonical import digest
from shared.facts import Fact
from shared.node.engine import Engine, statements
from shared.node.rows import COLUMNS, fact_of

_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)")
_PAGE = 1000


class Projection(Protocol):
    """Tables that follow from facts. The order in which facts are applied must make no difference."""

    @property
    def schema(self) -> str:
        """`CREATE TABLE IF NOT EXISTS` and `CREATE INDEX IF NOT EXISTS`, in SQL for every engine."""
        ...

    def apply(self, database: Engine, fact: Fact, body: Body) -> None:
        """Takes one understood fact in; called once a fact, within the transaction that stores it."""
        ...

    def drop(self, database: Engine, no: str) -> None:
        """Takes out all rows about one declaration."""
        ...


class Projections:
    """All projections of a store. `outdated`: one of them has other tables than when it was last made."""

    def __init__(self, engine: Engine, projections: Sequence[Projection]) -> None:
        self._engine = engine
        self._all = tuple(projections)
        self.outdated = self._create()

    def apply(self, fact: Fact, body: Body) -> None:
        """Takes an understood fact into every projection."""
        for projection in self._all:
            projection.apply(self._engine, fact, body)

    def rebuild(self) -> None:
        """Drops all tables and fills them from the facts held, in order of arrival, in one transaction."""
        with self._engine.transaction("rebuild"):
            for projection in self._all:
                for table in tables(projection):
                    self._engine.execute(f"DROP TABLE IF EXISTS {table}")
                self._make(projection)
            for fact in self._understood():
                self.apply(fact, read_body(fact))
            self._note_versions()
        self.outdated = False

    def refresh(self, nos: Iterable[str]) -> None:
        """Makes the rows about some declarations anew, from the facts about them that are still held; in a transaction."""
        for no in nos:
            for projection in self._all:
                projection.drop(self._engine, no)
            subject = subjects.declaration(no)
            rows = self._engine.rows(
                f"""SELECT {COLUMNS} FROM facts WHERE flaw IS NULL
                    AND (subject = ? OR (subject > ? AND subject < ?)) ORDER BY position""",
                (subject, f"{subject}/", f"{subject}0"),
            )
            for fact in map(fact_of, rows):
                self.apply(fact, read_body(fact))

    def _create(self) -> bool:
        """Makes tables that are not there; True when facts are held that they should have been made from."""
        with self._engine.transaction("open"):
            old = [one for one in self._all if self._version_of(one) != digest(one.schema)]
            for projection in old:
                for table in tables(projection):
                    self._engine.execute(f"DROP TABLE IF EXISTS {table}")
                self._make(projection)
            empty = not self._engine.rows("SELECT 1 FROM facts LIMIT 1")
            if empty:
                self._note_versions()
        return bool(old) and not empty

    def _version_of(self, projection: Projection) -> str | None:
        rows = self._engine.rows("SELECT value FROM node WHERE name = ?", (_setting(projection),))
        return rows[0][0] if rows else None

    def _note_versions(self) -> None:
        """Tables count as made once they are filled: a start that was killed before is made up for by the next."""
        self._engine.executemany(
            """INSERT INTO node(name, value) VALUES (?, ?)
               ON CONFLICT(name) DO UPDATE SET value = excluded.value""",
            [(_setting(one), digest(one.schema)) for one in self._all],
        )

    def _make(self, projection: Projection) -> None:
        for statement in statements(projection.schema + "\n"):
            self._engine.execute(statement)

    def _understood(self) -> Iterable[Fact]:
        position = 0
        while True:
            rows = self._engine.rows(
                f"""SELECT position, {COLUMNS} FROM facts WHERE position > ? AND flaw IS NULL
                    ORDER BY position LIMIT ?""",
                (position, _PAGE),
            )
            if not rows:
                return
            yield from (fact_of(row[1:]) for row in rows)
            position = rows[-1][0]


def table_digest(engine: Engine, table: str) -> tuple[int, str]:
    """How many rows a table has, and a digest of all of them, in the order of all columns; two tables are the same or not."""
    first = engine.rows(f"SELECT * FROM {table} LIMIT 1")
    if not first:
        return 0, hashlib.sha256().hexdigest()
    order = ", ".join(map(str, range(1, len(first[0]) + 1)))
    rows = engine.rows(f"SELECT * FROM {table} ORDER BY {order}")
    told = hashlib.sha256()
    for row in rows:
        told.update(json.dumps(list(row), ensure_ascii=True).encode() + b"\n")
    return len(rows), told.hexdigest()


def tables(projection: Projection) -> list[str]:
    """The names of a projection's tables."""
    return _TABLE.findall(projection.schema)


def _setting(projection: Projection) -> str:
    return f"projection/{type(projection).__name__}"
