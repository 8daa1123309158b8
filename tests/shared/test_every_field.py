"""What each field of a step makes happen, held to `tests.shared.every_step`. `tests.mutating` counts what is missed.

No test here reads a field that a decision depends on: each puts a vehicle before a step and looks at the answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any

import pytest

from central.procedures import table
from shared import subjects
from shared.bodies import GpsReported, dump
from shared.codes import Agency, Heading, Load, Place, Standing, Verdict
from shared.facts import Draft
from shared.journal import centre_node
from shared.procedures import ALL_MATTER, Matter
from shared.reasons import Code
from shared.settings import HealthTick, Settings
from tests import builders
from tests.builders import ANIMAL, HEALTH, MORNING, NO, PLANT, SITE, Site
from tests.shared.every_step import DECLARED, EARLIER_ASKED, FEE_BEFORE, KHOANS, ROWS, Row, row
from tests.shared.stepping import (
    ASKED_FOR,
    BARRIERS,
    V1,
    V2,
    clauses_told,
    confirm,
    confirmers,
    declared,
    earlier_done,
    in_order,
    lacking,
    reads,
    told,
)

AT_BARRIERS = [one for one in ROWS if one.at[0] in BARRIERS and one.standing is not Standing.UNKNOWN]
WITH_AGENCIES = [one for one in ROWS if one.confirm or one.readings or one.collectors]
READ = [(one, name) for one in ROWS for name in (None, *one.readings)]
each_row = pytest.mark.parametrize("step", ROWS, ids=str)
each_at_a_barrier = pytest.mark.parametrize("step", AT_BARRIERS, ids=str)
each_reading = pytest.mark.parametrize(("step", "reading"), READ, ids=lambda one: str(one or ""))
each_khoan = pytest.mark.parametrize("khoan", KHOANS)


# -- where: every place, heading and load of every khoản


@each_khoan
@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize("heading", Heading)
def test_a_vehicle_has_a_step_where_the_text_has_one_and_nowhere_else(
    khoan: str, place: Place, heading: Heading
) -> None:
    alone, both = declared(khoan), declared(khoan, transfer=True)
    for load, site, vehicle in ((Load.OWN, alone, V1), (Load.DELIVERS, both, V1), (Load.RECEIVES, both, V2)):
        expected = [
            one.clause
            for one in ROWS
            if one.khoan == khoan
            and load in one.loads
            and one.at[0] is place
            and (one.at[1] is heading or place in (Place.YARD, Place.ONLINE))
        ]
        step = site.decide((place, heading), vehicle=vehicle).step
        assert [step.clause if step else None] == (expected or [None]), load


@each_row
def test_who_opens_and_how_well_the_text_carries_the_step(step: Row) -> None:
    """The border guard at barriers, devices at the yard's gates; standing as in A1 to A6."""
    decision = declared(step.khoan).decide(step.at)
    assert decision.step is not None
    assert (decision.opens, decision.ordered) == (step.opens, step.ordered)
    assert decision.step.standing is step.standing, step.ground
    assert decision.automatic is (step.at[0] in (Place.YARD_IN, Place.YARD_OUT))
    assert (decision.verdict is Verdict.UNKNOWN) is (step.standing is Standing.UNKNOWN)
    devices = [one for one in decision.reasons if one.code is Code.DEVICE_CONFIRMS]
    assert len(devices) == (step.at[0] in (Place.YARD_IN, Place.YARD_OUT))


# -- who confirms, and in which order


@each_reading
@pytest.mark.parametrize("transfer", [False, True])
@pytest.mark.parametrize("requests", [{}, ASKED_FOR], ids=["none asked for", "all asked for"])
def test_who_is_asked(step: Row, reading: str | None, transfer: bool, requests: Mapping[str, str]) -> None:
    site = declared(step.khoan, transfer=transfer, quarantine=requests)
    vehicle = V1 if Load.DELIVERS in step.loads or not transfer else V2
    decision = site.decide(step.at, settings=reads(step, reading), vehicle=vehicle)
    asked = [
        *confirmers(step, reading),
        *(step.transfer if transfer else ()),
        *(step.required if requests else ()),
    ]
    found = told(decision, Code.CONFIRMATION_MISSING)
    assert found == asked if step.ordered else sorted(found) == sorted(asked), step.ground
    assert told(decision, Code.QUARANTINE_NOT_REQUESTED) == ([] if requests else [*step.required])
    collected = clauses_told(decision, Code.FEE_NOT_CONFIRMED)
    assert collected == ({step.clause: ", ".join(step.collectors)} if step.collectors else {})


