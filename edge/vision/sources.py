"""Pictures, folders, clips and streams turned into the JSON lines of `barie-edge read`.

One line a picture or passage: {"source", "plates": [{"text", "kind", "country", "lines", "confidence", "corners"}],
"containers", "ms"}, or {"source", "plates": [], "error"} for what cannot be read.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edge.capture.source import (
    CannotOpen,
    CaptureError,
    FfmpegVideo,
    Image,
    NoMoreFrames,
    is_network,
    open_video,
    read_picture,
    redacted,
)
from edge.vision.port import Corners, PlateLook, PlateReader, look
from edge.vision.vote import Read, Track, VoteSettings, follow, reads

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
CLIPS = frozenset({".avi", ".mp4", ".mkv", ".mov", ".ts", ".h264", ".264", ".h265", ".265", ".webm"})
_STREAM_LOOKS_S = 10.0
_OPEN_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 3.0

Line = dict[str, Any]


def read_sources(
    sources: Iterable[str], reader: PlateReader, settings: VoteSettings | None = None
) -> Iterator[Line]:
    """A line for each picture, clip and stream in `sources`; folders are walked in the order of their names.

    A stream is read for ten seconds. `source` is the path as given or found, addresses without their password.
    """
    for source in sources:
        if is_network(source):
            yield _line(redacted(source), _clip, source, reader, settings or VoteSettings())
            continue
        for path in _files(Path(source)):
            method = _clip if path.suffix.lower() in CLIPS else _picture
            yield _line(str(path), method, str(path), reader, settings or VoteSettings())


def _files(path: Path) -> Iterator[Path]:
    """The path itself, or every picture and clip below it when it is a folder."""
    if not path.is_dir():
        yield path
        return
    yield from sorted(
        file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in PICTURES | CLIPS
    )


def _line(name: str, method: Any, source: str, reader: PlateReader, settings: VoteSettings) -> Line:
    began = time.perf_counter()
    try:
        plates = method(source, reader, settings)
    except CaptureError as exc:
        return {"source": name, "plates": [], "error": str(exc)}
    ms = 1000 * (time.perf_counter() - began)
    return {"source": name, "plates": plates, "containers": [], "ms": round(ms, 1)}


def _picture(source: str, reader: PlateReader, _settings: VoteSettings) -> list[Line]:
    return [_of_look(one) for one in look(reader, read_picture(Path(source)))]


def _clip(source: str, reader: PlateReader, settings: VoteSettings) -> list[Line]:
    return [_of_read(read) for read in reads(_tracks(source, reader, settings), settings)]


def _tracks(source: str, reader: PlateReader, settings: VoteSettings) -> tuple[Track, ...]:
    if not is_network(source) and not Path(source).is_file():
        raise CannotOpen(f"{source}: is not there.")
    video = open_video(source, open_timeout_s=_OPEN_TIMEOUT_S, read_timeout_s=_READ_TIMEOUT_S)
    tracks: tuple[Track, ...] = ()
    try:
        for number, (at_s, image) in enumerate(_frames(video, live=is_network(source)), start=1):
            tracks = follow(tracks, look(reader, image), at_s, number, settings)
    finally:
        video.close()
    return tracks


def _frames(video: FfmpegVideo, *, live: bool) -> Iterator[tuple[float, Image]]:
    """Frames with the seconds since the first: of the clock for a stream, of the recording for a clip.

    Raises `NoMoreFrames` when there is not a single one.
    """
    began = time.monotonic()
    image, at_s = video.read(), 0.0
    while True:
        yield at_s, image
        if live and at_s > _STREAM_LOOKS_S:
            return
        try:
            image = video.read()
        except NoMoreFrames:
            return
        at_s = time.monotonic() - began if live else video.position_s()


def _of_look(one: PlateLook) -> Line:
    return _plate(one.text, one, one.confidence)


def _of_read(read: Read) -> Line:
    return _plate(read.text, read.best.look, read.probability) | {
        "country": read.country.value,
        "looks": read.looks,
        "final": read.final,
        "candidates": [{"text": c.text, "probability": c.probability} for c in read.candidates],
    }


def _plate(text: str, one: PlateLook, confidence: float) -> Line:
    return {
        "text": text,
        "kind": one.kind.value,
        "country": one.country.value,
        "lines": one.lines,
        "confidence": confidence,
        "corners": _rounded(one.corners),
    }


def _rounded(corners: Corners) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in corners]
