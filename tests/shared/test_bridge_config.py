"""The shipped bridge between a site's broker and the centre's, both with the shipped configuration and certificates."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.acl import NodeAccess, acl_text, bridge_text
from shared.node.link import Link, LinkSettings, Received
from tests.loop import in_loop, until
from tests.shared.broker import broker, free_port, needs_mosquitto
from tests.shared.certificates import Authority

pytestmark = needs_mosquitto

CONFIG = Path(__file__).parents[2] / "config" / "broker"
ACL = acl_text(
    [
        NodeAccess("b1", "CKHN"),
        NodeAccess("tt-b1", "TT"),
        NodeAccess("centre-CKHN", "CKHN", login="centre"),
        NodeAccess("centre-TT", "TT", login="centre"),
    ]
)
FACTS, VECTOR, STATUS = (f"barie/1/{kind}/CKHN/b1" for kind in ("facts", "vector", "status"))


@dataclass
class Bridged:
    """A folder with the files of both brokers, each of which can be started for the length of a block."""

    folder: Path
    authority: Authority
    site: int = field(default_factory=free_port)
    centre: int = field(default_factory=free_port)

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        port = {"site": self.site, "centre": self.centre}[name]
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        acl = folder / "acl"
        acl.write_text(f"{ACL}\n{bridge_text('bridge-ckhn', 'CKHN')}", encoding="utf-8")
        acl.chmod(0o600)
        text = (CONFIG / "mosquitto.conf").read_text(encoding="utf-8")
        text = text.replace("listener 8883", f"listener {port} 127.0.0.1")
        text = text.replace("/etc/barie/broker/acl", str(acl)) + "log_type all\n"
        if name == "site":
            text += (CONFIG / "bridge.conf").read_text(encoding="utf-8")
            text = text.replace("broker.central.internal:8883", f"127.0.0.1:{self.centre}")
        with broker(folder, text.replace("/etc/barie/broker", str(self.folder)), port):
            yield

    @contextmanager
    def both(self) -> Iterator[None]:
        with self.running("centre"), self.running("site"):
            yield

    def link(self, name: str, port: int) -> Link:
        certificate, key = self.authority.issue(name)
        settings = LinkSettings("127.0.0.1", port, ca=self.authority.file, certificate=certificate, key=key)
        return Link(settings, f"{name}-{port}")

    def log(self, name: str) -> str:
        return (self.folder / name / "mosquitto.log").read_text(encoding="utf-8")

    async def up(self) -> None:
        """Waits until the bridge has subscribed at the centre's broker."""
        await until(lambda: "bridge-ckhn 1 barie/1/checkpoint" in self.log("centre"), "the bridge")


@pytest.fixture
def bridged(tmp_path: Path) -> Bridged:
    authority = Authority(tmp_path)
    authority.issue("server")
    authority.issue("bridge-ckhn")
    for kind in ("crt", "key"):
        (tmp_path / f"bridge-ckhn.{kind}").rename(tmp_path / f"bridge.{kind}")
    return Bridged(tmp_path, authority)