def opening(agencies: Sequence[Agency], tick: HealthTick) -> Iterator[tuple[Agency, ...]]:
    """The orders in which a fixed order may be kept: health's tick may come earlier where the setting says so (A8, 5)."""
    for order in permutations(agencies):
        without = [one for one in order if one is not HEALTH]
        printed = [one for one in agencies if one is not HEALTH]
        earlier = HEALTH in order and order.index(HEALTH) < agencies.index(HEALTH)
        if order == agencies or (without == printed and earlier and tick is HealthTick.MAY_COME_EARLIER):
            yield order


@pytest.mark.parametrize("tick", HealthTick)
@each_reading
def test_where_the_order_is_fixed_no_other_opens_and_elsewhere_any_does(
    step: Row, reading: str | None, tick: HealthTick
) -> None:
    """Fixed on every way out that the text prints, and on no way in (A7, end)."""
    if step.at[0] not in BARRIERS or step.standing is Standing.UNKNOWN:
        return
    agencies = confirmers(step, reading)
    good = set(opening(agencies, tick)) if step.ordered else set(permutations(agencies))
    for order in permutations(agencies):
        site = earlier_done(step)
        in_order(site, step, order)
        decision = site.decide(step.at, settings=reads(step, reading, health_tick=tick))
        assert (decision.verdict is Verdict.OPEN) is (order in good), order


# -- what a confirmation says and answers for


@pytest.mark.parametrize("step", WITH_AGENCIES, ids=str)
def test_a_confirmation_that_does_not_say_what_it_must_is_none(step: Row) -> None:
    for by in asked_most(step):
        site = all_asked(step)
        owed = step.owes.get(by, ())
        for left_out in owed:
            confirm(site, step, by, values=dict.fromkeys(set(owed) - {left_out}, "said"))
            assert not stands(site, step, by), f"{by} without {left_out}"
        in_order(site, step, asked_most(step) if step.ordered else (by,))
        assert stands(site, step, by), by


def asked_most(step: Row) -> tuple[Agency, ...]:
    """Everybody who may be asked at a step, in the reading that asks the most."""
    confirm = max((step.confirm, *step.readings.values()), key=len)
    return (*confirm, *step.transfer, *step.required, *step.collectors)


def all_asked(step: Row) -> Site:
    """A declaration by which all of them are asked."""
    return declared(step.khoan, transfer=bool(step.transfer), quarantine=ASKED_FOR)


def stands(site: Site, step: Row, by: Agency) -> bool:
    """Whether a confirmation by the agency is good for the step."""
    name = max(step.readings, key=lambda one: len(step.readings[one]), default=None)
    decision = site.decide(step.at, settings=reads(step, name))
    if by in step.collectors:
        return any(one.code is Code.FEE_CONFIRMED for one in decision.reasons)
    return by in decision.confirmations


def amended(site: Site, part: Matter, by: Agency) -> dict[str, Any]:
    """A change of one part of what was declared, such that the agency is still asked."""
    first, *others = site.body["vehicles"]
    other = PLANT if by is not PLANT else ANIMAL
    vehicle: Mapping[Matter, Mapping[str, Any]] = {
        Matter.VEHICLE: {"trailer": "98R03688"},
        Matter.DRIVER: {"driver": {"name": {"commitment": "e" * 64}}},
        Matter.PERMIT: {"permit": "2/GPLV"},
    }
    if part in vehicle:
        return {"vehicles": [{**first, **vehicle[part]}, *others]}
    return {
        Matter.GOODS: {"goods": [{"name": "Sầu riêng"}]},
        Matter.QUARANTINE: {"quarantine": {**ASKED_FOR, other.value: "not_requested"}},
        Matter.WAY: {"yard": "bao-nguyen"},
    }[part]


