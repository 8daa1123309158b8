"""Journeys, facts, gates, health: what the centre shows of what it holds."""

from dataclasses import replace
from typing import Any

import pytest

from central.centre import Centre
from central.gates import GateState
from shared.agency_names import AgencyNames
from shared.codes import Agency
from shared.journal import Head
from shared.node.errors import StoreUnusable
from shared.node.peers import HEARD_RECENTLY_S, Heard
from shared.protocol import Status, Vector, WireHead
from shared.signing import PrivateKey
from tests.central.conftest import Client
from tests.naming import renamed

HASH = "0" * 64
DAY_S = 24 * 3600


@pytest.fixture
def gate(administer: Any) -> str:
    """A licensed gate at barrier 2."""
    asked = {
        "node": "gate-2",
        "site": "CKHN",
        "public_key": PrivateKey.generate().public.text,
        "places": ["barrier-2"],
        "agencies": ["border_guard", "customs"],
    }
    assert administer("POST", "/api/nodes", json=asked).status_code == 201
    return "gate-2"


def vector(node: str, **heads: int) -> Vector:
    named = {
        {"own": f"{node}.1", "centre": "centre-CKHN.1"}[journal]: WireHead(seq=seq, hash=HASH)
        for journal, seq in heads.items()
    }
    return Vector(node=node, site="CKHN", incarnation=1, at="2026-11-23T01:00:00.000Z#0000", heads=named)


def test_a_journey_tells_who_when_and_where_with_what_it_rests_on(
    ask: Any, declaration: Any, gate: str, passage: Any
) -> None:
    declared = ask("POST", "/api/declarations", json=declaration).json()
    arrived = passage(declared["no"], declared["ref"])

    steps = ask("GET", f"/api/journeys/{declared['no']}").json()["steps"]

    assert [one["kind"] for one in steps] == ["declared", "arrived", "plate_read", "confirmed", "passed"]
    confirmed = steps[3]
    assert confirmed["what"] == "Hải quan xác nhận tại Barie số 2"
    assert (confirmed["node"], confirmed["agency"], confirmed["officer"]) == (gate, "customs", "hq-1")
    assert (confirmed["clause"], confirmed["place"], confirmed["vehicle"]) == ("4.2.b", "barrier-2", "v1")
    assert confirmed["refs"] == [arrived, declared["ref"]]


@pytest.mark.usefixtures("gate")
def test_a_journey_calls_an_agency_as_on_the_day_of_each_fact(
    centre: Centre, ask: Any, declaration: Any, passage: Any, clocks: Any
) -> None:
    new = replace(centre, names=renamed(Agency.CUSTOMS, "2026-11-24", "Hải quan mới", 'site = "CKHN"'))
    declared = ask("POST", "/api/declarations", json=declaration).json()
    for _ in range(2):
        passage(declared["no"], declared["ref"])
        clocks.pass_s(DAY_S)
        centre.store.steady.look(confirmed=clocks.wall)

    told = Client(new)("GET", f"/api/journeys/{declared['no']}").json()["steps"]
    page = Client(new)("GET", f"/journeys/{declared['no']}").text

    confirmed = [(one["who"], one["what"]) for one in told if one["kind"] == "confirmed"]
    assert confirmed == [
        ("Hải quan", "Hải quan xác nhận tại Barie số 2"),
        ("Hải quan mới", "Hải quan mới xác nhận tại Barie số 2"),
    ]
    assert [page.count(f"<td>{who}<small>hq-1") for who, _ in confirmed] == [1, 1]


def test_a_file_of_names_that_cannot_be_used_is_noted(centre: Centre) -> None:
    assert centre.notes() == []
    assert replace(centre, names=AgencyNames(fault="agencies.toml:1: file: gone")).notes() == [
        "agencies.toml:1: file: gone"
    ]


@pytest.mark.usefixtures("gate")
def test_a_confirmation_counts_once_its_officers_enrolment_is_there(
    ask: Any, administer: Any, declaration: Any, passage: Any
) -> None:
    declared = ask("POST", "/api/declarations", json=declaration).json()
    enrolled = {"officer": "hq-1", "agency": "customs", "site": "CKHN"}

    def counts() -> str:
        steps = ask("GET", f"/api/journeys/{declared['no']}").json()["steps"]
        return str(next(one["counts"] for one in steps if one["kind"] == "confirmed"))

    passage(declared["no"], declared["ref"])
    before = counts()
    administer("POST", "/api/officers", json=enrolled)

    assert (before, counts()) == ("pending", "counts")


