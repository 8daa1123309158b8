"""From the truck at the line to the decision on the officer's screen, and from her press to the pulse; all parts real.

The clock starts when the approach loop switches on; the truck stands in the picture by then. It stops when the lane's panel,
fetched on the event that the screen gets, shows a decision. The stages come from the gate's log and journal.
"""

import asyncio
import json
import random
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from benchmarks.alone import BARRIER_2, sign_in
from benchmarks.figures import CannotRun, Effort, Figure, quantile, spread
from benchmarks.waiting import until
from shared.codes import Agency
from simulation.boom import BoomEventKind
from simulation.clips import VehicleClips
from simulation.layout import LANE
from simulation.officers import Badge, Page
from simulation.scenario import Plates, Trip, round_of
from simulation.site import Site

CLIPS = Path("run") / "clips"
"""Kept between runs: drawing a truck takes two seconds."""

STANDS_AFTER_S = 2.2
"""The approach takes 1.5 s and begins at the stream's next key frame, half a second later at most."""

PATIENCE_S = 30.0
LANE_URL = f"/lane/{LANE}"


@dataclass(frozen=True)
class Shown:
    """One truck's times, in seconds of the monotonic clock: loop on, event heard, panel with the decision there."""

    loop_s: float
    event_s: float
    panel_s: float


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """Trucks one after the other through barrier 2, each with a declaration of its own."""
    drawn = Plates(random.Random(7))
    trips = [round_of(number, drawn)[0] for number in range(effort.trucks)]
    async with Site(folder / "site", CLIPS, auto_officers=False) as site, _signed_in(site) as screens:
        shown, pulses_s = [], []
        for trip in trips:
            await site.declare(trip)
            clips = await site.prepare(trip)
            shown.append(await _arrive(site, screens, trip, clips["barrier-2"]))
            pulses_s.append(await _open(site, screens))
            await _pass(site, clips["barrier-2"])
        stages = _stages(site, shown)
    name = f"loop on to decision on the screen, {len(shown)} trucks"
    return [
        *spread(name, [one.panel_s - one.loop_s for one in shown], last=0.95),
        *(
            Figure(f"stage: {stage}, p50", 1000 * quantile(took_s, 0.5), "ms")
            for stage, took_s in stages.items()
        ),
        Figure(
            "stage: event to panel fetched, p50",
            1000 * quantile((s.panel_s - s.event_s for s in shown), 0.5),
            "ms",
        ),
        Figure("looks in a read, p50", quantile(_looks(site), 0.5), "looks"),
        *spread(f"confirm and open: press to pulse at the board, {len(shown)} trucks", pulses_s, last=0.95),
    ]


@asynccontextmanager
async def _signed_in(site: Site) -> AsyncIterator[dict[Agency, httpx.AsyncClient]]:
    """The screens of barrier 2, one for each agency."""
    address = site.layout.screen(BARRIER_2)
    screens = {one.agency: httpx.AsyncClient(base_url=address, timeout=5.0) for one in _badges(site)}
    try:
        for badge in _badges(site):
            await sign_in(screens[badge.agency], badge)
        yield screens
    finally:
        await asyncio.gather(*(one.aclose() for one in screens.values()))


def _badges(site: Site) -> list[Badge]:
    return site.layout.badges[BARRIER_2.node]


async def _arrive(
    site: Site, screens: dict[Agency, httpx.AsyncClient], trip: Trip, clips: VehicleClips
) -> Shown:
    """The truck comes to the line and is decided on."""
    screen = screens[Agency.BORDER_GUARD]
    listening = asyncio.Event()
    watching = asyncio.create_task(_decision_shown(screen, listening))
    await listening.wait()
    await site.cameras.truck_arrives("barrier-2", clips)
    await asyncio.sleep(STANDS_AFTER_S)
    loop_s = time.monotonic()
    site.booms["barrier-2"].vehicle_arrives(loop_s, trip.plate)
    try:
        event_s, panel_s = await asyncio.wait_for(watching, PATIENCE_S)
    except TimeoutError as error:
        raise CannotRun(f"{trip.plate}: no decision on the screen after {PATIENCE_S:.0f} s") from error
    return Shown(loop_s, event_s, panel_s)


