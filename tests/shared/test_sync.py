"""Sync of one node whose messages are handed in: whatever is repeated, late or forged, and whom it asks for the rest."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from shared import protocol
from shared.node import asking, peers, sync
from shared.node.store import Store
from shared.node.sync import SyncNode
from tests.builders import SITE, Journal, key, note
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
    """Knows the centre's key and nothing else."""
    store = Store(tmp_path / "gate-2.db")
    yield Member("gate-2", store, link, SyncNode(store, link, identity("gate-2"), clock))
    store.close()


@pytest.fixture
def centre(link: HandedLink, gate_2: Member) -> Journal:
    """The centre's journal, which has enrolled gate-1 and reached gate-2."""
    journal = Journal(CENTRE_JOURNAL)
    journal.write(enrolment("gate-1"))
    link.push(journal, 1, 1)
    assert gate_2.holds(CENTRE, 1)
    return journal


@pytest.fixture
def gate_1() -> Journal:
    """Six facts of gate-1."""
    journal = Journal("gate-1.1")
    for number in range(6):
        journal.write(note(str(number)))
    return journal


def commits(store: Store) -> list[int]:
    """How many facts came with each commit from now on."""
    told: list[int] = []
    store.listen(lambda facts: told.append(len(facts)))
    return told


def facts_of(gate: Member, journal: Journal) -> list[str]:
    """The hashes of a journal's facts that are held."""
    page = gate.store.page(journal.name, 0)
    return [one.fact.hash for one in page[0]] if page else []


@pytest.mark.parametrize("order", list(permutations([(1, 2), (3, 4), (5, 6)])))
def test_batches_repeated_and_in_any_order_give_the_same_journal(
    link: HandedLink, gate_2: Member, centre: Journal, gate_1: Journal, order: tuple[tuple[int, int], ...]
) -> None:
    del centre
    for _ in range(3):
        for start, end in order:
            link.push(gate_1, start, end)
            link.push(gate_1, start, end)
    page = gate_2.store.page("gate-1.1", 0)
    assert page is not None
    assert [one.fact for one in page[0]] == gate_1.facts
    assert gate_2.quarantined() == []


def test_facts_that_their_author_did_not_sign_are_set_aside_and_count_nothing(
    link: HandedLink, gate_2: Member, centre: Journal, gate_1: Journal
) -> None:
    del centre
    link.push(gate_1, 1, 2, signed_by="gate-2.1")
    assert gate_2.holds("gate-1", 0)
    ((topic, reason),) = gate_2.quarantined()
    assert topic == "barie/1/facts/CKHN/gate-1"
    assert "not signed" in reason


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b"\xff", b'{"journal": 1}', b"[" * 100_000])
def test_what_is_no_message_is_set_aside(link: HandedLink, gate_2: Member, payload: bytes) -> None:
    for topic in (
        "facts/CKHN/gate-1",
        "vector/CKHN/gate-1",
        "ask/CKHN/gate-2/gate-1",
        "fill/CKHN/gate-2/gate-1",
    ):
        link.hand_in(f"barie/1/{topic}", payload)
    assert len(gate_2.quarantined()) == 4


def test_a_second_history_of_a_journal_is_kept_beside_the_first_and_told_to_everybody(
    link: HandedLink, gate_2: Member, centre: Journal, gate_1: Journal
) -> None:
    del centre
    other = Journal("gate-1.1")
    for number in range(6):
        other.write(note(f"other {number}"))
    link.push(gate_1, 1, 4)
    link.push(other, 1, 6)
    vector = gate_2.sync.vector()
    assert {head.hash for head in vector.all_heads()} >= {gate_1.facts[3].hash, other.facts[5].hash}
    assert gate_2.store.flags()[0][1] == "forked"
    assert gate_2.quarantined() == []


