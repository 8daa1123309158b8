"""How a node without history begins: it loads the newest checkpoint and works; history fills in behind.

A node that is far behind does the same. While parts are on their way nothing else is asked for; when nobody hands them out,
the node fetches the journals from their beginning as if there were no checkpoint.
"""

from collections.abc import Callable, Iterator

import structlog

from shared.checkpoint import Manifest
from shared.facts import BadFact
from shared.journal import centre_node
from shared.node.checkpoints import Checkpoints
from shared.node.peers import Peers
from shared.node.store import Store
from shared.protocol import Ask

log = structlog.get_logger()

LEAP = 5_000
"""So many facts behind, a checkpoint is quicker than what happened since."""
MANIFEST_WITHIN_S = 1.0
"""An empty node waits so long for a checkpoint to be heard of before it asks for journals."""
PARTS_AT_ONCE = 4
ASK_AGAIN_S = 2.0
GIVE_UP_S = 20.0


class Beginning:
    """Fetches the parts of the newest checkpoint when it is worth it, and loads it."""

    def __init__(
        self,
        store: Store,
        checkpoints: Checkpoints,
        peers: Peers,
        node: str,
        site: str,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._checkpoints = checkpoints
        self._peers = peers
        self._node = node
        self._site = site
        self._clock = clock
        self._wanted: Manifest | None = None
        self._asked_at: dict[str, float] = {}
        self._times = 0
        self._progress_at = clock()
        self._empty_since: float | None = clock() if self._empty() else None

    def hear(self, manifest: Manifest) -> None:
        """A manifest with a good signature has come."""
        newer = self._checkpoints.announce(manifest)
        self._empty_since = None
        if (newer or self._checkpoints.manifest == manifest) and self._behind(manifest) > (
            0 if self._empty() else LEAP
        ):
            self._wanted = manifest
            self._progress_at = self._clock()
            self._load_when_complete()

    def fetch(self) -> None:
        """The newest checkpoint's parts are wanted though the journals are not behind: for pruning."""
        if self._checkpoints.missing() and self._wanted is None:
            self._wanted = self._checkpoints.manifest
            self._progress_at = self._clock()

    def take(self, sha256: str, payload: bytes) -> None:
        """A part has come; with the last one the checkpoint is loaded."""
        if self._checkpoints.take(sha256, payload):
            self._progress_at = self._clock()
            self._asked_at.pop(sha256, None)
            self._load_when_complete()

    def due(self) -> Iterator[tuple[str, Ask]] | None:
        """Parts to ask for now, and whom; None when journals may be asked for as usual."""
        now = self._clock()
        if self._wanted is not None and now - self._progress_at > GIVE_UP_S:
            log.warning("checkpoint_not_handed_out", parts=len(self._checkpoints.missing()))
            self._wanted = None
        if self._wanted is None:
            waiting = self._empty_since is not None and now - self._empty_since < MANIFEST_WITHIN_S
            return iter(()) if waiting else None
        return self._parts(now)

    def _parts(self, now: float) -> Iterator[tuple[str, Ask]]:
        holders = self._holders()
        for part in self._checkpoints.missing()[:PARTS_AT_ONCE] if holders else ():
            asked = self._asked_at.get(part.sha256)
            if asked is None or now - asked > ASK_AGAIN_S:
                self._times += asked is not None
                self._asked_at[part.sha256] = now
                yield holders[self._times % len(holders)], Ask(part=part.sha256)

    def _holders(self) -> list[str]:
        """The centre, then whoever says that it has all parts; those that are there first."""
        assert self._wanted is not None
        digest = self._wanted.digest
        centre = centre_node(self._site)
        told = [n for n, heard in self._peers.heard.items() if heard.vector.checkpoint == digest]
        order = dict.fromkeys([centre, *sorted(told)])
        return sorted(order, key=lambda node: not self._peers.lively(node))

    def _load_when_complete(self) -> None:
        if self._wanted is None or self._checkpoints.missing():
            return
        wanted, self._wanted = self._wanted, None
        if self._behind(wanted):
            try:
                facts = self._checkpoints.adopt(self._store, self._node)
            except BadFact:
                self._wanted = wanted
                raise
            log.info("checkpoint_loaded", at=wanted.at, facts=facts)

    def _empty(self) -> bool:
        """Whether nothing of the centre is held: then nobody's word can be judged."""
        centre = f"{centre_node(self._site)}."
        return not any(journal.startswith(centre) for journal in self._store.heads())

    def _behind(self, manifest: Manifest) -> int:
        heads = manifest.all_heads().items()
        return sum(max(0, head.seq - self._store.head(journal).seq) for journal, head in heads)
