"""Pictures, folders, clips and streams turned into the JSON lines of `barie-edge read`.

One line a picture or passage: {"source", "plates": [{"text", "kind", "country", "lines", "confidence", "corners",
"looks", "final", "candidates"}], "containers", "ms"}, or {"source", "plates": [], "error"} for what cannot be read. A
picture is a passage of one look: its confidence is calibrated too, and nothing is final. "drawn" and "explain" come on request.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
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
from edge.vision.drawing import BestFrames, CannotDraw, Drawings, Mark, drawn
from edge.vision.explaining import MOST_FRAMES, FrameLog, explanation, look_closely
from edge.vision.networks import ModelsMissing
from edge.vision.port import Corners, PlateReader, VisionError
from edge.vision.vote import Read, Track, VoteSettings, follow, reads

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
CLIPS = frozenset({".avi", ".mp4", ".mkv", ".mov", ".ts", ".h264", ".264", ".h265", ".265", ".webm"})
_STREAM_LOOKS_S = 10.0
_OPEN_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 3.0

Line = dict[str, Any]


@dataclass(frozen=True)
class Extras:
    """What is wanted beside the plates.

    `drawings` takes a picture of what was seen, a clip's one for each read; their paths stand under the key "drawn".
    `explain` adds looks, votes and rejected places under the key "explain".
    """

    drawings: Drawings | None = None
    explain: bool = False


@dataclass(frozen=True)
class _Seen:
    plates: list[Line]
    tracks: tuple[Track, ...]
    log: FrameLog
    pictures: Iterable[tuple[str, Image, list[Mark]]]
    """What to draw: the end of the file's name, the frame, the plates in it."""


def read_sources(
    sources: Iterable[str],
    reader: PlateReader,
    settings: VoteSettings | None = None,
    extras: Extras | None = None,
) -> Iterator[Line]:
    """A line for each picture, clip and stream in `sources`; folders are walked in the order of their names.

    Sources are taken one by one as they come, but all at once where pictures are drawn. A stream is read for ten seconds.
    `source` is the path as given or found, addresses without their password. Whatever goes wrong with one of them is its own
    line's error. Raises `CannotDraw` when a drawn picture cannot be written or would lie among those that are read,
    `ModelsMissing` when there is nothing to read with.
    """
    watch = _Watch(reader, settings or VoteSettings(), extras or Extras())
    if watch.extras.drawings is not None:
        sources = tuple(sources)
        _keep_apart(watch.extras.drawings.folder, sources)
    for source in sources:
        if is_network(source):
            yield watch.line(redacted(source), source, watch.clip)
            continue
        for path in _files(Path(source)):
            method = watch.clip if path.suffix.lower() in CLIPS else watch.picture
            yield watch.line(str(path), str(path), method)


def _keep_apart(out: Path, sources: Iterable[str]) -> None:
    """Raises `CannotDraw` when drawn pictures would lie in a folder that is walked: the next walk would read them."""
    for source in sources:
        if os.path.isdir(source) and out.resolve().is_relative_to(Path(source).resolve()):  # noqa: PTH112
            raise CannotDraw(
                f"{out}: lies in {source}, where the pictures are read from; draw into a folder elsewhere."
            )


def _files(path: Path) -> Iterator[Path]:
    """The path itself, or every picture and clip below it when it is a folder."""
    if not os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises for a name that is too long)
        yield path
        return
    yield from sorted(
        file for file in path.rglob("*") if file.is_file() and file.suffix.lower() in PICTURES | CLIPS
    )


@dataclass(frozen=True)
class _Watch:
    reader: PlateReader
    settings: VoteSettings
    extras: Extras

    def line(self, name: str, source: str, method: Callable[[str], _Seen]) -> Line:
        """The line of one source; `ms` is the time of reading it, not of drawing and explaining."""
        began = time.perf_counter()
        try:
            seen = method(source)
            return self._told(name, seen, 1000 * (time.perf_counter() - began))
        except (CannotDraw, ModelsMissing):  # so would every other source
            raise
        except (CaptureError, VisionError) as exc:
            return {"source": name, "plates": [], "error": str(exc)}
        except Exception as exc:  # one picture that nobody thought of must not end the walk of a folder
            why = f"{name}: cannot be looked at: {type(exc).__name__}: {redacted(str(exc))}"
            return {"source": name, "plates": [], "error": why}

    def _told(self, name: str, seen: _Seen, ms: float) -> Line:
        line = {"source": name, "plates": seen.plates, "containers": [], "ms": round(ms, 1)}
        if self.extras.drawings is not None:
            line["drawn"] = _draw(self.extras.drawings, name, seen)
        if self.extras.explain:
            line["explain"] = explanation(seen.log, seen.tracks, self.settings)
        return line

    def picture(self, source: str) -> _Seen:
        """What a still shows: a passage of a single frame."""
        image, log = read_picture(Path(source)), self._log()
        one = look_closely(self.reader, image, 0.0, 1)
        log.add(one)
        tracks = follow((), one.looks, one.at_s, one.frame, self.settings)
        found = reads(tracks, self.settings)
        marks = [Mark.of_read(read) for read in found]
        return _Seen([_of_read(read) for read in found], tracks, log, [("", image, marks)])

    def clip(self, source: str) -> _Seen:
        """What a clip or stream shows, with one picture for each read, or the last frame when there is none."""
        if not is_network(source) and not Path(source).is_file():
            raise CannotOpen(f"{source}: is not there, or is no file.")
        video = open_video(source, open_timeout_s=_OPEN_TIMEOUT_S, read_timeout_s=_READ_TIMEOUT_S)
        tracks: tuple[Track, ...] = ()
        log, kept = self._log(), BestFrames()
        try:
            for number, (at_s, image) in enumerate(_frames(video, live=is_network(source)), start=1):
                one = look_closely(self.reader, image, at_s, number)
                log.add(one)
                tracks = follow(tracks, one.looks, at_s, number, self.settings)
                if self.extras.drawings is not None:
                    kept.take(tracks, number, image)
        finally:
            video.close()
        found = reads(tracks, self.settings)
        return _Seen([_of_read(read) for read in found], tracks, log, kept.pictures(found))

    def _log(self) -> FrameLog:
        return FrameLog(MOST_FRAMES if self.extras.explain else 0)


def _draw(drawings: Drawings, name: str, seen: _Seen) -> list[str]:
    """The paths of the drawn pictures, named after the source: a stream by its address, a file by its name."""
    base = name.split("://", 1)[1] if is_network(name) else Path(name).name
    return [str(drawings.keep(base + end, drawn(image, marks))) for end, image, marks in seen.pictures]


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


def _of_read(read: Read) -> Line:
    return {
        "text": read.text,
        "kind": read.kind.value,
        "country": read.country.value,
        "lines": read.lines,
        "confidence": read.probability,
        "corners": _rounded(read.best.look.corners),
        "looks": read.looks,
        "final": read.final,
        "candidates": [{"text": c.text, "probability": c.probability} for c in read.candidates],
    }


def _rounded(corners: Corners) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in corners]
