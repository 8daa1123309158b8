"""Processes of the centre on one PostgreSQL, as nodes within the test: each has a store and a link of its own."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from central.postgres import PostgresEngine
from central.server import GROUP
from shared.clock import utc_now
from shared.facts import Fact
from shared.node.link import Link
from shared.node.store import Store
from shared.node.sync import SyncNode
from tests.shared.members import CENTRE, identity

SomeLink = TypeVar("SomeLink", bound=Link)


@dataclass
class Worker(Generic[SomeLink]):
    """A process of the centre. `took`: the references of the facts that it took in or wrote itself."""

    store: Store
    link: SomeLink
    leads: bool = False
    took: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store.listen(self._note)
        self.sync = SyncNode(self.store, self.link, identity(CENTRE), group=GROUP, leads=lambda: self.leads)

    def _note(self, facts: Sequence[Fact]) -> None:
        self.took += [fact.ref for fact in facts]


@contextmanager
def worker(
    dsn: str, link: SomeLink, *, leads: bool, wall: Callable[[], datetime] = utc_now
) -> Iterator[Worker[SomeLink]]:
    """A process on a database until the end of the block."""
    store = Store(PostgresEngine(dsn), wall=wall)
    try:
        yield Worker(store, link, leads)
    finally:
        store.close()
