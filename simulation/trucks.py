"""Draws what a gate camera sees: the lane, and a truck with its plate at bumper height.

Everything is drawn in millimetres of the real thing and seeded: the same seed gives the same picture. A truck
stands `STAND_PX_PER_MM` large, so that a 520 mm plate is 218 px wide, on the line `STAND_BOTTOM_PX` of a
1280x720 frame.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from simulation.plate_drawing import Colour, Country, DrawingError, Ground, Lines, Picture, draw_plate

FRAME_SIZE_PX = (1280, 720)
STAND_PX_PER_MM = 0.42
STAND_BOTTOM_PX = 712
HORIZON_PX = 208  # a plate camera 1.2 m above the road: 1200 mm * 0.42 above the standing line

TRUCK_WIDTH_MM, TRUCK_HEIGHT_MM = 2500, 3000
SHEET_WIDTH_MM = 3000  # mirrors stand out on both sides
OVERSAMPLING = 2
PLATE_PX_PER_MM = 2.5
LABEL_FILES = ("scenes.csv", "labels.csv")

_PAINTS: tuple[Colour, ...] = (
    (236, 236, 232),
    (178, 34, 34),
    (26, 82, 140),
    (30, 110, 74),
    (205, 120, 30),
    (120, 126, 134),
)


class View(Enum):
    """Which end of the vehicle the camera sees."""

    FRONT = "front"
    REAR = "rear"


class PhotographsUnusable(DrawingError):
    """A folder of photographs cannot stand in for the drawn trucks; the message names file and line."""


@dataclass(frozen=True)
class Gate:
    """The lane that one camera looks at. `place` is burnt into the picture as cameras do."""

    place: str
    seed: int = 0
    night: bool = False


@dataclass(frozen=True)
class DrawnTruck:
    """A truck by its plate: text as `draw_plate` wants it, lines 1 or 2."""

    plate: str
    country: Country
    lines: Lines
    ground: Ground
    seed: int = 0

    def picture(self) -> Picture:
        return draw_truck(self.plate, self.country, self.lines, self.ground, self.seed)


@dataclass(frozen=True)
class Photographed:
    """A photograph in the truck's place, with the plates that its labels file says can be read on it."""

    file: Path
    plates: tuple[str, ...]
    country: str = ""

    def picture(self) -> Picture:
        image = cv2.imread(str(self.file))
        if image is None:
            raise PhotographsUnusable(
                f"{self.file}: is no picture that can be read; remove its line from the labels"
            )
        return from_photograph(image.astype(np.uint8))


Vehicle = DrawnTruck | Photographed


def view_of(plate: str, country: Country, lines: Lines) -> View:
    """Trailer plates and the large Chinese two-line plate are carried at the rear only (GA 36-2018)."""
    vietnamese_trailer = country == "VN" and plate[2:3] == "R"
    return View.REAR if vietnamese_trailer or (country == "CN" and lines == 2) else View.FRONT


def draw_gate_background(seed: int, place: str) -> Picture:
    """Gives the empty lane by day: BGR, 720 x 1280 x 3."""
    rng = np.random.default_rng([seed, *place.encode()])
    width, height = FRAME_SIZE_PX
    picture = Image.new("RGB", FRAME_SIZE_PX)
    pen = ImageDraw.Draw(picture)
    for y in range(height):
        shade = y / HORIZON_PX if y < HORIZON_PX else 1.0
        pen.line(
            (0, y, width, y), fill=(round(150 + 55 * shade), round(180 + 35 * shade), round(210 + 15 * shade))
        )
    _draw_hills(pen, rng)
    centre = width // 2 + int(rng.integers(-25, 25))
    pen.rectangle((0, HORIZON_PX, width, height), fill=(112, 116, 104))
    pen.polygon(
        [(centre - 45, HORIZON_PX), (centre + 45, HORIZON_PX), (1420, height), (-140, height)],
        fill=(98, 98, 100),
    )
    for side in (-1, 1):
        pen.polygon(
            [
                (centre + side * x, y)
                for x, y in ((40, HORIZON_PX), (43, HORIZON_PX), (690, height), (650, height))
            ],
            fill=(214, 206, 150),
        )
    _draw_booth(pen, centre, left=bool(rng.random() < 0.5))
    grain = cv2.GaussianBlur(rng.normal(0, 14, (height, width, 1)).astype(np.float32), (0, 0), 1.5)[
        :, :, None
    ]
    background: Picture = np.clip(np.asarray(picture)[:, :, ::-1] + grain, 0, 255).astype(np.uint8)
    return background


