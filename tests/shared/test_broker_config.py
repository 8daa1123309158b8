"""The shipped broker configuration: a certificate opens the door, and its common name is the node's name."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.acl import NodeAccess, acl_text
from shared.node.link import Link, LinkSettings
from shared.protocol import facts_topic
from tests.loop import in_loop, until
from tests.shared.broker import Client, broker, free_port, needs_mosquitto
from tests.shared.certificates import Authority

SHIPPED = Path(__file__).parents[2] / "config" / "broker" / "mosquitto.conf"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[int, Authority]]:
    """The shipped configuration on a free port of the loopback address, with an authority of its own."""
    port, authority = free_port(), Authority(tmp_path)
    authority.issue("server")
    acl = tmp_path / "acl"
    acl.write_text(acl_text([NodeAccess("b1", "CKHN")]), encoding="utf-8")
    acl.chmod(0o600)
    text = SHIPPED.read_text(encoding="utf-8")
    text = text.replace("listener 8883", f"listener {port} 127.0.0.1")
    with broker(tmp_path, text.replace("/etc/barie/broker", str(tmp_path)), port):
        yield port, authority


@needs_mosquitto
def test_the_common_name_of_the_certificate_is_the_name_of_the_node(site: tuple[int, Authority]) -> None:
    port, authority = site
    client = Client(port, "whatever", tls=authority.context("b1"))
    assert client.publish(facts_topic("CKHN", "b1")) == 16
    assert client.publish(facts_topic("CKHN", "b2")) == 135
    client.close()


@needs_mosquitto
@pytest.mark.parametrize("signed_by", [None, "another"])
def test_nobody_comes_in_without_a_certificate_of_the_authority(
    site: tuple[int, Authority], tmp_path: Path, signed_by: str | None
) -> None:
    port, authority = site
    context = authority.context(None)
    if signed_by is not None:
        stranger = Authority(tmp_path / ".", signed_by)
        context.load_cert_chain(*map(str, stranger.issue("b1")))
    with pytest.raises((ssl.SSLError, ConnectionError, TimeoutError)):
        _knock(port, context)


@needs_mosquitto
@in_loop
async def test_the_link_of_a_node_comes_in_by_its_certificate_alone(site: tuple[int, Authority]) -> None:
    port, authority = site
    certificate, key = authority.issue("b1")
    link = Link(LinkSettings("127.0.0.1", port, ca=authority.file, certificate=certificate, key=key), "b1")
    link.start()
    try:
        await until(lambda: link.connected, "the link is up", 10)
        assert await link.publish(facts_topic("CKHN", "b1"), b"{}")
        assert not await link.publish(facts_topic("CKHN", "b2"), b"{}")
    finally:
        await link.stop()


@needs_mosquitto
@in_loop
async def test_much_that_is_sent_while_much_comes_in_does_not_break_the_link(
    site: tuple[int, Authority],
) -> None:
    port, authority = site
    certificate, key = authority.issue("b1")
    link = Link(LinkSettings("127.0.0.1", port, ca=authority.file, certificate=certificate, key=key), "b1")
    ups: list[bool] = []
    link.on_up(lambda: ups.append(True))
    link.subscribe("barie/1/#", lambda _: None)
    link.start()
    try:
        await until(lambda: link.connected, "the link is up")
        for _ in range(20):
            sent = [link.publish(facts_topic("CKHN", "b1"), b"x" * 50_000) for _ in range(8)]
            assert all(await asyncio.gather(*sent))
        assert ups == [True]
    finally:
        await link.stop()


@needs_mosquitto
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # paho leaves this socket to the collector
@in_loop
async def test_the_link_does_not_talk_to_a_broker_of_another_authority(site: tuple[int, Authority]) -> None:
    port, authority = site
    (authority.folder / "elsewhere").mkdir()
    other = Authority(authority.folder / "elsewhere")
    certificate, key = authority.issue("b1")
    link = Link(LinkSettings("127.0.0.1", port, ca=other.file, certificate=certificate, key=key), "b1")
    link.start()
    try:
        await until(lambda: link.error is not None, "the link says why", 10)
        assert "certificate verify failed" in str(link.error)
        assert not link.connected
    finally:
        await link.stop()


def _knock(port: int, context: ssl.SSLContext) -> None:
    """Shakes hands and reads one byte: TLS 1.3 tells a client of its refusal only then."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
        context.wrap_socket(raw) as secured,
    ):
        if not secured.recv(1):
            raise ConnectionError("closed by the broker")
