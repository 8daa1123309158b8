"""How passages are counted: right, wrong and final, not final, none, doubled."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from benchmarks.figures import CannotRun
from benchmarks.passages import (
    Outcome,
    Passage,
    Said,
    clip_maker,
    count,
    doubled,
    edits,
    largest_is_wrong,
    outcome,
    passages,
    rows_of,
    watch,
    wrong_without_province,
)
from edge.vision.port import Corners, FoundPlate, Image, LookKind, PlateLook, Quality
from edge.vision.vote import VoteSettings
from shared.codes import Country, Ground

CORNERS: Corners = ((0, 0), (200, 0), (200, 50), (0, 50))
ROW = "{file},{plates},1,{kind},VN,{split}\n"


def final(text: str, area_px2: float = 100.0) -> Said:
    return Said(text, True, area_px2)


def open_(text: str, area_px2: float = 100.0) -> Said:
    return Said(text, False, area_px2)


class Case(NamedTuple):
    """A clip of the plates `labels` and how it is to be counted."""

    labels: tuple[str, ...]
    said: tuple[Said, ...]
    outcome: Outcome
    largest_wrong: bool = False
    without_province: bool = False
    doubled: bool = False
    beyond: bool = False


A, B, FAR, CN = "29C12345", "29R00001", "51G79984", "桂A12345"
CASES = {
    "nothing read": Case((A,), (), Outcome.NONE),
    "read, but by one look": Case((A,), (open_(A),), Outcome.NOT_FINAL),
    "right": Case((A,), (final(A),), Outcome.RIGHT),
    "one of two labelled plates": Case((A, B), (final(B),), Outcome.RIGHT),
    "tractor and trailer": Case((A, B), (final(A), final(B)), Outcome.RIGHT),
    "right, a wrong one not final": Case((A,), (final(A), open_(FAR)), Outcome.RIGHT),
    "wrong": Case((A,), (final("29C12346"),), Outcome.WRONG, True, True),
    "a right one beside a plate far off": Case(
        (A,), (final(A), final(FAR, 20)), Outcome.WRONG, False, True, beyond=True
    ),
    "wrong and largest, a right one beside it": Case(
        (A,), (final(A), final(FAR, 300)), Outcome.WRONG, True, True, beyond=True
    ),
    "largest not final, a smaller one wrong": Case(
        (A,), (open_(A, 300), final(FAR)), Outcome.WRONG, False, True
    ),
    "wrong in the province character only": Case((CN,), (final("粤A12345"),), Outcome.WRONG, True),
    "the same plate twice, both final": Case(
        (A,), (final(A), final("29C12346", 50)), Outcome.WRONG, False, True, True, True
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_how_a_clip_is_counted(case: Case) -> None:
    passage = Passage("a.jpg", case.labels, case.said)
    assert outcome(passage) is case.outcome
    assert largest_is_wrong(passage) is case.largest_wrong
    assert wrong_without_province(passage) is case.without_province
    assert doubled(passage.final, passage.labels) is case.doubled
    assert (len(passage.final) > len(passage.labels)) is case.beyond


@pytest.mark.parametrize(
    ("said", "labels", "twice"),
    [
        ((A,), (A,), False),
        ((A, "29C12346"), (A,), True),
        ((A, "29C1234"), (A,), True),
        ((A, FAR), (A,), False),
        ((A, "29C12346"), (A, "29C12346"), False),  # two labelled plates that are alike
        ((A, A), (A,), True),
        ((CN, "A12345"), (CN,), True),  # without its province character
    ],
)
def test_two_reads_of_one_plate(said: tuple[str, ...], labels: tuple[str, ...], twice: bool) -> None:
    assert doubled([open_(text) for text in said], labels) is twice


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        ("", "", 0),
        ("ABC", "", 3),
        ("ABC", "ABC", 0),
        ("ABC", "ABD", 1),
        ("ABC", "BC", 1),
        ("AB12", "A12B", 2),
    ],
)
def test_least_number_of_edits(one: str, other: str, least: int) -> None:
    assert edits(one, other) == edits(other, one) == least


def test_shares_stand_with_their_number_and_bounds() -> None:
    said = [(final(A),)] * 16 + [(final(FAR),)] * 2 + [(open_(A),), ()]
    first, *others = count([Passage("a.jpg", (A,), one) for one in said])
    assert (first.name, first.value) == ("right: 16 of 20 clips, 95 % bounds 58.4 to 91.9 %", 80)
    assert [one.value for one in others[:3]] == [10, 5, 5]
    assert sum(one.value for one in (first, *others[:3])) == 100


def test_no_clip_is_no_figure() -> None:
    with pytest.raises(CannotRun, match="no clip was made"):
        count([])


class OnePlate:
    """A reader that sees a plate in every frame that is not black."""

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        return (FoundPlate(CORNERS, (CORNERS,), 0.9),) if frame_bgr.any() else ()

    def read(self, frame_bgr: Image, found: FoundPlate) -> PlateLook | None:
        assert frame_bgr.any()
        characters = tuple(((character, 0.95),) for character in A)
        clear = Quality(30, 50, 0, 0)
        return PlateLook(
            A, LookKind.PLATE, Country.VN, 1, 0.9, found.corners, characters, Ground.YELLOW, clear
        )


def frames(bright: int) -> Iterator[Image]:
    for number in range(18):
        yield np.full((60, 240, 3), 255 if number < bright else 0, np.uint8)


@pytest.mark.parametrize(
    ("bright", "said"),
    [(0, ()), (1, (Said(A, False, 200 * 50),)), (18, (Said(A, True, 200 * 50),))],
)
def test_the_vote_over_the_frames_of_a_clip(bright: int, said: tuple[Said, ...]) -> None:
    assert watch(frames(bright), OnePlate(), VoteSettings()) == said


def test_clips_are_made_as_the_folder_makes_them(tmp_path: Path) -> None:
    """Pictures of the split in turn, those of painted numbers left out; the seed that clips.py takes."""
    named = [("a.png", "29C12345|29R00001", "car", "validate"), ("b.png", B, "trailer-painted", "validate")]
    named += [("c.png", FAR, "car", "test"), ("d.png", FAR, "car", "validate")]
    rows = [ROW.format(file=f, plates=p, kind=k, split=s) for f, p, k, s in named]
    (tmp_path / "scenes.csv").write_text("file,plates,lines,kind,country,split\n" + "".join(rows))
    for file, *_ in named:
        cv2.imwrite(str(tmp_path / file), np.zeros((1, 1, 3), np.uint8))
    (tmp_path / "clips.py").write_text(MAKER)
    assert [row["file"] for row in rows_of(tmp_path, "validate")] == ["a.png", "d.png"]
    made = list(passages(tmp_path, "validate", 3, 2, OnePlate()))
    assert [(one.picture, one.labels) for one in made] == [
        ("a.png", (A, B)),
        ("d.png", (FAR,)),
        ("a.png", (A, B)),
    ]
    assert [outcome(one) for one in made] == [Outcome.NONE, Outcome.WRONG, Outcome.NONE]


MAKER = """
import numpy as np

def frames(image, seed):
    assert image.shape == (1, 1, 3)
    for _ in range(18):
        yield np.full((60, 240, 3), 255 if seed == 2 * 100003 + 1 else 0, np.uint8)
"""


def test_without_clips_py_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"clips\.py: is not there"):
        clip_maker(tmp_path)
