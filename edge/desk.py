"""The desk: agencies confirm steps that no boom stands before, in the yard (4.2.d, 4.3.c) and of the fee (4.2.đ, 4.3.d)."""

from collections.abc import Mapping
from dataclasses import dataclass

from edge.desk_values import asked, explained, taken, whole_vnd, words_of
from edge.lane.passage import Judgement, Knowledge, saw
from edge.lane.show import ticks_of
from edge.lane.view import Officer, PressRefused, Tick, TickState
from edge.screen.ports import DeskLine, DeskPress
from edge.underway import awaiting
from shared import subjects
from shared.authority import Counting
from shared.bodies import Confirmed, FeePaid, dump
from shared.canonical import digest
from shared.clock import day_at_gates
from shared.codes import Agency, Heading, Place, Verdict
from shared.decide import Decision, seen
from shared.facts import Draft
from shared.fee_facts import vehicle_fee
from shared.fees import COLLECTORS, Fee, Routing
from shared.node.declarations import Declared
from shared.procedures import Step
from shared.reasons import Code
from shared.tariffs import Tariffs


@dataclass(frozen=True)
class Charging:
    """What the fee is worked out by: the tariffs, and who collects."""

    tariffs: Tariffs
    routing: Routing


@dataclass(frozen=True)
class Waiting:
    """A vehicle that awaits an agency at a step away from any boom."""

    line: DeskLine
    step: Step
    about: Judgement


def waiting(knowledge: Knowledge, charging: Charging, agency: Agency) -> list[Waiting]:
    """Every vehicle under way whose step at the desk lacks the agency's confirmation, longest inside first.

    A collector's list is of those that are ready to pay: whose step in the yard lacks nobody.
    """
    found = (
        _waiting_one(knowledge, charging, declared, vehicle, agency)
        for no, vehicle in awaiting(knowledge.store, agency)
        if (declared := knowledge.book.find(no)) is not None
    )
    return [one for one in found if one is not None]


def confirmation(
    knowledge: Knowledge,
    charging: Charging,
    officer: Officer,
    pressed: DeskPress,
    values: Mapping[str, str],
) -> Draft:
    """The fact of a confirmation at the desk.

    Raises PressRefused when it is not awaited, the list has changed, or `values` are not what the agency owes at the step.
    A collector's names the payments that she knew of, so that "confirmed after the money had matched" can be judged.
    """
    one = _pressed(knowledge, charging, officer, pressed)
    said = taken(one.line.owed, values)
    if one.line.fee is not None:
        said |= explained(one.line.fee, said, values.get("reason", ""))
    assert one.about.declared is not None
    assert one.about.decision is not None
    knew = {*saw(one.about.history, pressed.vehicle), *_payments(knowledge, pressed, one.line.fee)}
    body = Confirmed(
        step=pressed.clause,
        place=one.step.place,
        declaration=pressed.declaration,
        vehicle=pressed.vehicle,
        by=officer.agency,
        officer=officer.code,
        screen=officer.screen,
        declared=one.about.declared.ref,
        saw=sorted(knew),
        decision=seen(one.about.decision, one.about.procedure, one.about.settings, knowledge.known()),
        values=said,
    )
    return Draft("confirmed", subjects.vehicle(pressed.declaration, pressed.vehicle), dump(body))


def cash(
    knowledge: Knowledge, charging: Charging, officer: Officer, pressed: DeskPress, amount: str
) -> Draft:
    """The fact of money that a collector took at the counter. Its reference follows from the press: twice is the same money.

    Raises PressRefused when the list has changed, the amount is none, or the officer collects no fees.
    """
    one = _pressed(knowledge, charging, officer, pressed)
    if one.line.fee is None:
        raise PressRefused("not_offered")
    amount_vnd = whole_vnd(amount)
    if amount_vnd == 0:
        raise PressRefused("bad_amount")
    body = FeePaid(
        declaration=pressed.declaration,
        vehicle=pressed.vehicle,
        amount_vnd=amount_vnd,
        payment=f"{officer.screen}:{pressed.token}",
        channel="counter",
    )
    return Draft("fee_paid", subjects.vehicle(pressed.declaration, pressed.vehicle), dump(body))


