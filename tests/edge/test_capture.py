"""What a camera promises, proven on videos that obey the test: newest frame, honest health, no waiting, no secrets."""

import queue
import threading
import traceback
from collections.abc import Callable
from itertools import product
from pathlib import Path
from random import Random
from unittest.mock import MagicMock

import cv2
import numpy as np
import pytest
from structlog.testing import capture_logs

from edge.capture import Camera, CameraSettings, CameraState, redacted
from edge.capture.camera import AWAKE_FOR_S, CATCH_UP_S
from edge.capture.health import TRANSITIONS, CameraEvent
from edge.capture.live import open_live
from edge.capture.pace import Pace, Rhythm, Unfit, cannot_rest
from edge.capture.source import CannotOpen, Image, NoMoreFrames, open_video, read_picture
from shared.backoff import Backoff

SETTINGS = CameraSettings("lane 1", "rtsp://u:p@camera/1", first_retry_s=0.001, most_retry_s=0.001)
PICTURE = np.zeros((4, 6, 3), np.uint8)


class Clock:
    """Monotonic seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class ScriptedVideo:
    """Gives what the test puts in: a picture, or an exception to raise; blocks while there is nothing."""

    def __init__(self) -> None:
        self.steps: queue.Queue[Image | Exception | Callable[[], Image] | None] = queue.Queue()
        self.rhythm = Rhythm(0.0)
        self.decoding_since: float | None = None
        self.wanted, self.reads = False, 0
        self.closed = threading.Event()

    def read(self, wanted: bool) -> Image | None:
        self.wanted = wanted
        self.reads += 1
        step = self.steps.get()
        if isinstance(step, Exception):
            raise step
        return step() if callable(step) else step

    def close(self) -> None:
        self.closed.set()


class Rig:
    """A camera whose successive openings give the videos (or failures) in a queue."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.openings: queue.Queue[ScriptedVideo | Exception] = queue.Queue()
        self.camera = Camera(SETTINGS, clock=self.clock, open_video=self._open, rng=Random(1))
        self.camera.start()

    def _open(self, _settings: CameraSettings) -> ScriptedVideo:
        opening = self.openings.get()
        if isinstance(opening, Exception):
            raise opening
        return opening

    def opens(self) -> ScriptedVideo:
        video = ScriptedVideo()
        self.openings.put(video)
        return video

    def state(self) -> CameraState:
        return self.camera.health(self.clock.now).state

    def waits_for(self, condition: Callable[[], bool]) -> None:
        tick = threading.Event()
        for _ in range(2000):
            if condition():
                return
            tick.wait(0.002)
        pytest.fail(f"did not happen; health is {self.camera.health(self.clock.now)}")

    def sees(self, number: int) -> None:
        self.waits_for(lambda: (f := self.camera.newest()) is not None and f.number == number)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_every_state_knows_every_event_and_a_frame_always_makes_it_live() -> None:
    assert set(TRANSITIONS) == set(product(CameraState, CameraEvent))
    assert all(TRANSITIONS[state, CameraEvent.FRAME] is CameraState.LIVE for state in CameraState)


def test_only_a_camera_that_was_live_can_go_stale() -> None:
    reaching = {state for (state, _), after in TRANSITIONS.items() if after is CameraState.STALE}
    assert reaching == {CameraState.LIVE, CameraState.STALE}


def test_the_newest_frame_is_given_and_cannot_be_written(rig: Rig) -> None:
    video = rig.opens()
    video.steps.put(PICTURE)
    video.steps.put(PICTURE + 7)
    rig.sees(2)

    frame = rig.camera.newest()
    assert frame is not None
    assert frame.taken_at == 100.0
    assert int(frame.image[0, 0, 0]) == 7
    assert not frame.image.flags.writeable


def test_a_camera_that_delivers_nothing_new_goes_stale_by_age_alone(rig: Rig) -> None:
    video = rig.opens()
    video.steps.put(PICTURE)
    rig.sees(1)
    rig.clock.now += 1.4
    assert rig.state() is CameraState.LIVE

    rig.clock.now += 0.2
    health = rig.camera.health(rig.clock.now)

    assert health.state is CameraState.STALE
    assert health.age_s == pytest.approx(1.6)
    assert health.since == rig.clock.now
    assert health.last_error is not None
    assert "no new picture for 1.6 s" in health.last_error


