"""The desk: agencies confirm steps that no boom stands before, in the yard (4.2.d, 4.3.c) and of the fee (4.2.đ, 4.3.d)."""

from collections.abc import Mapping
from dataclasses import dataclass

from edge.lane.passage import Judgement, Knowledge, saw
from edge.lane.show import ticks_of
from edge.lane.view import Officer, PressRefused, TickState
from edge.screen.ports import DeskLine, DeskPress
from edge.underway import awaiting
from shared import subjects
from shared.authority import Counting
from shared.bodies import Confirmed, dump
from shared.canonical import digest
from shared.codes import Agency, Heading, Place, Verdict
from shared.decide import seen
from shared.facts import Draft
from shared.node.declarations import Declared
from shared.procedures import Step

COLLECTORS = frozenset({Agency.GATE_MANAGEMENT, Agency.TAX})


@dataclass(frozen=True)
class Waiting:
    """A vehicle that awaits an agency at a step away from any boom."""

    line: DeskLine
    step: Step
    about: Judgement


def waiting(knowledge: Knowledge, agency: Agency) -> list[Waiting]:
    """Every vehicle under way whose step at the desk lacks the agency's confirmation, longest inside first.

    A collector's list is of those that are ready to pay: whose step in the yard lacks nobody.
    """
    found = (
        _waiting_one(knowledge, declared, vehicle, agency)
        for no, vehicle in awaiting(knowledge.store, agency)
        if (declared := knowledge.book.find(no)) is not None
    )
    return [one for one in found if one is not None]


def confirmation(
    knowledge: Knowledge, officer: Officer, pressed: DeskPress, values: Mapping[str, str]
) -> Draft:
    """The fact of a confirmation at the desk.

    Raises PressRefused when it is not awaited, the list has changed, or `values` lack what the agency owes at the step.
    """
    at = knowledge.store.clock.now().wall
    known = knowledge.known()
    if known.authority.officer_holds(officer.code, officer.agency, at) is not Counting.COUNTS:
        raise PressRefused("not_enrolled")
    declared = knowledge.book.find(pressed.declaration)
    one = _waiting_one(knowledge, declared, pressed.vehicle, officer.agency) if declared else None
    if one is None or one.line.press != pressed:
        raise PressRefused("stale")
    said = {code: values.get(code, "").strip() for code in one.line.owed}
    if not all(said.values()):
        raise PressRefused("values_missing")
    assert one.about.declared is not None
    assert one.about.decision is not None
    body = Confirmed(
        step=pressed.clause,
        place=one.step.place,
        declaration=pressed.declaration,
        vehicle=pressed.vehicle,
        by=officer.agency,
        officer=officer.code,
        screen=officer.screen,
        declared=one.about.declared.ref,
        saw=saw(one.about.history, pressed.vehicle),
        decision=seen(one.about.decision, one.about.procedure, one.about.settings, known),
        values=said,
    )
    return Draft("confirmed", subjects.vehicle(pressed.declaration, pressed.vehicle), dump(body))


def _waiting_one(knowledge: Knowledge, declared: Declared, vehicle: str, agency: Agency) -> Waiting | None:
    place = Place.ONLINE if agency in COLLECTORS else Place.YARD
    about = knowledge.judge_vehicle(declared.body.no, vehicle, place, Heading.IN)
    step = about.decision.step if about.decision else None
    if step is None or about.decision is None or agency not in about.decision.waits_for:
        return None
    ticks = ticks_of(step, about)
    if not any(tick.by is agency and tick.state is TickState.MISSING for tick in ticks):
        return None
    if agency in COLLECTORS and not _ready_to_pay(knowledge, declared.body.no, vehicle):
        return None
    plate = next(v.plate for v in declared.body.vehicles if v.vehicle == vehicle)
    token = digest([declared.ref, vehicle, step.clause, [[t.by, t.state, t.at] for t in ticks]])[:16]
    press = DeskPress(declared.body.no, vehicle, step.clause, token)
    return Waiting(DeskLine(press, plate, step.what, ticks, step.values.get(agency, ())), step, about)


def _ready_to_pay(knowledge: Knowledge, no: str, vehicle: str) -> bool:
    """Whether the formalities in the yard are done, after which the fee is due (4.3.d)."""
    in_yard = knowledge.judge_vehicle(no, vehicle, Place.YARD, Heading.IN).decision
    return in_yard is not None and in_yard.verdict is Verdict.OPEN
