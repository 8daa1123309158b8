"""PaddleOCR as the reader's networks: a worker that dies, hangs or talks rubbish is told and ended, for the reader to be opened
anew, and the real one reads as OpenVINO does. The real one is skipped where scripts/paddle has not made its environment."""

import io
import json
import os
import signal
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.vision.backends import Backend, ReaderIncomplete, ReaderSettings, missing, open_reader
from edge.vision.paddle import WORKER, PaddleFailed, PaddleNetworks, PaddleSettings
from edge.vision.paddle_worker import serve
from edge.vision.port import Image, ReaderLost, look
from simulation.plate_drawing import Ground, draw_plate
from tests.paddle import MODELS, needs_paddleocr

CANVAS: Image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
GOOD = f"""\
import sys
sys.path.insert(0, {str(WORKER.parent)!r})
import numpy as np
from paddle_worker import serve

class Networks:
    classes = ["", "A", "B"]
    fed = [[0.01, 0.02, 0.03], [-1.0, -2.0, -3.0]]
    def text_map(self, canvas):
        return canvas[:, :, 0].astype(np.float32) / 255
    def row_scores(self, canvas):
        return np.full((2, 3), canvas[0, 0, 0] / 255, np.float32)

serve(Networks(), sys.stdin.buffer, sys.stdout.buffer)
"""
FAILING = """\
import json, math, os, sys, time
models = os.path.dirname(sys.argv[1])
with open(os.path.join(models, "starts"), "a") as starts:
    starts.write("x")
number = os.path.getsize(os.path.join(models, "starts"))
def say(what, raw=b""):
    sys.stdout.buffer.write(what + b"\\n" + raw)
    sys.stdout.buffer.flush()
HELLO = {"classes": ["", "A", "B"], "fed": [[1, 1, 1], [0, 0, 0]]}
FEW, MANY = json.dumps({"shape": [1, 3]}).encode(), json.dumps({"shape": [4, 6]}).encode()
say(json.dumps(HELLO).encode())
for asked in range(1, 1000):
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit(0)
    ask = json.loads(line)
    sys.stdin.buffer.read(math.prod(ask["shape"]))
    if asked == 1:
        say(FEW, bytes(12))
        continue
"""


def networks(folder: Path, program: str, **how: Any) -> PaddleNetworks:
    """Networks whose worker is a program that the test tells."""
    worker = folder / "worker.py"
    worker.write_text(program, encoding="utf-8")
    settings = PaddleSettings(Path(sys.executable), folder, **how)
    return PaddleNetworks(settings, worker)


def failing(answer: str) -> str:
    """A worker that reads the empty row of the start, and then does this with whatever it is asked."""
    return FAILING + textwrap.indent(answer, "    ")


def starts(folder: Path) -> int:
    return len((folder / "starts").read_text(encoding="utf-8"))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# -- a worker that works


def test_values_come_back_as_the_networks_gave_them(tmp_path: Path) -> None:
    paddle = networks(tmp_path, GOOD)
    assert paddle.classes == ["", "A", "B"]
    assert paddle.fed.tolist() == [[0.01, 0.02, 0.03], [-1.0, -2.0, -3.0]]
    np.testing.assert_allclose(paddle.text_map(CANVAS), CANVAS[:, :, 0] / 255, rtol=1e-6)
    assert paddle.row_scores(CANVAS + 51).tolist() == pytest.approx(np.full((2, 3), 0.2))
    paddle.close()


def test_a_closed_worker_has_ended_by_itself(tmp_path: Path) -> None:
    paddle = networks(tmp_path, GOOD)
    worker = paddle._worker
    assert worker is not None
    paddle.close()
    assert worker._process.returncode == 0


def test_a_worker_ends_with_what_asks_it(tmp_path: Path) -> None:
    paddle = networks(tmp_path, GOOD)
    worker = paddle._worker
    assert worker is not None
    pid = worker._process.pid
    assert is_running(pid)
    del paddle, worker
    assert not is_running(pid)


