"""A node whose key was revoked: where it goes on, whose signature is good there, and that an ended journal takes no more."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import protocol, subjects
from shared.bodies import NodeEnrolled, NodeRevoked, RootRotated, dump
from shared.codes import Agency, Place
from shared.facts import Draft
from shared.journal import centre_node
from shared.node.store import Store
from shared.node.sync import SyncNode
from tests.builders import SITE, Journal, key, note
from tests.shared.members import CENTRE, CENTRE_JOURNAL, HandedLink, Member, enrolment, identity


def revoked(node: str, **trusted: int) -> Draft:
    named = {f"{node}.{name[1:]}": seq for name, seq in trusted.items()}
    return Draft("node_revoked", subjects.node(node), dump(NodeRevoked(node=node, trusted=named)))


def enrolled_again(node: str, key_of: str, journal: str) -> Draft:
    body = NodeEnrolled(
        node=node,
        site=SITE,
        public_key=key(key_of).public.text,
        places=[Place.BARRIER_2],
        agencies=[Agency.CUSTOMS],
        journal=journal,
    )
    return Draft("node_enrolled", subjects.node(node), dump(body))


@pytest.fixture
def link() -> HandedLink:
    return HandedLink()


@pytest.fixture
def gate_2(tmp_path: Path, link: HandedLink) -> Iterator[Member]:
    """Signs with the key named `gate-2.1`."""
    store = Store(tmp_path / "gate-2.db")
    yield Member("gate-2", store, link, SyncNode(store, link, identity("gate-2"), lambda: 1000.0))
    store.close()


@pytest.fixture
def centre(link: HandedLink, gate_2: Member) -> Journal:
    """Has enrolled gate-2 under another key and revoked that one after two facts; gate-2 knows."""
    journal = Journal(CENTRE_JOURNAL)
    journal.write(enrolled_again("gate-2", "lost key", "gate-2.1"))
    journal.write(revoked("gate-2", j1=2))
    link.push(journal, 1, 2)
    assert gate_2.holds(CENTRE, 2)
    return journal


def tick(gate: Member) -> None:
    asyncio.run(gate.sync.tick())


def test_a_node_enrolled_again_goes_on_in_the_journal_that_the_centre_named(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    centre.write(enrolled_again("gate-2", "gate-2.1", "gate-2.555555"))
    link.push(centre, 3, 3)
    link.hear(centre, of=CENTRE)
    tick(gate_2)

    begun = gate_2.store.of_kinds(["journal_begun"])

    assert gate_2.sync.journal == "gate-2.555555"
    assert [(fact.ref, fact.body["cause"]) for fact in begun] == [("gate-2.555555/1", "revoked")]


def test_it_begins_nothing_before_the_centre_is_heard(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    centre.write(enrolled_again("gate-2", "gate-2.1", "gate-2.555555"))
    link.push(centre, 3, 3)
    tick(gate_2)

    assert gate_2.sync.journal == "gate-2.1"


def test_it_begins_nothing_under_a_key_that_was_not_enrolled(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    centre.write(enrolled_again("gate-2", "another key", "gate-2.555555"))
    link.push(centre, 3, 3)
    link.hear(centre, of=CENTRE)
    tick(gate_2)

    assert gate_2.sync.journal == "gate-2.1"


def test_it_takes_its_named_journal_back_from_its_peers_before_it_writes_there(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    centre.write(enrolled_again("gate-2", "gate-2.1", "gate-2.555555"))
    link.push(centre, 3, 3)
    before = Journal("gate-2.555555")
    before.write(note("written before the disk was lost"))
    link.hear(centre, before, of=CENTRE)
    tick(gate_2)
    waiting = gate_2.sync.journal
    link.push(before, 1, 1, signed_by="gate-2.1")
    tick(gate_2)

    assert (waiting, gate_2.sync.journal) == ("gate-2.1", "gate-2.555555")
    assert gate_2.store.head("gate-2.555555").seq == 1


def test_a_revoked_key_signs_nothing_in_the_journal_that_was_named(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    centre.write(enrolment("gate-1"))
    centre.write(revoked("gate-1", j1=0))
    centre.write(enrolled_again("gate-1", "new key", "gate-1.7"))
    link.push(centre, 3, 5)
    forged = Journal("gate-1.7")
    forged.write(note())

    link.push(forged, 1, 1, signed_by="gate-1.1")
    refused = gate_2.store.head("gate-1.7").seq
    link.push(forged, 1, 1, signed_by="new key")

    assert (refused, gate_2.store.head("gate-1.7").seq) == (0, 1)


def test_a_journal_that_ended_under_a_rotated_root_takes_no_other_history(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    ends = {CENTRE_JOURNAL: 3}
    body = RootRotated(
        public_key=key("new root").public.text,
        left=key(CENTRE_JOURNAL).public.text,
        journal=f"{centre_node(SITE)}.2",
        ends=ends,
    )
    centre.write(Draft("root_rotated", "root", dump(body)))
    link.push(centre, 3, 3)
    forged = Journal(CENTRE_JOURNAL, centre.sealed[:2])
    forged.write(enrolment("intruder"))
    link.push(forged, 3, 3)

    assert not gate_2.sync.trust.knows("intruder.1")
    assert len(gate_2.store.branches(CENTRE_JOURNAL)) == 1
    assert any("rotated away" in reason for _, reason in gate_2.quarantined())
    assert protocol.facts_topic(SITE, CENTRE) in {source for source, _ in gate_2.quarantined()}


def test_what_a_revoked_node_holds_is_still_fetched_and_its_word_makes_nothing_fresh(
    link: HandedLink, gate_2: Member, centre: Journal
) -> None:
    """A confirmation that was given before, and not sent yet, is history that nobody may lose."""
    centre.write(enrolment("gate-1"))
    centre.write(revoked("gate-1"))
    link.push(centre, 3, 4)
    unsent = Journal("gate-1.1")
    unsent.write(note("given before"))

    link.hear(unsent, of="gate-1")

    assert list(gate_2.sync.peers.missing()) == ["gate-1.1"]
    assert gate_2.sync.peers.ages_s().get("gate-1") is None
    link.push(unsent, 1, 1)
    assert gate_2.store.head("gate-1.1") == unsent.head
