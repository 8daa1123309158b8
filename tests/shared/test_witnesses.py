"""Witnesses: what others were seen to hold, what nobody has seen, and a node's own word on the journals of others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import protocol
from shared.node.store import Store
from shared.node.sync import SyncNode
from tests.builders import SITE, Journal, key, note
from tests.shared.members import CENTRE, CENTRE_JOURNAL, HandedLink, Member, enrolment, identity

MINE = "gate-2.1"


@pytest.fixture
def link() -> HandedLink:
    return HandedLink()


@pytest.fixture
def gate_2(tmp_path: Path, link: HandedLink) -> Iterator[Member]:
    """Enrolled beside gate-1; has written three facts."""
    store = Store(tmp_path / "gate-2.db")
    member = Member("gate-2", store, link, SyncNode(store, link, identity("gate-2")))
    centre = Journal(CENTRE_JOURNAL)
    for node in ("gate-1", "gate-2"):
        centre.write(enrolment(node))
    link.push(centre, 1, 2)
    member.write(3)
    yield member
    store.close()


def ours(store: Store, upto: int) -> Journal:
    page = store.page(MINE, 0)
    assert page is not None
    return Journal(MINE, page[0][:upto])


def test_a_fact_is_unseen_until_somebody_else_says_that_it_holds_it(link: HandedLink, gate_2: Member) -> None:
    assert (gate_2.sync.unseen(), gate_2.sync.unsent()) == (3, 3)
    link.hear(ours(gate_2.store, 2), of="gate-1")
    assert (gate_2.sync.unseen(), gate_2.sync.unsent()) == (1, 3)
    link.hear(ours(gate_2.store, 3), of=CENTRE)
    assert (gate_2.sync.unseen(), gate_2.sync.unsent()) == (0, 0)
    gate_2.write()
    assert gate_2.sync.unseen() == 1


def test_somebody_who_holds_another_history_is_no_witness(link: HandedLink, gate_2: Member) -> None:
    other = Journal(MINE)
    for number in range(3):
        other.write(note(f"other {number}"))
    link.hear(other, of="gate-1")
    assert gate_2.sync.unseen() == 3


def test_what_was_seen_is_remembered_over_a_restart(link: HandedLink, gate_2: Member) -> None:
    link.hear(ours(gate_2.store, 2), of="gate-1")
    gate_2.sync.witnesses.flush()
    again = SyncNode(gate_2.store, link, identity("gate-2"))
    assert again.unseen() == 1


def test_a_node_writes_down_how_far_it_holds_the_others_once_for_each_step(
    link: HandedLink, gate_2: Member
) -> None:
    gate_1 = Journal("gate-1.1")
    for _ in range(4):
        gate_1.write(note())
    link.push(gate_1, 1, 4)
    witnesses = gate_2.sync.witnesses
    draft = witnesses.draft()
    assert draft is not None
    assert draft.body["heads"]["gate-1.1"] == {"seq": 4, "hash": gate_1.head.hash}
    assert set(draft.body["heads"]) == {"gate-1.1", CENTRE_JOURNAL}
    gate_2.sync.write([draft])
    witnesses.said(draft)
    assert witnesses.draft() is None


def test_a_witness_is_not_witnessed_in_turn_for_ever(link: HandedLink, gate_2: Member) -> None:
    witnesses = gate_2.sync.witnesses
    first = witnesses.draft()
    assert first is not None
    witnesses.said(first)
    gate_1 = Journal("gate-1.1")
    gate_1.write(first)
    link.push(gate_1, 1, 1)
    assert witnesses.draft() is None


def test_what_was_set_aside_is_told_in_the_vector_and_asked_for_again_after_ever_longer_pauses(
    link: HandedLink, gate_2: Member
) -> None:
    gate_1 = Journal("gate-1.1")
    gate_1.write(note())
    link.push(gate_1, 1, 1, signed_by="gate-9.1")
    refused = gate_2.sync.vector().refused
    assert refused == {"gate-1.1": protocol.WireHead(seq=1, hash=gate_1.head.hash)}
    link.push(gate_1, 1, 1)
    assert gate_2.sync.vector().refused == {}


def test_an_author_sees_that_its_facts_were_refused(link: HandedLink, gate_2: Member) -> None:
    head = protocol.WireHead(seq=1, hash="0" * 64)
    vector = protocol.Vector(
        node=CENTRE,
        site=SITE,
        incarnation=1,
        at=str(gate_2.store.clock.now()),
        heads={},
        refused={MINE: head},
    )
    link.hand_in(protocol.vector_topic(SITE, CENTRE), vector.sign(key(CENTRE_JOURNAL)))
    assert gate_2.sync.refused() == {CENTRE: MINE}
