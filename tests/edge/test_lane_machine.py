"""The lane's table, walked over the whole product of states and events; and the events that levels stand for."""

from collections import deque
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.lane.inputs import GONE_AFTER_S, Presence, events
from edge.lane.machine import TABLE, Action, Event, LaneState, step
from hardware.barrier import Inputs

S, E, A = LaneState, Event, Action
WORLD = list(product(LaneState, Event))
WITHOUT_PEOPLE = tuple(event for event in Event if event not in (E.OPEN_REQUESTED, E.LOOK_AGAIN))


def reachable(start: LaneState, events: tuple[Event, ...] = tuple(Event)) -> set[LaneState]:
    """Every state that some run of events leads to."""
    seen, todo = {start}, deque([start])
    while todo:
        state = todo.popleft()
        new = {step(state, event)[0] for event in events} - seen
        seen |= new
        todo.extend(new)
    return seen


@pytest.mark.parametrize(("state", "event"), WORLD)
def test_the_boom_is_asked_to_move_on_an_opening_that_was_requested_and_on_nothing_else(
    state: LaneState, event: Event
) -> None:
    assert (A.PULSE_OPEN in step(state, event)[1]) == (event is E.OPEN_REQUESTED)


@pytest.mark.parametrize("state", LaneState)
def test_an_opening_is_taken_in_every_state_and_never_leads_back_to_an_empty_lane(state: LaneState) -> None:
    after, actions = step(state, E.OPEN_REQUESTED)
    assert actions == (A.PULSE_OPEN,)
    assert after in (S.OPENING, S.OPEN, S.PASSING)


def test_no_action_closes_the_boom() -> None:
    assert {action for action in Action if "close" in action and not action.startswith("record")} == set()


def test_an_event_without_a_row_changes_nothing() -> None:
    for state, event in WORLD:
        if (state, event) not in TABLE:
            assert step(state, event) == (state, ())


def test_every_row_can_be_reached_from_an_empty_lane() -> None:
    assert {state for state, _ in TABLE} <= reachable(S.EMPTY)
    assert reachable(S.EMPTY) == set(LaneState)


@pytest.mark.parametrize("state", LaneState)
def test_every_state_leads_back_to_an_empty_lane_without_a_person(state: LaneState) -> None:
    assert S.EMPTY in reachable(state, WITHOUT_PEOPLE)


def test_a_fault_ends_by_a_new_request_by_a_boom_that_moved_after_all_and_by_the_vehicle_leaving() -> None:
    ways = {event: step(S.FAULT, event)[0] for event in Event if (S.FAULT, event) in TABLE}
    assert ways == {
        E.OPEN_REQUESTED: S.OPENING,
        E.BOOM_OPEN: S.OPEN,
        E.VEHICLE_GONE: S.EMPTY,
        E.VEHICLE_LEFT_UNSEEN: S.EMPTY,
    }


@pytest.mark.parametrize("state", LaneState)
def test_a_movement_that_failed_is_recorded_wherever_one_was_awaited(state: LaneState) -> None:
    for event in (E.MOVE_TIMED_OUT, E.MOVE_FAILED):
        assert step(state, event)[1] == ((A.RECORD_NOT_MOVED,) if state is S.OPENING else ())


def test_an_open_boom_is_recorded_as_asked_for_exactly_where_a_request_is_under_way() -> None:
    recorded = {state: step(state, E.BOOM_OPEN)[1] for state in LaneState if (state, E.BOOM_OPEN) in TABLE}
    asked = {state for state, actions in recorded.items() if actions == (A.RECORD_OPENED,)}
    unasked = {state for state, actions in recorded.items() if actions == (A.RECORD_OPEN_UNASKED,)}
    assert (asked, unasked) == ({S.OPENING, S.FAULT}, {S.EMPTY, S.READING, S.WAITING})


def test_every_way_into_an_empty_lane_ends_the_passage() -> None:
    into = [(state, event) for (state, event), (after, _) in TABLE.items() if after is S.EMPTY]
    assert all(step(*at)[1][-1] is A.END_PASSAGE for at in into)


def test_a_vehicle_that_left_unseen_ends_what_one_that_left_ends_and_may_have_passed_only_an_open_boom() -> (
    None
):
    unseen = {state: step(state, E.VEHICLE_LEFT_UNSEEN) for state in LaneState}
    taken = {state: row for state, row in unseen.items() if (state, E.VEHICLE_LEFT_UNSEEN) in TABLE}
    assert {state: after for state, (after, _) in taken.items()} == {
        state: step(state, E.VEHICLE_GONE)[0] for state in (S.READING, S.OPEN, S.FAULT)
    }
    assert {state for state, (_, actions) in taken.items() if A.RECORD_LEFT_UNSEEN in actions} == {S.OPEN}


