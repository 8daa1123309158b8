"""Fits the calibration of the vote to labelled photographs, and reports how well it holds on others.

    python -m benchmarks.calibration DIR --collect FILE [--split train --split validate] [--seeds 2]
    python -m benchmarks.calibration --fit FILE
    python -m benchmarks.calibration --report FILE

DIR holds `scenes.csv`, `scenes/` and `clips.py`, which makes a passage of a photograph. The split `test` is never fitted.
Looks of one still are no independent witnesses: bounds are drawn over pictures, not over reads.
"""

import argparse
import csv
import importlib.util
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.vision.port import Image, LookKind, PlateReader, look
from edge.vision.ppocr import PpOcrReader
from edge.vision.vote import Read, Track, VoteSettings, follow, reads
from shared.plates import normalise
from simulation.plate_drawing import Country, Ground, Lines, draw_plate

EVERY = 3
"""Every third frame of a passage is looked at."""
DRAWN_SEED = 910_000
PASSAGE_SEED = 700_000
Frames = Callable[[Image, int], Iterable[Image]]


@dataclass(frozen=True)
class Observed:
    """What the vote said of one plate after `frames` looked-at frames, and whether that was right.

    `right` is None when no label resembles the read: it may be a plate that nobody labelled.
    """

    source: str
    split: str
    picture: str
    seed: int
    frames: int
    last: bool
    raw: float
    second: float
    agreeing: int
    looks: int
    confidence: float
    row_height_px: float
    text: str
    right: bool | None


@dataclass(frozen=True)
class Labelled:
    """A picture with the plates that stand in it."""

    source: str
    split: str
    name: str
    picture: Callable[[], Image]
    plates: tuple[str, ...]


def photographs(folder: Path, splits: Sequence[str]) -> Iterator[Labelled]:
    """The labelled photographs of the splits, without those that show a painted number only."""
    with (folder / "scenes.csv").open(encoding="utf-8") as labels:
        rows = [
            row
            for row in csv.DictReader(labels)
            if row["split"] in splits and row["kind"] != "trailer-painted"
        ]
    for row in rows:
        plates = tuple(normalise(text) for text in row["plates"].split("|") if text)
        yield Labelled("photograph", row["split"], row["file"], _opened(folder / row["file"]), plates)


def drawn(count: int) -> Iterator[Labelled]:
    """Drawn plates in a grey street, small and unsharp as often as large and clear."""
    for number in range(count):
        random_ = random.Random(DRAWN_SEED + number)
        text, country, lines, ground = _drawn_plate(random_)
        yield Labelled(
            "drawn", "drawn", text, _street(text, country, lines, ground, DRAWN_SEED + number), (text,)
        )


def observe(
    pictures: Iterable[Labelled], reader: PlateReader, frames: Frames, seeds: int
) -> Iterator[Observed]:
    """Each picture as a still (one look) and as `seeds` passages, told after every look."""
    for number, one in enumerate(pictures):
        image = one.picture()
        yield from _passage(one, "still", 0, [image], reader)
        for turn in range(seeds):
            seed = PASSAGE_SEED + 1000 * turn + number
            yield from _passage(one, "passage", seed, list(frames(image, seed))[::EVERY], reader)


def _passage(
    one: Labelled, form: str, seed: int, images: Sequence[Image], reader: PlateReader
) -> Iterator[Observed]:
    settings = VoteSettings()
    tracks: tuple[Track, ...] = ()
    for number, image in enumerate(images, start=1):
        tracks = follow(tracks, look(reader, image), number * EVERY / 15, number, settings)
        for read in reads(tracks, settings):
            if read.kind is LookKind.PLATE:
                yield _observed(one, form, seed, number, number == len(images), read, tracks)


