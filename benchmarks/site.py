"""Two or more nodes of one site as processes around a real Mosquitto, for the benchmarks of sync."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.apart import Apart, Part, apart
from benchmarks.nodes import CENTRE, Node
from shared.acl import NodeAccess
from shared.signing import PrivateKey
from simulation.broker import Broker
from simulation.layout import SITE
from simulation.ports import free_ports

GATE, OTHER_GATE = "ckhn-barrier-2", "ckhn-barrier-1"


@dataclass
class Line:
    """A broker, and the keys of the nodes that may use it."""

    folder: Path
    broker: Broker
    keys: dict[str, PrivateKey] = field(default_factory=dict)

    @property
    def gates(self) -> dict[str, str]:
        """The gates' public keys."""
        return {node: key.public.text for node, key in self.keys.items() if node != CENTRE}

    def node(self, node: str, name: str | None = None, **settings: Any) -> AbstractAsyncContextManager[Apart]:
        """A node in a process of its own."""
        keys = {"key": self.keys[node].text(), "root": self.keys[CENTRE].public.text}
        return self.part(Node, node, name, **keys, **settings)

    def part(
        self, kind: type[Part], node: str, name: str | None = None, **settings: Any
    ) -> AbstractAsyncContextManager[Apart]:
        """Another part that signs in at the broker as a node."""
        folder = self.folder / (name or node)
        folder.mkdir(exist_ok=True)
        fixed = {"node": node, "folder": str(folder), "port": self.broker.port}
        return apart(kind, name or node, {**fixed, "password": self.broker.passwords[node], **settings})


@asynccontextmanager
async def line(folder: Path, gates: Sequence[str] = (GATE, OTHER_GATE)) -> AsyncIterator[Line]:
    """A broker for the centre and some gates, until the end of the block."""
    nodes = (CENTRE, *gates)
    broker = Broker(folder / "broker", free_ports(1)[0], [NodeAccess(node, SITE) for node in nodes])
    await broker.start()
    try:
        yield Line(folder, broker, {node: PrivateKey.generate() for node in nodes})
    finally:
        await broker.stop()
