"""Projection: declarations in force and their vehicles, looked up by plate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared import plates
from shared.authority import from_centre
from shared.bodies import Passed, Recalled
from shared.body import Body
from shared.codes import Country
from shared.declared import Declaration
from shared.facts import Fact
from shared.journal import author_of, is_centre
from shared.matching import ActiveVehicle, Role
from shared.node.engine import Engine
from shared.node.store import Store


@dataclass(frozen=True)
class Declared:
    """A declaration's newest version with the fact that declared it."""

    ref: str
    body: Declaration
    recalled: bool


class Declarations:
    """The tables `declarations` (newest version of each), `vehicles` (by comparison key), `recalls`, `ended` and `led_in`.

    `led_in`: under which declaration a vehicle of another one came in empty, by any version: where its trip ends, both end.
    `vehicles` holds tractors and trailers of the newest version, and as `earlier` the tractors of every version before it,
    also those that still stand.
    """

    schema = """
CREATE TABLE IF NOT EXISTS declarations (
    no TEXT PRIMARY KEY, site TEXT, version BIGINT, ref TEXT, body TEXT, recalled INTEGER
);
CREATE TABLE IF NOT EXISTS recalls (no TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ended (no TEXT, vehicle TEXT, PRIMARY KEY (no, vehicle));
CREATE TABLE IF NOT EXISTS vehicles (
    no TEXT, vehicle TEXT, key TEXT, plate TEXT, site TEXT, country TEXT, role TEXT,
    PRIMARY KEY (no, role, vehicle, plate, country, site)
);
CREATE INDEX IF NOT EXISTS idx_vehicles_key ON vehicles (key);
CREATE TABLE IF NOT EXISTS led_in (
    no TEXT, vehicle TEXT, key TEXT, empty_no TEXT, PRIMARY KEY (no, vehicle, key, empty_no)
);
CREATE INDEX IF NOT EXISTS idx_led_in_empty_no ON led_in (empty_no);
"""

    def apply(self, database: Engine, fact: Fact, body: Body) -> None:
        """Takes in a declaration, amendment or recall of a centre's journal, and the passage that ends a trip."""
        match body:
            case Declaration() if from_centre(body.site, fact):
                self._declare(database, fact, body)
                _lead_in(database, body)
                _end_led_in(database, body.no)
            case Passed(last_step=True, declaration=str() as no):
                database.execute(
                    "INSERT INTO ended(no, vehicle) VALUES (?, ?) ON CONFLICT DO NOTHING", (no, body.vehicle)
                )
                _end_led_in(database, no)
            case Recalled() if is_centre(author_of(fact.journal)):
                database.execute("INSERT INTO recalls(no) VALUES (?) ON CONFLICT DO NOTHING", (body.no,))
                database.execute("UPDATE declarations SET recalled = 1 WHERE no = ?", (body.no,))
            case _:
                pass

    def drop(self, database: Engine, no: str) -> None:
        """See Projection."""
        for table in ("declarations", "recalls", "ended", "vehicles", "led_in"):
            database.execute(f"DELETE FROM {table} WHERE no = ?", (no,))

    def _declare(self, database: Engine, fact: Fact, body: Declaration) -> None:
        held = database.rows("SELECT version, ref FROM declarations WHERE no = ?", (body.no,))
        if held and tuple(held[0]) >= (body.version, fact.ref):
            _insert(database, body, Role.EARLIER)
            return
        recalled = database.rows("SELECT 1 FROM recalls WHERE no = ?", (body.no,))
        database.execute(
            """INSERT INTO declarations(no, site, version, ref, body, recalled) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT(no) DO UPDATE SET version = excluded.version, ref = excluded.ref,
               body = excluded.body, site = excluded.site""",
            (body.no, body.site, body.version, fact.ref, body.model_dump_json(), len(recalled)),
        )
        if held:
            _set_back(database, body.no)
        _insert(database, body, Role.TRACTOR)
        _insert(database, body, Role.TRAILER)


def _set_back(database: Engine, no: str) -> None:
    """The tractors of the version that was the newest are earlier ones now; its trailers go."""
    database.execute(
        """INSERT INTO vehicles(no, vehicle, key, plate, site, country, role)
           SELECT no, vehicle, key, plate, site, country, ? FROM vehicles WHERE no = ? AND role = ?
           ON CONFLICT DO NOTHING""",
        (Role.EARLIER.value, no, Role.TRACTOR.value),
    )
    database.execute("DELETE FROM vehicles WHERE no = ? AND role <> ?", (no, Role.EARLIER.value))


