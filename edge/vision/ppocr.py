"""The plate reader on PP-OCR models in OpenVINO, with fixed input shapes so that memory stays flat.

The models (PP-OCRv4 mobile, Apache-2.0) are put into the environment by scripts/setup; the program downloads nothing.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino
from numpy.typing import NDArray

from edge.vision import geometry
from edge.vision.appearance import ground_colour, quality
from edge.vision.decode import PlateAlphabet, PlateText, may_be_lower_row, may_lack_province, plate_text
from edge.vision.port import Characters, Corners, FoundPlate, Image, LookKind, PlateLook, VisionError
from shared.plates import Kind, province

DETECTION_MODEL = "ch_PP-OCRv4_det_infer.onnx"
MODELS = Path(sys.prefix) / "share" / "barie" / "models"
RECOGNITION_MODEL = "ch_PP-OCRv4_rec_infer.onnx"
_FURTHER_LEFT = (0.5, 0.9)  # row heights
_TWO_LINE_ASPECT = 2.6  # of 440x220 and 330x165 mm, as finders box them
_TRAILER_KINDS = frozenset({Kind.CN_TRAILER, Kind.CN_SHORT_TRAILER})


class ModelsMissing(VisionError):
    """The plate models are not there."""


@dataclass(frozen=True)
class PpOcrSettings:
    """Sizes and thresholds of the reader.

    The frame is scaled to fit `detection_width_px` x `detection_height_px` (multiples of 32), enlarged at most
    `most_enlargement` times; rows are read from the frame's own pixels at the models' 48 pixels of height.
    `map_threshold`, `row_threshold` and `unclip_ratio` are those of differentiable binarisation (DB, arXiv 1911.08947).
    Looks below `least_confidence`, for plates of one and of two lines, are dropped: two rows meet by chance more often.
    """

    threads: int = 2
    detection_width_px: int = 960
    detection_height_px: int = 576
    most_enlargement: float = 3.0
    map_threshold: float = 0.3
    row_threshold: float = 0.5
    unclip_ratio: float = 1.6
    row_height_px: int = 48
    row_width_px: int = 320
    most_rows: int = 40
    least_row_px: float = 6.0
    least_confidence: tuple[float, float] = (0.1, 0.3)


@dataclass(frozen=True)
class _Reading:
    rows: tuple[Corners, ...]
    characters: Characters
    plate: PlateText | None


class PpOcrReader:
    """A `PlateReader`. One instance serves one thread at a time.

    Raises `ModelsMissing` when the model files are not in `models` (default: `MODELS`).
    """

    def __init__(self, settings: PpOcrSettings | None = None, models: Path | None = None) -> None:
        self.settings = settings or PpOcrSettings()
        s = self.settings
        folder = models or MODELS
        core = openvino.Core()
        threads = {"INFERENCE_NUM_THREADS": s.threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
        detector = _load(core, folder / DETECTION_MODEL)
        recogniser = _load(core, folder / RECOGNITION_MODEL)
        self._alphabet = PlateAlphabet(_classes(recogniser))
        detector.reshape([1, 3, s.detection_height_px, s.detection_width_px])
        recogniser.reshape([1, 3, s.row_height_px, s.row_width_px])
        self._detect = core.compile_model(detector, "CPU", threads).create_infer_request()
        self._recognise = core.compile_model(recogniser, "CPU", threads).create_infer_request()

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        """Rows of text as plates of one line, pairs of stacked rows and boxes cut in two as plates of two lines."""
        boxes = self._rows(frame_bgr)
        rows = [row for row, _ in boxes]
        groups = [
            *(((row,), score) for row, score in boxes),
            *(((rows[i], rows[j]), boxes[j][1]) for i, j in geometry.two_line_pairs(rows)),
            *(
                (cut, score)
                for row, score in boxes
                if geometry.aspect(row) < _TWO_LINE_ASPECT
                for cut in geometry.rows_within(row)
            ),
        ]
        return tuple(FoundPlate(geometry.around(group), group, score) for group, score in groups)

    def read(self, frame_bgr: Image, found: FoundPlate) -> PlateLook | None:
        """The plate at `found`, or None when no likely text there follows a plate grammar.

        Looks beyond the found rows for what finders lose: the Chinese character in front, the row above.
        """
        scores = self._recognised(frame_bgr, found.rows[-1])
        lower = self._alphabet.positions(scores)
        if found.lines == 1:
            best = self._reading(frame_bgr, found.rows, scores, ())
            pairs = [(top, found.rows[0]) for top in geometry.rows_above(found.rows[0])]
        else:
            best, pairs = _Reading(found.rows, lower, None), [(found.rows[0], found.rows[1])]
        if best.plate is None and may_be_lower_row(lower):
            readings = (
                self._reading(frame_bgr, pair, self._recognised(frame_bgr, pair[0]), lower) for pair in pairs
            )
            best = max(readings, key=_probability)
        if best.plate is None or _probability(best) < self.settings.least_confidence[len(best.rows) - 1]:
            return None
        return _look(frame_bgr, best, best.plate)

    def _reading(
        self, frame_bgr: Image, rows: tuple[Corners, ...], scores: NDArray[np.float32], below: Characters
    ) -> _Reading:
        """Reads one grouping of rows from the scores of its first row, and again with the character in front when that
        seems lost, for a plate of one line also from further left."""
        plain = _read_as_plate(rows, (*self._alphabet.positions(scores), *below))
        if not may_lack_province(plain.plate, plain.characters):
            return plain
        tops = [self._alphabet.positions_after_province(scores)]
        if not below:
            for heights in _FURTHER_LEFT:
                wider = self._recognised(frame_bgr, geometry.widened_left(rows[0], heights))
                tops += [self._alphabet.positions(wider), self._alphabet.positions_after_province(wider)]
        whole = [
            reading
            for top in tops
            if (reading := _read_as_plate(rows, (*top, *below))).plate is not None
            and province(reading.plate.text)
        ]
        if plain.plate is not None and province(plain.plate.text):
            whole.append(plain)
        best = max(whole, key=_probability, default=plain)
        return best if _probability(best) >= self.settings.least_confidence[len(rows) - 1] else plain

    def _rows(self, frame_bgr: Image) -> list[tuple[Corners, float]]:
        scale, network_input = self._letterbox(frame_bgr)
        self._detect.infer([network_input])
        text_map: NDArray[np.float32] = self._detect.get_output_tensor().data[0, 0]
        mask = cv2.dilate(
            (text_map > self.settings.map_threshold).astype(np.uint8), np.ones((2, 2), np.uint8)
        )
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        rows = [row for contour in contours if (row := self._row(contour, text_map, scale)) is not None]
        return sorted(rows, key=lambda row: -row[1])[: self.settings.most_rows]

    def _letterbox(self, frame_bgr: Image) -> tuple[float, NDArray[np.float32]]:
        s = self.settings
        height, width = frame_bgr.shape[:2]
        scale = min(s.detection_width_px / width, s.detection_height_px / height, s.most_enlargement)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        shrunk = cv2.resize(frame_bgr, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        canvas = np.full((s.detection_height_px, s.detection_width_px, 3), 127, np.uint8)
        canvas[: size[1], : size[0]] = shrunk
        return scale, _to_network(canvas)

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

    def _recognised(self, frame_bgr: Image, row: Corners) -> NDArray[np.float32]:
        """Scores of one row of text, steps x classes."""
        s = self.settings
        crop = geometry.straighten(frame_bgr, row)
        width = min(s.row_width_px, max(1, round(s.row_height_px * crop.shape[1] / crop.shape[0])))
        canvas = np.zeros((s.row_height_px, s.row_width_px, 3), np.float32)
        canvas[:, :width] = cv2.resize(crop, (width, s.row_height_px)) / np.float32(127.5) - 1
        self._recognise.infer([np.ascontiguousarray(canvas.transpose(2, 0, 1)[None])])
        return np.array(self._recognise.get_output_tensor().data[0])


def _load(core: openvino.Core, path: Path) -> openvino.Model:
    if not path.is_file():
        raise ModelsMissing(f"{path}: the plate model is missing; run scripts/setup, which puts it there.")
    try:
        return core.read_model(path)
    except RuntimeError as exc:
        raise ModelsMissing(
            f"{path}: OpenVINO cannot read the plate model; delete the file and run scripts/setup."
        ) from exc


def _read_as_plate(rows: tuple[Corners, ...], characters: Characters) -> _Reading:
    return _Reading(rows, characters, plate_text(characters))


def _probability(reading: _Reading) -> float:
    return reading.plate.probability if reading.plate is not None else 0.0


def _look(frame_bgr: Image, reading: _Reading, plate: PlateText) -> PlateLook:
    crops = [geometry.straighten(frame_bgr, row) for row in reading.rows]
    return PlateLook(
        text=plate.text,
        kind=_look_kind(plate, len(reading.rows)),
        country=plate.form.country,
        lines=len(reading.rows),
        confidence=round(plate.probability, 4),
        corners=geometry.around(reading.rows),
        characters=reading.characters,
        ground=ground_colour(crops[-1]),
        quality=quality(crops, reading.rows),
    )


def _classes(recogniser: openvino.Model) -> list[str]:
    characters = str(recogniser.get_rt_info(["framework", "character"]).value).splitlines()
    return ["", *characters, " "]


def _to_network(image: Image) -> NDArray[np.float32]:
    return np.ascontiguousarray((image / np.float32(127.5) - 1).transpose(2, 0, 1)[None], dtype=np.float32)


def _mean_inside(text_map: NDArray[np.float32], points: Any) -> float:
    height, width = text_map.shape
    x0, y0 = np.clip(np.floor(points.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    x1, y1 = np.clip(np.ceil(points.max(axis=0)).astype(int), 0, (width - 1, height - 1))
    mask = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.uint8)
    cv2.fillPoly(mask, [(points - (x0, y0)).astype(np.int32)], 1)
    return float(cv2.mean(text_map[y0 : y1 + 1, x0 : x1 + 1], mask)[0])


def _look_kind(plate: PlateText, lines: int) -> LookKind:
    """GA 36-2018 gives every trailer a plate of two lines: a trailer number on one line is painted on the tail."""
    return LookKind.PAINTED if plate.form.kind in _TRAILER_KINDS and lines == 1 else LookKind.PLATE
