"""Which of the plates that the cameras of a lane see is the vehicle's, and which is its trailer's."""

from collections.abc import Mapping

from edge.lane.reading import Eyes, Reading
from edge.vision.port import PlateLook
from edge.vision.vote import Track, VoteSettings, follow
from tests.edge.looks import plate_look
from tests.edge.world import Clock, ToldReader

TRACTOR, TRAILER = "29C12345", "98R03688"


def looked(cameras: Mapping[str, tuple[PlateLook, ...]], times: int = 2) -> Reading:
    """A reading in which each camera saw the same plates some times over."""
    tracks: dict[str, tuple[Track, ...]] = {}
    for number in range(1, times + 1):
        for name, looks in cameras.items():
            tracks[name] = follow(tracks.get(name, ()), looks, number * 0.2, number, VoteSettings())
    return Reading([], Eyes(ToldReader(Clock())), tracks=tracks)


def best(reading: Reading) -> str | None:
    return reading.best[1].text if reading.best else None


def test_a_trailers_plate_is_read_beside_the_tractors_however_much_clearer_it_is() -> None:
    reading = looked({"front": (plate_look(TRACTOR, 0.9),), "rear": (plate_look(TRAILER, 0.99),)})
    assert (best(reading), reading.trailer, reading.final) == (TRACTOR, TRAILER, True)


def test_one_camera_may_see_both() -> None:
    reading = looked({"side": (plate_look(TRACTOR), plate_look(TRAILER, x=900.0))})
    assert (best(reading), reading.trailer) == (TRACTOR, TRAILER)


def test_a_trailers_plate_alone_is_not_the_end_of_looking() -> None:
    reading = looked({"front": (), "rear": (plate_look(TRAILER),)})
    assert (best(reading), reading.trailer, reading.final) == (TRAILER, None, False)


def test_a_tractor_that_is_not_yet_read_for_sure_does_not_stand_before_a_trailer_that_is() -> None:
    reading = looked({"front": (plate_look(TRACTOR, 0.3),), "rear": (plate_look(TRAILER),)})
    assert (best(reading), reading.final) == (TRAILER, False)


def test_a_trailers_plate_that_is_not_read_for_sure_is_none() -> None:
    reading = looked({"front": (plate_look(TRACTOR),), "rear": (plate_look(TRAILER, 0.3),)})
    assert (best(reading), reading.trailer) == (TRACTOR, None)
