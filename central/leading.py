"""Which process speaks for the centre, where several work on one database: it alone publishes vectors and asks."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Protocol

ASK_EVERY_S = 2.0
LEADS_FOR_S = 10.0
"""So long an answer holds: shorter than the 30 seconds after which the database gives the lead of a silent process away."""


class Lead(Protocol):
    """The lead, held by one process at a time; when that one dies, another takes over."""

    def try_lead(self) -> bool:
        """Whether this process leads, taking the lead where it is free. To be asked every few seconds; raises nothing.

        It may wait for the network a few seconds: `await asyncio.to_thread(lead.try_lead)`.
        """
        ...

    def close(self) -> None:
        """Gives the lead up."""
        ...


class Alone:
    """The lead of the only process."""

    def try_lead(self) -> bool:
        """See Lead."""
        return True

    def close(self) -> None:
        """See Lead."""


class Leading:
    """Whether this process leads now, without waiting: the lead is asked in a thread every few seconds."""

    def __init__(self, lead: Lead, clock: Callable[[], float] = monotonic) -> None:
        self._lead = lead
        self._clock = clock
        self._until_s = float("-inf")
        self._on_lead: list[Callable[[], None]] = []

    def __call__(self) -> bool:
        """True while this process leads."""
        return self._clock() < self._until_s

    def on_lead(self, callback: Callable[[], None]) -> None:
        """Calls back on the event loop whenever this process takes the lead."""
        self._on_lead.append(callback)

    async def keep(self) -> None:
        """Asks for the lead and holds it, until cancelled."""
        while True:
            await self.ask()
            await asyncio.sleep(ASK_EVERY_S)

    async def ask(self) -> None:
        """Asks once."""
        led, asked_at_s = self(), self._clock()
        leads = await asyncio.to_thread(self._lead.try_lead)
        self._until_s = asked_at_s + LEADS_FOR_S if leads else float("-inf")
        if leads and not led:
            for callback in self._on_lead:
                callback()

    def close(self) -> None:
        """Gives the lead up."""
        self._until_s = float("-inf")
        self._lead.close()
