"""The page in a real browser: it follows what happens, and says so when the centre is gone."""

import asyncio
import shutil
from typing import Any

import pytest
from playwright.async_api import async_playwright, expect

from central.app import create_app
from central.centre import Centre
from shared.node.service import serving
from tests.shared.broker import free_port

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (scripts/setup)")
def test_a_passage_appears_without_a_reload_and_a_lost_centre_is_said(centre: Centre, passage: Any) -> None:
    asyncio.run(_watch(centre, passage))


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (scripts/setup)")
def test_the_administrator_acts_from_the_page_under_her_token(centre: Centre) -> None:
    centre.store.quarantine("barie/1/facts/CKHN/gate-2", b"{}", "not signed by its author")
    asyncio.run(_acknowledge(centre))
    assert centre.store.quarantined() == 0


async def _acknowledge(centre: Centre) -> None:
    port = free_port()
    tokens = iter(["a wrong token", "administrator-token"])
    async with async_playwright() as playwright, serving(create_app(centre), "127.0.0.1", port):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page()
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept(next(tokens))))
        await page.goto(f"http://127.0.0.1:{port}/")
        await page.get_by_role("button", name="Đã xem").click()
        await expect(page.get_by_text("Không thực hiện được:")).to_be_visible()
        await page.get_by_role("button", name="Đã xem").click()
        await expect(page.get_by_text("Đã thực hiện.")).to_be_visible()
        await expect(page.get_by_text("not signed by its author")).to_have_count(0)
        await browser.close()


async def _watch(centre: Centre, passage: Any) -> None:
    port = free_port()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        async with serving(create_app(centre), "127.0.0.1", port):
            await page.goto(f"http://127.0.0.1:{port}/")
            await expect(page.get_by_text("Chưa có lượt qua nào.")).to_be_visible()
            passage("2026112300001", "centre-CKHN.1/1")
            await expect(page.get_by_text("29C 12345")).to_be_visible()
            await expect(page.get_by_role("alert")).to_be_hidden()
        await expect(page.get_by_role("alert")).to_be_visible()
        await browser.close()
    assert wrong == []
