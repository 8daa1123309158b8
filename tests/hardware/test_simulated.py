"""The barrier in memory can fail as a real one does."""

import asyncio

import pytest

from hardware.barrier import BoomPosition
from hardware.errors import BarrierTimeout
from hardware.simulated import SimulatedBarrier


def test_while_it_fails_nothing_is_read_and_nothing_moves(clock):
    async def story():
        barrier = SimulatedBarrier(clock=clock)
        barrier.failure = BarrierTimeout("no answer")
        for call in (barrier.open, barrier.close, barrier.read):
            with pytest.raises(BarrierTimeout):
                await call()
        barrier.failure = None
        clock.advance(10)
        assert (await barrier.read()).position is BoomPosition.CLOSED
        assert barrier.pulses == []

    asyncio.run(story())


def test_a_boom_turned_on_its_way_needs_only_the_way_it_came(clock):
    async def story():
        barrier = SimulatedBarrier(travel_s=1.0, clock=clock)
        await barrier.open()
        clock.advance(0.25)
        await barrier.close()
        clock.advance(0.2)
        assert (await barrier.read()).position is BoomPosition.BETWEEN
        clock.advance(0.1)
        assert (await barrier.read()).position is BoomPosition.CLOSED

    asyncio.run(story())
