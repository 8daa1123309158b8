"""What will happen is fixed before the first truck moves, and every expectation follows from what was declared."""

import random
from itertools import combinations
from pathlib import Path

import pytest

from shared import plates
from shared.codes import Agency
from shared.decide import Decision
from simulation.layout import DOORS
from simulation.scenario import VISIT_S, Outcome, Plates, Trip, fitting, photographed_round, round_of
from simulation.trucks import Photographed
from tests.builders import BARRIER_1_OUT, BARRIER_2_IN, NO, SITE, Site, declared_body


def a_day(seed: int = 7, rounds: int = 5) -> list[Trip]:
    drawn = Plates(random.Random(seed))
    return [trip for number in range(rounds) for trip in round_of(number, drawn)]


def trip_named(name: str) -> Trip:
    return next(trip for trip in a_day(rounds=1) if trip.name == name)


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    assert a_day(7) == a_day(7)
    assert {trip.plate for trip in a_day(7)} != {trip.plate for trip in a_day(8)}


def test_a_round_comes_to_every_door_and_ends_in_every_way_a_visit_can_end() -> None:
    visits = [visit for trip in a_day(rounds=1) for visit in trip.visits]
    assert {visit.door for visit in visits} == {door.name for door in DOORS}
    assert {visit.expected for visit in visits} == {Outcome.PASSED, Outcome.TURNED_BACK, Outcome.NOT_OPENED}
    declared = [trip.declaration for trip in a_day(rounds=1) if trip.declaration]
    assert {one.get("procedure") for one in declared} == {"4.2", "4.3", None}


def test_every_plate_of_a_day_follows_a_grammar() -> None:
    assert [trip.plate for trip in a_day() if plates.classify(trip.plate) is None] == []


def test_no_truck_can_be_taken_for_another_but_the_one_that_was_mistyped() -> None:
    trips = a_day(rounds=8)
    shown = {plates.key(trip.plate) for trip in trips}
    assert len(shown) == len(trips)
    assert [pair for pair in combinations(shown, 2) if pair[1] in plates.one_confusion_of(pair[0])] == []


def test_the_mistyped_plate_is_one_confusion_from_the_true_one() -> None:
    trip = trip_named("one character mistyped")
    assert trip.declaration is not None
    declared = plates.key(trip.declaration["vehicles"][0]["plate"])
    assert declared != plates.key(trip.plate)
    assert declared in plates.one_confusion_of(plates.key(trip.plate))


def test_only_who_is_sent_back_has_somebody_who_sends_her_back() -> None:
    for trip in a_day():
        for visit in trip.visits:
            assert (visit.refused_by is not None) == (visit.expected is Outcome.TURNED_BACK), trip.name
        assert all(visit.expected is Outcome.PASSED for visit in trip.visits[:-1]), trip.name


def test_a_chinese_lorry_is_declared_without_its_province() -> None:
    trip = trip_named("Chinese lorry, 4.2")
    assert trip.declaration is not None
    vehicle = trip.declaration["vehicles"][0]
    assert (trip.plate[0], vehicle["plate"], vehicle["country"]) == ("桂", trip.plate[1:], "CN")


def decided(trip: Trip, at: tuple[object, ...]) -> Decision:
    """What the rules say of a trip's declaration at its first barrier, before anybody confirmed."""
    assert trip.declaration is not None
    changes = {k: v for k, v in trip.declaration.items() if k not in ("site", "procedure", "vehicles")}
    site = Site(trip.declaration["procedure"], **changes)
    return site.decide(at)  # type: ignore[arg-type]


def test_what_the_centre_gets_is_a_whole_declaration() -> None:
    for trip in a_day(rounds=1):
        if trip.declaration is not None and "procedure" in trip.declaration:
            vehicles = [
                {k: v for k, v in one.items() if k != "driver"} for one in trip.declaration["vehicles"]
            ]
            whole = {**declared_body(), **trip.declaration, "vehicles": vehicles, "no": NO, "site": SITE}
            assert Site(
                trip.declaration["procedure"], **{k: v for k, v in whole.items() if k != "procedure"}
            ).declaration


def test_the_rules_agree_with_what_is_expected_at_the_first_barrier() -> None:
    in_order, early = trip_named("4.2, all in order"), trip_named("came to barrier 1 without barrier 2")
    assert set(decided(in_order, BARRIER_2_IN).waits_for) == {Agency.BORDER_GUARD, Agency.CUSTOMS}
    reasons = {reason.code.value for reason in decided(early, BARRIER_1_OUT).reasons}
    assert "earlier_step_missing" in reasons


@pytest.mark.parametrize("left_s", [0.0, 12.9, 13.0, 40.0, 75.0, 150.0, 1000.0])
def test_what_is_chosen_fits_into_the_time_that_is_left_one_truck_at_a_place_at_a_time(left_s: float) -> None:
    trips = a_day(rounds=1)
    chosen = fitting(trips, left_s)
    at_place: dict[str, float] = {}
    for visit in (visit for trip in chosen for visit in trip.visits):
        at_place[visit.door] = at_place.get(visit.door, 0) + VISIT_S[visit.expected]
    longest_trip_s = max((sum(VISIT_S[v.expected] for v in t.visits) for t in chosen), default=0)
    assert max([*at_place.values(), longest_trip_s], default=0) <= left_s
    assert [trip for trip in trips if trip in chosen] == chosen


def test_in_no_time_nothing_fits_and_in_an_hour_everything_does() -> None:
    trips = a_day(rounds=1)
    assert (fitting(trips, 0), fitting(trips, 3600)) == ([], list(trips))


def test_photographs_of_one_readable_plate_become_trips_declared_as_labelled() -> None:
    labels = [("29C12345",), ("29C12345", "30F99999"), ("??",), ("12C54321",)]
    photographs = [Photographed(Path(f"{at}.jpg"), plates=label) for at, label in enumerate(labels)]
    trips = photographed_round(photographs)
    assert [trip.plate for trip in trips] == ["29C12345", "12C54321"]
    assert [trip.declaration["vehicles"][0]["plate"] for trip in trips if trip.declaration] == [
        "29C12345",
        "12C54321",
    ]
