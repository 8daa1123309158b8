"""Retention: what may go goes and is not missed; what is alive, young or unproven stays; the rest is still a chain."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared import subjects
from shared.bodies import Passed, dump
from shared.checkpoint import Manifest
from shared.clock import Stamp
from shared.codes import Heading, Place
from shared.facts import Draft
from shared.journal import Head, SignedHead, follow
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.pruning import HeldByCentre, prune
from shared.node.store import Store
from shared.node.used_twice import UsedTwice
from shared.protocol import WireHead
from tests.builders import MORNING, NO, SITE, VEHICLE, Journal, declared_body, key, note
from tests.engines import Open

CENTRE = f"centre-{SITE}.1"
GATE = "gate-1.1"
OTHER = "2026112300002"


def declared(no: str) -> Draft:
    return Draft("declared", subjects.declaration(no), declared_body(no=no))


def passed(no: str) -> Draft:
    body = Passed(
        passage="gate-1.1/1",
        place=Place.BARRIER_1,
        heading=Heading.OUT,
        lane="l1",
        declaration=no,
        vehicle=VEHICLE,
        last_step=True,
    )
    return Draft("passed", subjects.vehicle(no, VEHICLE), dump(body))


def signed_at(journal: Journal, seq: int) -> SignedHead:
    return SignedHead.sign(Head.of(journal.facts[seq - 1]), key(journal.name))


@pytest.fixture
def centre() -> Journal:
    """Two declarations, the second amended."""
    journal = Journal(CENTRE)
    for draft in (
        declared(NO),
        declared(OTHER),
        Draft("amended", subjects.declaration(OTHER), declared_body(no=OTHER, version=2)),
    ):
        journal.write(draft)
    return journal


@pytest.fixture
def gate() -> Journal:
    """The first declaration has passed; then other things happened."""
    journal = Journal(GATE)
    journal.write(passed(NO))
    for number in range(5):
        journal.write(Draft("teleported", f"lane/gate-1/{number}", {}))
    return journal


@pytest.fixture
def store(connect: Open, centre: Journal, gate: Journal) -> Iterator[Store]:
    opened = Store(connect(), [Declarations(), UsedTwice()])
    opened.absorb(centre.sealed, centre.signed)
    opened.absorb(gate.sealed[:4], signed_at(gate, 4))
    opened.absorb(gate.sealed[4:], gate.signed)
    yield opened
    opened.close()


def tables(store: Store) -> dict[str, list[object]]:
    names = ("declarations", "vehicles", "ended", "recalls", "trips", "used_twice")
    return {name: sorted(store.rows(f"SELECT * FROM {name}")) for name in names}


LIVE = {(CENTRE, 2), (CENTRE, 3)}
"""The second declaration is under way."""


def test_closed_declarations_go_and_what_is_alive_stays(store: Store, centre: Journal, gate: Journal) -> None:
    heads = {CENTRE: centre.head, GATE: Head.of(gate.facts[3])}
    assert sum(prune(store, heads, LIVE)) == 5
    book = DeclarationBook(store)
    assert book.find(NO) is None
    assert book.find(OTHER) is not None
    assert [fact.ref for _, fact in store.since(0)] == [
        f"{CENTRE}/2",
        f"{CENTRE}/3",
        f"{GATE}/5",
        f"{GATE}/6",
    ]


def test_after_pruning_the_tables_are_those_of_a_rebuild(
    store: Store, centre: Journal, gate: Journal
) -> None:
    list(prune(store, {CENTRE: centre.head, GATE: gate.head}, LIVE))
    before = tables(store)
    store.rebuild()
    assert tables(store) == before
    assert len(before["declarations"]) == 1


def test_what_is_left_is_a_chain_from_a_head_that_its_author_signed(store: Store, gate: Journal) -> None:
    list(prune(store, {GATE: Head.of(gate.facts[4])}, LIVE))
    floor = store.floor(GATE)
    assert floor == Head.of(gate.facts[3]), "the fifth fact is not signed for"
    page = store.page(GATE, floor.seq)
    assert page is not None
    run, signed = page
    assert follow(floor, [one.fact for one in run]) == signed.head == gate.head
    signed.check(key(GATE).public)


def test_pruning_twice_and_syncing_on_change_nothing(store: Store, centre: Journal, gate: Journal) -> None:
    heads = {CENTRE: centre.head, GATE: gate.head}
    list(prune(store, heads, LIVE))
    assert sum(prune(store, heads, LIVE)) == 0
    assert store.absorb(gate.sealed, gate.signed) == []
    gate.write(note("after"))
    assert store.absorb(gate.sealed, gate.signed) == gate.facts[-1:]
    assert store.page(GATE, 2) is None, "what was let go cannot be handed out"


def test_a_later_checkpoint_lets_go_of_what_has_ended_since(store: Store, centre: Journal) -> None:
    list(prune(store, {CENTRE: centre.head}, LIVE))
    assert sum(prune(store, {CENTRE: centre.head}, set())) == 2
    assert store.count() == {CENTRE: 3, GATE: 6}


def test_a_head_that_is_not_ours_lets_nothing_go(store: Store) -> None:
    assert sum(prune(store, {GATE: Head(GATE, 4, "f" * 64)}, set())) == 0


def test_pruned_history_can_come_back_from_a_peer(store: Store, gate: Journal) -> None:
    list(prune(store, {GATE: gate.head}, set()))
    assert store.head(GATE) == store.floor(GATE) == gate.head
    assert store.fill(gate.sealed[3:], gate.signed) == gate.facts[3:]
    assert store.fill(gate.sealed[1:], gate.signed) == [], "it has to lead to the floor"
    assert store.fill(gate.sealed[:3], None) == gate.facts[:3]
    assert store.floor(GATE).seq == 0
    assert store.page(GATE, 0) == (gate.sealed, gate.signed)


def test_a_gate_goes_by_what_the_centre_held_so_many_days_ago(tmp_path: Path) -> None:
    held = HeldByCentre(tmp_path / "held", keep_days=30)
    for day in (0, 0.1, 1, 40):
        at = MORNING + timedelta(days=day)
        head = WireHead(seq=1 + int(day * 10), hash="0" * 64)
        held.note(Manifest(site=SITE, at=str(Stamp(at)), heads={GATE: head}, parts=[]))
    assert held.before(MORNING + timedelta(days=29)) == {}
    assert held.before(MORNING + timedelta(days=30))[GATE].seq == 1, "the first of a day counts"
    assert held.before(MORNING + timedelta(days=45))[GATE].seq == 11
    assert held.before(MORNING + timedelta(days=90))[GATE].seq == 401
