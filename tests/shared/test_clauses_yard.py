"""What is confirmed away from the barriers, as the decree's text has it: yard, yard gates, fee, the declarant's own step."""

from itertools import permutations
from typing import Any

import pytest

from shared import subjects
from shared.bodies import GpsReported, dump
from shared.codes import Actor, Agency, Heading, Place, Standing, Verdict
from shared.decide import Decision
from shared.facts import Draft
from shared.journal import centre_node
from shared.reasons import Code
from shared.settings import Settings
from tests.builders import (
    ANIMAL,
    BARRIER_1_IN,
    BARRIER_1_OUT,
    BORDER_GUARD,
    CUSTOMS,
    GATE_MANAGEMENT,
    HEALTH,
    MORNING,
    NO,
    PLANT,
    SITE,
    TAX,
    VEHICLE,
    YARD_IN,
    Site,
    procedure,
)
from tests.shared.law import (
    DECLARES,
    DELIVERER,
    FEES,
    KHOAN,
    RECEIVER,
    STOPS,
    YARD_GATES,
    YARDS,
    Fee,
    Yard,
    YardGate,
    confirm,
    confirm_earlier,
    decide_anywhere,
    declared,
    khoan_of,
    stop,
    with_transfer,
)

IN_YARD = (Place.YARD, Heading.IN)
ONLINE = (Place.ONLINE, Heading.IN)
REQUIRED = {f"{one}_quarantine": "required" for one in ("health", "animal", "plant")}
each_yard = pytest.mark.parametrize("yard", YARDS, ids=str)


def asked(decision: Decision) -> set[Agency]:
    return set(decision.waits_for)


# -- in the yard: customs (kind and group of goods), border guard (weight), quarantines


@each_yard
def test_customs_and_border_guard_confirm_in_the_yard_in_any_order(yard: Yard) -> None:
    for order in permutations(yard.confirm):
        site = declared(yard.khoan)
        for done, agency in enumerate(order):
            decision = site.decide(IN_YARD)
            assert (decision.verdict, asked(decision)) == (Verdict.WAIT, set(order[done:]))
            site.confirm(yard.clause, agency)
        decision = site.decide(IN_YARD)
        assert (decision.verdict, decision.ordered) == (Verdict.OPEN, False)
        assert decision.step is not None
        assert (decision.step.clause, decision.step.standing) == (yard.clause, yard.standing)


@each_yard
def test_no_boom_stands_in_the_yard_and_nothing_is_automatic(yard: Yard) -> None:
    site = declared(yard.khoan)
    for agency in yard.confirm:
        site.confirm(yard.clause, agency)
    decision = site.decide(IN_YARD)
    assert (decision.opens, decision.automatic) == (None, False)


@each_yard
@pytest.mark.parametrize("quarantine", [HEALTH, ANIMAL, PLANT])
def test_a_quarantine_is_waited_for_where_it_was_asked_for(yard: Yard, quarantine: Agency) -> None:
    """Not requested is a state of its own, not confirmed (A9). 5.2.d has health confirm what goes over, and nothing else."""
    site = declared(yard.khoan, quarantine={quarantine.value: "required"})
    named = quarantine in yard.quarantines
    assert asked(site.decide(IN_YARD)) == {*yard.confirm, *((quarantine,) if named else ())}
    unasked = declared(yard.khoan)
    assert asked(unasked.decide(IN_YARD)) == set(yard.confirm)


@each_yard
def test_of_a_quarantine_that_was_not_asked_for_it_is_said_so(yard: Yard) -> None:
    told = declared(yard.khoan).decide(IN_YARD).reasons
    found = {one.values["agency"] for one in told if one.code is Code.QUARANTINE_NOT_REQUESTED}
    assert found == {one.value for one in yard.quarantines}


@each_yard
def test_a_quarantine_that_failed_is_no_confirmation(yard: Yard) -> None:
    """The line asks for the result of the quarantine: goods that failed it are not cleared."""
    site = declared(yard.khoan, quarantine=REQUIRED)
    for agency in yard.confirm:
        site.confirm(yard.clause, agency)
    for agency in yard.quarantines:
        site.confirm(yard.clause, agency, values={"result": "failed"})
    decision = site.decide(IN_YARD)
    assert asked(decision) == set(yard.quarantines)
    failed = {one.values["agency"] for one in decision.reasons if one.code is Code.QUARANTINE_FAILED}
    assert failed == {one.value for one in yard.quarantines}
    for agency in yard.quarantines:
        site.confirm(yard.clause, agency, values={"result": "passed"})
    assert site.decide(IN_YARD).verdict is Verdict.OPEN


