"""The data disk: what each level gives up, when levels begin and end, and the reserve that facts live on when it is full."""

import errno
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from edge.disk import ALLOWED, DiskGuard, DiskLevel, DiskLimits, Reserve, says_full
from edge.gate import Gate
from edge.pictures import SWEEP_AGAIN_S, SWEEP_EVERY_S, PictureError, Pictures, sweep_pictures
from edge.telemetry import send_thumbnails, status
from shared.facts import Draft, Sealed
from shared.node.errors import StoreError, StoreUnusable
from shared.signing import PrivateKey
from tests.edge.gate_folder import configuration
from tests.edge.world import Clock, ToldReader
from tests.loop import in_loop

LIMITS = DiskLimits(low_bytes=1000, very_low_bytes=500, full_bytes=100, reserve_bytes=320)
FULL, VERY_LOW, LOW, PLENTY = DiskLevel.FULL, DiskLevel.VERY_LOW, DiskLevel.LOW, DiskLevel.PLENTY


class Disk:
    """A disk of which others leave `left_bytes` to the reserve and to us."""

    def __init__(self, left_bytes: int) -> None:
        self.left_bytes = left_bytes

    def free_bytes(self, folder: Path) -> int:
        reserve = folder / "reserve"
        return self.left_bytes - (reserve.stat().st_size if reserve.exists() else 0)


def guarded(folder: Path, left_bytes: int) -> tuple[DiskGuard, Disk]:
    disk = Disk(left_bytes)
    return DiskGuard(folder, LIMITS, disk.free_bytes), disk


def failed(cause: BaseException | None) -> StoreUnusable:
    error = StoreUnusable("cannot append to facts.db")
    error.__cause__ = cause
    return error


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = code
    return error


# -- levels


@pytest.mark.parametrize(
    ("room_bytes", "from_plenty", "from_low", "from_very_low", "from_full"),
    [
        (1200, PLENTY, PLENTY, PLENTY, PLENTY),
        (1199, PLENTY, LOW, LOW, LOW),
        (1000, PLENTY, LOW, LOW, LOW),
        (999, LOW, LOW, LOW, LOW),
        (599, LOW, LOW, VERY_LOW, VERY_LOW),
        (500, LOW, LOW, VERY_LOW, VERY_LOW),
        (499, VERY_LOW, VERY_LOW, VERY_LOW, VERY_LOW),
        (119, VERY_LOW, VERY_LOW, VERY_LOW, FULL),
        (100, VERY_LOW, VERY_LOW, VERY_LOW, FULL),
        (99, FULL, FULL, FULL, FULL),
        (-200, FULL, FULL, FULL, FULL),
    ],
)
def test_a_level_begins_at_its_limit_and_ends_with_a_fifth_more_room(
    room_bytes: int,
    from_plenty: DiskLevel,
    from_low: DiskLevel,
    from_very_low: DiskLevel,
    from_full: DiskLevel,
) -> None:
    before = (PLENTY, LOW, VERY_LOW, FULL)
    expected = (from_plenty, from_low, from_very_low, from_full)
    assert tuple(LIMITS.level(room_bytes, one) for one in before) == expected


def test_pictures_go_first_then_telemetry_then_the_reserve() -> None:
    given_up = [
        {name for name, allowed in vars(ALLOWED[level]).items() if not allowed}
        for level in (PLENTY, LOW, VERY_LOW, FULL)
    ]
    assert given_up == [set(), {"pictures"}, {"pictures", "telemetry"}, {"pictures", "telemetry", "reserve"}]


def test_the_shipped_limits_are_in_order_and_the_reserve_is_not_given_up_while_it_is_not_needed() -> None:
    shipped = DiskLimits()
    limits = (shipped.full_bytes, shipped.very_low_bytes, shipped.low_bytes)
    assert all(worse * 1.2 < better for worse, better in pairwise(limits))


# -- the reserve


def test_the_reserve_takes_its_space_and_gives_it_back(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 1_000_000)
    assert reserve.missing_bytes == 1_000_000
    reserve.make()
    assert reserve.missing_bytes == 0
    assert reserve.path.stat().st_blocks * 512 >= 1_000_000
    assert reserve.free(400_000)
    assert reserve.path.stat().st_blocks * 512 <= 700_000
    assert [reserve.free(400_000) for _ in range(3)] == [True, True, False]
    assert reserve.missing_bytes == 1_000_000


def test_a_reserve_that_gave_something_out_is_made_whole_again(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 1_000_000)
    reserve.make()
    reserve.free(400_000)
    assert reserve.missing_bytes == 400_000
    reserve.make()
    assert reserve.path.stat().st_blocks * 512 >= 1_000_000


