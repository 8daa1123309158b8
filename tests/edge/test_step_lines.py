"""The line of steps on the screen: those that are for this vehicle, with whom each asks in the reading in use."""

from dataclasses import replace
from typing import Any

from edge.lane.passage import Judgement
from edge.lane.show import step_lines
from edge.lane.view import StepState, TickState
from shared.codes import Agency, Heading, Place
from shared.history import History
from shared.node.declarations import Declared
from shared.settings import Settings
from tests.builders import (
    ANIMAL,
    BARRIER_1_OUT,
    BARRIER_2_IN,
    BORDER_GUARD,
    CUSTOMS,
    DRIVER,
    HEALTH,
    VEHICLE,
    Site,
)

RECEIVER = "v2"


def judged(site: Site, at: tuple[Place, Heading], vehicle: str = VEHICLE) -> Judgement:
    declared = Declared(site.declared.ref, site.declaration, recalled=False)
    decision = site.decide(at, vehicle=vehicle)
    history = History.of(site.facts, site.authority())
    return Judgement(
        declared=declared, vehicle=vehicle, procedure=site.procedure, decision=decision, history=history
    )


def clauses(site: Site, at: tuple[Place, Heading], vehicle: str = VEHICLE) -> list[str]:
    return [one.clause for one in step_lines(judged(site, at, vehicle), *at)]


def ticks(site: Site, clause: str, settings: Settings) -> dict[Any, TickState]:
    about = replace(judged(site, BARRIER_2_IN), settings=settings)
    lines = step_lines(about, *BARRIER_2_IN)
    return {tick.by: tick.state for one in lines if one.clause == clause for tick in one.ticks}


def transferred(khoan: str) -> Site:
    """Goods go over from the first vehicle to a second (sang tải)."""
    vehicles = [
        {"vehicle": VEHICLE, "plate": "12C12345", "country": "VN", "driver": DRIVER},
        {
            "vehicle": RECEIVER,
            "plate": "FA1234",
            "country": "CN",
            "driver": DRIVER,
            "receives_from": VEHICLE,
        },
    ]
    return Site(khoan, vehicles=vehicles)


def test_a_vehicle_that_takes_goods_over_is_not_shown_the_barrier_they_came_in_by() -> None:
    site = transferred("4.2")
    assert "4.2.b" not in clauses(site, BARRIER_1_OUT, RECEIVER)
    assert clauses(site, BARRIER_1_OUT, RECEIVER)[-1] == "4.2.g"


def test_a_vehicle_that_gave_its_goods_away_is_not_shown_the_barrier_they_leave_by() -> None:
    assert "4.2.g" not in clauses(transferred("4.2"), BARRIER_2_IN)


def test_the_step_at_this_place_is_the_one_that_is_now() -> None:
    site = Site("4.2")
    (now,) = [
        one for one in step_lines(judged(site, BARRIER_2_IN), *BARRIER_2_IN) if one.state is StepState.NOW
    ]
    assert now.clause == "4.2.b"


def test_who_is_asked_follows_the_reading_in_use() -> None:
    site = Site("4.3")
    assert ticks(site, "4.3.e", Settings()) == {}
    wide = Settings(readings={"4.3.e": "wide"})
    assert set(ticks(site, "4.3.e", wide)) == {BORDER_GUARD, CUSTOMS}


def test_a_quarantine_is_missing_where_it_was_asked_for_and_not_requested_where_not() -> None:
    site = Site("4.2", quarantine={"plant_quarantine": "required"})
    shown = ticks(site, "4.2.d", Settings())
    assert (shown[Agency.PLANT_QUARANTINE], shown[ANIMAL]) == (TickState.MISSING, TickState.NOT_REQUESTED)


def test_without_a_transfer_the_health_quarantine_is_not_asked_at_5_2_d() -> None:
    assert ticks(Site("5.2"), "5.2.d", Settings())[HEALTH] is TickState.NOT_REQUESTED
