"""A damaged store is set aside and made anew from what can still be read of it and verifies.

Rows are taken from the pages themselves (`shared.node.pages`). A fact counts by its hash and chain; a run of them by a
signed head, or by being our own. Nothing else of the old file is believed, save a few settings of a checked form.
"""

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from shared.bodies import StoreRecovered, dump
from shared.clock import BadStamp, Stamp
from shared.facts import FactError, PrivateValue, Sealed, check_private
from shared.journal import Head, SignedHead, author_of
from shared.node.damage import beside, good_setting, log_of, read_row
from shared.node.engine import SqliteEngine
from shared.node.own import Marker
from shared.node.pages import Pages, Row, read_wal
from shared.node.projections import Projection
from shared.node.rows import COLUMNS, fact_of
from shared.node.store import PAGE, Store
from shared.signing import PrivateKey
from shared.trust import Trust

MOST_SET_ASIDE = 3
NEWS_FOR = timedelta(days=3)
"""So long a screen says that the store was recovered."""
_FACT_COLUMNS = (11, 12)
"""A row of `facts`: from the first migration, and from the second on."""
_KEPT = ("witnessed", "clock", "incarnation")
_KEPT_BEGINNINGS = ("journal/", "number/", "idempotency/")
_RUN_BEFORE_S = timedelta(days=1)
"""A clock in the settings may be so far ahead of our last fact and still be believed."""


@dataclass(frozen=True)
class Own:
    """What a node on this store needs for taking its facts back: its name, its key, and whom it trusts."""

    node: str
    key: PrivateKey
    trust: Trust


