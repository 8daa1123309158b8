"""The one question a gate asks: may this vehicle pass here, now? A pure function of facts, settings and freshness.

Every answer names the clause it rests on and the facts it used. OPEN means *may be opened*; at a barrier the boom still moves
only on an opening that an enrolled border-guard officer asks for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.applying import Governing, governing
from shared.bodies import SeenDecision
from shared.clock import day_at_gates
from shared.codes import BARRIERS, YARD_GATES, Actor, Agency, Heading, Place, Standing, Verdict
from shared.declared import Declaration
from shared.facts import Fact
from shared.history import History
from shared.judging import Judged, Subject, collected, failures, judge
from shared.known import Known
from shared.matter import missing_matter
from shared.procedures import Procedure, Procedures, Queries, Step
from shared.reasons import Code, Reason
from shared.settings import Settings


@dataclass(frozen=True)
class Decision:
    """An answer. `automatic` is False when nothing may happen without a person, whatever the verdict: so at every barrier."""

    verdict: Verdict
    step: Step | None
    waits_for: tuple[Agency, ...]
    reasons: tuple[Reason, ...]
    automatic: bool
    confirmations: Mapping[Agency | Actor, str] = field(default_factory=dict)

    @property
    def ordered(self) -> bool:
        """Whether the step's confirmations have a fixed order."""
        return self.step is not None and self.step.ordered

    @property
    def opens(self) -> Agency | Actor | None:
        """Who opens at this step."""
        return self.step.opens if self.step else None


def decide_at(
    procedures: Procedures,
    declaration: Declaration,
    vehicle: str,
    facts: Sequence[Fact],
    known: Known,
    settings: Settings,
    place: Place,
    heading: Heading,
    now: datetime,
) -> tuple[Procedure | None, Decision]:
    """Finds the procedure that governs the vehicle at a place, and decides by it."""
    about = Subject(declaration, vehicle, History.of(facts, known.authority), settings)
    return decide_about(procedures, about, known, place, heading, now)


def decide_about(
    procedures: Procedures, about: Subject, known: Known, place: Place, heading: Heading, now: datetime
) -> tuple[Procedure | None, Decision]:
    """Decides as `decide_at` does, by a history that was folded already with `known.authority`."""
    found = governing(procedures, about.declaration, about.vehicle, place, heading, about.settings, now)
    decision = decide_by(found.procedure, about, known, place, heading, now)
    if found.differ and decision.verdict is Verdict.UNKNOWN:
        decision = replace(decision, reasons=(_differ(found),))
    return found.procedure, decision


def decide(
    procedure: Procedure | None,
    declaration: Declaration,
    vehicle: str,
    facts: Sequence[Fact],
    known: Known,
    settings: Settings,
    place: Place,
    heading: Heading,
    now: datetime,
) -> Decision:
    """Decides for one vehicle of a declaration at a place.

    `facts`: every fact held about the declaration, in any order; `declaration`: its newest version that counts; `now`: the
    time for dates in force, from the node's clock. The result does not depend on the order of `facts`.
    """
    about = Subject(declaration, vehicle, History.of(facts, known.authority), settings)
    return decide_by(procedure, about, known, place, heading, now)


def decide_by(
    procedure: Procedure | None,
    about: Subject,
    known: Known,
    place: Place,
    heading: Heading,
    now: datetime,
) -> Decision:
    """Decides as `decide` does, by a history that was folded already with `known.authority`."""
    if procedure is not None and not procedure.began(day_at_gates(now)):
        procedure = None
    stop = _stops(about, known) or _nowhere(procedure, about, place, heading)
    if stop is not None:
        return stop
    assert procedure is not None
    printed = procedure.at(place, heading, about.load)
    assert printed is not None
    step = about.read(printed)
    if step.standing is Standing.UNKNOWN:
        return Decision(Verdict.UNKNOWN, step, (), (Reason(Code.TEXT_UNKNOWN, step.clause),), False)
    passed = about.history.passed(about.vehicle, place, heading)
    if passed is not None:
        return _refuse(Reason(Code.ALREADY_PASSED, step.clause, (passed.ref,)), step)
    lacking = _incomplete(procedure, about) if place in BARRIERS else None
    return _refuse(lacking, step) if lacking else _at_step(procedure, step, about, known)


def explain_no_declaration() -> Decision:
    """The decision for a plate that nobody declared."""
    return _refuse(Reason(Code.NO_DECLARATION))


def seen(decision: Decision, procedure: Procedure | None, settings: Settings, known: Known) -> SeenDecision:
    """What a fact that records a human act keeps of the decision behind it."""
    return SeenDecision(
        verdict=decision.verdict,
        step=decision.step.clause if decision.step else None,
        procedure_hash=procedure.hash if procedure else None,
        settings_hash=settings.hash,
        vector=dict(known.vector),
        ages_s=dict(known.ages_s),
        reasons=[reason.code.value for reason in decision.reasons],
    )


