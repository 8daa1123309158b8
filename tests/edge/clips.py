"""Clips written for a test, and a reader that sees in each frame what its grey level stands for."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from edge.vision.port import FoundPlate, Image, PlateLook

STEP = 20
"""Grey levels between two frames that differ; what the coding of the clip changes is far less."""


def grey(level: int, width: int = 640, height: int = 480) -> Image:
    return np.full((height, width, 3), level, np.uint8)


def write_clip(path: Path, levels: Sequence[int]) -> Path:
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (640, 480))
    for level in levels:
        video.write(grey(level))
    video.release()
    return path


def write_stream(path: Path, levels: Sequence[int], group: int) -> Path:
    """H.264 for the simulated camera, ten frames a second, with a key frame in front of each `group` of them."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = 640, 480, "yuv420p", Fraction(1, 10)
    groups = f"aud=1:keyint={group}:min-keyint={group}:scenecut=0"
    codec.options = {"preset": "superfast", "tune": "zerolatency", "x264-params": groups}
    packets = []
    for number, level in enumerate(levels):
        frame = av.VideoFrame.from_ndarray(grey(level), format="bgr24")
        frame.pts = number
        packets += codec.encode(frame)
    path.write_bytes(b"".join(bytes(packet) for packet in [*packets, *codec.encode(None)]))
    return path


class GreyReader:
    """Finds at each grey level the places it is told to; a place without a look is no plate."""

    def __init__(self, seen: Mapping[int, Sequence[tuple[FoundPlate, PlateLook | None]]]) -> None:
        self.seen = seen

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        return tuple(found for found, _ in self._places(frame_bgr))

    def read(self, frame_bgr: Image, found: FoundPlate) -> PlateLook | None:
        return next(look for place, look in self._places(frame_bgr) if place == found)

    def _places(self, frame_bgr: Image) -> Sequence[tuple[FoundPlate, PlateLook | None]]:
        level = STEP * round(float(np.median(frame_bgr)) / STEP)
        return self.seen.get(level, ())


def place(look: PlateLook, score: float = 0.9) -> tuple[FoundPlate, PlateLook | None]:
    return FoundPlate(look.corners, (look.corners,) * look.lines, score), look