@each_yard
def test_a_quarantine_that_failed_after_it_had_passed_takes_the_confirmation_away(yard: Yard) -> None:
    """The newest result is the one that stands."""
    site = declared(yard.khoan, quarantine=REQUIRED)
    for result in ("passed", "failed"):
        for agency in yard.quarantines:
            site.confirm(yard.clause, agency, values={"result": result})
    assert set(yard.quarantines) <= asked(site.decide(IN_YARD))


def test_health_confirms_vehicle_and_goods_that_go_over_to_another() -> None:
    """5.2.d: for vehicles and goods of a sang tải, whether a quarantine was asked for or not."""
    site = with_transfer("5.2")
    assert asked(site.decide(IN_YARD, vehicle=DELIVERER)) == {CUSTOMS, BORDER_GUARD, HEALTH}


@pytest.mark.parametrize("khoan", ["4.2", "4.3", "5.3"])
def test_elsewhere_a_transfer_does_not_bring_health_in(khoan: str) -> None:
    assert asked(with_transfer(khoan).decide(IN_YARD)) == {CUSTOMS, BORDER_GUARD}


OWED = {
    CUSTOMS: {"customs_kind", "goods_group"},
    BORDER_GUARD: {"weight_class"},
    **{quarantine: {"result"} for quarantine in (HEALTH, ANIMAL, PLANT)},
}
IMPORTS, IMPORTS_OWE = ("5.2.d", "5.3.đ", "6.6.c"), {"transfer"}
"""Customs confirm the transfer, if there is one; an import's fee depends on where its load goes on (E, 09/2025)."""


@each_yard
def test_a_confirmation_says_what_the_line_has_it_confirm(yard: Yard) -> None:
    """Customs: loại hình and nhóm hàng; border guard: trọng tải; quarantine: its result. They fix the fee (C)."""
    site = declared(yard.khoan, quarantine=REQUIRED)
    for agency in (*yard.confirm, *yard.quarantines):
        codes = OWED[agency] | (IMPORTS_OWE if agency is CUSTOMS and yard.clause in IMPORTS else set())
        for code in codes:
            site.confirm(yard.clause, agency, values=dict.fromkeys(codes - {code}, "said"))
            decision = site.decide(IN_YARD)
            said = [one for one in decision.reasons if one.code is Code.VALUES_MISSING]
            assert agency in decision.waits_for
            assert code in {one.values["values"] for one in said if one.values["agency"] == agency}
        site.confirm(yard.clause, agency, values=dict.fromkeys(codes, "said"))
        assert agency not in site.decide(IN_YARD).waits_for
    assert site.decide(IN_YARD).verdict is Verdict.OPEN


# -- yard gates: "các thiết bị thông minh tự động … xác nhận"; agencies watch


@pytest.mark.parametrize("gate", YARD_GATES, ids=str)
def test_at_a_yard_gate_the_device_confirms_and_opens_and_waits_for_nobody(gate: YardGate) -> None:
    decision = declared(khoan_of(gate.clause)).decide(gate.at)
    assert decision.step is not None
    assert (decision.step.clause, decision.step.standing) == (gate.clause, Standing.TEXT), gate.ground
    assert (decision.verdict, decision.waits_for) == (Verdict.OPEN, ())
    assert (decision.opens, decision.automatic) == (Actor.DEVICE, True)


@pytest.mark.parametrize("gate", YARD_GATES, ids=str)
def test_the_other_way_through_a_yard_gate_is_not_in_the_text(gate: YardGate) -> None:
    decision = declared(khoan_of(gate.clause)).decide((gate.at[0], gate.at[1].opposite))
    assert (decision.verdict, decision.automatic) == (Verdict.REFUSE, False)


@pytest.mark.parametrize("khoan", ["6.2", "6.6", "7.2"])
def test_an_empty_vehicle_is_not_turned_away_at_the_yard_that_the_text_has_it_enter(khoan: str) -> None:
    """6.6.c, 7.2.c: "khi phương tiện vào địa điểm tập kết hàng hoá"; 6.2 likely so (A5). Who opens there no text says."""
    assert declared(khoan).decide(YARD_IN).verdict in (Verdict.OPEN, Verdict.UNKNOWN)


# -- the fee: "Trung tâm Quản lý cửa khẩu hoặc cơ quan Thuế"


