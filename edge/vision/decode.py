"""From the output of a CTC recogniser to a plate: alternatives at each position, then the likeliest text that is a plate."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.vision.port import Alternatives, Characters
from shared.plates import CN_PROVINCES, Kind, PlateForm, classify, normalise, repair_vietnamese

_MOST_ALTERNATIVES = 5
_LEAST_PROBABILITY = 0.003
_SURE = 0.5
_SOME_PROVINCE: Alternatives = (("粤", 1.0),)
_WITHOUT_PROVINCE = frozenset({Kind.CN_SHORT, Kind.CN_SHORT_NEW_ENERGY, Kind.CN_SHORT_TRAILER})
_LEAST_TRACE = 0.05
_TRACE_DOUBT = 0.25
_MOST_TEXTS = 200
_REPAIR_COST = 0.25  # a look-alike turned by its position alone counts half


@dataclass(frozen=True)
class RowText:
    """What a row of text says: alternatives at each position, and the same when the row begins with a Chinese province
    character that the recogniser all but missed (empty when there is not even a trace of one)."""

    characters: Characters
    after_province: Characters


class PlateAlphabet:
    """The part of a recogniser's dictionary that can stand on a plate.

    `classes` are the characters of the model in order, the blank of CTC first. Classes that normalise to the same
    character (small letters, full-width forms) are one; punctuation is skipped; any other class stays a foreign
    character that no plate holds.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        plain = [normalise(c) for c in classes]
        self.characters = tuple(sorted({c for c in plain if len(c) == 1}))
        members = [np.array([i for i, c in enumerate(plain) if c == wanted]) for wanted in self.characters]
        self._order = np.concatenate(members)
        self._starts = np.cumsum([0, *(len(m) for m in members[:-1])])
        provinces = [i for i, c in enumerate(self.characters) if c in CN_PROVINCES]
        self._provinces = np.array(provinces, dtype=np.intp)
        self._latin = np.array([len(c) == 1 and (c.isascii() or c == "Đ") for c in plain])
        self._silent = np.array([i == 0 or not any(x.isalnum() for x in c) for i, c in enumerate(classes)])

    def text(self, probabilities: NDArray[np.float32]) -> RowText:
        """What one row of text says; `probabilities` is steps x classes."""
        return RowText(self.positions(probabilities), self.positions_after_province(probabilities))

    def positions(self, probabilities: NDArray[np.float32]) -> tuple[Alternatives, ...]:
        """Alternatives at each position of one row of text; `probabilities` is steps x classes."""
        best = probabilities.argmax(axis=1)
        found: list[Alternatives] = []
        step = 0
        while step < len(best):
            end = step + 1
            while end < len(best) and best[end] == best[step]:
                end += 1
            if not self._silent[best[step]]:
                found.append(self._alternatives(probabilities[step:end]))
            step = end
        return tuple(found)

    def positions_after_province(self, probabilities: NDArray[np.float32]) -> tuple[Alternatives, ...]:
        """Alternatives of a row that begins with a Chinese province character which the recogniser all but missed.

        Small or dim Chinese characters lose against the blank, yet among the provinces the right one mostly leads. Empty
        when there is not even a trace of one.
        """
        latin = np.flatnonzero(self._latin[probabilities.argmax(axis=1)])
        if latin.size == 0 or self._provinces.size == 0:
            return ()
        head = int(latin[0])
        folded = np.add.reduceat(probabilities[: head + 1, self._order], self._starts, axis=1)
        trace = folded[:, self._provinces].max(axis=0)
        if trace.sum() < _LEAST_TRACE:
            return ()
        likeliest = np.argsort(-trace)[:_MOST_ALTERNATIVES]
        certainty = trace / (trace.sum() + _TRACE_DOUBT)
        provinces = tuple((self.characters[self._provinces[i]], float(certainty[i])) for i in likeliest)
        return (provinces, *self.positions(probabilities[head:]))

    def _alternatives(self, run: NDArray[np.float32]) -> Alternatives:
        peak = run[run.max(axis=1).argmax()]
        folded = np.add.reduceat(peak[self._order], self._starts)
        likeliest = np.argsort(-folded)[:_MOST_ALTERNATIVES]
        return tuple(
            (self.characters[i], min(1.0, float(folded[i])))
            for i in likeliest
            if folded[i] >= _LEAST_PROBABILITY
        )


@dataclass(frozen=True)
class PlateText:
    """A plate text with its form and the joint probability of its characters."""

    text: str
    form: PlateForm
    probability: float


def plate_text(characters: Sequence[Alternatives]) -> PlateText | None:
    """The likeliest text over the alternatives that follows a plate grammar, or None.

    Only the model's own alternatives compete. Where none gives a plate, the fixed places of a Vietnamese plate may
    mend a look-alike (`repair_vietnamese`), at a cost.
    """
    if not 6 <= len(characters) <= 10 or not all(characters):
        return None
    for text, probability in likeliest_texts(characters):
        form = classify(text)
        if form is not None:
            return PlateText(text, form, probability)
    return _repaired(characters)


def averaged(readings: Sequence[Characters]) -> Characters:
    """The mean of several readings of one plate, position by position; those of another length than the first are left out."""
    alike = [one for one in readings if len(one) == len(readings[0])]
    places = []
    for at in range(len(readings[0])):
        mass: dict[str, float] = {}
        for one in alike:
            for character, probability in one[at]:
                mass[character] = mass.get(character, 0.0) + probability / len(alike)
        likeliest = heapq.nlargest(_MOST_ALTERNATIVES, mass.items(), key=lambda item: item[1])
        places.append(tuple(likeliest))
    return tuple(places)


def may_lack_province(plate: PlateText | None, characters: Sequence[Alternatives]) -> bool:
    """True for what is the tail of a Chinese plate, or could be one whose first character was missed or misread."""
    if plate is not None:
        return plate.form.kind in _WITHOUT_PROVINCE or plate.probability < _SURE
    return any(plate_text((_SOME_PROVINCE, *tail)) is not None for tail in (characters, characters[1:]))


def may_be_lower_row(characters: Sequence[Alternatives]) -> bool:
    """True for what may be the lower row of a two-line plate: four or five places, most of them digits."""
    first = [alternatives[0][0] if alternatives else "" for alternatives in characters]
    return 4 <= len(first) <= 5 and sum(c.isdecimal() for c in first) >= 2


def may_be_trailers_row(characters: Sequence[Alternatives]) -> bool:
    """True for what may be the lower row of a Chinese trailer's plate (GA 36-2018): four places and the suffix 挂."""
    return len(characters) == 5 and any(c == "挂" for c, _ in characters[-1])


def likeliest_texts(characters: Sequence[Alternatives]) -> list[tuple[str, float]]:
    """The likeliest texts over the alternatives and their joint probabilities, the likeliest first."""
    texts: list[tuple[str, float]] = [("", 1.0)]
    for alternatives in characters:
        longer = ((text + c, p * q) for text, p in texts for c, q in alternatives)
        texts = heapq.nlargest(_MOST_TEXTS, longer, key=lambda x: x[1])
    return texts


def _repaired(characters: Sequence[Alternatives]) -> PlateText | None:
    first = "".join(alternatives[0][0] for alternatives in characters)
    text = repair_vietnamese(first)
    form = classify(text)
    if form is None:
        return None
    changed = sum(a != b for a, b in zip(first, text, strict=True))
    joint = math.prod(alternatives[0][1] for alternatives in characters)
    return PlateText(text, form, joint * _REPAIR_COST**changed)
