"""Other copies of the journals, to hold against a store: another node's store, or an export."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from shared import protocol
from shared.facts import BadFact, FactError, Sealed, read_envelope
from shared.journal import Head, follow
from shared.node.engine import Engine
from shared.node.reading import ReadOnlyEngine, database_of
from shared.node.store import Store

_PAGE = 2000


class StoreCopy:
    """Another node's store."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name = name
        self._engine = engine

    def places(self) -> Iterator[list[Head]]:
        """See Copy."""
        for (journal,) in self._engine.rows("SELECT DISTINCT journal FROM journals ORDER BY journal"):
            after = 0
            while rows := self._engine.rows(
                f"""SELECT seq, hash FROM facts WHERE journal = ? AND seq > ? ORDER BY seq, branch LIMIT {_PAGE}""",
                (journal, after),
            ):
                yield [Head(journal, seq, digest) for seq, digest in rows]
                after = rows[-1][0]


class ExportCopy:
    """A file of batches, as `export` writes it. Raises BadFact for a line that is none, when it is read."""

    def __init__(self, file: Path) -> None:
        self.name = str(file)
        self._file = file

    def places(self) -> Iterator[list[Head]]:
        """See Copy."""
        with self._file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    batch = protocol.decode(line.encode(), protocol.Batch)
                    facts = [read_envelope(one.fact) for one in batch.facts]
                    if facts:
                        follow(Head(batch.journal, facts[0].seq - 1, facts[0].prev), facts)
                        yield [Head.of(fact) for fact in facts]
                except FactError as error:
                    raise BadFact(f"{self._file}:{number}: {error}; export it anew") from error


def copy_of(place: Path) -> StoreCopy | ExportCopy:
    """A store (its folder or database) or an export; raises StoreUnusable when it is not there."""
    file = database_of(place)
    with file.open("rb") as opened:
        is_database = opened.read(16) == b"SQLite format 3\0"
    return StoreCopy(str(place), ReadOnlyEngine(file)) if is_database else ExportCopy(file)


def export(store: Store, journals: Iterable[str], after: int, out: TextIO, *, private: bool = False) -> int:
    """Writes batches with their signed heads, a line each, every branch of the journals; gives how many facts.

    `private`: with the personal values. What lies below a floor is left out. Raises StoreUnusable.
    """
    facts = 0
    for journal in journals:
        for branch in store.branches(journal):
            at = max(after, branch.floor.seq)
            while (written := _line(store, journal, at, branch.number, private=private)) is not None:
                line, last, count = written
                out.write(line + "\n")
                facts += count
                at = last
    return facts


def _line(
    store: Store, journal: str, after: int, branch: int, *, private: bool
) -> tuple[str, int, int] | None:
    """A batch that fits into one message, the number of its last fact, and how many it holds; None after the last."""
    most = protocol.PAGE_FACTS
    while (page := store.page(journal, after, most, branch)) is not None:
        run, head = page
        shown = run if private else [Sealed(one.fact) for one in run]
        payload = protocol.encode(protocol.batch(shown, head))
        if protocol.fits(payload) or most == 1:
            return payload.decode(), head.head.seq, len(run)
        most //= 2
    return None
