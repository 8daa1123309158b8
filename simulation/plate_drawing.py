"""Draws number plates of Vietnam and China to their published millimetres.

Sizes and boxes: QCVN 08:2024/BCA (Vietnam: 520x110 one line, 330x165 two lines, characters 63 x 38 mm)
and GA 36-2018 (China: 440x140 one line, 440x220 two lines). Neither country gives its font away; the glyphs
here are Debian's DejaVu Sans Condensed Bold and WenQuanYi Zen Hei, fitted into the boxes of the standards,
so a drawn plate has the right shape and nearly, not exactly, the right letters.
"""

import re
import subprocess
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
Country = Literal["VN", "CN"]
Lines = Literal[1, 2]
Colour = tuple[int, int, int]


class DrawingError(Exception):
    """A simulated picture could not be drawn."""


class FontMissing(DrawingError):
    """No installed font has the characters of a plate; the message names the Debian package."""


class PlateUndrawable(DrawingError):
    """The text has no place in the plate asked for; the message says what to write instead."""


class Ground(Enum):
    """Colour of the plate's ground; the ink follows from it."""

    YELLOW = "yellow"  # transport business (VN), large vehicles and trailers (CN); black ink
    WHITE = "white"  # private vehicles and trailers (VN); black ink
    BLUE = "blue"  # state (VN), small vehicles (CN); white ink


@dataclass(frozen=True)
class Row:
    """One line of a plate: boxes of one size, centred, all `gap_mm` apart (the dot and the dash too)."""

    top_mm: float
    box_width_mm: float
    box_height_mm: float
    gap_mm: float


@dataclass(frozen=True)
class PlateShape:
    """Outline of a plate and its rows from top to bottom."""

    width_mm: float
    height_mm: float
    rows: tuple[Row, ...]
    slots: tuple[tuple[float, float], ...]  # centres of the fixing screws, x and y in mm


SHAPES: dict[tuple[Country, Lines], PlateShape] = {
    ("VN", 1): PlateShape(520, 110, (Row(23, 38, 63, 10),), ((20, 55), (500, 55))),
    ("VN", 2): PlateShape(330, 165, (Row(12, 38, 63, 10), Row(90, 38, 63, 10)), ((40, 40), (290, 40))),
    ("CN", 1): PlateShape(
        440, 140, (Row(25, 45, 90, 12),), ((107.5, 13), (332.5, 13), (107.5, 127), (332.5, 127))
    ),
    ("CN", 2): PlateShape(440, 220, (Row(15, 80, 60, 25), Row(90, 65, 110, 15)), ((92.5, 28), (347.5, 28))),
}

GROUND_RGB: dict[tuple[Country, Ground], Colour] = {
    ("VN", Ground.YELLOW): (0xF7, 0xDF, 0x23),
    ("VN", Ground.WHITE): (0xF2, 0xF2, 0xEE),
    ("VN", Ground.BLUE): (0x2F, 0x5B, 0xB5),
    ("CN", Ground.YELLOW): (0xFF, 0xBE, 0x00),
    ("CN", Ground.BLUE): (0x00, 0x1B, 0x7A),
}
INK_RGB: dict[Ground, Colour] = {
    Ground.YELLOW: (18, 18, 18),
    Ground.WHITE: (18, 18, 18),
    Ground.BLUE: (245, 245, 245),
}

DOT_MM = 10.0
DASH_WIDTH_MM = 18.0
RIM_MM = 4.0

# First group: what stands before the dash or in the upper row. Second: the number; five digits take a dot.
_VN_PLATE = re.compile(r"(?P<series>\d{2}[A-ZĐ]{1,2})(?P<number>\d{4,5})")
_CN_PLATE = re.compile(
    r"(?P<office>[\u4e00-\u9fff][A-HJ-NP-Z])(?P<serial>[A-HJ-NP-Z0-9]{5}|[A-HJ-NP-Z0-9]{4}[挂学])"
)


