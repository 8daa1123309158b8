"""A lane whose time is turned by hand, behind each implementation of a barrier."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import pytest

from hardware.barrier import Barrier, InputReader
from hardware.modbus import ModbusTcpBarrier
from hardware.simulated import SimulatedBarrier
from simulation.boom import Boom, BoomEventKind
from simulation.gate_board import GateBoard


class Clock:
    """A monotonic clock that stands still until it is advanced."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.now_s += seconds

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)


class BarrierUnderTest(Barrier, InputReader, Protocol):
    """Both interfaces, as a lane uses them."""


@dataclass
class Lane:
    """A barrier, the world behind it, and the clock of both."""

    barrier: BarrierUnderTest
    clock: Clock
    pulses: Callable[[], list[str]]
    vehicle_at_line: Callable[[], None]
    vehicle_under_boom: Callable[[], None]


OpenLane = Callable[[], AbstractAsyncContextManager[Lane]]


@asynccontextmanager
async def simulated_lane() -> AsyncIterator[Lane]:
    clock = Clock()
    barrier = SimulatedBarrier(travel_s=1.2, clock=clock)
    yield Lane(
        barrier,
        clock,
        pulses=lambda: list(barrier.pulses),
        vehicle_at_line=lambda: setattr(barrier, "approach_loop", True),
        vehicle_under_boom=lambda: setattr(barrier, "under_boom_loop", True),
    )


@asynccontextmanager
async def modbus_lane(relay_board: str) -> AsyncIterator[Lane]:
    clock = Clock()
    boom = Boom(travel_s=1.2, auto_close_s=None)
    board = GateBoard([boom], clock=clock)
    await board.start()
    settings = replace(board.settings(0), relay_board=relay_board, open_is_edge_triggered=True)
    barrier = ModbusTcpBarrier(settings, clock=clock, sleep=clock.sleep)
    names = {BoomEventKind.OPEN_PULSE: "open", BoomEventKind.CLOSE_PULSE: "close"}

    def vehicle_under_boom() -> None:
        boom.vehicle_arrives(clock())
        boom.vehicle_drives_through(clock(), passing_s=float("inf"))

    try:
        yield Lane(
            barrier,
            clock,
            pulses=lambda: [names[kind] for kind in boom.kinds() if kind in names],
            vehicle_at_line=lambda: boom.vehicle_arrives(clock()),
            vehicle_under_boom=vehicle_under_boom,
        )
    finally:
        await barrier.disconnect()
        await board.stop()


@pytest.fixture(params=["simulated", "eletechsup-r421a08", "generic-coils"])
def open_lane(request: pytest.FixtureRequest) -> OpenLane:
    """The same lane behind each implementation."""
    if request.param == "simulated":
        return simulated_lane
    return lambda: modbus_lane(request.param)


@pytest.fixture
def clock() -> Clock:
    return Clock()
