"""Pictures, clips and streams read once, through OpenCV, with time-outs, errors as ours, passwords never shown."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.png import overruns

# Read by OpenCV whenever it opens a video. Its defaults take 5 s to open and then deliver a backlog as old; UDP loses
# packets, and `fflags;nobuffer` delays the first frame.
_FFMPEG_OPTIONS = "rtsp_transport;tcp|analyzeduration;200000"
_NETWORK = re.compile(r"^(rtsps?|https?|rtmp)://", re.IGNORECASE)
_USER = re.compile(r"(?<=://)\S*@")
_PASSWORD = re.compile(r"(?<=[?&])(password|pwd|pass|token)=[^&\s]+", re.IGNORECASE)
_MOST_BYTES = 200_000_000  # a picture of 64 million pixels, not compressed

Image = NDArray[np.uint8]


class CaptureError(Exception):
    """Root of everything that capture raises; the text is one sentence for an operator, without passwords."""


class CannotOpen(CaptureError):
    """The camera or file did not open."""


class NoMoreFrames(CaptureError):
    """The stream or file gave no further frame."""


@dataclass(frozen=True)
class Frame:
    """One picture of a camera: height x width x 3, blue-green-red, read-only; `taken_at` in seconds of the monotonic
    clock when it was decoded; `number` counts the frames of this camera from 1."""

    image: Image
    taken_at: float
    number: int


@dataclass(frozen=True)
class FfmpegVideo:
    """A file or stream opened by OpenCV's FFmpeg back-end."""

    capture: cv2.VideoCapture
    name: str

    def read(self) -> Image:
        """The next picture; blocks; raises `NoMoreFrames` at the end or when the read time-out has passed."""
        with _ours(f"{self.name}: the picture cannot be decoded; check the camera's codec (H.264 or H.265)."):
            good, image = self.capture.read()
        if not good:
            raise NoMoreFrames(
                f"{self.name}: no further picture; check the camera, its cable and the switch."
            )
        return np.asarray(image, dtype=np.uint8)

    def position_s(self) -> float:
        """Seconds from the beginning of a recording to the picture read last."""
        return float(self.capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000

    def close(self) -> None:
        """Lets go of the stream; may block for as long as a read."""
        self.capture.release()


def open_video(url: str, *, open_timeout_s: float, read_timeout_s: float) -> FfmpegVideo:
    """Opens an RTSP or HTTP stream or a file; blocks up to `open_timeout_s`; raises `CannotOpen`."""
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", _FFMPEG_OPTIONS)
    name = redacted(url)
    options = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(1000 * open_timeout_s),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * read_timeout_s),
    ]  # fmt: skip
    with _ours(f"{name}: cannot be opened as video."):
        capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, options)
    if not capture.isOpened():
        capture.release()
        raise CannotOpen(
            f"{name}: does not open as video; check address, user, password and whether it answers."
        )
    return FfmpegVideo(capture, name)


def is_network(source: str) -> bool:
    """True for addresses of streams, false for paths of files."""
    return _NETWORK.match(source) is not None


def redacted(url: str) -> str:
    """The address without user and password, fit for logs, errors and screens."""
    return _PASSWORD.sub(r"\1=***", _USER.sub("***@", url))


def read_picture(path: Path) -> Image:
    """A still picture, blue-green-red; raises `CannotOpen` when it is not there, no file, or cannot be decoded."""
    coded = _file_bytes(path)
    if overruns(coded):
        raise CannotOpen(f"{path}: is cut off or claims more than the file holds; copy it anew.")
    with _ours(f"{path}: is not a picture that can be decoded."):
        pixels = np.frombuffer(coded, dtype=np.uint8)
        image: Any = cv2.imdecode(pixels, cv2.IMREAD_COLOR) if coded else None
    if image is None:
        raise CannotOpen(f"{path}: is not a picture that can be decoded.")
    return np.asarray(image, dtype=np.uint8)


def _file_bytes(path: Path) -> bytes:
    """What the file holds; a pipe or device is never opened, because that may wait for ever."""
    try:
        told = path.stat()
        if not stat.S_ISREG(told.st_mode):
            raise CannotOpen(f"{path}: is no file; name a picture, a folder, a clip or a stream.")
        if told.st_size > _MOST_BYTES:
            raise CannotOpen(f"{path}: is larger than any picture of a gate.")
        return path.read_bytes()
    except (OSError, ValueError) as exc:  # ValueError: a nought in the name
        raise CannotOpen(f"{path}: cannot be read: {getattr(exc, 'strerror', exc)}.") from exc


@contextmanager
def _ours(sentence: str) -> Iterator[None]:
    try:
        yield
    except cv2.error as exc:
        raise CannotOpen(sentence) from exc
