"""The web server inside a daemon."""

import asyncio
import socket

from shared.node.service import _bound


async def _accepted_without_delay() -> bool:
    """Whether a connection accepted on the daemons' listening socket sends at once."""
    said: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def look(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer: socket.socket = writer.get_extra_info("socket")
        said.set_result(bool(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    server = await asyncio.start_server(look, sock=_bound("127.0.0.1", 0))
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        async with asyncio.timeout(5):
            answer = await said
        writer.close()
        await writer.wait_closed()
    return answer


def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_head() -> None:
    """Head and body of an answer are two writes: with Nagle's algorithm the second waits 40 ms on an idle connection."""
    assert asyncio.run(_accepted_without_delay())
