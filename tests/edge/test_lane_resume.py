"""A gate killed in the middle of a passage: the lane that starts goes on with it by its own facts, and moves nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from edge.lane.machine import LaneState
from edge.lane.resume import KINDS, RESUME_WITHIN, resumed
from edge.lane.view import Press
from hardware.errors import BarrierUnreachable
from shared import subjects
from shared.bodies import Passed, dump
from shared.facts import Draft
from shared.journal import journal_id
from tests.builders import BARRIER_2_IN, NO, PLATE, VEHICLE, YARD_IN
from tests.edge.kills import (
    Before,
    asked,
    closes,
    closing,
    drives_under,
    leaves,
    leaves_and_closes,
    nothing,
    opened,
    opening,
    passing,
    waiting,
)
from tests.edge.world import World
from tests.loop import in_loop

S = LaneState
Make = Callable[..., World]


@pytest.mark.parametrize(
    ("before", "meanwhile", "written", "state"),
    [
        (waiting, nothing, ["plate_read"], S.WAITING),
        (waiting, leaves, ["turned_back"], S.EMPTY),
        (asked, nothing, [], S.FAULT),
        (asked, leaves, ["turned_back"], S.EMPTY),
        (opening, nothing, ["boom opened"], S.OPEN),
        (opening, drives_under, ["boom opened"], S.PASSING),
        (opening, leaves, ["boom opened", "passed"], S.CLOSING),
        (opening, leaves_and_closes, ["turned_back"], S.EMPTY),
        (opened, nothing, [], S.OPEN),
        (opened, drives_under, [], S.PASSING),
        (opened, leaves, ["passed"], S.CLOSING),
        (opened, leaves_and_closes, ["passed", "boom closed"], S.EMPTY),
        (opened, closes, ["boom closed", "arrived", "plate_read"], S.WAITING),
        (passing, nothing, [], S.PASSING),
        (passing, leaves, ["passed"], S.CLOSING),
        (closing, nothing, [], S.CLOSING),
        (closing, closes, ["boom closed"], S.EMPTY),
    ],
)
@in_loop
async def test_a_lane_goes_on_where_its_facts_and_its_inputs_say_it_stands(
    make: Make, before: Before, meanwhile: Callable[[World], None], written: list[str], state: LaneState
) -> None:
    world = make()
    await before(world)
    had, pulses = len(world.facts()), world.barrier.asked
    meanwhile(world)
    world.restart()
    await world.pass_s(12)
    assert (world.kinds()[had:], world.lane.state) == (written, state)
    assert world.barrier.asked == pulses
    new = world.facts()[had:]
    assert {f.body["declaration"] for f in new if f.kind in ("passed", "turned_back")} <= {NO}
    assert all(fact.body["assumed"] for fact in new if fact.kind == "passed")
    named = {fact.body["passage"] for fact in new if fact.kind != "arrived"}
    assert named <= {fact.ref for fact in world.facts("arrived")}


@pytest.mark.parametrize("before", [opening, opened, passing])
@in_loop
async def test_a_declared_vehicle_that_was_let_in_passes_as_declared(make: Make, before: Before) -> None:
    world = make()
    await before(world)
    world.restart()
    await world.pass_s(3)
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    await world.controller_closes()
    assert world.kinds() == [
        "arrived", "plate_read", "confirmed", "confirmed", "open_requested", "boom opened", "passed", "boom closed",
    ]  # fmt: skip
    arrived, request = world.facts("arrived")[0], world.facts("open_requested")[0]
    passed = world.facts("passed")[0]
    assert passed.subject == subjects.vehicle(NO, VEHICLE)
    assert (passed.body["passage"], passed.body["request"]) == (arrived.ref, request.ref)
    assert (passed.body["step"], passed.body["assumed"], passed.body["plate"]) == ("4.2.b", False, PLATE)
    assert passed.body["picture"] == world.facts("plate_read")[0].body["picture"]
    assert {fact.body["request"] for fact in world.facts("boom_seen")} == {request.ref}
    assert world.barrier.asked == 1


@in_loop
async def test_a_lane_that_is_killed_again_and_again_writes_nothing_twice(make: Make) -> None:
    world = make()
    await opened(world)
    had = world.kinds()
    for _ in range(3):
        world.restart()
        await world.pass_s(3)
    assert world.kinds() == had
    leaves_and_closes(world)
    for _ in range(3):
        world.restart()
        await world.pass_s(3)
    assert world.kinds() == [*had, "passed", "boom closed"]


@in_loop
async def test_a_vehicle_seen_again_and_then_gone_has_turned_back(make: Make) -> None:
    world = make()
    await opened(world)
    world.restart()
    await world.pass_s(1)
    world.vehicle_backs_away()
    await world.until(S.CLOSING)
    assert world.kinds()[-1] == "turned_back"


@in_loop
async def test_while_the_board_is_silent_nothing_is_said_of_the_vehicle(make: Make) -> None:
    world = make()
    await opened(world)
    had = world.kinds()
    leaves_and_closes(world)
    world.camera.dark = True
    world.barrier.failure = BarrierUnreachable("lane-1: no connection; check the board's cable")
    world.restart()
    await world.pass_s(10)
    assert (world.kinds(), "barrier_lost" in world.view().trouble) == (had, True)
    world.barrier.failure = None
    await world.until(S.EMPTY)
    assert world.kinds() == [*had, "passed", "boom closed"]


@in_loop
async def test_a_passage_that_could_not_be_ended_on_a_broken_store_is_ended_when_it_is_back(
    make: Make,
) -> None:
    world = make()
    await opened(world)
    leaves_and_closes(world)
    world.disk_broken = True
    world.restart()
    await world.pass_s(10)
    world.disk_broken = False
    await world.until(S.EMPTY)
    assert world.kinds()[-2:] == ["passed", "boom closed"]


@in_loop
async def test_a_store_that_cannot_be_read_at_start_is_told_and_the_lane_starts(make: Make) -> None:
    world = make()
    await opened(world)
    world.store.close()
    world.restart()
    await world.pass_s(1)
    assert "store_broken" in world.view().trouble


@in_loop
async def test_without_an_approach_loop_the_camera_tells_whether_the_vehicle_is_still_there(
    make: Make,
) -> None:
    for plate, written in ((PLATE, []), (None, ["passed"])):
        world = make(unwired=("approach_loop", "under_boom_loop"))
        await opened(world)
        had = len(world.facts())
        world.reader.plate = plate
        world.restart()
        await world.pass_s(10)
        assert world.kinds()[had:] == written


# -- an opening without an answer


@in_loop
async def test_an_opening_whose_pulse_was_not_sent_is_told_and_asked_for_again_by_a_person(
    make: Make,
) -> None:
    world = make()
    await asked(world)
    world.restart()
    await world.pass_s(10)
    assert (world.barrier.asked, "boom_did_not_move" in world.view().trouble) == (0, True)
    await world.press(Press.OPEN)
    await world.until(S.OPEN)
    assert world.facts("boom_seen")[0].body["request"] == world.facts("open_requested")[1].ref
    assert (world.barrier.asked, "boom_did_not_move" in world.view().trouble) == (1, False)
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    assert world.facts("passed")[0].body["declaration"] == NO


@in_loop
async def test_a_yard_gate_does_not_ask_by_itself_a_second_time(make: Make) -> None:
    world = make(at=YARD_IN)
    body = Passed(passage="gate-2.1/1", place=BARRIER_2_IN[0], heading=BARRIER_2_IN[1], lane="l1",
                  plate=PLATE, declaration=NO, vehicle=VEHICLE)  # fmt: skip
    world.site.tell("gate-2", Draft("passed", subjects.vehicle(NO, VEHICLE), dump(body)))
    world.learn()
    world.barrier.stuck = True
    world.barrier.approach_loop = True
    await world.until(S.OPENING)
    world.restart()
    await world.pass_s(10)
    assert world.barrier.asked == len(world.facts("open_requested")) == 1


@in_loop
async def test_a_boom_that_did_not_move_stays_a_fault(make: Make) -> None:
    world = make()
    world.barrier.stuck = True
    await world.confirmed_by_all()
    await world.until(S.FAULT)
    had = world.kinds()
    world.restart()
    await world.pass_s(10)
    assert (world.lane.state, world.kinds()) == (S.FAULT, had)
    assert "boom_did_not_move" in world.view().trouble


# -- from facts alone


@in_loop
async def test_how_a_lane_stands_after_each_fact_of_a_road(make: Make) -> None:
    world = make()
    await closing(world)
    await world.controller_closes()
    facts = world.facts()
    now = facts[-1].stamp.wall
    stood = [resumed(facts[:held], "lane-1", now).state for held in range(len(facts) + 1)]
    assert stood == [
        S.EMPTY, S.READING, S.READING, S.READING, S.READING, S.FAULT, S.OPEN, S.CLOSING, S.EMPTY,
    ]  # fmt: skip


@in_loop
async def test_what_other_lanes_wrote_and_what_is_not_understood_says_nothing(make: Make) -> None:
    world = make()
    await opened(world)
    facts = world.facts()
    now = facts[-1].stamp.wall
    others = [replace(f, body={**f.body, "lane": "lane-2"}) for f in facts if "lane" in f.body]
    newer = replace(facts[0], v=9)
    assert resumed([*facts, *others, newer], "lane-1", now) == resumed(facts, "lane-1", now)
    assert resumed(facts, "lane-2", now).state is S.EMPTY


@in_loop
async def test_a_passage_is_stale_by_the_lanes_last_fact(make: Make) -> None:
    world = make()
    await opened(world)
    facts = world.facts()
    last = facts[-1].stamp.wall
    assert not resumed(facts, "lane-1", last + RESUME_WITHIN).stale
    assert resumed(facts, "lane-1", last + RESUME_WITHIN + timedelta(seconds=1)).stale


@in_loop
async def test_the_newest_facts_of_a_journal_come_in_order_and_are_no_more_than_asked_for(make: Make) -> None:
    world = make()
    await opened(world)
    store, journal = world.store, journal_id(world.node)
    assert store.newest(journal, KINDS, 100) == world.facts()
    assert [f.kind for f in store.newest(journal, KINDS, 2)] == ["open_requested", "boom_seen"]
    assert [f.kind for f in store.newest(journal, {"arrived", "confirmed"}, 2)] == ["confirmed", "confirmed"]
    assert store.newest(journal_id("nobody"), KINDS, 100) == []
