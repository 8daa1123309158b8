"""Whatever stream of facts a gate holds, some things never happen and some never matter: drawn stories of a declaration."""

from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shared.authority import Authority
from shared.bodies import Confirmed
from shared.codes import BARRIERS, YARD_GATES, Actor, Agency, Verdict
from shared.decide import Decision
from shared.judging import asked_at
from shared.known import Known
from shared.procedures import Step
from shared.reasons import Code
from shared.settings import HealthTick
from tests.builders import BORDER_GUARD, HEALTH, SITE
from tests.shared.stories import (
    Event,
    Story,
    events,
    gps_report,
    refuse,
    stories,
    withdraw,
    yard_report,
)

drawn = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def verdicts(answers: dict[object, Decision]) -> dict[object, tuple[object, ...]]:
    """What the answers have a gate do, without the reasons."""
    return {at: (one.verdict, set(one.waits_for), one.automatic) for at, one in answers.items()}


# -- what does not matter


@drawn
@given(stories(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_repeats_do_not_matter_of_facts_or_enrolments(
    story: Story, chance: Random
) -> None:
    facts, enrolments = list(story.facts), list(story.site.enrolments)
    expected = story.answers()
    again = [*facts, *chance.sample(facts, len(facts) // 2)]
    chance.shuffle(again)
    chance.shuffle(enrolments)
    known = Known(Authority.of(SITE, [*enrolments, *enrolments[:3]]))
    assert story.answers(again, known) == expected


@drawn
@given(stories(), events)
def test_position_and_the_yards_word_are_told_and_decide_nothing(story: Story, one: Event) -> None:
    before = verdicts(story.answers())
    gps_report(story, one)
    yard_report(story, one)
    assert verdicts(story.answers()) == before


@drawn
@given(stories(), events)
def test_an_agency_that_the_step_does_not_name_changes_nothing(story: Story, one: Event) -> None:
    step = story.site.procedure.steps[one.pick % len(story.site.procedure.steps)]
    strangers = sorted(set(Agency) - step.agencies())
    by = strangers[one.other % len(strangers)]
    story.site.license("every-desk", [step.place], list(Agency))
    before = story.answers()
    saw = [fact for fact in story.facts if fact.kind == "confirmed"]
    vehicle = story.vehicles[one.vehicle % len(story.vehicles)]
    story.site.confirm(step.clause, by, saw=saw, vehicle=vehicle, node="every-desk")
    assert story.answers() == before


# -- what never happens


@drawn
@given(stories())
def test_nothing_moves_by_itself_at_a_barrier_and_only_a_wait_names_who_is_waited_for(story: Story) -> None:
    for (_, place, _), decision in story.answers().items():
        assert (decision.verdict is Verdict.WAIT) is bool(decision.waits_for)
        assert not decision.automatic or (decision.verdict is Verdict.OPEN and place in YARD_GATES)
        assert decision.reasons
        if place in BARRIERS and decision.step is not None:
            assert decision.opens is BORDER_GUARD


@drawn
@given(stories(least=10, most=20))
def test_what_a_decision_rests_on_was_given_by_who_is_named_there_then_and_for_this_vehicle(
    story: Story,
) -> None:
    by_ref = {fact.ref: fact for fact in story.facts}
    for (vehicle, place, _), decision in story.answers().items():
        for by, ref in decision.confirmations.items():
            assert decision.step is not None
            assert by in asked_at(decision.step, story.site.declaration)
            assert ref in story.good
            body = Confirmed.model_validate(by_ref[ref].body)
            assert (body.by, body.step, body.place) == (by, decision.step.clause, place)
            assert body.vehicle in concerned(story, vehicle, by, decision.step)
            assert body.officer in story.site.authority().leases


def concerned(story: Story, vehicle: str, by: Agency | Actor, step: Step) -> set[str]:
    """Whose confirmations may count for a vehicle: of a transfer also those for who takes its goods over (5.2.d)."""
    over = {one.vehicle for one in story.site.declaration.vehicles if one.receives_from == vehicle}
    return {vehicle, *(over if by in step.confirm_if_transfer else ())}


@drawn
@given(stories(least=10, most=20))
def test_what_opens_in_a_fixed_order_is_a_chain_of_what_was_seen(story: Story) -> None:
    by_ref = {fact.ref: fact for fact in story.facts}
    free = HEALTH if story.opening.settings.health_tick is HealthTick.MAY_COME_EARLIER else None
    for decision in story.answers().values():
        if decision.step is None or not decision.step.ordered or decision.verdict is not Verdict.OPEN:
            continue
        printed = decision.step.confirm
        assert set(decision.confirmations) == set(printed)
        for at, by in enumerate(printed):
            saw = by_ref[decision.confirmations[by]].body.get("saw", ())
            seen = {
                by_ref[ref].body["by"] for ref in saw if by_ref[ref].body.get("step") == decision.step.clause
            }
            needed = {one for one in printed[:at] if one is not free or by is BORDER_GUARD}
            assert by is free or needed <= seen


@drawn
@given(stories(), events)
def test_a_confirmation_taken_back_before_the_vehicle_passed_counts_no_more(story: Story, one: Event) -> None:
    passed = {(fact.body["vehicle"], fact.body.get("step")) for fact in story.facts if fact.kind == "passed"}
    counted = {ref for decision in story.answers().values() for ref in decision.confirmations.values()}
    given_ = [fact for fact in story.facts if fact.ref in counted]
    assume(given_)
    fact = given_[one.pick % len(given_)]
    was_open = story.opened()
    withdraw(story, fact, Agency(fact.body["by"]))
    answers = story.answers()
    still = fact.ref in {ref for decision in answers.values() for ref in decision.confirmations.values()}
    through = (fact.body["vehicle"], fact.body["step"]) in passed
    assert still <= through, "only what the vehicle has passed on cannot be taken back"
    assert story.opened() <= was_open


@drawn
@given(stories(), events)
def test_a_refusal_opens_nothing_and_holds_until_who_is_entitled_has_seen_it(
    story: Story, one: Event
) -> None:
    was_open = story.opened()
    refused = refuse(story, one, list(Agency)[one.other % 8])
    for at, decision in story.answers().items():
        if decision.verdict is Verdict.OPEN:
            assert at in was_open
        if decision.verdict is Verdict.REFUSE and decision.reasons[0].code is Code.REFUSED_BY_OFFICER:
            assert decision.waits_for == ()
            assert all(refused.ref not in fact.body.get("saw", ()) for fact in story.facts)


@drawn
@given(stories(least=0, most=8), st.lists(events, max_size=8))
def test_a_recall_is_for_ever_and_everywhere(story: Story, after: list[Event]) -> None:
    story.site.recall()
    story.go_on(after)
    for decision in story.answers().values():
        assert (decision.verdict, decision.automatic) == (Verdict.REFUSE, False)
        assert decision.reasons[0].code is Code.RECALLED
