"""What was learned of a camera outlives a restart, and a damaged file costs no more than learning anew."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from edge.capture.picture_health import PictureHealth, PictureSettings, PictureTrouble
from edge.capture.picture_learning import LEARN_LOOKS
from edge.capture.picture_memory import Damaged, PictureMemory, memory_file, packed, unpacked
from edge.capture.picture_watch import KEEP_EVERY_S
from tests.builders import MORNING
from tests.edge.sights import Looks, Watched, hand, view
from tests.edge.world import Clock

CAMERA = "rtsp://***@192.0.2.15/stream1"
MOVED_AND_FOLLOWED_S = 260


def memory(folder: Path, at: datetime = MORNING, camera: str = CAMERA) -> PictureMemory:
    """The memory of the front camera, opened as after a restart."""
    return PictureMemory(memory_file(folder, "lane-1", "front"), camera, lambda: at)


def restarted(folder: Path, at: datetime = MORNING, now_s: float = 50.0) -> Watched:
    """The same camera after the machine went off and on: the monotonic clock begins again."""
    return Watched(memory(folder, at), clock=Clock(now_s))


@pytest.fixture(scope="module")
def known() -> PictureHealth:
    return Looks().health


@pytest.fixture
def learned(tmp_path: Path) -> Path:
    """A folder in which a gate has left what it learned."""
    Watched(memory(tmp_path)).sees(view(), LEARN_LOOKS + 1)
    return tmp_path


def test_a_camera_that_was_turned_while_the_gate_was_off_is_found(learned: Path) -> None:
    after = restarted(learned)
    after.sees(view(60, 30), MOVED_AND_FOLLOWED_S)
    assert after.watch.health.troubles == (PictureTrouble.MOVED,)


def test_a_camera_that_was_not_turned_is_trusted_after_a_restart(learned: Path) -> None:
    after = restarted(learned)
    after.sees(view(), 100)
    assert after.watch.health.troubles == ()


def test_another_camera_in_its_place_is_learned_anew(learned: Path) -> None:
    assert memory(learned, camera="rtsp://192.0.2.99/stream1").recall(0.0) == PictureHealth()


def test_the_share_of_the_day_goes_on_and_what_is_a_day_old_is_forgotten(tmp_path: Path) -> None:
    before = Watched(memory(tmp_path))
    before.sees(view(), 100)
    before.sees(hand(view()), 100)
    before.watch.keep()
    untrusted_s = before.watch.health.untrusted_s
    assert untrusted_s > 0

    soon = restarted(tmp_path, MORNING + timedelta(hours=2))
    soon.sees(view(), 1)
    assert soon.watch.health.untrusted_s == untrusted_s
    late = restarted(tmp_path, MORNING + timedelta(hours=25))
    late.sees(view(), 1)
    assert late.watch.health.untrusted_s == 0


def test_it_is_written_when_the_view_is_known_and_then_now_and_again(tmp_path: Path) -> None:
    watched, file = Watched(memory(tmp_path)), memory_file(tmp_path, "lane-1", "front")
    watched.sees(view(), LEARN_LOOKS - 1)
    assert not file.exists()
    watched.sees(view(), 1)
    first = file.read_bytes()
    watched.sees(view(), 5)
    assert file.read_bytes() == first
    watched.clock.advance(KEEP_EVERY_S)
    watched.sees(view(), 1)
    assert file.read_bytes() != first


def test_a_removed_file_makes_a_running_gate_take_the_view_as_meant(learned: Path) -> None:
    after = restarted(learned)
    after.sees(view(60, 30), MOVED_AND_FOLLOWED_S)
    memory_file(learned, "lane-1", "front").unlink()
    after.sees(view(60, 30), 1)
    assert after.watch.health.troubles == ()
    after.sees(view(60, 30), MOVED_AND_FOLLOWED_S)
    assert after.watch.health.troubles == ()
    assert after.watch.health.learned.known


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda data: data[:0],
    "cut": lambda data: data[:-9],
    "wiped": lambda data: bytes(len(data)),
    "changed": lambda data: data.replace(b'"looks":', b'"looks":1'),
    "too large": lambda data: data * 60,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_told_once_and_learned_anew(learned: Path, damage: str) -> None:
    file = memory_file(learned, "lane-1", "front")
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    with capture_logs() as logs:
        after = restarted(learned)
        after.sees(view(), LEARN_LOOKS)
    assert [one["event"] for one in logs] == ["picture_memory_lost"]
    assert after.watch.health.learned.known
    assert memory(learned).recall(0.0).learned.known


def test_a_disk_that_takes_nothing_is_told_once_and_the_watch_goes_on(tmp_path: Path) -> None:
    (tmp_path / "cameras").write_text("no folder", encoding="utf-8")
    watched = Watched(memory(tmp_path))
    with capture_logs() as logs:
        watched.sees(view(), LEARN_LOOKS)
        watched.watch.keep()
    assert [one["event"] for one in logs] == ["picture_memory_not_kept"]
    assert watched.watch.health.learned.known


def test_what_has_not_the_form_of_what_is_kept_is_told_and_raises_nothing(
    tmp_path: Path, known: PictureHealth
) -> None:
    sharpness = (float("nan"), *known.learned.sharpness[1:])
    with capture_logs() as logs:
        memory(tmp_path).keep(replace(known, learned=replace(known.learned, sharpness=sharpness)), 4000.0)
    assert [one["event"] for one in logs] == ["picture_memory_not_kept"]


def test_two_threads_that_keep_at_once_do_so_one_after_the_other(
    tmp_path: Path, known: PictureHealth, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other_done = memory(tmp_path), threading.Event()
    replaces = Path.replace
    others: list[threading.Thread] = []

    def other() -> None:
        ours.keep(known, 4000.0)
        other_done.set()

    def while_another_keeps(beside: Path, file: Path) -> Path:
        if not others:
            others.append(threading.Thread(target=other))
            others[0].start()
            assert not other_done.wait(0.1)  # it is done within a millisecond where nothing holds it
        return replaces(beside, file)

    monkeypatch.setattr(Path, "replace", while_another_keeps)
    with capture_logs() as logs:
        ours.keep(known, 4000.0)
        others[0].join()
    assert logs == []
    assert other_done.is_set()
    assert ours.recall(4000.0).learned.known


def test_what_is_kept_is_what_was_learned(known: PictureHealth) -> None:
    again = unpacked(packed(known, CAMERA, 4000.0, MORNING), CAMERA, 4000.0, MORNING)
    assert again.learned.looks == known.learned.looks
    assert again.learned.sharpness == known.learned.sharpness
    assert again.hours == known.hours
    assert known.learned.view is not None
    assert again.learned.view is not None
    assert np.abs(again.learned.view - known.learned.view).max() <= 0.5


@given(data=st.binary(max_size=200), at=st.floats(0, 1))
def test_no_bytes_are_taken_for_something_learned(data: bytes, at: float, known: PictureHealth) -> None:
    whole = packed(known, CAMERA, 4000.0, MORNING)
    cut = int(at * len(whole))
    for damaged in (data, whole[:cut] + data):
        if damaged != whole:
            with pytest.raises(Damaged):
                unpacked(damaged, CAMERA, 4000.0, MORNING)


def test_an_ignored_trouble_is_not_told_and_not_learned_from() -> None:
    watched = Watched(settings=PictureSettings(ignored=frozenset({PictureTrouble.BLINDED})))
    watched.sees(hand(view()), 100)
    assert watched.watch.health.troubles == ()
    assert watched.watch.health.untrusted_s == 0
    assert watched.watch.health.learned.looks == 0
