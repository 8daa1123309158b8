"""Projection: openings by hand with a reason, where the rules did not say *open*. Counted by place and by what they said.

At a step without a text (an empty vehicle that leaves by barrier 2) nothing is automatic and a border guard opens with a
reason: how often shows where the decree lacks one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.bodies import OpenMode, OpenRequested
from shared.body import Body
from shared.clock import Stamp
from shared.facts import Fact
from shared.journal import author_of
from shared.node.engine import Engine
from shared.node.store import Store

COUNTED_DAYS = 7


@dataclass(frozen=True)
class Opening:
    """One opening with a reason. `code`: the first reason that the rules had given; `step`: the clause, where there is one."""

    ref: str
    at: str
    node: str
    place: str
    heading: str
    verdict: str
    code: str
    step: str | None
    reason: str
    officer: str | None
    declaration: str | None


@dataclass(frozen=True)
class Count:
    """How many openings of a kind there were at a place."""

    place: str
    heading: str
    verdict: str
    code: str
    step: str | None
    openings: int


_COLUMNS = "ref, at, node, place, heading, verdict, code, step, reason, officer, declaration"
_KINDS = "place, heading, verdict, code, step"


class OpenedByReason:
    """The table `opened_by_reason`. The keys hold what tells two facts of a forked journal apart."""

    schema = """
CREATE TABLE IF NOT EXISTS opened_by_reason (
    ref TEXT, at TEXT, node TEXT, place TEXT, heading TEXT, verdict TEXT, code TEXT, step TEXT, reason TEXT, officer TEXT,
    declaration TEXT, PRIMARY KEY (ref, at)
);
CREATE INDEX IF NOT EXISTS idx_opened_by_reason_at ON opened_by_reason (at);
"""

    def apply(self, database: Engine, fact: Fact, body: Body) -> None:
        """Takes in an opening that an officer gave a reason for."""
        if not isinstance(body, OpenRequested) or body.mode is not OpenMode.REASON:
            return
        decision = body.decision
        database.execute(
            f"INSERT INTO opened_by_reason({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                fact.ref,
                fact.at,
                author_of(fact.journal),
                body.place.value,
                body.heading.value,
                decision.verdict.value if decision else "",
                decision.reasons[0] if decision and decision.reasons else "",
                decision.step if decision else None,
                body.reason,
                body.officer,
                body.declaration,
            ),
        )

    def drop(self, database: Engine, no: str) -> None:
        """See Projection."""
        database.execute("DELETE FROM opened_by_reason WHERE declaration = ?", (no,))


class ReasonBook:
    """Reads the projection; raises StoreUnusable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def latest(self, most: int = 20) -> list[Opening]:
        """The newest openings with a reason."""
        query = f"SELECT {_COLUMNS} FROM opened_by_reason ORDER BY at DESC, ref LIMIT ?"
        return [Opening(*row) for row in self._store.rows(query, (most,))]

    def counts(self, days: int = COUNTED_DAYS) -> list[Count]:
        """How many there were of each kind in the last days, the most frequent first."""
        since = str(Stamp(self._store.steady() - timedelta(days=days)))
        return self._counted("WHERE at >= ?", (since,))

    def ever(self) -> list[Count]:
        """How many there were of each kind since the first fact."""
        return self._counted("WHERE at >= ?", (str(Stamp(datetime(2000, 1, 1, tzinfo=UTC))),))

    def _counted(self, where: str, values: tuple[str, ...]) -> list[Count]:
        rows = self._store.rows(
            f"SELECT {_KINDS}, count(*) FROM opened_by_reason {where} GROUP BY {_KINDS} ORDER BY count(*) DESC, {_KINDS}",
            values,
        )
        return [Count(*row) for row in rows]
