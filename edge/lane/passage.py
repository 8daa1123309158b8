"""One passage (lượt qua): what is known of the vehicle before the boom. Immutable; changed by copy."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from edge.pictures import Kept
from edge.vision.vote import Candidate, VoteSettings, settings_for
from shared import plates, subjects
from shared.applying import governing
from shared.bodies import RULE_KINDS
from shared.codes import YARD_GATES, Actor, Country, Ground, Heading, Place
from shared.decide import Decision, decide_about, explain_no_declaration
from shared.declared import Declaration
from shared.facts import Fact
from shared.history import History
from shared.judging import Subject
from shared.known import Known
from shared.matching import ActiveVehicle, ActiveVehicles, Match, Outcome, Role, match
from shared.node.declarations import DeclarationBook, Declared
from shared.node.errors import StoreError
from shared.node.store import Store
from shared.procedures import Procedure, Procedures
from shared.published import Published
from shared.settings import Settings
from shared.turn_away import refusal, trailer_differs, turn_away, with_cause


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
    def ground(self) -> Ground | None:
        """Its ground colour, where that is known."""
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
    """A vehicle in a lane. `ref` names the `arrived` fact; `trailer` is its trailer's plate, where that was read too."""

    ref: str
    arrived_at: str
    read: Read | None = None
    trailer: str | None = None
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
    """What a passage means by what is known now. `settings`: those that it was judged by."""

    match: Match = field(default_factory=lambda: Match(Outcome.NONE))
    declared: Declared | None = None
    vehicle: str | None = None
    procedure: Procedure | None = None
    decision: Decision | None = None
    history: History | None = None
    settings: Settings = field(default_factory=Settings)

    @property
    def declaration(self) -> Declaration | None:
        """The declaration meant, if one is."""
        return self.declared.body if self.declared else None


