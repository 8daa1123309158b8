"""The server as a process: without a broker it serves all the same, with one it hears the gates."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from shared import protocol
from shared.bodies import Arrived, dump
from shared.codes import Heading, Place
from shared.facts import Draft
from shared.node.checkpoints import Checkpoints
from shared.node.identity import Identity
from shared.node.link import Link, LinkSettings
from shared.node.store import Store
from shared.node.sync import SyncNode
from shared.signing import PrivateKey, PublicKey
from tests.shared.broker import broker, free_port, needs_mosquitto

ADMIN = "administrator-token"
JPEG = b"\xff\xd8\xff\xe0 a small picture"
REPOSITORY = Path(__file__).parents[2]
WAIT_S = 8.0


def until(true: Callable[[], Any]) -> Any:
    """The first result that is not false, or a failure after a while."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        try:
            if result := true():
                return result
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("it did not come true in time")


@contextmanager
def centre(folder: Path, broker_port: int, more: str = "") -> Iterator[str]:
    """A centre's process, ended by TERM; gives its address. `more`: lines at the top of its configuration."""
    port = free_port()
    key = PrivateKey.generate()
    (folder / "centre.key").write_text(key.text(), encoding="utf-8")
    (folder / "centre.public").write_text(key.public.text, encoding="utf-8")
    (folder / "admin.token").write_text(ADMIN, encoding="utf-8")
    (folder / "declarants.tokens").write_text("logistics declarant-token-1\n", encoding="utf-8")
    config = folder / "centre.toml"
    config.write_text(
        f'{more}sites = ["CKHN", "TT"]\nkey_file = "centre.key"\nadmin_token_file = "admin.token"\n'
        f'declarant_tokens_file = "declarants.tokens"\n[listen]\nport = {port}\n'
        f'[broker]\nhost = "127.0.0.1"\nport = {broker_port}\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-c", "from central.cli import app; app()", "run", str(config)]
    with (folder / "centre.log").open("w") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log)
    try:
        until(lambda: httpx.get(f"http://127.0.0.1:{port}/health/live").is_success)
        yield f"http://127.0.0.1:{port}"
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
    finally:
        process.kill()
        process.wait()


def test_without_a_broker_declarations_are_taken_and_the_cause_is_said(
    tmp_path: Path, declaration: Any
) -> None:
    with centre(tmp_path, free_port()) as url:
        ready = until(lambda: (r := httpx.get(f"{url}/health/ready")).status_code == 503 and r)
        headers = {"Authorization": "Bearer declarant-token-1"}
        taken = httpx.post(f"{url}/api/declarations", json=declaration, headers=headers)

        assert "broker" in ready.json()["cause"]
        assert taken.status_code == 201

    assert "centre_stopped" in (tmp_path / "centre.log").read_text(encoding="utf-8")


def test_a_file_of_names_that_cannot_be_used_stops_no_centre_and_is_noted(tmp_path: Path) -> None:
    with centre(tmp_path, free_port(), 'agency_names = "agencies.toml"\n') as url:
        noted = httpx.get(f"{url}/health/ready").json()["notes"]

    assert [one.startswith(f"{tmp_path / 'agencies.toml'}:1: file: ") for one in noted] == [True]


@needs_mosquitto
def test_facts_status_and_picture_of_a_gate_reach_the_centre(tmp_path: Path) -> None:
    port = free_port()
    with (
        broker(tmp_path, f"listener {port} 127.0.0.1\nallow_anonymous true", port),
        centre(tmp_path, port) as url,
    ):
        key = PrivateKey.generate()
        node = {"node": "gate-2", "site": "CKHN", "public_key": key.public.text, "places": ["barrier-2"]}
        httpx.post(
            f"{url}/api/nodes", json=node, headers={"Authorization": f"Bearer {ADMIN}"}
        ).raise_for_status()
        root = PublicKey((tmp_path / "centre.public").read_text(encoding="utf-8"))

        asyncio.run(_be_a_gate(tmp_path / "gate.db", port, Identity("gate-2", "CKHN", key, root)))

        (gate,) = until(lambda: (g := httpx.get(f"{url}/api/gates").json()) and g[0]["behind"] == 0 and g)
        picture = httpx.get(f"{url}/pictures/{hashlib.sha256(JPEG).hexdigest()}.jpg")
        figures = httpx.get(f"{url}/metrics").text

    assert (gate["state"], gate["lags"], gate["disk_free_mb"]) == ("alive", 0, 5)
    assert picture.content == JPEG
    assert 'barie_facts_held{journal="gate-2.1"} 1.0' in figures


@needs_mosquitto
def test_an_empty_gate_begins_from_the_checkpoint_that_the_centre_made_at_its_start(tmp_path: Path) -> None:
    port = free_port()
    with (
        broker(tmp_path, f"listener {port} 127.0.0.1\nallow_anonymous true", port),
        centre(tmp_path, port) as url,
    ):
        key = PrivateKey.generate()
        node = {"node": "gate-2", "site": "CKHN", "public_key": key.public.text, "places": ["barrier-2"]}
        admin = {"Authorization": f"Bearer {ADMIN}"}
        httpx.post(f"{url}/api/nodes", json=node, headers=admin).raise_for_status()
        at_start = until(lambda: len(made := httpx.get(f"{url}/api/checkpoints").json()) == 2 and made)
        made = httpx.post(f"{url}/api/checkpoints", headers=admin).json()
        root = PublicKey((tmp_path / "centre.public").read_text(encoding="utf-8"))

        asyncio.run(_begin(tmp_path / "gate", port, Identity("gate-2", "CKHN", key, root)))

    assert [one["site"] for one in at_start] == ["CKHN", "TT"]
    assert made[0]["facts"] == 1


async def _begin(folder: Path, port: int, identity: Identity) -> None:
    """Stays until it has the checkpoint whole, and what is alive in it."""
    store = Store(folder / "gate.db")
    link = Link(LinkSettings("127.0.0.1", port), identity.node)
    checkpoints = Checkpoints(folder / "checkpoints")
    sync = SyncNode(store, link, identity, checkpoints=checkpoints)
    link.start()
    sync.start()
    await _eventually(lambda: checkpoints.complete is not None and store.head("centre-CKHN.1").seq == 1)
    await sync.stop()
    await link.stop()
    store.close()


async def _be_a_gate(path: Path, port: int, identity: Identity) -> None:
    """Writes one fact, publishes a status and a picture, and stays until the centre has said that it holds the fact."""
    store = Store(path)
    link = Link(LinkSettings("127.0.0.1", port), identity.node)
    sync = SyncNode(store, link, identity)
    link.start()
    sync.start()
    where = Arrived(place=Place.BARRIER_2, heading=Heading.IN, lane="1")
    store.append(sync.journal, identity.key, [Draft("arrived", "lane/gate-2/1", dump(where))])
    status = protocol.Status(node=identity.node, site="CKHN", online=True, disk_free_mb=5)
    sent = {"sha256": hashlib.sha256(JPEG).hexdigest()}
    await _eventually(lambda: link.connected)
    await link.publish(protocol.status_topic("CKHN", identity.node), protocol.encode(status), retain=True)
    await link.publish(protocol.pictures_topic("CKHN", identity.node), JPEG, user=sent)
    await _eventually(lambda: not sync.unsent() and store.head("centre-CKHN.1").seq == 1)
    await asyncio.sleep(1.2)  # one vector more, so that the centre hears how far we have come
    await sync.stop()
    await link.stop()
    store.close()


async def _eventually(true: Callable[[], bool]) -> None:
    for _ in range(int(WAIT_S / 0.05)):
        if true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come true in time")
