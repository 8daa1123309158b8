"""A lane at work: the whole road of one vehicle, and everything that may go wrong on it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.lane.machine import LaneState
from edge.lane.view import Press, PressRefused
from hardware.errors import BarrierTimeout, BarrierUnreachable
from shared import subjects
from shared.bodies import Passed, dump
from shared.facts import Draft
from tests.builders import BARRIER_2_IN, BORDER_GUARD, CUSTOMS, NO, PLATE, VEHICLE, YARD_IN, declared_body
from tests.edge.world import CENTRE, World
from tests.loop import in_loop

S = LaneState
NEAR_PLATE = PLATE[:-1] + "S"
"""One likely confusion away from the declared plate."""


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """Makes worlds, and closes their stores."""
    made: list[World] = []

    def make_one(**how: Any) -> World:
        made.append(World(tmp_path / str(len(made)), **how))
        return made[-1]

    yield make_one
    for world in made:
        world.store.close()


Make = Callable[..., World]


async def confirmed_by_all(world: World) -> None:
    await world.vehicle_arrives()
    await world.press(Press.CONFIRM, CUSTOMS)
    await world.press(Press.CONFIRM_AND_OPEN)


# -- at a barrier


@in_loop
async def test_the_whole_road_of_one_vehicle(make: Make) -> None:
    world = make()
    await world.vehicle_arrives()
    await world.press(Press.CONFIRM, CUSTOMS)
    assert world.barrier.asked == 0
    await world.press(Press.CONFIRM_AND_OPEN)
    await world.until(S.OPEN)
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    await world.controller_closes()
    assert world.kinds() == [
        "arrived", "plate_read", "confirmed", "confirmed", "open_requested", "boom opened", "passed", "boom closed",
    ]  # fmt: skip
    assert world.barrier.pulses == ["open"]
    assert world.lane.view().passage is None


@in_loop
async def test_every_fact_of_a_passage_names_it_and_the_opening_it_answers(make: Make) -> None:
    world = make()
    await confirmed_by_all(world)
    await world.until(S.OPEN)
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    await world.controller_closes()
    arrived, request = world.facts("arrived")[0], world.facts("open_requested")[0]
    assert {fact.body["passage"] for fact in world.facts()[1:]} == {arrived.ref}
    assert {fact.body["request"] for fact in world.facts("boom_seen")} == {request.ref}
    passed = world.facts("passed")[0]
    assert passed.subject == subjects.vehicle(NO, VEHICLE)
    assert (passed.body["plate"], passed.body["step"], passed.body["request"]) == (
        PLATE,
        "4.2.b",
        request.ref,
    )
    assert world.pictures.path(passed.body["picture"]) is not None


@in_loop
async def test_a_confirmation_says_what_the_officer_saw(make: Make) -> None:
    world = make()
    await confirmed_by_all(world)
    first, second = world.facts("confirmed")
    assert second.body["saw"] == [first.ref]
    assert second.body["declared"] == world.site.declared.ref
    assert second.body["decision"]["verdict"] == "wait"
    assert second.body["decision"]["ages_s"] == {CENTRE: 3}


@in_loop
async def test_a_vehicle_that_nobody_declared_gets_in_only_with_a_border_guards_reason(make: Make) -> None:
    world = make()
    await world.vehicle_arrives("29C99999")
    await world.pass_s(10)
    assert world.barrier.asked == 0
    await world.press(Press.OPEN_WITH_REASON, reason="xe cứu hoả")
    await world.until(S.OPEN)
    asked = world.facts("open_requested")[0]
    assert (asked.body["mode"], asked.body["reason"]) == ("reason", "xe cứu hoả")
    assert asked.body["decision"]["verdict"] == "refuse"
    assert "declaration" not in asked.body


@in_loop
async def test_a_near_match_counts_only_after_an_officer_has_chosen(make: Make) -> None:
    world = make()
    await world.vehicle_arrives(NEAR_PLATE)
    view = world.lane.view()
    assert (view.decision, [c.plate for c in view.candidates]) == (None, [PLATE])
    await world.press(Press.CHOOSE_VEHICLE, CUSTOMS, declaration=NO, vehicle=VEHICLE)
    assert world.facts("plate_corrected")[0].body["read"] == world.facts("plate_read")[0].ref
    assert world.facts("plate_read")[0].body["text"] == NEAR_PLATE
    await world.press(Press.CONFIRM, CUSTOMS)
    await world.press(Press.CONFIRM_AND_OPEN)
    await world.until(S.OPEN)
    assert world.facts("confirmed")[0].body["vehicle"] == VEHICLE


@in_loop
async def test_a_refused_vehicle_turns_back_and_the_boom_never_moves(make: Make) -> None:
    world = make()
    await world.vehicle_arrives()
    await world.press(Press.REFUSE, CUSTOMS, reason="thiếu giấy tờ")
    assert world.lane.view().refused
    with pytest.raises(PressRefused, match="not_offered"):
        await world.press(Press.CONFIRM_AND_OPEN)
    world.vehicle_backs_away()
    await world.until(S.EMPTY)
    assert world.kinds() == ["arrived", "plate_read", "refused", "turned_back"]
    assert world.barrier.asked == 0


@in_loop
async def test_a_recall_that_arrives_while_the_vehicle_stands_there_is_seen_at_once(make: Make) -> None:
    world = make()
    await world.vehicle_arrives()
    token = world.lane.view().token
    world.site.recall()
    world.learn()
    decision = world.lane.view().decision
    assert decision is not None
    assert decision.verdict.value == "refuse"
    with pytest.raises(PressRefused):
        await world.press(Press.CONFIRM, CUSTOMS, token=token)


@in_loop
async def test_a_plate_that_cannot_be_read_is_told_and_can_be_typed(make: Make) -> None:
    world = make()
    await world.vehicle_arrives(None)
    assert "unread" in world.lane.view().trouble
    assert world.kinds() == ["arrived"]
    await world.press(Press.CORRECT_PLATE, CUSTOMS, text="12C-123.45")
    view = world.lane.view()
    assert (view.vehicle, view.trouble) == (VEHICLE, ())
    assert view.plate is not None
    assert view.plate.corrected_by == "customs-1"


@in_loop
async def test_looking_again_reads_the_plate_anew(make: Make) -> None:
    world = make()
    await world.vehicle_arrives(None)
    world.reader.plate = PLATE
    await world.press(Press.LOOK_AGAIN)
    await world.until(lambda: world.lane.view().vehicle == VEHICLE)
    assert world.kinds() == ["arrived", "plate_read"]


# -- the boom


@in_loop
async def test_nothing_moves_at_start_and_nothing_is_written(make: Make) -> None:
    world = make()
    await world.pass_s(5)
    assert (world.barrier.asked, world.kinds(), world.lane.state) == (0, [], S.EMPTY)


@in_loop
async def test_a_boom_that_does_not_move_is_a_fault_and_a_fact_and_gets_no_second_pulse(make: Make) -> None:
    world = make()
    world.barrier.stuck = True
    await confirmed_by_all(world)
    await world.until(S.FAULT)
    await world.pass_s(20)
    assert world.barrier.asked == 1
    assert world.kinds()[-2:] == ["open_requested", "boom did_not_move"]
    assert "boom_did_not_move" in world.lane.view().trouble


@in_loop
async def test_after_a_fault_the_border_guard_may_ask_again_with_a_fact_of_its_own(make: Make) -> None:
    world = make()
    world.barrier.stuck = True
    await confirmed_by_all(world)
    await world.until(S.FAULT)
    world.barrier.stuck = False
    await world.press(Press.OPEN)
    await world.until(S.OPEN)
    assert world.barrier.asked == len(world.facts("open_requested")) == 2
    assert "boom_did_not_move" not in world.lane.view().trouble


@in_loop
async def test_a_pulse_that_surely_failed_is_a_fault_at_once_and_is_not_repeated(make: Make) -> None:
    world = make()
    world.barrier.open_fails = BarrierUnreachable("lane-1: no connection; check the board's cable")
    await confirmed_by_all(world)
    assert world.lane.state is S.FAULT
    await world.pass_s(20)
    assert world.barrier.asked == 1
    assert world.kinds()[-1] == "boom did_not_move"


@in_loop
async def test_a_pulse_without_an_answer_proves_nothing_and_the_limit_switches_decide(make: Make) -> None:
    world = make()
    world.barrier.open_fails = BarrierTimeout("lane-1: no answer", outcome_unknown=True)
    await confirmed_by_all(world)
    assert world.lane.state is S.OPENING
    world.barrier.turn_by_key(up=True)
    await world.until(S.OPEN)
    assert (world.barrier.asked, world.kinds()[-1]) == (1, "boom opened")


@in_loop
async def test_a_boom_found_open_that_nobody_asked_for_is_a_fact(make: Make) -> None:
    world = make()
    world.barrier.turn_by_key(up=True)
    await world.until(S.OPEN)
    assert world.kinds() == ["boom open_unasked"]
    assert "request" not in world.facts()[0].body
    assert "open_unasked" in world.lane.view().trouble


@in_loop
async def test_an_emergency_opens_at_once_and_the_reason_is_asked_afterwards(make: Make) -> None:
    world = make()
    await world.press(Press.EMERGENCY, token="whatever the screen showed")
    await world.until(S.OPEN)
    request = world.facts("open_requested")[0]
    assert (request.body["mode"], world.lane.view().emergency_open) == ("emergency", request.ref)
    await world.press(Press.GIVE_REASON, reason="cấp cứu")
    assert world.facts("open_reason")[0].body["request"] == request.ref
    assert world.lane.view().emergency_open is None


@in_loop
async def test_an_emergency_opening_of_a_stuck_boom_stays_on_the_screen_with_nobody_in_the_lane(
    make: Make,
) -> None:
    world = make()
    world.barrier.stuck = True
    await world.pass_s(3)
    await world.press(Press.EMERGENCY)
    await world.pass_s(20)
    assert world.kinds() == ["open_requested", "boom did_not_move"]
    assert "boom_did_not_move" in world.lane.view().trouble


@in_loop
async def test_a_silent_board_is_told_raises_no_event_and_is_told_no_more_when_it_is_back(make: Make) -> None:
    world = make()
    await world.vehicle_arrives()
    world.barrier.failure = BarrierUnreachable("lane-1: no connection; check the board's cable")
    await world.pass_s(10)
    assert (world.lane.state, world.lane.barrier_shown().position) == (S.WAITING, "unknown")
    assert "barrier_lost" in world.lane.view().trouble
    world.barrier.failure = None
    await world.pass_s(0.1)
    assert "barrier_lost" not in world.lane.view().trouble


@in_loop
async def test_while_the_board_is_silent_no_fact_says_that_the_boom_opened_or_closed(make: Make) -> None:
    world = make()
    await confirmed_by_all(world)
    await world.until(S.OPEN)
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    world.barrier.failure = BarrierUnreachable("lane-1: no connection; check the board's cable")
    await world.pass_s(20)
    assert (world.lane.state, world.kinds()[-1]) == (S.CLOSING, "passed")
    world.barrier.failure = None
    await world.controller_closes()
    assert world.kinds()[-1] == "boom closed"


@in_loop
async def test_a_second_vehicle_on_the_tail_of_the_first_is_no_passage_of_the_declared_one(
    make: Make,
) -> None:
    world = make()
    await confirmed_by_all(world)
    await world.until(S.OPEN)
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    world.barrier.under_boom_loop = True
    await world.until(S.PASSING)
    await world.vehicle_clears()
    declared, follower = world.facts("passed")
    assert declared.body["declaration"] == NO
    assert "declaration" not in follower.body
    assert follower.body["passage"] != declared.body["passage"]


# -- what is not wired


@in_loop
async def test_without_limit_switches_the_travel_time_stands_for_them(make: Make) -> None:
    world = make(unwired=("boom_open", "boom_closed"))
    await confirmed_by_all(world)
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
    await confirmed_by_all(world)
    await world.until(S.FAULT)
    assert world.kinds()[-1] == "boom did_not_move"


@in_loop
async def test_a_boom_whose_upper_switch_is_still_made_has_not_closed_whatever_else_is_not_wired(
    make: Make,
) -> None:
    world = make(unwired=("boom_closed",))
    await confirmed_by_all(world)
    await world.until(S.OPEN)
    await world.vehicle_drives_under()
    await world.vehicle_clears()
    await world.pass_s(20)
    assert (world.lane.state, world.kinds()[-1]) == (S.CLOSING, "passed")


@in_loop
async def test_without_an_approach_loop_the_camera_tells_of_arrival_and_leaving(make: Make) -> None:
    world = make(unwired=("approach_loop",))
    world.reader.plate = None
    await world.pass_s(3)
    assert world.lane.state is S.EMPTY
    world.reader.plate = PLATE
    world.camera.image = world.camera.image + 100
    await world.until(S.WAITING)
    assert world.lane.view().vehicle == VEHICLE
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
    assert "store_broken" in world.lane.view().trouble
    world.disk_broken = False
    await world.press(Press.CONFIRM_AND_OPEN)
    await world.until(S.OPEN)
    assert "store_broken" not in world.lane.view().trouble


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
    world = make()
    world.barrier.approach_loop = True
    await world.until(S.READING)
    world.disk_broken = True
    await world.until(S.WAITING)
    assert world.lane.view().vehicle == VEHICLE


@in_loop
async def test_a_boom_that_moved_while_the_store_was_broken_is_recorded_when_it_is_back(make: Make) -> None:
    world = make()
    await confirmed_by_all(world)
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
    assert "camera_lost" in world.lane.view().trouble
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
    decision = world.lane.view().decision
    assert decision is not None
    assert decision.verdict.value == "open"
    await world.pass_s(10)
    assert world.barrier.asked == 0
    await world.press(Press.OPEN)
    await world.until(S.OPEN)
