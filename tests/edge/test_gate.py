"""The gate PC put together: signing in offline, the line to the centre, the desk, readiness, and what it tells of itself."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.gate import Gate
from edge.lane.view import Officer, PressRefused, TickState
from edge.screen.ports import DeskLine
from edge.telemetry import status, will
from shared import protocol
from shared.clock import utc_now
from shared.codes import Agency
from shared.facts import Fact
from shared.node.errors import StoreUnusable
from shared.words import Language
from tests.builders import BARRIER_2_IN, BORDER_GUARD, CUSTOMS, HEALTH, NO, PLATE, SITE, VEHICLE, Site
from tests.edge.gate_folder import PIN, configuration, hears
from tests.edge.world import Clock, ToldReader
from tests.loop import in_loop
from tests.naming import renamed_text

CUSTOMS_OFFICER = Officer("customs-1", CUSTOMS, "yard-desk")


def gate_in(folder: Path, names: str | None = None, **how: Any) -> Gate:
    clock = Clock()
    if names is not None:
        (folder / "agencies.toml").write_text(names, encoding="utf-8")
        how = {**how, "names": "agencies.toml"}
    return Gate(configuration(folder, **how), ToldReader(clock), clock)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = gate_in(tmp_path)
    yield made
    made.store.close()


def enrolled_today(agency: Agency = CUSTOMS) -> Site:
    site = Site()
    site.enrol(agency, start=utc_now() - timedelta(days=1))
    return site


# -- signing in


def test_an_officer_signs_in_with_her_pin_offline(gate: Gate) -> None:
    hears(gate.store, enrolled_today())
    assert gate.sign_in("customs-1", PIN) == Officer("customs-1", CUSTOMS, "gate-2")


def test_a_wrong_pin_and_an_unknown_code_sign_nobody_in(gate: Gate) -> None:
    assert (gate.sign_in("customs-1", "000000"), gate.sign_in("customs-9", PIN)) == (None, None)


def test_before_any_enrolment_arrived_the_pin_alone_lets_her_look(gate: Gate) -> None:
    assert gate.sign_in("customs-1", PIN) is not None


def test_an_officer_whose_lease_ended_or_was_revoked_is_not_let_in(gate: Gate) -> None:
    site = enrolled_today()
    hears(gate.store, site)
    assert gate.sign_in("customs-1", PIN) is not None
    site.revoke("customs-1", utc_now() - timedelta(seconds=1))
    hears(gate.store, site)
    assert gate.sign_in("customs-1", PIN) is None


def test_an_agency_that_this_screen_does_not_serve_is_not_let_in(tmp_path: Path) -> None:
    gate = gate_in(tmp_path, agencies=("border_guard",))
    assert gate.sign_in("customs-1", PIN) is None
    gate.store.close()


# -- the line and readiness


def test_without_a_line_everything_is_unsent_and_the_knowledge_is_stale(gate: Gate) -> None:
    gate.write([gate.working[0].facts.arrived()])
    link = gate.link()
    assert (link.connected, link.unsent, link.stale, link.centre_age_s) == (False, 1, True, None)


@in_loop
async def test_a_gate_is_not_ready_while_a_camera_gives_no_picture_and_says_which(gate: Gate) -> None:
    assert gate.ready() == ["lane-1: front: no picture yet"]


@in_loop
async def test_a_broken_store_is_shown_and_the_gate_is_not_ready(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list[object]:
        raise StoreUnusable("cannot append to facts.db: disk I/O error; use key and paper")

    monkeypatch.setattr(gate.store, "append", broken)
    lane = gate.working[0]
    with pytest.raises(StoreUnusable):
        lane.write([lane.facts.arrived()])
    assert gate.link().store_error is not None
    assert "use key and paper" in gate.ready()[0]


def test_new_facts_wake_the_screens(gate: Gate) -> None:
    before = gate.changes.number
    hears(gate.store, Site())
    assert gate.changes.number > before


def test_a_picture_that_is_not_held_has_no_file(gate: Gate) -> None:
    assert gate.picture("0" * 64) is None


# -- what it tells of itself


@in_loop
async def test_the_status_says_how_lanes_cameras_boom_and_disk_do(gate: Gate, tmp_path: Path) -> None:
    told = protocol.decode(protocol.encode(status(gate, tmp_path)), protocol.Status)
    lane = told.lanes[0]
    assert (told.node, told.site, told.online, told.unsent) == ("gate-2", SITE, True, 0)
    assert (lane.name, lane.place, lane.state, lane.barrier) == ("lane-1", "barrier-2", "empty", "unknown")
    assert [(c.name, c.state) for c in lane.cameras] == [("front", "connecting")]
    assert told.disk_free_mb is not None
    assert told.disk_free_mb > 0


def test_the_last_will_is_a_status_of_the_same_node_that_is_not_there() -> None:
    topic, payload = will(SITE, "gate-2")
    assert topic == protocol.status_topic(SITE, "gate-2")
    assert protocol.decode(payload, protocol.Status) == protocol.Status(
        node="gate-2", site=SITE, online=False
    )


def test_agencies_are_called_as_the_gates_own_file_says(tmp_path: Path) -> None:
    gate = gate_in(
        tmp_path, names=renamed_text(CUSTOMS, "2024-03-01", "Hải quan Hữu Nghị", f'site = "{SITE}"')
    )
    assert gate.called()(Language.VI, CUSTOMS) == "Hải quan Hữu Nghị"
    assert gate.notes() == []
    gate.store.close()


def test_a_file_of_names_that_cannot_be_used_stops_no_gate_and_is_noted(tmp_path: Path) -> None:
    gate = gate_in(tmp_path, names="[[name]")
    assert gate.called()(Language.VI, CUSTOMS) == "Hải quan"
    assert [note.startswith(f"{tmp_path / 'agencies.toml'}:1: TOML: ") for note in gate.notes()] == [True]
    gate.store.close()


# -- the desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Gate, Site]]:
    """A gate whose screen is a desk in the yard, and a truck inside."""
    gate = gate_in(tmp_path, node="yard-desk")
    site = enrolled_today()
    site.drive_through(BARRIER_2_IN)
    hears(gate.store, site, "yard-desk")
    yield gate, site
    gate.store.close()


async def confirms(gate: Gate, line: DeskLine, officer: Officer = CUSTOMS_OFFICER) -> Fact:
    await gate.confirm_at_desk(officer, line.press, dict.fromkeys(line.owed, "said"))
    return [fact for _, fact in gate.store.since(0) if fact.kind == "confirmed"][-1]


def test_the_desk_lists_who_is_inside_and_awaits_the_agency(desk: tuple[Gate, Site]) -> None:
    gate, _ = desk
    (line,) = gate.desk(CUSTOMS)
    told = (line.press.declaration, line.press.vehicle, line.plate, line.press.clause)
    assert told == (NO, VEHICLE, PLATE, "4.2.d")
    assert line.owed == ("customs_kind", "goods_group")
    assert gate.desk(HEALTH) == ()


def test_a_vehicle_that_has_not_come_yet_is_on_no_list(gate: Gate) -> None:
    hears(gate.store, Site())
    assert gate.desk(CUSTOMS) == ()


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
        await gate.confirm_at_desk(CUSTOMS_OFFICER, gate.desk(CUSTOMS)[0].press, said)


@in_loop
async def test_at_the_desk_too_only_an_enrolled_officer_of_the_agency_confirms(
    desk: tuple[Gate, Site],
) -> None:
    gate, _ = desk
    for officer in (replace(CUSTOMS_OFFICER, code="stranger"), replace(CUSTOMS_OFFICER, agency=BORDER_GUARD)):
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
