"""A lane whose parts are missing or broken, and a lane that opens by itself: the gate of a yard."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.lane.machine import LaneState
from edge.lane.view import Press, PressRefused
from shared import subjects
from shared.bodies import Passed, dump
from shared.facts import Draft
from tests.builders import BARRIER_2_IN, BORDER_GUARD, CUSTOMS, NO, PLATE, VEHICLE, YARD_IN, declared_body
from tests.edge.world import NEAR_PLATE, World
from tests.loop import in_loop

S = LaneState
Make = Callable[..., World]


# -- what is not wired


@in_loop
async def test_without_limit_switches_the_travel_time_stands_for_them(make: Make) -> None:
    world = make(unwired=("boom_open", "boom_closed"))
    await world.confirmed_by_all()
    await world.until(S.OPEN)
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    await world.until(S.EMPTY)
    assert world.kinds()[-3:] == ["boom opened", "passed", "boom closed"]


@in_loop
async def test_a_boom_whose_lower_switch_is_still_made_has_not_opened_whatever_else_is_not_wired(
    make: Make,
) -> None:
    world = make(unwired=("boom_open",))
    world.barrier.stuck = True
    await world.confirmed_by_all()
    await world.until(S.FAULT)
    assert world.kinds()[-1] == "boom did_not_move"


@in_loop
async def test_a_boom_whose_upper_switch_is_still_made_has_not_closed_whatever_else_is_not_wired(
    make: Make,
) -> None:
    world = make(unwired=("boom_closed",))
    await world.confirmed_by_all()
    await world.until(S.OPEN)
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    await world.pass_s(20)
    assert (world.lane.state, world.kinds()[-1]) == (S.CLOSING, "passed")


@in_loop
async def test_without_a_loop_under_the_boom_a_vehicle_let_through_is_said_to_be_assumed(make: Make) -> None:
    world = make(unwired=("under_boom_loop",))
    await world.confirmed_by_all()
    await world.until(S.OPEN)
    world.barrier.approach_loop = False
    await world.until(S.CLOSING)
    assert [fact.body["assumed"] for fact in world.facts("passed")] == [True]
    assert world.facts("turned_back") == []


@in_loop
async def test_without_a_loop_under_the_boom_a_vehicle_that_leaves_a_closed_boom_turned_back(
    make: Make,
) -> None:
    world = make(unwired=("under_boom_loop",))
    await world.vehicle_arrives()
    world.vehicle_backs_away()
    await world.until(S.EMPTY)
    assert world.kinds()[-1] == "turned_back"


@in_loop
async def test_without_an_approach_loop_the_camera_tells_of_arrival_and_leaving(make: Make) -> None:
    world = make(unwired=("approach_loop",))
    world.reader.plate = None
    await world.pass_s(3)
    assert world.lane.state is S.EMPTY
    world.reader.plate = PLATE
    world.camera.image = world.camera.image + 100
    await world.until(S.WAITING)
    assert world.view().vehicle == VEHICLE
    world.reader.plate = None
    await world.until(S.EMPTY)
    assert world.kinds() == ["arrived", "plate_read", "turned_back"]


# -- the store and the cameras


@in_loop
async def test_when_the_store_fails_the_press_is_refused_nothing_moves_and_the_lane_says_so_until_it_is_back(
    make: Make,
) -> None:
    world = make()
    await world.vehicle_arrives()
    await world.press(Press.CONFIRM, CUSTOMS)
    world.disk_broken = True
    for what in (Press.CONFIRM_AND_OPEN, Press.EMERGENCY):
        with pytest.raises(PressRefused, match="store_unusable"):
            await world.press(what)
    await world.pass_s(3)
    assert (world.barrier.asked, world.lane.state) == (0, S.WAITING)
    assert "store_broken" in world.view().trouble
    world.disk_broken = False
    await world.press(Press.CONFIRM_AND_OPEN)
    await world.until(S.OPEN)
    assert "store_broken" not in world.view().trouble


@in_loop
async def test_a_vehicle_that_arrives_on_a_broken_store_is_recorded_when_the_store_is_back(
    make: Make,
) -> None:
    world = make()
    world.disk_broken = True
    world.barrier.approach_loop = True
    await world.pass_s(3)
    assert (world.lane.state, world.kinds()) == (S.EMPTY, [])
    world.disk_broken = False
    await world.until(S.WAITING)
    assert world.kinds() == ["arrived", "plate_read"]


@in_loop
async def test_a_store_that_fails_during_the_read_does_not_leave_the_lane_reading_for_ever(
    make: Make,
) -> None:
    world = make(not_taken=("plate_read",))
    await world.vehicle_arrives()
    assert (world.view().vehicle, world.kinds()) == (VEHICLE, ["arrived"])
    assert "store_broken" in world.view().trouble


@in_loop
async def test_a_store_that_cannot_be_read_is_told_and_the_lane_goes_on_with_what_it_knew(make: Make) -> None:
    world = make()
    await world.vehicle_arrives()
    world.store.close()
    await world.pass_s(6)
    view = world.view()
    assert (view.state, view.vehicle, "store_broken" in view.trouble) == (S.WAITING, VEHICLE, True)
    with pytest.raises(PressRefused, match="store_unusable"):
        await world.press(Press.EMERGENCY)
    assert world.barrier.asked == 0


@in_loop
async def test_a_boom_that_moved_while_the_store_was_broken_is_recorded_when_it_is_back(make: Make) -> None:
    world = make()
    await world.confirmed_by_all()
    world.disk_broken = True
    await world.pass_s(10)
    assert world.lane.state is S.OPENING
    world.disk_broken = False
    await world.until(S.OPEN)
    assert world.kinds()[-1] == "boom opened"


@in_loop
async def test_a_dead_camera_is_told_and_stops_nothing_else(make: Make) -> None:
    world = make()
    world.camera.dark = True
    world.reader.plate = None
    world.barrier.approach_loop = True
    await world.pass_s(0.2)
    assert "camera_lost" in world.view().trouble
    await world.press(Press.EMERGENCY)
    await world.until(S.OPEN)
    assert world.lane.live_jpeg() is None


@in_loop
async def test_a_picture_that_cannot_be_kept_costs_the_picture_and_nothing_else(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make()

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(path), len(data))

    monkeypatch.setattr(Path, "write_bytes", full)
    await world.vehicle_arrives()
    read = world.facts("plate_read")[0]
    assert (read.body["text"], "picture" in read.body) == (PLATE, False)


# -- at a yard gate


def came_through_barrier_2(world: World) -> None:
    body = Passed(passage="gate-2.1/1", place=BARRIER_2_IN[0], heading=BARRIER_2_IN[1], lane="l1",
                  plate=PLATE, declaration=NO, vehicle=VEHICLE)  # fmt: skip
    world.site.tell("gate-2", Draft("passed", subjects.vehicle(NO, VEHICLE), dump(body)))
    world.learn()


@in_loop
async def test_a_yard_gate_opens_by_itself_on_an_exact_final_read_with_fresh_knowledge(make: Make) -> None:
    world = make(at=YARD_IN)
    came_through_barrier_2(world)
    world.barrier.approach_loop = True
    await world.until(S.OPEN)
    confirmed, asked = world.facts("confirmed")[0], world.facts("open_requested")[0]
    assert (confirmed.body["by"], asked.body["by"], asked.body["mode"]) == ("device", "device", "device")
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    assert world.barrier.pulses == ["open"]


@in_loop
async def test_a_yard_gate_stays_shut_on_stale_knowledge_and_opens_once_when_it_is_fresh_again(
    make: Make,
) -> None:
    world = make(at=YARD_IN, centre_age_s=601)
    await world.vehicle_arrives()
    await world.pass_s(10)
    assert (world.lane.state, world.barrier.asked) == (S.WAITING, 0)
    world.centre_age_s = 3
    await world.until(S.OPEN)
    await world.pass_s(6)
    assert world.barrier.asked == len(world.facts("open_requested")) == 1


@in_loop
async def test_a_yard_gate_stays_shut_for_a_similar_plate_and_for_one_that_nobody_declared(
    make: Make,
) -> None:
    for plate in (NEAR_PLATE, "29C99999", None):
        world = make(at=YARD_IN)
        await world.vehicle_arrives(plate)
        await world.pass_s(10)
        assert (world.lane.state, world.barrier.asked) == (S.WAITING, 0)


@in_loop
async def test_a_yard_gate_stays_shut_on_a_read_that_is_not_final(make: Make) -> None:
    world = make(at=YARD_IN)
    world.reader.sureness = 0.3
    await world.vehicle_arrives()
    assert world.facts("plate_read")[0].body["final"] is False
    await world.pass_s(10)
    assert (world.lane.state, world.barrier.asked) == (S.WAITING, 0)


@in_loop
async def test_a_yard_gate_opens_when_the_missing_declaration_arrives_after_the_vehicle(make: Make) -> None:
    world = make(at=YARD_IN)
    await world.vehicle_arrives("29C88888")
    await world.pass_s(1)
    assert world.barrier.asked == 0
    other = declared_body(
        no="2026112300002", vehicles=[{"vehicle": "v1", "plate": "29C88888", "country": "VN"}]
    )
    world.site.tell("centre-CKHN", Draft("declared", subjects.declaration("2026112300002"), other))
    world.learn()
    await world.until(S.OPEN)
    assert world.facts("open_requested")[0].body["declaration"] == "2026112300002"


@in_loop
async def test_nothing_opens_by_itself_at_a_barrier_however_sure_and_confirmed(make: Make) -> None:
    world = make()
    world.site.confirm("4.2.b", CUSTOMS, node="gate-2b")
    world.site.confirm("4.2.b", BORDER_GUARD, node="gate-2b")
    world.site.license("gate-2b", [BARRIER_2_IN[0]], [CUSTOMS, BORDER_GUARD])
    world.learn()
    await world.vehicle_arrives()
    decision = world.view().decision
    assert decision is not None
    assert decision.verdict.value == "open"
    await world.pass_s(10)
    assert world.barrier.asked == 0
    await world.press(Press.OPEN)
    await world.until(S.OPEN)
