"""Losing touch with a board: each way ends in its own error, and no command is ever given twice."""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from pymodbus.constants import ExcCodes
from structlog.testing import capture_logs

from hardware.barrier import BoomPosition, Inputs
from hardware.errors import (
    BarrierError,
    BarrierRefused,
    BarrierReplyMismatch,
    BarrierTimeout,
    BarrierUnreachable,
    CloseNotWired,
    RelayLeftOn,
)
from hardware.modbus import Contact, InputWiring, ModbusTcpBarrier
from hardware.modbus_link import BACKOFF_LIMIT_S
from simulation.boom import Boom, BoomEventKind
from simulation.gate_board import BoardFault, GateBoard


@asynccontextmanager
async def board_and_barrier(clock, **changes):
    boom = Boom(auto_close_s=None)
    board = GateBoard([boom], clock=clock)
    await board.start()
    settings = replace(board.settings(0, "barrier-1/lane-1"), **{"timeout_s": 0.15, **changes})
    barrier = ModbusTcpBarrier(settings, clock=clock, sleep=clock.sleep)
    try:
        yield board, barrier
    finally:
        await barrier.disconnect()
        await board.stop()


def open_pulses(board):
    return board.booms[0].kinds().count(BoomEventKind.OPEN_PULSE)


def test_a_refused_connection_names_barrier_host_and_port(clock):
    async def story():
        async with board_and_barrier(clock) as (board, barrier):
            await board.stop()
            with pytest.raises(
                BarrierUnreachable, match=r"barrier-1/lane-1 \(127\.0\.0\.1:\d+\).*power"
            ) as raised:
                await barrier.open()
            assert not raised.value.outcome_unknown

    asyncio.run(story())


def test_an_exception_code_is_a_refusal_and_nothing_moves(clock):
    async def story():
        async with board_and_barrier(clock) as (board, barrier):
            await barrier.read()
            board.refuse = ExcCodes.DEVICE_BUSY
            with pytest.raises(BarrierRefused, match=r"unit 1: write 0x0500 to register 1.*busy") as raised:
                await barrier.open()
            assert raised.value.code == 6
            assert not raised.value.outcome_unknown
            assert open_pulses(board) == 0

    asyncio.run(story())


def test_a_unit_that_is_not_there_is_the_gateways_refusal(clock):
    async def story():
        async with board_and_barrier(clock, relay_unit=7) as (_, barrier):
            with pytest.raises(BarrierRefused, match=r"unit 7.*check unit number, RS-485") as raised:
                await barrier.open()
            assert raised.value.code == 11

    asyncio.run(story())


def test_an_answer_from_another_unit_is_not_believed(clock):
    async def story():
        async with board_and_barrier(clock) as (board, barrier):
            await barrier.read()
            board.answers_as_unit = 9
            with pytest.raises(BarrierReplyMismatch) as raised:
                await barrier.read()
            assert not raised.value.outcome_unknown
            with suppress(BarrierError):
                await barrier.open()
            assert open_pulses(board) == 0

    asyncio.run(story())


def test_a_pulse_whose_answer_is_lost_is_given_once_and_its_outcome_is_unknown(clock):
    async def story():
        async with board_and_barrier(clock) as (board, barrier):
            await barrier.read()
            board.fault = BoardFault.MUTE
            with pytest.raises(BarrierTimeout, match=r"unit 1.*no answer within 0\.15 s") as raised:
                await barrier.open()
            assert raised.value.outcome_unknown
            board.fault = BoardFault.NONE
            clock.advance(BACKOFF_LIMIT_S)
            for _ in range(3):
                assert (await barrier.read()).position is BoomPosition.OPEN
            assert open_pulses(board) == 1

    asyncio.run(story())


def test_a_board_that_froze_moves_nothing_when_it_wakes(clock):
    async def story():
        async with board_and_barrier(clock) as (board, barrier):
            await barrier.read()
            board.freeze()
            with pytest.raises(BarrierTimeout):
                await barrier.open()
            board.unfreeze()
            clock.advance(BACKOFF_LIMIT_S)
            assert (await barrier.read()).position is BoomPosition.CLOSED
            assert open_pulses(board) == 0

    asyncio.run(story())


def test_after_a_reconnect_the_inputs_are_read_before_a_relay_is_written(clock):
    async def story():
        async with board_and_barrier(clock, input_unit=9) as (board, barrier):
            with pytest.raises(BarrierRefused, match="unit 9: read inputs"):
                await barrier.open()
            assert open_pulses(board) == 0

    asyncio.run(story())


def test_a_connection_that_is_cut_is_noticed_at_once_and_made_again_for_the_next_press(clock):
    async def story():
        async with board_and_barrier(clock, timeout_s=5.0) as (board, barrier):
            await barrier.read()
            board.freeze()
            reading = asyncio.create_task(barrier.read())
            await asyncio.sleep(0.05)
            await board.stop()
            with pytest.raises(BarrierUnreachable, match="was cut"):
                await asyncio.wait_for(reading, 1.0)
            board.unfreeze()
            await board.start(board.settings(0).port)
            await barrier.open()
            assert open_pulses(board) == 1

    asyncio.run(story())


