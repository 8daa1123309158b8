"""Tests that are coroutines, and waiting in them."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any


def in_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs a coroutine test in an event loop of its own."""

    @functools.wraps(test)
    def run(*arguments: Any, **fixtures: Any) -> None:
        asyncio.run(_awaited(test(*arguments, **fixtures)))

    return run


async def until(condition: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not come within {within_s} s"
        await asyncio.sleep(0.02)


async def _awaited(one: Awaitable[None]) -> None:
    await one
