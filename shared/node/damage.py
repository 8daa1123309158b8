"""Whether a store's file is what it was: looked at before it is opened, and said why not.

Three things are told apart: a file that SQLite or a hash finds broken, a log of which SQLite would silently forget a part, and a
whole file that is not the newest any more. For the last one a *tail* lies beside the database: the fact that was written last.
"""

import errno
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from shared.bodies import AUTHORITY_KINDS
from shared.clock import BadStamp, Stamp
from shared.facts import Fact, FactError, Ref, read_envelope
from shared.journal import author_of
from shared.node.engine import SqliteEngine, migration_files
from shared.node.errors import StoreError, StoreUnusable
from shared.node.pages import MAGIC, PAGE_BYTES, read_wal
from shared.node.rows import COLUMNS, fact_of

NEWEST = 10_000
"""So many facts are looked at before the start, in order of arrival, and `NEWEST_OF_EACH` of every journal."""
NEWEST_OF_EACH = 1_000
THOROUGH_BYTES = 64_000_000
"""A file up to this size is checked with its indexes before the start; of a larger one the scrub looks at them."""

_NAMES = [name.strip() for name in COLUMNS.split(",")]
_TAIL_BYTES = 256


class Damaged(StoreError):
    """The store is damaged; the daemon ends, and recovers it when it starts again. The message says what was found."""


class Tail:
    """The fact that was written last, in a file of its own beside the database.

    It is written in place after each commit and not synced: it survives a kill, and after a power cut it is at worst old.
    """

    def __init__(self, database: Path) -> None:
        self.file = beside(database, "tail")

    def note(self, facts: Sequence[Fact]) -> None:
        """A listener of the store: notes the last of new facts. What cannot be noted is no trouble now."""
        last = facts[-1]
        line = json.dumps([last.journal, last.seq, last.hash]).ljust(_TAIL_BYTES - 1) + "\n"
        with suppress(OSError):
            descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o640)
            try:
                os.pwrite(descriptor, line.encode(), 0)
            finally:
                os.close(descriptor)

    def read(self) -> tuple[str, int, str] | None:
        """Journal, number and hash of the last fact; None when nothing was noted."""
        try:
            journal, seq, digest = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError):
            return None
        return str(journal), int(seq), str(digest)


def beside(database: Path, what: str) -> Path:
    """The file that lies beside a database: `facts.db.tail`."""
    return database.with_name(f"{database.name}.{what}")


def log_of(database: Path) -> Path:
    """The write-ahead log of a database."""
    return database.with_name(f"{database.name}-wal")


def mark(database: Path, why: str) -> None:
    """Notes beside a database that it is damaged, so that the next start recovers it. Raises OSError."""
    with beside(database, "damaged").open("w", encoding="utf-8") as out:
        out.write(f"{why}\n")
        out.flush()
        os.fsync(out.fileno())


def inspect(database: Path) -> str | None:
    """Why the file is damaged, in a sentence; None when it may be opened. A file that never was is none.

    Leaves the file as it is where it finds damage: a log with a hole must not be opened, or SQLite cuts it off. Raises
    StoreUnusable when nothing can be said.
    """
    with suppress(OSError, UnicodeDecodeError):
        return beside(database, "damaged").read_text(encoding="utf-8").strip() or "it was marked as damaged"
    try:
        return _file(database) or _content(database)
    except OSError as error:
        if error.errno == errno.EIO:
            return f"it cannot be read: {error}"
        raise StoreUnusable(f"cannot read {database}: {error}; use key and paper, mend the disk") from error
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return broken(database, error)


_NOT_THE_FILE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
}
_UNREADABLE = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ}


