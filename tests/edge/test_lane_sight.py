"""How a lane without approach loop notices vehicles: which camera, when it is looked, and what an answer tells."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from structlog.testing import capture_logs

from edge.capture import CameraState, Frame
from edge.capture.health import CameraHealth
from edge.capture.pace import Pace, Rhythm
from edge.lane.machine import Event, LaneState
from edge.lane.reading import Eyes
from edge.lane.sight import GONE_AFTER_LOOKS, LOOK_ANYWAY_S, CameraPresence
from edge.vision.port import FoundPlate, Image, VisionError
from tests.builders import PLATE
from tests.edge.world import TICK_S, Clock, HandedCamera, ToldReader, World
from tests.loop import in_loop, until

SLOW_TRUCK_S = (1.0, 2.0, 3.0, 4.0)
SEEN = (PLATE,)
Answer = Sequence[object] | Exception | None


class ToldEyes(Eyes):
    """Answers each look at once with `answer`, or, while `held`, when the test lets it. `looked`: the frames."""

    def __init__(self, answer: Answer = ()) -> None:
        self.answer, self.held, self.ended = answer, False, 0
        self.looked: list[Frame] = []
        self.let = asyncio.Event()

    async def look(self, frame: Frame) -> Any:
        """The answer."""
        self.looked.append(frame)
        try:
            if self.held:
                await self.let.wait()
        except asyncio.CancelledError:
            self.ended += 1
            raise
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Watched:
    """A camera presence whose time passes tick by tick."""

    def __init__(self, eyes: ToldEyes, *names: str) -> None:
        self.clock, self.eyes = Clock(), eyes
        self.cameras = [HandedCamera(self.clock, name) for name in names or ("front",)]
        self.presence = CameraPresence(self.cameras, eyes, self.clock)

    async def pass_s(
        self, seconds: float, *, empty: bool = True, shows: Callable[[float], Image] | None = None
    ) -> list[Event]:
        """Everything told meanwhile; `shows`: the last camera's picture after so many seconds."""
        told: list[Event] = []
        for tick in range(round(seconds / TICK_S)):
            self.clock.advance(TICK_S)
            if shows is not None:
                self.cameras[-1].image = shows(tick * TICK_S)
            told += self.presence.events(empty)
            for _ in range(3):  # the task begins, is answered, ends
                await asyncio.sleep(0)
        return told


def covered(share: float, grey: int = 150) -> Image:
    """A lane of which a vehicle covers so much."""
    picture = np.full((90, 160, 3), 90, np.uint8)
    picture[:, : round(160 * share)] = grey
    return picture


# -- a look that failed


@in_loop
async def test_looks_that_failed_tell_nothing_and_are_no_misses() -> None:
    watched = Watched(ToldEyes())
    await watched.pass_s(GONE_AFTER_LOOKS - 0.5, empty=False)
    watched.eyes.answer = None
    assert await watched.pass_s(20, empty=False) == []
    assert len(watched.eyes.looked) > 2 * GONE_AFTER_LOOKS
    watched.eyes.answer = ()
    assert Event.VEHICLE_GONE in await watched.pass_s(2, empty=False)


@pytest.mark.parametrize("state", [LaneState.WAITING, LaneState.OPEN])
@in_loop
async def test_a_reader_that_fails_does_not_make_the_waiting_vehicle_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: LaneState
) -> None:
    class Failing(ToldReader):
        failing = False

        def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
            if self.failing:
                raise VisionError("the reader does not answer")
            return super().find(frame_bgr)

    world = World(tmp_path, unwired=("approach_loop",))
    reader = Failing(world.clock)
    monkeypatch.setattr(world.lane.parts.eyes, "_reader", reader)
    await world.until(LaneState.WAITING)
    if state is LaneState.OPEN:
        await world.confirmed_by_all()
        await world.until(LaneState.OPEN)
    had = world.kinds()
    reader.failing = True
    await world.pass_s(8)
    assert (world.lane.state, world.kinds()) == (state, had)


# -- movement


@pytest.mark.parametrize("comes_s", SLOW_TRUCK_S)
@in_loop
async def test_a_vehicle_that_comes_slowly_is_movement_however_many_frames_show_it(comes_s: float) -> None:
    watched = Watched(ToldEyes())
    await watched.pass_s(2)
    had = len(watched.eyes.looked)
    await watched.pass_s(comes_s, shows=lambda passed_s: covered(passed_s / comes_s / 2))
    assert len(watched.eyes.looked) > had