def draw_plate(text: str, country: Country, lines: Lines, ground: Ground, px_per_mm: float = 2.0) -> Picture:
    """Gives the plate as a BGR picture of its real proportions, `px_per_mm` pixels to the millimetre.

    `text` is in capitals without blanks, dots or dashes (`29C12345`, `98R03688`, `桂FF0123`). Raises
    PlateUndrawable for a text or a ground that this country's plate does not have, FontMissing when no font
    has its characters.
    """
    if (country, ground) not in GROUND_RGB:
        raise PlateUndrawable(f"plate {text}: {country} has no {ground.value} plate; choose another ground")
    shape = SHAPES[country, lines]
    size_px = (round(shape.width_mm * px_per_mm), round(shape.height_mm * px_per_mm))
    picture = Image.new("RGB", size_px, GROUND_RGB[country, ground])
    pen = ImageDraw.Draw(picture)
    ink = INK_RGB[ground]
    inset_px, radius_px = RIM_MM * px_per_mm, 3 * RIM_MM * px_per_mm
    pen.rounded_rectangle(
        (inset_px, inset_px, size_px[0] - inset_px, size_px[1] - inset_px),
        radius_px,
        outline=ink,
        width=max(1, round(RIM_MM * 0.75 * px_per_mm)),
    )
    for row, line in zip(shape.rows, plate_rows(text, country, lines), strict=True):
        _draw_row(picture, row, line, ink, px_per_mm)
    for x_mm, y_mm in shape.slots:
        pen.ellipse(_box_px(x_mm - 4, y_mm - 4, 8, 8, px_per_mm), fill=(120, 120, 118))
    return np.ascontiguousarray(np.asarray(picture, dtype=np.uint8)[:, :, ::-1])


def plate_rows(text: str, country: Country, lines: Lines) -> tuple[str, ...]:
    """Splits a bare plate text into what is painted on each row, with the dash and the dot of its standard.

    >>> plate_rows("29C12345", "VN", 1), plate_rows("29C12345", "VN", 2), plate_rows("桂FF0123", "CN", 1)
    (('29C-123.45',), ('29C', '123.45'), ('桂F.F0123',))
    """
    if country == "VN":
        match = _VN_PLATE.fullmatch(text)
        if match is None:
            raise PlateUndrawable(
                f"plate {text}: write a Vietnamese plate like 29C12345, 98R03688 or 12C1234"
            )
        number = match["number"]
        painted = f"{number[:3]}.{number[3:]}" if len(number) == 5 else number
        return (f"{match['series']}-{painted}",) if lines == 1 else (match["series"], painted)
    match = _CN_PLATE.fullmatch(text)
    if match is None:
        raise PlateUndrawable(
            f"plate {text}: write a Chinese plate with its province, like 桂FF0123 or 桂F1234挂"
        )
    office = f"{match['office'][0]}.{match['office'][1]}"
    return (f"{match['office']}.{match['serial']}",) if lines == 1 else (office, match["serial"])


def _draw_row(picture: Image.Image, row: Row, line: str, ink: Colour, px_per_mm: float) -> None:
    widths_mm = [{".": DOT_MM, "-": DASH_WIDTH_MM}.get(mark, row.box_width_mm) for mark in line]
    length_mm = sum(widths_mm) + row.gap_mm * (len(line) - 1)
    x_mm = (picture.width / px_per_mm - length_mm) / 2
    middle_mm = row.top_mm + row.box_height_mm / 2
    pen = ImageDraw.Draw(picture)
    for mark, width_mm in zip(line, widths_mm, strict=True):
        if mark == ".":
            pen.ellipse(_box_px(x_mm, middle_mm - DOT_MM / 2, DOT_MM, DOT_MM, px_per_mm), fill=ink)
        elif mark == "-":
            pen.rectangle(_box_px(x_mm, middle_mm - 4, DASH_WIDTH_MM, 8, px_per_mm), fill=ink)
        else:
            box_px = (round(width_mm * px_per_mm), round(row.box_height_mm * px_per_mm))
            mask = Image.fromarray(_glyph(mark, *box_px))
            picture.paste(ink, (round(x_mm * px_per_mm), round(row.top_mm * px_per_mm)), mask)
        x_mm += width_mm + row.gap_mm


