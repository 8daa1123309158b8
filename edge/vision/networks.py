"""PP-OCRv4 mobile (Apache-2.0) in OpenVINO: rows of text in a frame, characters of a row. Fixed input shapes only, so that
memory stays flat.

scripts/setup puts the models into the environment; the program downloads nothing.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import openvino
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from edge.vision import geometry
from edge.vision.port import Corners, Image, VisionError

MODELS = Path(sys.prefix) / "share" / "barie" / "models"
DETECTION_MODEL = "ch_PP-OCRv4_det_infer.onnx"
RECOGNITION_MODEL = "ch_PP-OCRv4_rec_infer.onnx"
_PADDING = 127  # grey level that the networks see as nothing
ROW_SHAPE_PX = 320, 48
"""Width and height of what the recogniser looks at."""
CHARACTERS = ["framework", "character"]
"""Where in a model its characters stand, one a line, without blank and space."""


class ModelsMissing(VisionError):
    """The plate models are not there."""


class Networks(Protocol):
    """The two networks, whatever runs them. Both raise a `VisionError` when they cannot."""

    @property
    def classes(self) -> Sequence[str]:
        """The characters of the recogniser in order, the blank of CTC first as an empty text."""
        ...

    def text_map(self, canvas_bgr: Image) -> NDArray[np.float32]:
        """How probable text is at each pixel of a canvas of one of the finder's shapes, height x width."""
        ...

    def row_scores(self, canvas_bgr: Image) -> NDArray[np.float32]:
        """Probabilities of one row of text that stands on a canvas of the reader's shape, steps x classes."""
        ...


@dataclass(frozen=True)
class FinderSettings:
    """Sizes and thresholds of the finder of rows.

    `shapes_px` are the widths and heights (multiples of 32) it may look at, the smallest first. A frame goes to the first
    that leaves it at least `least_scale` of its size, enlarged at most `most_enlargement` times.
    `map_threshold`, `row_threshold` and `unclip_ratio` are those of differentiable binarisation (DB, arXiv 1911.08947).
    """

    shapes_px: tuple[tuple[int, int], ...] = ((960, 576), (1280, 736))
    least_scale: float = 0.7
    most_enlargement: float = 3.0
    map_threshold: float = 0.3
    row_threshold: float = 0.5
    unclip_ratio: float = 1.6
    most_rows: int = 40
    least_row_px: float = 6.0


class OpenVinoNetworks:
    """`Networks` in OpenVINO, each at its fixed shapes (widths and heights). Raises `ModelsMissing`.

    `models` is a folder with the files `names`, detection and recognition. `exact` keeps 32-bit numbers where the processor
    has faster ones of 16 bits, which OpenVINO takes by itself.
    """

    def __init__(
        self,
        models: Path,
        finder_shapes_px: Sequence[tuple[int, int]],
        threads: int,
        names: tuple[str, str] = (DETECTION_MODEL, RECOGNITION_MODEL),
        exact: bool = False,
    ) -> None:
        detection, recognition = (models / name for name in names)
        finder, recogniser = _load(detection), _load(recognition)
        try:
            self._finders = {
                (height, width): _request(finder.clone(), [1, 3, height, width], threads, exact)
                for width, height in finder_shapes_px
            }
            self.classes: Sequence[str] = _classes(recogniser)
            width, height = ROW_SHAPE_PX
            self._reader = _request(recogniser, [1, 3, height, width], threads, exact)
        except RuntimeError as exc:
            raise ModelsMissing(
                f"{models}: OpenVINO cannot use the plate models; write them anew with scripts/export-model"
            ) from exc
        if self._reader.get_output_tensor().shape[-1] != len(self.classes):
            raise ModelsMissing(
                f"{recognition}: it has {len(self.classes)} characters and not as many classes; "
                "write it anew with scripts/export-model"
            )

    def text_map(self, canvas_bgr: Image) -> NDArray[np.float32]:
        """See `Networks`; the map holds until the next call."""
        request = self._finders[canvas_bgr.shape[0], canvas_bgr.shape[1]]
        request.infer([canvas_bgr[None]])
        text_map: NDArray[np.float32] = request.get_output_tensor().data[0, 0]
        return text_map

    def row_scores(self, canvas_bgr: Image) -> NDArray[np.float32]:
        """See `Networks`."""
        self._reader.infer([canvas_bgr[None]])
        return np.array(self._reader.get_output_tensor().data[0])