def test_a_vehicle_seen_again_is_read_anew_only_while_it_is_being_read() -> None:
    assert [at for at in TABLE if at[1] is E.VEHICLE_SEEN_AGAIN] == [(S.READING, E.VEHICLE_SEEN_AGAIN)]
    assert step(S.READING, E.VEHICLE_SEEN_AGAIN) == (S.READING, (A.FORGET_PLATE, A.START_READING))


def test_a_passage_begins_only_in_an_empty_lane() -> None:
    assert [at for at, (_, actions) in TABLE.items() if A.BEGIN_PASSAGE in actions] == [
        (S.EMPTY, E.VEHICLE_ARRIVED)
    ]


# -- from levels to events


LEVELS = st.sampled_from([True, False, None])
ANY_INPUTS = st.builds(
    Inputs,
    approach_loop=LEVELS,
    under_boom_loop=LEVELS,
    boom_open=LEVELS,
    boom_closed=LEVELS,
    photocell=LEVELS,
)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (Inputs(boom_open=True), {E.BOOM_OPEN}),
        (Inputs(boom_closed=True), {E.BOOM_CLOSED}),
        (Inputs(boom_open=False, boom_closed=False), set()),
        (Inputs(boom_open=True, boom_closed=True), set()),
        (Inputs(approach_loop=True), {E.VEHICLE_ARRIVED}),
        (Inputs(approach_loop=False), set()),
        (Inputs(under_boom_loop=True), {E.VEHICLE_UNDER}),
        (Inputs(under_boom_loop=False), {E.VEHICLE_CLEAR}),
    ],
)
def test_a_level_stands_for_its_event(inputs: Inputs, expected: set[Event]) -> None:
    assert set(events(inputs, Presence(), 0.0)[0]) == expected


def test_what_is_not_wired_or_silent_raises_no_event_however_long() -> None:
    presence = Presence()
    for now in range(100):
        found, presence = events(Inputs(), presence, float(now))
        assert found == ()


@given(inputs=ANY_INPUTS, since=st.none() | st.floats(0, 100), now=st.floats(100, 200))
def test_no_input_is_believed_to_be_both_ways_and_none_asks_for_an_opening(
    inputs: Inputs, since: float | None, now: float
) -> None:
    found = events(inputs, Presence(since), now)[0]
    assert not {E.BOOM_OPEN, E.BOOM_CLOSED} <= set(found)
    assert not {E.VEHICLE_UNDER, E.VEHICLE_CLEAR} <= set(found)
    assert not {E.VEHICLE_ARRIVED, E.VEHICLE_GONE} <= set(found)
    assert not {E.OPEN_REQUESTED, E.READ_DONE, E.LOOK_AGAIN} & set(found)
    assert not {E.VEHICLE_SEEN_AGAIN, E.VEHICLE_LEFT_UNSEEN} & set(found)


FREE = Inputs(approach_loop=False, under_boom_loop=False)


def test_a_vehicle_is_gone_when_the_loops_were_free_long_enough_and_not_before() -> None:
    _, presence = events(FREE, Presence(), 10.0)
    before, _ = events(FREE, presence, 10.0 + GONE_AFTER_S - 0.01)
    after, _ = events(FREE, presence, 10.0 + GONE_AFTER_S)
    assert (E.VEHICLE_GONE in before, E.VEHICLE_GONE in after) == (False, True)


@pytest.mark.parametrize("loop", ["approach_loop", "under_boom_loop"])
def test_a_loop_occupied_in_between_begins_the_wait_anew(loop: str) -> None:
    _, presence = events(FREE, Presence(), 10.0)
    _, presence = events(replace(FREE, **{loop: True}), presence, 11.0)
    _, presence = events(FREE, presence, 11.5)
    found, _ = events(FREE, presence, 10.0 + GONE_AFTER_S + 0.5)
    assert E.VEHICLE_GONE not in found


def test_a_silent_approach_loop_is_no_sign_that_the_vehicle_left() -> None:
    _, presence = events(FREE, Presence(), 10.0)
    found, presence = events(replace(FREE, approach_loop=None), presence, 20.0)
    assert E.VEHICLE_GONE not in found
    assert presence == Presence(None)
