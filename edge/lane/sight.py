"""A vehicle noticed by the camera, for lanes whose approach loop is not wired or silent."""

import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture import Camera, Frame
from edge.lane.machine import Event
from edge.lane.reading import Eyes

LOOK_EVERY_S = 1.0
GONE_AFTER_LOOKS = 3
_SMALL = (64, 36)
_CHANGED = 6.0
"""Mean change of grey level (0 to 255) over the small picture that counts as movement."""


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
        frame = next((f for c in self._cameras if (f := c.newest()) is not None), None)
        now = self._clock()
        if frame is None or now - self._looked_at < LOOK_EVERY_S or now - frame.taken_at > LOOK_EVERY_S:
            return ()
        if empty and not self._moved(frame):
            return ()
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
