"""What is said of a camera whose pictures arrive and cannot be trusted, over drawn lanes with the noise of a sensor."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from structlog.testing import capture_logs

from edge.capture.picture_health import (
    HOURS,
    STEPS,
    Phase,
    PictureHealth,
    PictureSettings,
    PictureTrouble,
    watch,
)
from edge.capture.picture_measures import measure
from edge.capture.picture_watch import LOOK_EVERY_S, SENTENCES, TELL_FROM_S
from edge.capture.source import Image
from simulation.clips import FRAMES_PER_S, GROUP_FRAMES, idle_clip
from simulation.trucks import Gate
from tests.edge.sights import Looks, Watched, hand, night, noisy, soft, sun, truck, view

LIMITS = PictureSettings()
Spoil = Callable[[Image], Image]


def test_a_clean_lane_is_trusted() -> None:
    looks = Looks()
    assert looks.sees(view(), 200) == set()
    assert looks.health.untrusted_share == 0


SPOILT: dict[PictureTrouble, Spoil] = {
    PictureTrouble.BLINDED: hand,
    PictureTrouble.DARK: night,
    PictureTrouble.GLARE: sun,
    PictureTrouble.UNSHARP: soft,
    PictureTrouble.MOVED: lambda _: view(60, 30),
}


@pytest.mark.parametrize(("trouble", "spoil"), SPOILT.items(), ids=list(SPOILT))
def test_a_trouble_begins_after_its_time_alone_and_ends_after_its_time(
    trouble: PictureTrouble, spoil: Spoil
) -> None:
    looks, hold_s = Looks(), int(LIMITS.begins_after_s[trouble])
    assert looks.sees(spoil(view()), hold_s) == set()
    late_s = 200 if trouble is PictureTrouble.MOVED else 5  # the background follows slowly
    assert looks.sees(spoil(view()), late_s) == {trouble}

    looks.sees(view(), int(LIMITS.ends_after_s) - 1)
    assert looks.health.troubles == (trouble,)
    looks.sees(view(), late_s)
    assert looks.health.troubles == ()
    assert 0 < looks.health.untrusted_share < 1


def test_a_picture_that_repeats_to_the_bit_is_frozen_and_a_still_scene_is_not() -> None:
    looks = Looks()
    still = noisy(view(), 0)
    assert looks.sees(still, 31, noise=False) == set()
    assert looks.sees(still, 5, noise=False) == {PictureTrouble.FROZEN}
    looks.sees(view(), 20)
    assert looks.health.troubles == ()


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_truck_that_stands_there_is_no_trouble_and_neither_is_its_going(share: float) -> None:
    looks = Looks()
    assert looks.sees(truck(view(), share), 400) == set()
    assert looks.sees(view(), 200) == set()


def test_a_queue_of_trucks_is_no_trouble() -> None:
    looks = Looks()
    for colour in ((30, 30, 200), (200, 200, 200), (40, 140, 60), (90, 90, 90)) * 3:
        assert looks.sees(truck(view(), 0.7, colour), 40) == set()
        assert looks.sees(view(), 8) == set()


def test_a_camera_moved_while_trucks_come_and_go_is_found() -> None:
    looks, found = Looks(), set[PictureTrouble]()
    for _ in range(8):
        found |= looks.sees(truck(view(60, 30), 0.5), 20) | looks.sees(view(60, 30), 20)
    assert found == {PictureTrouble.MOVED}


def test_the_light_of_another_hour_is_no_movement() -> None:
    looks = Looks()
    assert looks.sees((view() // 2 + 20).astype(np.uint8), 400) == set()


def test_a_moment_of_glare_is_no_trouble_however_often_it_comes() -> None:
    looks = Looks()
    for _ in range(10):
        assert looks.sees(sun(view()), 20) == set()
        assert looks.sees(view(), 1) == set()


def test_every_phase_knows_both_answers() -> None:
    assert set(STEPS) == set(product(Phase, (True, False)))


def test_time_without_a_new_picture_is_not_trusted_and_begins_no_trouble() -> None:
    looks = Looks()
    trusted_s = sum(hour.watched_s for hour in looks.health.hours)
    for _ in range(int(trusted_s)):
        looks.now += 1
        looks.health = watch(looks.health, None, looks.now, LIMITS)
    assert looks.health.untrusted_share == pytest.approx(0.5)
    assert looks.health.troubles == ()


def test_time_in_which_nobody_looked_counts_for_little_and_a_day_is_forgotten() -> None:
    health = watch(PictureHealth(), None, 0.0, LIMITS)
    health = watch(health, None, 5000.0, LIMITS)
    assert health.untrusted_s == LIMITS.most_gap_s
    good = measure(noisy(view(), 1))
    health = watch(health, good, 5001.0 + 3600 * HOURS, LIMITS)
    assert health.untrusted_share == 0
    assert len(health.hours) == 1


PICTURES = st.one_of(
    st.none(),
    arrays(np.uint8, st.tuples(st.integers(0, 40), st.integers(0, 40), st.just(3))),
    arrays(np.uint8, st.lists(st.integers(0, 6), min_size=1, max_size=4).map(tuple)),
    st.builds(
        lambda size, level: np.full((*size, 3), level, np.uint8),
        st.tuples(st.integers(1, 300), st.integers(1, 300)),
        st.integers(0, 255),
    ),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(PICTURES, st.floats(0, 1e5)), max_size=12))
def test_no_picture_is_too_odd_and_shares_stay_shares(looks: list[tuple[Image | None, float]]) -> None:
    health, now = PictureHealth(), 0.0
    for image, passed_s in looks:
        now += passed_s
        measures = None if image is None else measure(image)
        if measures is not None:
            assert all(0 <= share <= 1 for share in (measures.burnt, measures.black, measures.flat))
            assert 0 <= measures.level <= 255
        health = watch(health, measures, now, LIMITS)
        assert 0 <= health.untrusted_share <= 1
        assert len(health.hours) <= HOURS


@pytest.mark.parametrize("shape", [(0, 0, 3), (0, 5, 3), (4, 4), (4, 4, 1), (0,)])
def test_what_is_no_picture_has_no_measures(shape: tuple[int, ...]) -> None:
    assert measure(np.zeros(shape, np.uint8)) is None


def test_a_covered_camera_is_noted_with_what_to_do_and_logged_once_each_way() -> None:
    watched = Watched()
    watched.sees(view(), 20)
    assert watched.watch.note() is None
    with capture_logs() as logs:
        watched.sees(hand(view()), 60)
        note = watched.watch.note()
        watched.sees(view(), 30)
    assert note is not None
    assert note.startswith(f"lane-1: front: {SENTENCES[PictureTrouble.BLINDED]}; not to be trusted for 3")
    assert [(one["event"], one["trouble"]) for one in logs] == [
        ("picture_trouble", "blinded"),
        ("picture_good_again", "blinded"),
    ]
    assert watched.watch.note() is None


def simulated(folder: Path, *, night: bool = False) -> list[Image]:
    """The pictures of a simulated camera's empty lane, which come round and round."""
    video, frames = cv2.VideoCapture(str(idle_clip(folder, Gate("barrier-1", 1, night=night)))), list[Image]()
    while (read := video.read())[0]:
        frames.append(np.asarray(read[1], np.uint8))
    return frames