@lru_cache(maxsize=512)
def _glyph(mark: str, width_px: int, height_px: int) -> Picture:
    """Coverage (0-255, height x width) of one character that fills its box in height.

    Letters and digits share one horizontal scale, at which the font's `0` fills the box, so that a `1` stays
    slim; what would be wider than the box (`M`, `W`) is condensed into it. Zen Hei has no bold face: its
    strokes are thickened to those of a plate.
    """
    chinese = ord(mark) > 0x2E7F
    file, face = chinese_font() if chinese else latin_font()
    font = ImageFont.truetype(file, size=160, index=face)
    ink = _ink(font, mark, stroke_px=5 if chinese else 0)
    reference_width_px = ink.shape[1] if chinese else _ink(font, "0").shape[1]
    fitted_px = min(width_px, max(1, round(ink.shape[1] * width_px / reference_width_px)))
    box = np.zeros((height_px, width_px), np.uint8)
    left = (width_px - fitted_px) // 2
    box[:, left : left + fitted_px] = cv2.resize(ink, (fitted_px, height_px), interpolation=cv2.INTER_AREA)
    return box


def _ink(font: ImageFont.FreeTypeFont, mark: str, stroke_px: int = 0) -> Picture:
    left, top, right, bottom = (int(edge) for edge in font.getbbox(mark, stroke_width=stroke_px))
    sheet = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(sheet).text((-left, -top), mark, fill=255, font=font, stroke_width=stroke_px)
    ink: Picture = np.asarray(sheet, dtype=np.uint8)
    rows, columns = np.where(ink.max(axis=1) > 64)[0], np.where(ink.max(axis=0) > 64)[0]
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _box_px(
    x_mm: float, y_mm: float, width_mm: float, height_mm: float, px_per_mm: float
) -> tuple[float, ...]:
    return tuple(edge * px_per_mm for edge in (x_mm, y_mm, x_mm + width_mm, y_mm + height_mm))


@lru_cache(maxsize=1)
def latin_font() -> tuple[str, int]:
    """File and face number of a bold sans for letters and digits; raises FontMissing."""
    return _installed(
        ("DejaVu Sans:style=Condensed Bold", "DejaVu Sans:bold", "Noto Sans:bold", "Liberation Sans:bold"),
        ("DejaVuSansCondensed-Bold.ttf", "DejaVuSans-Bold.ttf", "NotoSans-Bold.ttf"),
        "letters and digits; install the Debian package fonts-dejavu-core or fonts-dejavu-extra",
    )


@lru_cache(maxsize=1)
def chinese_font() -> tuple[str, int]:
    """File and face number of a font with the Chinese province characters; raises FontMissing."""
    return _installed(
        ("WenQuanYi Zen Hei", "Noto Sans CJK SC:bold", "WenQuanYi Micro Hei"),
        ("wqy-zenhei.ttc", "NotoSansCJK-Bold.ttc", "wqy-microhei.ttc"),
        "Chinese characters; install the Debian package fonts-wqy-zenhei",
    )


def _installed(patterns: tuple[str, ...], file_names: tuple[str, ...], wanted: str) -> tuple[str, int]:
    for pattern in patterns:
        found = _fc_match(pattern)
        if found is not None:
            return found
    for name in file_names:
        try:
            return str(ImageFont.truetype(name, size=10).path), 0
        except OSError:
            continue
    raise FontMissing(f"no font for {wanted}")


def _fc_match(pattern: str) -> tuple[str, int] | None:
    """What fontconfig has for `pattern`, or None when it would put another family in its place."""
    try:
        answer = subprocess.run(
            ["fc-match", "--format=%{file}\t%{index}\t%{family}", pattern],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    file, index, families = [*answer.stdout.split("\t"), "", "", ""][:3]
    family = pattern.split(":")[0]
    return (file, int(index) & 0xFFFF) if family in families and Path(file).is_file() else None
