"""Projection: vehicles of a declaration that went through one place in one heading more than once.

Two gates that were cut from each other can each let the same declaration pass. When they meet it is a finding: an alarm with
both pictures, never an undo.
"""

from dataclasses import dataclass

from shared.bodies import Passed
from shared.body import Body
from shared.facts import Fact
from shared.node.engine import Engine
from shared.node.store import Store


@dataclass(frozen=True)
class Through:
    """One passage of the vehicle: the `passed` fact, its stamp, and its thumbnail if there is one."""

    ref: str
    at: str
    thumbnail: str | None


@dataclass(frozen=True)
class Finding:
    """A vehicle that passed a place more than once, with all of its passages, earliest first."""

    declaration: str
    vehicle: str
    place: str
    heading: str
    passages: tuple[Through, ...]


class UsedTwice:
    """The tables `trips` (a row a passage) and `used_twice` (a row a vehicle, place and heading with more than one)."""

    schema = """
CREATE TABLE IF NOT EXISTS trips (
    no TEXT, vehicle TEXT, place TEXT, heading TEXT, passage TEXT, ref TEXT, at TEXT, thumbnail TEXT,
    PRIMARY KEY (no, vehicle, place, heading, passage)
);
CREATE TABLE IF NOT EXISTS used_twice (
    no TEXT, vehicle TEXT, place TEXT, heading TEXT, PRIMARY KEY (no, vehicle, place, heading)
);
"""

    def apply(self, database: Engine, fact: Fact, body: Body) -> None:
        """Takes in a passage of a declared vehicle."""
        if not isinstance(body, Passed) or body.declaration is None or body.vehicle is None:
            return
        key = (body.declaration, body.vehicle, body.place.value, body.heading.value)
        database.execute(
            """INSERT INTO trips(no, vehicle, place, heading, passage, ref, at, thumbnail)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
            (*key, body.passage, fact.ref, fact.at, body.thumbnail),
        )
        database.execute(
            """INSERT INTO used_twice(no, vehicle, place, heading)
               SELECT no, vehicle, place, heading FROM trips WHERE no = ? AND vehicle = ? AND place = ? AND heading = ?
               GROUP BY no, vehicle, place, heading HAVING count(*) > 1 ON CONFLICT DO NOTHING""",
            key,
        )

    def drop(self, database: Engine, no: str) -> None:
        """See Projection."""
        for table in ("trips", "used_twice"):
            database.execute(f"DELETE FROM {table} WHERE no = ?", (no,))


def findings(store: Store, most: int = 50) -> list[Finding]:
    """The vehicles that passed a place more than once, of the newest declarations first; raises StoreUnusable."""
    keys = store.rows("SELECT no, vehicle, place, heading FROM used_twice ORDER BY no DESC LIMIT ?", (most,))
    return [
        Finding(no, vehicle, place, heading, _passages(store, (no, vehicle, place, heading)))
        for no, vehicle, place, heading in keys
    ]


def _passages(store: Store, key: tuple[str, str, str, str]) -> tuple[Through, ...]:
    rows = store.rows(
        """SELECT ref, at, thumbnail FROM trips WHERE no = ? AND vehicle = ? AND place = ? AND heading = ?
           ORDER BY at, ref""",
        key,
    )
    return tuple(Through(*row) for row in rows)