def test_the_worker_says_what_it_has_and_answers_in_turn_until_its_input_ends() -> None:
    class Networks:
        classes = ("", "A")
        fed = ([1.0], [0.0])

        def text_map(self, canvas: Image) -> Any:
            return canvas[:, :, 1].astype(np.float32)

        row_scores = text_map

    line = json.dumps({"ask": "text_map", "shape": CANVAS.shape}).encode() + b"\n"
    answers = io.BytesIO()
    serve(Networks(), io.BytesIO((line + CANVAS.tobytes()) * 2), answers)  # type: ignore[arg-type]
    said = answers.getvalue()
    hello, rest = said.split(b"\n", 1)
    assert json.loads(hello) == {"classes": ["", "A"], "fed": [[1.0], [0.0]]}
    one = b'{"shape": [4, 6]}\n' + CANVAS[:, :, 1].astype(np.float32).tobytes()
    assert rest == one * 2


# -- a worker that does not

ANSWERS = {
    "dies": ("sys.exit(3)", "the worker ended without an answer"),
    "hangs": ("time.sleep(600)", "no answer within 1 s"),
    "says why": ('say(b\'{"error": "out of memory"}\')', "out of memory"),
    "talks rubbish": ("say(b'Segmentation fault')", "Expecting value"),
    "talks bytes": ("say(bytes(range(128, 256)))", "codec can't decode"),
    "nests deeply": ("say(b'[' * 100_000)", "recursion|nest"),
    "gives no object": ("say(b'[]')", "the answer is no object"),
    "gives no shape": ("say(b'{}')", "the answer has the shape None"),
    "gives another shape": ("say(FEW, bytes(12))", r"the shape \[1, 3\] and not \(4, 6\)"),
    "gives a vast shape": ("say(b'{\"shape\": [4, 99999999999]}')", "the shape .* and not"),
    "ends in the middle": ("say(MANY, bytes(12)); sys.exit(0)", "in the middle of an answer"),
    "gives no numbers": ("say(MANY, b'\\xff' * 96)", "no probabilities"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_a_worker_that_fails_is_told_and_ended(tmp_path: Path, what: str) -> None:
    answer, told = ANSWERS[what]
    paddle = networks(tmp_path, failing(answer), answer_s=1)
    worker = paddle._worker
    assert worker is not None
    with pytest.raises(PaddleFailed, match=told) as raised:
        paddle.text_map(CANVAS)
    assert str(tmp_path) in str(raised.value)
    assert 'mend that folder, or set backend = "openvino"' in str(raised.value)
    assert worker._process.returncode is not None


def test_networks_that_failed_start_nothing_in_a_look_and_say_so_at_once(tmp_path: Path) -> None:
    paddle = networks(tmp_path, failing("sys.exit(3)"))
    with pytest.raises(ReaderLost, match="ended without an answer"):
        paddle.text_map(CANVAS)
    with pytest.raises(ReaderLost, match="must be started again"):
        paddle.text_map(CANVAS)
    assert starts(tmp_path) == 1


def test_a_worker_that_is_asked_something_is_killed_when_the_process_ends(tmp_path: Path) -> None:
    paddle = networks(tmp_path, failing("time.sleep(600)"), answer_s=60)
    worker = paddle._worker
    assert worker is not None
    failed: list[str] = []

    def ask() -> None:
        try:
            paddle.text_map(CANVAS)
        except PaddleFailed as error:
            failed.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    while not worker._asking.locked():
        assert asking.is_alive()
    worker.end()
    asking.join(10)
    assert "without an answer" in failed[0] or "Broken pipe" in failed[0]
    assert worker._process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("hello", "told"),
    [
        ('{"error": "no such model"}', "no such model"),
        ('{"classes": ["A"], "fed": [[1, 1, 1], [0, 0, 0]]}', "no list of characters"),
        ('{"classes": ["", 1], "fed": [[1, 1, 1], [0, 0, 0]]}', "no list of characters"),
        ('{"classes": ["", "A"]}', "does not say what the detector is fed"),
        ('{"classes": ["", "A"], "fed": [[0, 1, 1], [0, 0, 0]]}', "does not say what the detector is fed"),
        ('{"classes": ["", "A"], "fed": [["x", 1, 1], [0, 0, 0]]}', "could not convert"),
    ],
)
def test_a_start_that_fails_is_told(tmp_path: Path, hello: str, told: str) -> None:
    with pytest.raises(PaddleFailed, match=told):
        networks(tmp_path, f"print({hello!r})")


def test_models_and_characters_that_do_not_belong_together_are_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(PaddleFailed, match=r"the shape \[2, 3\] and not \(None, 4\)"):
        networks(tmp_path, GOOD.replace('"B"]', '"B", "C"]'))


def test_a_python_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    settings = PaddleSettings(tmp_path / "python", tmp_path)
    with pytest.raises(PaddleFailed, match="make PaddleOCR's environment with scripts/paddle"):
        PaddleNetworks(settings)


# -- which reader


def paddle_folder(folder: Path) -> ReaderSettings:
    """An environment and a model folder, as far as a check looks."""
    for file in (
        "venv/bin/python",
        *(f"models/{p}/inference.{e}" for p in ("det", "rec") for e in ("yml", "pdiparams")),
    ):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return ReaderSettings(Backend.PADDLEOCR, folder / "models", folder / "venv")


def test_nothing_is_missing_where_everything_is(tmp_path: Path) -> None:
    assert list(missing(paddle_folder(tmp_path))) == []
    assert list(missing(ReaderSettings())) == []


@pytest.mark.parametrize(
    ("gone", "key", "advice"),
    [
        ("venv/bin/python", "environment", "run scripts/paddle"),
        ("models/det/inference.yml", "models", "export the model with PaddleOCR 3"),
        ("models/rec/inference.pdiparams", "models", "export the model with PaddleOCR 3"),
    ],
)
def test_what_is_missing_for_paddleocr_is_told_with_what_to_do(
    tmp_path: Path, gone: str, key: str, advice: str
) -> None:
    settings = paddle_folder(tmp_path)
    (tmp_path / gone).unlink()
    ((found, told),) = missing(settings)
    assert found == key
    assert told.startswith(str(tmp_path / gone))
    assert advice in told
    with pytest.raises(ReaderIncomplete, match=f"{key}: .*{advice}"):
        open_reader(settings)


def test_paddleocr_without_a_folder_and_a_folder_without_exported_models_are_told(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    ((key, told),) = missing(ReaderSettings(Backend.PADDLEOCR, None, tmp_path))
    assert (key, told) == ("models", "paddleocr has no models of its own; name a folder with det and rec")
    told_of = [told for _, told in missing(ReaderSettings(models=tmp_path))]
    assert [str(tmp_path / name) in told for name, told in zip(("det.xml", "rec.xml"), told_of, strict=True)] == [
        True, True,
    ]  # fmt: skip


# -- the real one


@needs_paddleocr
@pytest.mark.parametrize(
    ("text", "country", "lines", "ground"),
    [
        ("29C12345", "VN", 1, Ground.YELLOW),
        ("12C12345", "VN", 2, Ground.YELLOW),
        ("桂F12345", "CN", 1, Ground.BLUE),
    ],
)
def test_paddleocr_reads_a_plate_for_real(text: str, country: Any, lines: Any, ground: Ground) -> None:
    reader = open_reader(ReaderSettings(Backend.PADDLEOCR, MODELS))
    plate = draw_plate(text, country, lines, ground, px_per_mm=0.5)
    frame = np.full((720, 1280, 3), 96, np.uint8)
    frame[300 : 300 + plate.shape[0], 500 : 500 + plate.shape[1]] = plate
    (seen,) = look(reader, frame)
    assert (seen.text, seen.country, seen.lines) == (text, country, lines)
    assert all(sum(p for _, p in place) <= 1.001 for place in seen.characters)
