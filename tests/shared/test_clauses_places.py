"""Where a procedure leads and where it does not, what nobody knows, and who leaves where after a transfer (sang tải)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.codes import Agency, Heading, Place, Verdict
from shared.decide import Decision
from shared.reasons import Code
from shared.settings import HealthTick, Settings
from tests.builders import (
    BARRIER_1_IN,
    BARRIER_1_OUT,
    BARRIER_2_IN,
    BARRIER_2_OUT,
    BORDER_GUARD,
    CUSTOMS,
    HEALTH,
    SITE,
    TAX,
    TRANSPORT,
    VEHICLE,
    YARD_IN,
    YARD_OUT,
    Site,
)
from tests.shared.law import (
    BOTH,
    CN_TRUCK,
    DELIVERER,
    FOUR,
    KHOAN,
    RECEIVER,
    STOPS,
    TO_CHINA,
    UNKNOWN_STOPS,
    VN_TRUCK,
    At,
    Stop,
    confirm,
    confirm_earlier,
    decide_anywhere,
    declared,
    stop,
    with_transfer,
)

BARRIER_WAYS = (BARRIER_1_IN, BARRIER_1_OUT, BARRIER_2_IN, BARRIER_2_OUT)
EVERYWHERE = (*BARRIER_WAYS, YARD_IN, YARD_OUT, (Place.YARD, Heading.IN))
PRINTED_KHOANS = sorted({one.khoan for one in STOPS} - {"7.3"})
NAMED = {(one.khoan, one.at) for one in STOPS} | {(khoan, at) for khoan, at, _ in UNKNOWN_STOPS}
NOT_NAMED = [(khoan, at) for khoan in PRINTED_KHOANS for at in BARRIER_WAYS if (khoan, at) not in NAMED]


def codes(decision: Decision) -> list[Code]:
    return [reason.code for reason in decision.reasons]


def missing(decision: Decision) -> set[tuple[str | None, str]]:
    return {
        (one.clause, one.values["agencies"])
        for one in decision.reasons
        if one.code is Code.EARLIER_STEP_MISSING
    }


# -- wrong places


@pytest.mark.parametrize(("khoan", "at"), NOT_NAMED)
def test_a_barrier_that_the_procedure_does_not_name_is_refused(khoan: str, at: At) -> None:
    decision = declared(khoan).decide(at)
    assert (decision.verdict, codes(decision), decision.automatic) == (
        Verdict.REFUSE,
        [Code.WRONG_PLACE],
        False,
    )


@pytest.mark.parametrize(
    ("khoan", "at"), [(khoan, at) for khoan, at in NOT_NAMED if (khoan, (at[0], at[1].opposite)) in NAMED]
)
def test_who_leaves_the_way_it_came_in_is_in_no_text_and_left_to_a_person(khoan: str, at: At) -> None:
    """No rule at all for turning round (A8, 10)."""
    if at[1] is Heading.IN:
        return
    site = declared(khoan)
    came = site.drive_through((at[0], Heading.IN))
    decision = site.decide(at)
    assert (decision.verdict, codes(decision), decision.automatic) == (
        Verdict.UNKNOWN,
        [Code.LEAVES_AS_IT_CAME],
        False,
    )
    assert decision.reasons[0].facts == (came.ref,)


# -- what nobody knows


@pytest.mark.parametrize(("khoan", "at", "ground"), UNKNOWN_STOPS)
def test_where_nobody_knows_the_text_nothing_is_decided_whoever_confirms(
    khoan: str, at: At, ground: str
) -> None:
    site = declared(khoan)
    before = decide_anywhere(site, at)[1]
    assert (before.verdict, codes(before), before.automatic) == (
        Verdict.UNKNOWN,
        [Code.TEXT_UNKNOWN],
        False,
    ), ground
    assert before.step is not None
    assert before.opens is BORDER_GUARD
    site.license("gate-2", [Place.BARRIER_2], list(Agency))
    for agency in Agency:
        site.confirm(before.step.clause, agency)
    assert decide_anywhere(site, at)[1] == before


@pytest.mark.parametrize("khoan", ["6.1", "6.3", "7.1"])
@pytest.mark.parametrize("at", EVERYWHERE, ids="-".join)
def test_a_khoan_that_nobody_found_lets_nobody_through(khoan: str, at: At) -> None:
    decision = declared(khoan).decide(at)
    assert decision.verdict in (Verdict.UNKNOWN, Verdict.REFUSE)
    assert (decision.automatic, decision.waits_for) == (False, ())


def test_where_an_empty_vehicle_of_6_3_probably_leaves_nothing_is_decided() -> None:
    """A5: probably barrier 2 out, the mirror of 7.3."""
    decision = declared("6.3").decide(BARRIER_2_OUT)
    assert (decision.verdict, codes(decision)) == (Verdict.UNKNOWN, [Code.TEXT_UNKNOWN])


# -- readings of what can be read in several ways

READINGS = [(one, name) for one in STOPS for name in one.readings]


@pytest.mark.parametrize(("printed", "name"), READINGS, ids=str)
def test_each_named_reading_asks_whom_it_says_and_is_told(printed: Stop, name: str) -> None:
    named = printed.readings[name]
    chosen = Settings(readings={printed.clause: name}, fee_before={"5.2": "none", "4.3": "none"})
    site = declared(printed.khoan)
    decision = site.decide(printed.at, settings=chosen)
    assert decision.waits_for == named[:1] if printed.ordered else set(decision.waits_for) == set(named)
    told = [one.values for one in decision.reasons if one.code is Code.READING_IN_USE]
    assert {"reading": name} in told
    confirm(site, printed.clause, named)
    assert site.decide(printed.at, settings=chosen).verdict is Verdict.OPEN
    for left_out in named:
        again = declared(printed.khoan)
        confirm(again, printed.clause, [one for one in named if one is not left_out])
        assert again.decide(printed.at, settings=chosen).verdict is Verdict.WAIT


@pytest.mark.parametrize("printed", [one for one in STOPS if one.readings], ids=str)
def test_a_reading_that_nobody_named_changes_nothing(printed: Stop) -> None:
    site = declared(printed.khoan)
    strange = Settings(readings={printed.clause: "generous"})
    assert site.decide(printed.at, settings=strange) == site.decide(printed.at)


@pytest.mark.parametrize("tick", list(HealthTick))
@pytest.mark.parametrize("printed", [one for one in STOPS if one.ordered and HEALTH in one.confirm], ids=str)
def test_how_the_health_tick_is_read_is_told_where_the_order_has_one(printed: Stop, tick: HealthTick) -> None:
    """A8, 5: 4.2.g, 4.3.g, 6.4.c, 7.4.c."""
    decision = declared(printed.khoan).decide(printed.at, settings=Settings(health_tick=tick))
    told = [one.values for one in decision.reasons if one.code is Code.READING_IN_USE]
    assert {"reading": tick.value, "setting": "health_tick"} in told


def test_read_widely_the_entry_of_4_3_binds_at_the_exit() -> None:
    """4.3.g queries the earlier confirmations; read widely, 4.3.e is one of them."""
    site = declared("4.3")
    confirm_earlier(site, "4.3.g")
    confirm(site, "4.3.g", TO_CHINA)
    assert site.decide(BARRIER_1_OUT).verdict is Verdict.OPEN
    wide = Settings(readings={"4.3.e": "wide"})
    assert set(site.decide(BARRIER_1_OUT, settings=wide).waits_for) == set(BOTH)
    confirm(site, "4.3.e", BOTH)
    assert site.decide(BARRIER_1_OUT, settings=wide).verdict is Verdict.OPEN


# -- days in force


@pytest.mark.parametrize("khoan", [*PRINTED_KHOANS, "7.3"])
def test_who_declared_before_the_first_day_has_no_procedure_and_the_day_is_vietnams(khoan: str) -> None:
    """S2 takes effect ten days after its signing in February 2025 (§ 0); midnight at the gates is 17:00 UTC of the day before."""
    at = next(one.at for one in STOPS if one.khoan == khoan)
    midnight = datetime(2025, 2, 14, 17, tzinfo=UTC)
    for moment, governed in ((midnight - timedelta(seconds=1), False), (midnight, True)):
        found, decision = decide_anywhere(declared(khoan, declared_at=moment.isoformat()), at)
        assert (found == khoan) is governed
        assert (Code.NO_PROCEDURE in codes(decision)) is not governed
        assert governed or (decision.verdict, decision.automatic) == (Verdict.UNKNOWN, False)


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


# -- entry: a border guard who ticks first opens nothing (A9)


@pytest.mark.parametrize(
    "printed", [one for one in STOPS if one.at[1] is Heading.IN and one.confirm], ids=str
)
def test_on_entry_the_border_guards_tick_alone_opens_nothing_and_is_no_fault(printed: Stop) -> None:
    site = declared(printed.khoan)
    site.confirm(printed.clause, BORDER_GUARD)
    decision = site.decide(printed.at)
    assert (decision.verdict, decision.ordered) == (Verdict.WAIT, False)
    assert Code.OUT_OF_ORDER not in codes(decision)


def test_every_vehicle_of_a_declaration_is_confirmed_for_itself() -> None:
    second = {**CN_TRUCK, "vehicle": "v2", "plate": "FF0999"}
    site = declared("5.3", vehicles=[*KHOAN["5.3"]["vehicles"], second])
    confirm(site, "5.3.b", BOTH, VEHICLE)
    assert site.decide(BARRIER_1_IN).verdict is Verdict.OPEN
    assert site.decide(BARRIER_1_IN, vehicle="v2").verdict is Verdict.WAIT
    assert site.declaration.site == SITE
