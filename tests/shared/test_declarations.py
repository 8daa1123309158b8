"""Declarations in force and their vehicles, looked up by plate: the same tables however the facts arrive."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import subjects
from shared.bodies import read_body
from shared.codes import Country, Heading, Place
from shared.facts import Draft
from shared.journal import Head, SignedHead
from shared.node.checkpoints import CLOSED, live_facts
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.store import Store
from tests.builders import MORNING, NO, PLATE, SITE, VEHICLE, Journal, Site, declared_body, key, note


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


def test_as_many_are_under_way_as_tractors_were_declared_and_have_not_ended(store: Store) -> None:
    centre, gate, _ = a_days_journals()
    held = book(store, centre)
    assert held.most_under_way() == 1
    book(store, gate)
    assert held.most_under_way() == 0


def test_a_trailers_plate_leads_to_no_vehicle_of_its_own(store: Store) -> None:
    with_trailer = {**declared_body()["vehicles"][0], "trailer": "98R03688"}
    held = book(store, Site("4.2", vehicles=[with_trailer]).journals[f"centre-{SITE}.1"])
    assert held.active.with_keys(["98R03688"]) == []
    assert len(held.active.with_keys([PLATE, "98R03688"])) == 1


def test_a_trailer_is_found_among_trailers_and_says_nothing_of_a_country(store: Store) -> None:
    held = book(store, amending({}, {"trailer": "98R03688"}))
    (trailer,) = held.trailers.with_keys(["98R03688"])
    assert (trailer.declaration, trailer.vehicle, trailer.plate, trailer.country) == (
        NO,
        VEHICLE,
        "98R03688",
        None,
    )
    assert held.trailers.with_keys([PLATE]) == []
    assert [one.country for one in held.active.of(NO)] == [Country.VN]


def amending(*changes: dict[str, str]) -> Journal:
    """The centre's journal of a declaration whose vehicle each version changes; the first is as usual."""
    centre = Journal(f"centre-{SITE}.1")
    for number, change in enumerate(changes, start=1):
        vehicle = {**declared_body()["vehicles"][0], **change}
        kind = "amended" if number > 1 else "declared"
        body = declared_body(version=number, vehicles=[vehicle])
        centre.write(Draft(kind, subjects.declaration(NO), body))
    return centre


VERSIONS = ({}, {"plate": "29H99999"}, {"plate": "29H99999", "country": "CN"}, {"plate": "34C55566"})


def test_the_plates_of_earlier_versions_are_held_apart_from_what_stands(store: Store) -> None:
    held = book(store, amending(*VERSIONS))
    assert [one.plate for one in held.active.of(NO)] == ["34C55566"]
    assert held.active.with_keys([PLATE, "29H99999"]) == []
    assert [one.plate for one in held.earlier.with_keys([PLATE])] == [PLATE]
    assert {one.plate for one in held.earlier.of(NO)} == {PLATE, "29H99999"}


def test_a_trailer_of_an_earlier_version_is_no_trailer_any_more(store: Store) -> None:
    held = book(store, amending({"trailer": "98R03688"}, {"trailer": "34RM00121"}, {}))
    assert held.trailers.with_keys(["98R03688", "34RM00121"]) == []


