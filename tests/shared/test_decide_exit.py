"""Out to China at barrier 1: 4.2.g and 4.3.g, in a fixed order, after the earlier steps.

"xác nhận thông tin trên Nền tảng cửa khẩu số theo thứ tự sau": transport department, customs, health quarantine, border guard.
"""

from collections.abc import Sequence
from itertools import permutations

import pytest

from shared.codes import Agency, Verdict
from shared.decide import Decision
from shared.facts import Fact
from shared.reasons import Code, Reason
from shared.settings import HealthTick, Settings
from tests.builders import (
    BARRIER_1_OUT,
    BARRIER_2_IN,
    BORDER_GUARD,
    CUSTOMS,
    GATE_MANAGEMENT,
    HEALTH,
    PLANT,
    TAX,
    TRANSPORT,
    Site,
    stamp,
)

PRINTED = (TRANSPORT, CUSTOMS, HEALTH, BORDER_GUARD)
AS_PRINTED = Settings(health_tick=HealthTick.PRINTED_PLACE)
HEALTH_EARLIER = Settings(health_tick=HealthTick.MAY_COME_EARLIER)
NO_FEE = Settings(fee_before={"4.2": "none", "4.3": "none"})
YARD_BINDS = Settings(inferred_steps_bind=True)
WIDE = Settings(readings={"4.3.e": "wide"})

OPENING_ORDERS = {
    AS_PRINTED.health_tick: {PRINTED},
    HEALTH_EARLIER.health_tick: {
        PRINTED,
        (TRANSPORT, HEALTH, CUSTOMS, BORDER_GUARD),
        (HEALTH, TRANSPORT, CUSTOMS, BORDER_GUARD),
    },
}


def in_yard(khoan: str) -> str:
    return {"4.2": "4.2.d", "4.3": "4.3.c"}[khoan]


def fee(khoan: str) -> str:
    return {"4.2": "4.2.đ", "4.3": "4.3.d"}[khoan]


def at_exit(khoan: str = "4.2") -> Site:
    """A vehicle through entry, yard and fee, standing before barrier 1."""
    site = Site(khoan)
    if khoan == "4.2":
        site.confirm("4.2.b", BORDER_GUARD)
        site.confirm("4.2.b", CUSTOMS)
    site.confirm(in_yard(khoan), CUSTOMS)
    site.confirm(in_yard(khoan), BORDER_GUARD)
    site.confirm(fee(khoan), TAX)
    return site


def reasons(decision: Decision, code: Code) -> list[Reason]:
    return [reason for reason in decision.reasons if reason.code is code]


@pytest.fixture
def site() -> Site:
    """A vehicle of 4.2 before barrier 1, nobody at the exit has confirmed yet."""
    return at_exit()


# -- the fixed order


@pytest.mark.parametrize("khoan", ["4.2", "4.3"])
@pytest.mark.parametrize("settings", [AS_PRINTED, HEALTH_EARLIER], ids=lambda one: one.health_tick)
def test_one_agency_after_the_other_is_waited_for_in_the_printed_order(
    khoan: str, settings: Settings
) -> None:
    site = at_exit(khoan)
    given: list[Fact] = []
    for agency in PRINTED:
        decision = site.decide(BARRIER_1_OUT, settings=settings)
        assert (decision.verdict, decision.waits_for, decision.ordered) == (Verdict.WAIT, (agency,), True)
        given.append(site.confirm(f"{khoan}.g", agency, saw=tuple(given)))
    decision = site.decide(BARRIER_1_OUT, settings=settings)
    assert (decision.verdict, decision.waits_for, decision.opens) == (Verdict.OPEN, (), BORDER_GUARD)
    assert decision.confirmations == {agency: one.ref for agency, one in zip(PRINTED, given, strict=True)}


@pytest.mark.parametrize("settings", [AS_PRINTED, HEALTH_EARLIER], ids=lambda one: one.health_tick)
@pytest.mark.parametrize("order", list(permutations(PRINTED)), ids=lambda order: "-".join(order))
def test_only_the_orders_of_the_text_open(order: tuple[Agency, ...], settings: Settings) -> None:
    site = at_exit()
    site.confirm_in_order("4.2.g", order)
    decision = site.decide(BARRIER_1_OUT, settings=settings)
    opens = order in OPENING_ORDERS[settings.health_tick]
    assert decision.verdict is (Verdict.OPEN if opens else Verdict.WAIT)
    assert bool(reasons(decision, Code.OUT_OF_ORDER)) is not opens


