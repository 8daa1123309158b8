"""A node's own journal: which one it writes, and when it has to begin another.

Nothing may be written under a number that was given away already. So a store says whether it is the one that was written
last: beside the database lies a small file with the count of starts, which does not travel with a copy of the database.
"""

import secrets
from enum import Enum
from pathlib import Path

from shared import subjects
from shared.bodies import Cause, JournalBegun, dump
from shared.facts import Draft
from shared.journal import author_of, journal_id
from shared.node.store import Store
from shared.signing import PrivateKey, PublicKey

_FIRST_DRAWN, _LAST_DRAWN = 100_000, 999_999


class Start(Enum):
    """What a store knows of its own past when its node starts."""

    NEW = "new"
    """Nothing was ever written here."""
    SAME = "same"
    """The store that this node wrote last."""
    DOUBTFUL = "doubtful"
    """Another store than the one that was written last: a backup, a copy, or an empty one in place of a lost one."""


def own_journal(store: Store, node: str) -> str:
    """The journal that a node writes now."""
    return store.setting(f"journal/{node}") or journal_id(node)


def own_journals(store: Store, node: str) -> list[str]:
    """Every journal of a node that is held."""
    return [journal for journal in store.heads() if author_of(journal) == node]


def draw_journal(store: Store, node: str) -> str:
    """A name for a new journal of a node. Its number is drawn, not counted: two clones that part must not draw the same."""
    taken = {own_journal(store, node), *own_journals(store, node)}
    while True:
        journal = journal_id(node, _FIRST_DRAWN + secrets.randbelow(_LAST_DRAWN - _FIRST_DRAWN + 1))
        if journal not in taken:
            return journal


def remember(store: Store, node: str, site: str, root: PublicKey) -> None:
    """Notes in the store who writes it and which root is pinned, for whoever proves it later (`audit`)."""
    for name, value in ((f"own/{node}", site), ("root", root.text)):
        if store.setting(name) != value:
            store.set_setting(name, value)


def begin_journal(store: Store, key: PrivateKey, node: str, cause: Cause, journal: str | None = None) -> str:
    """Leaves the node's journal and goes on in a new one, whose first fact says why; raises StoreUnusable.

    `journal`: its name, where the centre gave one; else it is drawn.
    """
    left = store.head(own_journal(store, node))
    journal = journal or draw_journal(store, node)
    body = JournalBegun(left=left.journal, seq=left.seq, hash=left.hash, cause=cause)
    store.set_setting(f"journal/{node}", journal)
    store.append(journal, key, [Draft("journal_begun", subjects.node(node), dump(body))])
    return journal


class Marker:
    """The count of starts in a file of its own, beside the database."""

    def __init__(self, database: Path) -> None:
        self.file = database.with_name(database.name + ".starts")

    def compare(self, store: Store) -> Start:
        """What the file says of the store; before the store counts this start."""
        counted = int(store.setting("incarnation") or 0)
        try:
            written = int(self.file.read_text(encoding="utf-8").split()[0])
        except FileNotFoundError:
            return Start.DOUBTFUL if counted else Start.NEW
        except (OSError, ValueError, IndexError):
            return Start.DOUBTFUL
        return Start.SAME if written == counted else Start.DOUBTFUL

    def write(self, incarnation: int) -> None:
        """Notes a start, after the store has counted it. Raises OSError."""
        beside = self.file.with_name(self.file.name + ".new")
        with beside.open("w", encoding="utf-8") as out:
            out.write(f"{incarnation}\n")
            out.flush()
        beside.replace(self.file)