@pytest.mark.parametrize("night", [False, True], ids=["day", "night"])
def test_a_simulated_camera_whose_pictures_come_round_and_round_is_trusted(
    night: bool, tmp_path: Path
) -> None:
    measured, health = [measure(frame) for frame in simulated(tmp_path, night=night)], PictureHealth()
    for look in range(300):
        now = look * LOOK_EVERY_S
        health = watch(health, measured[int(now * FRAMES_PER_S) % len(measured)], now, LIMITS)
        assert health.troubles == ()


@pytest.mark.parametrize("groups", [1, 2, 3, 4])
def test_a_simulated_camera_at_rest_does_not_show_one_key_frame_again_and_again(
    groups: int, tmp_path: Path
) -> None:
    keys, health = [measure(frame) for frame in simulated(tmp_path)[::GROUP_FRAMES]], PictureHealth()
    for look in range(3 * len(keys)):
        health = watch(health, keys[look * groups % len(keys)], float(look), LIMITS)
        assert health.held[PictureTrouble.FROZEN].phase is Phase.GOOD


def test_a_frame_that_was_seen_already_is_not_judged_again() -> None:
    watched = Watched()
    watched.sees(view(), 10)
    watched.sees(None, 100)
    assert watched.watch.health.troubles == ()
    assert watched.watch.health.untrusted_s == 100


def test_a_camera_at_rest_is_judged_by_its_key_frames_and_the_time_between_is_theirs() -> None:
    watched = Watched()
    watched.camera.rests = True
    for _ in range(30):
        watched.sees(view(), 1)
        watched.sees(None, 3)
    assert watched.watch.health.troubles == ()
    assert watched.watch.health.untrusted_s == 0
    assert sum(hour.watched_s for hour in watched.watch.health.hours) == pytest.approx(116, abs=4)


def test_a_camera_is_woken_before_it_is_called_frozen() -> None:
    watched = Watched()
    watched.sees(view(), 3)
    assert watched.camera.woken == 0
    assert watched.camera.frame is not None
    watched.camera.frame = replace(watched.camera.frame, number=1000)
    watched.watch.look()
    assert watched.camera.woken == 1


def test_much_untrusted_time_is_noted_after_the_trouble_has_gone() -> None:
    watched = Watched()
    watched.sees(view(), 10)
    watched.sees(None, int(TELL_FROM_S))
    assert watched.watch.health.troubles == ()
    note = watched.watch.note()
    assert note is not None
    assert "not to be trusted for 9" in note


def test_every_trouble_has_a_sentence_and_a_time() -> None:
    assert set(SENTENCES) == set(PictureTrouble) == set(LIMITS.begins_after_s)
