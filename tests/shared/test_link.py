"""The link to a real broker: it comes up whenever the broker does, tells what is wrong, and says goodbye for its node."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from shared.node.errors import LinkError
from shared.node.link import Link, LinkSettings, Received
from tests.loop import in_loop, until
from tests.shared.broker import WAIT_S, Client, broker, free_port, needs_mosquitto

pytestmark = needs_mosquitto

ANYBODY = "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
NOBODY = "listener {port} 127.0.0.1\nallow_anonymous false\n"
READ_ONLY = "listener {port} 127.0.0.1\nallow_anonymous true\nacl_file {acl}\n"
STATUS = "barie/1/status/CKHN/gate-2"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def running(tmp_path: Path, port: int) -> Iterator[int]:
    """The port of a broker that takes everybody."""
    with broker(tmp_path, ANYBODY.format(port=port), port):
        yield port


@asynccontextmanager
async def linked(link: Link) -> AsyncIterator[Link]:
    link.start()
    try:
        yield link
    finally:
        await link.stop()


def to(port: int) -> LinkSettings:
    return LinkSettings("127.0.0.1", port)


@in_loop
async def test_what_is_published_reaches_whoever_subscribed_with_its_user_properties(running: int) -> None:
    got: list[Received] = []
    link = Link(to(running), "gate-2")
    link.subscribe("barie/1/pictures/+/+", got.append)
    link.subscribe("barie/1/other", lambda _: pytest.fail("nobody published there"))
    async with linked(link):
        await until(lambda: link.connected, "the broker")
        assert await link.publish("barie/1/pictures/CKHN/gate-2", b"jpeg", user={"sha256": "abc"})
        await until(lambda: bool(got), "the message")
    assert got == [Received("barie/1/pictures/CKHN/gate-2", b"jpeg", {"sha256": "abc"}, retained=False)]


@in_loop
async def test_what_lay_at_the_broker_before_is_told_apart_from_what_is_said_now(running: int) -> None:
    first, second = Link(to(running), "gate-1"), Link(to(running), "gate-2")
    got: list[Received] = []
    second.subscribe(STATUS, got.append)
    async with linked(first):
        await until(lambda: first.connected, "the broker")
        await first.publish(STATUS, b"old", retain=True)
        async with linked(second):
            await until(lambda: len(got) == 1, "the retained message")
            await first.publish(STATUS, b"new", retain=True)
            await until(lambda: len(got) == 2, "the live message")
    assert [(one.payload, one.retained) for one in got] == [(b"old", True), (b"new", False)]


@in_loop
async def test_without_a_broker_nothing_is_published_nothing_raised_and_the_error_names_it(port: int) -> None:
    async with linked(Link(to(port), "gate-2")) as link:
        await until(lambda: link.error is not None, "the error")
        assert not await link.publish(STATUS, b"{}")
        assert link.error is not None
        assert f"127.0.0.1:{port}" in link.error


@in_loop
async def test_handlers_are_told_of_every_time_the_link_comes_up(tmp_path: Path, port: int) -> None:
    ups: list[bool] = []
    link = Link(to(port), "gate-2")
    link.on_up(lambda: ups.append(link.connected))
    async with linked(link):
        for expected in (1, 2):
            with broker(tmp_path, ANYBODY.format(port=port), port):
                await until(lambda wanted=expected: len(ups) == wanted, "the link")  # type: ignore[misc]
                assert link.error is None
            await until(lambda: not link.connected, "the loss")
    assert ups == [True, True]


@in_loop
async def test_a_publication_under_way_when_the_broker_dies_is_answered_with_false(
    tmp_path: Path, port: int
) -> None:
    async with linked(Link(to(port), "gate-2")) as link:
        with broker(tmp_path, ANYBODY.format(port=port), port):
            await until(lambda: link.connected, "the broker")
            assert await link.publish(STATUS, b"before")
        sending = [asyncio.create_task(link.publish(STATUS, b"after")) for _ in range(20)]
        assert not any(await asyncio.wait_for(asyncio.gather(*sending), WAIT_S))


@in_loop
async def test_a_publication_that_the_acl_forbids_is_answered_with_false(tmp_path: Path, port: int) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic read #\n", encoding="utf-8")
    acl.chmod(0o644)
    with broker(tmp_path, READ_ONLY.format(port=port, acl=acl), port):
        async with linked(Link(to(port), "gate-2")) as link:
            await until(lambda: link.connected, "the broker")
            assert not await asyncio.wait_for(link.publish(STATUS, b"{}"), WAIT_S)


@in_loop
async def test_a_broker_that_refuses_us_is_told_and_not_taken_for_a_link(tmp_path: Path, port: int) -> None:
    with broker(tmp_path, NOBODY.format(port=port), port):
        async with linked(Link(replace(to(port), username="gate-2", password="wrong"), "gate-2")) as link:
            await until(lambda: link.error is not None, "the refusal")
            assert not link.connected
            assert link.error is not None
            assert "wrong" not in link.error


@in_loop
async def test_a_node_that_is_stopped_leaves_its_will_like_one_that_is_lost(running: int) -> None:
    watcher = Client(running, "watcher")
    watcher.subscribe(STATUS)
    async with linked(Link(to(running), "gate-2", will=(STATUS, b"offline"))) as link:
        await until(lambda: link.connected, "the broker")
        await link.publish(STATUS, b"online", retain=True)
        assert await asyncio.to_thread(watcher.next) == (STATUS, b"online")
    assert await asyncio.to_thread(watcher.next) == (STATUS, b"offline")
    watcher.close()


def test_tls_files_that_are_not_there_are_an_error_of_the_settings(tmp_path: Path) -> None:
    missing = tmp_path / "ca.crt"
    settings = LinkSettings("127.0.0.1", 1, ca=missing, certificate=missing, key=missing)
    with pytest.raises(LinkError, match="check ca, certificate and key"):
        Link(settings, "gate-2")
