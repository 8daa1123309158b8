"""Amended after confirmation: who confirms anew is who answers, by the step's own line, for what was changed."""

from typing import Any

import pytest

from shared.codes import Agency, Heading, Place, Verdict
from shared.reasons import Code
from shared.settings import Settings
from tests.builders import (
    ANIMAL,
    BARRIER_1_OUT,
    BARRIER_2_IN,
    BORDER_GUARD,
    CUSTOMS,
    GATE_MANAGEMENT,
    HEALTH,
    PLANT,
    PLATE,
    TAX,
    TRANSPORT,
    Site,
)
from tests.shared.law import (
    BOTH,
    FEES,
    STOPS,
    YARDS,
    Fee,
    Stop,
    Yard,
    confirm,
    decide_anywhere,
    declared,
    khoan_of,
    stop,
    with_transfer,
)

NO_FEE = Settings(fee_before=dict.fromkeys(("4.2", "4.3", "5.2"), "none"))

LADEN_TO_CHINA = {
    TRANSPORT: {"permit", "vehicle"},
    CUSTOMS: {"vehicle", "goods"},
    HEALTH: {"vehicle", "driver", "goods"},
    BORDER_GUARD: {"vehicle", "driver"},
}
"""Each agency's own line; the permit is one of a vehicle."""

EMPTY_TO_CHINA = {
    TRANSPORT: {"permit", "vehicle"},
    CUSTOMS: {"vehicle"},
    HEALTH: {"vehicle", "driver"},
    BORDER_GUARD: {"vehicle", "driver"},
}
"""Customs confirm the state of the vehicle, health is without goods."""

INLAND = {CUSTOMS: {"vehicle", "goods"}, BORDER_GUARD: {"vehicle", "driver"}}
"""5.3.c; 5.2.g is inferred from it."""

ANSWERS_FOR = {
    "4.2.g": LADEN_TO_CHINA,
    "4.3.g": LADEN_TO_CHINA,
    "5.2.g": INLAND,
    "5.3.c": INLAND,
    "6.4.c": EMPTY_TO_CHINA,
    "7.4.c": EMPTY_TO_CHINA,
    "7.3": {TRANSPORT: {"permit", "vehicle"}, CUSTOMS: {"vehicle"}, BORDER_GUARD: {"vehicle", "driver"}},
}
PARTS = ("vehicle", "driver", "permit", "goods")


def amend(site: Site, part: str) -> None:
    """The declarant changes one part of what was declared."""
    vehicle, *others = site.body["vehicles"]
    changes: dict[str, dict[str, Any]] = {
        "vehicle": {"vehicles": [{**vehicle, "trailer": "98R03688"}, *others]},
        "driver": {"vehicles": [{**vehicle, "driver": {"name": {"commitment": "e" * 64}}}, *others]},
        "permit": {"vehicles": [{**vehicle, "permit": "another"}, *others]},
        "goods": {"goods": [{"name": "Sầu riêng"}]},
    }
    site.amend(**changes[part])


def amended(reasons: Any, clause: str) -> set[str]:
    """Whose confirmations of a step were overtaken by an amendment."""
    return {
        one.values["agency"] for one in reasons if one.code is Code.AMENDED_SINCE and one.clause == clause
    }


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("clause", ANSWERS_FOR)
def test_at_the_exits_each_agency_answers_for_what_its_line_names(clause: str, part: str) -> None:
    printed = stop(clause)
    site = declared("7.2" if clause == "7.3" else printed.khoan)
    confirm(site, clause, printed.confirm)
    amend(site, part)
    _, decision = decide_anywhere(site, printed.at, settings=NO_FEE)
    assert decision.step is not None
    assert decision.step.clause == clause
    expected = {agency.value for agency, parts in ANSWERS_FOR[clause].items() if part in parts}
    assert amended(decision.reasons, clause) == expected


def test_the_tables_rows_name_the_agencies_of_the_steps() -> None:
    assert all(set(agencies) == set(stop(clause).confirm) for clause, agencies in ANSWERS_FOR.items())
    assert {one.clause for one in STOPS if one.ordered} == set(ANSWERS_FOR)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "printed", [one for one in STOPS if one.at[1] is Heading.IN and one.confirm], ids=str
)
def test_on_entry_where_no_agency_has_a_line_of_its_own_all_confirm_anew(printed: Stop, part: str) -> None:
    """What must be right and in full there is the whole declaration: all answer for all."""
    site = declared(printed.khoan)
    confirm(site, printed.clause, printed.confirm)
    amend(site, part)
    decision = site.decide(printed.at)
    assert set(decision.waits_for) == set(printed.confirm)


IN_YARD = {
    # customs: loại hình and nhóm hàng hóa; border guard: trọng tải, of the vehicle or of its load; quarantines: what they examine
    "goods": {CUSTOMS: True, ANIMAL: True, PLANT: True},
    "vehicle": {BORDER_GUARD: True},
    "driver": {CUSTOMS: False, BORDER_GUARD: False, ANIMAL: False, PLANT: False},
    "permit": {CUSTOMS: False, BORDER_GUARD: False, ANIMAL: False, PLANT: False, HEALTH: False},
}
"""Whether an agency confirms anew in the yard; who is not in a row has a line that does not say."""


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("yard", YARDS, ids=str)
def test_in_the_yard_each_agency_answers_for_what_its_line_names(yard: Yard, part: str) -> None:
    required = {f"{one}_quarantine": "required" for one in ("health", "animal", "plant")}
    site = declared(yard.khoan, quarantine=required)
    agencies: tuple[Agency, ...] = (*yard.confirm, *yard.quarantines)
    for agency in agencies:
        site.confirm(yard.clause, agency)
    amend(site, part)
    anew = amended(site.decide((Place.YARD, Heading.IN)).reasons, yard.clause)
    for agency, expected in IN_YARD[part].items():
        if agency in agencies:
            assert (agency.value in anew) is expected, agency


