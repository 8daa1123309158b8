"""What can be carved out of a damaged store, in a database of its own: it need not fit into memory."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from shared.clock import BadStamp, Stamp
from shared.facts import FactError, PrivateValue, Sealed, check_private
from shared.journal import Head, SignedHead, author_of
from shared.node.damage import beside, good_setting, log_of, read_row
from shared.node.own import Marker
from shared.node.pages import Pages, Row, read_wal
from shared.node.rows import COLUMNS, fact_of

_FACT_COLUMNS = (11, 12)
"""A row of `facts`: from the first migration, and from the second on."""
_KEPT = ("witnessed", "clock", "incarnation")
_KEPT_BEGINNINGS = ("journal/", "number/", "idempotency/")
_RUN_BEFORE_S = timedelta(days=1)
"""A clock in the settings may be so far ahead of our last fact and still be believed."""


class Rubble:
    """What was carved out of the pages, in a database of its own so that it need not fit into memory."""

    def __init__(self, file: Path) -> None:
        self._file = file
        remove(file)
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.executescript(
            f"""PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
            CREATE TABLE facts (number INTEGER PRIMARY KEY, position, {COLUMNS}, UNIQUE (journal, seq, hash));
            CREATE TABLE signatures (journal, seq, hash, signature, UNIQUE (journal, seq, hash, signature));
            CREATE TABLE private_values (journal, seq, pointer, salt, value, UNIQUE (journal, seq, pointer, salt, value));
            CREATE TABLE settings (number INTEGER PRIMARY KEY, name, value);"""
        )

    def close(self) -> None:
        """Removes it."""
        self._database.close()
        remove(self._file)

    def carve(self, database: Path) -> None:
        """Takes every row that verifies, or whose form says what it is."""
        try:
            wal = read_wal(log_of(database))
        except OSError:
            wal = read_wal(beside(database, "no-log"))
        self._database.execute("BEGIN")
        for rowid, row in Pages(database, wal).rows():
            self._take(rowid, row)
        self._database.execute("COMMIT")

    def _take(self, rowid: int, row: Row) -> None:
        texts = [isinstance(value, str) for value in row]
        if len(row) in _FACT_COLUMNS and row[0] is None:
            fact = read_row(row[1:10])
            if fact is not None:
                marks = ", ".join("?" * 10)
                self._database.execute(
                    f"INSERT OR IGNORE INTO facts(position, {COLUMNS}) VALUES ({marks})", (rowid, *row[1:10])
                )
        elif len(row) == 4 and texts == [True, False, True, True]:
            self._database.execute("INSERT OR IGNORE INTO signatures VALUES (?, ?, ?, ?)", row)
        elif len(row) == 6 and texts == [True, False, False, True, True, True]:
            values = (row[0], row[1], *row[3:])
            self._database.execute("INSERT OR IGNORE INTO private_values VALUES (?, ?, ?, ?, ?)", values)
        elif len(row) == 2 and all(texts):
            self._database.execute("INSERT INTO settings(name, value) VALUES (?, ?)", row)

    def journals(self) -> list[str]:
        """Journals of which facts were found."""
        return [row[0] for row in self._database.execute("SELECT DISTINCT journal FROM facts")]

    def places(self, journal: str) -> list[tuple[int, str, str]]:
        """Number, hash and hash before of a journal's facts, in order."""
        query = "SELECT seq, hash, prev FROM facts WHERE journal = ? ORDER BY seq"
        return self._database.execute(query, (journal,)).fetchall()

    def signatures(self, journal: str) -> list[SignedHead]:
        """What was found as signed heads of a journal; nothing is checked yet."""
        rows = self._database.execute(
            "SELECT seq, hash, signature FROM signatures WHERE journal = ? ORDER BY seq", (journal,)
        )
        return [SignedHead(Head(journal, seq, digest), signature) for seq, digest, signature in rows]

    def sealed(self, journal: str, seq: int, digest: str) -> Sealed:
        """A fact with those personal values that open its commitments."""
        row = self._database.execute(
            f"SELECT {COLUMNS} FROM facts WHERE journal = ? AND seq = ? AND hash = ?", (journal, seq, digest)
        ).fetchone()
        fact = fact_of(row)
        private = {}
        rows = self._database.execute(
            "SELECT pointer, salt, value FROM private_values WHERE journal = ? AND seq = ?", (journal, seq)
        )
        for pointer, salt, value in rows:
            one = {pointer: PrivateValue(salt, value)}
            with suppress(FactError):
                check_private(fact, one)
                private.update(one)
        return Sealed(fact, private)

    def clock(self, nodes: Iterable[str], now: datetime) -> str | None:
        """The latest time that the node is known to have gone by: its own facts say it, and a setting that is near to them."""
        latest = Stamp(now)
        last: Stamp | None = None
        for journal in self.journals():
            if author_of(journal) in nodes:
                query = "SELECT max(at) FROM facts WHERE journal = ?"
                stamp = Stamp.parse(self._database.execute(query, (journal,)).fetchone()[0])
                last = max(last or stamp, stamp)
        latest = max(latest, last) if last else latest
        for (value,) in self._database.execute("SELECT value FROM settings WHERE name = 'clock'").fetchall():
            with suppress(BadStamp):
                stamp = Stamp.parse(value)
                if stamp.wall <= latest.wall + _RUN_BEFORE_S:
                    last = max(last or stamp, stamp)
        return str(last) if last else None

    def settings(self, marker: Marker, clock: str | None) -> dict[str, str]:
        """The settings that matter, in their newest good form."""
        kept: dict[str, str] = {}
        for name, value in self._database.execute("SELECT name, value FROM settings ORDER BY number"):
            wanted = name in _KEPT or name.startswith(_KEPT_BEGINNINGS)
            if wanted and good_setting(name, value):
                higher = name.startswith("number/") or name == "incarnation"
                kept[name] = max(kept.get(name, ""), value, key=_as_number) if higher else value
        starts = marker.starts() or 0
        kept["incarnation"] = str(max(starts, _as_number(kept.get("incarnation", ""))))
        kept.pop("clock", None)
        return kept | ({"clock": clock} if clock else {})


def _as_number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def remove(database: Path) -> None:
    """Removes a database file and what SQLite put beside it. Raises OSError."""
    for ending in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + ending).unlink(missing_ok=True)
