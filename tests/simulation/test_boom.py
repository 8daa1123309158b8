"""The boom that scenarios are judged by: it does what a boom does, and tells it truly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.boom import Boom, BoomEvent, ImpossibleMove
from simulation.boom import BoomEventKind as Kind


def times(boom, kind):
    return [event.at_s for event in boom.events if event.kind is kind]


def test_opening_takes_the_travel_time_and_is_seen_at_its_exact_time():
    boom = Boom(travel_s=1.2)
    boom.pulse_open(10.0)
    boom.tick(11.1)
    assert (boom.is_open, boom.is_closed) == (False, False)
    boom.tick(60.0)
    assert boom.is_open
    assert times(boom, Kind.BOOM_OPEN) == [pytest.approx(11.2)]


def test_a_vehicle_passes_and_the_boom_closes_by_itself():
    boom = Boom(travel_s=1.0, auto_close_s=2.0, passing_s=3.0)
    boom.vehicle_arrives(0.0, "29C12345")
    boom.pulse_open(1.0)
    boom.vehicle_drives_through(5.0)
    assert (boom.approach_loop, boom.under_boom_loop) == (False, True)
    boom.tick(60.0)
    assert boom.events == [
        BoomEvent(0.0, Kind.VEHICLE_ARRIVED, "29C12345"),
        BoomEvent(1.0, Kind.OPEN_PULSE),
        BoomEvent(1.0, Kind.BOOM_OPEN_STARTED),
        BoomEvent(2.0, Kind.BOOM_OPEN),
        BoomEvent(5.0, Kind.VEHICLE_UNDER, "29C12345"),
        BoomEvent(8.0, Kind.VEHICLE_PASSED, "29C12345"),
        BoomEvent(10.0, Kind.BOOM_CLOSE_STARTED),
        BoomEvent(11.0, Kind.BOOM_CLOSED),
    ]


def test_nobody_drives_through_a_boom_that_is_not_open():
    boom = Boom(travel_s=1.0)
    boom.vehicle_arrives(0.0)
    boom.pulse_open(0.0)
    with pytest.raises(ImpossibleMove, match="not open"):
        boom.vehicle_drives_through(0.5)
    assert boom.approach_loop
    boom.vehicle_drives_through(1.0)
    assert boom.under_boom_loop


def test_a_vehicle_that_turns_back_frees_the_line_and_opens_nothing():
    boom = Boom()
    boom.vehicle_arrives(0.0, "29C12345")
    boom.vehicle_backs_away(30.0)
    assert not boom.approach_loop
    assert boom.kinds() == [Kind.VEHICLE_ARRIVED, Kind.VEHICLE_BACKED_AWAY]
    with pytest.raises(ImpossibleMove, match="no vehicle"):
        boom.vehicle_backs_away(31.0)


def test_close_is_refused_over_a_vehicle():
    boom = Boom(travel_s=1.0)
    boom.pulse_open(0.0)
    boom.vehicle_arrives(0.5)
    boom.vehicle_drives_through(2.0, passing_s=float("inf"))
    boom.pulse_close(3.0)
    boom.tick(1000.0)
    assert boom.is_open
    assert Kind.CLOSE_REFUSED in boom.kinds()


def test_a_second_vehicle_behind_the_first_keeps_the_boom_up():
    boom = Boom(travel_s=1.0, auto_close_s=2.0, passing_s=2.0)
    boom.pulse_open(0.0)
    for arrives_s, name in ((1.0, "first"), (2.0, "second")):
        boom.vehicle_arrives(arrives_s, name)
        boom.vehicle_drives_through(arrives_s)
    boom.tick(60.0)
    assert times(boom, Kind.VEHICLE_PASSED) == [3.0, 4.0]
    assert times(boom, Kind.BOOM_CLOSE_STARTED) == [6.0]


def test_open_while_closing_turns_the_boom_where_it_is():
    boom = Boom(travel_s=1.0)
    boom.pulse_open(0.0)
    boom.pulse_close(2.0)
    boom.pulse_open(2.25)
    boom.tick(10.0)
    assert times(boom, Kind.BOOM_OPEN) == [1.0, pytest.approx(2.5)]


def test_a_jammed_boom_hears_the_pulse_and_stays():
    boom = Boom(travel_s=1.0)
    boom.jam(0.0)
    boom.pulse_open(1.0)
    boom.tick(60.0)
    assert boom.is_closed
    assert boom.kinds() == [Kind.OPEN_PULSE]
    boom.free(61.0)
    boom.pulse_open(62.0)
    boom.tick(63.0)
    assert boom.is_open


def test_a_boom_that_jams_on_the_way_is_at_neither_limit():
    boom = Boom(travel_s=1.0)
    boom.pulse_open(0.0)
    boom.jam(0.5)
    boom.tick(60.0)
    assert (boom.is_open, boom.is_closed) == (False, False)


MOVES = st.sampled_from(
    [
        "pulse_open",
        "pulse_close",
        "vehicle_arrives",
        "vehicle_drives_through",
        "vehicle_backs_away",
        "jam",
        "free",
    ]
)


@given(st.lists(st.tuples(st.floats(0.0, 5.0), MOVES), max_size=40))
def test_whatever_is_asked_it_never_starts_down_on_a_vehicle_and_every_vehicle_is_accounted_for(moves):
    boom = Boom(travel_s=1.0, auto_close_s=1.0, passing_s=2.0)
    now_s = 0.0
    for wait_s, move in moves:
        now_s += wait_s
        try:
            getattr(boom, move)(now_s)
        except ImpossibleMove:
            continue
    boom.tick(now_s + 10.0)
    under = 0
    for event in boom.events:
        under += {Kind.VEHICLE_UNDER: 1, Kind.VEHICLE_PASSED: -1}.get(event.kind, 0)
        assert under == 0 or event.kind is not Kind.BOOM_CLOSE_STARTED
    count = boom.kinds().count
    assert count(Kind.VEHICLE_UNDER) == count(Kind.VEHICLE_PASSED)
    assert count(Kind.VEHICLE_ARRIVED) == (
        count(Kind.VEHICLE_PASSED) + count(Kind.VEHICLE_BACKED_AWAY) + boom.approach_loop
    )
    assert [event.at_s for event in boom.events] == sorted(event.at_s for event in boom.events)
