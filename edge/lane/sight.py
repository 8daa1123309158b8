"""A vehicle noticed by the camera, for lanes whose approach loop is not wired or silent."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from edge.capture import Camera, CameraState, Frame
from edge.capture.pace import cannot_rest
from edge.lane.machine import Event
from edge.lane.reading import Eyes

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
LOOK_ANYWAY_S = 10.0
"""A lane in which nothing moves is looked at this often: a vehicle may have come too slowly, or its look may have failed."""
COMPARED_S = 1.0
"""Movement is what changed over this time, however many frames came: a truck that creeps changes little between two."""
MOST_GROUP_S = 1.25
"""A camera with a key frame a second may rest while it alone notices vehicles; a vehicle must not wait for slower ones."""
GONE_AFTER_LOOKS = 3
_SMALL = (64, 36)
_CHANGED = 6.0
"""Mean change of grey level (0 to 255) over the small picture that counts as movement."""


def kept_awake(cameras: Sequence[Camera], loop: bool, now: float) -> list[str]:
    """A sentence on each camera that never rests; `loop`: the lane has an approach loop."""
    watching = None if loop else living(cameras, now)
    told = []
    for camera in cameras:
        rhythm, name = camera.rhythm(), camera.settings.name
        if rhythm is None:
            continue
        if (why := cannot_rest(rhythm)) is not None:
            told.append(f"{name}: is decoded all the time: {why}")
        elif watching is not None and camera is watching[0] and rhythm.group_s and _slow(camera):
            told.append(
                f"{name}: is decoded all the time: the lane has no approach loop and key frames come only every "
                f"{rhythm.group_s:.1f} s; set the camera to one a second"
            )
    return told


def _slow(camera: Camera) -> bool:
    """True for a camera that at rest would notice a vehicle late: its key frames are too far apart, or not known yet."""
    rhythm = camera.rhythm()
    return rhythm is None or rhythm.group_s is None or rhythm.group_s > MOST_GROUP_S


def living(cameras: Sequence[Camera], now: float) -> tuple[Camera, Frame] | None:
    """The first camera that lives at the monotonic second `now`, and its newest frame: it is the one that notices vehicles."""
    alive = (c for c in cameras if c.health(now).state is CameraState.LIVE)
    return next(((c, f) for c in alive if (f := c.newest()) is not None), None)


@dataclass(frozen=True)
class _Background:
    taken_at: float
    grey: NDArray[np.uint8]


class CameraPresence:
    """Looks for a plate when the picture moved, at most once a second; a vehicle is gone after three looks without one.

    A look is a task of its own and nobody waits for it: one call of `events` begins it, a later one has its answer. An
    answer is dropped when the lane became empty or was entered since the look began: it is of another vehicle.
    """

    def __init__(
        self, cameras: Sequence[Camera], eyes: Eyes, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cameras = cameras
        self._eyes = eyes
        self._clock = clock
        self._look: asyncio.Task[bool | None] | None = None
        self._outdated = False
        self._looked_at = float("-inf")
        self._was_empty: bool | None = None
        self._compared: tuple[str, int] | None = None
        self._background: _Background | None = None
        self._misses = 0

    def events(self, empty: bool) -> tuple[Event, ...]:
        """What the camera tells since the last call, given whether the lane is empty; begins the next look when it is due."""
        now = self._clock()
        watching = living(self._cameras, now)
        if watching is not None and _slow(watching[0]):
            watching[0].wake()
        if empty is not self._was_empty:
            self._was_empty, self._outdated, self._misses = empty, True, 0
        if self._look is not None:
            return self._answer(self._look, empty)
        if watching is not None and self._due(*watching, empty, now):
            self._looked_at, self._outdated = now, False
            self._look = asyncio.create_task(self._sees_plate(*watching))
        return ()

    def end(self) -> None:
        """Ends the look under way; its answer is dropped."""
        self._misses = 0
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _answer(self, look: asyncio.Task[bool | None], empty: bool) -> tuple[Event, ...]:
        if not look.done():
            return ()
        self._look = None
        seen = None if look.cancelled() or self._outdated else look.result()
        if seen is None:
            return ()
        self._misses = 0 if seen else self._misses + 1
        if seen:
            return (Event.VEHICLE_ARRIVED,)
        return (Event.VEHICLE_GONE,) if not empty and self._misses >= GONE_AFTER_LOOKS else ()

    def _due(self, camera: Camera, frame: Frame, empty: bool, now: float) -> bool:
        if now - self._looked_at < LOOK_EVERY_S or now - frame.taken_at > MOST_GROUP_S:
            return False
        moved = empty and self._moved(camera.settings.name, frame)
        if moved:
            camera.wake()
        return moved or not empty or now - self._looked_at >= LOOK_ANYWAY_S

    def _moved(self, camera: str, frame: Frame) -> bool:
        if self._compared == (camera, frame.number):
            return False
        self._compared = camera, frame.number
        small = cv2.resize(frame.image, _SMALL, interpolation=cv2.INTER_AREA)
        grey, before = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8), self._background
        if before is None or frame.taken_at - before.taken_at >= COMPARED_S:
            self._background = _Background(frame.taken_at, grey)
        return before is not None and float(cv2.absdiff(grey, before.grey).mean()) > _CHANGED

    async def _sees_plate(self, camera: Camera, frame: Frame) -> bool | None:
        """None: it could not be looked."""
        try:
            plates = await self._eyes.look(frame)
        except Exception:  # whatever it is, the lane goes on and the next look tries again
            log.exception("sight_failed", camera=camera.settings.name)
            return None
        return None if plates is None else bool(plates)
