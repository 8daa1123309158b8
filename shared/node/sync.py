"""Sync of one site: set union of journals over MQTT.

New facts are pushed by their author; whatever was missed is pulled. A vector, published only after commit, is question,
receipt and witness in one: who holds more is asked, who holds less will ask. A node's own journal is treated like any other,
so that a node whose store was put back gets its own facts from its peers.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

import structlog

from shared import protocol
from shared.bodies import AUTHORITY_KINDS, Cause
from shared.checkpoint import Manifest, check_manifest
from shared.clock import BadStamp, Stamp
from shared.facts import BadFact, BadSignature, Draft, Fact, FactError, Sealed
from shared.journal import Head, author_of, centre_node, is_centre
from shared.node.answering import Answering
from shared.node.asking import Asking
from shared.node.beginning import Beginning
from shared.node.checkpoints import Checkpoints
from shared.node.errors import StoreError
from shared.node.identity import Identity
from shared.node.link import Link, Received
from shared.node.own import OwnJournal, remember
from shared.node.peers import MOST_STRANGERS, Peers, boot_id
from shared.node.pushing import Pushing
from shared.node.receiving import Receiving
from shared.node.store import Store
from shared.node.voice import Voice
from shared.node.witnesses import Witnesses
from shared.signing import PublicKey
from shared.trust import Trust

log = structlog.get_logger()

TICK_S = 0.25
VECTOR_EVERY_S = 1.0
HEARTBEAT_EVERY_S = 5.0
WITNESS_EVERY_S = 300.0
STORE_AGAIN_S = 5.0
SETTLE_S = 1.0


class SyncNode:
    """Keeps one site's journals in step with its peers. All calls are on the event loop's thread.

    `keeps`: whether history below a journal's floor is wanted still. `checkpoints`: where the newest checkpoint is kept; a
    node without does not begin from one, and the centre, which makes them, never does. `group` and `leads`: several
    processes of one node share a store, and through MQTT's shared subscriptions the work of receiving and answering; the
    one that leads speaks for the node: it publishes vectors, asks, and takes the answers. Each pushes what it has written.
    """

    def __init__(
        self,
        store: Store,
        link: Link,
        identity: Identity,
        clock: Callable[[], float] = time.monotonic,
        *,
        keeps: Callable[[str], bool] = lambda _: True,
        checkpoints: Checkpoints | None = None,
        group: str | None = None,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._link = link
        self._identity = identity
        self._clock = clock
        self._group = group
        self._leads = leads
        self.checkpoints = checkpoints
        self.trust = Trust(identity.site, identity.root)
        self.peers = Peers(store, identity.site, clock, self.trust.knows, boot_id())
        self.witnesses = Witnesses(store, identity.node, self._of_site)
        self._asking = Asking(store, self.peers, identity.site, clock, keeps)
        self._beginning = (
            Beginning(store, checkpoints, self.peers, identity.node, identity.site, clock)
            if checkpoints and not is_centre(identity.node)
            else None
        )
        remember(store, identity.node, identity.site, identity.root)
        self._voice = Voice(store, identity, self._of_site)
        self.own = OwnJournal(store, identity, lambda: self._pushing.another_journal())
        self._pushing = Pushing(store, link, identity, self.own)
        self._answering = Answering(store, self.trust, checkpoints)
        self._receiving = Receiving(
            store, self.trust, self._asking, self.peers, self.own, self._set_aside, self._received
        )
        self._vector_due = True
        self._vector_sent_at = float("-inf")
        self._witnessed_at = clock()
        self._learnt_to = 0
        self._heads_told: dict[str, Head] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._strangers: dict[str, Received] = {}
        self._learn()
        self._subscribe()
        store.listen(self._stored)
        link.on_up(self._up)

    def start(self) -> list[asyncio.Task[None]]:
        """Starts pushing and ticking; gives the tasks, which run until `stop`, to whoever watches over them."""
        running = {"push": self._pushing.run(), "tick": self._tick()}
        if self._group is not None:
            running["retry"] = self._receiving.retry()
        site = self._identity.site
        self._tasks = [asyncio.create_task(run, name=f"{name} {site}") for name, run in running.items()]
        return list(self._tasks)

    async def stop(self) -> None:
        """Stops; the store holds whatever was not sent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(StoreError):
            self._flush()

    # -- what others ask

    @property
    def journal(self) -> str:
        """The journal that this node writes now."""
        return self.own.name

    @property
    def incarnation(self) -> int:
        """Which start of the node this is."""
        return self._voice.incarnation

    @property
    def twin(self) -> bool:
        """Whether another PC was heard under this node's name."""
        return self._voice.twin

    @property
    def centre(self) -> str:
        """The name under which the centre writes for our site."""
        return centre_node(self._identity.site)

    def ages_s(self) -> dict[str, int | None]:
        """Seconds since each journal was last known to be held in full; None when never. The centre always stands in it."""
        by_author = self.peers.ages_s()
        by_author.pop(self._identity.node, None)
        journals = [j for j in self._store.heads() if author_of(j) in by_author]
        known = {author_of(j) for j in journals}
        first = [f"{author}.1" for author in by_author if author not in known]
        return {j: by_author[author_of(j)] for j in sorted([*journals, *first])}

    def hears_centre(self) -> bool:
        """True while the centre's heartbeats come: a broker that stands says nothing of the centre behind it."""
        return self.peers.lively(self.centre) and self._link.connected

    def unsent(self) -> int:
        """How many of our own facts the centre has not said it holds."""
        held = self.peers.heard.get(self.centre)
        seen = held.vector.heads.get(self.own.name) if held else None
        return max(0, self._store.head(self.own.name).seq - (seen.seq if seen else 0))

    def unseen(self) -> int:
        """How many of our own facts nobody else has been seen to hold: they cannot be proven yet."""
        return self.witnesses.unseen(self.own.name)

    def refused(self) -> dict[str, str]:
        """Who has set facts of ours aside, and of which journal: the technician must look."""
        return {
            node: journal
            for node, heard in self.peers.heard.items()
            for journal in heard.vector.refused
            if author_of(journal) == self._identity.node
        }

    def set_aside(self) -> dict[str, Head]:
        """What we were offered of others' journals and could not take, by journal."""
        return self._asking.refused()

    async def recover(self, timeout_s: float) -> bool:
        """Asks the peers for our own journals before anything is written: True when somebody was heard and none is behind.

        The centre's journal must be held too: without it nobody else's vector can be read.
        Ends at once when the broker refuses; else after `timeout_s` at most.
        """
        end = self._clock() + timeout_s
        heard_since: float | None = None
        while self._clock() < end and (self._link.connected or self._link.error is None):
            now = self._clock()
            heard = any(node != self._identity.node for node in self.peers.heard)
            heard_since = (heard_since or now) if heard else None
            behind = any(
                author_of(journal) in (self._identity.node, self.centre) for journal in self.peers.missing()
            )
            if heard_since is not None and now - heard_since >= SETTLE_S and not behind:
                return True
            await asyncio.sleep(TICK_S / 5)
        return False

    def hears_anybody(self) -> bool:
        """Whether any other node was heard, known or not."""
        return bool(self._strangers) or any(node != self._identity.node for node in self.peers.heard)

    def write(self, drafts: Sequence[Draft]) -> list[Sealed]:
        """Writes facts into this node's journal and gives them when they are on disk; raises StoreUnusable."""
        return self.own.write(drafts)

    def fetch_checkpoint(self) -> None:
        """Sees to it that the parts of the newest checkpoint come here, though no journal is behind."""
        if self._beginning is not None:
            self._beginning.fetch()

    # -- in

    def _subscribe(self) -> None:
        site, me = self._identity.site, self._identity.node
        self._link.subscribe(protocol.facts_topic(site, "+"), self._receiving.batch, self._group)
        self._link.subscribe(protocol.vector_topic(site, "+"), self._on_vector)
        self._link.subscribe(protocol.fill_topic(site, me, "+"), self._on_fill)
        self._link.subscribe(protocol.ask_topic(site, me, "+"), self._on_ask, self._group)
        if self._beginning is not None:
            self._link.subscribe(protocol.checkpoint_topic(site, "+"), self._on_checkpoint)

    def _on_fill(self, received: Received) -> None:
        if not self._leads():
            return
        part = received.user.get("part")
        if part is None:
            self._receiving.batch(received)
        elif self._beginning is not None:
            with self._store_trouble():
                self._beginning.take(part, received.payload)
                self.peers.note_freshness()
            self._ask(at_once=True)

    def _on_vector(self, received: Received) -> None:
        sender = protocol.sender_of(received.topic)
        try:
            vector = protocol.decode(received.payload, protocol.Vector)
            good = self.trust.node_keys(vector.node)
            keys = good or self.trust.former_keys(vector.node)
            if sender is None or vector.node != sender[2]:
                return
            if not keys:
                self.peers.pass_by(vector.node)
                self._hear_stranger(vector, received)
                return
            _check(vector, keys)
            if vector.site != self._identity.site:
                raise BadSignature(f"a vector of {vector.site} is none of {self._identity.site}")
            if vector.node == self._identity.node:
                self._hear_ourselves(vector, received)
                return
            stamp = Stamp.parse(vector.at)
        except (FactError, BadStamp) as error:
            self._set_aside(received, error)
            return
        with self._store_trouble():
            if not good:
                self.peers.hear(vector, retained=True)
                return
            self._store.clock.observe(stamp)
            if self.peers.hear(vector, retained=received.retained):
                self.witnesses.hear(vector)
                risen = self._voice.rise_above(vector.outdated.get(self._identity.node))
                self._vector_due = self._vector_due or risen

    def _hear_stranger(self, vector: protocol.Vector, received: Received) -> None:
        """A node whose key is not known yet: heard again once it is. If it holds more of our own journal, we ask for that.

        Our own facts prove themselves by our key: so a centre whose store is gone gets its enrolments back.
        """
        if len(self._strangers) < MOST_STRANGERS or vector.node in self._strangers:
            self._strangers[vector.node] = received
        for head in vector.all_heads():
            held = self._store.head(head.journal)
            if author_of(head.journal) == self._identity.node and head.seq > held.seq:
                known = [_wire(one) for one in self._store.locator(head.journal)]
                ask = protocol.Ask(journal=head.journal, after=held.seq, known=known)
                topic = protocol.ask_topic(self._identity.site, vector.node, self._identity.node)
                self._link.post(topic, protocol.encode(ask))

    def _hear_ourselves(self, vector: protocol.Vector, received: Received) -> None:
        """Among several processes of one node this is their own talk."""
        if self._group is None:
            with self._store_trouble():
                self._voice.hear_ourselves(vector, retained=received.retained)

    def _on_ask(self, received: Received) -> None:
        sender = protocol.sender_of(received.topic)
        try:
            ask = protocol.decode(received.payload, protocol.Ask)
        except FactError as error:
            self._set_aside(received, error)
            return
        if sender is None:
            return
        with self._store_trouble():
            payload, user = self._answering.payload(ask), dict(received.user)
            if payload is not None:
                reply = protocol.fill_topic(self._identity.site, sender[2], self._identity.node)
                user |= {"part": ask.part} if ask.part else {}
                self._link.post(reply, payload, user=user)

    def _on_checkpoint(self, received: Received) -> None:
        sender = protocol.sender_of(received.topic)
        if sender is None or sender[2] != self.centre or self._beginning is None:
            return
        try:
            manifest = protocol.decode(received.payload, Manifest)
            check_manifest(manifest, self.trust)
        except FactError as error:
            self._set_aside(received, error)
            return
        with self._store_trouble():
            self._beginning.hear(manifest)
        self._ask(at_once=True)

    def _received(self, fresh: bool, answer: bool) -> None:
        self._vector_due = self._vector_due or fresh
        if answer:
            self._ask(at_once=True)

    def _set_aside(self, received: Received, error: Exception) -> None:
        log.warning("message_refused", topic=received.topic, why=str(error))
        with self._store_trouble():
            self._store.quarantine(received.topic, received.payload, str(error))

    # -- out

    def _stored(self, facts: Sequence[Fact]) -> None:
        if any(fact.kind in AUTHORITY_KINDS for fact in facts):
            self._learn()
        self._vector_due = True
        self._pushing.stored(facts)

    def _up(self) -> None:
        self._pushing.up()
        self._vector_due = True
        self._vector_sent_at = float("-inf")
        self._asking.forget()

    async def push(self) -> None:
        """Publishes what this node has written since; raises StoreUnusable."""
        await self._pushing.push()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.tick()
            except StoreError as error:
                log.error("store_failed", error=str(error))
                await asyncio.sleep(STORE_AGAIN_S)

    async def tick(self) -> None:
        """What is due now: what other processes of this node stored, a vector, asks, a witness's word. Raises StoreError."""
        self._notice_others()
        if not self._link.connected or not self._speaks():
            return
        now = self._clock()
        since = now - self._vector_sent_at
        if since >= HEARTBEAT_EVERY_S or (self._vector_due and since >= VECTOR_EVERY_S):
            self._flush()
            await self._publish_vector(now)
        if now - self._witnessed_at >= WITNESS_EVERY_S:
            self._witnessed_at = now
            self._witness()
        self._go_on_as_told()
        self._ask()

    def _speaks(self) -> bool:
        """Whether this process speaks for the node; who takes that over does so at once."""
        leads = self._leads()
        if self._group is None:
            return leads
        before = self._voice.incarnation
        speaks = self._voice.leads(leads=leads)
        if self._voice.incarnation != before:
            self._vector_due, self._vector_sent_at = True, float("-inf")
        return speaks

    def _go_on_as_told(self) -> None:
        """After a revocation the centre names the journal in which a node's word counts again.

        It is begun when all that is known of our journals is here, so that no number of it is given away twice.
        """
        told = self.trust.told(self._identity.node, self._identity.key.public)
        if told is None or self.trust.counts(self.own.name) or not self.hears_centre():
            return
        if any(author_of(journal) == self._identity.node for journal in self.peers.missing()):
            return
        if self._store.head(told).seq == 0:
            self.own.begin(Cause.REVOKED, told)
        elif len(self._store.branches(told)) == 1:
            self.own.go_on(told)

    def _notice_others(self) -> None:
        """Other processes may have written to a shared store."""
        if not self._store.engine.shared:
            return
        heads = self._store.heads()
        if heads == self._heads_told:
            return
        self._heads_told = heads
        self._vector_due = True
        if self._store.newest_position(AUTHORITY_KINDS) > self._learnt_to:
            self._learn()
        self.own.notice()
        self._receiving.parked.take_all()
        self.peers.note_freshness()

    def _flush(self) -> None:
        self.witnesses.flush()
        self.peers.remember()

    def _witness(self) -> None:
        draft = self.witnesses.draft()
        if draft is not None:
            self.own.write([draft])
            self.witnesses.said(draft)

    async def _publish_vector(self, now: float) -> None:
        self._vector_due = False
        self._vector_sent_at = now
        topic = protocol.vector_topic(self._identity.site, self._identity.node)
        await self._link.publish(topic, protocol.encode(self.vector()), retain=True)

    def vector(self) -> protocol.Vector:
        """How far this node has every journal of the site, signed."""
        complete = self.checkpoints.complete if self.checkpoints else None
        return self._voice.vector(self._asking.refused(), self.peers.outdated(), complete)

    def publish_checkpoint(self, manifest: Manifest) -> None:
        """Tells everybody of a new checkpoint; the centre's doing."""
        topic = protocol.checkpoint_topic(self._identity.site, self._identity.node)
        self._link.post(topic, protocol.encode(manifest), retain=True)

    def _ask(self, *, at_once: bool = False) -> None:
        if not self._leads():
            return
        beginning = self._beginning.due() if self._beginning else None
        asks = beginning if beginning is not None else self._asking.due(at_once=at_once)
        for to, ask in asks:
            topic = protocol.ask_topic(self._identity.site, to, self._identity.node)
            self._link.post(topic, protocol.encode(ask))

    # -- inside

    def _of_site(self, journal: str) -> bool:
        """True for journals of this site: our own, the centre's for it, and those of the nodes enrolled here."""
        return author_of(journal) == self._identity.node or self.trust.knows(journal)

    def _learn(self) -> None:
        self._learnt_to = self._store.newest_position(AUTHORITY_KINDS)
        self.trust.learn(self._store.of_kinds(AUTHORITY_KINDS))
        for node in [node for node in self._strangers if self.trust.node_keys(node)]:
            self._on_vector(self._strangers.pop(node))

    @contextlib.contextmanager
    def _store_trouble(self) -> Iterator[None]:
        """A store that fails is said, and costs what was under way and no more."""
        try:
            yield
        except StoreError as error:
            log.error("store_failed", error=str(error))
        except BadFact as error:
            log.error("checkpoint_failed", error=str(error))


def _wire(head: Head) -> protocol.WireHead:
    return protocol.WireHead(seq=head.seq, hash=head.hash)


def _check(vector: protocol.Vector, keys: Sequence[PublicKey]) -> None:
    """Raises BadSignature unless one of the node's keys signed the vector, the newest most likely."""
    for key in reversed(keys):
        with contextlib.suppress(BadSignature):
            vector.check(key)
            return
    raise BadSignature(f"vector of {vector.node}: not signed by its key")
