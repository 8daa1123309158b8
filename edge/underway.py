"""Projection: vehicles inside the gate area or a yard, and what agencies have confirmed for them away from any boom.

A desk lists from here and lets the rules judge each; so its list stays short on a day of 5,000 vehicles, and nobody who
waits drops off its end.
"""

from shared import subjects
from shared.bodies import Confirmed, Passed, Withdrawn, YardReported
from shared.body import Body
from shared.codes import Agency, Place
from shared.facts import Fact
from shared.judging import FAILED, RESULT
from shared.node.engine import Engine
from shared.node.store import Store

MOST_LISTED = 200


class Underway:
    """The tables `entered` (first passage of a vehicle, or a yard's word that it came in), `yard_ticks` and `withdrawn_ticks`.

    A failed quarantine is no tick: the vehicle stays on the list until it passes. In a forked journal two facts bear one
    reference: the keys hold what tells them apart.
    """

    schema = """
CREATE TABLE IF NOT EXISTS entered (no TEXT, vehicle TEXT, at TEXT, PRIMARY KEY (no, vehicle));
CREATE TABLE IF NOT EXISTS yard_ticks (
    ref TEXT, at TEXT, no TEXT, vehicle TEXT, agency TEXT, declared TEXT, PRIMARY KEY (ref, at, no, vehicle, agency)
);
CREATE INDEX IF NOT EXISTS idx_yard_ticks_vehicle ON yard_ticks (no, vehicle);
CREATE TABLE IF NOT EXISTS withdrawn_ticks (ref TEXT, no TEXT, PRIMARY KEY (ref, no));
CREATE INDEX IF NOT EXISTS idx_withdrawn_ticks_no ON withdrawn_ticks (no);
"""

    def apply(self, database: Engine, fact: Fact, body: Body) -> None:
        """Takes in a passage, a confirmation in the yard or of the fee, or a withdrawal."""
        match body:
            case Passed(declaration=str()) | YardReported(place=Place.YARD_IN):
                database.execute(
                    """INSERT INTO entered(no, vehicle, at) VALUES (?, ?, ?) ON CONFLICT(no, vehicle) DO UPDATE
                       SET at = CASE WHEN entered.at < excluded.at THEN entered.at ELSE excluded.at END""",
                    (body.declaration, body.vehicle, fact.at),
                )
            case Confirmed(place=Place.YARD | Place.ONLINE) if body.values.get(RESULT) != FAILED:
                database.execute(
                    """INSERT INTO yard_ticks(ref, at, no, vehicle, agency, declared) VALUES (?, ?, ?, ?, ?, ?)
                       ON CONFLICT DO NOTHING""",
                    (fact.ref, fact.at, body.declaration, body.vehicle, body.by.value, body.declared),
                )
            case Withdrawn():
                database.execute(
                    "INSERT INTO withdrawn_ticks(ref, no) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    (body.confirmation, subjects.declaration_of(fact.subject)),
                )
            case _:
                pass

    def drop(self, database: Engine, no: str) -> None:
        """See Projection."""
        for table in ("entered", "yard_ticks", "withdrawn_ticks"):
            database.execute(f"DELETE FROM {table} WHERE no = ?", (no,))


def awaiting(store: Store, agency: Agency, most: int = MOST_LISTED) -> list[tuple[str, str]]:
    """Declaration and vehicle of those inside that may await the agency, longest inside first.

    A tick on an older version of the declaration leaves the vehicle in the list: whether it still stands is for the rules.
    Raises StoreUnusable.
    """
    rows = store.rows(
        """SELECT e.no, e.vehicle FROM entered e JOIN declarations d ON d.no = e.no
           LEFT JOIN ended x ON x.no = e.no AND x.vehicle = e.vehicle
           WHERE d.recalled = 0 AND x.no IS NULL AND NOT EXISTS (
               SELECT 1 FROM yard_ticks t LEFT JOIN withdrawn_ticks w ON w.ref = t.ref AND w.no = t.no
               WHERE t.no = e.no AND t.vehicle = e.vehicle AND t.agency = ? AND t.declared = d.ref AND w.ref IS NULL)
           ORDER BY e.at LIMIT ?""",
        (agency.value, most),
    )
    return [(no, vehicle) for no, vehicle in rows]
