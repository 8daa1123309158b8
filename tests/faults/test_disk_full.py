"""A disk that is really full: pictures stop and go, facts go on into the reserve, and everything comes back with the room."""

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.disk import DiskLevel, DiskLimits, watch_disk
from edge.gate import Gate
from edge.lane.passage import Passage
from edge.pictures import Kept, PictureError, sweep_pictures
from shared.journal import journal_id
from shared.node.errors import StoreUnusable
from tests.edge.gate_folder import configuration
from tests.edge.world import Clock, ToldReader
from tests.loop import in_loop, until

MB = 1_000_000
LIMITS = DiskLimits(low_bytes=6 * MB, very_low_bytes=3 * MB, full_bytes=1 * MB, reserve_bytes=16 * MB)
MANY_FACTS = 3000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 MiB for a gate's folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def gate_on(disk: Path) -> Iterator[Gate]:
    clock = Clock()
    gate = Gate(configuration(disk), ToldReader(clock), clock, LIMITS)
    try:
        yield gate
    finally:
        gate.store.close()


@contextlib.asynccontextmanager
async def watched(gate: Gate) -> AsyncIterator[None]:
    """The tasks of the daemon that see to the disk."""
    tasks = [
        asyncio.create_task(watch_disk(gate.disk, gate.changes.notify)),
        asyncio.create_task(sweep_pictures(gate.pictures, gate.open_pictures, gate.disk.shortfall_bytes)),
    ]
    yield
    assert [task for task in tasks if task.done()] == []
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def fill(disk: Path) -> None:
    """Somebody else takes what is left, to the last byte."""
    with (disk / "hog").open("ab", buffering=0) as hog, contextlib.suppress(OSError):
        for block in (bytes(MB), bytes(4096)):
            with contextlib.suppress(OSError):
                while hog.write(block) == len(block):
                    pass
    assert os.statvfs(disk).f_bavail == 0


def old_pictures(gate: Gate, many: int = 5) -> list[Kept]:
    """Pictures of an hour ago."""
    rng = np.random.default_rng(7)
    kept = [gate.pictures.keep(rng.integers(0, 256, (400, 600, 3), dtype=np.uint8)) for _ in range(many)]
    hour_ago_s = time.time() - 3600
    for name in (name for one in kept for name in (one.picture, one.thumbnail)):
        path = gate.pictures.path(name)
        assert path is not None
        os.utime(path, (hour_ago_s, hour_ago_s))
    return kept


def keeps_pictures(gate: Gate) -> bool:
    try:
        gate.pictures.keep(np.full((90, 160, 3), time.monotonic_ns() % 251, np.uint8))
    except PictureError:
        return False
    return True


def vehicles_arrive(gate: Gate, many: int) -> list[str]:
    """Facts, each in a commit of its own; gives their references."""
    lane = gate.working[0]
    return [gate.write([lane.facts.arrived()])[0].fact.ref for _ in range(many)]


@in_loop
async def test_on_a_full_disk_pictures_go_and_thousands_of_facts_are_written(disk: Path) -> None:
    reserve = disk / "data" / "reserve"
    with gate_on(disk) as gate:
        async with watched(gate):
            await until(reserve.exists, "the reserve")
            assert reserve.stat().st_blocks * 512 >= LIMITS.reserve_bytes
            opened, *others = old_pictures(gate)
            lane = gate.working[0]
            lane.passage = Passage("passage", "now", kept=opened)

            fill(disk)
            await until(lambda: gate.disk.level is not DiskLevel.PLENTY, "the level")
            await until(lambda: not any(gate.picture(one.thumbnail) for one in others), "the sweep")
            assert gate.picture(opened.picture) is not None
            assert gate.picture(opened.thumbnail) is not None
            assert not keeps_pictures(gate)

            fill(disk)
            written = vehicles_arrive(gate, MANY_FACTS)
            assert reserve.stat().st_size < LIMITS.reserve_bytes
            await until(lambda: gate.link().disk is DiskLevel.FULL, "the word on the screen")
            assert any("disk full" in cause for cause in gate.ready())
            assert not keeps_pictures(gate)

            (disk / "hog").unlink()
            await until(lambda: gate.disk.level is DiskLevel.PLENTY, "room")
            await until(lambda: not gate.disk.lacks_reserve, "the reserve again")
            assert keeps_pictures(gate)
    with gate_on(disk) as again:
        assert again.store.head(journal_id(again.node)).seq == MANY_FACTS
        assert all(again.store.get(ref) is not None for ref in written)


@in_loop
async def test_a_press_that_finds_the_disk_full_succeeds_though_nobody_has_looked_at_the_disk(
    disk: Path,
) -> None:
    with gate_on(disk) as gate:
        gate.disk.make_reserve()
        fill(disk)
        vehicles_arrive(gate, MANY_FACTS)
        assert gate.disk.level is DiskLevel.FULL
        assert (disk / "data" / "reserve").stat().st_size < LIMITS.reserve_bytes


@in_loop
async def test_whoever_fills_the_disk_does_not_take_the_reserve_at_once(disk: Path) -> None:
    with gate_on(disk) as gate:
        gate.disk.make_reserve()
        for _ in range(10):
            fill(disk)
            gate.disk.look()
            vehicles_arrive(gate, 1)


@in_loop
async def test_when_the_reserve_is_used_up_too_the_store_says_so_and_takes_facts_again_with_the_room(
    disk: Path,
) -> None:
    with gate_on(disk) as gate:
        gate.disk.make_reserve()
        fill(disk)
        with pytest.raises(StoreUnusable, match="full"):
            vehicles_arrive(gate, 10 * MANY_FACTS)
        assert not (disk / "data" / "reserve").exists()
        held = gate.store.head(journal_id(gate.node)).seq
        (disk / "hog").unlink()
        vehicles_arrive(gate, 100)
    with gate_on(disk) as again:
        assert again.store.head(journal_id(again.node)).seq == held + 100


@in_loop
async def test_a_gate_starts_on_a_full_disk(disk: Path) -> None:
    with gate_on(disk) as gate:
        vehicles_arrive(gate, 10)
        gate.disk.make_reserve()
        old_pictures(gate)
    fill(disk)
    with gate_on(disk) as again:
        assert vehicles_arrive(again, MANY_FACTS)[-1] == f"{journal_id(again.node)}/{MANY_FACTS + 10}"


@in_loop
async def test_a_gate_without_a_reserve_starts_on_a_full_disk_by_giving_up_pictures(disk: Path) -> None:
    with gate_on(disk) as gate:
        vehicles_arrive(gate, 10)
        kept = old_pictures(gate, 40)
    fill(disk)
    with gate_on(disk) as again:
        assert not any(again.picture(one.picture) for one in kept)
        vehicles_arrive(again, 100)
