"""The officer's path in a real browser: Debian's Chromium, driven by Playwright, against a gate of values."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import uvicorn

from edge.lane.view import LaneView, Press
from edge.screen.app import create_app
from edge.screen.specimens import PIN, SITUATIONS, SpecimenGate

CHROMIUM = shutil.which("chromium")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")


class Served:
    """A gate of values, served on a free port of the loopback by a thread of its own."""

    def __init__(self) -> None:
        self.gate = SpecimenGate(SITUATIONS["clear"])
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        settings = uvicorn.Config(create_app(self.gate), log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(settings)
        self._loop.call_soon(self._started.set)
        await self._server.serve([self._socket])

    def show(self, view: LaneView) -> None:
        """Changes the lane as the gate would: on the loop's own thread."""
        self._loop.call_soon_threadsafe(self.gate.lane.show, view)

    def change(self, **link: object) -> None:
        """Changes what every page tells of the line to the centre."""

        def there() -> None:
            self.gate.link_shown = replace(self.gate.link_shown, **link)  # type: ignore[arg-type]
            self.gate.changes.notify()

        self._loop.call_soon_threadsafe(there)

    def __enter__(self) -> "Served":
        self._thread.start()
        assert self._started.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(8)
        self._socket.close()


@pytest.fixture
def served() -> Iterator[Served]:
    with Served() as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: "playwright.Browser") -> Iterator["playwright.Page"]:
    context = browser.new_context(viewport={"width": 1024, "height": 600}, has_touch=True)
    context.set_default_timeout(4000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


def sign_in(page: "playwright.Page", address: str, officer: str) -> None:
    page.goto(address)
    page.locator("[name=code]").fill(officer)
    page.locator("[name=pin]").focus()
    for digit in PIN:
        page.locator(f".digits [data-key='{digit}']").tap()
    page.locator("button.primary").tap()
    page.wait_for_url("**/lane/lan-1")


def test_an_officer_signs_in_by_keypad_and_confirms_with_one_press(
    served: Served, page: "playwright.Page"
) -> None:
    sign_in(page, served.address, "bp-1")
    button = page.get_by_role("button", name="Xác nhận và mở barie")
    button.dblclick()
    playwright.expect(page.locator("#message")).to_have_text("Đã ghi")
    (pressed,) = served.gate.lane.pressed
    assert (pressed.press, pressed.officer.code, pressed.token) == (Press.CONFIRM_AND_OPEN, "bp-1", "t-clear")


def test_a_change_is_on_the_screen_without_a_reload(served: Served, page: "playwright.Page") -> None:
    sign_in(page, served.address, "hq-1")
    served.show(SITUATIONS["undeclared"])
    playwright.expect(page.locator(".headline")).to_contain_text("Chưa có bản kê khai", timeout=900)


def test_a_picture_is_called_live_only_while_there_is_one(
    served: Served, page: "playwright.Page", monkeypatch: pytest.MonkeyPatch
) -> None:
    jpeg = cv2.imencode(".jpg", np.full((36, 64, 3), 90, np.uint8))[1].tobytes()
    monkeypatch.setattr(served.gate.lane, "live_jpeg", lambda: jpeg)
    sign_in(page, served.address, "bp-1")
    said = page.locator("figure.now figcaption")
    playwright.expect(said).to_be_visible()
    monkeypatch.setattr(served.gate.lane, "live_jpeg", lambda: None)
    playwright.expect(said).to_be_hidden()
    playwright.expect(page.locator("figure.now")).to_contain_text("Chưa có hình")


def test_the_page_does_not_change_under_a_finger(served: Served, page: "playwright.Page") -> None:
    sign_in(page, served.address, "bp-1")
    box = page.locator(".actions .primary").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    with page.expect_response("**/panel"):
        served.show(replace(SITUATIONS["undeclared"], token="t-new"))
    playwright.expect(page.locator(".headline")).to_contain_text("Đến lượt Bộ đội Biên phòng")
    page.mouse.up()
    playwright.expect(page.locator("#message")).to_contain_text("Màn hình vừa thay đổi")
    playwright.expect(page.locator(".headline")).to_contain_text("Chưa có bản kê khai")
    assert served.gate.lane.pressed == []


def test_a_plate_is_corrected_on_the_keypad(served: Served, page: "playwright.Page") -> None:
    served.gate.lane.shown = SITUATIONS["near"]
    sign_in(page, served.address, "hq-1")
    page.get_by_role("button", name="Sửa biển số").tap()
    page.locator("[data-erase]:visible").tap()
    page.locator("#keypad [data-key='5']").tap()
    page.locator("#keypad button.primary").tap()
    playwright.expect(page.locator("#message")).to_have_text("Đã ghi")
    assert served.gate.lane.pressed[0].values == {"text": "29C12345"}


def test_a_refusal_asks_for_its_reason_first(served: Served, page: "playwright.Page") -> None:
    sign_in(page, served.address, "bp-1")
    page.get_by_role("button", name="Không cho qua").tap()
    assert served.gate.lane.pressed == []
    page.get_by_role("button", name="Thiếu giấy tờ").tap()
    playwright.expect(page.locator("#message")).to_have_text("Đã ghi")
    assert served.gate.lane.pressed[0].values == {"reason": "Thiếu giấy tờ"}


def test_an_emergency_is_held_for_a_second_and_a_tap_is_not_enough(
    served: Served, page: "playwright.Page"
) -> None:
    sign_in(page, served.address, "bp-1")
    button = page.locator("button.emergency")
    button.click(delay=200)
    assert served.gate.lane.pressed == []
    button.click(delay=1300)
    playwright.expect(page.locator("#message")).to_have_text("Đã ghi")
    assert [one.press for one in served.gate.lane.pressed] == [Press.EMERGENCY]


SMALL = """() => [...document.querySelectorAll("button, a, summary, input:not(.choice input), label.choice")]
    .filter(one => one.checkVisibility()).map(one => one.getBoundingClientRect())
    .filter(box => Math.min(box.width, box.height) < 55.5).length"""
"""Counts what is too small for a glove; the target of a choice is its label."""


def test_touch_targets_are_large_enough_for_gloves(served: Served, page: "playwright.Page") -> None:
    served.gate.lane.shown = SITUATIONS["ambiguous"]
    sign_in(page, served.address, "bp-1")
    page.get_by_role("button", name="Sửa biển số").tap()
    assert page.evaluate(SMALL) == 0


# -- the desk


def at_desk(page: "playwright.Page", served: Served, officer: str) -> "playwright.Locator":
    """Signs in; gives the cards of the vehicles at the desk."""
    sign_in(page, served.address, officer)
    page.get_by_role("link", name="Bàn xác nhận").tap()
    page.wait_for_url("**/desk")
    return page.locator(".card.desk")


def refreshed(served: Served, page: "playwright.Page") -> None:
    """Something changes at the gate, and the page shows it."""
    served.change(connected=False)
    playwright.expect(page.locator("p.states")).to_contain_text("mất kết nối")


def test_a_weight_class_is_chosen_by_one_press_and_confirmed_by_another(
    served: Served, page: "playwright.Page"
) -> None:
    card = at_desk(page, served, "bp-1").first
    card.get_by_text("Từ 4 đến dưới 10 tấn").tap()
    card.get_by_role("button", name="Xác nhận").tap()
    playwright.expect(page.locator("#message")).to_have_text("Đã ghi")
    assert served.gate.said_at_desk == {"weight_class": "VT4"}


def test_a_half_filled_form_outlives_news_and_so_does_the_cursor(
    served: Served, page: "playwright.Page"
) -> None:
    card = at_desk(page, served, "hq-1").nth(1)
    card.get_by_text("Nông sản").tap()
    card.get_by_text("Rau, quả tươi").tap()
    card.get_by_text("Chỉ sang tải tại bãi").tap()
    kind = card.locator("[name=value_customs_kind]")
    kind.press_sequentially("E4")
    refreshed(served, page)
    playwright.expect(kind).to_be_focused()
    page.keyboard.type("2")
    card.get_by_role("button", name="Xác nhận").tap()
    playwright.expect(page.locator("#message")).to_have_text("Đã ghi")
    assert served.gate.said_at_desk == {
        "customs_kind": "E42", "goods_group": "fresh_produce,farm", "transfer": "only",
    }  # fmt: skip


def test_the_focus_stays_on_a_button_when_the_page_changes(served: Served, page: "playwright.Page") -> None:
    button = at_desk(page, served, "kddv-1").first.get_by_role("button", name="Xác nhận")
    button.focus()
    refreshed(served, page)
    playwright.expect(button).to_be_focused()


def test_what_was_not_touched_follows_the_news(served: Served, page: "playwright.Page") -> None:
    card = at_desk(page, served, "thue-1").last
    card.locator("[name=amount]").fill("100.000")
    card.get_by_role("button", name="Thu tiền mặt").tap()
    playwright.expect(card).to_contain_text("400.000 đ")
    playwright.expect(card.locator("[name=amount]")).to_have_value("400.000")


def test_a_usual_kind_is_filled_in_by_one_press(served: Served, page: "playwright.Page") -> None:
    card = at_desk(page, served, "hq-1").first
    card.get_by_role("button", name="C11").tap()
    playwright.expect(card.locator("[name=value_customs_kind]")).to_have_value("C11")


def test_choices_are_made_by_keyboard_alone(served: Served, page: "playwright.Page") -> None:
    card = at_desk(page, served, "kddv-1").first
    card.locator("[value=passed]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#message")).to_have_text("Đã ghi")
    assert served.gate.said_at_desk == {"result": "passed"}


