"""Board profiles: what a relay or input board wants to hear, as data under `hardware/boards/`.

To add a board, copy the nearest TOML file there; every number carries the source it was taken from.
"""

import tomllib
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from hardware.errors import BarrierMisconfigured, BoardProfileError

BOARDS = Path(__file__).parent / "boards"

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class TriedOn(Enum):
    """What the numbers of a profile have met so far."""

    NOTHING = "nothing"
    """Only read in the source named."""
    EMULATOR = "emulator"
    """Spoken to a program that plays the board."""
    BOARD = "board"
    """Spoken to the board itself."""


class RelayWrite(Enum):
    """How a relay is commanded."""

    REGISTER = "register"
    """FC06: one register a relay; a value of its own starts a pulse."""
    COIL = "coil"
    """FC05: one coil a relay, on or off."""


@dataclass(frozen=True)
class RelayProfile:
    """The relays of a board; `pulse_value` is there exactly when the board times its pulses itself."""

    write: RelayWrite
    board_times_pulse: bool
    count: int
    first_address: int
    pulse_s: float
    pulse_value: int | None

    def address(self, relay: int) -> int:
        """Register or coil address of a relay counted from 1, as printed on the board."""
        return self.first_address + relay - 1


@dataclass(frozen=True)
class InputProfile:
    """The discrete inputs of a board, read by FC02."""

    count: int
    first_address: int

    def address(self, number: int) -> int:
        """Address of an input counted from 1, as printed on the board."""
        return self.first_address + number - 1


@dataclass(frozen=True)
class BoardProfile:
    """One kind of board; it has relays, inputs or both."""

    name: str
    title: str
    tried_on: TriedOn
    relays: RelayProfile | None
    inputs: InputProfile | None


@cache
def board_profile(name: str) -> BoardProfile:
    """The shipped profile of that name (the file name without `.toml`).

    Raises:
        BarrierMisconfigured: there is none; the text lists those there are.
        BoardProfileError: the file is there and cannot be used.
    """
    file = BOARDS / f"{name}.toml"
    known = sorted(path.stem for path in BOARDS.glob("*.toml"))
    if name not in known:
        raise BarrierMisconfigured(f"no board profile {name!r}; write one of: {', '.join(known)}")
    return read_profile(file)


def read_profile(file: Path) -> BoardProfile:
    """Read and check one profile file.

    Raises:
        BoardProfileError: names file and key, and what to write.
    """
    try:
        table = _Table(file, "", tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise BoardProfileError(file, "(file)", f"cannot be read as TOML: {exc}") from exc
    profile = BoardProfile(
        name=file.stem,
        title=table.take("title", str),
        tried_on=table.choice("tried_on", TriedOn),
        relays=_relays(table.table("relays")) if table.has("relays") else None,
        inputs=_inputs(table.table("inputs")) if table.has("inputs") else None,
    )
    table.finish()
    if profile.relays is None and profile.inputs is None:
        raise BoardProfileError(file, "relays", "a board has relays or inputs; write [relays] or [inputs]")
    return profile


def _relays(table: "_Table") -> RelayProfile:
    write = table.choice("write", RelayWrite)
    board_times_pulse = table.take("board_times_pulse", bool)
    if board_times_pulse != (write is RelayWrite.REGISTER):
        raise table.error("board_times_pulse", "true for write = 'register', false for write = 'coil'")
    relays = RelayProfile(
        write=write,
        board_times_pulse=board_times_pulse,
        count=table.number("count", 1, 256),
        first_address=table.number("first_address", 0, 0xFFFF),
        pulse_s=table.number("pulse_s", 0.1, 5.0),
        pulse_value=table.number("pulse_value", 0, 0xFFFF) if board_times_pulse else None,
    )
    table.finish()
    return relays


def _inputs(table: "_Table") -> InputProfile:
    inputs = InputProfile(
        count=table.number("count", 1, 2000),
        first_address=table.number("first_address", 0, 0xFFFF),
    )
    table.finish()
    return inputs


N = TypeVar("N", int, float)


class _Table:
    """One TOML table that is emptied key by key; what is left at the end is a mistake."""

    def __init__(self, file: Path, path: str, values: dict[str, Any]) -> None:
        self._file = file
        self._path = path
        self._left = dict(values)
        self._known: list[str] = []

    def error(self, key: str, message: str) -> BoardProfileError:
        return BoardProfileError(self._file, f"{self._path}{key}", message)

    def has(self, key: str) -> bool:
        self._known.append(key)
        return key in self._left

    def take(self, key: str, kind: type[T]) -> T:
        if not self.has(key):
            raise self.error(key, f"is missing; write a {kind.__name__}")
        value = self._left.pop(key)
        if type(value) is not kind:
            raise self.error(key, f"is {value!r}; write a {kind.__name__}")
        return value

    def table(self, key: str) -> "_Table":
        return _Table(self._file, f"{self._path}{key}.", self.take(key, dict))

    def choice(self, key: str, kind: type[E]) -> E:
        value = self.take(key, str)
        try:
            return kind(value)
        except ValueError as exc:
            options = ", ".join(repr(member.value) for member in kind)
            raise self.error(key, f"is {value!r}; write one of {options}") from exc

    def number(self, key: str, low: N, high: N) -> N:
        """A number in a table of its own, `{ value, source }`."""
        table = self.table(key)
        value = table.take("value", type(low))
        if not low <= value <= high:
            raise table.error("value", f"is {value}; write a number from {low} to {high}")
        if not table.take("source", str).strip():
            raise table.error("source", "is empty; write where the number was taken from")
        table.finish()
        return value

    def finish(self) -> None:
        for key in self._left:
            raise self.error(key, f"is not a known key; known are {', '.join(self._known)}")
