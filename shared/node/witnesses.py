"""Witnesses: how far others were seen to hold the journals we hold, and our own word on how far we hold theirs.

A head that somebody else has seen cannot be taken back unnoticed: who cuts a journal's tail or signs it anew contradicts it.
"""

import json
from collections.abc import Callable, Mapping

from shared import subjects
from shared.bodies import HeadSeen, Witnessed, dump
from shared.facts import Draft
from shared.journal import Head, author_of
from shared.node.store import Store
from shared.protocol import Vector

_SETTING = "witnessed"
MOST_HEADS = 400


class Witnesses:
    """The table `heads_seen`. What is heard is kept in memory until `flush`, so that a vector costs no commit.

    `ours`: whether a journal is one of the site's; the centre holds those of several.
    """

    def __init__(self, store: Store, node: str, ours: Callable[[str], bool] = lambda _: True) -> None:
        self._store = store
        self._node = node
        self._ours = ours
        self._heard: dict[tuple[str, str], tuple[Head, str]] = {}
        self._seen: dict[str, int] = {}

    def hear(self, vector: Vector) -> None:
        """Takes note of what a checked vector says its node holds of the journals that we hold too."""
        for head in vector.all_heads():
            if not self._store.head(head.journal).seq:
                continue
            self._heard[vector.node, head.journal] = (head, vector.at)
            if author_of(head.journal) == self._node and self._store.holds(head):
                self._seen[head.journal] = max(head.seq, self._seen.get(head.journal, 0))

    def flush(self) -> None:
        """Puts what was heard on disk; raises StoreUnusable."""
        if not self._heard:
            return
        with self._store.engine.transaction("write"):
            self._store.engine.executemany(
                """INSERT INTO heads_seen(witness, journal, seq, hash, at) VALUES (?, ?, ?, ?, ?)
                   ON CONFLICT(witness, journal) DO UPDATE SET seq = excluded.seq, hash = excluded.hash,
                   at = excluded.at WHERE excluded.seq >= heads_seen.seq""",
                [
                    (witness, journal, head.seq, head.hash, at)
                    for (witness, journal), (head, at) in self._heard.items()
                ],
            )
        self._heard.clear()

    def unseen(self, journal: str) -> int:
        """How many facts of one of our journals nobody else has been seen to hold."""
        if journal not in self._seen:
            self._seen[journal] = max(
                (head.seq for head in seen(self._store, journal).values() if self._store.holds(head)),
                default=0,
            )
        return max(0, self._store.head(journal).seq - self._seen[journal])

    def draft(self) -> Draft | None:
        """A fact that says how far we hold the journals that went on since we last said so; None when none did."""
        said: dict[str, int] = json.loads(self._store.setting(_SETTING) or "{}")
        heads = {
            journal: HeadSeen(seq=head.seq, hash=head.hash)
            for journal, head in sorted(self._store.heads().items())
            if author_of(journal) != self._node
            and self._ours(journal)
            and self._went_on(journal, said.get(journal, 0), head)
        }
        chosen = dict(list(heads.items())[:MOST_HEADS])
        if not chosen:
            return None
        return Draft("witnessed", subjects.node(self._node), dump(Witnessed(heads=chosen)))

    def said(self, draft: Draft) -> None:
        """Notes that the draft's fact is on disk; raises StoreUnusable."""
        said: dict[str, int] = json.loads(self._store.setting(_SETTING) or "{}")
        said |= {journal: head["seq"] for journal, head in draft.body["heads"].items()}
        self._store.set_setting(_SETTING, json.dumps(said))

    def _went_on(self, journal: str, after: int, head: Head) -> bool:
        """By more than witnesses' words, or two nodes would witness each other for ever."""
        if head.seq <= after:
            return False
        query = "SELECT 1 FROM facts WHERE journal = ? AND seq > ? AND kind <> 'witnessed' LIMIT 1"
        return bool(self._store.rows(query, (journal, after)))


def seen(store: Store, journal: str) -> Mapping[str, Head]:
    """How far each witness was last seen to hold a journal."""
    rows = store.rows("SELECT witness, seq, hash FROM heads_seen WHERE journal = ?", (journal,))
    return {
        witness: Head(journal, seq, digest) for witness, seq, digest in rows if witness != author_of(journal)
    }
