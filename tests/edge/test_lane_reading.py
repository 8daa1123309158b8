"""Which of the plates that the cameras of a lane see is the vehicle's, and which is its trailer's."""

import asyncio
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from edge.capture import Sees
from edge.lane.reading import Eyes, Reading
from edge.vision.port import FoundPlate, Image, PlateLook, VisionError
from edge.vision.vote import Read, Track, VoteSettings, follow, reads
from tests.edge.looks import plate_look
from tests.edge.world import CORNERS, Clock, HandedCamera, ToldReader

TRACTOR, TRAILER = "29C12345", "98R03688"


def looked(
    cameras: Mapping[str, tuple[PlateLook, ...]], times: int = 2, sees: Mapping[str, Sees] | None = None
) -> Reading:
    """A reading in which each camera saw the same plates some times over."""
    clock = Clock()
    tracks: dict[str, tuple[Track, ...]] = {}
    for number in range(1, times + 1):
        for name, looks in cameras.items():
            tracks[name] = follow(tracks.get(name, ()), looks, number * 0.2, number, VoteSettings())
    eyed = [HandedCamera(clock, name, (sees or {}).get(name, Sees.ANY)) for name in cameras]
    return Reading(eyed, Eyes(ToldReader(clock)), tracks=tracks)


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


FRONT_AND_REAR = {"front": Sees.FRONT, "rear": Sees.REAR}


def test_a_camera_that_sees_fronts_gives_no_trailer_for_it_is_that_of_the_vehicle_ahead() -> None:
    ahead = plate_look("34RM00121", x=900.0)
    reading = looked(
        {"front": (plate_look(TRACTOR), ahead), "rear": (plate_look(TRAILER),)}, sees=FRONT_AND_REAR
    )
    assert (best(reading), reading.trailer) == (TRACTOR, TRAILER)


def test_the_front_is_believed_before_the_rear_however_much_clearer_the_rear_is() -> None:
    behind = plate_look("15H99999", 0.99)
    reading = looked({"rear": (behind,), "front": (plate_look(TRACTOR, 0.9),)}, sees=FRONT_AND_REAR)
    assert best(reading) == TRACTOR


def test_a_front_that_cannot_be_read_leaves_the_plate_to_the_rear() -> None:
    reading = looked({"front": (), "rear": (plate_look(TRACTOR),)}, sees=FRONT_AND_REAR)
    assert (best(reading), reading.final) == (TRACTOR, True)


@dataclass
class PlatesByCamera:
    """Reads in a frame what was told for its grey level, each look 0.1 s long."""

    clock: Clock
    plates: Mapping[int, str]

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        """One place where a plate was told."""
        self.clock.advance(0.1)
        return (FoundPlate(CORNERS, (CORNERS,), 0.9),) if int(frame_bgr[0, 0, 0]) in self.plates else ()

    def read(self, frame_bgr: Image, found: FoundPlate) -> PlateLook | None:
        """That plate."""
        del found
        return plate_look(self.plates[int(frame_bgr[0, 0, 0])])


def ran(rear: str | None) -> tuple[Reading, float]:
    """A reading run with two cameras of which the front sees the tractor, and the seconds that it took."""
    clock = Clock()
    cameras = [HandedCamera(clock, name, sees) for name, sees in FRONT_AND_REAR.items()]
    for level, camera in enumerate(cameras):
        camera.image = camera.image * 0 + level
    plates = {0: TRACTOR} | ({1: rear} if rear else {})
    reading = Reading(cameras, Eyes(PlatesByCamera(clock, plates)), clock=clock)
    began = clock()
    asyncio.run(reading.run())
    return reading, clock() - began


def test_the_vote_is_counted_once_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []

    def counting(tracks: Iterable[Track], settings: VoteSettings) -> tuple[Read, ...]:
        counted.append(1)
        return reads(tracks, settings)

    monkeypatch.setattr("edge.lane.reading.reads", counting)
    reading = looked({"front": (plate_look(TRACTOR), plate_look(TRAILER, x=900.0))})
    assert (best(reading), reading.trailer, reading.final) == (TRACTOR, TRAILER, True)
    assert len(counted) == 1


def test_both_ends_are_one_passage() -> None:
    reading, _ = ran(TRAILER)
    assert (best(reading), reading.trailer) == (TRACTOR, TRAILER)


def test_a_lorry_without_a_trailer_is_waited_for_no_longer_than_was_said() -> None:
    reading, took_s = ran(None)
    assert (best(reading), reading.trailer) == (TRACTOR, None)
    assert took_s == pytest.approx(0.4 + reading.trailer_s, abs=0.11)


@dataclass
class Failing(ToldReader):
    """A reader that cannot look; it is asked all the same."""

    failure: Exception = field(default_factory=lambda: VisionError("the model is gone"))

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        """Fails after its time."""
        super().find(frame_bgr)
        raise self.failure


@pytest.mark.parametrize("failure", [VisionError("gone"), RuntimeError("Infer Request is busy")])
def test_a_reader_that_cannot_look_is_no_empty_frame_and_ends_no_reading(failure: Exception) -> None:
    clock = Clock()
    camera = HandedCamera(clock)
    eyes = Eyes(Failing(clock, failure=failure))
    frame = camera.newest()
    assert frame is not None
    assert asyncio.run(eyes.look(frame)) is None
    reading = Reading([camera], eyes, clock=clock)
    asyncio.run(reading.run())
    assert (reading.best, reading.evidence() is not None) == (None, True)


def test_looks_do_not_overlap_though_nobody_waits_for_the_first() -> None:
    clock, inside, most, go_on = Clock(), [0], [0], threading.Event()

    class Slow(ToldReader):
        def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
            del frame_bgr
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            go_on.wait(10)
            inside[0] -= 1
            return ()

    async def left_and_asked_again() -> tuple[PlateLook, ...] | None:
        eyes, frame = Eyes(Slow(clock)), HandedCamera(clock).newest()
        assert frame is not None
        first = asyncio.create_task(eyes.look(frame))
        while not inside[0]:  # noqa: ASYNC110 (the thread of the reader sets it)
            await asyncio.sleep(0)
        first.cancel()
        second = asyncio.create_task(eyes.look(frame))
        await asyncio.wait({first})
        go_on.set()
        return await second

    assert asyncio.run(left_and_asked_again()) == ()
    assert most == [1]
