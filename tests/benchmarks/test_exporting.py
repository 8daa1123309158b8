"""A model of PaddleOCR brought to OpenVINO: fed as it was trained, and giving what it gives in PaddleOCR itself."""

import subprocess
from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset8

from benchmarks.exporting import CannotExport, compare, export, fed_as_ours, read_network
from edge.vision.backends import ENVIRONMENT, OPENVINO_FILES, Backend, ReaderSettings, missing, open_reader
from edge.vision.networks import CHARACTERS, MODELS, FinderSettings, ModelsMissing, OpenVinoNetworks
from edge.vision.paddle import PaddleNetworks, PaddleSettings
from edge.vision.port import look
from edge.vision.ppocr import PpOcrReader
from simulation.plate_drawing import Ground, draw_plate
from tests import paddle as installed
from tests.paddle import needs_paddleocr

SHAPES_PX = FinderSettings().shapes_px
SMALL_NETWORK = """\
import sys
import paddle

class Small(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.strokes = paddle.nn.Conv2D(3, 8, (48, 8), stride=(1, 8))
        self.classes = paddle.nn.Linear(8, 38)

    def forward(self, rows):
        steps = self.strokes(rows).squeeze(2).transpose([0, 2, 1])
        return paddle.nn.functional.softmax(self.classes(steps), axis=-1)

net = Small()
net.eval()
shape = paddle.static.InputSpec([None, 3, 48, None], "float32")
paddle.jit.save(net, sys.argv[1], input_spec=[shape])
rows = paddle.ones([1, 3, 48, 320]) * 0.25
print(net(rows).numpy().tobytes().hex())
"""


def test_the_detector_is_fed_what_it_was_trained_on() -> None:
    node = opset8.parameter([1, 3, 2, 2], np.float32)
    model = openvino.Model([opset8.relu(node)], [node])
    fed = np.array([[0.1, 0.2, 0.3], [5.0, 6.0, 7.0]])
    grey = np.arange(12, dtype=np.float64).reshape(1, 3, 2, 2) * 20
    ours = (grey / 127.5 - 1).astype(np.float32)
    given = openvino.Core().compile_model(fed_as_ours(model, fed), "CPU")([ours])[0]
    wanted = grey * fed[0].reshape(3, 1, 1) + fed[1].reshape(3, 1, 1)
    np.testing.assert_allclose(given, wanted, rtol=1e-2)


def row_model(classes: int, characters: str | None) -> openvino.Model:
    """As much of a recogniser as is looked at when it is opened: three channels of 48 rows in, 40 steps out."""
    rows = opset8.parameter([1, 3, 48, 320], np.float32)
    steps = opset8.reshape(opset8.reduce_mean(rows, [1, 2], False), [1, 40, 8], False)
    model = openvino.Model([opset8.matmul(steps, np.ones((8, classes), np.float32), False, False)], [rows])
    if characters is not None:
        model.set_rt_info(characters, CHARACTERS)
    return model


@pytest.mark.parametrize(
    ("classes", "characters", "told"),
    [
        (4, None, "OpenVINO cannot use the plate models; write them anew with scripts/export-model"),
        (4, "A\nB\nC", "it has 5 characters and not as many classes"),
    ],
)
def test_a_folder_whose_characters_are_not_those_of_its_network_is_told(
    tmp_path: Path, classes: int, characters: str | None, told: str
) -> None:
    finder = opset8.parameter([1, 3, -1, -1], np.float32)
    openvino.save_model(openvino.Model([opset8.relu(finder)], [finder]), tmp_path / "det.xml")
    openvino.save_model(row_model(classes, characters), tmp_path / "rec.xml")
    with pytest.raises(ModelsMissing, match=told):
        open_reader(ReaderSettings(models=tmp_path))


def test_networks_with_other_characters_are_told_apart() -> None:
    class Told:
        def __init__(self, classes: list[str]) -> None:
            self.classes = classes

    apart, unlike = compare(Told(["", "A"]), Told(["", "B"]))  # type: ignore[arg-type]
    assert (apart, unlike) == ({}, ["the characters are not the same"])


def test_a_folder_without_a_network_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotExport, match="OpenVINO cannot read the network"):
        read_network(tmp_path, ENVIRONMENT)


@needs_paddleocr
def test_an_exported_model_gives_what_paddleocr_gives_and_reads_as_the_shipped_one(tmp_path: Path) -> None:
    paddle = PaddleNetworks(PaddleSettings(installed.PYTHON, installed.MODELS))
    export(installed.MODELS, tmp_path, paddle, ENVIRONMENT)
    exported = OpenVinoNetworks(tmp_path, SHAPES_PX, 2, OPENVINO_FILES, exact=True)
    apart, unlike = compare(exported, paddle)
    assert unlike == []
    assert max(apart.values()) < 0.001
    assert exported.classes == OpenVinoNetworks(MODELS, SHAPES_PX, 2).classes

    settings = ReaderSettings(Backend.OPENVINO, tmp_path)
    assert list(missing(settings)) == []
    plate = draw_plate("桂F12345", "CN", 2, Ground.YELLOW, px_per_mm=0.5)
    frame = np.full((720, 1280, 3), 96, np.uint8)
    frame[300 : 300 + plate.shape[0], 500 : 500 + plate.shape[1]] = plate
    texts = [[seen.text for seen in look(reader, frame)] for reader in (open_reader(settings), PpOcrReader())]
    assert texts == [["桂F12345"], ["桂F12345"]]


@needs_paddleocr
def test_the_newer_form_of_a_network_goes_through_paddle2onnx(tmp_path: Path) -> None:
    program = tmp_path / "small.py"  # a file, because paddle.jit looks at the source
    program.write_text(SMALL_NETWORK, encoding="utf-8")
    command = [installed.PYTHON, "-I", "-W", "ignore", program, tmp_path / "inference"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wanted = np.frombuffer(bytes.fromhex(said.splitlines()[-1]), np.float32).reshape(1, 40, 38)
    assert (tmp_path / "inference.json").is_file()
    model = openvino.Core().compile_model(
        read_network(tmp_path, ENVIRONMENT), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    given = model([np.full((1, 3, 48, 320), 0.25, np.float32)])[0]
    np.testing.assert_allclose(given, wanted, atol=1e-4)