def test_a_result_that_fails_says_on_its_button_that_it_holds_the_vehicle(
    served: Served, page: "playwright.Page"
) -> None:
    card = at_desk(page, served, "kddv-1").first
    warning = card.get_by_text("xe bị giữ lại tại bãi")
    playwright.expect(warning).to_be_hidden()
    card.get_by_text("Không đạt", exact=True).tap()
    playwright.expect(warning).to_be_visible()
    playwright.expect(card.locator("button.primary")).to_have_text(
        "Ghi không đạt, giữ xe", use_inner_text=True
    )


def test_money_that_does_not_match_asks_for_a_reason_in_words(
    served: Served, page: "playwright.Page"
) -> None:
    card = at_desk(page, served, "thue-1").first
    card.get_by_role("button", name="Xác nhận").tap()
    playwright.expect(page.locator("#message")).to_contain_text("Số tiền chưa khớp")
    card.get_by_text("Số tiền không khớp: chọn lý do").tap()
    card.get_by_text("Tiền đã nộp, hệ thống chưa báo").tap()
    refreshed(served, page)
    card.get_by_role("button", name="Xác nhận").tap()
    playwright.expect(page.locator("#message")).to_have_text("Đã ghi")
    assert served.gate.said_at_desk["reason"] == "Tiền đã nộp, hệ thống chưa báo"


