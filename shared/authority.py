"""Who may speak for whom: a pure function of the centre's enrolment facts.

Storing is not counting. Every well-signed fact is stored; whether a confirmation *counts* is asked here, again and again, as
enrolments arrive. Authority to count = the officer holds the agency's office at that time AND the node is licensed for that
place and agency AND (asked by `decide`) the step names the agency.

A revoked node: no fact tells which key signed it, and a stolen key can sign new journals as well as old ones. So after a
revocation only what the centre names counts: each journal in `node_revoked.trusted` up to its number, and in full the
journal that a later `node_enrolled` names, in which no earlier key is good (`shared.trust`). Where the same journal is
named again by a later revocation, the lower number holds; what was not named before cannot be won back by it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from shared.bodies import (
    CENTRE_KINDS,
    Confirmed,
    NodeEnrolled,
    NodeRevoked,
    OfficerEnrolled,
    OfficerRevoked,
    OpenRequested,
    read_body,
    understood,
)
from shared.codes import YARD_GATES, Actor, Agency, Place
from shared.facts import Fact, FactError
from shared.journal import author_of, centre_node

ALL = 2**53
"""Beyond every number: a journal that counts in full."""

NodeWord = tuple[tuple[str, int], NodeEnrolled | NodeRevoked]
"""What the centre said of a node, with the stamp and number by which such words are ordered."""


class Counting(Enum):
    """Whether a fact counts, and if not, whether it may yet."""

    COUNTS = "counts"
    PENDING = "pending"
    """Its author's enrolment has not been seen; it may still arrive."""
    REFUSED = "refused"
    """An enrolment is known and does not cover it."""


@dataclass(frozen=True)
class Authority:
    """All enrolments known, folded. Order of arrival does not matter."""

    site: str
    nodes: Mapping[str, NodeEnrolled] = field(default_factory=dict)
    leases: Mapping[str, tuple[OfficerEnrolled, ...]] = field(default_factory=dict)
    revoked: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    counted: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """For each node that was ever revoked: how far its journals count; one that is not named does not."""
    struck: frozenset[str] = frozenset()
    """Nodes that were revoked and not enrolled again."""

    @classmethod
    def of(cls, site: str, facts: Iterable[Fact]) -> "Authority":
        """Folds the enrolment facts of the site's centre journals; all others are passed over."""
        words: dict[str, list[NodeWord]] = {}
        leases: dict[str, set[OfficerEnrolled]] = {}
        revoked: dict[str, set[datetime]] = {}
        for fact in facts:
            if not from_centre(site, fact) or not understood(fact):
                continue
            match _body(fact):
                case NodeEnrolled() | NodeRevoked() as word:
                    words.setdefault(word.node, []).append(((fact.at, fact.seq), word))
                case OfficerEnrolled() as lease if lease.site == site:
                    leases.setdefault(lease.officer, set()).add(lease)
                case OfficerRevoked() as end:
                    revoked.setdefault(end.officer, set()).add(end.revoked_at)
                case _:
                    pass
        spoken = {node: in_order(said) for node, said in words.items()}
        licences = {
            node: [one for one in said if isinstance(one, NodeEnrolled)] for node, said in spoken.items()
        }
        limits = {node: counted_journals(said) for node, said in spoken.items()}
        return cls(
            site,
            {node: held[-1] for node, held in licences.items() if held},
            {who: tuple(sorted(held, key=lambda one: one.valid_from)) for who, held in leases.items()},
            {who: tuple(sorted(ends)) for who, ends in revoked.items()},
            {node: limit for node, limit in limits.items() if limit is not None},
            frozenset(node for node, said in spoken.items() if isinstance(said[-1], NodeRevoked)),
        )

    def officer_holds(self, officer: str, agency: Agency, at: datetime) -> Counting:
        """Whether the officer holds the agency's office at a time. A revocation ends the leases that began before it."""
        held = self.leases.get(officer, ())
        if not held:
            return Counting.PENDING
        ends = self.revoked.get(officer, ())
        in_force = any(
            lease.agency is agency
            and lease.valid_from <= at < lease.valid_until
            and not any(lease.valid_from < end <= at for end in ends)
            for lease in held
        )
        return Counting.COUNTS if in_force else Counting.REFUSED

    def node_speaks(self, node: str, place: Place, agency: Agency | None) -> Counting:
        """Whether what the node writes now, where it may write, is licensed: for the place and, for an agency's act, for it."""
        return Counting.REFUSED if node in self.struck else self._licensed(node, place, agency)

    def fact_speaks(self, fact: Fact, place: Place, agency: Agency | None) -> Counting:
        """Whether the node that wrote the fact is licensed as in `node_speaks`, and the fact lies within what counts of it."""
        node = author_of(fact.journal)
        counted = self.counted.get(node)
        if counted is not None and fact.seq > counted.get(fact.journal, 0):
            return Counting.REFUSED
        return self._licensed(node, place, agency)

    def _licensed(self, node: str, place: Place, agency: Agency | None) -> Counting:
        licence = self.nodes.get(node)
        if licence is None:
            return Counting.PENDING
        good = place in licence.places and (agency is None or agency in licence.agencies)
        return Counting.COUNTS if good else Counting.REFUSED

    def counts(self, fact: Fact, body: Confirmed | OpenRequested) -> Counting:
        """Whether a confirmation or an opening counts. A device speaks at yard gates only."""
        if isinstance(body.by, Actor):
            if body.by is not Actor.DEVICE or body.place not in YARD_GATES:
                return Counting.REFUSED
            return self.fact_speaks(fact, body.place, None)
        if body.officer is None:
            return Counting.REFUSED
        return self.officer_acts(fact, body.officer, body.by, body.place)

    def officer_acts(self, fact: Fact, officer: str, agency: Agency, place: Place) -> Counting:
        """Whether what the fact says an officer did for an agency at a place counts."""
        both = {
            self.fact_speaks(fact, place, agency),
            self.officer_holds(officer, agency, fact.stamp.wall),
        }
        if Counting.REFUSED in both:
            return Counting.REFUSED
        return Counting.PENDING if Counting.PENDING in both else Counting.COUNTS


def in_order(words: Iterable[NodeWord]) -> list[NodeEnrolled | NodeRevoked]:
    """What the centre said of a node, the newest last."""
    return [word for _, word in sorted(words, key=lambda one: one[0])]


def counted_journals(words: Iterable[NodeEnrolled | NodeRevoked]) -> Mapping[str, int] | None:
    """How far each of a node's journals counts, from the centre's words in order; None when it was never revoked."""
    counted: dict[str, int] | None = None
    for word in words:
        if isinstance(word, NodeRevoked):
            counted = {
                journal: seq if counted is None else min(seq, counted[journal])
                for journal, seq in word.trusted.items()
                if counted is None or journal in counted
            }
        elif counted is not None and word.journal is not None:
            counted.setdefault(word.journal, ALL)
    return counted


def from_centre(site: str, fact: Fact) -> bool:
    """True when the fact stands in a journal that the centre writes for this site."""
    return author_of(fact.journal) == centre_node(site)


def centre_only(fact: Fact) -> bool:
    """True for kinds that count only from the centre."""
    return fact.kind in CENTRE_KINDS


def _body(fact: Fact) -> object:
    try:
        return read_body(fact)
    except FactError:
        return None