@pytest.mark.parametrize("order", list(permutations(PRINTED)), ids=lambda order: "-".join(order))
def test_out_of_any_order_the_way_leads_to_open_by_confirming_when_asked(order: tuple[Agency, ...]) -> None:
    site = at_exit()
    given = site.confirm_in_order("4.2.g", order)
    for _ in PRINTED:
        waits_for = site.decide(BARRIER_1_OUT, settings=AS_PRINTED).waits_for
        if not waits_for:
            break
        given.append(site.confirm("4.2.g", waits_for[0], saw=tuple(given)))
    assert site.decide(BARRIER_1_OUT, settings=AS_PRINTED).verdict is Verdict.OPEN


def test_the_order_is_of_causes_not_of_clocks(site: Site) -> None:
    """A gate whose clock runs an hour behind still gave its confirmation after having seen the others."""
    given: list[Fact] = []
    for number, agency in enumerate(PRINTED):
        given.append(site.confirm("4.2.g", agency, saw=tuple(given), at=stamp(3600 - number * 60)))
    assert site.decide(BARRIER_1_OUT).verdict is Verdict.OPEN


def test_confirmations_that_did_not_see_each_other_are_in_no_order(site: Site) -> None:
    """Given at four desks cut from each other: the clocks agree with the text, the officers did not know."""
    for agency in PRINTED:
        site.confirm("4.2.g", agency)
    decision = site.decide(BARRIER_1_OUT, settings=AS_PRINTED)
    assert decision.waits_for == (CUSTOMS,)
    assert len(reasons(decision, Code.OUT_OF_ORDER)) == 3


def test_the_border_guard_must_have_seen_the_health_tick_even_when_it_may_come_earlier(site: Site) -> None:
    transport, customs = site.confirm_in_order("4.2.g", (TRANSPORT, CUSTOMS))
    site.confirm("4.2.g", HEALTH)
    site.confirm("4.2.g", BORDER_GUARD, saw=(transport, customs))
    assert site.decide(BARRIER_1_OUT, settings=HEALTH_EARLIER).waits_for == (BORDER_GUARD,)


def test_a_second_tick_of_one_agency_takes_nothing_away(site: Site) -> None:
    site.confirm_in_order("4.2.g", PRINTED)
    for agency in PRINTED:
        site.confirm("4.2.g", agency)
        assert site.decide(BARRIER_1_OUT, settings=AS_PRINTED).verdict is Verdict.OPEN, agency


def test_when_one_in_the_order_is_withdrawn_those_after_it_come_again(site: Site) -> None:
    transport, customs, *_ = site.confirm_in_order("4.2.g", PRINTED)
    site.withdraw(customs, CUSTOMS, node="gate-1")
    decision = site.decide(BARRIER_1_OUT, settings=AS_PRINTED)
    assert decision.waits_for == (CUSTOMS,)
    again = site.confirm("4.2.g", CUSTOMS, saw=(transport,))
    assert site.decide(BARRIER_1_OUT, settings=AS_PRINTED).waits_for == (HEALTH,)
    assert again.ref in site.decide(BARRIER_1_OUT, settings=AS_PRINTED).confirmations.values()


def answers_for(site: Site, code: Code) -> set[str]:
    """The agencies that a reason of the decision at the exit names, the fee apart."""
    return {one.values["agency"] for one in reasons(site.decide(BARRIER_1_OUT, settings=NO_FEE), code)}


@pytest.mark.parametrize(
    ("changed", "anew"),
    [
        ({"plate": "29H88888"}, {TRANSPORT, CUSTOMS, HEALTH, BORDER_GUARD}),
        ({"trailer": "29R12345"}, {TRANSPORT, CUSTOMS, HEALTH, BORDER_GUARD}),
        ({"permit": "GPLV-2"}, {TRANSPORT}),
        ({"driver": {"name": {"commitment": "e" * 64}}}, {HEALTH, BORDER_GUARD}),
    ],
    ids=["another tractor", "another trailer", "permit", "driver"],
)
def test_after_an_amendment_of_the_vehicle_those_confirm_anew_who_answer_for_what_changed(
    site: Site, changed: dict[str, object], anew: set[Agency]
) -> None:
    """4.2.g: the transport department checks the permit, customs vehicle and goods, health vehicle, driver and goods."""
    site.confirm_in_order("4.2.g", PRINTED)
    (vehicle,) = site.body["vehicles"]
    site.amend(vehicles=[{**vehicle, **changed}])
    assert answers_for(site, Code.AMENDED_SINCE) == anew
    assert site.decide(BARRIER_1_OUT, settings=NO_FEE).verdict is Verdict.WAIT


