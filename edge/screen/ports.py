"""What the screen needs of the gate. Everything is called on the event loop's thread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from edge.disk import DiskLevel
from edge.lane.view import LaneView, Officer, Pressed, Tick
from shared.agency_names import Called
from shared.codes import Agency
from shared.fees import Fee


@dataclass(frozen=True)
class LinkShown:
    """The line to the centre, and what holds the facts meanwhile.

    `connected`, `centre_age_s`: whether the line stands, and how old what we know from there is;
    `unsent`: facts of this node without a receipt from the centre; `unseen`: those that nobody at all has been seen to hold;
    `refused`: somebody set facts of this node aside; `twin`: another PC bears this node's name; `used_twice`: numbers of
    declarations whose vehicle passed one place twice in the last day; `stale`: the knowledge is too old for anything automatic;
    `store_error`: one sentence when nothing can be written, so that the boom must be moved by key; `disk`: its room
    for more; `recovered_at`: when the store was made anew from a damaged one, for as long as that is news.
    """

    connected: bool
    centre_age_s: int | None
    unsent: int
    stale: bool
    store_error: str | None = None
    unseen: int = 0
    refused: bool = False
    twin: bool = False
    used_twice: tuple[str, ...] = ()
    disk: DiskLevel = DiskLevel.PLENTY
    recovered_at: datetime | None = None


@dataclass(frozen=True)
class DeskPress:
    """What a press at the desk confirms; `token` changes with everything that it depends on."""

    declaration: str
    vehicle: str
    clause: str
    token: str


@dataclass(frozen=True)
class Choice:
    """One thing to choose, by its code; `words` by language where the catalogue of the screen has none."""

    code: str
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A value that a confirmation must say: one of `choices` (or `several`), or typed where there are none.

    `usual`: what is often typed; `preset`: what stands in the field already.
    """

    code: str
    choices: tuple[Choice, ...] = ()
    several: bool = False
    usual: tuple[str, ...] = ()
    preset: str = ""


@dataclass(frozen=True)
class DeskLine:
    """A vehicle that awaits an agency at one step.

    `owed`: the values that the confirmation must say; `held_by`: quarantines whose result holds it back; `fee`: how its fee
    stands, for a collector; `told`: what the fee follows from.
    """

    press: DeskPress
    plate: str
    what: Mapping[str, str]
    ticks: tuple[Tick, ...]
    owed: tuple[Asked, ...] = ()
    held_by: tuple[Agency, ...] = ()
    fee: Fee | None = None
    told: tuple[Choice, ...] = ()


class Changes(Protocol):
    """Tells when anything a screen shows has changed."""

    @property
    def closed(self) -> bool:
        """True when the gate ends and nothing more will be told."""
        ...

    @property
    def number(self) -> int:
        """Grows with every change."""
        ...

    async def wait(self, after: int, timeout_s: float) -> int:
        """The number as soon as it is above `after`; the same again when the time is out."""
        ...


class LaneForScreen(Protocol):
    """One lane."""

    def view(self) -> LaneView:
        """What there is to see now."""
        ...

    async def press(self, pressed: Pressed) -> None:
        """Carries a press out and returns when it is on disk; raises PressRefused."""
        ...

    def live_jpeg(self) -> bytes | None:
        """The newest frame, small; None when there is no fresh one."""
        ...


class GateForScreen(Protocol):
    """The gate PC, as its screens see it."""

    @property
    def node(self) -> str:
        """This gate PC's name."""
        ...

    @property
    def site(self) -> str:
        """Code of the site."""
        ...

    @property
    def version(self) -> str:
        """Version of the software."""
        ...

    @property
    def lanes(self) -> Mapping[str, LaneForScreen]:
        """Lanes by name."""
        ...

    @property
    def agencies(self) -> tuple[Agency, ...]:
        """Agencies licensed for this screen."""
        ...

    @property
    def changes(self) -> Changes:
        """Where screens wait for news."""
        ...

    def link(self) -> LinkShown:
        """The line to the centre."""
        ...

    def called(self) -> Called:
        """What agencies are called at this site today."""
        ...

    def sign_in(self, code: str, pin: str) -> Officer | None:
        """The officer, when code and PIN are right and the enrolment is in force; works offline."""
        ...

    def desk(self, agency: Agency) -> tuple[DeskLine, ...]:
        """Vehicles in the yard that await the agency, longest waiting first."""
        ...

    async def confirm_at_desk(self, officer: Officer, pressed: DeskPress, values: Mapping[str, str]) -> None:
        """Confirms a step away from any boom; returns when it is on disk; raises PressRefused."""
        ...

    async def take_cash(self, officer: Officer, pressed: DeskPress, amount: str) -> None:
        """Records money that a collector took at the counter; returns when it is on disk; raises PressRefused."""
        ...

    def picture(self, sha256: str) -> Path | None:
        """The file of a picture, or None when this gate does not hold it."""
        ...

    def ready(self) -> list[str]:
        """Why the gate is not ready, one sentence each; empty when it is."""
        ...

    def notes(self) -> list[str]:
        """What a technician should know of though the gate works, one sentence each."""
        ...
