"""What the technician must look into: what was set aside, what looks wrong, what befell the gates, who holds what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from central.errors import NotFound
from shared.branches import Branch
from shared.facts import Fact, Ref
from shared.journal import author_of
from shared.node.rows import COLUMNS, fact_of
from shared.node.store import Store

EVENT_KINDS = ("store_recovered", "journal_begun", "clock_stepped")
"""What befalls a node's store and clock, told by itself."""
MOST_EVENTS = 10
SHOWN_PAYLOAD = 500


@dataclass(frozen=True)
class SetAside:
    """A message that could not be taken, with the reason; `payload` is its first part."""

    digest: str
    at: str
    last_at: str
    times: int
    source: str
    reason: str
    payload: str
    acknowledged: bool


@dataclass(frozen=True)
class Flag:
    """What looks wrong about a fact or a node. `branches` are those of the fact's journal now, where it forked."""

    ref: str
    why: str
    at: str
    detail: str
    node: str
    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class Seen:
    """How far another node was seen to hold a journal, and when."""

    witness: str
    seq: int
    at: str


@dataclass(frozen=True)
class HeldJournal:
    """A journal as it is held here: its branches, the main one first, and who was seen to hold it how far."""

    journal: str
    branches: tuple[Branch, ...]
    seen: tuple[Seen, ...]

    @property
    def head(self) -> int:
        """Number of the last fact of the main branch."""
        return self.branches[0].head.seq

    @property
    def floor(self) -> int:
        """Number above which nothing is missing."""
        return self.branches[0].floor.seq


class Oversight:
    """Reads the store's own tables; raises StoreUnusable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def quarantine(self, *, acknowledged: bool = True) -> list[SetAside]:
        """What was set aside, the newest first; without `acknowledged` only what nobody has looked at."""
        where = "" if acknowledged else "WHERE acknowledged = 0"
        rows = self._store.rows(
            f"""SELECT digest, at, last_at, times, source, reason, payload, acknowledged FROM quarantine {where}
                ORDER BY number DESC"""
        )
        return [
            SetAside(digest, at, last_at, times, source, reason, payload[:SHOWN_PAYLOAD], bool(seen))
            for digest, at, last_at, times, source, reason, payload, seen in rows
        ]

    def acknowledge(self, digest: str) -> None:
        """Notes that somebody has looked at it; raises NotFound."""
        if not self._store.rows("SELECT 1 FROM quarantine WHERE digest = ?", (digest,)):
            raise NotFound("nothing of that digest is set aside; it may have made room for newer ones")
        self._store.engine.execute("UPDATE quarantine SET acknowledged = 1 WHERE digest = ?", (digest,))

    def flags(self) -> list[Flag]:
        """Everything that was flagged, the newest first."""
        forked = self._store.forked()
        return [
            Flag(ref, why, at, detail, node_of(ref), tuple(forked.get(_journal_of(ref), ())))
            for ref, why, at, detail in self._store.flags()
        ]

    def forks(self) -> dict[str, list[Branch]]:
        """Every branch of the journals that forked, by their author."""
        found: dict[str, list[Branch]] = {}
        for journal, branches in sorted(self._store.forked().items()):
            found.setdefault(author_of(journal), []).extend(branches)
        return found

    def events(self) -> dict[str, list[Fact]]:
        """The last events of each node, the newest first."""
        marks = ", ".join("?" * len(EVENT_KINDS))
        rows = self._store.rows(
            f"SELECT {COLUMNS} FROM facts WHERE kind IN ({marks}) ORDER BY position DESC LIMIT 500",
            EVENT_KINDS,
        )
        found: dict[str, list[Fact]] = {}
        for fact in sorted(map(fact_of, rows), key=lambda one: one.at, reverse=True):
            told = found.setdefault(author_of(fact.journal), [])
            if len(told) < MOST_EVENTS:
                told.append(fact)
        return found

    def journals(self) -> list[HeldJournal]:
        """Every journal that is held, with its witnesses; its author is none."""
        seen = self._seen()
        return [
            HeldJournal(name, tuple(self._store.branches(name)), tuple(seen.get(name, ())))
            for name in sorted(self._store.heads())
        ]

    def _seen(self) -> Mapping[str, Sequence[Seen]]:
        rows: list[Any] = self._store.rows(
            "SELECT journal, witness, seq, at FROM heads_seen ORDER BY journal, seq DESC, witness"
        )
        found: dict[str, list[Seen]] = {}
        for journal, witness, seq, at in rows:
            if witness != author_of(journal):
                found.setdefault(journal, []).append(Seen(witness, seq, at))
        return found


def node_of(ref: str) -> str:
    """The node that a flag is about: `node/NAME`, or the author of a fact."""
    return ref.removeprefix("node/") if ref.startswith("node/") else author_of(_journal_of(ref))


def _journal_of(ref: str) -> str:
    return "" if ref.startswith("node/") else Ref.parse(ref).journal
