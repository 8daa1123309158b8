"""Decisions a second with many vehicles under way: a plate's text in, match and decision out, all from the store on disk."""

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.border import CENTRE, NODES, Border
from benchmarks.figures import Effort, Figure, Peer, quantile
from benchmarks.questions import Question, questions
from edge.gate import PROJECTIONS
from edge.lane.passage import Knowledge
from shared import plates
from shared.authority import Authority
from shared.bodies import AUTHORITY_KINDS
from shared.codes import Place
from shared.known import Known, journals_of
from shared.node.declarations import DeclarationBook
from shared.node.procedure_files import SHIPPED, load_procedures
from shared.node.service import keep_loaded
from shared.node.store import Store
from shared.settings import Settings
from simulation.layout import SITE

AIM_S = 0.002
_LOOKED_UP = "bare sqlite3 lookup by key"


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """Asks with the store out of the system's cache, then with the store in it, and there each question a second time.

    The peer looks the same plate up by its key, in turn with the questions.
    """
    file = folder / "facts.db"
    border = Border(file, load_procedures(SHIPPED), effort.vehicles, effort.facts)
    name = f"{len(border.trips):,} vehicles, {border.facts:,} facts"
    asked = list(questions(border.trips, 2 * effort.decisions))
    del border
    keep_loaded()
    from_disk, from_cache = asked[: effort.decisions], asked[effort.decisions :]
    _out_of_cache(file)
    opened_s = _opened_s(file)
    _out_of_cache(file)
    with _gate(file) as knowledge:
        on_disk_s = [_asked(knowledge, one)[0] for one in from_disk]
    _into_cache(file)
    with _gate(file) as knowledge, closing(sqlite3.connect(file)) as bare:
        four = [
            (*_asked(knowledge, one), _asked(knowledge, one)[0], _lookup_s(bare, one)) for one in from_cache
        ]
        found = Counter(_answer(knowledge, one) for one in from_cache)
    first_s, processor_s, again_s, bare_s = ([one[at] for one in four] for at in range(4))
    rate = Peer(_LOOKED_UP, len(bare_s) / sum(bare_s))
    return [
        Figure("the store", file.stat().st_size / 1e6, "MB"),
        Figure("the store opened, on disk only", 1000 * opened_s, "ms"),
        Figure(f"match and decide, {name}", len(first_s) / sum(first_s), "decisions/s", rate),
        *_spread("asked first, store in the system's cache", first_s, bare_s),
        *_spread("of it: processor time", processor_s),
        *_spread("asked again", again_s, bare_s),
        *_spread("asked first, store on disk only", on_disk_s),
        *(
            Figure(f"came out as: {what}", 100 * many / len(from_cache), "%")
            for what, many in found.most_common()
        ),
    ]


@contextmanager
def _gate(file: Path) -> Iterator[Knowledge]:
    """What a gate of the site judges with, as `edge.gate` puts it together, right after its start."""
    store = Store(file, PROJECTIONS)
    authority = Authority.of(SITE, store.of_kinds(AUTHORITY_KINDS))
    required = (CENTRE, NODES[Place.BARRIER_1][0])

    def known() -> Known:
        vector = {journal: head.seq for journal, head in store.heads().items()}
        return Known(authority, vector, dict.fromkeys(vector, 1), journals_of(required, vector))

    yield Knowledge(store, DeclarationBook(store), load_procedures(SHIPPED), Settings(), known)
    store.close()


def _asked(knowledge: Knowledge, asked: Question) -> tuple[float, float]:
    """Seconds from plate to verdict, and of them the processor's: what lies between is the disk and other programs."""
    began, began_cpu = time.perf_counter(), time.thread_time()
    knowledge.judge(asked.passage, asked.place, asked.heading)
    return time.perf_counter() - began, time.thread_time() - began_cpu


def _lookup_s(bare: sqlite3.Connection, asked: Question) -> float:
    key = plates.key(asked.passage.text or "")
    began = time.perf_counter()
    bare.execute("SELECT no, vehicle FROM vehicles WHERE key = ?", (key,)).fetchall()
    return time.perf_counter() - began


def _answer(knowledge: Knowledge, asked: Question) -> str:
    """The verdict; without one, how the plate matched."""
    judgement = knowledge.judge(asked.passage, asked.place, asked.heading)
    if judgement.declared is None or judgement.decision is None:
        return f"plate {judgement.match.outcome}"
    return f"vehicle {judgement.decision.verdict}"


def _spread(name: str, ours_s: Sequence[float], bare_s: Sequence[float] | None = None) -> list[Figure]:
    """Four percentiles with the peer's, and how many missed the aim."""
    return [
        *(
            Figure(
                f"{name}, {label}",
                1000 * quantile(ours_s, share),
                "ms",
                Peer(_LOOKED_UP, 1000 * quantile(bare_s, share)) if bare_s else None,
            )
            for label, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
        ),
        Figure(
            f"{name}, over {1000 * AIM_S:.0f} ms", 100 * sum(s >= AIM_S for s in ours_s) / len(ours_s), "%"
        ),
    ]


def _opened_s(file: Path) -> float:
    began = time.perf_counter()
    Store(file, PROJECTIONS).close()
    return time.perf_counter() - began


def _out_of_cache(file: Path) -> None:
    """Lets the system forget the file, so that every page comes from the disk; it is the disk of this machine that is seen."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _into_cache(file: Path) -> None:
    """Reads the file, as a gate that has been up for a while has; SQLite's own cache stays at its 2 MB."""
    with file.open("rb") as opened:
        while opened.read(1 << 24):
            pass
