"""Sync of one site: set union of journals over MQTT.

New facts are pushed by their author; whatever was missed is pulled. A vector, published only after commit, is question,
receipt and witness in one: who holds more is asked, who holds less will ask.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from shared import protocol
from shared.bodies import NodeEnrolled, read_body
from shared.clock import BadStamp, Stamp
from shared.facts import BrokenChain, Fact, FactError
from shared.journal import Head, author_of, centre_node, journal_id
from shared.node.errors import Forked, StoreError
from shared.node.link import Link, Received
from shared.node.store import Store
from shared.signing import PrivateKey, PublicKey

log = structlog.get_logger()

TICK_S = 0.25
VECTOR_EVERY_S = 1.0
HEARTBEAT_EVERY_S = 5.0
ASK_AGAIN_S = 1.0
HEARD_RECENTLY_S = 20.0
STORE_AGAIN_S = 5.0


@dataclass(frozen=True)
class Identity:
    """Who a node is: its name, site and key, and the centre's public key that was pinned at installation."""

    node: str
    site: str
    key: PrivateKey
    root: PublicKey

    @property
    def journal(self) -> str:
        """The journal this node writes."""
        return journal_id(self.node)


@dataclass(frozen=True)
class Heard:
    """A node's newest vector and when it was heard, by our monotonic clock.

    A vector that lay retained at the broker tells what its node held once, not that the node is there: `at_s` is -inf.
    """

    vector: protocol.Vector
    at_s: float


@dataclass(frozen=True)
class _Asked:
    """An ask that waits for its answer: after which fact, when, and how often in vain before."""

    after: int
    at_s: float
    times: int


