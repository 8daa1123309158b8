"""Rows of text: found in a frame and read, through the two networks (`networks`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision import geometry
from edge.vision.decode import PlateAlphabet, RowText
from edge.vision.networks import PADDING, ROW_SHAPE_PX, Networks
from edge.vision.port import Corners, Image


@dataclass(frozen=True)
class FinderSettings:
    """Sizes and thresholds of the finder of rows.

    `shapes_px` are the widths and heights (multiples of 32) it may look at, the smallest first. A frame goes to the first
    that leaves it its native size, else to the one that leaves it most of it; it is enlarged at most `most_enlargement`
    times.
    `map_threshold`, `row_threshold` and `unclip_ratio` are those of differentiable binarisation (DB, arXiv 1911.08947).
    """

    shapes_px: tuple[tuple[int, int], ...] = ((960, 576), (1280, 960))
    most_enlargement: float = 3.0
    map_threshold: float = 0.3
    row_threshold: float = 0.5
    unclip_ratio: float = 1.6
    most_rows: int = 40
    least_row_px: float = 12.0


class RowFinder:
    """Finds rows of text in a frame, given what makes a map of text out of a canvas (`Networks.text_map`)."""

    def __init__(self, settings: FinderSettings, text_map: Callable[[Image], NDArray[np.float32]]) -> None:
        self.settings = settings
        self._text_map = text_map

    def rows(self, frame_bgr: Image) -> list[tuple[Corners, float]]:
        """Corners of each row of text and how sure the finder is (0 to 1), the surest first."""
        scale, canvas = self._letterbox(frame_bgr, *self._shape_for(frame_bgr))
        text_map = self._text_map(canvas)
        mask = cv2.dilate(
            (text_map > self.settings.map_threshold).astype(np.uint8), np.ones((2, 2), np.uint8)
        )
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        rows = [row for contour in contours if (row := self._row(contour, text_map, scale)) is not None]
        return sorted(rows, key=lambda row: -row[1])[: self.settings.most_rows]

    def _shape_for(self, frame_bgr: Image) -> tuple[int, int]:
        height, width = frame_bgr.shape[:2]
        return max(self.settings.shapes_px, key=lambda shape: min(1.0, shape[0] / width, shape[1] / height))

    def _letterbox(self, frame_bgr: Image, most_width: int, most_height: int) -> tuple[float, Image]:
        height, width = frame_bgr.shape[:2]
        scale = min(most_width / width, most_height / height, self.settings.most_enlargement)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        shrunk = cv2.resize(frame_bgr, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        canvas = np.full((most_height, most_width, 3), PADDING, np.uint8)
        canvas[: size[1], : size[0]] = shrunk
        return scale, canvas

    def _row(self, contour: Any, text_map: NDArray[np.float32], scale: float) -> tuple[Corners, float] | None:
        s = self.settings
        middle, (width, height), turn = cv2.minAreaRect(contour)
        if min(width, height) < 3:
            return None
        score = _mean_inside(text_map, cv2.boxPoints((middle, (width, height), turn)))
        if score < s.row_threshold:
            return None
        grow = s.unclip_ratio * width * height / (width + height)
        grown = cv2.boxPoints((middle, (width + grow, height + grow), turn))
        corners = geometry.corners_of(grown.astype(np.float32) / np.float32(scale))
        row_width, row_height = geometry.size_px(corners)
        if row_height < s.least_row_px or row_width < row_height:
            return None
        return corners, score


class RowReader:
    """Reads the characters of rows of text.

    A row is brought to the network's height and, where it is too long, squeezed into its width.
    """

    def __init__(self, networks: Networks) -> None:
        self._row_scores = networks.row_scores
        self._alphabet = PlateAlphabet(networks.classes)
        self._frame: Image | None = None
        self._known: dict[tuple[Corners, ...], RowText] = {}

    def text(self, frame_bgr: Image, *rows: Corners) -> RowText:
        """What a row says; several rows are read as one, laid side by side from left to right.

        What was read of the same frame is not read again.
        """
        if self._frame is not frame_bgr:
            self._frame, self._known = frame_bgr, {}
        if rows not in self._known:
            scores = self._infer([geometry.straighten(frame_bgr, row) for row in rows])
            self._known[rows] = self._alphabet.text(scores)
        return self._known[rows]

    def forget(self) -> None:
        """Lets go of the frame."""
        self._frame, self._known = None, {}

    def _infer(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        most_width, height = ROW_SHAPE_PX
        widths = [max(1.0, height * crop.shape[1] / crop.shape[0]) for crop in crops]
        squeeze = min(1.0, most_width / sum(widths))
        canvas = np.full((height, most_width, 3), PADDING, np.uint8)
        edges = [max(1, round(squeeze * sum(widths[:n]))) if n else 0 for n in range(len(crops) + 1)]
        for crop, left, right in zip(crops, edges, edges[1:], strict=False):
            if left < right:
                canvas[:, left:right] = cv2.resize(crop, (right - left, height))
        return self._row_scores(canvas)


def _mean_inside(text_map: NDArray[np.float32], points: Any) -> float:
    height, width = text_map.shape
    x0, y0 = np.clip(np.floor(points.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    x1, y1 = np.clip(np.ceil(points.max(axis=0)).astype(int), 0, (width - 1, height - 1))
    mask = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.uint8)
    cv2.fillPoly(mask, [(points - (x0, y0)).astype(np.int32)], 1)
    return float(cv2.mean(text_map[y0 : y1 + 1, x0 : x1 + 1], mask)[0])
