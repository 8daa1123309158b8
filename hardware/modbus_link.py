"""One Modbus TCP connection to a board or gateway, and what is done when it fails.

pymodbus frames and decodes; connecting, time-outs, giving up and trying again are decided here, because
a repeated or belated write would move a boom.
"""

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import cast

import structlog
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from hardware.errors import (
    BarrierError,
    BarrierRefused,
    BarrierReplyMismatch,
    BarrierTimeout,
    BarrierUnreachable,
)
from shared.backoff import Backoff

log = structlog.get_logger()

# What pymodbus logs is raised here as ours; without a handler it would go to standard error as well.
logging.getLogger("pymodbus").addHandler(logging.NullHandler())

READ_DISCRETE_INPUTS = 2
WRITE_SINGLE_COIL = 5
WRITE_SINGLE_REGISTER = 6

BACKOFF_FIRST_S = 0.25
BACKOFF_LIMIT_S = 5.0  # an officer stands at the screen: a board that is back is found within this

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger {l_onoff, l_linger}

EXCEPTIONS = {  # Modbus Application Protocol V1.1b3, 7: code -> meaning, what to do
    1: "illegal function: check that the board profile fits the board",
    2: "illegal address: check the relay and input numbers against the board",
    3: "illegal value: check that the board profile fits the board",
    4: "device failure: look at the board",
    6: "device busy: another master may be using the board",
    10: "gateway path unavailable: check the gateway's serial settings",
    11: "the gateway got no answer from the unit: check unit number, RS-485 wiring and power",
}