def test_after_an_amendment_of_the_goods_customs_and_health_confirm_anew_and_the_border_guard_after_them(
    site: Site,
) -> None:
    site.confirm_in_order("4.2.g", PRINTED)
    site.amend(goods=[{"name": "Sầu riêng"}])
    assert answers_for(site, Code.AMENDED_SINCE) == {CUSTOMS, HEALTH}
    assert answers_for(site, Code.OUT_OF_ORDER) == {BORDER_GUARD}
    assert answers_for(site, Code.CONFIRMED) == {TRANSPORT}


# -- the earlier steps, which the exit's own text asks for


def missing_before_exit(site: Site, settings: Settings | None = None) -> dict[str | None, str]:
    decision = site.decide(BARRIER_1_OUT, settings=settings)
    return {one.clause: one.values["agencies"] for one in reasons(decision, Code.EARLIER_STEP_MISSING)}


def fee_missing(site: Site) -> tuple[str | None, str] | None:
    found = reasons(site.decide(BARRIER_1_OUT), Code.FEE_NOT_CONFIRMED)
    return (found[0].clause, found[0].values["agencies"]) if found else None


def shown_before_exit(site: Site, settings: Settings | None = None) -> set[str | None]:
    decision = site.decide(BARRIER_1_OUT, settings=settings)
    return {one.clause for one in reasons(decision, Code.EARLIER_STEP_SHOWN)}


def test_nothing_is_said_of_earlier_steps_that_are_done(site: Site) -> None:
    assert (missing_before_exit(site), shown_before_exit(site)) == ({}, set())


def test_at_4_2_g_the_entry_must_have_been_confirmed() -> None:
    site = Site("4.2")
    site.confirm("4.2.b", CUSTOMS)
    site.confirm("4.2.đ", TAX)
    site.confirm_in_order("4.2.g", PRINTED)
    decision = site.decide(BARRIER_1_OUT)
    assert (decision.verdict, decision.waits_for) == (Verdict.WAIT, (BORDER_GUARD,))
    assert missing_before_exit(site) == {"4.2.b": "border_guard"}


def test_what_lacks_at_a_barrier_that_was_passed_is_waited_for_no_longer_and_a_person_decides() -> None:
    """Let in in an emergency or on paper: nobody at barrier 2 could confirm any more, and the exit goes on."""
    site = Site("4.2")
    site.confirm("4.2.b", CUSTOMS)
    site.confirm("4.2.đ", TAX)
    site.drive_through(BARRIER_2_IN)
    assert site.decide(BARRIER_1_OUT).waits_for == (TRANSPORT,)
    site.confirm_in_order("4.2.g", PRINTED)
    decision = site.decide(BARRIER_1_OUT)
    (reason,) = reasons(decision, Code.EARLIER_STEP_LEFT_BEHIND)
    assert (decision.verdict, decision.automatic) == (Verdict.UNKNOWN, False)
    assert (reason.clause, reason.values["agencies"]) == ("4.2.b", "border_guard")


def test_while_an_earlier_step_lacks_its_agencies_nobody_at_the_exit_is_waited_for() -> None:
    site = Site("4.2")
    site.confirm("4.2.đ", TAX)
    decision = site.decide(BARRIER_1_OUT)
    assert (decision.verdict, set(decision.waits_for)) == (Verdict.WAIT, {BORDER_GUARD, CUSTOMS})


def test_at_4_2_g_the_inferred_yard_step_is_shown_and_does_not_hold_the_vehicle() -> None:
    site = Site("4.2")
    site.confirm("4.2.b", BORDER_GUARD)
    site.confirm("4.2.b", CUSTOMS)
    site.confirm_in_order("4.2.g", PRINTED)
    assert site.decide(BARRIER_1_OUT, settings=NO_FEE).verdict is Verdict.OPEN
    assert shown_before_exit(site, NO_FEE) == {"4.2.d", "4.2.đ"}


def test_at_4_2_g_the_inferred_yard_step_binds_where_the_setting_says_so() -> None:
    site = Site("4.2")
    site.confirm("4.2.b", BORDER_GUARD)
    site.confirm("4.2.b", CUSTOMS)
    site.confirm("4.2.đ", TAX)
    site.confirm_in_order("4.2.g", PRINTED)
    assert site.decide(BARRIER_1_OUT, settings=YARD_BINDS).verdict is Verdict.WAIT
    assert missing_before_exit(site, YARD_BINDS) == {"4.2.d": "customs, border_guard"}
    site.confirm("4.2.d", CUSTOMS)
    site.confirm("4.2.d", BORDER_GUARD)
    assert site.decide(BARRIER_1_OUT, settings=YARD_BINDS).verdict is Verdict.OPEN