def burn_in(picture: Picture, place: str) -> Picture:
    """The picture (BGR) with the place's name over everything in its corner, as cameras write it."""
    named = picture.copy()
    for ink, thickness in (((0, 0, 0), 5), ((250, 250, 250), 2)):
        cv2.putText(named, place, (24, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.8, ink, thickness, cv2.LINE_AA)
    return named


def _draw_hills(pen: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Limestone hills, the farther the paler."""
    for paint, tallest_px in (((148, 168, 176), 120), ((104, 132, 116), 75)):
        x = -60.0
        while x < FRAME_SIZE_PX[0]:
            half_px, peak_px = rng.uniform(50, 130), rng.uniform(0.4, 1.0) * tallest_px
            pen.ellipse((x - half_px, HORIZON_PX - peak_px, x + half_px, HORIZON_PX + peak_px), fill=paint)
            x += half_px * 1.2


def _draw_booth(pen: ImageDraw.ImageDraw, centre: int, *, left: bool) -> None:
    side = -1 if left else 1
    near, far = centre + side * 360, centre + side * 560
    x0, x1 = min(near, far), max(near, far)
    pen.rectangle((x0, 120, x1, 470), fill=(222, 220, 208), outline=(150, 150, 145), width=3)
    pen.rectangle((x0 + 20, 180, x1 - 20, 300), fill=(58, 78, 92))
    pen.rectangle((x0 - 25, 92, x1 + 25, 126), fill=(150, 34, 34))
    post = centre - side * 400
    pen.rectangle((post - 9, 60, post + 9, 460), fill=(92, 94, 98))
    pen.rectangle((post - 22, 40, post + 22, 74), fill=(60, 62, 66))


def draw_truck(plate: str, country: Country, lines: Lines, ground: Ground, seed: int) -> Picture:
    """Gives the truck cut out, at its standing size: BGRA, 1260 px high and wide, wheels on the lower edge.

    Rear views are drawn for plates that only a rear carries. Raises DrawingError for an impossible plate.
    """
    rng = np.random.default_rng([seed, *plate.encode()])
    sheet = _Sheet(STAND_PX_PER_MM * OVERSAMPLING)
    paint = _PAINTS[int(rng.integers(len(_PAINTS)))]
    painted = draw_plate(plate, country, lines, ground, px_per_mm=PLATE_PX_PER_MM)
    if view_of(plate, country, lines) is View.FRONT:
        _draw_front(sheet, paint, rng)
        plate_middle_mm = 560.0
    else:
        _draw_rear(sheet, paint)
        plate_middle_mm = 640.0
    truck = sheet.bgra()
    _mount_plate(truck, _weathered(painted, rng), plate_middle_mm, sheet.px_per_mm)
    return _turned(truck, rng)


class _Sheet:
    """A transparent drawing in millimetres: x from the truck's middle to the right, y up from the road."""

    def __init__(self, px_per_mm: float) -> None:
        self.px_per_mm = px_per_mm
        size_px = (round(SHEET_WIDTH_MM * px_per_mm), round(TRUCK_HEIGHT_MM * px_per_mm))
        self._image = Image.new("RGBA", size_px, (0, 0, 0, 0))
        self._pen = ImageDraw.Draw(self._image)

    def _at(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        return (x_mm + SHEET_WIDTH_MM / 2) * self.px_per_mm, (TRUCK_HEIGHT_MM - y_mm) * self.px_per_mm

    def box(
        self, left: float, right: float, low: float, high: float, fill: Colour, round_mm: float = 0
    ) -> None:
        corners = (*self._at(left, high), *self._at(right, low))
        self._pen.rounded_rectangle(corners, round_mm * self.px_per_mm, fill=fill)

    def pair(
        self, inner: float, outer: float, low: float, high: float, fill: Colour, round_mm: float = 0
    ) -> None:
        """The same box on both sides of the middle."""
        self.box(inner, outer, low, high, fill, round_mm)
        self.box(-outer, -inner, low, high, fill, round_mm)

    def outline(self, corners_mm: list[tuple[float, float]], fill: Colour) -> None:
        self._pen.polygon([self._at(*corner) for corner in corners_mm], fill=fill)

    def bgra(self) -> Picture:
        return np.ascontiguousarray(np.asarray(self._image, dtype=np.uint8)[:, :, [2, 1, 0, 3]])


def _shade(paint: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, round(channel * factor)) for channel in paint)
    return red, green, blue


def _draw_front(sheet: _Sheet, paint: Colour, rng: np.random.Generator) -> None:
    dark, steel = (26, 27, 30), (128, 130, 134)
    sheet.pair(720, 1130, 0, 700, dark, 60)  # front wheels
    sheet.box(-1000, 1000, 250, 500, (38, 38, 42))  # shadow below the cab
    sheet.outline(
        [(-1250, 700), (1250, 700), (1220, 2000), (1080, 2960), (-1080, 2960), (-1220, 2000)], paint
    )
    sheet.outline([(-1120, 1720), (1120, 1720), (1020, 2620), (-1020, 2620)], (44, 58, 68))  # windscreen
    sheet.outline([(-900, 1720), (-500, 1720), (-250, 2620), (-560, 2620)], (74, 92, 102))  # sky in the glass
    for x in (-520, 420):
        sheet.outline([(x, 1735), (x + 25, 1735), (x + 460, 1900), (x + 440, 1920)], dark)  # wipers
    sheet.pair(1180, 1440, 1750, 2450, dark, 50)  # mirrors
    sheet.box(-1080, 1080, 2660, 2760, _shade(paint, 0.8), 20)  # sun visor
    for step in range(int(rng.integers(3, 6))):
        sheet.box(-820, 820, 1060 + 130 * step, 1110 + 130 * step, dark, 20)  # grille
    sheet.box(-130, 130, 1600, 1680, steel, 30)  # badge
    sheet.box(-1250, 1250, 330, 880, _shade(paint, 0.55), 60)  # bumper
    sheet.pair(700, 1160, 620, 840, (70, 72, 76), 40)
    sheet.pair(740, 940, 640, 820, (250, 248, 228), 70)  # low beam
    sheet.pair(970, 1130, 660, 800, (226, 228, 222), 60)  # high beam
    sheet.pair(1170, 1235, 640, 820, (232, 140, 30), 20)  # indicators
    sheet.pair(780, 960, 400, 500, (236, 232, 196), 40)  # fog lights


def _draw_rear(sheet: _Sheet, paint: Colour) -> None:
    dark, steel = (26, 27, 30), (150, 152, 156)
    sheet.pair(640, 1180, 0, 760, dark, 60)  # twin wheels
    sheet.box(-640, 640, 300, 780, (44, 45, 48))  # axle and springs
    sheet.box(-1240, 1240, 900, 2980, paint)
    for x in range(-1150, 1151, 115):
        sheet.box(x, x + 30, 960, 2940, _shade(paint, 0.86))  # corrugated doors
    sheet.box(-12, 12, 930, 2980, dark)
    for x in (250, 720):
        sheet.pair(x, x + 45, 930, 2960, steel, 15)  # lock rods
        sheet.pair(x - 60, x + 110, 1580, 1650, steel, 15)
    sheet.box(-1220, 1220, 780, 900, (60, 62, 66))  # frame beam
    sheet.pair(480, 1200, 560, 740, dark, 20)
    sheet.pair(520, 760, 580, 720, (176, 24, 28), 15)
    sheet.pair(790, 960, 580, 720, (224, 134, 30), 15)
    sheet.box(-1200, 1200, 380, 470, (206, 208, 210), 10)  # underrun bar
    for x in range(-1200, 1200, 400):
        sheet.box(x, x + 200, 385, 465, (196, 30, 34))


def _weathered(plate: Picture, rng: np.random.Generator) -> Picture:
    """Dust and uneven light on the plate, the same for every character of it."""
    height, width = plate.shape[:2]
    light = np.linspace(rng.uniform(0.86, 1.0), rng.uniform(0.86, 1.0), width, dtype=np.float32)[
        None, :, None
    ]
    dust = cv2.GaussianBlur(rng.normal(0, 60, (height, width)).astype(np.float32), (0, 0), 5)[:, :, None]
    weathered: Picture = np.clip(plate * light + dust, 0, 255).astype(np.uint8)
    return weathered


def _mount_plate(truck: Picture, plate: Picture, middle_mm: float, px_per_mm: float) -> None:
    ratio = px_per_mm / PLATE_PX_PER_MM
    small = cv2.resize(plate, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    left = (truck.shape[1] - width) // 2
    top = truck.shape[0] - round(middle_mm * px_per_mm) - height // 2
    edge = 6
    truck[top - edge : top + height + edge, left - edge : left + width + edge, :3] = (30, 30, 30)
    truck[top : top + height, left : left + width, :3] = small
    truck[top - edge : top + height + edge, left - edge : left + width + edge, 3] = 255


def _turned(truck: Picture, rng: np.random.Generator) -> Picture:
    """The truck as a camera a little to the side sees it, scaled down to its standing size."""
    height, width = truck.shape[:2]
    slant, lean = rng.uniform(-0.025, 0.025) * height, rng.uniform(-0.01, 0.01) * width
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = corners + np.array(
        [[lean, max(0, slant)], [lean, max(0, -slant)], [0, -max(0, -slant)], [0, -max(0, slant)]], np.float32
    )
    turned = cv2.warpPerspective(truck, cv2.getPerspectiveTransform(corners, seen), (width, height))
    size_px = (width // OVERSAMPLING, height // OVERSAMPLING)
    return cv2.resize(turned, size_px, interpolation=cv2.INTER_AREA).astype(np.uint8)


def from_photograph(image: Picture) -> Picture:
    """Gives a photograph (BGR) as an opaque cut-out that fills the frame down to the standing line: BGRA."""
    height, width = image.shape[:2]
    fit = min(FRAME_SIZE_PX[0] / width, STAND_BOTTOM_PX / height)
    interpolation = cv2.INTER_AREA if fit < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(image, None, fx=fit, fy=fit, interpolation=interpolation)
    return cv2.cvtColor(scaled, cv2.COLOR_BGR2BGRA).astype(np.uint8)


def read_photographs(folder: Path) -> tuple[Photographed, ...]:
    """Reads the labels file of a folder of photographs (`scenes.csv` or `labels.csv`).

    Columns: `file` (relative to the folder), `plates` (texts joined by `|`), optionally `country` and `kind`;
    rows without a plate and rows of the kind `trailer-painted` (no plate can be read on them) are left out.
    Raises PhotographsUnusable.
    """
    labels = next((folder / name for name in LABEL_FILES if (folder / name).is_file()), None)
    if labels is None:
        wanted = " or ".join(LABEL_FILES)
        raise PhotographsUnusable(f"{folder}: has no {wanted}; write one with the columns file,plates")
    with labels.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        if not {"file", "plates"} <= set(rows.fieldnames or ()):
            raise PhotographsUnusable(f"{labels}:1: needs the columns file and plates; has {rows.fieldnames}")
        found = tuple(_labelled(labels, rows.line_num, row) for row in rows if _readable(row))
    if not found:
        raise PhotographsUnusable(f"{labels}: has no row with a plate; fill the column plates")
    return found


def _readable(row: Mapping[str, str]) -> bool:
    return bool(row["plates"]) and row.get("kind") != "trailer-painted"


def _labelled(labels: Path, line: int, row: Mapping[str, str]) -> Photographed:
    file = labels.parent / row["file"]
    if not file.is_file():
        raise PhotographsUnusable(
            f"{labels}:{line}: file: {row['file']} is not there; mend the path or remove the line"
        )
    return Photographed(file, tuple(row["plates"].split("|")), row.get("country") or "")
