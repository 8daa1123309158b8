"""Looks made by hand for the tests of what comes after the reader."""

from edge.vision.port import Corners, LookKind, PlateLook, Quality
from shared.codes import Country, Ground
from shared.plates import province


def corners_at(x: float, y: float = 300.0, width: float = 100.0, height: float = 25.0) -> Corners:
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def plate_look(
    text: str,
    probability: float = 0.95,
    *,
    x: float = 400.0,
    y: float = 300.0,
    row_height_px: float = 25.0,
    kind: LookKind = LookKind.PLATE,
    lines: int = 1,
    other: dict[int, tuple[str, float]] | None = None,
    ground: Ground = Ground.YELLOW,
) -> PlateLook:
    """A look in which each character has `probability`; `other` names a second character at a position."""
    more = other or {}
    characters = tuple(((c, probability), *((more[at],) if at in more else ())) for at, c in enumerate(text))
    return PlateLook(
        text=text,
        kind=kind,
        country=Country.CN if province(text) else Country.VN,
        lines=lines,
        confidence=probability ** len(text),
        corners=corners_at(x, y),
        characters=characters,
        ground=ground,
        quality=Quality(row_height_px, sharpness=40.0, tilt_deg=0.0, glare=0.0),
    )
