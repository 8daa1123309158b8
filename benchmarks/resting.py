"""What one 1080p camera costs while nothing happens, awake, and the way it was read before; and how long waking takes.

One process; the cameras (25 frames a second, 4 Mbit/s) are served over RTSP by another. CPU is that of the whole process over
some seconds of each way in turn, as a share of one core.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random

import cv2
import numpy as np

from benchmarks.figures import CannotRun, Effort, Figure, Peer, quantile, status_mb
from benchmarks.memory import SIZE_PX, write_clip
from edge.capture import Camera, CameraSettings
from edge.capture.pace import Pace
from edge.capture.source import open_video
from edge.vision.port import look
from edge.vision.ppocr import PpOcrReader
from simulation.cameras import CameraFarm
from simulation.plate_drawing import Ground, draw_plate
from simulation.trucks import draw_gate_background

FRAMES_PER_S, BIT_RATE = 25, 4_000_000
GROUPS_S = (2, 1)
"""What cameras come with, and what we ask for: seconds between key frames."""
FRAMES = 6 * FRAMES_PER_S
MOST_WAIT_S = 20.0
LOOK_S = 0.001
SETTLE_S = 0.5


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """CPU of each way, and the time from waking a camera to the first frame taken since; raises CannotRun."""
    clips = {str(group_s): folder / f"{group_s}.h264" for group_s in GROUPS_S}
    for group_s in GROUPS_S:
        await asyncio.to_thread(_write, clips[str(group_s)], group_s)
    farm = CameraFarm(frames_per_s=FRAMES_PER_S)
    urls = await farm.start(clips)
    try:
        return await asyncio.to_thread(_measured, urls, effort)
    finally:
        await farm.stop()


def _write(clip: Path, group_s: int) -> None:
    group = group_s * FRAMES_PER_S
    write_clip(clip, street(FRAMES), group=group, frames_per_s=FRAMES_PER_S, bit_rate=BIT_RATE)


def street(frames: int) -> Iterator[np.ndarray]:
    """A lane with a plate in it, through which something moves, with a sensor's noise."""
    noise = np.random.default_rng(1)
    still = cv2.resize(draw_gate_background(1, "barrier-1"), SIZE_PX).astype(np.int16)
    plate = draw_plate("29C12345", "VN", 1, Ground.YELLOW, px_per_mm=0.35)
    still[800 : 800 + plate.shape[0], 850 : 850 + plate.shape[1]] = plate[..., :3]
    grain = noise.normal(0, 1.5, (SIZE_PX[1] + 64, SIZE_PX[0] + 64, 1)).round().astype(np.int16)
    for number in range(frames):
        x, y = noise.integers(0, 64, 2)
        picture = still + grain[y : y + SIZE_PX[1], x : x + SIZE_PX[0]]
        left_px = 15 * number % (SIZE_PX[0] - 400)
        picture[200:500, left_px : left_px + 400] += 80
        yield picture.clip(0, 255).astype(np.uint8)


def _measured(urls: Mapping[str, str], effort: Effort) -> list[Figure]:
    usual, asked = (urls[str(group_s)] for group_s in GROUPS_S)
    before = _opencv(usual, effort.camera_s)
    reader = PpOcrReader()
    at_first_mb = status_mb(os.getpid(), "VmRSS")
    with _watched(usual) as camera:
        resting = _resting(camera, effort.camera_s)
        held_mb = status_mb(os.getpid(), "VmRSS") - at_first_mb
        wakes = _wakes(camera, GROUPS_S[0], effort.wakes)
        awake = _share(lambda: _awake(camera), effort.camera_s)
        reading = _share(lambda: _read(camera, reader), effort.camera_s)
    with _watched(asked) as camera:
        resting_asked = _resting(camera, effort.camera_s)
        wakes += _wakes(camera, GROUPS_S[1], effort.wakes)
    of_a_core = "% of a core"
    return [
        Figure("at rest, key frame every 2 s, CPU", resting, of_a_core, Peer("awake and read", reading)),
        Figure("the same", resting, of_a_core, Peer("awake, every frame", awake)),
        Figure("the same", resting, of_a_core, Peer("OpenCV's FFmpeg, every frame", before)),
        Figure(
            "at rest, key frame every 1 s, CPU", resting_asked, of_a_core, Peer("awake, every frame", awake)
        ),
        Figure("awake, every frame, CPU", awake, of_a_core, Peer("OpenCV's FFmpeg, every frame", before)),
        *wakes,
        Figure("one camera at rest, resident memory", held_mb, "MB"),
    ]


@contextmanager
def _watched(url: str) -> Iterator[Camera]:
    camera = Camera(CameraSettings("bench", url))
    camera.start()
    try:
        yield camera
    finally:
        camera.stop()


def _resting(camera: Camera, seconds: float) -> float:
    _until(lambda: _rests(camera), "the camera at rest")
    return _share(lambda: time.sleep(SETTLE_S), seconds)


def _wakes(camera: Camera, group_s: int, times: int) -> list[Figure]:
    took_ms = [1000 * _wake(camera, group_s, Random(number)) for number in range(times)]
    name = f"waking to the first frame since, key frame every {group_s} s, {times} times"
    return [
        Figure(f"{name}, p50", quantile(took_ms, 0.5), "ms"),
        Figure(f"{name}, worst", max(took_ms), "ms"),
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


def _wake(camera: Camera, group_s: int, moment: Random) -> float:
    """Lets the camera rest up to some moment of a group, wakes it; gives the seconds until a frame taken since is there."""
    _until(lambda: _rests(camera), "the camera at rest")
    time.sleep(moment.uniform(0, group_s))
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
