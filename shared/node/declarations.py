"""Projection: declarations in force and their vehicles, looked up by plate."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from shared import plates
from shared.authority import from_centre
from shared.bodies import Declaration, Passed, Recalled, read_body
from shared.facts import Fact
from shared.journal import author_of
from shared.matching import ActiveVehicle
from shared.node.store import Store

_CENTRE = "centre-"


@dataclass(frozen=True)
class Declared:
    """A declaration's newest version with the fact that declared it."""

    ref: str
    body: Declaration
    recalled: bool


class Declarations:
    """The table `declarations` (newest version of each) and `vehicles` (by comparison key)."""

    def create(self, database: Database) -> None:
        """Makes the tables if they are not there."""
        declarations = {"no": str, "site": str, "version": int, "ref": str, "body": str, "recalled": int}
        if not database.table("declarations").exists():
            database.table("declarations").create(declarations, pk="no")
        if not database.table("recalls").exists():
            database.table("recalls").create({"no": str}, pk="no")
        if not database.table("ended").exists():
            database.table("ended").create({"no": str, "vehicle": str}, pk=("no", "vehicle"))
        vehicles = {"no": str, "vehicle": str, "key": str, "plate": str, "site": str, "role": str}
        if not database.table("vehicles").exists():
            database.table("vehicles").create(vehicles, pk=("no", "vehicle", "role"))
            database.table("vehicles").create_index(["key"])

    def apply(self, connection: sqlite3.Connection, fact: Fact) -> None:
        """Takes in a declaration, amendment or recall of a centre's journal, and the passage that ends a trip."""
        match read_body(fact):
            case Declaration() as body if from_centre(body.site, fact):
                self._declare(connection, fact, body)
            case Passed(last_step=True, declaration=str()) as body:
                connection.execute(
                    "INSERT OR IGNORE INTO ended VALUES (?, ?)", (body.declaration, body.vehicle)
                )
            case Recalled() as body if author_of(fact.journal).startswith(_CENTRE):
                connection.execute("INSERT OR IGNORE INTO recalls VALUES (?)", (body.no,))
                connection.execute("UPDATE declarations SET recalled = 1 WHERE no = ?", (body.no,))
            case _:
                pass

    def _declare(self, connection: sqlite3.Connection, fact: Fact, body: Declaration) -> None:
        held = connection.execute("SELECT version FROM declarations WHERE no = ?", (body.no,)).fetchone()
        if held is not None and held[0] >= body.version:
            return
        connection.execute(
            """INSERT INTO declarations(no, site, version, ref, body, recalled)
               VALUES (:no, :site, :version, :ref, :body, :no IN (SELECT no FROM recalls))
               ON CONFLICT(no) DO UPDATE SET version = excluded.version, ref = excluded.ref, body = excluded.body""",
            {
                "no": body.no,
                "site": body.site,
                "version": body.version,
                "ref": fact.ref,
                "body": body.model_dump_json(),
            },
        )
        connection.execute("DELETE FROM vehicles WHERE no = ?", (body.no,))
        for vehicle in body.vehicles:
            for role, plate in (("tractor", vehicle.plate), ("trailer", vehicle.trailer)):
                if plate:
                    connection.execute(
                        "INSERT INTO vehicles(no, vehicle, key, plate, site, role) VALUES (?, ?, ?, ?, ?, ?)",
                        (body.no, vehicle.vehicle, plates.key(plate), plate, body.site, role),
                    )


class DeclarationBook:
    """Reads the projection; raises StoreUnusable. `active` and `ended` satisfy `shared.matching.ActiveVehicles`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.active = _Vehicles(store, ended=False)
        self.ended = _Vehicles(store, ended=True)

    def find(self, no: str) -> Declared | None:
        """The newest version of a declaration, recalled or not."""
        rows = self._store.rows("SELECT ref, body, recalled FROM declarations WHERE no = ?", (no,))
        return _declared(rows[0]) if rows else None

    def newest(self, most: int = 100) -> list[Declared]:
        """The declarations with the highest numbers."""
        query = "SELECT ref, body, recalled FROM declarations ORDER BY no DESC LIMIT ?"
        rows = self._store.rows(query, (most,))
        return [_declared(row) for row in rows]


class _Vehicles:
    """Declared tractors by comparison key: those still under way, or those recalled or through their last step."""

    def __init__(self, store: Store, *, ended: bool) -> None:
        self._store = store
        self._ended = ended

    def with_keys(self, keys: Iterable[str]) -> Sequence[ActiveVehicle]:
        """Every vehicle of this kind under one of some comparison keys."""
        wanted = tuple(keys)
        marks = ", ".join("?" * len(wanted))
        rows = self._store.rows(
            f"""SELECT v.no, v.vehicle, v.plate, v.site FROM vehicles v JOIN declarations d ON d.no = v.no
                LEFT JOIN ended e ON e.no = v.no AND e.vehicle = v.vehicle
                WHERE v.role = 'tractor' AND v.key IN ({marks})
                AND (d.recalled = 1 OR e.no IS NOT NULL) = ?""",
            (*wanted, self._ended),
        )
        return [ActiveVehicle(*row) for row in rows]


def _declared(row: Sequence[Any]) -> Declared:
    return Declared(row[0], Declaration.model_validate_json(row[1]), bool(row[2]))
