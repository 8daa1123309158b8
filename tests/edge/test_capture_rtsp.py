"""Cameras over real RTSP: a server that dies and comes back, one that freezes, and a neighbour that never notices."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from edge.capture import Camera, CameraSettings, CameraState
from simulation.cameras import CameraFarm, missing_package
from simulation.clips import idle_clip
from simulation.trucks import Gate

MISSING = missing_package()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=f"the Debian package {MISSING} is not installed")


def watched(url: str) -> Camera:
    settings = CameraSettings("lane 1", url, stale_after_s=0.8, first_retry_s=0.2, most_retry_s=0.4)
    camera = Camera(settings, rng=Random(1))
    camera.start()
    return camera


async def becomes(camera: Camera, state: CameraState, within_s: float) -> float:
    """Seconds until the camera is in a state."""
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        if camera.health(time.monotonic()).state is state:
            return time.monotonic() - began
        await asyncio.sleep(0.02)
    pytest.fail(f"not {state} within {within_s} s: {camera.health(time.monotonic())}")


def with_farm(clip: Path, story: Callable[[CameraFarm, str], Awaitable[None]]) -> None:
    async def run() -> None:
        farm = CameraFarm()
        urls = await farm.start({"lane": clip})
        try:
            await story(farm, urls["lane"])
        finally:
            await farm.stop()

    asyncio.run(run())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return idle_clip(tmp_path_factory.mktemp("clips"), Gate("barrier-1", 1))


def test_the_first_frame_comes_soon_and_is_not_old(clip: Path) -> None:
    async def story(_farm: CameraFarm, url: str) -> None:
        camera = watched(url)
        await becomes(camera, CameraState.LIVE, within_s=4.0)
        frame = camera.newest()
        camera.stop()
        assert frame is not None
        assert frame.image.ndim == 3
        assert not frame.image.flags.writeable

    with_farm(clip, story)


def test_a_camera_whose_server_dies_is_down_and_comes_back_by_itself(clip: Path) -> None:
    async def story(farm: CameraFarm, url: str) -> None:
        camera = watched(url)
        await becomes(camera, CameraState.LIVE, within_s=4.0)
        await farm.kill()
        await becomes(camera, CameraState.DOWN, within_s=4.0)
        await farm.start({"lane": clip})
        await becomes(camera, CameraState.LIVE, within_s=6.0)
        camera.stop()

    with_farm(clip, story)


def test_a_frozen_server_is_seen_by_the_age_of_the_frame_while_the_read_hangs(clip: Path) -> None:
    async def story(farm: CameraFarm, url: str) -> None:
        camera = watched(url)
        await becomes(camera, CameraState.LIVE, within_s=4.0)
        farm.freeze()
        assert await becomes(camera, CameraState.STALE, within_s=2.5) >= 0.5
        began = time.monotonic()
        camera.stop()
        assert time.monotonic() - began < 0.1

    with_farm(clip, story)


def test_a_camera_that_is_not_there_takes_nothing_from_its_neighbour(clip: Path) -> None:
    async def story(_farm: CameraFarm, url: str) -> None:
        dead, neighbour = watched("rtsp://127.0.0.1:9/nothing"), watched(url)
        await becomes(neighbour, CameraState.LIVE, within_s=4.0)
        await becomes(dead, CameraState.DOWN, within_s=2.0)
        assert neighbour.health(time.monotonic()).state is CameraState.LIVE
        dead.stop()
        neighbour.stop()

    with_farm(clip, story)
