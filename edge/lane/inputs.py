"""From the levels of inputs to the lane's events: pure, time passed in."""

from dataclasses import dataclass, replace

from edge.lane.machine import Event
from hardware.barrier import BoomPosition, Inputs

GONE_AFTER_S = 2.0
"""Both loops free for this long: the vehicle has left. A trailer's gap between two loops is shorter."""


@dataclass(frozen=True)
class Presence:
    """What is remembered between two looks at the inputs. `free_since`: since when no vehicle is seen, None while one is."""

    free_since: float | None = None


def events(inputs: Inputs, presence: Presence, now: float) -> tuple[tuple[Event, ...], Presence]:
    """The events that the levels stand for now; the machine takes those that mean something in its state.

    An input that is not wired or silent (None) raises no event.
    """
    found: list[Event] = []
    if inputs.position is BoomPosition.OPEN:
        found.append(Event.BOOM_OPEN)
    elif inputs.position is BoomPosition.CLOSED:
        found.append(Event.BOOM_CLOSED)
    if inputs.under_boom_loop is True:
        found.append(Event.VEHICLE_UNDER)
    elif inputs.under_boom_loop is False:
        found.append(Event.VEHICLE_CLEAR)
    if inputs.approach_loop is True:
        found.append(Event.VEHICLE_ARRIVED)
    free = inputs.approach_loop is False and not inputs.under_boom_loop
    since = (presence.free_since if presence.free_since is not None else now) if free else None
    if since is not None and now - since >= GONE_AFTER_S:
        found.append(Event.VEHICLE_GONE)
    return tuple(found), replace(presence, free_since=since)
