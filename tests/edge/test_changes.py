"""Waiting for a change costs nothing and misses none."""

import asyncio

from edge.changes import Changes
from tests.loop import in_loop


@in_loop
async def test_whoever_waits_wakes_at_the_change() -> None:
    changes = Changes()
    waiting = [asyncio.create_task(changes.wait(0, 5)) for _ in range(3)]
    await asyncio.sleep(0)
    changes.notify()
    assert await asyncio.gather(*waiting) == [1, 1, 1]


@in_loop
async def test_a_change_made_before_the_wait_is_not_missed() -> None:
    changes = Changes()
    changes.notify()
    changes.notify()
    assert await changes.wait(1, 5) == 2


@in_loop
async def test_without_a_change_the_number_stays_and_the_wait_ends() -> None:
    assert await Changes().wait(0, 0.01) == 0


@in_loop
async def test_each_wait_is_for_its_own_change() -> None:
    changes = Changes()
    changes.notify()
    seen = await changes.wait(0, 5)
    later = asyncio.create_task(changes.wait(seen, 0.01))
    await asyncio.sleep(0)
    assert not later.done()
    assert await later == seen
