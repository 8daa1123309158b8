"""Whatever lies in a folder or answers as a stream: each gives one line, what cannot be read says so, and nothing grows."""

import gc
import json
import math
import os
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.memory import resident_mb
from edge.capture.png import overruns
from edge.capture.source import CannotOpen, read_picture
from edge.vision.port import FoundPlate, Image, PlateLook, look
from edge.vision.ppocr import PpOcrReader
from edge.vision.sources import read_sources
from shared.plates import classify
from simulation.plate_drawing import Ground, draw_plate
from tests.edge.hostile_pictures import (
    CLIP_MAGIC,
    CLIP_NAMES,
    MAGIC,
    PICTURE_NAMES,
    bmp,
    clips,
    coded,
    false_picture,
    made_up,
    mutated,
    noise,
    png,
    still_pictures,
)

MOST_GROWTH_MB = 20.0
ONE_IN_A_CLIP = 20  # of the hostile files


class Blind:
    """Finds nothing, and holds every frame to what the port promises."""

    def __init__(self) -> None:
        self.frames = 0

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        assert frame_bgr.dtype == np.uint8
        assert frame_bgr.shape[2:] == (3,)
        assert frame_bgr.size > 0
        self.frames += 1
        return ()

    def read(self, _frame_bgr: Image, _found: FoundPlate) -> PlateLook | None:
        raise AssertionError("nothing was found")


@pytest.fixture(scope="module")
def stills() -> dict[str, bytes]:
    return still_pictures()


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def reader() -> PpOcrReader:
    return PpOcrReader()


def only_line(source: str, reader: Blind | None = None) -> dict[str, Any]:
    """The one line of a source, held to the contract: read with its time, or not read with the reason."""
    (line,) = read_sources([source], reader or Blind())
    assert line["plates"] == []
    assert set(line) in ({"source", "plates", "containers", "ms"}, {"source", "plates", "error"})
    assert json.loads(json.dumps(line)) == line
    return line


