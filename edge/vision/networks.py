"""The two networks of PP-OCR, and PP-OCRv4 mobile (Apache-2.0) in OpenVINO: where text stands, and what a row of it says.
Fixed input shapes only, so that memory stays flat.

scripts/setup puts the models into the environment; the program downloads nothing.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from edge.vision.port import Image, VisionError

MODELS = Path(sys.prefix) / "share" / "barie" / "models"
DETECTION_MODEL = "ch_PP-OCRv4_det_infer.onnx"
RECOGNITION_MODEL = "ch_PP-OCRv4_rec_infer.onnx"
PADDING = 127
"""Grey level that the networks see as nothing."""
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
            scores = self._reader.get_output_tensor().shape
            maps = {shape: tuple(one.get_output_tensor().shape) for shape, one in self._finders.items()}
        except RuntimeError as exc:
            raise ModelsMissing(
                f"{models}: OpenVINO cannot use the plate models; write them anew with scripts/export-model"
            ) from exc
        if len(scores) != 3 or scores[-1] != len(self.classes):
            raise ModelsMissing(
                f"{recognition}: it has {len(self.classes)} characters and not as many classes; "
                "write it anew with scripts/export-model"
            )
        if any(map_shape != (1, 1, *shape) for shape, map_shape in maps.items()):
            raise ModelsMissing(
                f"{detection}: it gives no map of text; write it anew with scripts/export-model"
            )

    def text_map(self, canvas_bgr: Image) -> NDArray[np.float32]:
        """See `Networks`; the map holds until the next call."""
        text_map: NDArray[np.float32] = _infer(self._finders[canvas_bgr.shape[:2]], canvas_bgr)[0]
        return text_map

    def row_scores(self, canvas_bgr: Image) -> NDArray[np.float32]:
        """See `Networks`."""
        return np.array(_infer(self._reader, canvas_bgr))


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


def _infer(request: openvino.InferRequest, canvas_bgr: Image) -> NDArray[np.float32]:
    try:
        request.infer([canvas_bgr[None]])
    except RuntimeError as exc:
        raise VisionError(f"OpenVINO cannot run the plate model: {str(exc).strip()[-200:]}") from exc
    output: NDArray[np.float32] = request.get_output_tensor().data[0]
    return output


def _classes(recogniser: openvino.Model) -> list[str]:
    characters = str(recogniser.get_rt_info(CHARACTERS).value).splitlines()
    return ["", *characters, " "]
