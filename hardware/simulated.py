"""A barrier in memory, for demonstrations without a board and for tests of what stands above it."""

import time
from collections.abc import Callable

from hardware.barrier import Inputs
from hardware.errors import BarrierError


class SimulatedBarrier:
    """`Barrier` and `InputReader` without a board: the boom takes `travel_s`, the loops are set by hand.

    `pulses` lists what was asked for, in order. While `failure` is set every call raises it and nothing moves.
    """

    def __init__(self, *, travel_s: float = 1.2, clock: Callable[[], float] = time.monotonic) -> None:
        self.pulses: list[str] = []
        self.failure: BarrierError | None = None
        self.approach_loop = False
        self.under_boom_loop = False
        self._travel_s = travel_s
        self._clock = clock
        self._wants_open = False
        self._there_at_s = clock()

    async def open(self) -> None:
        """Start the boom upwards; see `Barrier.open`."""
        self._take("open")
        self._turn(up=True)

    async def close(self) -> None:
        """Start the boom downwards, unless the loop under it is occupied; see `Barrier.close`."""
        self._take("close")
        if not self.under_boom_loop:
            self._turn(up=False)

    async def read(self) -> Inputs:
        """The sensors now; see `InputReader.read`."""
        self._check()
        there = self._clock() >= self._there_at_s
        return Inputs(
            approach_loop=self.approach_loop,
            under_boom_loop=self.under_boom_loop,
            boom_open=there and self._wants_open,
            boom_closed=there and not self._wants_open,
            photocell=self.under_boom_loop,
        )

    def _take(self, pulse: str) -> None:
        self._check()
        self.pulses.append(pulse)

    def _turn(self, *, up: bool) -> None:
        if up != self._wants_open:
            now_s = self._clock()
            still_to_go_s = max(0.0, self._there_at_s - now_s)
            self._there_at_s = now_s + self._travel_s - still_to_go_s
            self._wants_open = up

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
