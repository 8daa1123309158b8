"""A damaged store is set aside and made anew from what can still be read of it and verifies.

Rows are taken from the pages themselves (`shared.node.pages`). A fact counts by its hash and chain; a run of them by a
signed head, or by being our own. Nothing else of the old file is believed, save a few settings of a checked form.
"""

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from shared.bodies import StoreRecovered, dump
from shared.journal import Head, SignedHead, author_of
from shared.node.damage import beside, log_of
from shared.node.engine import SqliteEngine
from shared.node.held import PAGE
from shared.node.own import Marker
from shared.node.projections import Projection
from shared.node.rubble import Rubble, remove
from shared.node.store import Store
from shared.signing import PrivateKey
from shared.trust import Trust

MOST_SET_ASIDE = 3
NEWS_FOR = timedelta(days=3)
"""So long a screen says that the store was recovered."""


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
            f"journals taken from it: {len(self.salvaged)}; the old file: {self.set_aside or 'gone'}"
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
        remove(made)
        remove(whole)
        _make(database, made, why, owns, projections, wall)
        made.replace(whole)
    recovery = _told(whole)
    _set_aside(database, recovery.set_aside)
    for what in ("damaged", "tail"):
        beside(database, what).unlink(missing_ok=True)
    whole.replace(database)
    _sync_folder(database.parent)
    kept = set_aside(database)
    for old in kept[: max(0, len(kept) - MOST_SET_ASIDE)]:
        remove(old)
    return recovery


def _told(whole: Path) -> Recovery:
    """What a new store says of its own making."""
    with closing(sqlite3.connect(whole)) as connection:
        return Recovery.parse(
            connection.execute("SELECT value FROM node WHERE name = 'recovery'").fetchone()[0]
        )


def set_aside(database: Path) -> list[Path]:
    """Databases that were set aside, oldest first."""
    found = database.parent.glob(f"{database.name}.damaged-*Z*")
    whole = {one.with_name(one.name.removesuffix("-wal").removesuffix("-shm")) for one in found}
    return sorted(whole, key=_age)


def _age(file: Path) -> tuple[str, int]:
    """Of files that were set aside within a second the later ones are numbered."""
    moment, _, number = file.name.rpartition("Z")
    return moment, int(number.lstrip("-") or 1)


def _make(
    database: Path,
    made: Path,
    why: str,
    owns: Sequence[Own],
    projections: Sequence[Projection],
    wall: Callable[[], datetime],
) -> None:
    name = _free_name(database, wall()) if database.exists() or log_of(database).exists() else ""
    with closing(Rubble(beside(database, "rubble"))) as rubble:
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


def _free_name(database: Path, now: datetime) -> str:
    name = f"{database.name}.damaged-{now:%Y-%m-%dT%H-%M-%SZ}"
    taken = [_age(one)[1] for one in set_aside(database) if one.name.startswith(name)]
    return f"{name}-{max(taken) + 1}" if taken else name


def _set_aside(database: Path, name: str) -> None:
    if not name:
        return
    # The file first: while it stands, the next start begins anew with all of them.
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            database.with_name(database.name + ending).replace(database.with_name(name + ending))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class _Run:
    """An unbroken run, ascending, as numbers and hashes; what its first fact follows; and the signed heads within."""

    before: Head
    places: Sequence[tuple[int, str]]
    signed: Sequence[SignedHead]


class _Builder:
    """Puts the runs that verify into the new store."""

    def __init__(self, store: Store, rubble: Rubble, owns: Sequence[Own]) -> None:
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
