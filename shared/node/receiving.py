"""What comes in over the line, taken into the store: batches of new facts, pages of history, batches that came too early."""

import asyncio
from collections.abc import Callable

import structlog

from shared import protocol
from shared.facts import BadSignature, BrokenChain, FactError
from shared.journal import Head
from shared.node.asking import Asking
from shared.node.errors import StoreError
from shared.node.link import Received
from shared.node.own import OwnJournal
from shared.node.parked import Parked
from shared.node.peers import Peers
from shared.node.store import Store
from shared.trust import Trust

log = structlog.get_logger()

RETRY_EVERY_S = 0.02
RETRIES = 50
"""So often a process of a group looks whether another has taken in what its own batches wait for; then at every tick."""


class Receiving:
    """Takes batches in, once they have passed every check.

    `refused` is told of what could not be taken, and why; `news` of what was: whether new facts came, and whether an answer,
    after which more may be asked for at once.
    """

    def __init__(
        self,
        store: Store,
        trust: Trust,
        asking: Asking,
        peers: Peers,
        own: OwnJournal,
        refused: Callable[[Received, Exception], None],
        news: Callable[[bool, bool], None],
    ) -> None:
        self.parked = Parked(store)
        self._store = store
        self._trust = trust
        self._asking = asking
        self._peers = peers
        self._own = own
        self._refused = refused
        self._news = news

    def batch(self, received: Received) -> None:
        """Takes one batch."""
        head: Head | None = None
        try:
            batch = protocol.decode(received.payload, protocol.Batch)
            head = Head(batch.journal, batch.head.seq, batch.head.hash)
            fresh = self._take_history(batch, head) if not batch.head.signature else self._take(batch, head)
        except FactError as error:
            self._refused(received, error)
            sender = protocol.sender_of(received.topic)
            if head is not None and sender is not None and self._trust.knows(head.journal):
                self._asking.refuse(head, sender[2])
            return
        except StoreError as error:
            log.error("store_failed", error=str(error))
            return
        if fresh:
            self._news(True, received.topic.startswith(f"{protocol.ROOT}/fill/"))

    def _take(self, batch: protocol.Batch, head: Head) -> bool:
        """Stores a batch of new facts; True when there were any."""
        if self._store.holds(head):
            self._asking.answered(head.journal)
            return False
        keys = self._trust.keys(head.journal, head.seq)
        if not keys:
            return False
        end = self._trust.end(head.journal)
        if end is not None and self._store.holds(end):
            raise BadSignature(f"{head.journal} ended with {end.seq}; its key was rotated away")
        run, signed = protocol.open_batch(batch, keys)
        try:
            fresh = self._store.absorb(run, signed)
        except BrokenChain:
            self.parked.park(run, signed)
            return False
        self.parked.take(head.journal)
        self._asking.answered(head.journal)
        self._peers.note_freshness()
        self._own.leave_when_forked(head.journal)
        return bool(fresh)

    def _take_history(self, batch: protocol.Batch, head: Head) -> bool:
        """Stores a page of history when it is the one that was asked for."""
        floor = self._store.floor(head.journal)
        if head != floor or not floor.seq:
            return False
        keys = self._trust.keys(head.journal, batch.proof.seq if batch.proof else 1)
        run, proof = protocol.open_history(batch, floor, keys)
        self._store.fill(run, proof)
        self._own.leave_when_forked(head.journal)
        self._asking.history_answered()
        return True

    async def retry(self) -> None:
        """Batches of this process may follow what another one of the group is just taking in: a quick look each time."""
        while True:
            await self.parked.came.wait()
            self.parked.came.clear()
            for _ in range(RETRIES):
                await asyncio.sleep(RETRY_EVERY_S)
                try:
                    self.parked.take_all()
                except StoreError as error:
                    log.error("store_failed", error=str(error))
                if not self.parked:
                    break
