"""What the two limit switches say together."""

from itertools import product

import pytest

from hardware.barrier import BoomPosition, Inputs


@pytest.mark.parametrize(
    ("boom_open", "boom_closed", "position"),
    [
        (True, False, BoomPosition.OPEN),
        (False, True, BoomPosition.CLOSED),
        (False, False, BoomPosition.BETWEEN),
        (True, True, BoomPosition.CONTRADICTORY),
        (True, None, BoomPosition.OPEN),
        (None, True, BoomPosition.CLOSED),
        (False, None, BoomPosition.UNKNOWN),
        (None, False, BoomPosition.UNKNOWN),
        (None, None, BoomPosition.UNKNOWN),
    ],
)
def test_the_position_is_what_the_wired_switches_can_tell(boom_open, boom_closed, position):
    assert Inputs(boom_open=boom_open, boom_closed=boom_closed).position is position


def test_every_pair_of_switches_has_a_position():
    for boom_open, boom_closed in product((True, False, None), repeat=2):
        assert Inputs(boom_open=boom_open, boom_closed=boom_closed).position in BoomPosition
