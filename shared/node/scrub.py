"""The slow look at a store while its daemon works: everything that is held, once after the start and once a night.

It reads on a connection of its own, in a thread, and rests after each page. What it finds marks the store as damaged and ends the
daemon; the next start recovers the store (`shared.node.opening`).
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from shared.bodies import read_body
from shared.clock import utc_now
from shared.facts import Fact, FactError, PrivateValue, check_private
from shared.node.damage import Damaged, broken, mark, read_row, reading, wrong_chain, wrong_facts
from shared.node.engine import SqliteEngine
from shared.node.errors import StoreUnusable
from shared.node.projections import Projection, Projections, tables
from shared.node.rows import COLUMNS, fact_of
from shared.node.store import Store
from shared.trust import Trust

log = structlog.get_logger()

PAGE = 100
RESTS = 4.0
"""A page rests so many times as long as it took, so that the daemon keeps its processor."""
NIGHT = timedelta(hours=19)
"""Two o'clock at the gate, in UTC."""
LOOK_EVERY_S = 1.0
AFTER_START_S = 60.0

Rest = Callable[[], None]
"""Called after each page; raises Stopped to end the scrub."""


class Stopped(Exception):
    """The daemon ends in the middle of a scrub."""


def scrub(
    database: Path,
    projections: Sequence[Projection],
    trusts: Sequence[Trust],
    rest: Rest = lambda: None,
) -> str | None:
    """What is wrong with a store, in a sentence; None when all of it verifies.

    Raises OSError, StoreUnusable, and what `rest` raises.
    """
    try:
        with closing(reading(database)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if said != "ok":
                return f"SQLite says: {said}"
            return (
                next(_facts(connection, rest), None)
                or next(_private(connection, rest), None)
                or next(_signatures(connection, trusts, rest), None)
                or next(_projections(connection, projections, rest), None)
            )
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return broken(database, error)


def _facts(connection: sqlite3.Connection, rest: Rest) -> Iterator[str]:
    """Every fact's hash, and every branch's chain from its floor to its head."""
    query = "SELECT journal, branch, seq, hash, floor, floor_hash FROM journals"
    for journal, branch, seq, digest, floor, floor_hash in connection.execute(query).fetchall():
        wrong = next(_branch(connection, (journal, branch), (floor, floor_hash), (seq, digest), rest), None)
        if wrong and not _moved(connection, journal, branch, floor):
            yield wrong
        yield from _below(connection, journal, floor, rest)


def _branch(
    connection: sqlite3.Connection,
    of: tuple[str, int],
    before: tuple[int, str],
    head: tuple[int, str],
    rest: Rest,
) -> Iterator[str]:
    while before[0] < head[0]:
        rows = connection.execute(
            f"""SELECT {COLUMNS} FROM facts WHERE journal = ? AND branch = ? AND seq > ? AND seq <= ?
                ORDER BY seq LIMIT {PAGE}""",
            (*of, before[0], head[0]),
        ).fetchall()
        yield from wrong_facts(rows)
        yield from wrong_chain(rows, before)
        if not rows:
            break
        before = (rows[-1][2], rows[-1][8])
        rest()
    if before != head:
        yield f"{of[0]}/{head[0]}: the head of the journal is not held"


def _moved(connection: sqlite3.Connection, journal: str, branch: int, floor: int) -> bool:
    """Whether the branch was pruned since the scrub looked where it begins; the next scrub sees it whole."""
    query = "SELECT floor FROM journals WHERE journal = ? AND branch = ?"
    return bool(connection.execute(query, (journal, branch)).fetchone() != (floor,))


def _below(connection: sqlite3.Connection, journal: str, floor: int, rest: Rest) -> Iterator[str]:
    after = 0
    while floor:
        rows = connection.execute(
            f"""SELECT {COLUMNS} FROM facts WHERE journal = ? AND branch = 0 AND seq > ? AND seq <= ?
                ORDER BY seq LIMIT {PAGE}""",
            (journal, after, floor),
        ).fetchall()
        if not rows:
            return
        yield from wrong_facts(rows)
        after = rows[-1][2]
        rest()


def _private(connection: sqlite3.Connection, rest: Rest) -> Iterator[str]:
    """Every personal value opens its commitment."""
    columns = ", ".join(f"f.{name}" for name in COLUMNS.split(", "))
    after = 0
    while True:
        rows = connection.execute(
            f"""SELECT p.rowid, p.pointer, p.salt, p.value, p.journal, p.seq, {columns} FROM private_values p
                LEFT JOIN facts f ON f.journal = p.journal AND f.seq = p.seq AND f.branch = p.branch
                WHERE p.rowid > ? ORDER BY p.rowid LIMIT {PAGE}""",
            (after,),
        ).fetchall()
        if not rows:
            return
        for _, pointer, salt, value, journal, seq, *row in rows:
            fact = read_row(row) if row[0] is not None else None
            if fact is None or not _opens(fact, pointer, salt, value):
                yield f"{journal}/{seq}: a personal value does not belong to it"
        after = rows[-1][0]
        rest()


def _opens(fact: Fact, pointer: str, salt: str, value: str) -> bool:
    try:
        check_private(fact, {pointer: PrivateValue(salt, value)})
    except FactError:
        return False
    return True


def _signatures(connection: sqlite3.Connection, trusts: Sequence[Trust], rest: Rest) -> Iterator[str]:
    """Every signed head of a journal whose author is known is signed by its author."""
    after = 0
    while True:
        rows = connection.execute(
            f"SELECT rowid, journal, seq, hash, signature FROM signatures WHERE rowid > ? ORDER BY rowid LIMIT {PAGE}",
            (after,),
        ).fetchall()
        if not rows:
            return
        for _, journal, seq, digest, signature in rows:
            keys = [key for trust in trusts for key in trust.keys(journal, seq)]
            if keys and not any(key.verifies(digest, signature) for key in keys):
                yield f"{journal}/{seq}: the signature is not what it was"
        after = rows[-1][0]
        rest()


def _projections(
    connection: sqlite3.Connection, projections: Sequence[Projection], rest: Rest
) -> Iterator[str]:
    """Every projection is what the facts make of it: made anew in memory, from one moment of the store."""
    connection.execute("BEGIN")
    try:
        with closing(SqliteEngine(Path(":memory:"))) as fresh:
            fresh.migrate()
            making = Projections(fresh, projections)
            for fact in _understood(connection, rest):
                making.apply(fact, read_body(fact))
            for table in (name for projection in projections for name in tables(projection)):
                made = sorted(map(repr, fresh.rows(f"SELECT * FROM {table}")))
                if made != sorted(map(repr, connection.execute(f"SELECT * FROM {table}"))):
                    yield f"the table {table} is not what the facts make of it"
    finally:
        connection.execute("ROLLBACK")


def _understood(connection: sqlite3.Connection, rest: Rest) -> Iterator[Fact]:
    position = 0
    while True:
        rows = connection.execute(
            f"SELECT position, {COLUMNS} FROM facts WHERE position > ? AND flaw IS NULL ORDER BY position LIMIT {PAGE}",
            (position,),
        ).fetchall()
        if not rows:
            return
        yield from (fact_of(row[1:]) for row in rows)
        position = rows[-1][0]
        rest()


class Gently:
    """Rests after each page, as long as the page deserves, and ends when it is told to."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._since_s = time.monotonic()

    def __call__(self) -> None:
        """See Rest."""
        if self.stop.wait((time.monotonic() - self._since_s) * RESTS):
            raise Stopped
        self._since_s = time.monotonic()


async def watch_store(
    store: Store,
    database: Path,
    projections: Sequence[Projection],
    trusts: Callable[[], Iterable[Trust]],
    now: Callable[[], datetime] = utc_now,
) -> None:
    """Scrubs the store after the start and every night, and hears when SQLite finds it broken meanwhile.

    Runs until cancelled. Raises Damaged once the store is marked: the daemon has to end and to start anew.
    """
    due = now() + timedelta(seconds=AFTER_START_S)
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        why = store.engine.broken
        if why is None and now() >= due:
            why = await _scrubbed(database, projections, tuple(trusts()))
            due = next_night(now())
        if why is not None:
            _mark(database, why)
            raise Damaged(f"{database} is damaged: {why}; it is recovered at the next start")


def next_night(now: datetime) -> datetime:
    """Two o'clock at night at the gate, after `now`."""
    night = now.replace(hour=0, minute=0, second=0, microsecond=0) + NIGHT
    return night if night > now else night + timedelta(days=1)


async def _scrubbed(database: Path, projections: Sequence[Projection], trusts: Sequence[Trust]) -> str | None:
    gently = Gently()
    scrubbing = asyncio.create_task(asyncio.to_thread(scrub, database, projections, deepcopy(trusts), gently))
    try:
        why = await asyncio.shield(scrubbing)
    except asyncio.CancelledError:
        gently.stop.set()
        await asyncio.gather(scrubbing, return_exceptions=True)
        raise
    except (OSError, StoreUnusable) as error:
        log.error("store_not_scrubbed", error=str(error))
        return None
    log.info("store_scrubbed", damaged=why)
    return why


def _mark(database: Path, why: str) -> None:
    log.error("store_damaged", store=str(database), why=why)
    try:
        mark(database, why)
    except OSError as error:
        log.error("store_not_marked", error=str(error))
