"""What a lane asks of a boom barrier: two movements and one reading.

Software here only *requests*. The boom's own controller, its safety loop, photocell and emergency stop
protect people whether this program runs or not.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class BoomPosition(Enum):
    """Where the limit switches say the boom is."""

    OPEN = "open"
    """At the upper limit."""
    CLOSED = "closed"
    """At the lower limit."""
    BETWEEN = "between"
    """Both switches are wired and neither is made: moving, stopped on the way, or the arm is off."""
    UNKNOWN = "unknown"
    """The switches that are wired cannot tell."""
    CONTRADICTORY = "contradictory"
    """Both limits at once: a broken switch or wire; believe neither."""


@dataclass(frozen=True)
class Inputs:
    """One reading of a lane's sensors. True = occupied or reached, False = not, None = not wired."""

    approach_loop: bool | None = None
    under_boom_loop: bool | None = None
    boom_open: bool | None = None
    boom_closed: bool | None = None
    photocell: bool | None = None

    @property
    def position(self) -> BoomPosition:
        """Where the boom is, as far as the two limit switches can tell."""
        return _POSITION[(self.boom_open, self.boom_closed)]


_POSITION = {
    (True, True): BoomPosition.CONTRADICTORY,
    (True, False): BoomPosition.OPEN,
    (True, None): BoomPosition.OPEN,
    (False, True): BoomPosition.CLOSED,
    (None, True): BoomPosition.CLOSED,
    (False, False): BoomPosition.BETWEEN,
    (False, None): BoomPosition.UNKNOWN,
    (None, False): BoomPosition.UNKNOWN,
    (None, None): BoomPosition.UNKNOWN,
}


class Barrier(Protocol):
    """A boom that can be asked to move. Every call gives at most one pulse and never repeats it."""

    async def open(self) -> None:
        """Ask for the boom to go up; returns when the board has taken the request, not when it is up.

        Raises:
            BarrierError: see `outcome_unknown` for whether the boom may move all the same.
        """

    async def close(self) -> None:
        """Ask for the boom to come down; whether it may is the lane's to decide before it calls.

        Raises:
            CloseNotWired: this barrier closes by its own controller only.
            BarrierError: as for `open`.
        """


class InputReader(Protocol):
    """The sensors of one lane."""

    async def read(self) -> Inputs:
        """Read all wired sensors at one moment.

        Raises:
            BarrierError: nothing is known; an old reading must not stand in for the missing one.
        """