@dataclass(frozen=True)
class Recovery:
    """A store that was made anew: why, when, under which name the old one lies, and what was taken from it."""

    at: datetime
    why: str
    set_aside: str
    salvaged: dict[str, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What happened, for a technician."""
        return (
            f"the store was damaged ({self.why}) and made anew at {self.at:%Y-%m-%dT%H:%M:%SZ}; "
            f"journals taken from it: {len(self.salvaged)}; the old file: {self.set_aside}"
        )

    def is_news(self, now: datetime) -> bool:
        """Whether a screen still says it."""
        return now - self.at <= NEWS_FOR

    def body(self) -> StoreRecovered:
        """What the fact about it says."""
        return StoreRecovered(set_aside=self.set_aside, why=self.why[:500], salvaged=self.salvaged)

    def text(self) -> str:
        """As a setting of the store."""
        return json.dumps({"at": self.at.isoformat(), **dump(self.body())})

    @classmethod
    def parse(cls, text: str) -> "Recovery":
        """Reads the setting back."""
        value = json.loads(text)
        at = datetime.fromisoformat(value["at"])
        return cls(at, value["why"], value["set_aside"], value["salvaged"])


def recover(
    database: Path,
    why: str,
    owns: Sequence[Own],
    projections: Sequence[Projection],
    wall: Callable[[], datetime],
) -> Recovery:
    """Makes the store anew beside the old one, then puts it in its place. Raises StoreUnusable, OSError, sqlite3.Error.

    It may be killed at any moment: the old file keeps its name until the new one is whole.
    """
    made, whole = beside(database, "recovering"), beside(database, "recovered")
    if database.exists() or not whole.exists():
        _remove(made)
        _remove(whole)
        recovery = _make(database, made, why, owns, projections, wall)
        made.replace(whole)
        _set_aside(database, recovery.set_aside)
    whole.replace(database)
    _sync_folder(database.parent)
    beside(database, "damaged").unlink(missing_ok=True)
    beside(database, "tail").unlink(missing_ok=True)
    kept = set_aside(database)
    for old in kept[: max(0, len(kept) - MOST_SET_ASIDE)]:
        _remove(old)
    return recovery_of(database)


def recovery_of(database: Path) -> Recovery:
    """The recovery that made a store."""
    with closing(SqliteEngine(database)) as engine:
        return Recovery.parse(engine.rows("SELECT value FROM node WHERE name = 'recovery'")[0][0])


def set_aside(database: Path) -> list[Path]:
    """Databases that were set aside, oldest first."""
    found = database.parent.glob(f"{database.name}.damaged-*Z*")
    return sorted(one for one in found if not one.name.endswith(("-wal", "-shm")))


def _make(
    database: Path,
    made: Path,
    why: str,
    owns: Sequence[Own],
    projections: Sequence[Projection],
    wall: Callable[[], datetime],
) -> Recovery:
    name = _free_name(database, wall())
    with closing(_Rubble(beside(database, "rubble"))) as rubble:
        rubble.carve(database)
        clock = rubble.clock([own.node for own in owns], wall())
        engine = SqliteEngine(made)
        engine.connection.execute("PRAGMA synchronous=OFF")  # synced as a whole at the end
        engine.migrate()
        for setting, value in rubble.settings(Marker(database), clock).items():
            engine.execute("INSERT INTO node(name, value) VALUES (?, ?)", (setting, value))
        store = Store(engine, projections, wall)
        with closing(store):
            _Builder(store, rubble, owns).build()
            recovery = Recovery(wall(), why, name, store.count())
            store.set_setting("recovery", recovery.text())
            engine.connection.execute("PRAGMA journal_mode=DELETE")
    with made.open("rb") as file:
        os.fsync(file.fileno())
    return recovery


def _free_name(database: Path, now: datetime) -> str:
    name = f"{database.name}.damaged-{now:%Y-%m-%dT%H-%M-%SZ}"
    taken = {one.name for one in set_aside(database)}
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _set_aside(database: Path, name: str) -> None:
    for ending in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            database.with_name(database.name + ending).replace(database.with_name(name + ending))


def _remove(database: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + ending).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Rubble:
    """What was carved out of the pages, in a database of its own so that it need not fit into memory."""

    def __init__(self, file: Path) -> None:
        self._file = file
        _remove(file)
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
        _remove(self._file)

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


@dataclass(frozen=True)
class _Run:
    """An unbroken run, ascending, as numbers and hashes; what its first fact follows; and the signed heads within."""

    before: Head
    places: Sequence[tuple[int, str]]
    signed: Sequence[SignedHead]


class _Builder:
    """Puts the runs that verify into the new store."""

    def __init__(self, store: Store, rubble: _Rubble, owns: Sequence[Own]) -> None:
        self._store = store
        self._rubble = rubble
        self._owns = owns

    def build(self) -> None:
        """Journal by journal; the centres' first, since they say whose signature is good for the others."""
        left = self._rubble.journals()
        while left:
            taken = [journal for journal in left if self._journal(journal)]
            if not taken:
                return
            left = [journal for journal in left if journal not in taken]
            for own in self._owns:
                own.trust.learn(self._store.of_kinds(("node_enrolled", "root_rotated")))

    def _journal(self, journal: str) -> bool:
        """Takes a journal; False when nobody vouches for any of it yet."""
        own = next((one for one in self._owns if one.node == author_of(journal)), None)
        good = [one for one in self._rubble.signatures(journal) if self._vouched(one)]
        heads = {(one.head.seq, one.head.hash): one for one in good}
        runs = []
        for before, places in _runs(journal, self._rubble.places(journal)):
            signed = [heads[place] for place in places if place in heads]
            if own is not None and (not signed or signed[-1].head.seq < places[-1][0]):
                signed.append(SignedHead.sign(Head(journal, *places[-1]), own.key))
            if signed:
                end = signed[-1].head.seq - places[0][0] + 1
                runs.append(_Run(before, places[:end], signed))
        if runs:
            self._take(journal, runs)
        return bool(runs)

    def _vouched(self, signed: SignedHead) -> bool:
        journal, seq = signed.head.journal, signed.head.seq
        keys = [key for own in self._owns for key in own.trust.keys(journal, seq)]
        return any(key.verifies(signed.head.hash, signed.signature) for key in keys)

    def _take(self, journal: str, runs: Sequence[_Run]) -> None:
        """The run that goes furthest is the journal's; lower ones are history below its floor, or branches."""
        runs = sorted(runs, key=lambda run: run.places[-1][0], reverse=True)
        main, others = runs[0], runs[1:]
        held = {place for run in runs for place in run.places}
        below = [run for run in others if run.places[0][0] <= main.before.seq]
        if main.before.seq:
            self._history(journal, below)
            self._store.adopt([], {journal: main.before})
        self._absorb(journal, main)
        for run in others:
            if run not in below and (run.before.seq, run.before.hash) in held:
                self._absorb(journal, run)

    def _absorb(self, journal: str, run: _Run) -> None:
        """A run that goes on from what is held, in pages that end at signed heads."""
        start = 0
        for signed in run.signed:
            end = signed.head.seq - run.places[0][0] + 1
            if end - start >= PAGE or end == len(run.places):
                self._store.absorb(
                    [self._rubble.sealed(journal, *one) for one in run.places[start:end]], signed
                )
                start = end
        self._sign(run)

    def _history(self, journal: str, runs: Sequence[_Run]) -> None:
        """Facts below a gap, so that nothing that is readable is lost; the gap is asked for like any history."""
        places = sorted({seq: digest for run in runs for seq, digest in run.places}.items())
        for start in range(0, len(places), PAGE):
            page = places[start : start + PAGE]
            sealed = [self._rubble.sealed(journal, *place) for place in page]
            self._store.adopt(sealed, {journal: Head(journal, *page[-1])})
        for run in runs:
            self._sign(run)

    def _sign(self, run: _Run) -> None:
        self._store.engine.executemany(
            "INSERT INTO signatures(journal, seq, hash, signature) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(one.head.journal, one.head.seq, one.head.hash, one.signature) for one in run.signed],
        )


def _runs(
    journal: str, places: Sequence[tuple[int, str, str]]
) -> Iterator[tuple[Head, Sequence[tuple[int, str]]]]:
    """Facts of a journal as unbroken runs, each with what it follows: the one that ends highest first."""
    left = {(seq, digest): prev for seq, digest, prev in places}
    by_number: dict[int, list[str]] = defaultdict(list)
    for seq, digest, _ in places:
        by_number[seq].append(digest)
    for seq in sorted(by_number, reverse=True):
        for digest in by_number[seq]:
            run = []
            at = (seq, digest)
            while at in left:
                run.append(at)
                at = (at[0] - 1, left.pop(at))
            if run:
                yield Head(journal, *at), run[::-1]