async def _decision_shown(screen: httpx.AsyncClient, listening: asyncio.Event) -> tuple[float, float]:
    """Does what the page does: fetches the panel at every change; gives when event and decision were there."""
    async with screen.stream("GET", f"{LANE_URL}/events", timeout=PATIENCE_S) as events:
        async for line in events.aiter_lines():
            listening.set()
            if line == "event: change":
                event_s = time.monotonic()
                page = await screen.get(f"{LANE_URL}/panel")
                if Page(page.text).state == "waiting":
                    return event_s, time.monotonic()
    raise CannotRun("the screen's events ended; see the gate's log")


async def _open(site: Site, screens: dict[Agency, httpx.AsyncClient]) -> float:
    """Customs confirms, then the border guard confirms and opens; seconds from her press to the pulse."""
    await _press(screens[Agency.CUSTOMS])
    began = time.monotonic()
    pressed = await _press(screens[Agency.BORDER_GUARD])
    events = site.booms["barrier-2"].events
    pulse = next((one for one in events if one.at_s >= began and one.kind is BoomEventKind.OPEN_PULSE), None)
    if pulse is None:
        raise CannotRun(f"the border guard pressed {pressed[0]} and no pulse came; see the gate's log")
    return pulse.at_s - pressed[1]


async def _press(screen: httpx.AsyncClient) -> tuple[str, float]:
    """Presses the primary button; gives its name and when it was pressed."""
    json_please = {"Accept": "application/json"}
    panel = (await screen.get(f"{LANE_URL}/panel", headers=json_please)).json()
    pressed_s = time.monotonic()
    data = {"press": panel["primary"], "token": panel["token"]}
    answer = await screen.post(f"{LANE_URL}/press", data=data, headers=json_please)
    if answer.status_code != 200:
        raise CannotRun(f"press {panel['primary']} refused ({panel['verdict']}): {answer.text[:200]}")
    return panel["primary"], pressed_s


async def _pass(site: Site, clips: VehicleClips) -> None:
    """The truck drives through; returns when the boom is down again."""
    boom = site.booms["barrier-2"]
    await until(lambda: boom.is_open, "open, the boom of barrier 2,")
    await site.cameras.truck_leaves("barrier-2", clips)
    boom.vehicle_drives_through(time.monotonic())
    await until(lambda: boom.is_closed, "closed, the boom of barrier 2,")


def _stages(site: Site, shown: list[Shown]) -> dict[str, list[float]]:
    """Seconds of each stage of each truck."""
    to_monotonic = time.monotonic() - time.time()
    reading = [at + to_monotonic for at in _entered(site, "vehicle_arrived")]
    waiting = [at + to_monotonic for at in _entered(site, "read_done")]
    read = [
        datetime.fromisoformat(at.split("Z")[0] + "+00:00").timestamp() + to_monotonic
        for at, _ in _reads(site)
    ]
    if not len(reading) == len(waiting) == len(read) == len(shown):
        raise CannotRun("the gate's log and journal do not show one read a truck; see its files")
    return {
        "loop seen": [at - one.loop_s for at, one in zip(reading, shown, strict=True)],
        "final read, picture kept": [b - a for a, b in zip(reading, read, strict=True)],
        "read on disk, decision": [b - a for a, b in zip(read, waiting, strict=True)],
        "event at the screen": [one.event_s - at for at, one in zip(waiting, shown, strict=True)],
    }


def _entered(site: Site, on: str) -> list[float]:
    """Wall-clock seconds at which the lane changed its state on an event, from the gate's log."""
    lines = (site.layout.folder / f"{BARRIER_2.node}.log").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{") and '"lane_state"' in line]
    return [datetime.fromisoformat(one["timestamp"]).timestamp() for one in events if one["on"] == on]


def _reads(site: Site) -> list[tuple[str, int]]:
    """Stamp and number of looks of every read in the gate's journal."""
    query = "SELECT at, json_extract(body, '$.looks') FROM facts WHERE kind = 'plate_read' ORDER BY seq"
    with closing(sqlite3.connect(site.layout.store(BARRIER_2))) as connection:
        return list(connection.execute(query))


def _looks(site: Site) -> list[float]:
    return [float(looks) for _, looks in _reads(site)]
