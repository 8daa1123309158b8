"""Passages made out of photographs by the folder's own clips.py, and the mistakes that the vote over their frames makes.

    python -m benchmarks.passages DIR [--n 100] [--split test] [--seed 7] [--out FILE]

DIR holds `scenes.csv`, `scenes/` and `clips.py`. Clip i is made of picture i of the split (those whose painted number alone
can be read left out), again from the first when there are no more, with the seed that clips.py itself would take. The
reader looks at each of the 18 frames, 1/15 s apart, and the vote makes the reads. Each clip comes out in one way:

right            some read is final, and every final read is the text of a labelled plate
wrong and final  some final read is the text of no labelled plate
not final        there are reads, and none is final: the officer gets the candidates
none             no read at all

Counted beside these are the wrong and final clips in which the *largest* plate was read wrong (a smaller one may be a
plate far off that nobody labelled), and those that stay wrong without the Chinese province character; the clips *doubled*,
two reads of one plate (keys at most two edits apart, not both labelled), final or not; and those with more final reads
than labelled plates. Only plates count, no painted numbers. Bounds are Wilson's; clips of one photograph are no
independent witnesses, so the true bounds are wider. A clip comes from one still: no figure here is one of a gate.
"""

import argparse
import csv
import importlib.util
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.figures import CannotRun, Figure, table, wilson
from edge.capture.source import CaptureError, Image, read_picture
from edge.vision.port import LookKind, PlateReader, VisionError, box, look
from edge.vision.ppocr import PpOcrReader
from edge.vision.vote import Read, Track, VoteSettings, follow, reads
from shared.plates import key, normalise

FRAMES_A_SECOND = 15
SAME_PLATE_EDITS = 2
_SAY_EVERY = 50

Frames = Callable[[Image, int], Iterable[Image]]


class Outcome(StrEnum):
    """How a clip came out; see the module."""

    RIGHT = "right"
    WRONG = "wrong and final"
    NOT_FINAL = "not final"
    NONE = "none"


@dataclass(frozen=True)
class Said:
    """One read of a clip: normalised text, whether it may be acted on, and the plate's box in the frame kept, in square
    pixels."""

    text: str
    final: bool
    area_px2: float


@dataclass(frozen=True)
class Passage:
    """One clip: its picture, the normalised texts of its labelled plates, and what the vote said."""

    picture: str
    labels: tuple[str, ...]
    said: tuple[Said, ...]

    @property
    def final(self) -> tuple[Said, ...]:
        """The reads that may be acted on."""
        return tuple(one for one in self.said if one.final)

    @property
    def wrong(self) -> tuple[Said, ...]:
        """The final reads that no label explains."""
        return tuple(one for one in self.final if one.text not in self.labels)


def outcome(passage: Passage) -> Outcome:
    """How a clip came out."""
    if not passage.said:
        return Outcome.NONE
    if not passage.final:
        return Outcome.NOT_FINAL
    return Outcome.WRONG if passage.wrong else Outcome.RIGHT


def largest_is_wrong(passage: Passage) -> bool:
    """True when the largest plate that was read is final and no label explains it."""
    return bool(passage.said) and max(passage.said, key=lambda one: one.area_px2) in passage.wrong


def wrong_without_province(passage: Passage) -> bool:
    """True when a final read is wrong in more than its Chinese province character."""
    keys = {key(label) for label in passage.labels}
    return any(key(one.text) not in keys for one in passage.wrong)


def doubled(said: Sequence[Said], labels: Sequence[str]) -> bool:
    """True when two reads are of the same plate: nearly the same text, and not both labelled."""
    return any(
        not (one.text in labels and other.text in labels and one.text != other.text)
        and edits(key(one.text), key(other.text)) <= SAME_PLATE_EDITS
        for one, other in combinations(said, 2)
    )


def edits(one: str, other: str) -> int:
    """Least number of characters put in, taken out or changed that make `one` into `other`."""
    row = list(range(len(other) + 1))
    for at, a in enumerate(one, start=1):
        before, row[0] = row[0], at
        for place, b in enumerate(other, start=1):
            changed = before + (a != b)
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, changed)
    return row[-1]


