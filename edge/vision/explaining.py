"""Why the reader read what it read: looks, votes, and what was rejected; for `barie-edge read --explain`.

Pure but for the reader that is asked. The explanation is a plain object for JSON; `as_text` puts it into lines.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge.vision.port import Corners, FoundPlate, Image, PlateLook, PlateReader, distinct
from edge.vision.vote import Read, Track, VoteSettings, reads, vote, weight
from shared.plates import province

NOT_READ = "not read as a plate"
"""No text that a plate grammar allows, or none above the reader's least confidence: the port does not tell which."""
COVERED = "covered by a better look"
MOST_FRAMES = 1000

Explanation = dict[str, Any]


@dataclass(frozen=True)
class Rejected:
    """A place that gave no plate; `look` is what was read there where a better look at the same place won."""

    found: FoundPlate
    look: PlateLook | None

    @property
    def why(self) -> str:
        """The reason, in words."""
        return NOT_READ if self.look is None else COVERED


@dataclass(frozen=True)
class FrameLooks:
    """Everything seen in one frame: its number, its second, the plates and the rejected places."""

    frame: int
    at_s: float
    looks: tuple[PlateLook, ...]
    rejected: tuple[Rejected, ...]


@dataclass
class FrameLog:
    """What was seen in the first `most` frames; the rest is counted only, so that a long clip stays small."""

    most: int
    count: int = 0
    frames: list[FrameLooks] = field(default_factory=list)

    def add(self, one: FrameLooks) -> None:
        """Takes the next frame."""
        self.count += 1
        if self.count <= self.most:
            self.frames.append(one)


def look_closely(reader: PlateReader, frame_bgr: Image, at_s: float, number: int) -> FrameLooks:
    """The plates of one frame as `port.look` gives them, and the places that gave none."""
    places = [(found, reader.read(frame_bgr, found)) for found in reader.find(frame_bgr)]
    kept = distinct(look for _, look in places if look is not None)
    taken = {id(look) for look in kept}
    rejected = tuple(Rejected(found, look) for found, look in places if id(look) not in taken)
    return FrameLooks(number, at_s, kept, rejected)


def explanation(seen: FrameLog, tracks: Sequence[Track], settings: VoteSettings) -> Explanation:
    """Looks, rejected places, tracks and reads of one passage."""
    return {
        "frames": seen.count,
        "frames_not_listed": max(0, seen.count - seen.most),
        "looks": [_of_look(look, one) for one in seen.frames for look in one.looks],
        "rejected": [_of_rejected(no, one) for one in seen.frames for no in one.rejected],
        "tracks": [_of_track(track, settings) for track in tracks],
        "reads": [_of_read(read, tracks, settings) for read in reads(tracks, settings)],
    }


def _of_look(look: PlateLook, one: FrameLooks) -> Explanation:
    return {
        "frame": one.frame,
        "at_s": round(one.at_s, 3),
        "text": look.text,
        "kind": look.kind.value,
        "confidence": look.confidence,
        "lines": look.lines,
        "country": look.country.value,
        "ground": look.ground.value,
        "corners": _rounded(look.corners),
        "quality": {
            "row_height_px": round(look.quality.row_height_px, 1),
            "sharpness": round(look.quality.sharpness, 1),
            "tilt_deg": round(look.quality.tilt_deg, 1),
            "glare": round(look.quality.glare, 3),
        },
    }


def _of_rejected(one: Rejected, seen: FrameLooks) -> Explanation:
    told: Explanation = {
        "frame": seen.frame,
        "why": one.why,
        "score": round(one.found.score, 3),
        "lines": one.found.lines,
        "corners": _rounded(one.found.corners),
    }
    return told if one.look is None else told | {"text": one.look.text, "confidence": one.look.confidence}


def _of_track(track: Track, settings: VoteSettings) -> Explanation:
    return {
        "track": track.number,
        "text": vote(track, settings).text,
        "looks": len(track.sightings),
        "first_frame": track.sightings[0].frame,
        "last_frame": track.last.frame,
    }


def _of_read(read: Read, tracks: Sequence[Track], settings: VoteSettings) -> Explanation:
    joined = _joined(read, tracks, settings)
    looks = [sighting.look for track in joined for sighting in track.sightings]
    return {
        "text": read.text,
        "tracks": [track.number for track in joined],
        "looks": read.looks,
        "agreeing": read.agreeing,
        "best_frame": read.best_frame,
        "votes": _votes(read.text, looks),
        "looks_of_other_length": sum(_offset(read.text, look) is None for look in looks),
        "candidates": [{"text": c.text, "probability": c.probability} for c in read.candidates],
        "margin": _margin(read),
        "final": read.final,
        "why": _why(read, settings),
    }


