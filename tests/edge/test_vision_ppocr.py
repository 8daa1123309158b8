"""The PP-OCR reader on its real models, on drawn plates, and the geometry and colours it rests on."""

import math
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest

from edge.vision.appearance import ground_colour
from edge.vision.geometry import around, corners_of, size_px, stacked, straighten, tilt_deg, widened_left
from edge.vision.networks import DETECTION_MODEL, ModelsMissing
from edge.vision.port import Corners, Image, LookKind, PlateLook, look
from edge.vision.ppocr import PpOcrReader
from shared.codes import Ground
from simulation.plate_drawing import Ground as DrawnGround
from simulation.plate_drawing import draw_plate


@pytest.fixture(scope="module")
def reader() -> PpOcrReader:
    return PpOcrReader()


def street(plate: Image, at: tuple[int, int] = (560, 420), turn_deg: float = 0.0) -> Image:
    """A grey 1280x720 frame with a plate whose upper left corner is at x, y."""
    picture = np.full((720, 1280, 3), 96, np.uint8)
    height, width = plate.shape[:2]
    picture[at[1] : at[1] + height, at[0] : at[0] + width] = plate[..., :3]
    turn = cv2.getRotationMatrix2D((at[0] + width / 2, at[1] + height / 2), turn_deg, 1.0)
    turned = cv2.warpAffine(picture, turn, (1280, 720), borderValue=(96, 96, 96))
    return np.asarray(turned, dtype=np.uint8)


def rectangle(x: float, y: float, width: float, height: float) -> Corners:
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def only(looks: tuple[PlateLook, ...]) -> PlateLook:
    (one,) = looks
    return one


@pytest.mark.parametrize("turn_deg", [0.0, 8.0])
def test_a_vietnamese_plate_of_one_line_is_read_where_it_is(reader: PpOcrReader, turn_deg: float) -> None:
    plate = draw_plate("29C12345", "VN", 1, DrawnGround.YELLOW, px_per_mm=0.4)
    seen = only(look(reader, street(plate, turn_deg=turn_deg)))

    assert (seen.text, seen.lines, seen.kind, seen.ground) == ("29C12345", 1, LookKind.PLATE, Ground.YELLOW)
    middle = np.mean(seen.corners, axis=0)
    assert math.dist(middle, (560 + plate.shape[1] / 2, 420 + plate.shape[0] / 2)) < 12
    assert seen.quality.tilt_deg == pytest.approx(-turn_deg, abs=3)


@pytest.mark.parametrize("px_per_mm", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("text", ["12C12345", "34RM00121", "98H1234", "桂F1234挂", "桂F12345"])
def test_two_lines_are_one_plate_at_every_distance(reader: PpOcrReader, text: str, px_per_mm: float) -> None:
    country: Literal["VN", "CN"] = "CN" if text.startswith("桂") else "VN"
    plate = draw_plate(text, country, 2, DrawnGround.YELLOW, px_per_mm=px_per_mm)
    seen = only(look(reader, street(plate)))
    assert (seen.text, seen.lines, seen.kind) == (text, 2, LookKind.PLATE)


@pytest.mark.parametrize(("lines", "kind"), [(1, LookKind.PAINTED), (2, LookKind.PLATE)])
def test_a_trailer_number_on_one_line_is_painted_because_trailer_plates_have_two(
    reader: PpOcrReader, lines: Literal[1, 2], kind: LookKind
) -> None:
    plate = draw_plate("桂F1234挂", "CN", 2, DrawnGround.YELLOW, px_per_mm=0.5)
    upper, lower = plate[10:42, 60:160, :3], plate[44:101, 10:210, :3]
    in_one_line = np.hstack([cv2.resize(upper, (100, 57)), lower])
    seen = only(look(reader, street(plate if lines == 2 else in_one_line)))
    assert (seen.text, seen.lines, seen.kind) == ("桂F1234挂", lines, kind)


def test_a_chinese_plate_keeps_its_province_and_its_country(reader: PpOcrReader) -> None:
    seen = only(look(reader, street(draw_plate("桂F12345", "CN", 1, DrawnGround.BLUE, px_per_mm=0.5))))
    assert (seen.text, seen.country, seen.ground) == ("桂F12345", "CN", Ground.BLUE)


def test_each_character_carries_its_alternatives(reader: PpOcrReader) -> None:
    seen = only(look(reader, street(draw_plate("29C12345", "VN", 1, DrawnGround.WHITE, px_per_mm=0.4))))
    assert "".join(position[0][0] for position in seen.characters) == seen.text
    assert all(0 < p <= 1 for position in seen.characters for _, p in position)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 2), (720, 1280)])