class ModbusTcpLink:
    """A connection that is made when asked, and thrown away at the first sign of trouble.

    One exchange at a time: the caller holds a lock around it. After a failed exchange the socket is
    *reset*: what still waits in this machine's kernel is dropped instead of being sent again when the
    line returns, so that a write which was given up is not carried out later. What the board already holds
    cannot be called back; such errors say `outcome_unknown`.
    """

    def __init__(
        self,
        barrier: str,
        host: str,
        port: int,
        timeout_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: Random | None = None,
    ) -> None:
        self._barrier = barrier
        self._host = host
        self._port = port
        self._timeout_s = timeout_s
        self._clock = clock
        self._backoff = Backoff(BACKOFF_FIRST_S, BACKOFF_LIMIT_S, rng=rng or Random())
        self._waits = iter(self._backoff)
        self._client: AsyncModbusTcpClient | None = None
        self._deadline: asyncio.Timeout | None = None
        self._heard = b""
        self._failures = 0
        self._retry_at_s = 0.0

    @property
    def connected(self) -> bool:
        """Whether there is a connection that nothing bad is known of."""
        return self._client is not None and self._client.connected

    async def connect(self, *, at_once: bool) -> None:
        """Connect anew; without `at_once` not before the back-off of earlier failures is over.

        Raises:
            BarrierUnreachable: not connected within the time-out, or not tried yet.
        """
        wait_s = self._retry_at_s - self._clock()
        if self._failures and wait_s > 0 and not at_once:
            raise BarrierUnreachable(f"{self._where()}: no connection; next attempt in {wait_s:.1f} s")
        self._drop()
        # Our deadlines are the ones that count; pymodbus' own is set too late to ever come first.
        self._client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            timeout=2 * self._timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._on_bytes,
            trace_connect=self._on_connection,
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                connected = await self._client.connect()
        except TimeoutError:
            connected = False
        except BaseException:
            self._drop()
            raise
        if not connected:
            raise self._failed(
                BarrierUnreachable(
                    f"{self._where()}: no connection within {self._timeout_s} s; check the board's power, "
                    "the network cable and the address"
                )
            )

    async def read_discrete_inputs(self, unit: int, address: int, count: int) -> tuple[bool, ...]:
        """The state of `count` inputs from `address` on, lowest bit of the first byte first (FC02)."""
        what = f"unit {unit}: read inputs {address} to {address + count - 1}"
        reply = await self._exchange(
            READ_DISCRETE_INPUTS,
            lambda client: client.read_discrete_inputs(address, count=count, device_id=unit),
            what,
        )
        if len(reply.bits) != (count + 7) // 8 * 8:
            raise self._mismatch(READ_DISCRETE_INPUTS, what, f"{len(reply.bits) // 8} bytes of inputs")
        return tuple(reply.bits[:count])

    async def write_register(self, unit: int, address: int, value: int) -> None:
        """Write one register (FC06) once; the board must echo address and value."""
        what = f"unit {unit}: write 0x{value:04X} to register {address}"
        reply = await self._exchange(
            WRITE_SINGLE_REGISTER,
            lambda client: client.write_register(address, value, device_id=unit),
            what,
        )
        if (reply.address, reply.registers) != (address, [value]):
            raise self._mismatch(WRITE_SINGLE_REGISTER, what, f"register {reply.address} = {reply.registers}")

    async def write_coil(self, unit: int, address: int, on: bool) -> None:
        """Write one coil (FC05) once; the board must echo address and state."""
        what = f"unit {unit}: switch coil {address} {'on' if on else 'off'}"
        reply = await self._exchange(
            WRITE_SINGLE_COIL,
            lambda client: client.write_coil(address, on, device_id=unit),
            what,
        )
        if (reply.address, reply.bits[:1]) != (address, [on]):
            raise self._mismatch(WRITE_SINGLE_COIL, what, f"coil {reply.address} = {reply.bits[:1]}")

    def disconnect(self) -> None:
        """Drop the connection; the next `connect` starts fresh."""
        self._drop()

    async def _exchange(
        self, function: int, ask: Callable[[AsyncModbusTcpClient], Awaitable[ModbusPDU]], what: str
    ) -> ModbusPDU:
        client = self._client
        if client is None or not client.connected:
            raise self._failed(BarrierUnreachable(f"{self._where()}: {what}: not connected"))
        self._heard = b""
        try:
            async with asyncio.timeout(self._timeout_s) as self._deadline:
                reply = await ask(client)
        except TimeoutError as exc:
            raise self._no_answer(function, what) from exc
        except (ModbusException, OSError) as exc:
            raise self._failed(
                BarrierUnreachable(f"{self._where()}: {what}: {exc}", outcome_unknown=_moves(function))
            ) from exc
        except BaseException:
            self._drop()
            raise
        finally:
            self._deadline = None
        if reply.function_code & 0x7F != function:
            raise self._mismatch(function, what, f"function {reply.function_code}")
        self._answered()
        if reply.isError():
            meaning = EXCEPTIONS.get(reply.exception_code, "a code this program does not know")
            raise BarrierRefused(
                f"{self._where()}: {what}: refused with exception code {reply.exception_code}, {meaning}",
                code=reply.exception_code,
            )
        return reply

    def _no_answer(self, function: int, what: str) -> BarrierError:
        """Why the deadline passed: cut, answered by somebody else, or silence."""
        unknown = _moves(function)
        if self._heard:
            return self._mismatch(function, what, self._heard.hex(" "))
        if not self.connected:
            return self._failed(
                BarrierUnreachable(
                    f"{self._where()}: {what}: the connection was cut; check the board and the network cable",
                    outcome_unknown=unknown,
                )
            )
        return self._failed(
            BarrierTimeout(
                f"{self._where()}: {what}: no answer within {self._timeout_s} s; check the unit number, "
                "the board's power and the network",
                outcome_unknown=unknown,
            )
        )

    def _mismatch(self, function: int, what: str, got: str) -> BarrierError:
        return self._failed(
            BarrierReplyMismatch(
                f"{self._where()}: {what}: the answer does not fit: {got}; check that no two units share a "
                "number and that the board profile fits",
                outcome_unknown=_moves(function),
            )
        )

    def _where(self) -> str:
        return f"{self._barrier} ({self._host}:{self._port})"

    def _failed(self, error: BarrierError) -> BarrierError:
        """Throw the connection away, set the back-off, tell it once."""
        self._drop()
        self._failures += 1
        self._retry_at_s = self._clock() + next(self._waits)
        if self._failures == 1:
            log.warning("barrier_lost", barrier=self._barrier, cause=str(error))
        return error

    def _answered(self) -> None:
        if self._failures:
            log.info("barrier_back", barrier=self._barrier, failures=self._failures)
        self._failures = 0
        self._waits = iter(self._backoff)

    def _drop(self) -> None:
        """Reset the connection (TCP RST), so that nothing unsent is ever sent."""
        client, self._client = self._client, None
        if client is None:
            return
        transport = cast("asyncio.WriteTransport | None", client.ctx.transport)
        if transport is not None:
            peer = cast("socket.socket", transport.get_extra_info("socket"))
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            transport.abort()
        client.close()

    def _on_bytes(self, sending: bool, data: bytes) -> bytes:
        if not sending:
            self._heard = data
        return data

    def _on_connection(self, connected: bool) -> None:
        """End the wait for an answer when the connection is gone; pymodbus would go on waiting."""
        if not connected and self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time())


def _moves(function: int) -> bool:
    return function != READ_DISCRETE_INPUTS
