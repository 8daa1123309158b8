"""From a lane to its view: what the screen shows, as immutable values."""

from edge.lane.lane import Lane
from edge.lane.passage import Judgement, Passage
from edge.lane.view import LaneView, PlateShown, StepLine, StepState, Tick, TickState
from shared.canonical import digest
from shared.codes import LANE_PLACES, Actor, Agency, Heading, Place
from shared.history import History
from shared.judging import asked_at
from shared.procedures import Step


def view(lane: Lane) -> LaneView:
    """The view of a lane now."""
    passage, about = lane.passage, lane.judgement
    return LaneView(
        node=lane.node,
        lane=lane.settings.name,
        place=lane.settings.place,
        heading=lane.settings.heading,
        state=lane.state,
        token=_token(lane),
        passage=passage.ref if passage else None,
        arrived_at=passage.arrived_at if passage else None,
        plate=_plate(passage),
        outcome=about.match.outcome if passage and passage.text else None,
        candidates=about.match.candidates,
        declaration=about.declaration,
        vehicle=about.vehicle,
        decision=about.decision,
        steps=step_lines(about, lane.settings.place, lane.settings.heading),
        cameras=lane.cameras_shown(),
        barrier=lane.barrier_shown(),
        refused=passage is not None and passage.refused is not None,
        emergency_open=lane.unexplained,
        trouble=tuple(lane.trouble),
    )


def step_lines(about: Judgement, place: Place, heading: Heading) -> tuple[StepLine, ...]:
    """The procedure as a line of the steps that are for this vehicle, in the readings in use, seen from a place."""
    if about.procedure is None or about.declared is None or about.history is None or about.vehicle is None:
        return ()
    load = about.declared.body.load(about.vehicle)
    here = about.procedure.at(place, heading, load)
    at = about.procedure.steps.index(here) if here else -1
    lines = []
    for index, printed in enumerate(about.procedure.steps):
        if load not in printed.loads:
            continue
        step = printed.in_reading(about.settings.readings.get(printed.clause))
        ticks = ticks_of(step, about)
        state = (
            StepState.NOW if index == at else _state(step, index < at, ticks, about.history, about.vehicle)
        )
        lines.append(StepLine(step.clause, step.place, state, dict(step.what), ticks))
    return tuple(lines)


def ticks_of(step: Step, about: Judgement) -> tuple[Tick, ...]:
    """How each agency's confirmation of a step stands; a quarantine nobody asked for is "not requested"."""
    assert about.declared is not None
    asked = [one for one in asked_at(step, about.declared.body) if one is not Actor.DECLARANT]
    ticks = [_tick(step, actor, about) for actor in (*asked, *step.confirm_one_of)]
    may_be_asked = dict.fromkeys((*step.confirm_if_transfer, *step.confirm_if_required))
    return (*ticks, *(Tick(one, TickState.NOT_REQUESTED) for one in may_be_asked if one not in asked))


def _tick(step: Step, by: Agency | Actor, about: Judgement) -> Tick:
    assert about.history is not None
    assert about.vehicle is not None
    given = next(
        (
            g
            for g in about.history.confirmations(step.clause, about.vehicle, by)
            if g.counts and not g.withdrawn
        ),
        None,
    )
    decision = about.decision
    if decision is not None and decision.step is not None and decision.step.clause == step.clause:
        stands = given is not None and decision.confirmations.get(by) == given.fact.ref
        given = given if stands or not isinstance(by, Agency) else None
    if given is None:
        return Tick(by, TickState.MISSING)
    return Tick(by, TickState.DONE, given.body.officer, given.fact.at)


def _state(step: Step, earlier: bool, ticks: tuple[Tick, ...], history: History, vehicle: str) -> StepState:
    if step.place in LANE_PLACES and step.heading is not None:
        if history.passed(vehicle, step.place, step.heading) is not None:
            return StepState.DONE
    elif Actor.DECLARANT in step.confirm:
        return StepState.DONE
    elif step.confirm_one_of:
        if any(tick.state is TickState.DONE for tick in ticks):
            return StepState.DONE
    elif ticks and all(tick.state is not TickState.MISSING for tick in ticks):
        return StepState.DONE
    return StepState.PASSED_OVER if earlier else StepState.TO_COME


def _plate(passage: Passage | None) -> PlateShown | None:
    if passage is None or passage.text is None:
        return None
    read = passage.read
    return PlateShown(
        text=passage.text,
        country=read.country.value if read and read.country and passage.correction is None else None,
        confidence=read.probability if read else 0.0,
        looks=read.looks if read else 0,
        agreeing=read.agreeing if read else 0,
        final=passage.correction is not None or (read is not None and read.final),
        picture=passage.kept.picture if passage.kept else None,
        corrected_by=passage.correction.officer if passage.correction else None,
    )


def _token(lane: Lane) -> str:
    """Changes with the vehicle, what is taken to be its plate, and everything the decision rests on."""
    passage, about = lane.passage, lane.judgement
    decision = about.decision
    return digest(
        {
            "passage": passage.ref if passage else None,
            "text": passage.text if passage else None,
            "declared": about.declared.ref if about.declared else None,
            "vehicle": about.vehicle,
            "verdict": decision.verdict if decision else None,
            "waits_for": list(decision.waits_for) if decision else [],
            "confirmations": {a.value: ref for a, ref in decision.confirmations.items()} if decision else {},
            "request": passage.request if passage else None,
            "state": lane.state,
        }
    )[:16]
