"""Turns a lane and a vehicle into short H.264 clips that an RTSP server can play one after another.

A clip is Annex-B with access unit delimiters; every group of pictures is closed, `GROUP_FRAMES` long and
begins with its parameter sets, so clips follow each other at any group's border and a new viewer waits half a
second at most.
"""

import hashlib
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from simulation import plate_drawing, trucks
from simulation.plate_drawing import DrawingError, Picture
from simulation.trucks import (
    FRAME_SIZE_PX,
    HORIZON_PX,
    STAND_BOTTOM_PX,
    Gate,
    Photographed,
    Vehicle,
    burn_in,
    draw_gate_background,
)

FRAMES_PER_S = 10
GROUP_FRAMES = 5
IDLE_GROUPS = 5
"""A camera at rest is shown every second key frame or so, and two that follow each other must not be the same picture."""
_GROUPS = f"keyint={GROUP_FRAMES}:min-keyint={GROUP_FRAMES}:scenecut=0:open-gop=0"
ENCODER_OPTIONS = {
    "preset": "superfast",
    "tune": "zerolatency",
    "profile": "baseline",
    "crf": "24",
    "x264-params": f"aud=1:{_GROUPS}",
}
NIGHT_GAMMA = 1.9
DAY_NOISE, NIGHT_NOISE = 1.5, 3.0  # standard deviation of the sensor, in grey levels


class ClipUnwritable(DrawingError):
    """A clip could not be encoded or written; the message names the file."""


@dataclass(frozen=True)
class VehicleClips:
    """One vehicle at one gate. `stand` begins where `approach` ends and may be looped."""

    approach: Path
    stand: Path
    leave: Path
    back_away: Path


@dataclass(frozen=True)
class Pose:
    """Where the vehicle is in one frame: 1.0 is its standing size; `aside_px` moves it to the right."""

    scale: float
    aside_px: float = 0.0


STANDING = Pose(1.0)


def approach_poses(frames: int = 15) -> tuple[Pose, ...]:
    """From eight times the standing distance to the standing line, braking evenly."""
    return tuple(Pose(1 / (1 + 7 * (1 - i / (frames - 1)) ** 2)) for i in range(frames))


def leave_poses(frames: int = 15) -> tuple[Pose, ...]:
    """Past the camera and out of the picture on the right, gathering speed."""
    way = [(i / (frames - 1)) ** 1.5 for i in range(frames)]
    return tuple(Pose(1 + 0.6 * done, 1750 * done) for done in way)


def back_away_poses(frames: int = 15) -> tuple[Pose, ...]:
    """Back along the lane until it is too far to be seen."""
    return tuple(reversed(approach_poses(frames)))


def idle_clip(directory: Path, gate: Gate) -> Path:
    """Gives the loop of the empty lane, 2.5 s, from the cache in `directory` or made now."""
    (clip,) = _cached(directory, gate, None, {"idle": (STANDING,) * (IDLE_GROUPS * GROUP_FRAMES)})
    return clip


def vehicle_clips(directory: Path, gate: Gate, vehicle: Vehicle) -> VehicleClips:
    """Gives the four clips of one vehicle at one gate, from the cache in `directory` or made now.

    Making them takes a second or two of CPU: call it from a thread. Raises DrawingError.
    """
    motions = {
        "approach": approach_poses(),
        "stand": (STANDING,) * FRAMES_PER_S,
        "leave": leave_poses(),
        "back_away": back_away_poses(),
    }
    return VehicleClips(*_cached(directory, gate, vehicle, motions))


def _cached(
    directory: Path, gate: Gate, vehicle: Vehicle | None, motions: Mapping[str, tuple[Pose, ...]]
) -> tuple[Path, ...]:
    name = _inputs_digest(gate, vehicle)
    clips = {directory / f"{name}-{motion}.h264": poses for motion, poses in motions.items()}
    missing = [clip for clip in clips if not clip.is_file()]
    if missing:
        scene = _Scene(gate, vehicle)
        for clip in missing:
            _write(clip, encoded(scene.frame(pose) for pose in clips[clip]))
    return tuple(clips)


