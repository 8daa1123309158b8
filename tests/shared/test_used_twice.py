"""A declaration that passed twice at gates that were cut from each other is found when they meet, whatever came first."""

from itertools import permutations
from pathlib import Path

import pytest

from shared import subjects
from shared.bodies import Passed, dump
from shared.codes import Heading, Place
from shared.facts import Draft
from shared.node.store import Store
from shared.node.used_twice import UsedTwice, findings
from tests.builders import NO, PLATE, VEHICLE, Journal, stamp

THUMBNAIL = "a" * 64


def passed(node: str, second: float, *, vehicle: str = VEHICLE, place: Place = Place.BARRIER_1) -> Journal:
    """A gate that let the vehicle through."""
    journal = Journal(f"{node}.1")
    body = Passed(
        passage=f"{node}.1/7",
        place=place,
        heading=Heading.OUT,
        lane="l1",
        plate=PLATE,
        declaration=NO,
        vehicle=vehicle,
        thumbnail=THUMBNAIL,
    )
    journal.write(Draft("passed", subjects.vehicle(NO, vehicle), dump(body)), at=stamp(second))
    return journal


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.db", [UsedTwice()])


def test_one_passage_is_no_finding_however_often_it_is_told(store: Store) -> None:
    journal = passed("gate-1", 0)
    for _ in range(2):
        store.absorb(journal.sealed, journal.signed)
    assert findings(store) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_two_passages_of_a_vehicle_at_one_place_are_found_with_both_pictures(
    store: Store, order: tuple[int, ...]
) -> None:
    journals = [passed("gate-1", 5), passed("gate-2", 60), passed("gate-3", 9, place=Place.BARRIER_2)]
    for number in order:
        store.absorb(journals[number].sealed, journals[number].signed)
    (found,) = findings(store)
    assert (found.declaration, found.vehicle, found.place) == (NO, VEHICLE, "barrier-1")
    assert [(one.ref, one.thumbnail) for one in found.passages] == [
        ("gate-1.1/1", THUMBNAIL),
        ("gate-2.1/1", THUMBNAIL),
    ]


def test_two_vehicles_of_a_declaration_are_no_finding(store: Store) -> None:
    for journal in (passed("gate-1", 0), passed("gate-2", 1, vehicle="v2")):
        store.absorb(journal.sealed, journal.signed)
    assert findings(store) == []
