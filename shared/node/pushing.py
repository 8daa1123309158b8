"""Pushing: a node's new facts go out as soon as they are on disk, a few batches at a time, each once.

Nothing is queued: what the broker does not take, or loses, is asked for by whoever lacks it.
"""

import asyncio
from collections.abc import Sequence

import structlog

from shared import protocol
from shared.facts import Fact
from shared.node.errors import StoreError
from shared.node.identity import Identity
from shared.node.link import Link
from shared.node.own import OwnJournal
from shared.node.store import Store

log = structlog.get_logger()

WINDOW = 8
"""Batches of new facts on their way to the broker at a time."""
AGAIN_S = 5.0


class Pushing:
    """Publishes what is written to a node's own journal."""

    def __init__(self, store: Store, link: Link, identity: Identity, own: OwnJournal) -> None:
        self._store = store
        self._link = link
        self._key = identity.key
        self._topic = protocol.facts_topic(identity.site, identity.node)
        self._own = own
        self._journal = own.name
        self._pushed = store.head(own.name).seq
        self._wake = asyncio.Event()

    def stored(self, facts: Sequence[Fact]) -> None:
        """Facts are on disk; those of our own journal are to go out."""
        ours = [fact.seq for fact in facts if fact.journal == self._own.name]
        if ours:
            if self._store.engine.shared and self._journal == self._own.name:
                self._pushed = max(self._pushed, ours[0] - 1)
            self._wake.set()

    def up(self) -> None:
        """The link is new: whatever was written before is asked for."""
        self._journal = self._own.name
        self._pushed = self._store.head(self._own.name).seq

    def another_journal(self) -> None:
        """The node goes on in another journal."""
        self._wake.set()

    async def run(self) -> None:
        """Pushes until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.push()
            except StoreError as error:
                log.error("store_failed", error=str(error))
                await asyncio.sleep(AGAIN_S)
                self._wake.set()

    async def push(self) -> None:
        """Publishes what is new; raises StoreUnusable."""
        window = asyncio.Semaphore(WINDOW)
        while self._link.connected:
            if self._journal != self._own.name:
                self._journal, self._pushed = self._own.name, 0
            after = max(self._pushed, self._store.floor(self._journal).seq)
            page = self._store.page(self._journal, after)
            if page is None:
                return
            run, end = page
            self._pushed = end.head.seq
            for batch in protocol.batches(run, self._key, end):
                await window.acquire()
                self._link.post(self._topic, protocol.encode(batch), then=window.release)
