"""A barrier behind Modbus TCP: a relay board, and perhaps an input board as another unit of the gateway."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from random import Random

from hardware.barrier import Inputs
from hardware.errors import BarrierError, BarrierMisconfigured, CloseNotWired, RelayLeftOn
from hardware.modbus_link import ModbusTcpLink
from hardware.profiles import InputProfile, RelayProfile, board_profile


@dataclass(frozen=True)
class Contact:
    """One input terminal: its number as printed on the board, and whether the contact opens when active.

    Limit switches, photocells and stops are mostly normally closed, so that a cut wire reads as active.
    """

    number: int
    normally_closed: bool = False


@dataclass(frozen=True)
class InputWiring:
    """Which terminal each sensor of `Inputs` is wired to; None = not wired."""

    approach_loop: Contact | None = None
    under_boom_loop: Contact | None = None
    boom_open: Contact | None = None
    boom_closed: Contact | None = None
    photocell: Contact | None = None

    def contacts(self) -> dict[str, Contact]:
        """The wired sensors by their name in `Inputs`."""
        wired = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: contact for name, contact in wired.items() if contact is not None}


@dataclass(frozen=True)
class BarrierSettings:
    """Where a barrier is and how it is wired. Relays and inputs are counted from 1, as on the board.

    `open_is_edge_triggered` says that the boom's controller reacts to the closing of the contact, not to
    its length; without it a board that cannot time its own pulse is not accepted for *open*.
    `timeout_s` bounds connecting and each exchange.
    """

    name: str
    host: str
    open_relay: int
    relay_board: str = "eletechsup-r421a08"
    port: int = 502
    relay_unit: int = 1
    close_relay: int | None = None
    input_board: str = "generic-inputs"
    input_unit: int = 1
    inputs: InputWiring = InputWiring()
    timeout_s: float = 1.0
    open_is_edge_triggered: bool = False


class ModbusTcpBarrier:
    """`Barrier` and `InputReader` over Modbus TCP; constructing one checks the settings and sends nothing.

    Reads keep to the back-off of a lost connection; a movement tries at once, because a person waits for it.
    After every reconnect the inputs are read before a relay is written. A movement answers within four
    time-outs: an exchange that is under way, connecting, reading, writing.

    Raises (constructor):
        BarrierMisconfigured: names the key of `BarrierSettings` and what to write.
    """

    def __init__(
        self,
        settings: BarrierSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._relays = _relays(settings)
        self._contacts = settings.inputs.contacts()
        self._inputs = _inputs(settings) if self._contacts else None
        self._sleep = sleep
        self._link = ModbusTcpLink(
            settings.name, settings.host, settings.port, settings.timeout_s, clock=clock, rng=rng
        )
        self._lock = asyncio.Lock()
        self._left_on: set[int] = set()

    async def open(self) -> None:
        """Pulse the *open* relay once; see `Barrier.open`."""
        await self._pulse(self._settings.open_relay)

    async def close(self) -> None:
        """Pulse the *close* relay once; see `Barrier.close`."""
        if self._settings.close_relay is None:
            raise CloseNotWired(
                f"{self._settings.name}: no close_relay is wired; the boom's own controller or a "
                "hold-to-run button closes it"
            )
        await self._pulse(self._settings.close_relay)

    async def read(self) -> Inputs:
        """Read every wired sensor in one exchange; see `InputReader.read`."""
        async with self._lock:
            if not self._link.connected:
                await self._connect(at_once=False)
            return await self._read()

    async def disconnect(self) -> None:
        """Drop the connection at the end of the program; moves nothing."""
        async with self._lock:
            self._link.disconnect()

    async def _connect(self, *, at_once: bool) -> None:
        await self._link.connect(at_once=at_once)
        for relay in sorted(self._left_on):
            await self._switch(relay, on=False)

    async def _read(self) -> Inputs:
        if self._inputs is None:
            return Inputs()
        numbers = [contact.number for contact in self._contacts.values()]
        first = min(numbers)
        states = await self._link.read_discrete_inputs(
            self._settings.input_unit, self._inputs.address(first), max(numbers) - first + 1
        )
        return Inputs(
            **{
                name: states[contact.number - first] != contact.normally_closed
                for name, contact in self._contacts.items()
            }
        )

    async def _pulse(self, relay: int) -> None:
        async with self._lock:
            if not self._link.connected:
                await self._connect(at_once=True)
                await self._read()
            if self._relays.pulse_value is not None:
                await self._link.write_register(
                    self._settings.relay_unit, self._relays.address(relay), self._relays.pulse_value
                )
                return
            await self._switch(relay, on=True)
        try:
            await self._sleep(self._relays.pulse_s)
        finally:
            await self._release(relay)

    async def _release(self, relay: int) -> None:
        """End a pulse that this PC times; if that fails, the next reconnect does it."""
        async with self._lock:
            try:
                if not self._link.connected:
                    await self._connect(at_once=True)
                if relay in self._left_on:
                    await self._switch(relay, on=False)
            except BarrierError as exc:
                raise RelayLeftOn(
                    f"{self._settings.name}: relay {relay} was switched on and may still be; it is switched "
                    f"off when the board is back, or cut its power ({exc})"
                ) from exc

    async def _switch(self, relay: int, *, on: bool) -> None:
        self._left_on.add(relay)
        await self._link.write_coil(self._settings.relay_unit, self._relays.address(relay), on)
        if not on:
            self._left_on.discard(relay)


def _relays(settings: BarrierSettings) -> RelayProfile:
    relays = board_profile(settings.relay_board).relays
    if relays is None:
        raise _wrong(settings, "relay_board", f"{settings.relay_board} has no relays; write another profile")
    if not relays.board_times_pulse and not settings.open_is_edge_triggered:
        raise _wrong(
            settings,
            "relay_board",
            f"{settings.relay_board} cannot time its own pulse and would hold *open* when this PC dies; write a "
            "board that can, or open_is_edge_triggered = true if the boom's input reacts to the edge only",
        )
    for key, relay in (("open_relay", settings.open_relay), ("close_relay", settings.close_relay)):
        if relay is not None and not 1 <= relay <= relays.count:
            raise _wrong(
                settings, key, f"{relay} is not on {settings.relay_board}; write 1 to {relays.count}"
            )
    if settings.open_relay == settings.close_relay:
        raise _wrong(settings, "close_relay", "is the relay of *open*; write the other one, or leave it out")
    return relays


def _inputs(settings: BarrierSettings) -> InputProfile:
    inputs = board_profile(settings.input_board).inputs
    if inputs is None:
        raise _wrong(settings, "input_board", f"{settings.input_board} has no inputs; write another profile")
    owner: dict[int, str] = {}
    for name, contact in settings.inputs.contacts().items():
        if not 1 <= contact.number <= inputs.count:
            raise _wrong(settings, f"inputs.{name}", f"{contact.number} is not 1 to {inputs.count}")
        if contact.number in owner:
            raise _wrong(settings, f"inputs.{name}", f"input {contact.number} is {owner[contact.number]}'s")
        owner[contact.number] = name
    return inputs


def _wrong(settings: BarrierSettings, key: str, message: str) -> BarrierMisconfigured:
    return BarrierMisconfigured(f"{settings.name}: {key}: {message}")
