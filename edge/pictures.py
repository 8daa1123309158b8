"""Pictures of passages: JPEG files named by their SHA-256. Thumbnails travel to the centre, originals stay."""

import hashlib
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

THUMBNAIL_BYTES = 12_000
_THUMBNAIL_WIDTHS_PX = (320, 160, 80)
_QUALITY = 80


class PictureError(Exception):
    """A picture could not be written; the passage goes on without it."""


@dataclass(frozen=True)
class Kept:
    """A picture on disk: names of the original and of its thumbnail."""

    picture: str
    thumbnail: str


class Pictures:
    """The picture folder of a gate. `unsent` holds the thumbnails that no broker has taken yet, as empty marker files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unsent = folder / "unsent"
        self._unsent.mkdir(parents=True, exist_ok=True)

    def keep(self, frame_bgr: NDArray[np.uint8]) -> Kept:
        """Writes a frame and its thumbnail (blocking); raises PictureError. A full disk costs pictures, never facts."""
        try:
            original = self._write(_jpeg(frame_bgr, _QUALITY))
            thumbnail = self._write(_thumbnail(frame_bgr))
            (self._unsent / thumbnail).touch()
        except (OSError, cv2.error) as error:
            raise PictureError(f"picture not kept: {error}; free space on the data disk") from error
        return Kept(original, thumbnail)

    def path(self, sha256: str) -> Path | None:
        """The file of a picture, or None when it is not held."""
        if len(sha256) != 64 or not all(c in "0123456789abcdef" for c in sha256):
            return None
        path = self._folder / sha256[:2] / f"{sha256}.jpg"
        return path if path.exists() else None

    def unsent(self, most: int = 50) -> list[tuple[str, bytes]]:
        """Thumbnails still to be sent, oldest first."""
        waiting = sorted(self._unsent.iterdir(), key=lambda marker: marker.stat().st_mtime)
        held = ((marker.name, path) for marker in waiting if (path := self.path(marker.name)) is not None)
        return [(name, path.read_bytes()) for name, path in islice(held, most)]

    def sent(self, sha256: str) -> None:
        """Takes a thumbnail off the list."""
        (self._unsent / sha256).unlink(missing_ok=True)

    def _write(self, jpeg: bytes) -> str:
        name = hashlib.sha256(jpeg).hexdigest()
        path = self._folder / name[:2] / f"{name}.jpg"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            partial = path.with_suffix(".part")
            partial.write_bytes(jpeg)
            partial.replace(path)
        return name


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