def test_at_4_3_g_the_printed_yard_step_binds() -> None:
    site = Site("4.3")
    site.confirm_in_order("4.3.g", PRINTED)
    assert site.decide(BARRIER_1_OUT).verdict is Verdict.WAIT
    assert missing_before_exit(site) == {"4.3.c": "customs, border_guard"}


@pytest.mark.parametrize("khoan", ["4.2", "4.3"])
@pytest.mark.parametrize("collector", [GATE_MANAGEMENT, TAX])
def test_either_collector_confirms_the_fee(khoan: str, collector: Agency) -> None:
    site = Site(khoan)
    assert fee_missing(site) == (fee(khoan), "gate_management, tax")
    assert {GATE_MANAGEMENT, TAX} <= set(site.decide(BARRIER_1_OUT).waits_for)
    site.confirm(fee(khoan), collector)
    assert fee_missing(site) is None


def test_a_fee_confirmation_that_was_withdrawn_is_none() -> None:
    site = Site("4.3")
    site.withdraw(site.confirm("4.3.d", TAX), TAX, node="fees")
    assert fee_missing(site) is not None


def test_a_fee_confirmation_by_who_is_not_entitled_is_none() -> None:
    site = Site("4.3")
    site.confirm("4.3.d", TAX, officer="customs-1")
    site.confirm("4.3.d", CUSTOMS)
    assert fee_missing(site) is not None


def test_what_devices_stamp_at_the_yard_gates_never_holds_a_vehicle(site: Site) -> None:
    """Those stamps come late in practice (A9)."""
    assert not any(fact.body.get("by") == "device" for fact in site.facts)
    site.confirm_in_order("4.2.g", PRINTED)
    assert site.decide(BARRIER_1_OUT, settings=YARD_BINDS).verdict is Verdict.OPEN


def test_at_4_3_g_the_entry_asks_nothing_literally_and_two_confirmations_widely() -> None:
    site = at_exit("4.3")
    site.confirm_in_order("4.3.g", PRINTED)
    assert site.decide(BARRIER_1_OUT).verdict is Verdict.OPEN
    assert missing_before_exit(site, WIDE) == {"4.3.e": "border_guard, customs"}


# -- quarantine in the yard: "not requested" is not "done"


def exit_with_quarantine(requests: dict[str, str]) -> Site:
    site = Site("4.3", quarantine=requests)
    site.confirm("4.3.d", TAX)
    site.confirm("4.3.c", CUSTOMS)
    site.confirm("4.3.c", BORDER_GUARD)
    site.confirm_in_order("4.3.g", PRINTED)
    return site


def test_a_quarantine_that_was_not_requested_is_not_waited_for() -> None:
    assert exit_with_quarantine({}).decide(BARRIER_1_OUT).verdict is Verdict.OPEN


def test_a_quarantine_that_was_requested_is_waited_for() -> None:
    site = exit_with_quarantine({"plant_quarantine": "required", "animal_quarantine": "not_requested"})
    decision = site.decide(BARRIER_1_OUT)
    assert (decision.verdict, decision.waits_for) == (Verdict.WAIT, (PLANT,))
    assert missing_before_exit(site) == {"4.3.c": "plant_quarantine"}
    site.confirm("4.3.c", PLANT)
    assert site.decide(BARRIER_1_OUT).verdict is Verdict.OPEN


def test_requested_in_4_2_it_is_shown_and_binds_only_where_the_setting_says_so() -> None:
    site = Site("4.2", quarantine={"plant_quarantine": "required"})
    for clause in ("4.2.b", "4.2.d"):
        site.confirm(clause, BORDER_GUARD)
        site.confirm(clause, CUSTOMS)
    site.confirm("4.2.đ", TAX)
    site.confirm_in_order("4.2.g", PRINTED)
    assert site.decide(BARRIER_1_OUT).verdict is Verdict.OPEN
    assert "4.2.d" in shown_before_exit(site)
    assert site.decide(BARRIER_1_OUT, settings=YARD_BINDS).waits_for == (PLANT,)


def test_every_combination_of_missing_exit_confirmations_waits() -> None:
    """Leaving out any of the four, the others in order, never opens."""
    for left_out in PRINTED:
        site = at_exit()
        rest: Sequence[Agency] = [agency for agency in PRINTED if agency is not left_out]
        site.confirm_in_order("4.2.g", rest)
        decision = site.decide(BARRIER_1_OUT)
        assert (decision.verdict, decision.waits_for) == (Verdict.WAIT, (left_out,)), left_out
