"""Facts a second from an edge node's commit to the centre's over a real broker, against bare publishing of the same bytes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.figures import Effort, Figure, Peer
from benchmarks.storing import arrival
from benchmarks.waiting import until
from shared import protocol, subjects
from shared.acl import NodeAccess
from shared.bodies import NodeEnrolled, dump
from shared.codes import Agency, Place
from shared.facts import Draft
from shared.journal import centre_node, journal_id
from shared.node.declarations import Declarations
from shared.node.link import Link, LinkSettings, Received
from shared.node.store import Store
from shared.node.sync import Identity, SyncNode
from shared.signing import PrivateKey
from simulation.broker import Broker
from simulation.layout import SITE
from simulation.ports import free_ports

NODE, CENTRE = "ckhn-barrier-2", centre_node(SITE)
A_COMMIT = 5
"""Facts a commit at the edge: a busy gate writes a few at a time."""


class Node:
    """A store with its sync: one side of the line."""

    def __init__(self, name: str, key: PrivateKey, root: PrivateKey, folder: Path, broker: Broker) -> None:
        self.store = Store(folder / f"{name}.db", [Declarations()])
        self.link = Link(LinkSettings("127.0.0.1", broker.port, name, broker.passwords[name]), name)
        self.sync = SyncNode(self.store, self.link, Identity(name, SITE, key, root.public))
        self.batches: list[bytes] = []
        self.link.subscribe(protocol.facts_topic(SITE, "+"), lambda one: self.batches.append(one.payload))

    async def start(self) -> None:
        """Connects and begins to sync."""
        self.link.start()
        self.sync.start()
        await until(lambda: self.link.connected, "connected to the broker")

    async def stop(self) -> None:
        """Ends in the other order."""
        await self.sync.stop()
        await self.link.stop()
        self.store.close()


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """Both nodes in this one process, as is the peer's publisher and subscriber."""
    async with _broker(folder) as broker:
        edge_key, root = PrivateKey.generate(), PrivateKey.generate()
        edge = Node(NODE, edge_key, root, folder, broker)
        centre = Node(CENTRE, root, root, folder, broker)
        centre.store.append(journal_id(CENTRE), root, [_enrolment(edge_key)])
        await asyncio.gather(edge.start(), centre.start())
        try:
            await until(lambda: edge.store.head(journal_id(CENTRE)).seq == 1, "enrolment at the gate")
            one_s = [await _one(edge, centre, edge_key) for _ in range(30)]
            centre.batches.clear()
            took_s = await _many(edge, centre, edge_key, effort.sync_facts)
        finally:
            await edge.stop()
            await centre.stop()
        bare_s = await _publish_bare(broker, centre.batches)
    peer = Peer(f"same {len(centre.batches)} batches, bare QoS 1 publish", effort.sync_facts / bare_s)
    return [
        Figure(
            f"edge commit to centre commit, {effort.sync_facts:,} facts",
            effort.sync_facts / took_s,
            "facts/s",
            peer,
        ),
        Figure("one fact, edge commit to centre commit, p50", 1000 * sorted(one_s)[len(one_s) // 2], "ms"),
    ]


async def _one(edge: Node, centre: Node, key: PrivateKey) -> float:
    began = time.perf_counter()
    await _many(edge, centre, key, 1)
    return time.perf_counter() - began


async def _many(edge: Node, centre: Node, key: PrivateKey, count: int) -> float:
    """Seconds from the first commit at the edge until the centre has committed the last fact."""
    journal = journal_id(NODE)
    wanted = edge.store.head(journal).seq + count
    began = time.perf_counter()
    while (left := wanted - edge.store.head(journal).seq) > 0:
        edge.store.append(journal, key, [arrival()] * min(left, A_COMMIT))
        await asyncio.sleep(0)
    await until(lambda: centre.store.head(journal).seq == wanted, f"{count} facts at the centre")
    return time.perf_counter() - began


async def _publish_bare(broker: Broker, payloads: Sequence[bytes]) -> float:
    """Seconds until a subscriber has every batch; one in flight, as in sync."""
    heard: list[Received] = []
    names = (NODE, CENTRE)
    sender, receiver = (
        Link(LinkSettings("127.0.0.1", broker.port, one, broker.passwords[one]), one) for one in names
    )
    receiver.subscribe(protocol.facts_topic(SITE, "+"), heard.append)
    sender.start()
    receiver.start()
    await until(lambda: sender.connected and receiver.connected, "connected to the broker")
    await asyncio.sleep(0.2)  # the subscription is acknowledged after the connection
    began = time.perf_counter()
    for payload in payloads:
        await sender.publish(protocol.facts_topic(SITE, NODE), payload)
    await until(lambda: len(heard) == len(payloads), "all batches heard")
    took_s = time.perf_counter() - began
    await asyncio.gather(sender.stop(), receiver.stop())
    return took_s


def _enrolment(key: PrivateKey) -> Draft:
    body = NodeEnrolled(
        node=NODE,
        site=SITE,
        public_key=key.public.text,
        places=[Place.BARRIER_2],
        agencies=[Agency.BORDER_GUARD],
    )
    return Draft("node_enrolled", subjects.node(NODE), dump(body))


@asynccontextmanager
async def _broker(folder: Path) -> AsyncIterator[Broker]:
    broker = Broker(folder / "broker", free_ports(1)[0], [NodeAccess(NODE, SITE), NodeAccess(CENTRE, SITE)])
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()