def _refuse(reason: Reason, step: Step | None = None) -> Decision:
    return Decision(Verdict.REFUSE, step, (), (reason,), False)


def _unknown(reason: Reason) -> Decision:
    return Decision(Verdict.UNKNOWN, None, (), (reason,), False)


def _differ(found: Governing) -> Reason:
    names = ", ".join(one.procedure for one in found.differ)
    return Reason(Code.PROCEDURES_DIFFER, values={"procedures": names})


def _stops(about: Subject, known: Known) -> Decision | None:
    """What ends the question before any procedure is looked at."""
    declaration, recalled = about.declaration, about.history.recalled
    if recalled is not None:
        return _refuse(Reason(Code.RECALLED, facts=(recalled.ref,), values={"no": declaration.no}))
    if declaration.site != known.authority.site:
        return _refuse(Reason(Code.OTHER_SITE, values={"site": declaration.site}))
    if declaration.find(about.vehicle) is None:
        return _refuse(Reason(Code.VEHICLE_NOT_DECLARED, values={"no": declaration.no}))
    return None


def _nowhere(procedure: Procedure | None, about: Subject, place: Place, heading: Heading) -> Decision | None:
    """The answer where no step of the procedure is for this vehicle; None where one is."""
    if procedure is None:
        named = about.declaration.procedure
        return _unknown(Reason(Code.NO_PROCEDURE, values={"procedure": named} if named else {}))
    if procedure.at(place, heading, about.load) is not None:
        return None
    entrance = Place.YARD_IN if place is Place.YARD_OUT else place
    came_in = about.history.passed(about.vehicle, entrance, Heading.IN)
    if heading is Heading.OUT and came_in is not None:
        return _unknown(Reason(Code.LEAVES_AS_IT_CAME, procedure.procedure, (came_in.ref,)))
    return _refuse(Reason(Code.WRONG_PLACE, procedure.procedure, values={"place": place, "heading": heading}))


def _incomplete(procedure: Procedure, about: Subject) -> Reason | None:
    """What the declarant's step asks to be declared and is missing: only a full declaration opens the way."""
    for step in procedure.steps:
        lacking = missing_matter(about.declaration, about.vehicle, step.declares)
        if lacking:
            values = {"fields": ", ".join(lacking), "no": about.declaration.no}
            return Reason(Code.DECLARATION_INCOMPLETE, step.clause, values=values)
    return None


def _at_step(procedure: Procedure, step: Step, about: Subject, known: Known) -> Decision:
    failed = _failed(procedure, step, about)
    if failed.missing and (returns := _returns(step, about)) is not None:
        return Decision(Verdict.UNKNOWN, step, (), (returns, *failed.reasons), automatic=False)
    judged = judge(step, about)
    earlier = _earlier(procedure, step, about)
    fee = _fee(procedure, step, about)
    reasons = [
        *failed.reasons,
        *earlier.reasons,
        *fee.reasons,
        *judged.reasons,
        *_notes(procedure, step, about),
    ]
    stale = known.stale(about.settings.stale_after_s)
    if stale:
        ages = {journal: str(known.ages_s.get(journal)) for journal in stale}
        reasons.append(Reason(Code.KNOWLEDGE_STALE, values=ages))
    turn = judged.missing[:1] if step.ordered else judged.missing
    waits_for = tuple(dict.fromkeys((*failed.missing, *earlier.missing, *fee.missing) or turn))
    verdict = Verdict.WAIT if waits_for else Verdict.OPEN
    by_itself = step.opens is Actor.DEVICE and not stale and not about.history.not_understood
    automatic = verdict is Verdict.OPEN and by_itself
    decision = Decision(verdict, step, waits_for, tuple(reasons), automatic, judged.confirmations)
    refused = _not_lifted(about.history.refused_at(about.vehicle, step.place), judged)
    if refused:
        reason = Reason(Code.REFUSED_BY_OFFICER, step.clause, refused)
        return replace(
            decision, verdict=Verdict.REFUSE, waits_for=(), reasons=(reason, *reasons), automatic=False
        )
    return decision


def _earlier(procedure: Procedure, step: Step, about: Subject) -> Judged:
    """Earlier steps, at the steps whose text says that they are queried. Device stamps come late in practice and never bind."""
    if step.queries is not Queries.EARLIER_STATES:
        return Judged()
    missing: list[Agency] = []
    reasons: list[Reason] = []
    for printed in procedure.before(step):
        earlier = about.read(printed)
        whose = about if about.load in earlier.loads else about.source
        if whose is None or earlier.place in YARD_GATES or Actor.DECLARANT in earlier.confirm:
            continue
        if earlier.confirm_one_of and procedure.fee_step(about.settings) == step.clause:
            continue
        lacking = judge(earlier, whose).missing
        values = {"agencies": ", ".join(lacking or earlier.confirm_one_of)}
        if lacking and (earlier.standing is not Standing.INFERRED or about.settings.inferred_steps_bind):
            missing.extend(lacking)
            reasons.append(Reason(Code.EARLIER_STEP_MISSING, earlier.clause, values=values))
        elif lacking or (earlier.confirm_one_of and not collected(earlier, about)):
            reasons.append(Reason(Code.EARLIER_STEP_SHOWN, earlier.clause, values=values))
    return Judged(tuple(missing), tuple(reasons))


