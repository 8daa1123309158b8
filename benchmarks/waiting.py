"""Waiting for the parts under test, never for ever."""

import asyncio
import time
from collections.abc import Callable

from benchmarks.figures import CannotRun

LOOK_S = 0.001
PATIENCE_S = 300.0


async def until(true: Callable[[], bool], what: str) -> None:
    """Waits until `true()`, looked at every millisecond; raises CannotRun when it takes too long."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise CannotRun(f"not {what} after {PATIENCE_S:.0f} s; see its logs")
        await asyncio.sleep(LOOK_S)
