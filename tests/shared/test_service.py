"""Running as a service: what systemd is told, and a web server that lives and ends with a block."""

import asyncio
import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from shared.node.service import notify, serving, watchdog
from tests.loop import in_loop
from tests.shared.broker import free_port


@pytest.fixture(params=["path", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """systemd's end of the notification socket, by path or in Linux's abstract names."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@barie-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        sock.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield sock


def test_systemd_is_told_our_state(systemd: socket.socket) -> None:
    notify("READY=1")
    assert systemd.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_told_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify("READY=1")


@in_loop
async def test_the_watchdog_is_fed_twice_an_interval_while_we_are_alive_and_not_after(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "40000")
    alive = True
    feeding = asyncio.create_task(watchdog(lambda: alive))
    assert [await asyncio.to_thread(systemd.recv, 100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    alive = False
    await asyncio.sleep(0.05)
    systemd.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while systemd.recv(100):
            pass
    await asyncio.sleep(0.1)
    with pytest.raises(BlockingIOError):
        systemd.recv(100)
    feeding.cancel()


@in_loop
async def test_without_a_watchdog_interval_nothing_is_fed(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    feeding = asyncio.create_task(watchdog(lambda: True))
    await asyncio.sleep(0.05)
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        systemd.recv(100)
    feeding.cancel()


def page() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def hello() -> str:
        return "xin chào"

    return app


@in_loop
async def test_the_app_is_served_within_the_block_and_the_port_is_free_after() -> None:
    port = free_port()
    for _ in range(2):
        async with serving(page(), "127.0.0.1", port), httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).json() == "xin chào"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@in_loop
async def test_a_port_that_is_taken_is_an_error_that_names_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(OSError, match=re.escape(f"cannot listen on {address}: Address already in use")):
            async with serving(page(), "127.0.0.1", other.getsockname()[1]):
                pytest.fail("nobody can serve there")


@in_loop
async def test_an_error_inside_the_block_ends_the_server_and_comes_out() -> None:
    port = free_port()
    with pytest.raises(RuntimeError, match="inside"):
        async with serving(page(), "127.0.0.1", port):
            raise RuntimeError("inside")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
