"""The boom of one lane: what its inputs say, the opening that moves it, and whether it moves in time."""

import time
from collections.abc import Callable

import structlog

from edge.lane.machine import Event, LaneState
from hardware.barrier import Barrier, BoomPosition, InputReader, Inputs
from hardware.errors import BarrierError

log = structlog.get_logger()

REQUEST_EXPIRES_S = 5.0
"""An opening older than this moves nothing: whoever asked has looked away."""


class LaneBoom:
    """Reads the inputs, sends one pulse for one opening, and watches the clock while the boom moves."""

    def __init__(
        self,
        name: str,
        barrier: Barrier,
        reader: InputReader,
        move_timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inputs = Inputs()
        """The newest reading; nothing known (all None) while the board is silent: an old reading is never used."""
        self.error: str | None = None
        """One sentence while the board cannot be reached."""
        self.request: str | None = None
        """Reference of the opening that the boom was last asked for."""
        self._name = name
        self._barrier = barrier
        self._reader = reader
        self._move_timeout_s = move_timeout_s
        self._clock = clock
        self._asked_at = float("-inf")
        self._moving_since: float | None = None

    @property
    def position(self) -> BoomPosition:
        """Where the boom is, by its limit switches."""
        return self.inputs.position

    @property
    def has_approach_loop(self) -> bool:
        """False where none is wired; a board that is silent is no reason to think so."""
        return self.inputs.approach_loop is not None or self.error is not None

    async def read(self) -> None:
        """Reads the inputs."""
        try:
            self.inputs, self.error = await self._reader.read(), None
        except BarrierError as error:
            self.inputs, self.error = Inputs(), str(error)

    def ask(self, request: str) -> None:
        """The opening `request` is on disk; the next pulse is for it."""
        self.request, self._asked_at = request, self._clock()

    async def pulse(self) -> bool:
        """One pulse, never repeated. False when the boom cannot have moved.

        An answer that did not come proves nothing: then the limit switches decide.
        """
        if self.request is None or self._clock() - self._asked_at > REQUEST_EXPIRES_S:
            log.error("request_expired", lane=self._name)
            return False
        try:
            await self._barrier.open()
        except BarrierError as error:
            log.error("pulse_failed", lane=self._name, error=str(error))
            self.error = str(error)
            return error.outcome_unknown
        return True

    def watch(self, state: LaneState) -> None:
        """The lane has come into a state: the boom moves from now on, or no longer."""
        moving = state in (LaneState.OPENING, LaneState.CLOSING)
        self._moving_since = self._clock() if moving else None

    def overdue(self, state: LaneState) -> Event | None:
        """What a movement without news for too long means: a fault, unless no limit switch could have told."""
        now = self._clock()
        if self._moving_since is None or now - self._moving_since <= self._move_timeout_s:
            return None
        self._moving_since = now
        closing = state is LaneState.CLOSING
        switch = self.inputs.boom_closed if closing else self.inputs.boom_open
        left_other_end = self.position is BoomPosition.UNKNOWN
        if switch is not None or not left_other_end or self.error is not None:
            return Event.MOVE_TIMED_OUT
        return Event.BOOM_CLOSED if closing else Event.BOOM_OPEN
