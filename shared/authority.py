"""Who may speak for whom: a pure function of the centre's enrolment facts.

Storing is not counting. Every well-signed fact is stored; whether a confirmation *counts* is asked here, again and again, as
enrolments arrive. Authority to count = the officer holds the agency's office at that time AND the node is licensed for that
place and agency AND (asked by `decide`) the step names the agency.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from shared.bodies import (
    CENTRE_KINDS,
    Confirmed,
    NodeEnrolled,
    OfficerEnrolled,
    OfficerRevoked,
    OpenRequested,
    read_body,
    understood,
)
from shared.codes import YARD_GATES, Actor, Agency, Place
from shared.facts import Fact, FactError
from shared.journal import author_of, centre_node


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

    @classmethod
    def of(cls, site: str, facts: Iterable[Fact]) -> "Authority":
        """Folds the enrolment facts of the site's centre journals; all others are passed over."""
        nodes: dict[str, tuple[tuple[str, int], NodeEnrolled]] = {}
        leases: dict[str, set[OfficerEnrolled]] = {}
        revoked: dict[str, set[datetime]] = {}
        for fact in facts:
            if not from_centre(site, fact) or not understood(fact):
                continue
            match _body(fact):
                case NodeEnrolled() as node:
                    order = (fact.at, fact.seq)
                    if node.node not in nodes or nodes[node.node][0] < order:
                        nodes[node.node] = (order, node)
                case OfficerEnrolled() as lease if lease.site == site:
                    leases.setdefault(lease.officer, set()).add(lease)
                case OfficerRevoked() as end:
                    revoked.setdefault(end.officer, set()).add(end.revoked_at)
                case _:
                    pass
        return cls(
            site,
            {name: body for name, (_, body) in nodes.items()},
            {who: tuple(sorted(held, key=lambda one: one.valid_from)) for who, held in leases.items()},
            {who: tuple(sorted(ends)) for who, ends in revoked.items()},
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
        """Whether the node is licensed for the place and, for an agency's act, for that agency."""
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
            return self.node_speaks(author_of(fact.journal), body.place, None)
        if body.officer is None:
            return Counting.REFUSED
        return self.officer_acts(fact, body.officer, body.by, body.place)

    def officer_acts(self, fact: Fact, officer: str, agency: Agency, place: Place) -> Counting:
        """Whether what the fact says an officer did for an agency at a place counts."""
        both = {
            self.node_speaks(author_of(fact.journal), place, agency),
            self.officer_holds(officer, agency, fact.stamp.wall),
        }
        if Counting.REFUSED in both:
            return Counting.REFUSED
        return Counting.PENDING if Counting.PENDING in both else Counting.COUNTS


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
