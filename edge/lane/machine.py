"""The lane's state machine, as data: one vehicle from the loop to the closed boom.

The table says what follows from each event in each state. Whatever is not in it changes nothing: a lane never moves its boom
because of an event it did not expect. Actions are names; `edge.lane.lane` carries them out.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class LaneState(StrEnum):
    """Where a lane is between two vehicles."""

    EMPTY = "empty"
    READING = "reading"
    WAITING = "waiting"
    OPENING = "opening"
    OPEN = "open"
    PASSING = "passing"
    CLOSING = "closing"
    FAULT = "fault"


class Event(StrEnum):
    """What inputs, reader, officers and clocks tell a lane."""

    VEHICLE_ARRIVED = "vehicle_arrived"
    READ_DONE = "read_done"
    LOOK_AGAIN = "look_again"
    OPEN_REQUESTED = "open_requested"
    BOOM_OPEN = "boom_open"
    BOOM_CLOSED = "boom_closed"
    VEHICLE_UNDER = "vehicle_under"
    VEHICLE_CLEAR = "vehicle_clear"
    VEHICLE_GONE = "vehicle_gone"
    VEHICLE_SEEN_AGAIN = "vehicle_seen_again"
    VEHICLE_LEFT_UNSEEN = "vehicle_left_unseen"
    MOVE_TIMED_OUT = "move_timed_out"
    MOVE_FAILED = "move_failed"


class Action(StrEnum):
    """What a lane does on a transition."""

    BEGIN_PASSAGE = "begin_passage"
    FORGET_PLATE = "forget_plate"
    START_READING = "start_reading"
    DECIDE = "decide"
    PULSE_OPEN = "pulse_open"
    RECORD_OPENED = "record_opened"
    RECORD_CLOSED = "record_closed"
    RECORD_NOT_MOVED = "record_not_moved"
    RECORD_OPEN_UNASKED = "record_open_unasked"
    RECORD_PASSED = "record_passed"
    RECORD_TURNED_BACK = "record_turned_back"
    RECORD_LEFT_UNSEEN = "record_left_unseen"
    END_PASSAGE = "end_passage"


S, E, A = LaneState, Event, Action
Transition = tuple[LaneState, tuple[Action, ...]]

TABLE: Mapping[tuple[LaneState, Event], Transition] = MappingProxyType(
    {
        (S.EMPTY, E.VEHICLE_ARRIVED): (S.READING, (A.BEGIN_PASSAGE, A.START_READING)),
        (S.EMPTY, E.OPEN_REQUESTED): (S.OPENING, (A.PULSE_OPEN,)),
        (S.EMPTY, E.BOOM_OPEN): (S.OPEN, (A.RECORD_OPEN_UNASKED,)),
        (S.READING, E.READ_DONE): (S.WAITING, (A.DECIDE,)),
        (S.READING, E.VEHICLE_GONE): (S.EMPTY, (A.RECORD_TURNED_BACK, A.END_PASSAGE)),
        (S.READING, E.VEHICLE_SEEN_AGAIN): (S.READING, (A.FORGET_PLATE, A.START_READING)),
        (S.READING, E.VEHICLE_LEFT_UNSEEN): (S.EMPTY, (A.RECORD_TURNED_BACK, A.END_PASSAGE)),
        (S.READING, E.OPEN_REQUESTED): (S.OPENING, (A.PULSE_OPEN,)),
        (S.READING, E.BOOM_OPEN): (S.OPEN, (A.RECORD_OPEN_UNASKED,)),
        (S.WAITING, E.READ_DONE): (S.WAITING, (A.DECIDE,)),
        (S.WAITING, E.LOOK_AGAIN): (S.READING, (A.START_READING,)),
        (S.WAITING, E.VEHICLE_GONE): (S.EMPTY, (A.RECORD_TURNED_BACK, A.END_PASSAGE)),
        (S.WAITING, E.OPEN_REQUESTED): (S.OPENING, (A.PULSE_OPEN,)),
        (S.WAITING, E.BOOM_OPEN): (S.OPEN, (A.RECORD_OPEN_UNASKED,)),
        (S.OPENING, E.OPEN_REQUESTED): (S.OPENING, (A.PULSE_OPEN,)),
        (S.OPENING, E.BOOM_OPEN): (S.OPEN, (A.RECORD_OPENED,)),
        (S.OPENING, E.VEHICLE_UNDER): (S.PASSING, (A.RECORD_OPENED,)),
        (S.OPENING, E.MOVE_TIMED_OUT): (S.FAULT, (A.RECORD_NOT_MOVED,)),
        (S.OPENING, E.MOVE_FAILED): (S.FAULT, (A.RECORD_NOT_MOVED,)),
        (S.OPEN, E.OPEN_REQUESTED): (S.OPEN, (A.PULSE_OPEN,)),
        (S.OPEN, E.VEHICLE_UNDER): (S.PASSING, ()),
        (S.OPEN, E.BOOM_CLOSED): (S.EMPTY, (A.RECORD_CLOSED, A.END_PASSAGE)),
        (S.OPEN, E.VEHICLE_GONE): (S.CLOSING, (A.RECORD_TURNED_BACK,)),
        (S.OPEN, E.VEHICLE_LEFT_UNSEEN): (S.CLOSING, (A.RECORD_LEFT_UNSEEN,)),
        (S.PASSING, E.OPEN_REQUESTED): (S.PASSING, (A.PULSE_OPEN,)),
        (S.PASSING, E.VEHICLE_CLEAR): (S.CLOSING, (A.RECORD_PASSED,)),
        (S.CLOSING, E.OPEN_REQUESTED): (S.OPENING, (A.PULSE_OPEN,)),
        (S.CLOSING, E.BOOM_CLOSED): (S.EMPTY, (A.RECORD_CLOSED, A.END_PASSAGE)),
        (S.CLOSING, E.VEHICLE_UNDER): (S.PASSING, ()),
        (S.FAULT, E.OPEN_REQUESTED): (S.OPENING, (A.PULSE_OPEN,)),
        (S.FAULT, E.BOOM_OPEN): (S.OPEN, (A.RECORD_OPENED,)),
        (S.FAULT, E.VEHICLE_GONE): (S.EMPTY, (A.RECORD_TURNED_BACK, A.END_PASSAGE)),
        (S.FAULT, E.VEHICLE_LEFT_UNSEEN): (S.EMPTY, (A.RECORD_TURNED_BACK, A.END_PASSAGE)),
    }
)
"""The boom moves on OPEN_REQUESTED alone, and OPEN_REQUESTED is raised only by a fact that is on disk. Nothing moves at start."""


def step(state: LaneState, event: Event) -> Transition:
    """What follows: the next state and the actions. An event with no row leaves everything as it is."""
    return TABLE.get((state, event), (state, ()))
