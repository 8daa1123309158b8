"""After a restart: the passage that a lane's own facts leave unfinished, and what the inputs then say of its vehicle.

Pure. Nothing moves at start: a passage is taken up without a pulse, and what the facts cannot tell is left to the inputs.

- No opening was asked for: a vehicle that is still there is read again under its `arrived` fact, and what was read or said of
  its plate before the restart is not acted on.
- An opening has no answer: whether its pulse went out is not known. The lane stands in FAULT: a boom that is open answers the
  opening, for one that is closed the officer presses again.
- The boom was open: the lane stands in OPEN; its vehicle may have gone through while nobody watched (`inputs_tell`).
- The passage has ended: only the boom's closing is awaited.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from edge.lane.machine import Event, LaneState
from edge.lane.passage import Correction, Passage
from edge.pictures import Kept
from edge.vision.vote import Candidate
from shared.bodies import (
    Arrived,
    BoomSeen,
    BoomState,
    Confirmed,
    OpenMode,
    OpenReason,
    OpenRequested,
    Passed,
    PlateCorrected,
    PlateRead,
    Refused,
    TurnedBack,
    read_body,
)
from shared.body import Body
from shared.codes import Country, Ground
from shared.facts import Fact, FactError
from shared.node.store import Store

RESUME_WITHIN = timedelta(minutes=15)
"""Since the lane's last fact. After longer the vehicle at an open boom may be another: it passes under no old declaration."""

MOST_FACTS = 5_000
"""How far back a lane looks in its node's journal: half a day of the busiest gate, some tenths of a second to read."""

KINDS = frozenset(
    {
        "arrived",
        "plate_read",
        "plate_corrected",
        "confirmed",
        "refused",
        "open_requested",
        "open_reason",
        "boom_seen",
        "passed",
        "turned_back",
    }
)
"""Kinds of facts that say how a lane stands."""

_BOOM_UP = (LaneState.OPEN, LaneState.PASSING, LaneState.CLOSING)


@dataclass(frozen=True)
class EarlierRead:
    """A read as its `plate_read` fact tells it; the looks behind it are gone."""

    text: str
    country: Country | None
    ground: Ground | None
    probability: float
    looks: int
    agreeing: int
    final: bool
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Resumed:
    """How a lane stands by its facts.

    `request`: the opening that the boom was last asked for. `unexplained`: an emergency opening without its reason.
    `stale`: the last fact is older than `RESUME_WITHIN`.
    """

    state: LaneState = LaneState.EMPTY
    passage: Passage | None = None
    request: str | None = None
    unexplained: str | None = None
    stale: bool = False

    @property
    def unwatched(self) -> bool:
        """True when the vehicle may have left while no program watched the loops."""
        return self.state in (LaneState.READING, LaneState.OPEN, LaneState.FAULT)

    @property
    def trouble(self) -> tuple[str, ...]:
        """What the screen goes on saying (codes of `LaneView.trouble`)."""
        if self.state is LaneState.FAULT:
            return ("boom_did_not_move",)
        return ("open_unasked",) if self.state in _BOOM_UP and self.request is None else ()


def read_lane(store: Store, journal: str, lane: str) -> Resumed:
    """How a lane stands by the newest facts of its node's journal. Raises StoreUnusable."""
    return resumed(store.newest(journal, KINDS, MOST_FACTS), lane, store.clock.now().wall)


def resumed(facts: Sequence[Fact], lane: str, now: datetime) -> Resumed:
    """How a lane stands by its node's facts, in order; those of other lanes are passed over."""
    left = Resumed()
    told_at: datetime | None = None
    for fact, body in _bodies(facts, lane):
        after = _after(left, fact, body)
        told_at = told_at if after is left else fact.stamp.wall
        left = after
    stale = told_at is not None and now - told_at > RESUME_WITHIN
    return _taken_up(replace(left, stale=stale))


def inputs_tell(seen: tuple[Event, ...]) -> tuple[tuple[Event, ...], bool]:
    """What the inputs say of an unwatched vehicle: the events to take, and whether it is seen to be there.

    Until it is seen there or gone, a closed boom ends nothing: the vehicle may have gone
    through before it closed.
    """
    if Event.VEHICLE_ARRIVED in seen or Event.VEHICLE_UNDER in seen:
        return (*seen, Event.VEHICLE_SEEN_AGAIN), True
    if Event.VEHICLE_GONE in seen:
        return (Event.VEHICLE_LEFT_UNSEEN,), False
    return tuple(event for event in seen if event is not Event.BOOM_CLOSED), False


