"""Declarations in: taken once, numbered, amended, recalled; personal values apart from the facts."""

import json
from typing import Any

import pytest

from central.centre import Centre
from shared.bodies import read_body
from shared.declared import Declaration
from shared.matter import matter_digest
from shared.procedures import ALL_MATTER
from tests.engines import on_both_engines

pytestmark = on_both_engines

PERSONAL = ("Nguyễn Văn A", "012345678901", "0912345678")
URL = "/api/declarations"


def test_the_first_declaration_of_a_day_bears_its_date_at_the_gates(
    ask: Any, clocks: Any, declaration: Any
) -> None:
    clocks.wall = clocks.wall.replace(
        day=22, hour=17, minute=30
    )  # half past midnight on the 23rd in Việt Nam

    answer = ask("POST", URL, json=declaration)

    assert answer.status_code == 201
    assert answer.json()["no"] == "2026112300001"
    assert answer.headers["Location"] == "/api/declarations/2026112300001"


def test_numbers_of_a_day_run_on_beyond_those_that_clients_gave(ask: Any, declaration: Any) -> None:
    ask("POST", URL, json=declaration | {"no": "2026112300041"})

    given = [ask("POST", URL, json=declaration).json()["no"] for _ in range(2)]

    assert given == ["2026112300042", "2026112300043"]


def test_a_new_day_begins_at_one(ask: Any, clocks: Any, declaration: Any) -> None:
    ask("POST", URL, json=declaration)
    clocks.pass_s(86_400)

    assert ask("POST", URL, json=declaration).json()["no"] == "2026112400001"


def test_all_numbers_given_is_a_problem_not_a_fourteenth_digit(ask: Any, declaration: Any) -> None:
    ask("POST", URL, json=declaration | {"no": "2026112399999"})

    answer = ask("POST", URL, json=declaration)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:barie:problem:numbers-exhausted")


def test_the_same_number_with_the_same_content_is_taken_once(
    ask: Any, centre: Centre, declaration: Any
) -> None:
    numbered = declaration | {"no": "2026112300007"}

    answers = [ask("POST", URL, json=numbered) for _ in range(3)]

    assert [one.status_code for one in answers] == [201, 200, 200]
    assert answers[0].json() == answers[2].json()
    assert centre.store.count() == {"centre-CKHN.1": 1}


def test_the_same_key_gives_the_same_number(ask: Any, centre: Centre, declaration: Any) -> None:
    key = {"Idempotency-Key": "a-1"}

    answers = [ask("POST", URL, json=declaration, headers=key) for _ in range(2)]

    assert [one.status_code for one in answers] == [201, 200]
    assert answers[0].json()["no"] == answers[1].json()["no"]
    assert centre.store.count() == {"centre-CKHN.1": 1}


def test_a_key_whose_number_was_kept_before_a_crash_is_taken_with_that_number(
    ask: Any, centre: Centre, declaration: Any
) -> None:
    centre.store.set_setting("idempotency/logistics/a-1", "2026112300005")

    answer = ask("POST", URL, json=declaration, headers={"Idempotency-Key": "a-1"})

    assert (answer.status_code, answer.json()["no"]) == (201, "2026112300005")


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "a-1"}])
def test_other_content_under_the_same_number_or_key_is_refused(
    ask: Any, declaration: Any, headers: Any
) -> None:
    asked = declaration if headers else declaration | {"no": "2026112300007"}
    ask("POST", URL, json=asked, headers=headers)
    other = json.loads(json.dumps(asked))
    other["vehicles"][0]["driver"]["phone"] = "0987654321"

    answer = ask("POST", URL, json=other, headers=headers)

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert "PUT" in answer.json()["detail"]


def test_a_late_repetition_of_the_first_version_is_not_taken_for_an_amendment(
    ask: Any, declaration: Any
) -> None:
    numbered = declaration | {"no": "2026112300007"}
    ask("POST", URL, json=numbered)
    ask("PUT", f"{URL}/2026112300007", json=numbered | {"goods": []})

    answer = ask("POST", URL, json=numbered)

    assert (answer.status_code, answer.json()["version"]) == (200, 2)


def test_an_amendment_is_the_next_version_and_keeps_the_day_of_declaration(
    ask: Any, clocks: Any, declaration: Any
) -> None:
    first = ask("POST", URL, json=declaration).json()
    clocks.pass_s(7200)

    answer = ask("PUT", f"{URL}/{first['no']}", json=declaration | {"goods": []})

    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert answer.json()["declaration"]["declared_at"] == first["declaration"]["declared_at"]


def test_an_amendment_without_a_change_writes_nothing(ask: Any, centre: Centre, declaration: Any) -> None:
    no = ask("POST", URL, json=declaration).json()["no"]

    answer = ask("PUT", f"{URL}/{no}", json=declaration)

    assert (answer.json()["version"], centre.store.count()) == (1, {"centre-CKHN.1": 1})


