"""The gate PC put together: signing in offline, the line to the centre, the desk, readiness, and what it tells of itself."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edge.gate import Gate
from edge.lane.view import Officer
from edge.telemetry import status, will
from shared import protocol
from shared.clock import utc_now
from shared.codes import Agency
from shared.node.errors import StoreUnusable
from shared.words import Language
from tests.builders import CUSTOMS, SITE, Site
from tests.edge.gate_folder import PIN, gate_in, hears
from tests.loop import in_loop
from tests.naming import renamed_text

CUSTOMS_OFFICER = Officer("customs-1", CUSTOMS, "yard-desk")


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


def named(folder: Path, names: str) -> Gate:
    """A gate with a file of agencies' names of its own."""
    (folder / "agencies.toml").write_text(names, encoding="utf-8")
    return gate_in(folder, names="agencies.toml")


def test_agencies_are_called_as_the_gates_own_file_says(tmp_path: Path) -> None:
    gate = named(tmp_path, renamed_text(CUSTOMS, "2024-03-01", "Hải quan Hữu Nghị", f'site = "{SITE}"'))
    assert gate.called()(Language.VI, CUSTOMS) == "Hải quan Hữu Nghị"
    assert gate.notes() == []
    gate.store.close()


def test_a_file_of_names_that_cannot_be_used_stops_no_gate_and_is_noted(tmp_path: Path) -> None:
    gate = named(tmp_path, "[[name]")
    assert gate.called()(Language.VI, CUSTOMS) == "Hải quan"
    assert [note.startswith(f"{tmp_path / 'agencies.toml'}:1: TOML: ") for note in gate.notes()] == [True]
    gate.store.close()
