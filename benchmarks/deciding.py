"""Decisions a second with many vehicles under way: a plate's text in, match and decision out, all from the store on disk."""

import random
import sqlite3
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import CannotRun, Effort, Figure, Peer, spread
from edge.lane.passage import Correction, Knowledge, Passage
from shared import plates, subjects
from shared.authority import Authority
from shared.bodies import dump
from shared.codes import Country, Direction, Heading, Place, Verdict, YardLocation
from shared.declared import Declaration, Vehicle
from shared.facts import Draft
from shared.journal import centre_node, journal_id
from shared.known import Known
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.procedure_files import SHIPPED, load_procedures
from shared.node.store import Store
from shared.settings import Settings
from shared.signing import PrivateKey
from simulation.layout import SITE

CENTRE = journal_id(centre_node(SITE))
A_COMMIT = 500


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """Matches and decides plates of the book at barrier 2; the peer only looks the same plates up by their key."""
    store = Store(folder / "facts.db", [Declarations()])
    declared = list(dict.fromkeys(_plates(effort.vehicles)))
    _declare(store, declared)
    knowledge = Knowledge(
        store,
        DeclarationBook(store),
        load_procedures(SHIPPED),
        Settings(),
        lambda: Known(
            Authority.of(SITE, ()), {CENTRE: store.head(CENTRE).seq}, {CENTRE: 1}, frozenset({CENTRE})
        ),
    )
    asked = random.Random(2).choices(declared, k=effort.decisions)
    ours_s = list(_judged(knowledge, asked))
    bare_s = list(_looked_up(folder / "facts.db", asked))
    store.close()
    rate = Peer("bare sqlite3 lookup by key", len(bare_s) / sum(bare_s))
    name = f"match and decide, {len(declared):,} vehicles under way"
    return [
        Figure(name, len(ours_s) / sum(ours_s), "decisions/s", rate),
        *spread(name, ours_s, ("bare sqlite3 lookup by key", bare_s)),
    ]


def _plates(count: int) -> Iterator[str]:
    drawn = random.Random(1)
    for _ in range(count):
        yield f"{drawn.choice(('12', '29', '34', '98'))}{drawn.choice('CHD')}{drawn.randrange(100_000):05d}"


def _declare(store: Store, declared: list[str]) -> None:
    key = PrivateKey.generate()
    drafts = [_declaration(number, plate) for number, plate in enumerate(declared, 1)]
    for start in range(0, len(drafts), A_COMMIT):
        store.append(CENTRE, key, drafts[start : start + A_COMMIT])


def _declaration(number: int, plate: str) -> Draft:
    body = Declaration(
        no=f"20261123{number:05d}",
        version=1,
        site=SITE,
        procedure="4.2",
        direction=Direction.EXPORT,
        laden=True,
        yard="BAI-01",
        yard_location=YardLocation.INSIDE,
        vehicles=[Vehicle(vehicle="1", plate=plate, country=Country.VN)],
        declared_at=datetime(2026, 11, 23, tzinfo=UTC),
    )
    return Draft("declared", subjects.declaration(body.no), dump(body))


def _judged(knowledge: Knowledge, asked: Iterable[str]) -> Iterator[float]:
    """Seconds of each. The plate is taken as an officer's word, so that look-alikes do not end the work early."""
    for plate in asked:
        passage = Passage("ckhn-barrier-2.1/1", "", correction=Correction(plate, "bp-001"))
        began = time.perf_counter()
        judgement = knowledge.judge(passage, Place.BARRIER_2, Heading.IN)
        took_s = time.perf_counter() - began
        if judgement.decision is None or judgement.decision.verdict is not Verdict.WAIT:
            raise CannotRun(
                f"{plate}: declared, and yet not waiting for its confirmations; run the tests of shared/"
            )
        yield took_s


def _looked_up(file: Path, asked: Iterable[str]) -> Iterator[float]:
    connection = sqlite3.connect(file)
    for plate in asked:
        began = time.perf_counter()
        connection.execute("SELECT no, vehicle FROM vehicles WHERE key = ?", (plates.key(plate),)).fetchall()
        yield time.perf_counter() - began
    connection.close()
