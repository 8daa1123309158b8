"""The electronics of a gate as a real Modbus TCP server: relay unit, input unit, and the booms they are wired to.

It plays a gateway with two units behind it: relays by FC06 (eletechsup R421A08: value 0x0500 is a pulse) or as
plain coils by FC05, and discrete inputs by FC02. Lane `i` (from 0) has the relays 2i+1 *open* and 2i+2 *close* and
the inputs 8i+1 to 8i+5. Time comes from `clock`, and the booms move on whenever they are looked at.
"""

import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from hardware.modbus import BarrierSettings, Contact, InputWiring
from simulation.boom import Boom

HOST = "127.0.0.1"
PULSE = 0x0500  # R421A08: one second, timed by the board
RELAYS_PER_LANE = 2
INPUTS_PER_LANE = 8
READ_DISCRETE_INPUTS, WRITE_SINGLE_COIL, WRITE_SINGLE_REGISTER = 2, 5, 6


class BoardFault(Enum):
    """What may be wrong with the board."""

    NONE = "none"
    FROZEN = "frozen"
    """Takes bytes and does nothing with them: hung, or the line behind the gateway is cut."""
    MUTE = "mute"
    """Does what it is told and never answers."""


class GateBoard:
    """A relay board and an input board on one Modbus TCP gateway on the loopback address.

    Fault switches: `freeze`/`unfreeze`, `fault`, `refuse` (exception code for every request), and
    `answers_as_unit` (the answer carries another unit's number). `coils_on` holds the relays that are latched on.
    """

    def __init__(
        self,
        booms: Sequence[Boom],
        *,
        relay_unit: int = 1,
        input_unit: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.booms = list(booms)
        self.fault = BoardFault.NONE
        self.refuse: ExcCodes | None = None
        self.answers_as_unit: int | None = None
        self.coils_on: set[int] = set()
        self._relay_unit = relay_unit
        self._input_unit = input_unit
        self._clock = clock
        self._server: ModbusTcpServer | None = None
        self._port = 0

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1 and return the port (0: a free one)."""
        self._server = ModbusTcpServer(
            [
                _unit(self._relay_unit, self._on_relays),
                _unit(self._input_unit, self._on_inputs),
                _unit(0, _no_such_unit),
            ],
            address=(HOST, port),
            trace_packet=self._on_bytes,
            trace_pdu=self._on_pdu,
        )
        await self._server.serve_forever(background=True)
        listener: Any = self._server.transport
        self._port = listener.sockets[0].getsockname()[1]
        return self._port

    async def stop(self) -> None:
        """Close the listener and every connection; `start(port)` brings it back."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    def freeze(self) -> None:
        """Stop hearing and answering."""
        self.fault = BoardFault.FROZEN

    def unfreeze(self) -> None:
        """Hear and answer again; what came in between is lost."""
        self.fault = BoardFault.NONE

    def settings(self, lane: int, name: str = "barrier") -> BarrierSettings:
        """How a barrier daemon reaches lane `lane` (from 0) of this running board."""
        return BarrierSettings(
            name=name,
            host=HOST,
            port=self._port,
            relay_unit=self._relay_unit,
            open_relay=lane * RELAYS_PER_LANE + 1,
            close_relay=lane * RELAYS_PER_LANE + 2,
            input_unit=self._input_unit,
            inputs=_wiring(lane * INPUTS_PER_LANE),
        )

    def _pulse(self, relay: int) -> None:
        lane, which = divmod(relay - 1, RELAYS_PER_LANE)
        if 0 <= lane < len(self.booms):
            boom = self.booms[lane]
            (boom.pulse_open, boom.pulse_close)[which](self._clock())

    def _input_words(self) -> list[int]:
        """All inputs, 16 a register, the first in the lowest bit."""
        bits = 0
        for lane, boom in enumerate(self.booms):
            boom.tick(self._clock())
            states = (
                boom.approach_loop,
                boom.under_boom_loop,
                boom.is_open,
                boom.is_closed,
                not boom.under_boom_loop,  # the photocell's contact is normally closed
            )
            bits |= sum(state << (lane * INPUTS_PER_LANE + i) for i, state in enumerate(states))
        return [bits >> shift & 0xFFFF for shift in range(0, len(self.booms) * INPUTS_PER_LANE, 16)]

    async def _on_relays(
        self, function: int, _start: int, address: int, _count: int, _now: list[int], values: Any
    ) -> ExcCodes | None:
        if self.refuse is not None:
            return self.refuse
        if values is None:
            return None
        if function == WRITE_SINGLE_REGISTER and values[0] == PULSE:
            self._pulse(address)
        elif function == WRITE_SINGLE_COIL:
            self._switch(address + 1, values[0])
        return None

    async def _on_inputs(
        self, function: int, _start: int, _address: int, _count: int, now: list[int], _values: Any
    ) -> ExcCodes | None:
        if self.refuse is not None:
            return self.refuse
        if function != READ_DISCRETE_INPUTS:
            return ExcCodes.ILLEGAL_FUNCTION
        words = self._input_words()
        now[: len(words)] = words
        return None

    def _switch(self, relay: int, on: bool) -> None:
        """A coil drives its contact; the boom reacts to the contact closing."""
        if on and relay not in self.coils_on:
            self._pulse(relay)
        (self.coils_on.add if on else self.coils_on.discard)(relay)

    def _on_bytes(self, sending: bool, data: bytes) -> bytes:
        frozen = self.fault is BoardFault.FROZEN
        return b"" if frozen or (sending and self.fault is BoardFault.MUTE) else data

    def _on_pdu(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if sending and self.answers_as_unit is not None:
            pdu.dev_id = self.answers_as_unit
        return pdu


def _unit(number: int, action: Any) -> SimDevice:
    """A unit with 64 coils and inputs from address 0 and 64 registers; what they mean is the action's."""
    bits = [SimData(0, values=[False] * 64, datatype=DataType.BITS)]
    registers = [SimData(0, count=64, datatype=DataType.REGISTERS)]
    return SimDevice(number, simdata=(bits, list(bits), registers, list(registers)), action=action)


async def _no_such_unit(*_: Any) -> ExcCodes:
    return ExcCodes.GATEWAY_NO_RESPONSE


def _wiring(before: int) -> InputWiring:
    return InputWiring(
        approach_loop=Contact(before + 1),
        under_boom_loop=Contact(before + 2),
        boom_open=Contact(before + 3),
        boom_closed=Contact(before + 4),
        photocell=Contact(before + 5, normally_closed=True),
    )
