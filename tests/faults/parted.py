"""What runs in a net that can be cut: a broker at each place, bridged to the centre's, and nodes as processes."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from shared.journal import author_of
from simulation.processes import Process
from tests.faults.nets import CENTRE, Net
from tests.faults.node_process import nodes_of
from tests.shared.broker import MOSQUITTO

ROOT = Path(__file__).parents[2]
BRIDGE = ROOT / "config" / "broker" / "bridge.conf"
State = Mapping[str, Any]


class Node:
    """A node process that is told what to do."""

    def __init__(self, name: str, site: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.site = site
        self.written: list[str] = []
        self._process = process

    async def write(self, kind: str, subject: str, body: Mapping[str, Any], *, node: str = "") -> str:
        """One fact of its own; for the centre, `node` says as which of its nodes. Gives the reference."""
        told = {"do": "write", "node": node or self.name, "kind": kind, "subject": subject, "body": body}
        self.written.append((await self._tell(told))["ref"])
        return self.written[-1]

    async def state(self) -> State:
        """How far it has every journal, and what it holds."""
        return await self._tell({"do": "state"})

    async def journals(self, site: str) -> Mapping[str, Any]:
        """Head and digest of every journal of a site: equal at two nodes that hold the same facts of it."""
        journals = (await self.state())["journals"]
        return {name: held for name, held in journals.items() if nodes_site(name) == site and held[0]}

    async def holds(self, refs: Iterable[str]) -> bool:
        """Whether it has the journals at least so far; they have no gaps."""
        journals = (await self.state())["journals"]
        places = [ref.rsplit("/", 1) for ref in refs]
        return all(journals.get(journal, [0])[0] >= int(seq) for journal, seq in places)

    async def stop(self) -> None:
        """Ends it, by force when it does not answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _tell(self, told: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        while line := await asyncio.wait_for(self._process.stdout.readline(), 20):
            if line.startswith(b"{"):
                return json.loads(line)
        raise AssertionError(f"{self.name} ended; see its log")


def nodes_site(journal: str) -> str:
    """The site of a journal."""
    return nodes_of(author_of(journal).removeprefix(f"{CENTRE}-").lower())[0][1]


class Parted:
    """A net with its brokers and nodes."""

    def __init__(self, net: Net, folder: Path) -> None:
        self.net = net
        self.brokers: dict[str, Process] = {}
        self.nodes: dict[str, Node] = {}
        self._folder = folder

    async def start_broker(self, place: str) -> None:
        """Mosquitto at a place; a site's is bridged to the centre's by the shipped configuration, without TLS."""
        host, port = self.net.listens(place).split(":")
        lines = [f"listener {port} {host}", "allow_anonymous true", "persistence false", "user root", ""]
        text = "\n".join(lines) + (self._bridge(place) if place != CENTRE else "")
        file = self._folder / f"{place}.conf"
        file.write_text(text, encoding="utf-8")
        command = self.net.inside(place, [str(MOSQUITTO), "-c", str(file)])
        self.brokers[place] = Process(f"broker {place}", command, self._folder / f"{place}.log")
        await self.brokers[place].start()

    async def start_node(self, name: str, place: str) -> Node:
        """A node at a place: with the broker there, and the centre's to fall back to."""
        port = self.net.listens(place).split(":")[1]
        addresses = [f"127.0.0.1:{port}", *([self.net.reaches(place)] if place != CENTRE else [])]
        command = [sys.executable, "-m", "tests.faults.node_process", str(self._folder), name, *addresses]
        with (self._folder / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self.net.inside(place, command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
            )
        self.nodes[name] = Node(name, place, process)
        return self.nodes[name]

    async def stop(self) -> None:
        """Ends everything that runs."""
        await asyncio.gather(*(node.stop() for node in self.nodes.values()))
        await asyncio.gather(*(broker.stop() for broker in self.brokers.values()))

    def at(self, site: str) -> list[Node]:
        """Everybody who keeps a site's journals: its gates and the centre."""
        return [node for node in self.nodes.values() if node.site in (site, CENTRE)]

    async def agreed(self, site: str) -> bool:
        """Whether everybody holds the same facts of a site, and no fewer than their authors wrote."""
        nodes = self.at(site)
        first, *others = [await node.journals(site) for node in nodes]
        written = [ref for node in nodes for ref in node.written if nodes_site(ref.rsplit("/", 1)[0]) == site]
        return all(other == first for other in others) and all([await node.holds(written) for node in nodes])

    def _bridge(self, site: str) -> str:
        text = BRIDGE.read_text(encoding="utf-8")
        text = text.replace("CKHN", site).replace("ckhn", site.lower())
        text = text.replace("broker.central.internal:8883", self.net.reaches(site))
        return "\n".join(
            line
            for line in text.splitlines()
            if not line.startswith(("bridge_cafile", "bridge_cert", "bridge_key"))
        )


@asynccontextmanager
async def parted(net: Net, folder: Path, gates: Mapping[str, str]) -> AsyncIterator[Parted]:
    """Brokers, centre and gates (site by name) in a net, until the end of the block; then nothing of it is left."""
    running = Parted(net, folder)
    sites = list(dict.fromkeys(gates.values()))
    await net.start(sites)
    try:
        for place in (CENTRE, *sites):
            await running.start_broker(place)
        await running.start_node(CENTRE, CENTRE)
        for name, site in gates.items():
            await running.start_node(name, site)
        yield running
    finally:
        try:
            await running.stop()
        finally:
            await net.remove()


async def soon(asks: Callable[[], Awaitable[bool]], what: str, within_s: float = 60.0) -> None:
    """Waits until a coroutine function answers yes."""
    end = time.monotonic() + within_s
    while not await asks():
        assert time.monotonic() < end, f"{what} did not come within {within_s:.0f} s"
        await asyncio.sleep(0.2)
