"""What a site's gates ask: of plates read well, read wrong, of nobody; of trailers; of what an officer says."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.border import Trip
from benchmarks.fleet import number_of, plate_of
from edge.lane.passage import Correction, Passage
from edge.lane.resume import EarlierRead
from shared import plates
from shared.codes import LANE_PLACES, Ground, Heading, Place

_EVERYWHERE = [(place, heading) for place in sorted(LANE_PLACES) for heading in Heading]


@dataclass(frozen=True)
class Question:
    """May the vehicle that stands here pass?"""

    passage: Passage
    place: Place
    heading: Heading


def questions(trips: Sequence[Trip], many: int) -> Iterator[Question]:
    """Each about a vehicle of its own, three of four at the boom that lies next before it."""
    drawn = random.Random(2)
    for trip in drawn.sample(trips, many):
        step = trip.steps[0]
        here = (step.place, step.heading or Heading.IN)
        if step.place not in LANE_PLACES or drawn.random() < 0.25:
            here = drawn.choice(_EVERYWHERE)
        yield Question(_passage(trip, drawn), *here)


def _passage(trip: Trip, drawn: random.Random) -> Passage:
    """Of a hundred plates 70 are read as they are, 30 of them with the trailer's, and 10 with one likely confusion."""
    plate = trip.plate
    match drawn.random():
        case chance if chance < 0.40:
            return _read(trip, _with_province(plate, drawn))
        case chance if chance < 0.70:
            return replace(_read(trip, _with_province(plate, drawn)), trailer=trip.trailer)
        case chance if chance < 0.80:
            return _read(trip, drawn.choice(sorted(plates.one_confusion_of(plates.key(plate)) or [plate])))
        case chance if chance < 0.86:
            return _read(trip, plate_of(drawn.randrange(10**7, 10**8)))
        case chance if chance < 0.88:
            return replace(_read(trip, plate_of(drawn.randrange(10**7, 10**8))), trailer=trip.trailer)
        case chance if chance < 0.90:
            return _read(trip, trip.trailer or "12R00001")
        case chance if chance < 0.95:
            return _told(Correction(plate, "border_guard-1"))
        case _:
            return _told(Correction(plate, "border_guard-1", number_of(trip.number), trip.vehicle))


def _with_province(plate: str, drawn: random.Random) -> str:
    """A Chinese plate is declared without its province character; the camera reads it more often than not."""
    return f"桂{plate}" if plate[0].isalpha() and drawn.random() < 0.6 else plate


def _read(trip: Trip, text: str) -> Passage:
    return Passage("gate.1/1", "", read=EarlierRead(text, trip.country, Ground.YELLOW, 0.97, 4, 4, True, ()))


def _told(correction: Correction) -> Passage:
    return Passage("gate.1/1", "", correction=correction)
