"""Presses: what is not offered is refused whatever a browser sends, and what is accepted is on disk before anything moves."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from edge.lane.machine import LaneState
from edge.lane.rules import NEEDS_REASON, allowed
from edge.lane.view import Press, PressRefused
from shared.codes import Agency
from tests.builders import BORDER_GUARD, CUSTOMS, MORNING, NO, PLATE, VEHICLE
from tests.edge.world import World
from tests.loop import in_loop

SITUATIONS = {
    "nobody is there": None,
    "waits for two agencies": PLATE,
    "nobody declared it": "29C99999",
    "similar to a declared one": PLATE[:-1] + "S",
    "no procedure": PLATE,
    "may be opened": PLATE,
    "refused by an officer": PLATE,
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


async def brought_about(situation: str, folder: Path) -> World:
    world = World(folder, procedures_held=situation != "no procedure")
    plate = SITUATIONS[situation]
    if plate is not None:
        await world.vehicle_arrives(plate)
    if situation == "may be opened":
        await world.press(Press.CONFIRM, CUSTOMS)
        world.barrier.stuck = True
        await world.press(Press.CONFIRM_AND_OPEN)
        await world.until(LaneState.FAULT)
    if situation == "refused by an officer":
        await world.press(Press.REFUSE, reason="mismatch")
    return world


@pytest.mark.parametrize("situation", SITUATIONS)
@in_loop
async def test_what_is_not_offered_is_refused_writes_nothing_and_moves_nothing(
    situation: str, tmp_path: Path
) -> None:
    world = await brought_about(situation, tmp_path)
    before, asked = world.kinds(), world.barrier.asked
    values = {"reason": "vì", "text": PLATE, "declaration": NO, "vehicle": VEHICLE}
    not_offered = [
        (what, agency) for what, agency in product(Press, Agency) if not allowed(world.view(), agency, what)
    ]
    assert len(not_offered) > 40
    for what, agency in not_offered:
        with pytest.raises(PressRefused, match="not_offered"):
            await world.press(what, agency, **values)
    assert (world.kinds(), world.barrier.asked) == (before, asked)
    world.store.close()


@in_loop
async def test_a_press_on_an_older_picture_is_refused_as_stale(world: World) -> None:
    await world.vehicle_arrives()
    old = world.view().token
    await world.press(Press.CONFIRM, CUSTOMS)
    for what in (Press.CONFIRM_AND_OPEN, Press.REFUSE, Press.LOOK_AGAIN):
        with pytest.raises(PressRefused, match="stale"):
            await world.press(what, token=old, reason="mismatch")
    assert world.kinds() == ["arrived", "plate_read", "confirmed"]


@in_loop
async def test_a_button_pressed_twice_confirms_once(world: World) -> None:
    await world.vehicle_arrives()
    token = world.view().token
    await world.press(Press.CONFIRM, CUSTOMS, token=token)
    with pytest.raises(PressRefused, match="stale"):
        await world.press(Press.CONFIRM, CUSTOMS, token=token)
    assert len(world.facts("confirmed")) == 1


@in_loop
async def test_a_button_pressed_twice_opens_once(world: World) -> None:
    await world.vehicle_arrives()
    await world.press(Press.CONFIRM, CUSTOMS)
    token = world.view().token
    await world.press(Press.CONFIRM_AND_OPEN, token=token)
    with pytest.raises(PressRefused, match="stale"):
        await world.press(Press.CONFIRM_AND_OPEN, token=token)
    assert (len(world.facts("open_requested")), world.barrier.asked) == (1, 1)


@in_loop
async def test_confirming_and_opening_is_one_transaction(world: World) -> None:
    await world.vehicle_arrives()
    await world.press(Press.CONFIRM, CUSTOMS)
    written: list[list[str]] = []
    world.store.listen(lambda facts: written.append([fact.kind for fact in facts]))
    await world.press(Press.CONFIRM_AND_OPEN)
    assert written[0] == ["confirmed", "open_requested"]


@in_loop
async def test_the_facts_are_on_disk_before_the_board_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.vehicle_arrives()
    await world.press(Press.CONFIRM, CUSTOMS)
    on_disk: list[list[str]] = []

    async def told() -> None:
        on_disk.append(world.kinds())

    monkeypatch.setattr(world.barrier, "open", told)
    await world.press(Press.CONFIRM_AND_OPEN)
    assert on_disk[0][-2:] == ["confirmed", "open_requested"]


@in_loop
async def test_an_officer_who_is_not_enrolled_confirms_nothing(world: World) -> None:
    await world.vehicle_arrives()
    for officer in ("stranger", "border_guard-1"):
        with pytest.raises(PressRefused, match="not_enrolled"):
            await world.press(Press.CONFIRM, CUSTOMS, officer=officer)
    assert world.facts("confirmed") == []


@in_loop
async def test_an_officer_whose_offices_ended_confirms_nothing(world: World) -> None:
    await world.vehicle_arrives()
    world.site.revoke("customs-1", MORNING + timedelta(minutes=30))
    world.learn()
    with pytest.raises(PressRefused, match="not_enrolled"):
        await world.press(Press.CONFIRM, CUSTOMS)


@pytest.mark.parametrize("blank", [{}, {"reason": ""}, {"reason": " \n"}])
@in_loop
async def test_a_press_that_needs_a_reason_is_refused_without_one(
    world: World, blank: dict[str, Any]
) -> None:
    await world.vehicle_arrives("29C99999")
    await world.press(Press.EMERGENCY)
    world.barrier.turn_by_key(up=False)
    request = world.view().emergency_open
    for what in NEEDS_REASON & {p for p in Press if allowed(world.view(), BORDER_GUARD, p)}:
        with pytest.raises(PressRefused, match="reason_needed"):
            await world.press(what, **blank)
    assert world.view().emergency_open == request


@pytest.mark.parametrize("what", [Press.REFUSE, Press.OPEN_WITH_REASON])
@in_loop
async def test_refusing_and_opening_against_the_rules_need_a_reason(world: World, what: Press) -> None:
    await world.vehicle_arrives("29C99999")
    with pytest.raises(PressRefused, match="reason_needed"):
        await world.press(what, reason="  ")
    assert world.kinds() == ["arrived", "plate_read"]


@pytest.mark.parametrize("text", ["", "???", "12345", "a" * 400])
@in_loop
async def test_a_correction_that_is_no_plate_is_refused(world: World, text: str) -> None:
    await world.vehicle_arrives(None)
    with pytest.raises(PressRefused, match="bad_plate"):
        await world.press(Press.CORRECT_PLATE, text=text)
    assert world.facts("plate_corrected") == []


@in_loop
async def test_only_a_vehicle_that_was_offered_can_be_chosen(world: World) -> None:
    await world.vehicle_arrives(PLATE[:-1] + "S")
    for declaration, vehicle in ((NO, "v2"), ("2026112300009", VEHICLE), ("", "")):
        with pytest.raises(PressRefused, match="no_such_vehicle"):
            await world.press(Press.CHOOSE_VEHICLE, declaration=declaration, vehicle=vehicle)
    assert world.facts("plate_corrected") == []


@in_loop
async def test_an_emergency_asks_for_no_enrolment_no_token_and_no_reason(world: World) -> None:
    await world.press(Press.EMERGENCY, token="old", officer="stranger")
    assert (world.kinds(), world.barrier.asked) == (["open_requested"], 1)


@in_loop
async def test_a_confirmation_that_saw_the_refusal_lifts_it(world: World) -> None:
    await world.vehicle_arrives()
    await world.press(Press.REFUSE, reason="mismatch")
    refused = world.facts("refused")[0]
    await world.press(Press.CONFIRM, CUSTOMS)
    assert world.facts("confirmed")[0].body["saw"] == [refused.ref]
    view = world.view()
    assert view.decision is not None
    assert (view.refused, view.decision.waits_for) == (False, (BORDER_GUARD,))
