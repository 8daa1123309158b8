"""The one question a gate asks: may this vehicle pass here, now? A pure function of facts, settings and freshness.

Every answer names the clause it rests on and the facts it used. OPEN means *may be opened*; at a barrier the boom still moves
only on an opening that an enrolled border-guard officer asks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from shared.authority import Counting
from shared.bodies import Confirmed, Declaration, SeenDecision
from shared.codes import YARD_GATES, Actor, Agency, Heading, Place, Standing, Verdict
from shared.facts import Fact
from shared.history import History, Version
from shared.known import Known
from shared.procedures import HealthTick, Procedure, Queries, Settings, Step


class Code(StrEnum):
    """Stable codes of reasons; the words stand in the catalogues."""

    RECALLED = "recalled"
    OTHER_SITE = "other_site"
    VEHICLE_NOT_DECLARED = "vehicle_not_declared"
    NO_PROCEDURE = "no_procedure"
    WRONG_PLACE = "wrong_place"
    TEXT_UNKNOWN = "text_unknown"
    ALREADY_PASSED = "already_passed"
    REFUSED_BY_OFFICER = "refused_by_officer"
    EARLIER_STEP_MISSING = "earlier_step_missing"
    EARLIER_STEP_SHOWN = "earlier_step_shown"
    CONFIRMED = "confirmed"
    CONFIRMATION_MISSING = "confirmation_missing"
    CONFIRMATION_DOES_NOT_COUNT = "confirmation_does_not_count"
    AMENDED_SINCE = "amended_since"
    OUT_OF_ORDER = "out_of_order"
    READING_IN_USE = "reading_in_use"
    NOT_UNDERSTOOD = "not_understood"
    KNOWLEDGE_STALE = "knowledge_stale"
    DEVICE_CONFIRMS = "device_confirms"
    NOBODY_NAMED = "nobody_named"
    NO_DECLARATION = "no_declaration"
    ANOTHER_TRACTOR = "another_tractor"
    TRAILER_DIFFERS = "trailer_differs"
    PLATE_AMENDED = "plate_amended"


@dataclass(frozen=True)
class Reason:
    """Why: a stable code, the clause it rests on, the facts used, and the values that its sentence names."""

    code: Code
    clause: str | None = None
    facts: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


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
    history = History.of(facts, known.authority)
    if procedure is not None and not procedure.began(now.date()):
        procedure = None
    stop = _stops(procedure, declaration, vehicle, history, known, place, heading)
    if stop is not None:
        return stop
    assert procedure is not None
    printed = procedure.at(place, heading)
    assert printed is not None
    step = printed.in_reading(settings.readings.get(printed.clause))
    if step.standing is Standing.UNKNOWN:
        return Decision(Verdict.UNKNOWN, step, (), (Reason(Code.TEXT_UNKNOWN, step.clause),), False)
    passed = history.passed(vehicle, place, heading)
    if passed is not None:
        return _refuse(Reason(Code.ALREADY_PASSED, step.clause, (passed.ref,)), step)
    return _at_step(procedure, step, declaration, vehicle, history, known, settings)


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


def _stops(
    procedure: Procedure | None,
    declaration: Declaration,
    vehicle: str,
    history: History,
    known: Known,
    place: Place,
    heading: Heading,
) -> Decision | None:
    """What ends the question before any step is looked at."""
    if history.recalled is not None:
        return _refuse(Reason(Code.RECALLED, facts=(history.recalled.ref,), values={"no": declaration.no}))
    if declaration.site != known.authority.site:
        return _refuse(Reason(Code.OTHER_SITE, values={"site": declaration.site}))
    if declaration.find(vehicle) is None:
        return _refuse(Reason(Code.VEHICLE_NOT_DECLARED, values={"no": declaration.no}))
    if procedure is None:
        reason = Reason(Code.NO_PROCEDURE, values={"procedure": declaration.procedure})
        return Decision(Verdict.UNKNOWN, None, (), (reason,), False)
    if procedure.at(place, heading) is None:
        reason = Reason(Code.WRONG_PLACE, procedure.procedure, values={"place": place, "heading": heading})
        return _refuse(reason)
    return None


def _at_step(
    procedure: Procedure,
    step: Step,
    declaration: Declaration,
    vehicle: str,
    history: History,
    known: Known,
    settings: Settings,
) -> Decision:
    judged = _judge(step, declaration, vehicle, history, settings)
    earlier = _earlier(procedure, step, declaration, vehicle, history, settings)
    reasons = [*earlier.reasons, *judged.reasons, *_notes(step, settings, history)]
    stale = known.stale(settings.stale_after_s)
    if stale:
        ages = {journal: str(known.ages_s.get(journal)) for journal in stale}
        reasons.append(Reason(Code.KNOWLEDGE_STALE, values=ages))
    turn = judged.missing[:1] if step.ordered else judged.missing
    waits_for = tuple(dict.fromkeys(earlier.missing or turn))
    verdict = Verdict.WAIT if waits_for else Verdict.OPEN
    by_itself = step.opens is Actor.DEVICE and not stale and not history.not_understood
    automatic = verdict is Verdict.OPEN and by_itself
    decision = Decision(verdict, step, waits_for, tuple(reasons), automatic, judged.confirmations)
    refused = _not_lifted(history.refused_at(vehicle, step.place), judged)
    if refused:
        reason = Reason(Code.REFUSED_BY_OFFICER, step.clause, refused)
        return replace(
            decision, verdict=Verdict.REFUSE, waits_for=(), reasons=(reason, *reasons), automatic=False
        )
    return decision


@dataclass(frozen=True)
class _Judged:
    missing: tuple[Agency, ...] = ()
    reasons: tuple[Reason, ...] = ()
    confirmations: Mapping[Agency | Actor, str] = field(default_factory=dict)
    given: tuple[Fact, ...] = ()


def _judge(
    step: Step, declaration: Declaration, vehicle: str, history: History, settings: Settings
) -> _Judged:
    """Which confirmations of a step stand, and which agencies are still to come, in the step's order."""
    asked = [*step.confirm, *(a for a in step.confirm_if_required if declaration.quarantine.requires(a))]
    reasons: list[Reason] = []
    missing: list[Agency] = []
    standing: dict[Agency | Actor, tuple[Fact, ...]] = {}
    if not asked and not step.confirm_one_of:
        reasons.append(Reason(Code.NOBODY_NAMED, step.clause))
    for actor in asked:
        if not isinstance(actor, Agency):
            reasons.append(Reason(Code.DEVICE_CONFIRMS, step.clause))
            continue
        found, why = _standing_confirmations(step, actor, declaration, vehicle, history)
        in_order = tuple(fact for fact in found if _in_order(step, actor, fact, standing, settings))
        if in_order:
            standing[actor] = in_order
            reasons.append(Reason(Code.CONFIRMED, step.clause, (in_order[0].ref,), {"agency": actor}))
            continue
        missing.append(actor)
        if found:
            reasons.append(Reason(Code.OUT_OF_ORDER, step.clause, (found[0].ref,), {"agency": actor}))
        else:
            reasons.append(why or Reason(Code.CONFIRMATION_MISSING, step.clause, values={"agency": actor}))
    refs = {actor: facts[0].ref for actor, facts in standing.items()}
    given = tuple(fact for facts in standing.values() for fact in facts)
    return _Judged(tuple(missing), tuple(reasons), refs, given)


