"""What a lane shows and what a person may press: immutable values between the lane and its screens."""

from dataclasses import dataclass, field
from enum import StrEnum

from edge.capture import CameraState
from edge.lane.machine import LaneState
from shared.codes import Actor, Agency, Heading, Place
from shared.decide import Decision
from shared.declared import Declaration
from shared.matching import ActiveVehicle, Outcome


class StepState(StrEnum):
    """How a step of the procedure stands for the vehicle before the boom."""

    DONE = "done"
    NOW = "now"
    TO_COME = "to_come"
    PASSED_OVER = "passed_over"


class TickState(StrEnum):
    """How one agency's confirmation of a step stands. "Not requested" is not "done"."""

    DONE = "done"
    MISSING = "missing"
    NOT_REQUESTED = "not_requested"


@dataclass(frozen=True)
class Tick:
    """One agency at one step: `at` is the confirmation's stamp, `officer` who gave it."""

    by: Agency | Actor
    state: TickState
    officer: str | None = None
    at: str | None = None


@dataclass(frozen=True)
class StepLine:
    """One step of the procedure as a line on the screen; `what` by language."""

    clause: str
    place: Place
    state: StepState
    what: dict[str, str]
    ticks: tuple[Tick, ...] = ()


@dataclass(frozen=True)
class PlateShown:
    """The read (or the officer's correction of it) and the picture that carries the evidence (SHA-256)."""

    text: str
    country: str | None
    confidence: float
    looks: int
    agreeing: int
    final: bool
    picture: str | None
    corrected_by: str | None = None


@dataclass(frozen=True)
class CameraShown:
    """A camera's state (`edge.capture`), the age of its newest frame and the sentence of its last error.

    `troubles`: why its pictures cannot be trusted though they come (`PictureTrouble`); `untrusted_share`: of the last 24
    hours watched, from 0 to 1.
    """

    name: str
    state: str
    age_s: float | None
    error: str | None
    troubles: tuple[str, ...] = ()
    untrusted_share: float = 0.0

    @property
    def untrusted(self) -> bool:
        """True while pictures come and cannot be trusted; one that gives none is lost, whatever it was before."""
        return self.state == CameraState.LIVE and bool(self.troubles)


@dataclass(frozen=True)
class BarrierShown:
    """The boom: position by its limit switches, and one sentence when it cannot be reached."""

    position: str
    error: str | None = None


@dataclass(frozen=True)
class LaneView:
    """Everything a screen shows of one lane at one moment.

    `token` changes with everything that a press depends on: a press made on an older picture is refused, never guessed at.
    """

    node: str
    lane: str
    place: Place
    heading: Heading
    state: LaneState
    token: str
    passage: str | None = None
    arrived_at: str | None = None
    plate: PlateShown | None = None
    outcome: Outcome | None = None
    candidates: tuple[ActiveVehicle, ...] = ()
    declaration: Declaration | None = None
    vehicle: str | None = None
    decision: Decision | None = None
    steps: tuple[StepLine, ...] = ()
    cameras: tuple[CameraShown, ...] = ()
    barrier: BarrierShown = BarrierShown("unknown")
    refused: bool = False
    """An officer has sent this vehicle back and nobody has lifted that."""
    emergency_open: str | None = None
    """Reference of an emergency opening whose reason has not been given yet."""
    trouble: tuple[str, ...] = ()
    """Codes of what is wrong with the lane now: camera_lost, reader_lost, barrier_lost, boom_did_not_move, unread,
    open_unasked."""


class Press(StrEnum):
    """What an officer can press."""

    CONFIRM = "confirm"
    CONFIRM_AND_OPEN = "confirm_and_open"
    OPEN = "open"
    OPEN_WITH_REASON = "open_with_reason"
    REFUSE = "refuse"
    CORRECT_PLATE = "correct_plate"
    CHOOSE_VEHICLE = "choose_vehicle"
    LOOK_AGAIN = "look_again"
    EMERGENCY = "emergency"
    GIVE_REASON = "give_reason"


@dataclass(frozen=True)
class Officer:
    """Who presses, at which screen, for which agency."""

    code: str
    agency: Agency
    screen: str


@dataclass(frozen=True)
class Pressed:
    """One press. `token` is the `LaneView.token` that the officer saw; `values` by press: reason, text, declaration, vehicle."""

    press: Press
    officer: Officer
    token: str
    values: dict[str, str] = field(default_factory=dict)


class PressRefused(Exception):
    """A press was not carried out; `code` is a word of the screen's catalogue (group `refused`)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Buttons:
    """What an officer of one agency is offered: one primary button at the most, and the quiet ones."""

    primary: Press | None
    others: tuple[Press, ...]
