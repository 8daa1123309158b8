"""A node in a process of its own (`benchmarks.apart`): store, link and sync, and what the benchmarks ask of them."""

import asyncio
import os
import pickle
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import drafts
from benchmarks.figures import status_mb
from benchmarks.waiting import until
from central.passages import Passages
from central.postgres import PostgresEngine
from edge.lane.passage import Correction, Knowledge, Passage
from edge.underway import Underway
from shared import protocol
from shared.authority import Authority
from shared.codes import Heading, Place, Verdict
from shared.facts import Fact
from shared.journal import centre_node, is_centre, journal_id
from shared.known import Known
from shared.node.checkpoints import Checkpoints, live_facts
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.identity import Identity
from shared.node.link import Link, LinkSettings, Received
from shared.node.procedure_files import SHIPPED, load_procedures
from shared.node.service import keep_loaded
from shared.node.store import Store
from shared.node.sync import SyncNode
from shared.settings import Settings
from shared.signing import PrivateKey, PublicKey
from simulation.layout import SITE

CENTRE = centre_node(SITE)
A_PAGE = 500


class Node:
    """One side of the line. `database`: the address of a PostgreSQL database, in place of a file in `folder`.

    `checkpoints`: whether it keeps one; `group`: what it shares its work with, and `leads`: whether it speaks for the node.
    """

    def __init__(
        self,
        node: str,
        key: str,
        root: str,
        folder: str,
        port: int,
        password: str,
        database: str | None = None,
        client: str | None = None,
        group: str | None = None,
        *,
        leads: bool = True,
        checkpoints: bool = False,
    ) -> None:
        self._node, self._key = node, PrivateKey.parse(key)
        self._file = Path(folder) / f"{node}.db"
        where = PostgresEngine(database) if database else self._file
        self._store = Store(where, [Declarations(), Passages() if is_centre(node) else Underway()])
        kept = Checkpoints(Path(folder) / f"{node}-checkpoint")
        self._checkpoints = kept
        self._link = Link(LinkSettings("127.0.0.1", port, node, password), client or node)
        self._sync = SyncNode(
            self._store,
            self._link,
            Identity(node, SITE, self._key, PublicKey(root)),
            checkpoints=kept if checkpoints else None,
            group=group,
            leads=lambda: leads,
        )
        self._reached: dict[str, tuple[int, float]] = {}
        self._payloads: list[bytes] = []
        self._store.listen(self._note)

    async def start(self) -> None:
        """Opens the store only: `connect` begins to sync."""
        keep_loaded()

    async def connect(self, *, record: bool = False) -> float:
        """Begins to sync and waits for the broker; gives when it began. `record`: keeps the batches that come."""
        began = time.monotonic()
        if record:
            self._link.subscribe(protocol.facts_topic(SITE, "+"), self._record)
        self._link.start()
        self._sync.start()
        await until(lambda: self._link.connected, "connected to the broker")
        return began

    async def stop(self) -> None:
        """Ends in the other order."""
        await self._sync.stop()
        await self._link.stop()
        self._store.close()

    # -- writing

    async def append(self, facts: int, a_commit: int) -> float:
        """Writes facts of passages to its own journal, so many a commit; gives when it began."""
        journal = journal_id(self._node)
        left = drafts.passages(self._node, self._store.head(journal).seq + 1, facts)
        prepared = [list(islice(left, a_commit)) for _ in range(-(-facts // a_commit))]
        began = time.monotonic()
        for one in prepared:
            self._store.append(journal, self._key, one)
            await asyncio.sleep(0)
        return began

    def enrol(self, nodes: dict[str, str]) -> None:
        """The centre licenses nodes with their public keys."""
        made = [drafts.enrolled(node, PublicKey(key)) for node, key in nodes.items()]
        self._store.append(journal_id(CENTRE), self._key, made)

    def declare(self, count: int) -> None:
        """The centre takes declarations in."""
        for first in range(1, count + 1, A_PAGE):
            made = [drafts.declared(number) for number in range(first, min(first + A_PAGE, count + 1))]
            self._store.append(journal_id(CENTRE), self._key, made)

    def remember(self, node: str, key: str, facts: int) -> None:
        """Writes facts of another node's journal, as if they had come over the line in pages."""
        journal, author = journal_id(node), PrivateKey.parse(key)
        left = drafts.passages(node, self._store.head(journal).seq + 1, facts)
        while page := list(islice(left, A_PAGE)):
            self._store.append(journal, author, page)

    def checkpoint(self) -> dict[str, float]:
        """Makes a checkpoint as the centre does; gives seconds and facts."""
        began = time.monotonic()
        live = live_facts(self._store.engine, SITE, datetime.now(UTC))
        at = str(self._store.clock.now())
        made = self._checkpoints.make(live, self._store.heads(), SITE, at, self._key)
        self._sync.publish_checkpoint(made)
        return {"took_s": time.monotonic() - began, "facts": sum(part.facts for part in made.parts)}

    # -- what was reached, and when

    def reached(self, journal: str) -> tuple[int, float]:
        """How far a journal has come by this process, and when the commit was done."""
        return self._reached.get(journal, (0, 0.0))

    async def reach(self, journal: str, seq: int) -> float:
        """When this process had committed a journal up to a number."""
        await until(lambda: self.reached(journal)[0] >= seq, f"{seq} facts of {journal} there")
        return self.reached(journal)[1]

    async def decide(self, number: int) -> float:
        """When a declared vehicle's plate could be decided on; looked at every few milliseconds."""
        knowledge = Knowledge(
            self._store, DeclarationBook(self._store), load_procedures(SHIPPED), Settings(), self._known
        )
        passage = Passage(f"{self._node}.1/1", "", correction=Correction(drafts.plate_of(number), "bp-001"))

        def waits() -> bool:
            if not self._store.head(journal_id(CENTRE)).seq:
                return False
            decision = knowledge.judge(passage, Place.BARRIER_2, Heading.IN).decision
            return decision is not None and decision.verdict is Verdict.WAIT

        await until(waits, "decided on, a declared vehicle,")
        return time.monotonic()

    async def filled(self) -> tuple[float, int]:
        """How long history filled in, from its first page on, and how many facts came for it."""
        floors = dict(self._store.floors())
        held = self._store.rows("SELECT count(*) FROM facts")[0][0]
        lacking = sum(floor.seq for floor in floors.values()) - held
        await until(lambda: self._store.floors() != floors, "begun, the history,")
        began = time.monotonic()
        await until(lambda: not self._store.floors(), "filled, the history,")
        return time.monotonic() - began, lacking

    # -- what it costs

    def record_to(self, file: str) -> tuple[int, int]:
        """Writes the batches that came to a file; gives their number and bytes, and forgets them."""
        payloads, self._payloads = self._payloads, []
        Path(file).write_bytes(pickle.dumps(payloads))
        return len(payloads), sum(map(len, payloads))

    def peak_mb(self) -> float:
        """The most memory that this process held."""
        return status_mb(os.getpid(), "VmHWM")

    def disk_bytes(self) -> int:
        """The size of its database file, with all that is committed in it."""
        self._store.engine.purge()
        return self._file.stat().st_size

    # -- inside

    def _note(self, facts: list[Fact] | Any) -> None:
        self._reached[facts[-1].journal] = (facts[-1].seq, time.monotonic())

    def _record(self, received: Received) -> None:
        self._payloads.append(received.payload)

    def _known(self) -> Known:
        centre = journal_id(CENTRE)
        head = self._store.head(centre).seq
        return Known(Authority.of(SITE, ()), {centre: head}, {centre: 1}, frozenset({centre}))
