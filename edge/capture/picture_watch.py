"""Looks at the pictures of a gate's cameras about once a second, says what is wrong with them and what to do."""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from edge.capture.camera import Camera
from edge.capture.health import CameraState
from edge.capture.pace import Pace
from edge.capture.picture_health import Phase, PictureHealth, PictureSettings, PictureTrouble, watch
from edge.capture.picture_measures import measure

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
TELL_FROM_S = 600.0
"""Untrusted seconds of a day from which on they are worth a note after the trouble has gone."""

SENTENCES = {
    PictureTrouble.BLINDED: "the picture shows nothing; uncover and clean the lens",
    PictureTrouble.MOVED: "the view has shifted; turn the camera back, or restart this gate if it was meant",
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
    ) -> None:
        self.health = PictureHealth()
        self._name = f"{lane}: {camera.settings.name}"
        self._camera = camera
        self._clock = clock
        self._settings = settings or PictureSettings()
        self._number: int | None = None

    def look(self) -> None:
        """Judges the newest frame; takes a few milliseconds. At rest the next key frame is waited for."""
        frame = self._camera.newest()
        fresh = frame is not None and frame.number != self._number
        if not fresh and self._rests():
            return
        measures = measure(frame.image) if frame is not None and fresh else None
        self._number = frame.number if frame is not None else None
        before = self.health
        self.health = watch(before, measures, self._clock(), self._settings)
        if self.health.held[PictureTrouble.FROZEN].phase is not Phase.GOOD:
            self._camera.wake()  # a camera is called frozen by all its frames only, not by its key frames
        self._tell(set(before.troubles), set(self.health.troubles))

    def note(self) -> str | None:
        """What is wrong, what to do and how long the camera was not to be trusted; None where there is nothing to say."""
        health = self.health
        if not health.troubles and health.untrusted_s < TELL_FROM_S:
            return None
        told = [SENTENCES[trouble] for trouble in health.troubles]
        told.append(f"not to be trusted for {health.untrusted_share:.0%} of the last 24 h watched")
        return f"{self._name}: {'; '.join(told)}"

    def _rests(self) -> bool:
        rhythm, live = self._camera.rhythm(), self._camera.health(self._clock()).state is CameraState.LIVE
        return live and rhythm is not None and rhythm.pace is Pace.RESTING

    def _tell(self, before: set[PictureTrouble], after: set[PictureTrouble]) -> None:
        share = round(self.health.untrusted_share, 3)
        for trouble in sorted(after - before):
            log.warning("picture_trouble", camera=self._name, trouble=trouble.value, untrusted=share)
        for trouble in sorted(before - after):
            log.info("picture_good_again", camera=self._name, trouble=trouble.value, untrusted=share)


async def watch_pictures(watches: Sequence[PictureWatch]) -> None:
    """Looks at every camera about once a second, until cancelled."""
    while True:
        for one in watches:
            try:
                await asyncio.to_thread(one.look)
            except Exception:  # a judge of pictures must not end the gate that it serves
                log.exception("picture_watch_failed")
        await asyncio.sleep(LOOK_EVERY_S)
