"""What is known of one declaration: its versions, confirmations, refusals and passages, folded from facts in any order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from shared import plates
from shared.authority import Authority, Counting, from_centre
from shared.bodies import (
    Confirmed,
    GpsReported,
    Passed,
    Recalled,
    Refused,
    TurnedBack,
    Withdrawn,
    YardReported,
    read_body,
)
from shared.body import Body
from shared.codes import BARRIERS, Actor, Agency, Heading, Place
from shared.declared import Declaration
from shared.facts import Fact, FactError


@dataclass(frozen=True)
class Version:
    """One version of a declaration with the fact that declared it."""

    fact: Fact
    body: Declaration


@dataclass(frozen=True)
class Given:
    """A confirmation that was given, with whether it counts and whether it was taken back.

    `withdrawn_late`: taken back when the vehicle had passed the step already, which changes nothing any more.
    """

    fact: Fact
    body: Confirmed
    counting: Counting
    withdrawn: bool
    withdrawn_late: bool = False

    @property
    def counts(self) -> bool:
        """True when officer and node were entitled."""
        return self.counting is Counting.COUNTS


@dataclass(frozen=True)
class History:
    """All that is known of one declaration.

    What holds a vehicle back (a withdrawal, a refusal, a passage) is believed while its author's enrolment is still to come;
    what lets it go (a confirmation) is not. `not_understood` holds facts of unknown kind and those with a faulty body.
    """

    authority: Authority
    versions: tuple[Version, ...]
    recalled: Fact | None
    given: tuple[Given, ...]
    passages: tuple[tuple[Fact, Passed], ...]
    refusals: tuple[tuple[Fact, Refused], ...]
    turned_back: tuple[tuple[Fact, TurnedBack], ...]
    told: tuple[tuple[Fact, YardReported | GpsReported], ...]
    not_understood: tuple[Fact, ...]

    @classmethod
    def of(cls, facts: Iterable[Fact], authority: Authority) -> "History":
        """Folds facts; the result is the same for any order, for repeated facts, and where two facts bear one number (a fork)."""
        unique = sorted(
            {fact.hash: fact for fact in facts}.values(), key=lambda f: (f.at, f.journal, f.seq, f.hash)
        )
        bodies: list[tuple[Fact, Body]] = []
        strange: list[Fact] = []
        for fact in unique:
            try:
                bodies.append((fact, read_body(fact)))
            except FactError:
                strange.append(fact)
        centre = [(fact, body) for fact, body in bodies if from_centre(authority.site, fact)]
        versions = [Version(fact, body) for fact, body in centre if isinstance(body, Declaration)]
        passages = tuple(
            (fact, body)
            for fact, body in bodies
            if isinstance(body, Passed)
            and authority.fact_speaks(fact, body.place, None) is not Counting.REFUSED
        )
        return cls(
            authority=authority,
            versions=tuple(sorted(versions, key=lambda one: (one.body.version, one.fact.seq, one.fact.hash))),
            recalled=next((fact for fact, body in centre if isinstance(body, Recalled)), None),
            given=_given(bodies, passages, authority),
            passages=passages,
            refusals=tuple(
                (fact, body)
                for fact, body in bodies
                if isinstance(body, Refused) and _not_refused(authority, fact, body, body.place)
            ),
            turned_back=tuple(
                (fact, body)
                for fact, body in bodies
                if isinstance(body, TurnedBack)
                and authority.fact_speaks(fact, body.place, None) is not Counting.REFUSED
            ),
            told=tuple(
                (fact, body)
                for fact, body in bodies
                if isinstance(body, YardReported | GpsReported) and _may_tell(authority, fact, body)
            ),
            not_understood=tuple(strange),
        )

    @cached_property
    def current(self) -> Version | None:
        """The newest version, or None when the declaration itself has not arrived."""
        return self.versions[-1] if self.versions else None

    def version(self, ref: str) -> Version | None:
        """The version declared by the fact `ref`."""
        return next((one for one in self.versions if one.fact.ref == ref), None)

    def version_at(self, when: Fact) -> Version | None:
        """The newest version that was declared by the time of a fact."""
        return next((one for one in reversed(self.versions) if one.fact.at <= when.at), None)

    def confirmations(self, clause: str, vehicle: str, by: Agency | Actor) -> tuple[Given, ...]:
        """Confirmations of a step by one agency, newest first."""
        return tuple(
            one
            for one in reversed(self.given)
            if one.body.step == clause and one.body.vehicle == vehicle and one.body.by == by
        )

    def passed(self, vehicle: str, place: Place, heading: Heading) -> Fact | None:
        """The first passage of the vehicle through a place in a heading that it has not come back from at a barrier.

        Who went out by the last step has not come back but ended its trip. A passage of the tractor that a vehicle had before
        another was declared is none of its own.
        """
        through: list[Fact] = []
        for fact, body in self.passages:
            if body.vehicle != vehicle or body.place is not place or self._of_former_tractor(body):
                continue
            if body.heading is heading:
                through.append(fact)
            elif through and place in BARRIERS and not body.last_step:
                through.pop()
        return through[0] if through else None

    def _of_former_tractor(self, body: Passed) -> bool:
        """Whether the plate that passed was this vehicle's in an earlier version; one likely confusion away it is mended only."""
        found = [one.body.find(body.vehicle or "") for one in self.versions]
        borne = [plates.key(one.plate) for one in found if one is not None]
        seen = plates.key(body.plate or "")
        return seen in borne[:-1] and seen != borne[-1] and not plates.one_confusion_apart(seen, borne[-1])

    def turned_back_at(self, vehicle: str, place: Place) -> tuple[Fact, ...]:
        """When the vehicle left a lane of the place without passing, newest first."""
        return tuple(
            fact
            for fact, body in reversed(self.turned_back)
            if body.vehicle == vehicle and body.place is place
        )

    def gps(self, vehicle: str) -> tuple[Fact, GpsReported] | None:
        """The last word on whether the vehicle's position is switched on."""
        told = ((f, b) for f, b in reversed(self.told) if isinstance(b, GpsReported) and b.vehicle == vehicle)
        return next(told, None)

    def yard_report(self, vehicle: str, place: Place) -> Fact | None:
        """The yard's own word that the vehicle came in or went out there."""
        return next(
            (
                fact
                for fact, body in reversed(self.told)
                if isinstance(body, YardReported) and body.vehicle == vehicle and body.place is place
            ),
            None,
        )

    def refused_at(self, vehicle: str, place: Place) -> tuple[Fact, ...]:
        """The refusals of the vehicle at a place, newest first."""
        return tuple(
            f for f, body in reversed(self.refusals) if body.vehicle == vehicle and body.place is place
        )


