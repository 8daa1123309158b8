"""Projection: declarations in force and their vehicles, looked up by plate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared import plates
from shared.authority import from_centre
from shared.bodies import Body, Declaration, Passed, Recalled
from shared.facts import Fact
from shared.journal import author_of, is_centre
from shared.matching import ActiveVehicle
from shared.node.engine import Engine
from shared.node.store import Store


@dataclass(frozen=True)
class Declared:
    """A declaration's newest version with the fact that declared it."""

    ref: str
    body: Declaration
    recalled: bool


class Declarations:
    """The tables `declarations` (newest version of each), `vehicles` (by comparison key), `recalls` and `ended`."""

    schema = """
CREATE TABLE IF NOT EXISTS declarations (
    no TEXT PRIMARY KEY, site TEXT, version BIGINT, ref TEXT, body TEXT, recalled INTEGER
);
CREATE TABLE IF NOT EXISTS recalls (no TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ended (no TEXT, vehicle TEXT, PRIMARY KEY (no, vehicle));
CREATE TABLE IF NOT EXISTS vehicles (
    no TEXT, vehicle TEXT, key TEXT, plate TEXT, site TEXT, role TEXT, PRIMARY KEY (no, vehicle, role)
);
CREATE INDEX IF NOT EXISTS idx_vehicles_key ON vehicles (key);
"""

    def apply(self, database: Engine, fact: Fact, body: Body) -> None:
        """Takes in a declaration, amendment or recall of a centre's journal, and the passage that ends a trip."""
        match body:
            case Declaration() if from_centre(body.site, fact):
                self._declare(database, fact, body)
            case Passed(last_step=True, declaration=str()):
                database.execute(
                    "INSERT INTO ended(no, vehicle) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    (body.declaration, body.vehicle),
                )
            case Recalled() if is_centre(author_of(fact.journal)):
                database.execute("INSERT INTO recalls(no) VALUES (?) ON CONFLICT DO NOTHING", (body.no,))
                database.execute("UPDATE declarations SET recalled = 1 WHERE no = ?", (body.no,))
            case _:
                pass

    def drop(self, database: Engine, no: str) -> None:
        """See Projection."""
        for table in ("declarations", "recalls", "ended", "vehicles"):
            database.execute(f"DELETE FROM {table} WHERE no = ?", (no,))

    def _declare(self, database: Engine, fact: Fact, body: Declaration) -> None:
        held = database.rows("SELECT version, ref FROM declarations WHERE no = ?", (body.no,))
        if held and tuple(held[0]) >= (body.version, fact.ref):
            return
        recalled = database.rows("SELECT 1 FROM recalls WHERE no = ?", (body.no,))
        database.execute(
            """INSERT INTO declarations(no, site, version, ref, body, recalled) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT(no) DO UPDATE SET version = excluded.version, ref = excluded.ref,
               body = excluded.body, site = excluded.site""",
            (body.no, body.site, body.version, fact.ref, body.model_dump_json(), len(recalled)),
        )
        if held:
            database.execute("DELETE FROM vehicles WHERE no = ?", (body.no,))
        database.executemany(
            "INSERT INTO vehicles(no, vehicle, key, plate, site, role) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [
                (body.no, vehicle.vehicle, plates.key(plate), plate, body.site, role)
                for vehicle in body.vehicles
                for role, plate in (("tractor", vehicle.plate), ("trailer", vehicle.trailer))
                if plate
            ],
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
                AND CASE WHEN d.recalled = 1 OR e.no IS NOT NULL THEN 1 ELSE 0 END = ?""",
            (*wanted, int(self._ended)),
        )
        return [ActiveVehicle(*row) for row in rows]


def _declared(row: Sequence[Any]) -> Declared:
    return Declared(row[0], Declaration.model_validate_json(row[1]), bool(row[2]))
