"""The bytes themselves, against a peer that knows nothing of pymodbus."""

import asyncio
import socket
from contextlib import asynccontextmanager, suppress

import pytest

from hardware.barrier import Inputs
from hardware.errors import BarrierReplyMismatch, BarrierTimeout
from hardware.modbus import BarrierSettings, Contact, InputWiring, ModbusTcpBarrier

ALL_FIVE = InputWiring(Contact(1), Contact(2), Contact(3), Contact(4), Contact(9))
PULSE = bytes.fromhex("06 0001 0500")  # FC06, register 1, 0x0500


@asynccontextmanager
async def peer_answering(pdu_of):
    """A TCP peer that answers every request with its MBAP head and `pdu_of(request PDU)`; keeps the requests."""
    heard = []

    async def serve(reader, writer):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(7)
                pdu = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
                heard.append((head[6], pdu))
                answer = pdu_of(pdu)
                writer.write(head[:4] + (len(answer) + 1).to_bytes(2, "big") + head[6:] + answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


def barrier_at(port, inputs=ALL_FIVE):
    return ModbusTcpBarrier(
        BarrierSettings(
            "b",
            "127.0.0.1",
            open_relay=1,
            port=port,
            relay_unit=3,
            input_unit=4,
            inputs=inputs,
            timeout_s=0.3,
        )
    )


def test_the_lowest_bit_of_the_first_byte_is_the_first_input():
    async def story():
        async with peer_answering(lambda _: bytes([2, 2, 0b0000_0101, 0b0000_0001])) as (port, heard):
            barrier = barrier_at(port)
            inputs = await barrier.read()
            assert inputs == Inputs(True, False, True, False, True)
            assert heard == [(4, bytes.fromhex("02 0000 0009"))]
            await barrier.disconnect()

    asyncio.run(story())


def test_open_is_the_published_frame_to_the_relay_unit():
    async def story():
        async with peer_answering(lambda pdu: pdu) as (port, heard):
            barrier = barrier_at(port, InputWiring())
            await barrier.open()
            assert heard == [(3, PULSE)]
            await barrier.disconnect()

    asyncio.run(story())


@pytest.mark.parametrize(
    "answer",
    ["06 0002 0500", "06 0001 0100", "03 02 0500", "ff"],
    ids=["another register", "another value", "another function", "garbage"],
)
def test_an_echo_that_differs_is_no_success(answer):
    async def story():
        async with peer_answering(lambda _: bytes.fromhex(answer)) as (port, heard):
            barrier = barrier_at(port, InputWiring())
            with pytest.raises(BarrierReplyMismatch) as raised:
                await barrier.open()
            assert raised.value.outcome_unknown
            assert heard == [(3, PULSE)]

    asyncio.run(story())


@pytest.mark.parametrize("answer", ["02 01 05", "02 03 050100"], ids=["too short", "too long"])
def test_a_reading_of_another_length_is_not_believed(answer):
    async def story():
        async with peer_answering(lambda _: bytes.fromhex(answer)) as (port, _):
            with pytest.raises(BarrierReplyMismatch):
                await barrier_at(port).read()

    asyncio.run(story())


async def bytes_that_arrive_later(*, reset):
    """What a peer finds when it wakes up after a pulse was written into its closed window and given up.

    The peer's receive window is filled first, so that the pulse waits in this machine's kernel exactly as it does
    behind a cut line. Without `reset` the connection is given up by a plain close.
    """
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.setblocking(False)
        barrier = barrier_at(listener.getsockname()[1], InputWiring())
        await barrier._link.connect(at_once=True)
        peer, _ = await loop.sock_accept(listener)
        with peer:
            peer.setblocking(False)
            transport = barrier._link._client.ctx.transport
            fill_window(transport.get_extra_info("socket"))
            still_in_python = []
            drop = barrier._link._drop

            def give_up():
                still_in_python.append(transport.get_write_buffer_size())
                (drop if reset else transport.close)()

            barrier._link._drop = give_up
            with pytest.raises(BarrierTimeout) as raised:
                await barrier.open()
            assert raised.value.outcome_unknown
            assert still_in_python == [0], "the pulse must wait in the kernel, not in asyncio"
            return await everything_from(peer)


def fill_window(sender):
    """Send until the peer and the send buffer take no more, then make room for the pulse behind it."""
    with socket.socket(fileno=socket.dup(sender.fileno())) as filler, suppress(BlockingIOError):
        while True:
            filler.send(b"\xee" * 4096)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * 1024 * 1024)


async def everything_from(peer):
    arrived = b""
    with suppress(ConnectionResetError, TimeoutError):
        while chunk := await asyncio.wait_for(asyncio.get_running_loop().sock_recv(peer, 1 << 20), 1.0):
            arrived += chunk
    return arrived


def test_a_pulse_that_was_given_up_never_arrives_when_the_line_is_back():
    assert PULSE not in asyncio.run(bytes_that_arrive_later(reset=True))


def test_the_danger_is_real_after_a_plain_close_the_pulse_arrives():
    assert PULSE in asyncio.run(bytes_that_arrive_later(reset=False))
