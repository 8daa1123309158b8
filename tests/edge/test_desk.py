"""The desk of a gate: who awaits which agency, and what is taken of what she says."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.gate import Gate
from edge.lane.view import Officer, PressRefused, TickState
from edge.screen.ports import DeskLine
from shared import subjects
from shared.bodies import YardReported, dump
from shared.clock import utc_now
from shared.codes import Agency, Place
from shared.facts import Draft, Fact
from shared.journal import centre_node
from tests.builders import (
    ANIMAL,
    BARRIER_2_IN,
    BORDER_GUARD,
    CUSTOMS,
    HEALTH,
    MORNING,
    NO,
    PLATE,
    SITE,
    VEHICLE,
    Site,
)
from tests.edge.gate_folder import gate_in, hears
from tests.loop import in_loop

SAID = {
    "weight_class": "VT4",
    "customs_kind": "E42",
    "goods_group": "general",
    "result": "passed",
    "amount_vnd": "300000",
}


def came_in(site: Site) -> Site:
    site.drive_through(BARRIER_2_IN)
    return site


def officer_of(agency: Agency, node: str = "yard-desk") -> Officer:
    return Officer(f"{agency}-1", agency, node)


def enrolled_today(*agencies: Agency, **declared: Any) -> Site:
    site = Site(**declared)
    for agency in agencies:
        site.enrol(agency, start=utc_now() - timedelta(days=1))
    return site


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Gate, Site]]:
    """A gate whose screen is a desk in the yard, and a truck inside."""
    gate = gate_in(tmp_path, node="yard-desk")
    site = enrolled_today(CUSTOMS, ANIMAL)
    site.drive_through(BARRIER_2_IN)
    hears(gate.store, site, "yard-desk")
    yield gate, site
    gate.store.close()


async def confirms(gate: Gate, line: DeskLine, officer: Officer | None = None, **said: str) -> Fact:
    await gate.confirm_at_desk(officer or officer_of(CUSTOMS), line.press, {**SAID, **said})
    return [fact for _, fact in gate.store.since(0) if fact.kind == "confirmed"][-1]


def test_the_desk_lists_who_is_inside_and_awaits_the_agency(desk: tuple[Gate, Site]) -> None:
    gate, _ = desk
    (line,) = gate.desk(CUSTOMS)
    told = (line.press.declaration, line.press.vehicle, line.plate, line.press.clause)
    assert told == (NO, VEHICLE, PLATE, "4.2.d")
    assert tuple(one.code for one in line.owed) == ("customs_kind", "goods_group")
    assert gate.desk(HEALTH) == ()


def test_who_came_into_a_yard_without_a_gate_of_ours_is_listed_on_the_yards_own_word(tmp_path: Path) -> None:
    """4.3.c comes before any barrier; what holds at 4.3.g must be confirmed somewhere."""
    gate = gate_in(tmp_path, node="yard-desk")
    site = Site("4.3", yard_location="outside")
    told = YardReported(
        declaration=NO, vehicle=VEHICLE, place=Place.YARD_IN, plate=PLATE, record="r1", seen_at=MORNING
    )
    site.tell(centre_node(SITE), Draft("yard_reported", subjects.vehicle(NO, VEHICLE), dump(told)))
    hears(gate.store, site, "yard-desk")
    assert [line.press.clause for line in gate.desk(CUSTOMS)] == ["4.3.c"]
    gate.store.close()


def test_a_vehicle_that_has_not_come_yet_is_on_no_list(tmp_path: Path) -> None:
    gate = gate_in(tmp_path)
    hears(gate.store, Site())
    assert gate.desk(CUSTOMS) == ()
    gate.store.close()


@in_loop
async def test_a_confirmation_at_the_desk_is_a_fact_and_takes_the_vehicle_off_the_list(
    desk: tuple[Gate, Site],
) -> None:
    gate, site = desk
    fact = await confirms(gate, gate.desk(CUSTOMS)[0])
    assert (fact.body["place"], fact.body["step"], fact.body["by"]) == ("yard", "4.2.d", "customs")
    assert fact.body["declared"] == site.declared.ref
    assert gate.desk(CUSTOMS) == ()
    (line,) = gate.desk(BORDER_GUARD)
    assert {tick.by: tick.state for tick in line.ticks}[CUSTOMS] is TickState.DONE


@in_loop
async def test_a_confirmation_pressed_twice_at_the_desk_is_written_once(desk: tuple[Gate, Site]) -> None:
    gate, _ = desk
    line = gate.desk(CUSTOMS)[0]
    await confirms(gate, line)
    with pytest.raises(PressRefused, match="stale"):
        await confirms(gate, line)


@pytest.mark.parametrize(
    "changed", [{"token": "old"}, {"clause": "4.2.b"}, {"vehicle": "v9"}, {"declaration": "2026112399999"}]
)
@in_loop
async def test_a_press_for_another_line_than_the_one_shown_is_refused(
    desk: tuple[Gate, Site], changed: dict[str, Any]
) -> None:
    gate, _ = desk
    line = gate.desk(CUSTOMS)[0]
    with pytest.raises(PressRefused, match="stale"):
        await confirms(gate, replace(line, press=replace(line.press, **changed)))


@pytest.mark.parametrize("said", [{}, {"customs_kind": "B11"}, {"customs_kind": "B11", "goods_group": " "}])
@in_loop
async def test_a_confirmation_that_does_not_say_what_the_agency_owes_is_refused(
    desk: tuple[Gate, Site], said: dict[str, str]
) -> None:
    gate, _ = desk
    with pytest.raises(PressRefused, match="values_missing"):
        await gate.confirm_at_desk(officer_of(CUSTOMS), gate.desk(CUSTOMS)[0].press, said)


@in_loop
async def test_at_the_desk_too_only_an_enrolled_officer_of_the_agency_confirms(
    desk: tuple[Gate, Site],
) -> None:
    gate, _ = desk
    for officer in (
        replace(officer_of(CUSTOMS), code="stranger"),
        replace(officer_of(CUSTOMS), agency=BORDER_GUARD),
    ):
        with pytest.raises(PressRefused, match="not_enrolled"):
            await confirms(gate, gate.desk(CUSTOMS)[0], officer)


@in_loop
async def test_a_declaration_amended_after_the_list_was_drawn_makes_the_press_stale(
    desk: tuple[Gate, Site],
) -> None:
    gate, site = desk
    line = gate.desk(CUSTOMS)[0]
    site.amend(goods=[{"name": "Sầu riêng"}])
    hears(gate.store, site, "yard-desk")
    with pytest.raises(PressRefused, match="stale"):
        await confirms(gate, line)
    assert len(gate.desk(CUSTOMS)) == 1


def test_a_recalled_declaration_is_on_no_list(desk: tuple[Gate, Site]) -> None:
    gate, site = desk
    site.recall()
    hears(gate.store, site, "yard-desk")
    assert gate.desk(CUSTOMS) == ()


# -- what she says


@in_loop
async def test_what_she_said_is_in_the_fact_and_nothing_that_she_does_not_owe(
    desk: tuple[Gate, Site],
) -> None:
    gate, _ = desk
    fact = await confirms(gate, gate.desk(CUSTOMS)[0], goods_group="ore,general", customs_kind="e42")
    assert fact.body["values"] == {"customs_kind": "E42", "goods_group": "general,ore"}


@in_loop
async def test_a_group_that_the_tariff_in_force_has_not_is_refused(desk: tuple[Gate, Site]) -> None:
    gate, _ = desk
    with pytest.raises(PressRefused, match="no_such_choice"):
        await confirms(gate, gate.desk(CUSTOMS)[0], goods_group="gold")
    assert len(gate.desk(CUSTOMS)) == 1


def test_the_choices_are_those_of_the_gates_own_tariffs(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "config" / "tariffs" / "09-2025.toml"
    (tmp_path / "tariffs").mkdir()
    text = shipped.read_text(encoding="utf-8").replace("VT4", "BON")
    (tmp_path / "tariffs" / "own.toml").write_text(text, encoding="utf-8")
    gate = gate_in(tmp_path, node="yard-desk", fees='tariffs = "tariffs"')
    hears(gate.store, came_in(enrolled_today(BORDER_GUARD)), "yard-desk")
    ((owed,),) = (line.owed for line in gate.desk(BORDER_GUARD))
    assert "BON" in [one.code for one in owed.choices]
    gate.store.close()


# -- a quarantine that fails


@pytest.fixture
def quarantine(tmp_path: Path) -> Iterator[Gate]:
    """A desk in the yard before which stands a vehicle whose goods the animal quarantine is to look at."""
    gate = gate_in(tmp_path, node="yard-desk")
    site = enrolled_today(CUSTOMS, BORDER_GUARD, ANIMAL, quarantine={"animal_quarantine": "required"})
    hears(gate.store, came_in(site), "yard-desk")
    yield gate
    gate.store.close()


async def examined(gate: Gate, result: str) -> None:
    await confirms(gate, gate.desk(ANIMAL)[0], officer_of(ANIMAL), result=result)


@in_loop
async def test_a_failed_result_holds_the_vehicle_back_and_every_desk_shows_it(quarantine: Gate) -> None:
    await examined(quarantine, "failed")
    for agency in (CUSTOMS, BORDER_GUARD, ANIMAL):
        (line,) = quarantine.desk(agency)
        assert line.held_by == (ANIMAL,)


@in_loop
async def test_after_a_failed_result_the_quarantine_may_say_that_it_has_passed(quarantine: Gate) -> None:
    before = quarantine.desk(ANIMAL)[0]
    await examined(quarantine, "failed")
    with pytest.raises(PressRefused, match="stale"):
        await confirms(quarantine, before, officer_of(ANIMAL))
    await examined(quarantine, "passed")
    assert quarantine.desk(ANIMAL) == ()
    assert quarantine.desk(CUSTOMS)[0].held_by == ()


@in_loop
async def test_who_collects_no_fees_takes_no_cash(desk: tuple[Gate, Site]) -> None:
    gate, _ = desk
    with pytest.raises(PressRefused, match="not_offered"):
        await gate.take_cash(officer_of(CUSTOMS), gate.desk(CUSTOMS)[0].press, "300000")
