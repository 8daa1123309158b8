"""The hybrid logical clock: stamps never run backwards, and nobody else's wrong clock moves ours far."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import FAR_AHEAD, BadStamp, HybridClock, Stamp

NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(days=-3650), timedelta(days=3650)).map(lambda away: NOON + away)


class Wall:
    """A wall clock set by hand."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


def test_a_stamp_follows_the_wall_clock_in_whole_milliseconds() -> None:
    wall = Wall(NOON.replace(microsecond=123_999))
    assert str(HybridClock(wall).now()) == "2026-11-23T05:00:00.123Z#0000"


def test_stamps_within_one_millisecond_are_counted() -> None:
    clock = HybridClock(Wall())
    assert [str(clock.now())[-4:] for _ in range(3)] == ["0000", "0001", "0002"]


def test_a_full_count_goes_on_in_the_next_millisecond() -> None:
    clock = HybridClock(Wall(), last=Stamp(NOON, 0xFFFF))
    assert clock.now() == Stamp(NOON + timedelta(milliseconds=1))


@given(st.lists(st.integers(-(10**7), 10**7), max_size=30))
def test_stamps_rise_whatever_the_wall_clock_does_and_so_do_their_texts(steps_ms: list[int]) -> None:
    wall = Wall()
    clock = HybridClock(wall)
    stamps = [clock.now()]
    for step_ms in steps_ms:
        wall.moment += timedelta(milliseconds=step_ms)
        stamps.append(clock.now())
    assert all(a < b for a, b in pairwise(stamps))
    assert [str(one) for one in stamps] == sorted(str(one) for one in stamps)


def test_after_another_nodes_stamp_ours_is_later() -> None:
    clock = HybridClock(Wall())
    theirs = Stamp(NOON + timedelta(minutes=4), 7)
    assert clock.observe(theirs)
    assert clock.now() > theirs


def test_a_stamp_of_the_first_year_reads_back() -> None:
    first = Stamp(datetime.min.replace(tzinfo=UTC))
    assert Stamp.parse(str(first)) == first


def test_a_stamp_far_ahead_does_not_move_our_clock() -> None:
    clock = HybridClock(Wall())
    assert not clock.observe(Stamp(NOON + FAR_AHEAD + timedelta(milliseconds=1)))
    assert clock.now() == Stamp(NOON)


def test_an_old_stamp_does_not_move_our_clock_back() -> None:
    clock = HybridClock(Wall())
    first = clock.now()
    assert clock.observe(Stamp(NOON - timedelta(days=40)))
    assert clock.now() > first


def test_after_a_restart_with_a_clock_set_back_stamps_still_rise() -> None:
    last = HybridClock(Wall()).now()
    assert HybridClock(Wall(NOON - timedelta(days=3650)), last).now() > last


@given(MOMENTS, st.integers(0, 0xFFFF))
def test_a_stamp_reads_back_from_its_text(moment: datetime, count: int) -> None:
    written = Stamp(moment.replace(microsecond=moment.microsecond // 1000 * 1000), count)
    assert Stamp.parse(str(written)) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23",
        "2026-11-23T05:00:00Z#0000",
        "2026-11-23T05:00:00.000Z",
        "2026-11-23T05:00:00.000+07:00#0000",
        "2026-11-23T05:00:00.000Z#FFFF",
        "2026-13-23T05:00:00.000Z#0000",
        "2026-02-30T05:00:00.000Z#0000",
        "2026-02-28T24:00:00.000Z#0000",
        "2026-02-28T23:59:60.000Z#0000",
        "0000-02-28T23:59:00.000Z#0000",
        "2026-11-23T05:00:00.000Z#0000\n",
        "٢٠٢٦-11-23T05:00:00.000Z#0000",
    ],
)
def test_what_is_no_stamp_is_refused(text: str) -> None:
    with pytest.raises(BadStamp):
        Stamp.parse(text)