@pytest.mark.parametrize("part", PARTS)
def test_of_a_transfer_health_answers_for_vehicle_and_goods(part: str) -> None:
    """5.2.d."""
    site = with_transfer("5.2")
    site.confirm("5.2.d", HEALTH)
    amend(site, part)
    waits_for = site.decide((Place.YARD, Heading.IN)).waits_for
    assert (HEALTH in waits_for) is (part in ("vehicle", "goods"))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("collector", [GATE_MANAGEMENT, TAX])
@pytest.mark.parametrize("fee", FEES, ids=str)
def test_the_fee_is_confirmed_anew_when_what_it_is_reckoned_from_was_amended(
    fee: Fee, collector: Agency, part: str
) -> None:
    """What is due goes by the vehicle's weight and by kind and group of goods (A2, c and d)."""
    site = declared(khoan_of(fee.clause))
    site.confirm(fee.clause, collector)
    amend(site, part)
    decision = site.decide((Place.ONLINE, Heading.IN))
    assert bool(decision.waits_for) is (part in ("vehicle", "goods"))


@pytest.mark.parametrize("part", PARTS)
def test_an_earlier_step_that_was_overtaken_is_missing_where_it_binds(part: str) -> None:
    """4.2.g queries 4.2.b, whose agencies answer for all that was declared."""
    site = declared("4.2")
    confirm(site, "4.2.b", (BORDER_GUARD, CUSTOMS))
    amend(site, part)
    decision = site.decide(BARRIER_1_OUT, settings=NO_FEE)
    assert set(decision.waits_for) == {BORDER_GUARD, CUSTOMS}


def test_an_amendment_from_the_version_that_was_confirmed_and_back_changes_nothing() -> None:
    site = declared("5.3")
    confirm(site, "5.3.b", (BORDER_GUARD, CUSTOMS))
    goods = site.body["goods"]
    amend(site, "goods")
    site.amend(goods=goods)
    assert not site.decide(stop("5.3.b").at).waits_for


# -- another tractor


def with_tractor(site: Site, plate: str) -> None:
    (vehicle,) = site.body["vehicles"]
    site.amend(vehicles=[{**vehicle, "plate": plate}])


def test_another_tractor_comes_in_and_is_confirmed_though_the_one_before_it_has_passed() -> None:
    """What the running platform calls a change of tractor (A10)."""
    site = declared("4.2")
    confirm(site, "4.2.b", BOTH)
    site.drive_through(BARRIER_2_IN)
    assert site.decide(BARRIER_2_IN).verdict is Verdict.REFUSE
    with_tractor(site, "29H77777")
    decision = site.decide(BARRIER_2_IN)
    assert (decision.verdict, set(decision.waits_for)) == (Verdict.WAIT, set(BOTH))


def test_a_plate_that_is_only_mended_by_one_likely_confusion_stays_the_tractor_that_passed() -> None:
    site = declared("4.2")
    site.drive_through(BARRIER_2_IN)
    with_tractor(site, PLATE[:-1] + "S")
    assert site.decide(BARRIER_2_IN).verdict is Verdict.REFUSE


# -- amended when the vehicle is through


@pytest.mark.parametrize("part", [one for one in PARTS if one != "vehicle"])
def test_what_is_amended_inside_is_for_the_agencies_of_the_exit_and_not_for_those_of_the_entry(
    part: str,
) -> None:
    """At 4.2.b nobody can confirm for a vehicle that has left it behind; 4.2.g asks for all four after it."""
    site = declared("4.2")
    confirm(site, "4.2.b", BOTH)
    site.drive_through(BARRIER_2_IN)
    confirm(site, "4.2.g", stop("4.2.g").confirm)
    amend(site, part)
    decision = site.decide(BARRIER_1_OUT, settings=NO_FEE)
    assert amended(decision.reasons, "4.2.g") == {
        agency.value for agency, parts in LADEN_TO_CHINA.items() if part in parts
    }
    assert decision.waits_for
    confirm(site, "4.2.g", stop("4.2.g").confirm)
    assert site.decide(BARRIER_1_OUT, settings=NO_FEE).verdict is Verdict.OPEN


def test_what_was_amended_before_the_vehicle_came_in_stays_unconfirmed() -> None:
    site = declared("4.2")
    confirm(site, "4.2.b", BOTH)
    amend(site, "goods")
    site.drive_through(BARRIER_2_IN)
    confirm(site, "4.2.g", stop("4.2.g").confirm)
    assert set(site.decide(BARRIER_1_OUT, settings=NO_FEE).waits_for) == set(BOTH)


def test_what_the_tractor_before_it_passed_with_is_not_for_another_one() -> None:
    site = declared("4.2")
    confirm(site, "4.2.b", BOTH)
    site.drive_through(BARRIER_2_IN)
    with_tractor(site, "29H77777")
    confirm(site, "4.2.g", stop("4.2.g").confirm)
    assert set(site.decide(BARRIER_1_OUT, settings=NO_FEE).waits_for) == set(BOTH)