@pytest.mark.parametrize("officer", ["bp-1", "hq-1", "kddv-1", "thue-1"])
def test_at_the_desk_too_everything_is_large_enough_and_nothing_is_cut_off(
    served: Served, page: "playwright.Page", officer: str
) -> None:
    at_desk(page, served, officer)
    assert page.evaluate(SMALL) == 0
    assert page.evaluate("document.getElementById('panel').scrollWidth <= innerWidth")


def test_a_daemon_that_stands_still_is_said_in_large_letters_within_two_seconds(
    page: "playwright.Page",
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve = (
        "import uvicorn; from edge.screen.app import create_app; from edge.screen.specimens import *;"
        f"uvicorn.run(create_app(SpecimenGate()), port={port}, log_level='error')"
    )
    root = Path(__file__).parents[2]
    daemon = subprocess.Popen([sys.executable, "-c", serve], cwd=root)
    try:
        _wait_for(port)
        sign_in(page, f"http://127.0.0.1:{port}", "bp-1")
        page.wait_for_timeout(1200)
        curtain = page.locator("#silent")
        assert not curtain.is_visible()
        os.kill(daemon.pid, signal.SIGSTOP)
        playwright.expect(curtain).to_contain_text("MÁY CỔNG KHÔNG TRẢ LỜI", timeout=2000)
        playwright.expect(curtain).to_be_visible(timeout=2000)
        os.kill(daemon.pid, signal.SIGCONT)
        playwright.expect(curtain).to_be_hidden(timeout=2000)
    finally:
        daemon.kill()
        daemon.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.1)
    pytest.fail("the daemon did not start")