@pytest.mark.parametrize("collector", [GATE_MANAGEMENT, TAX])
@pytest.mark.parametrize("fee", FEES, ids=str)
def test_either_collector_confirms_the_fee_and_no_other_agency(fee: Fee, collector: Agency) -> None:
    site = declared(khoan_of(fee.clause))
    site.license("fees", [Place.ONLINE], list(Agency))
    for agency in set(Agency) - {GATE_MANAGEMENT, TAX}:
        site.confirm(fee.clause, agency)
    decision = site.decide(ONLINE)
    assert decision.step is not None
    assert (decision.step.clause, decision.step.standing) == (fee.clause, fee.standing), fee.ground
    assert (decision.opens, decision.automatic) == (None, False)
    assert (decision.verdict, asked(decision)) == (Verdict.WAIT, {GATE_MANAGEMENT, TAX})
    site.confirm(fee.clause, collector)
    assert site.decide(ONLINE).verdict is Verdict.OPEN


@pytest.mark.parametrize("collector", [GATE_MANAGEMENT, TAX])
@pytest.mark.parametrize("fee", FEES, ids=str)
def test_a_collector_says_the_amount(fee: Fee, collector: Agency) -> None:
    """4.3.d, 5.3.e: it is what was paid that they compare with what is due."""
    site = declared(khoan_of(fee.clause))
    site.confirm(fee.clause, collector, values={})
    assert site.decide(ONLINE).verdict is Verdict.WAIT
    site.confirm(fee.clause, collector, values={"amount_vnd": "800000"})
    assert site.decide(ONLINE).verdict is Verdict.OPEN


@pytest.mark.parametrize("fee", FEES, ids=str)
def test_where_the_fee_may_bind_is_what_the_border_facts_say(fee: Fee) -> None:
    """A4, end. 5.3 asks for the fee "nếu có" and after both barriers."""
    shipped = procedure(khoan_of(fee.clause))
    assert shipped.fee_step(Settings()) == fee.binds_at
    for other in fee.or_at:
        chosen = Settings(fee_before={shipped.procedure: other})
        assert shipped.fee_step(chosen) == (None if other == "none" else other)
    if shipped.fee_before is not None:
        assert set(shipped.fee_before.may_be) == {fee.binds_at, *fee.or_at}
        assert shipped.fee_before.standing is Standing.INFERRED


@pytest.mark.parametrize("khoan", ["6.2", "6.4", "6.5", "6.6", "6.7", "7.2", "7.3", "7.4"])
def test_an_empty_vehicle_pays_no_fee_before_any_barrier(khoan: str) -> None:
    """Điều 6 and 7 have no step of a fee."""
    assert procedure(khoan).fee_step(Settings()) is None


# -- what the declarant must have declared: "trường hợp đã khai báo đúng, đầy đủ thông tin theo quy định"


def lacking(khoan: str, part: str) -> Site:
    """A declaration that lacks one part."""
    (vehicle,) = KHOAN[khoan]["vehicles"]
    without: dict[str, dict[str, Any]] = {
        "driver": {"vehicles": [{**vehicle, "driver": {}}]},
        "permit": {"vehicles": [{**vehicle, "permit": None}]},
        "goods": {"goods": []},
    }
    return declared(khoan, **without[part])


@pytest.mark.parametrize(
    ("khoan", "part"), [(khoan, part) for khoan, (_, parts) in DECLARES.items() for part in parts]
)
def test_a_declaration_that_lacks_a_part_is_refused_and_the_part_named(khoan: str, part: str) -> None:
    site = lacking(khoan, part)
    for printed in (one for one in STOPS if one.khoan == khoan):
        decision = site.decide(printed.at)
        (reason,) = decision.reasons
        assert (decision.verdict, reason.code) == (Verdict.REFUSE, Code.DECLARATION_INCOMPLETE)
        assert (reason.clause, reason.values["fields"]) == (DECLARES[khoan][0], part)


@pytest.mark.parametrize(
    ("khoan", "part"),
    [
        (khoan, part)
        for khoan, (_, parts) in DECLARES.items()
        for part in ("driver", "permit", "goods")
        if part not in parts
    ],
)
def test_a_part_that_the_text_does_not_ask_for_is_not_missed(khoan: str, part: str) -> None:
    for printed in (one for one in STOPS if one.khoan == khoan):
        assert lacking(khoan, part).decide(printed.at).verdict is not Verdict.REFUSE, printed.clause


@pytest.mark.parametrize("khoan", DECLARES)
def test_only_two_of_the_declarants_steps_are_printed(khoan: str) -> None:
    """4.3.a and 5.3.a; every other point a stands in no source (A1 to A6)."""
    found = procedure(khoan).step(DECLARES[khoan][0])
    assert found is not None
    assert found.standing is (Standing.TEXT if khoan in ("4.3", "5.3") else Standing.INFERRED)
    assert (found.confirm, found.opens) == ((Actor.DECLARANT,), None)