@in_loop
async def test_a_still_lane_is_looked_at_now_and_then_and_its_camera_rests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(ToldEyes())
    monkeypatch.setattr(watched.cameras[0], "rhythm", lambda: Rhythm(0.0, Pace.RESTING, group_s=1.0))
    await watched.pass_s(3 * LOOK_ANYWAY_S + 1)
    times = [frame.taken_at for frame in watched.eyes.looked]
    assert [round(later - at) for at, later in pairwise(times)] == [LOOK_ANYWAY_S] * 3
    assert not watched.cameras[0].awake


@in_loop
async def test_a_frame_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    watched, compared = Watched(ToldEyes()), list[Image]()
    resize = cv2.resize

    def counted(image: Image, *size: Any, **how: Any) -> Any:
        compared.append(image)
        return resize(image, *size, **how)

    monkeypatch.setattr(cv2, "resize", counted)
    await watched.pass_s(2)
    frame = watched.cameras[0].newest()
    monkeypatch.setattr(watched.cameras[0], "newest", lambda: frame)
    compared.clear()
    await watched.pass_s(1)
    assert len(compared) == 1


# -- the camera that notices


@in_loop
async def test_when_the_first_camera_dies_the_second_notices_vehicles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(ToldEyes(SEEN), "front", "rear")
    front, rear = watched.cameras
    old, lost = front.newest(), CameraHealth(CameraState.DOWN, 60.0, 0.0, "front: no picture")
    monkeypatch.setattr(front, "newest", lambda: old)
    monkeypatch.setattr(front, "health", lambda _now: lost)
    watched.clock.advance(60)
    assert Event.VEHICLE_ARRIVED in await watched.pass_s(1)
    rear.dark = True
    had = len(watched.eyes.looked)
    assert await watched.pass_s(20) == []
    assert len(watched.eyes.looked) == had


# -- a look takes its time


@in_loop
async def test_nobody_waits_for_a_slow_look_and_there_is_one_at_a_time() -> None:
    watched = Watched(ToldEyes(SEEN))
    watched.eyes.held = True
    assert await watched.pass_s(60, shows=lambda passed_s: covered(passed_s % 2 / 2)) == []
    assert len(watched.eyes.looked) == 1
    watched.eyes.let.set()
    assert await watched.pass_s(2 * TICK_S) == [Event.VEHICLE_ARRIVED]


@in_loop
async def test_an_answer_about_the_vehicle_before_is_dropped() -> None:
    watched = Watched(ToldEyes(SEEN))
    watched.eyes.held = True
    await watched.pass_s(1)
    await watched.pass_s(5, empty=False)
    await watched.pass_s(1)
    watched.cameras[0].dark = True  # no look follows
    watched.eyes.let.set()
    assert await watched.pass_s(1) == []


@in_loop
async def test_a_look_that_breaks_is_logged_and_the_next_one_tells() -> None:
    watched = Watched(ToldEyes(RuntimeError("the request is busy")))
    with capture_logs() as logs:
        assert await watched.pass_s(1) == []
    assert [one["event"] for one in logs] == ["sight_failed"]
    watched.eyes.answer = SEEN
    assert Event.VEHICLE_ARRIVED in await watched.pass_s(LOOK_ANYWAY_S + 1)


def slow(world: World, monkeypatch: pytest.MonkeyPatch) -> ToldEyes:
    """Looks of a lane without loop no longer end."""
    eyes = ToldEyes()
    eyes.held = True
    monkeypatch.setattr(world.lane.parts.eyes, "look", eyes.look)
    return eyes


@in_loop
async def test_the_boom_is_read_while_a_look_takes_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, unwired=("approach_loop",))
    eyes = slow(world, monkeypatch)
    await asyncio.wait_for(world.pass_s(2), 5)
    assert len(eyes.looked) == 1
    world.barrier.turn_by_key(up=True)
    await asyncio.wait_for(world.until(LaneState.OPEN), 5)
    assert world.lane.silent_s() < 1


@pytest.mark.parametrize("ends", ["the lane ends", "the loop speaks"])
@in_loop
async def test_a_look_under_way_ends_with_its_lane_and_when_the_loop_speaks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    world = World(tmp_path, unwired=("approach_loop",))
    eyes = slow(world, monkeypatch)
    lane = asyncio.create_task(world.lane.run())
    await until(lambda: bool(eyes.looked), "the look")
    if ends == "the loop speaks":
        monkeypatch.setattr(world.barrier, "_unwired", ())
        await until(lambda: eyes.ended == 1, "the end of the look")
    lane.cancel()
    await until(lambda: eyes.ended == 1, "the end of the look")
    await asyncio.gather(lane, return_exceptions=True)
