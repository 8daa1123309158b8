"""A number that grows with every change of what screens show; waiting for it costs nothing."""

import asyncio


class Changes:
    """Lives on the event loop's thread."""

    def __init__(self) -> None:
        self.number = 0
        self.closed = False
        self._next: asyncio.Event = asyncio.Event()

    def notify(self) -> None:
        """Says that something changed."""
        self.number += 1
        self._next.set()
        self._next = asyncio.Event()

    def close(self) -> None:
        """The gate ends: whoever waits is let go, and is not to wait again."""
        self.closed = True
        self.notify()

    async def wait(self, after: int, timeout_s: float) -> int:
        """Waits until the number is above `after` and gives it; after `timeout_s` gives it as it is."""
        if self.number <= after:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._next.wait()
            except TimeoutError:
                pass
        return self.number
