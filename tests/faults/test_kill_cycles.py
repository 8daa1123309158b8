"""`kill -9` and power cuts in the middle of writing: what was acknowledged is there, once, and nothing by halves."""

import os
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.faults.forgetful import powered, works
from tests.faults.killing import Count, Where, cycles

MANY = 15_000
KEPT = "BARIE_KILL_CYCLES"
"""Names a folder that keeps how far the long forms have come, so that they can be run in pieces."""
PIECE_S = "BARIE_KILL_PIECE_S"
"""How long a piece takes, in seconds."""


@pytest.fixture
def power_cuts(tmp_path: Path) -> Where:
    """The writer's folder loses whatever was not synced."""
    why = works(tmp_path / "probe")
    if why is not None:
        pytest.skip(f"power cuts need root and /dev/fuse: {why}")
    rng = random.Random()

    def powered_once(disk: Path) -> AbstractContextManager[Path]:
        return powered(tmp_path / "mount", disk, rng.getrandbits(32))

    return powered_once


def test_200_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    count = Count()
    cycles(tmp_path / "store", 200, random.Random(20261124), count)
    assert (count.lost, count.doubled) == (0, 0)
    assert count.commits > count.cycles / 2, "the writer came to write"


def test_100_power_cuts_lose_nothing_and_double_nothing(tmp_path: Path, power_cuts: Where) -> None:
    count = Count()
    cycles(tmp_path / "store", 100, random.Random(20261124), count, power_cuts)
    assert (count.lost, count.doubled) == (0, 0)
    assert count.commits > count.cycles / 2, "the writer came to write"


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    in_pieces(tmp_path, "kills", lambda wanted, count: cycles(tmp_path / "s", wanted, random.Random(), count))


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_power_cuts_lose_nothing_and_double_nothing(tmp_path: Path, power_cuts: Where) -> None:
    in_pieces(
        tmp_path,
        "power-cuts",
        lambda wanted, count: cycles(tmp_path / "s", wanted, random.Random(), count, power_cuts),
    )


def in_pieces(folder: Path, name: str, run: Callable[[int, Count], None]) -> None:
    """15,000 cycles. What was done is kept after every hundred, and the next run goes on from there."""
    file = Path(os.environ.get(KEPT, folder)) / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    count, end = Count.read(file), time.monotonic() + float(os.environ.get(PIECE_S, "7000"))
    while count.cycles < MANY and time.monotonic() < end:
        run(min(MANY, count.cycles + 100), count)
        count.write(file)
        assert (count.lost, count.doubled) == (0, 0)
    print(name, count)
    if count.cycles < MANY:
        pytest.skip(f"{count}: run it again to go on")