def test_a_camera_that_never_answers_is_down_after_its_open_timeout(rig: Rig) -> None:
    assert rig.state() is CameraState.CONNECTING
    rig.clock.now += SETTINGS.open_timeout_s + 0.1
    assert rig.state() is CameraState.DOWN


def test_a_lost_camera_is_closed_opened_again_and_its_error_forgotten(rig: Rig) -> None:
    first = rig.opens()
    first.steps.put(PICTURE)
    first.steps.put(NoMoreFrames("lane 1: no further picture."))
    rig.waits_for(lambda: rig.state() is CameraState.DOWN)
    assert first.closed.is_set()
    assert rig.camera.health(rig.clock.now).last_error == "lane 1: no further picture."

    rig.openings.put(CannotOpen("lane 1: does not open."))
    rig.opens().steps.put(PICTURE)
    rig.waits_for(lambda: rig.state() is CameraState.LIVE)
    assert rig.camera.health(rig.clock.now).last_error is None


def test_a_camera_lives_while_the_group_held_is_decoded_however_slowly(rig: Rig) -> None:
    video = rig.opens()
    video.steps.put(PICTURE)
    rig.sees(1)
    rig.clock.now += 0.5
    video.decoding_since = rig.clock.now
    rig.clock.now += SETTINGS.read_timeout_s
    health = rig.camera.health(rig.clock.now)
    assert (health.state, health.age_s) == (CameraState.LIVE, pytest.approx(0.5))

    video.steps.put(PICTURE)
    rig.sees(2)
    assert rig.state() is CameraState.LIVE


def test_a_decoder_that_hangs_makes_its_camera_stale(rig: Rig) -> None:
    video = rig.opens()
    video.steps.put(PICTURE)
    rig.sees(1)
    video.decoding_since = rig.clock.now
    rig.clock.now += CATCH_UP_S + 0.1
    assert rig.state() is CameraState.STALE


def test_a_resting_camera_lives_by_what_arrives_and_keeps_its_picture(rig: Rig) -> None:
    video = rig.opens()
    video.steps.put(PICTURE)
    rig.sees(1)
    for _ in range(4):
        rig.clock.now += 1.0
        video.steps.put(None)
        rig.waits_for(lambda: rig.camera.health(rig.clock.now).age_s == 0.0)

    frame = rig.camera.newest()
    assert frame is not None
    assert (frame.number, frame.taken_at) == (1, 100.0)
    rig.clock.now += 1.6
    assert rig.state() is CameraState.STALE


def test_what_arrives_before_the_first_picture_makes_no_camera_live(rig: Rig) -> None:
    video = rig.opens()
    video.steps.put(None)
    video.steps.put(NoMoreFrames("lane 1: no further picture."))
    rig.waits_for(video.closed.is_set)
    assert rig.camera.health(rig.clock.now).age_s is None


def test_frames_are_wanted_from_waking_until_nobody_woke_the_camera_for_a_while(rig: Rig) -> None:
    video = rig.opens()
    wanted = []
    for number, passed_s in enumerate((0.0, 0.1, AWAKE_FOR_S), start=1):
        rig.clock.now += passed_s
        if number == 2:
            rig.camera.wake()
        video.steps.put(PICTURE)  # the read that takes it began before
        rig.sees(number)
        rig.waits_for(lambda count=number: video.reads == count + 1)
        wanted.append(video.wanted)

    assert wanted == [False, True, False]


def test_a_camera_that_cannot_rest_says_so_once(rig: Rig) -> None:
    with capture_logs() as logs:
        for number in (1, 3):
            video = rig.opens()
            video.rhythm = Rhythm(0.0, Pace.RESTLESS, unfit=Unfit.BLIND)
            video.steps.put(PICTURE)
            video.steps.put(PICTURE)
            rig.sees(number + 1)
            video.steps.put(NoMoreFrames("lane 1: no further picture."))
            rig.waits_for(video.closed.is_set)
    (why,) = [one["why"] for one in logs if one["event"] == "camera_cannot_rest"]
    assert why == cannot_rest(video.rhythm)
    assert "cannot be decoded by themselves" in why


