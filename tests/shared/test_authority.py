"""Who may speak for whom: storing is not counting, and the order of arrival does not matter."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from shared import subjects
from shared.authority import Authority, Counting, centre_only, from_centre
from shared.bodies import Confirmed, NodeEnrolled, NodeRevoked, OpenMode, OpenRequested, dump, read_body
from shared.clock import Stamp
from shared.codes import Actor, Agency, Heading, Place
from shared.facts import Draft, Fact
from tests.builders import (
    BORDER_GUARD,
    CUSTOMS,
    HEALTH,
    MORNING,
    NO,
    SITE,
    VEHICLE,
    Site,
    note,
    stamp,
)

NEXT_WEEK = Stamp(MORNING + timedelta(days=7))
NEXT_MONTH = Stamp(MORNING + timedelta(days=35))


def counting(site: Site, fact: Fact) -> Counting:
    body = read_body(fact)
    assert isinstance(body, Confirmed | OpenRequested)
    return site.authority().counts(fact, body)


def open_requested(
    site: Site, by: Agency | Actor, place: Place, node: str, officer: str | None = None
) -> Fact:
    body = OpenRequested(
        place=place,
        heading=Heading.IN,
        lane="l1",
        by=by,
        officer=officer,
        mode=OpenMode.DECISION,
        declaration=NO,
        vehicle=VEHICLE,
    )
    return site.tell(node, Draft("open_requested", subjects.vehicle(NO, VEHICLE), dump(body)))


def test_an_enrolled_officer_at_a_licensed_node_counts() -> None:
    site = Site()
    assert counting(site, site.confirm("4.2.b", CUSTOMS)) is Counting.COUNTS


def test_before_any_enrolment_has_arrived_it_is_pending() -> None:
    site = Site(enrolled=False)
    assert counting(site, site.confirm("4.2.b", CUSTOMS)) is Counting.PENDING


def test_it_is_pending_until_both_officer_and_node_are_known_and_counts_from_then_on() -> None:
    site = Site(enrolled=False)
    given = site.confirm("4.2.b", CUSTOMS, at=NEXT_WEEK)
    site.enrol(CUSTOMS)
    assert counting(site, given) is Counting.PENDING
    site.license("gate-2")
    assert counting(site, given) is Counting.COUNTS


def test_the_lease_counts_from_its_first_moment_to_before_its_last() -> None:
    site = Site()
    lease_end = MORNING + timedelta(days=35)
    times = {
        MORNING - timedelta(milliseconds=1): Counting.REFUSED,
        MORNING: Counting.COUNTS,
        lease_end - timedelta(milliseconds=1): Counting.COUNTS,
        lease_end: Counting.REFUSED,
    }
    for moment, expected in times.items():
        assert counting(site, site.confirm("4.2.b", CUSTOMS, at=Stamp(moment))) is expected, moment


def test_a_renewed_lease_goes_on() -> None:
    site = Site()
    given = site.confirm("4.2.b", CUSTOMS, at=NEXT_MONTH)
    assert counting(site, given) is Counting.REFUSED
    site.enrol(CUSTOMS, start=MORNING + timedelta(days=30))
    assert counting(site, given) is Counting.COUNTS


def test_after_a_revocation_nothing_counts_and_before_it_everything_still_does() -> None:
    site = Site()
    before = site.confirm("4.2.b", CUSTOMS, at=Stamp(MORNING + timedelta(days=2)))
    after = site.confirm("4.2.b", CUSTOMS, at=Stamp(MORNING + timedelta(days=3)))
    site.revoke("customs-1", MORNING + timedelta(days=3))
    assert counting(site, before) is Counting.COUNTS
    assert counting(site, after) is Counting.REFUSED


def test_an_officer_enrolled_anew_after_a_revocation_counts_again() -> None:
    site = Site()
    site.revoke("customs-1", MORNING + timedelta(days=3))
    site.enrol(CUSTOMS, start=MORNING + timedelta(days=5))
    assert (
        counting(site, site.confirm("4.2.b", CUSTOMS, at=Stamp(MORNING + timedelta(days=4))))
        is Counting.REFUSED
    )
    assert counting(site, site.confirm("4.2.b", CUSTOMS, at=NEXT_WEEK)) is Counting.COUNTS


def test_a_second_revocation_ends_the_second_lease() -> None:
    site = Site()
    site.revoke("customs-1", MORNING + timedelta(days=1))
    site.enrol(CUSTOMS, start=MORNING + timedelta(days=2))
    site.revoke("customs-1", MORNING + timedelta(days=6))
    assert counting(site, site.confirm("4.2.b", CUSTOMS, at=NEXT_WEEK)) is Counting.REFUSED


def test_a_node_not_licensed_for_the_place_is_refused() -> None:
    site = Site()
    given = site.confirm("4.2.b", CUSTOMS, node="gate-1")
    assert counting(site, given) is Counting.REFUSED


def test_a_node_not_licensed_for_the_agency_is_refused() -> None:
    site = Site()
    assert counting(site, site.confirm("4.2.b", HEALTH, node="gate-2")) is Counting.REFUSED


def test_a_yard_operators_node_has_no_agency() -> None:
    site = Site()
    given = site.confirm("4.2.c", CUSTOMS, node="yard-gate")
    assert counting(site, given) is Counting.REFUSED


def test_an_officer_speaks_for_no_agency_but_her_own() -> None:
    site = Site()
    given = site.confirm("4.2.b", BORDER_GUARD, officer="customs-1")
    assert counting(site, given) is Counting.REFUSED


def test_an_officer_of_two_agencies_speaks_for_each_under_its_own_lease() -> None:
    site = Site()
    site.enrol(BORDER_GUARD, officer="customs-1", start=MORNING + timedelta(days=6))
    assert (
        counting(site, site.confirm("4.2.b", BORDER_GUARD, officer="customs-1", at=stamp(60)))
        is Counting.REFUSED
    )
    assert (
        counting(site, site.confirm("4.2.b", BORDER_GUARD, officer="customs-1", at=NEXT_WEEK))
        is Counting.COUNTS
    )


def test_an_agency_without_an_officer_is_refused() -> None:
    site = Site()
    assert counting(site, open_requested(site, BORDER_GUARD, Place.BARRIER_2, "gate-2")) is Counting.REFUSED


def test_a_device_speaks_at_yard_gates() -> None:
    site = Site()
    assert counting(site, site.confirm("4.2.c", Actor.DEVICE)) is Counting.COUNTS
    assert counting(site, open_requested(site, Actor.DEVICE, Place.YARD_OUT, "yard-gate")) is Counting.COUNTS


@pytest.mark.parametrize(
    ("place", "node"),
    [
        (Place.BARRIER_1, "gate-1"),
        (Place.BARRIER_2, "gate-2"),
        (Place.YARD, "yard-desk"),
        (Place.ONLINE, "fees"),
    ],
)
def test_a_device_speaks_nowhere_else(place: Place, node: str) -> None:
    site = Site()
    assert counting(site, open_requested(site, Actor.DEVICE, place, node)) is Counting.REFUSED


@pytest.mark.parametrize("actor", [Actor.DECLARANT, Actor.YARD_OPERATOR])
def test_other_actors_neither_confirm_nor_open(actor: Actor) -> None:
    site = Site()
    assert counting(site, open_requested(site, actor, Place.YARD_IN, "yard-gate")) is Counting.REFUSED


def test_a_device_at_an_unknown_node_is_pending() -> None:
    site = Site(enrolled=False)
    assert counting(site, site.confirm("4.2.c", Actor.DEVICE)) is Counting.PENDING


def test_only_the_centre_enrols() -> None:
    site = Site(enrolled=False)
    given = site.confirm("4.2.b", CUSTOMS, at=NEXT_WEEK)
    licence = NodeEnrolled(
        node="gate-2", site=SITE, public_key="k", places=[Place.BARRIER_2], agencies=[CUSTOMS]
    )
    for author in ("gate-2", "centre-TT"):
        site.enrolments.append(site.tell(author, Draft("node_enrolled", "node/gate-2", dump(licence))))
    site.enrol(CUSTOMS)
    assert counting(site, given) is Counting.PENDING


def test_an_enrolment_for_another_site_does_not_count_here() -> None:
    site = Site()
    lease = {
        "officer": "guest",
        "agency": "customs",
        "site": "TT",
        "valid_from": MORNING.isoformat(),
        "valid_until": NEXT_MONTH.wall.isoformat(),
    }
    site.enrolments.append(site.tell(f"centre-{SITE}", Draft("officer_enrolled", "officer/guest", lease)))
    assert counting(site, site.confirm("4.2.b", CUSTOMS, officer="guest")) is Counting.PENDING


def test_the_newest_licence_of_a_node_is_the_one_in_force() -> None:
    site = Site()
    given = site.confirm("4.2.b", CUSTOMS)
    site.license("gate-2", places=[Place.BARRIER_1])
    assert counting(site, given) is Counting.REFUSED


def test_no_result_depends_on_the_order_in_which_enrolments_arrive() -> None:
    site = Site()
    site.revoke("customs-1", MORNING + timedelta(days=3))
    site.enrol(CUSTOMS, start=MORNING + timedelta(days=5))
    site.revoke("customs-1", MORNING + timedelta(days=6))
    site.license("gate-2", places=[Place.BARRIER_1])
    expected = site.authority()
    order = random.Random(7)
    for _ in range(30):
        facts = [*site.enrolments, *site.enrolments]
        order.shuffle(facts)
        assert Authority.of(SITE, facts) == expected


def test_facts_of_the_wrong_form_and_unknown_kinds_enrol_nobody() -> None:
    site = Site()
    expected = site.authority()
    for draft in (
        Draft("node_enrolled", "node/x", {"node": "x"}),
        Draft("node_enrolled", "node/gate-2", {}, v=9),
        note(kind="teleported"),
        Draft(
            "officer_revoked",
            "officer/customs-1",
            {"officer": "customs-1", "revoked_at": "2026-11-23T01:00:00"},
        ),
    ):
        site.enrolments.append(site.tell(f"centre-{SITE}", draft))
    assert site.authority() == expected


def test_a_fact_is_the_centres_when_it_stands_in_the_sites_own_centre_journal() -> None:
    site = Site()
    assert from_centre(SITE, site.declared)
    assert not from_centre("TT", site.declared)
    assert not from_centre(SITE, site.confirm("4.2.b", CUSTOMS))


def test_declarations_and_enrolments_are_the_centres_alone() -> None:
    site = Site()
    assert centre_only(site.declared)
    assert all(centre_only(one) for one in site.enrolments)
    assert not centre_only(site.confirm("4.2.b", CUSTOMS))


def revoke_node(site: Site, **trusted: int) -> Fact:
    """The centre revokes gate-2; journals are named by their number, as `j1`."""
    named = {f"gate-2.{name[1:]}": seq for name, seq in trusted.items()}
    body = NodeRevoked(node="gate-2", trusted=named)
    site.enrolments.append(site.tell(f"centre-{SITE}", Draft("node_revoked", "node/gate-2", dump(body))))
    return site.enrolments[-1]


def enrol_node(site: Site, journal: str | None) -> None:
    """The centre licenses gate-2 anew, for one journal."""
    body = NodeEnrolled(
        node="gate-2",
        site=SITE,
        public_key="k",
        places=[Place.BARRIER_2],
        agencies=[CUSTOMS, BORDER_GUARD],
        journal=journal,
    )
    site.enrolments.append(site.tell(f"centre-{SITE}", Draft("node_enrolled", "node/gate-2", dump(body))))


def in_journal(fact: Fact, journal: str) -> Fact:
    """The same fact as if it stood in another journal; counting looks at no hash."""
    return replace(fact, journal=journal)


def test_of_a_revoked_node_what_lies_within_the_trusted_numbers_counts_and_nothing_beyond() -> None:
    site = Site()
    within, beyond = (site.confirm("4.2.b", CUSTOMS) for _ in range(2))

    revoke_node(site, j1=within.seq)

    assert counting(site, within) is Counting.COUNTS
    assert counting(site, beyond) is Counting.REFUSED


def test_a_journal_that_a_revocation_does_not_name_does_not_count() -> None:
    site = Site()
    given = site.confirm("4.2.b", CUSTOMS)

    revoke_node(site, j7=5)

    assert counting(site, given) is Counting.REFUSED
    assert counting(site, in_journal(given, "gate-2.7")) is Counting.COUNTS


def test_a_revoked_node_speaks_for_nothing_now_until_it_is_enrolled_again() -> None:
    site = Site()
    revoke_node(site, j1=9)
    before = site.authority().node_speaks("gate-2", Place.BARRIER_2, CUSTOMS)

    enrol_node(site, "gate-2.2")

    assert before is Counting.REFUSED
    assert site.authority().node_speaks("gate-2", Place.BARRIER_2, CUSTOMS) is Counting.COUNTS


def test_after_a_revocation_only_the_journal_that_a_new_enrolment_names_counts_again() -> None:
    site = Site()
    given = site.confirm("4.2.b", CUSTOMS)
    revoke_node(site, j1=0)
    enrol_node(site, "gate-2.2")

    counted = {name: counting(site, in_journal(given, f"gate-2.{name}")) for name in (1, 2, 3)}

    assert counted == {1: Counting.REFUSED, 2: Counting.COUNTS, 3: Counting.REFUSED}


def test_an_enrolment_that_names_no_journal_wins_nothing_back() -> None:
    site = Site()
    given = site.confirm("4.2.b", CUSTOMS)
    revoke_node(site, j1=0)
    enrol_node(site, None)
    assert counting(site, given) is Counting.REFUSED


def test_an_enrolment_cannot_lift_the_limit_of_a_journal_that_a_revocation_named() -> None:
    site = Site()
    within, beyond = (site.confirm("4.2.b", CUSTOMS) for _ in range(2))
    revoke_node(site, j1=within.seq)
    enrol_node(site, "gate-2.1")
    assert [counting(site, one) for one in (within, beyond)] == [Counting.COUNTS, Counting.REFUSED]


def test_a_second_revocation_only_takes_away() -> None:
    site = Site()
    given = [site.confirm("4.2.b", CUSTOMS) for _ in range(3)]
    revoke_node(site, j1=2)
    enrol_node(site, "gate-2.2")
    revoke_node(site, j1=3, j2=1, j3=9)

    assert [counting(site, one) for one in given] == [Counting.COUNTS, Counting.COUNTS, Counting.REFUSED]
    assert counting(site, in_journal(given[0], "gate-2.2")) is Counting.COUNTS
    assert counting(site, in_journal(given[1], "gate-2.2")) is Counting.REFUSED
    assert counting(site, in_journal(given[0], "gate-2.3")) is Counting.REFUSED


def test_revocations_and_enrolments_of_a_node_fold_the_same_in_any_order() -> None:
    site = Site()
    revoke_node(site, j1=4)
    enrol_node(site, "gate-2.2")
    revoke_node(site, j1=4, j2=3)
    enrol_node(site, "gate-2.3")
    expected = site.authority()
    order = random.Random(11)
    for _ in range(30):
        facts = [*site.enrolments, *site.enrolments]
        order.shuffle(facts)
        assert Authority.of(SITE, facts) == expected