@given(st.permutations(range(len(VERSIONS))))
@settings(max_examples=10, deadline=None)
def test_earlier_plates_are_the_same_in_whatever_order_versions_arrive(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    in_order, mixed = (Store(tmp_path_factory.mktemp("s") / "a.db", [Declarations()]) for _ in range(2))
    facts = amending(*VERSIONS).facts
    for held, sequence in ((in_order, range(len(VERSIONS))), (mixed, order)):
        for at in sequence:
            Declarations().apply(held.engine, facts[at], read_body(facts[at]))
    assert rows(mixed) == rows(in_order)
    in_order.close()
    mixed.close()


def test_earlier_plates_go_with_their_declaration_and_come_back_by_a_rebuild(store: Store) -> None:
    book(store, amending(*VERSIONS))
    before = rows(store)
    with store.engine.transaction("drop"):
        Declarations().drop(store.engine, NO)
    assert rows(store)["vehicles"] == []
    store.rebuild()
    assert rows(store) == before


@pytest.mark.parametrize("end", ["recalled", "passed"])
def test_what_is_closed_has_no_trailers_and_no_earlier_plates_under_way(store: Store, end: str) -> None:
    centre, ending = amending({"trailer": "98R03688"}, {"trailer": "98R03688", "plate": "29H99999"}), None
    if end == "recalled":
        centre.write(note("khai sai"))
    else:
        ending = a_days_journals()[1]
    held = book(store, centre, *([ending] if ending else []))
    assert held.trailers.with_keys(["98R03688"]) == []
    assert held.earlier.with_keys([PLATE]) == []


def test_a_vehicle_that_was_taken_out_does_not_keep_a_closed_declaration_alive(store: Store) -> None:
    centre, gate = amending({"vehicle": "v2"}, {}), a_days_journals()[1]
    book(store, centre, gate)
    late = MORNING + CLOSED + timedelta(days=2)
    assert {one.fact.ref for one in live_facts(store.engine, SITE, late)} == set()


BEFORE = """
CREATE TABLE vehicles (
    no TEXT, vehicle TEXT, key TEXT, plate TEXT, site TEXT, role TEXT, PRIMARY KEY (no, vehicle, role)
)"""


def test_a_store_made_before_trailers_and_earlier_plates_had_rows_is_made_anew_when_it_is_opened(
    store: Store, tmp_path: Path
) -> None:
    book(store, amending(*VERSIONS))
    expected = rows(store)
    store.engine.execute("DROP TABLE vehicles")
    store.engine.execute(BEFORE)
    store.engine.execute("INSERT INTO vehicles VALUES (?, 'v1', 'X', 'X', ?, 'tractor')", (NO, SITE))
    store.engine.execute("UPDATE node SET value = 'before' WHERE name = 'projection/Declarations'")
    again = Store(tmp_path / "store.db", [Declarations()], wall=lambda: MORNING)
    assert rows(again) == expected
    again.close()


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


# -- an empty vehicle that goes out with goods


EMPTY_NO = "2026112200009"


def taking_goods_over() -> list[Journal]:
    """It comes in by 6.2 under a declaration of its own, and goes out with imported goods under another."""
    truck = {**declared_body()["vehicles"][0]}
    centre, gate = Journal(f"centre-{SITE}.1"), Journal("gate-2.1")
    empty = declared_body(no=EMPTY_NO, procedure="6.2", laden=False, direction=None, goods=[])
    empty["vehicles"] = [{**truck, "vehicle": "e7"}, {**truck, "vehicle": "e8", "plate": "29H99999"}]
    brings = {**truck, "vehicle": "v9", "plate": "FA5325", "country": "CN"}
    takes = {**truck, "receives_from": "v9", "empty_declaration": EMPTY_NO}
    laden = declared_body(vehicles=[brings, takes])
    centre.write(Draft("declared", subjects.declaration(EMPTY_NO), empty))
    centre.write(Draft("declared", subjects.declaration(NO), laden))
    out = Site("4.2").drive_through((Place.BARRIER_2, Heading.OUT), last_step=True)
    gate.write(Draft("passed", out.subject, out.body))
    return [centre, gate]


@pytest.mark.parametrize("backwards", [False, True])
def test_who_went_out_with_goods_has_ended_the_trip_on_which_it_came_in_empty(
    store: Store, backwards: bool
) -> None:
    """Else it would be two vehicles under way the next day, between which nothing chooses."""
    journals = taking_goods_over()
    held = book(store, *(reversed(journals) if backwards else journals))
    assert held.active.with_keys([PLATE]) == []
    assert [one.vehicle for one in held.active.of(EMPTY_NO)] == ["e8"], "another truck of it is still inside"
