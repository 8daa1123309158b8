"""One passage (lượt qua): what is known of the vehicle before the boom. Immutable; changed by copy."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from edge.pictures import Kept
from edge.vision.vote import Candidate
from shared import plates, subjects
from shared.bodies import Declaration
from shared.codes import YARD_GATES, Actor, Country, Heading, Place
from shared.decide import Decision, decide_at, explain_no_declaration
from shared.facts import Fact
from shared.history import History
from shared.judging import Subject
from shared.known import Known
from shared.matching import Match, Outcome, match
from shared.node.declarations import DeclarationBook, Declared
from shared.node.store import Store
from shared.procedures import Procedure, Procedures
from shared.settings import Settings


class Read(Protocol):
    """What a lane asks of a read: `edge.vision.vote.Read`, or one told by a fact of before a restart."""

    @property
    def text(self) -> str:
        """The plate."""
        ...

    @property
    def country(self) -> Country | None:
        """Whose plate it is."""
        ...

    @property
    def probability(self) -> float:
        """Probability of `text`, from 0 to 1."""
        ...

    @property
    def looks(self) -> int:
        """Number of looks."""
        ...

    @property
    def agreeing(self) -> int:
        """Number of looks that show `text`."""
        ...

    @property
    def final(self) -> bool:
        """True when it may be acted on."""
        ...

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Texts that the plate may carry, the likeliest first."""
        ...


@dataclass(frozen=True)
class Correction:
    """What an officer said of the plate: its text, and the declared vehicle if she chose one."""

    text: str
    officer: str
    declaration: str | None = None
    vehicle: str | None = None


@dataclass(frozen=True)
class Passage:
    """A vehicle in a lane. `ref` names the `arrived` fact."""

    ref: str
    arrived_at: str
    read: Read | None = None
    read_ref: str | None = None
    camera: str | None = None
    kept: Kept | None = None
    correction: Correction | None = None
    refused: str | None = None
    request: str | None = None
    passed: bool = False

    @property
    def text(self) -> str | None:
        """The plate as it is taken to be: the officer's word, else the read."""
        if self.correction is not None:
            return self.correction.text
        return self.read.text if self.read else None


@dataclass(frozen=True)
class Judgement:
    """What a passage means by what is known now."""

    match: Match = field(default_factory=lambda: Match(Outcome.NONE))
    declared: Declared | None = None
    vehicle: str | None = None
    procedure: Procedure | None = None
    decision: Decision | None = None
    history: History | None = None

    @property
    def declaration(self) -> Declaration | None:
        """The declaration meant, if one is."""
        return self.declared.body if self.declared else None


@dataclass(frozen=True)
class Knowledge:
    """What a gate judges with: store, declarations, rules, and how fresh it all is."""

    store: Store
    book: DeclarationBook
    procedures: Procedures
    settings: Settings
    known: Callable[[], Known]

    def judge(self, passage: Passage, place: Place, heading: Heading) -> Judgement:
        """Matches a passage's plate and decides."""
        found = self._match(passage)
        chosen = _chosen(passage, found)
        if chosen is None:
            none = found.outcome is Outcome.NONE and passage.text is not None
            return Judgement(found, decision=explain_no_declaration() if none else None)
        return replace(self.judge_vehicle(*chosen, place, heading), match=found)

    def judge_vehicle(self, no: str, vehicle: str, place: Place, heading: Heading) -> Judgement:
        """Decides for a vehicle of a declaration at a place."""
        declared = self.book.find(no)
        if declared is None:
            return Judgement(decision=explain_no_declaration())
        known = self.known()
        facts = self.store.about(subjects.declaration(no))
        now = self.store.clock.now().wall
        about = Subject(declared.body, vehicle, History.of(facts, known.authority), self.settings)
        procedure, decision = decide_at(self.procedures, about, known, place, heading, now)
        return Judgement(Match(Outcome.NONE), declared, vehicle, procedure, decision, about.history)

    def _match(self, passage: Passage) -> Match:
        if passage.text is None:
            return Match(Outcome.NONE)
        text = plates.normalise(passage.text)
        certain = passage.correction is not None
        found = match(text, self.book.active, certain=certain)
        if found.outcome is not Outcome.NONE:
            return found
        ended = match(text, self.book.ended, certain=certain)
        if ended.outcome is Outcome.AMBIGUOUS and ended.candidates[0].key == plates.key(text):
            newest = max(
                (c for c in ended.candidates if c.key == plates.key(text)), key=lambda c: c.declaration
            )
            return Match(Outcome.EXACT, (newest,))
        return ended if ended.outcome is Outcome.EXACT else found


def opens_by_itself(passage: Passage, about: Judgement, place: Place) -> bool:
    """A yard gate's step is the device's own: an exact, final read of a vehicle that may pass opens, once."""
    decision = about.decision
    if place not in YARD_GATES or decision is None:
        return False
    certain = passage.correction is not None
    sure = certain or (passage.read is not None and passage.read.final)
    exact = certain or about.match.outcome is Outcome.EXACT
    ours = decision.opens is Actor.DEVICE and decision.automatic
    return ours and sure and exact and passage.request is None


def saw(history: History | None, vehicle: str) -> list[str]:
    """The references a confirmation names as seen: every confirmation and refusal of the vehicle that is known."""
    if history is None:
        return []
    given = [one.fact for one in history.given if one.body.vehicle == vehicle and not one.withdrawn]
    refused = [fact for fact, body in history.refusals if body.vehicle == vehicle]
    return sorted(fact.ref for fact in (*given, *refused))


def concerns(fact: Fact, judgement: Judgement) -> bool:
    """True when a new fact may change what a passage means."""
    if fact.kind in (
        "declared",
        "amended",
        "recalled",
        "node_enrolled",
        "officer_enrolled",
        "officer_revoked",
    ):
        return True
    no = subjects.declaration_of(fact.subject)
    return no is not None and judgement.declaration is not None and no == judgement.declaration.no


def _chosen(passage: Passage, found: Match) -> tuple[str, str] | None:
    correction = passage.correction
    if correction is not None and correction.declaration and correction.vehicle:
        return correction.declaration, correction.vehicle
    return (found.chosen.declaration, found.chosen.vehicle) if found.chosen else None
