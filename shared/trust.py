"""Whose signature is good for which journal: the pinned root, its successors, and the nodes that the centre enrolled.

A pure fold of the centre's facts; the order in which they are learnt makes no difference once all are known.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.authority import ALL, NodeWord, counted_journals, from_centre, in_order
from shared.bodies import NodeEnrolled, NodeRevoked, RootRotated, read_body
from shared.facts import Fact, FactError
from shared.journal import Head, author_of, centre_node, is_centre
from shared.signing import PublicKey

_KINDS = ("node_enrolled", "node_revoked", "root_rotated")


@dataclass(frozen=True)
class _Rotation:
    """A root's successor, and where the old root's journals end."""

    fact: Fact
    body: RootRotated


class Trust:
    """The keys of one site. `root` was pinned at installation; nothing else is believed without it.

    It may be any of the roots that were: what the earlier ones signed is vouched for by the rotation that left them.
    """

    def __init__(self, site: str, root: PublicKey) -> None:
        self.site = site
        self._pinned = root
        self._words: dict[str, dict[str, NodeWord]] = {}
        self._nodes: dict[str, _NodeKeys] = {}
        self._rotations: dict[str, _Rotation] = {}
        self._chain: list[_Rotation] = []

    def learn(self, facts: Iterable[Fact]) -> bool:
        """Takes in enrolments, revocations and rotations of the site's centre journals. True when there were any."""
        changed: set[str] = set()
        rotated = False
        for fact in facts:
            if fact.kind not in _KINDS or not from_centre(self.site, fact):
                continue
            try:
                body = read_body(fact)
            except FactError:
                continue
            if isinstance(body, NodeEnrolled | NodeRevoked) and not is_centre(body.node):
                self._words.setdefault(body.node, {})[fact.hash] = ((fact.at, fact.seq), body)
                changed.add(body.node)
            elif isinstance(body, RootRotated):
                self._rotations[fact.hash] = _Rotation(fact, body)
                rotated = True
        for node in changed:
            self._nodes[node] = _NodeKeys.of(self._words[node].values())
        if rotated:
            self._chain = self._chained()
        return bool(changed) or rotated

    def knows(self, journal: str) -> bool:
        """True for the site's centre journals and those of the nodes enrolled here."""
        return bool(self.keys(journal, 1))

    def keys(self, journal: str, seq: int) -> tuple[PublicKey, ...]:
        """The keys whose signature over number `seq` of a journal is good; none when its author is not known here.

        A node may have had several keys; what an earlier one signed stays signed, but in a journal that an enrolment
        names no earlier key is good. A root that was rotated away signs nothing beyond the ends that the rotation names.
        """
        author = author_of(journal)
        if author != centre_node(self.site):
            known = self._nodes.get(author)
            return known.of_journal(journal) if known else ()
        for root, ends in self._roots():
            if ends is None or seq <= ends.get(journal, 0):
                return (root,)
        return ()

    def node_keys(self, node: str) -> tuple[PublicKey, ...]:
        """The keys whose signature under a vector of the node is good now, newest last; none after a revocation."""
        if node == centre_node(self.site):
            return (self.root,)
        known = self._nodes.get(node)
        return known.now if known else ()

    def former_keys(self, node: str) -> tuple[PublicKey, ...]:
        """The keys that a node ever had. A revoked one vouches for nothing; what it signed is still to be fetched from it."""
        known = self._nodes.get(node)
        return known.ever if known else ()

    def counts(self, journal: str) -> bool:
        """Whether what is written at the end of a node's journal counts, as far as revocations go."""
        known = self._nodes.get(author_of(journal))
        return known is None or known.counted is None or known.counted.get(journal) == ALL

    def told(self, node: str, key: PublicKey) -> str | None:
        """The journal in which the centre told the node to go on, when it was enrolled last under that key."""
        known = self._nodes.get(node)
        return known.told if known and known.now and known.now[-1] == key else None

    @property
    def root(self) -> PublicKey:
        """The centre's key now."""
        return self._roots()[-1][0]

    def rotations(self) -> list[Fact]:
        """The facts that lead from one root to the next, in order."""
        return [one.fact for one in self._chain]

    def end(self, journal: str) -> Head | None:
        """Where a journal ended under a root that was rotated away; any other history of it is forged."""
        return next((Head.of(one.fact) for one in self._chain if one.fact.journal == journal), None)

    def _roots(self) -> list[tuple[PublicKey, dict[str, int] | None]]:
        """Roots in order, each with the ends of its journals; None for the one that still writes."""
        roots: list[tuple[PublicKey, dict[str, int] | None]] = [
            (PublicKey(one.body.left), one.body.ends) for one in self._chain
        ]
        last = PublicKey(self._chain[-1].body.public_key) if self._chain else self._pinned
        return [*roots, (last, None)]

    def _chained(self) -> list[_Rotation]:
        """Rotations in order, each leaving the key that the one before began; none when the pinned key is not among them.

        Each is the last fact of a journal that it ends. Of two that leave the same key the one that was learnt first stands:
        whoever stole it can still write below the ends, and comes too late.
        """
        by_left: dict[PublicKey, _Rotation] = {}
        for one in self._rotations.values():
            if one.body.ends.get(one.fact.journal) == one.fact.seq:
                by_left.setdefault(PublicKey(one.body.left), one)
        begun = {PublicKey(one.body.public_key): left for left, one in by_left.items()}
        first, seen = self._pinned, {self._pinned}
        while first in begun and begun[first] not in seen:
            first = begun[first]
            seen.add(first)
        ordered: list[_Rotation] = []
        while first in by_left and len(ordered) < len(by_left):
            ordered.append(by_left[first])
            first = PublicKey(ordered[-1].body.public_key)
        return ordered


@dataclass(frozen=True)
class _NodeKeys:
    """The keys of one node: all it had, those good now, those good in a journal that an enrolment named."""

    ever: tuple[PublicKey, ...]
    now: tuple[PublicKey, ...]
    named: dict[str, tuple[PublicKey, ...]]
    counted: dict[str, int] | None
    told: str | None

    @classmethod
    def of(cls, words: Iterable[NodeWord]) -> "_NodeKeys":
        ever: dict[PublicKey, None] = {}
        now: dict[PublicKey, None] = {}
        named: dict[str, dict[PublicKey, None]] = {}
        told: str | None = None
        ordered = in_order(words)
        for word in ordered:
            if isinstance(word, NodeRevoked):
                now, told = {}, None
                continue
            key = PublicKey(word.public_key)
            if word.journal is not None:
                told = word.journal
                named.setdefault(told, {})
            for keys in (ever, now, *named.values()):
                keys.pop(key, None)
                keys[key] = None
        counted = counted_journals(ordered)
        return cls(
            tuple(ever),
            tuple(now),
            {journal: tuple(keys) for journal, keys in named.items()},
            dict(counted) if counted is not None else None,
            told,
        )

    def of_journal(self, journal: str) -> tuple[PublicKey, ...]:
        return self.named.get(journal, self.ever)
