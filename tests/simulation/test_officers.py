"""The officers' eyes: what they see of the real pages, as the gate draws them."""

import asyncio

import httpx
import pytest

from edge.desk_values import taken
from edge.lane import rules
from edge.screen.app import create_app
from edge.screen.desk_specimens import DESK
from edge.screen.specimens import BG, OFFICERS, PIN, SITUATIONS, SpecimenGate
from shared.codes import Agency
from simulation.officers import CASH, CONFIRM, Page, desk_presses


def seen(situation: str, path: str = "/lane/lan-1/panel", officer: str = "bp-1") -> Page:
    """A page of the specimen gate through the eyes of an officer."""

    async def look() -> Page:
        transport = httpx.ASGITransport(create_app(SpecimenGate(SITUATIONS[situation])))
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            await client.post("/login", data={"code": officer, "pin": PIN})
            return Page((await client.get(path)).text)

    return asyncio.run(look())


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_panel_tells_the_state_the_passage_and_the_primary_button(situation: str) -> None:
    view, page = SITUATIONS[situation], seen(situation)
    assert (page.state, page.passage) == (view.state.value, view.passage or "")
    primary = rules.buttons(view, BG).primary
    shown = {form.primary for form in page.forms if form.primary is not None}
    assert shown == ({primary.value} if primary else set())


@pytest.mark.parametrize("situation", ["clear", "near", "undeclared", "first_of_four"])
def test_every_form_with_buttons_goes_to_the_lane_and_carries_the_token(situation: str) -> None:
    view = SITUATIONS[situation]
    forms = [form for form in seen(situation).forms if form.presses]
    assert forms
    assert {form.action for form in forms} == {"/lane/lan-1/press"}
    assert {form.hidden["token"] for form in forms} == {view.token}


def test_all_buttons_on_the_panel_are_those_that_are_offered() -> None:
    offered = rules.buttons(SITUATIONS["clear"], BG)
    presses = {press for form in seen("clear").forms for press in form.presses}
    assert presses == {press.value for press in (offered.primary, *offered.others) if press is not None}


def test_candidates_of_a_doubtful_read_are_forms_of_their_own() -> None:
    view = SITUATIONS["near"]
    choices = [form.hidden for form in seen("near").forms if form.hidden.get("press") == "choose_vehicle"]
    assert [(c["declaration"], c["vehicle"]) for c in choices] == [
        (c.declaration, c.vehicle) for c in view.candidates
    ]


DESKS = {agency: code for code, agency in OFFICERS.items() if agency in DESK}


@pytest.mark.parametrize("agency", DESKS)
def test_at_every_desk_each_vehicle_has_one_press_and_carries_what_it_is_about(agency: Agency) -> None:
    presses = desk_presses(seen("clear", "/desk", DESKS[agency]))
    assert len(presses) == len(DESK[agency])
    assert all({"declaration", "vehicle", "clause", "token"} <= form.hidden.keys() for form in presses)


@pytest.mark.parametrize("agency", [agency for agency in DESKS if agency is not Agency.TAX])
def test_what_officers_say_is_taken_by_the_gate(agency: Agency) -> None:
    presses = desk_presses(seen("clear", "/desk", DESKS[agency]))
    for line, form in zip(DESK[agency], presses, strict=True):
        said = {name.removeprefix("value_"): value for name, value in form.filled().items()}
        assert taken(line.owed, said).keys() == {one.code for one in line.owed}


def test_a_collector_takes_what_is_still_due_in_cash_and_confirms_the_rest() -> None:
    presses = desk_presses(seen("clear", "/desk", DESKS[Agency.TAX]))
    assert [(form.action, form.filled().get("amount")) for form in presses] == [
        (CASH, "800.000"),
        (CONFIRM, None),
        (CONFIRM, None),
        (CASH, "500.000"),
    ]
    assert presses[1].filled()["value_amount_vnd"] == "800.000"


def test_a_page_without_a_lane_has_no_state() -> None:
    page = Page("<p>Không có gì</p><button name='press' value='open'>no form around it</button>")
    assert (page.forms, page.state, page.passage) == ([], "", "")
