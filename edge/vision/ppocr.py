"""The plate reader on PP-OCR models (`networks`): rows of text grouped to plates, each read with what finders lose around it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge.vision import geometry
from edge.vision.appearance import ground_colour, quality
from edge.vision.decode import (
    PlateText,
    RowText,
    averaged,
    may_be_lower_row,
    may_be_trailers_row,
    may_lack_province,
    plate_text,
)
from edge.vision.networks import MODELS, Networks, OpenVinoNetworks
from edge.vision.port import Characters, Corners, FoundPlate, Image, LookKind, PlateLook
from edge.vision.rows import FinderSettings, RowFinder, RowReader
from shared.plates import Kind, province

_FURTHER_LEFT = (0.5, 0.9)  # row heights
_TWO_LINE_ASPECT = 2.6  # of 440x220 and 330x165 mm, as finders box them
_MOST_ASPECT = 9.0  # of 520x110 mm, as finders box it, and of a plate seen with what is painted beside it
_TRAILER_KINDS = frozenset({Kind.CN_TRAILER, Kind.CN_SHORT_TRAILER})
# Shares of a row: left, top, right, bottom
_OTHER_CUTS = ((0.02, 0.08, 0.98, 0.92), (0.03, 0.0, 0.97, 1.0))
_OTHER_TOPS = ((0.0, 0.0, 1.0, 1.0), (0.02, 0.08, 0.98, 0.92), (-0.03, -0.08, 1.03, 1.05))


@dataclass(frozen=True)
class PpOcrSettings:
    """Thresholds of the reader.

    Looks below `least_confidence`, for plates of one and of two lines, are dropped: two rows meet by chance more often, but
    hardly so that they end in a trailer's 挂, which needs the first only.
    A plate less probable than `sure`, but not less than `worth_again`, is read again from slightly other cuts and the
    evidence averaged: what one cut claims by chance the others deny.
    """

    threads: int = 2
    finder: FinderSettings = field(default_factory=FinderSettings)
    least_confidence: tuple[float, float] = (0.1, 0.3)
    sure: float = 0.9
    worth_again: float = 0.05


@dataclass(frozen=True)
class _Reading:
    rows: tuple[Corners, ...]
    characters: Characters
    plate: PlateText | None


class PpOcrReader:
    """A `PlateReader`. One instance serves one thread at a time.

    Without `networks` they are those of the files in `models` (default: `MODELS`), in OpenVINO. Raises `ModelsMissing`
    when the files are not there.
    """

    def __init__(
        self,
        settings: PpOcrSettings | None = None,
        models: Path | None = None,
        networks: Networks | None = None,
    ) -> None:
        self.settings = settings or PpOcrSettings()
        s = self.settings
        networks = networks or OpenVinoNetworks(models or MODELS, s.finder.shapes_px, s.threads)
        self._finder = RowFinder(s.finder, networks.text_map)
        self._rows = RowReader(networks)

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        """Rows of text as plates of one line, pairs of stacked rows and boxes cut in two as plates of two lines."""
        self._rows.forget()
        boxes = [found for found in self._finder.rows(frame_bgr) if geometry.aspect(found[0]) <= _MOST_ASPECT]
        rows = [row for row, _ in boxes]
        groups = [
            *(((row,), score) for row, score in boxes),
            *(((rows[i], rows[j]), boxes[j][1]) for i, j in geometry.two_line_pairs(rows)),
            *(
                (cut, score)
                for row, score in boxes
                if geometry.aspect(row) < _TWO_LINE_ASPECT
                and geometry.size_px(row)[1] >= 2 * self.settings.finder.least_row_px
                for cut in geometry.rows_within(row)
            ),
        ]
        return tuple(FoundPlate(geometry.around(group), group, score) for group, score in groups)

    def read(self, frame_bgr: Image, found: FoundPlate) -> PlateLook | None:
        """The plate at `found`, or None when no likely text there follows a plate grammar.

        Looks beyond the found rows for what finders lose: the Chinese character in front, the row above.
        """
        text = self._rows.text(frame_bgr, found.rows[-1])
        lower = text.characters
        if found.lines == 1:
            best = self._reading(frame_bgr, found.rows, text, ())
            pairs = [(top, found.rows[0]) for top in geometry.rows_above(found.rows[0])]
        else:
            best, pairs = _Reading(found.rows, lower, None), [(found.rows[0], found.rows[1])]
        if best.plate is None and may_be_lower_row(lower):
            readings = (
                self._reading(frame_bgr, pair, self._rows.text(frame_bgr, pair[0]), lower) for pair in pairs
            )
            best = max(readings, key=_probability)
        if _probability(best) < self.settings.sure:
            best = self._again(frame_bgr, best, found, lower)
        if best.plate is None or _probability(best) < self._least(best.plate, len(best.rows)):
            return None
        return _look(frame_bgr, best, best.plate)

    def _least(self, plate: PlateText, lines: int) -> float:
        hardly_by_chance = lines == 1 or plate.form.kind in _TRAILER_KINDS
        return self.settings.least_confidence[0 if hardly_by_chance else 1]

    def _again(self, frame_bgr: Image, reading: _Reading, found: FoundPlate, lower: Characters) -> _Reading:
        """What more cuts make of a reading that is not sure."""
        low = found.rows[-1]
        is_short = reading.plate is None or reading.plate.form.kind is Kind.CN_SHORT_TRAILER
        if may_be_trailers_row(lower) and (found.lines == 2 or is_short):
            tops = [*geometry.rows_above_trailers(low), *found.rows[:-1]]
            return self._together(frame_bgr, tops, low, lower) or reading
        if _probability(reading) < self.settings.worth_again:
            return reading
        if len(reading.rows) == 2:
            tops = [geometry.part(reading.rows[0], *cut) for cut in _OTHER_TOPS]
            return self._together(frame_bgr, tops, reading.rows[1], lower) or reading
        return self._averaged(frame_bgr, reading)

    def _together(
        self, frame_bgr: Image, tops: Sequence[Corners], low: Corners, lower: Characters
    ) -> _Reading | None:
        """The text that most of the evidence speaks for, each upper row read alone and side by side with the lower one."""
        readings = []
        for top in tops:
            side_by_side = self._rows.text(frame_bgr, top, low).characters
            alone = self._rows.text(frame_bgr, top).characters
            readings += [_read_as_plate((top, low), one) for one in (side_by_side, (*alone, *lower))]
        return _likeliest(readings)

    def _averaged(self, frame_bgr: Image, reading: _Reading) -> _Reading:
        """The reading with the evidence of other cuts of its row; as it was when together they give no plate."""
        readings = [reading.characters]
        for cut in _OTHER_CUTS:
            readings.append(self._rows.text(frame_bgr, geometry.part(reading.rows[0], *cut)).characters)
        together = _read_as_plate(reading.rows, averaged(readings))
        return together if together.plate is not None else reading

    def _reading(
        self, frame_bgr: Image, rows: tuple[Corners, ...], text: RowText, below: Characters
    ) -> _Reading:
        """Reads one grouping of rows from the text of its first row, and again with the character in front when that
        seems lost, for a plate of one line also from further left."""
        plain = _read_as_plate(rows, (*text.characters, *below))
        if not may_lack_province(plain.plate, plain.characters):
            return plain
        tops = [text.after_province]
        if not below:
            for heights in _FURTHER_LEFT:
                wider = self._rows.text(frame_bgr, geometry.widened_left(rows[0], heights))
                tops += [wider.characters, wider.after_province]
        whole = [
            reading
            for top in tops
            if (reading := _read_as_plate(rows, (*top, *below))).plate is not None
            and province(reading.plate.text)
        ]
        if plain.plate is not None and province(plain.plate.text):
            whole.append(plain)
        best = max(whole, key=_probability, default=plain)
        return best if _probability(best) >= self.settings.least_confidence[len(rows) - 1] else plain


def _read_as_plate(rows: tuple[Corners, ...], characters: Characters) -> _Reading:
    return _Reading(rows, characters, plate_text(characters))


def _likeliest(readings: Sequence[_Reading]) -> _Reading | None:
    """The strongest reading of the text that most of the evidence speaks for, with the mean of what all give it."""
    by_text: dict[str, list[_Reading]] = {}
    for one in readings:
        if one.plate is not None:
            by_text.setdefault(one.plate.text, []).append(one)
    if not by_text:
        return None
    alike = max(by_text.values(), key=lambda those: sum(map(_probability, those)))
    best = max(alike, key=_probability)
    assert best.plate is not None
    return replace(best, plate=replace(best.plate, probability=sum(map(_probability, alike)) / len(readings)))


def _probability(reading: _Reading) -> float:
    return reading.plate.probability if reading.plate is not None else 0.0


def _look(frame_bgr: Image, reading: _Reading, plate: PlateText) -> PlateLook:
    crops = [geometry.straighten(frame_bgr, row) for row in reading.rows]
    return PlateLook(
        text=plate.text,
        kind=_look_kind(plate, len(reading.rows)),
        country=plate.form.country,
        lines=len(reading.rows),
        confidence=round(plate.probability, 4),
        corners=geometry.around(reading.rows),
        characters=reading.characters,
        ground=ground_colour(crops[-1]),
        quality=quality(crops, reading.rows),
    )


def _look_kind(plate: PlateText, lines: int) -> LookKind:
    """GA 36-2018 gives every trailer a plate of two lines: a trailer number on one line is painted on the tail."""
    return LookKind.PAINTED if plate.form.kind in _TRAILER_KINDS and lines == 1 else LookKind.PLATE
