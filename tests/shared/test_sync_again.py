"""Sync of a node that is not what it was: its disk was lost, a twin speaks, a peer promises what it does not have."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared import protocol
from shared.node import sync
from shared.node.store import Store
from shared.node.sync import SyncNode
from tests.builders import SITE, Journal, key, note, stamp
from tests.loop import in_loop
from tests.shared.members import CENTRE, CENTRE_JOURNAL, HandedLink, Member, enrolment, identity


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def link() -> HandedLink:
    return HandedLink()


@pytest.fixture
def gate_2(tmp_path: Path, link: HandedLink, clock: Clock) -> Iterator[Member]:
    """Has the centre's journal, which enrols gate-1, gate-3 and itself."""
    store = Store(tmp_path / "gate-2.db")
    member = Member("gate-2", store, link, SyncNode(store, link, identity("gate-2"), clock))
    centre = Journal(CENTRE_JOURNAL)
    for node in ("gate-1", "gate-2", "gate-3"):
        centre.write(enrolment(node))
    link.push(centre, 1, 3)
    yield member
    store.close()


def vector(node: str, *, at_s: float = 0, incarnation: int = 1, **more: Any) -> protocol.Vector:
    made = {
        "node": node,
        "site": SITE,
        "incarnation": incarnation,
        "at": str(stamp(at_s)),
        "heads": {},
        **more,
    }
    return protocol.Vector.model_validate(made).sign(key(f"{node}.1"))


def hear(link: HandedLink, told: protocol.Vector, *, retained: bool = False) -> None:
    link.hand_in(protocol.vector_topic(SITE, told.node), told, retained=retained)


def notes(name: str, count: int) -> Journal:
    journal = Journal(name)
    for number in range(count):
        journal.write(note(str(number)))
    return journal


def test_a_peer_that_passes_a_vector_over_says_which_newer_one_it_knows(
    link: HandedLink, gate_2: Member
) -> None:
    hear(link, vector("gate-1", incarnation=7, at_s=9))
    hear(link, vector("gate-1", incarnation=1, at_s=60))
    known = gate_2.sync.vector().outdated["gate-1"]
    assert (known.incarnation, known.at) == (7, str(stamp(9)))
    hear(link, vector("gate-1", incarnation=8, at_s=61))
    assert gate_2.sync.vector().outdated == {}


def test_a_node_that_lost_its_disk_goes_on_above_what_its_peers_know(
    link: HandedLink, gate_2: Member
) -> None:
    known = {"gate-2": protocol.WireTurn(incarnation=7, at=str(stamp(9)))}
    hear(link, vector("gate-1", outdated=known))
    assert gate_2.sync.vector().incarnation == 8


def test_a_node_that_finds_its_own_later_vector_at_the_broker_goes_on_above_it(
    link: HandedLink, gate_2: Member
) -> None:
    hear(link, vector("gate-2", incarnation=7), retained=True)
    assert gate_2.sync.vector().incarnation == 8
    assert gate_2.store.flags() == []


def test_a_twin_is_noticed_though_both_have_been_started_equally_often(
    link: HandedLink, gate_2: Member
) -> None:
    ours = gate_2.sync.vector()
    hear(link, ours)
    assert gate_2.store.flags() == []
    hear(link, vector("gate-2", incarnation=ours.incarnation, at_s=10**9))
    assert [why for _, why, _, _ in gate_2.store.flags()] == ["twin"]
    assert gate_2.sync.vector().incarnation == ours.incarnation + 1


def test_an_old_vector_of_its_own_that_is_repeated_makes_no_twin(link: HandedLink, gate_2: Member) -> None:
    first, last = gate_2.sync.vector(), gate_2.sync.vector()
    for one in (first, last, first):
        hear(link, one)
    assert (gate_2.store.flags(), gate_2.sync.vector().incarnation) == ([], first.incarnation)


# -- history


@pytest.fixture
def asked_for(link: HandedLink, gate_2: Member, clock: Clock) -> Callable[[float], list[str]]:
    """The journals whose history is asked for within some seconds."""

    @in_loop
    async def run(seconds: float) -> None:
        for _ in range(int(seconds * 4)):
            clock.now_s += 0.25
            await gate_2.sync.tick()
            await asyncio.sleep(0)

    def within(seconds: float) -> list[str]:
        run(seconds)
        asks = [protocol.decode(payload, protocol.Ask) for topic, payload in link.sent if "/ask/" in topic]
        return [ask.journal for ask in asks if ask.below is not None]

    return within


