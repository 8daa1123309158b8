"""A camera, a board or a declaration that is not there: the officer reads what to do, the rest of the gate goes on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.codes import Agency
from simulation.boom import BoomEventKind
from simulation.ports import free_ports
from tests.scenarios.running import RunningSite, gate_at, needs_site, wait_for

pytestmark = needs_site

NO_CAMERA = "Mất camera: nhập biển số bằng tay."
NO_BOARD = "Không liên lạc được barie: mở bằng chìa khóa, ghi phiếu giấy."
NOT_MOVED = "Barie không chuyển động: kiểm tra, bấm mở lại hoặc dùng chìa khóa."
UNREAD = "Không đọc được biển số: đọc lại hoặc nhập bằng tay."
PLACE = "barrier-2"
LATE_S = 3.0
"""How long a belated or repeated pulse is waited for: twice what a frozen board takes to be found again and more."""


@contextmanager
def another_lane_with_a_dead_camera(site: RunningSite) -> Iterator[str]:
    """Gives barrier 2 another lane whose camera is not there, and takes it away again."""
    gate = gate_at(PLACE)
    file = site.site.layout.gate_folder(gate) / "gate.toml"
    whole = file.read_text(encoding="utf-8")
    mark = "[[lane]]"
    lane = whole.split(mark)[1]
    (nobody,) = free_ports(1)
    other = lane.replace('name = "lane-1"', 'name = "lane-3"')
    url = next(line for line in lane.splitlines() if line.startswith("url = "))
    other = other.replace(url, f'url = "rtsp://viewer:secret@127.0.0.1:{nobody}/gone"')
    site.gate_stops(PLACE)
    file.write_text(whole + mark + other, encoding="utf-8")
    try:
        site.gate_starts(PLACE)
        yield "lane-3"
    finally:
        site.gate_stops(PLACE)
        file.write_text(whole, encoding="utf-8")
        site.gate_starts(PLACE, ready="/health/ready")


def lanes_not_ready(site: RunningSite) -> list[str]:
    """The lanes that the gate's causes name; a camera that has only just started is one of them for a moment."""
    return [cause.split(":")[0] for cause in site.health(PLACE).json().get("causes", [])]


def test_a_camera_that_is_not_there_is_said_and_the_other_lane_reads(site: RunningSite) -> None:
    with another_lane_with_a_dead_camera(site) as dead:
        officer = site.screen(PLACE, Agency.BORDER_GUARD)
        officer.sees(NO_CAMERA, lane=dead)
        assert "secret" not in officer.text(f"/lane/{dead}/panel")
        assert NO_CAMERA not in officer.text("/lane/lane-1/panel")
        assert site.health(PLACE, "live").status_code == 200
        wait_for("only the dead camera's lane is not ready", lambda: lanes_not_ready(site) == [dead])
        assert site.health(PLACE).status_code == 503
        with site.truck(PLACE, "29C23568"):
            wait_for("lane 1 reads", lambda: officer.lane()["plate"] == "29C23568", 20, officer.lane)
            officer.sees(UNREAD, lane=dead, within_s=20)  # both lanes share the loop of this test
            typed = officer.press("correct_plate", lane=dead, text="29C23568")
            assert typed.status_code == 200
            assert officer.lane(dead)["plate"] == "29C23568"


def test_a_plate_nobody_declared_is_said_and_opens_nothing(site: RunningSite) -> None:
    officer = site.screen(PLACE, Agency.BORDER_GUARD)
    before = site.pulses(PLACE)
    with site.truck(PLACE, "98D56983"):
        officer.sees("Chưa có bản kê khai", within_s=20)
        officer.is_offered("open_with_reason")
        answer = officer.press("open_with_reason")
        assert (answer.status_code, answer.json()["detail"]) == (409, "Hãy chọn lý do.")
    assert site.pulses(PLACE) == before


def test_a_board_that_does_not_answer_is_said_and_found_again(site: RunningSite) -> None:
    officer = site.screen(PLACE, Agency.BORDER_GUARD)
    with board_frozen(site):
        officer.sees(NO_BOARD)
        assert site.health(PLACE, "live").status_code == 200
        # Between two tries it is "no connection" for a moment.
        wait_for("told why", lambda: "no answer" in site.health(PLACE).text, 10)
        assert "Camera: " not in officer.text("/lane/lane-1/panel")
    wait_for("ready again", lambda: site.health(PLACE).status_code == 200, 15)
    assert NO_BOARD not in officer.text("/lane/lane-1/panel")


