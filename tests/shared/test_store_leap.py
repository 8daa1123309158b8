"""A checkpoint that leads beyond what is held, where that turns out to be another history: nothing is lost, no chain breaks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.journal import follow
from shared.node.store import Store
from tests.builders import Journal, note

NAME = "gate-1.1"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.db")
    yield opened
    opened.close()


@pytest.fixture
def trunk() -> Journal:
    journal = Journal(NAME)
    for number in range(4):
        journal.write(note(str(number)))
    return journal


@pytest.fixture
def main(trunk: Journal) -> Journal:
    """The history that the centre holds: 1 to 10."""
    return further(trunk, "main", 6)


@pytest.fixture
def fork(trunk: Journal) -> Journal:
    """What a clone wrote: another 5 and 6."""
    return further(trunk, "fork", 2)


def further(trunk: Journal, name: str, count: int) -> Journal:
    journal = Journal(NAME, list(trunk.sealed))
    for number in range(count):
        journal.write(note(f"{name} {number}"))
    return journal


def hashes(store: Store) -> set[str]:
    return {row[0] for row in store.rows("SELECT hash FROM facts")}


@pytest.mark.parametrize("page", [10, 3, 1])
def test_history_takes_its_place_and_what_was_held_in_it_is_kept_beside(
    store: Store, main: Journal, fork: Journal, page: int
) -> None:
    store.absorb(fork.sealed, fork.signed)
    store.adopt([], {NAME: main.head})
    while floor := store.floor(NAME).seq:
        store.fill(main.sealed[max(0, floor - page) : floor], main.signed if floor == 10 else None)

    passed_on = store.page(NAME, 0)

    assert passed_on is not None
    assert [one.fact for one in passed_on[0]] == main.facts
    assert hashes(store) == {fact.hash for fact in [*main.facts, *fork.facts]}
    assert sorted((ref, why) for ref, why, _, _ in store.flags()) == [
        (f"{NAME}/5", "contradicted"),
        (f"{NAME}/6", "contradicted"),
    ]


def test_a_checkpoint_that_contradicts_what_is_held_leaves_that_journal_to_asks(
    store: Store, main: Journal, fork: Journal
) -> None:
    store.absorb(fork.sealed, fork.signed)
    other = Journal("gate-2.1")
    other.write(note())

    taken = store.adopt([main.sealed[4], *other.sealed], {NAME: main.head, "gate-2.1": other.head})

    assert taken == other.facts
    assert store.head(NAME) == fork.head
    store.absorb(main.sealed, main.signed)
    assert {branch.head for branch in store.branches(NAME)} == {main.head, fork.head}


def test_a_forked_journal_is_not_leapt_over(
    store: Store, trunk: Journal, main: Journal, fork: Journal
) -> None:
    begun = Journal(NAME, main.sealed[:6])
    for one in (begun, fork):
        store.absorb(one.sealed, one.signed)
    store.adopt([], {NAME: main.head})
    assert [branch.head for branch in store.branches(NAME)] == [begun.head, fork.head]
    store.absorb(main.sealed, main.signed)
    assert [branch.head for branch in store.branches(NAME)] == [main.head, fork.head]
    assert follow(trunk.head, main.facts[4:]) == store.head(NAME)


def test_a_live_fact_that_history_contradicts_gives_way_to_it(
    store: Store, main: Journal, fork: Journal
) -> None:
    """The centre put a fact into a checkpoint that never was in the journal."""
    store.adopt([fork.sealed[5]], {NAME: main.head})
    store.fill(main.sealed, main.signed)
    page = store.page(NAME, 0)
    assert page is not None
    assert [one.fact for one in page[0]] == main.facts
    assert [(ref, why) for ref, why, _, _ in store.flags()] == [(f"{NAME}/6", "contradicted")]
