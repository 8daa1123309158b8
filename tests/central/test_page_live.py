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
