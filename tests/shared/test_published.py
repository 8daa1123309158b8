"""What the centre publishes of the rules: which version stands, what it stands over, and whom it judges."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from shared import subjects
from shared.authority import Authority
from shared.bodies import SettingsPublished, dump
from shared.codes import Verdict
from shared.decide import Decision, decide_at
from shared.facts import Draft, Fact, seal
from shared.known import Known
from shared.node.procedure_files import SHIPPED, load_procedures
from shared.procedures import Judges, Procedure, Procedures
from shared.published import Published, publication
from shared.reasons import Code
from shared.settings import HealthTick, Settings
from tests.builders import (
    BARRIER_2_IN,
    BORDER_GUARD,
    CUSTOMS,
    MORNING,
    SITE,
    VEHICLE,
    YARD_IN,
    Journal,
    Site,
    procedure,
    stamp,
)

CENTRE = "centre-CKHN.1"
SHIPPED_ALL = load_procedures(SHIPPED).all
FIRST_DAY = date(2026, 12, 1)


def version(khoan: str = "4.2", start: date = FIRST_DAY, **changes: Any) -> Procedure:
    """A version of 4.2 by which customs alone confirms at barrier 2."""
    shipped = procedure(khoan)
    steps = tuple(
        step.model_copy(update={"confirm": (CUSTOMS,)}) if step.clause == "4.2.b" else step
        for step in shipped.steps
    )
    return shipped.model_copy(update={"in_force_from": start, "steps": steps, **changes})


def settings(at: datetime, **said: Any) -> Draft:
    return Draft(
        "settings_published", subjects.settings(SITE), dump(SettingsPublished(in_force_from=at, **said))
    )


def told(*drafts: Draft, journal: str = CENTRE) -> list[Fact]:
    """The drafts as facts of a journal, one after the other."""
    written = Journal(journal)
    return [written.write(draft) for draft in drafts]


def unknown(subject: str = "procedure/4.2", start: str = "2026-12-01", **more: Any) -> Draft:
    """A publication in a form that this version cannot read."""
    return Draft("procedure_published", subject, {"procedure": {"in_force_from": start}, **more}, v=9)


# -- a publication holds the whole procedure


@pytest.mark.parametrize("shipped", SHIPPED_ALL, ids=lambda one: one.procedure)
def test_a_procedure_comes_out_of_its_publication_as_it_was(shipped: Procedure) -> None:
    (found,) = Published.of(SITE, told(publication(shipped))).procedures
    assert found == shipped
    assert found.hash == shipped.hash


@pytest.mark.parametrize("shipped", SHIPPED_ALL, ids=lambda one: one.procedure)
def test_a_publication_is_far_below_what_a_fact_may_hold(shipped: Procedure) -> None:
    assert told(publication(shipped))[0].size_bytes < 16_000


# -- which version stands


def test_a_later_publication_of_the_same_first_day_takes_the_place_of_the_earlier() -> None:
    facts = told(publication(version()), publication(version(judges=Judges.ALL_DECLARATIONS)))
    (found,) = Published.of(SITE, facts).publications
    assert (found.ref, found.procedure.judges) == (facts[1].ref, Judges.ALL_DECLARATIONS)


def test_versions_of_other_days_and_other_khoan_stand_beside_it() -> None:
    versions = [version(), version(start=date(2027, 1, 1)), procedure("4.3")]
    found = Published.of(SITE, told(*map(publication, versions))).procedures
    assert list(found) == versions


def test_the_order_in_which_facts_arrive_makes_no_difference() -> None:
    drafts = [publication(version()), unknown(), settings(MORNING), publication(procedure("4.2"))]
    facts = told(*drafts)
    assert all(Published.of(SITE, order) == Published.of(SITE, facts) for order in permutations(facts))
    assert Published.of(SITE, [*facts, *facts]) == Published.of(SITE, facts)


def test_in_a_forked_journal_the_same_one_stands_at_every_node() -> None:
    one, other = (
        seal(publication(version(judges=judges)), CENTRE, 1, stamp(), "0" * 64).fact for judges in Judges
    )
    by = {
        Published.of(SITE, facts).publications[0].procedure.judges for facts in ((one, other), (other, one))
    }
    assert len(by) == 1


def test_after_a_rotation_of_the_key_the_order_goes_on_in_the_new_journal() -> None:
    old = Journal(CENTRE)
    for draft in (publication(version()),) * 3:
        old.write(draft)
    new = Journal("centre-CKHN.2")
    last = new.write(publication(version(judges=Judges.ALL_DECLARATIONS)), stamp(60))
    assert Published.of(SITE, [last, *old.facts]).publications[0].ref == last.ref


@pytest.mark.parametrize("journal", ["gate-1.1", "centre-TT.1"])
def test_only_the_centre_of_the_site_publishes(journal: str) -> None:
    assert Published.of(SITE, told(publication(version()), journal=journal)) == Published()


# -- what cannot be read


@pytest.mark.parametrize(
    "draft",
    [
        unknown(),
        Draft("procedure_published", "procedure/4.2", {"procedure": {"in_force_from": "2026-12-01"}}),
        Draft("procedure_published", "procedure/4.2", {"procedure": {"in_force_from": "soon", "x": [1]}}),
        Draft("procedure_published", "procedure/4.2", {"procedure": 7}),
        Draft("procedure_published", "procedure/4.2", {}),
        replace(publication(procedure("4.3")), subject="procedure/4.2"),
        Draft("settings_published", "settings/CKHN", {"health_tick": "never"}),
        Draft("settings_published", "settings/TT", {"in_force_from": "2026-11-23T01:00:00Z"}),
    ],
)
def test_what_cannot_be_read_changes_nothing_and_is_told(draft: Draft) -> None:
    facts = told(publication(version()), settings(MORNING, inferred_steps_bind=True), draft)
    found = Published.of(SITE, facts)
    assert found.procedures == (version(),)
    assert found.over(Settings(), MORNING) == Settings(inferred_steps_bind=True)
    assert found.unread == (facts[2],)


def test_what_cannot_be_read_is_told_until_it_is_published_again_in_a_form_that_can() -> None:
    facts = told(unknown(), publication(version()))
    assert Published.of(SITE, facts).unread == ()
    assert Published.of(SITE, told(publication(version()), unknown())).unread != ()
    assert Published.of(SITE, told(unknown(start="2027-05-01"), publication(version()))).unread != ()


def test_a_decision_by_rules_that_were_published_anew_and_cannot_be_read_says_so_and_nothing_opens_by_itself() -> (
    None
):
    decision = Site().decide(YARD_IN)
    assert decision.automatic
    facts = told(unknown())
    noted = Published.of(SITE, facts).noted(decision, procedure("4.2"))
    assert (noted.verdict, noted.automatic) == (decision.verdict, False)
    assert noted.reasons[-1].code is Code.NOT_UNDERSTOOD
    assert noted.reasons[-1].facts == (facts[0].ref,)
    assert Published.of(SITE, facts).noted(decision, procedure("4.3")) == decision
    assert (
        Published.of(SITE, told(Draft("settings_published", "settings/CKHN", {}, v=2))).noted(decision, None)
        != decision
    )


# -- settings


def test_published_settings_stand_over_the_nodes_own_key_by_key() -> None:
    own = Settings(
        stale_after_s=60,
        health_tick=HealthTick.PRINTED_PLACE,
        readings={"4.3.e": "literal", "6.5.b": "all_four"},
        fee_before={"4.2": "4.2.g", "4.3": "4.3.g"},
    )
    said = settings(MORNING, readings={"4.3.e": "wide"}, fee_before={"4.2": "none"}, inferred_steps_bind=True)
    assert Published.of(SITE, told(said)).over(own, MORNING) == Settings(
        stale_after_s=60,
        health_tick=HealthTick.PRINTED_PLACE,
        inferred_steps_bind=True,
        readings={"4.3.e": "wide", "6.5.b": "all_four"},
        fee_before={"4.2": "none", "4.3": "4.3.g"},
    )


def test_settings_are_in_force_from_their_moment_on() -> None:
    held = Published.of(SITE, told(settings(MORNING, inferred_steps_bind=True)))
    moments = [MORNING - timedelta(milliseconds=1), MORNING]
    assert [held.over(Settings(), now).inferred_steps_bind for now in moments] == [False, True]


def test_later_settings_stand_over_earlier_ones_and_leave_the_rest() -> None:
    later = settings(MORNING + timedelta(days=1), inferred_steps_bind=False)
    first = settings(MORNING, inferred_steps_bind=True, readings={"4.3.e": "wide"})
    held = Published.of(SITE, told(later, first))
    assert held.over(Settings(), MORNING + timedelta(days=2)) == Settings(readings={"4.3.e": "wide"})


def test_settings_published_again_for_the_same_moment_take_the_place_of_the_earlier() -> None:
    elsewhere = MORNING.astimezone(UTC).isoformat().replace("+00:00", "Z")
    again = Draft("settings_published", subjects.settings(SITE), {"in_force_from": elsewhere})
    held = Published.of(SITE, told(settings(MORNING, inferred_steps_bind=True), again))
    assert held.over(Settings(), MORNING) == Settings()


# -- published before local


def test_a_published_version_stands_over_the_nodes_own_file_on_the_days_it_is_in_force() -> None:
    ends = version(in_force_to=date(2026, 12, 10))
    held = Procedures((procedure("4.2"),)).with_published(
        Published.of(SITE, told(publication(ends))).procedures
    )
    days = [date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 9), date(2026, 12, 10)]
    assert [held.find("4.2", day) for day in days] == [procedure("4.2"), ends, ends, procedure("4.2")]


def test_a_publication_is_taken_back_by_one_that_ends_on_its_first_day() -> None:
    facts = told(publication(version()), publication(version(in_force_to=FIRST_DAY)))
    held = Procedures((procedure("4.2"),)).with_published(Published.of(SITE, facts).procedures)
    assert held.find("4.2", FIRST_DAY) == procedure("4.2")


# -- whom a new version judges


def decided(site: Site, published: Iterable[Fact], now: datetime) -> tuple[Procedure | None, Decision]:
    """What a gate says at barrier 2 that has heard of these publications."""
    held = Published.of(SITE, published)
    rules = Procedures(SHIPPED_ALL).with_published(held.procedures)
    known = Known(Authority.of(SITE, site.enrolments))
    return decide_at(rules, site.declaration, VEHICLE, site.facts, known, Settings(), *BARRIER_2_IN, now)


MIDNIGHT = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
"""The first of December begins in Việt Nam."""


@pytest.mark.parametrize(
    ("declared_at", "waits_for"),
    [
        (MIDNIGHT - timedelta(seconds=1), (BORDER_GUARD, CUSTOMS)),
        (MIDNIGHT, (CUSTOMS,)),
    ],
)
def test_a_declaration_is_judged_by_the_version_in_force_on_its_day_in_viet_nam(
    declared_at: datetime, waits_for: tuple[Any, ...]
) -> None:
    site = Site(declared_at=declared_at.isoformat())
    _, decision = decided(site, told(publication(version())), MIDNIGHT + timedelta(days=2))
    assert decision.waits_for == waits_for


@pytest.mark.parametrize("after", [timedelta(hours=1), timedelta(days=3), timedelta(days=40)])
def test_a_gate_that_hears_late_decides_an_old_declaration_like_one_that_heard_early(
    after: timedelta,
) -> None:
    site = Site(declared_at=(MIDNIGHT - timedelta(hours=1)).isoformat())
    now = MIDNIGHT + after
    early = decided(site, told(publication(version())), now)
    assert early == decided(site, (), now)
    assert early[0] == procedure("4.2")


def test_a_version_that_says_so_judges_earlier_declarations_too_from_its_first_day() -> None:
    site = Site(declared_at=(MIDNIGHT - timedelta(days=3)).isoformat())
    facts = told(publication(version(judges=Judges.ALL_DECLARATIONS)))
    before, after = (decided(site, facts, now) for now in (MIDNIGHT - timedelta(seconds=1), MIDNIGHT))
    assert before[1].waits_for == (BORDER_GUARD, CUSTOMS)
    assert after[1].waits_for == (CUSTOMS,)
    assert after[1].verdict is Verdict.WAIT


def test_a_decision_keeps_the_hash_of_the_version_it_was_made_by() -> None:
    site = Site(declared_at=MIDNIGHT.isoformat())
    found, _ = decided(site, told(publication(version())), MIDNIGHT)
    assert found is not None
    assert found.hash == version().hash != procedure("4.2").hash