def test_a_node_takes_its_own_facts_back_from_its_peers_and_goes_on_behind_them(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    """Its store was put back from a backup: what it wrote since is at its peers."""
    centre.write(enrolment("gate-2"))
    link.push(centre, 2, 2)
    ours = Journal("gate-2.1")
    for number in range(3):
        ours.write(note(str(number)))
    link.push(ours, 1, 3)
    assert gate_2.holds("gate-2", 3)
    gate_2.write()
    assert (gate_2.holds("gate-2", 4), gate_2.store.forked()) == (True, {})


def test_nobody_but_ourselves_writes_our_journal(link: HandedLink, gate_2: Member, centre: Journal) -> None:
    centre.write(enrolment("gate-2"))
    link.push(centre, 2, 2)
    forged = Journal("gate-2.1")
    forged.write(note())
    link.push(forged, 1, 1, signed_by="gate-1.1")
    assert gate_2.holds("gate-2", 0)
    assert len(gate_2.quarantined()) == 1


def test_a_node_that_meets_another_history_of_its_journal_keeps_it_and_goes_on_in_a_new_journal(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    centre.write(enrolment("gate-2"))
    link.push(centre, 2, 2)
    gate_2.write(2)
    clone = Journal("gate-2.1")
    for number in range(3):
        clone.write(note(f"clone {number}"))
    link.push(clone, 1, 3)
    begun = gate_2.store.of_kinds(["journal_begun"])
    assert [fact.body["cause"] for fact in begun] == ["forked"]
    assert gate_2.sync.journal == begun[0].journal != "gate-2.1"
    assert len(gate_2.store.branches("gate-2.1")) == 2


def test_an_unknown_author_is_passed_over_until_its_enrolment_is_known(
    link: HandedLink, gate_2: Member, gate_1: Journal
) -> None:
    link.push(gate_1, 1, 6)
    link.hear(gate_1, of="gate-1")
    assert (gate_2.holds("gate-1", 0), gate_2.quarantined(), gate_2.sync.peers.heard) == (True, [], {})
    centre = Journal(CENTRE_JOURNAL)
    centre.write(enrolment("gate-1"))
    link.push(centre, 1, 1)
    link.push(gate_1, 1, 6)
    assert gate_2.holds("gate-1", 6)


def test_an_enrolment_that_the_centre_did_not_write_gives_nobody_a_voice(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    del centre
    rogue, stranger = Journal("gate-1.1"), Journal("gate-9.1")
    rogue.write(enrolment("gate-9"))
    link.push(rogue, 1, 1)
    stranger.write(note())
    link.push(stranger, 1, 1)
    assert (gate_2.holds("gate-1", 1), gate_2.holds("gate-9", 0)) == (True, True)


def test_a_vector_that_its_node_did_not_sign_is_set_aside(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    heads = {CENTRE_JOURNAL: protocol.WireHead(seq=9, hash="0" * 64)}
    at = str(gate_2.store.clock.now())
    vector = protocol.Vector(node="gate-1", site=SITE, incarnation=1, at=at, heads=heads)
    link.hand_in(protocol.vector_topic(SITE, "gate-1"), vector.sign(key("gate-2.1")))
    link.hand_in(protocol.vector_topic(SITE, "gate-1"), vector)
    assert (len(gate_2.quarantined()), gate_2.sync.peers.heard) == (2, {})
    assert centre.head.seq == 1


def test_a_vector_under_another_nodes_name_is_not_heard(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    at = str(gate_2.store.clock.now())
    vector = protocol.Vector(node=CENTRE, site=SITE, incarnation=1, at=at, heads={}).sign(key(CENTRE_JOURNAL))
    link.hand_in(protocol.vector_topic(SITE, "gate-1"), vector)
    assert gate_2.sync.peers.heard == {}
    assert centre.head.seq == 1


def test_a_vector_that_was_heard_before_changes_nothing(
    link: HandedLink, gate_2: Member, centre: Journal, gate_1: Journal
) -> None:
    del centre
    before = link.vector(of="gate-1", journals=[], incarnation=1)
    link.hear(gate_1, of="gate-1", incarnation=2)
    link.hand_in(protocol.vector_topic(SITE, "gate-1"), before)
    assert gate_2.sync.peers.heard["gate-1"].vector.incarnation == 2
    assert gate_2.store.flags() == []


def test_a_node_that_counts_its_starts_anew_is_flagged_and_told_to_count_on(
    link: HandedLink, gate_2: Member, centre: Journal, gate_1: Journal
) -> None:
    del centre
    link.hear(gate_1, of="gate-1", incarnation=7)
    link.hear(of="gate-1", incarnation=1)
    assert gate_2.sync.vector().outdated["gate-1"].incarnation == 7
    assert [(ref, why) for ref, why, _, _ in gate_2.store.flags()] == [("node/gate-1", "went_backwards")]


def test_a_vector_that_a_bridge_had_kept_makes_nothing_fresh_until_another_follows(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    topic = protocol.vector_topic(SITE, CENTRE)
    for minutes, age_s in ((60, None), (59, 0)):
        at = gate_2.store.steady() - timedelta(minutes=minutes)
        link.hand_in(topic, link.vector(of=CENTRE, journals=[centre], at=at))
        assert gate_2.sync.ages_s() == {CENTRE_JOURNAL: age_s}


def test_after_a_silence_a_vector_that_a_bridge_had_kept_makes_nothing_fresh_until_another_follows(
    link: HandedLink, gate_2: Member, clock: Clock, centre: Journal
) -> None:
    topic = protocol.vector_topic(SITE, CENTRE)
    for passed_s, minutes, age_s in ((0, 120, None), (5, 119, 0), (3600, 90, 3600), (5, 89, 0)):
        clock.now_s += passed_s
        at = gate_2.store.steady() - timedelta(minutes=minutes)
        link.hand_in(topic, link.vector(of=CENTRE, journals=[centre], at=at))
        assert gate_2.sync.ages_s() == {CENTRE_JOURNAL: age_s}


# -- freshness and receipts


def test_knowledge_is_as_old_as_the_last_live_vector_of_its_author_that_we_held_in_full(
    link: HandedLink, gate_2: Member, clock: Clock, centre: Journal, gate_1: Journal
) -> None:
    link.push(gate_1, 1, 6)
    assert gate_2.sync.ages_s() == {CENTRE_JOURNAL: None, "gate-1.1": None}
    link.hear(gate_1, of="gate-1")
    clock.now_s += 7
    link.hear(centre, gate_1, of=CENTRE)
    clock.now_s += 5
    assert gate_2.sync.ages_s() == {CENTRE_JOURNAL: 5, "gate-1.1": 12}


def test_a_retained_vector_makes_no_knowledge_fresh(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    link.hear(centre, of=CENTRE, retained=True)
    assert gate_2.sync.ages_s() == {CENTRE_JOURNAL: None}
    assert not gate_2.sync.hears_centre()
    link.hear(centre, of=CENTRE)
    assert gate_2.sync.ages_s() == {CENTRE_JOURNAL: 0}
    assert gate_2.sync.hears_centre()


def test_a_vector_that_tells_of_more_than_we_hold_makes_nothing_fresh_until_the_rest_is_here(
    link: HandedLink, gate_2: Member, clock: Clock, centre: Journal, gate_1: Journal
) -> None:
    del centre
    link.push(gate_1, 1, 4)
    link.hear(gate_1, of="gate-1")
    assert gate_2.sync.ages_s()["gate-1.1"] is None
    clock.now_s += 3
    link.push(gate_1, 5, 6)
    assert gate_2.sync.ages_s()["gate-1.1"] == 3


def test_only_the_centres_vector_is_a_receipt(link: HandedLink, gate_2: Member, centre: Journal) -> None:
    centre.write(enrolment("gate-2"))
    gate_2.write(3)
    ours = Journal("gate-2.1")
    for number in range(3):
        ours.write(note(str(number)))
    assert gate_2.sync.unsent() == 3
    link.hear(ours, of="gate-1")
    assert gate_2.sync.unsent() == 3
    del ours.sealed[2:]
    link.hear(ours, of=CENTRE)
    assert gate_2.sync.unsent() == 1


# -- whom a node asks


@pytest.fixture
def ticking(
    monkeypatch: pytest.MonkeyPatch, gate_2: Member, link: HandedLink, clock: Clock
) -> Callable[[float], object]:
    """Lets a node's ticks run for some time of its clock."""
    monkeypatch.setattr(sync, "TICK_S", 0.001)

    async def run_for(seconds: float) -> list[tuple[str, str, int]]:
        link.sent.clear()
        gate_2.sync.start()
        for _ in range(10):
            await asyncio.sleep(0.003)
            clock.now_s += seconds / 10
        await gate_2.sync.stop()
        return link.asked()

    return lambda seconds: asyncio.run(run_for(seconds))


def test_what_is_missing_is_asked_of_its_author_when_the_author_is_there(
    link: HandedLink, gate_2: Member, centre: Journal, gate_1: Journal, ticking: Callable[[float], object]
) -> None:
    link.push(gate_1, 1, 2)
    link.hear(centre, gate_1, of=CENTRE)
    link.hear(gate_1, of="gate-1")
    assert gate_2.holds("gate-1", 2)
    assert ticking(0.5) == [("gate-1", "gate-1.1", 2)]


def test_what_is_missing_is_asked_of_the_centre_when_the_author_is_silent(
    link: HandedLink, clock: Clock, centre: Journal, gate_1: Journal, ticking: Callable[[float], object]
) -> None:
    link.hear(gate_1, of="gate-1")
    clock.now_s += peers.HEARD_RECENTLY_S + 1
    link.hear(centre, gate_1, of=CENTRE)
    assert ticking(0.5) == [(CENTRE, "gate-1.1", 0)]


def test_what_is_missing_is_asked_of_a_peer_when_author_and_centre_are_silent(
    link: HandedLink, clock: Clock, centre: Journal, gate_1: Journal, ticking: Callable[[float], object]
) -> None:
    centre.write(enrolment("gate-3"))
    link.push(centre, 2, 2)
    link.hear(gate_1, of="gate-1")
    link.hear(centre, gate_1, of=CENTRE)
    clock.now_s += peers.HEARD_RECENTLY_S + 1
    link.hear(gate_1, of="gate-3")
    assert ticking(0.5) == [("gate-3", "gate-1.1", 0)]


def test_an_unanswered_question_is_asked_again_but_not_at_every_tick(
    link: HandedLink, centre: Journal, gate_1: Journal, ticking: Callable[[float], object]
) -> None:
    del centre
    link.hear(gate_1, of="gate-1")
    asked = ticking(3 * asking.ASK_AGAIN_S)
    assert isinstance(asked, list)
    assert 2 <= len(asked) <= 4


def test_who_does_not_answer_is_passed_over_for_the_next_who_holds_it(
    link: HandedLink, centre: Journal, gate_1: Journal, ticking: Callable[[float], object]
) -> None:
    link.hear(gate_1, of="gate-1")
    link.hear(centre, gate_1, of=CENTRE)
    asked = ticking(3 * asking.ASK_AGAIN_S)
    assert isinstance(asked, list)
    assert [to for to, _, _ in asked[:2]] == ["gate-1", CENTRE]


def test_nobody_is_asked_for_what_we_hold_or_for_journals_of_strangers(
    link: HandedLink, gate_2: Member, centre: Journal, gate_1: Journal, ticking: Callable[[float], object]
) -> None:
    stranger = Journal("gate-9.1")
    stranger.write(note())
    link.push(gate_1, 1, 6)
    link.hear(centre, gate_1, stranger, of=CENTRE)
    assert gate_2.holds("gate-1", 6)
    assert ticking(3.0) == []


@in_loop
async def test_a_question_is_answered_with_a_page_from_what_we_hold(
    link: HandedLink, gate_2: Member, centre: Journal, gate_1: Journal
) -> None:
    del gate_2, centre
    link.push(gate_1, 1, 6)
    ask = protocol.ask_topic(SITE, "gate-2", "gate-1")
    link.hand_in(ask, protocol.Ask(journal="gate-1.1", after=2))
    link.hand_in(ask, protocol.Ask(journal="gate-1.1", after=6))
    link.hand_in(ask, protocol.Ask(journal="other.1", after=0))
    await asyncio.sleep(0)
    ((topic, payload),) = link.sent
    run, _ = protocol.open_batch(protocol.decode(payload, protocol.Batch), [key("gate-1.1").public])
    assert topic == protocol.fill_topic(SITE, "gate-1", "gate-2")
    assert [one.fact for one in run] == gate_1.facts[2:]