def _given(
    bodies: Sequence[tuple[Fact, Body]], passages: Sequence[tuple[Fact, Passed]], authority: Authority
) -> tuple[Given, ...]:
    """Every confirmation, each with how it counts and whether an officer of the same agency took it back in time."""
    withdrawals: dict[str, list[tuple[Fact, Withdrawn]]] = {}
    for fact, body in bodies:
        if isinstance(body, Withdrawn):
            withdrawals.setdefault(body.confirmation, []).append((fact, body))

    def judged(fact: Fact, body: Confirmed) -> Given:
        taken_back = [
            (withdrawal, said)
            for withdrawal, said in withdrawals.get(fact.ref, ())
            if said.agency == body.by and _not_refused(authority, withdrawal, said, body.place)
        ]
        through = [f.at for f, p in passages if p.vehicle == body.vehicle and p.step == body.step]
        late = [bool(through) and withdrawal.at > min(through) for withdrawal, _ in taken_back]
        return Given(fact, body, authority.counts(fact, body), not all(late), any(late))

    return tuple(judged(fact, body) for fact, body in bodies if isinstance(body, Confirmed))


def _not_refused(authority: Authority, fact: Fact, body: Refused | Withdrawn, place: Place) -> bool:
    return authority.officer_acts(fact, body.officer, body.agency, place) is not Counting.REFUSED


def _may_tell(authority: Authority, fact: Fact, body: YardReported | GpsReported) -> bool:
    """The centre tells what it is told; a yard's own node tells of its gates."""
    if from_centre(authority.site, fact):
        return True
    return isinstance(body, YardReported) and authority.fact_speaks(fact, body.place, None) is Counting.COUNTS
