"""Geometry of rows of text: corners, joining two rows to one plate, and straightening a row."""

import math
from collections.abc import Sequence
from itertools import permutations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.port import Corners, Image, Point, centre

_MOST_TURN_DEG = 20.0
_ROW_STEP = (0.4, 1.9)  # from the middle of one row to the next, in mean row heights
_HEIGHT_RATIO = (0.4, 1.6)  # top row over bottom row; GA 36-2018: 60/110 mm, QCVN 08: 63/63 mm
_WIDTH_RATIO = (0.2, 1.25)
_MOST_OFFSET = 0.3  # between the middles of the rows along the row, in widths of the wider one


def corners_of(points: NDArray[np.float32]) -> Corners:
    """Four points (4x2) in the order upper left, upper right, lower right, lower left."""
    by_x = sorted(((float(x), float(y)) for x, y in points), key=lambda p: p[0])
    left, right = sorted(by_x[:2], key=lambda p: p[1]), sorted(by_x[2:], key=lambda p: p[1])
    return left[0], right[0], right[1], left[1]


def size_px(corners: Corners) -> tuple[float, float]:
    """Width and height, each the mean of the two opposite edges, in pixels."""
    a, b, c, d = corners
    return (math.dist(a, b) + math.dist(d, c)) / 2, (math.dist(a, d) + math.dist(b, c)) / 2


def aspect(corners: Corners) -> float:
    """Width over height."""
    width, height = size_px(corners)
    return width / max(height, 1e-6)


def tilt_deg(corners: Corners) -> float:
    """Slope of the upper edge against the horizontal, in degrees; positive falls to the right."""
    (x0, y0), (x1, y1) = corners[0], corners[1]
    return math.degrees(math.atan2(y1 - y0, x1 - x0))


def around(rows: Sequence[Corners]) -> Corners:
    """The smallest rectangle around rows, in their own slope."""
    points = np.array(rows, dtype=np.float32).reshape(-1, 2)
    return corners_of(cv2.boxPoints(cv2.minAreaRect(points)).astype(np.float32))


def part(row: Corners, left: float, top: float, right: float, bottom: float) -> Corners:
    """A box laid along a row; the sides are shares of the row's width and height from its upper left corner and may lie
    outside of it."""
    a, b, _, d = row
    across, down = (b[0] - a[0], b[1] - a[1]), (d[0] - a[0], d[1] - a[1])

    def at(x: float, y: float) -> Point:
        return a[0] + x * across[0] + y * down[0], a[1] + x * across[1] + y * down[1]

    return at(left, top), at(right, top), at(right, bottom), at(left, bottom)


def rows_above(row: Corners) -> tuple[Corners, ...]:
    """Where the upper row of a two-line plate stands, given its lower row as a text finder boxes it.

    From GA 36-2018 (80x60 mm over 65x110 mm) and QCVN 08:2024 (rows of 63 mm, 15 mm apart); the finder's box is about
    one and a half times as high as the ink.
    """
    return part(row, 0.2, -0.38, 0.8, 0.12), part(row, 0.0, -0.75, 1.0, 0.05)


def rows_above_trailers(row: Corners) -> tuple[Corners, ...]:
    """Where the upper row of a Chinese trailer's plate stands, given its lower row as a text finder boxes it.

    From GA 36-2018 as in `rows_above`; several, because the finder's box is from 1.2 to 1.6 times as high as the ink.
    """
    return (
        part(row, 0.2, -0.38, 0.8, 0.12),
        part(row, 0.15, -0.52, 0.85, 0.08),
        part(row, 0.1, -0.6, 0.9, 0.1),
        part(row, 0.2, -0.45, 0.8, 0.05),
    )


def rows_within(box: Corners) -> tuple[tuple[Corners, Corners], ...]:
    """The rows of a small two-line plate that the finder took for one, cut as in Việt Nam and as in China."""
    return tuple((part(box, 0.0, 0.0, 1.0, cut), part(box, 0.0, cut, 1.0, 1.0)) for cut in (0.5, 0.43))


def widened_left(row: Corners, heights: float) -> Corners:
    """The row with its left edge moved outwards by a number of row heights, along its slope."""
    width, height = size_px(row)
    return part(row, -heights * height / max(width, 1.0), 0.0, 1.0, 1.0)


def two_line_pairs(rows: Sequence[Corners]) -> list[tuple[int, int]]:
    """Indices (top, bottom) of rows that may be the two lines of one plate."""
    return [(i, j) for i, j in permutations(range(len(rows)), 2) if stacked(rows[i], rows[j])]


def stacked(top: Corners, bottom: Corners) -> bool:
    """True when one row stands over the other as on a two-line plate, whatever the slope of the plate."""
    (top_w, top_h), (bottom_w, bottom_h) = size_px(top), size_px(bottom)
    slope = tilt_deg(bottom)
    if abs(slope - tilt_deg(top)) > _MOST_TURN_DEG:
        return False
    (x0, y0), (x1, y1) = centre(top), centre(bottom)
    turn = math.radians(slope)
    along = (x1 - x0) * math.cos(turn) + (y1 - y0) * math.sin(turn)
    down = (y1 - y0) * math.cos(turn) - (x1 - x0) * math.sin(turn)
    return (
        _ROW_STEP[0] <= 2 * down / (top_h + bottom_h) <= _ROW_STEP[1]
        and _HEIGHT_RATIO[0] <= top_h / bottom_h <= _HEIGHT_RATIO[1]
        and _WIDTH_RATIO[0] <= top_w / bottom_w <= _WIDTH_RATIO[1]
        and abs(along) <= _MOST_OFFSET * max(top_w, bottom_w)
    )


def straighten(frame_bgr: Image, row: Corners) -> Image:
    """The row cut out of the frame at its native size and set level; at least 1x1 pixel."""
    width, height = (max(1, round(length)) for length in size_px(row))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    turn = cv2.getPerspectiveTransform(np.array(row, dtype=np.float32), target)
    crop = cv2.warpPerspective(
        frame_bgr, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, dtype=np.uint8)
