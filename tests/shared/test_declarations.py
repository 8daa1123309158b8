"""Declarations in force and their vehicles, looked up by plate: the same tables however the facts arrive."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import subjects
from shared.codes import Heading, Place
from shared.facts import Draft
from shared.journal import Head, SignedHead
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.store import Store
from tests.builders import MORNING, NO, PLATE, SITE, Journal, Site, declared_body, key, note


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.db", [Declarations()], wall=lambda: MORNING)
    yield opened
    opened.close()


def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    tables = ("declarations", "vehicles", "ended")
    return {table: sorted(store.rows(f"SELECT * FROM {table}")) for table in tables}


def a_days_journals() -> list[Journal]:
    """Declared by the centre, passed at a gate, amended and recalled by the centre in a new journal (after a restore)."""
    site = Site("4.2")
    last = site.drive_through((Place.BARRIER_1, Heading.OUT))
    gate = Journal("gate-1.1")
    gate.write(Draft("passed", last.subject, {**last.body, "last_step": True}))
    restored = Journal(f"centre-{SITE}.2")
    with_trailer = {**declared_body()["vehicles"][0], "trailer": "98R03688"}
    amended = declared_body(version=2, vehicles=[with_trailer])
    restored.write(Draft("amended", subjects.declaration(NO), amended))
    restored.write(note("khai sai"))
    return [site.journals[f"centre-{SITE}.1"], gate, restored]


def test_tables_are_equal_in_whatever_order_journals_arrive(tmp_path: Path) -> None:
    journals = a_days_journals()
    order = random.Random(3)
    seen: list[dict[str, list[tuple[object, ...]]]] = []
    for attempt in range(12):
        store = Store(tmp_path / f"{attempt}.db", [Declarations()], wall=lambda: MORNING)
        waiting = [(journal, seq) for journal in journals for seq in range(1, journal.head.seq + 1)]
        while waiting:
            journal = order.choice(waiting)[0]
            seq = min(number for other, number in waiting if other is journal)
            head = SignedHead.sign(Head.of(journal.facts[seq - 1]), key(journal.name))
            store.absorb([journal.sealed[seq - 1]], head)
            waiting = [one for one in waiting if one != (journal, seq)]
        seen.append(rows(store))
        store.close()
    assert all(one == seen[0] for one in seen)
    assert len(seen[0]["declarations"]) == len(seen[0]["ended"]) == 1
    assert sorted(row[-1] for row in seen[0]["vehicles"]) == ["earlier", "tractor", "trailer"]


def book(store: Store, *facts: Journal) -> DeclarationBook:
    for journal in facts:
        store.absorb(journal.sealed, journal.signed)
    return DeclarationBook(store)


def test_a_declared_vehicle_is_active_until_its_last_step(store: Store) -> None:
    centre, gate, _ = a_days_journals()
    held = book(store, centre)
    assert [one.plate for one in held.active.with_keys([PLATE])] == [PLATE]
    assert held.active.with_keys([]) == []
    book(store, gate)
    assert held.active.with_keys([PLATE]) == []
    assert [one.plate for one in held.ended.with_keys([PLATE])] == [PLATE]


def test_a_trailers_plate_leads_to_no_vehicle_of_its_own(store: Store) -> None:
    with_trailer = {**declared_body()["vehicles"][0], "trailer": "98R03688"}
    held = book(store, Site("4.2", vehicles=[with_trailer]).journals[f"centre-{SITE}.1"])
    assert held.active.with_keys(["98R03688"]) == []
    assert len(held.active.with_keys([PLATE, "98R03688"])) == 1


def test_a_recalled_declaration_is_not_active(store: Store) -> None:
    centre, _, restored = a_days_journals()
    held = book(store, restored, centre)
    found = held.find(NO)
    assert found is not None
    assert (found.recalled, found.body.version) == (True, 2)
    assert held.active.with_keys([PLATE]) == []
    assert len(held.ended.with_keys([PLATE])) == 1


def test_a_declaration_that_is_not_the_centres_is_none(store: Store) -> None:
    forged = Journal("gate-2.1")
    forged.write(Draft("declared", subjects.declaration(NO), declared_body()))
    assert book(store, forged).find(NO) is None
    assert store.count() == {"gate-2.1": 1}, "stored and passed on all the same"
