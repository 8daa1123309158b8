"""The trucks: each drives its trip from place to place, queues, stands at the line, and goes when the boom or an officer says so.

What happened is read off the simulated boom and loops, never off the daemon's word.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from simulation.boom import Boom, BoomEventKind
from simulation.cameras import CameraFarm, CameraFarmError
from simulation.clips import VehicleClips
from simulation.scenario import Outcome, Trip, Visit

log = structlog.get_logger()

APPROACH_S = 1.5
GAP_S = 3.0
LOOK_S = 0.1


@dataclass
class Standing:
    """What became of one visit. `stages`: seconds from the stop at the line."""

    place: str
    lane: str
    plate: str
    expected: Outcome
    outcome: Outcome = Outcome.WAITING
    stages: dict[str, float] = field(default_factory=dict)


@dataclass
class LaneOfSite:
    """One simulated lane: its boom, its camera mount, and who stands there."""

    place: str
    name: str
    mount: str
    boom: Boom
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    visit: Visit | None = None
    plate: str = ""
    sent_back: asyncio.Event = field(default_factory=asyncio.Event)


class Traffic:
    """Drives trips. `desk_done` waits until the agencies in the yard have confirmed a declaration."""

    def __init__(
        self,
        lanes: dict[str, LaneOfSite],
        cameras: CameraFarm,
        desk_done: Callable[[str], Awaitable[None]],
        patience_s: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lanes = lanes
        self.records: list[Standing] = []
        self.in_yard: set[str] = set()
        self._cameras = cameras
        self._desk_done = desk_done
        self._patience_s = patience_s
        self._clock = clock

    def refuses(self, door: str, agency: str) -> bool:
        """Whether the officer of an agency is to refuse whoever stands at a door now."""
        visit = self.lanes[door].visit
        return visit is not None and visit.refused_by == agency

    def plate_at(self, door: str) -> str | None:
        """The plate of a vehicle that is to pass a door, as anybody sees it; None for those that are not to pass."""
        lane = self.lanes[door]
        return lane.plate if lane.visit is not None and lane.visit.expected is Outcome.PASSED else None

    def send_back(self, door: str) -> None:
        """An officer refused the vehicle at a door: its driver is told."""
        self.lanes[door].sent_back.set()

    def plan(self, trip: Trip) -> list[Standing]:
        """The records of a trip's visits: in the report from now on, whether or not the truck gets its turn."""
        lanes = [(self.lanes[visit.door], visit) for visit in trip.visits]
        records = [Standing(lane.place, lane.name, trip.plate, visit.expected) for lane, visit in lanes]
        self.records.extend(records)
        return records

    async def drive(
        self, trip: Trip, records: list[Standing], clips: dict[str, VehicleClips], no: str | None
    ) -> None:
        """Drives one planned trip to its end."""
        for visit, record in zip(trip.visits, records, strict=True):
            lane = self.lanes[visit.door]
            async with lane.turn:
                await self._visit(lane, visit, record, clips[visit.door])
            if record.outcome is not Outcome.PASSED:
                return
            if visit.desk_after and no is not None:
                self.in_yard.add(no)
                await self._desk_done(no)

    async def _visit(self, lane: LaneOfSite, visit: Visit, record: Standing, clips: VehicleClips) -> None:
        lane.sent_back.clear()
        lane.visit, lane.plate = visit, record.plate
        await self._show(self._cameras.truck_arrives(lane.mount, clips))
        await asyncio.sleep(APPROACH_S)
        stopped_at = self._clock()
        lane.boom.vehicle_arrives(stopped_at, record.plate)
        opened = await self._wait(lane, visit)
        if opened:
            await self._go_through(lane, record, clips, stopped_at)
        else:
            record.outcome = Outcome.TURNED_BACK if lane.sent_back.is_set() else Outcome.NOT_OPENED
            await self._show(self._cameras.truck_backs_away(lane.mount, clips))
            lane.boom.vehicle_backs_away(self._clock())
            record.stages["left"] = round(self._clock() - stopped_at, 2)
        lane.visit = None
        await asyncio.sleep(GAP_S)
        while not lane.boom.is_closed:
            await asyncio.sleep(LOOK_S)
            lane.boom.tick(self._clock())
        await self._show(self._cameras.idle(lane.mount))
        await asyncio.sleep(LOOK_S)

    async def _show(self, command: Awaitable[None]) -> None:
        """Shows the truck to the camera; a truck comes and goes whether or not a camera sees it."""
        try:
            await command
        except CameraFarmError as error:
            log.warning("camera_unplugged", error=str(error))

    async def _wait(self, lane: LaneOfSite, visit: Visit) -> bool:
        """Stands at the line until the boom is open (True), an officer sends it back, or patience ends."""
        patience_s = 15.0 if visit.expected is Outcome.NOT_OPENED else self._patience_s
        end = None if patience_s is None else self._clock() + patience_s
        while True:
            lane.boom.tick(self._clock())
            if lane.boom.is_open:
                return True
            if lane.sent_back.is_set() or (end is not None and self._clock() > end):
                return False
            await asyncio.sleep(LOOK_S)

    async def _go_through(
        self, lane: LaneOfSite, record: Standing, clips: VehicleClips, stopped_at: float
    ) -> None:
        await asyncio.sleep(0.3)
        before = len(lane.boom.events)
        await self._show(self._cameras.truck_leaves(lane.mount, clips))
        lane.boom.vehicle_drives_through(self._clock())
        while BoomEventKind.VEHICLE_PASSED not in {event.kind for event in lane.boom.events[before:]}:
            await asyncio.sleep(LOOK_S)
            lane.boom.tick(self._clock())
        record.outcome = Outcome.PASSED
        for event in lane.boom.events:
            if event.at_s >= stopped_at and event.kind in _STAGES:
                record.stages[_STAGES[event.kind]] = round(event.at_s - stopped_at, 2)


_STAGES = {
    BoomEventKind.OPEN_PULSE: "pulse",
    BoomEventKind.BOOM_OPEN: "open",
    BoomEventKind.VEHICLE_PASSED: "passed",
}