def test_who_takes_imported_goods_over_and_never_crossed_the_border_needs_no_permit_of_entry() -> None:
    """5.3.a asks for the permit "đối với phương tiện nhập cảnh"."""
    site = with_transfer("5.2")
    first, second = site.body["vehicles"]
    site.amend(vehicles=[first, {**second, "permit": None}])
    assert site.decide(stop("5.2.g").at, vehicle=RECEIVER).verdict is not Verdict.REFUSE


@pytest.mark.parametrize("khoan", ["4.2", "4.3", "5.2", "5.3"])
def test_a_position_that_is_switched_off_is_told_where_the_text_asks_for_it_and_holds_nobody(
    khoan: str,
) -> None:
    """4.3.a alone, "trong suốt quá trình di chuyển"."""
    site = declared(khoan)
    printed = next(one for one in STOPS if one.khoan == khoan)
    before = site.decide(printed.at)
    report = GpsReported(declaration=NO, vehicle=VEHICLE, on=False, since=MORNING)
    site.tell(centre_node(SITE), Draft("gps_reported", subjects.vehicle(NO, VEHICLE), dump(report)))
    after = site.decide(printed.at)
    assert (after.verdict, after.waits_for) == (before.verdict, before.waits_for)
    told = [one.clause for one in after.reasons if one.code is Code.GPS_OFF]
    assert told == (["4.3.a"] if khoan == "4.3" else [])


# -- a quarantine that failed, later on


def failed_in_yard(clause: str, vehicle: str, site: Site) -> None:
    """All is confirmed on the way to a step, only that the plants did not pass."""
    site.amend(quarantine={"plant_quarantine": "required"})
    yard = next(one for one in YARDS if one.khoan == khoan_of(clause))
    confirm_earlier(site, clause, vehicle)
    site.confirm(yard.clause, PLANT, vehicle=vehicle, values={"result": "failed"})


@pytest.mark.parametrize("clause", ["4.2.g", "4.3.e", "4.3.g", "5.2.g"])
def test_goods_that_failed_their_quarantine_pass_no_barrier_until_it_says_otherwise(clause: str) -> None:
    """Whatever the step's cameras query (A7): it is not a state that is missing but the agency's no."""
    printed = stop(clause)
    site = declared(printed.khoan)
    failed_in_yard(clause, VEHICLE, site)
    confirm(site, clause, printed.confirm)
    decision = site.decide(printed.at)
    assert (decision.verdict, decision.waits_for) == (Verdict.WAIT, (PLANT,))
    assert Code.QUARANTINE_FAILED in [one.code for one in decision.reasons]
    yard = next(one for one in YARDS if one.khoan == printed.khoan)
    site.confirm(yard.clause, PLANT, values={"result": "passed"})
    assert site.decide(printed.at).verdict is Verdict.OPEN


def test_goods_that_failed_on_the_vehicle_that_brought_them_do_not_go_on_with_who_took_them_over() -> None:
    site = with_transfer("5.2")
    failed_in_yard("5.2.g", DELIVERER, site)
    confirm(site, "5.2.g", stop("5.2.g").confirm, RECEIVER)
    assert PLANT in site.decide(stop("5.2.g").at, vehicle=RECEIVER).waits_for


@pytest.mark.parametrize("changes", [{"quarantine": {}}, {"goods": [{"name": "Sầu riêng"}]}], ids=str)
@pytest.mark.parametrize("clause", ["4.2.g", "4.3.g", "5.2.g"])
def test_no_amendment_makes_good_what_a_quarantine_did_not_pass(clause: str, changes: dict[str, Any]) -> None:
    """Else a declarant would no longer ask for the quarantine that said no."""
    printed = stop(clause)
    site = declared(printed.khoan)
    failed_in_yard(clause, VEHICLE, site)
    site.amend(**changes)
    confirm_earlier(site, clause)
    confirm(site, clause, printed.confirm)
    assert site.decide(printed.at).waits_for == (PLANT,)


def test_goods_that_failed_go_back_by_the_barrier_by_which_they_came_and_a_person_decides() -> None:
    """No text says how goods are sent back (A8, 10); 7.3 would wait for a quarantine that has said no."""
    site = declared("5.2")
    came_in = site.drive_through(BARRIER_1_IN)
    failed_in_yard("5.2.g", VEHICLE, site)
    decision = decide_anywhere(site, BARRIER_1_OUT)[1]
    assert (decision.verdict, decision.waits_for, decision.automatic) == (Verdict.UNKNOWN, (), False)
    told = [(one.code, one.facts) for one in decision.reasons[:1]]
    assert told == [(Code.LEAVES_AS_IT_CAME, (came_in.ref,))]
    assert Code.QUARANTINE_FAILED in [one.code for one in decision.reasons]