def lay(folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(data)
    return str(folder / name)


# -- pictures


def test_every_make_of_picture_is_looked_at(stills: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in stills.items():
        seen = Blind()
        assert "error" not in only_line(lay(tmp_path, "x.jpg", data), seen), name
        assert seen.frames == 1, name


def test_every_picture_may_end_anywhere(stills: dict[str, bytes], tmp_path: Path) -> None:
    for data in stills.values():
        for length in range(0, len(data), max(1, len(data) // 40)):
            only_line(lay(tmp_path, "x.png", data[:length]))


@pytest.mark.parametrize("name", ["jpg", "png", "bmp", "tif"])
@pytest.mark.parametrize("shape", [(1, 20_000), (20_000, 1), (1, 1), (2, 3)])
def test_odd_shapes_are_looked_at(name: str, shape: tuple[int, int], tmp_path: Path) -> None:
    seen = Blind()
    assert "error" not in only_line(lay(tmp_path, f"x.{name}", coded(name, noise(*shape))), seen)
    assert seen.frames == 1


REFUSED = {
    "empty.jpg": b"",
    "text.png": b"no picture at all\n",
    "60000x60000.png": png(60_000, 60_000, data=b"\0" * 1000),
    "60000x60000.bmp": bmp(60_000, 60_000),
    "0x0.png": png(0, 0),
    "0x0.bmp": bmp(0, 0),
    "negative.bmp": bmp(-5, -(2**31)),
    "endless.png": png(2**31 - 1, 2**31 - 1),
    "endless.tif": b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 256, 4, 1, 2**32 - 1) + b"\x08\0\0\0",
    "empty.avi": b"",
    "text.avi": b"no clip at all\n" * 50,
    "picture.h265": b"\x89PNG\r\n\x1a\n",
    "itself.avi": b"ffconcat version 1.0\nfile itself.avi\n",
    "list.mp4": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nlist.mp4\n#EXTINF:1,\nhttp://127.0.0.1:9/x\n",
    "session.ts": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_and_no_clip_is_said(name: str, tmp_path: Path) -> None:
    assert name in only_line(lay(tmp_path, name, REFUSED[name]))["error"]


@pytest.mark.parametrize(
    "name",
    [" .jpg", "a b\n.png", "-rf.jpg", "%d.avi", "%s%n.jpg", "biển số 12C-123.45.jpg", "桂F·F0123.png", "\udcff.jpg",
     "'\";$(x).avi", "..jpg", "x" * 200 + ".jpg", "a.JPG", "file:x.avi"],
)  # fmt: skip
def test_odd_names_are_names(
    name: str, stills: dict[str, bytes], films: dict[str, bytes], tmp_path: Path
) -> None:
    data = films["avi"] if name.endswith(".avi") else stills["jpg colour"]
    line = only_line(lay(tmp_path, name, data))
    assert "error" not in line
    assert Path(line["source"]).name == name


def test_a_folder_named_as_a_picture_is_walked_and_is_no_picture(
    stills: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "x.jpg").mkdir()
    (tmp_path / "x.avi").mkdir()
    lay(tmp_path / "x.jpg", "y.png", stills["png colour"])
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "round").symlink_to(tmp_path)
    (line,) = read_sources([str(tmp_path)], Blind())
    assert line["source"].endswith("x.jpg/y.png")


def test_a_name_with_a_nought_in_it_is_no_picture() -> None:
    assert "error" in only_line("x\0.jpg")


def test_a_file_larger_than_any_picture_is_refused_before_it_is_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(CannotOpen, match="is larger than any picture"):
        read_picture(path)


def claiming(data: bytes, name: bytes, length: int) -> bytes:
    """The PNG with a chunk before its pixels that claims to be so long."""
    at = data.index(b"IDAT") - 4
    return data[:at] + struct.pack(">I", length) + name + data[at:]


@pytest.mark.parametrize("name", [b"tEXt", b"IDAT", b"eXIf", b"fdAT"])
def test_a_png_that_claims_more_than_its_file_holds_never_reaches_the_decoder(
    name: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("OpenCV takes memory for the claim")

    monkeypatch.setattr(cv2, "imdecode", decode)
    path = lay(tmp_path, "x.jpg", claiming(png(8, 8, data=b"\0" * 200), name, 2**30))
    with pytest.raises(CannotOpen, match="claims more than the file holds"):
        read_picture(Path(path))


def test_only_a_png_that_reaches_beyond_its_end_overruns(stills: dict[str, bytes]) -> None:
    whole = png(8, 8, data=b"\0" * 200)
    assert not any(overruns(data) for data in stills.values())
    assert not overruns(whole + b"what a camera hangs on behind the end")
    assert not overruns(b"\xff\xd8" + b"\xff" * 100)
    assert all(overruns(whole[:end]) for end in range(len(whole) - 12 - 12, len(whole) - 12))


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", ["x.jpg", "x.avi", "x"])
def test_a_pipe_is_refused_and_not_waited_for(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    assert "is no file" in only_line(str(tmp_path / name))["error"]


def test_a_device_and_a_folder_are_no_pictures(tmp_path: Path) -> None:
    assert "is no file" in only_line("/dev/zero")["error"]
    with pytest.raises(CannotOpen, match="is no file"):
        read_picture(tmp_path)


# -- clips and streams


def test_every_make_of_clip_is_looked_at(films: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in films.items():
        seen = Blind()
        assert "error" not in only_line(lay(tmp_path, "x.avi", data), seen), name
        assert seen.frames >= 5, name


def test_every_clip_may_end_anywhere(films: dict[str, bytes], tmp_path: Path) -> None:
    for data in films.values():
        for length in range(0, len(data), max(1, len(data) // 12)):
            only_line(lay(tmp_path, "x.avi", data[:length]))


def test_a_clip_cut_in_the_middle_gives_what_came_before(films: dict[str, bytes], tmp_path: Path) -> None:
    seen = Blind()
    assert "error" not in only_line(lay(tmp_path, "x.avi", films["avi"][: len(films["avi"]) // 2]), seen)
    assert 1 <= seen.frames < 6


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server on a free port that says the same to everybody and hangs up."""

    class Rude(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Rude) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("scheme", ["http", "rtsp", "rtmp"])
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 4096,
        Random(1).randbytes(4096),
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nnothing",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + Random(2).randbytes(4096),
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 2147483647\r\n\r\nv=0\r\n",
        b"RTSP/1.0 200 OK\r\nCSeq: -1\r\nPublic: " + b"X" * 5000,
    ],
    ids=lambda answer: repr(answer[:40]),
)
def test_a_rude_server_is_an_error(scheme: str, answer: bytes) -> None:
    with answering(answer) as port:
        assert "error" in only_line(f"{scheme}://127.0.0.1:{port}/gate")


# -- many of them


def hostile(stills: list[bytes], films: list[bytes], random: Random) -> tuple[str, bytes]:
    """The name and the bytes of a file that nobody means well."""
    if random.randrange(ONE_IN_A_CLIP) == 0:
        name = f"x.{random.choice(CLIP_NAMES)}"
        whole = random.random() < 0.2
        return name, made_up(CLIP_MAGIC, random) if whole else mutated(random.choice(films), films, random)
    name, kind = f"x.{random.choice(PICTURE_NAMES)}", random.random()
    if kind < 0.15:
        return name, made_up(MAGIC, random)
    if kind < 0.3:
        return name, false_picture(random)
    return name, mutated(random.choice(stills), stills, random)


def look_at_many(
    folder: Path, stills: dict[str, bytes], films: dict[str, bytes], random: Random, many: int
) -> tuple[float, int]:
    """Looks at many hostile files; gives the growth in MB after the first tenth, and how many could not be read.

    The file lies in the folder while it is looked at, so that it is there after a crash of the process.
    """
    pictures, moving = list(stills.values()), list(films.values())
    errors, at_a_tenth_mb = 0, 0.0
    for number in range(many):
        if number == many // 10:
            gc.collect()
            at_a_tenth_mb = resident_mb()
        name, data = hostile(pictures, moving, random)
        errors += "error" in only_line(lay(folder, name, data))
    gc.collect()
    return resident_mb() - at_a_tenth_mb, errors


@pytest.mark.parametrize("seed", [1, 2])
def test_hundreds_of_hostile_files_crash_nothing(
    seed: int, stills: dict[str, bytes], films: dict[str, bytes], tmp_path: Path
) -> None:
    many = 500
    _, errors = look_at_many(tmp_path, stills, films, Random(seed), many)
    assert 0 < errors < many, "some can be looked at and some cannot, or the mutations are no test"


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_hundred_thousand_hostile_files_crash_nothing_and_nothing_grows(
    stills: dict[str, bytes], films: dict[str, bytes], tmp_path: Path
) -> None:
    growth_mb, errors = look_at_many(tmp_path, stills, films, Random(), 200_000)
    assert errors
    assert growth_mb < MOST_GROWTH_MB


# -- the reader itself


def plates_anyhow() -> Iterator[Image]:
    """Frames of noise of odd shapes, and plates cut, turned, upside down, mirrored and over the edge."""
    for shape in ((1, 1), (1, 20_000), (20_000, 1), (2, 3), (3, 700), (700, 3), (48, 320), (720, 1280)):
        for seed in range(2):
            yield noise(*shape, seed=seed)
        yield np.zeros((*shape, 3), np.uint8)
    plate = np.ascontiguousarray(draw_plate("29C12345", "VN", 1, Ground.YELLOW, px_per_mm=0.6)[..., :3])
    height, width = plate.shape[:2]
    for cut in range(1, 8):
        yield plate[:, : width * cut // 8]
        yield plate[: height * cut // 8]
    for turned in (plate, plate[::-1], plate[:, ::-1], np.rot90(plate), 255 - plate):
        yield np.ascontiguousarray(turned)
    yield np.tile(plate, (4, 2, 1))


def test_the_reader_survives_any_frame_and_gives_only_plates(reader: PpOcrReader) -> None:
    seen = [one for frame in plates_anyhow() for one in look(reader, frame)]
    assert seen
    for one in seen:
        assert classify(one.text) is not None
        assert 0 < one.confidence <= 1
        assert all(math.isfinite(value) for corner in one.corners for value in corner)


def test_the_reader_survives_hostile_pictures(
    reader: PpOcrReader, stills: dict[str, bytes], tmp_path: Path
) -> None:
    random, pictures = Random(3), list(stills.values())
    for _ in range(30):
        path = lay(tmp_path, "x.jpg", mutated(random.choice(pictures), pictures, random))
        (line,) = read_sources([path], reader)
        assert json.loads(json.dumps(line)) == line
