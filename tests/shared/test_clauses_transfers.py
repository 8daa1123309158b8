"""Who leaves where after a transfer (sang tải), and empty Chinese vehicles that go back by 7.3."""

from collections.abc import Mapping
from typing import Any

import pytest

from shared.codes import Agency, Heading, Place, Verdict
from shared.decide import Decision
from shared.reasons import Code
from shared.settings import Settings
from tests.builders import (
    BARRIER_1_IN,
    BARRIER_1_OUT,
    BARRIER_2_IN,
    BARRIER_2_OUT,
    BORDER_GUARD,
    CUSTOMS,
    HEALTH,
    TAX,
    TRANSPORT,
    Site,
)
from tests.shared.law import (
    BOTH,
    DELIVERER,
    FOUR,
    RECEIVER,
    TO_CHINA,
    VN_TRUCK,
    At,
    confirm,
    confirm_earlier,
    decide_anywhere,
    declared,
    stop,
    with_transfer,
)

BARRIER_WAYS = (BARRIER_1_IN, BARRIER_1_OUT, BARRIER_2_IN, BARRIER_2_OUT)


def codes(decision: Decision) -> list[Code]:
    return [reason.code for reason in decision.reasons]


def missing(decision: Decision) -> set[tuple[str | None, str]]:
    return {
        (one.clause, one.values["agencies"])
        for one in decision.reasons
        if one.code is Code.EARLIER_STEP_MISSING
    }


# -- 7.3: an empty Chinese vehicle goes back from a yard inside the gate area; its earlier steps are those of 5.2 or 7.2

PRINTED_7_3 = (TRANSPORT, CUSTOMS, BORDER_GUARD)
BEFORE_7_3: Mapping[tuple[str, bool], Mapping[str, tuple[Agency, ...]]] = {
    # khoản, with a transfer or not: the earlier steps that were confirmed, and by whom
    ("5.2", False): {"5.2.b": FOUR, "5.2.d": (CUSTOMS, BORDER_GUARD)},
    ("5.2", True): {"5.2.b": FOUR, "5.2.d": (CUSTOMS, BORDER_GUARD, HEALTH)},
    ("7.2", False): {"7.2.b": FOUR},
}


def going_back(khoan: str, transfer: bool, left_out: tuple[str, Agency] | None = None) -> Site:
    """A Chinese vehicle before barrier 1, unloaded or never laden, everybody but one having confirmed."""
    site = with_transfer(khoan) if transfer else declared(khoan)
    for clause, agencies in BEFORE_7_3[khoan, transfer].items():
        for agency in agencies:
            if (clause, agency) != left_out:
                site.confirm(clause, agency)
    return site


@pytest.mark.parametrize(("khoan", "transfer"), BEFORE_7_3)
def test_a_chinese_vehicle_that_is_empty_leaves_by_7_3_in_its_order(khoan: str, transfer: bool) -> None:
    site = going_back(khoan, transfer)
    given: list[Any] = []
    for agency in PRINTED_7_3:
        found, decision = decide_anywhere(site, BARRIER_1_OUT)
        assert (found, decision.verdict, decision.waits_for) == ("7.3", Verdict.WAIT, (agency,))
        assert Code.CONTINUES in codes(decision)
        given.append(site.confirm("7.3", agency, saw=tuple(given)))
    _, decision = decide_anywhere(site, BARRIER_1_OUT)
    assert (decision.verdict, decision.automatic, decision.opens) == (Verdict.OPEN, False, BORDER_GUARD)


@pytest.mark.parametrize(
    ("key", "clause", "agency"),
    [
        (key, clause, agency)
        for key, steps in BEFORE_7_3.items()
        for clause, who in steps.items()
        for agency in who
    ],
)
def test_7_3_queries_the_confirmations_of_the_way_in(
    key: tuple[str, bool], clause: str, agency: Agency
) -> None:
    """Its text has the cameras query the states of the steps before."""
    site = going_back(*key, left_out=(clause, agency))
    confirm(site, "7.3", PRINTED_7_3)
    _, decision = decide_anywhere(site, BARRIER_1_OUT)
    assert (decision.verdict, decision.waits_for) == (Verdict.WAIT, (agency,))
    assert missing(decision) == {(clause, agency.value)}