def begun(gate_2: Member, *journals: Journal) -> None:
    """A checkpoint was begun from: nothing below these heads is held."""
    gate_2.store.adopt([], {one.name: one.head for one in journals})


def test_history_is_asked_for_though_a_peer_promises_facts_that_it_does_not_hand_out(
    link: HandedLink, gate_2: Member, asked_for: Callable[[float], list[str]]
) -> None:
    one = notes("gate-1.1", 5)
    begun(gate_2, one)
    link.hear(one, of=CENTRE)
    hear(link, vector("gate-3", heads={"gate-3.1": protocol.WireHead(seq=9, hash="ab" * 32)}))
    assert "gate-1.1" in asked_for(5.0)


def test_history_that_nobody_hands_out_keeps_no_other_history_back(
    link: HandedLink, gate_2: Member, asked_for: Callable[[float], list[str]]
) -> None:
    one, other = notes("gate-1.1", 5), notes("gate-3.1", 5)
    begun(gate_2, one, other)
    link.hear(one, other, of=CENTRE)
    assert set(asked_for(5.0)) == {"gate-1.1", "gate-3.1"}


# -- in and out


def test_a_run_that_is_not_in_order_is_set_aside_and_not_asked_for_at_once_again(
    link: HandedLink, gate_2: Member
) -> None:
    one = notes("gate-1.1", 4)
    batch = link.batch(one, 1, 4)
    link.hand_in(protocol.facts_topic(SITE, "gate-1"), batch.model_copy(update={"facts": batch.facts[::-1]}))
    assert len(gate_2.quarantined()) == 1
    assert gate_2.sync.vector().refused["gate-1.1"].seq == 4


@in_loop
async def test_new_facts_are_pushed_though_the_beginning_of_the_journal_is_not_held(
    link: HandedLink, gate_2: Member
) -> None:
    begun(gate_2, notes("gate-2.1", 5))
    gate_2.write()
    await gate_2.sync.push()
    await asyncio.sleep(0)
    batches = [protocol.decode(payload, protocol.Batch) for topic, payload in link.sent if "/facts/" in topic]
    assert [batch.head.seq for batch in batches] == [6]


# -- a new disk, and the centre far away


@pytest.fixture
def empty(tmp_path: Path, link: HandedLink, clock: Clock) -> Iterator[Member]:
    """Knows the centre's key and nothing else."""
    store = Store(tmp_path / "empty.db")
    yield Member("gate-2", store, link, SyncNode(store, link, identity("gate-2"), clock))
    store.close()


@in_loop
async def test_an_empty_node_asks_whoever_is_there_for_the_centres_journal(
    link: HandedLink, empty: Member, clock: Clock
) -> None:
    hear(link, vector("gate-1"))
    for _ in range(3):
        clock.now_s += 0.25
        await empty.sync.tick()
        await asyncio.sleep(0)
    assert link.asked() == [("gate-1", CENTRE_JOURNAL, 0)]


@pytest.mark.parametrize("handed_out", [True, False])
def test_a_node_without_the_centres_journal_does_not_take_silence_for_its_own_journals_end(
    link: HandedLink, empty: Member, clock: Clock, monkeypatch: pytest.MonkeyPatch, *, handed_out: bool
) -> None:
    """The centre's vector lay at the broker: no peer's vector can be read before its journal has come."""
    monkeypatch.setattr(sync, "TICK_S", 0.0)
    centre = Journal(CENTRE_JOURNAL)
    centre.write(enrolment("gate-1"))

    async def recover() -> bool:
        asking = asyncio.ensure_future(empty.sync.recover(10.0))
        link.hear(centre, of=CENTRE, retained=True)
        while not asking.done():
            clock.now_s += 0.25
            if handed_out and clock.now_s > 1003:
                link.push(centre, 1, 1)
            await asyncio.sleep(0)
        return asking.result()

    assert asyncio.run(recover()) is handed_out
