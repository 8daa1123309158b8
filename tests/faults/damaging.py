"""A gate's store to be damaged: its files, a peer that holds most of it, and ways to harm a file."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge.gate import PROJECTIONS
from shared.facts import Draft, commit
from shared.journal import Head, SignedHead, centre_node, journal_id
from shared.node.damage import Tail
from shared.node.pages import PAGE_BYTES
from shared.node.salvage import Own
from shared.node.store import Store
from shared.trust import Trust
from tests.builders import BORDER_GUARD, CUSTOMS, MORNING, SITE, Site, declared_body, key

NODE = "gate-2"
MINE = journal_id(NODE)
CENTRE = journal_id(centre_node(SITE))
UNSENT = 12
"""So many of the gate's newest facts nobody else holds."""
Place = tuple[str, int, str]


def own() -> Own:
    """Whose store it is, and whom it trusts."""
    return Own(NODE, key(MINE), Trust(SITE, key(CENTRE).public))


@dataclass(frozen=True)
class Whole:
    """The store before the damage, as its daemon left it when it was killed, and a peer's store."""

    folder: Path
    peer: Store
    facts: frozenset[Place]

    def copy(self, to: Path) -> Path:
        """The database in a folder of its own, with what lies beside it."""
        shutil.copytree(self.folder, to)
        return to / "facts.db"


def whole(folder: Path) -> Whole:
    """Writes the store: a part of it is in the file, the rest in the log."""
    site = _site()
    database = folder / "running" / "facts.db"
    store = Store(database, PROJECTIONS, wall=lambda: MORNING)
    store.listen(Tail(database).note)
    for journal in (site.journals[CENTRE], site.journals["gate-1.1"]):
        for start in range(0, len(journal.sealed), 7):
            run = journal.sealed[start : start + 7]
            store.absorb(run, SignedHead.sign(Head.of(run[-1].fact), key(journal.name)))
    _write(store, range(120))
    store.engine.purge()  # into the file
    _write(store, range(120, 160))
    store.next_incarnation()
    database.with_name("facts.db.starts").write_text("1\n", encoding="utf-8")
    shutil.copytree(database.parent, folder / "left")
    (folder / "left" / "facts.db-shm").unlink()
    facts = places(store)
    peer = Store(folder / "peer.db", PROJECTIONS, wall=lambda: MORNING)
    fill(peer, store, {MINE: store.head(MINE).seq - UNSENT})
    store.close()
    return Whole(folder / "left", peer, facts)


def _site() -> Site:
    site = Site()
    for number in range(40):
        site.amend(goods=[{"name": f"Nhãn tươi {number}", "customs_no": "9" * 400}] * (number % 9))
    for number in range(60):
        site.confirm("4.2.b", (BORDER_GUARD, CUSTOMS)[number % 2], node="gate-1")
    return site


def _write(store: Store, numbers: range) -> None:
    """Own facts, each in a transaction of its own, some long, some with personal values."""
    for number in numbers:
        no = f"20261123{number:05d}"
        goods = [{"name": "Sầu riêng", "customs_no": "8" * 450}] * (number % 11)
        body = declared_body(no=no, goods=goods)
        body["vehicles"][0] = {**body["vehicles"][0], "driver": {"name": f"Nông Văn {number}"}}
        hidden, private = commit(body, ["/vehicles/0/driver/name"], salt="5a17")
        store.append(MINE, key(MINE), [Draft("declared", f"declaration/{no}", hidden, private)])


def places(store: Store) -> frozenset[Place]:
    """Every fact held; two with one number would be two."""
    rows = store.rows("SELECT journal, seq, hash FROM facts")
    assert len(set(rows)) == len(rows)
    return frozenset((row[0], row[1], row[2]) for row in rows)


def fill(store: Store, source: Store, upto: dict[str, int] | None = None) -> None:
    """What sync does: the store takes from another one what it lacks, new facts and history."""
    limits = upto or {}
    for journal, head in source.heads().items():
        limit = limits.get(journal, head.seq)
        while store.head(journal).seq < limit:
            most = min(50, limit - store.head(journal).seq)
            page = source.page_after(journal, store.locator(journal), most)
            if page is None:
                break
            store.absorb(*page)
        while floor := store.floor(journal).seq:
            history = source.history_page(journal, floor, 50)
            if history is None or not store.fill(*history):
                break


# -- harm


def pages_of(database: Path) -> Iterator[tuple[int, str]]:
    """Every page of the file and what it is: header, interior, leaf, index, overflow."""
    kinds = {0x05: "interior", 0x0D: "leaf", 0x02: "index", 0x0A: "index"}
    raw = database.read_bytes()
    yield 0, "header"
    for start in range(PAGE_BYTES, len(raw), PAGE_BYTES):
        yield start, kinds.get(raw[start], "overflow")


def settle(database: Path) -> None:
    """Moves the log into the file, so that no page has a newer version there."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def flip(file: Path, at: int, bit: int) -> None:
    """Turns one bit."""
    with file.open("r+b") as stream:
        stream.seek(at)
        (byte,) = stream.read(1)
        stream.seek(at)
        stream.write(bytes([byte ^ 1 << bit]))


def overwrite(file: Path, at: int, data: bytes) -> None:
    """Puts other bytes in place of those that are there."""
    with file.open("r+b") as stream:
        stream.seek(at)
        stream.write(data)


def flip_in(database: Path, what: str, seed: int) -> None:
    """Turns a bit at a random place of a page of some kind, or of the log."""
    rng = random.Random(f"{what} {seed}")
    bit = rng.randrange(8)
    if what == "log":
        log = database.with_name("facts.db-wal")
        flip(log, rng.randrange(log.stat().st_size), bit)
        return
    if seed % 2:
        settle(database)
    page = rng.choice([start for start, kind in pages_of(database) if kind == what])
    flip(database, page + rng.randrange(100 if what == "header" else PAGE_BYTES), bit)
