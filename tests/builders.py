"""A border site in a few words, for tests: journals, enrolments, a declaration, what officers do, and what the rules say.

site = Site()
site.confirm("4.2.b", BORDER_GUARD)
site.decide(BARRIER_2_IN).waits_for == (CUSTOMS,)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from shared import subjects
from shared.authority import Authority
from shared.bodies import (
    Confirmed,
    NodeEnrolled,
    OfficerEnrolled,
    OfficerRevoked,
    Passed,
    Recalled,
    Refused,
    SeenDecision,
    Withdrawn,
    dump,
)
from shared.clock import Stamp
from shared.codes import Actor, Agency, Heading, Place, Verdict
from shared.configuration import parse
from shared.decide import Decision, decide
from shared.declared import Declaration
from shared.facts import Draft, Fact, Private, Sealed, seal
from shared.journal import Head, SignedHead, centre_node, journal_id
from shared.known import Known
from shared.procedures import Procedure, Step
from shared.settings import Settings
from shared.signing import PrivateKey

BORDER_GUARD = Agency.BORDER_GUARD
CUSTOMS = Agency.CUSTOMS
HEALTH = Agency.HEALTH_QUARANTINE
ANIMAL = Agency.ANIMAL_QUARANTINE
PLANT = Agency.PLANT_QUARANTINE
TRANSPORT = Agency.TRANSPORT
GATE_MANAGEMENT = Agency.GATE_MANAGEMENT
TAX = Agency.TAX

BARRIER_1_IN = (Place.BARRIER_1, Heading.IN)
BARRIER_1_OUT = (Place.BARRIER_1, Heading.OUT)
BARRIER_2_IN = (Place.BARRIER_2, Heading.IN)
BARRIER_2_OUT = (Place.BARRIER_2, Heading.OUT)
YARD_IN = (Place.YARD_IN, Heading.IN)
YARD_OUT = (Place.YARD_OUT, Heading.OUT)

SITE = "CKHN"
NO = "2026112300001"
VEHICLE = "v1"
PLATE = "12C12345"
MORNING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Eight o'clock at the gate."""

LICENCES: Mapping[str, tuple[tuple[Place, ...], tuple[Agency, ...]]] = {
    "gate-1": ((Place.BARRIER_1,), (BORDER_GUARD, CUSTOMS, HEALTH, TRANSPORT)),
    "gate-2": ((Place.BARRIER_2,), (BORDER_GUARD, CUSTOMS)),
    "yard-desk": ((Place.YARD,), (BORDER_GUARD, CUSTOMS, HEALTH, ANIMAL, PLANT)),
    "yard-gate": ((Place.YARD_IN, Place.YARD_OUT), ()),
    "fees": ((Place.ONLINE,), (GATE_MANAGEMENT, TAX)),
}
"""Places and agencies that the centre licenses each node of the site for."""

PROCEDURES = Path(__file__).parents[1] / "config" / "procedures"


@cache
def procedure(khoan: str) -> Procedure:
    """A shipped procedure."""
    path = PROCEDURES / f"{khoan}.toml"
    return parse(path.read_text(encoding="utf-8"), path.name, Procedure)


def key(name: str) -> PrivateKey:
    """A key that is always the same for the same name."""
    return PrivateKey(name.encode().ljust(32, b".")[:32])


def stamp(seconds: float = 0) -> Stamp:
    """A moment of the morning."""
    return Stamp(MORNING + timedelta(seconds=seconds))


@dataclass
class Journal:
    """A journal in memory; every fact comes a second after the one before unless `at` says otherwise."""

    name: str
    sealed: list[Sealed] = field(default_factory=list)

    @property
    def facts(self) -> list[Fact]:
        """The facts written so far."""
        return [one.fact for one in self.sealed]

    @property
    def head(self) -> Head:
        """Number and hash of the last fact."""
        return Head.of(self.sealed[-1].fact) if self.sealed else Head.empty(self.name)

    @property
    def signed(self) -> SignedHead:
        """The head under its author's signature."""
        return SignedHead.sign(self.head, key(self.name))

    def write(self, draft: Draft, at: Stamp | None = None) -> Fact:
        """Seals the next fact."""
        head = self.head
        self.sealed.append(seal(draft, self.name, head.seq + 1, at or stamp(head.seq), head.hash))
        return self.sealed[-1].fact


def note(text: str = "", private: Private | None = None, kind: str = "recalled") -> Draft:
    """A small fact whose content does not matter."""
    return Draft(kind, subjects.declaration(NO), {"no": NO, "reason": text}, private or {})


