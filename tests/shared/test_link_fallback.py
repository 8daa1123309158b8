"""A link with a second broker to fall back to: taken when the first is away, left when the first lets us in again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.configuration import BadConfiguration, parse
from shared.node import link as link_module
from shared.node.broker import BrokerTable
from shared.node.link import Link, LinkSettings
from tests.loop import in_loop, until
from tests.shared.broker import Client, broker, free_port, needs_mosquitto

ANYBODY = "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
NOBODY = "listener {port} 127.0.0.1\nallow_anonymous false\n"
STATUS = "barie/1/status/CKHN/gate-2"
TABLE = """
host = "127.0.0.1"
port = 1883
[fallback]
host = "{host}"
port = 1884
username = "gate-2"
password_file = "centre.password"
"""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One failure is enough, and the first broker is tried again all the time."""
    monkeypatch.setattr(link_module, "FAILURES_BEFORE_FALLBACK", 1)
    monkeypatch.setattr(link_module, "KNOCK_EVERY_S", 0.1)


@pytest.fixture
def first() -> int:
    return free_port()


@pytest.fixture
def second(tmp_path: Path) -> Iterator[int]:
    """The port of the broker to fall back to, which stands."""
    port, folder = free_port(), tmp_path / "second"
    folder.mkdir()
    with broker(folder, ANYBODY.format(port=port), port):
        yield port


@pytest.fixture
def link(first: int, second: int) -> Link:
    fallback = LinkSettings("127.0.0.1", second)
    return Link(LinkSettings("127.0.0.1", first, fallback=fallback), "gate-2", will=(STATUS, b"offline"))


@needs_mosquitto
@in_loop
async def test_when_the_first_broker_is_away_the_second_carries_everything(link: Link, second: int) -> None:
    watcher = Client(second, "watcher")
    watcher.subscribe(STATUS)
    link.start()
    try:
        await until(lambda: link.connected, "the second broker")
        assert (link.fallen_back, link.error) == (True, None)
        assert await link.publish(STATUS, b"online")
        assert watcher.next() == (STATUS, b"online")
    finally:
        await link.stop()
        watcher.close()


@needs_mosquitto
@in_loop
async def test_the_first_broker_is_taken_again_when_it_lets_us_in_and_no_will_is_left_at_the_second(
    link: Link, first: int, second: int, tmp_path: Path
) -> None:
    watcher = Client(second, "watcher")
    watcher.subscribe("barie/1/#")
    link.start()
    try:
        await until(lambda: link.connected, "the second broker")
        with broker(tmp_path, ANYBODY.format(port=first), first):
            await until(lambda: link.connected and not link.fallen_back, "the first broker")
            assert await link.publish(STATUS, b"at the first")
        watcher.publish("barie/1/end")
        assert watcher.next()[0] == "barie/1/end"
    finally:
        await link.stop()
        watcher.close()


@needs_mosquitto
@in_loop
async def test_the_second_broker_is_not_left_for_a_first_one_that_refuses_us(
    link: Link, first: int, tmp_path: Path
) -> None:
    ups: list[bool] = []
    link.on_up(lambda: ups.append(link.fallen_back))
    link.start()
    try:
        with broker(tmp_path, NOBODY.format(port=first), first):
            await until(lambda: link.connected, "the second broker")
            log = tmp_path / "mosquitto.log"
            await until(lambda: log.read_text().count("not authorised") >= 3, "refusals")
        assert link.connected
        assert ups == [True]
    finally:
        await link.stop()


@needs_mosquitto
@in_loop
async def test_when_the_second_broker_is_lost_too_both_are_tried_in_turns(first: int, tmp_path: Path) -> None:
    gone = LinkSettings("127.0.0.1", free_port())
    link = Link(replace(gone, fallback=LinkSettings("127.0.0.1", first)), "gate-2")
    link.start()
    try:
        for _ in range(2):
            with broker(tmp_path, ANYBODY.format(port=first), first):
                await until(lambda: link.connected, "the second broker", within_s=20)
            await until(lambda: not link.connected, "the loss")
    finally:
        await link.stop()


def test_the_fallback_is_a_table_with_the_same_keys_and_the_same_rules(tmp_path: Path) -> None:
    (tmp_path / "centre.password").write_text("secret\n", encoding="utf-8")
    settings = parse(TABLE.format(host="127.0.0.1"), "gate.toml", BrokerTable).link(tmp_path)
    assert settings.fallback == LinkSettings("127.0.0.1", 1884, "gate-2", "secret")
    with pytest.raises(
        BadConfiguration, match=r"gate\.toml:4: fallback: a broker on another machine needs TLS"
    ):
        parse(TABLE.format(host="broker.central.internal"), "gate.toml", BrokerTable)


def test_a_fallback_of_a_fallback_is_no_key() -> None:
    text = TABLE.format(host="127.0.0.1") + '[fallback.fallback]\nhost = "127.0.0.1"\n'
    with pytest.raises(BadConfiguration, match="not known"):
        parse(text, "gate.toml", BrokerTable)