def _joined(read: Read, tracks: Sequence[Track], settings: VoteSettings) -> tuple[Track, ...]:
    """The tracks that the vote took for one plate."""
    own = next(track for track in tracks if track.number == read.track)
    return tuple(track for track in tracks if track is own or len(reads((own, track), settings)) == 1)


def _votes(text: str, looks: Sequence[PlateLook]) -> list[list[Explanation]]:
    """At each position of the text: the characters with their weight summed over the looks, the heaviest first."""
    sums: list[defaultdict[str, float]] = [defaultdict(float) for _ in text]
    for look in looks:
        offset = _offset(text, look)
        if offset is None:
            continue
        for at, alternatives in enumerate(look.characters, start=offset):
            for character, probability in alternatives:
                sums[at][character] += weight(look) * probability
    return [
        [
            {"character": c, "weight": round(total, 3)}
            for c, total in sorted(position.items(), key=lambda x: -x[1])
        ]
        for position in sums
    ]


def _offset(text: str, look: PlateLook) -> int | None:
    """At which position of the text a look begins: 1 where it lost the Chinese province character, None if nowhere."""
    lost = len(text) - len(look.characters)
    return lost if lost == 0 or (lost == 1 and province(text) is not None) else None


def _margin(read: Read) -> float:
    second = read.candidates[1].probability if len(read.candidates) > 1 else 0.0
    return round(read.probability - second, 4)


def _why(read: Read, settings: VoteSettings) -> list[str]:
    """What stands between the read and being final; for a final one, what it stands on."""
    ahead = (
        f"{_margin(read):.4f} ahead of {read.candidates[1].text if len(read.candidates) > 1 else 'the rest'}"
    )
    if read.final:
        return [f"{read.agreeing} of {read.looks} looks agree", ahead]
    short = []
    if read.agreeing < settings.agreeing:
        short.append(f"{read.agreeing} of {read.looks} looks agree, {settings.agreeing} are needed")
    if read.probability < settings.least_probability:
        needed = f"{read.probability:.4f} probable, {settings.least_probability:.4f} is needed"
        short.append(f"{needed}; {ahead}")
    return short


def _rounded(corners: Corners) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in corners]


def as_text(told: Explanation) -> str:
    """The explanation as indented lines for a person."""
    return "\n".join("  " + line for line in _lines(told))


def _lines(told: Explanation) -> Iterator[str]:
    for look in told["looks"]:
        quality = " ".join(f"{name} {value}" for name, value in look["quality"].items())
        yield (
            f"look: frame {look['frame']} ({look['at_s']} s) {look['text']} {look['confidence']:.4f} {look['kind']}, "
            f"rows {look['lines']}, {look['country']}, {look['ground']}; {quality}"
        )
    for no in told["rejected"]:
        read = f" {no['text']} {no['confidence']:.4f}" if "text" in no else ""
        yield f"rejected: frame {no['frame']}{read} {no['why']}; score {no['score']}, rows {no['lines']}, at {no['corners']}"
    if told["frames_not_listed"]:
        yield f"{told['frames_not_listed']} of {told['frames']} frames are not listed here; they count in what follows"
    for track in told["tracks"]:
        yield (
            f"track {track['track']}: {track['text']}, {track['looks']} looks, "
            f"frames {track['first_frame']} to {track['last_frame']}"
        )
    for read in told["reads"]:
        yield from _read_lines(read)


def _read_lines(read: Explanation) -> Iterator[str]:
    yield f"read: {read['text']} {'final' if read['final'] else 'not final'}: {'; '.join(read['why'])}"
    yield f"  tracks {', '.join(map(str, read['tracks']))}; evidence in frame {read['best_frame']}"
    for at, alternatives in enumerate(read["votes"], start=1):
        yield f"  position {at}: " + ", ".join(f"{one['character']} {one['weight']}" for one in alternatives)
    if read["looks_of_other_length"]:
        yield f"  {read['looks_of_other_length']} looks of another length have no vote on positions"
    for candidate in read["candidates"]:
        yield f"  candidate: {candidate['text']} {candidate['probability']:.4f}"
