"""The desk: agencies in the yard confirm steps that no boom stands before (4.2.d, 4.3.c)."""

from dataclasses import dataclass

from edge.lane.passage import Judgement, Knowledge, saw
from edge.lane.show import ticks_of
from edge.lane.view import Officer, PressRefused, TickState
from edge.screen.ports import DeskLine
from edge.underway import awaiting
from shared import subjects
from shared.authority import Counting
from shared.bodies import Confirmed, dump
from shared.canonical import digest
from shared.codes import Agency, Heading, Place
from shared.decide import seen
from shared.facts import Draft
from shared.node.declarations import Declared
from shared.procedures import Step


@dataclass(frozen=True)
class Waiting:
    """A vehicle that awaits an agency at a step in the yard."""

    line: DeskLine
    step: Step
    about: Judgement


def waiting(knowledge: Knowledge, agency: Agency) -> list[Waiting]:
    """Every vehicle inside the gate area whose yard step lacks the agency's confirmation, longest inside first."""
    found = (
        _waiting_one(knowledge, declared, vehicle, agency)
        for no, vehicle in awaiting(knowledge.store, agency)
        if (declared := knowledge.book.find(no)) is not None
    )
    return [one for one in found if one is not None]


def confirmation(
    knowledge: Knowledge, officer: Officer, declaration: str, vehicle: str, clause: str, token: str
) -> Draft:
    """The fact of a confirmation at the desk; raises PressRefused when it is not awaited or the list has changed."""
    at = knowledge.store.clock.now().wall
    known = knowledge.known()
    if known.authority.officer_holds(officer.code, officer.agency, at) is not Counting.COUNTS:
        raise PressRefused("not_enrolled")
    declared = knowledge.book.find(declaration)
    one = _waiting_one(knowledge, declared, vehicle, officer.agency) if declared else None
    if one is None or one.line.clause != clause or one.line.token != token:
        raise PressRefused("stale")
    assert one.about.declared is not None
    assert one.about.decision is not None
    body = Confirmed(
        step=clause,
        place=Place.YARD,
        declaration=declaration,
        vehicle=vehicle,
        by=officer.agency,
        officer=officer.code,
        screen=officer.screen,
        declared=one.about.declared.ref,
        saw=saw(one.about.history, vehicle),
        decision=seen(one.about.decision, one.about.procedure, knowledge.settings, known),
    )
    return Draft("confirmed", subjects.vehicle(declaration, vehicle), dump(body))


def _waiting_one(knowledge: Knowledge, declared: Declared, vehicle: str, agency: Agency) -> Waiting | None:
    about = knowledge.judge_vehicle(declared.body.no, vehicle, Place.YARD, Heading.IN)
    step = about.decision.step if about.decision else None
    if step is None or about.decision is None or agency not in about.decision.waits_for:
        return None
    ticks = ticks_of(step, about)
    if not any(tick.by is agency and tick.state is TickState.MISSING for tick in ticks):
        return None
    plate = next(v.plate for v in declared.body.vehicles if v.vehicle == vehicle)
    token = digest([declared.ref, vehicle, step.clause, [[t.by, t.state, t.at] for t in ticks]])[:16]
    line = DeskLine(declared.body.no, vehicle, plate, step.clause, step.what, ticks, token)
    return Waiting(line, step, about)
