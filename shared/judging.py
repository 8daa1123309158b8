"""One step judged for one vehicle: whose confirmations stand, and which agencies are still to come."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.authority import Counting
from shared.bodies import Confirmed
from shared.codes import BARRIERS, Actor, Agency, Load
from shared.declared import Declaration
from shared.facts import Fact
from shared.history import Given, History
from shared.matter import matter_digest
from shared.procedures import Step
from shared.reasons import Code, Reason
from shared.settings import HealthTick, Settings

QUARANTINES = (Agency.HEALTH_QUARANTINE, Agency.ANIMAL_QUARANTINE, Agency.PLANT_QUARANTINE)
RESULT, FAILED = "result", "failed"
"""What a quarantine's confirmation says, and what it says of goods that may not go on."""


@dataclass(frozen=True)
class Subject:
    """What is judged: one vehicle of a declaration, all that is known of it, and how the text is read."""

    declaration: Declaration
    vehicle: str
    history: History
    settings: Settings

    @property
    def load(self) -> Load:
        """What the vehicle has to do with the goods."""
        return self.declaration.load(self.vehicle)

    @property
    def source(self) -> "Subject | None":
        """The vehicle whose goods this one took over."""
        found = self.declaration.find(self.vehicle)
        if found is None or found.receives_from is None:
            return None
        return replace(self, vehicle=found.receives_from)

    @property
    def receivers(self) -> "tuple[Subject, ...]":
        """The vehicles that take this one's goods over."""
        return tuple(
            replace(self, vehicle=one.vehicle)
            for one in self.declaration.vehicles
            if one.receives_from == self.vehicle
        )

    def read(self, step: Step) -> Step:
        """A step in the reading in use."""
        return step.in_reading(self.settings.readings.get(step.clause))


@dataclass(frozen=True)
class Judged:
    """Agencies still missing in the step's order, why, and the confirmations that stand."""

    missing: tuple[Agency, ...] = ()
    reasons: tuple[Reason, ...] = ()
    confirmations: Mapping[Agency | Actor, str] = field(default_factory=dict)
    given: tuple[Fact, ...] = ()


def judge(step: Step, about: Subject) -> Judged:
    """Which confirmations of a step (in the reading in use) stand, and which agencies are still to come, in its order."""
    asked = asked_at(step, about.declaration)
    reasons: list[Reason] = list(_not_asked(step, about.declaration))
    missing: list[Agency] = []
    standing: dict[Agency | Actor, tuple[Fact, ...]] = {}
    if not asked and not step.confirm_one_of:
        reasons.append(Reason(Code.NOBODY_NAMED, step.clause))
    for actor in asked:
        if not isinstance(actor, Agency):
            reasons.append(_by_device(step, about))
            continue
        found, why = _standing(step, actor, about)
        if not found and why is None:
            found = _for_transfer(step, actor, about)
        in_order = tuple(fact for fact in found if _in_order(step, actor, fact, standing, about.settings))
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
    return Judged(tuple(missing), tuple(reasons), refs, given)


def asked_at(step: Step, declaration: Declaration) -> tuple[Agency | Actor, ...]:
    """Everybody who must confirm a step for this declaration, in the step's order."""
    if_required = (a for a in step.confirm_if_required if declaration.quarantine.requires(a))
    if_transfer = step.confirm_if_transfer if declaration.transfers else ()
    return tuple(dict.fromkeys((*step.confirm, *if_transfer, *if_required)))


def collected(step: Step, about: Subject) -> tuple[str, ...]:
    """The confirmation of one of the step's collectors that stands, for the vehicle or the one it received from."""
    payers = (about, about.source) if about.source is not None else (about,)
    for one in payers:
        for agency in step.confirm_one_of:
            found, _ = _standing(step, agency, one)
            if found:
                return (found[0].ref,)
    return ()


