"""One real gate alone: `barie-edge run` as a process, a camera, a board; no centre and no broker, as when the line is cut."""

import asyncio
import sys
import time
from pathlib import Path
from types import TracebackType

import httpx

from benchmarks.figures import CannotRun
from simulation.boom import Boom
from simulation.cameras import CameraFarm
from simulation.centre_client import answers
from simulation.gate_board import GateBoard
from simulation.layout import GATES, LANE, GatePlan, LaneFiles, Layout
from simulation.officers import Badge
from simulation.ports import free_ports
from simulation.processes import Process

BARRIER_2: GatePlan = GATES[1]
LOOK_S = 0.01
START_S = 60.0


class GateAlone:
    """An asynchronous context manager that prepares everything; `start` starts the gate's process, as often as wanted.

    The board has a second boom, `bare`, that no gate moves: the peer of a benchmark writes to its relay.
    """

    def __init__(self, folder: Path, clip: Path) -> None:
        names = ["centre", "broker", BARRIER_2.node]
        self.layout = Layout(folder, dict(zip(names, free_ports(len(names)), strict=True)))
        self.boom, self.bare = Boom(), Boom()
        self.board = GateBoard([self.boom, self.bare])
        self.client = httpx.AsyncClient(base_url=self.layout.screen(BARRIER_2), timeout=5.0)
        self._cameras = CameraFarm()
        self._clip = clip
        self._process: Process | None = None

    async def __aenter__(self) -> "GateAlone":
        await self.board.start()
        try:
            urls = await self._cameras.start({LANE: self._clip})
        except BaseException:
            await self.board.stop()
            raise
        lane = LaneFiles(urls[LANE], self.board.settings(0, BARRIER_2.node))
        file = self.layout.write_gate(BARRIER_2, "", [lane])
        command = [sys.executable, "-m", "edge.cli", "run", str(file)]
        self._process = Process(BARRIER_2.node, command, self.layout.folder / "gate.log")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()
        await self.process.stop()
        await self._cameras.stop()
        await self.board.stop()

    @property
    def process(self) -> Process:
        """The gate's process."""
        if self._process is None:
            raise CannotRun("the gate was not prepared; use `async with`")
        return self._process

    async def start(self) -> tuple[float, float]:
        """Starts the gate; seconds to the first served page, and to a live camera and an answering board."""
        began = time.monotonic()
        await self.process.start()
        page_s = await first_answer(self.process, self.client, "/login", began)
        ready_s = await first_answer(self.process, self.client, "/health/ready", began)
        return page_s, ready_s

    async def sign_in(self) -> None:
        """Signs the border-guard officer in at the screen; raises CannotRun."""
        await sign_in(self.client, self.layout.badges[BARRIER_2.node][0])


async def first_answer(process: Process, client: httpx.AsyncClient, path: str, began: float) -> float:
    """Seconds from `began` until a page answers 200; raises CannotRun when the process ends or takes too long."""
    while time.monotonic() - began < START_S and process.alive:
        if await answers(client, path):
            return time.monotonic() - began
        await asyncio.sleep(LOOK_S)
    raise CannotRun(f"{process.name}: {path} did not answer; its log ends: {process.last_words()}")


async def sign_in(client: httpx.AsyncClient, badge: Badge) -> None:
    """Signs an officer in; the client keeps the cookie. Raises CannotRun."""
    answer = await client.post("/login", data={"code": badge.code, "pin": badge.pin})
    if answer.status_code >= 400:
        raise CannotRun(f"{badge.code} cannot sign in: {answer.status_code}")
