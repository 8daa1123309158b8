"""Nodes over HTTP: enrolled again under a new key, revoked, and let go on in a journal of their own."""

from typing import Any

import pytest

from central.centre import Centre
from shared.authority import Counting
from shared.codes import Agency, Place
from shared.journal import SignedHead
from shared.signing import PrivateKey
from shared.trust import Trust
from tests.builders import Journal, key, note

OLD, NEW = PrivateKey.generate().public, PrivateKey.generate().public
NODE: dict[str, Any] = {
    "node": "gate-1",
    "site": "CKHN",
    "public_key": OLD.text,
    "places": ["barrier-1"],
    "agencies": ["border_guard"],
}


@pytest.fixture
def gate_1(administer: Any, centre: Centre) -> Journal:
    """Enrolled; three facts of it are held."""
    administer("POST", "/api/nodes", json=NODE)
    journal = Journal("gate-1.1")
    for number in range(3):
        journal.write(note(str(number)))
    centre.store.absorb(journal.sealed, SignedHead.sign(journal.head, key("gate-1.1")))
    return journal


def written(centre: Centre, ref: str) -> dict[str, Any]:
    fact = centre.store.get(ref)
    assert fact is not None
    return dict(fact.body)


def trust(centre: Centre) -> Trust:
    """What a gate trusts that holds all of the centre's facts."""
    learnt = Trust("CKHN", centre.journals.key.public)
    learnt.learn(fact for _, fact in centre.store.since(0))
    return learnt


def test_a_node_enrolled_with_a_new_key_keeps_its_journals_and_both_keys_are_good(
    administer: Any, centre: Centre, gate_1: Journal
) -> None:
    answer = administer("POST", "/api/nodes", json=NODE | {"public_key": NEW.text})

    assert answer.status_code == 201
    assert trust(centre).keys(gate_1.name, 1) == (OLD, NEW)
    assert centre.journals.authority("CKHN").counted == {}


def test_a_revocation_trusts_what_the_centre_holds(
    administer: Any, ask: Any, centre: Centre, gate_1: Journal
) -> None:
    (ref,) = administer("POST", "/api/nodes/gate-1/revoke", json={"reason": "mất máy"}).json()["facts"]

    assert written(centre, ref) == {"node": "gate-1", "trusted": {gate_1.name: 3}, "reason": "mất máy"}
    assert ask("GET", "/api/gates").json()[0]["revoked"] is True
    assert "Khóa của máy đã bị thu hồi" in ask("GET", "/board").text


def test_a_revocation_trusts_what_it_is_told(administer: Any, centre: Centre, gate_1: Journal) -> None:
    asked = {"trusted": {gate_1.name: 1}}
    (ref,) = administer("POST", "/api/nodes/gate-1/revoke", json=asked).json()["facts"]

    assert written(centre, ref)["trusted"] == {gate_1.name: 1}


def test_of_a_forked_journal_only_what_the_branches_have_in_common_is_trusted(
    administer: Any, centre: Centre, gate_1: Journal
) -> None:
    other = Journal(gate_1.name, gate_1.sealed[:2])
    other.write(note("another"))
    centre.store.absorb(other.sealed, SignedHead.sign(other.head, key(gate_1.name)))

    (ref,) = administer("POST", "/api/nodes/gate-1/revoke").json()["facts"]

    assert written(centre, ref)["trusted"] == {gate_1.name: 2}


@pytest.mark.usefixtures("gate_1")
def test_revoked_again_nothing_is_written(administer: Any) -> None:
    answers = [administer("POST", "/api/nodes/gate-1/revoke").json()["facts"] for _ in range(2)]

    assert [len(one) for one in answers] == [1, 0]


@pytest.mark.usefixtures("gate_1")
def test_a_journal_of_somebody_else_cannot_be_trusted_for_it(administer: Any) -> None:
    answer = administer("POST", "/api/nodes/gate-1/revoke", json={"trusted": {"gate-2.1": 1}})

    assert (answer.status_code, "gate-2.1" in answer.json()["detail"]) == (409, True)


def test_a_node_that_is_not_enrolled_is_not_found(administer: Any) -> None:
    assert administer("POST", "/api/nodes/gate-9/revoke").status_code == 404


@pytest.mark.usefixtures("gate_1")
def test_a_revoked_node_enrolled_with_a_new_key_is_told_its_journal_once(
    administer: Any, centre: Centre
) -> None:
    administer("POST", "/api/nodes/gate-1/revoke")
    asked = NODE | {"public_key": NEW.text}
    first, again = (administer("POST", "/api/nodes", json=asked) for _ in range(2))

    journal = written(centre, first.json()["facts"][0])["journal"]
    authority = centre.journals.authority("CKHN")
    assert (first.status_code, again.status_code, again.json()["facts"]) == (201, 200, [])
    assert trust(centre).told("gate-1", NEW) == journal != "gate-1.1"
    assert trust(centre).keys(journal, 1) == (NEW,)
    assert authority.node_speaks("gate-1", Place.BARRIER_1, Agency.BORDER_GUARD) is Counting.COUNTS


@pytest.mark.usefixtures("gate_1")
def test_a_revoked_key_is_not_enrolled_again(administer: Any) -> None:
    administer("POST", "/api/nodes/gate-1/revoke")

    answer = administer("POST", "/api/nodes", json=NODE)

    assert (answer.status_code, "make a new one" in answer.json()["detail"]) == (409, True)


@pytest.mark.usefixtures("gate_1")
def test_a_node_whose_named_journal_forked_is_told_another(administer: Any, centre: Centre) -> None:
    administer("POST", "/api/nodes/gate-1/revoke")
    asked = NODE | {"public_key": NEW.text}
    administer("POST", "/api/nodes", json=asked)
    administer("POST", "/api/nodes", json=asked | {"journal": "gate-1.777777"})

    assert trust(centre).told("gate-1", NEW) == "gate-1.777777"


@pytest.mark.usefixtures("gate_1")
@pytest.mark.parametrize("journal", ["gate-1.1", "gate-2.7"])
def test_a_journal_that_cannot_count_in_full_is_not_named(administer: Any, journal: str) -> None:
    administer("POST", "/api/nodes/gate-1/revoke")

    answer = administer("POST", "/api/nodes", json=NODE | {"public_key": NEW.text, "journal": journal})

    assert answer.status_code == 409


def test_a_node_that_was_never_revoked_is_told_no_journal(administer: Any) -> None:
    assert administer("POST", "/api/nodes", json=NODE | {"journal": "gate-1.5"}).status_code == 409