def test_reads_keep_to_the_back_off_but_a_press_tries_at_once(clock):
    async def story():
        async with board_and_barrier(clock) as (board, barrier):
            port = board.settings(0).port
            await board.stop()
            with pytest.raises(BarrierUnreachable, match="no connection within"):
                await barrier.read()
            await board.start(port)
            with pytest.raises(BarrierUnreachable, match=r"next attempt in 0\.[12] s"):
                await barrier.read()
            await barrier.open()
            assert open_pulses(board) == 1

    asyncio.run(story())


def test_a_lost_board_is_told_once_and_once_when_it_is_back(clock):
    async def story():
        async with board_and_barrier(clock) as (board, barrier):
            await barrier.read()
            board.freeze()
            for _ in range(3):
                clock.advance(BACKOFF_LIMIT_S)
                with pytest.raises(BarrierTimeout):
                    await barrier.read()
            board.unfreeze()
            for _ in range(3):
                clock.advance(BACKOFF_LIMIT_S)
                await barrier.read()

    with capture_logs() as logs:
        asyncio.run(story())
    assert [entry["event"] for entry in logs] == ["barrier_lost", "barrier_back"]


def test_a_press_that_is_given_up_leaves_no_connection_behind(clock):
    async def story():
        async with board_and_barrier(clock, timeout_s=5.0) as (board, barrier):
            await barrier.read()
            board.freeze()
            press = asyncio.create_task(barrier.open())
            await asyncio.sleep(0.02)
            press.cancel()
            with pytest.raises(asyncio.CancelledError):
                await press
            board.unfreeze()
            assert (await barrier.read()).position is BoomPosition.CLOSED
            assert open_pulses(board) == 0

    asyncio.run(story())


def test_a_coil_is_off_again_after_its_pulse(clock):
    async def story():
        async with board_and_barrier(clock, relay_board="generic-coils", open_is_edge_triggered=True) as (
            board,
            barrier,
        ):
            before_s = clock()
            await barrier.open()
            assert clock() - before_s == 0.5
            assert (board.coils_on, open_pulses(board)) == (set(), 1)

    asyncio.run(story())


def test_a_coil_that_could_not_be_switched_off_is_when_the_board_is_back(clock):
    async def story():
        async with board_and_barrier(clock, relay_board="generic-coils", open_is_edge_triggered=True) as (
            board,
            barrier,
        ):

            async def freeze_during_the_pulse(_seconds):
                board.freeze()

            barrier._sleep = freeze_during_the_pulse
            with pytest.raises(RelayLeftOn, match="relay 1 was switched on and may still be") as raised:
                await barrier.open()
            assert raised.value.outcome_unknown
            board.unfreeze()
            assert board.coils_on == {1}
            clock.advance(BACKOFF_LIMIT_S)
            await barrier.read()
            assert (board.coils_on, open_pulses(board)) == (set(), 1)

    asyncio.run(story())


def test_a_coil_whose_answer_was_lost_is_switched_off_when_the_board_is_back(clock):
    async def story():
        async with board_and_barrier(clock, relay_board="generic-coils", open_is_edge_triggered=True) as (
            board,
            barrier,
        ):
            await barrier.read()
            board.fault = BoardFault.MUTE
            with pytest.raises(BarrierTimeout):
                await barrier.open()
            board.fault = BoardFault.NONE
            assert board.coils_on == {1}
            clock.advance(BACKOFF_LIMIT_S)
            await barrier.read()
            assert (board.coils_on, open_pulses(board)) == (set(), 1)

    asyncio.run(story())


def test_a_boom_without_a_close_relay_is_not_closed_by_software(clock):
    async def story():
        async with board_and_barrier(clock, close_relay=None) as (board, barrier):
            with pytest.raises(CloseNotWired, match="no close_relay is wired"):
                await barrier.close()
            assert board.booms[0].events == []

    asyncio.run(story())


def test_what_is_not_wired_reads_none(clock):
    async def story():
        wiring = InputWiring(boom_closed=Contact(4))
        async with board_and_barrier(clock, inputs=wiring) as (_, barrier):
            assert await barrier.read() == Inputs(boom_closed=True)
        async with board_and_barrier(clock, inputs=InputWiring()) as (board, barrier):
            assert await barrier.read() == Inputs()
            await barrier.open()
            assert open_pulses(board) == 1

    asyncio.run(story())


def test_a_pulse_moves_the_boom_of_its_own_lane_only(clock):
    async def story():
        board = GateBoard([Boom() for _ in range(4)], clock=clock)
        await board.start()
        barriers = [ModbusTcpBarrier(board.settings(lane), clock=clock) for lane in range(4)]
        await barriers[2].open()
        clock.advance(2)
        positions = [(await barrier.read()).position for barrier in barriers]
        closed = BoomPosition.CLOSED
        assert positions == [closed, closed, BoomPosition.OPEN, closed]
        for barrier in barriers:
            await barrier.disconnect()
        await board.stop()

    asyncio.run(story())
