"""An officer's press on *open* until the pulse arrives at the board, against a bare Modbus write to the same board in turn."""

import asyncio
import time
from pathlib import Path

import httpx
from pymodbus.client import AsyncModbusTcpClient

from benchmarks.alone import GateAlone
from benchmarks.figures import CannotRun, Effort, Figure, Peer, quantile, spread
from benchmarks.memory import scene, write_clip
from benchmarks.storing import append_one, arrival
from shared.node.store import Store
from shared.signing import PrivateKey
from simulation.boom import Boom, BoomEventKind
from simulation.gate_board import HOST, PULSE
from simulation.layout import LANE

BETWEEN_S = 0.037
"""Between two presses; no multiple of the gate's own rhythm, so that they meet every moment of it."""

BARE_RELAY = 3
"""*Open* of the board's second boom."""


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """Emergency presses on an empty lane by HTTP; both clients and the board live in this one process."""
    clip = folder / "street.h264"
    await asyncio.to_thread(lambda: write_clip(clip, [scene()] * 20))
    store, key = Store(folder / "beside.db"), PrivateKey.generate()
    ours_s, bare_s, http_s, append_s = [], [], [], []
    async with GateAlone(folder / "gate", clip) as gate:
        await gate.start()
        await gate.sign_in()
        settings = gate.board.settings(0)
        client = AsyncModbusTcpClient(HOST, port=settings.port, retries=0)
        await client.connect()
        for _ in range(effort.presses):
            ours_s.append(await _press(gate.client, gate.boom))
            bare_s.append(await _write(client, settings.relay_unit, gate.bare))
            http_s.append(await _get(gate.client))
            append_s.append(append_one(store, key, arrival())[1])
            await asyncio.sleep(BETWEEN_S)
        client.close()
    store.close()
    peer = ("bare pymodbus write", bare_s)
    share = quantile(append_s, 0.5) / quantile(ours_s, 0.5)
    return [
        *spread(f"press to pulse at the board, {effort.presses} presses", ours_s, peer),
        *spread("of it: an HTTP round trip to the same process", http_s),
        Figure("of it: one fact put on disk in the same run, share of p50", 100 * share, "%"),
        Figure("press to pulse, worst", 1000 * max(ours_s), "ms", Peer(peer[0], 1000 * max(bare_s))),
    ]


async def _press(client: httpx.AsyncClient, boom: Boom) -> float:
    """Seconds from the request until the relay closed, by the board's own word."""
    before, began = len(boom.events), time.monotonic()
    headers = {"Accept": "application/json"}
    answer = await client.post(f"/lane/{LANE}/press", data={"press": "emergency"}, headers=headers)
    if answer.status_code != 200:
        raise CannotRun(f"the press was refused: {answer.text[:200]}")
    return _pulse_at(boom, before) - began


async def _write(client: AsyncModbusTcpClient, unit: int, boom: Boom) -> float:
    before, began = len(boom.events), time.monotonic()
    await client.write_register(BARE_RELAY, PULSE, device_id=unit)
    return _pulse_at(boom, before) - began


async def _get(client: httpx.AsyncClient) -> float:
    began = time.monotonic()
    await client.get("/health/live")
    return time.monotonic() - began


def _pulse_at(boom: Boom, before: int) -> float:
    pulses = [event.at_s for event in boom.events[before:] if event.kind is BoomEventKind.OPEN_PULSE]
    if not pulses:
        raise CannotRun("the board saw no pulse; see the gate's log")
    return pulses[0]
