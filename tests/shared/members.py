"""A site's nodes on stores of their own: over a real broker, or one of them on a link whose messages are handed in."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared import protocol, subjects
from shared.bodies import NodeEnrolled, dump
from shared.clock import Stamp, utc_now
from shared.codes import Agency, Place
from shared.facts import Draft
from shared.journal import author_of, centre_node, journal_id
from shared.node.identity import Identity
from shared.node.link import Link, LinkSettings, Received
from shared.node.store import Store
from shared.node.sync import SyncNode
from tests.builders import SITE, Journal, key, note

CENTRE = centre_node(SITE)
CENTRE_JOURNAL = journal_id(CENTRE)


@dataclass
class Member:
    """A node at work."""

    node: str
    store: Store
    link: Link
    sync: SyncNode

    def write(self, count: int = 1) -> None:
        """So many facts of its own, each in a transaction of its own."""
        for number in range(count):
            self.tell(note(str(number)))

    def tell(self, draft: Draft) -> None:
        """One fact of its own."""
        self.store.append(journal_id(self.node), key(journal_id(self.node)), [draft])

    def holds(self, node: str, count: int) -> bool:
        """Whether it holds so many facts of a node, and no fewer than all of them in a row."""
        return self.store.head(journal_id(node)).seq == count

    def quarantined(self) -> list[tuple[str, str]]:
        """Topic and reason of everything set aside."""
        return list(self.store.rows("SELECT source, reason FROM quarantine ORDER BY number"))


def identity(node: str) -> Identity:
    """Who a node is; the centre's key is pinned."""
    return Identity(node, SITE, key(journal_id(node)), key(CENTRE_JOURNAL).public)


@asynccontextmanager
async def member(node: str, folder: Path, port: int) -> AsyncIterator[Member]:
    """A node on a broker, until the end of the block; its store stays in the folder."""
    store = Store(folder / f"{node}.db")
    link = Link(LinkSettings("127.0.0.1", port), node)
    one = Member(node, store, link, SyncNode(store, link, identity(node)))
    link.start()
    one.sync.start()
    try:
        yield one
    finally:
        await one.sync.stop()
        await link.stop()
        store.close()


def enrolment(node: str) -> Draft:
    """The centre licenses a node."""
    body = NodeEnrolled(
        node=node,
        site=SITE,
        public_key=key(journal_id(node)).public.text,
        places=[Place.BARRIER_2],
        agencies=[Agency.CUSTOMS],
    )
    return Draft("node_enrolled", subjects.node(node), dump(body))


class HandedLink(Link):
    """A link without a broker: what is published is kept in `sent`, what arrives is handed in."""

    def __init__(self) -> None:
        super().__init__(LinkSettings("127.0.0.1", 1), "handed")
        self.connected = True
        self.sent: list[tuple[str, bytes]] = []
        self._told = 0

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, user: Mapping[str, str] | None = None
    ) -> bool:
        """Taken at once, as a broker's PUBACK would say."""
        del retain, user
        self.sent.append((topic, payload))
        return True

    def hand_in(
        self,
        topic: str,
        message: protocol.Message | bytes,
        *,
        retained: bool = False,
        user: Mapping[str, str] | None = None,
    ) -> None:
        """A message arrives."""
        payload = message if isinstance(message, bytes) else protocol.encode(message)
        self._dispatch(Received(topic, payload, user or {}, retained))

    def vector(
        self, *, of: str, journals: Sequence[Journal], incarnation: int = 1, at: datetime | None = None
    ) -> protocol.Vector:
        """A node's vector: it holds these journals as far as they go."""
        self._told += 1
        heads = {j.name: protocol.WireHead(seq=j.head.seq, hash=j.head.hash) for j in journals if j.head.seq}
        return protocol.Vector(
            node=of,
            site=SITE,
            incarnation=incarnation,
            at=str(Stamp(at or utc_now(), self._told)),
            heads=heads,
        ).sign(key(journal_id(of)))

    def hear(self, *journals: Journal, of: str, retained: bool = False, incarnation: int = 1) -> None:
        """Such a vector arrives."""
        vector = self.vector(of=of, journals=journals, incarnation=incarnation)
        self.hand_in(protocol.vector_topic(SITE, of), vector, retained=retained)

    def batch(
        self, journal: Journal, start: int, end: int, *, signed_by: str | None = None
    ) -> protocol.Batch:
        """Facts `start` to `end` of a journal, counted from 1, as their author sends them."""
        run = journal.sealed[start - 1 : end]
        return next(iter(protocol.batches(run, key(signed_by or journal.name))))

    def push(self, journal: Journal, start: int, end: int, *, signed_by: str | None = None) -> None:
        """Such a batch arrives as new facts."""
        topic = protocol.facts_topic(SITE, author_of(journal.name))
        self.hand_in(topic, self.batch(journal, start, end, signed_by=signed_by))

    def asked(self) -> list[tuple[str, str, int]]:
        """Whom we asked for which journal after which number."""
        asks = [(t.split("/")[4], protocol.decode(p, protocol.Ask)) for t, p in self.sent if "/ask/" in t]
        return [(to, ask.journal, ask.after) for to, ask in asks]