class SyncNode:
    """Keeps one site's journals in step with its peers. All calls are on the event loop's thread."""

    def __init__(
        self, store: Store, link: Link, identity: Identity, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.heard: dict[str, Heard] = {}
        self._store = store
        self._link = link
        self._identity = identity
        self._clock = clock
        self._incarnation = store.next_incarnation()
        self._pushed = store.head(identity.journal).seq
        self._wake_push = asyncio.Event()
        self._asked: dict[str, _Asked] = {}
        self._behind_since: dict[str, float] = {}
        self._fresh_at: dict[str, float] = {}
        self._vector_due = True
        self._vector_sent_at = float("-inf")
        self._keys: dict[str, PublicKey] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._read_keys(store.of_kinds(["node_enrolled"]))
        self._subscribe()
        store.listen(self._stored)
        link.on_up(self._up)

    def start(self) -> list[asyncio.Task[None]]:
        """Starts pushing and ticking; gives the tasks, which run until `stop`, to whoever watches over them."""
        self._tasks = [
            asyncio.create_task(self._push(), name=f"push {self._identity.site}"),
            asyncio.create_task(self._tick(), name=f"tick {self._identity.site}"),
        ]
        return list(self._tasks)

    async def stop(self) -> None:
        """Stops; the store holds whatever was not sent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- what others ask

    def ages_s(self) -> dict[str, int | None]:
        """Seconds since each journal was last known to be held in full; None when never."""
        now = self._clock()
        journals = set(self._fresh_at) | set(self._store.heads()) | {self.centre_journal}
        journals.discard(self._identity.journal)
        return {j: int(now - self._fresh_at[j]) if j in self._fresh_at else None for j in sorted(journals)}

    def hears_centre(self) -> bool:
        """True while the centre's heartbeats come: a broker that stands says nothing of the centre behind it."""
        held = self.heard.get(centre_node(self._identity.site))
        alive = held is not None and self._clock() - held.at_s < HEARD_RECENTLY_S
        return alive and self._link.connected

    def unsent(self) -> int:
        """How many of our own facts the centre has not said it holds."""
        held = self.heard.get(centre_node(self._identity.site))
        seen = held.vector.heads.get(self._identity.journal) if held else None
        return self._store.head(self._identity.journal).seq - (seen.seq if seen else 0)

    @property
    def centre_journal(self) -> str:
        """The journal that the centre writes for our site."""
        return journal_id(centre_node(self._identity.site))

    # -- in

    def _subscribe(self) -> None:
        site, me = self._identity.site, self._identity.node
        self._link.subscribe(protocol.facts_topic(site, "+"), self._on_batch)
        self._link.subscribe(protocol.vector_topic(site, "+"), self._on_vector)
        self._link.subscribe(protocol.fill_topic(site, me, "+"), self._on_batch)
        self._link.subscribe(protocol.ask_topic(site, me, "+"), self._on_ask)

    def _on_batch(self, received: Received) -> None:
        try:
            batch = protocol.decode(received.payload, protocol.Batch)
            author = self._author_key(batch.journal)
            if batch.journal == self._identity.journal or author is None:
                return
            run, signed = protocol.open_batch(batch, author)
            fresh = self._store.absorb(run, signed)
        except BrokenChain:
            return
        except (FactError, Forked) as error:
            self._set_aside(received, error)
            return
        except StoreError as error:
            log.error("store_failed", error=str(error))
            return
        self._asked.pop(batch.journal, None)
        self._note_freshness()
        if fresh:
            self._vector_due = True
            if received.topic.startswith(f"{protocol.ROOT}/fill/"):
                self._ask_missing(at_once=True)

    def _on_vector(self, received: Received) -> None:
        sender = protocol.sender_of(received.topic)
        try:
            vector = protocol.decode(received.payload, protocol.Vector)
            key = self._author_key(journal_id(vector.node))
            if (
                sender is None
                or vector.node != sender[2]
                or vector.node == self._identity.node
                or key is None
            ):
                return
            vector.check(key)
            self._store.clock.observe(Stamp.parse(vector.at))
        except (FactError, BadStamp) as error:
            self._set_aside(received, error)
            return
        known = self.heard.get(vector.node)
        if known is None or (vector.incarnation, vector.at) >= (known.vector.incarnation, known.vector.at):
            at_s = float("-inf") if received.retained else self._clock()
            self.heard[vector.node] = Heard(vector, max(at_s, known.at_s) if known else at_s)
            self._note_freshness()

    def _on_ask(self, received: Received) -> None:
        sender = protocol.sender_of(received.topic)
        try:
            ask = protocol.decode(received.payload, protocol.Ask)
        except FactError as error:
            self._set_aside(received, error)
            return
        if not self._of_site(ask.journal):
            return
        try:
            payload = self._page(ask)
        except StoreError as error:
            log.error("store_failed", error=str(error))
            return
        if sender is not None and payload is not None:
            reply = protocol.fill_topic(self._identity.site, sender[2], self._identity.node)
            self._spawn(self._link.publish(reply, payload, user=received.user))

    def _page(self, ask: protocol.Ask) -> bytes | None:
        """The largest page, by halving, that every node takes; None when nothing beyond is held."""
        most = protocol.PAGE_FACTS
        while True:
            page = self._store.page(ask.journal, ask.after, most)
            if page is None:
                return None
            payload = protocol.encode(protocol.batch(*page))
            if protocol.fits(payload) or most == 1:
                return payload
            most //= 2

    def _set_aside(self, received: Received, error: Exception) -> None:
        log.warning("message_refused", topic=received.topic, why=str(error))
        try:
            self._store.quarantine(received.topic, received.payload, str(error))
        except StoreError as failed:
            log.error("store_failed", error=str(failed))

    # -- out

    def _stored(self, facts: Sequence[Fact]) -> None:
        self._read_keys(facts)
        self._vector_due = True
        if any(fact.journal == self._identity.journal for fact in facts):
            self._wake_push.set()

    def _up(self) -> None:
        self._pushed = self._store.head(self._identity.journal).seq
        self._vector_due = True
        self._vector_sent_at = float("-inf")
        self._asked.clear()

    async def _push(self) -> None:
        while True:
            await self._wake_push.wait()
            self._wake_push.clear()
            try:
                await self._push_new()
            except StoreError as error:
                log.error("store_failed", error=str(error))
                await asyncio.sleep(STORE_AGAIN_S)
                self._wake_push.set()

    async def _push_new(self) -> None:
        topic = protocol.facts_topic(self._identity.site, self._identity.node)
        while self._link.connected:
            page = self._store.page(self._identity.journal, self._pushed)
            if page is None:
                return
            run, _ = page
            self._pushed = run[-1].fact.seq
            for batch in protocol.batches(run, self._identity.key):
                await self._link.publish(topic, protocol.encode(batch))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self._clock()
            since = now - self._vector_sent_at
            if self._link.connected:
                if since >= HEARTBEAT_EVERY_S or (self._vector_due and since >= VECTOR_EVERY_S):
                    await self._publish_vector(now)
                self._ask_missing()

    async def _publish_vector(self, now: float) -> None:
        self._vector_due = False
        self._vector_sent_at = now
        held = self._store.heads().items()
        heads = {j: protocol.WireHead(seq=h.seq, hash=h.hash) for j, h in held if self._of_site(j)}
        vector = protocol.Vector(
            node=self._identity.node,
            site=self._identity.site,
            incarnation=self._incarnation,
            at=str(self._store.clock.now()),
            heads=heads,
        ).sign(self._identity.key)
        topic = protocol.vector_topic(self._identity.site, self._identity.node)
        await self._link.publish(topic, protocol.encode(vector), retain=True)

    def _ask_missing(self, *, at_once: bool = False) -> None:
        now = self._clock()
        for journal, holders in self._missing().items():
            held = self._store.head(journal).seq
            since = self._behind_since.setdefault(journal, now)
            asked = self._asked.get(journal)
            in_vain = asked is not None and asked.after == held
            if asked is not None and in_vain and now - asked.at_s < ASK_AGAIN_S:
                continue
            if not at_once and now - since < TICK_S:
                continue
            times = asked.times + 1 if asked is not None and in_vain else 0
            self._asked[journal] = _Asked(held, now, times)
            ask = protocol.Ask(journal=journal, after=held)
            to = self._whom(journal, holders, times)
            topic = protocol.ask_topic(self._identity.site, to, self._identity.node)
            self._spawn(self._link.publish(topic, protocol.encode(ask)))

    def _missing(self) -> dict[str, list[str]]:
        """Journals of which somebody heard holds more than we do, with those who do."""
        ours = self._store.heads()
        missing: dict[str, list[str]] = {}
        for node, heard in self.heard.items():
            for journal, head in heard.vector.heads.items():
                behind = head.seq > ours.get(journal, Head.empty(journal)).seq
                if behind and self._of_site(journal) and journal != self._identity.journal:
                    missing.setdefault(journal, []).append(node)
        for journal in set(self._behind_since) - set(missing):
            del self._behind_since[journal]
        return missing

    def _whom(self, journal: str, holders: Sequence[str], times: int) -> str:
        """The author, then the centre, then a named peer: the lively ones first, the next one when asked in vain."""
        now = self._clock()
        order = dict.fromkeys([author_of(journal), centre_node(self._identity.site), *sorted(holders)])
        known = [node for node in order if node in holders]
        lively = [node for node in known if now - self.heard[node].at_s < HEARD_RECENTLY_S]
        return (lively or known)[times % len(lively or known)]

    # -- keys and freshness

    def _of_site(self, journal: str) -> bool:
        """True for journals of this site: our own, the centre's for it, and those of the nodes enrolled here."""
        return journal == self._identity.journal or self._author_key(journal) is not None

    def _author_key(self, journal: str) -> PublicKey | None:
        author = author_of(journal)
        if author == centre_node(self._identity.site):
            return self._identity.root
        return self._keys.get(author)

    def _read_keys(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if fact.kind == "node_enrolled" and fact.journal == self.centre_journal:
                body = read_body(fact)
                if isinstance(body, NodeEnrolled):
                    self._keys[body.node] = PublicKey(body.public_key)

    def _note_freshness(self) -> None:
        ours = self._store.heads()
        for node, heard in self.heard.items():
            for journal, head in heard.vector.heads.items():
                held = ours.get(journal)
                whole = held is not None and held.seq >= head.seq
                if author_of(journal) == node and whole and heard.at_s > float("-inf"):
                    self._fresh_at[journal] = max(self._fresh_at.get(journal, heard.at_s), heard.at_s)

    def _spawn(self, sending: Coroutine[Any, Any, bool]) -> None:
        task = asyncio.ensure_future(sending)
        _background.add(task)
        task.add_done_callback(_background.discard)


_background: set[asyncio.Future[bool]] = set()
