"""What was heard of the other nodes: their vectors, what they hold that we lack, and how old our knowledge of each is."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from shared.clock import Stamp
from shared.facts import NO_HASH
from shared.journal import Head, author_of, centre_node, journal_id
from shared.node.store import Store
from shared.protocol import Vector

HEARD_RECENTLY_S = 20.0
OLD = timedelta(seconds=60)
"""After a silence, a vector that is older by our clock may be one that a bridge had kept: a second one soon after proves life."""
WENT_BACKWARDS = "went_backwards"
MOST_STRANGERS = 16


@dataclass(frozen=True)
class Heard:
    """A node's newest vector and when it was heard, by our monotonic clock.

    A vector that lay retained at the broker tells what its node held once, not that the node is there: `at_s` is -inf.
    `came_s`: when the newest came that was not retained; one that a bridge had kept comes like that too. `lacking`: heads
    that it names and we did not hold when it came.
    """

    vector: Vector
    at_s: float
    came_s: float = float("-inf")
    lacking: tuple[Head, ...] = field(default=(), compare=False)


class Peers:
    """The nodes of one site as they were heard. `ours`: whether a journal is one of the site's."""

    def __init__(
        self, store: Store, site: str, clock: Callable[[], float], ours: Callable[[str], bool], boot: str
    ) -> None:
        self.heard: dict[str, Heard] = {}
        self._store = store
        self._site = site
        self._clock = clock
        self._ours = ours
        self._boot = boot
        self._setting = f"fresh/{site}"
        self._fresh_at: dict[str, float] = self._remembered()
        self._changed = False
        self._outdated: set[str] = set()
        self._strangers: set[str] = set()

    def hear(self, vector: Vector, *, retained: bool) -> bool:
        """Takes a checked vector in. False for one that is older than what we have of its node."""
        known = self.heard.get(vector.node)
        if known is not None and not self._newer(vector, known.vector):
            if not retained and (vector.incarnation, vector.at) != (
                known.vector.incarnation,
                known.vector.at,
            ):
                self._outdated.add(vector.node)
            return False
        self._outdated.discard(vector.node)
        at_s, came_s = (known.at_s, known.came_s) if known else (float("-inf"), float("-inf"))
        if not retained:
            now, follows = self._clock(), self._clock() - came_s < HEARD_RECENTLY_S
            came_s = now
            at_s = now if follows or vector.at > str(Stamp(self._store.steady() - OLD)) else at_s
        lacking = tuple(head for head in vector.all_heads() if not self._store.holds(head))
        self.heard[vector.node] = Heard(vector, at_s, came_s, lacking)
        self.note_freshness(vector.node)
        return True

    def _newer(self, vector: Vector, known: Vector) -> bool:
        """Whether a vector is newer than the one we have. A node that counts its starts anew is flagged: it lost its store."""
        if vector.incarnation < known.incarnation and vector.at > known.at:
            self._store.flag(
                f"node/{vector.node}",
                WENT_BACKWARDS,
                f"start {vector.incarnation} after start {known.incarnation}: its store was lost or put back",
            )
        return (vector.incarnation, vector.at) > (known.incarnation, known.at)

    def outdated(self) -> dict[str, Vector]:
        """Nodes whose last vector was passed over as older than one that is known; with the one that is known."""
        return {node: self.heard[node].vector for node in sorted(self._outdated)}

    def lively(self, node: str) -> bool:
        """Whether the node was heard of itself lately."""
        held = self.heard.get(node)
        return held is not None and self._clock() - held.at_s < HEARD_RECENTLY_S

    # -- what we lack

    def missing(self) -> dict[str, dict[Head, list[str]]]:
        """By journal: the heads that somebody heard holds and we do not, each with who holds it."""
        missing: dict[str, dict[Head, list[str]]] = {}
        for node, heard in self.heard.items():
            for head in heard.lacking:
                if self._ours(head.journal) and not self._store.holds(head):
                    missing.setdefault(head.journal, {}).setdefault(head, []).append(node)
        first = Head(journal_id(centre_node(self._site)), 1, NO_HASH)
        if self._strangers and not self._store.head(first.journal).seq:
            missing.setdefault(first.journal, {})[first] = sorted(self._strangers)
        return missing

    def pass_by(self, node: str) -> None:
        """A node whose key is not known was heard. It can be asked for the centre's journal, which says whose key is whose."""
        if len(self._strangers) < MOST_STRANGERS:
            self._strangers.add(node)

    def whom(self, journal: str, holders: Sequence[str], times: int) -> str:
        """The author, then the centre, then a named peer: the lively ones first, the next one when asked in vain."""
        order = dict.fromkeys([author_of(journal), centre_node(self._site), *sorted(holders)])
        known = [node for node in order if node in holders]
        lively = [node for node in known if self.lively(node)]
        return (lively or known)[times % len(lively or known)]

    def holders(self, journal: str, seq: int) -> list[str]:
        """Who says that it holds a journal at least up to a number."""
        return [
            node
            for node, heard in self.heard.items()
            if journal in heard.vector.heads and heard.vector.heads[journal].seq >= seq
        ]

    # -- how old our knowledge is

    def note_freshness(self, *nodes: str) -> None:
        """Knowledge of an author is as fresh as its newest vector, once all of its own journals that it names are held."""
        for node in nodes or tuple(self.heard):
            heard = self.heard.get(node)
            if heard is None or heard.at_s == float("-inf"):
                continue
            own = [head for head in heard.lacking if author_of(head.journal) == node]
            if all(self._store.holds(head) for head in own) and heard.at_s > self._fresh_at.get(
                node, float("-inf")
            ):
                self._fresh_at[node] = heard.at_s
                self._changed = True

    def ages_s(self) -> dict[str, int | None]:
        """Seconds since each author was last heard while its journals were held in full, by author; None when never."""
        now = self._clock()
        authors = {author_of(journal) for journal in self._store.heads()} | {centre_node(self._site)}
        return {
            author: int(now - self._fresh_at[author]) if author in self._fresh_at else None
            for author in sorted(authors | set(self._fresh_at))
        }

    def remember(self) -> None:
        """Keeps the ages over a restart of the process: the monotonic clock runs on until the machine starts anew."""
        if self._changed:
            self._changed = False
            self._store.set_setting(self._setting, json.dumps({"boot": self._boot, "at_s": self._fresh_at}))

    def _remembered(self) -> dict[str, float]:
        kept = json.loads(self._store.setting(self._setting) or "{}")
        if not self._boot or kept.get("boot") != self._boot:
            return {}
        now = self._clock()
        return {author: at_s for author, at_s in kept["at_s"].items() if at_s <= now}


def boot_id() -> str:
    """Names this run of the machine; empty where the system does not tell, and then nothing is remembered over a restart."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