def _insert(database: Engine, body: Declaration, role: Role) -> None:
    database.executemany(
        """INSERT INTO vehicles(no, vehicle, key, plate, site, country, role) VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT DO NOTHING""",
        [
            (body.no, vehicle.vehicle, plates.key(plate), plate, body.site, vehicle.country.value, role.value)
            for vehicle in body.vehicles
            if (plate := vehicle.trailer if role is Role.TRAILER else vehicle.plate)
        ],
    )


def _lead_in(database: Engine, body: Declaration) -> None:
    database.executemany(
        "INSERT INTO led_in(no, vehicle, key, empty_no) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (body.no, one.vehicle, plates.key(one.plate), one.empty_declaration)
            for one in body.vehicles
            if one.empty_declaration
        ],
    )


def _end_led_in(database: Engine, no: str) -> None:
    """Ends what a vehicle came in empty under, where it has gone out with the goods; whichever of the two is heard of last."""
    database.execute(
        """INSERT INTO ended(no, vehicle)
           SELECT v.no, v.vehicle FROM led_in l JOIN ended e ON e.no = l.no AND e.vehicle = l.vehicle
           JOIN vehicles v ON v.no = l.empty_no AND v.key = l.key
           WHERE l.no = ? OR l.empty_no = ? ON CONFLICT DO NOTHING""",
        (no, no),
    )


class DeclarationBook:
    """Reads the projection; raises StoreUnusable.

    Tractors under way are `active`, their trailers `trailers`, the tractors of their earlier versions `earlier`; `ended`
    holds tractors that were recalled or are through their last step. As look-ups: `shared.matching.ActiveVehicles`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.active = _Vehicles(store, Role.TRACTOR)
        self.trailers = _Vehicles(store, Role.TRAILER)
        self.earlier = _Vehicles(store, Role.EARLIER)
        self.ended = _Vehicles(store, Role.TRACTOR, ended=True)

    def find(self, no: str) -> Declared | None:
        """The newest version of a declaration, recalled or not."""
        rows = self._store.rows("SELECT ref, body, recalled FROM declarations WHERE no = ?", (no,))
        return _declared(rows[0]) if rows else None

    def newest(self, most: int = 100) -> list[Declared]:
        """The declarations with the highest numbers."""
        query = "SELECT ref, body, recalled FROM declarations ORDER BY no DESC LIMIT ?"
        rows = self._store.rows(query, (most,))
        return [_declared(row) for row in rows]

    def most_under_way(self) -> int:
        """How many vehicles may be under way: those recalled are still counted, so that it takes a few milliseconds."""
        query = "SELECT (SELECT count(*) FROM vehicles WHERE role = ?) - (SELECT count(*) FROM ended)"
        (count,) = self._store.rows(query, (Role.TRACTOR.value,))[0]
        return max(0, int(count))


class _Vehicles:
    """Declared plates of one role: of vehicles still under way, or of those recalled or through their last step."""

    def __init__(self, store: Store, role: Role, *, ended: bool = False) -> None:
        self._store = store
        self._role = role
        self._ended = ended

    def with_keys(self, keys: Iterable[str]) -> Sequence[ActiveVehicle]:
        """Every vehicle of this kind under one of some comparison keys."""
        wanted = tuple(keys)
        return self._found(f"v.key IN ({', '.join('?' * len(wanted))})", wanted)

    def of(self, no: str) -> Sequence[ActiveVehicle]:
        """Every vehicle of this kind of one declaration."""
        return self._found("v.no = ?", (no,))

    def _found(self, where: str, values: Sequence[str]) -> Sequence[ActiveVehicle]:
        rows = self._store.rows(
            f"""SELECT v.no, v.vehicle, v.plate, v.site, v.country FROM vehicles v JOIN declarations d ON d.no = v.no
                LEFT JOIN ended e ON e.no = v.no AND e.vehicle = v.vehicle
                WHERE v.role = ? AND CASE WHEN d.recalled = 1 OR e.no IS NOT NULL THEN 1 ELSE 0 END = ? AND {where}
                ORDER BY v.no, v.vehicle, v.plate""",
            (self._role.value, int(self._ended), *values),
        )
        of_tractor = self._role is not Role.TRAILER
        return [
            ActiveVehicle(no, vehicle, plate, site, Country(country) if of_tractor else None)
            for no, vehicle, plate, site, country in rows
        ]


def _declared(row: Sequence[Any]) -> Declared:
    return Declared(row[0], Declaration.model_validate_json(row[1]), bool(row[2]))
