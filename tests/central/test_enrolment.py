"""Enrolments over HTTP: facts of the centre's journals, by the administrator only."""

from datetime import timedelta
from typing import Any

import pytest

from central.centre import Centre
from shared.authority import Counting
from shared.codes import Agency, Place
from shared.signing import PrivateKey

NODE: dict[str, Any] = {
    "node": "gate-1",
    "site": "CKHN",
    "public_key": PrivateKey.generate().public.text,
    "places": ["barrier-1"],
    "agencies": ["border_guard"],
}
OFFICER = {"officer": "bp-1", "agency": "border_guard", "site": "CKHN", "name": "Lê Thị C"}


def test_a_licensed_node_speaks_for_its_places_and_agencies(administer: Any, centre: Centre) -> None:
    administer("POST", "/api/nodes", json=NODE)

    authority = centre.journals.authority("CKHN")

    assert authority.node_speaks("gate-1", Place.BARRIER_1, Agency.BORDER_GUARD) is Counting.COUNTS
    assert authority.node_speaks("gate-1", Place.BARRIER_2, Agency.BORDER_GUARD) is Counting.REFUSED


def test_the_licence_that_stands_is_written_once(administer: Any, centre: Centre) -> None:
    answers = [administer("POST", "/api/nodes", json=NODE) for _ in range(2)]

    assert [one.status_code for one in answers] == [201, 200]
    assert centre.store.count() == {"centre-CKHN.1": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"node": "centre-CKHN"},
        {"node": "gate.1"},
        {"public_key": "short"},
        {"places": []},
        {"agencies": ["police"]},
    ],
)
def test_a_node_that_could_not_be_told_from_another_is_refused(
    administer: Any, centre: Centre, wrong: Any
) -> None:
    assert administer("POST", "/api/nodes", json=NODE | wrong).status_code == 422
    assert centre.store.count() == {}


def test_an_office_is_a_lease_of_35_days_and_the_name_stands_apart(
    administer: Any, centre: Centre, clocks: Any
) -> None:
    ref = administer("POST", "/api/officers", json=OFFICER).json()["facts"][0]

    authority = centre.journals.authority("CKHN")
    holds = [
        authority.officer_holds("bp-1", Agency.BORDER_GUARD, clocks.wall + timedelta(days=days))
        for days in (0, 34, 35)
    ]

    assert holds == [Counting.COUNTS, Counting.COUNTS, Counting.REFUSED]
    assert centre.store.private(ref) == {"/name": "Lê Thị C"}
    assert "Lê Thị C" not in administer("GET", "/api/facts").text


def test_a_revocation_ends_the_offices_at_every_site_and_a_new_lease_begins_anew(
    administer: Any, centre: Centre, clocks: Any
) -> None:
    for site in ("CKHN", "TT"):
        administer("POST", "/api/officers", json=OFFICER | {"site": site})
    clocks.pass_s(60)
    revoked = administer("POST", "/api/officers/bp-1/revoke", json={"reason": "chuyển công tác"}).json()[
        "facts"
    ]

    def holds(site: str) -> Counting:
        return centre.journals.authority(site).officer_holds("bp-1", Agency.BORDER_GUARD, clocks.wall)

    assert revoked == ["centre-CKHN.1/2", "centre-TT.1/2"]
    assert (holds("CKHN"), holds("TT")) == (Counting.REFUSED, Counting.REFUSED)
    clocks.pass_s(60)
    administer("POST", "/api/officers", json=OFFICER)
    assert (holds("CKHN"), holds("TT")) == (Counting.COUNTS, Counting.REFUSED)


def test_revoking_somebody_who_was_never_enrolled_is_not_found(administer: Any) -> None:
    assert administer("POST", "/api/officers/nobody/revoke").status_code == 404


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("/api/nodes", NODE),
        ("/api/nodes/gate-1/revoke", {}),
        ("/api/officers", OFFICER),
        ("/api/officers/bp-1/revoke", {}),
    ],
)
def test_a_declarant_cannot_enrol(ask: Any, centre: Centre, url: str, asked: Any) -> None:
    assert ask("POST", url, json=asked).status_code == 401
    assert centre.store.count() == {}
