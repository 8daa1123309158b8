"""What yards and the traders' application tell: written once, shown at the gates, binding nobody."""

from dataclasses import replace
from typing import Any

import pytest

from central.access import NotEntitled, Tokens
from central.centre import Centre
from shared.bodies import GpsReported, YardReported, read_body
from shared.facts import Fact

YARD_TOKEN = "yard-token-000001"
SEEN = "2026-11-23T08:15:00+07:00"


@pytest.fixture
def yard(ask: Any, centre: Centre) -> Any:
    """A client with a yard's token."""
    tokens = replace(centre.tokens, yards={"xuan-cuong": YARD_TOKEN})
    ask.centre = replace(centre, tokens=tokens)
    ask.token = YARD_TOKEN
    return ask


def report(plate: str, **more: Any) -> dict[str, Any]:
    return {"plate": plate, "place": "yard-in", "record": "XC-1", "seen_at": SEEN, **more}


def told(centre: Centre, kind: str) -> list[Fact]:
    return [fact for _, fact in centre.store.since(0) if fact.kind == kind]


def declare(ask: Any, declaration: Any, token: str) -> str:
    kept, ask.token = ask.token, token
    no: str = ask("POST", "/api/declarations", json=declaration).json()["no"]
    ask.token = kept
    return no


@pytest.fixture
def no(ask: Any, declaration: Any) -> str:
    """A declaration under way."""
    return declare(ask, declaration, ask.token)


def plate_of(declaration: Any) -> str:
    return str(declaration["vehicles"][0]["plate"])


def test_a_yards_report_finds_the_vehicle_by_its_plate(
    no: str, yard: Any, centre: Centre, declaration: Any
) -> None:
    answer = yard("POST", "/api/yard-reports", json=report(plate_of(declaration)))
    assert answer.status_code == 201
    (fact,) = told(centre, "yard_reported")
    body = read_body(fact)
    assert isinstance(body, YardReported)
    assert (body.declaration, body.place.value, body.record) == (no, "yard-in", "XC-1")
    assert answer.json() == {"facts": [fact.ref]}


@pytest.mark.usefixtures("no")
def test_a_report_sent_again_is_written_once(yard: Any, centre: Centre, declaration: Any) -> None:
    answers = [yard("POST", "/api/yard-reports", json=report(plate_of(declaration))) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 200]
    assert len(told(centre, "yard_reported")) == 1


@pytest.mark.usefixtures("no")
def test_a_record_that_stands_for_another_report_is_a_conflict(yard: Any, declaration: Any) -> None:
    yard("POST", "/api/yard-reports", json=report(plate_of(declaration)))
    other = report(plate_of(declaration), seen_at="2026-11-23T09:00:00+07:00")
    assert yard("POST", "/api/yard-reports", json=other).status_code == 409


@pytest.mark.usefixtures("no")
def test_the_same_record_at_the_other_gate_is_another_report(
    yard: Any, centre: Centre, declaration: Any
) -> None:
    for place in ("yard-in", "yard-out"):
        yard("POST", "/api/yard-reports", json=report(plate_of(declaration), place=place))
    assert len(told(centre, "yard_reported")) == 2


def test_a_plate_that_nobody_declared_is_not_found(yard: Any) -> None:
    assert yard("POST", "/api/yard-reports", json=report("29C99999")).status_code == 404


@pytest.mark.usefixtures("no")
def test_a_plate_of_two_declarations_has_to_be_told_apart(
    yard: Any, centre: Centre, declaration: Any
) -> None:
    other = declare(yard, declaration, next(iter(centre.tokens.declarants.values())))
    assert yard("POST", "/api/yard-reports", json=report(plate_of(declaration))).status_code == 409
    named = report(plate_of(declaration), declaration=other)
    assert yard("POST", "/api/yard-reports", json=named).status_code == 201


def test_only_yards_and_the_administrator_report_for_a_yard() -> None:
    tokens = Tokens("a" * 16, {"trader": "b" * 16}, yards={"xc": "c" * 16})
    tokens.require_yard("c" * 16)
    tokens.require_yard("a" * 16)
    for sent in ("b" * 16, None):
        with pytest.raises(NotEntitled):
            tokens.require_yard(sent)


def test_a_position_switched_off_is_written_where_it_changes(
    no: str, ask: Any, centre: Centre, declaration: Any
) -> None:
    vehicle = declaration["vehicles"][0]["vehicle"]
    told_s = [{"vehicle": vehicle, "on": on, "since": SEEN} for on in (False, False, True)]
    answers = [ask("POST", f"/api/declarations/{no}/gps", json=one) for one in told_s]
    assert [one.status_code for one in answers] == [201, 200, 201]
    bodies = [read_body(fact) for fact in told(centre, "gps_reported")]
    assert [one.on for one in bodies if isinstance(one, GpsReported)] == [False, True]


def test_a_position_of_a_vehicle_that_is_not_declared_is_not_found(no: str, ask: Any) -> None:
    strange = {"vehicle": "v99", "on": False, "since": SEEN}
    assert ask("POST", f"/api/declarations/{no}/gps", json=strange).status_code == 404
