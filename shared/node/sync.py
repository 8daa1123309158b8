"""Sync of one site: set union of journals over MQTT.

New facts are pushed by their author; whatever was missed is pulled. A vector, published only after commit, is question,
receipt and witness in one: who holds more is asked, who holds less will ask. A node's own journal is treated like any other,
so that a node whose store was put back gets its own facts from its peers.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from shared import protocol
from shared.bodies import AUTHORITY_KINDS, Cause
from shared.checkpoint import Manifest
from shared.clock import BadStamp, Stamp
from shared.facts import BadFact, BadSignature, BrokenChain, Draft, Fact, FactError, Sealed, read_envelope
from shared.journal import Head, SignedHead, author_of, centre_node, is_centre
from shared.node.asking import Asking
from shared.node.beginning import Beginning
from shared.node.checkpoints import Checkpoints
from shared.node.errors import StoreError
from shared.node.link import Link, Received
from shared.node.own import begin_journal, own_journal, remember
from shared.node.peers import Peers, boot_id
from shared.node.store import Store
from shared.node.witnesses import Witnesses
from shared.signing import PrivateKey, PublicKey
from shared.trust import Trust

log = structlog.get_logger()

TICK_S = 0.25
VECTOR_EVERY_S = 1.0
HEARTBEAT_EVERY_S = 5.0
WITNESS_EVERY_S = 300.0
STORE_AGAIN_S = 5.0
SETTLE_S = 1.0
WINDOW = 8
"""Batches of new facts on their way to the broker at a time."""
MOST_PARKED = 64


@dataclass(frozen=True)
class Identity:
    """Who a node is: its name, site and key, and the centre's public key that was pinned at installation."""

    node: str
    site: str
    key: PrivateKey
    root: PublicKey


