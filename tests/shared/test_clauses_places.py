"""Where a procedure leads and where it does not, what nobody knows, named readings, and days in force."""

from datetime import UTC, datetime, timedelta

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
    HEALTH,
    SITE,
    VEHICLE,
    YARD_IN,
    YARD_OUT,
)
from tests.shared.law import (
    BOTH,
    CN_TRUCK,
    KHOAN,
    STOPS,
    TO_CHINA,
    UNKNOWN_STOPS,
    At,
    Stop,
    confirm,
    confirm_earlier,
    decide_anywhere,
    declared,
)

BARRIER_WAYS = (BARRIER_1_IN, BARRIER_1_OUT, BARRIER_2_IN, BARRIER_2_OUT)
EVERYWHERE = (*BARRIER_WAYS, YARD_IN, YARD_OUT, (Place.YARD, Heading.IN), (Place.ONLINE, Heading.IN))
PRINTED_KHOANS = sorted({one.khoan for one in STOPS} - {"7.3"})
NAMED = {(one.khoan, one.at) for one in STOPS} | {(khoan, at) for khoan, at, _ in UNKNOWN_STOPS}
NOT_NAMED = [(khoan, at) for khoan in PRINTED_KHOANS for at in BARRIER_WAYS if (khoan, at) not in NAMED]


def codes(decision: Decision) -> list[Code]:
    return [reason.code for reason in decision.reasons]


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


@pytest.mark.parametrize("khoan", ["6.2", "6.6", "7.2"])
def test_an_empty_vehicle_that_leaves_the_yard_it_came_into_is_left_to_a_person(khoan: str) -> None:
    """6.6.c and 7.2.c let it into the yard; of its way out nothing is printed unless goods went over to it (A8, 8)."""
    site = declared(khoan)
    assert codes(site.decide(YARD_OUT)) == [Code.WRONG_PLACE]
    site.drive_through(YARD_IN)
    decision = site.decide(YARD_OUT)
    assert (decision.verdict, codes(decision)) == (Verdict.UNKNOWN, [Code.LEAVES_AS_IT_CAME])


@pytest.mark.parametrize("khoan", ["4.2", "6.4"])
def test_who_went_out_does_not_come_in_again_on_the_same_declaration(khoan: str) -> None:
    site = declared(khoan)
    site.drive_through(BARRIER_1_OUT)
    assert codes(site.decide(BARRIER_1_IN)) == [Code.WRONG_PLACE]


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
        site = declared("7.2" if khoan == "7.3" else khoan, declared_at=moment.isoformat())
        found, decision = decide_anywhere(site, at)
        assert (found == khoan) is governed
        assert (Code.NO_PROCEDURE in codes(decision)) is not governed
        assert governed or (decision.verdict, decision.automatic) == (Verdict.UNKNOWN, False)


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
