"""A node's voice: its vectors, numbered by its starts, and what it does when it hears its own name."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from shared import protocol
from shared.journal import Head
from shared.node.identity import Identity
from shared.node.store import Store
from shared.protocol import Vector, WireHead, WireTurn

log = structlog.get_logger()

MOST_SAID = 64
"""So many of our last vectors are known again when we hear of them."""
TWIN = "twin"


class Voice:
    """Speaks for a node at one site. `twin`: another PC was heard under its name. `ours`: whether a journal is the site's."""

    def __init__(self, store: Store, identity: Identity, ours: Callable[[str], bool]) -> None:
        self.twin = False
        self.incarnation = store.next_incarnation()
        self._store = store
        self._identity = identity
        self._ours = ours
        self._led = False
        self._said_at: deque[str] = deque(maxlen=MOST_SAID)

    def vector(
        self, refused: Mapping[str, Head], outdated: Mapping[str, Vector], checkpoint: str | None
    ) -> Vector:
        """How far this node has every journal of the site, signed."""
        held = {journal: head for journal, head in self._store.heads().items() if self._ours(journal)}
        forked = self._store.forked().items()
        members: dict[str, Any] = {
            "branches": {j: [_wire(one.head) for one in b[1:]] for j, b in forked if j in held},
            "refused": {journal: _wire(head) for journal, head in refused.items()},
            "outdated": {
                node: WireTurn(incarnation=one.incarnation, at=one.at) for node, one in outdated.items()
            },
            "checkpoint": checkpoint,
        }
        self._said_at.append(str(self._store.clock.now()))
        return Vector(
            node=self._identity.node,
            site=self._identity.site,
            incarnation=self.incarnation,
            at=self._said_at[-1],
            heads={journal: _wire(head) for journal, head in held.items()},
            **{name: value for name, value in members.items() if value},
        ).sign(self._identity.key)

    def hear_ourselves(self, vector: Vector, *, retained: bool) -> None:
        """Our own name, signed with our key, and newer than what we said: two PCs bear it, or we have lost our disk."""
        said = self._said_at[-1] if self._said_at else ""
        if (vector.incarnation, vector.at) <= (self.incarnation, said):
            return
        self.incarnation = vector.incarnation + 1
        if retained:
            return
        if not self.twin:
            log.error("twin_heard", node=vector.node, incarnation=vector.incarnation)
        self.twin = True
        detail = "another PC speaks under this name; take one of them off the network"
        self._store.flag(f"node/{vector.node}", TWIN, detail)

    def rise_above(self, known: WireTurn | None) -> bool:
        """A peer passes our vectors over: it knows a newer one, from before our disk was lost or from a twin.

        True when we count on above it.
        """
        if known is None or known.incarnation < self.incarnation:
            return False
        if known.incarnation == self.incarnation and known.at in self._said_at:
            return False
        self.incarnation = known.incarnation + 1
        return True

    def leads(self, *, leads: bool) -> bool:
        """Whether this process of several speaks for the node; asked at every tick. Raises StoreUnusable.

        Who takes that over counts as a new start, so that its word is newer; who was taken over from, and does not know it
        yet, is silent.
        """
        if not leads:
            self._led = False
            return False
        speaker = f"speaker/{self._identity.node}"
        if not self._led:
            self._led = True
            self.incarnation = self._store.next_incarnation()
            self._store.set_setting(speaker, str(self.incarnation))
            log.info("lead_taken", site=self._identity.site, incarnation=self.incarnation)
        return self._store.setting(speaker) == str(self.incarnation)


def _wire(head: Head) -> WireHead:
    return protocol.WireHead(seq=head.seq, hash=head.hash)
