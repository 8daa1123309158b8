"""The physics of one lane: a boom with a motor and two limit switches, two loops, and the vehicles.

Nothing here runs by itself: time is passed in, in seconds of any monotonic clock, and what became due in
between happens at its own exact time. `events` is the ground truth that a scenario is judged by.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

CLOSED, OPEN = 0.0, 1.0


class BoomEventKind(Enum):
    """What can really happen in a lane."""

    OPEN_PULSE = "open_pulse"
    CLOSE_PULSE = "close_pulse"
    CLOSE_REFUSED = "close_refused"
    """Asked to close while a vehicle stood under the boom: the controller's own protection."""
    BOOM_OPEN_STARTED = "boom_open_started"
    BOOM_OPEN = "boom_open"
    BOOM_CLOSE_STARTED = "boom_close_started"
    BOOM_CLOSED = "boom_closed"
    VEHICLE_ARRIVED = "vehicle_arrived"
    VEHICLE_UNDER = "vehicle_under"
    VEHICLE_PASSED = "vehicle_passed"
    VEHICLE_BACKED_AWAY = "vehicle_backed_away"


@dataclass(frozen=True)
class BoomEvent:
    """One thing that happened; `vehicle` is the name it arrived with, empty where none is concerned."""

    at_s: float
    kind: BoomEventKind
    vehicle: str = ""


class ImpossibleMove(Exception):
    """A scenario asked a vehicle for what it cannot do: the mistake is the scenario's."""


class Boom:
    """One boom and the road under it.

    travel_s: from one limit to the other. auto_close_s: its controller closes this long after the last vehicle
    has cleared the loop under it (None: never). passing_s: how long a vehicle is under the boom.
    """

    def __init__(
        self, *, travel_s: float = 1.2, auto_close_s: float | None = 2.0, passing_s: float = 1.5
    ) -> None:
        self.events: list[BoomEvent] = []
        self._travel_s = travel_s
        self._auto_close_s = auto_close_s
        self._passing_s = passing_s
        self._now_s = float("-inf")
        self._height = CLOSED
        self._target: float | None = None
        self._close_at_s: float | None = None
        self._jammed = False
        self._at_line: str | None = None
        self._under: list[tuple[float, str]] = []  # when it will be gone, and who

    @property
    def is_open(self) -> bool:
        """Upper limit switch."""
        return self._height == OPEN

    @property
    def is_closed(self) -> bool:
        """Lower limit switch."""
        return self._height == CLOSED

    @property
    def approach_loop(self) -> bool:
        """Whether a vehicle waits at the line."""
        return self._at_line is not None

    @property
    def under_boom_loop(self) -> bool:
        """Whether a vehicle is under the boom."""
        return bool(self._under)

    def kinds(self) -> list[BoomEventKind]:
        """What happened, in order, without the times."""
        return [event.kind for event in self.events]

    def pulse_open(self, now_s: float) -> None:
        """The *open* contact was made."""
        self.tick(now_s)
        self._record(BoomEventKind.OPEN_PULSE)
        if self._close_at_s is not None and self._auto_close_s is not None:
            self._close_at_s = now_s + self._auto_close_s
        self._start(OPEN, BoomEventKind.BOOM_OPEN_STARTED)

    def pulse_close(self, now_s: float) -> None:
        """The *close* contact was made; the controller refuses while its loop is occupied."""
        self.tick(now_s)
        self._record(BoomEventKind.CLOSE_PULSE)
        self._close()

    def jam(self, now_s: float) -> None:
        """The motor stops where it is and does not move again until `free`."""
        self.tick(now_s)
        self._jammed = True
        self._target = None

    def free(self, now_s: float) -> None:
        """The motor works again; it stays where it is until asked."""
        self.tick(now_s)
        self._jammed = False

    def vehicle_arrives(self, now_s: float, vehicle: str = "") -> None:
        """A vehicle stops at the line.

        Raises:
            ImpossibleMove: another one stands there.
        """
        self.tick(now_s)
        if self._at_line is not None:
            raise ImpossibleMove(f"{vehicle!r} cannot arrive: {self._at_line!r} stands at the line")
        self._at_line = vehicle
        self._record(BoomEventKind.VEHICLE_ARRIVED, vehicle)

    def vehicle_drives_through(self, now_s: float, *, passing_s: float | None = None) -> None:
        """The vehicle at the line drives under the boom and is gone after `passing_s` (inf: it breaks down there).

        Raises:
            ImpossibleMove: nobody is at the line, or the boom is not fully open.
        """
        self.tick(now_s)
        vehicle = self._leave_line("drive through")
        if not self.is_open:
            self._at_line = vehicle
            raise ImpossibleMove(f"{vehicle!r} cannot drive through: the boom is not open")
        self._close_at_s = None
        gone_at_s = now_s + (self._passing_s if passing_s is None else passing_s)
        self._under = sorted([*self._under, (gone_at_s, vehicle)])
        self._record(BoomEventKind.VEHICLE_UNDER, vehicle)

    def vehicle_backs_away(self, now_s: float) -> None:
        """The vehicle at the line turns back.

        Raises:
            ImpossibleMove: nobody is at the line.
        """
        self.tick(now_s)
        self._record(BoomEventKind.VEHICLE_BACKED_AWAY, self._leave_line("back away"))

    def tick(self, now_s: float) -> None:
        """Let everything happen that became due until now, each at its own time."""
        while due := min(self._due(), key=lambda item: item[0], default=None):
            at_s, happen = due
            if at_s > now_s:
                break
            self._travel_to(at_s)
            happen()
        self._travel_to(now_s)

    def _due(self) -> list[tuple[float, Callable[[], None]]]:
        due: list[tuple[float, Callable[[], None]]] = []
        if self._target is not None:
            due.append((self._now_s + abs(self._target - self._height) * self._travel_s, self._arrive))
        if self._under:
            due.append((self._under[0][0], self._clear))
        if self._close_at_s is not None:
            due.append((self._close_at_s, self._close))
        return due

    def _travel_to(self, at_s: float) -> None:
        if self._target is not None:
            way = (at_s - self._now_s) / self._travel_s
            if self._target == OPEN:
                self._height = min(OPEN, self._height + way)
            else:
                self._height = max(CLOSED, self._height - way)
        self._now_s = max(self._now_s, at_s)

    def _start(self, target: float, kind: BoomEventKind) -> None:
        if self._jammed or self._target == target or (self._target is None and self._height == target):
            return
        self._target = target
        self._record(kind)

    def _arrive(self) -> None:
        opened = self._target == OPEN
        self._height = OPEN if opened else CLOSED
        self._target = None
        self._record(BoomEventKind.BOOM_OPEN if opened else BoomEventKind.BOOM_CLOSED)

    def _clear(self) -> None:
        _, vehicle = self._under.pop(0)
        self._record(BoomEventKind.VEHICLE_PASSED, vehicle)
        if not self._under and self._auto_close_s is not None:
            self._close_at_s = self._now_s + self._auto_close_s

    def _close(self) -> None:
        self._close_at_s = None
        if self._under:
            self._record(BoomEventKind.CLOSE_REFUSED)
            return
        self._start(CLOSED, BoomEventKind.BOOM_CLOSE_STARTED)

    def _leave_line(self, what: str) -> str:
        if self._at_line is None:
            raise ImpossibleMove(f"no vehicle is at the line that could {what}")
        vehicle, self._at_line = self._at_line, None
        return vehicle

    def _record(self, kind: BoomEventKind, vehicle: str = "") -> None:
        self.events.append(BoomEvent(self._now_s, kind, vehicle))
