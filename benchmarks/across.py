"""From a press at barrier 2 to barrier 1's screen; all parts real: gates, broker, centre, cameras, boards."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx

from benchmarks.alone import BARRIER_2, sign_in
from benchmarks.figures import CannotRun, Effort, Figure, quantile, spread
from benchmarks.frame_to_decision import CLIPS, LANE_URL, PATIENCE_S
from shared.journal import journal_id
from simulation.layout import GATES
from simulation.site import Site

BARRIER_1 = GATES[0]
BETWEEN_S = 0.173
AIM_MS = 150


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """Emergency presses on an empty lane; the other gate's screen hears of each and fetches its panel anew."""
    event_s, panel_s = [], []
    async with (
        Site(folder / "site", CLIPS, auto_officers=False) as site,
        httpx.AsyncClient(base_url=site.layout.screen(BARRIER_2), timeout=PATIENCE_S) as here,
        httpx.AsyncClient(base_url=site.layout.screen(BARRIER_1), timeout=PATIENCE_S) as there,
    ):
        await sign_in(here, site.layout.badges[BARRIER_2.node][0])
        await sign_in(there, site.layout.badges[BARRIER_1.node][0])
        async with there.stream("GET", f"{LANE_URL}/events") as events:
            changes = _changes(events)
            await anext(changes)
            for _ in range(effort.presses_across):
                took = await _one(site, here, there, changes)
                event_s.append(took[0])
                panel_s.append(took[1])
                await asyncio.sleep(BETWEEN_S)
    in_time = sum(one <= AIM_MS / 1000 for one in panel_s)
    return [
        *spread(f"press at barrier 2 to event at barrier 1's screen, {len(event_s)} presses", event_s),
        *spread("press at barrier 2 to panel fetched at barrier 1", panel_s),
        Figure("press to panel, worst", 1000 * quantile(panel_s, 1.0), "ms"),
        Figure(f"press to panel within {AIM_MS} ms", 100 * in_time / len(panel_s), "%"),
    ]


async def _one(
    site: Site, here: httpx.AsyncClient, there: httpx.AsyncClient, changes: AsyncIterator[float]
) -> tuple[float, float]:
    """Seconds from the request of the press to the other gate's event, and until its panel was fetched."""
    wanted = _openings(site) + 1
    began = time.monotonic()
    pressing = asyncio.create_task(_press(here))
    event = began
    async with asyncio.timeout(PATIENCE_S):
        async for event in changes:
            if event > began and _openings(site) >= wanted:
                break
    await there.get(f"{LANE_URL}/panel")
    panel = time.monotonic()
    await pressing
    return event - began, panel - began


async def _press(screen: httpx.AsyncClient) -> None:
    headers = {"Accept": "application/json"}
    answer = await screen.post(f"{LANE_URL}/press", data={"press": "emergency"}, headers=headers)
    if answer.status_code != 200:
        raise CannotRun(f"the press was refused: {answer.text[:200]}")


async def _changes(events: httpx.Response) -> AsyncIterator[float]:
    """When each change was heard of."""
    async for line in events.aiter_lines():
        if line == "event: change":
            yield time.monotonic()


def _openings(site: Site) -> int:
    """How many openings of barrier 2 the store of barrier 1 holds: an event of anything else is not taken for it."""
    query = "SELECT count(*) FROM facts WHERE kind = 'open_requested' AND journal = ?"
    store = f"file:{site.layout.store(BARRIER_1)}?mode=ro"
    with closing(sqlite3.connect(store, uri=True)) as connection:
        return int(connection.execute(query, (journal_id(BARRIER_2.node),)).fetchone()[0])
