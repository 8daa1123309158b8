"""Which vehicle a lane takes itself to have before it after a restart: the same one, another one, none."""

from collections.abc import Callable

import pytest

from edge.lane.machine import LaneState
from edge.lane.resume import RESUME_WITHIN
from edge.lane.view import Press
from shared import subjects
from shared.bodies import Arrived, dump
from shared.facts import Draft
from tests.builders import BARRIER_2_IN, CUSTOMS, NO, VEHICLE
from tests.edge.kills import Before, asked, closes, closing, leaves, opened, waiting
from tests.edge.world import NEAR_PLATE, World
from tests.loop import in_loop

S = LaneState
Make = Callable[..., World]
LONG_S = RESUME_WITHIN.total_seconds() + 60


async def read_again(world: World) -> None:
    await world.lane.tick()
    assert world.lane.state is S.READING
    await world.until(S.WAITING)


def plate_shown(world: World) -> str | None:
    plate = world.view().plate
    return plate.text if plate else None


# -- who the vehicle is


@in_loop
async def test_what_was_read_before_is_not_acted_on_while_the_vehicle_waits(make: Make) -> None:
    world = make()
    await world.vehicle_arrives()
    world.reader.plate = "29C99999"
    world.restart()
    await read_again(world)
    assert plate_shown(world) == "29C99999"
    assert len(world.facts("arrived")) == 1
    world.reader.plate = None
    world.restart()
    await read_again(world)
    assert (world.view().plate, "unread" in world.view().trouble) == (None, True)


@in_loop
async def test_the_vehicle_an_officer_has_chosen_passes_under_her_choice(make: Make) -> None:
    world = make()
    await world.vehicle_arrives(NEAR_PLATE)
    await world.press(Press.CHOOSE_VEHICLE, CUSTOMS, declaration=NO, vehicle=VEHICLE)
    await world.press(Press.CONFIRM, CUSTOMS)
    await world.press(Press.CONFIRM_AND_OPEN)
    await world.until(S.OPEN)
    world.restart()
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    assert world.facts("passed")[0].body["declaration"] == NO


@in_loop
async def test_a_refused_vehicle_stays_refused_until_a_confirmation_lifts_it(make: Make) -> None:
    world = make()
    await world.vehicle_arrives()
    await world.press(Press.REFUSE, CUSTOMS, reason="thiếu giấy tờ")
    world.restart()
    await read_again(world)
    assert world.view().refused
    await world.press(Press.CONFIRM, CUSTOMS)
    world.restart()
    await read_again(world)
    assert not world.view().refused


@in_loop
async def test_confirmations_of_before_count_when_the_vehicle_is_read_again(make: Make) -> None:
    world = make()
    await world.vehicle_arrives()
    await world.press(Press.CONFIRM, CUSTOMS)
    world.restart()
    await read_again(world)
    await world.press(Press.CONFIRM_AND_OPEN)
    await world.until(S.OPEN)
    passages = {fact.body["passage"] for fact in world.facts("confirmed")}
    assert passages == {world.facts("arrived")[0].ref}


@in_loop
async def test_a_vehicle_behind_an_empty_loop_is_not_read_for_the_one_that_left(make: Make) -> None:
    world = make()
    await world.vehicle_arrives()
    world.barrier.approach_loop = False
    world.reader.plate = "29C99999"
    world.restart()
    await world.until(S.EMPTY)
    assert world.kinds() == ["arrived", "plate_read", "turned_back"]


# -- after a long time


@in_loop
async def test_after_long_the_vehicle_at_an_open_boom_passes_under_no_old_declaration(make: Make) -> None:
    world = make()
    await opened(world)
    world.restart(LONG_S)
    assert (world.kinds()[-1], world.facts("passed")[0].body["assumed"]) == ("passed", True)
    await world.pass_s(3)
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    declared, other = world.facts("passed")
    assert (declared.body["declaration"], "declaration" in other.body) == (NO, False)
    assert world.facts("arrived")[1].ref == other.body["passage"]


