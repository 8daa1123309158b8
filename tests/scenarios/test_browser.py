"""One lorry at barrier 2 of a real site, and the border guard in a real browser: her one press lets it in, once."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from shared.codes import Agency
from tests.scenarios.running import RunningSite, Screen, needs_site, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    needs_site,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]

PLACE = "barrier-2"
STALE = "Màn hình vừa thay đổi. Xem lại rồi bấm lần nữa."


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    with RunningSite(tmp_path_factory.mktemp("browser") / "run") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def guard(site: RunningSite) -> Screen:
    """The border guard of barrier 2 as a program, to look over the shoulder of the one in the browser."""
    return site.screen(PLACE, Agency.BORDER_GUARD)


@pytest.fixture
def page(browser: "Browser", site: RunningSite, guard: Screen) -> Iterator["Page"]:
    """Her touchscreen, signed in by her PIN, at the first of the gate's lanes."""
    context = browser.new_context(viewport={"width": 1024, "height": 600}, has_touch=True)
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto(site.address(PLACE))
    page.locator("[name=code]").fill(guard.badge.code)
    page.locator("[name=pin]").focus()
    for digit in guard.badge.pin:
        page.locator(f".digits [data-key='{digit}']").tap()
    page.locator("button.primary").tap()
    page.locator("a[href='/lane/lane-1']").tap()
    page.wait_for_url("**/lane/lane-1")
    yield page
    context.close()


def written(site: RunningSite, kind: str) -> list[str]:
    """Who wrote the facts of a kind at barrier 2."""
    return [body["by"] for body in site.facts(PLACE, kind)]


def test_her_one_press_confirms_and_opens_once(site: RunningSite, page: "Page", guard: Screen) -> None:
    site.declare("29C35682")
    customs = site.screen(PLACE, Agency.CUSTOMS)
    confirmed, opened, pulses = (
        written(site, "confirmed"),
        written(site, "open_requested"),
        site.pulses(PLACE),
    )
    with site.truck(PLACE, "29C35682"):
        customs.is_offered("confirm")
        assert customs.press("confirm").status_code == 200
        token = guard.is_offered("confirm_and_open")["token"]
        page.get_by_role("button", name="Xác nhận và mở barie").dblclick()
        wait_for("the boom opens", lambda: site.boom(PLACE).is_open, 10)
        playwright.expect(page.locator(".headline")).to_contain_text("Barie đã mở, mời xe qua")
        assert guard.press("confirm_and_open", token=token).status_code == 409
        assert written(site, "confirmed") == [*confirmed, "customs", "border_guard"]
        assert written(site, "open_requested") == [*opened, "border_guard"]
        assert site.pulses(PLACE) == pulses + 1
    wait_for("the lorry is recorded as passed", lambda: site.facts(PLACE, "passed"))


def test_a_press_on_an_old_picture_is_refused_in_a_sentence(site: RunningSite, page: "Page") -> None:
    site.declare("34H96823")
    customs = site.screen(PLACE, Agency.CUSTOMS)
    with site.truck(PLACE, "34H96823"):
        customs.is_offered("confirm")
        button = page.locator(".actions button.primary")
        playwright.expect(button).to_have_text("Xác nhận")
        before, pulses = written(site, "confirmed"), site.pulses(PLACE)
        page.route("**/panel", lambda route: route.abort())  # her screen no longer hears what changes
        assert customs.press("confirm").status_code == 200
        button.tap()
        playwright.expect(page.locator("#message")).to_have_text(STALE)
        assert written(site, "confirmed") == [*before, "customs"]
        page.unroute("**/panel")
        playwright.expect(button).to_have_text("Xác nhận và mở barie")
        assert site.pulses(PLACE) == pulses