class SyncNode:
    """Keeps one site's journals in step with its peers. All calls are on the event loop's thread.

    `keeps`: whether history below a journal's floor is wanted still. `checkpoints`: where the newest checkpoint is kept; a
    node without does not begin from one, and the centre, which makes them, never does. `group` and `leads`: several
    processes of one node share the work of receiving and answering through MQTT's shared subscriptions; the one that leads
    speaks for the node.
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
        self.witnesses = Witnesses(store, identity.node)
        self._asking = Asking(store, self.peers, identity.site, clock, keeps)
        self._beginning = (
            Beginning(store, checkpoints, self.peers, identity.site, clock)
            if checkpoints and not is_centre(identity.node)
            else None
        )
        self._incarnation = store.next_incarnation()
        remember(store, identity.node, identity.site, identity.root)
        self._journal = own_journal(store, identity.node)
        self.twin = False
        self._started = str(store.clock.now())
        self._pushed = store.head(self._journal).seq
        self._parked: dict[str, list[tuple[Sequence[Sealed], SignedHead]]] = {}
        self._wake_push = asyncio.Event()
        self._vector_due = True
        self._vector_sent_at = float("-inf")
        self._witnessed_at = clock()
        self._learnt_to = 0
        self._heads_told: dict[str, Head] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._learn()
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
        with contextlib.suppress(StoreError):
            self._flush()

    # -- what others ask

    @property
    def journal(self) -> str:
        """The journal that this node writes now."""
        return self._journal

    @property
    def incarnation(self) -> int:
        """Which start of the node this is."""
        return self._incarnation

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
        seen = held.vector.heads.get(self._journal) if held else None
        return max(0, self._store.head(self._journal).seq - (seen.seq if seen else 0))

    def unseen(self) -> int:
        """How many of our own facts nobody else has been seen to hold: they cannot be proven yet."""
        return self.witnesses.unseen(self._journal)

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

        Ends at once when the broker refuses; else after `timeout_s` at most.
        """
        end = self._clock() + timeout_s
        heard_since: float | None = None
        while self._clock() < end and (self._link.connected or self._link.error is None):
            now = self._clock()
            heard = any(node != self._identity.node for node in self.peers.heard)
            heard_since = (heard_since or now) if heard else None
            behind = any(author_of(journal) == self._identity.node for journal in self.peers.missing())
            if heard_since is not None and now - heard_since >= SETTLE_S and not behind:
                return True
            await asyncio.sleep(TICK_S / 5)
        return False

    def write(self, drafts: Sequence[Draft]) -> list[Sealed]:
        """Writes facts into this node's journal and gives them when they are on disk; raises StoreUnusable."""
        return self._store.append(self._journal, self._identity.key, drafts)

    def fetch_checkpoint(self) -> None:
        """Sees to it that the parts of the newest checkpoint come here, though no journal is behind."""
        if self._beginning is not None:
            self._beginning.fetch()

    def begin_journal(self, cause: Cause, journal: str | None = None) -> None:
        """Goes on in a new journal, by a name that was given or drawn; raises StoreUnusable."""
        left = self._journal
        self._journal = begin_journal(self._store, self._identity.key, self._identity.node, cause, journal)
        self._pushed = 0
        self._wake_push.set()
        log.warning("journal_begun", left=left, journal=self._journal, cause=cause.value)

    # -- in

    def _subscribe(self) -> None:
        site, me = self._identity.site, self._identity.node
        self._link.subscribe_together(protocol.facts_topic(site, "+"), self._on_batches, self._group)
        self._link.subscribe(protocol.vector_topic(site, "+"), self._on_vector)
        self._link.subscribe(protocol.fill_topic(site, me, "+"), self._on_fill, self._group)
        self._link.subscribe(protocol.ask_topic(site, me, "+"), self._on_ask, self._group)
        if self._beginning is not None:
            self._link.subscribe(protocol.checkpoint_topic(site, "+"), self._on_checkpoint)

    def _on_fill(self, received: Received) -> None:
        part = received.user.get("part")
        if part is None:
            self._on_batch(received)
        elif self._beginning is not None:
            with self._store_trouble():
                self._beginning.take(part, received.payload)
                self.peers.note_freshness()
            self._ask(at_once=True)

    def _on_batches(self, messages: Sequence[Received]) -> None:
        """Takes batches that follow one another as one, for one signature and one commit; else each by itself."""
        if len(messages) > 1 and self._take_joined(messages):
            self._vector_due = True
            return
        for received in messages:
            self._on_batch(received)

    def _take_joined(self, messages: Sequence[Received]) -> bool:
        """False when they are not one run with a good signature at its end, or part of it is not of the form."""
        try:
            batch = protocol.joined([protocol.decode(one.payload, protocol.Batch) for one in messages])
            return batch is not None and self._take(
                batch, Head(batch.journal, batch.head.seq, batch.head.hash)
            )
        except BrokenChain:
            return True
        except (FactError, StoreError):
            return False

    def _on_batch(self, received: Received) -> None:
        head: Head | None = None
        try:
            batch = protocol.decode(received.payload, protocol.Batch)
            head = Head(batch.journal, batch.head.seq, batch.head.hash)
            fresh = self._take_history(batch, head) if not batch.head.signature else self._take(batch, head)
        except BrokenChain:
            return
        except FactError as error:
            self._set_aside(received, error)
            if head is not None and self.trust.knows(head.journal):
                self._asking.refuse(head)
            return
        except StoreError as error:
            log.error("store_failed", error=str(error))
            return
        if fresh:
            self._vector_due = True
            if received.topic.startswith(f"{protocol.ROOT}/fill/"):
                self._ask(at_once=True)

    def _take(self, batch: protocol.Batch, head: Head) -> bool:
        """Stores a batch of new facts; True when there were any."""
        if self._store.holds(head):
            self._asking.answered(head.journal)
            return False
        keys = self.trust.keys(head.journal, head.seq)
        if not keys:
            return False
        end = self.trust.end(head.journal)
        if end is not None and self._store.holds(end):
            raise BadSignature(f"{head.journal} ended with {end.seq}; its key was rotated away")
        run, signed = protocol.open_batch(batch, keys)
        try:
            fresh = self._store.absorb(run, signed)
        except BrokenChain:
            self._park(run, signed)
            raise
        self._unpark(head.journal)
        self._asking.answered(head.journal)
        self.peers.note_freshness()
        if head.journal == self._journal and len(self._store.branches(self._journal)) > 1:
            self.begin_journal(Cause.FORKED)
        return bool(fresh)

    def _take_history(self, batch: protocol.Batch, head: Head) -> bool:
        """Stores a page of history when it is the one that was asked for."""
        floor = self._store.floor(head.journal)
        if head != floor or not floor.seq:
            return False
        keys = self.trust.keys(head.journal, batch.proof.seq if batch.proof else 1)
        run, proof = protocol.open_history(batch, floor, keys)
        self._store.fill(run, proof)
        self._asking.history_answered()
        self._ask(at_once=True)
        return True

    def _park(self, run: Sequence[Sealed], signed: SignedHead) -> None:
        """Keeps a batch that came before the one it follows, for a moment."""
        if sum(map(len, self._parked.values())) < MOST_PARKED:
            self._parked.setdefault(signed.head.journal, []).append((run, signed))

    def _unpark(self, journal: str) -> None:
        """Takes in whatever now follows, over and over."""
        waiting = self._parked.pop(journal, [])
        while waiting:
            left = []
            for run, signed in waiting:
                try:
                    self._store.absorb(run, signed)
                except BrokenChain:
                    left.append((run, signed))
            if len(left) == len(waiting):
                return
            waiting = left

    def _on_vector(self, received: Received) -> None:
        sender = protocol.sender_of(received.topic)
        try:
            vector = protocol.decode(received.payload, protocol.Vector)
            keys = self.trust.node_keys(vector.node)
            if sender is None or vector.node != sender[2] or not keys:
                return
            _check(vector, keys)
            if vector.node == self._identity.node:
                self._hear_ourselves(vector, retained=received.retained)
                return
            stamp = Stamp.parse(vector.at)
        except (FactError, BadStamp) as error:
            self._set_aside(received, error)
            return
        with self._store_trouble():
            self._store.clock.observe(stamp)
            if self.peers.hear(vector, retained=received.retained):
                self.witnesses.hear(vector)

    def _hear_ourselves(self, vector: protocol.Vector, *, retained: bool) -> None:
        """Our own name, signed with our key, and not by us: two PCs bear it."""
        since_start = vector.at > self._started and vector.incarnation != self._incarnation
        if not retained and since_start and self._group is None:
            if not self.twin:
                log.error("twin_heard", node=vector.node, incarnation=vector.incarnation)
            self.twin = True
            with self._store_trouble():
                self._store.flag(
                    f"node/{vector.node}",
                    "twin",
                    "another PC speaks under this name; take one of them off the network",
                )

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
            payload, user = self._answer(ask), dict(received.user)
            if payload is not None:
                reply = protocol.fill_topic(self._identity.site, sender[2], self._identity.node)
                user |= {"part": ask.part} if ask.part else {}
                self._spawn(self._link.publish(reply, payload, user=user))

    def _answer(self, ask: protocol.Ask) -> bytes | None:
        if ask.part is not None:
            return self.checkpoints.part(ask.part) if self.checkpoints else None
        if not self.trust.knows(ask.journal):
            return None
        most = protocol.PAGE_FACTS
        while True:
            payload = self._page(ask, most)
            if payload is None or protocol.fits(payload) or most == 1:
                return payload
            most //= 2

    def _page(self, ask: protocol.Ask, most: int) -> bytes | None:
        """A page of what follows what the asker knows, or of what leads to it; None when nothing of it is held."""
        if ask.below is not None:
            history = self._store.history_page(ask.journal, ask.below, most)
            return protocol.encode(protocol.history(*history)) if history else None
        known = [Head(ask.journal, head.seq, head.hash) for head in ask.known]
        page = (
            self._store.page_after(ask.journal, known, most)
            if known
            else self._store.page(ask.journal, ask.after, most)
        )
        return protocol.encode(protocol.batch(*page)) if page else None

    def _on_checkpoint(self, received: Received) -> None:
        sender = protocol.sender_of(received.topic)
        if sender is None or sender[2] != self.centre or self._beginning is None:
            return
        try:
            manifest = protocol.decode(received.payload, Manifest)
            self._check_manifest(manifest)
        except FactError as error:
            self._set_aside(received, error)
            return
        with self._store_trouble():
            self._beginning.hear(manifest)
        self._ask(at_once=True)

    def _check_manifest(self, manifest: Manifest) -> None:
        """Raises BadSignature unless the centre's root, or one that it was rotated to, signed the manifest."""
        if manifest.site != self._identity.site:
            raise BadSignature(f"a checkpoint of {manifest.site} is none of {self._identity.site}")
        with contextlib.suppress(BadSignature):
            manifest.check(self.trust.root)
            return
        for certificate in manifest.roots:
            fact = read_envelope(certificate.fact)
            signed = SignedHead(Head.of(fact), certificate.signature)
            protocol.check_any(signed, self.trust.keys(fact.journal, fact.seq))
            self.trust.learn([fact])
        manifest.check(self.trust.root)

    def _set_aside(self, received: Received, error: Exception) -> None:
        log.warning("message_refused", topic=received.topic, why=str(error))
        with self._store_trouble():
            self._store.quarantine(received.topic, received.payload, str(error))

    # -- out

    def _stored(self, facts: Sequence[Fact]) -> None:
        if any(fact.kind in AUTHORITY_KINDS for fact in facts):
            self._learn()
        self._vector_due = True
        ours = [fact.seq for fact in facts if fact.journal == self._journal]
        if ours:
            self._pushed = max(self._pushed, ours[0] - 1) if self._store.engine.shared else self._pushed
            self._wake_push.set()

    def _up(self) -> None:
        self._pushed = self._store.head(self._journal).seq
        self._vector_due = True
        self._vector_sent_at = float("-inf")
        self._asking.forget()

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
        """Publishes new facts, a few batches at a time; what the broker does not take is asked for by the others."""
        topic = protocol.facts_topic(self._identity.site, self._identity.node)
        window = asyncio.Semaphore(WINDOW)

        async def send(payload: bytes) -> bool:
            try:
                return await self._link.publish(topic, payload)
            finally:
                window.release()

        while self._link.connected:
            page = self._store.page(self._journal, self._pushed)
            if page is None:
                return
            run, end = page
            self._pushed = end.head.seq
            for batch in protocol.batches(run, self._identity.key, end):
                await window.acquire()
                self._spawn(send(protocol.encode(batch)))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.tick()
            except StoreError as error:
                log.error("store_failed", error=str(error))
                await asyncio.sleep(STORE_AGAIN_S)

    async def tick(self) -> None:
        """What is due now: what others processes of this node stored, a vector, asks, a witness's word. Raises StoreError."""
        self._notice_others()
        if not self._link.connected or not self._leads():
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

    def _go_on_as_told(self) -> None:
        """After a revocation the centre names the journal in which a node's word counts again.

        It is begun when all that is known of our journals is here, so that no number of it is given away twice.
        """
        told = self.trust.told(self._identity.node, self._identity.key.public)
        if told is None or self.trust.counts(self._journal) or not self.hears_centre():
            return
        if any(author_of(journal) == self._identity.node for journal in self.peers.missing()):
            return
        if self._store.head(told).seq == 0:
            self.begin_journal(Cause.REVOKED, told)
        elif len(self._store.branches(told)) == 1:
            self._store.set_setting(f"journal/{self._identity.node}", told)
            self._journal = told

    def _notice_others(self) -> None:
        """Other processes may have written to a shared store."""
        if not self._store.engine.shared:
            return
        heads = self._store.heads()
        if heads != self._heads_told:
            self._heads_told = heads
            self._vector_due = True
            if self._store.newest_position(AUTHORITY_KINDS) > self._learnt_to:
                self._learn()

    def _flush(self) -> None:
        self.witnesses.flush()
        self.peers.remember()

    def _witness(self) -> None:
        draft = self.witnesses.draft()
        if draft is not None:
            self._store.append(self._journal, self._identity.key, [draft])
            self.witnesses.said(draft)

    async def _publish_vector(self, now: float) -> None:
        self._vector_due = False
        self._vector_sent_at = now
        topic = protocol.vector_topic(self._identity.site, self._identity.node)
        await self._link.publish(topic, protocol.encode(self.vector()), retain=True)

    def vector(self) -> protocol.Vector:
        """How far this node has every journal of the site, signed."""
        held = {j: head for j, head in self._store.heads().items() if self._of_site(j)}
        more: dict[str, Any] = {}
        branches = {
            j: [_wire(one.head) for one in b[1:]] for j, b in self._store.forked().items() if j in held
        }
        refused = {j: _wire(head) for j, head in self._asking.refused().items()}
        complete = self.checkpoints.complete if self.checkpoints else None
        for name, value in (("branches", branches), ("refused", refused), ("checkpoint", complete)):
            if value:
                more[name] = value
        return protocol.Vector(
            node=self._identity.node,
            site=self._identity.site,
            incarnation=self._incarnation,
            at=str(self._store.clock.now()),
            heads={j: _wire(head) for j, head in held.items()},
            **more,
        ).sign(self._identity.key)

    def publish_checkpoint(self, manifest: Manifest) -> None:
        """Tells everybody of a new checkpoint; the centre's doing."""
        topic = protocol.checkpoint_topic(self._identity.site, self._identity.node)
        self._spawn(self._link.publish(topic, protocol.encode(manifest), retain=True))

    def _ask(self, *, at_once: bool = False) -> None:
        if not self._leads():
            return
        beginning = self._beginning.due() if self._beginning else None
        asks = beginning if beginning is not None else self._asking.due(at_once=at_once)
        for to, ask in asks:
            topic = protocol.ask_topic(self._identity.site, to, self._identity.node)
            self._spawn(self._link.publish(topic, protocol.encode(ask)))

    # -- inside

    def _of_site(self, journal: str) -> bool:
        """True for journals of this site: our own, the centre's for it, and those of the nodes enrolled here."""
        return author_of(journal) == self._identity.node or self.trust.knows(journal)

    def _learn(self) -> None:
        self._learnt_to = self._store.newest_position(AUTHORITY_KINDS)
        self.trust.learn(self._store.of_kinds(AUTHORITY_KINDS))

    @contextlib.contextmanager
    def _store_trouble(self) -> Iterator[None]:
        """A store that fails is said, and costs what was under way and no more."""
        try:
            yield
        except StoreError as error:
            log.error("store_failed", error=str(error))
        except BadFact as error:
            log.error("checkpoint_failed", error=str(error))

    def _spawn(self, sending: Coroutine[Any, Any, bool]) -> None:
        task = asyncio.ensure_future(sending)
        _background.add(task)
        task.add_done_callback(_background.discard)


def _wire(head: Head) -> protocol.WireHead:
    return protocol.WireHead(seq=head.seq, hash=head.hash)


def _check(vector: protocol.Vector, keys: Sequence[PublicKey]) -> None:
    """Raises BadSignature unless one of the node's keys signed the vector, the newest most likely."""
    for key in reversed(keys):
        with contextlib.suppress(BadSignature):
            vector.check(key)
            return
    raise BadSignature(f"vector of {vector.node}: not signed by its key")


_background: set[asyncio.Future[bool]] = set()
