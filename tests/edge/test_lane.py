"""A lane at work: the whole road of one vehicle at a barrier, and a boom that does not do what it was asked."""

from collections.abc import Callable

import pytest

from edge.lane.machine import LaneState
from edge.lane.view import Press, PressRefused
from hardware.errors import BarrierTimeout, BarrierUnreachable
from shared import subjects
from tests.builders import CUSTOMS, NO, PLATE, VEHICLE
from tests.edge.world import CENTRE, NEAR_PLATE, World
from tests.loop import in_loop

S = LaneState
Make = Callable[..., World]


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
    assert world.view().passage is None


@in_loop
async def test_every_fact_of_a_passage_names_it_and_the_opening_it_answers(make: Make) -> None:
    world = make()
    await world.confirmed_by_all()
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
    await world.confirmed_by_all()
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
    view = world.view()
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
    assert world.view().refused
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
    token = world.view().token
    world.site.recall()
    world.learn()
    decision = world.view().decision
    assert decision is not None
    assert decision.verdict.value == "refuse"
    with pytest.raises(PressRefused):
        await world.press(Press.CONFIRM, CUSTOMS, token=token)


@in_loop
async def test_a_reading_that_fails_leaves_no_vehicle_waiting_for_it(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr("edge.lane.reading.follow", fails)
    world = make()
    await world.vehicle_arrives()
    assert "unread" in world.view().trouble
    await world.press(Press.CORRECT_PLATE, CUSTOMS, text="12C-123.45")
    shown = world.view().plate
    assert shown is not None
    assert shown.text == "12C12345"


@in_loop
async def test_a_plate_that_cannot_be_read_is_told_and_can_be_typed(make: Make) -> None:
    world = make()
    await world.vehicle_arrives(None)
    assert "unread" in world.view().trouble
    assert world.kinds() == ["arrived"]
    await world.press(Press.CORRECT_PLATE, CUSTOMS, text="12C-123.45")
    view = world.view()
    assert (view.vehicle, view.trouble) == (VEHICLE, ())
    assert view.plate is not None
    assert view.plate.corrected_by == "customs-1"


@in_loop
async def test_looking_again_reads_the_plate_anew(make: Make) -> None:
    world = make()
    await world.vehicle_arrives(None)
    world.reader.plate = PLATE
    await world.press(Press.LOOK_AGAIN)
    await world.until(lambda: world.view().vehicle == VEHICLE)
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
    await world.confirmed_by_all()
    await world.until(S.FAULT)
    await world.pass_s(20)
    assert world.barrier.asked == 1
    assert world.kinds()[-2:] == ["open_requested", "boom did_not_move"]
    assert "boom_did_not_move" in world.view().trouble


@in_loop
async def test_after_a_fault_the_border_guard_may_ask_again_with_a_fact_of_its_own(make: Make) -> None:
    world = make()
    world.barrier.stuck = True
    await world.confirmed_by_all()
    await world.until(S.FAULT)
    world.barrier.stuck = False
    await world.press(Press.OPEN)
    await world.until(S.OPEN)
    assert world.barrier.asked == len(world.facts("open_requested")) == 2
    assert "boom_did_not_move" not in world.view().trouble


@in_loop
async def test_a_pulse_that_surely_failed_is_a_fault_at_once_and_is_not_repeated(make: Make) -> None:
    world = make()
    world.barrier.open_fails = BarrierUnreachable("lane-1: no connection; check the board's cable")
    await world.confirmed_by_all()
    assert world.lane.state is S.FAULT
    await world.pass_s(20)
    assert world.barrier.asked == 1
    assert world.kinds()[-1] == "boom did_not_move"


@in_loop
async def test_a_pulse_without_an_answer_proves_nothing_and_the_limit_switches_decide(make: Make) -> None:
    world = make()
    world.barrier.open_fails = BarrierTimeout("lane-1: no answer", outcome_unknown=True)
    await world.confirmed_by_all()
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
    assert "open_unasked" in world.view().trouble


@in_loop
async def test_an_emergency_opens_at_once_and_the_reason_is_asked_afterwards(make: Make) -> None:
    world = make()
    await world.press(Press.EMERGENCY, token="whatever the screen showed")
    await world.until(S.OPEN)
    request = world.facts("open_requested")[0]
    assert (request.body["mode"], world.view().emergency_open) == ("emergency", request.ref)
    await world.press(Press.GIVE_REASON, reason="cấp cứu")
    assert world.facts("open_reason")[0].body["request"] == request.ref
    assert world.view().emergency_open is None


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
    assert "boom_did_not_move" in world.view().trouble


@in_loop
async def test_a_silent_board_is_told_raises_no_event_and_is_told_no_more_when_it_is_back(make: Make) -> None:
    world = make()
    await world.vehicle_arrives()
    world.barrier.failure = BarrierUnreachable("lane-1: no connection; check the board's cable")
    await world.pass_s(10)
    assert (world.lane.state, world.lane.barrier_shown().position) == (S.WAITING, "unknown")
    assert "barrier_lost" in world.view().trouble
    world.barrier.failure = None
    await world.pass_s(0.1)
    assert "barrier_lost" not in world.view().trouble


@in_loop
async def test_while_the_board_is_silent_no_fact_says_that_the_boom_opened_or_closed(make: Make) -> None:
    world = make()
    await world.confirmed_by_all()
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
    await world.confirmed_by_all()
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