def count(passages: Sequence[Passage]) -> list[Figure]:
    """The shares of clips with their bounds; raises CannotRun when there are none."""
    if not passages:
        raise CannotRun("no clip was made; is the split empty?")
    outcomes = [outcome(one) for one in passages]
    return [
        *(_share(f"{one}", [got is one for got in outcomes]) for one in Outcome),
        _share("wrong and final, the largest plate", [largest_is_wrong(one) for one in passages]),
        _share("wrong and final, also without the province", [wrong_without_province(p) for p in passages]),
        _share("doubled, both final", [doubled(one.final, one.labels) for one in passages]),
        _share("doubled, final or not", [doubled(one.said, one.labels) for one in passages]),
        _share("more final reads than labelled plates", [len(p.final) > len(p.labels) for p in passages]),
    ]


def _share(name: str, hits: Sequence[bool]) -> Figure:
    low, high = wilson(sum(hits), len(hits))
    bounds = f"95 % bounds {100 * low:.1f} to {100 * high:.1f} %"
    return Figure(f"{name}: {sum(hits)} of {len(hits)} clips, {bounds}", 100 * sum(hits) / len(hits), "%")


def clip_maker(folder: Path) -> Frames:
    """The function of the folder's clips.py that makes frames out of a picture and a seed; raises CannotRun."""
    file = folder / "clips.py"
    spec = importlib.util.spec_from_file_location("clips_of_folder", file) if file.is_file() else None
    if spec is None or spec.loader is None:
        raise CannotRun(f"{file}: is not there; passages are made by it")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    frames: Frames = module.frames
    return frames


def rows_of(folder: Path, split: str) -> list[dict[str, str]]:
    """The labels of the pictures of a split of which clips are made, in their order; raises CannotRun."""
    file = folder / "scenes.csv"
    if not file.is_file():
        raise CannotRun(f"{file}: is not there")
    with file.open(encoding="utf-8") as labels:
        rows = list(csv.DictReader(labels))
    return [row for row in rows if row["split"] == split and row["kind"] != "trailer-painted"]


def passages(folder: Path, split: str, n: int, seed: int, reader: PlateReader) -> Iterator[Passage]:
    """Clip after clip, read; raises CannotRun."""
    frames, rows = clip_maker(folder), rows_of(folder, split)
    for number in range(n if rows else 0):
        row = rows[number % len(rows)]
        try:
            image = read_picture(folder / row["file"])
        except CaptureError as error:
            raise CannotRun(str(error)) from error
        said = watch(frames(image, seed * 100_003 + number), reader, VoteSettings())
        yield Passage(row["file"], tuple(normalise(one) for one in row["plates"].split("|") if one), said)
        if (number + 1) % _SAY_EVERY == 0:
            print(f"passages: {number + 1} of {n}", file=sys.stderr, flush=True)


def watch(frames: Iterable[Image], reader: PlateReader, settings: VoteSettings) -> tuple[Said, ...]:
    """What the vote over the frames of one clip says of each plate, the best evidenced first."""
    tracks: tuple[Track, ...] = ()
    for number, frame in enumerate(frames):
        tracks = follow(tracks, look(reader, frame), number / FRAMES_A_SECOND, number + 1, settings)
    return tuple(_said(read) for read in reads(tracks, settings) if read.kind is LookKind.PLATE)


def _said(read: Read) -> Said:
    left, top, right, bottom = box(read.best.look.corners)
    return Said(normalise(read.text), read.final, float((right - left) * (bottom - top)))


async def measure(folder: Path, n: int) -> list[Figure]:
    """The figures on the split kept for reporting; raises CannotRun."""
    return count(list(passages(folder, "test", n, 7, _reader())))


def _reader() -> PlateReader:
    try:
        return PpOcrReader()
    except VisionError as error:
        raise CannotRun(str(error)) from error


def _line(passage: Passage) -> str:
    content: dict[str, Any] = {**asdict(passage), "outcome": outcome(passage)}
    return json.dumps(content, ensure_ascii=False) + "\n"


def main() -> int:
    """See the module. Exit code 1 when it could not run, and then it says why."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--split", default="test", choices=["test", "validate", "train"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, metavar="FILE", help="a JSON line a clip: labels, reads, outcome")
    asked = parser.parse_args()
    try:
        found = list(passages(asked.folder, asked.split, asked.n, asked.seed, _reader()))
        figures = count(found)
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 1
    if asked.out is not None:
        asked.out.write_text("".join(map(_line, found)), encoding="utf-8")
    print(f"{asked.n} clips of {asked.folder.name}, split {asked.split}, seed {asked.seed}")
    print(table([("passages", one) for one in figures]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
