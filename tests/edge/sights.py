"""Drawn lanes with the noise of a sensor, what may spoil them, and a camera that shows them."""

import cv2
import numpy as np

from edge.capture import Camera, CameraHealth, CameraSettings, CameraState, Frame
from edge.capture.picture_health import PictureHealth, PictureSettings, PictureTrouble, watch
from edge.capture.picture_learning import LEARN_LOOKS
from edge.capture.picture_measures import measure
from edge.capture.picture_memory import PictureMemory
from edge.capture.picture_watch import PictureWatch
from edge.capture.source import Image
from tests.edge.world import Clock

WIDTH, HEIGHT = 960, 540


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
            self.health = watch(self.health, measure(frame), self.now, PictureSettings())
            found.update(self.health.troubles)
        return found


class ShownCamera(Camera):
    """Shows what the test says; a frame is new only when it is shown."""

    def __init__(self) -> None:
        super().__init__(CameraSettings("front", "rtsp://127.0.0.1/none"))
        self.frame: Frame | None = None
        self.rests, self.woken = False, 0

    def health(self, now: float) -> CameraHealth:
        """Live while it rests; otherwise that of a camera that was never started."""
        return CameraHealth(CameraState.LIVE, 0.0, now, None) if self.rests else super().health(now)

    def wake(self, for_s: float = 2.0) -> None:
        """Counted."""
        self.woken += for_s > 0

    def newest(self) -> Frame | None:
        """The frame shown last."""
        return self.frame


class Watched:
    """A camera watched with a clock that the test moves."""

    def __init__(
        self,
        memory: PictureMemory | None = None,
        settings: PictureSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.clock, self.camera, self.number = clock or Clock(), ShownCamera(), 0
        self.watch = PictureWatch("lane-1", self.camera, self.clock, settings, memory)

    def sees(self, image: Image | None, seconds: int) -> None:
        """One new frame a second, or none."""
        for _ in range(seconds):
            self.shows(image)
            self.watch.look()

    def shows(self, image: Image | None) -> None:
        """A second passes, with a new frame or none."""
        self.clock.advance(1)
        if image is not None:
            self.number += 1
            self.camera.frame = Frame(noisy(image, self.number), self.clock(), self.number)