DRIVER = {"name": {"commitment": "d" * 64}}
"""What facts hold of a driver who was declared."""


def declared_body(**changes: Any) -> dict[str, Any]:
    """A declaration of one Vietnamese truck with longans, for export by 4.2."""
    return {
        "no": NO,
        "version": 1,
        "site": SITE,
        "procedure": "4.2",
        "direction": "export",
        "laden": True,
        "yard": "xuan-cuong",
        "yard_location": "inside",
        "vehicles": [{"vehicle": VEHICLE, "plate": PLATE, "country": "VN", "driver": DRIVER}],
        "goods": [{"name": "Nhãn tươi", "weight_kg": 18000}],
        "declared_at": MORNING.isoformat(),
        **changes,
    }


SEEN = SeenDecision(verdict=Verdict.WAIT)
"""What an officer's screen said, where a test does not care."""


class Site:
    """An enrolled gate with one declaration. What happens is written down in the order it is told."""

    def __init__(self, khoan: str = "4.2", *, enrolled: bool = True, **changes: Any) -> None:
        self.procedure = procedure(khoan)
        self.journals: dict[str, Journal] = {}
        self.enrolments: list[Fact] = []
        self.facts: list[Fact] = []
        self.body = declared_body(procedure=khoan, **changes)
        self._told = 0
        if enrolled:
            for node in LICENCES:
                self.license(node)
            for agency in Agency:
                self.enrol(agency)
        self.declared = self._declare("declared", self.body)

    # -- enrolments

    def license(self, node: str, places: Iterable[Place] = (), agencies: Iterable[Agency] = ()) -> Fact:
        """The centre licenses a node; without places, as `LICENCES` says."""
        usual = LICENCES.get(node, ((), ()))
        body = NodeEnrolled(
            node=node,
            site=SITE,
            public_key=key(journal_id(node)).public.text,
            places=list(places) or list(usual[0]),
            agencies=list(agencies) or list(usual[1]),
        )
        return self._enrolment("node_enrolled", subjects.node(node), dump(body))

    def enrol(
        self, agency: Agency, officer: str | None = None, start: datetime = MORNING, days: float = 35
    ) -> Fact:
        """The centre gives an officer a lease; each agency has one named after it."""
        body = OfficerEnrolled(
            officer=officer or f"{agency}-1",
            agency=agency,
            site=SITE,
            valid_from=start,
            valid_until=start + timedelta(days=days),
        )
        return self._enrolment("officer_enrolled", subjects.officer(body.officer), dump(body))

    def revoke(self, officer: str, at: datetime) -> Fact:
        """The centre ends an officer's offices."""
        body = OfficerRevoked(officer=officer, revoked_at=at)
        return self._enrolment("officer_revoked", subjects.officer(officer), dump(body))

    # -- the declaration

    def amend(self, **changes: Any) -> Fact:
        """The declarant changes the declaration; confirmations from now on are about this version."""
        self.body = {**self.body, **changes, "version": self.body["version"] + 1}
        self.declared = self._declare("amended", self.body)
        return self.declared

    def recall(self) -> Fact:
        """The declarant takes the declaration back."""
        body = dump(Recalled(no=NO, reason="khai sai"))
        return self.tell(centre_node(SITE), Draft("recalled", subjects.declaration(NO), body))

    @property
    def declaration(self) -> Declaration:
        """The newest version."""
        return Declaration.model_validate(self.body)

    # -- what happens at the gate

    def confirm(
        self,
        clause: str,
        by: Agency | Actor,
        saw: Sequence[Fact] = (),
        *,
        node: str | None = None,
        officer: str | None = None,
        place: Place | None = None,
        at: Stamp | None = None,
        vehicle: str = VEHICLE,
        values: Mapping[str, str] | None = None,
    ) -> Fact:
        """An agency confirms a step, at the node licensed for the step's place, having seen `saw`.

        Without `values` it says whatever the step asks it to say.
        """
        step = self.step(clause)
        where = place or step.place
        body = Confirmed(
            step=clause,
            place=where,
            heading=step.heading,
            declaration=NO,
            vehicle=vehicle,
            by=by,
            officer=(officer or f"{by}-1") if isinstance(by, Agency) else None,
            declared=self.declared.ref,
            saw=[fact.ref for fact in saw],
            decision=SEEN,
            values=dict(self.owed(step, by) if values is None else values),
        )
        return self.tell(
            node or node_at(where), Draft("confirmed", subjects.vehicle(NO, vehicle), dump(body)), at
        )

    def confirm_in_order(self, clause: str, agencies: Sequence[Agency]) -> list[Fact]:
        """Agencies confirm one after the other, each seeing all before it."""
        given: list[Fact] = []
        for agency in agencies:
            given.append(self.confirm(clause, agency, saw=tuple(given)))
        return given

    def withdraw(
        self, given: Fact, agency: Agency, *, officer: str | None = None, node: str = "gate-2"
    ) -> Fact:
        """An officer takes a confirmation back."""
        body = Withdrawn(
            confirmation=given.ref, officer=officer or f"{agency}-1", agency=agency, reason="nhầm xe"
        )
        return self.tell(node, Draft("withdrawn", given.subject, dump(body)))

    def refuse(
        self,
        at: tuple[Place, Heading],
        agency: Agency,
        *,
        officer: str | None = None,
        node: str | None = None,
    ) -> Fact:
        """An officer sends the vehicle back."""
        body = Refused(
            passage="gate-2.1/1",
            place=at[0],
            heading=at[1],
            lane="l1",
            officer=officer or f"{agency}-1",
            agency=agency,
            reason="thiếu giấy tờ",
            declaration=NO,
            vehicle=VEHICLE,
        )
        return self.tell(node or node_at(at[0]), Draft("refused", subjects.vehicle(NO, VEHICLE), dump(body)))

    def drive_through(
        self,
        at: tuple[Place, Heading],
        *,
        node: str | None = None,
        vehicle: str = VEHICLE,
        last_step: bool = False,
    ) -> Fact:
        """The vehicle passes the open boom."""
        body = Passed(
            passage="gate-2.1/1",
            place=at[0],
            heading=at[1],
            lane="l1",
            plate=PLATE,
            declaration=NO,
            vehicle=vehicle,
            last_step=last_step,
        )
        return self.tell(node or node_at(at[0]), Draft("passed", subjects.vehicle(NO, vehicle), dump(body)))

    def tell(self, node: str, draft: Draft, at: Stamp | None = None) -> Fact:
        """Anything else that a node writes about the declaration."""
        fact = self._write(node, draft, at)
        self.facts.append(fact)
        return fact

    # -- what the rules say

    def authority(self) -> Authority:
        """Who may speak for whom, from the enrolments so far."""
        return Authority.of(SITE, self.enrolments)

    def decide(
        self,
        at: tuple[Place, Heading],
        *,
        settings: Settings | None = None,
        facts: Sequence[Fact] | None = None,
        now: datetime = MORNING + timedelta(hours=1),
        vehicle: str = VEHICLE,
        site: str = SITE,
        procedure: Procedure | None = None,
        **known: Any,
    ) -> Decision:
        """The decision for the vehicle at a place; `known` goes to `Known` (ages_s, required)."""
        return decide(
            procedure or self.procedure,
            self.declaration,
            vehicle,
            self.facts if facts is None else facts,
            Known(Authority.of(site, self.enrolments), **known),
            settings or Settings(),
            *at,
            now,
        )

    @staticmethod
    def owed(step: Step, by: Agency | Actor) -> Mapping[str, str]:
        """Something for each value that the agency's confirmation of the step must say."""
        return dict.fromkeys(step.values.get(by, ()), "said") if isinstance(by, Agency) else {}

    def step(self, clause: str) -> Step:
        """A step of the site's procedure, or of the shipped one that the clause is of."""
        found = self.procedure.step(clause) or procedure(".".join(clause.split(".")[:2])).step(clause)
        assert found is not None, clause
        return found

    # -- inside

    def _declare(self, kind: str, body: Mapping[str, Any]) -> Fact:
        return self.tell(centre_node(SITE), Draft(kind, subjects.declaration(NO), dict(body)))

    def _enrolment(self, kind: str, subject: str, body: Mapping[str, Any]) -> Fact:
        fact = self._write(centre_node(SITE), Draft(kind, subject, body))
        self.enrolments.append(fact)
        return fact

    def _write(self, node: str, draft: Draft, at: Stamp | None = None) -> Fact:
        self._told += 1
        name = journal_id(node)
        return self.journals.setdefault(name, Journal(name)).write(draft, at or stamp(self._told))


def node_at(place: Place) -> str:
    """The node that stands at a place."""
    return next(node for node, (places, _) in LICENCES.items() if place in places)
