"""Networks that can be cut: two sites and a centre in network namespaces of their own, or on loopback behind proxies.

Nothing is set outside the namespaces that are made here, and they are removed at the end, whatever happened in between.
"""

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.shared.broker import free_port

CENTRE = "centre"
PORT = 1883
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Net(Protocol):
    """Two sites, each with a line of its own to the centre."""

    loses: bool
    """Whether single packets can be lost."""

    async def start(self, sites: Sequence[str]) -> None:
        """Builds it."""

    async def remove(self) -> None:
        """Takes it away."""

    def inside(self, place: str, command: Sequence[str]) -> list[str]:
        """The command that runs another at a place."""

    def listens(self, place: str) -> str:
        """`host:port` at which a place's broker listens."""

    def reaches(self, place: str) -> str:
        """`host:port` at which the centre's broker is reached from a place."""

    async def cut(self, site: str, *, silent: bool) -> None:
        """Cuts a site's line. `silent`: packets vanish; else the interface goes down."""

    async def lose(self, site: str, percent: int) -> None:
        """Loses so many of the packets on a site's line."""

    async def heal(self, site: str) -> None:
        """The line is whole again."""


def namespaces_missing() -> str | None:
    """Why no namespaces can be made here, or None."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(program, path=PATH) is None:
            return f"{program} is missing; install {package} (scripts/setup)"
    probe = f"barie-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no network namespaces here: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], check=True)
    return None


class Namespaces:
    """One namespace a place, and a pair of veth between each site and the centre."""

    loses = True

    def __init__(self) -> None:
        self._prefix = f"barie-{os.getpid()}"
        self._numbers: dict[str, int] = {}
        self._made: list[str] = []

    async def start(self, sites: Sequence[str]) -> None:
        """Builds it; removes what it had made when that fails."""
        self._numbers = {site: number for number, site in enumerate(sites, start=1)}
        try:
            for place in (CENTRE, *sites):
                await self._ip("netns", "add", self._name(place))
                self._made.append(place)
                await self._in(place, "ip", "link", "set", "lo", "up")
            for site, number in self._numbers.items():
                await self._veth(site, number)
        except BaseException:
            await self.remove()
            raise

    async def remove(self) -> None:
        """Removes the namespaces, and with them what is in them. The processes in them must have ended."""
        while self._made:
            await self._ip("netns", "del", self._name(self._made.pop()))

    def inside(self, place: str, command: Sequence[str]) -> list[str]:
        """Runs it in the place's namespace; the process keeps its id."""
        return ["ip", "netns", "exec", self._name(place), *command]

    def listens(self, place: str) -> str:
        """Everything in a namespace may listen on the same port."""
        del place
        return f"0.0.0.0:{PORT}"

    def reaches(self, place: str) -> str:
        """The centre's end of the place's line."""
        return f"127.0.0.1:{PORT}" if place == CENTRE else f"10.77.{self._numbers[place]}.1:{PORT}"

    async def cut(self, site: str, *, silent: bool) -> None:
        """At the site's end of the line."""
        if silent:
            await self.lose(site, 100)
        else:
            await self._in(site, "ip", "link", "set", "up0", "down")

    async def lose(self, site: str, percent: int) -> None:
        """Both ways, at the site's end of the line; what is within the site is not touched."""
        share = "drop" if percent == 100 else f"numgen random mod 100 < {percent} drop"
        rules = "\n".join(
            (
                "table inet loss {",
                f'  chain in {{ type filter hook input priority 0; iifname "up0" {share}; }}',
                f'  chain out {{ type filter hook output priority 0; oifname "up0" {share}; }}',
                "}",
            )
        )
        await self._in(site, "nft", rules)

    async def heal(self, site: str) -> None:
        """Link up, no losses."""
        await self._in(site, "nft", "flush ruleset")
        await self._in(site, "ip", "link", "set", "up0", "up")

    async def _veth(self, site: str, number: int) -> None:
        here, there = self._name(site), self._name(CENTRE)
        await self._ip(
            *("link", "add", "up0", "netns", here, "type", "veth"),
            *("peer", "name", f"down{number}", "netns", there),
        )
        for place, end, last in ((site, "up0", 2), (CENTRE, f"down{number}", 1)):
            await self._in(place, "ip", "address", "add", f"10.77.{number}.{last}/30", "dev", end)
            await self._in(place, "ip", "link", "set", end, "up")

    def _name(self, place: str) -> str:
        return f"{self._prefix}-{place.lower()}"

    async def _in(self, place: str, *command: str) -> None:
        await _run(*self.inside(place, command))

    @staticmethod
    async def _ip(*arguments: str) -> None:
        await _run("ip", *arguments)


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise OSError(f"{' '.join(command)}: {said.decode().strip()}")


