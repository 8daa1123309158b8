"""What the reader saw, drawn on the picture it saw it in: `barie-edge read --draw OUT`.

Green outlines what may be acted on, orange what may not (a single picture never may), violet a number painted on a
trailer's tail. The letters are those that OpenCV carries inside itself, Chinese among them.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from edge.vision.port import Corners, Image, LookKind, VisionError, box
from edge.vision.vote import Read, Sighting, Track, evidence

Colour = tuple[int, int, int]
FINAL: Colour = (0, 150, 0)
NOT_FINAL: Colour = (0, 110, 240)
PAINTED: Colour = (190, 0, 150)
_WHITE: Colour = (255, 255, 255)
_MARGIN_PX = 3
_JPEG_QUALITY = 95
_LONGEST_NAME = 50  # characters of four bytes each still leave room for a number within 255 bytes


class CannotDraw(VisionError):
    """The folder for the drawn pictures cannot be written."""


@dataclass(frozen=True)
class Mark:
    """One plate to outline. `agreeing` of `looks` looks show `text`; `confidence` is from 0 to 1."""

    corners: Corners
    text: str
    confidence: float
    agreeing: int
    looks: int
    final: bool
    kind: LookKind

    @classmethod
    def of_read(cls, read: Read) -> Self:
        """The mark of a read, at its place in the frame that carries the evidence."""
        corners = read.best.look.corners
        return cls(corners, read.text, read.probability, read.agreeing, read.looks, read.final, read.kind)

    @property
    def colour(self) -> Colour:
        """Blue, green, red."""
        if self.kind is LookKind.PAINTED:
            return PAINTED
        return FINAL if self.final else NOT_FINAL

    @property
    def label(self) -> str:
        """Text, confidence, looks that agree of all looks, and whether the read is final."""
        state = "final" if self.final else "not final"
        painted = " painted" if self.kind is LookKind.PAINTED else ""
        return f"{self.text} {self.confidence:.2f} {self.agreeing}/{self.looks} {state}{painted}"


def drawn(image_bgr: Image, marks: Iterable[Mark]) -> Image:
    """A copy of the picture with each plate outlined and named."""
    canvas = image_bgr.copy()
    for mark in marks:
        points = np.round(np.array(mark.corners)).astype(np.int32)
        cv2.polylines(canvas, [points], True, mark.colour, max(2, canvas.shape[1] // 400), cv2.LINE_AA)
        _write(canvas, mark)
    return canvas


def _write(canvas: Image, mark: Mark) -> None:
    """Writes the label above the plate, below it where there is no room, and always inside the picture."""
    height, width = canvas.shape[:2]
    font, size_px = cv2.FontFace("uni"), max(12, min(height, width) // 28)
    _, above, text_width, text_height = cv2.getTextSize((0, 0), mark.label, (0, 0), font, size_px)
    size_px = max(8, min(size_px, size_px * (width - 2 * _MARGIN_PX) // max(1, text_width)))
    _, above, text_width, text_height = cv2.getTextSize((0, 0), mark.label, (0, 0), font, size_px)
    left, top, _, bottom = (round(value) for value in box(mark.corners))
    tall, wide = text_height + 2 * _MARGIN_PX, text_width + 2 * _MARGIN_PX
    x = max(0, min(left, width - wide))
    y = top - tall - _MARGIN_PX if top - tall - _MARGIN_PX >= 0 else min(bottom + _MARGIN_PX, height - tall)
    y = max(0, y)
    cv2.rectangle(canvas, (x, y), (x + wide, y + tall), mark.colour, cv2.FILLED)
    cv2.putText(canvas, mark.label, (x + _MARGIN_PX, y + _MARGIN_PX - above), _WHITE, font, size_px)


class Drawings:
    """The folder of the drawn pictures. It is made where it is missing; no file in it is ever written over.

    Raises `CannotDraw` when the folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise _cannot(folder, exc.strerror) from exc
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _cannot(folder, "Permission denied")

    def keep(self, name: str, image_bgr: Image) -> Path:
        """Writes a JPEG named after `name`, with a number behind it where that name is taken; gives its path."""
        coded = encoded(image_bgr)
        stem = re.sub(r"[^\w.-]+", "_", name)[-_LONGEST_NAME:].lstrip("._-") or "picture"
        number = 1
        while True:
            path = self.folder / (f"{stem}.jpg" if number == 1 else f"{stem}-{number}.jpg")
            try:
                with path.open("xb") as file:
                    file.write(coded)
            except FileExistsError:
                number += 1
            except OSError as exc:
                raise _cannot(path, exc.strerror) from exc
            else:
                return path


class BestFrames:
    """The frames that may carry the evidence of a read, as JPEG, and no others.

    For each track that is the best look at each text seen in it: the vote may yet turn from one text to another.
    """

    def __init__(self) -> None:
        self._kept: dict[int, bytes] = {}
        self._last: Image | None = None

    @property
    def held(self) -> int:
        """How many frames are kept."""
        return len(self._kept)

    def take(self, tracks: Iterable[Track], number: int, image_bgr: Image) -> None:
        """Takes frame `number`, whose looks are in `tracks` already."""
        self._last = image_bgr
        tracks = tuple(tracks)
        if not any(track.last.frame == number for track in tracks):
            return
        wanted = {frame for track in tracks for frame in _best_frames(track)}
        self._kept = {frame: jpeg for frame, jpeg in self._kept.items() if frame in wanted}
        if number in wanted:
            self._kept[number] = encoded(image_bgr)

    def pictures(self, found: Sequence[Read]) -> Iterator[tuple[str, Image, list[Mark]]]:
        """The end of the file's name, the frame and the mark of each read; the last frame unmarked without a read."""
        if not found and self._last is not None:
            yield "", self._last, []
        for number, read in enumerate(found, start=1):
            jpeg = self._kept.get(read.best_frame)
            if jpeg is not None:
                yield f".{number}", decoded(jpeg), [Mark.of_read(read)]


def _best_frames(track: Track) -> set[int]:
    best: dict[str, Sighting] = {}
    for sighting in track.sightings:
        text = sighting.look.text
        best[text] = max(best.get(text, sighting), sighting, key=evidence)
    ends = (track.sightings[0], track.last)  # a track never drops them, so that either may become the best
    return {sighting.frame for sighting in (*best.values(), *ends)}


def encoded(image_bgr: Image) -> bytes:
    """A picture as JPEG, which takes a tenth of its memory or less."""
    _, coded = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return coded.tobytes()


def decoded(jpeg: bytes) -> Image:
    """The picture of `encoded`."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(image, dtype=np.uint8)


def _cannot(path: Path, why: str | None) -> CannotDraw:
    return CannotDraw(f"{path}: drawn pictures cannot be written here: {why}.")
