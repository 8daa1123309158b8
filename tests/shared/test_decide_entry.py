"""Into the gate area at barrier 2: 4.2.b asks border guard and customs in any order, 4.3.e names nobody."""

import pytest

from shared.codes import Actor, Agency, Heading, Place, Verdict
from shared.decide import Decision
from shared.facts import Draft
from shared.reasons import Code
from shared.settings import Settings
from tests.builders import (
    BARRIER_2_IN,
    BORDER_GUARD,
    CUSTOMS,
    DRIVER,
    HEALTH,
    NO,
    TRANSPORT,
    VEHICLE,
    YARD_IN,
    YARD_OUT,
    Site,
    declared_body,
)

WIDE = Settings(readings={"4.3.e": "wide"})


def codes(decision: Decision) -> set[Code]:
    return {reason.code for reason in decision.reasons}


@pytest.fixture
def site() -> Site:
    """A declaration by 4.2 that nobody has confirmed yet."""
    return Site("4.2")


# -- Điều 4 khoản 2 điểm b: "các lực lượng Bộ đội Biên phòng, Hải quan xác nhận", no order stated


def test_nobody_has_confirmed_so_both_are_waited_for(site: Site) -> None:
    decision = site.decide(BARRIER_2_IN)
    assert decision.verdict is Verdict.WAIT
    assert set(decision.waits_for) == {BORDER_GUARD, CUSTOMS}
    assert (decision.ordered, decision.opens) == (False, BORDER_GUARD)
    assert {reason.clause for reason in decision.reasons} == {"4.2.b"}


@pytest.mark.parametrize(("first", "then"), [(BORDER_GUARD, CUSTOMS), (CUSTOMS, BORDER_GUARD)])
def test_one_does_not_open_and_both_do_whoever_is_first(site: Site, first: Agency, then: Agency) -> None:
    site.confirm("4.2.b", first)
    assert site.decide(BARRIER_2_IN).waits_for == (then,)
    site.confirm("4.2.b", then)
    decision = site.decide(BARRIER_2_IN)
    assert decision.verdict is Verdict.OPEN
    assert decision.waits_for == ()


def test_the_decision_names_the_confirmations_it_used(site: Site) -> None:
    by_customs = site.confirm("4.2.b", CUSTOMS)
    by_border_guard = site.confirm("4.2.b", BORDER_GUARD)
    decision = site.decide(BARRIER_2_IN)
    assert decision.confirmations == {BORDER_GUARD: by_border_guard.ref, CUSTOMS: by_customs.ref}
    used = {ref for reason in decision.reasons if reason.code is Code.CONFIRMED for ref in reason.facts}
    assert used == {by_customs.ref, by_border_guard.ref}


@pytest.mark.parametrize("other", [HEALTH, TRANSPORT])
def test_agencies_that_the_step_does_not_name_change_nothing(site: Site, other: Agency) -> None:
    site.license("gate-2", agencies=list(Agency), places=[Place.BARRIER_2])
    before = site.decide(BARRIER_2_IN)
    site.confirm("4.2.b", other)
    assert site.decide(BARRIER_2_IN) == before


def test_the_yard_and_the_fee_come_later_and_are_not_asked_for(site: Site) -> None:
    for agency in (BORDER_GUARD, CUSTOMS):
        site.confirm("4.2.b", agency)
    assert codes(site.decide(BARRIER_2_IN)) == {Code.CONFIRMED}


def test_a_confirmation_of_another_step_does_not_count_here(site: Site) -> None:
    for agency in (BORDER_GUARD, CUSTOMS):
        site.confirm("4.2.g", agency)
    assert set(site.decide(BARRIER_2_IN).waits_for) == {BORDER_GUARD, CUSTOMS}


def test_a_confirmation_of_another_vehicle_does_not_count_here() -> None:
    vehicles = [
        {"vehicle": name, "plate": "12C12345", "country": "VN", "driver": DRIVER} for name in (VEHICLE, "v2")
    ]
    site = Site("4.2", vehicles=vehicles)
    for agency in (BORDER_GUARD, CUSTOMS):
        site.confirm("4.2.b", agency, vehicle="v2")
    assert site.decide(BARRIER_2_IN).verdict is Verdict.WAIT
    assert site.decide(BARRIER_2_IN, vehicle="v2").verdict is Verdict.OPEN


# -- confirmations that do not count


