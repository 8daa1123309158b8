"""What a gate keeps: history while it is young, and everything until the centre has held it long enough."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from edge.retention import Retention
from shared.checkpoint import Manifest
from shared.clock import Stamp
from shared.facts import Draft
from shared.journal import Head
from shared.node.checkpoints import Checkpoints
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.store import Store
from shared.node.sync import SyncNode
from tests.builders import MORNING, NO, SITE, Journal, declared_body, key, note
from tests.loop import in_loop
from tests.shared.members import CENTRE_JOURNAL, HandedLink, identity

KEEP_DAYS = 30


@dataclass
class SmallGate:
    """The parts of a gate that retention looks at."""

    store: Store
    checkpoints: Checkpoints


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[SmallGate]:
    store = Store(tmp_path / "facts.db", [Declarations()], wall=lambda: MORNING + timedelta(days=40))
    yield SmallGate(store, Checkpoints(tmp_path / "checkpoints"))
    store.close()


@pytest.fixture
def retention(gate: SmallGate) -> Retention:
    return Retention(cast(Any, gate), KEEP_DAYS)


@pytest.mark.parametrize(("days_ago", "wanted"), [(1, True), (27, True), (29, False), (39, False)])
def test_history_is_wanted_while_what_lies_above_is_young(
    gate: SmallGate, retention: Retention, days_ago: int, wanted: bool
) -> None:
    journal = Journal("gate-1.1")
    journal.write(note("before"))
    journal.write(note("above"), at=Stamp(MORNING + timedelta(days=40 - days_ago)))
    gate.store.adopt([], {"gate-1.1": Head.of(journal.facts[0])})
    gate.store.absorb(journal.sealed[1:], journal.signed)
    assert retention.keeps("gate-1.1") is wanted


def test_history_is_wanted_while_nothing_lies_above(gate: SmallGate, retention: Retention) -> None:
    gate.store.adopt([], {"gate-1.1": Head("gate-1.1", 7, "a" * 64)})
    assert retention.keeps("gate-1.1")


def centre_of(store: Store) -> Journal:
    """The centre declared something 40 days ago; this gate holds it."""
    centre = Journal(CENTRE_JOURNAL)
    centre.write(Draft("declared", f"declaration/{NO}", declared_body()))
    store.absorb(centre.sealed, centre.signed)
    return centre


def checkpoint(gate: SmallGate, centre: Journal, day: int, *, alive: bool) -> Manifest:
    at = str(Stamp(MORNING + timedelta(days=day)))
    live = centre.sealed if alive else []
    return gate.checkpoints.make(live, {CENTRE_JOURNAL: centre.head}, SITE, at, key(CENTRE_JOURNAL))


@in_loop
@pytest.mark.parametrize(
    ("first_day", "alive", "goes"), [(0, False, True), (0, True, False), (20, False, False)]
)
async def test_a_closed_declaration_goes_when_the_centre_has_held_it_long_enough(
    gate: SmallGate, retention: Retention, first_day: int, alive: bool, goes: bool
) -> None:
    centre = centre_of(gate.store)
    sync = SyncNode(gate.store, HandedLink(), identity("gate-2"), checkpoints=gate.checkpoints)
    for day in (first_day, 40):
        checkpoint(gate, centre, day, alive=alive)
        await retention.look(sync)
    assert (DeclarationBook(gate.store).find(NO) is None) is goes


@in_loop
async def test_a_gate_that_hears_of_no_checkpoint_prunes_nothing(
    gate: SmallGate, retention: Retention
) -> None:
    centre_of(gate.store)
    await retention.look(SyncNode(gate.store, HandedLink(), identity("gate-2"), checkpoints=gate.checkpoints))
    assert DeclarationBook(gate.store).find(NO) is not None


@in_loop
async def test_what_was_let_go_is_not_asked_for_again(gate: SmallGate, retention: Retention) -> None:
    centre = centre_of(gate.store)
    sync = SyncNode(gate.store, HandedLink(), identity("gate-2"), checkpoints=gate.checkpoints)
    for day in (0, 40):
        checkpoint(gate, centre, day, alive=False)
        await retention.look(sync)
    assert gate.store.floor(CENTRE_JOURNAL) == gate.store.head(CENTRE_JOURNAL)
    assert not retention.keeps(CENTRE_JOURNAL)
