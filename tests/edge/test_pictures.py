"""Pictures: files named by their SHA-256, thumbnails that fit into a message, and a full disk that costs nothing else."""

import hashlib
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.pictures import THUMBNAIL_BYTES, PictureError, Pictures, live_jpeg
from edge.vision.port import Image


def noise(height_px: int, width_px: int) -> Image:
    """The frame that is hardest to compress."""
    return np.random.default_rng(7).integers(0, 256, (height_px, width_px, 3), dtype=np.uint8)


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    return Pictures(tmp_path)


def test_a_picture_is_a_file_named_by_its_hash(pictures: Pictures) -> None:
    kept = pictures.keep(noise(90, 160))
    for name in (kept.picture, kept.thumbnail):
        path = pictures.path(name)
        assert path is not None
        assert hashlib.sha256(path.read_bytes()).hexdigest() == name == path.stem


def test_the_same_frame_twice_is_one_file(pictures: Pictures, tmp_path: Path) -> None:
    assert pictures.keep(noise(90, 160)) == pictures.keep(noise(90, 160))
    assert len(list(tmp_path.glob("*/*.jpg"))) == 2


@pytest.mark.parametrize("size_px", [(1080, 1920), (1920, 1080), (90, 160), (2000, 200), (3, 4000)])
def test_a_thumbnail_fits_into_a_message_whatever_the_frame(
    pictures: Pictures, size_px: tuple[int, int]
) -> None:
    path = pictures.path(pictures.keep(noise(*size_px)).thumbnail)
    assert path is not None
    assert path.stat().st_size <= THUMBNAIL_BYTES
    assert cv2.imread(str(path)) is not None


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 63, "A" * 64, "g" * 64, "0" * 64])
def test_what_is_no_name_of_a_picture_held_has_no_path(pictures: Pictures, name: str) -> None:
    assert pictures.path(name) is None


def test_a_full_disk_gives_a_picture_error_that_says_what_to_do(
    pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(path), len(data))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PictureError, match=re.escape("No space left on device") + ".*free space"):
        pictures.keep(noise(90, 160))


def test_a_frame_that_is_no_picture_gives_a_picture_error(pictures: Pictures) -> None:
    with pytest.raises(PictureError):
        pictures.keep(np.zeros((0, 0, 3), np.uint8))


def test_a_thumbnail_is_on_the_list_until_it_was_sent_and_the_list_survives_a_restart(
    pictures: Pictures, tmp_path: Path
) -> None:
    kept = pictures.keep(noise(90, 160))
    again = Pictures(tmp_path)
    assert [name for name, _ in again.unsent()] == [kept.thumbnail]
    again.sent(kept.thumbnail)
    again.sent(kept.thumbnail)
    assert pictures.unsent() == []
    assert pictures.path(kept.thumbnail) is not None


def test_thumbnails_whose_files_are_gone_do_not_stand_before_the_others(pictures: Pictures) -> None:
    lost, whole = pictures.keep(noise(90, 160)), pictures.keep(noise(60, 80))
    path = pictures.path(lost.thumbnail)
    assert path is not None
    path.unlink()
    assert [name for name, _ in pictures.unsent(most=1)] == [whole.thumbnail]


def test_the_live_picture_is_small() -> None:
    shown = cv2.imdecode(np.frombuffer(live_jpeg(noise(1080, 1920)), np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape[:2] == (360, 640)
