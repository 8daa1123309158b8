"""The list of a desk where a journal has forked: it follows from the facts, not from the order in which they came."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

from edge.underway import Underway
from shared.facts import Draft
from shared.node.projections import tables
from shared.node.store import Store
from tests.builders import Journal


def withdrawal(no: str) -> Journal:
    """The first fact of a clone of a gate: a confirmation of some declaration is taken back."""
    journal = Journal("gate-2.1")
    body = {"confirmation": "gate-1.1/1", "officer": "customs-1", "agency": "customs", "reason": "nhầm xe"}
    journal.write(Draft("withdrawn", f"declaration/{no}/v1", body))
    return journal


def shown(folder: Path, journals: Sequence[Journal]) -> dict[str, Any]:
    store = Store(folder / "facts.db", [Underway()])
    for journal in journals:
        store.absorb(journal.sealed, journal.signed)
    found = {name: set(store.rows(f"SELECT * FROM {name}")) for name in tables(Underway())}
    store.close()
    return found


def test_tables_are_the_same_in_whatever_order_two_histories_of_a_journal_come(tmp_path: Path) -> None:
    clones = [withdrawal("2026112300001"), withdrawal("2026112300002")]
    one, other = (shown(tmp_path / str(n), order) for n, order in enumerate(permutations(clones)))
    assert one == other
    assert len(one["withdrawn_ticks"]) == 2
