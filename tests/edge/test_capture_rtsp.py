"""Cameras over real RTSP: a server that dies and comes back, one that freezes, and a neighbour that never notices."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from edge.capture import Camera, CameraSettings, CameraState, Frame
from simulation.cameras import CameraFarm, missing_package
from simulation.clips import idle_clip
from simulation.trucks import Gate
from tests.edge.clips import write_stream

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


GROUP_S = 4
LEVELS = range(20, 20 + 5 * 10 * GROUP_S, 5)
"""A grey level for each tenth of a second of the group: what a picture shows says when it was taken."""


def level(camera: Camera) -> int:
    frame = camera.newest()
    assert frame is not None
    return round(float(frame.image.mean()))


async def next_frame(camera: Camera, within_s: float) -> Frame:
    """Waits for another frame than the newest."""
    before, began = camera.newest(), time.monotonic()
    while time.monotonic() - began < within_s:
        if (frame := camera.newest()) is not before and frame is not None:
            return frame
        await asyncio.sleep(0.002)
    pytest.fail(f"no other frame within {within_s} s")


def test_at_rest_a_camera_is_live_by_what_arrives_and_on_waking_shows_now(tmp_path: Path) -> None:
    async def story(_farm: CameraFarm, url: str) -> None:
        camera = watched(url)
        await becomes(camera, CameraState.LIVE, within_s=4.0)
        await next_frame(camera, within_s=GROUP_S + 1)
        began = (await next_frame(camera, within_s=GROUP_S + 1)).taken_at
        while time.monotonic() < began + 2.5:
            assert camera.health(time.monotonic()).state is CameraState.LIVE
            await asyncio.sleep(0.02)
        resting = camera.newest()
        assert resting is not None
        assert resting.taken_at == began

        woken = time.monotonic()
        camera.wake()
        await next_frame(camera, within_s=2.0)
        took_s = time.monotonic() - woken
        shown_s = (level(camera) - LEVELS[0]) / 50
        await asyncio.sleep(1.0)
        flown = camera.newest()
        camera.stop()

        assert took_s < 0.4  # a frame's time of this camera and the decoding
        assert shown_s == pytest.approx(woken - began, abs=0.4)
        assert flown is not None
        assert flown.number - resting.number >= 6

    with_farm(write_stream(tmp_path / "long.h264", LEVELS, 10 * GROUP_S), story)


def test_a_camera_frozen_at_rest_goes_stale_and_is_opened_again(clip: Path) -> None:
    async def story(farm: CameraFarm, url: str) -> None:
        camera = watched(url)
        await becomes(camera, CameraState.LIVE, within_s=4.0)
        farm.freeze()
        await becomes(camera, CameraState.STALE, within_s=2.5)
        await becomes(camera, CameraState.DOWN, within_s=5.0)
        farm.thaw()
        await becomes(camera, CameraState.LIVE, within_s=6.0)
        camera.stop()

    with_farm(clip, story)
