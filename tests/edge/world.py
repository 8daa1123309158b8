"""A lane with a boom in memory, cameras whose frames are handed in, a reader that sees what it is told, and a real store.

world = World(tmp_path)
await world.vehicle_arrives()
await world.press(Press.CONFIRM, CUSTOMS)
world.kinds() == ["arrived", "plate_read", "confirmed"]
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from edge.capture import Camera, CameraSettings, CameraState, Frame, Sees
from edge.capture.health import CameraHealth
from edge.changes import Changes
from edge.lane.lane import Lane
from edge.lane.machine import LaneState
from edge.lane.parts import LaneParts, LaneSettings
from edge.lane.passage import Knowledge
from edge.lane.presses import press
from edge.lane.reading import Eyes
from edge.lane.show import view
from edge.lane.view import LaneView, Officer, Press, Pressed
from edge.pictures import Pictures
from edge.vision.port import Corners, FoundPlate, Image, LookKind, PlateLook, Quality
from hardware.barrier import Inputs
from hardware.errors import BarrierError
from hardware.simulated import SimulatedBarrier
from shared.authority import Authority
from shared.bodies import CENTRE_KINDS, RULE_KINDS
from shared.codes import Agency, Country, Ground, Heading, Place
from shared.facts import Draft, Fact, Sealed
from shared.journal import centre_node, journal_id
from shared.known import Known
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.errors import StoreUnusable
from shared.node.store import Store
from shared.procedures import Procedures
from shared.published import Published
from shared.settings import Settings
from tests.builders import BARRIER_2_IN, BORDER_GUARD, MORNING, PLATE, SITE, Site, key, node_at, procedure

CENTRE = journal_id(centre_node(SITE))
NEAR_PLATE = PLATE[:-1] + "S"
"""One likely confusion away from the declared plate."""
TICK_S = 0.05
CORNERS: Corners = ((10, 10), (90, 10), (90, 30), (10, 30))


@dataclass
class Clock:
    """A monotonic clock that stands still until it is advanced."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.now_s += seconds


class HandedCamera(Camera):
    """A camera with a new frame for whoever asks, or none at all."""

    def __init__(self, clock: Clock, name: str = "front", sees: Sees = Sees.ANY) -> None:
        super().__init__(CameraSettings(name, "rtsp://127.0.0.1/none", sees), clock)
        self.clock, self.dark, self.number = clock, False, 0
        self.image: Image = np.full((90, 160, 3), 90, np.uint8)

    def start(self) -> None:
        """There is no worker."""

    def newest(self) -> Frame | None:
        """A frame taken now."""
        self.number += 1
        return None if self.dark else Frame(self.image, self.clock(), self.number)

    def health(self, now: float) -> CameraHealth:
        """Live, or down."""
        if self.dark:
            return CameraHealth(CameraState.DOWN, None, now, "front: no picture; check the cable.")
        return CameraHealth(CameraState.LIVE, 0.0, now, None)


@dataclass
class ToldReader:
    """Sees `plate` in every frame; a look takes `look_s` on the lane's clock."""

    clock: Clock
    plate: str | None = PLATE
    sureness: float = 0.99
    look_s: float = 0.3

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        """One place when a plate is there."""
        del frame_bgr
        self.clock.advance(self.look_s)
        return (FoundPlate(CORNERS, (CORNERS,), 0.9),) if self.plate else ()

    def read(self, frame_bgr: Image, found: FoundPlate) -> PlateLook | None:
        """The plate."""
        del frame_bgr, found
        if self.plate is None:
            return None
        characters = tuple(((c, self.sureness),) for c in self.plate)
        quality = Quality(row_height_px=30, sharpness=50, tilt_deg=0, glare=0)
        return PlateLook(
            self.plate,
            LookKind.PLATE,
            Country.VN,
            1,
            self.sureness,
            CORNERS,
            characters,
            Ground.WHITE,
            quality,
        )


class Boom(SimulatedBarrier):
    """A simulated barrier with the faults of real ones. `asked` counts every call of `open`, also those that failed."""

    def __init__(self, clock: Clock, unwired: Collection[str]) -> None:
        super().__init__(clock=clock)
        self.asked = 0
        self.open_fails: BarrierError | None = None
        self.stuck = False
        self._unwired = unwired

    async def open(self) -> None:
        """One pulse, unless its way is broken; a stuck boom takes it and stays."""
        self.asked += 1
        if self.open_fails is not None:
            raise self.open_fails
        if self.stuck:
            self.pulses.append("open")
        else:
            await super().open()

    def turn_by_key(self, *, up: bool) -> None:
        """Somebody moves the boom without this program; so does its own controller when it closes."""
        self._turn(up=up)

    async def read(self) -> Inputs:
        """The sensors that are wired."""
        return replace(await super().read(), **dict.fromkeys(self._unwired))