@pytest.mark.parametrize("fault", ["frozen", "gone"])
def test_an_opening_that_could_not_be_written_is_said_and_never_repeated(
    site: RunningSite, fault: str
) -> None:
    officer = site.screen(PLACE, Agency.BORDER_GUARD)
    before = site.pulses(PLACE)
    with site.truck(PLACE, "34H85692"):
        officer.is_offered("open_with_reason")
        asked = len(site.facts(PLACE, "open_requested"))
        with board_frozen(site) if fault == "frozen" else board_gone(site):
            officer.sees(NO_BOARD)
            assert officer.press("open_with_reason", reason="order").status_code == 200
            officer.sees("Barie không mở")
            officer.sees(NOT_MOVED)
            assert len(site.facts(PLACE, "open_requested")) == asked + 1
            assert site.facts(PLACE, "boom_seen")[-1]["state"] == "did_not_move"
        wait_for("the board is found again", lambda: NO_BOARD not in officer.text("/lane/lane-1/panel"), 15)
        time.sleep(LATE_S)
        assert site.pulses(PLACE) == before
        assert NOT_MOVED in officer.text("/lane/lane-1/panel")
        assert officer.press("open_with_reason", reason="order").status_code == 200
        wait_for("her second press opens", lambda: site.boom(PLACE).is_open, 10)
        assert site.pulses(PLACE) == before + 1


@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_nothing_moves_at_start(site: RunningSite, end: str) -> None:
    """Even with a vehicle at the line that lacks nothing but the border guard's press; what customs confirmed stands."""
    customs, guard = site.screen(PLACE, Agency.CUSTOMS), site.screen(PLACE, Agency.BORDER_GUARD)
    plate = {"killed": "12C36859", "stopped": "29H98265"}[end]
    site.declare(plate)
    before = len(site.boom(PLACE).kinds())
    with site.truck(PLACE, plate):
        customs.is_offered("confirm")
        assert customs.press("confirm").status_code == 200
        guard.is_offered("confirm_and_open")
        (site.gate_is_killed if end == "killed" else site.gate_stops)(PLACE)
        site.gate_starts(PLACE, ready="/health/ready")
        guard.sign_in().is_offered("confirm_and_open")
        time.sleep(LATE_S)
        assert site.boom(PLACE).kinds()[before:] == [BoomEventKind.VEHICLE_ARRIVED]


@pytest.mark.parametrize("drives", ["after the restart", "while the gate is down"])
def test_a_gate_killed_while_the_boom_is_open_goes_on_with_its_passage(
    site: RunningSite, drives: str
) -> None:
    customs, guard = site.screen(PLACE, Agency.CUSTOMS), site.screen(PLACE, Agency.BORDER_GUARD)
    plate = {"after the restart": "34C86523", "while the gate is down": "98H23956"}[drives]
    no = site.declare(plate)
    arrived, seen = len(site.facts(PLACE, "arrived")), len(site.facts(PLACE, "boom_seen"))
    with site.truck(PLACE, plate):
        customs.is_offered("confirm")
        assert customs.press("confirm").status_code == 200
        guard.is_offered("confirm_and_open")
        assert guard.press("confirm_and_open").status_code == 200
        wait_for("the boom is seen open", lambda: len(site.facts(PLACE, "boom_seen")) > seen)
        pulses = site.pulses(PLACE)
        site.gate_is_killed(PLACE)
        if drives == "after the restart":
            site.gate_starts(PLACE, ready="/health/ready")
            assert guard.sign_in().lane()["state"] == "open"
    if drives == "while the gate is down":
        site.gate_starts(PLACE, ready="/health/ready")
    wait_for("the closed boom is recorded", lambda: site.facts(PLACE, "boom_seen")[-1]["state"] == "closed")
    (passed,) = [one for one in site.facts(PLACE, "passed") if one.get("declaration") == no]
    assert passed["assumed"] is (drives == "while the gate is down")
    assert len(site.facts(PLACE, "arrived")) == arrived + 1
    assert passed["passage"] not in [one["passage"] for one in site.facts(PLACE, "turned_back")]
    assert [one["state"] for one in site.facts(PLACE, "boom_seen")[seen:]] == ["opened", "closed"]
    assert site.pulses(PLACE) == pulses


@contextmanager
def board_frozen(site: RunningSite) -> Iterator[None]:
    """The board takes bytes and answers nothing."""
    site.site.board.freeze()
    try:
        yield
    finally:
        site.site.board.unfreeze()


@contextmanager
def board_gone(site: RunningSite) -> Iterator[None]:
    """The board has no power; it comes back on the same port."""
    port = site.site.board.settings(0).port
    site.do(site.site.board.stop())
    try:
        yield
    finally:
        site.do(site.site.board.start(port))
