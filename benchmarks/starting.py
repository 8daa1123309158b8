"""Start to first served page, of the gate (and to its live camera) and of the centre, against a bare web server."""

import asyncio
import sys
import time
from pathlib import Path

import httpx

from benchmarks.alone import GateAlone, first_answer
from benchmarks.figures import Effort, Figure, Peer, quantile
from benchmarks.memory import scene, write_clip
from simulation.layout import CENTRE_LOGIN, Layout
from simulation.ports import free_ports
from simulation.processes import Process

BARE = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
app.get("/login")(lambda: {})
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """Each started anew several times; the files are in the page cache after the first."""
    bare_s = [await _bare(folder) for _ in range(effort.starts)]
    centre_s = await _centre(folder / "centre-alone", effort.starts)
    clip = folder / "street.h264"
    await asyncio.to_thread(lambda: write_clip(clip, [scene()] * 20))
    async with GateAlone(folder / "gate", clip) as gate:
        gate_s = []
        for _ in range(effort.starts):
            gate_s.append(await gate.start())
            await gate.process.stop()
    peer = Peer("bare FastAPI on uvicorn", quantile(bare_s, 0.5))
    pages_s, ready_s = zip(*gate_s, strict=True)
    starts = f"p50 of {effort.starts}"
    return [
        Figure(f"gate: start to first page, {starts}", quantile(pages_s, 0.5), "s", peer),
        Figure(f"gate: start to live camera, {starts}", quantile(ready_s, 0.5), "s"),
        Figure(f"centre: start to first page, {starts}", quantile(centre_s, 0.5), "s", peer),
    ]


async def _bare(folder: Path) -> float:
    port = free_ports(1)[0]
    process = Process("bare", [sys.executable, "-c", BARE, str(port)], folder / "bare.log")
    return await _page(process, port, "/login")


async def _centre(folder: Path, starts: int) -> list[float]:
    layout = Layout(folder, dict(zip(("centre", "broker"), free_ports(2), strict=True)))
    file = layout.write_centre({CENTRE_LOGIN: ""})
    command = [sys.executable, "-m", "central.cli", "run", str(file)]
    process = Process("centre", command, folder / "centre.log")
    return [await _page(process, layout.ports["centre"], "/") for _ in range(starts)]


async def _page(process: Process, port: int, path: str) -> float:
    """Starts the process, waits for the page, ends it."""
    began = time.monotonic()
    await process.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            return await first_answer(process, client, path, began)
    finally:
        await process.stop()