def test_what_an_amendment_leaves_as_it_was_need_not_be_confirmed_anew(
    ask: Any, centre: Centre, declaration: Any
) -> None:
    second = {"vehicle": "v2", "plate": "12C11111", "country": "VN", "driver": {"name": "Trần B"}}
    both = declaration | {"vehicles": [second, *declaration["vehicles"]]}
    no = ask("POST", URL, json=both).json()["no"]
    swapped = [declaration["vehicles"][0], second | {"plate": "12C22222"}]

    ask("PUT", f"{URL}/{no}", json=both | {"vehicles": swapped})

    before, after = [read_body(fact) for _, fact in centre.store.since(0)]
    assert isinstance(before, Declaration)
    assert isinstance(after, Declaration)
    assert matter_digest(before, "v1", ALL_MATTER) == matter_digest(after, "v1", ALL_MATTER)
    assert matter_digest(before, "v2", ALL_MATTER) != matter_digest(after, "v2", ALL_MATTER)


def test_an_amendment_cannot_move_a_declaration_to_another_site(ask: Any, declaration: Any) -> None:
    no = ask("POST", URL, json=declaration).json()["no"]

    assert ask("PUT", f"{URL}/{no}", json=declaration | {"site": "TT"}).status_code == 409


def test_a_recall_is_written_once_and_ends_amendments(ask: Any, centre: Centre, declaration: Any) -> None:
    no = ask("POST", URL, json=declaration).json()["no"]

    recalls = [ask("POST", f"{URL}/{no}/recall", json={"reason": "đổi xe"}) for _ in range(2)]

    assert [one.json()["recalled"] for one in recalls] == [True, True]
    assert [fact.kind for _, fact in centre.store.since(0)] == ["declared", "recalled"]
    assert ask("PUT", f"{URL}/{no}", json=declaration).status_code == 409


def test_a_recall_needs_no_body(ask: Any, declaration: Any) -> None:
    no = ask("POST", URL, json=declaration).json()["no"]

    assert ask("POST", f"{URL}/{no}/recall").json()["recalled"] is True


def test_personal_values_stand_beside_the_fact_and_nowhere_in_the_api(
    ask: Any, centre: Centre, declaration: Any
) -> None:
    taken = ask("POST", URL, json=declaration)
    no = taken.json()["no"]

    urls = ("/api/facts", f"{URL}/{no}", f"/api/journeys/{no}", f"/journeys/{no}", "/", "/metrics")
    answers = [taken.text, *(ask("GET", url).text for url in urls)]

    assert not [value for value in PERSONAL for text in answers if value in text]
    assert tuple(centre.store.private(taken.json()["ref"]).values()) == PERSONAL


def test_a_plate_is_kept_without_blanks_dots_and_dashes(ask: Any, declaration: Any) -> None:
    taken = ask("POST", URL, json=declaration).json()

    assert taken["declaration"]["vehicles"][0]["plate"] == "29C12345"


def test_every_site_has_a_journal_of_its_own(ask: Any, centre: Centre, declaration: Any) -> None:
    ask("POST", URL, json=declaration)
    ask("POST", URL, json=declaration | {"site": "TT"})

    assert centre.store.count() == {"centre-CKHN.1": 1, "centre-TT.1": 1}


def test_a_site_that_is_not_ours_is_refused_with_the_ones_that_are(ask: Any, declaration: Any) -> None:
    answer = ask("POST", URL, json=declaration | {"site": "CK"})

    assert answer.status_code == 422
    assert "CKHN, TT" in answer.json()["detail"]


def test_a_wrong_member_is_named_and_its_value_not_repeated(ask: Any, declaration: Any) -> None:
    declaration["vehicles"][0]["driver"]["phone"] = ["0912345678"]

    answer = ask("POST", URL, json=declaration)

    assert answer.status_code == 422
    assert "vehicles.0.driver.phone" in answer.json()["detail"]
    assert "0912345678" not in answer.text


def test_two_vehicles_of_one_code_are_refused(ask: Any, declaration: Any) -> None:
    twice = declaration | {"vehicles": declaration["vehicles"] * 2}

    assert ask("POST", URL, json=twice).status_code == 422


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_number_nobody_declared_is_not_found(ask: Any, declaration: Any, method: str) -> None:
    answer = ask(method, f"{URL}/2026112300099", json=declaration if method == "PUT" else None)

    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


@pytest.mark.parametrize(
    "authorization", ["", "Bearer wrong", "Basic declarant-token-1", "Bearer administrator-token"]
)
def test_only_a_declarant_declares(ask: Any, centre: Centre, declaration: Any, authorization: str) -> None:
    answer = ask("POST", URL, json=declaration, headers={"Authorization": authorization})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert centre.store.count() == {}


@pytest.mark.parametrize(
    "goods",
    [{"name": "Thanh long", "weight_kg": 1e17}, {"name": "Thanh\u0000long"}],
    ids=["too large", "NUL"],
)
def test_what_cannot_stand_in_a_fact_is_the_senders_mistake(
    ask: Any, declaration: Any, goods: dict[str, Any]
) -> None:
    answer = ask("POST", URL, json=declaration | {"goods": [goods]})

    assert answer.status_code == 422
    assert ask("POST", URL, json=declaration).status_code == 201
