"""Looks at the pictures of a gate's cameras about once a second, says what is wrong with them and what to do."""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from edge.capture.camera import Camera
from edge.capture.health import CameraState
from edge.capture.picture_health import (
    Phase,
    PictureHealth,
    PictureSettings,
    PictureTrouble,
    learn_anew,
    watch,
)
from edge.capture.picture_measures import measure
from edge.capture.picture_memory import PictureMemory

log = structlog.get_logger()

LOOK_EVERY_S = 1.3
"""No whole second: pictures that come in a loop of a second, as a simulated camera sends them, would seem frozen."""
TELL_FROM_S = 600.0
"""Untrusted seconds of a day from which on they are worth a note after the trouble has gone."""
KEEP_EVERY_S = 600.0
"""So much of what was learned is lost with the power."""

SENTENCES = {
    PictureTrouble.BLINDED: "the picture shows nothing; uncover and clean the lens",
    PictureTrouble.MOVED: "the view has shifted; turn the camera back, or run barie-edge relearn if it was meant",
    PictureTrouble.UNSHARP: "the picture is unsharp; clean the lens, then check the focus",
    PictureTrouble.DARK: "the picture is dark; check the light of the lane and the exposure",
    PictureTrouble.GLARE: "much of the picture is burnt out; check the sun, lamps and the exposure",
    PictureTrouble.FROZEN: "the camera sends the same picture again and again; switch it off and on",
}


class PictureWatch:
    """One camera of a lane. `look` must not run twice at once; the rest may be called meanwhile."""

    def __init__(
        self,
        lane: str,
        camera: Camera,
        clock: Callable[[], float] = time.monotonic,
        settings: PictureSettings | None = None,
        memory: PictureMemory | None = None,
    ) -> None:
        self.camera = camera
        self.health = memory.recall(clock()) if memory else PictureHealth()
        self._name = f"{lane}: {camera.settings.name}"
        self._clock = clock
        self._settings = settings or PictureSettings()
        self._memory = memory
        self._kept_at = clock()
        self._number: int | None = None

    def look(self) -> None:
        """Judges the newest frame; takes a few milliseconds. At rest the next key frame is waited for."""
        now, frame = self._clock(), self.camera.newest()
        if self._memory is not None and self._memory.was_removed():
            log.info("picture_learned_anew", camera=self._name)
            self.health = learn_anew(self.health)
        fresh = frame is not None and frame.number != self._number
        if not fresh and self.camera.health(now).state is CameraState.LIVE:
            return  # a camera at rest gives key frames only; the next one tells of the time until then
        measures = measure(frame.image) if frame is not None and fresh else None
        self._number = frame.number if frame is not None else None
        before = self.health
        self.health = watch(before, measures, now, self._settings)
        if self.health.held[PictureTrouble.FROZEN].phase is not Phase.GOOD:
            self.camera.wake()  # a camera is called frozen by all its frames only, not by its key frames
        self._tell(set(before.troubles), set(self.health.troubles))
        just_known = self.health.learned.known and not before.learned.known
        if just_known or now - self._kept_at >= KEEP_EVERY_S:
            self.keep()

    def keep(self) -> None:
        """Writes down what was learned."""
        if self._memory is not None:
            self._kept_at = self._clock()
            self._memory.keep(self.health, self._kept_at)

    def note(self) -> str | None:
        """What is wrong, what to do and how long the camera was not to be trusted; None where there is nothing to say."""
        health = self.health
        if not health.troubles and health.untrusted_s < TELL_FROM_S:
            return None
        told = [SENTENCES[trouble] for trouble in health.troubles]
        told.append(f"not to be trusted for {health.untrusted_share:.0%} of the last 24 h watched")
        return f"{self._name}: {'; '.join(told)}"

    def _tell(self, before: set[PictureTrouble], after: set[PictureTrouble]) -> None:
        share = round(self.health.untrusted_share, 3)
        for trouble in sorted(after - before):
            log.warning("picture_trouble", camera=self._name, trouble=trouble.value, untrusted=share)
        for trouble in sorted(before - after):
            log.info("picture_good_again", camera=self._name, trouble=trouble.value, untrusted=share)


async def watch_pictures(watches: Sequence[PictureWatch], changed: Callable[[], None]) -> None:
    """Looks at every camera about once a second, until cancelled, and says when troubles have `changed`."""
    while True:
        before = [one.health.troubles for one in watches]
        for one in watches:
            try:
                await asyncio.to_thread(one.look)
            except Exception:  # a judge of pictures must not end the gate that it serves
                log.exception("picture_watch_failed")
        if before != [one.health.troubles for one in watches]:
            changed()
        await asyncio.sleep(LOOK_EVERY_S)
