"""What ends the question before any step, what holds a vehicle back, and what the answer keeps for the auditor."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import subjects
from shared.codes import Heading, Place, Standing, Verdict
from shared.decide import Decision, decide, explain_no_declaration, seen
from shared.facts import Draft
from shared.known import Known
from shared.reasons import Code
from shared.settings import Settings
from tests.builders import (
    BARRIER_1_OUT,
    BARRIER_2_IN,
    BORDER_GUARD,
    CUSTOMS,
    HEALTH,
    MORNING,
    NO,
    PLATE,
    SITE,
    TAX,
    TRANSPORT,
    VEHICLE,
    YARD_IN,
    Site,
    procedure,
)

CENTRE = f"centre-{SITE}.1"


def codes(decision: Decision) -> list[Code]:
    return [reason.code for reason in decision.reasons]


@pytest.fixture
def site() -> Site:
    """A declaration by 4.2, confirmed for entry."""
    ready = Site("4.2")
    ready.confirm("4.2.b", BORDER_GUARD)
    ready.confirm("4.2.b", CUSTOMS)
    return ready


def test_the_site_is_ready_to_enter(site: Site) -> None:
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


# -- what ends the question


def test_a_recalled_declaration_is_refused_everywhere(site: Site) -> None:
    recalled = site.recall()
    for place in (BARRIER_2_IN, BARRIER_1_OUT, YARD_IN, (Place.BARRIER_1, Heading.IN)):
        decision = site.decide(place)
        assert (decision.verdict, codes(decision)) == (Verdict.REFUSE, [Code.RECALLED])
        assert decision.reasons[0].facts == (recalled.ref,)


def test_an_amendment_after_the_recall_does_not_bring_it_back(site: Site) -> None:
    site.recall()
    site.amend(goods=[])
    assert codes(site.decide(BARRIER_2_IN)) == [Code.RECALLED]


def test_a_recall_that_is_not_the_centres_recalls_nothing(site: Site) -> None:
    for author in ("gate-2", "centre-TT"):
        site.tell(author, Draft("recalled", subjects.declaration(NO), {"no": NO}))
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_a_declaration_of_another_site_is_refused() -> None:
    decision = Site("4.2", site="TT").decide(BARRIER_2_IN)
    assert (decision.verdict, codes(decision)) == (Verdict.REFUSE, [Code.OTHER_SITE])
    assert dict(decision.reasons[0].values) == {"site": "TT"}


def test_a_vehicle_that_the_declaration_does_not_name_is_refused(site: Site) -> None:
    decision = site.decide(BARRIER_2_IN, vehicle="v9")
    assert (decision.verdict, codes(decision)) == (Verdict.REFUSE, [Code.VEHICLE_NOT_DECLARED])


@pytest.mark.parametrize(
    "place",
    [(Place.BARRIER_1, Heading.IN), (Place.BARRIER_2, Heading.OUT)],
    ids=lambda place: "-".join(place),
)
def test_a_barrier_that_the_procedure_does_not_lead_through_is_refused(
    site: Site, place: tuple[Place, Heading]
) -> None:
    decision = site.decide(place)
    assert (decision.verdict, codes(decision)) == (Verdict.REFUSE, [Code.WRONG_PLACE])
    assert decision.reasons[0].clause == "4.2"
    assert dict(decision.reasons[0].values) == {"place": place[0], "heading": place[1]}


def test_without_a_procedure_nothing_is_known_and_nothing_is_automatic(site: Site) -> None:
    known = Known(site.authority())
    decision = decide(None, site.declaration, VEHICLE, site.facts, known, Settings(), *BARRIER_2_IN, MORNING)
    assert (decision.verdict, codes(decision), decision.automatic) == (
        Verdict.UNKNOWN,
        [Code.NO_PROCEDURE],
        False,
    )


def test_before_its_first_day_in_force_a_procedure_is_none(site: Site) -> None:
    first_day = datetime(2025, 2, 15, 1, tzinfo=UTC)
    assert codes(site.decide(BARRIER_2_IN, now=first_day - timedelta(days=1))) == [Code.NO_PROCEDURE]
    assert site.decide(BARRIER_2_IN, now=first_day).verdict is Verdict.OPEN


def test_a_step_whose_text_nobody_knows_is_unknown_and_never_automatic(site: Site) -> None:
    shipped = procedure("4.2")
    steps = tuple(
        step.model_copy(update={"standing": Standing.UNKNOWN}) if step.clause in ("4.2.b", "4.2.c") else step
        for step in shipped.steps
    )
    strange = shipped.model_copy(update={"steps": steps})
    for place in (BARRIER_2_IN, YARD_IN):
        decision = site.decide(place, procedure=strange)
        assert (decision.verdict, codes(decision)) == (Verdict.UNKNOWN, [Code.TEXT_UNKNOWN])
        assert not decision.automatic


def test_a_plate_that_nobody_declared_is_refused() -> None:
    decision = explain_no_declaration()
    assert (decision.verdict, codes(decision)) == (Verdict.REFUSE, [Code.NO_DECLARATION])
    assert (decision.step, decision.opens, decision.ordered) == (None, None, False)


# -- already passed


def test_a_vehicle_passes_a_step_once(site: Site) -> None:
    passed = site.drive_through(BARRIER_2_IN)
    decision = site.decide(BARRIER_2_IN)
    assert (decision.verdict, codes(decision)) == (Verdict.REFUSE, [Code.ALREADY_PASSED])
    assert (decision.reasons[0].clause, decision.reasons[0].facts) == ("4.2.b", (passed.ref,))


def test_having_passed_one_step_does_not_stop_the_next(site: Site) -> None:
    site.drive_through(BARRIER_2_IN)
    assert site.decide(BARRIER_1_OUT).verdict is Verdict.WAIT
    assert site.decide(YARD_IN).verdict is Verdict.OPEN


def test_having_passed_the_other_way_does_not_stop_this_way(site: Site) -> None:
    site.drive_through((Place.BARRIER_2, Heading.OUT))
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_a_passage_reported_by_a_node_of_another_place_is_none(site: Site) -> None:
    site.drive_through(BARRIER_2_IN, node="yard-gate")
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_a_passage_is_believed_while_the_nodes_licence_is_still_to_come(site: Site) -> None:
    site.drive_through(BARRIER_2_IN, node="gate-9")
    assert codes(site.decide(BARRIER_2_IN)) == [Code.ALREADY_PASSED]


# -- refused by an officer


def test_an_officers_refusal_holds_the_vehicle_although_all_confirmed(site: Site) -> None:
    refused = site.refuse(BARRIER_2_IN, CUSTOMS)
    decision = site.decide(BARRIER_2_IN)
    assert (decision.verdict, decision.waits_for) == (Verdict.REFUSE, ())
    assert (decision.reasons[0].code, decision.reasons[0].facts) == (Code.REFUSED_BY_OFFICER, (refused.ref,))


def test_a_confirmation_given_after_having_seen_the_refusal_lifts_it(site: Site) -> None:
    refused = site.refuse(BARRIER_2_IN, CUSTOMS)
    site.confirm("4.2.b", CUSTOMS)
    assert site.decide(BARRIER_2_IN).verdict is Verdict.REFUSE, "this one had not seen it"
    site.confirm("4.2.b", CUSTOMS, saw=(refused,))
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_every_refusal_must_have_been_seen(site: Site) -> None:
    first, second = site.refuse(BARRIER_2_IN, CUSTOMS), site.refuse(BARRIER_2_IN, BORDER_GUARD)
    site.confirm("4.2.b", CUSTOMS, saw=(second,))
    assert site.decide(BARRIER_2_IN).reasons[0].facts == (first.ref,)
    site.confirm("4.2.b", BORDER_GUARD, saw=(first,))
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_a_refusal_at_another_place_does_not_hold_here(site: Site) -> None:
    site.refuse(BARRIER_1_OUT, HEALTH)
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


@pytest.mark.parametrize(
    "wrong",
    [{"officer": "customs-1"}, {"node": "yard-desk"}],
    ids=["an officer of another agency", "a node of another place"],
)
def test_a_refusal_by_who_is_not_entitled_holds_nobody(site: Site, wrong: dict[str, Any]) -> None:
    site.refuse(BARRIER_2_IN, BORDER_GUARD, **wrong)
    assert site.decide(BARRIER_2_IN).verdict is Verdict.OPEN


def test_a_refusal_is_believed_while_the_officers_enrolment_is_still_to_come(site: Site) -> None:
    site.refuse(BARRIER_2_IN, CUSTOMS, officer="customs-9")
    assert site.decide(BARRIER_2_IN).verdict is Verdict.REFUSE


# -- what is not understood, and what is not fresh


@pytest.mark.parametrize(
    "draft",
    [
        Draft("recalled", subjects.declaration(NO), {"no": NO}, v=2),
        Draft("seized", subjects.vehicle(NO, VEHICLE), {"by": "police"}),
        Draft("refused", subjects.vehicle(NO, VEHICLE), {"officer": "bp-1"}),
    ],
    ids=["unknown version", "unknown kind", "faulty body"],
)
def test_a_fact_that_is_not_understood_is_noted_and_stops_what_is_automatic(site: Site, draft: Draft) -> None:
    assert site.decide(YARD_IN).automatic
    strange = site.tell("gate-2", draft)
    decision = site.decide(YARD_IN)
    assert (decision.verdict, decision.automatic) == (Verdict.OPEN, False)
    assert (decision.reasons[-1].code, decision.reasons[-1].facts) == (Code.NOT_UNDERSTOOD, (strange.ref,))
    assert Code.NOT_UNDERSTOOD in codes(site.decide(BARRIER_2_IN))


@pytest.mark.parametrize(("age_s", "fresh"), [(0, True), (600, True), (601, False), (None, False)])
def test_nothing_is_automatic_when_the_centre_was_not_heard_for_ten_minutes(
    site: Site, age_s: int | None, fresh: bool
) -> None:
    decision = site.decide(YARD_IN, ages_s={CENTRE: age_s}, required=frozenset({CENTRE}))
    assert decision.verdict is Verdict.OPEN, "stale knowledge is said, and changes no verdict"
    assert decision.automatic is fresh
    assert (Code.KNOWLEDGE_STALE in codes(decision)) is not fresh


def test_a_required_journal_never_heard_of_is_stale(site: Site) -> None:
    decision = site.decide(YARD_IN, required=frozenset({CENTRE}))
    assert not decision.automatic
    assert dict(decision.reasons[-1].values) == {CENTRE: "None"}


def test_the_age_of_a_journal_that_is_not_required_does_not_matter(site: Site) -> None:
    assert site.decide(YARD_IN, ages_s={CENTRE: 10**6}).automatic


def test_how_old_is_too_old_is_a_setting(site: Site) -> None:
    stale = {"ages_s": {CENTRE: 61}, "required": frozenset({CENTRE})}
    assert not site.decide(YARD_IN, settings=Settings(stale_after_s=60), **stale).automatic
    assert site.decide(YARD_IN, settings=Settings(stale_after_s=61), **stale).automatic


# -- what the auditor gets


def test_a_fact_keeps_what_the_decision_saw(site: Site) -> None:
    known = Known(site.authority(), vector={CENTRE: 17}, ages_s={CENTRE: 3, "gate-1.1": None})
    chosen = Settings(stale_after_s=30)
    kept = seen(site.decide(BARRIER_2_IN), site.procedure, chosen, known)
    assert (kept.verdict, kept.step) == (Verdict.OPEN, "4.2.b")
    assert (kept.procedure_hash, kept.settings_hash) == (site.procedure.hash, chosen.hash)
    assert (kept.vector, kept.ages_s) == ({CENTRE: 17}, {CENTRE: 3, "gate-1.1": None})
    assert kept.reasons == ["confirmed", "confirmed"]


def test_a_decision_without_a_step_is_kept_too(site: Site) -> None:
    kept = seen(explain_no_declaration(), None, Settings(), Known(site.authority()))
    assert (kept.verdict, kept.step, kept.procedure_hash) == (Verdict.REFUSE, None, None)


# -- the same facts in any order, any number of times, give the same answer


def eventful_site() -> Site:
    """Everything that can happen to a declaration, once and twice."""
    site = Site("4.2", quarantine={"plant_quarantine": "required"})
    for agency in (BORDER_GUARD, CUSTOMS):
        site.confirm("4.2.b", agency)
    site.withdraw(site.confirm("4.2.b", CUSTOMS), CUSTOMS)
    site.refuse(BARRIER_2_IN, CUSTOMS)
    site.drive_through(YARD_IN)
    site.amend(goods=[{"name": "Sầu riêng"}])
    site.confirm("4.2.d", CUSTOMS)
    site.confirm("4.2.đ", TAX)
    site.confirm_in_order("4.2.g", (TRANSPORT, CUSTOMS, HEALTH, BORDER_GUARD))
    site.confirm_in_order("4.2.g", (BORDER_GUARD, CUSTOMS))
    site.confirm("4.2.g", HEALTH, officer="nobody")
    site.refuse(BARRIER_1_OUT, HEALTH)
    site.drive_through(BARRIER_1_OUT, node="fees")
    site.tell("gate-1", Draft("seized", subjects.vehicle(NO, VEHICLE), {"plate": PLATE}))
    site.tell("gate-1", Draft("withdrawn", subjects.vehicle(NO, VEHICLE), {"faulty": True}))
    return site


EVENTFUL = eventful_site()


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.permutations(EVENTFUL.facts), st.lists(st.sampled_from(EVENTFUL.facts), max_size=6))
def test_no_answer_depends_on_the_order_of_facts_or_on_repeats(arrived: list[Any], again: list[Any]) -> None:
    for place in (BARRIER_2_IN, YARD_IN, BARRIER_1_OUT):
        assert EVENTFUL.decide(place, facts=[*arrived, *again]) == EVENTFUL.decide(place)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(range(len(EVENTFUL.facts)))))
def test_whatever_part_of_the_facts_is_known_the_rules_give_an_answer(held: set[int]) -> None:
    facts = [EVENTFUL.facts[at] for at in sorted(held)]
    for place in (BARRIER_2_IN, YARD_IN, BARRIER_1_OUT):
        decision = EVENTFUL.decide(place, facts=facts)
        assert (decision.verdict is Verdict.WAIT) == bool(decision.waits_for)
        assert decision.reasons
