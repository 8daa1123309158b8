"""A site whose SyncNodes talk over links without a broker: what one publishes is handed to the others."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.facts import Draft, commit
from shared.journal import journal_id
from shared.node.link import Received
from shared.node.projections import Projection
from shared.node.store import Store
from shared.node.sync import WITNESS_EVERY_S, SyncNode
from tests.builders import MORNING, NO, declared_body, key, note
from tests.shared.members import CENTRE, HandedLink, enrolment, identity

DRIVER = "/vehicles/0/driver/name"
GATES = ("gate-1", "gate-2")


class _Wire(HandedLink):
    """Hands what is published to every other link of the site."""

    def __init__(self, others: "list[_Wire]") -> None:
        super().__init__()
        self._others = others
        others.append(self)

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, user: Mapping[str, str] | None = None
    ) -> bool:
        """The broker takes it and gives it out."""
        del retain
        for other in self._others:
            if other is not self:
                other._dispatch(Received(topic, payload, dict(user or {}), False))
        return True


@dataclass
class HandedSite:
    """Stores `NODE/facts.db` in a folder, each with its SyncNode, on a clock that only `settle` moves."""

    folder: Path
    projections: Mapping[str, tuple[Projection, ...]] = field(default_factory=dict)
    now_s: float = 0.0

    def __post_init__(self) -> None:
        links: list[_Wire] = []
        self.stores = {node: self._store(node) for node in (CENTRE, *GATES)}
        self.syncs = {
            node: SyncNode(store, _Wire(links), identity(node), lambda: self.now_s)
            for node, store in self.stores.items()
        }

    def _store(self, node: str) -> Store:
        return Store(self.folder / node / "facts.db", self.projections.get(node, ()), wall=lambda: MORNING)

    def write(self, node: str, *drafts: Draft) -> None:
        """Facts of a node, each in a transaction and under a signature of its own."""
        for draft in drafts:
            self.stores[node].append(journal_id(node), key(journal_id(node)), [draft])

    async def settle(self, rounds: int = 8, step_s: float = 10.0) -> None:
        """Vectors, asks and fills go to and fro; at last every node holds what the others hold, and they know it."""
        for _ in range(rounds):
            self.now_s += step_s
            for sync in self.syncs.values():
                await sync.tick()
                for _ in range(5):
                    await asyncio.sleep(0)

    async def close(self) -> None:
        """Stops the nodes and closes their stores."""
        for sync in self.syncs.values():
            await sync.stop()
        for store in self.stores.values():
            store.close()


async def fill(folder: Path, facts: int = 12) -> None:
    """Leaves the stores of a centre and two gates that have written, synced and witnessed each other."""
    site = HandedSite(folder)
    vehicles = [{"vehicle": "v1", "plate": "12C12345", "country": "VN", "driver": {"name": "Nông Văn Dền"}}]
    body, private = commit(declared_body(vehicles=vehicles), [DRIVER])
    site.write(CENTRE, *(enrolment(gate) for gate in GATES))
    site.write(CENTRE, Draft("declared", f"declaration/{NO}", body, private))
    for number in range(facts):
        for gate in GATES:
            site.write(gate, note(str(number)))
    await site.settle()
    await site.settle(2, WITNESS_EVERY_S)
    await site.settle()
    await site.close()
