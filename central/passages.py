"""Projection: passages (lượt qua) as the centre's page shows them, one row each, built from the gates' facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.bodies import (
    Arrived,
    Confirmed,
    OpenRequested,
    Passed,
    PlateCorrected,
    PlateRead,
    Refused,
    TurnedBack,
)
from shared.body import Body
from shared.facts import Fact, Ref
from shared.journal import author_of
from shared.node.engine import Engine
from shared.node.store import Store


class Outcome(StrEnum):
    """How a passage stands."""

    STANDING = "standing"
    """The vehicle is before the boom."""
    REFUSED = "refused"
    """An officer sent it back; it has not left yet."""
    PASSED = "passed"
    TURNED_BACK = "turned_back"


@dataclass(frozen=True)
class Passage:
    """One vehicle through one lane. `ref` is its `arrived` fact; times are stamps of the gate's clock."""

    ref: str
    node: str
    lane: str
    place: str
    heading: str
    arrived_at: str
    outcome: Outcome
    ended_at: str | None = None
    plate: str | None = None
    corrected: bool = False
    thumbnail: str | None = None
    declaration: str | None = None
    vehicle: str | None = None
    read: str | None = None
    """The newest `plate_read` fact."""


_COLUMNS = (
    "ref, node, lane, place, heading, arrived_at, outcome, ended_at, plate, corrected, thumbnail, declaration,"
    " vehicle, read"
)


class Passages:
    """The table `passages`. Only the gate itself is heard about its passages: its facts arrive in the order they happened,
    so that the order in which journals arrive makes no difference."""

    schema = """
CREATE TABLE IF NOT EXISTS passages (
    ref TEXT PRIMARY KEY, node TEXT, lane TEXT, place TEXT, heading TEXT, arrived_at TEXT, outcome TEXT, ended_at TEXT,
    plate TEXT, corrected INTEGER DEFAULT 0, thumbnail TEXT, declaration TEXT, vehicle TEXT, read TEXT
);
CREATE INDEX IF NOT EXISTS idx_passages_arrived_at ON passages (arrived_at);
"""

    def apply(self, database: Engine, fact: Fact, body: Body) -> None:
        """Takes in what a gate says of a passage; all other facts are passed over."""
        if not _own_passage(fact):
            return
        match body:
            case Arrived():
                database.execute(
                    "INSERT INTO passages(ref, node, lane, place, heading, arrived_at, outcome)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (
                        fact.ref,
                        author_of(fact.journal),
                        body.lane,
                        body.place.value,
                        body.heading.value,
                        fact.at,
                        Outcome.STANDING.value,
                    ),
                )
            case PlateRead():
                _update(database, body.passage, read=fact.ref, thumbnail=body.thumbnail)
                _update(database, body.passage, declaration=body.declaration, vehicle=body.vehicle)
                _update(database, body.passage, "corrected = 0", plate=body.text)
            case PlateCorrected():
                _update(database, body.passage, plate=body.text, corrected=1)
            case Confirmed(passage=str() as ref) | OpenRequested(passage=str() as ref):
                _update(database, ref, declaration=body.declaration, vehicle=body.vehicle)
            case Refused():
                _update(database, body.passage, outcome=Outcome.REFUSED.value)
            case Passed():
                _end(database, fact, body, Outcome.PASSED)
            case TurnedBack():
                _end(database, fact, body, Outcome.TURNED_BACK)
            case _:
                pass

    def drop(self, database: Engine, no: str) -> None:
        """See Projection."""
        database.execute("DELETE FROM passages WHERE declaration = ?", (no,))


class PassageBook:
    """Reads the projection."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def latest(self, most: int = 30) -> list[Passage]:
        """The passages that arrived last, newest first."""
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM passages ORDER BY arrived_at DESC LIMIT ?", (most,))
        return [_passage(row) for row in rows]

    def find(self, ref: str) -> Passage | None:
        """One passage, or None."""
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM passages WHERE ref = ?", (ref,))
        return _passage(rows[0]) if rows else None


def _passage(row: Sequence[Any]) -> Passage:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    typed = {"outcome": Outcome(values["outcome"]), "corrected": bool(values["corrected"])}
    return Passage(**(values | typed))


def _own_passage(fact: Fact) -> bool:
    passage = fact.body.get("passage")
    return passage is None or author_of(Ref.parse(passage).journal) == author_of(fact.journal)


def _end(database: Engine, fact: Fact, body: Passed | TurnedBack, outcome: Outcome) -> None:
    _update(
        database,
        body.passage,
        outcome=outcome.value,
        ended_at=fact.at,
        thumbnail=body.thumbnail,
        declaration=body.declaration,
        vehicle=body.vehicle,
    )
    if body.plate:
        _update(database, body.passage, "plate IS NULL", plate=body.plate)


def _update(database: Engine, ref: str, when: str = "1 = 1", **values: str | int | None) -> None:
    """Sets the columns that have a value; what is known is never overwritten by what is not."""
    known = {name: value for name, value in values.items() if value is not None}
    if known:
        columns = ", ".join(f"{name} = ?" for name in known)
        database.execute(f"UPDATE passages SET {columns} WHERE ref = ? AND {when}", (*known.values(), ref))
