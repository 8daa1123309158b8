"""What was learned of a camera, kept over a restart in a file beside the store. It may be lost: then it is learned anew.

The file is a line with the SHA-256 of the rest, and JSON. Whoever removes it makes the gate learn the view anew.
"""

import base64
import hashlib
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from edge.capture.picture_health import HOURS, Hour, PictureHealth
from edge.capture.picture_learning import LEARN_LOOKS, Learned
from edge.capture.picture_measures import PATCHES, SMALL, Small

log = structlog.get_logger()

_MOST_BYTES = 1_000_000
_HOUR_S = 3600

Finite = Annotated[float, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=_HOUR_S)]


class Damaged(ValueError):
    """What was kept cannot be used."""


class _KeptHour(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    age_h: Annotated[int, Field(ge=0, lt=HOURS)]
    watched_s: Seconds
    untrusted_s: Seconds


class _Kept(BaseModel):
    """`camera`: its address without the password; `background`, `view`: grey levels, a byte a pixel, in base64."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal[1] = 1
    camera: str
    kept_at: AwareDatetime
    looks: Annotated[int, Field(ge=0, le=LEARN_LOOKS)]
    background: str | None
    view: str | None
    sharpness: Annotated[tuple[Finite | None, ...], Field(min_length=PATCHES**2, max_length=PATCHES**2)]
    hours: Annotated[tuple[_KeptHour, ...], Field(max_length=HOURS)]


def packed(health: PictureHealth, camera: str, now: float, at: datetime) -> bytes:
    """What is worth keeping. `now`: seconds of the clock that `health` was made with; `at`: the same moment in the world."""
    number, learned = int(now // _HOUR_S), health.learned
    kept = _Kept(
        camera=camera,
        kept_at=at,
        looks=learned.looks,
        background=_text(learned.background),
        view=_text(learned.view),
        sharpness=learned.sharpness,
        hours=tuple(
            _KeptHour(
                age_h=number - hour.number,
                watched_s=min(hour.watched_s, _HOUR_S),
                untrusted_s=min(hour.untrusted_s, _HOUR_S),
            )
            for hour in health.hours
            if 0 <= number - hour.number < HOURS
        ),
    )
    body = kept.model_dump_json().encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def unpacked(data: bytes, camera: str, now: float, at: datetime) -> PictureHealth:
    """What was kept, brought to this moment; nothing learned where it was another camera's. Raises `Damaged`."""
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise Damaged("the check sum is another")
    try:
        kept = _Kept.model_validate_json(body)
        learned = Learned(kept.looks, _picture(kept.background), _picture(kept.view), kept.sharpness)
    except ValueError as error:
        raise Damaged(f"the form is another: {error}") from error
    if kept.camera != camera:
        return PictureHealth()
    gone_h = max(0, int((at - kept.kept_at).total_seconds() // _HOUR_S))
    number = int(now // _HOUR_S) - gone_h
    hours = tuple(
        Hour(number - hour.age_h, hour.watched_s, min(hour.untrusted_s, hour.watched_s))
        for hour in sorted(kept.hours, key=lambda hour: -hour.age_h)
        if hour.age_h + gone_h < HOURS
    )
    return PictureHealth(learned=learned, hours=hours)


class PictureMemory:
    """The file of one camera. Never raises: a disk that fails costs what was learned and nothing else.

    `keep` may be called from two threads at once, as at the end of a gate whose last look still runs.

    `camera` names what was learned from, so that another camera in its place is learned anew; `at`: the node's time.
    """

    def __init__(self, file: Path, camera: str, at: Callable[[], datetime]) -> None:
        self._file, self._camera, self._at = file, camera, at
        self._there = self._fails = False
        self._keeping = threading.Lock()

    def recall(self, now: float) -> PictureHealth:
        """What was kept; nothing learned where there is none, or none that can be used."""
        try:
            if not self._file.is_file():
                return PictureHealth()
            self._there = True
            if self._file.stat().st_size > _MOST_BYTES:
                raise Damaged("it is too large")
            return unpacked(self._file.read_bytes(), self._camera, now, self._at())
        except (OSError, Damaged) as error:
            log.warning("picture_memory_lost", file=str(self._file), error=str(error))
            return PictureHealth()

    def keep(self, health: PictureHealth, now: float) -> None:
        """Writes it down, whole or not at all."""
        with self._keeping:
            self._keep(health, now)

    def _keep(self, health: PictureHealth, now: float) -> None:
        beside = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(packed(health, self._camera, now, self._at()))
            beside.replace(self._file)
        except (OSError, ValueError) as error:  # ValueError: what was learned has another form
            if not self._fails:
                log.warning("picture_memory_not_kept", file=str(self._file), error=str(error))
            self._fails = True
            return
        self._there, self._fails = True, False

    def was_removed(self) -> bool:
        """True once after somebody removed the file."""
        if not self._there:
            return False
        try:
            self._file.stat()
        except FileNotFoundError:
            self._there = False
            return True
        except OSError:  # a folder that cannot be entered just now tells nothing
            return False
        return False


def memory_file(data: Path, lane: str, camera: str) -> Path:
    """Where a gate with this data folder keeps what it learned of a camera."""
    return data / "cameras" / f"{lane}.{camera}.json"


def _text(picture: Small | None) -> str | None:
    if picture is None:
        return None
    return base64.b64encode(np.clip(np.rint(picture), 0, 255).astype(np.uint8).tobytes()).decode()


def _picture(text: str | None) -> Small | None:
    if text is None:
        return None
    levels = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    picture = levels.reshape(SMALL[1], SMALL[0]).astype(np.float32)
    picture.flags.writeable = False
    return picture
