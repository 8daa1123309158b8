"""What a node asks of others, whom, and how often: for what it lacks, then for history, and never in vain without a pause."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shared.branches import Place, place
from shared.journal import Head, author_of, centre_node
from shared.node.peers import Peers
from shared.node.store import Store
from shared.protocol import MOST_KNOWN, Ask, WireHead

LATER_S = 0.25
"""A push is on its way while a vector tells of it: what is missing is asked for a moment later."""
ASK_AGAIN_S = 1.0
IN_VAIN_MOST_S = 60.0
REFUSED_FIRST_S, REFUSED_MOST_S = 5.0, 600.0
_HISTORY = "history"


@dataclass(frozen=True)
class _Asked:
    """An ask that waits for its answer: what was held then, when, and how often in vain before."""

    held: tuple[Place, ...]
    at_s: float
    times: int


@dataclass(frozen=True)
class _Refused:
    """What was offered of a journal and set aside, when it may be asked for again, and how long to wait the next time."""

    head: Head
    until_s: float
    wait_s: float


class Asking:
    """The asks of one site. `wants_history`: whether facts below a journal's floor are wanted still."""

    def __init__(
        self,
        store: Store,
        peers: Peers,
        site: str,
        clock: Callable[[], float],
        wants_history: Callable[[str], bool],
    ) -> None:
        self._store = store
        self._peers = peers
        self._site = site
        self._clock = clock
        self._wants_history = wants_history
        self._asked: dict[str, _Asked] = {}
        self._behind_since: dict[str, float] = {}
        self._refused: dict[str, _Refused] = {}

    def due(self, *, at_once: bool = False) -> Iterator[tuple[str, Ask]]:
        """Whom to ask for what now. `at_once`: something has just come, and what follows it is wanted without a pause."""
        missing = self._peers.missing()
        for journal in set(self._behind_since) - set(missing):
            del self._behind_since[journal]
        for journal, heads in missing.items():
            holders = sorted({node for head in heads if self._takes(head) for node in heads[head]})
            if holders and (ask := self._ask_for(journal, holders, at_once=at_once)):
                yield ask
        if not missing:
            yield from self._history()

    def answered(self, journal: str) -> None:
        """Something of the journal was taken."""
        self._asked.pop(journal, None)
        self._refused.pop(journal, None)

    def history_answered(self) -> None:
        """A page of history came."""
        self._asked.pop(_HISTORY, None)

    def refuse(self, head: Head) -> None:
        """What was offered up to a head could not be taken: it is asked for again after ever longer pauses only."""
        before = self._refused.get(head.journal)
        wait_s = min(REFUSED_MOST_S, 2 * before.wait_s) if before else REFUSED_FIRST_S
        self._refused[head.journal] = _Refused(head, self._clock() + wait_s, wait_s)

    def refused(self) -> dict[str, Head]:
        """What was set aside and is not asked for now, by journal."""
        return {journal: one.head for journal, one in self._refused.items()}

    def forget(self) -> None:
        """The link is new: nothing is on its way any more."""
        self._asked.clear()

    def _takes(self, head: Head) -> bool:
        """Whether a head is worth asking for: not while what leads to it was refused a short while ago."""
        refused = self._refused.get(head.journal)
        return refused is None or self._clock() >= refused.until_s

    def _ask_for(self, journal: str, holders: list[str], *, at_once: bool) -> tuple[str, Ask] | None:
        now = self._clock()
        held = tuple(place(branch.head) for branch in self._store.branches(journal))
        since = self._behind_since.setdefault(journal, now)
        asked = self._asked.get(journal)
        in_vain = asked is not None and asked.held == held
        if asked is not None and in_vain and now - asked.at_s < _pause_s(asked.times):
            return None
        if not at_once and now - since < LATER_S:
            return None
        times = asked.times + 1 if asked is not None and in_vain else 0
        self._asked[journal] = _Asked(held, now, times)
        to = self._peers.whom(journal, holders, times)
        known = [WireHead(seq=head.seq, hash=head.hash) for head in self._known(journal, to)]
        return to, Ask(journal=journal, after=self._store.head(journal).seq, known=known)

    def _known(self, journal: str, to: str) -> list[Head]:
        """Places of a journal that we hold: ends of the answerer's branches, so that it passes over those, and our locator."""
        ends = [head for head in self._peers.heard[to].vector.all_heads() if head.journal == journal]
        known = [*(head for head in ends if self._store.holds(head)), *self._store.locator(journal)]
        return list(dict.fromkeys(known))[-MOST_KNOWN:]

    def _history(self) -> Iterator[tuple[str, Ask]]:
        """One question about history at a time: it is in no hurry."""
        now = self._clock()
        asked = self._asked.get(_HISTORY)
        if asked is not None and now - asked.at_s < ASK_AGAIN_S:
            return
        for journal, floor in self._store.floors().items():
            holders = [n for n in self._peers.holders(journal, floor.seq) if self._peers.lively(n)]
            if not holders or not self._wants_history(journal):
                continue
            times = asked.times + 1 if asked is not None else 0
            self._asked[_HISTORY] = _Asked((place(floor),), now, times)
            centre = centre_node(self._site)
            order = dict.fromkeys([centre, author_of(journal), *sorted(holders)])
            known = [node for node in order if node in holders]
            yield known[times % len(known)], Ask(journal=journal, below=floor.seq)
            return


def _pause_s(times: int) -> float:
    """How long an answer is waited for: three times a second, then ever longer."""
    return float(min(IN_VAIN_MOST_S, ASK_AGAIN_S * 2 ** max(0, times - 2)))
