"""Facts a second that the centre takes in from its gates, on SQLite and on PostgreSQL with one process and with two.

Batches as they come from the broker are read, checked and committed, each in a transaction of its own; nothing else runs.
"""

import asyncio
import pickle
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import drafts
from benchmarks.apart import Apart, apart
from benchmarks.figures import Effort, Figure
from central.passages import Passages
from central.postgres import PostgresEngine
from shared import protocol
from shared.journal import journal_id
from shared.node.declarations import Declarations
from shared.node.service import keep_loaded
from shared.node.store import Store
from shared.signing import PrivateKey, PublicKey
from tests.postgres import needs_postgres, postgres

GATES = 4
BATCHES = (5, 500)
"""Facts a batch: a passage as it happens, and a page of a gate that was cut off."""


class Receiver:
    """One process of the centre: a store, and the batches of some gates."""

    def __init__(self, folder: str, database: str | None = None) -> None:
        where = PostgresEngine(database) if database else Path(folder) / "centre.db"
        self._store = Store(where, [Declarations(), Passages()])

    async def start(self) -> None:
        """Ready."""
        keep_loaded()

    async def stop(self) -> None:
        """Closes the store."""
        self._store.close()

    def take(self, files: Sequence[str], keys: dict[str, str]) -> tuple[float, float]:
        """Takes the batches of some files in, by turns; gives when it began and ended."""
        gates = [pickle.loads(Path(file).read_bytes()) for file in files]
        began = time.monotonic()
        for payloads in zip(*gates, strict=True):
            for payload in payloads:
                batch = protocol.decode(payload, protocol.Batch)
                self._store.absorb(*protocol.open_batch(batch, [PublicKey(keys[batch.journal])]))
        return began, time.monotonic()


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """Every engine takes the same batches; PostgreSQL is left out where it is not installed."""
    keys: dict[str, str] = {}
    files = {size: _prepare(folder, size, effort.central_facts // GATES, keys) for size in BATCHES}
    figures = []
    for size, prepared in files.items():
        rate = await _rate(folder, f"sqlite-{size}", [None], prepared, keys)
        figures.append(_figure(effort, size, "SQLite", rate))
    if needs_postgres.args[0]:
        return figures
    with postgres() as server:
        for size, prepared in files.items():
            for processes in (1, 2):
                database = server.database()
                rate = await _rate(
                    folder, f"postgres-{size}-{processes}", [database] * processes, prepared, keys
                )
                figures.append(_figure(effort, size, f"PostgreSQL, {processes} process(es)", rate))
    return figures


def _figure(effort: Effort, size: int, engine: str, took_s: float) -> Figure:
    facts = effort.central_facts // GATES * GATES
    return Figure(f"{facts:,} facts in batches of {size}, {engine}", facts / took_s, "facts/s")


def _prepare(folder: Path, size: int, facts: int, keys: dict[str, str]) -> list[str]:
    """The batches of each gate in a file of its own."""
    files = []
    for number in range(1, GATES + 1):
        node, key = f"gate-{size}-{number}", PrivateKey.generate()
        store = Store(folder / f"{node}.db")
        keys[journal_id(node)] = key.public.text
        left = drafts.passages(node, 1, facts)
        payloads = []
        while part := list(islice(left, size)):
            run = store.append(journal_id(node), key, part)
            payloads += [protocol.encode(batch) for batch in protocol.batches(run, key)]
        store.close()
        files.append(folder / f"{node}.batches")
        files[-1].write_bytes(pickle.dumps(payloads))
    return [str(file) for file in files]


async def _rate(
    folder: Path, name: str, databases: Sequence[str | None], files: Sequence[str], keys: dict[str, str]
) -> float:
    """Seconds from the first process's beginning to the last one's end; each takes its share of the gates."""
    async with AsyncExitStack() as stack:
        parts: list[Apart] = []
        for number, database in enumerate(databases):
            beside = folder / f"{name}-{number}"
            beside.mkdir()
            settings: dict[str, Any] = {"folder": str(beside), "database": database}
            parts.append(await stack.enter_async_context(apart(Receiver, name, settings)))
        shares = [files[number :: len(parts)] for number in range(len(parts))]
        spans = await asyncio.gather(
            *(part.ask("take", files=share, keys=keys) for part, share in zip(parts, shares, strict=True))
        )
    return float(max(ended for _, ended in spans) - min(began for began, _ in spans))
