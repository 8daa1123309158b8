"""What is said of a camera's pictures over real RTSP: the note comes while the stream is spoilt and goes with it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pytest

from edge.capture import Camera, CameraSettings
from edge.capture.picture_health import PictureHealth, PictureSettings, PictureTrouble
from edge.capture.picture_learning import LEARN_LOOKS, Learned, learn
from edge.capture.picture_measures import measure
from edge.capture.picture_watch import SENTENCES, PictureWatch
from edge.capture.source import Image
from simulation.cameras import CameraFarm, missing_package
from simulation.clips import FRAMES_PER_S, VehicleClips, encoded
from simulation.trucks import draw_gate_background

MISSING = missing_package()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=f"the Debian package {MISSING} is not installed")

QUICK = PictureSettings(begins_after_s=dict.fromkeys(PictureTrouble, 1.0), ends_after_s=1.0)
WITHIN_S = 40.0
BACKGROUND = draw_gate_background(1, "barrier-1")


def turned(lane: Image) -> Image:
    shift = np.array([[1, 0, 64], [0, 1, 32]], np.float32)
    return np.asarray(cv2.warpAffine(lane, shift, lane.shape[1::-1], borderMode=cv2.BORDER_REFLECT), np.uint8)


def second(lane: Image) -> bytes:
    """A second of a lane that may be looped, with a sensor's noise."""
    rng = np.random.default_rng(5)
    grain = (rng.standard_normal(lane.shape, dtype=np.float32) * 1.5 for _ in range(FRAMES_PER_S))
    return encoded(np.clip(lane + one, 0, 255).astype(np.uint8) for one in grain)


def repeated(lane: Image) -> bytes:
    """The same coded picture again and again; coded anew, a still picture is not the same to the bit."""
    return encoded([lane]) * FRAMES_PER_S


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def lane(folder: Path) -> Path:
    clip = folder / "lane.h264"
    clip.write_bytes(second(BACKGROUND))
    return clip


@pytest.fixture(scope="module")
def learned(lane: Path) -> Learned:
    """What a gate has learned after two minutes of the lane, from the clip's own frames."""
    video, frames = cv2.VideoCapture(str(lane)), []
    while (read := video.read())[0]:
        frames.append(measure(np.asarray(read[1], np.uint8)))
    known = Learned()
    for number in range(LEARN_LOOKS):
        measures = frames[number % len(frames)]
        assert measures is not None
        known = learn(known, measures)
    return known


async def looks_until(watch: PictureWatch, reached: Callable[[], bool]) -> None:
    """Looks at every frame that comes until a thing is so."""
    began = time.monotonic()
    while not reached():
        if time.monotonic() - began > WITHIN_S:
            pytest.fail(f"not within {WITHIN_S} s; troubles: {watch.health.troubles}")
        await asyncio.to_thread(watch.look)
        await asyncio.sleep(0.05)


SPOILT: dict[PictureTrouble, Callable[[Image], bytes]] = {
    PictureTrouble.BLINDED: lambda lane: second(np.full_like(lane, 4)),
    PictureTrouble.MOVED: lambda lane: second(turned(lane)),
    PictureTrouble.FROZEN: repeated,
}


@pytest.mark.parametrize("trouble", SPOILT)
def test_a_spoilt_stream_is_noted_and_the_note_goes_with_it(
    trouble: PictureTrouble, folder: Path, lane: Path, learned: Learned
) -> None:
    spoilt = folder / f"{trouble}.h264"
    spoilt.write_bytes(SPOILT[trouble](BACKGROUND))
    clips = VehicleClips(spoilt, spoilt, lane, lane)

    async def story() -> None:
        farm = CameraFarm()
        camera = Camera(CameraSettings("front", (await farm.start({"lane": lane}))["lane"]), rng=Random(1))
        camera.start()
        watch = PictureWatch("lane-1", camera, settings=QUICK)
        watch.health = PictureHealth(learned=learned)
        try:
            await looks_until(watch, lambda: watch.health.fingerprint is not None)
            await looks_until(watch, lambda: sum(hour.watched_s for hour in watch.health.hours) > 3)
            assert watch.note() is None
            await farm.truck_arrives("lane", clips)
            await looks_until(watch, lambda: SENTENCES[trouble] in (watch.note() or ""))
            await farm.idle("lane")
            await looks_until(watch, lambda: watch.note() is None)
        finally:
            camera.stop()
            await farm.stop()

    asyncio.run(story())