def test_an_unforeseen_error_does_not_end_the_worker(rig: Rig) -> None:
    rig.openings.put(RuntimeError("a fault of a driver"))
    rig.opens().steps.put(PICTURE)
    rig.waits_for(lambda: rig.state() is CameraState.LIVE)


def test_stopping_returns_while_a_read_hangs_and_late_frames_are_not_shown(rig: Rig) -> None:
    video = rig.opens()
    video.steps.put(PICTURE)
    rig.sees(1)

    rig.camera.stop()
    video.steps.put(PICTURE)
    rig.waits_for(video.closed.is_set)

    frame = rig.camera.newest()
    assert frame is not None
    assert frame.number == 1


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://admin:se/c@ret@10.0.0.5:554/ch1", "rtsp://***@10.0.0.5:554/ch1"),
        ("rtsp://10.0.0.5/ch1", "rtsp://10.0.0.5/ch1"),
        ("http://cam/snap.cgi?user=a&pwd=secret&x=1", "http://cam/snap.cgi?user=a&pwd=***&x=1"),
        ("/pictures/one.jpg", "/pictures/one.jpg"),
    ],
)
def test_passwords_are_never_shown(address: str, shown: str) -> None:
    assert redacted(address) == shown


def test_settings_do_not_print_their_address() -> None:
    assert "u:p" not in repr(SETTINGS)


@pytest.mark.parametrize("opening", [open_live, open_video])
def test_what_does_not_open_says_so_without_the_password(opening: Callable[..., object]) -> None:
    address = "rtsp://admin:secret@127.0.0.1:9/x"
    with pytest.raises(CannotOpen, match=r"rtsp://\*\*\*@127\.0\.0\.1:9/x: does not open") as caught:
        opening(address, open_timeout_s=1, read_timeout_s=1)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_a_codec_that_is_not_known_is_told_and_the_stream_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    container = MagicMock()
    container.streams.video = [MagicMock(codec_context=None)]
    monkeypatch.setattr("edge.capture.live.av.open", lambda *_args, **_options: container)
    with pytest.raises(CannotOpen, match=r"\*\*\*@camera/1: .* set the camera to H\.264 or H\.265\."):
        open_live(SETTINGS.url, open_timeout_s=1, read_timeout_s=1)
    container.close.assert_called_once_with()


def test_pictures_are_read_from_names_with_any_letters(tmp_path: Path) -> None:
    path = tmp_path / "cổng số 1 桂.png"
    path.write_bytes(cv2.imencode(".png", PICTURE)[1].tobytes())
    assert read_picture(path).shape == (4, 6, 3)


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\xff\xd8\xff\xe0 cut"])
def test_what_is_no_picture_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CannotOpen, match=r"broken\.jpg"):
        read_picture(path)


def test_waits_double_up_to_the_most_and_are_only_ever_shortened() -> None:
    waits = iter(Backoff(1.0, 8.0, jitter=0.5, rng=Random(3)))
    for most_s in (1.0, 2.0, 4.0, 8.0, 8.0, 8.0):
        assert most_s / 2 <= next(waits) <= most_s


def test_without_jitter_the_waits_are_exact_and_each_iteration_starts_anew() -> None:
    backoff = Backoff(0.5, 3.0, jitter=0.0)
    for _ in range(2):
        waits = iter(backoff)
        assert [next(waits) for _ in range(4)] == [0.5, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(("first_s", "most_s", "jitter"), [(0.0, 1.0, 0.5), (2.0, 1.0, 0.5), (1.0, 2.0, 1.5)])
def test_a_senseless_backoff_is_refused(first_s: float, most_s: float, jitter: float) -> None:
    with pytest.raises(ValueError, match="Backoff needs"):
        Backoff(first_s, most_s, jitter)