def test_a_frame_without_a_plate_has_none_whatever_its_size(
    reader: PpOcrReader, size: tuple[int, int]
) -> None:
    assert look(reader, np.zeros((*size, 3), np.uint8)) == ()


def test_missing_models_are_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelsMissing, match=rf"{DETECTION_MODEL}.*run scripts/setup"):
        PpOcrReader(models=tmp_path)


def test_a_broken_model_is_named(tmp_path: Path) -> None:
    (tmp_path / DETECTION_MODEL).write_bytes(b"no model")
    with pytest.raises(ModelsMissing, match=DETECTION_MODEL):
        PpOcrReader(models=tmp_path)


TOP, BOTTOM = rectangle(30, 0, 60, 30), rectangle(0, 40, 120, 40)


@pytest.mark.parametrize(
    ("top", "bottom", "joined"),
    [
        (TOP, BOTTOM, True),
        (BOTTOM, TOP, False),
        (TOP, rectangle(300, 40, 120, 40), False),  # beside
        (TOP, rectangle(0, 200, 120, 40), False),  # far below
        (TOP, rectangle(-200, 40, 520, 40), False),  # a banner
        (TOP, rectangle(0, 40, 120, 300), False),  # letters of another size
    ],
)
def test_rows_are_joined_by_their_geometry(top: Corners, bottom: Corners, joined: bool) -> None:
    assert stacked(top, bottom) is joined


@pytest.mark.parametrize("turn_deg", [-30.0, 0.0, 30.0])
def test_rows_of_a_tilted_plate_are_joined_too(turn_deg: float) -> None:
    assert stacked(turned(TOP, turn_deg), turned(BOTTOM, turn_deg))


def test_corners_start_at_the_upper_left_and_go_round() -> None:
    points = np.array([(9, 5), (1, 6), (0, 2), (8, 1)], np.float32)
    assert corners_of(points) == ((0, 2), (8, 1), (9, 5), (1, 6))


def test_a_straightened_row_has_its_own_size_and_stands_level() -> None:
    frame = np.zeros((200, 200, 3), np.uint8)
    row = turned(rectangle(60, 90, 80, 20), 20.0)
    cv2.fillPoly(frame, [np.array(row, np.int32)], (255, 255, 255))
    crop = straighten(frame, row)
    assert crop.shape == (20, 80, 3)
    assert crop[3:-3, 3:-3].min() > 200


def test_a_row_is_widened_along_its_slope() -> None:
    row = turned(rectangle(60, 90, 80, 20), 20.0)
    wider = widened_left(row, 0.5)
    assert size_px(wider) == pytest.approx((90, 20))
    assert tilt_deg(wider) == pytest.approx(tilt_deg(row))
    assert np.allclose(wider[1:3], row[1:3])


def test_the_box_around_two_rows_holds_both() -> None:
    assert size_px(around((TOP, BOTTOM))) == pytest.approx((120, 80))


@pytest.mark.parametrize(
    ("bgr", "ink", "ground"),
    [
        ((0x23, 0xDF, 0xF7), 0, Ground.YELLOW),
        ((0xC8, 0x77, 0x52), 255, Ground.BLUE),
        ((0x26, 0x11, 0xCE), 255, Ground.RED),
        ((0x6D, 0xD7, 0x13), 0, Ground.GREEN),
        ((230, 230, 230), 0, Ground.WHITE),
        ((20, 20, 20), 255, Ground.BLACK),
    ],
)
def test_the_ground_is_told_from_the_ink(bgr: tuple[int, int, int], ink: int, ground: Ground) -> None:
    row = np.full((30, 120, 3), bgr, np.uint8)
    row[6:24, 10:110:10] = ink
    row[6:24, 11:110:10] = ink
    row[6:24, 12:110:10] = ink
    assert ground_colour(row) is ground


def turned(row: Corners, turn_deg: float) -> Corners:
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    a, b, c, d = ((x * cos - y * sin, x * sin + y * cos) for x, y in row)
    return a, b, c, d
