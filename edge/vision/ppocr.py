"""The plate reader on PP-OCR models (`networks`): rows of text grouped to plates, each read with what finders lose around it."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.vision import geometry
from edge.vision.appearance import ground_colour, quality
from edge.vision.decode import (
    PlateAlphabet,
    PlateText,
    averaged,
    may_be_lower_row,
    may_lack_province,
    plate_text,
)
from edge.vision.networks import MODELS, FinderSettings, Networks, OpenVinoNetworks, RowFinder, RowReader
from edge.vision.port import Characters, Corners, FoundPlate, Image, LookKind, PlateLook
from shared.plates import Kind, province

_FURTHER_LEFT = (0.5, 0.9)  # row heights
_TWO_LINE_ASPECT = 2.6  # of 440x220 and 330x165 mm, as finders box them
_MOST_ASPECT = 9.0  # of 520x110 mm, as finders box it, and of a plate seen with what is painted beside it
_TRAILER_KINDS = frozenset({Kind.CN_TRAILER, Kind.CN_SHORT_TRAILER})
_OTHER_CUTS = (
    (0.02, 0.08, 0.98, 0.92),
    (0.03, 0.0, 0.97, 1.0),
)  # shares of the row: left, top, right, bottom


@dataclass(frozen=True)
class PpOcrSettings:
    """Thresholds of the reader.

    Looks below `least_confidence`, for plates of one and of two lines, are dropped: two rows meet by chance more often.
    A plate less probable than `sure` is read again from slightly other cuts and the evidence averaged: what one cut
    claims by chance the others deny.
    """

    threads: int = 2
    finder: FinderSettings = field(default_factory=FinderSettings)
    least_confidence: tuple[float, float] = (0.1, 0.3)
    sure: float = 0.9


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
        self._rows = RowReader(networks.row_scores)
        self._alphabet = PlateAlphabet(networks.classes)

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
                for cut in geometry.rows_within(row)
            ),
        ]
        return tuple(FoundPlate(geometry.around(group), group, score) for group, score in groups)

    def read(self, frame_bgr: Image, found: FoundPlate) -> PlateLook | None:
        """The plate at `found`, or None when no likely text there follows a plate grammar.

        Looks beyond the found rows for what finders lose: the Chinese character in front, the row above.
        """
        scores = self._rows.scores(frame_bgr, found.rows[-1])
        lower = self._alphabet.positions(scores)
        if found.lines == 1:
            best = self._reading(frame_bgr, found.rows, scores, ())
            pairs = [(top, found.rows[0]) for top in geometry.rows_above(found.rows[0])]
        else:
            best, pairs = _Reading(found.rows, lower, None), [(found.rows[0], found.rows[1])]
        if best.plate is None and may_be_lower_row(lower):
            readings = (
                self._reading(frame_bgr, pair, self._rows.scores(frame_bgr, pair[0]), lower) for pair in pairs
            )
            best = max(readings, key=_probability)
        if best.plate is not None and best.plate.probability < self.settings.sure:
            best = self._averaged(frame_bgr, best)
        if best.plate is None or _probability(best) < self.settings.least_confidence[len(best.rows) - 1]:
            return None
        return _look(frame_bgr, best, best.plate)

    def _averaged(self, frame_bgr: Image, reading: _Reading) -> _Reading:
        """The reading with the evidence of other cuts of its rows; as it was when together they give no plate."""
        readings = [reading.characters]
        for cut in _OTHER_CUTS:
            scores = [self._rows.scores(frame_bgr, geometry.part(row, *cut)) for row in reading.rows]
            readings.append(tuple(place for one in scores for place in self._alphabet.positions(one)))
        together = _read_as_plate(reading.rows, averaged(readings))
        return together if together.plate is not None else reading

    def _reading(
        self, frame_bgr: Image, rows: tuple[Corners, ...], scores: NDArray[np.float32], below: Characters
    ) -> _Reading:
        """Reads one grouping of rows from the scores of its first row, and again with the character in front when that
        seems lost, for a plate of one line also from further left."""
        plain = _read_as_plate(rows, (*self._alphabet.positions(scores), *below))
        if not may_lack_province(plain.plate, plain.characters):
            return plain
        tops = [self._alphabet.positions_after_province(scores)]
        if not below:
            for heights in _FURTHER_LEFT:
                wider = self._rows.scores(frame_bgr, geometry.widened_left(rows[0], heights))
                tops += [self._alphabet.positions(wider), self._alphabet.positions_after_province(wider)]
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
