"""Who wakes a lane's cameras: its loops, a vehicle in the lane, movement in the picture; and never a screen."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.capture import Frame
from edge.capture.camera import AWAKE_FOR_S
from edge.capture.pace import Pace, Rhythm, Unfit, cannot_rest
from edge.gate import CROWDED
from edge.lane.machine import LaneState
from edge.lane.reading import Eyes, Reading
from edge.lane.sight import MOST_GROUP_S, kept_awake
from tests.edge.gate_folder import gate_in
from tests.edge.world import Clock, HandedCamera, ToldReader, World
from tests.loop import in_loop

Make = Callable[..., World]
QUICK, SLOW = Rhythm(0.0, Pace.RESTING, group_s=1.0), Rhythm(0.0, Pace.AWAKE, group_s=4.0)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return lambda **about: World(tmp_path, **about)


def rhythmic(camera: HandedCamera, rhythm: Rhythm | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "rhythm", lambda: rhythm)


@in_loop
async def test_cameras_rest_while_the_lane_is_empty_even_when_a_screen_shows_it(make: Make) -> None:
    world = make()
    for _ in range(5):
        await world.pass_s(1.0)
        assert world.lane.live_jpeg() is not None
        assert not world.camera.awake


@in_loop
async def test_a_vehicle_on_the_loop_wakes_the_cameras_at_once_and_they_rest_after_it(make: Make) -> None:
    world = make()
    await world.pass_s(5.0)
    world.barrier.approach_loop = True
    await world.pass_s(0.05)
    assert world.camera.awake

    await world.until(LaneState.WAITING)
    await world.pass_s(30.0)
    assert world.camera.awake
    world.vehicle_backs_away()
    await world.until(LaneState.EMPTY)
    await world.pass_s(AWAKE_FOR_S + 0.1)
    assert not world.camera.awake


@in_loop
async def test_a_vehicle_under_the_boom_of_an_empty_lane_wakes_the_cameras(make: Make) -> None:
    world = make()
    world.barrier.under_boom_loop = True
    await world.pass_s(0.05)
    assert world.camera.awake


@pytest.mark.parametrize(("rhythm", "awake"), [(QUICK, False), (SLOW, True), (None, True)])
@in_loop
async def test_without_a_loop_only_a_camera_that_would_notice_soon_rests(
    make: Make, monkeypatch: pytest.MonkeyPatch, rhythm: Rhythm | None, awake: bool
) -> None:
    world = make(unwired=("approach_loop",))
    world.reader.plate = None
    rhythmic(world.camera, rhythm, monkeypatch)
    await world.pass_s(5.0)
    assert world.camera.awake is awake


@in_loop
async def test_without_a_loop_movement_wakes_the_camera_that_rests(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(unwired=("approach_loop",))
    world.reader.plate = None
    rhythmic(world.camera, QUICK, monkeypatch)
    await world.pass_s(5.0)
    world.camera.image = np.full((90, 160, 3), 140, np.uint8)
    await world.pass_s(0.05)
    assert world.camera.awake


def test_a_picture_from_before_the_vehicle_is_not_read() -> None:
    clock = Clock()
    camera, reader = HandedCamera(clock), ToldReader(clock)
    old = Frame(camera.image, clock() - 0.5, 1)
    frames = iter([old, old, replace(old, taken_at=clock() + 1, number=2)])

    class Resting(HandedCamera):
        def newest(self) -> Frame | None:
            clock.advance(0.5)
            return next(frames, None)

    reading = Reading([Resting(clock)], Eyes(reader), most_s=6.0, clock=clock)
    asyncio.run(reading.run())
    assert reading.last_frame is not None
    assert reading.last_frame[1].number == 2
    assert list(reading.frames) == [("front", 2)]


def test_a_gate_tells_which_cameras_never_rest_and_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gate_in(tmp_path)
    (camera,) = gate.working[0].parts.cameras
    assert gate.notes() == []
    restless = Rhythm(0.0, Pace.RESTLESS, unfit=Unfit.BLIND)
    monkeypatch.setattr(camera, "rhythm", lambda: restless)
    assert gate.notes() == [f"lane-1: front: is decoded all the time: {cannot_rest(restless)}"]
    gate.store.close()


def test_slow_key_frames_are_told_only_where_no_loop_notices_vehicles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    front, rear = HandedCamera(Clock()), HandedCamera(Clock(), "rear")
    for camera in (front, rear):
        rhythmic(camera, SLOW, monkeypatch)
    (told,) = kept_awake([front, rear], loop=False, now=0.0)
    assert told.startswith(
        "front: is decoded all the time: the lane has no approach loop and key frames come only"
    )
    assert "every 4.0 s" in told
    assert kept_awake([front, rear], loop=True, now=0.0) == []
    rhythmic(front, replace(SLOW, group_s=MOST_GROUP_S), monkeypatch)
    assert kept_awake([front, rear], loop=False, now=0.0) == []


@pytest.mark.parametrize(("under_way", "noted"), [(8_000, False), (9_000, True)])
def test_a_gate_tells_when_no_read_can_be_final_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, under_way: int, noted: bool
) -> None:
    gate = gate_in(tmp_path)
    monkeypatch.setattr(gate.knowledge.book, "most_under_way", lambda: under_way)
    assert (CROWDED in gate.notes()) is noted
    gate.store.close()
