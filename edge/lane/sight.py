"""A vehicle noticed by the camera, for lanes whose approach loop is not wired or silent."""

import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture import Camera, Frame
from edge.capture.camera import NO_REST
from edge.capture.pace import Pace
from edge.lane.machine import Event
from edge.lane.reading import Eyes

LOOK_EVERY_S = 1.0
MOST_GROUP_S = 1.25
"""A camera with a key frame a second may rest while it alone notices vehicles; a vehicle must not wait for slower ones."""
GONE_AFTER_LOOKS = 3
_SMALL = (64, 36)
_CHANGED = 6.0
"""Mean change of grey level (0 to 255) over the small picture that counts as movement."""


def kept_awake(cameras: Sequence[Camera], loop: bool) -> list[str]:
    """A sentence on each camera that never rests; `loop`: the lane has an approach loop."""
    watching = None if loop else _watching(cameras)
    told = []
    for camera in cameras:
        rhythm, name = camera.rhythm(), camera.settings.name
        if rhythm is None:
            continue
        if rhythm.pace is Pace.RESTLESS:
            told.append(f"{name}: is decoded all the time: {NO_REST}")
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


def _watching(cameras: Sequence[Camera]) -> tuple[Camera, Frame] | None:
    """The camera that notices vehicles, and its newest frame."""
    return next(((c, f) for c in cameras if (f := c.newest()) is not None), None)


class CameraPresence:
    """Looks for a plate when the picture moved, at most once a second; a vehicle is gone after three looks without one."""

    def __init__(
        self, cameras: Sequence[Camera], eyes: Eyes, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cameras = cameras
        self._eyes = eyes
        self._clock = clock
        self._looked_at = float("-inf")
        self._background: NDArray[np.uint8] | None = None
        self._misses = 0

    async def events(self, empty: bool) -> tuple[Event, ...]:
        """What the camera tells, given whether the lane is empty."""
        watching = _watching(self._cameras)
        if watching is None:
            return ()
        camera, frame = watching
        if _slow(camera):
            camera.wake()
        now = self._clock()
        if now - self._looked_at < LOOK_EVERY_S or now - frame.taken_at > MOST_GROUP_S:
            return ()
        if empty and not self._moved(frame):
            return ()
        camera.wake()
        self._looked_at = now
        seen = bool(await self._eyes.look(frame))
        self._misses = 0 if seen else self._misses + 1
        if seen:
            return (Event.VEHICLE_ARRIVED,)
        return (Event.VEHICLE_GONE,) if not empty and self._misses >= GONE_AFTER_LOOKS else ()

    def _moved(self, frame: Frame) -> bool:
        grey = cv2.cvtColor(cv2.resize(frame.image, _SMALL, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        before, self._background = self._background, np.asarray(grey, np.uint8)
        return before is None or float(cv2.absdiff(grey, before).mean()) > _CHANGED
