"""How a daemon comes to its store: the file is looked at, recovered where it is damaged, and its own past asked for.

A store that is new, older than what was written last, or made anew from a damaged one may lack facts of its own node. Before
anything is written the peers are asked; where nobody can say how far the journal went, the node goes on in a new one.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from shared import subjects
from shared.bodies import Cause, dump
from shared.clock import utc_now
from shared.facts import Draft
from shared.node.damage import Tail, broken, inspect
from shared.node.errors import StoreUnusable
from shared.node.own import Marker, Start
from shared.node.projections import Projection
from shared.node.salvage import Own, Recovery, recover
from shared.node.store import Store
from shared.node.sync import SyncNode

log = structlog.get_logger()

NEW_S = 1.5
"""So long a new store waits for somebody to be heard at all."""
RECOVER_S = 5.0
"""So long a node whose past is in doubt waits for its peers before its lanes begin."""


@dataclass(frozen=True)
class Opened:
    """A store that may be written once `settle` is through. `recovered`: it was made anew at this start."""

    store: Store
    database: Path
    start: Start
    recovered: bool

    def counted(self) -> None:
        """Notes this start beside the database, after the store has counted it. Raises OSError."""
        Marker(self.database).write(int(self.store.setting("incarnation") or 0))


def mend(
    database: Path,
    owns: Sequence[Own],
    projections: Sequence[Projection],
    wall: Callable[[], datetime] = utc_now,
) -> bool:
    """Looks at a store's file and makes it anew where it is damaged: True when it did. Any thread's; raises StoreUnusable."""
    why = inspect(database) or _refused(database, projections, wall)
    if why is None:
        return False
    log.error("store_damaged", store=str(database), why=why)
    try:
        recovery = recover(database, why, owns, projections, wall)
    except (OSError, sqlite3.Error) as error:
        raise StoreUnusable(
            f"cannot recover {database}: {error}; use key and paper, call the technician"
        ) from error
    log.warning("store_recovered", set_aside=recovery.set_aside, journals=len(recovery.salvaged))
    return True


def _refused(database: Path, projections: Sequence[Projection], wall: Callable[[], datetime]) -> str | None:
    """Why a store cannot be opened though nothing was found wrong with its file."""
    try:
        Store(database, projections, wall).close()
    except StoreUnusable as error:
        if isinstance(error.__cause__, sqlite3.Error):
            return broken(database, error.__cause__)
        raise
    return None


def open_mended(
    database: Path,
    projections: Sequence[Projection],
    wall: Callable[[], datetime] = utc_now,
    *,
    recovered: bool,
) -> Opened:
    """Opens a store that was looked at (`mend`, which says whether it `recovered` it). Raises StoreUnusable."""
    store = Store(database, projections, wall)
    store.listen(Tail(database).note)
    return Opened(store, database, Marker(database).compare(store), recovered)


async def settle(opened: Opened, sync: SyncNode, own: Own, within_s: float = RECOVER_S) -> None:
    """Finds out how far the node's own journal went, or leaves it, and writes down a recovery. Raises StoreUnusable."""
    if opened.recovered or opened.start is not Start.SAME:
        known = await _asked(opened, sync, within_s)
        if known:
            sync.own.go_on()
        elif opened.recovered:
            sync.own.begin(Cause.DAMAGED)
        elif opened.start is Start.DOUBTFUL:
            sync.own.begin(Cause.RESTORED)
    recovery = recovery_told(opened.store)
    told = f"recovery/{own.node}"
    if recovery is not None and opened.store.setting(told) != recovery.at.isoformat():
        draft = Draft("store_recovered", subjects.node(own.node), dump(recovery.body()))
        opened.store.append(sync.journal, own.key, [draft])
        opened.store.set_setting(told, recovery.at.isoformat())


async def _asked(opened: Opened, sync: SyncNode, within_s: float) -> bool:
    """Whether the peers have said how far our journal goes. A new store of a new node has nobody to wait for."""
    if opened.start is Start.NEW and not opened.recovered:
        return await sync.recover(NEW_S) or (sync.hears_anybody() and await sync.recover(within_s))
    return await sync.recover(within_s)


def recovery_told(store: Store) -> Recovery | None:
    """The recovery that made this store; None when it never was damaged."""
    text = store.setting("recovery")
    return Recovery.parse(text) if text else None