@dataclass
class World:
    """The lane, everything around it, and how it is driven. Time passes only in `until` and by `clock.advance`."""

    folder: Path
    at: tuple[Place, Heading] = BARRIER_2_IN
    khoan: str = "4.2"
    unwired: Collection[str] = ()
    procedures_held: bool = True
    clock: Clock = field(default_factory=Clock)
    centre_age_s: int | None = 3
    disk_broken: bool = False
    not_taken: Collection[str] = ()
    """Kinds of facts that the store fails to take."""

    def __post_init__(self) -> None:
        self.site = Site(self.khoan)
        self.node = node_at(self.at[0])
        self.store = Store(
            self.folder / "facts.db", [Declarations()], wall=self._wall, monotonic_s=self.clock
        )
        self.barrier = Boom(self.clock, self.unwired)
        self.camera = HandedCamera(self.clock)
        self.reader = ToldReader(self.clock)
        self.pictures = Pictures(self.folder / "pictures")
        held = (procedure(self.khoan),) if self.procedures_held else ()
        book = DeclarationBook(self.store)
        self.knowledge = Knowledge(self.store, book, Procedures(held), Settings(), self.known, self.published)
        self.learn()
        self.lane = self._make_lane()
        self.store.listen(lambda facts: self.lane.learnt(facts))

    # -- what happens

    def learn(self) -> None:
        """Everything that the site's other journals hold arrives."""
        for journal in self.site.journals.values():
            if journal.name != journal_id(self.node):
                self.store.absorb(journal.sealed, journal.signed)

    async def vehicle_arrives(self, plate: str | None = PLATE) -> None:
        """A vehicle stops on the approach loop and is read."""
        self.reader.plate = plate
        self.barrier.approach_loop = True
        await self.until(LaneState.WAITING)

    async def vehicle_drives_under(self) -> None:
        """The vehicle leaves the approach loop and stands under the boom."""
        self.barrier.approach_loop, self.barrier.under_boom_loop = False, True
        await self.until(LaneState.PASSING)

    async def vehicle_clears(self) -> None:
        """The vehicle has left the loop under the boom."""
        self.barrier.under_boom_loop = False
        await self.until(LaneState.CLOSING)

    def vehicle_backs_away(self) -> None:
        """The vehicle leaves the way it came."""
        self.barrier.approach_loop = False

    async def controller_closes(self) -> None:
        """The boom's own controller closes it."""
        self.barrier.turn_by_key(up=False)
        await self.until(LaneState.EMPTY)

    def restart(self, down_s: float = 5.0) -> None:
        """The daemon was killed just now; another starts after `down_s`. What it knows are its facts."""
        self.clock.advance(down_s)
        self.lane = self._make_lane()
        self.lane.take_up()

    def view(self) -> LaneView:
        """What screens show of the lane now."""
        return view(self.lane)

    async def press(
        self,
        what: Press,
        agency: Agency = BORDER_GUARD,
        *,
        token: str | None = None,
        officer: str | None = None,
        **values: str,
    ) -> None:
        """An officer presses on the picture that she sees now, or on an older one."""
        who = Officer(officer or f"{agency}-1", agency, "screen-1")
        await press(self.lane, Pressed(what, who, token or self.view().token, values))

    async def confirmed_by_all(self) -> None:
        """The declared vehicle arrives, customs confirms, the border guard confirms and opens."""
        await self.vehicle_arrives()
        await self.press(Press.CONFIRM, Agency.CUSTOMS)
        await self.press(Press.CONFIRM_AND_OPEN)

    async def until(self, wanted: LaneState | Callable[[], bool]) -> None:
        """Lets time pass until the lane is in a state or a condition holds; half a minute at most."""
        for _ in range(round(30 / TICK_S)):
            if self.lane.state is wanted if isinstance(wanted, LaneState) else wanted():
                return
            await self.pass_s(TICK_S)
        raise AssertionError(f"{wanted} did not come; the lane is {self.lane.state}, {self.kinds()}")

    async def pass_s(self, seconds: float) -> None:
        """Lets time pass."""
        for _ in range(round(seconds / TICK_S)):
            self.clock.advance(TICK_S)
            await self.lane.tick()
            await asyncio.sleep(0.001)

    # -- what came of it

    def facts(self, kind: str | None = None) -> list[Fact]:
        """What the lane's node has written, in order."""
        wrote = [fact for _, fact in self.store.since(0, 10_000) if fact.journal == journal_id(self.node)]
        return [fact for fact in wrote if kind in (None, fact.kind)]

    def kinds(self) -> list[str]:
        """Kinds of all facts of the lane; of the boom's with what it was seen to do."""
        return [f"boom {f.body['state']}" if f.kind == "boom_seen" else f.kind for f in self.facts()]

    def known(self) -> Known:
        """What is known, the centre last heard `centre_age_s` ago."""
        enrolments = self.store.of_kinds(CENTRE_KINDS - {"declared", "amended", "recalled"})
        return Known(
            Authority.of(SITE, enrolments), ages_s={CENTRE: self.centre_age_s}, required=frozenset({CENTRE})
        )

    def published(self) -> Published:
        """What the centre has published of the rules."""
        return Published.of(SITE, self.store.of_kinds(RULE_KINDS))

    # -- inside

    def _wall(self) -> Any:
        return MORNING + timedelta(seconds=3600 + self.clock())

    def _write(self, drafts: Sequence[Draft]) -> list[Sealed]:
        if self.disk_broken or any(draft.kind in self.not_taken for draft in drafts):
            raise StoreUnusable("cannot append to facts.db: disk I/O error; use key and paper")
        return self.store.append(journal_id(self.node), key(journal_id(self.node)), drafts)

    def _make_lane(self) -> Lane:
        parts = LaneParts(
            cameras=[self.camera],
            barrier=self.barrier,
            inputs=self.barrier,
            eyes=Eyes(self.reader),
            pictures=self.pictures,
            knowledge=self.knowledge,
            write=self._write,
            changes=Changes(),
            clock=self.clock,
        )
        return Lane(self.node, LaneSettings("lane-1", *self.at), parts)
