"""A node's store: every fact it holds, on SQLite, with projections changed in the same transaction.

WAL and `synchronous=FULL`: when `append` or `absorb` returns, the facts are on disk. The connection belongs to the thread
that opened it (the event loop's); a commit takes well under a millisecond on a disk that is not busy.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sqlite_utils import Database

from shared.bodies import read_body, understood
from shared.clock import FAR_AHEAD, HybridClock, Stamp, utc_now
from shared.facts import Draft, Fact, FactError, PrivateValue, Ref, Sealed, seal
from shared.journal import Head, SignedHead, follow, fresh_part
from shared.node.errors import Forked, StoreUnusable
from shared.node.migrations import migrations
from shared.signing import PrivateKey

_COLUMNS = "v, journal, seq, at, kind, subject, body, prev, hash"


class Projection(Protocol):
    """Tables shaped for a screen or a lookup, always rebuildable from the facts."""

    def create(self, database: Database) -> None:
        """Makes the tables if they are not there."""
        ...

    def apply(self, connection: sqlite3.Connection, fact: Fact) -> None:
        """Takes one understood fact in; called once a fact, within the transaction that stores it."""
        ...


Listener = Callable[[Sequence[Fact]], None]


class Store:
    """Facts of all journals this node holds. `unusable` errors name the file and what to do."""

    def __init__(
        self, path: Path, projections: Sequence[Projection] = (), wall: Callable[[], datetime] = utc_now
    ) -> None:
        self.path = path
        self._projections = tuple(projections)
        self._listeners: list[Listener] = []
        with self._guard("open"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(path, isolation_level=None)
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=FULL")
            self.connection.execute("PRAGMA busy_timeout=2000")
            database = Database(self.connection)
            migrations.apply(database)
            for projection in self._projections:
                projection.create(database)
            self._heads = self._read_heads()
        self.clock = HybridClock(wall, self._last_stamp(wall))

    def close(self) -> None:
        """Closes the database."""
        self.connection.close()

    def listen(self, listener: Listener) -> None:
        """Calls `listener` with new facts after each commit."""
        self._listeners.append(listener)

    # -- writing

    def append(self, journal: str, key: PrivateKey, drafts: Sequence[Draft]) -> list[Sealed]:
        """Adds facts to one of this node's own journals in one transaction, and gives them when they are on disk."""
        sealed: list[Sealed] = []
        with self._transaction("append to"):
            head = self.head(journal)
            for draft in drafts:
                sealed.append(seal(draft, journal, head.seq + 1, self.clock.now(), head.hash))
                head = Head.of(sealed[-1].fact)
                read_body(sealed[-1].fact)
                self._insert(sealed[-1])
            if sealed:
                self._sign(SignedHead.sign(head, key))
        self._heads[journal] = head
        self._tell([one.fact for one in sealed])
        return sealed

    def absorb(self, run: Sequence[Sealed], signed: SignedHead) -> list[Fact]:
        """Stores the part of a checked run that is new. Raises BrokenChain for a gap, Forked where histories differ."""
        with self._transaction("write"):
            head = self.head(signed.head.journal)
            fresh = fresh_part(head, [one.fact for one in run])
            for one in run[: len(run) - len(fresh)]:
                if self._hash_at(one.fact.journal, one.fact.seq) != one.fact.hash:
                    raise Forked(f"{one.fact.ref}: another fact with this number is held already")
            if fresh and head.seq and fresh[0].prev != head.hash:
                raise Forked(f"{fresh[0].ref} continues another history than the one held up to {head.seq}")
            head = follow(head, fresh)
            for one in run[len(run) - len(fresh) :]:
                self.clock.observe(one.fact.stamp)
                self._insert(one)
            if fresh:
                self._sign(signed)
        self._heads[head.journal] = head
        self._tell(fresh)
        return list(fresh)

    def quarantine(self, source: str, payload: bytes, reason: str) -> None:
        """Keeps what could not be taken, with its reason, newest thousand."""
        with self._transaction("write"):
            self.connection.execute(
                "INSERT INTO quarantine(at, source, payload, reason) VALUES (?, ?, ?, ?)",
                (str(self.clock.now()), source, payload[:4000], reason[:500]),
            )
            self.connection.execute(
                "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - 1000"
            )

    # -- reading

    def head(self, journal: str) -> Head:
        """How far a journal is held."""
        return self._heads.get(journal) or Head.empty(journal)

    def heads(self) -> dict[str, Head]:
        """How far every journal is held."""
        return {journal: head for journal, head in self._heads.items() if head.seq}

    def page(self, journal: str, after: int, most: int = 500) -> tuple[list[Sealed], SignedHead] | None:
        """Facts of a journal after a number, up to a signed head; None when nothing beyond is held."""
        rows = self.rows(
            """SELECT seq, hash, signature FROM signatures WHERE journal = ?1 AND seq > ?2
               ORDER BY seq <= ?2 + ?3 DESC, abs(seq - (?2 + ?3)) LIMIT 1""",
            (journal, after, most),
        )
        if not rows:
            return None
        row = rows[0]
        run = self._sealed("journal = ? AND seq > ? AND seq <= ? ORDER BY seq", (journal, after, row[0]))
        return run, SignedHead(Head(journal, row[0], row[1]), row[2])

    def get(self, ref: str) -> Fact | None:
        """The fact `journal/seq`, or None."""
        at = Ref.parse(ref)
        return next(iter(self._facts("journal = ? AND seq = ?", (at.journal, at.seq))), None)

    def about(self, subject: str) -> list[Fact]:
        """Every fact whose subject is `subject` or lies below it."""
        return self._facts(
            "(subject = ? OR (subject > ? AND subject < ?))", (subject, f"{subject}/", f"{subject}0")
        )

    def of_kinds(self, kinds: Iterable[str]) -> list[Fact]:
        """Every fact of some kinds, in order of arrival."""
        wanted = tuple(kinds)
        marks = ", ".join("?" * len(wanted))
        return self._facts(f"kind IN ({marks}) ORDER BY position", wanted)

    def newest(self, journal: str, kinds: Iterable[str], most: int) -> list[Fact]:
        """The last facts of some kinds in a journal, in order. Reads backwards: its length costs nothing."""
        wanted = tuple(kinds)
        marks = ", ".join("?" * len(wanted))
        where = (
            f"journal = ? AND +kind IN ({marks}) ORDER BY seq DESC LIMIT ?"  # `+`: by journal, not by kind
        )
        return self._facts(where, (journal, *wanted, most))[::-1]

    def since(self, position: int, most: int = 500) -> list[tuple[int, Fact]]:
        """Facts in order of arrival here after a position, with their positions."""
        rows = self.rows(
            f"SELECT position, {_COLUMNS} FROM facts WHERE position > ? ORDER BY position LIMIT ?",
            (position, most),
        )
        return [(row[0], _fact(row[1:])) for row in rows]

    def count(self) -> dict[str, int]:
        """Number of facts held, by journal."""
        return {journal: head.seq for journal, head in self.heads().items()}

    def private(self, ref: str) -> dict[str, str]:
        """Personal values of a fact, by JSON pointer."""
        return {pointer: value.value for pointer, value in self._private(Ref.parse(ref)).items()}

    def setting(self, name: str) -> str | None:
        """A value this node keeps about itself, or None."""
        rows = self.rows("SELECT value FROM node WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def set_setting(self, name: str, value: str) -> None:
        """Keeps a value about this node."""
        with self._transaction("write"):
            self.connection.execute("INSERT OR REPLACE INTO node(name, value) VALUES (?, ?)", (name, value))

    def next_incarnation(self) -> int:
        """Counts this start of the node; vectors carry it so that going backwards is seen."""
        number = int(self.setting("incarnation") or 0) + 1
        self.set_setting("incarnation", str(number))
        return number

    # -- inside

    def _insert(self, sealed: Sealed) -> None:
        fact = sealed.fact
        flaw = _flaw(fact)
        body = json.dumps(fact.body, ensure_ascii=False, separators=(",", ":"))
        self.connection.execute(
            f"INSERT INTO facts({_COLUMNS}, flaw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                fact.v,
                fact.journal,
                fact.seq,
                fact.at,
                fact.kind,
                fact.subject,
                body,
                fact.prev,
                fact.hash,
                flaw,
            ),
        )
        self.connection.executemany(
            "INSERT INTO private_values(journal, seq, pointer, salt, value) VALUES (?, ?, ?, ?, ?)",
            [(fact.journal, fact.seq, at, v.salt, v.value) for at, v in sealed.private.items()],
        )
        if flaw is None:
            for projection in self._projections:
                projection.apply(self.connection, fact)

    def _sign(self, signed: SignedHead) -> None:
        self.connection.execute(
            "INSERT OR IGNORE INTO signatures(journal, seq, hash, signature) VALUES (?, ?, ?, ?)",
            (signed.head.journal, signed.head.seq, signed.head.hash, signed.signature),
        )

    def _hash_at(self, journal: str, seq: int) -> str | None:
        rows = self.rows("SELECT hash FROM facts WHERE journal = ? AND seq = ?", (journal, seq))
        return rows[0][0] if rows else None

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Rows of a query, for the readers of projections; raises StoreUnusable."""
        with self._guard("read"):
            return self.connection.execute(query, tuple(values)).fetchall()

    def _facts(self, where: str, values: Sequence[Any]) -> list[Fact]:
        return [_fact(row) for row in self.rows(f"SELECT {_COLUMNS} FROM facts WHERE {where}", values)]

    def _read_heads(self) -> dict[str, Head]:
        rows = self.rows(
            """SELECT f.journal, f.seq, f.hash FROM facts f
               JOIN (SELECT journal, max(seq) AS seq FROM facts GROUP BY journal) USING (journal, seq)"""
        )
        return {row[0]: Head(*row) for row in rows}

    def _sealed(self, where: str, values: Sequence[Any]) -> list[Sealed]:
        return [
            Sealed(fact, self._private(Ref(fact.journal, fact.seq))) for fact in self._facts(where, values)
        ]

    def _private(self, ref: Ref) -> dict[str, PrivateValue]:
        rows = self.rows(
            "SELECT pointer, salt, value FROM private_values WHERE journal = ? AND seq = ?",
            (ref.journal, ref.seq),
        )
        return {pointer: PrivateValue(salt, value) for pointer, salt, value in rows}

    def _last_stamp(self, wall: Callable[[], datetime]) -> Stamp | None:
        """The newest stamp held that is not far ahead: neither does one move the clock while the node runs."""
        ahead = Stamp(wall() + FAR_AHEAD)
        newest = self.rows("SELECT max(at) FROM facts WHERE at <= ?", (str(ahead),))[0][0]
        return Stamp.parse(newest) if newest else None

    def _tell(self, facts: Sequence[Fact]) -> None:
        if facts:
            for listener in self._listeners:
                listener(facts)

    @contextmanager
    def _transaction(self, doing: str) -> Iterator[None]:
        with self._guard(doing):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _guard(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreUnusable(
                f"cannot {doing} {self.path}: {error}; use key and paper, call the technician"
            ) from error


def _fact(row: Sequence[Any]) -> Fact:
    return Fact(row[0], row[1], row[2], row[3], row[4], row[5], json.loads(row[6]), row[7], row[8])


def _flaw(fact: Fact) -> str | None:
    """Why a fact is stored but not taken into projections; None when all is well."""
    if not understood(fact):
        return "not understood"
    try:
        read_body(fact)
    except FactError as error:
        return str(error)
    return None