def broken(database: Path, error: Exception) -> str:
    """What SQLite found wrong with the file, as a sentence.

    Raises StoreUnusable when it is something else that is wrong: the disk, its room, its rights, another process.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code not in _UNREADABLE and code & 0xFF in _NOT_THE_FILE:
        raise StoreUnusable(
            f"cannot read {database}: {error}; use key and paper, call the technician"
        ) from error
    return f"SQLite says: {error}"


def _file(database: Path) -> str | None:
    """What the bytes say before SQLite is asked."""
    used = Tail(database).read() is not None or any(
        beside(database, what).exists() for what in ("starts", "recovered")
    )
    log = log_of(database)
    logged = log.exists() and log.stat().st_size > 0
    if not database.exists():
        return "the file is gone" if used or logged else None
    with database.open("rb") as file:
        header = file.read(100)
    if not header:
        return "the file is empty" if used or logged else None
    if header[:16] != MAGIC or int.from_bytes(header[16:18], "big") != PAGE_BYTES:
        return "the header is not one of SQLite"
    if database.stat().st_size % PAGE_BYTES:
        return f"the file ends in the middle of a page: {database.stat().st_size} bytes"
    wal = read_wal(log)
    if not wal.sound:
        return "the header of the write-ahead log is broken"
    if lost := wal.unreachable():
        return f"the write-ahead log is broken before {lost} transactions"
    return None


def _content(database: Path) -> str | None:
    """What SQLite, the journals and the hashes say."""
    if not database.exists() or not database.stat().st_size:
        return None
    with closing(reading(database)) as connection:
        check = "integrity_check" if database.stat().st_size <= THOROUGH_BYTES else "quick_check"
        (said,) = connection.execute(f"PRAGMA {check}(1)").fetchone()
        if said != "ok":
            return f"SQLite says: {said}"
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if "facts" not in tables:
            return "the table of facts is gone" if Tail(database).read() is not None else None
        if "journals" not in tables and Tail(database).read() is None:  # of an earlier version; it migrates
            return None
        return (
            _schema(connection)
            or next(_heads(connection), None)
            or next(_newest(connection), None)
            or _settings(connection)
            or _tail(connection, database)
        )


def reading(database: Path) -> sqlite3.Connection:
    """A connection of its own that does not write."""
    connection = sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True, isolation_level=None)
    connection.execute("PRAGMA busy_timeout=2000")
    connection.execute("PRAGMA query_only=ON")
    return connection


def _schema(connection: sqlite3.Connection) -> str | None:
    """A table or index that is not as this version made it; a database of an earlier version is not looked at."""
    ran = connection.execute("SELECT count(*) FROM _sqlite_migrations").fetchone()[0]
    if ran != len(migration_files()):
        return None
    query = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name <> '_sqlite_migrations'"
    held = set(connection.execute(query))
    with closing(SqliteEngine(Path(":memory:"))) as fresh:
        fresh.migrate()
        wrong = [name for name, sql in fresh.rows(query) if (name, sql) not in held]
    return f"the table {wrong[0]} is not as it was made" if wrong else None


def _heads(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute(
        """SELECT j.journal, j.seq, f.hash, j.hash FROM journals j LEFT JOIN facts f
           ON f.journal = j.journal AND f.seq = j.seq AND f.branch = j.branch WHERE j.seq > j.floor"""
    )
    for journal, seq, held, told in rows:
        if held != told:
            yield f"{journal}/{seq}: the head of the journal is not held"
    rows = connection.execute(
        """SELECT f.journal, max(f.seq) FROM facts f LEFT JOIN journals j
           ON j.journal = f.journal AND j.branch = f.branch GROUP BY f.journal, f.branch, j.seq
           HAVING j.seq IS NULL OR max(f.seq) > j.seq"""
    )
    for journal, seq in rows:
        yield f"{journal}/{seq}: lies beyond the head of its journal"


def _newest(connection: sqlite3.Connection) -> Iterator[str]:
    """What is wrong with what today's decisions rest on: enrolments, and the newest facts."""
    kinds = sorted(AUTHORITY_KINDS)
    marks = ", ".join("?" * len(kinds))
    yield from wrong_facts(
        connection.execute(f"SELECT {COLUMNS} FROM facts WHERE kind IN ({marks})", kinds).fetchall()
    )
    yield from wrong_facts(
        connection.execute(
            f"SELECT {COLUMNS} FROM facts ORDER BY position DESC LIMIT {NEWEST}",
        ).fetchall()
    )
    journals = connection.execute("SELECT journal, branch, floor, floor_hash FROM journals").fetchall()
    for journal, branch, floor, floor_hash in journals:
        rows = connection.execute(
            f"""SELECT {COLUMNS} FROM facts WHERE journal = ? AND branch = ? AND seq > ?
                ORDER BY seq DESC LIMIT ?""",
            (journal, branch, floor, NEWEST_OF_EACH),
        ).fetchall()[::-1]
        yield from wrong_facts(rows)
        whole = len(rows) < NEWEST_OF_EACH
        yield from wrong_chain(rows, (floor, floor_hash) if whole else None)


def wrong_facts(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """What is wrong with rows of `COLUMNS`, one by one: a form, a hash."""
    for row in rows:
        if read_row(row) is None:
            yield f"{row[1]}/{row[2]}: the fact is not what it was"


def read_row(row: Sequence[Any]) -> Fact | None:
    """The fact of a row of `COLUMNS`; None when its hash does not fit."""
    try:
        body = json.loads(row[6])
        fact = read_envelope({**dict(zip(_NAMES, row, strict=True)), "body": body})
    except (FactError, ValueError, TypeError, RecursionError):
        return None
    return fact if fact.body_text == row[6] else None


def wrong_chain(rows: Sequence[Sequence[Any]], before: tuple[int, str] | None) -> Iterator[str]:
    """What is wrong between rows of one branch in order, the first of which follows `before` where that is known."""
    for row in rows:
        fact = fact_of(row)
        if before is not None and (fact.seq - 1, fact.prev) != before:
            yield f"{fact.ref}: does not follow the fact before it"
        before = fact.seq, fact.hash


def _settings(connection: sqlite3.Connection) -> str | None:
    """A setting that the store cannot live with."""
    for name, value in connection.execute("SELECT name, value FROM node"):
        if not isinstance(name, str) or not isinstance(value, str) or not good_setting(name, value):
            return f"the setting {name!r} is not of its form"
    return None


def good_setting(name: str, value: str) -> bool:
    """Whether a setting has the form that the store needs; those it does not know are good."""
    if name == "incarnation":
        return value.isdecimal() and len(value) < 10
    try:
        if name == "clock":
            Stamp.parse(value)
        elif name in ("witnessed", "recovery"):
            return isinstance(json.loads(value), dict)
        elif name.startswith("journal/"):
            return author_of(Ref.parse(f"{value}/1").journal) == name.removeprefix("journal/")
    except (BadStamp, FactError, ValueError):
        return False
    return True


def _tail(connection: sqlite3.Connection, database: Path) -> str | None:
    """Whether the fact that was written last is still held, or was pruned since."""
    tail = Tail(database).read()
    if tail is None:
        return None
    journal, seq, digest = tail
    held = connection.execute(
        """SELECT 1 FROM facts WHERE journal = ? AND seq = ? AND hash = ? UNION ALL
           SELECT 1 FROM journals WHERE journal = ? AND branch = 0 AND floor >= ?""",
        (journal, seq, digest, journal, seq),
    ).fetchone()
    return None if held else f"{journal}/{seq} was written here last and is not held any more"
