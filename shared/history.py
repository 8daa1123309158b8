"""What is known of one declaration: its versions, confirmations, refusals and passages, folded from facts in any order."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from shared.authority import Authority, Counting, from_centre
from shared.bodies import (
    Body,
    Confirmed,
    Declaration,
    Passed,
    Recalled,
    Refused,
    Withdrawn,
    read_body,
)
from shared.canonical import digest
from shared.codes import Actor, Agency, Heading, Place
from shared.facts import Fact, FactError
from shared.procedures import Step


@dataclass(frozen=True)
class Version:
    """One version of a declaration with the fact that declared it."""

    fact: Fact
    body: Declaration

    def matter(self, vehicle: str) -> str:
        """Digest of what officers confirm for one vehicle."""
        return self.matter_of(self.body, vehicle)

    @staticmethod
    def matter_of(declaration: Declaration, vehicle: str) -> str:
        """Digest of the declared matter of one vehicle: itself, its driver, the goods, the quarantines, the way."""
        found = declaration.find(vehicle)
        return digest(
            {
                "vehicle": found.model_dump(mode="json") if found else None,
                "goods": [one.model_dump(mode="json") for one in declaration.goods],
                "quarantine": declaration.quarantine.model_dump(mode="json"),
                "procedure": declaration.procedure,
                "yard": declaration.yard,
            }
        )


@dataclass(frozen=True)
class Given:
    """A confirmation that was given, with whether it counts and whether it was taken back."""

    fact: Fact
    body: Confirmed
    counting: Counting
    withdrawn: bool

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
        taken_back = _taken_back(bodies, authority)
        centre = [(fact, body) for fact, body in bodies if from_centre(authority.site, fact)]
        versions = [Version(fact, body) for fact, body in centre if isinstance(body, Declaration)]
        return cls(
            authority=authority,
            versions=tuple(sorted(versions, key=lambda one: (one.body.version, one.fact.seq, one.fact.hash))),
            recalled=next((fact for fact, body in centre if isinstance(body, Recalled)), None),
            given=tuple(
                Given(fact, body, authority.counts(fact, body), fact.ref in taken_back)
                for fact, body in bodies
                if isinstance(body, Confirmed)
            ),
            passages=tuple(
                (fact, body)
                for fact, body in bodies
                if isinstance(body, Passed)
                and authority.fact_speaks(fact, body.place, None) is not Counting.REFUSED
            ),
            refusals=tuple(
                (fact, body)
                for fact, body in bodies
                if isinstance(body, Refused) and _not_refused(authority, fact, body, body.place)
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

    def confirmations(self, clause: str, vehicle: str, by: Agency | Actor) -> tuple[Given, ...]:
        """Confirmations of a step by one agency, newest first."""
        return tuple(
            one
            for one in reversed(self.given)
            if one.body.step == clause and one.body.vehicle == vehicle and one.body.by == by
        )

    def any_of(self, step: Step, vehicle: str) -> bool:
        """True when one of the step's collectors has confirmed."""
        return any(
            one.counts and not one.withdrawn
            for by in step.confirm_one_of
            for one in self.confirmations(step.clause, vehicle, by)
        )

    def passed(self, vehicle: str, place: Place, heading: Heading) -> Fact | None:
        """The first passage of the vehicle through a place in a heading."""
        return next(
            (
                fact
                for fact, body in self.passages
                if body.vehicle == vehicle and body.place is place and body.heading is heading
            ),
            None,
        )

    def refused_at(self, vehicle: str, place: Place) -> tuple[Fact, ...]:
        """The refusals of the vehicle at a place, newest first."""
        return tuple(
            f for f, body in reversed(self.refusals) if body.vehicle == vehicle and body.place is place
        )


def _taken_back(bodies: Iterable[tuple[Fact, Body]], authority: Authority) -> set[str]:
    """Confirmations that an officer of the same agency took back. In a forked journal two may bear the name: both are."""
    bodies = tuple(bodies)
    given: dict[str, list[Confirmed]] = {}
    for fact, body in bodies:
        if isinstance(body, Confirmed):
            given.setdefault(fact.ref, []).append(body)
    return {
        body.confirmation
        for fact, body in bodies
        if isinstance(body, Withdrawn)
        and any(
            confirmed.by == body.agency and _not_refused(authority, fact, body, confirmed.place)
            for confirmed in given.get(body.confirmation, ())
        )
    }


def _not_refused(authority: Authority, fact: Fact, body: Refused | Withdrawn, place: Place) -> bool:
    return authority.officer_acts(fact, body.officer, body.agency, place) is not Counting.REFUSED