def test_facts_come_in_pages_in_the_order_of_arrival(ask: Any, declaration: Any) -> None:
    for _ in range(3):
        ask("POST", "/api/declarations", json=declaration)

    first = ask("GET", "/api/facts?most=2").json()
    rest = ask("GET", f"/api/facts?after={first['next']}").json()
    end = ask("GET", f"/api/facts?after={rest['next']}").json()

    assert [one["fact"]["seq"] for one in first["facts"] + rest["facts"]] == [1, 2, 3]
    assert end == {"facts": [], "next": rest["next"]}


@pytest.mark.usefixtures("gate")
def test_a_gate_that_was_never_heard_is_shown_as_such(ask: Any) -> None:
    (shown,) = ask("GET", "/api/gates").json()

    assert (shown["state"], shown["heard_s"], shown["behind"], shown["lags"]) == ("never", None, None, None)


def test_a_gate_is_alive_until_it_falls_silent(centre: Centre, clocks: Any, gate: str) -> None:
    centre.gates.take_status(Status(node=gate, site="CKHN", online=True), clocks.monotonic_s)

    alive = centre.view_gates()[0].state
    clocks.pass_s(HEARD_RECENTLY_S + 1)

    assert (alive, centre.view_gates()[0].state) == (GateState.ALIVE, GateState.SILENT)


def test_a_last_will_shows_the_gate_offline_at_once(centre: Centre, clocks: Any, gate: str) -> None:
    centre.gates.watch({gate: Heard(vector(gate), clocks.monotonic_s - 90)})
    centre.gates.take_status(Status(node=gate, site="CKHN", online=False), clocks.monotonic_s)

    (shown,) = centre.view_gates()

    assert shown.state is GateState.OFFLINE
    assert shown.heard_s == 90  # the broker spoke for it just now, not the gate


def test_how_far_each_side_is_behind_is_counted_in_facts(
    ask: Any, centre: Centre, clocks: Any, gate: str, declaration: Any, passage: Any
) -> None:
    declared = ask("POST", "/api/declarations", json=declaration).json()
    passage(declared["no"], declared["ref"])  # four facts of the gate are here
    centre.gates.watch({gate: Heard(vector(gate, own=9, centre=1), clocks.monotonic_s)})

    (shown,) = ask("GET", "/api/gates").json()

    assert (shown["behind"], shown["lags"]) == (5, 1)
    assert centre.store.head("centre-CKHN.1") != Head.empty("centre-CKHN.1")


def test_figures_tell_how_many_facts_are_held_and_how_far_gates_are_behind(
    ask: Any, centre: Centre, clocks: Any, gate: str
) -> None:
    centre.gates.watch({gate: Heard(vector(gate, own=3), clocks.monotonic_s)})

    figures = ask("GET", "/metrics").text

    assert 'barie_facts_held{journal="centre-CKHN.1"} 1.0' in figures
    assert 'barie_gate_behind_facts{node="gate-2",site="CKHN"} 3.0' in figures


def test_the_centre_is_ready_when_its_store_takes_writes(ask: Any) -> None:
    assert ask("GET", "/health/live").status_code == 200
    assert ask("GET", "/health/ready").status_code == 200


def test_a_store_that_cannot_be_written_is_the_cause_of_not_being_ready(
    ask: Any, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: str) -> None:
        raise StoreUnusable("cannot write centre.db: disk full")

    monkeypatch.setattr(centre.store, "set_setting", broken)

    answer = ask("GET", "/health/ready")

    assert answer.status_code == 503
    assert answer.json()["causes"] == ["cannot write centre.db: disk full"]


def test_a_broken_store_answers_a_declaration_with_a_problem(
    ask: Any, centre: Centre, declaration: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise StoreUnusable("cannot append to centre.db: disk full")

    monkeypatch.setattr(centre.store, "append", broken)

    answer = ask("POST", "/api/declarations", json=declaration)

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:barie:problem:store")
