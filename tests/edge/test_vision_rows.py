"""Rows of text: the shape a frame goes to, where a row is found, and what the recogniser is fed, on networks made up here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.networks import PADDING, ROW_SHAPE_PX
from edge.vision.port import Corners, Image
from edge.vision.rows import FinderSettings, RowFinder, RowReader

WIDTH_PX, HEIGHT_PX = ROW_SHAPE_PX


def rectangle(x: float, y: float, width: float, height: float) -> Corners:
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


@dataclass
class Fed:
    """Networks that keep what they are fed: text stands where a canvas is white, and every row says "A"."""

    canvases: list[Image] = field(default_factory=list)
    classes: Sequence[str] = ("", "A", "粤")

    def text_map(self, canvas_bgr: Image) -> NDArray[np.float32]:
        self.canvases.append(canvas_bgr)
        return (canvas_bgr[..., 0] > 200).astype(np.float32)

    def row_scores(self, canvas_bgr: Image) -> NDArray[np.float32]:
        self.canvases.append(canvas_bgr)
        return np.array([[0.1, 0.9, 0.0]], np.float32)


@pytest.mark.parametrize(
    ("width", "height", "canvas"),
    [
        (472, 303, (576, 960)),  # enlarged
        (960, 576, (576, 960)),  # as it is
        (800, 600, (960, 1280)),  # the small shape would shrink it
        (1920, 1080, (960, 1280)),
        (600, 3000, (960, 1280)),
    ],
)
def test_a_frame_goes_to_the_smallest_shape_that_does_not_shrink_it(
    width: int, height: int, canvas: tuple[int, int]
) -> None:
    networks = Fed()
    RowFinder(FinderSettings(), networks.text_map).rows(np.zeros((height, width, 3), np.uint8))
    (fed,) = networks.canvases
    assert fed.shape == (*canvas, 3)


def test_a_row_is_found_where_it_stands_in_the_frame() -> None:
    frame = np.zeros((720, 1280, 3), np.uint8)
    frame[300:330, 600:760] = 255
    ((corners, score),) = RowFinder(FinderSettings(), Fed().text_map).rows(frame)
    assert np.mean(corners, axis=0) == pytest.approx((680, 315), abs=2)
    assert score == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("height_px", "found"), [(3, False), (12, True)])
def test_a_row_too_low_to_be_read_is_left_out(height_px: int, found: bool) -> None:
    frame = np.zeros((576, 960, 3), np.uint8)
    frame[300 : 300 + height_px, 600:640] = 255
    assert bool(RowFinder(FinderSettings(), Fed().text_map).rows(frame)) is found


def test_a_row_is_brought_to_the_recognisers_height_and_the_rest_is_nothing() -> None:
    networks, frame = Fed(), np.full((100, 200, 3), 255, np.uint8)
    said = RowReader(networks).text(frame, rectangle(10, 10, 96, 24))
    (fed,) = networks.canvases
    assert fed.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert (fed[:, :192] == 255).all()
    assert (fed[:, 192:] == PADDING).all()
    assert said.characters == ((("A", pytest.approx(0.9)),),)


def test_rows_stand_side_by_side_each_at_the_recognisers_height() -> None:
    networks, frame = Fed(), np.zeros((100, 200, 3), np.uint8)
    frame[:50], frame[50:] = 40, 220
    RowReader(networks).text(frame, rectangle(20, 10, 40, 20), rectangle(10, 60, 60, 30))
    (fed,) = networks.canvases
    assert (fed[:, :96] == 40).all()
    assert (fed[:, 96:192] == 220).all()
    assert (fed[:, 192:] == PADDING).all()


@pytest.mark.parametrize(
    "rows", [((0, 0, 190, 4),), ((0, 0, 190, 4), (0, 9, 1, 90)), ((0, 0, 90, 4), (0, 9, 90, 4))]
)
def test_what_is_too_long_is_squeezed(rows: tuple[tuple[float, float, float, float], ...]) -> None:
    networks = Fed()
    RowReader(networks).text(np.full((100, 200, 3), 9, np.uint8), *(rectangle(*row) for row in rows))
    assert (networks.canvases[0] == 9).all()


def test_a_row_of_the_same_frame_is_read_once_and_of_another_frame_again() -> None:
    networks, frame, row = Fed(), np.zeros((100, 200, 3), np.uint8), rectangle(10, 10, 96, 24)
    reader = RowReader(networks)
    reader.text(frame, row)
    reader.text(frame, row)
    assert len(networks.canvases) == 1
    reader.text(frame, row, row)
    reader.text(frame.copy(), row)
    assert len(networks.canvases) == 3
