"""What is said of a camera whose pictures arrive and cannot be trusted, over drawn lanes with the noise of a sensor."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from structlog.testing import capture_logs

from edge.capture import Camera, CameraHealth, CameraSettings, CameraState, Frame
from edge.capture.pace import Pace, Rhythm
from edge.capture.picture_health import (
    HOURS,
    STEPS,
    Phase,
    PictureHealth,
    PictureSettings,
    PictureTrouble,
    watch,
)
from edge.capture.picture_learning import LEARN_LOOKS
from edge.capture.picture_measures import measure
from edge.capture.picture_watch import SENTENCES, TELL_FROM_S, PictureWatch
from edge.capture.source import Image
from tests.edge.world import Clock

WIDTH, HEIGHT = 960, 540
LIMITS = PictureSettings()
Spoil = Callable[[Image], Image]


def lane() -> Image:
    """A lane as a camera sees it, larger than the picture so that the view can shift: sky, hills, road, booth, fence."""
    rng = np.random.default_rng(7)
    scene = np.full((HEIGHT + 200, WIDTH + 200, 3), 190, np.uint8)
    scene[300:] = (95, 100, 105)
    for _ in range(60):
        x, y = rng.integers(0, [WIDTH + 100, HEIGHT + 100])
        w, h = rng.integers(15, 120, 2)
        colour = tuple(int(c) for c in rng.integers(30, 220, 3))
        cv2.rectangle(scene, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
        cv2.putText(scene, "29C", (int(x), int(y)), cv2.FONT_HERSHEY_SIMPLEX, 1, (20, 20, 20), 2)
    return scene


SCENE = lane()
GRAIN = np.random.default_rng(3).normal(0, 2.5, (HEIGHT + 64, WIDTH + 64, 3)).round().astype(np.int16)


def view(x: int = 0, y: int = 0) -> Image:
    """The lane, the camera turned by so many pixels."""
    return SCENE[100 + y : 100 + y + HEIGHT, 100 + x : 100 + x + WIDTH].copy()


def noisy(image: Image, number: int) -> Image:
    """The picture with a sensor's noise, other in every frame."""
    x, y = number * 7 % 64, number // 64 % 64
    grain = GRAIN[y : y + HEIGHT, x : x + WIDTH]
    return np.asarray(cv2.add(image, grain, dtype=cv2.CV_8U), np.uint8)


def truck(image: Image, share: float = 0.5, colour: tuple[int, int, int] = (60, 90, 160)) -> Image:
    """A truck that fills so much of the picture's width and most of its height."""
    half = int(WIDTH * share / 2)
    corner, other = (WIDTH // 2 - half, 60), (WIDTH // 2 + half, HEIGHT - 20)
    image = cv2.rectangle(image.copy(), corner, other, colour, -1).astype(np.uint8)
    for y in range(120, HEIGHT - 40, 60):
        cv2.line(image, (corner[0] + 20, y), (other[0] - 20, y), (20, 20, 30), 4)
    cv2.rectangle(image, (WIDTH // 2 - 60, 400), (WIDTH // 2 + 60, 440), (240, 240, 240), -1)
    cv2.putText(image, "29C12345", (WIDTH // 2 - 55, 430), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (10, 10, 10), 2)
    return image


def hand(_image: Image) -> Image:
    """A hand before the lens: one colour, shaded from side to side, with the camera's clock drawn over it."""
    shade = np.linspace(60, 130, WIDTH, dtype=np.float32)[None, :, None]
    covered = np.broadcast_to(shade, (HEIGHT, WIDTH, 3)).astype(np.uint8, order="C")
    cv2.putText(covered, "2026-05-04 10:00:00", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    return covered


def night(image: Image) -> Image:
    """No lamp but one."""
    dark = (image // 20).astype(np.uint8)
    for place in ((200, 150), (400, 260), (700, 300), (800, 420), (520, 430), (330, 470), (120, 380)):
        cv2.circle(dark, place, 16, (140, 140, 140), -1)
    cv2.rectangle(dark, (430, 300), (530, 330), (200, 200, 200), -1)
    cv2.line(dark, (0, 100), (WIDTH, 180), (60, 60, 60), 4)
    cv2.line(dark, (0, 520), (WIDTH, 200), (60, 60, 60), 4)
    return dark


def sun(image: Image) -> Image:
    """The sun from ahead."""
    return np.clip(image.astype(np.int16) + 170, 0, 255).astype(np.uint8)


def soft(image: Image) -> Image:
    """Out of focus."""
    return cv2.GaussianBlur(image, (0, 0), 5).astype(np.uint8)


class Looks:
    """A camera looked at once a second; it has learned what is usual."""

    def __init__(self) -> None:
        self.health, self.now, self.number = PictureHealth(), 1000.0, 0
        self.sees(view(), LEARN_LOOKS + 5)
        assert self.health.troubles == ()

    def sees(self, image: Image, seconds: int, *, noise: bool = True) -> set[PictureTrouble]:
        """Shows one scene for so long; gives every trouble that there was meanwhile."""
        found: set[PictureTrouble] = set()
        for _ in range(seconds):
            self.now += 1
            self.number += 1
            frame = noisy(image, self.number) if noise else image
            self.health = watch(self.health, measure(frame), self.now, LIMITS)
            found.update(self.health.troubles)
        return found


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


class ShownCamera(Camera):
    """Shows what the test says; a frame is new only when it is shown."""

    def __init__(self) -> None:
        super().__init__(CameraSettings("front", "rtsp://127.0.0.1/none"))
        self.frame: Frame | None = None
        self.rests, self.woken = False, 0

    def rhythm(self) -> Rhythm:
        """At rest when the test says so."""
        return Rhythm(0.0, Pace.RESTING if self.rests else Pace.AWAKE)

    def health(self, now: float) -> CameraHealth:
        """Live."""
        return CameraHealth(CameraState.LIVE, 0.0, now, None)

    def wake(self, for_s: float = 2.0) -> None:
        """Counted."""
        self.woken += for_s > 0

    def newest(self) -> Frame | None:
        """The frame shown last."""
        return self.frame


class Watched:
    """A camera watched with a clock that the test moves."""

    def __init__(self) -> None:
        self.clock, self.camera, self.number = Clock(), ShownCamera(), 0
        self.watch = PictureWatch("lane-1", self.camera, self.clock)

    def sees(self, image: Image | None, seconds: int) -> None:
        """One new frame a second, or none."""
        for _ in range(seconds):
            self.clock.advance(1)
            if image is not None:
                self.number += 1
                self.camera.frame = Frame(noisy(image, self.number), self.clock(), self.number)
            self.watch.look()


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
