"""What every barrier keeps to, whichever board is behind it."""

import asyncio

from hardware.barrier import BoomPosition


def test_a_boom_at_rest_reads_closed_and_nothing_moves_by_being_read(open_lane):
    async def story():
        async with open_lane() as lane:
            for _ in range(3):
                assert (await lane.barrier.read()).position is BoomPosition.CLOSED
                lane.clock.advance(5)
            assert lane.pulses() == []

    asyncio.run(story())


def test_open_is_one_pulse_and_the_boom_takes_its_time(open_lane):
    async def story():
        async with open_lane() as lane:
            asked_s = lane.clock.now_s
            await lane.barrier.open()
            lane.clock.now_s = asked_s + 1.1
            assert (await lane.barrier.read()).position is BoomPosition.BETWEEN
            lane.clock.now_s = asked_s + 1.3
            assert (await lane.barrier.read()).position is BoomPosition.OPEN
            assert lane.pulses() == ["open"]

    asyncio.run(story())


def test_close_is_one_pulse_and_the_boom_comes_down(open_lane):
    async def story():
        async with open_lane() as lane:
            await lane.barrier.open()
            lane.clock.advance(2)
            await lane.barrier.close()
            lane.clock.advance(2)
            assert (await lane.barrier.read()).position is BoomPosition.CLOSED
            assert lane.pulses() == ["open", "close"]

    asyncio.run(story())


def test_a_boom_closes_on_nobody_whatever_it_is_asked(open_lane):
    async def story():
        async with open_lane() as lane:
            await lane.barrier.open()
            lane.clock.advance(2)
            await lane.barrier.read()
            lane.vehicle_under_boom()
            await lane.barrier.close()
            lane.clock.advance(60)
            inputs = await lane.barrier.read()
            assert inputs.position is BoomPosition.OPEN
            assert inputs.under_boom_loop is True
            assert inputs.photocell is True

    asyncio.run(story())


def test_a_vehicle_at_the_line_is_on_the_approach_loop_only(open_lane):
    async def story():
        async with open_lane() as lane:
            assert (await lane.barrier.read()).approach_loop is False
            lane.vehicle_at_line()
            inputs = await lane.barrier.read()
            assert inputs.approach_loop is True
            assert inputs.under_boom_loop is False
            assert inputs.photocell is False

    asyncio.run(story())
