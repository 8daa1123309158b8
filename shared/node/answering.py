"""What a node answers when it is asked: facts that follow, history that leads to a fact, a checkpoint's part."""

from shared import protocol
from shared.journal import Head
from shared.node.checkpoints import Checkpoints
from shared.node.store import Store
from shared.trust import Trust


class Answering:
    """Answers from one store. It hands out journals of the site only."""

    def __init__(self, store: Store, trust: Trust, checkpoints: Checkpoints | None) -> None:
        self._store = store
        self._trust = trust
        self._checkpoints = checkpoints

    def payload(self, ask: protocol.Ask) -> bytes | None:
        """The answer's bytes; None when nothing of it is held. Raises StoreUnusable."""
        if ask.part is not None:
            return self._checkpoints.part(ask.part) if self._checkpoints else None
        if not self._trust.knows(ask.journal):
            return None
        most = protocol.PAGE_FACTS
        while True:
            payload = self._page(ask, most)
            if payload is None or protocol.fits(payload) or most == 1:
                return payload
            most //= 2

    def _page(self, ask: protocol.Ask, most: int) -> bytes | None:
        """A page of what follows what the asker knows, or of what leads to it."""
        if ask.below is not None:
            history = self._store.history_page(ask.journal, ask.below, most)
            return protocol.encode(protocol.history(*history)) if history else None
        known = [Head(ask.journal, head.seq, head.hash) for head in ask.known]
        page = (
            self._store.page_after(ask.journal, known, most)
            if known
            else self._store.page(ask.journal, ask.after, most)
        )
        return protocol.encode(protocol.batch(*page)) if page else None
