"""What one 1080p camera costs while nothing happens, awake, and the way it was read before; and how long waking takes.

One process; the camera (25 frames a second, 4 Mbit/s, a key frame every 2 s) is served over RTSP by another. CPU is that of the
whole process over some seconds of each way in turn, as a share of one core.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.figures import CannotRun, Effort, Figure, Peer, quantile, status_mb
from benchmarks.memory import SIZE_PX, scene, write_clip
from edge.capture import Camera, CameraSettings
from edge.capture.pace import Pace
from edge.capture.source import open_video
from edge.vision.port import look
from edge.vision.ppocr import PpOcrReader
from simulation.cameras import CameraFarm

FRAMES_PER_S, GROUP_S, GROUPS, BIT_RATE = 25, 2, 2, 4_000_000
MOST_WAIT_S = 20.0
LOOK_S = 0.001
SETTLE_S = 0.5


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """CPU of each way, and the time from waking a camera to the first frame taken since; raises CannotRun."""
    clip = folder / "street.h264"
    group = GROUP_S * FRAMES_PER_S
    await asyncio.to_thread(
        lambda: write_clip(
            clip, street(GROUPS * group), group=group, frames_per_s=FRAMES_PER_S, bit_rate=BIT_RATE
        )
    )
    farm = CameraFarm(frames_per_s=FRAMES_PER_S)
    urls = await farm.start({"bench": clip})
    try:
        return await asyncio.to_thread(_measured, urls["bench"], effort)
    finally:
        await farm.stop()


def street(frames: int) -> Iterator[np.ndarray]:
    """A lane through which something moves, with a sensor's noise."""
    noise = np.random.default_rng(1)
    still = scene()
    grain = noise.normal(0, 1.5, (SIZE_PX[1] + 64, SIZE_PX[0] + 64, 1)).round().astype(np.int16)
    for number in range(frames):
        x, y = noise.integers(0, 64, 2)
        picture = still + grain[y : y + SIZE_PX[1], x : x + SIZE_PX[0]]
        left_px = 15 * number % (SIZE_PX[0] - 400)
        picture[200:500, left_px : left_px + 400] += 80
        yield picture.clip(0, 255).astype(np.uint8)


def _measured(url: str, effort: Effort) -> list[Figure]:
    before = _opencv(url, effort.camera_s)
    reader = PpOcrReader()
    camera = Camera(CameraSettings("bench", url))
    at_first_mb = status_mb(os.getpid(), "VmRSS")
    camera.start()
    try:
        _until(lambda: _rests(camera), "the camera at rest")
        resting = _share(lambda: time.sleep(SETTLE_S), effort.camera_s)
        held_mb = status_mb(os.getpid(), "VmRSS") - at_first_mb
        wakes_ms = [1000 * _wake(camera, Random(number)) for number in range(effort.wakes)]
        awake = _share(lambda: _awake(camera), effort.camera_s)
        reading = _share(lambda: _read(camera, reader), effort.camera_s)
    finally:
        camera.stop()
    return [
        Figure("at rest, CPU", resting, "% of a core", Peer("awake and read", reading)),
        Figure("at rest, CPU against awake", resting, "% of a core", Peer("awake, every frame", awake)),
        Figure("awake, every frame, CPU", awake, "% of a core", Peer("OpenCV's FFmpeg, every frame", before)),
        Figure(f"waking to the first frame since, {len(wakes_ms)} times, p50", quantile(wakes_ms, 0.5), "ms"),
        Figure("waking to the first frame since, worst", max(wakes_ms), "ms"),
        Figure("one camera at rest, resident memory", held_mb, "MB"),
    ]


def _opencv(url: str, seconds: float) -> float:
    video = open_video(url, open_timeout_s=5.0, read_timeout_s=3.0)
    try:
        _share(video.read, SETTLE_S)  # what was buffered while opening
        return _share(video.read, seconds)
    finally:
        video.close()


def _share(work: Callable[[], object], seconds: float) -> float:
    """CPU time of this process while `work` is repeated for some seconds, in % of one core."""
    began, cpu_began = time.monotonic(), time.process_time()
    while time.monotonic() - began < seconds:
        work()
    return 100 * (time.process_time() - cpu_began) / (time.monotonic() - began)


def _awake(camera: Camera) -> None:
    camera.wake()
    time.sleep(SETTLE_S)


def _read(camera: Camera, reader: PpOcrReader) -> None:
    camera.wake()
    frame = camera.newest()
    assert frame is not None
    look(reader, frame.image)


def _wake(camera: Camera, moment: Random) -> float:
    """Lets the camera rest up to some moment of a group, wakes it; gives the seconds until a frame taken since is there."""
    _until(lambda: _rests(camera), "the camera at rest")
    time.sleep(moment.uniform(0, GROUP_S))
    woken = time.monotonic()
    camera.wake(for_s=SETTLE_S)
    _until(lambda: (frame := camera.newest()) is not None and frame.taken_at > woken, "a frame after waking")
    return time.monotonic() - woken


def _rests(camera: Camera) -> bool:
    rhythm = camera.rhythm()
    return not camera.awake and rhythm is not None and rhythm.pace is Pace.RESTING


def _until(done: Callable[[], bool], what: str) -> None:
    tick, end = threading.Event(), time.monotonic() + MOST_WAIT_S
    while not done():
        if time.monotonic() > end:
            raise CannotRun(f"{what}: did not come within {MOST_WAIT_S:.0f} s")
        tick.wait(LOOK_S)