def test_a_reserve_that_does_not_fit_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    reserve = Reserve(tmp_path / "reserve", 1000)
    with pytest.raises(OSError, match="No space left"):
        reserve.make()
    assert not reserve.path.exists()


def test_a_reserve_that_cannot_be_had_is_told_once(tmp_path: Path) -> None:
    guard, _ = guarded(tmp_path / "gone", 5000)
    with capture_logs() as logs:
        guard.make_reserve()
        guard.make_reserve()
    assert [one["event"] for one in logs] == ["reserve_not_made"]


# -- the guard


def test_the_reserve_is_given_out_when_the_disk_is_full_and_made_again_when_there_is_room(
    tmp_path: Path,
) -> None:
    guard, disk = guarded(tmp_path, 5000)
    reserve = tmp_path / "reserve"
    guard.look()
    assert guard.lacks_reserve
    guard.make_reserve()
    assert not guard.lacks_reserve
    disk.left_bytes = 320 + 19
    guard.look()
    assert (guard.level, reserve.stat().st_size, guard.lacks_reserve) == (FULL, 300, False)
    disk.left_bytes = 320 + 130
    guard.look()
    assert (guard.level, guard.lacks_reserve) == (VERY_LOW, True)
    guard.make_reserve()
    assert not guard.lacks_reserve


def test_no_more_is_given_out_while_what_was_given_lasts(tmp_path: Path) -> None:
    guard, disk = guarded(tmp_path, 5000)
    guard.make_reserve()
    disk.left_bytes = 320 + 19
    sizes = []
    for used_bytes in (0, 0, 10, 10, 10):
        disk.left_bytes -= used_bytes
        guard.look()
        sizes.append((tmp_path / "reserve").stat().st_size)
    assert sizes == [300, 300, 300, 280, 280]


def test_what_the_reserve_gave_out_is_no_room_for_pictures(tmp_path: Path) -> None:
    guard, _ = guarded(tmp_path, 1220)
    guard.make_reserve()
    guard.look()
    assert (guard.level, guard.shortfall_bytes()) == (LOW, 300)
    assert guard.rescue(failed(sqlite_error(sqlite3.SQLITE_FULL)))
    assert (guard.level, guard.shortfall_bytes()) == (LOW, 300)


def test_entering_and_leaving_a_level_is_one_event_each(tmp_path: Path) -> None:
    guard, disk = guarded(tmp_path, 5000)
    with capture_logs() as logs:
        for left_bytes in (5000, 1300, 1300, 800, 800, 5000, 5000):
            disk.left_bytes = left_bytes
            guard.look()
    told = [(one["event"], one["level"]) for one in logs]
    assert told == [
        ("disk_level_entered", "low"),
        ("disk_level_left", "low"),
        ("disk_level_entered", "very_low"),
        ("disk_level_left", "very_low"),
    ]


def test_a_look_says_whether_the_level_changed(tmp_path: Path) -> None:
    guard, disk = guarded(tmp_path, 5000)
    assert not guard.look()
    disk.left_bytes = 0
    assert guard.look()
    assert not guard.look()


def test_a_disk_that_does_not_answer_leaves_the_level_as_it_was(tmp_path: Path) -> None:
    guard = DiskGuard(tmp_path / "gone", LIMITS)
    assert (guard.look(), guard.level, guard.shortfall_bytes()) == (False, PLENTY, 0)


def test_what_is_short_is_what_ends_every_level(tmp_path: Path) -> None:
    guard, disk = guarded(tmp_path, 1300)
    guard.look()
    short = guard.shortfall_bytes()
    disk.left_bytes += short - 1
    guard.look()
    assert guard.level is LOW
    disk.left_bytes += 1
    guard.look()
    assert (guard.level, guard.shortfall_bytes()) == (PLENTY, 0)


# -- a write that failed


@pytest.mark.parametrize(
    ("cause", "is_full"),
    [
        (sqlite_error(sqlite3.SQLITE_FULL), True),
        (sqlite_error(sqlite3.SQLITE_IOERR), False),
        (sqlite3.ProgrammingError("Cannot operate on a closed database."), False),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EIO, "Input/output error"), False),
        (None, False),
    ],
)
def test_a_store_that_failed_for_want_of_room_is_told_from_one_that_is_broken(
    cause: BaseException | None, is_full: bool
) -> None:
    assert says_full(failed(cause)) is is_full


def test_a_broken_store_on_a_disk_with_room_does_not_cost_the_reserve(tmp_path: Path) -> None:
    guard, _ = guarded(tmp_path, 5000)
    guard.make_reserve()
    assert not guard.rescue(failed(sqlite_error(sqlite3.SQLITE_IOERR)))
    assert (tmp_path / "reserve").exists()