class Ear:
    """A node that hears everything it may, and can speak."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.heard: list[Received] = []
        link.subscribe("barie/1/#", self.heard.append)

    async def start(self) -> None:
        self.link.start()
        await until(lambda: self.link.connected, "the broker")

    def payloads(self, topic: str) -> list[bytes]:
        return [one.payload for one in self.heard if one.topic == topic]


Ears = Callable[..., Ear]


@in_loop
async def test_each_message_crosses_once_with_its_user_properties_and_whole(bridged: Bridged) -> None:
    gate, centre = Ear(bridged.link("b1", bridged.site)), Ear(bridged.link("centre", bridged.centre))
    large = b"x" * 1_000_000
    with bridged.both():
        await bridged.up()
        await gate.start()
        await centre.start()
        await gate.link.publish("barie/1/pictures/CKHN/b1", b"jpeg", user={"sha256": "abc"})
        await centre.link.publish("barie/1/fill/CKHN/b1/centre-CKHN", large, user={"part": "def"})
        await until(lambda: len(gate.heard) == 2 and len(centre.heard) == 2, "both messages")
        await gate.link.publish(FACTS, b"end")
        await until(lambda: len(gate.heard) == 3 and len(centre.heard) == 3, "the end")
        await gate.link.stop()
        await centre.link.stop()
    for ear in (gate, centre):
        told = {one.topic.split("/")[2]: (len(one.payload), dict(one.user)) for one in ear.heard}
        assert told == {
            "pictures": (4, {"sha256": "abc"}),
            "fill": (1_000_000, {"part": "def"}),
            "facts": (3, {}),
        }


@in_loop
async def test_what_lies_retained_at_one_broker_is_there_for_who_comes_to_the_other(bridged: Bridged) -> None:
    gate, centre = bridged.link("b1", bridged.site), Ear(bridged.link("centre", bridged.centre))
    with bridged.both():
        gate.start()
        await until(lambda: gate.connected, "the broker")
        await gate.publish(VECTOR, b"here", retain=True)
        await bridged.up()
        await until(lambda: "Received PUBLISH from bridge-ckhn" in bridged.log("centre"), "the vector")
        await centre.start()
        await until(lambda: bool(centre.heard), "the retained vector")
        await centre.link.publish("barie/1/vector/CKHN/centre-CKHN", b"there", retain=True)
        await until(lambda: "Received PUBLISH from bridge-ckhn" in bridged.log("site"), "the centre's")
        late = Ear(bridged.link("b1", bridged.site))
        await late.start()
        await until(lambda: len(late.heard) == 2, "both retained vectors")
        for link in (gate, centre.link, late.link):
            await link.stop()
    assert centre.heard[0] == Received(VECTOR, b"here", {}, retained=True)
    assert {one.payload for one in late.heard} == {b"here", b"there"}


@in_loop
async def test_what_is_said_while_the_line_is_cut_is_not_queued(bridged: Bridged) -> None:
    gate, centre = Ear(bridged.link("b1", bridged.site)), Ear(bridged.link("centre", bridged.centre))
    with bridged.running("site"):
        await gate.start()
        with bridged.running("centre"):
            await bridged.up()
        await gate.link.publish(FACTS, b"during the cut")
        with bridged.running("centre"):
            await centre.start()
            await bridged.up()
            await gate.link.publish(FACTS, b"after the cut")
            await until(lambda: b"after the cut" in centre.payloads(FACTS), "what is said afterwards")
            await centre.link.stop()
        await gate.link.stop()
    assert centre.payloads(FACTS) == [b"after the cut"]


@in_loop
async def test_an_old_status_at_the_centre_does_not_come_back_over_a_newer_one_at_the_site(
    bridged: Bridged,
) -> None:
    gate, centre = Ear(bridged.link("b1", bridged.site)), Ear(bridged.link("b1", bridged.centre))
    with ExitStack() as brokers:
        brokers.enter_context(bridged.running("centre"))
        await centre.start()
        await centre.link.publish(STATUS, b"old", retain=True)
        brokers.enter_context(bridged.running("site"))
        await gate.start()
        await gate.link.publish(STATUS, b"new", retain=True)
        await until(lambda: b"new" in centre.payloads(STATUS), "the new status")
        await gate.link.stop()
        await centre.link.stop()
    assert gate.payloads(STATUS) == [b"new"]


@in_loop
async def test_the_bridge_speaks_for_its_own_site_only(bridged: Bridged) -> None:
    other = Ear(bridged.link("tt-b1", bridged.centre))
    lines = bridge_text("bridge-ckhn", "CKHN").splitlines()
    with bridged.both():
        await bridged.up()
        await other.start()
        await other.link.publish("barie/1/facts/TT/tt-b1", b"at home")
        await until(lambda: bool(other.heard), "its own message")
        await other.link.stop()
    assert "barie/1/facts/TT" not in bridged.log("site")
    assert [line for line in lines if line.startswith("topic")] == ["topic readwrite barie/1/+/CKHN/#"]
