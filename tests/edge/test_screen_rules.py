"""Who is offered which press: the table of `edge.lane.rules`, over every press, agency, situation and state of a lane."""

from dataclasses import replace
from itertools import product

import pytest

from edge.lane import rules
from edge.lane.machine import LaneState
from edge.lane.view import Buttons, LaneView, Press
from edge.screen.specimens import ALL_FOUR, BG, CUSTOMS, SITUATIONS, decision
from shared.codes import Actor, Agency, Verdict
from shared.reasons import Code, Reason

OPENINGS = {Press.CONFIRM_AND_OPEN, Press.OPEN, Press.OPEN_WITH_REASON, Press.EMERGENCY}
CORRECT, CHOOSE, AGAIN = Press.CORRECT_PLATE, Press.CHOOSE_VEHICLE, Press.LOOK_AGAIN
EVERYWHERE = [
    (f"{name} {state} {agency}", replace(view, state=state), agency)
    for (name, view), state, agency in product(SITUATIONS.items(), LaneState, Agency)
]


def offered(view: LaneView, agency: Agency) -> set[Press]:
    return {press for press in Press if rules.allowed(view, agency, press)}


def test_only_the_border_guard_is_ever_offered_an_opening() -> None:
    assert [
        at for at, view, agency in EVERYWHERE if agency is not BG and offered(view, agency) & OPENINGS
    ] == []


def test_the_border_guard_and_nobody_else_can_open_in_an_emergency_whatever_the_lane_does() -> None:
    assert all((Press.EMERGENCY in offered(view, agency)) == (agency is BG) for _, view, agency in EVERYWHERE)


def test_away_from_a_waiting_vehicle_nothing_is_confirmed_refused_or_corrected() -> None:
    still = {Press.EMERGENCY, Press.GIVE_REASON}
    retry = {Press.OPEN, Press.OPEN_WITH_REASON}
    may = {state: still | retry if state is LaneState.FAULT else still for state in LaneState}
    away = [one for one in EVERYWHERE if one[1].state is not LaneState.WAITING]
    assert [at for at, view, agency in away if not offered(view, agency) <= may[view.state]] == []


def test_a_read_of_a_trailer_alone_can_be_corrected_however_sure_it_is() -> None:
    view = SITUATIONS["clear"]
    assert view.plate is not None
    assert CORRECT not in offered(view, BG)
    assert CORRECT in offered(replace(view, plate=replace(view.plate, text="29R04567")), BG)


def test_buttons_and_allowed_say_the_same_and_no_button_stands_twice() -> None:
    for at, view, agency in EVERYWHERE:
        buttons = rules.buttons(view, agency)
        shown = [press for press in (buttons.primary, *buttons.others) if press is not None]
        assert sorted(shown) == sorted(offered(view, agency)), at


BG_QUIET = (AGAIN, Press.REFUSE, Press.EMERGENCY)


@pytest.mark.parametrize(
    ("situation", "agency", "primary", "others"),
    [
        ("empty", BG, None, (Press.EMERGENCY,)),
        ("empty", CUSTOMS, None, ()),
        ("clear", BG, Press.CONFIRM_AND_OPEN, BG_QUIET),
        ("clear", CUSTOMS, None, (AGAIN,)),
        ("stale", BG, Press.CONFIRM_AND_OPEN, BG_QUIET),
        ("first_of_four", Agency.TRANSPORT, Press.CONFIRM, (AGAIN, Press.REFUSE)),
        ("first_of_four", CUSTOMS, None, (AGAIN,)),
        ("first_of_four", BG, None, BG_QUIET),
        ("may_open", BG, Press.OPEN, BG_QUIET),
        ("may_open", CUSTOMS, None, (AGAIN,)),
        ("near", CUSTOMS, None, (CHOOSE, CORRECT, AGAIN)),
        ("near", BG, None, (CHOOSE, CORRECT, *BG_QUIET)),
        ("ambiguous", BG, None, (CHOOSE, CORRECT, *BG_QUIET)),
        ("undeclared", BG, None, (Press.OPEN_WITH_REASON, CORRECT, *BG_QUIET)),
        ("undeclared", CUSTOMS, None, (CORRECT, AGAIN)),
        ("another_tractor", BG, None, (Press.OPEN_WITH_REASON, CORRECT, *BG_QUIET)),
        ("another_tractor", CUSTOMS, None, (CORRECT, AGAIN)),
        ("refused", BG, None, BG_QUIET),
        ("no_rule", BG, Press.OPEN_WITH_REASON, BG_QUIET),
        ("no_rule", CUSTOMS, None, (AGAIN,)),
        ("unread", BG, None, (CORRECT, *BG_QUIET)),
        ("fault", BG, Press.OPEN, (Press.EMERGENCY,)),
        ("emergency", BG, Press.GIVE_REASON, (Press.EMERGENCY,)),
        ("emergency", CUSTOMS, None, ()),
    ],
)
def test_what_each_agency_is_offered(
    situation: str, agency: Agency, primary: Press | None, others: tuple[Press, ...]
) -> None:
    assert rules.buttons(SITUATIONS[situation], agency) == Buttons(primary, others)


