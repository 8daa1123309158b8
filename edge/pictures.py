"""Pictures of passages: JPEG files named by their SHA-256. Thumbnails travel to the centre, originals stay.

They have a budget on the disk: the oldest originals go first, then thumbnails, those that no broker has taken last.
"""

import asyncio
import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice, product
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

log = structlog.get_logger()

THUMBNAIL_BYTES = 12_000
SWEEP_EVERY_S = 1.0
SWEEP_AGAIN_S = 60.0
"""Until the next try after one that failed."""
SWEEP_TO = 0.95
"""Share of the budget that a sweep leaves, so that not every picture brings the next one."""
FRESH_S = 10.0
"""A picture is not swept before its passage can have named it."""
_THUMBNAIL_WIDTHS_PX = (320, 160, 80)
_QUALITY = 80


class PictureError(Exception):
    """A picture could not be written; the passage goes on without it."""


@dataclass(frozen=True)
class Kept:
    """A picture on disk: names of the original and of its thumbnail."""

    picture: str
    thumbnail: str


class Turn(IntEnum):
    """Who goes first when space is needed; within a turn the oldest."""

    ORIGINAL = 0
    THUMBNAIL = 1
    UNSENT_THUMBNAIL = 2


class HeldFile(NamedTuple):
    """A file of the picture folder; in order, it is what goes first. `changed_s`: seconds of the wall clock."""

    turn: Turn
    changed_s: float
    size_bytes: int
    path: Path


