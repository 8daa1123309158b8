"""The two networks in PaddleOCR, in a process of its own environment (`paddle_worker`), which is ended when it fails.

Another back-end of `ppocr`: geometry, grammars and quality are the same code. It is slower and larger than OpenVINO, and is
there to try a model that was trained in PaddleOCR as it is.
"""

import contextlib
import json
import math
import subprocess
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edge.vision.networks import ROW_SHAPE_PX
from edge.vision.port import Image, ReaderLost

WORKER = Path(__file__).with_name("paddle_worker.py")
PARTS = "det", "rec"
"""The folders of a model folder: detection and recognition."""
Fed = NDArray[np.float64]
_EMPTY_ROW: Image = np.full((ROW_SHAPE_PX[1], ROW_SHAPE_PX[0], 3), 127, np.uint8)
_MOST_VALUES = 50_000_000
_MOST_LINE_BYTES = 1_000_000


class PaddleFailed(ReaderLost):
    """PaddleOCR cannot be started, does not answer, or answers what nobody can use; `opening` starts it again."""


@dataclass(frozen=True)
class PaddleSettings:
    """Where PaddleOCR and its models are, and how long it may take.

    `python` belongs to the environment that scripts/paddle makes. `models` has the folders `det` and `rec`.
    """

    python: Path
    models: Path
    threads: int = 2
    start_s: float = 60.0
    answer_s: float = 10.0


class PaddleNetworks:
    """`networks.Networks` in PaddleOCR. One instance serves one thread at a time; the worker ends with it.

    Raises `PaddleFailed`, at the start too. One that failed stays so, and says it at once: starting a worker takes longer than
    a look may.
    """

    def __init__(self, settings: PaddleSettings, worker: Path = WORKER) -> None:
        self._worker: _Worker | None = _Worker(settings, worker)
        self.classes: Sequence[str] = self._worker.classes
        self.fed: Fed = self._worker.fed
        """The factor and the summand by which the grey levels of each channel become what the detector is fed."""

    def text_map(self, canvas_bgr: Image) -> NDArray[np.float32]:
        """See `networks.Networks`."""
        return self._ask("text_map", canvas_bgr, canvas_bgr.shape[:2])

    def row_scores(self, canvas_bgr: Image) -> NDArray[np.float32]:
        """See `networks.Networks`."""
        return self._ask("row_scores", canvas_bgr, (None, len(self.classes)))

    def close(self) -> None:
        """Ends the worker."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None

    def _ask(self, what: str, canvas: Image, shape: tuple[int | None, ...]) -> NDArray[np.float32]:
        if self._worker is None:
            raise PaddleFailed("PaddleOCR has ended and must be started again")
        try:
            return self._worker.ask(what, canvas, shape)
        except PaddleFailed:
            self.close()
            raise


class _Worker:
    """One process and what is said to it. A time-out kills it, by which every read and write comes to an end.

    At the start it reads an empty row, which shows whether models and characters belong together.
    """

    def __init__(self, settings: PaddleSettings, program: Path) -> None:
        self._settings = settings
        models = [str(settings.models / part) for part in PARTS]
        command = [str(settings.python), "-I", "-W", "ignore", str(program), *models, str(settings.threads)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError as exc:
            raise PaddleFailed(
                f"{settings.python}: cannot be started ({exc.strerror}); make PaddleOCR's environment with scripts/paddle"
            ) from exc
        self._asking = threading.Lock()
        self.end = weakref.finalize(self, _end, self._process, self._asking)
        with self._within(settings.start_s):
            said = self._line()
            self.classes, self.fed = _characters(said.get("classes")), _factors(said.get("fed"))
        self.ask("row_scores", _EMPTY_ROW, (None, len(self.classes)))

    def ask(self, what: str, canvas: Image, shape: tuple[int | None, ...]) -> NDArray[np.float32]:
        """The values for a canvas; None in `shape` stands for any number."""
        with self._within(self._settings.answer_s):
            to, back = _pipe(self._process.stdin), _pipe(self._process.stdout)
            to.write(json.dumps({"ask": what, "shape": canvas.shape}).encode() + b"\n" + canvas.tobytes())
            to.flush()
            given = _fitting(self._line().get("shape"), shape)
            return _probabilities(back.read(4 * math.prod(given)), given)

    @contextlib.contextmanager
    def _within(self, most_s: float) -> Iterator[None]:
        """Turns what goes wrong inside into `PaddleFailed`, and ends the worker then."""
        late, process = threading.Event(), self._process

        def kill() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(most_s, kill)
        timer.daemon = True
        timer.start()
        try:
            with self._asking:
                yield
        except (OSError, ValueError, TypeError, RecursionError) as exc:
            self._process.kill()
            self.end()
            told = f"no answer within {most_s:g} s" if late.is_set() else str(exc)
            raise PaddleFailed(
                f'PaddleOCR with {self._settings.models}: {told}; mend that folder, or set backend = "openvino"'
            ) from exc
        finally:
            timer.cancel()

    def _line(self) -> dict[str, Any]:
        line = _pipe(self._process.stdout).readline(_MOST_LINE_BYTES)
        if not line:
            raise OSError("the worker ended without an answer")
        said = json.loads(line)
        if not isinstance(said, dict):
            raise ValueError("the answer is no object")
        if "error" in said:
            raise ValueError(str(said["error"]))
        return said


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _characters(given: Any) -> list[str]:
    if not isinstance(given, list) or len(given) < 2 or not all(isinstance(c, str) for c in given):
        raise ValueError("the answer has no list of characters")
    return given


def _factors(given: Any) -> Fed:
    found = np.asarray(given, np.float64)
    if found.shape != (2, 3) or not np.isfinite(found).all() or not found[0].all():
        raise ValueError("the answer does not say what the detector is fed")
    return found


def _fitting(given: Any, wanted: tuple[int | None, ...]) -> list[int]:
    if (
        not isinstance(given, list)
        or len(given) != len(wanted)
        or not all(type(n) is int and 0 < n <= _MOST_VALUES for n in given)
        or not all(w in (None, g) for g, w in zip(given, wanted, strict=True))
        or math.prod(given) > _MOST_VALUES
    ):
        raise ValueError(f"the answer has the shape {str(given)[:80]} and not {wanted}")
    return given


def _probabilities(values: bytes, shape: list[int]) -> NDArray[np.float32]:
    if len(values) != 4 * math.prod(shape):
        raise OSError("the worker ended in the middle of an answer")
    found = np.frombuffer(values, np.float32).reshape(shape)
    if not (np.isfinite(found).all() and found.min() >= -0.001 and found.max() <= 1.001):
        raise ValueError("the answer has numbers that are no probabilities")
    return found


def _end(process: "subprocess.Popen[bytes]", asking: threading.Lock) -> None:
    """Lets the worker end by itself, which it does with its input; kills one that does not.

    Where another thread is asking, as at the end of a process that was still starting the worker, it kills at once: that
    thread holds the pipes, and lets go of them when the worker is gone.
    """
    if not asking.acquire(blocking=False):
        process.kill()
        process.wait()
        if not asking.acquire(timeout=1):
            return
    try:
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        asking.release()