def _inputs_digest(gate: Gate, vehicle: Vehicle | None) -> str:
    """Names a clip by all that shapes it: gate, vehicle, the photograph's bytes and the drawing code."""
    digest = hashlib.sha256(f"{gate!r}|{vehicle!r}".encode())
    if isinstance(vehicle, Photographed):
        digest.update(_read(vehicle.file))
    for module in (plate_drawing.__file__, trucks.__file__, __file__):
        digest.update(_read(Path(module)))
    return digest.hexdigest()[:24]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise DrawingError(f"{file}: cannot be read ({exc.strerror})") from exc


def _write(clip: Path, content: bytes) -> None:
    """Whole or not at all, so that a run that was cut short leaves no broken clip in the cache."""
    unfinished = clip.with_name(f"{clip.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        clip.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(clip)
    except OSError as exc:
        raise ClipUnwritable(
            f"{clip}: cannot be written ({exc.strerror}); give another cache folder"
        ) from exc


class _Scene:
    """Composes the frames of one vehicle (or none) in one lane; the sensor's noise differs in each."""

    def __init__(self, gate: Gate, vehicle: Vehicle | None) -> None:
        self._place = gate.place
        self._background = draw_gate_background(gate.seed, gate.place)
        self._vehicle = None if vehicle is None else vehicle.picture()
        gamma = NIGHT_GAMMA if gate.night else 1.0
        self._tone = np.round(255.0 * (np.arange(256) / 255.0) ** gamma).astype(np.uint8)
        self._rng = np.random.default_rng(gate.seed)
        width, height = FRAME_SIZE_PX
        noise = NIGHT_NOISE if gate.night else DAY_NOISE
        grain = self._rng.standard_normal((height + 64, width + 64, 3), dtype=np.float32) * np.float32(noise)
        self._noise = grain.round().astype(np.int16)
        self._clean: dict[Pose, Picture] = {}  # backing away shows the poses of the approach again

    def frame(self, pose: Pose) -> Picture:
        """One BGR picture, 720 x 1280 x 3."""
        if pose not in self._clean:
            self._clean[pose] = self._composed(pose)
        width, height = FRAME_SIZE_PX
        y, x = self._rng.integers(0, 64, 2)
        noise = self._noise[y : y + height, x : x + width]
        return cv2.add(self._clean[pose], noise, dtype=cv2.CV_8U).astype(np.uint8, copy=False)

    def _composed(self, pose: Pose) -> Picture:
        picture = (
            self._background if self._vehicle is None else _pasted(self._background, self._vehicle, pose)
        )
        return burn_in(cv2.LUT(picture, self._tone).astype(np.uint8, copy=False), self._place)


def _pasted(background: Picture, vehicle: Picture, pose: Pose) -> Picture:
    """The BGRA cut-out over the BGR lane; it shrinks towards the horizon in the middle of the picture."""
    shrink = pose.scale < 1
    method = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    scaled = cv2.resize(vehicle, None, fx=pose.scale, fy=pose.scale, interpolation=method)
    bottom_px = HORIZON_PX + pose.scale * (STAND_BOTTOM_PX - HORIZON_PX)
    left_px = FRAME_SIZE_PX[0] / 2 - scaled.shape[1] / 2 + pose.aside_px
    shift = np.array([[1, 0, left_px], [0, 1, bottom_px - scaled.shape[0]]], np.float32)
    placed = cv2.warpAffine(scaled, shift, FRAME_SIZE_PX)
    cover = placed[:, :, 3].astype(np.float32) / 255
    colours = cv2.cvtColor(placed, cv2.COLOR_BGRA2BGR)
    return cv2.blendLinear(colours, background, cover, 1 - cover).astype(np.uint8, copy=False)


def encoded(frames: Iterable[Picture]) -> bytes:
    """A clip of these pictures, 720 x 1280 x 3, as the RTSP server plays it. Raises ClipUnwritable."""
    width, height = FRAME_SIZE_PX
    try:
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, FRAMES_PER_S), Fraction(FRAMES_PER_S)
        encoder.thread_count = 1
        encoder.options = ENCODER_OPTIONS
        packets = []
        for number, bgr in enumerate(frames):
            planes = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420).astype(np.uint8, copy=False)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = number
            packets += encoder.encode(frame)
        packets += encoder.encode(None)
    except (av.FFmpegError, ValueError) as exc:
        raise ClipUnwritable(
            f"PyAV cannot encode H.264 ({exc}); install the wheel of `av`, it carries libx264"
        ) from exc
    return b"".join(bytes(packet) for packet in packets)
