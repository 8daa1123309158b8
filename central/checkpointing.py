"""Checkpoints of each site: made at the start, every six hours, after a forget and when the administrator asks.

What is alive is read in a thread on a connection of its own, so that a large site holds nobody up. The heads are taken first:
a fact beyond them is not in the checkpoint, and comes the usual way.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from central.journals import CentreJournals
from central.rotating import trust_of
from shared.bodies import AUTHORITY_KINDS
from shared.checkpoint import Manifest, RootCertificate
from shared.clock import Stamp
from shared.facts import Sealed
from shared.journal import Head
from shared.node.checkpoints import Checkpoints, live_facts
from shared.node.errors import StoreError
from shared.trust import Trust

log = structlog.get_logger()

EVERY = timedelta(hours=6)
LOOK_EVERY_S = 60.0


class SiteCheckpoints:
    """The newest checkpoint of one site, in a folder of its own. `made` hears of each new one, in the event loop."""

    def __init__(self, journals: CentreJournals, site: str, folder: Path) -> None:
        self.site = site
        self.kept = Checkpoints(folder / site)
        self.made: Callable[[Manifest], None] = lambda _: None
        self._journals = journals
        self._store = journals.store
        self._making = asyncio.Lock()
        self._look = asyncio.Event()

    @property
    def newest(self) -> Manifest | None:
        """The newest checkpoint, or None before the first."""
        return self.kept.manifest

    def look(self) -> None:
        """Something was forgotten: the next checkpoint is due now."""
        self._look.set()

    def due(self, now: datetime) -> bool:
        """Whether there is none, it is old or not whole, or values that it may hold were forgotten. Raises StoreUnusable."""
        newest = self.newest
        if newest is None or self.kept.missing():
            return True
        forgot = self._store.rows("SELECT max(at) FROM facts WHERE kind = 'forget'")[0][0]
        old = now - Stamp.parse(newest.at).wall >= EVERY
        return old or (forgot is not None and forgot > newest.at)

    async def run(self, leads: Callable[[], bool] = lambda: True) -> None:
        """Makes what is due, until cancelled; of several processes the one that leads does."""
        while True:
            try:
                if leads() and self.due(self._store.steady()):
                    made = await self.make()
                    facts = sum(part.facts for part in made.parts)
                    log.info("checkpoint_made", site=self.site, at=made.at, facts=facts)
            except StoreError as error:
                log.error("checkpoint_failed", site=self.site, error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), LOOK_EVERY_S)
            self._look.clear()

    async def make(self) -> Manifest:
        """Makes a checkpoint of what is held now; raises StoreUnusable."""
        async with self._making:
            trust = trust_of(self._store, self._journals.key, self.site)
            trust.learn(self._store.of_kinds(AUTHORITY_KINDS))
            heads = {name: head for name, head in self._store.heads().items() if trust.knows(name)}
            at = str(self._store.clock.now())
            roots = list(self._certificates(trust))
            manifest = await asyncio.to_thread(self._make, heads, at, roots)
        self.made(manifest)
        return manifest

    def _make(self, heads: dict[str, Head], at: str, roots: list[RootCertificate]) -> Manifest:
        engine = self._store.engine.another()
        try:
            live = live_facts(engine, self.site, Stamp.parse(at).wall)
            return self.kept.make(_within(live, heads), heads, self.site, at, self._journals.key, roots)
        finally:
            engine.close()

    def _certificates(self, trust: Trust) -> Iterator[RootCertificate]:
        """Every rotation with the signature that the old root gave it."""
        for fact in trust.rotations():
            page = self._store.page(fact.journal, fact.seq - 1, 1)
            if page is not None:
                yield RootCertificate(fact=dict(fact.envelope()), signature=page[1].signature)


def _within(live: Iterator[Sealed], heads: Mapping[str, Head]) -> Iterator[Sealed]:
    """Without what came after the heads were taken, and what journals hold that are none of the site's."""
    for one in live:
        head = heads.get(one.fact.journal)
        if head is not None and one.fact.seq <= head.seq:
            yield one
