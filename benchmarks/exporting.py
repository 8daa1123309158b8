"""A model folder of PaddleOCR made into one that the reader opens in OpenVINO, and both compared on drawn plates.

    scripts/export-model FROM OUT          # runs python -m benchmarks.exporting FROM OUT [--environment FOLDER]

FROM has the folders `det` and `rec` as PaddleOCR exports them. OpenVINO reads the older form of a network,
inference.pdmodel, itself; the newer one, inference.json, goes through paddle2onnx in PaddleOCR's environment. Characters and
normalisation are those that PaddleOCR itself takes from inference.yml. Prints the greatest difference of each network's
output, 0 to 1, and every plate that is not read the same; exit code 1 then, 2 when it cannot be done.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from edge.vision.backends import ENVIRONMENT, OPENVINO_FILES
from edge.vision.networks import CHARACTERS, FinderSettings, Networks, OpenVinoNetworks
from edge.vision.paddle import PARTS, Fed, PaddleNetworks, PaddleSettings
from edge.vision.port import Image, VisionError, look
from edge.vision.ppocr import PpOcrReader
from simulation.plate_drawing import Ground, draw_plate

THREADS = 2
PLATES = (
    *((text, "VN", lines) for text in ("29C12345", "98H03688", "12C09871", "51D45678") for lines in (1, 2)),
    *((text, "CN", lines) for text in ("桂F12345", "粤B8K310", "云A90Q72") for lines in (1, 2)),
)


class Both:
    """Asks two networks the same, gives the first one's answer, and keeps how far the other's is away."""

    def __init__(self, one: Networks, other: Networks) -> None:
        self._one, self._other = one, other
        self.classes = one.classes
        self.apart = {"text map": 0.0, "row scores": 0.0}

    def text_map(self, canvas_bgr: Image) -> NDArray[np.float32]:
        """See `Networks`."""
        return self._compared("text map", self._one.text_map(canvas_bgr), self._other.text_map(canvas_bgr))

    def row_scores(self, canvas_bgr: Image) -> NDArray[np.float32]:
        """See `Networks`."""
        return self._compared(
            "row scores", self._one.row_scores(canvas_bgr), self._other.row_scores(canvas_bgr)
        )

    def _compared(
        self, what: str, one: NDArray[np.float32], other: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        self.apart[what] = max(self.apart[what], float(np.abs(one - other).max()))
        return one


class CannotExport(VisionError):
    """The folder holds no network that OpenVINO could run."""


def export(folder: Path, out: Path, paddle: PaddleNetworks, environment: Path) -> None:
    """Writes the two networks of `folder`, which `paddle` runs, to `out`. Raises CannotExport."""
    out.mkdir(parents=True, exist_ok=True)
    for part, name in zip(PARTS, OPENVINO_FILES, strict=True):
        model = read_network(folder / part, environment)
        if part == "det":
            model = fed_as_ours(model, paddle.fed)
        else:
            model.set_rt_info("\n".join(paddle.classes[1:-1]), CHARACTERS)
        openvino.save_model(model, out / name, compress_to_fp16=False)


def read_network(part: Path, environment: Path) -> openvino.Model:
    """The network of one folder, as PaddleOCR exported it. Raises CannotExport."""
    with tempfile.TemporaryDirectory() as between:
        file = part / "inference.pdmodel"
        if (part / "inference.json").is_file():
            file = Path(between) / "inference.onnx"
            _convert(part, file, environment)
        try:
            return openvino.Core().read_model(file)
        except RuntimeError as error:
            raise CannotExport(f"{part}: OpenVINO cannot read the network: {error}") from error


def _convert(part: Path, file: Path, environment: Path) -> None:
    command: list[str | Path] = [
        *(environment / "bin" / "paddle2onnx", "--model_dir", part, "--model_filename", "inference.json"),
        *("--params_filename", "inference.pdiparams", "--optimize_tool", "None", "--save_file", file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not file.is_file() or file.stat().st_size == 0:
        raise CannotExport(
            f"{part}: paddle2onnx cannot convert the network: {done.stdout[-500:]}{done.stderr[-500:]}"
        )


def fed_as_ours(model: openvino.Model, fed: Fed) -> openvino.Model:
    """The detector with a first step that turns what our reader feeds, grey / 127.5 - 1, into what it was trained on."""
    factor, summand = 127.5 * fed[0], 127.5 * fed[0] + fed[1]
    steps = PrePostProcessor(model)
    steps.input().tensor().set_layout(openvino.Layout("NCHW"))
    steps.input().preprocess().mean(list(-summand / factor)).scale(list(1 / factor))
    return steps.build()


def frames() -> Iterator[tuple[str, Image]]:
    """What is drawn, and a frame with it."""
    for text, country, lines in PLATES:
        ground = Ground.YELLOW if lines == 2 else Ground.BLUE if country == "CN" else Ground.WHITE
        plate = draw_plate(text, country, lines, ground, px_per_mm=0.5)  # type: ignore[arg-type]
        frame = np.full((720, 1280, 3), 96, np.uint8)
        frame[300 : 300 + plate.shape[0], 500 : 500 + plate.shape[1]] = plate
        yield f"{text} on {lines}", frame


def compare(one: Networks, other: Networks) -> tuple[dict[str, float], list[str]]:
    """How far the outputs of two networks are apart, and the plates that they read differently."""
    if list(one.classes) != list(other.classes):
        return {}, ["the characters are not the same"]
    both = Both(one, other)
    first, second = PpOcrReader(networks=both), PpOcrReader(networks=other)
    unlike = []
    for drawn, frame in frames():
        texts = [[plate.text for plate in look(reader, frame)] for reader in (first, second)]
        if texts[0] != texts[1]:
            unlike.append(f"{drawn}: {texts[0]} in OpenVINO, {texts[1]} in PaddleOCR")
    return both.apart, unlike


def main() -> int:
    """See the module."""
    wanted = argparse.ArgumentParser(prog="scripts/export-model")
    wanted.add_argument("folder", metavar="FROM", type=Path)
    wanted.add_argument("out", metavar="OUT", type=Path)
    wanted.add_argument("--environment", type=Path, default=ENVIRONMENT)
    asked = wanted.parse_args()
    try:
        paddle = PaddleNetworks(PaddleSettings(asked.environment / "bin" / "python", asked.folder, THREADS))
        export(asked.folder, asked.out, paddle, asked.environment)
        exported = OpenVinoNetworks(
            asked.out, FinderSettings().shapes_px, THREADS, OPENVINO_FILES, exact=True
        )
        apart, unlike = compare(exported, paddle)
    except VisionError as error:
        print(error, file=sys.stderr)
        return 2
    for what, difference in apart.items():
        print(f"{what}: at most {difference:.5f} apart")
    print("\n".join(unlike) or f"{len(PLATES)} drawn plates are read the same")
    return 1 if unlike else 0


if __name__ == "__main__":
    sys.exit(main())
