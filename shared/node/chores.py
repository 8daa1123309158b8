"""What every node does now and then besides its work: it looks at its clock, and answers requests to forget."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from shared import subjects
from shared.bodies import ClockStepped, Forget, Forgotten, dump, read_body
from shared.clock import BadStamp, Stamp
from shared.facts import Draft, Fact, FactError
from shared.journal import author_of, centre_node
from shared.node.errors import StoreError
from shared.node.store import Store
from shared.node.sync import SyncNode
from shared.steady import STEP, Source, Step

log = structlog.get_logger()

EVERY_S = 5.0


class Chores:
    """The chores of a node at one site. Each writes at most one fact about one thing."""

    def __init__(self, store: Store, sync: SyncNode, node: str, site: str) -> None:
        self._store = store
        self._sync = sync
        self._node = node
        self._centre = centre_node(site)
        self._looked_to = 0
        self._started = False

    def due(self) -> list[Draft]:
        """What is to be written down now; raises StoreUnusable."""
        return [*self._clock(), *self._forgets()]

    def _clock(self) -> list[Draft]:
        """A jump of the system's clock, while the node runs or over its last stop."""
        steady = self._store.steady
        step = steady.look(self._centres_time())
        drafts = [] if step is None else [self._stepped(step)]
        if not self._started and steady.late > STEP:
            late = Step(-steady.late.total_seconds(), followed=False)
            drafts.insert(0, self._stepped(late, at_start=True))
        self._started = True
        return drafts

    def _stepped(self, step: Step, *, at_start: bool = False) -> Draft:
        source: Source = self._store.steady.source
        log.warning("clock_stepped", by_s=step.by_s, followed=step.followed, source=source.value)
        body = ClockStepped(
            by_s=round(step.by_s, 3), followed=step.followed, source=source.value, at_start=at_start
        )
        return Draft("clock_stepped", subjects.node(self._node), dump(body))

    def _centres_time(self) -> datetime | None:
        """What the centre's clock says, if it was heard just now."""
        heard = self._sync.peers.heard.get(self._centre)
        if heard is None or not self._sync.peers.lively(self._centre):
            return None
        try:
            return Stamp.parse(heard.vector.at).wall
        except BadStamp:
            return None

    def _forgets(self) -> list[Draft]:
        """An answer to each `forget` of the centre that this node has carried out and not answered yet."""
        newest = self._store.newest_position(["forget"])
        if newest == self._looked_to:
            return []
        self._looked_to = newest
        facts = self._store.of_kinds(["forget", "forgotten"])
        answered = {
            fact.body.get("forget")
            for fact in facts
            if fact.kind == "forgotten" and author_of(fact.journal) == self._node
        }
        return [
            Draft("forgotten", fact.subject, dump(Forgotten(forget=fact.ref)))
            for fact in facts
            if fact.kind == "forget"
            and author_of(fact.journal) == self._centre
            and fact.ref not in answered
            and _understood(fact)
        ]


def _understood(fact: Fact) -> bool:
    try:
        return isinstance(read_body(fact), Forget)
    except FactError:
        return False


async def chores(
    store: Store, sync: SyncNode, node: str, site: str, leads: Callable[[], bool] = lambda: True
) -> None:
    """Does a node's chores every few seconds, until cancelled; of several processes the one that leads does."""
    work = Chores(store, sync, node, site)
    while True:
        try:
            drafts = work.due() if leads() else []
            if drafts:
                sync.write(drafts)
        except StoreError as error:
            log.error("store_failed", error=str(error))
        await asyncio.sleep(EVERY_S)