@dataclass(frozen=True)
class Knowledge:
    """What a gate judges with: store, declarations, rules, and how fresh it all is.

    `files` and `own` are the gate's own procedures and settings; what the centre has published stands over them.
    """

    store: Store
    book: DeclarationBook
    files: Procedures
    own: Settings
    known: Callable[[], Known]
    published: Callable[[], Published] = Published

    @property
    def procedures(self) -> Procedures:
        """The procedures that decide now."""
        return self.files.with_published(self.published().procedures)

    @property
    def settings(self) -> Settings:
        """The settings that decide now."""
        return self.published().over(self.own, self.store.steady())

    def vote_settings(self) -> VoteSettings:
        """How sure a read must be, given how many vehicles are under way; the usual where the store cannot say."""
        try:
            return settings_for(self.book.most_under_way())
        except StoreError:
            return VoteSettings()

    def judge(self, passage: Passage, place: Place, heading: Heading) -> Judgement:
        """Matches a passage's plate and decides."""
        fits = partial(self._fits, place=place, heading=heading)
        found = self._match(passage, self.book.active, fits)
        refused = None
        if passage.text is not None and _nobodys(passage, found):
            refused = self.turned_away(passage.text, passage.trailer)
            found = found if refused else self._ended(passage, found)
            refused = refused or explain_no_declaration()
        chosen = _chosen(passage, found)
        if chosen is None:
            return Judgement(found, decision=refused, settings=self.settings)
        judged = replace(self.judge_vehicle(*chosen, place, heading), match=found)
        return self._with_trailer(judged, passage.trailer)

    def judge_vehicle(self, no: str, vehicle: str, place: Place, heading: Heading) -> Judgement:
        """Decides for a vehicle of a declaration at a place."""
        declared = self.book.find(no)
        if declared is None:
            return Judgement(decision=explain_no_declaration(), settings=self.settings)
        known = self.known()
        facts = self.store.about(subjects.declaration(no))
        about = Subject(declared.body, vehicle, History.of(facts, known.authority), self.settings)
        now = self.store.clock.now().wall
        procedure, decision = decide_about(self.procedures, about, known, place, heading, now)
        decision = self.published().noted(decision, procedure)
        return Judgement(
            Match(Outcome.NONE), declared, vehicle, procedure, decision, about.history, about.settings
        )

    def turned_away(self, tractor: str, trailer: str | None, slip: str | None = None) -> Decision | None:
        """The refusal of a vehicle that matches nothing under way, when its cause is known. `slip`: as in `turn_away`."""
        found = turn_away(plates.normalise(tractor), trailer, self.book, slip)
        return None if found is None else refusal(found, self._declaring(found.declaration))

    def _with_trailer(self, judged: Judgement, trailer: str | None) -> Judgement:
        """What another trailer than the declared one makes of a decision."""
        declaration, vehicle, decision = judged.declaration, judged.vehicle, judged.decision
        if trailer is None or declaration is None or vehicle is None or decision is None:
            return judged
        found = trailer_differs(trailer, declaration.no, vehicle, self.book)
        if found is None:
            return judged
        return replace(judged, decision=with_cause(decision, found, self._declaring(declaration.no)))

    def _declaring(self, no: str) -> tuple[str, ...]:
        declared = self.book.find(no)
        return (declared.ref,) if declared else ()

    def _match(
        self, passage: Passage, active: ActiveVehicles, fits: Callable[[ActiveVehicle], bool] | None = None
    ) -> Match:
        if passage.text is None:
            return Match(Outcome.NONE)
        text = plates.normalise(passage.text)
        trailers = self.book.trailers
        if passage.correction is not None or passage.read is None:
            return match(text, active, trailers=trailers, certain=True, fits=fits)
        country, ground = passage.read.country, passage.read.ground
        return match(text, active, trailers=trailers, country=country, ground=ground, fits=fits)

    def _ended(self, passage: Passage, under_way: Match) -> Match:
        """An exact match among declarations that are recalled or through, the newest of several; else what is under way."""
        text = passage.text or ""
        found = self._match(passage, self.book.ended)
        exact = [one for one in found.candidates if one.key == plates.key(text)]
        if found.outcome is Outcome.AMBIGUOUS and exact:
            return Match(Outcome.EXACT, (max(exact, key=lambda one: one.declaration),))
        return found if found.outcome is Outcome.EXACT else under_way

    def _fits(self, one: ActiveVehicle, place: Place, heading: Heading) -> bool:
        """Its procedure has a step here, which it has not passed; so a declaration of yesterday gives way to today's.

        A declaration under which the vehicle came in empty gives way to the one whose goods it has taken over since.
        """
        if not self._has_step(one, place, heading):
            return False
        others = [v for v in self.book.active.with_keys([one.key]) if v.declaration != one.declaration]
        return not any(
            self._came_in_under(other) == one.declaration and self._has_step(other, place, heading)
            for other in others
        )

    def _has_step(self, one: ActiveVehicle, place: Place, heading: Heading) -> bool:
        declared, authority = self.book.find(one.declaration), self.known().authority
        if declared is None or declared.body.site != authority.site:
            return False
        body, now = declared.body, self.store.clock.now().wall
        found = governing(self.procedures, body, one.vehicle, place, heading, self.settings, now)
        procedure = found.procedure
        if procedure is not None and procedure.at(place, heading, body.load(one.vehicle)) is None:
            return False
        if procedure is None and not found.differ:
            return False
        facts = self.store.about(subjects.declaration(one.declaration))
        return History.of(facts, authority).passed(one.vehicle, place, heading) is None

    def _came_in_under(self, one: ActiveVehicle) -> str | None:
        declared = self.book.find(one.declaration)
        vehicle = declared.body.find(one.vehicle) if declared else None
        return vehicle.empty_declaration if vehicle else None


def opens_by_itself(passage: Passage, about: Judgement, place: Place) -> bool:
    """A yard gate's step is the device's own: an exact, final read of a vehicle that may pass opens, once.

    An officer's word is final, and exact where she chose the vehicle: a trailer's plate that she typed names no tractor.
    """
    decision = about.decision
    if place not in YARD_GATES or decision is None:
        return False
    said = passage.correction
    sure = said is not None or (passage.read is not None and passage.read.final)
    chosen = said is not None and said.vehicle is not None
    exact = chosen or (about.match.outcome is Outcome.EXACT and about.match.role is Role.TRACTOR)
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
        *RULE_KINDS,
    ):
        return True
    no = subjects.declaration_of(fact.subject)
    return no is not None and judgement.declaration is not None and no == judgement.declaration.no


def _nobodys(passage: Passage, found: Match) -> bool:
    """Whether nobody under way bears the plate. Look-alikes leave that open only until an officer has said what the plate is."""
    key = plates.key(passage.text or "")
    if passage.correction is None:
        return found.outcome is Outcome.NONE
    return passage.correction.vehicle is None and all(one.key != key for one in found.candidates)


def _chosen(passage: Passage, found: Match) -> tuple[str, str] | None:
    correction = passage.correction
    if correction is not None and correction.declaration and correction.vehicle:
        return correction.declaration, correction.vehicle
    return (found.chosen.declaration, found.chosen.vehicle) if found.chosen else None
