"""The time a node goes by: near the system's clock, never backwards, and not misled by a clock that jumps.

Stamps and dates in force (leases, procedures) go by it; durations never do. Where the time comes from has a name, so that
a screen and a fact can say it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FOLLOWED = timedelta(minutes=5)
"""A clock set by no more than this is simply followed: time synchronisation at work."""

STEP = timedelta(seconds=2)
"""A jump larger than this is worth a fact."""


class Source(StrEnum):
    """Where the time comes from."""

    SYSTEM = "system"
    """The system's clock."""
    LAST_STAMP = "last_stamp"
    """The system's clock is behind what this node has stamped before: a dead clock battery. Time goes on from there."""
    STEADY = "steady"
    """The system's clock jumped and nobody confirms it. Time goes on by the monotonic clock."""


@dataclass(frozen=True)
class Step:
    """The system's clock jumped: by how many seconds, and whether the node's time follows."""

    by_s: float
    followed: bool


class SteadyClock:
    """Turns the system's clock and the monotonic clock, both passed in, into a time that never runs backwards.

    `last`: the latest time that this node is known to have gone by, from its store.
    """

    def __init__(
        self, wall: Callable[[], datetime], monotonic_s: Callable[[], float], last: datetime | None = None
    ) -> None:
        self._wall = wall
        self._monotonic_s = monotonic_s
        start = wall()
        behind = last is not None and start < last
        self.source = Source.LAST_STAMP if behind else Source.SYSTEM
        self._base = last if last is not None and behind else start
        self._base_s = monotonic_s()
        self._looked = (start, self._base_s)
        """Both clocks when they were last compared."""
        self.late = self._base - start if behind else timedelta(0)
        """How far behind the last stamp the system's clock stood at the start."""

    def __call__(self) -> datetime:
        """The time now, UTC."""
        steady = self._base + timedelta(seconds=self._monotonic_s() - self._base_s)
        if self.source is Source.SYSTEM:
            wall = self._wall()
            if abs(wall - steady) <= FOLLOWED:
                return self._rebase(max(wall, self._base))
        return self._rebase(steady)

    def look(self, confirmed: datetime | None = None) -> Step | None:
        """Looks whether the system's clock has jumped since the last look; called every few seconds.

        `confirmed`: the centre's time, if it was just heard. A jump is followed when the centre's clock agrees with the new
        time and it leads forwards; a clock that comes back to the node's own time is trusted again.
        """
        now = self()
        wall = self._wall()
        jumped = self._jumped(wall)
        agrees = confirmed is not None and abs(confirmed - wall) <= FOLLOWED
        followed = abs(wall - now) <= FOLLOWED or (agrees and wall > now)
        if followed:
            self.source = Source.SYSTEM
            self._rebase(max(wall, now))
        elif self.source is Source.SYSTEM:
            self.source = Source.STEADY
        return Step(jumped.total_seconds(), followed) if abs(jumped) > STEP else None

    def _jumped(self, wall: datetime) -> timedelta:
        """How much further than the monotonic clock the system's clock went since the last look."""
        (wall_before, before_s), now_s = self._looked, self._monotonic_s()
        self._looked = (wall, now_s)
        return wall - wall_before - timedelta(seconds=now_s - before_s)

    def _rebase(self, moment: datetime) -> datetime:
        self._base, self._base_s = moment, self._monotonic_s()
        return moment
