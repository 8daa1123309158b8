"""What a gate keeps and for how long: history that is wanted still, and facts that may go."""

import asyncio
from collections.abc import Mapping

import structlog

from edge.gate import Gate
from shared.facts import BadFact, Sealed
from shared.journal import Head
from shared.node.checkpoints import Checkpoints
from shared.node.errors import StoreError
from shared.node.pruning import HeldByCentre, keeps_from, prune
from shared.node.sync import SyncNode

log = structlog.get_logger()

LOOK_EVERY_S = 60.0
PRUNE_EVERY_S = 12 * 3600.0
PAUSE_S = 0.05
"""Between two steps of pruning: whoever waits at the boom comes first."""
_OVERLAP_DAYS = 2


class Retention:
    """Keeps what the centre has held for fewer than `keep_days`, and what is alive."""

    def __init__(self, gate: Gate, keep_days: int) -> None:
        self._gate = gate
        self._keep_days = keep_days
        self._held = HeldByCentre(gate.checkpoints.folder / "held", keep_days)
        self._pruned_at: float | None = None
        self._let_go: Mapping[str, Head] = {}

    def keeps(self, journal: str) -> bool:
        """Whether history below a journal's floor is wanted: while what lies above is younger than what is kept."""
        store = self._gate.store
        floor = store.floor(journal)
        if self._let_go.get(journal) == floor:
            return False
        first = store.get(f"{journal}/{floor.seq + 1}")
        if first is None:
            return store.head(journal) == floor
        return first.at > keeps_from(self._keep_days - _OVERLAP_DAYS, store.steady())

    async def run(self, sync: SyncNode) -> None:
        """Notes what the centre holds day by day, and prunes twice a day, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look(sync)
            except (StoreError, BadFact) as error:
                log.error("pruning_failed", error=str(error))

    async def look(self, sync: SyncNode) -> None:
        """One look: what has become due is let go of. Raises StoreUnusable, BadFact."""
        checkpoints = self._gate.checkpoints
        if checkpoints.manifest is None:
            return
        self._held.note(checkpoints.manifest)
        now_s = asyncio.get_running_loop().time()
        heads = self._held.before(self._gate.store.steady())
        if not heads or (self._pruned_at is not None and now_s - self._pruned_at < PRUNE_EVERY_S):
            return
        if checkpoints.complete is None:
            sync.fetch_checkpoint()
            return
        self._pruned_at = now_s
        live = await asyncio.to_thread(_places, checkpoints)
        gone = 0
        for step in prune(self._gate.store, heads, live):
            gone += step
            await asyncio.sleep(PAUSE_S)
        self._let_go = self._gate.store.floors()
        log.info("pruned", facts=gone)


def _places(checkpoints: Checkpoints) -> set[tuple[str, int]]:
    def place(one: Sealed) -> tuple[str, int]:
        return one.fact.journal, one.fact.seq

    return set(map(place, checkpoints.live()))