def _pressed(knowledge: Knowledge, charging: Charging, officer: Officer, pressed: DeskPress) -> Waiting:
    """What a press is about; raises PressRefused when the officer may not, or what she saw has changed."""
    at = knowledge.store.clock.now().wall
    if knowledge.known().authority.officer_holds(officer.code, officer.agency, at) is not Counting.COUNTS:
        raise PressRefused("not_enrolled")
    declared = knowledge.book.find(pressed.declaration)
    one = _waiting_one(knowledge, charging, declared, pressed.vehicle, officer.agency) if declared else None
    if one is None or one.line.press != pressed:
        raise PressRefused("stale")
    return one


def _waiting_one(
    knowledge: Knowledge, charging: Charging, declared: Declared, vehicle: str, agency: Agency
) -> Waiting | None:
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
    fee = _fee(knowledge, charging, about) if agency in COLLECTORS else None
    tariff = charging.tariffs.on(day_at_gates(knowledge.store.clock.now().wall))
    due_vnd = fee.due_vnd if fee else None
    line = DeskLine(
        DeskPress(declared.body.no, vehicle, step.clause, _token(about, step, ticks, fee)),
        next(v.plate for v in declared.body.vehicles if v.vehicle == vehicle),
        step.what,
        ticks,
        tuple(asked(code, tariff, due_vnd) for code in step.values.get(agency, ())),
        tuple(_failed(about.decision)),
        fee,
        words_of(fee.matter.values, charging.tariffs.on(fee.matter.day)) if fee else (),
    )
    return Waiting(line, step, about)


def _token(about: Judgement, step: Step, ticks: tuple[Tick, ...], fee: Fee | None) -> str:
    """Changes with everything that a press depends on: declaration, ticks, failed results, and how the fee stands."""
    assert about.declared is not None
    assert about.decision is not None
    failed = [list(one.facts) for one in about.decision.reasons if one.code is Code.QUARANTINE_FAILED]
    stands = [fee.state, fee.due_vnd, fee.paid_vnd] if fee else []
    shown = [[tick.by, tick.state, tick.at] for tick in ticks]
    return digest([about.declared.ref, about.vehicle, step.clause, shown, failed, stands])[:16]


def _failed(decision: Decision) -> list[Agency]:
    """Quarantines whose result is that the goods may not go on."""
    return [Agency(one.values["agency"]) for one in decision.reasons if one.code is Code.QUARANTINE_FAILED]


def _fee(knowledge: Knowledge, charging: Charging, about: Judgement) -> Fee:
    assert about.declared is not None
    assert about.history is not None
    assert about.vehicle is not None
    declaration = about.declared.body
    facts = knowledge.store.about(subjects.declaration(declaration.no))
    return vehicle_fee(facts, about.history, declaration, about.vehicle, charging.tariffs, charging.routing)


def _payments(knowledge: Knowledge, pressed: DeskPress, fee: Fee | None) -> list[str]:
    """References of the facts that tell of money for the vehicle; none for who does not collect."""
    if fee is None:
        return []
    subject = subjects.vehicle(pressed.declaration, pressed.vehicle)
    return [
        fact.ref
        for fact in knowledge.store.about(subjects.declaration(pressed.declaration))
        if fact.kind == "fee_paid" and fact.subject == subject
    ]


def _ready_to_pay(knowledge: Knowledge, no: str, vehicle: str) -> bool:
    """Whether the formalities in the yard are done, after which the fee is due (4.3.d)."""
    in_yard = knowledge.judge_vehicle(no, vehicle, Place.YARD, Heading.IN).decision
    return in_yard is not None and in_yard.verdict is Verdict.OPEN