@pytest.mark.parametrize("step", WITH_AGENCIES, ids=str)
def test_an_amendment_undoes_the_confirmations_of_who_answers_for_what_was_amended(step: Row) -> None:
    for by in asked_most(step):
        site = all_asked(step)
        in_order(site, step, (by,) if by in step.collectors else asked_most(step))
        for part in Matter:
            before = {key: site.body[key] for key in ("vehicles", "goods", "quarantine", "yard")}
            site.amend(**amended(site, part, by))
            answers = part in step.answers.get(by, ALL_MATTER)
            if step.ordered:
                again = by in told(site.decide(step.at, settings=reads(step, None)), Code.AMENDED_SINCE)
                assert again is answers, (by, part)
            else:
                assert stands(site, step, by) is not answers, (by, part)
            site.amend(**before)


# -- earlier steps, and the fee


SHOWN = {"4.2.g": {"4.2.d", "4.2.đ"}, "4.3.g": {"4.3.d"}}
"""Inferred steps bind nobody; nor does a fee that no barrier asks for."""


@each_at_a_barrier
def test_earlier_steps_bind_where_the_cameras_query_them(step: Row) -> None:
    site = declared(step.khoan)
    in_order(site, step, step.confirm)
    decision = site.decide(step.at, settings=reads(step, None))
    missing = {clause: ", ".join(row(clause).confirm) for clause in step.needs or ()}
    assert clauses_told(decision, Code.EARLIER_STEP_MISSING) == missing, step.ground
    assert set(clauses_told(decision, Code.EARLIER_STEP_SHOWN)) == SHOWN.get(step.clause, set())
    assert (decision.verdict is Verdict.OPEN) is not bool(missing)


def test_the_centre_lists_what_is_queried_at_each_barrier() -> None:
    """S2: "đã được khai báo" at every way in and in 6.4.c and 7.4.c, the earlier states as well at the others."""
    listed = {one["clause"]: one["queries"] for one in table([builders.procedure(khoan) for khoan in KHOANS])}
    at_barriers = [one.clause for one in ROWS if one.at[0] in BARRIERS]
    assert listed == {one: "earlier_states" if one in EARLIER_ASKED else "declared" for one in at_barriers}


@each_at_a_barrier
def test_the_fee_is_asked_for_where_the_setting_says_and_only_where_it_may(step: Row) -> None:
    """No text has a barrier check the fee (A4, end)."""
    khoan = step.khoan
    clauses = [*(one.clause for one in ROWS), *(clause for clause, *_ in DECLARED.values())]
    fee, usual, others = FEE_BEFORE.get(khoan, ("", "", ()))
    for chosen in (None, "none", *clauses):
        known = chosen if chosen == usual or chosen in others else usual
        settings = Settings(fee_before={khoan: chosen} if chosen else {}, readings={"4.3.e": "wide"})
        site = declared(khoan)
        asked = clauses_told(site.decide(step.at, settings=settings), Code.FEE_NOT_CONFIRMED)
        assert asked == ({fee: "gate_management, tax"} if known == step.clause else {}), chosen


# -- what is declared


@each_at_a_barrier
@pytest.mark.parametrize("part", [Matter.DRIVER, Matter.GOODS, Matter.PERMIT])
def test_what_the_declarants_step_asks_for_must_be_there_and_nothing_else(step: Row, part: Matter) -> None:
    site = declared(step.khoan)
    lacking(site, part)
    clause, parts, _ = DECLARED.get(step.khoan, ("", (), Standing.TEXT))
    decision = site.decide(step.at)
    told = [
        (one.clause, one.values["fields"])
        for one in decision.reasons
        if one.code is Code.DECLARATION_INCOMPLETE
    ]
    assert told == ([(clause, part)] if part in parts else [])
    assert (decision.verdict is Verdict.REFUSE) is (part in parts)


@each_at_a_barrier
def test_only_who_drives_to_a_yard_outside_must_keep_the_position_switched_on(step: Row) -> None:
    """4.3.a: "mở định vị GPS"; said, never a ground to refuse."""
    site = declared(step.khoan)
    off = GpsReported(declaration=NO, vehicle=V1, on=False, since=MORNING)
    site.tell(centre_node(SITE), Draft("gps_reported", subjects.vehicle(NO, V1), dump(off)))
    said = [one.clause for one in site.decide(step.at).reasons if one.code is Code.GPS_OFF]
    assert said == (["4.3.a"] if step.khoan == "4.3" else [])