def _failed(procedure: Procedure, step: Step, about: Subject) -> Judged:
    """Earlier quarantines that were not passed: an agency's no holds at every barrier, whatever the step's text queries."""
    if step.place not in BARRIERS:
        return Judged()
    whose = (about, about.source) if about.source is not None else (about,)
    reasons = tuple(
        reason for one in procedure.before(step) for vehicle in whose for reason in failures(one, vehicle)
    )
    return Judged(tuple(Agency(one.values["agency"]) for one in reasons), reasons)


def _returns(step: Step, about: Subject) -> Reason | None:
    """That goods which failed go back by the barrier by which they came: no text says how, and they cannot stay."""
    came_in = about.history.passed(about.vehicle, step.place, Heading.IN)
    if step.heading is not Heading.OUT or came_in is None:
        return None
    return Reason(Code.LEAVES_AS_IT_CAME, step.clause, (came_in.ref,))


def _fee(procedure: Procedure, step: Step, about: Subject) -> Judged:
    """Whether the fee is still to be confirmed before this step, by the setting `fee_before`."""
    if step.confirm_one_of:
        return _collecting(step, about)
    if procedure.fee_step(about.settings) != step.clause:
        return Judged()
    return next((_collecting(one, about) for one in procedure.steps if one.confirm_one_of), Judged())


def _collecting(paying: Step, about: Subject) -> Judged:
    """The step at which the fee is confirmed, judged: one of its collectors is enough."""
    given = collected(paying, about)
    if given:
        return Judged(reasons=(Reason(Code.FEE_CONFIRMED, paying.clause, given),))
    values = {"agencies": ", ".join(paying.confirm_one_of)}
    reason = Reason(Code.FEE_NOT_CONFIRMED, paying.clause, values=values)
    return Judged(paying.confirm_one_of, (reason,))


def _notes(procedure: Procedure, step: Step, about: Subject) -> Iterator[Reason]:
    """What the officer should know beside the verdict: readings in use, what came late, what is not understood."""
    yield from _readings(procedure, step, about)
    history, vehicle = about.history, about.vehicle
    own = procedure.step(step.clause)
    if own is not None and procedure.continues and procedure.before(own):
        earlier = procedure.before(own)[0].clause.rpartition(".")[0]
        yield Reason(Code.CONTINUES, step.clause, values={"procedure": earlier})
    late = tuple(g.fact.ref for g in history.given if g.withdrawn_late and g.body.vehicle == vehicle)
    if late:
        yield Reason(Code.WITHDRAWN_AFTER_PASSING, facts=late)
    back = history.turned_back_at(vehicle, step.place)
    if back:
        yield Reason(Code.TURNED_BACK_BEFORE, facts=tuple(fact.ref for fact in back))
    gps = history.gps(vehicle)
    asks_gps = next((one for one in procedure.steps if one.gps), None)
    if asks_gps is not None and gps is not None and not gps[1].on:
        yield Reason(Code.GPS_OFF, asks_gps.clause, (gps[0].ref,))
    if history.not_understood:
        yield Reason(Code.NOT_UNDERSTOOD, facts=tuple(f.ref for f in history.not_understood))


def _readings(procedure: Procedure, step: Step, about: Subject) -> Iterator[Reason]:
    """The readings in use that this answer rests on."""
    if step.readings:
        name = about.settings.readings.get(step.clause, "")
        name = name if name in step.readings else step.reading or ""
        yield Reason(Code.READING_IN_USE, step.clause, values={"reading": name})
    if step.ordered and Agency.HEALTH_QUARANTINE in step.confirm:
        values = {"reading": about.settings.health_tick.value, "setting": "health_tick"}
        yield Reason(Code.READING_IN_USE, step.clause, values=values)
    if procedure.fee_before is not None and step.clause in procedure.fee_before.may_be:
        chosen = procedure.fee_step(about.settings) or "none"
        values = {"reading": chosen, "setting": "fee_before"}
        yield Reason(Code.READING_IN_USE, step.clause, values=values)


def _not_lifted(refusals: Sequence[Fact], judged: Judged) -> tuple[str, ...]:
    """Refusals that still hold: an officer who confirms after having seen one has lifted it."""
    lifted = {ref for fact in judged.given for ref in fact.body.get("saw", ())}
    return tuple(fact.ref for fact in refusals if fact.ref not in lifted)
