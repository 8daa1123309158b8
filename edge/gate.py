"""The gate: store, knowledge, lanes and screens of one gate PC, put together."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from edge import desk
from edge.capture import Camera, redacted
from edge.capture.picture_memory import PictureMemory, memory_file
from edge.capture.picture_watch import PictureWatch
from edge.changes import Changes
from edge.configuration import CameraTable, GateConfiguration, LaneTable
from edge.disk import DiskGuard, DiskLevel, DiskLimits
from edge.lane.lane import Lane
from edge.lane.parts import LaneParts, LaneSettings
from edge.lane.passage import Knowledge
from edge.lane.presses import press
from edge.lane.reading import Eyes
from edge.lane.show import view
from edge.lane.sight import kept_awake
from edge.lane.view import CameraShown, LaneView, Officer, Pressed, PressRefused
from edge.officers import Officers
from edge.pictures import PictureError, Pictures
from edge.screen.ports import DeskLine, DeskPress, LinkShown
from edge.underway import Underway
from edge.vision.opening import ReaderHealth, ReaderState, always_open
from edge.vision.port import PlateReader
from edge.vision.vote import none_is_final
from hardware.modbus import ModbusTcpBarrier
from shared.agency_names import Called
from shared.authority import Authority, Counting
from shared.bodies import AUTHORITY_KINDS, RULE_KINDS
from shared.clock import Stamp, day_at_gates
from shared.codes import Agency
from shared.facts import Draft, Fact, Sealed
from shared.journal import centre_node
from shared.known import Known, journals_of
from shared.node.agency_file import names_at_hand
from shared.node.checkpoints import Checkpoints
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.errors import StoreError, StoreUnusable
from shared.node.identity import Identity
from shared.node.opening import mend, open_mended, recovery_told
from shared.node.own import own_journal
from shared.node.procedure_files import load_procedures
from shared.node.salvage import Own, Recovery
from shared.node.sync import SyncNode
from shared.node.tariff_files import load_tariffs
from shared.node.used_twice import UsedTwice, findings
from shared.published import Published
from shared.signing import BadKey, PrivateKey
from shared.trust import Trust

PROJECTIONS = (Declarations(), Underway(), UsedTwice())

CROWDED = (
    "so many vehicles are under way that no read is sure enough to be final: each plate is taken by the officer; "
    "recall declarations that nobody comes for"
)
HUNG_AFTER_S = 15.0
"""A lane that has not ticked for so long hangs; the slowest exchange with a board takes a few seconds."""

ALARM_FOR = timedelta(days=1)
"""How long the screen tells of a declaration that was used twice."""


class ShownLane:
    """A lane as its screens see it, with what is wrong with its cameras' pictures and with the gate's plate reader."""

    def __init__(
        self, lane: Lane, watches: Sequence[PictureWatch], reader_health: Callable[[], ReaderHealth]
    ) -> None:
        self.lane = lane
        self._reader_health = reader_health
        self._watches = {watch.camera.settings.name: watch for watch in watches}

    def cameras(self) -> tuple[CameraShown, ...]:
        """How each camera and its pictures do."""
        return tuple(self._judged(camera) for camera in self.lane.cameras_shown())

    def _judged(self, camera: CameraShown) -> CameraShown:
        health = self._watches[camera.name].health
        troubles = tuple(trouble.value for trouble in health.troubles)
        return replace(camera, troubles=troubles, untrusted_share=round(health.untrusted_share, 3))

    def view(self) -> LaneView:
        """What there is to see now."""
        shown = view(self.lane)
        lost = self._reader_health().state is ReaderState.LOST
        trouble = (*shown.trouble, "reader_lost") if lost else shown.trouble
        return replace(shown, cameras=self.cameras(), trouble=trouble)

    async def press(self, pressed: Pressed) -> None:
        """Carries a press out; raises PressRefused."""
        await press(self.lane, pressed)

    def live_jpeg(self) -> bytes | None:
        """The newest frame, small."""
        return self.lane.live_jpeg()


class Gate:
    """Satisfies `edge.screen.ports.GateForScreen`."""

    def __init__(
        self,
        configuration: GateConfiguration,
        reader: PlateReader,
        clock: Callable[[], float] = time.monotonic,
        disk_limits: DiskLimits | None = None,
        mended: bool | None = None,
        reader_health: Callable[[], ReaderHealth] = always_open,
    ) -> None:
        """`mended`: what `mend_store` said, where it ran already; `reader_health`: of a reader that may be lost."""
        table = configuration.table
        self.node, self.site, self.version = table.node, table.site, version("barie")
        self.agencies = table.screen.agencies
        self.changes = Changes()
        self.key = load_key(configuration.path(table.key_file))
        data = configuration.path(table.data)
        self.disk = DiskGuard(data, disk_limits)
        self.pictures = self._make_room(data / "pictures", table.pictures.budget_bytes)
        self.own = own_of(configuration, self.key)
        self.opened = open_mended(
            database_of(configuration),
            PROJECTIONS,
            recovered=mend_store(configuration) if mended is None else mended,
        )
        self.store = self.opened.store
        self._recovery = recovery_told(self.store)
        self.checkpoints = Checkpoints(data / "checkpoints")
        self.sync: SyncNode | None = None
        self._required = (centre_node(self.site), *table.required_nodes)
        self._officers = Officers(configuration.path(table.officers) if table.officers else None)
        self._names = names_at_hand(configuration.agency_names)
        self._authority: Authority | None = None
        self._published: Published | None = None
        self.knowledge = Knowledge(
            self.store,
            DeclarationBook(self.store),
            load_procedures(configuration.path(table.procedures)),
            table.settings.settings(),
            self.known,
            self.published,
        )
        self.charging = desk.Charging(load_tariffs(configuration.tariffs), table.fees)
        self.eyes, self._reader_health = Eyes(reader), reader_health
        self.working = [self._make_lane(lane, clock) for lane in table.lane]
        watches = [
            [
                self._make_watch(lane, camera, one, data)
                for camera, one in zip(lane.parts.cameras, told.camera, strict=True)
            ]
            for lane, told in zip(self.working, table.lane, strict=True)
        ]
        self.watches = list(chain.from_iterable(watches))
        self.lanes: Mapping[str, ShownLane] = {
            lane.settings.name: ShownLane(lane, one, reader_health)
            for lane, one in zip(self.working, watches, strict=True)
        }
        self.store.listen(self._learnt)

    def identity(self, configuration: GateConfiguration) -> Identity:
        """Who this node is for sync."""
        return Identity(self.node, self.site, self.key, configuration.root_key)

    def known(self) -> Known:
        """What is known now, and how fresh."""
        if self._authority is None:
            self._authority = Authority.of(self.site, self.store.of_kinds(AUTHORITY_KINDS))
        vector = {journal: head.seq for journal, head in self.store.heads().items()}
        ages_s = self.sync.ages_s() if self.sync else {}
        return Known(self._authority, vector, ages_s, journals_of(self._required, {*vector, *ages_s}))

    def published(self) -> Published:
        """What the centre has published of the rules."""
        if self._published is None:
            self._published = Published.of(self.site, self.store.of_kinds(RULE_KINDS))
        return self._published

    def write(self, drafts: Sequence[Draft]) -> list[Sealed]:
        """Writes facts into this node's journal, out of the reserve when the disk is full; raises StoreError."""
        while True:
            try:
                return self.store.append(self.journal, self.key, drafts)
            except StoreUnusable as error:
                if not self.disk.rescue(error):
                    raise

    @property
    def journal(self) -> str:
        """The journal that this node writes now."""
        return self.sync.journal if self.sync else own_journal(self.store, self.node)

    # -- for screens

    def link(self) -> LinkShown:
        """The line to the centre."""
        ages_s = self.sync.peers.ages_s() if self.sync else {}
        stale = self.known().stale(self.knowledge.settings.stale_after_s)
        broken = next(
            (lane.trouble["store_broken"] for lane in self.working if "store_broken" in lane.trouble), None
        )
        return LinkShown(
            connected=self.sync is not None and self.sync.hears_centre(),
            centre_age_s=ages_s.get(centre_node(self.site)),
            unsent=self.sync.unsent() if self.sync else self.store.head(self.journal).seq,
            stale=bool(stale),
            store_error=broken,
            disk=self.disk.level,
            unseen=self.sync.unseen() if self.sync else 0,
            refused=bool(self.sync and self.sync.refused()),
            twin=self.sync is not None and self.sync.twin,
            used_twice=self._used_twice(),
            recovered_at=recovery.at if (recovery := self.recovery()) else None,
        )

    def recovery(self) -> Recovery | None:
        """How the store was made anew from a damaged one, for as long as that is news."""
        recovery = self._recovery
        return recovery if recovery and recovery.is_news(self.store.steady()) else None

    def _used_twice(self) -> tuple[str, ...]:
        """Declarations whose vehicle went through one place twice, the last time within a day."""
        since = str(Stamp(self.store.steady() - ALARM_FOR))
        with contextlib.suppress(StoreError):
            found = findings(self.store)
            return tuple(dict.fromkeys(one.declaration for one in found if one.passages[-1].at > since))
        return ()

    def called(self) -> Called:
        """What agencies are called here today, by the node's own time."""
        return Called(self._names, self.site, day_at_gates(self.store.steady()))

    def sign_in(self, code: str, pin: str) -> Officer | None:
        """The officer when PIN and enrolment are good. Before any enrolment arrived, the PIN alone lets her look."""
        agency = self._officers.agency_of(code, pin)
        if agency is None or agency not in self.agencies:
            return None
        at = self.store.clock.now().wall
        if self.known().authority.officer_holds(code, agency, at) is Counting.REFUSED:
            return None
        return Officer(code, agency, self.node)

    def desk(self, agency: Agency) -> tuple[DeskLine, ...]:
        """Vehicles in the yard that await the agency."""
        return tuple(one.line for one in desk.waiting(self.knowledge, self.charging, agency))

    async def confirm_at_desk(self, officer: Officer, pressed: DeskPress, values: Mapping[str, str]) -> None:
        """Confirms a step away from any boom; raises PressRefused."""
        self._write_pressed(desk.confirmation(self.knowledge, self.charging, officer, pressed, values))

    async def take_cash(self, officer: Officer, pressed: DeskPress, amount: str) -> None:
        """Records money that a collector took at the counter; raises PressRefused."""
        self._write_pressed(desk.cash(self.knowledge, self.charging, officer, pressed, amount))

    def _write_pressed(self, draft: Draft) -> None:
        try:
            self.write([draft])
        except StoreError as error:
            raise PressRefused("store_unusable") from error

    def picture(self, sha256: str) -> Path | None:
        """The file of a picture."""
        return self.pictures.path(sha256)

    def open_pictures(self) -> frozenset[str]:
        """Names of the pictures of open passages, which stay whatever the disk lacks."""
        kept = [lane.passage.kept for lane in self.working if lane.passage and lane.passage.kept]
        return frozenset(name for one in kept for name in (one.picture, one.thumbnail))

    def alive(self) -> bool:
        """True while every lane is at work; systemd starts a daemon anew whose lane hangs."""
        return all(lane.silent_s() < HUNG_AFTER_S for lane in self.working)

    def ready(self) -> list[str]:
        """Why the gate is not ready."""
        causes = [self._officers.error] if self._officers.error else []
        link = self.link()
        if link.store_error:
            causes.append(link.store_error)
        if self.disk.trouble:
            causes.append(self.disk.trouble)
        if unread := self._reader_health().sentence:
            causes.append(unread)
        for lane in self.working:
            if "barrier_lost" in lane.trouble:
                causes.append(f"{lane.settings.name}: {lane.trouble['barrier_lost']}")
            causes.extend(
                f"{lane.settings.name}: {camera.error or f'{camera.name}: no picture yet'}"
                for camera in lane.cameras_shown()
                if camera.state != "live"
            )
        return causes

    def keep_learned(self) -> None:
        """Writes down what was learned of the cameras' pictures."""
        for watch in self.watches:
            watch.keep()

    def notes(self) -> list[str]:
        """What a technician should know of though the gate works."""
        recovery = self.recovery()
        unread = ", ".join(f"{fact.subject} ({fact.ref})" for fact in self.published().unread)
        sentence = f"published and not understood here: {unread}; upgrade this gate; what was in force stands"
        pictures = (watch.note() for watch in self.watches)
        crowded = none_is_final(self.knowledge.vote_settings()) and CROWDED
        awake = (
            f"{lane.settings.name}: {one}"
            for lane in self.working
            for one in kept_awake(
                lane.parts.cameras, loop=lane.boom.has_approach_loop, now=lane.parts.clock()
            )
        )
        told = (
            recovery.sentence if recovery else None,
            self._names.fault,
            unread and sentence,
            crowded,
            *pictures,
            *awake,
        )
        return [one for one in told if one]

    # -- inside

    def _make_room(self, folder: Path, budget_bytes: int) -> Pictures:
        """The pictures. A disk that is full at start gets room from the reserve and old pictures before the store is opened."""
        pictures = Pictures(folder, budget_bytes, lambda: self.disk.allowed.pictures)
        self.disk.look()
        if self.disk.level is DiskLevel.FULL:
            with contextlib.suppress(PictureError):  # the sweeper tries again and tells
                pictures.sweep(frozenset(), time.time(), self.disk.shortfall_bytes())
        return pictures

    def _make_watch(self, lane: Lane, camera: Camera, told: CameraTable, data: Path) -> PictureWatch:
        name = lane.settings.name
        memory = PictureMemory(memory_file(data, name, told.name), redacted(told.url), self.store.steady)
        return PictureWatch(name, camera, lane.parts.clock, told.picture.settings(), memory)

    def _learnt(self, facts: Sequence[Fact]) -> None:
        if any(fact.kind in AUTHORITY_KINDS for fact in facts):
            self._authority = None
        if any(fact.kind in RULE_KINDS for fact in facts):
            self._published = None
        for lane in self.working:
            lane.learnt(facts)
        self.changes.notify()

    def _make_lane(self, table: LaneTable, clock: Callable[[], float]) -> Lane:
        barrier = ModbusTcpBarrier(table.barrier.settings(table.name), clock=clock)
        settings = LaneSettings(table.name, table.place, table.heading, table.barrier.move_timeout_s)
        parts = LaneParts(
            cameras=[Camera(camera.settings(), clock) for camera in table.camera],
            barrier=barrier,
            inputs=barrier,
            eyes=self.eyes,
            pictures=self.pictures,
            knowledge=self.knowledge,
            write=self.write,
            changes=self.changes,
            clock=clock,
        )
        return Lane(self.node, settings, parts)


def database_of(configuration: GateConfiguration) -> Path:
    """The file of the gate's store."""
    return configuration.path(configuration.table.data) / "facts.db"


def own_of(configuration: GateConfiguration, key: PrivateKey) -> Own:
    """As whom the gate takes its facts back from a damaged store."""
    table = configuration.table
    return Own(table.node, key, Trust(table.site, configuration.root_key))


def mend_store(configuration: GateConfiguration) -> bool:
    """Recovers the gate's store where it is damaged: True when it was. Raises StoreUnusable, BadKey."""
    key = load_key(configuration.path(configuration.table.key_file))
    return mend(database_of(configuration), [own_of(configuration, key)], PROJECTIONS)


def load_key(file: Path) -> PrivateKey:
    """This node's key; raises BadKey."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        why = f"{file} cannot be read: {error.strerror}; make it with `barie-edge key {file}`"
        raise BadKey(why) from error
    return PrivateKey.parse(text)
