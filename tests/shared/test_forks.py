"""A journal with two histories: decisions, checkpoints and history that comes late keep both, on every node alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.facts import Draft, Fact, commit
from shared.history import History
from shared.journal import Head, journal_id
from shared.node.checkpoints import Checkpoints, live_facts
from shared.node.declarations import Declarations
from shared.node.store import Store
from tests.builders import (
    BARRIER_2_IN,
    BORDER_GUARD,
    CUSTOMS,
    MORNING,
    SITE,
    Journal,
    Site,
    declared_body,
    key,
    note,
)
from tests.shared.members import CENTRE, CENTRE_JOURNAL


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store(tmp_path / "facts.db", [Declarations()])
    yield one
    one.close()


def journal(text: str, count: int, *, after: Journal | None = None) -> Journal:
    """So many notes of gate-1, from the beginning or behind another history of its."""
    made = Journal("gate-1.1", list(after.sealed) if after else [])
    for number in range(count):
        made.write(note(f"{text} {number}"))
    return made


def held(store: Store) -> set[str]:
    return {row[0] for row in store.rows("SELECT hash FROM facts")}


def hashes(*journals: Journal) -> set[str]:
    return {fact.hash for one in journals for fact in one.facts}


# -- decisions


def forked_confirmations() -> tuple[Site, list[Fact]]:
    """Two clones of gate-2 each gave its first number to a confirmation: one by customs, one by the border guard."""
    site, clone = Site(), Site()
    one = site.confirm("4.2.b", CUSTOMS)
    other = clone.confirm("4.2.b", BORDER_GUARD)
    assert (one.ref, one.hash != other.hash) == (other.ref, True)
    return site, [site.declared, one, other]


def test_both_facts_that_bear_one_number_count_in_whatever_order_they_came() -> None:
    site, facts = forked_confirmations()
    decided = site.decide(BARRIER_2_IN, facts=facts)
    assert decided == site.decide(BARRIER_2_IN, facts=facts[::-1])
    assert len(History.of(facts, site.authority()).given) == 2


def test_a_withdrawal_takes_back_whichever_fact_of_that_number_its_agency_gave() -> None:
    site, facts = forked_confirmations()
    facts.append(site.withdraw(facts[1], CUSTOMS))
    for order in (facts, facts[::-1]):
        given = History.of(order, site.authority()).given
        assert all(one.withdrawn for one in given if one.body.by is CUSTOMS)


# -- checkpoints and history


def test_facts_held_before_a_checkpoint_leapt_over_them_become_a_branch_when_the_history_is_another(
    store: Store,
) -> None:
    common = journal("both", 2)
    ours, theirs = journal("ours", 3, after=common), journal("theirs", 6, after=common)
    store.absorb(ours.sealed, ours.signed)
    store.adopt([], {"gate-1.1": theirs.head})
    store.fill(theirs.sealed[4:])
    store.fill(theirs.sealed[3:4])
    store.fill(theirs.sealed[2:3])
    main, branch = store.branches("gate-1.1")
    assert (main.head, main.floor.seq) == (theirs.head, 0)
    assert (branch.head, branch.floor.seq) == (ours.head, 2)
    assert held(store) == hashes(ours, theirs)
    assert store.page("gate-1.1", 2, branch=1) == (ours.sealed[2:], ours.signed)


def test_a_fact_set_apart_is_still_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    ours, theirs = journal("ours", 2), journal("theirs", 4)
    store = Store(tmp_path / "facts.db")
    store.absorb(ours.sealed, ours.signed)
    store.adopt([], {"gate-1.1": theirs.head})
    store.fill(theirs.sealed)
    before = store.branches("gate-1.1")
    store.close()
    again = Store(tmp_path / "facts.db")
    assert again.branches("gate-1.1") == before
    again.close()


def test_a_checkpoint_does_not_leap_over_a_journal_that_has_forked_here(store: Store) -> None:
    one, other = journal("one", 3), journal("other", 2)
    store.absorb(one.sealed, one.signed)
    store.absorb(other.sealed, other.signed)
    before = list(store.branches("gate-1.1"))
    store.adopt([], {"gate-1.1": Head("gate-1.1", 9, "ab" * 32)})
    assert store.branches("gate-1.1") == before


def test_a_checkpoint_that_contradicts_what_is_held_of_a_journal_is_taken_without_that_journal(
    store: Store,
) -> None:
    ours, theirs, other = journal("ours", 2), journal("theirs", 4), Journal("gate-3.1")
    other.write(note())
    store.absorb(ours.sealed, ours.signed)
    store.adopt([theirs.sealed[1], *other.sealed], {"gate-1.1": theirs.head, "gate-3.1": other.head})
    assert (store.head("gate-1.1"), store.head("gate-3.1")) == (ours.head, other.head)
    assert held(store) == hashes(ours, other)


def test_a_checkpoint_of_a_forked_journal_can_be_begun_from(store: Store, tmp_path: Path) -> None:
    centre, one, other = Journal(CENTRE_JOURNAL), journal("one", 3), journal("other", 3)
    centre.write(Draft("declared", note().subject, declared_body(declared_at=MORNING.isoformat())))
    store.absorb(centre.sealed, centre.signed)
    store.absorb(one.sealed, one.signed)
    store.absorb(other.sealed, other.signed)
    live = list(live_facts(store.engine, SITE, MORNING))
    places = [(sealed.fact.journal, sealed.fact.seq) for sealed in live]
    assert len(places) == len(set(places)) == 4
    made = Checkpoints(tmp_path / "checkpoint")
    made.make(live, store.heads(), SITE, str(store.clock.now()), key(CENTRE_JOURNAL))
    empty = Store(tmp_path / "empty.db")
    assert made.adopt(empty, "gate-2") == len(live)
    empty.close()


def test_a_checkpoint_does_not_leap_over_what_a_node_wrote_itself(store: Store, tmp_path: Path) -> None:
    made = Checkpoints(tmp_path / "checkpoint")
    made.make([], {"gate-1.1": journal("theirs", 5).head}, SITE, str(store.clock.now()), key(CENTRE_JOURNAL))
    store.append("gate-1.1", key("gate-1.1"), [note("ours")])
    made.adopt(store, "gate-1")
    assert (store.head("gate-1.1").seq, store.floors()) == (1, {})


def test_what_was_forgotten_does_not_come_back_with_a_checkpoint_of_several_journals(store: Store) -> None:
    _, private = commit({"reason": "Nguyễn Văn A"}, ["/reason"], salt="00")
    first, second, centre = Journal("gate-1.1"), Journal("gate-2.1"), Journal(journal_id(CENTRE))
    for one in (first, second):
        one.write(note())
        one.write(note(private=private))
    centre.write(Draft("forget", note().subject, {"facts": ["gate-1.1/2", "gate-2.1/2"]}))
    store.absorb(centre.sealed, centre.signed)
    store.adopt([*first.sealed, *second.sealed], {"gate-1.1": first.head, "gate-2.1": second.head})
    assert store.private("gate-1.1/2") == store.private("gate-2.1/2") == {}