def test_an_officer_whose_enrolment_is_still_to_come_is_waited_for() -> None:
    site = Site("4.2", enrolled=False)
    given = site.confirm("4.2.b", CUSTOMS)
    decision = site.decide(BARRIER_2_IN)
    (reason,) = [one for one in decision.reasons if one.code is Code.CONFIRMATION_DOES_NOT_COUNT]
    assert CUSTOMS in decision.waits_for
    assert (reason.facts, dict(reason.values)) == ((given.ref,), {"agency": "customs", "why": "pending"})


def test_an_officer_not_entitled_is_waited_for(site: Site) -> None:
    site.confirm("4.2.b", BORDER_GUARD)
    site.confirm("4.2.b", CUSTOMS, officer="border_guard-1")
    decision = site.decide(BARRIER_2_IN)
    assert decision.waits_for == (CUSTOMS,)
    assert Code.CONFIRMATION_DOES_NOT_COUNT in codes(decision)


def test_a_confirmation_given_at_another_place_than_the_steps_does_not_count(site: Site) -> None:
    """A desk licensed for the yard speaks for the yard, whichever step it names."""
    site.confirm("4.2.b", BORDER_GUARD)
    site.confirm("4.2.b", CUSTOMS, place=Place.YARD, node="yard-desk")
    decision = site.decide(BARRIER_2_IN)
    assert decision.waits_for == (CUSTOMS,)
    assert Code.CONFIRMATION_DOES_NOT_COUNT in codes(decision)


def test_beside_one_that_does_not_count_the_one_that_does_is_used(site: Site) -> None:
    site.confirm("4.2.b", BORDER_GUARD)
    good = site.confirm("4.2.b", CUSTOMS)
    site.confirm("4.2.b", CUSTOMS, officer="nobody")
    decision = site.decide(BARRIER_2_IN)
    assert decision.verdict is Verdict.OPEN
    assert decision.confirmations[CUSTOMS] == good.ref


# -- withdrawn


def confirmed_by_both(site: Site) -> None:
    site.confirm("4.2.b", BORDER_GUARD)
    site.confirm("4.2.b", CUSTOMS)


def test_a_withdrawn_confirmation_is_missing_until_it_is_given_again(site: Site) -> None:
    site.confirm("4.2.b", BORDER_GUARD)
    site.withdraw(site.confirm("4.2.b", CUSTOMS), CUSTOMS)
    decision = site.decide(BARRIER_2_IN)
    assert decision.waits_for == (CUSTOMS,)
    assert Code.CONFIRMATION_MISSING in codes(decision)
    site.confirm("4.2.b", CUSTOMS)
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_withdrawing_the_newer_of_two_leaves_the_older(site: Site) -> None:
    confirmed_by_both(site)
    site.withdraw(site.confirm("4.2.b", CUSTOMS), CUSTOMS)
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_a_colleague_of_the_same_agency_can_withdraw(site: Site) -> None:
    site.confirm("4.2.b", BORDER_GUARD)
    site.enrol(CUSTOMS, officer="customs-2")
    site.withdraw(site.confirm("4.2.b", CUSTOMS), CUSTOMS, officer="customs-2")
    assert site.decide(BARRIER_2_IN).waits_for == (CUSTOMS,)


def test_no_other_agency_can_withdraw(site: Site) -> None:
    site.confirm("4.2.b", BORDER_GUARD)
    given = site.confirm("4.2.b", CUSTOMS)
    site.withdraw(given, BORDER_GUARD)
    site.withdraw(given, CUSTOMS, officer="border_guard-1")
    site.withdraw(given, CUSTOMS, node="yard-gate")
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_a_withdrawal_is_believed_while_the_enrolment_is_still_to_come(site: Site) -> None:
    site.confirm("4.2.b", BORDER_GUARD)
    site.withdraw(site.confirm("4.2.b", CUSTOMS), CUSTOMS, officer="customs-9")
    assert site.decide(BARRIER_2_IN).waits_for == (CUSTOMS,)


# -- amended since


GOODS_CHANGED = [{"name": "Nhãn tươi", "weight_kg": 21000}]
OTHER_TRAILER = [{**declared_body()["vehicles"][0], "trailer": "98R03688"}]


