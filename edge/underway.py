"""Projection: vehicles inside the gate area, and what the agencies in the yard have confirmed for them.

A desk lists from here and lets the rules judge each; so its list stays short on a day of 5,000 vehicles, and nobody who
waits drops off its end.
"""

import sqlite3

from sqlite_utils import Database

from shared.bodies import Confirmed, Passed, Withdrawn, read_body
from shared.codes import Agency, Place
from shared.facts import Fact
from shared.node.store import Store

MOST_LISTED = 200


class Underway:
    """The tables `entered` (first passage of a vehicle), `yard_ticks` and `withdrawn_ticks`."""

    def create(self, database: Database) -> None:
        """Makes the tables if they are not there."""
        entered = {"no": str, "vehicle": str, "at": str}
        ticks = {"ref": str, "no": str, "vehicle": str, "by": str, "declared": str}
        if not database.table("entered").exists():
            database.table("entered").create(entered, pk=("no", "vehicle"))
            database.table("yard_ticks").create(ticks, pk="ref")
            database.table("yard_ticks").create_index(["no", "vehicle"])
            database.table("withdrawn_ticks").create({"ref": str}, pk="ref")

    def apply(self, connection: sqlite3.Connection, fact: Fact) -> None:
        """Takes in a passage, a confirmation in the yard, or a withdrawal."""
        match read_body(fact):
            case Passed(declaration=str()) as body:
                connection.execute(
                    """INSERT INTO entered VALUES (?, ?, ?)
                       ON CONFLICT(no, vehicle) DO UPDATE SET at = min(at, excluded.at)""",
                    (body.declaration, body.vehicle, fact.at),
                )
            case Confirmed(place=Place.YARD) as body:
                connection.execute(
                    "INSERT INTO yard_ticks VALUES (?, ?, ?, ?, ?)",
                    (fact.ref, body.declaration, body.vehicle, body.by, body.declared),
                )
            case Withdrawn() as body:
                connection.execute("INSERT OR IGNORE INTO withdrawn_ticks VALUES (?)", (body.confirmation,))
            case _:
                pass


def awaiting(store: Store, agency: Agency, most: int = MOST_LISTED) -> list[tuple[str, str]]:
    """Declaration and vehicle of those inside that may await the agency in the yard, longest inside first.

    A tick on an older version of the declaration leaves the vehicle in the list: whether it still stands is for the rules.
    Raises StoreUnusable.
    """
    rows = store.rows(
        """SELECT e.no, e.vehicle FROM entered e JOIN declarations d ON d.no = e.no
           LEFT JOIN ended x ON x.no = e.no AND x.vehicle = e.vehicle
           WHERE d.recalled = 0 AND x.no IS NULL AND NOT EXISTS (
               SELECT 1 FROM yard_ticks t LEFT JOIN withdrawn_ticks w ON w.ref = t.ref
               WHERE t.no = e.no AND t.vehicle = e.vehicle AND t.by = ? AND t.declared = d.ref AND w.ref IS NULL)
           ORDER BY e.at LIMIT ?""",
        (agency.value, most),
    )
    return [(no, vehicle) for no, vehicle in rows]
