"""Journals: numbered facts, each with the hash of the one before, vouched for by a signed head."""

from dataclasses import replace

import pytest

from shared.facts import NO_HASH, BadSignature, BrokenChain, seal
from shared.journal import Head, SignedHead, author_of, centre_node, follow, journal_id
from tests.builders import Journal, key, note, stamp

NAME = "gate-1.1"


@pytest.fixture
def journal() -> Journal:
    """Five facts of gate-1."""
    written = Journal(NAME)
    for number in range(5):
        written.write(note(str(number)))
    return written


def test_a_journal_begins_at_nothing() -> None:
    assert Head.empty(NAME) == Head(NAME, 0, NO_HASH)


def test_an_unbroken_run_leads_to_its_head(journal: Journal) -> None:
    assert follow(Head.empty(NAME), journal.facts) == journal.head
    assert follow(Head.of(journal.facts[1]), journal.facts[2:]) == journal.head
    assert follow(journal.head, []) == journal.head


def test_a_missing_fact_breaks_the_chain(journal: Journal) -> None:
    with pytest.raises(BrokenChain, match=r"gate-1\.1/4 does not follow gate-1\.1/2"):
        follow(Head.empty(NAME), journal.facts[:2] + journal.facts[3:])


def test_facts_out_of_order_break_the_chain(journal: Journal) -> None:
    with pytest.raises(BrokenChain):
        follow(Head.empty(NAME), [journal.facts[1], journal.facts[0]])


def test_a_fact_written_anew_breaks_the_chain_after_it(journal: Journal) -> None:
    other = Journal(NAME)
    other.write(note("something else"))
    with pytest.raises(BrokenChain, match=r"gate-1\.1/2"):
        follow(Head.empty(NAME), [*other.facts, *journal.facts[1:]])


def test_a_number_left_out_by_its_own_author_breaks_the_chain(journal: Journal) -> None:
    skipped = seal(note(), NAME, journal.head.seq + 2, stamp(), journal.head.hash).fact
    with pytest.raises(BrokenChain):
        follow(journal.head, [skipped])


def test_a_fact_of_another_journal_does_not_follow(journal: Journal) -> None:
    with pytest.raises(BrokenChain):
        follow(Head.empty("gate-2.1"), journal.facts)


def test_only_the_author_can_sign_a_head(journal: Journal) -> None:
    journal.signed.check(key(NAME).public)
    with pytest.raises(BadSignature, match=r"gate-1\.1/5"):
        SignedHead.sign(journal.head, key("somebody else")).check(key(NAME).public)


def test_a_signature_does_not_fit_another_head(journal: Journal) -> None:
    moved = replace(journal.signed, head=Head.of(journal.facts[0]))
    with pytest.raises(BadSignature):
        moved.check(key(NAME).public)


def test_names_of_journals() -> None:
    assert journal_id("gate-1") == "gate-1.1"
    assert journal_id("gate-1", 2) == "gate-1.2"
    assert author_of(journal_id(centre_node("CKHN"), 3)) == "centre-CKHN"
