"""The vote: looks over the frames of one passage become one read for each plate.

Pure: tracks go in, tracks come out. A plate is followed by its text or its place; evidence is added up position by
position, weighted by quality; several looks at one plate are no independent witnesses and count accordingly. What is
given out is calibrated (decision 23).
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from edge.vision.calibration import Calibration, shipped, threshold_for
from edge.vision.decode import likeliest_texts
from edge.vision.port import Alternatives, Corners, LookKind, PlateLook, box, centre
from shared.codes import Country, Ground
from shared.plates import classify, countries, key, province

_FLOOR = 0.002  # probability of a character that a look does not list
_OTHER_LENGTH = 1e-6  # probability of a look whose text has another length
_SOMETHING_ELSE = 1e-4  # weight of all the texts that nobody named
_MOST_ALTERNATIVES = 4  # at one position, of all looks together
_MOST_TEXTS = 16  # that looks of one length give together
_GOOD_ROW_PX = 20.0  # a row this high can be read at full weight


WRONG_MATCHES = 1e-4
"""Wrong automatic matches a vehicle that are accepted."""
HIT_PER_ACTIVE = 1e-6
"""Chance, for each vehicle under way, that a read wrong in one place is exactly its plate (decision 23)."""


@dataclass(frozen=True)
class VoteSettings:
    """When a read is final, and how a plate is followed.

    `agreeing` looks must show the read's text, and its calibrated probability be at least `least_probability`; by default
    that keeps wrong automatic matches below 1 in 10,000 vehicles where 1,000 are under way (decision 23). A track ends
    when its plate was not seen for `gap_s`. Between two looks a plate moves at most `reach` of its own widths. `likeness`
    (0 to 1) is how alike the errors of two looks at one plate are: n looks count as n / (1 + likeness · (n − 1)).
    A track keeps its first, its last and otherwise its best `most_looks` looks, so that a truck may stand for hours.
    """

    agreeing: int = 2
    least_probability: float = threshold_for(WRONG_MATCHES, 1_000 * HIT_PER_ACTIVE)
    gap_s: float = 3.0
    reach: float = 1.5
    likeness: float = 0.5
    most_looks: int = 60
    calibration: Calibration = field(default_factory=shipped)


def settings_for(active: int) -> VoteSettings:
    """The settings where `active` vehicles are under way: the more there are, the surer a read must be; never less than the
    default, so that an officer is not told of a doubtful read as final at a quiet gate."""
    usual = VoteSettings()
    needed = threshold_for(WRONG_MATCHES, active * HIT_PER_ACTIVE)
    return replace(usual, least_probability=max(usual.least_probability, needed))


def none_is_final(settings: VoteSettings) -> bool:
    """True when more is asked of a read than the calibration can ever promise."""
    return settings.least_probability > settings.calibration.most


@dataclass(frozen=True)
class Sighting:
    """A look with the monotonic second and the number of its frame."""

    look: PlateLook
    at_s: float
    frame: int


@dataclass(frozen=True)
class Track:
    """One plate followed through a passage, in the order of time; never empty."""

    number: int
    sightings: tuple[Sighting, ...]

    @property
    def last(self) -> Sighting:
        """The newest sighting."""
        return self.sightings[-1]


@dataclass(frozen=True)
class Candidate:
    """A text that the plate may carry."""

    text: str
    probability: float


@dataclass(frozen=True)
class Read:
    """What one plate of a passage says after all its looks.

    `candidates` are ordered by probability, the first is `text`; their sum is below 1, the rest is "something else".
    `agreeing` of `looks` looks show `text`; `best` is the sighting that carries the evidence and `best_frame` its frame.
    `ground` is the colour that most of the agreeing looks saw, None when there is no such; `country` is the text's by
    grammar and ground, the reader's guess where they leave it open.
    `final` means that it may be acted on; otherwise the candidates go to the officer.
    """

    track: int
    text: str
    kind: LookKind
    country: Country
    ground: Ground | None
    lines: int
    candidates: tuple[Candidate, ...]
    looks: int
    agreeing: int
    best: Sighting
    first_at_s: float
    last_at_s: float
    final: bool

    @property
    def probability(self) -> float:
        """Probability of `text`, from 0 to 1."""
        return self.candidates[0].probability

    @property
    def best_frame(self) -> int:
        """Number of the frame that carries the evidence."""
        return self.best.frame


def follow(
    tracks: Sequence[Track],
    looks: Iterable[PlateLook],
    at_s: float,
    frame: int,
    settings: VoteSettings,
) -> tuple[Track, ...]:
    """The tracks with the looks of one frame added. A look that fits no living track begins one of its own."""
    known = {track.number: track for track in tracks}
    free = {track.number for track in tracks if at_s - track.last.at_s <= settings.gap_s}
    for look in sorted(looks, key=lambda x: -x.confidence):
        fits = [(fit, number) for number in free if (fit := _fit(known[number], look, settings)) is not None]
        number = min(fits)[1] if fits else 1 + max(known, default=0)
        free.discard(number)
        earlier = known[number].sightings if fits else ()
        known[number] = Track(number, _bounded((*earlier, Sighting(look, at_s, frame)), settings.most_looks))
    return tuple(known.values())


def vote(track: Track, settings: VoteSettings) -> Read:
    """What the looks of one track say together."""
    looks = [sighting.look for sighting in track.sightings]
    candidates = _calibrated(_candidates(looks, settings), settings.calibration)
    text = candidates[0].text
    agreeing = [s for s in track.sightings if s.look.text == text]
    best = max(agreeing or track.sightings, key=evidence)
    enough = len(agreeing) >= settings.agreeing and candidates[0].probability >= settings.least_probability
    ground = _ground([sighting.look for sighting in agreeing])
    possible = countries(text, ground)
    return Read(
        track=track.number,
        text=text,
        kind=best.look.kind,
        country=next(iter(possible)) if len(possible) == 1 else best.look.country,
        ground=ground,
        lines=best.look.lines,
        candidates=candidates,
        looks=len(looks),
        agreeing=len(agreeing),
        best=best,
        first_at_s=track.sightings[0].at_s,
        last_at_s=track.last.at_s,
        final=enough,
    )


def reads(tracks: Iterable[Track], settings: VoteSettings) -> tuple[Read, ...]:
    """One read for each plate, the best evidenced first; a plate whose track was cut in two is still one read."""
    joined: dict[tuple[str, LookKind], Track] = {}
    for track in tracks:
        text = vote(track, settings).text
        place = (key(text), track.last.look.kind)
        earlier = joined.get(place)
        sightings = (*(earlier.sightings if earlier else ()), *track.sightings)
        joined[place] = replace(earlier or track, sightings=tuple(sorted(sightings, key=lambda s: s.frame)))
    return tuple(
        sorted(
            (vote(track, settings) for track in joined.values()), key=lambda r: (-r.agreeing, -r.probability)
        )
    )


def _ground(looks: Sequence[PlateLook]) -> Ground | None:
    """The colour of more than half of the looks that saw one; white or black only where none did (infra-red, dusk)."""
    seen = [look.ground for look in looks]
    coloured = [ground for ground in seen if ground not in (Ground.WHITE, Ground.BLACK)] or seen
    most = Counter(coloured).most_common(1)
    return most[0][0] if most and 2 * most[0][1] > len(coloured) else None


def _bounded(sightings: tuple[Sighting, ...], most: int) -> tuple[Sighting, ...]:
    if len(sightings) <= most:
        return sightings
    worst = min(sightings[1:-1], key=evidence)
    return tuple(sighting for sighting in sightings if sighting is not worst)


def evidence(sighting: Sighting) -> float:
    """How much a sighting carries, from 0 to 1: its weight times the probability of its text."""
    return weight(sighting.look) * sighting.look.confidence


def _candidates(looks: Sequence[PlateLook], settings: VoteSettings, most: int = 5) -> tuple[Candidate, ...]:
    alone = len(looks) / (1 + settings.likeness * (len(looks) - 1))
    total = sum(weight(look) for look in looks)
    logs = {
        text: alone * sum(weight(look) * _log_likelihood(text, look) for look in looks) / total
        for text in _texts(looks)
    }
    mass = sum(math.exp(value) for value in logs.values()) + _SOMETHING_ELSE
    ranked = sorted(logs.items(), key=lambda item: (-item[1], item[0]))[:most]
    return tuple(Candidate(text, round(math.exp(value) / mass, 4)) for text, value in ranked)


def _calibrated(candidates: tuple[Candidate, ...], calibration: Calibration) -> tuple[Candidate, ...]:
    """The first as calibrated; the others share the rest as they did, and none comes to stand above the first."""
    raw = candidates[0].probability
    first = calibration.probability(raw)
    share = (1 - first) / (1 - raw) if raw < 1 else 0.0
    return tuple(
        replace(
            one, probability=round(first if one is candidates[0] else min(first, one.probability * share), 4)
        )
        for one in candidates
    )


def _texts(looks: Sequence[PlateLook]) -> set[str]:
    """Every text seen, and the likeliest plates over the evidence of all looks of one length, added up by position: a
    plate that no single look could spell is among them."""
    by_length: dict[int, list[PlateLook]] = {}
    for look in looks:
        by_length.setdefault(len(look.characters), []).append(look)
    found = {look.text for look in looks}
    for alike in by_length.values():
        texts = likeliest_texts([_together(alike, at) for at in range(len(alike[0].characters))])
        plates = (text for text, _ in texts if classify(text) is not None)
        found |= set(islice(plates, _MOST_TEXTS))
    return found


def _together(looks: Sequence[PlateLook], at: int) -> Alternatives:
    """What stands at one position by all looks: the weighted mean of their log-probabilities, the likeliest first."""
    total = sum(weight(look) for look in looks)
    named = {character for look in looks for character, _ in look.characters[at]}
    means = {
        character: sum(
            weight(look) * math.log(_probability(character, look.characters[at])) for look in looks
        )
        for character in named
    }
    ranked = sorted(means.items(), key=lambda item: (-item[1], item[0]))[:_MOST_ALTERNATIVES]
    return tuple((character, math.exp(mean / total)) for character, mean in ranked)


def _log_likelihood(text: str, look: PlateLook) -> float:
    """How well a look fits a text; a look that lost the Chinese province character speaks for the tail only."""
    if province(text) is not None and len(look.characters) == len(text) - 1:
        text = text[1:]
    if len(look.characters) != len(text):
        return math.log(_OTHER_LENGTH)
    return sum(math.log(_probability(c, given)) for c, given in zip(text, look.characters, strict=True))


def _probability(character: str, alternatives: Alternatives) -> float:
    return max(_FLOOR, next((p for c, p in alternatives if c == character), 0.0))


def weight(look: PlateLook) -> float:
    """How much a look counts in the vote, above 0 and up to 1: small and burnt-out plates less."""
    return max(0.05, min(1.0, look.quality.row_height_px / _GOOD_ROW_PX)) * (1 - min(0.9, look.quality.glare))


def _fit(track: Track, look: PlateLook, settings: VoteSettings) -> float | None:
    """How far a look lies from a track, in plate widths, 0 for the same text; None when it is another plate."""
    last = track.last.look
    if last.kind is not look.kind:
        return None
    if key(last.text) == key(look.text):
        return 0.0
    widths = _distance_in_widths(last.corners, look.corners)
    return widths if widths <= settings.reach and _resembles(last.text, look.text) else None


def _distance_in_widths(one: Corners, other: Corners) -> float:
    left, _, right, _ = box(one)
    return math.dist(centre(one), centre(other)) / max(1.0, right - left)


def _resembles(one: str, other: str) -> bool:
    """Two misreadings of one plate share at least half of their characters in place, counted from either end."""
    a, b = key(one), key(other)
    least = min(len(a), len(b)) / 2
    forwards = sum(x == y for x, y in zip(a, b, strict=False))
    backwards = sum(x == y for x, y in zip(reversed(a), reversed(b), strict=False))
    return max(forwards, backwards) >= least
