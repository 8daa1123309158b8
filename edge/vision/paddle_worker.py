"""The two networks in PaddleOCR, run by the Python of an environment of its own (`scripts/paddle`) as a child of the gate.

    python -I edge/vision/paddle_worker.py DETECTION RECOGNITION THREADS

Once the models are loaded it writes a line {"classes": […], "fed": [[…], […]]}: the characters, and the factor and the summand
for each channel by which grey levels become what the detector is fed. Then each line {"ask": "text_map" or "row_scores", "shape":
[height, width, 3]} on standard input, with that many bytes (blue-green-red) behind it, is answered by a line {"shape": […]} and
as many 32-bit floats in the machine's byte order. What cannot be done is a line {"error": "…"} and the end. It ends with its
standard input. It imports nothing of the project, and PaddleOCR is given folders, so that it downloads nothing.
"""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray


class Networks:
    """PaddleOCR's detector and recogniser with the pre-processing that their `inference.yml` asks for."""

    def __init__(self, detection: Path, recognition: Path, threads: int) -> None:
        from paddleocr import TextDetection, TextRecognition

        how = {"device": "cpu", "engine": "paddle_static", "cpu_threads": threads}
        self._detector = TextDetection(
            model_name=_name(detection), model_dir=str(detection), **how
        ).paddlex_predictor
        self._recogniser = TextRecognition(
            model_name=_name(recognition), model_dir=str(recognition), **how
        ).paddlex_predictor
        self.classes: list[str] = ["", *self._recogniser.post_op.character[1:]]
        normalise = self._detector.pre_tfs["Normalize"]
        self.fed = [list(map(float, factors)) for factors in (normalise.alpha, normalise.beta)]

    def text_map(self, canvas: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Height x width, from 0 to 1. The step "Resize" is left out: the canvas has its shape."""
        text_map: NDArray[np.float32] = _run(
            self._detector, canvas, ("Read", "Normalize", "ToCHW", "ToBatch")
        )[0]
        return text_map

    def row_scores(self, canvas: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Steps x classes."""
        return _run(self._recogniser, canvas, ("Read", "ReisizeNorm", "ToBatch"))


def _run(predictor: Any, canvas: NDArray[np.uint8], steps: Sequence[str]) -> NDArray[np.float32]:
    """The raw output for one picture: PaddleOCR's own results hold the best text only, our vote needs every probability."""
    batch: Any = [canvas]
    for step in steps:
        batch = predictor.pre_tfs[step](imgs=batch)
    return np.ascontiguousarray(predictor.runner(x=batch)[0][0], dtype=np.float32)


def _name(model: Path) -> str:
    import yaml

    said = yaml.safe_load((model / "inference.yml").read_text(encoding="utf-8"))
    return str(said["Global"]["model_name"])


def serve(networks: Networks, asked: BinaryIO, answers: BinaryIO) -> None:
    """Answers until `asked` ends."""
    asks = {"text_map": networks.text_map, "row_scores": networks.row_scores}
    _tell(answers, {"classes": networks.classes, "fed": networks.fed})
    for line in iter(asked.readline, b""):
        ask = json.loads(line)
        shape = ask["shape"]
        picture = np.frombuffer(asked.read(int(np.prod(shape))), np.uint8).reshape(shape)
        values = asks[ask["ask"]](picture)
        _tell(answers, {"shape": values.shape}, values.tobytes())


def _tell(answers: BinaryIO, said: dict[str, Any], values: bytes = b"") -> None:
    answers.write(json.dumps(said).encode() + b"\n" + values)
    answers.flush()


def main() -> None:
    """See the module."""
    with os.fdopen(os.dup(1), "wb") as answers, tempfile.TemporaryDirectory() as cache:
        os.dup2(2, 1)  # what libraries print must not stand among the answers
        os.environ["PADDLE_PDX_CACHE_HOME"] = cache  # the user of a gate's daemon has no home
        os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"
        try:
            networks = Networks(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
            serve(networks, sys.stdin.buffer, answers)
        except Exception as error:
            _tell(answers, {"error": f"{type(error).__name__}: {error}"[:500]})
            sys.exit(1)


if __name__ == "__main__":
    main()
