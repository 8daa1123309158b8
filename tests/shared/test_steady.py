"""The node's time: near the system's clock, never backwards, and not misled by one that jumps."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import add

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.steady import Source, SteadyClock, Step
from tests.builders import MORNING

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
JUMPS_S = st.builds(add, st.sampled_from([-3600, 0, 3600]), st.integers(-400, 400))


@dataclass
class Clocks:
    """A system's clock that can be set, and a monotonic one that cannot."""

    wall: datetime = MORNING
    monotonic_s: float = 1000.0

    def steady(self, last: datetime | None = None) -> SteadyClock:
        """A clock that goes by these two."""
        return SteadyClock(lambda: self.wall, lambda: self.monotonic_s, last)

    def pass_s(self, seconds: float) -> None:
        """Time goes by, in both."""
        self.wall += timedelta(seconds=seconds)
        self.monotonic_s += seconds

    def jump(self, by: timedelta) -> None:
        """Somebody sets the system's clock."""
        self.wall += by


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_it_goes_by_the_system_clock(clocks: Clocks) -> None:
    steady = clocks.steady()
    clocks.pass_s(30)
    assert steady() == clocks.wall
    assert steady.look() is None
    assert steady.source is Source.SYSTEM


@settings(max_examples=300)
@given(
    steps=st.lists(st.tuples(st.integers(0, 600), JUMPS_S, st.booleans(), st.booleans())),
    late_s=JUMPS_S,
)
def test_it_never_runs_backwards_whatever_the_system_clock_does(
    steps: list[tuple[int, int, bool, bool]], late_s: int
) -> None:
    clocks = Clocks()
    steady = clocks.steady(MORNING + timedelta(seconds=late_s))
    told = steady()
    assert told >= MORNING + timedelta(seconds=late_s)
    for passed_s, jump_s, looks, agrees in steps:
        clocks.pass_s(passed_s)
        clocks.jump(timedelta(seconds=jump_s))
        if looks:
            steady.look(clocks.wall if agrees else None)
        before, told = told, steady()
        assert told >= before


def test_a_jump_of_an_hour_is_not_followed_and_time_goes_on(clocks: Clocks) -> None:
    steady = clocks.steady()
    clocks.jump(HOUR)
    assert steady.look() == Step(3600, followed=False)
    clocks.pass_s(10)
    assert steady() == MORNING + 10 * SECOND
    assert steady.source is Source.STEADY


def test_a_jump_that_nobody_has_looked_at_yet_is_not_followed_either(clocks: Clocks) -> None:
    steady = clocks.steady()
    clocks.jump(HOUR)
    assert steady() == MORNING


def test_time_does_not_go_back_when_a_jump_is_taken_back_between_two_looks(clocks: Clocks) -> None:
    steady = clocks.steady()
    clocks.pass_s(100)
    clocks.jump(HOUR)
    assert steady() == MORNING + 100 * SECOND
    clocks.jump(-HOUR - 50 * SECOND)
    assert steady() == MORNING + 100 * SECOND


def test_a_jump_forwards_that_the_centre_confirms_is_followed(clocks: Clocks) -> None:
    steady = clocks.steady()
    clocks.jump(HOUR)
    assert steady.look(confirmed=MORNING + HOUR + SECOND) == Step(3600, followed=True)
    assert steady() == MORNING + HOUR
    assert steady.source is Source.SYSTEM


def test_a_confirmation_may_come_later(clocks: Clocks) -> None:
    steady = clocks.steady()
    clocks.jump(HOUR)
    steady.look()
    assert steady.look(confirmed=clocks.wall) is None
    assert steady() == MORNING + HOUR


def test_a_centre_that_says_another_time_confirms_nothing(clocks: Clocks) -> None:
    steady = clocks.steady()
    clocks.jump(HOUR)
    assert steady.look(confirmed=MORNING) == Step(3600, followed=False)
    assert steady() == MORNING


def test_a_jump_backwards_is_never_followed_even_when_confirmed(clocks: Clocks) -> None:
    steady = clocks.steady()
    clocks.jump(-HOUR)
    assert steady.look(confirmed=clocks.wall) == Step(-3600, followed=False)
    clocks.pass_s(1)
    assert steady() == MORNING + SECOND


def test_a_clock_that_comes_back_is_trusted_again(clocks: Clocks) -> None:
    steady = clocks.steady()
    clocks.jump(HOUR)
    steady.look()
    clocks.jump(-HOUR)
    assert steady.look() == Step(-3600, followed=True)
    assert steady.source is Source.SYSTEM


@pytest.mark.parametrize("by_s", [-250, -30, -3, 3, 30, 250])
def test_a_small_correction_is_followed_and_told_once(clocks: Clocks, by_s: int) -> None:
    steady = clocks.steady()
    steady()
    clocks.jump(timedelta(seconds=by_s))
    told = [steady.look() for _ in range(4) if clocks.pass_s(1) is None]
    assert told == [Step(by_s, followed=True), None, None, None]
    clocks.pass_s(300)
    assert steady() == clocks.wall


@pytest.mark.parametrize("by_s", [-3600, 3600])
def test_a_jump_is_told_once(clocks: Clocks, by_s: int) -> None:
    steady = clocks.steady()
    clocks.jump(timedelta(seconds=by_s))
    told = [steady.look() for _ in range(4) if clocks.pass_s(1) is None]
    assert told == [Step(by_s, followed=False), None, None, None]


def test_a_correction_too_small_to_tell_is_followed_all_the_same(clocks: Clocks) -> None:
    steady = clocks.steady()
    clocks.jump(SECOND)
    assert steady.look() is None
    assert steady() == clocks.wall


def test_with_a_dead_battery_time_goes_on_from_the_last_stamp(clocks: Clocks) -> None:
    clocks.wall = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    steady = clocks.steady(last=MORNING)
    clocks.pass_s(60)
    assert steady() == MORNING + 60 * SECOND
    assert steady.source is Source.LAST_STAMP
    assert steady.late == MORNING - datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    assert steady.look() is None


def test_a_dead_clock_that_is_set_right_is_followed_once_the_centre_confirms(clocks: Clocks) -> None:
    clocks.wall = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    steady = clocks.steady(last=MORNING)
    clocks.wall = MORNING + 5 * HOUR
    step = steady.look()
    assert step is not None
    assert not step.followed
    assert steady.source is Source.LAST_STAMP
    steady.look(confirmed=MORNING + 5 * HOUR)
    assert (steady(), steady.source) == (MORNING + 5 * HOUR, Source.SYSTEM)


def test_a_clock_that_is_set_right_to_the_minute_needs_nobody(clocks: Clocks) -> None:
    steady = clocks.steady(last=MORNING + HOUR)
    clocks.wall = MORNING + HOUR + 60 * SECOND
    steady.look()
    assert (steady(), steady.source) == (MORNING + HOUR + 60 * SECOND, Source.SYSTEM)


def test_a_last_stamp_in_the_past_changes_nothing(clocks: Clocks) -> None:
    steady = clocks.steady(last=MORNING - HOUR)
    assert (steady(), steady.source, steady.late) == (MORNING, Source.SYSTEM, timedelta(0))