def test_any_failure_on_a_full_disk_is_rescued(tmp_path: Path) -> None:
    """SQLite calls it an input/output error when the file beside the store cannot grow."""
    guard, disk = guarded(tmp_path, 5000)
    guard.make_reserve()
    disk.left_bytes = 320
    assert guard.rescue(failed(sqlite_error(sqlite3.SQLITE_IOERR)))
    assert guard.level is FULL


def test_without_a_reserve_there_is_no_rescue(tmp_path: Path) -> None:
    guard, _ = guarded(tmp_path, 0)
    assert not guard.rescue(failed(sqlite_error(sqlite3.SQLITE_FULL)))


# -- the gate


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    clock = Clock()
    made = Gate(configuration(tmp_path), ToldReader(clock), clock, LIMITS)
    yield made
    made.store.close()


def fails(gate: Gate, errors: list[StoreError], monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's next writes fail."""
    append = gate.store.append

    def some_fail(journal: str, key: PrivateKey, drafts: Sequence[Draft]) -> list[Sealed]:
        if errors:
            raise errors.pop()
        return append(journal, key, drafts)

    monkeypatch.setattr(gate.store, "append", some_fail)


@in_loop
async def test_a_write_that_finds_the_disk_full_is_made_out_of_the_reserve(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.disk.make_reserve()
    fails(gate, [failed(sqlite_error(sqlite3.SQLITE_FULL))] * 2, monkeypatch)
    (sealed,) = gate.write([gate.working[0].facts.arrived()])
    assert gate.store.get(sealed.fact.ref) is not None
    assert gate.store.head(sealed.fact.journal).seq == 1


@in_loop
async def test_when_the_reserve_is_used_up_the_write_is_refused(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.disk.make_reserve()
    fails(gate, [failed(sqlite_error(sqlite3.SQLITE_FULL))] * 100, monkeypatch)
    with pytest.raises(StoreUnusable):
        gate.write([gate.working[0].facts.arrived()])


@in_loop
async def test_a_write_that_failed_for_another_reason_is_not_made_again(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.disk.make_reserve()
    fails(gate, [failed(sqlite_error(sqlite3.SQLITE_IOERR))], monkeypatch)
    with pytest.raises(StoreUnusable):
        gate.write([gate.working[0].facts.arrived()])


@in_loop
async def test_screen_centre_and_technician_are_told_how_the_disk_does(gate: Gate, tmp_path: Path) -> None:
    def told() -> tuple[object, object, bool]:
        return gate.link().disk, status(gate, tmp_path).disk, any("disk" in cause for cause in gate.ready())

    assert told() == (PLENTY, "plenty", False)
    gate.disk.level = LOW
    assert told() == (LOW, "low", True)


class Ended(Exception):
    """A round is over."""


class ListeningLink:
    """A link that stands and keeps what is published."""

    connected = True

    def __init__(self) -> None:
        self.published: list[str] = []

    async def publish(self, _topic: str, _payload: bytes, *, user: Mapping[str, str]) -> bool:
        self.published.append(user["sha256"])
        return True


@pytest.mark.parametrize(("level", "sends"), [(PLENTY, True), (LOW, True), (VERY_LOW, False), (FULL, False)])
@in_loop
async def test_thumbnails_are_sent_until_the_disk_is_very_low(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, level: DiskLevel, sends: bool
) -> None:
    async def ends(_seconds: float) -> None:
        raise Ended

    kept = gate.pictures.keep(np.zeros((90, 160, 3), np.uint8))
    gate.disk.level = level
    link = ListeningLink()
    monkeypatch.setattr("edge.telemetry.asyncio.sleep", ends)
    with pytest.raises(Ended):
        await send_thumbnails(gate, link)  # type: ignore[arg-type]
    assert link.published == ([kept.thumbnail] if sends else [])


@in_loop
async def test_a_sweep_that_fails_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def passes(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            pictures.sweep = lambda *_: 0  # type: ignore[method-assign]
        if len(waits) == 4:
            raise Ended

    def fails_to(*_: object) -> int:
        raise PictureError("old pictures not deleted")

    pictures = Pictures(tmp_path)
    pictures.sweep = fails_to  # type: ignore[method-assign]
    monkeypatch.setattr("edge.pictures.asyncio.sleep", passes)
    with capture_logs() as logs, pytest.raises(Ended):
        await sweep_pictures(pictures, frozenset, lambda: 0)
    assert [one["event"] for one in logs] == ["sweep_failed"]
    assert waits == [SWEEP_AGAIN_S] * 3 + [SWEEP_EVERY_S]
