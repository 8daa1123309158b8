"""Fits the calibration of the vote to labelled photographs, and reports how well it holds on others.

    python -m benchmarks.calibration DIR --collect FILE [--split train --split validate] [--seeds 2]
    python -m benchmarks.calibration --fit FILE --date 2026-11-25 > edge/vision/calibration.toml
    python -m benchmarks.calibration --report FILE
    python -m benchmarks.calibration --chance

DIR holds `scenes.csv`, `scenes/` and `clips.py`, which makes a passage of a photograph. The split `test` is never fitted.
Looks of one still are no independent witnesses: bounds are drawn over pictures, not over reads.
"""

import argparse
import csv
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.figures import CannotRun, wilson
from benchmarks.fitting import (
    Example,
    bounds_95,
    chance_of_hit,
    expected_calibration_error,
    fit,
    reliability,
)
from benchmarks.passages import Frames, clip_maker
from edge.vision.calibration import UNCALIBRATED, shipped, threshold_for
from edge.vision.port import Image, LookKind, PlateReader, look
from edge.vision.ppocr import PpOcrReader
from edge.vision.vote import Read, Track, VoteSettings, follow, reads
from shared.plates import normalise, one_confusion_of
from simulation.plate_drawing import Country, Ground, Lines, draw_plate

EVERY = 3
"""Every third frame of a passage is looked at."""
DRAWN_SEED = 910_000
PASSAGE_SEED = 700_000


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
    settings = VoteSettings(calibration=UNCALIBRATED)
    tracks: tuple[Track, ...] = ()
    for number, image in enumerate(images, start=1):
        tracks = follow(tracks, look(reader, image), number * EVERY / 15, number, settings)
        for read in reads(tracks, settings):
            if read.kind is LookKind.PLATE:
                yield _observed(one, form, seed, number, number == len(images), read)


def _observed(one: Labelled, form: str, seed: int, frames: int, last: bool, read: Read) -> Observed:
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
        return np.asarray(np.clip(noisy, 0, 255), dtype=np.uint8)

    return paint


def load(file: Path) -> list[Observed]:
    """What `--collect` wrote."""
    with file.open(encoding="utf-8") as lines:
        return [Observed(**json.loads(line)) for line in lines]


def fitted(observed: Sequence[Observed], date: str) -> str:
    """calibration.toml from labelled reads. Every passage counts once, however many looks it gave."""
    told = [o for o in observed if o.right is not None]
    if any(o.split == "test" for o in told):
        raise SystemExit("the split test is for reporting: it is never fitted.")
    reads_of = Counter((o.source, o.picture, o.seed) for o in told)
    examples = [
        Example(o.raw, bool(o.right), o.picture, 1 / reads_of[o.source, o.picture, o.seed]) for o in told
    ]
    found = fit(examples)
    wrong = {o.picture for o in told if not o.right}
    return (
        f"# Fitted by benchmarks/calibration.py on {date}: {len(told)} reads told after each look of {len(reads_of)}\n"
        f"# stills and passages of {len({o.picture for o in told})} photographs, {len(wrong)} with a wrong read.\n"
        f"# Splits {', '.join(sorted({o.split for o in told}))}; reader PP-OCRv4 mobile.\n"
        f"[coefficients]\nconstant = {found.constant}\nodds = {found.odds}\nmost = {found.most}\n"
    )


def report(observed: Sequence[Observed]) -> str:
    """Tables in Markdown for each source of data: reliability and expected calibration error before and after."""
    parts = []
    for source in sorted({o.source for o in observed}):
        last = [o for o in observed if o.source == source and o.last]
        told = [o for o in last if o.right is not None]
        parts.append(
            f"### {source}: {len(told)} reads in {len({o.picture for o in told})} pictures, "
            f"{len(last) - len(told)} reads that no label explains left out\n"
        )
        parts += [_errors(told), _table(told), _finals(told)]
    return "\n".join(parts)


def _claims(told: Iterable[Observed], calibrated: bool) -> list[tuple[float, bool]]:
    by = shipped() if calibrated else UNCALIBRATED
    return [(by.probability(o.raw), bool(o.right)) for o in told]


