"""What the centre knows of each node: its status, how far each side is behind the other, when it was last heard.

Ages are by the monotonic clock, which is passed in; wall clocks of gates decide nothing here.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from shared.bodies import NodeEnrolled
from shared.journal import Head, author_of, centre_node
from shared.node.peers import HEARD_RECENTLY_S, Heard
from shared.protocol import Status, Vector


class GateState(StrEnum):
    """Whether a gate is there."""

    ALIVE = "alive"
    SILENT = "silent"
    """It said nothing for `HEARD_RECENTLY_S`, and the broker has not noticed that it is gone."""
    OFFLINE = "offline"
    """Its last will: the broker lost it, or it was stopped."""
    NEVER = "never"
    """Enrolled, and not heard since this centre started."""


@dataclass(frozen=True)
class Refusal:
    """A node takes nothing of a journal from number `seq` on."""

    by: str
    journal: str
    seq: int


@dataclass(frozen=True)
class Gate:
    """A gate as the page and the API show it.

    `behind`: facts of its journals that the centre lacks; `lags`: facts of the site's centre journal that the gate lacks;
    both None while it has not said how far it is. `refused_by`: who takes nothing of its journals from some number on.
    """

    node: str
    site: str
    places: tuple[str, ...]
    state: GateState
    heard_s: float | None
    behind: int | None
    lags: int | None
    status: Status | None
    refused_by: tuple[Refusal, ...] = ()
    revoked: bool = False


@dataclass
class Gates:
    """What was heard from the nodes since this process started."""

    _statuses: dict[str, tuple[Status, float]] = field(default_factory=dict)
    _vectors: list[Mapping[str, Heard]] = field(default_factory=list)
    _set_aside: dict[str, Callable[[], Mapping[str, Head]]] = field(default_factory=dict)

    def take_status(self, status: Status, now_s: float) -> None:
        """Takes a status in, heard at a monotonic time."""
        self._statuses[status.node] = (status, now_s)

    def watch(self, heard: Mapping[str, Heard]) -> None:
        """Looks from now on at the vectors that a site's sync hears (`Peers.heard`)."""
        self._vectors.append(heard)

    def watch_own(self, centre: str, set_aside: Callable[[], Mapping[str, Head]]) -> None:
        """Looks from now on at what the centre itself, under its name at a site, was offered and could not take."""
        self._set_aside[centre] = set_aside

    def view(
        self,
        enrolled: Mapping[str, NodeEnrolled],
        heads: Mapping[str, Head],
        now_s: float,
        revoked: Collection[str] = (),
    ) -> list[Gate]:
        """Every enrolled node, by site and name."""
        refusals = sorted(self._refusals(heads), key=lambda one: (one.by, one.journal))
        gates = [
            replace(
                self._gate(licence, heads, now_s),
                refused_by=tuple(one for one in refusals if author_of(one.journal) == licence.node),
                revoked=licence.node in revoked,
            )
            for licence in enrolled.values()
        ]
        return sorted(gates, key=lambda one: (one.site, one.node))

    def _refusals(self, heads: Mapping[str, Head]) -> Iterator[Refusal]:
        """What each node, the centre among them, refuses, from after what it holds."""
        for centre, set_aside in self._set_aside.items():
            for journal in set_aside():
                yield Refusal(centre, journal, heads.get(journal, Head.empty(journal)).seq + 1)
        for held in self._vectors:
            for node, heard in held.items():
                for journal in heard.vector.refused:
                    known = heard.vector.heads.get(journal)
                    yield Refusal(node, journal, (known.seq if known else 0) + 1)

    def _gate(self, licence: NodeEnrolled, heads: Mapping[str, Head], now_s: float) -> Gate:
        status, status_at_s = self._statuses.get(licence.node, (None, None))
        heard = next((held[licence.node] for held in self._vectors if licence.node in held), None)
        by_itself_s = status_at_s if status is not None and status.online else None
        told_s = (by_itself_s, heard.at_s if heard else None)
        times_s = [at_s for at_s in told_s if at_s is not None and at_s > float("-inf")]
        age_s = max(0.0, now_s - max(times_s)) if times_s else None
        vector = heard.vector if heard else None
        return Gate(
            node=licence.node,
            site=licence.site,
            places=tuple(place.value for place in licence.places),
            state=_state(status, age_s),
            heard_s=age_s,
            behind=_behind(vector, licence.node, heads),
            lags=_lags(vector, licence.site, heads),
            status=status,
        )


def _state(status: Status | None, age_s: float | None) -> GateState:
    if status is not None and not status.online:
        return GateState.OFFLINE
    if age_s is None:
        return GateState.NEVER
    return GateState.ALIVE if age_s <= HEARD_RECENTLY_S else GateState.SILENT


def _behind(vector: Vector | None, node: str, heads: Mapping[str, Head]) -> int | None:
    if vector is None:
        return None
    own = {journal: head.seq for journal, head in vector.heads.items() if author_of(journal) == node}
    return sum(max(0, seq - heads.get(journal, Head.empty(journal)).seq) for journal, seq in own.items())


def _lags(vector: Vector | None, site: str, heads: Mapping[str, Head]) -> int | None:
    if vector is None:
        return None
    ours = {journal: head.seq for journal, head in heads.items() if author_of(journal) == centre_node(site)}
    theirs = {journal: head.seq for journal, head in vector.heads.items()}
    return sum(max(0, seq - theirs.get(journal, 0)) for journal, seq in ours.items())
