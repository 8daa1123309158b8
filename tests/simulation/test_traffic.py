"""Trucks: what became of each is read off the boom and the loops, and they queue, pass, wait and turn back like trucks."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from shared.codes import Agency
from simulation import traffic as roads
from simulation.boom import Boom, BoomEventKind
from simulation.cameras import CameraFarm
from simulation.clips import VehicleClips
from simulation.plate_drawing import Ground
from simulation.scenario import Outcome, Trip, Visit
from simulation.traffic import LaneOfSite, Standing, Traffic
from simulation.trucks import DrawnTruck
from tests.loop import in_loop, until

FASTER = 20
PLACES = ("barrier-2", "yard-in")
CLIPS = VehicleClips(Path("a"), Path("s"), Path("l"), Path("b"))


def clock() -> float:
    return time.monotonic() * FASTER


class TalkingFarm(CameraFarm):
    """Cameras that note what they were told to show."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    async def idle(self, mount: str) -> None:
        """The empty lane."""
        self.told.append(f"{mount} idle")

    async def truck_arrives(self, mount: str, clips: VehicleClips) -> None:
        """A truck comes."""
        del clips
        self.told.append(f"{mount} arrives")

    async def truck_leaves(self, mount: str, clips: VehicleClips) -> None:
        """It drives through."""
        del clips
        self.told.append(f"{mount} leaves")

    async def truck_backs_away(self, mount: str, clips: VehicleClips) -> None:
        """It goes back."""
        del clips
        self.told.append(f"{mount} backs away")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("APPROACH_S", 0.01), ("GAP_S", 0.01), ("LOOK_S", 0.005)):
        monkeypatch.setattr(roads, name, seconds)


async def yard_done(no: str) -> None:
    del no


def lanes() -> dict[str, LaneOfSite]:
    return {
        place: LaneOfSite(place, "lane-1", place, Boom(travel_s=0.5, auto_close_s=0.5, passing_s=0.5))
        for place in PLACES
    }


def roads_of(
    desk_done: Callable[[str], Awaitable[None]] = yard_done,
    patience_s: float | None = 40.0,
    farm: TalkingFarm | None = None,
) -> Traffic:
    return Traffic(lanes(), farm or TalkingFarm(), desk_done, patience_s, clock)


def trip(*visits: Visit, plate: str = "29C12345") -> Trip:
    return Trip("a truck", DrawnTruck(plate, "VN", 1, Ground.WHITE, seed=1), plate, None, visits)


async def drive(traffic: Traffic, *trips: Trip, no: str | None = None) -> list[Standing]:
    """All trips at once, each from its plan to its end."""
    clips = dict.fromkeys(PLACES, CLIPS)
    planned = [(one, traffic.plan(one)) for one in trips]
    await asyncio.gather(*(traffic.drive(one, records, clips, no) for one, records in planned))
    return traffic.records


async def opens(traffic: Traffic, place: str = "barrier-2") -> None:
    """A gate that opens for everybody who stands there."""
    boom = traffic.lanes[place].boom
    while True:
        boom.tick(clock())
        if boom.approach_loop and boom.is_closed:
            boom.pulse_open(clock())
        await asyncio.sleep(0.005)


PASSES = Visit("barrier-2", Outcome.PASSED)


@in_loop
async def test_a_truck_for_which_the_boom_opens_passes_and_its_stages_are_told_in_order() -> None:
    traffic = roads_of()
    gate = asyncio.create_task(opens(traffic))
    (record,) = await drive(traffic, trip(PASSES))
    gate.cancel()
    assert record.outcome is Outcome.PASSED
    assert 0 <= record.stages["pulse"] < record.stages["open"] < record.stages["passed"]
    assert traffic.lanes["barrier-2"].boom.kinds()[-1] is BoomEventKind.BOOM_CLOSED


@in_loop
async def test_a_truck_for_which_nobody_opens_was_not_opened_and_backs_away() -> None:
    traffic = roads_of(patience_s=1.0)
    (record,) = await drive(traffic, trip(PASSES))
    assert (record.expected, record.outcome) == (Outcome.PASSED, Outcome.NOT_OPENED)
    assert traffic.lanes["barrier-2"].boom.kinds()[-1] is BoomEventKind.VEHICLE_BACKED_AWAY


@in_loop
async def test_a_truck_that_an_officer_sends_back_turns_back() -> None:
    traffic = roads_of()
    visit = Visit("barrier-2", Outcome.TURNED_BACK, Agency.CUSTOMS)
    driving = asyncio.create_task(drive(traffic, trip(visit)))
    await until(lambda: traffic.refuses("barrier-2", Agency.CUSTOMS), "the truck")
    assert not traffic.refuses("barrier-2", Agency.BORDER_GUARD)
    assert traffic.plate_at("barrier-2") is None
    await asyncio.sleep(0.02)
    traffic.send_back("barrier-2")
    (record,) = await driving
    assert record.outcome is Outcome.TURNED_BACK
    assert "left" in record.stages
    assert not traffic.refuses("barrier-2", Agency.CUSTOMS)


@in_loop
async def test_trucks_queue_and_no_two_stand_at_one_line() -> None:
    traffic = roads_of()
    gate = asyncio.create_task(opens(traffic))
    trips = [trip(PASSES, plate=f"29C1234{digit}") for digit in range(3)]
    records = await drive(traffic, *trips)
    gate.cancel()
    assert [record.outcome for record in records] == [Outcome.PASSED] * 3
    events = [e for e in traffic.lanes["barrier-2"].boom.events if "VEHICLE" in e.kind.name]
    assert [e.vehicle for e in events] == [one.plate for one in trips for _ in range(3)]


@in_loop
async def test_a_trip_ends_where_its_truck_did_not_pass_and_the_rest_of_it_stays_in_the_report() -> None:
    traffic = roads_of(patience_s=1.0)
    records = await drive(traffic, trip(PASSES, Visit("yard-in", Outcome.PASSED)))
    assert [record.outcome for record in records] == [Outcome.NOT_OPENED, Outcome.WAITING]
    assert traffic.lanes["yard-in"].boom.events == []


@in_loop
async def test_the_yards_agencies_are_waited_for_before_the_truck_drives_on() -> None:
    asked: list[tuple[str, bool]] = []

    async def desk_done(no: str) -> None:
        asked.append((no, no in traffic.in_yard))

    traffic = roads_of(desk_done)
    gates = [asyncio.create_task(opens(traffic, place)) for place in PLACES]
    visits = (Visit("yard-in", Outcome.PASSED, desk_after=True), PASSES)
    records = await drive(traffic, trip(*visits), no="2026112300001")
    for gate in gates:
        gate.cancel()
    assert asked == [("2026112300001", True)]
    assert [record.outcome for record in records] == [Outcome.PASSED] * 2


@in_loop
async def test_the_camera_shows_what_the_truck_does() -> None:
    farm = TalkingFarm()
    traffic = roads_of(farm=farm)
    gate = asyncio.create_task(opens(traffic))
    await drive(traffic, trip(PASSES))
    gate.cancel()
    assert farm.told == ["barrier-2 arrives", "barrier-2 leaves", "barrier-2 idle"]
