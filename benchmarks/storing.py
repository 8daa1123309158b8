"""One fact into the store until it is on disk, against a bare SQLite insert with the same durability on the same disk."""

import sqlite3
import time
from pathlib import Path

from benchmarks.figures import Effort, Figure, spread
from shared import subjects
from shared.bodies import Arrived, dump
from shared.codes import Heading, Place
from shared.facts import Draft, Fact
from shared.journal import journal_id
from shared.node.declarations import Declarations
from shared.node.store import Store
from shared.signing import PrivateKey

NODE = "ckhn-barrier-2"


def arrival() -> Draft:
    """A small fact, as a lane writes it."""
    body = Arrived(place=Place.BARRIER_2, heading=Heading.IN, lane="lane-1")
    return Draft("arrived", subjects.lane(NODE, "lane-1"), dump(body))


def append_one(store: Store, key: PrivateKey, draft: Draft) -> tuple[Fact, float]:
    """The fact, on disk, and the seconds it took."""
    began = time.perf_counter()
    fact = store.append(journal_id(NODE), key, [draft])[0].fact
    return fact, time.perf_counter() - began


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """Sealed, signed, projected and committed, one at a time; the peer inserts the same number of bytes."""
    ours_s, bare_s = [], []
    store = Store(folder / "facts.db", [Declarations()])
    key, draft = PrivateKey.generate(), arrival()
    peer = _bare_table(folder / "bare.db")
    for number in range(effort.appends):
        fact, took_s = append_one(store, key, draft)
        ours_s.append(took_s)
        row = (fact.journal, number, str(fact.envelope()))
        began = time.perf_counter()
        peer.execute("INSERT INTO facts VALUES (?, ?, ?)", row)
        bare_s.append(time.perf_counter() - began)
    store.close()
    peer.close()
    return spread(
        f"append one fact, {effort.appends} times", ours_s, ("bare sqlite3 insert, WAL and FULL", bare_s)
    )


def _bare_table(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE facts(journal TEXT, seq INTEGER, fact TEXT, PRIMARY KEY (journal, seq))")
    return connection