@in_loop
async def test_after_long_an_opening_without_an_answer_is_none_and_the_vehicle_is_read(make: Make) -> None:
    world = make()
    await asked(world)
    world.reader.plate = "29C99999"
    world.restart(LONG_S)
    await read_again(world)
    view = world.view()
    assert plate_shown(world) == "29C99999"
    assert (view.vehicle, view.trouble) == (None, ())


@in_loop
async def test_after_long_a_refusal_is_not_held_against_whoever_stands_there(make: Make) -> None:
    world = make()
    await world.vehicle_arrives("29C99999")
    await world.press(Press.REFUSE, reason="thiếu giấy tờ")
    world.restart(LONG_S)
    await read_again(world)
    assert not world.view().refused


@in_loop
async def test_after_long_the_next_vehicle_is_not_taken_for_one_that_had_passed(make: Make) -> None:
    world = make()
    await closing(world)
    world.barrier.stuck = True
    await world.press(Press.EMERGENCY)
    closes(world)
    world.barrier.approach_loop = True
    had = world.kinds()
    world.restart(LONG_S)
    await world.until(S.WAITING)
    assert world.kinds() == [*had, "arrived", "plate_read"]


# -- without a vehicle, and after one


@pytest.mark.parametrize("before", [None, waiting])
@in_loop
async def test_the_reason_of_an_emergency_opening_is_asked_for_again(
    make: Make, before: Before | None
) -> None:
    world = make()
    if before is not None:
        await before(world)
    await world.press(Press.EMERGENCY)
    await world.until(S.OPEN)
    world.restart()
    await world.pass_s(1)
    request = world.facts("open_requested")[0].ref
    assert (world.view().emergency_open, world.lane.state) == (request, S.OPEN)
    world.barrier.approach_loop = False
    closes(world)
    await world.until(S.EMPTY)
    world.restart(LONG_S)
    assert world.view().emergency_open == request
    await world.press(Press.GIVE_REASON, reason="cấp cứu")
    world.restart()
    assert world.view().emergency_open is None


@in_loop
async def test_an_emergency_that_nobody_drove_through_leaves_no_passage(make: Make) -> None:
    world = make()
    await world.press(Press.EMERGENCY)
    await world.until(S.OPEN)
    world.restart()
    await world.until(S.CLOSING)
    await world.controller_closes()
    assert world.kinds() == ["open_requested", "boom opened", "boom closed"]


@in_loop
async def test_a_boom_found_open_unasked_is_told_on_and_recorded_once(make: Make) -> None:
    world = make()
    await world.vehicle_arrives()
    world.barrier.turn_by_key(up=True)
    await world.until(S.OPEN)
    world.restart()
    await world.pass_s(1)
    assert "open_unasked" in world.view().trouble
    leaves(world)
    world.restart()
    await world.until(S.CLOSING)
    assert world.kinds() == ["arrived", "plate_read", "boom open_unasked", "turned_back"]


@pytest.mark.parametrize("passed_written", [False, True])
@in_loop
async def test_a_vehicle_on_the_tail_of_the_first_is_a_passage_of_its_own(
    make: Make, *, passed_written: bool
) -> None:
    world = make(not_taken=())
    await closing(world)
    world.barrier.under_boom_loop = True
    if passed_written:
        world.restart()
    else:
        await world.until(S.PASSING)
        lane = subjects.lane(world.node, "lane-1")
        body = Arrived(place=BARRIER_2_IN[0], heading=BARRIER_2_IN[1], lane="lane-1")
        world.lane.write([Draft("arrived", lane, dump(body))])
        world.restart()
    await world.until(S.PASSING)
    await world.vehicle_clears()
    declared, follower = world.facts("passed")
    assert (declared.body["declaration"], "declaration" in follower.body) == (NO, False)
    assert [fact.ref for fact in world.facts("arrived")] == [
        declared.body["passage"],
        follower.body["passage"],
    ]
