"""One camera: a worker thread that keeps the newest frame, reopens what is lost, and never makes anybody wait.

It rests while nobody has called `wake` for a while: then only key frames are decoded, and what arrives shows that it lives.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

import structlog

from edge.capture.health import TRANSITIONS, CameraEvent, CameraHealth, CameraState
from edge.capture.live import Video, open_live
from edge.capture.pace import Rhythm, cannot_rest
from edge.capture.source import CaptureError, Frame, Image
from shared.backoff import Backoff

log = structlog.get_logger()

AWAKE_FOR_S = 2.0
"""How long one call of `Camera.wake` lasts."""
CATCH_UP_S = 10.0
"""A camera whose video came counts as alive for so long while it is decoded: the group held may be 400 pictures."""
_Change = tuple[CameraState, CameraState]


class Sees(StrEnum):
    """Which end of a vehicle a camera looks at."""

    ANY = "any"
    FRONT = "front"
    REAR = "rear"


@dataclass(frozen=True)
class CameraSettings:
    """A camera, what it sees, and its times in seconds.

    A camera from which nothing came for `stale_after_s` no longer shows what stands at the gate. `read_timeout_s` is how
    long FFmpeg waits for a packet; a frozen camera still delivers what was buffered, and then it is given up.
    """

    name: str
    url: str = field(repr=False)
    sees: Sees = Sees.ANY
    stale_after_s: float = 1.5
    open_timeout_s: float = 5.0
    read_timeout_s: float = 3.0
    first_retry_s: float = 0.5
    most_retry_s: float = 10.0


class Camera:
    """Newest frame and health of one camera. All methods return at once and may be called from any thread."""

    def __init__(
        self,
        settings: CameraSettings,
        clock: Callable[[], float] = time.monotonic,
        open_video: Callable[[CameraSettings], Video] | None = None,
        rng: Random | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._open = open_video or _open
        self._backoff = Backoff(settings.first_retry_s, settings.most_retry_s, rng=rng or Random())
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._newest: Frame | None = None
        self._heard_at: float | None = None
        self._video: Video | None = None
        self._rhythm: Rhythm | None = None
        self._told_restless = False
        self._awake_until = float("-inf")
        self._number = 0
        self._state = CameraState.CONNECTING
        self._since = clock()
        self._error: str | None = None

    def start(self) -> None:
        """Starts the worker; does nothing when it runs already."""
        if self._thread is not None and not self._stop.is_set():
            return
        with self._lock:
            self._stop, self._newest, self._error = threading.Event(), None, None
            self._heard_at = self._video = None
            self._state, self._since = CameraState.CONNECTING, self._clock()
        # A daemon: a read inside FFmpeg cannot be interrupted and must not keep the process from ending.
        self._thread = threading.Thread(
            target=self._work, args=(self._stop,), name=f"camera-{self.settings.name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Asks the worker to end; a read that hangs ends by itself later, and nobody waits for it."""
        self._stop.set()

    def wake(self, for_s: float = AWAKE_FOR_S) -> None:
        """Every frame is wanted for so many seconds from now; called again and again for as long as that is so."""
        with self._lock:
            self._awake_until = max(self._awake_until, self._clock() + for_s)

    @property
    def awake(self) -> bool:
        """True while every frame is wanted."""
        with self._lock:
            return self._clock() < self._awake_until

    def rhythm(self) -> Rhythm | None:
        """How the stream's packets came last, None before the first."""
        with self._lock:
            return self._rhythm

    def newest(self) -> Frame | None:
        """The newest frame, None before the first. The caller judges its age by `taken_at`.

        At rest it is the newest key frame: as old as the camera's groups are long, although the camera lives.
        """
        with self._lock:
            return self._newest

    def health(self, now: float) -> CameraHealth:
        """State at the monotonic second `now`."""
        settings, change = self.settings, None
        with self._lock:
            age_s = None if self._heard_at is None else max(0.0, self._waited_until(now) - self._heard_at)
            quiet_s = now - self._since if age_s is None else age_s
            if quiet_s > (settings.open_timeout_s if age_s is None else settings.stale_after_s):
                late = f"{settings.name}: no new picture for {quiet_s:.1f} s; check the camera, its cable and the switch."
                change = self._turn(CameraEvent.LATE, now, late)
            health = CameraHealth(self._state, age_s, self._since, self._error)
        self._tell(change)
        return health

    def _waited_until(self, now: float) -> float:
        """`now`, or when the packet came that is being decoded: a slow machine makes no camera stale; the lock is held."""
        came = self._video.decoding_since if self._video is not None else None
        return now if came is None or now - came > CATCH_UP_S else came

    def _work(self, stop: threading.Event) -> None:
        waits = iter(self._backoff)
        while not stop.is_set():
            seen = self._number
            try:
                self._watch(stop)
            except CaptureError as exc:
                self._lost(stop, str(exc))
            except Exception:  # whatever it is, it must not end the only eye of a lane
                log.exception("camera_failed", camera=self.settings.name)
                self._lost(stop, f"{self.settings.name}: reading failed; the cause stands in the log.")
            if self._number > seen:
                waits = iter(self._backoff)
            stop.wait(next(waits))

    def _watch(self, stop: threading.Event) -> None:
        video = self._open(self.settings)
        with self._lock:
            if not stop.is_set():
                self._video = video
        try:
            while not stop.is_set():
                self._take(stop, video.read(self.awake))
                self._follow(video.rhythm)
        finally:
            video.close()

    def _follow(self, rhythm: Rhythm) -> None:
        with self._lock:
            self._rhythm = rhythm
        why = cannot_rest(rhythm)
        if why is not None and not self._told_restless:
            self._told_restless = True
            log.warning("camera_cannot_rest", camera=self.settings.name, why=why)

    def _take(self, stop: threading.Event, image: Image | None) -> None:
        now, change = self._clock(), None
        with self._lock:
            if stop.is_set():
                return
            if image is not None:
                image.flags.writeable = False
                self._number += 1
                self._newest = Frame(image, now, self._number)
            if self._newest is not None:
                self._heard_at = now
                change = self._turn(CameraEvent.FRAME, now, None)
        self._tell(change)

    def _lost(self, stop: threading.Event, sentence: str) -> None:
        change = None
        with self._lock:
            if not stop.is_set():
                change = self._turn(CameraEvent.LOST, self._clock(), sentence)
        self._tell(change)

    def _turn(self, event: CameraEvent, now: float, sentence: str | None) -> _Change | None:
        """Takes the step of the table; the lock is held. Gives the change, None when the state stays."""
        before, after = self._state, TRANSITIONS[self._state, event]
        if after is before and event is not CameraEvent.LOST:
            return None
        self._error = sentence
        if after is before:
            return None
        self._state, self._since = after, now
        return before, after

    def _tell(self, change: _Change | None) -> None:
        if change is None or change == (CameraState.STALE, CameraState.DOWN):
            return
        before, after = change
        if after is not CameraState.LIVE:
            log.warning("camera_lost", camera=self.settings.name, state=after.value, error=self._error)
        elif before is not CameraState.CONNECTING:
            log.info("camera_back", camera=self.settings.name)


def _open(settings: CameraSettings) -> Video:
    return open_live(
        settings.url, open_timeout_s=settings.open_timeout_s, read_timeout_s=settings.read_timeout_s
    )