def _observed(
    one: Labelled, form: str, seed: int, frames: int, last: bool, read: Read, tracks: Sequence[Track]
) -> Observed:
    seen = [s.look.confidence for t in tracks if t.number == read.track for s in t.sightings]
    return Observed(
        source=f"{one.source}, {form}",
        split=one.split,
        picture=one.name,
        seed=seed,
        frames=frames,
        last=last,
        raw=read.probability,
        second=read.candidates[1].probability if len(read.candidates) > 1 else 0.0,
        agreeing=read.agreeing,
        looks=read.looks,
        confidence=sum(seen) / len(seen),
        row_height_px=read.best.look.quality.row_height_px,
        text=read.text,
        right=_right(read.text, one.plates),
    )


def _right(text: str, plates: Sequence[str]) -> bool | None:
    """True for a labelled text, False for one that shares half of its characters in order with a label, else None."""
    if text in plates:
        return True
    return False if any(2 * _common(text, plate) >= len(plate) for plate in plates) else None


def _common(one: str, other: str) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for a in one:
        before = row
        row = [0]
        for at, b in enumerate(other):
            row.append(before[at] + 1 if a == b else max(before[at + 1], row[at]))
    return row[-1]


def _opened(path: Path) -> Callable[[], Image]:
    def open_() -> Image:
        image = cv2.imread(str(path))
        if image is None:
            raise SystemExit(f"{path}: is no picture.")
        return np.asarray(image, dtype=np.uint8)

    return open_


def _drawn_plate(random_: random.Random) -> tuple[str, Country, Lines, Ground]:
    lines: Lines = random_.choice((1, 2))
    if random_.random() < 0.5:
        number = f"{random_.randrange(100_000):05}"
        text = f"{random_.choice(('29', '98', '12', '20', '99'))}{random_.choice('ABCDEFGHKLM')}{number}"
        return text, "VN", lines, random_.choice((Ground.WHITE, Ground.YELLOW))
    serial = "".join(
        random_.choice("ABCDEFGHJKLMNPQRSTUVWXYZ" if at == 0 else "0123456789") for at in range(5)
    )
    ground = Ground.YELLOW if lines == 2 else random_.choice((Ground.YELLOW, Ground.BLUE))
    return f"{random_.choice('桂粤湘云')}{random_.choice('ABCDEF')}{serial}", "CN", lines, ground


def _street(text: str, country: Country, lines: Lines, ground: Ground, seed: int) -> Callable[[], Image]:
    def paint() -> Image:
        drawing = np.random.default_rng(seed)
        plate = draw_plate(text, country, lines, ground, px_per_mm=float(drawing.uniform(0.12, 0.45)))
        picture = np.full((720, 1280, 3), drawing.integers(60, 150), np.uint8)
        height, width = plate.shape[:2]
        x, y = int(drawing.integers(300, 700)), int(drawing.integers(250, 450))
        picture[y : y + height, x : x + width] = plate
        turn = cv2.getRotationMatrix2D((x + width / 2, y + height / 2), float(drawing.uniform(-8, 8)), 1.0)
        turned = cv2.warpAffine(picture, turn, (1280, 720), borderMode=cv2.BORDER_REPLICATE)
        unsharp = cv2.GaussianBlur(turned, (0, 0), float(drawing.uniform(0.3, 2.2)))
        noisy = unsharp + drawing.standard_normal(unsharp.shape) * float(drawing.uniform(1, 18))
        return np.clip(noisy, 0, 255).astype(np.uint8)

    return paint


def _frames_of(folder: Path) -> Frames:
    """`frames` of the folder's own clips.py."""
    spec = importlib.util.spec_from_file_location("clips", folder / "clips.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{folder / 'clips.py'}: is no Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Frames = module.frames
    return made


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--collect", type=Path, metavar="FILE")
    parser.add_argument("--split", action="append", choices=["train", "validate", "test"])
    parser.add_argument("--drawn", type=int, default=0, metavar="N", help="and so many drawn pictures")
    parser.add_argument("--seeds", type=int, default=2, help="passages a picture")
    asked = parser.parse_args()
    if asked.collect is not None:
        pictures = [*photographs(asked.folder, asked.split or ()), *drawn(asked.drawn)]
        frames = _frames_of(asked.folder)
        with asked.collect.open("w", encoding="utf-8") as file:
            for one in observe(pictures, PpOcrReader(), frames, asked.seeds):
                file.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