def _standing_confirmations(
    step: Step, agency: Agency, declaration: Declaration, vehicle: str, history: History
) -> tuple[list[Fact], Reason | None]:
    """The agency's confirmations that count and still stand, newest first; and why its newest other one does not."""
    found: list[Fact] = []
    why: Reason | None = None
    for given in history.confirmations(step.clause, vehicle, agency):
        if given.withdrawn:
            continue
        counting = given.counting if given.body.place is step.place else Counting.REFUSED
        if counting is not Counting.COUNTS:
            values = {"agency": agency.value, "why": counting.value}
            why = why or Reason(Code.CONFIRMATION_DOES_NOT_COUNT, step.clause, (given.fact.ref,), values)
        elif not _matter_unchanged(given.body, declaration, vehicle, history):
            why = why or Reason(Code.AMENDED_SINCE, step.clause, (given.fact.ref,), {"agency": agency})
        else:
            found.append(given.fact)
    return found, why


def _in_order(
    step: Step,
    agency: Agency,
    given: Fact,
    before: Mapping[Agency | Actor, Sequence[Fact]],
    settings: Settings,
) -> bool:
    """In a fixed order a confirmation must have seen one of each agency before it: causes, not clocks."""
    if not step.ordered:
        return True
    earlier_allowed = settings.health_tick is HealthTick.MAY_COME_EARLIER
    if agency is Agency.HEALTH_QUARANTINE and earlier_allowed:
        return True
    expected = [a for a in step.confirm if isinstance(a, Agency)]
    expected = expected[: expected.index(agency)]
    if earlier_allowed and agency is not Agency.BORDER_GUARD:
        expected = [a for a in expected if a is not Agency.HEALTH_QUARANTINE]
    saw = set(given.body.get("saw", ()))
    return all(any(fact.ref in saw for fact in before.get(one, ())) for one in expected)