class Pictures:
    """The picture folder of a gate. `unsent` holds the thumbnails that no broker has taken yet, as empty marker files.

    `budget_bytes`: what originals and thumbnails may take together, None for no limit; `allowed`: False while the disk
    has no room for new pictures. `keep` and `sweep` may run in threads of their own.
    """

    def __init__(
        self,
        folder: Path,
        budget_bytes: int | None = None,
        allowed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._folder = folder
        self._thumbnails = folder / "thumbnails"
        self._unsent = folder / "unsent"
        self._unsent.mkdir(parents=True, exist_ok=True)
        self._budget_bytes = budget_bytes
        self._allowed = allowed
        self._held_bytes: int | None = None
        self._counting = threading.Lock()

    def keep(self, frame_bgr: NDArray[np.uint8]) -> Kept:
        """Writes a frame and its thumbnail (blocking); raises PictureError. A full disk costs pictures, never facts."""
        if not self._allowed():
            raise PictureError("picture not kept: the data disk is nearly full; free space there")
        try:
            original = self._write(self._folder, _jpeg(frame_bgr, _QUALITY))
            thumbnail = self._write(self._thumbnails, _thumbnail(frame_bgr))
            (self._unsent / thumbnail).touch()
        except (OSError, cv2.error) as error:
            raise PictureError(f"picture not kept: {error}; free space on the data disk") from error
        return Kept(original, thumbnail)

    def path(self, sha256: str) -> Path | None:
        """The file of a picture, or None when it is not held."""
        if len(sha256) != 64 or not all(c in "0123456789abcdef" for c in sha256):
            return None
        paths = (_file(folder, sha256) for folder in (self._folder, self._thumbnails))
        return next((path for path in paths if path.exists()), None)

    def unsent(self, most: int = 50) -> list[tuple[str, bytes]]:
        """Thumbnails still to be sent, oldest first."""
        waiting = sorted(self._unsent.iterdir(), key=lambda marker: marker.stat().st_mtime)
        held = ((marker.name, path) for marker in waiting if (path := self.path(marker.name)) is not None)
        return [(name, path.read_bytes()) for name, path in islice(held, most)]

    def sent(self, sha256: str) -> None:
        """Takes a thumbnail off the list."""
        (self._unsent / sha256).unlink(missing_ok=True)

    # -- the budget

    @property
    def wants_sweep(self) -> bool:
        """True when there is more than the budget allows, or nobody knows yet how much there is."""
        held_bytes = self._held_bytes
        return held_bytes is None or (self._budget_bytes is not None and held_bytes > self._budget_bytes)

    def sweep(self, spare: Collection[str], now_s: float, shortfall_bytes: int = 0) -> int:
        """Deletes what the budget does not allow and what the disk lacks (blocking); gives the bytes deleted.

        `spare`: names that stay whatever they take, those of open passages; `now_s`: the wall clock. Raises PictureError.
        """
        try:
            held = sorted(self._walk())
            held_bytes = sum(file.size_bytes for file in held)
            with self._counting:
                self._held_bytes = held_bytes
            excess_bytes = max(self._over_budget(held_bytes), shortfall_bytes)
            going = (file for file in held if file.path.stem not in spare and not _is_fresh(file, now_s))
            freed_bytes = self._delete(going, excess_bytes)
        except OSError as error:
            raise PictureError(f"old pictures not deleted: {error}; look at {self._folder}") from error
        if freed_bytes:
            log.info("pictures_swept", freed_mb=round(freed_bytes / 1e6, 1))
        return freed_bytes

    def _over_budget(self, held_bytes: int) -> int:
        if self._budget_bytes is None or held_bytes <= self._budget_bytes:
            return 0
        return held_bytes - int(self._budget_bytes * SWEEP_TO)

    def _delete(self, going: Iterator[HeldFile], excess_bytes: int) -> int:
        freed_bytes = 0
        while freed_bytes < excess_bytes and (file := next(going, None)) is not None:
            file.path.unlink(missing_ok=True)
            if file.turn is Turn.UNSENT_THUMBNAIL:
                self.sent(file.path.stem)
            freed_bytes += file.size_bytes
            self._count(-file.size_bytes)
        return freed_bytes

    def _walk(self) -> Iterator[HeldFile]:
        unsent = {marker.name for marker in self._unsent.iterdir()}
        yield from (HeldFile(Turn.ORIGINAL, *rest) for rest in _files(self._folder))
        for rest in _files(self._thumbnails):
            turn = Turn.UNSENT_THUMBNAIL if rest[-1].stem in unsent else Turn.THUMBNAIL
            yield HeldFile(turn, *rest)

    def _count(self, more_bytes: int) -> None:
        with self._counting:
            if self._held_bytes is not None:
                self._held_bytes += more_bytes

    def _write(self, folder: Path, jpeg: bytes) -> str:
        name = hashlib.sha256(jpeg).hexdigest()
        path = _file(folder, name)
        if path.exists():
            path.touch()
            return name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        try:
            partial.write_bytes(jpeg)
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        self._count(len(jpeg))
        return name


async def sweep_pictures(
    pictures: Pictures, spare: Callable[[], Collection[str]], shortfall_bytes: Callable[[], int]
) -> None:
    """Sweeps whenever there are too many pictures or too little room on the disk, until cancelled."""
    failed = False
    while True:
        missing_bytes = shortfall_bytes()
        try:
            if pictures.wants_sweep or missing_bytes:
                await asyncio.to_thread(pictures.sweep, spare(), time.time(), missing_bytes)
            failed = False
        except PictureError as error:
            if not failed:
                log.error("sweep_failed", error=str(error))
            failed = True
        await asyncio.sleep(SWEEP_AGAIN_S if failed else SWEEP_EVERY_S)


def _file(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / f"{sha256}.jpg"


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Time of the last change, size and path of each file, whole or left over from a crash, under two-digit folders."""
    for two_digits in folder.glob("??"):
        with os.scandir(two_digits) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    about = entry.stat()
                    yield about.st_mtime, about.st_size, Path(entry.path)


def _is_fresh(file: HeldFile, now_s: float) -> bool:
    """A clock that was wrong may have dated files into the future; those are not fresh."""
    return abs(now_s - file.changed_s) < FRESH_S


def live_jpeg(frame_bgr: NDArray[np.uint8], width_px: int = 640) -> bytes:
    """A small JPEG of a frame, for the live picture."""
    return _jpeg(_fitted(frame_bgr, width_px), 60)


def _thumbnail(frame_bgr: NDArray[np.uint8]) -> bytes:
    for width_px, quality in product(_THUMBNAIL_WIDTHS_PX, (60, 45, 30, 15)):
        jpeg = _jpeg(_fitted(frame_bgr, width_px), quality)
        if len(jpeg) <= THUMBNAIL_BYTES:
            return jpeg
    raise PictureError(f"picture not kept: no thumbnail of it fits into {THUMBNAIL_BYTES} bytes")


def _fitted(frame_bgr: NDArray[np.uint8], width_px: int) -> NDArray[np.uint8]:
    height, width = frame_bgr.shape[:2]
    if width <= width_px:
        return frame_bgr
    size = (width_px, max(1, round(height * width_px / width)))
    return np.asarray(cv2.resize(frame_bgr, size, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(frame_bgr: NDArray[np.uint8], quality: int) -> bytes:
    done, encoded = cv2.imencode(".jpg", frame_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise PictureError("picture not kept: the frame cannot be encoded")
    return encoded.tobytes()