def _taken_up(left: Resumed) -> Resumed:
    """Leaves out of the last state what may not be held on to any more."""
    if left.state in _BOOM_UP or (left.state is LaneState.FAULT and not left.stale):
        return left
    passage, unexplained = left.passage, left.unexplained
    if passage is None or passage.passed:
        return Resumed(unexplained=unexplained)
    refused = None if left.stale else passage.refused
    unasked = replace(passage, refused=refused, request=None)
    return Resumed(LaneState.READING, unasked, unexplained=unexplained, stale=left.stale)


def _bodies(facts: Iterable[Fact], lane: str) -> Iterable[tuple[Fact, Body]]:
    for fact in facts:
        if fact.body.get("lane", lane) != lane:
            continue
        try:
            yield fact, read_body(fact)
        except FactError:  # of another version of this program: it says nothing here
            continue


def _after(left: Resumed, fact: Fact, body: Body) -> Resumed:
    """How the lane stands after one more fact; the same object when the fact says nothing of it."""
    match body:
        case Arrived():
            # while the boom is up, `arrived` is written only of a vehicle that has just followed through
            follows = left.state in _BOOM_UP
            state = LaneState.PASSING if follows else LaneState.READING
            return replace(left, state=state, passage=Passage(fact.ref, fact.at))
        case OpenRequested():
            return _asked(left, fact, body)
        case OpenReason() if body.request == left.unexplained:
            return replace(left, unexplained=None)
        case BoomSeen():
            return _boom(left, body)
        case Passed() | TurnedBack() if left.passage is not None and body.passage == left.passage.ref:
            if left.state not in _BOOM_UP:
                return Resumed(unexplained=left.unexplained)
            return replace(left, state=LaneState.CLOSING, passage=replace(left.passage, passed=True))
        case _ if left.passage is not None and fact.body.get("passage") == left.passage.ref:
            return replace(left, passage=_known(left.passage, fact, body))
    return left


def _asked(left: Resumed, fact: Fact, body: OpenRequested) -> Resumed:
    emergency = body.mode is OpenMode.EMERGENCY
    return replace(
        left,
        state=left.state if left.state in (LaneState.OPEN, LaneState.PASSING) else LaneState.FAULT,
        passage=replace(left.passage, request=fact.ref) if left.passage else None,
        request=fact.ref,
        unexplained=fact.ref if emergency else left.unexplained,
    )


def _boom(left: Resumed, body: BoomSeen) -> Resumed:
    match body.state:
        case BoomState.OPENED:
            return replace(left, state=LaneState.OPEN, request=body.request)
        case BoomState.OPEN_UNASKED:
            return replace(left, state=LaneState.OPEN, request=None)
        case BoomState.DID_NOT_MOVE:
            return replace(left, state=LaneState.FAULT)
        case BoomState.CLOSED:
            return Resumed(unexplained=left.unexplained)


def _known(passage: Passage, fact: Fact, body: Body) -> Passage:
    """What a fact adds to what is known of the vehicle."""
    match body:
        case PlateRead():
            kept = Kept(body.picture, body.thumbnail) if body.picture and body.thumbnail else None
            read = replace(passage, read=_read(body), read_ref=fact.ref, camera=body.camera, kept=kept)
            return replace(read, trailer=body.trailer)
        case PlateCorrected():
            said = Correction(body.text, body.officer, body.declaration, body.vehicle)
            return replace(passage, correction=said)
        case Refused():
            return replace(passage, refused=fact.ref)
        case Confirmed():
            return replace(passage, refused=None)
    return passage


def _read(body: PlateRead) -> EarlierRead:
    candidates = tuple(Candidate(one.text, one.probability) for one in body.candidates)
    return EarlierRead(
        text=body.text,
        country=body.country,
        ground=body.ground,
        probability=body.confidence,
        looks=body.looks,
        agreeing=body.agreeing,
        final=body.final,
        candidates=candidates,
    )