def _matter_unchanged(body: Confirmed, now: Declaration, vehicle: str, history: History) -> bool:
    """A confirmation stands while what was declared of the vehicle and its goods is what the officer saw."""
    then: Version | None = history.version(body.declared)
    return then is not None and then.matter(vehicle) == Version.matter_of(now, vehicle)


def _earlier(
    procedure: Procedure,
    step: Step,
    declaration: Declaration,
    vehicle: str,
    history: History,
    settings: Settings,
) -> _Judged:
    """Earlier steps, at the steps whose text says that they are queried. Device stamps come late in practice and never bind."""
    if step.queries is not Queries.EARLIER_STATES:
        return _Judged()
    missing: list[Agency] = []
    reasons: list[Reason] = []
    for printed in procedure.before(step):
        earlier = printed.in_reading(settings.readings.get(printed.clause))
        if earlier.place in YARD_GATES or Actor.DECLARANT in earlier.confirm:
            continue
        lacking = _judge(earlier, declaration, vehicle, history, settings).missing
        values = {"agencies": ", ".join(lacking or earlier.confirm_one_of)}
        if lacking and (earlier.standing is not Standing.INFERRED or settings.inferred_steps_bind):
            missing.extend(lacking)
            reasons.append(Reason(Code.EARLIER_STEP_MISSING, earlier.clause, values=values))
        elif lacking or (earlier.confirm_one_of and not history.any_of(earlier, vehicle)):
            reasons.append(Reason(Code.EARLIER_STEP_SHOWN, earlier.clause, values=values))
    return _Judged(tuple(missing), tuple(reasons))


def _notes(step: Step, settings: Settings, history: History) -> list[Reason]:
    notes: list[Reason] = []
    if step.readings:
        name = settings.readings.get(step.clause, "")
        name = name if name in step.readings else step.reading or ""
        notes.append(Reason(Code.READING_IN_USE, step.clause, values={"reading": name}))
    if history.not_understood:
        notes.append(Reason(Code.NOT_UNDERSTOOD, facts=tuple(f.ref for f in history.not_understood)))
    return notes


def _not_lifted(refusals: Sequence[Fact], judged: _Judged) -> tuple[str, ...]:
    """Refusals that still hold: an officer who confirms after having seen one has lifted it."""
    lifted = {ref for fact in judged.given for ref in fact.body.get("saw", ())}
    return tuple(fact.ref for fact in refusals if fact.ref not in lifted)