def _errors(told: Sequence[Observed]) -> str:
    pictures = sorted({o.picture for o in told})
    lines = []
    for calibrated, name in ((False, "before"), (True, "after")):
        groups = [_claims((o for o in told if o.picture == one), calibrated) for one in pictures]
        low, high = bounds_95(groups, expected_calibration_error)
        error = expected_calibration_error(_claims(told, calibrated))
        lines.append(f"expected calibration error {name}: {error:.3f} ({low:.3f} to {high:.3f})")
    return "\n".join(lines) + "\n"


def _table(told: Sequence[Observed]) -> str:
    lines = ["| | n | claimed | right | 95 % bounds |", "|---|---:|---:|---:|---|"]
    for calibrated, name in ((False, "before"), (True, "after")):
        lines += [
            f"| {name} | {b.n} | {b.claimed:.3f} | {b.right:.3f} | {b.low:.3f} to {b.high:.3f} |"
            for b in reliability(_claims(told, calibrated))
        ]
    return "\n".join(lines) + "\n"


def _finals(told: Sequence[Observed]) -> str:
    """Reads that two looks agree on: how many may be acted on by the shipped threshold and by margin, and how many of
    them are wrong."""
    least = VoteSettings().least_probability
    several = [o for o in told if o.agreeing >= 2]
    rules = {
        f"probability at least {least:.2f}": [o for o in several if shipped().probability(o.raw) >= least],
        "uncalibrated, margin 0.6": [o for o in several if o.raw - o.second >= 0.6],
    }
    lines = []
    for name, final in rules.items():
        wrong = sum(not o.right for o in final)
        low, high = wilson(wrong, len(final)) if final else (0.0, 1.0)
        lines.append(f"{name}: {len(final)} of {len(told)} final, {wrong} wrong ({low:.3f} to {high:.3f})")
    return "\n".join(lines) + "\n"


def chances() -> str:
    """The chance that a wrong read is another active plate, by drawn sets, and the threshold that follows."""
    lines = []
    for active in (200, 1_000, 5_000, 20_000):
        sets = [_active(active, seed) for seed in range(max(1, 20_000 // active))]
        for name, neighbours in (("look-alike", one_confusion_of), ("any character", _one_character)):
            chance = sum(chance_of_hit(one, neighbours) for one in sets) / len(sets)
            lines.append(
                f"{active} active, {name}: chance {chance:.2e}, threshold at 1 in 10,000 {threshold_for(1e-4, chance):.4f}"
            )
    return "\n".join(lines)


def _active(count: int, seed: int) -> list[str]:
    """Plates of lorries on a border road: half VN of five provinces and three series, half CN of one province."""
    random_ = random.Random(seed)
    return [
        f"{random_.choice(('29', '98', '12', '20', '99'))}{random_.choice('CHE')}{random_.randrange(100_000):05}"
        if at % 2
        else f"桂{random_.choice('AF')}{random_.randrange(100_000):05}"
        for at in range(count)
    ]


def _one_character(text: str) -> frozenset[str]:
    """Every text that differs in one place by a character of the same kind, digit or letter."""
    kinds = ("0123456789", "ABCDEFGHJKLMNPQRSTUVWXYZ")
    return frozenset(
        text[:at] + other + text[at + 1 :]
        for at, one in enumerate(text)
        for kind in kinds
        if one in kind
        for other in kind
        if other != one
    )


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
    parser.add_argument("--fit", type=Path, metavar="FILE")
    parser.add_argument("--date", default="", help="for the note in the file")
    parser.add_argument("--report", type=Path, metavar="FILE")
    parser.add_argument("--chance", action="store_true")
    asked = parser.parse_args()
    if asked.collect is not None and asked.folder is None:
        parser.error("--collect needs the folder of the pictures")
    if asked.collect is not None:
        pictures = [*photographs(asked.folder, asked.split or ()), *drawn(asked.drawn)]
        try:
            frames = clip_maker(asked.folder)
        except CannotRun as error:
            raise SystemExit(str(error)) from error
        with asked.collect.open("w", encoding="utf-8") as file:
            for one in observe(pictures, PpOcrReader(), frames, asked.seeds):
                file.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")
    if asked.fit is not None:
        sys.stdout.write(fitted(load(asked.fit), asked.date))
    if asked.report is not None:
        print(report(load(asked.report)))
    if asked.chance:
        print(chances())


if __name__ == "__main__":
    main()
