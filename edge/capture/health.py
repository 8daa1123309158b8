"""The state of a camera as a table, judged by when its newest video arrived and never by what the stream says of itself."""

from dataclasses import dataclass
from enum import StrEnum


class CameraState(StrEnum):
    """How far a camera can be relied on."""

    CONNECTING = "connecting"  # started, no frame yet, no failure yet
    LIVE = "live"  # the newest frame is fresh
    STALE = "stale"  # the newest frame is too old, the stream is not known to be lost
    DOWN = "down"  # the stream is lost or never came; it is being tried again


class CameraEvent(StrEnum):
    """What can happen to a camera."""

    FRAME = "frame"  # a frame came, or at rest video that was only held
    LATE = "late"  # the newest frame has passed the age that counts as fresh
    LOST = "lost"  # opening or reading failed


TRANSITIONS: dict[tuple[CameraState, CameraEvent], CameraState] = {
    (CameraState.CONNECTING, CameraEvent.FRAME): CameraState.LIVE,
    (CameraState.CONNECTING, CameraEvent.LATE): CameraState.DOWN,
    (CameraState.CONNECTING, CameraEvent.LOST): CameraState.DOWN,
    (CameraState.LIVE, CameraEvent.FRAME): CameraState.LIVE,
    (CameraState.LIVE, CameraEvent.LATE): CameraState.STALE,
    (CameraState.LIVE, CameraEvent.LOST): CameraState.DOWN,
    (CameraState.STALE, CameraEvent.FRAME): CameraState.LIVE,
    (CameraState.STALE, CameraEvent.LATE): CameraState.STALE,
    (CameraState.STALE, CameraEvent.LOST): CameraState.DOWN,
    (CameraState.DOWN, CameraEvent.FRAME): CameraState.LIVE,
    (CameraState.DOWN, CameraEvent.LATE): CameraState.DOWN,
    (CameraState.DOWN, CameraEvent.LOST): CameraState.DOWN,
}


@dataclass(frozen=True)
class CameraHealth:
    """State of a camera at one moment.

    `age_s` is the age of the newest frame, at rest of the newest video; None before the first;
    `since` the monotonic second at which the state began;
    `last_error` one sentence for the operator, None while nothing failed since the last good frame.
    """

    state: CameraState
    age_s: float | None
    since: float
    last_error: str | None