def failures(step: Step, about: Subject) -> Iterator[Reason]:
    """Quarantines of a step whose newest result is a no: only the agency takes it away, no amendment."""
    for agency in QUARANTINES:
        if RESULT not in step.values.get(agency, ()):
            continue
        given = about.history.confirmations(step.clause, about.vehicle, agency)
        newest = next((g for g in given if g.counts and not g.withdrawn and g.body.place is step.place), None)
        if newest is not None and newest.body.values.get(RESULT) == FAILED:
            values = {"agency": agency.value}
            yield Reason(Code.QUARANTINE_FAILED, step.clause, (newest.fact.ref,), values)


def _not_asked(step: Step, declaration: Declaration) -> Iterator[Reason]:
    for agency in step.confirm_if_required:
        if agency not in asked_at(step, declaration):
            yield Reason(Code.QUARANTINE_NOT_REQUESTED, step.clause, values={"agency": agency})


def _by_device(step: Step, about: Subject) -> Reason:
    report = about.history.yard_report(about.vehicle, step.place)
    if report is not None:
        return Reason(Code.YARD_REPORTED, step.clause, (report.ref,))
    return Reason(Code.DEVICE_CONFIRMS, step.clause)


def _standing(step: Step, agency: Agency, about: Subject) -> tuple[list[Fact], Reason | None]:
    """The agency's confirmations that count and still stand, newest first; and why its newest other one does not.

    A quarantine that failed takes away what the agency had confirmed before.
    """
    found: list[Fact] = []
    why: Reason | None = None
    for given in about.history.confirmations(step.clause, about.vehicle, agency):
        if given.withdrawn:
            continue
        fault = _fault(step, agency, given, about)
        if fault is None:
            found.append(given.fact)
        else:
            why = why or fault
            if fault.code is Code.QUARANTINE_FAILED:
                break
    return found, why


def _for_transfer(step: Step, agency: Agency, about: Subject) -> list[Fact]:
    """What an agency that confirms a transfer (5.2.d) confirmed for each vehicle that takes this one's goods over."""
    if agency not in step.confirm_if_transfer:
        return []
    each = [_standing(step, agency, one)[0] for one in about.receivers]
    return [fact for found in each for fact in found] if all(each) else []


def _fault(step: Step, agency: Agency, given: Given, about: Subject) -> Reason | None:
    """Why a confirmation does not stand, or None when it does."""
    values = {"agency": agency.value}
    refs = (given.fact.ref,)
    counting = given.counting if given.body.place is step.place else Counting.REFUSED
    if counting is not Counting.COUNTS:
        return Reason(Code.CONFIRMATION_DOES_NOT_COUNT, step.clause, refs, values | {"why": counting.value})
    if not _matter_unchanged(step, given.body, about):
        return Reason(Code.AMENDED_SINCE, step.clause, refs, values)
    owed = [code for code in step.values.get(agency, ()) if not given.body.values.get(code)]
    if owed:
        return Reason(Code.VALUES_MISSING, step.clause, refs, values | {"values": ", ".join(owed)})
    if agency in QUARANTINES and given.body.values.get(RESULT) == FAILED:
        return Reason(Code.QUARANTINE_FAILED, step.clause, refs, values)
    return None


def _matter_unchanged(step: Step, body: Confirmed, about: Subject) -> bool:
    """A confirmation stands while what the agency answers for at this step is what its officer saw.

    At a barrier that the vehicle has passed, what was declared then: nobody could confirm there again.
    """
    then = about.history.version(body.declared)
    if then is None:
        return False
    now = _as_passed(step, about) or about.declaration
    of = step.matter_of(body.by)
    return then.body == now or matter_digest(then.body, about.vehicle, of) == matter_digest(
        now, about.vehicle, of
    )


def _as_passed(step: Step, about: Subject) -> Declaration | None:
    """What was declared when the vehicle passed the step's barrier; None while it has not."""
    if step.place not in BARRIERS or step.heading is None:
        return None
    passed = about.history.passed(about.vehicle, step.place, step.heading)
    version = about.history.version_at(passed) if passed is not None else None
    return version.body if version is not None else None


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
