"""Pictures: files named by their SHA-256, thumbnails that fit into a message, and a full disk that costs nothing else."""

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.pictures import SWEEP_TO, THUMBNAIL_BYTES, Kept, PictureError, Pictures, live_jpeg
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
    assert len(list(tmp_path.rglob("*.jpg"))) == 2


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


def test_a_full_disk_gives_a_picture_error_that_says_what_to_do_and_leaves_nothing_behind(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device", str(path), len(data))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PictureError, match=re.escape("No space left on device") + ".*free space"):
        pictures.keep(noise(90, 160))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_while_the_disk_is_low_nothing_is_kept(tmp_path: Path) -> None:
    allowed = [True, False, True]
    pictures = Pictures(tmp_path, allowed=lambda: allowed.pop(0))
    pictures.keep(noise(90, 160))
    held = sorted(tmp_path.rglob("*"))
    with pytest.raises(PictureError, match="free space"):
        pictures.keep(noise(60, 80))
    assert sorted(tmp_path.rglob("*")) == held
    assert pictures.path(pictures.keep(noise(60, 80)).picture) is not None


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


# -- the budget

NOW_S = 1_800_000_000.0
HOUR_S = 3600.0


def aged(pictures: Pictures, many: int = 6) -> list[Kept]:
    """Pictures taken an hour after each other, the oldest first; their thumbnails are a day older than all of them."""
    kept = [pictures.keep(noise(200 + 10 * number, 300)) for number in range(many)]
    for number, one in enumerate(kept):
        set_age(pictures, one.picture, (many - number) * HOUR_S)
        set_age(pictures, one.thumbnail, (many - number) * HOUR_S + 24 * HOUR_S)
    return kept


def set_age(pictures: Pictures, name: str, age_s: float) -> None:
    path = pictures.path(name)
    assert path is not None
    os.utime(path, (NOW_S - age_s, NOW_S - age_s))


def size(pictures: Pictures, names: Sequence[str]) -> int:
    return sum(path.stat().st_size for name in names if (path := pictures.path(name)) is not None)


def originals(kept: Sequence[Kept]) -> list[str]:
    return [one.picture for one in kept]


def thumbnails(kept: Sequence[Kept]) -> list[str]:
    return [one.thumbnail for one in kept]


def held(pictures: Pictures, names: Sequence[str]) -> list[bool]:
    return [pictures.path(name) is not None for name in names]


def test_a_sweep_deletes_the_oldest_originals_until_the_budget_is_kept(tmp_path: Path) -> None:
    kept = aged(Pictures(tmp_path))
    everything = [*originals(kept), *thumbnails(kept)]
    total = size(Pictures(tmp_path), everything)
    pictures = Pictures(tmp_path, budget_bytes=total - 1)
    first = size(pictures, originals(kept[:1]))
    assert first > total * (1 - SWEEP_TO)
    assert pictures.sweep((), NOW_S) == first
    assert held(pictures, originals(kept)) == [False, True, True, True, True, True]
    assert all(held(pictures, thumbnails(kept)))
    assert size(pictures, everything) <= total * SWEEP_TO


def test_within_the_budget_nothing_is_deleted(tmp_path: Path) -> None:
    kept = aged(Pictures(tmp_path))
    everything = [*originals(kept), *thumbnails(kept)]
    pictures = Pictures(tmp_path, budget_bytes=size(Pictures(tmp_path), everything))
    assert pictures.sweep((), NOW_S) == 0
    assert all(held(pictures, everything))


def test_pictures_of_an_open_passage_stay_whatever_is_lacking(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, budget_bytes=1)
    kept = aged(pictures)
    pictures.sweep({kept[0].picture, kept[0].thumbnail}, NOW_S, shortfall_bytes=10**12)
    assert held(pictures, originals(kept)) == [True, False, False, False, False, False]
    assert held(pictures, thumbnails(kept)) == [True, False, False, False, False, False]


def test_thumbnails_go_after_all_originals_and_the_unsent_ones_last(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path)
    kept = aged(pictures)
    for one in kept[3:]:
        pictures.sent(one.thumbnail)
    going = [*originals(kept), *thumbnails(kept[3:]), *thumbnails(kept[:3])]
    for number in range(1, len(going) + 1):
        pictures.sweep((), NOW_S, shortfall_bytes=1)
        assert held(pictures, going) == [False] * number + [True] * (len(going) - number)


def test_an_unsent_thumbnail_that_had_to_go_is_off_the_list(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path)
    aged(pictures, 2)
    pictures.sweep((), NOW_S, shortfall_bytes=10**12)
    assert list((tmp_path / "unsent").iterdir()) == []


def test_a_picture_that_its_passage_cannot_have_named_yet_stays(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path)
    kept = aged(pictures, 2)
    set_age(pictures, kept[1].picture, 1.0)
    pictures.sweep((), NOW_S, shortfall_bytes=10**12)
    assert held(pictures, originals(kept)) == [False, True]


def test_a_picture_dated_into_the_future_by_a_wrong_clock_goes_too_when_its_turn_comes(
    tmp_path: Path,
) -> None:
    pictures = Pictures(tmp_path)
    kept = aged(pictures, 2)
    set_age(pictures, kept[0].picture, -1000 * HOUR_S)
    pictures.sweep((), NOW_S, shortfall_bytes=1)
    assert held(pictures, originals(kept)) == [True, False]
    pictures.sweep((), NOW_S, shortfall_bytes=1)
    assert held(pictures, originals(kept)) == [False, False]


def test_a_frame_kept_again_is_as_new_as_the_newest(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path)
    kept = aged(pictures, 2)
    for second, one in enumerate(kept):
        set_age(pictures, one.picture, NOW_S - second)
    assert pictures.keep(noise(200, 300)) == kept[0]
    pictures.sweep((), NOW_S, shortfall_bytes=1)
    assert held(pictures, originals(kept)) == [True, False]


def test_what_a_crash_left_half_written_goes_like_an_original(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path)
    kept = aged(pictures, 1)
    partial = tmp_path / "ab" / f"{'ab' * 32}.part"
    partial.parent.mkdir(exist_ok=True)
    partial.write_bytes(b"half")
    os.utime(partial, (0, 0))
    pictures.sweep((), NOW_S, shortfall_bytes=1)
    assert not partial.exists()
    assert held(pictures, originals(kept)) == [True]


def test_the_folder_is_walked_once_and_then_counted_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = aged(Pictures(tmp_path), 3)
    total = size(Pictures(tmp_path), [*originals(kept), *thumbnails(kept)])
    pictures = Pictures(tmp_path, budget_bytes=total + 10_000)
    assert pictures.wants_sweep
    pictures.sweep((), NOW_S)
    monkeypatch.setattr(os, "scandir", None)
    monkeypatch.setattr(os, "listdir", None)
    assert not pictures.wants_sweep
    pictures.keep(noise(400, 300))
    assert pictures.wants_sweep
    monkeypatch.undo()
    pictures.sweep((), NOW_S)
    assert not pictures.wants_sweep


def test_a_folder_that_cannot_be_swept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = Pictures(tmp_path)
    aged(pictures, 1)

    def refuses(path: Path, missing_ok: bool = False) -> None:
        raise OSError(30, "Read-only file system", str(path), missing_ok)

    monkeypatch.setattr(Path, "unlink", refuses)
    with pytest.raises(PictureError, match="Read-only file system"):
        pictures.sweep((), NOW_S, shortfall_bytes=1)