class RowFinder:
    """Finds rows of text in a frame, given what makes a map of text out of a canvas (`Networks.text_map`)."""

    def __init__(self, settings: FinderSettings, text_map: Callable[[Image], NDArray[np.float32]]) -> None:
        self.settings = settings
        self._text_map = text_map

    def rows(self, frame_bgr: Image) -> list[tuple[Corners, float]]:
        """Corners of each row of text and how sure the finder is (0 to 1), the surest first."""
        number = self._shape_for(frame_bgr)
        scale, canvas = self._letterbox(frame_bgr, *self.settings.shapes_px[number])
        text_map = self._text_map(canvas)
        mask = cv2.dilate(
            (text_map > self.settings.map_threshold).astype(np.uint8), np.ones((2, 2), np.uint8)
        )
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        rows = [row for contour in contours if (row := self._row(contour, text_map, scale)) is not None]
        return sorted(rows, key=lambda row: -row[1])[: self.settings.most_rows]

    def _shape_for(self, frame_bgr: Image) -> int:
        s = self.settings
        height, width = frame_bgr.shape[:2]
        wide_enough = (
            number
            for number, shape in enumerate(s.shapes_px)
            if min(shape[0] / width, shape[1] / height) >= s.least_scale
        )
        return next(wide_enough, len(s.shapes_px) - 1)

    def _letterbox(self, frame_bgr: Image, most_width: int, most_height: int) -> tuple[float, Image]:
        height, width = frame_bgr.shape[:2]
        scale = min(most_width / width, most_height / height, self.settings.most_enlargement)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        shrunk = cv2.resize(frame_bgr, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        canvas = np.full((most_height, most_width, 3), _PADDING, np.uint8)
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
    """Reads the characters of one row of text, given what scores a canvas of `ROW_SHAPE_PX` (`Networks.row_scores`).

    A row is brought to the model's height and, where it is too long, squeezed into its width.
    """

    def __init__(self, row_scores: Callable[[Image], NDArray[np.float32]]) -> None:
        self._row_scores = row_scores
        self._frame: Image | None = None
        self._known: dict[Corners, NDArray[np.float32]] = {}

    def scores(self, frame_bgr: Image, row: Corners) -> NDArray[np.float32]:
        """Probabilities of one row of text, steps x classes; a row of the same frame is read once."""
        if self._frame is not frame_bgr:
            self._frame, self._known = frame_bgr, {}
        if row not in self._known:
            self._known[row] = self._infer(geometry.straighten(frame_bgr, row))
        return self._known[row]

    def forget(self) -> None:
        """Lets go of the frame."""
        self._frame, self._known = None, {}

    def _infer(self, crop: Image) -> NDArray[np.float32]:
        most_width, height = ROW_SHAPE_PX
        width = min(most_width, max(1, round(height * crop.shape[1] / crop.shape[0])))
        canvas = np.full((height, most_width, 3), _PADDING, np.uint8)
        canvas[:, :width] = cv2.resize(crop, (width, height))
        return self._row_scores(canvas)


def _load(path: Path) -> openvino.Model:
    if not path.is_file():
        raise ModelsMissing(f"{path}: the plate model is missing; run scripts/setup, which puts it there.")
    try:
        return openvino.Core().read_model(path)
    except RuntimeError as exc:
        raise ModelsMissing(
            f"{path}: OpenVINO cannot read the plate model; delete it and run scripts/setup, "
            "or scripts/export-model when it is your own."
        ) from exc


def _request(model: openvino.Model, shape: list[int], threads: int, exact: bool) -> openvino.InferRequest:
    """The model at one fixed shape, fed with images (1 x height x width x 3, grey levels 0 to 255 as bytes)."""
    model.reshape(shape)
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().preprocess().convert_element_type(openvino.Type.f32).mean(127.5).scale(127.5)
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    model = steps.build()
    options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    if exact:
        options["INFERENCE_PRECISION_HINT"] = "f32"
    return openvino.Core().compile_model(model, "CPU", options).create_infer_request()


def _classes(recogniser: openvino.Model) -> list[str]:
    characters = str(recogniser.get_rt_info(CHARACTERS).value).splitlines()
    return ["", *characters, " "]


def _mean_inside(text_map: NDArray[np.float32], points: Any) -> float:
    height, width = text_map.shape
    x0, y0 = np.clip(np.floor(points.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    x1, y1 = np.clip(np.ceil(points.max(axis=0)).astype(int), 0, (width - 1, height - 1))
    mask = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.uint8)
    cv2.fillPoly(mask, [(points - (x0, y0)).astype(np.int32)], 1)
    return float(cv2.mean(text_map[y0 : y1 + 1, x0 : x1 + 1], mask)[0])
