"""`kill -9` in the middle of writing: the store holds what was acknowledged, once, and nothing by halves."""

import os
import random
import time
from pathlib import Path

import pytest

from tests.faults.killing import Count, cycles

MANY = 15_000
FOLDER = "BARIE_KILL_CYCLES"
"""Names a folder that keeps how far the long form has come, so that it can be run in pieces."""
PIECE_S = 6000.0


def test_200_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    count = Count()
    cycles(tmp_path / "store", 200, random.Random(20261124), count, lambda: None)
    assert (count.lost, count.doubled) == (0, 0)
    assert count.commits > count.cycles / 2, "the writer came to write"


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """15,000 cycles. Stops after a while where a folder is given, and goes on from there the next time."""
    kept = os.environ.get(FOLDER)
    file = Path(kept or tmp_path) / "kill-cycles.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    count, end = Count.read(file), time.monotonic() + PIECE_S
    while count.cycles < MANY and time.monotonic() < end:
        cycles(tmp_path / "store", min(MANY, count.cycles + 100), random.Random(), count, lambda: None)
        count.write(file)
        print(count)
        assert (count.lost, count.doubled) == (0, 0)
    if count.cycles < MANY:
        pytest.skip(f"{count}: run it again to go on")
