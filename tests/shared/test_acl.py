"""The ACL holds every node to its own name and its own site, at a real Mosquitto."""

import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.acl import NodeAccess, acl_text
from shared.journal import centre_node
from shared.protocol import (
    ask_topic,
    checkpoint_topic,
    facts_topic,
    fill_topic,
    pictures_topic,
    status_topic,
    vector_topic,
)
from tests.shared.broker import Client, broker, free_port, needs_mosquitto

CONFIG = Path(__file__).parents[2] / "config" / "broker"
GATES = CONFIG.parent / "gates"
CENTRE = centre_node("CKHN")
NODES = (
    NodeAccess("b1", "CKHN"),
    NodeAccess("b2", "CKHN", also_reads=("VIETTEL",)),
    NodeAccess(CENTRE, "CKHN", login="centre"),
    NodeAccess(centre_node("TT"), "TT", login="centre"),
    NodeAccess("tt-b1", "TT"),
    NodeAccess("yard", "VIETTEL"),
)
TAKEN = {0, 16}
DENIED = 135
Join = Callable[..., Client]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A broker that knows NODES, and a stranger with a password and no ACL lines."""
    folder = tmp_path_factory.mktemp("broker")
    passwords, acl, port = folder / "passwords", folder / "acl", free_port()
    passwords.touch(mode=0o600)
    for name in [*(node.user for node in NODES), "stranger"]:
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), name, "secret"], check=True)
    acl.write_text(acl_text(NODES), encoding="utf-8")
    acl.chmod(0o600)
    lines = (f"listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {passwords}")
    with broker(folder, "\n".join([*lines, f"acl_file {acl}"]), port):
        yield port


@pytest.fixture
def join(port: int) -> Iterator[Join]:
    """Connects clients and lets them go at the end."""
    clients: list[Client] = []

    def connect(name: str, will_topic: str | None = None) -> Client:
        clients.append(Client(port, name, will_topic=will_topic))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def topics(site: str, sender: str) -> list[str]:
    """Every topic under which `sender` could speak at a site."""
    free = (facts_topic, vector_topic, status_topic, pictures_topic, checkpoint_topic)
    own = [topic(site, sender) for topic in free]
    return [*own, ask_topic(site, "b2", sender), fill_topic(site, "b2", sender)]


@needs_mosquitto
@pytest.mark.parametrize("node", NODES, ids=lambda node: node.node)
def test_a_node_publishes_under_its_own_name(join: Join, node: NodeAccess) -> None:
    client = join(node.user)
    assert {client.publish(topic) for topic in topics(node.site, node.node)} <= TAKEN


@needs_mosquitto
def test_the_centre_speaks_at_each_site_under_the_name_it_has_there(join: Join) -> None:
    client = join("centre")
    assert {client.publish(topic) for topic in topics("TT", CENTRE)} == {DENIED}


@needs_mosquitto
def test_the_centre_publishes_checkpoints(join: Join) -> None:
    client = join("centre")
    assert client.publish(checkpoint_topic("CKHN", CENTRE)) in TAKEN
    assert client.publish(checkpoint_topic("TT", CENTRE)) == DENIED


@needs_mosquitto
@pytest.mark.parametrize("name", ["b1", CENTRE])
def test_a_gate_publishes_no_checkpoint(join: Join, name: str) -> None:
    assert join("b1").publish(checkpoint_topic("CKHN", name)) == DENIED


@needs_mosquitto
@pytest.mark.parametrize("name", ["b2", CENTRE, "nobody"])
def test_a_node_cannot_publish_under_another_name(join: Join, name: str) -> None:
    client = join("b1")
    assert {client.publish(topic) for topic in topics("CKHN", name)} == {DENIED}


@needs_mosquitto
def test_a_node_cannot_publish_into_another_site(join: Join) -> None:
    client = join("b1")
    assert {client.publish(topic) for topic in topics("TT", "b1")} == {DENIED}


@needs_mosquitto
def test_a_node_without_lines_may_do_nothing(join: Join) -> None:
    client = join("stranger")
    assert {client.publish(topic) for topic in topics("CKHN", "stranger")} == {DENIED}


@needs_mosquitto
def test_a_last_will_speaks_under_its_own_name_only(join: Join) -> None:
    reader = join("b2")
    reader.subscribe("barie/1/status/#")
    for name in ("b2", "b1"):
        join("b1", will_topic=status_topic("CKHN", name)).fall_silent()
        join("b1").close()
    assert reader.next() == (status_topic("CKHN", "b1"), b"{}")


@needs_mosquitto
def test_a_node_reads_its_own_site_and_no_other(join: Join) -> None:
    client = join("b1")
    client.subscribe("barie/1/#")
    assert join("tt-b1").publish(facts_topic("TT", "tt-b1"), b"theirs") in TAKEN
    assert join("yard").publish(facts_topic("VIETTEL", "yard"), b"the yard's") in TAKEN
    join("b2").publish(ask_topic("CKHN", CENTRE, "b2"), b"ours")
    assert client.next() == (ask_topic("CKHN", CENTRE, "b2"), b"ours")


@needs_mosquitto
def test_a_gate_also_reads_the_yard_that_serves_it(join: Join) -> None:
    client = join("b2")
    client.subscribe("barie/1/#")
    join("tt-b1").publish(facts_topic("TT", "tt-b1"), b"theirs")
    join("yard").publish(facts_topic("VIETTEL", "yard"), b"the yard's")
    assert client.next() == (facts_topic("VIETTEL", "yard"), b"the yard's")
    assert client.publish(facts_topic("VIETTEL", "b2")) == DENIED


@pytest.mark.parametrize("name", ["", "b1\nuser b2", "+", "#", "a/b", "a b", "barrier_1", "x" * 41])
def test_a_name_that_could_mean_more_than_itself_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits and dashes"):
        NodeAccess(name, "CKHN")
    with pytest.raises(ValueError, match="letters, digits and dashes"):
        NodeAccess("b1", name)


def test_a_name_stands_once() -> None:
    with pytest.raises(ValueError, match="named twice: b1"):
        acl_text([NodeAccess("b1", "CKHN"), NodeAccess("b1", "TT")])


def test_the_shipped_acl_lets_in_the_shipped_gates_and_the_centre() -> None:
    """After a change in config/gates write the file anew with `acl_text`."""
    gates = [tomllib.loads(file.read_text(encoding="utf-8")) for file in GATES.glob("*.toml")]
    sites = {gate["site"] for gate in gates}
    nodes = [NodeAccess(gate["node"], gate["site"]) for gate in gates]
    nodes += [NodeAccess(centre_node(site), site, login="centre") for site in sites]
    comment, _, blocks = (CONFIG / "acl").read_text(encoding="utf-8").partition("\n\n")
    assert all(line.startswith("#") for line in comment.splitlines())
    assert blocks == acl_text(nodes)
