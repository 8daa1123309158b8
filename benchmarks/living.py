"""Memory of the whole `barie-edge run` process with one 1080p camera, while vehicles come and are read."""

import asyncio
import time
from pathlib import Path

from benchmarks.alone import GateAlone
from benchmarks.figures import Effort, Figure, status_mb
from benchmarks.memory import scene, write_clip

STANDS_S, AWAY_S = 2.0, 2.5
"""How long a vehicle stands at the line, and how long the lane is free before the next (the gate wants 2 s)."""


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """Resident memory at the start, after the first vehicles and at the end; with how many vehicles in between."""
    clip = folder / "street.h264"
    await asyncio.to_thread(lambda: write_clip(clip, [scene()] * 20))
    async with GateAlone(folder / "gate", clip) as gate:
        await gate.start()
        at_start_mb = status_mb(gate.process.pid, "VmRSS")
        end = time.monotonic() + effort.memory_s
        seen_mb: list[float] = []
        while time.monotonic() < end:
            await _vehicle(gate)
            seen_mb.append(status_mb(gate.process.pid, "VmRSS"))
        peak_mb = status_mb(gate.process.pid, "VmHWM")
    half = len(seen_mb) // 2
    return [
        Figure("resident, camera live, nobody read yet", at_start_mb, "MB"),
        Figure(f"resident after {half} vehicles", seen_mb[half - 1], "MB"),
        Figure(f"resident after {len(seen_mb)} vehicles", seen_mb[-1], "MB"),
        Figure("peak", peak_mb, "MB"),
    ]


async def _vehicle(gate: GateAlone) -> None:
    gate.boom.vehicle_arrives(time.monotonic(), "29C12345")
    await asyncio.sleep(STANDS_S)
    gate.boom.vehicle_backs_away(time.monotonic())
    await asyncio.sleep(AWAY_S)
