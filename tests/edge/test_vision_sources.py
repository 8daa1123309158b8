"""The lines of `barie-edge read`: exactly those of the contract, and one bad file never ends the walk."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.vision.calibration import UNCALIBRATED, shipped
from edge.vision.drawing import CannotDraw, Drawings
from edge.vision.networks import ModelsMissing
from edge.vision.port import FoundPlate, Image, PlateLook, VisionError
from edge.vision.sources import Extras, read_sources
from edge.vision.vote import VoteSettings
from tests.edge.looks import corners_at, plate_look


class OnePlate:
    """Sees the same plate in every picture that is not black."""

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        row = corners_at(10.0)
        return (FoundPlate(row, (row,), 0.9),) if frame_bgr.any() else ()

    def read(self, frame_bgr: Image, found: FoundPlate) -> PlateLook | None:
        return plate_look("29C12345", x=found.corners[0][0]) if frame_bgr.any() else None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    white, black = np.full((40, 60, 3), 255, np.uint8), np.zeros((40, 60, 3), np.uint8)
    (tmp_path / "deeper").mkdir()
    cv2.imwrite(str(tmp_path / "a.png"), white)
    cv2.imwrite(str(tmp_path / "deeper" / "c.jpg"), black)
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    (tmp_path / "labels.csv").write_text("not a picture and not tried", encoding="utf-8")
    return tmp_path


def test_a_picture_gives_the_line_of_the_contract(folder: Path) -> None:
    (line,) = read_sources([str(folder / "a.png")], OnePlate())

    assert set(line) == {"source", "plates", "containers", "ms"}
    assert line["source"] == str(folder / "a.png")
    assert set(line["plates"][0]) >= {"text", "kind", "country", "lines", "confidence", "corners"}
    assert line["plates"][0]["text"] == "29C12345"
    assert line["plates"][0]["kind"] == "plate"
    assert line["plates"][0]["country"] == "VN"
    assert np.shape(line["plates"][0]["corners"]) == (4, 2)
    assert json.loads(json.dumps(line)) == line


def test_what_a_single_picture_shows_is_calibrated_and_never_final(folder: Path) -> None:
    (plain,) = read_sources([str(folder / "a.png")], OnePlate(), VoteSettings(calibration=UNCALIBRATED))
    (line,) = read_sources([str(folder / "a.png")], OnePlate())
    raw, told = (one["plates"][0] for one in (plain, line))
    assert told["confidence"] == pytest.approx(shipped().probability(raw["confidence"]), abs=1e-4)
    assert (told["looks"], told["final"]) == (1, False)


def test_a_source_is_answered_before_the_next_is_asked_for(folder: Path) -> None:
    asked: list[str] = []

    def one_by_one() -> Iterator[str]:
        for name in ("a.png", "b.jpg"):
            asked.append(name)
            yield str(folder / name)

    lines = read_sources(one_by_one(), OnePlate())
    assert Path(next(lines)["source"]).name == "a.png"
    assert asked == ["a.png"]


def test_a_folder_is_walked_in_order_and_an_unreadable_file_does_not_end_the_walk(folder: Path) -> None:
    lines = list(read_sources([str(folder)], OnePlate()))

    assert [Path(line["source"]).name for line in lines] == ["a.png", "b.jpg", "c.jpg"]
    assert [len(line["plates"]) for line in lines] == [1, 0, 0]
    assert set(lines[1]) == {"source", "plates", "error"}
    assert "b.jpg" in lines[1]["error"]


class Stumbles(OnePlate):
    """A reader that fails on the first picture only."""

    def __init__(self, failure: Exception) -> None:
        self.failures = [failure]

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        if self.failures:
            raise self.failures.pop()
        return super().find(frame_bgr)


@pytest.mark.parametrize(
    "failure", [VisionError("too odd"), cv2.error("too odd"), ZeroDivisionError("too odd")]
)
def test_a_picture_that_the_reader_stumbles_over_is_its_own_lines_error(
    folder: Path, failure: Exception
) -> None:
    lines = list(read_sources([str(folder / "a.png")] * 2, Stumbles(failure)))

    assert "too odd" in lines[0]["error"]
    assert [plate["text"] for plate in lines[1]["plates"]] == ["29C12345"]


def test_a_model_that_is_missing_ends_the_walk(folder: Path) -> None:
    with pytest.raises(ModelsMissing):
        list(read_sources([str(folder)], Stumbles(ModelsMissing("no model"))))


@pytest.mark.parametrize("out", [".", "drawn", "deeper/../drawn/far"])
def test_nothing_is_drawn_into_the_folder_that_is_walked(folder: Path, out: str) -> None:
    extras = Extras(Drawings(folder / out))
    with pytest.raises(CannotDraw, match="draw into a folder elsewhere"):
        next(read_sources([str(folder / "a.png"), str(folder)], OnePlate(), extras=extras))
    assert "drawn" in next(read_sources([str(folder / "a.png")], OnePlate(), extras=extras))


def test_a_clip_is_one_line_with_one_read_for_its_plate(tmp_path: Path) -> None:
    clip = tmp_path / "passage.avi"
    video = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(6):
        video.write(np.full((48, 64, 3), 200, np.uint8))
    video.release()

    (line,) = read_sources([str(clip)], OnePlate())

    (plate,) = line["plates"]
    assert (plate["text"], plate["looks"], plate["final"]) == ("29C12345", 6, True)


@pytest.mark.parametrize("name", ["gone.jpg", "gone.avi"])
def test_what_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    (line,) = read_sources([str(tmp_path / name)], OnePlate())
    assert line["plates"] == []
    assert name in line["error"]


def test_a_broken_clip_is_said(tmp_path: Path) -> None:
    clip = tmp_path / "broken.avi"
    clip.write_bytes(b"RIFF no clip")
    (line,) = read_sources([str(clip)], OnePlate())
    assert "broken.avi" in line["error"]


def test_a_stream_that_does_not_answer_is_named_without_its_password() -> None:
    (line,) = read_sources(["rtsp://admin:secret@127.0.0.1:9/gate"], OnePlate())
    assert line["source"] == "rtsp://***@127.0.0.1:9/gate"
    assert "secret" not in json.dumps(line)


def test_a_name_that_no_file_can_have_is_a_line_with_an_error() -> None:
    (line,) = read_sources(["x" * 5000], OnePlate())
    assert "cannot be read" in line["error"]


def test_a_small_file_that_claims_a_vast_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    coded = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    start_of_frame = coded.index(b"\xff\xc0") + 5
    vast = coded[:start_of_frame] + (20000).to_bytes(2, "big") * 2 + coded[start_of_frame + 4 :]
    (tmp_path / "vast.jpg").write_bytes(vast)
    # a process of its own: OpenCV takes its limit once, and other tests have loaded it before
    reads = "import sys; from edge.capture.source import read_picture; from pathlib import Path; read_picture(Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", reads, str(tmp_path / "vast.jpg")], capture_output=True, text=True, check=False
    )
    assert "CannotOpen" in done.stderr
    assert "is not a picture that can be decoded" in done.stderr
