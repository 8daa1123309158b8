"""Whose signature is good for which journal: the pinned root, its successors, and the nodes that the centre enrolled.

A pure fold of the centre's facts; the order in which they are learnt makes no difference once all are known.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.authority import from_centre
from shared.bodies import NodeEnrolled, RootRotated, read_body
from shared.facts import Fact, FactError
from shared.journal import author_of, centre_node, is_centre
from shared.signing import PublicKey


@dataclass(frozen=True)
class _Rotation:
    """A root's successor, and where the old root's journals end."""

    fact: Fact
    body: RootRotated

    @property
    def is_last(self) -> bool:
        """Whether nothing stands above it in its journal, as it says itself."""
        return (
            self.body.ends.get(self.fact.journal) == self.fact.seq and self.body.journal not in self.body.ends
        )


class Trust:
    """The keys of one site. `root` was pinned at installation; nothing else is believed without it."""

    def __init__(self, site: str, root: PublicKey) -> None:
        self.site = site
        self._pinned = root
        self._nodes: dict[str, dict[PublicKey, None]] = {}
        self._rotations: dict[str, _Rotation] = {}

    def learn(self, facts: Iterable[Fact]) -> bool:
        """Takes in enrolments and rotations of the site's centre journals. True when somebody's keys have changed."""
        changed = False
        for fact in facts:
            if fact.kind not in ("node_enrolled", "root_rotated") or not from_centre(self.site, fact):
                continue
            try:
                body = read_body(fact)
            except FactError:
                continue
            if isinstance(body, NodeEnrolled) and not is_centre(body.node):
                self._nodes.setdefault(body.node, {})[PublicKey(body.public_key)] = None
                changed = True
            elif isinstance(body, RootRotated):
                self._rotations[fact.hash] = _Rotation(fact, body)
                changed = True
        return changed

    def knows(self, journal: str) -> bool:
        """True for the site's centre journals and those of the nodes enrolled here."""
        return bool(self.keys(journal, 1))

    def keys(self, journal: str, seq: int) -> tuple[PublicKey, ...]:
        """The keys whose signature over number `seq` of a journal is good; none when its author is not known here.

        A node may have had several keys; what an earlier one signed stays signed. A root that was rotated away signs
        nothing beyond the ends that the rotation names.
        """
        author = author_of(journal)
        if author != centre_node(self.site):
            return tuple(self._nodes.get(author, ()))
        for root, ends in self._roots():
            if ends is None or seq <= ends.get(journal, 0):
                return (root,)
        return ()

    def node_keys(self, node: str) -> tuple[PublicKey, ...]:
        """The keys whose signature under a vector of the node is good now, newest last."""
        if node == centre_node(self.site):
            return (self.root,)
        return tuple(self._nodes.get(node, ()))

    @property
    def root(self) -> PublicKey:
        """The centre's key now."""
        return self._roots()[-1][0]

    def rotations(self) -> list[Fact]:
        """The facts that lead from the pinned root to the one now, in order."""
        return [one.fact for one in self._chain()]

    def _roots(self) -> list[tuple[PublicKey, dict[str, int] | None]]:
        """Roots from the pinned one on, each with the ends of its journals; None for the one that still writes."""
        roots: list[tuple[PublicKey, dict[str, int] | None]] = []
        current = self._pinned
        for rotation in self._chain():
            roots.append((current, rotation.body.ends))
            current = PublicKey(rotation.body.public_key)
        return [*roots, (current, None)]

    def _chain(self) -> list[_Rotation]:
        """Rotations in order: each is the last fact of a journal that it ends, and ends what the one before began.

        Of two that contradict each other the one that was learnt first stands: whoever stole an old root comes too late.
        """
        left = [one for one in self._rotations.values() if one.is_last]
        begun = {one.body.journal for one in left}
        ordered: list[_Rotation] = []
        following = [one for one in left if not begun & one.body.ends.keys()]
        while following:
            ordered.append(following[0])
            last = following[0].body.journal
            following = [one for one in left if last in one.body.ends and one not in ordered]
        return ordered
