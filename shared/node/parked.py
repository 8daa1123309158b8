"""Batches that came before the one they follow: kept for a moment, and taken in when what they follow is held.

Between the processes of one node the batches of a journal arrive by turns, so that this is their everyday.
"""

import asyncio
from collections.abc import Sequence

from shared.facts import BrokenChain, Sealed
from shared.journal import Head, SignedHead
from shared.node.store import Store

MOST_PARKED = 64


class Parked:
    """The batches of one site that wait. `came` is set by each new one."""

    def __init__(self, store: Store) -> None:
        self.came = asyncio.Event()
        self._store = store
        self._waiting: dict[str, dict[SignedHead, Sequence[Sealed]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def park(self, run: Sequence[Sealed], signed: SignedHead) -> None:
        """Keeps a checked batch. When many wait, those of the journal that has waited longest go: they are asked for."""
        if len(self) >= MOST_PARKED:
            del self._waiting[next(iter(self._waiting))]
        self._waiting.setdefault(signed.head.journal, {})[signed] = run
        self.came.set()

    def take(self, journal: str) -> None:
        """Stores whatever now follows, over and over; raises StoreUnusable."""
        waiting = self._waiting.pop(journal, {})
        while waiting:
            left = {signed: run for signed, run in waiting.items() if not self._takes(run, signed)}
            if len(left) == len(waiting):
                self._waiting[journal] = left
                return
            waiting = left

    def take_all(self) -> None:
        """Looks at every journal; raises StoreUnusable."""
        for journal in list(self._waiting):
            self.take(journal)

    def _takes(self, run: Sequence[Sealed], signed: SignedHead) -> bool:
        """False while the run has to wait."""
        first = run[0].fact
        if not self._store.holds(Head(first.journal, first.seq - 1, first.prev)):
            return False
        try:
            self._store.absorb(run, signed)
        except BrokenChain:
            return False
        return True