def test_the_reading_of_the_way_in_is_the_one_that_binds_at_7_3() -> None:
    site = declared("5.2")
    confirm(site, "5.2.b", BOTH)
    confirm(site, "5.2.d", BOTH)
    confirm(site, "7.3", PRINTED_7_3)
    assert decide_anywhere(site, BARRIER_1_OUT)[1].verdict is Verdict.WAIT
    as_5_3_b = Settings(readings={"5.2.b": "as_5_3_b"})
    assert decide_anywhere(site, BARRIER_1_OUT, settings=as_5_3_b)[1].verdict is Verdict.OPEN


def test_7_3_asks_no_fee() -> None:
    site = going_back("5.2", transfer=True)
    confirm(site, "7.3", PRINTED_7_3)
    assert not any(fact.body.get("by") == TAX for fact in site.facts)
    assert decide_anywhere(site, BARRIER_1_OUT)[1].verdict is Verdict.OPEN


def test_a_vietnamese_vehicle_does_not_leave_by_7_3() -> None:
    """Điều 7 is of Chinese vehicles."""
    site = declared("5.2", vehicles=[VN_TRUCK])
    site.drive_through(BARRIER_1_IN)
    found, decision = decide_anywhere(site, BARRIER_1_OUT)
    assert (found, decision.verdict) == ("5.2", Verdict.UNKNOWN)


def test_who_came_from_the_inland_does_not_leave_by_7_3() -> None:
    """7.3 is from a yard inside the gate area; from the inland it is 7.4.c, with health."""
    assert decide_anywhere(declared("7.4"), BARRIER_1_OUT)[0] == "7.4"
    assert decide_anywhere(declared("5.3"), BARRIER_1_OUT)[1].verdict is Verdict.REFUSE


# -- a transfer: who takes the goods over leaves with them, who brought them leaves empty


LEADS_THROUGH = [
    # khoản, vehicle, the barriers on its way: goods go over in the yard (4.2.d, 4.3.c, 5.2.d, 5.3.đ), wherever that lies
    ("4.2", DELIVERER, {BARRIER_2_IN}),
    ("4.2", RECEIVER, {BARRIER_1_OUT}),
    ("4.3", DELIVERER, set()),
    ("4.3", RECEIVER, {BARRIER_2_IN, BARRIER_1_OUT}),
    ("5.2", DELIVERER, {BARRIER_1_IN}),
    ("5.2", RECEIVER, {BARRIER_2_OUT}),
    ("5.3", DELIVERER, {BARRIER_1_IN, BARRIER_2_OUT}),
    ("5.3", RECEIVER, set()),
]


@pytest.mark.parametrize(("khoan", "vehicle", "ways"), LEADS_THROUGH)
def test_a_vehicle_goes_laden_through_the_barriers_on_its_side_of_the_yard_only(
    khoan: str, vehicle: str, ways: set[At]
) -> None:
    site = with_transfer(khoan)
    through = {at for at in BARRIER_WAYS if site.decide(at, vehicle=vehicle).verdict is not Verdict.REFUSE}
    assert through == ways


@pytest.mark.parametrize(
    ("khoan", "leaves", "ways_in"),
    [("4.2", "4.2.g", (BARRIER_1_IN, BARRIER_2_IN)), ("5.2", "5.2.g", (BARRIER_1_IN, BARRIER_2_IN))],
)
def test_who_takes_the_goods_over_leaves_with_them_and_does_not_enter_under_that_declaration(
    khoan: str, leaves: str, ways_in: tuple[At, ...]
) -> None:
    """It came in empty under a declaration of its own (6.2 or 6.6, 7.2)."""
    site = with_transfer(khoan)
    for at in ways_in:
        assert decide_anywhere(site, at, vehicle=RECEIVER)[1].verdict is Verdict.REFUSE
    confirm_earlier(site, leaves, DELIVERER)
    site.confirm("5.2.d" if khoan == "5.2" else "4.2.d", HEALTH)
    printed = stop(leaves)
    assert decide_anywhere(site, printed.at, vehicle=RECEIVER)[1].waits_for == printed.confirm[:1]
    confirm(site, leaves, printed.confirm, RECEIVER)
    found, decision = decide_anywhere(site, printed.at, vehicle=RECEIVER)
    assert (found, decision.verdict) == (khoan, Verdict.OPEN)


