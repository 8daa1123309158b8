"""`barie-edge read --draw`: the picture shows the plate where it is, and nothing that was there is written over."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.vision.drawing import (
    FINAL,
    NOT_FINAL,
    PAINTED,
    BestFrames,
    CannotDraw,
    Drawings,
    Mark,
    drawn,
)
from edge.vision.port import Image, LookKind, PlateLook
from edge.vision.sources import Extras, read_sources
from edge.vision.vote import Track, VoteSettings, follow, reads
from tests.edge.clips import GreyReader, grey, place, write_clip
from tests.edge.looks import corners_at, plate_look

PLATE = plate_look("29C12345")


def mark(
    text: str = "29C12345", *, x: float = 400.0, y: float = 300.0, final: bool = True, painted: bool = False
) -> Mark:
    kind = LookKind.PAINTED if painted else LookKind.PLATE
    return Mark(corners_at(x, y), text, 0.98, 3, 4, final, kind)


def shows(image: Image, colour: tuple[int, int, int], x: float, y: float) -> bool:
    """True when the colour stands within two pixels of a place, but for what JPEG does to it."""
    around = image[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3].reshape(-1, 3).astype(int)
    return bool((np.abs(around - np.array(colour)).max(axis=1) < 40).any())


def written(image: Image) -> np.ndarray:
    """Where the letters stand: white on a ground that was black."""
    return np.asarray((image > 200).all(axis=2))


@pytest.mark.parametrize(
    ("given", "colour"),
    [(mark(), FINAL), (mark(final=False), NOT_FINAL), (mark(painted=True), PAINTED)],
)
def test_each_side_of_the_plate_is_outlined_in_the_colour_of_its_state(
    given: Mark, colour: tuple[int, int, int]
) -> None:
    before = grey(0)
    image = drawn(before, [given])

    for x, y in [(450, 300), (500, 312), (450, 325), (400, 312)]:
        assert shows(image, colour, x, y)
    assert not before.any()
    assert not image[310:316, 420:480].any()


def test_a_slanting_plate_is_outlined_by_its_corners_not_by_a_box() -> None:
    slanting = ((100.0, 200.0), (200.0, 240.0), (200.0, 270.0), (100.0, 230.0))
    image = drawn(grey(0), [Mark(slanting, "29C12345", 0.9, 2, 2, True, LookKind.PLATE)])
    assert shows(image, FINAL, 150, 220)
    assert not shows(image, FINAL, 110, 265)


def test_chinese_characters_are_drawn_each_as_its_own() -> None:
    one, other = (written(drawn(grey(0), [mark(text)])) for text in ("桂F12345", "粤F12345"))
    unknown = written(drawn(grey(0), [mark("\U0010fffdF12345")]))
    assert (one != other).any()
    assert (one != unknown).any()
    assert (other != unknown).any()


@pytest.mark.parametrize(("x", "y"), [(0, 0), (540, 0), (540, 455), (-50, -20), (620, 470)])
def test_a_label_at_the_edge_is_whole(x: float, y: float) -> None:
    inside = written(drawn(grey(0), [mark(x=200, y=200)])).sum()
    assert written(drawn(grey(0), [mark(x=x, y=y)])).sum() == pytest.approx(inside, rel=0.05)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 300), (60, 40)])
def test_a_tiny_picture_can_be_drawn_on(width: int, height: int) -> None:
    assert drawn(grey(0, width, height), [mark(x=2, y=2)]).shape == (height, width, 3)


def test_the_label_tells_text_confidence_agreement_and_state() -> None:
    assert mark().label == "29C12345 0.98 3/4 final"
    assert mark(final=False, painted=True).label == "29C12345 0.98 3/4 not final painted"


# -- the folder


def test_equal_names_from_two_folders_give_two_pictures_and_the_sources_stay(tmp_path: Path) -> None:
    sources = [tmp_path / name / "a.jpg" for name in ("front", "rear")]
    for source in sources:
        source.parent.mkdir()
        cv2.imwrite(str(source), grey(100))
    before = [source.read_bytes() for source in sources]
    out = tmp_path / "made" / "out"

    lines = list(
        read_sources(
            map(str, sources), GreyReader({100: [place(PLATE)]}), extras=Extras(drawings=Drawings(out))
        )
    )

    assert [line["drawn"] for line in lines] == [[str(out / "a.jpg.jpg")], [str(out / "a.jpg-2.jpg")]]
    assert shows(cv2.imread(lines[0]["drawn"][0]), NOT_FINAL, 450, 325)
    assert [source.read_bytes() for source in sources] == before


def test_a_source_in_the_drawing_folder_is_never_written_over(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg.jpg"
    source.write_bytes(b"mine")
    assert Drawings(tmp_path).keep("a.jpg", grey(0)) == tmp_path / "a.jpg-2.jpg"
    assert source.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["../../up.jpg", "/etc/passwd", "***@host:554/gate?a=b", "...", "桂" * 300])
def test_any_name_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    assert Drawings(tmp_path).keep(name, grey(0)).resolve().parent == tmp_path.resolve()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for folder in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(CannotDraw, match="cannot be written"):
            Drawings(folder)


def test_a_folder_that_went_away_is_told(tmp_path: Path) -> None:
    drawings = Drawings(tmp_path / "out")
    drawings.folder.rmdir()
    with pytest.raises(CannotDraw, match="cannot be written"):
        drawings.keep("a.jpg", grey(0))


# -- clips


def test_each_read_of_a_clip_is_drawn_on_the_frame_that_carries_its_evidence(tmp_path: Path) -> None:
    other = plate_look("30H55555", x=50.0, y=100.0)
    seen = {
        40: [place(plate_look("29C12345", 0.9)), place(other)],
        100: [place(PLATE)],
        160: [place(plate_look("29C12345", 0.8))],
    }
    clip = write_clip(tmp_path / "c.avi", [40, 100, 160, 0])

    (line,) = read_sources([str(clip)], GreyReader(seen), extras=Extras(Drawings(tmp_path / "out")))

    assert [(p["text"], p["final"]) for p in line["plates"]] == [("29C12345", True), ("30H55555", False)]
    first, second = (cv2.imread(path) for path in line["drawn"])
    assert abs(int(first[10, 10, 0]) - 100) < 10
    assert shows(first, FINAL, 450, 325)
    assert abs(int(second[10, 10, 0]) - 40) < 10
    assert shows(second, NOT_FINAL, 100, 125)


def test_a_clip_without_a_plate_shows_its_last_frame(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "c.avi", [40, 200])
    (line,) = read_sources([str(clip)], GreyReader({}), extras=Extras(Drawings(tmp_path / "out")))
    (path,) = line["drawn"]
    assert abs(int(cv2.imread(path)[10, 10, 0]) - 200) < 10


def test_an_unreadable_source_is_not_drawn(tmp_path: Path) -> None:
    (line,) = read_sources([str(tmp_path / "gone.avi")], GreyReader({}), extras=Extras(Drawings(tmp_path)))
    assert set(line) == {"source", "plates", "error"}
    assert list(tmp_path.iterdir()) == []


def passage(looks: list[PlateLook]) -> tuple[Image, int]:
    """The frame kept for the only read of a passage, and the most that were held at any time."""
    settings, kept, most = VoteSettings(), BestFrames(), 0
    tracks: tuple[Track, ...] = ()
    for number, look in enumerate(looks, start=1):
        tracks = follow(tracks, [look], number / 10, number, settings)
        kept.take(tracks, number, grey(number % 200))
        most = max(most, kept.held)
    ((_, image, _),) = kept.pictures(reads(tracks, settings))
    return image, most


def test_a_long_clip_keeps_a_handful_of_frames() -> None:
    _, most = passage([plate_look("29C12345", 0.9 + number % 9 / 100) for number in range(400)])
    assert most <= 4


def test_the_frame_of_a_text_that_wins_late_is_still_there() -> None:
    """Frame 2 is the best look at what wins in the end, though a surer look at something else came before it."""
    wrong, right = plate_look("29C12346", 0.99), plate_look("29C12345", 0.9)
    image, _ = passage([wrong, right, *[plate_look("29C12345", 0.89)] * 8])
    assert image[0, 0, 0] == 2
