"""One border site on loopback, every part real: broker, centre, four gates, cameras, boards; and the trucks that come."""

import asyncio
import contextlib
import shutil
import sqlite3
import sys
from collections.abc import Coroutine, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from hardware.modbus import BarrierSettings
from shared.journal import journal_id
from simulation.boom import Boom
from simulation.broker import Broker
from simulation.cameras import CameraFarm
from simulation.centre_client import CentreClient, answers
from simulation.clips import VehicleClips, idle_clip, vehicle_clips
from simulation.errors import PartFailed
from simulation.gate_board import GateBoard
from simulation.layout import DOORS, GATES, SITE, Door, GatePlan, LaneFiles, Layout, door_at
from simulation.officers import DeskOfficer, Officer
from simulation.ports import free_ports
from simulation.processes import Process
from simulation.scenario import Trip
from simulation.traffic import LaneOfSite, Traffic
from simulation.trucks import Gate

BACK_DOORS = tuple(door for gate in GATES for door in gate.doors[1:])
"""The doors of the second board: one board has relays for four lanes."""
GATE_READY_S = 60.0
AUTO_PATIENCE_S = 60.0
SETTLE_LOOK_S = 0.2


class Site:
    """Starts and stops the site; an asynchronous context manager. `folder` is emptied at start."""

    def __init__(self, folder: Path, clips: Path, *, auto_officers: bool) -> None:
        names = ["centre", "broker", *(gate.node for gate in GATES)]
        self.layout = Layout(folder, dict(zip(names, free_ports(len(names)), strict=True)))
        self.broker = Broker(folder / "broker", self.layout.ports["broker"], self.layout.access)
        self.cameras = CameraFarm()
        self.booms = {door.name: Boom() for door in DOORS}
        self.board = GateBoard([self.booms[gate.doors[0].name] for gate in GATES])
        self.back_board = GateBoard([self.booms[door.name] for door in BACK_DOORS])
        self.gates: dict[str, Process] = {}
        self.client = CentreClient(self.layout.centre, self.layout.admin_token, self.layout.declarant_token)
        self.traffic = Traffic(
            {d.name: LaneOfSite(d.gate.place.value, d.lane, d.name, self.booms[d.name]) for d in DOORS},
            self.cameras,
            self._desk_done,
            AUTO_PATIENCE_S if auto_officers else None,
        )
        self.centre: Process | None = None
        self._clips = clips
        self._auto_officers = auto_officers
        self._confirmed: dict[str, set[str]] = {}
        self._desk_wants: dict[str, set[str]] = {}
        self._desk_events: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Site":
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def declare(self, trip: Trip) -> str | None:
        """Declares (and recalls) a trip as its plan says; gives the number."""
        if trip.declaration is None:
            return None
        no = await self.client.declare(dict(trip.declaration))
        animal = trip.declaration["quarantine"].get("animal_quarantine") == "required"
        self._desk_wants[no] = {"customs", "border_guard", "gate_management"} | (
            {"animal_quarantine"} if animal else set()
        )
        if trip.recalled:
            await self.client.recall(no, "khai nhầm")
        return no

    async def prepare(self, trip: Trip) -> dict[str, VehicleClips]:
        """Draws the clips of a trip, by door."""
        places = dict.fromkeys(visit.door for visit in trip.visits)
        return {
            place: await asyncio.to_thread(vehicle_clips, self._clips, Gate(place), trip.vehicle)
            for place in places
        }

    async def drive(self, trips: Sequence[Trip]) -> None:
        """Declares all trips, then drives each as soon as it is drawn; returns when the last truck is gone."""
        planned = [(trip, self.traffic.plan(trip), await self.declare(trip)) for trip in trips]
        async with asyncio.TaskGroup() as driving:
            for trip, records, no in planned:
                driving.create_task(self.traffic.drive(trip, records, await self.prepare(trip), no))

    async def settle(self, timeout_s: float = 10.0) -> int:
        """Waits until the centre holds every fact of every gate; gives how many it lacks at the end of the time."""
        for _ in range(int(timeout_s / SETTLE_LOOK_S)):
            if not self.centre_behind():
                break
            await asyncio.sleep(SETTLE_LOOK_S)
        return self.centre_behind()

    def centre_behind(self) -> int:
        """How many facts of the gates' own journals the centre's store lacks."""
        held = self.facts_at_centre()
        own = {
            journal_id(gate.node): _count(self.layout.store(gate), journal_id(gate.node)) for gate in GATES
        }
        return sum(max(0, count - held.get(journal, 0)) for journal, count in own.items())

    def facts_at_centre(self) -> dict[str, int]:
        """Number of facts in the centre's store, by journal."""
        store = self.layout.folder / "centre" / "centre.db"
        with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT journal, count(*) FROM facts GROUP BY journal").fetchall()
        return dict(rows)

    async def stop(self) -> None:
        """Ends every part."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await asyncio.gather(*(gate.stop() for gate in self.gates.values()))
        if self.centre is not None:
            await self.centre.stop()
        await self.board.stop()
        await self.back_board.stop()
        await self.cameras.stop()
        await self.broker.stop()
        await self.client.close()

    async def start_gate(self, gate: GatePlan) -> None:
        """Starts (again) a gate's daemon and waits until its screen answers."""
        process = self.gates[gate.node]
        await process.start()
        async with httpx.AsyncClient(base_url=self.layout.screen(gate), timeout=2.0) as client:
            await process.ready(lambda: answers(client, "/health/live"), GATE_READY_S)
            await process.ready(lambda: answers(client, "/health/ready"), GATE_READY_S)

    # -- inside

    async def _start(self) -> None:
        folder = self.layout.folder
        await asyncio.to_thread(_emptied, folder)
        await self.broker.start()
        configuration = self.layout.write_centre(self.broker.passwords)
        self.centre = Process("centre", _module("central.cli", "run", configuration), folder / "centre.log")
        await self.centre.start()
        await self.board.start()
        await self.back_board.start()
        idle = {door.name: await asyncio.to_thread(idle_clip, self._clips, Gate(door.name)) for door in DOORS}
        urls = await self.cameras.start(idle)
        await self.centre.ready(self.client.ready)
        await self._enrol()
        for gate in GATES:
            password = self.broker.passwords[gate.node]
            lanes = [LaneFiles(urls[door.name], self._board_of(door)) for door in gate.doors]
            file = self.layout.write_gate(gate, password, lanes)
            log = folder / f"{gate.node}.log"
            self.gates[gate.node] = Process(gate.node, _module("edge.cli", "run", file), log)
        await asyncio.gather(*(self.start_gate(gate) for gate in GATES))
        self._tasks.append(asyncio.create_task(self._watch_facts()))
        if self._auto_officers:
            self._tasks += [asyncio.create_task(work) for work in self._officers()]

    def _board_of(self, door: Door) -> BarrierSettings:
        if door in BACK_DOORS:
            return self.back_board.settings(BACK_DOORS.index(door), door.gate.node)
        return self.board.settings(GATES.index(door.gate), door.gate.node)

    async def _enrol(self) -> None:
        for gate in GATES:
            key = self.layout.keys[gate.node].public.text
            agencies = [agency.value for agency in gate.all_agencies]
            await self.client.enrol_node(gate.node, SITE, key, [p.value for p in gate.places], agencies)
            for badge in self.layout.badges[gate.node]:
                await self.client.enrol_officer(badge.code, badge.agency, SITE)

    def _officers(self) -> list[Coroutine[Any, Any, None]]:
        works = []
        for gate in GATES:
            screen = self.layout.screen(gate)
            for badge in self.layout.badges[gate.node]:
                if badge.agency in gate.desk:
                    works.append(DeskOfficer(screen, badge, self.traffic.in_yard.__contains__).work())
                    continue
                for door in gate.doors:
                    refuses = partial(self.traffic.refuses, door.name, badge.agency.value)
                    sees = partial(self.traffic.plate_at, door.name)
                    works.append(Officer(screen, door.lane, badge, refuses, sees).work())
        return works

    async def _watch_facts(self) -> None:
        """Hears of refusals and desk confirmations as anybody can: from the centre's API."""
        position = 0
        while True:
            with contextlib.suppress(httpx.HTTPError):
                for held in await self.client.facts(position):
                    position, fact = held["position"], held["fact"]
                    if fact["kind"] == "refused":
                        self.traffic.send_back(door_at(fact["body"]["place"], fact["body"]["heading"]))
                    elif fact["kind"] == "confirmed" and fact["body"]["place"] in ("yard", "online"):
                        self._desk_confirmed(fact["body"]["declaration"], fact["body"]["by"])
            await asyncio.sleep(0.4)

    async def _desk_done(self, no: str) -> None:
        await self._desk_events.setdefault(no, asyncio.Event()).wait()

    def _desk_confirmed(self, no: str, by: str) -> None:
        given = self._confirmed.setdefault(no, set())
        given.add(by)
        if given >= self._desk_wants.get(no, set()):
            self._desk_events.setdefault(no, asyncio.Event()).set()


def _module(module: str, command: str, configuration: Path) -> list[str]:
    return [sys.executable, "-m", module, command, str(configuration)]


def _count(store: Path, journal: str) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        row = connection.execute("SELECT count(*) FROM facts WHERE journal = ?", (journal,)).fetchone()
    return int(row[0])


def _emptied(folder: Path) -> None:
    """Empties the run directory, but only one that a site made."""
    marker = folder / ".barie-site"
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise PartFailed(f"{folder} holds other things; name an empty folder with --directory")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    marker.touch()