@pytest.mark.parametrize("clause", ["4.2.g", "5.2.g"])
def test_who_gave_the_goods_away_does_not_leave_by_the_laden_vehicles_step(clause: str) -> None:
    printed = stop(clause)
    site = with_transfer(printed.khoan)
    confirm_earlier(site, clause, DELIVERER)
    confirm(site, clause, printed.confirm, DELIVERER)
    found, decision = decide_anywhere(site, printed.at, vehicle=DELIVERER)
    assert decision.verdict is Verdict.REFUSE, found


def test_at_4_2_g_the_way_in_of_the_goods_binds_who_took_them_over() -> None:
    site = with_transfer("4.2")
    site.confirm("4.2.b", CUSTOMS)
    site.confirm("4.2.đ", TAX)
    confirm(site, "4.2.g", TO_CHINA, RECEIVER)
    decision = decide_anywhere(site, BARRIER_1_OUT, vehicle=RECEIVER)[1]
    assert (decision.verdict, missing(decision)) == (Verdict.WAIT, {("4.2.b", "border_guard")})


def test_health_confirms_a_transfer_on_the_vehicle_that_gives_or_on_all_that_take() -> None:
    """5.2.d speaks of vehicles and goods of a sang tải; in the recorded case the ticks stood on the Vietnamese vehicles (A9)."""
    third = {**VN_TRUCK, "vehicle": "v3", "plate": "29H99999", "receives_from": DELIVERER}
    site = with_transfer("5.2")
    site.amend(vehicles=[*site.body["vehicles"], third])
    confirm(site, "5.2.b", FOUR)
    confirm(site, "5.2.d", BOTH)
    confirm(site, "7.3", PRINTED_7_3)
    for taker in (RECEIVER, "v3"):
        assert missing(decide_anywhere(site, BARRIER_1_OUT)[1]) == {("5.2.d", "health_quarantine")}
        site.confirm("5.2.d", HEALTH, vehicle=taker)
    assert decide_anywhere(site, BARRIER_1_OUT)[1].verdict is Verdict.OPEN


def test_where_health_failed_the_vehicle_that_gives_no_tick_on_who_takes_lets_it_go() -> None:
    site = with_transfer("5.2")
    site.confirm("5.2.d", HEALTH, vehicle=RECEIVER)
    site.confirm("5.2.d", HEALTH, values={"result": "failed"})
    assert HEALTH in site.decide((Place.YARD, Heading.IN)).waits_for


def test_no_other_agency_confirms_for_the_vehicle_that_gives_on_one_that_takes() -> None:
    site = with_transfer("5.2")
    for agency in (CUSTOMS, BORDER_GUARD):
        site.confirm("5.2.d", agency, vehicle=RECEIVER)
    assert set(site.decide((Place.YARD, Heading.IN)).waits_for) == {CUSTOMS, BORDER_GUARD, HEALTH}


def test_a_vietnamese_vehicle_that_gave_its_goods_away_leaves_by_a_text_that_nobody_found() -> None:
    """Probably 6.3 (A5)."""
    site = with_transfer("4.2")
    site.drive_through(BARRIER_2_IN)
    decision = decide_anywhere(site, BARRIER_2_OUT)[1]
    assert (decision.verdict, decision.automatic) == (Verdict.UNKNOWN, False)


def test_the_fee_of_the_goods_may_be_confirmed_for_either_vehicle() -> None:
    for payer in (DELIVERER, RECEIVER):
        site = with_transfer("5.2")
        confirm(site, "5.2.g", (CUSTOMS, BORDER_GUARD), RECEIVER)
        assert site.decide(BARRIER_2_OUT, vehicle=RECEIVER).verdict is Verdict.WAIT
        site.confirm("5.2.đ", TAX, vehicle=payer)
        assert site.decide(BARRIER_2_OUT, vehicle=RECEIVER).verdict is Verdict.OPEN


def test_who_left_by_7_3_comes_in_again_and_goes_out_again_on_a_declaration_of_its_own_only() -> None:
    """Its trip has ended; yesterday's confirmations are not for today's."""
    site = going_back("5.2", transfer=False)
    site.drive_through(BARRIER_1_IN)
    confirm(site, "7.3", PRINTED_7_3)
    site.drive_through(BARRIER_1_OUT, last_step=True)
    for at in (BARRIER_1_IN, BARRIER_1_OUT):
        decision = decide_anywhere(site, at)[1]
        assert (decision.verdict, codes(decision)) == (Verdict.REFUSE, [Code.ALREADY_PASSED]), at
