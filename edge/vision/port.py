"""The port of the plate reader: find the plates in a frame, read one plate. Values are immutable.

Pixels count from the upper left corner of the frame; corners run upper left, upper right, lower right, lower left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.codes import Country, Ground

Image = NDArray[np.uint8]
"""Height x width x 3, blue-green-red."""
Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]
Alternatives = tuple[tuple[str, float], ...]
"""What may stand at one position and how probable it is, the likeliest first; the rest of the mass is elsewhere."""

Characters = tuple[Alternatives, ...]
"""The alternatives at each position of a text."""


class VisionError(Exception):
    """Root of everything that the plate reader and its sources raise."""


class ReaderLost(VisionError):
    """A plate reader cannot go on: it must be opened anew."""


class LookKind(StrEnum):
    """What carries the text."""

    PLATE = "plate"
    PAINTED = "painted"  # the enlarged number on the tail of a trailer


@dataclass(frozen=True)
class FoundPlate:
    """A place in a frame that may be a plate: its corners, the rows of text on it from top to bottom, and the finder's
    score from 0 to 1."""

    corners: Corners
    rows: tuple[Corners, ...]
    score: float

    @property
    def lines(self) -> int:
        """One or two rows of text."""
        return len(self.rows)


@dataclass(frozen=True)
class Quality:
    """How well a plate could be seen.

    `row_height_px` is the mean height of a row of text in the frame, `sharpness` the standard deviation of the Laplacian
    over the row brought to a fixed height (grey levels), `tilt_deg` the slope of the row, `glare` the share of burnt-out
    pixels from 0 to 1.
    """

    row_height_px: float
    sharpness: float
    tilt_deg: float
    glare: float


@dataclass(frozen=True)
class PlateLook:
    """One plate read in one frame.

    `text` is normalised and follows a plate grammar, `characters` holds the alternatives at each of its positions, and
    `confidence` is the joint probability that the model gives to `text`, from 0 to 1, not yet calibrated.
    """

    text: str
    kind: LookKind
    country: Country
    lines: int
    confidence: float
    corners: Corners
    characters: Characters
    ground: Ground
    quality: Quality


class PlateReader(Protocol):
    """Finds plates in a frame and reads them. Implementations may block for tens of milliseconds: call from a thread."""

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        """Every place that may be a plate; places may overlap, because rows of text may be grouped in more than one way."""
        ...

    def read(self, frame_bgr: Image, found: FoundPlate) -> PlateLook | None:
        """What stands at `found`, or None when it is no plate."""
        ...


def look(reader: PlateReader, frame_bgr: Image) -> tuple[PlateLook, ...]:
    """All plates of one frame, the surest first, each once."""
    looks = (reader.read(frame_bgr, found) for found in reader.find(frame_bgr))
    return distinct(one for one in looks if one is not None)


def distinct(looks: Iterable[PlateLook]) -> tuple[PlateLook, ...]:
    """The looks without those that share their place with a better one; more text explains a place better than less."""
    kept: list[PlateLook] = []
    for one in sorted(looks, key=lambda x: (x.lines, x.confidence), reverse=True):
        if not any(_covers(one.corners, other.corners) for other in kept):
            kept.append(one)
    return tuple(sorted(kept, key=lambda x: -x.confidence))


def centre(corners: Corners) -> Point:
    """The middle of four corners, in pixels."""
    return sum(x for x, _ in corners) / 4, sum(y for _, y in corners) / 4


def box(corners: Corners) -> tuple[float, float, float, float]:
    """The upright box around four corners: left, top, right, bottom, in pixels."""
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def _covers(one: Corners, other: Corners) -> bool:
    return _inside(centre(one), box(other)) or _inside(centre(other), box(one))


def _inside(point: Point, around: tuple[float, float, float, float]) -> bool:
    return around[0] <= point[0] <= around[2] and around[1] <= point[1] <= around[3]