def test_without_an_order_any_missing_agency_confirms_but_only_the_last_may_also_open() -> None:
    ordered = SITUATIONS["first_of_four"].decision
    assert ordered is not None
    assert ordered.step is not None
    step = ordered.step.model_copy(update={"ordered": False})
    view = replace(SITUATIONS["first_of_four"], decision=replace(ordered, step=step, waits_for=ALL_FOUR))
    assert {rules.buttons(view, agency).primary for agency in ALL_FOUR} == {Press.CONFIRM}


def test_while_an_earlier_step_is_missing_the_border_guard_confirms_but_does_not_open() -> None:
    earlier = Reason(Code.EARLIER_STEP_MISSING, "4.2.d", values={"agencies": "border_guard"})
    waiting = decision(Verdict.WAIT, *ALL_FOUR[:-1], reasons=(earlier,))
    view = replace(SITUATIONS["clear"], decision=waiting)
    assert rules.buttons(view, BG).primary is Press.CONFIRM


def test_nobody_presses_at_the_boom_for_what_lacks_at_an_earlier_step() -> None:
    earlier = Reason(Code.EARLIER_STEP_MISSING, "4.2.d", values={"agencies": "animal_quarantine"})
    waiting = replace(
        decision(Verdict.WAIT, reasons=(earlier,)), waits_for=(Agency.ANIMAL_QUARANTINE, *ALL_FOUR)
    )
    view = replace(SITUATIONS["clear"], decision=waiting)
    assert Press.CONFIRM not in offered(view, Agency.ANIMAL_QUARANTINE)
    assert rules.awaited(waiting) == (Agency.TRANSPORT,)


def test_an_agency_of_the_step_can_lift_a_refusal_by_confirming_but_never_as_the_primary_press() -> None:
    view = SITUATIONS["sent_back"]
    assert rules.buttons(view, CUSTOMS) == Buttons(None, (Press.CONFIRM, AGAIN))
    assert Press.CONFIRM not in offered(view, Agency.TAX)


def test_a_vehicle_that_was_sent_back_is_not_refused_twice() -> None:
    assert Press.REFUSE not in offered(SITUATIONS["sent_back"], BG)


def test_a_correction_can_be_corrected() -> None:
    view = SITUATIONS["clear"]
    assert view.plate is not None
    mistaken = replace(view, plate=replace(view.plate, corrected_by="hq-1"))
    assert CORRECT not in offered(view, CUSTOMS)
    assert CORRECT in offered(mistaken, CUSTOMS)


def test_a_refusal_where_a_device_confirms_is_lifted_by_an_opening_with_its_reason() -> None:
    """No agency confirms at a yard gate, so none can confirm having seen it."""
    view = SITUATIONS["sent_back"]
    assert view.decision is not None
    assert view.decision.step is not None
    step = view.decision.step.model_copy(update={"confirm": (Actor.DEVICE,), "opens": Actor.DEVICE})
    at_yard = replace(view, decision=replace(view.decision, step=step))
    assert Press.OPEN_WITH_REASON in offered(at_yard, BG)
    assert Press.OPEN_WITH_REASON not in offered(view, BG)