@dataclass
class Line:
    """A TCP proxy to a port of loopback. Cut silently, it holds whatever comes; cut at once, it breaks all connections."""

    target: int
    port: int = field(default_factory=free_port)
    whole: asyncio.Event = field(default_factory=asyncio.Event)
    refuses: bool = False
    _server: asyncio.Server | None = None
    _carrying: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Begins to take connections."""
        self.whole.set()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Takes no more, and ends those there are."""
        if self._server is not None:
            self._server.close()
        await self.break_all()

    async def break_all(self) -> None:
        """Ends every connection."""
        carrying = list(self._carrying)
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        onward: asyncio.StreamWriter | None = None
        try:
            if self.refuses:
                return
            await self.whole.wait()
            back, onward = await asyncio.open_connection("127.0.0.1", self.target)
            both = [
                asyncio.create_task(self._carry(reader, onward)),
                asyncio.create_task(self._carry(back, writer)),
            ]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in both:
                    one.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._carrying.discard(task)
            for end in (writer, onward):
                if end is not None:
                    end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self.whole.wait()
                writer.write(data)
                await writer.drain()


class Proxies:
    """Everything on loopback; each site's line to the centre is a proxy. TCP loses no packets: `lose` breaks connections."""

    loses = False

    def __init__(self) -> None:
        self._ports: dict[str, int] = {}
        self._lines: dict[str, Line] = {}
        self._losing: dict[str, asyncio.Task[None]] = {}

    async def start(self, sites: Sequence[str]) -> None:
        """Starts the proxies."""
        self._ports = {place: free_port() for place in (CENTRE, *sites)}
        for site in sites:
            self._lines[site] = Line(self._ports[CENTRE])
            await self._lines[site].start()

    async def remove(self) -> None:
        """Stops the proxies."""
        for site, line in self._lines.items():
            await self._lose_no_more(site)
            await line.stop()

    def inside(self, place: str, command: Sequence[str]) -> list[str]:
        """As it is."""
        del place
        return list(command)

    def listens(self, place: str) -> str:
        """A port of loopback."""
        return f"127.0.0.1:{self._ports[place]}"

    def reaches(self, place: str) -> str:
        """Through the place's proxy."""
        return f"127.0.0.1:{self._ports[CENTRE] if place == CENTRE else self._lines[place].port}"

    async def cut(self, site: str, *, silent: bool) -> None:
        """Holds everything, or breaks all connections and refuses new ones."""
        line = self._lines[site]
        if silent:
            line.whole.clear()
        else:
            line.refuses = True
            await line.break_all()

    async def lose(self, site: str, percent: int) -> None:
        """Breaks all connections every now and then, the oftener the more."""

        async def breaking() -> None:
            while True:
                await asyncio.sleep(random.uniform(0, 200 / percent))
                await self._lines[site].break_all()

        self._losing[site] = asyncio.create_task(breaking())

    async def heal(self, site: str) -> None:
        """Carries again. What was held on connections from before the cut is lost with them."""
        await self._lose_no_more(site)
        line = self._lines[site]
        if not line.whole.is_set():
            await line.break_all()
        line.refuses = False
        line.whole.set()

    async def _lose_no_more(self, site: str) -> None:
        losing = self._losing.pop(site, None)
        if losing is not None:
            losing.cancel()
            await asyncio.gather(losing, return_exceptions=True)