@pytest.mark.parametrize(
    "changes",
    [
        {"goods": GOODS_CHANGED},
        {"vehicles": OTHER_TRAILER},
        {"quarantine": {"plant_quarantine": "required"}},
        {"yard": "bao-nguyen"},
        {"procedure": "4.3"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_after_the_matter_was_amended_all_confirm_again(site: Site, changes: dict[str, object]) -> None:
    confirmed_by_both(site)
    site.amend(**changes)
    decision = site.decide(BARRIER_2_IN)
    assert decision.waits_for == (BORDER_GUARD, CUSTOMS)
    assert codes(decision) == {Code.AMENDED_SINCE}
    confirmed_by_both(site)
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_an_amendment_of_another_vehicle_takes_nothing_away(site: Site) -> None:
    confirmed_by_both(site)
    other = {"vehicle": "v2", "plate": "29H99999", "country": "VN"}
    site.amend(vehicles=[*declared_body()["vehicles"], other])
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_an_amendment_taken_back_lets_the_old_confirmations_stand(site: Site) -> None:
    confirmed_by_both(site)
    goods = site.body["goods"]
    site.amend(goods=GOODS_CHANGED)
    site.amend(goods=goods)
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_a_confirmation_of_a_version_that_has_not_arrived_does_not_stand(site: Site) -> None:
    confirmed_by_both(site)
    without_declared = [fact for fact in site.facts if fact.kind != "declared"]
    assert site.decide(BARRIER_2_IN, facts=without_declared).verdict is Verdict.WAIT


def test_what_looks_like_a_version_but_is_not_the_centres_is_none(site: Site) -> None:
    confirmed_by_both(site)
    site.body = {**site.body, "goods": GOODS_CHANGED}
    forged = site.tell("gate-2", Draft("amended", f"declaration/{NO}", {**site.body, "version": 2}))
    site.declared = forged
    confirmed_by_both(site)
    assert site.decide(BARRIER_2_IN).verdict is Verdict.WAIT


# -- Điều 4 khoản 3 điểm e: "thì Bộ đội Biên phòng mở barie"; nobody is said to confirm (A8, 1)


def test_read_literally_the_outside_yards_entry_waits_for_nobody() -> None:
    decision = Site("4.3").decide(BARRIER_2_IN)
    assert (decision.verdict, decision.waits_for, decision.opens) == (Verdict.OPEN, (), BORDER_GUARD)
    assert codes(decision) == {Code.NOBODY_NAMED, Code.READING_IN_USE}


def test_read_widely_it_asks_what_4_2_b_asks() -> None:
    site = Site("4.3")
    assert set(site.decide(BARRIER_2_IN, settings=WIDE).waits_for) == {BORDER_GUARD, CUSTOMS}
    site.confirm("4.3.e", CUSTOMS)
    site.confirm("4.3.e", BORDER_GUARD)
    assert site.decide(BARRIER_2_IN, settings=WIDE).verdict is Verdict.OPEN


@pytest.mark.parametrize(("settings", "reading"), [(Settings(), "literal"), (WIDE, "wide")])
def test_the_reading_in_use_is_part_of_the_explanation(settings: Settings, reading: str) -> None:
    decision = Site("4.3").decide(BARRIER_2_IN, settings=settings)
    told = [(one.clause, dict(one.values)) for one in decision.reasons if one.code is Code.READING_IN_USE]
    assert ("4.3.e", {"reading": reading}) in told
    assert ("4.3.e", {"reading": "4.3.g", "setting": "fee_before"}) in told


def test_a_reading_that_the_file_does_not_name_is_not_used() -> None:
    decision = Site("4.3").decide(BARRIER_2_IN, settings=Settings(readings={"4.3.e": "generous"}))
    assert {"reading": "literal"} in [dict(one.values) for one in decision.reasons]


# -- the yard's own gates: devices confirm, agencies watch


@pytest.mark.parametrize("khoan", ["4.2", "4.3"])
@pytest.mark.parametrize("gate", [YARD_IN, YARD_OUT])
def test_at_a_yard_gate_the_device_confirms_and_opens_by_itself(
    khoan: str, gate: tuple[Place, Heading]
) -> None:
    decision = Site(khoan).decide(gate)
    assert (decision.verdict, decision.opens, decision.automatic) == (Verdict.OPEN, Actor.DEVICE, True)
    assert codes(decision) == {Code.DEVICE_CONFIRMS}


def test_at_a_barrier_nothing_is_ever_automatic(site: Site) -> None:
    confirmed_by_both(site)
    decision = site.decide(BARRIER_2_IN)
    assert decision.verdict is Verdict.OPEN
    assert not decision.automatic
    assert not Site("4.3").decide(BARRIER_2_IN).automatic
