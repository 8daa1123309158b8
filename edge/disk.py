"""Room on the data disk: what is given up first when it runs short, and the reserve that keeps facts being written.

Pictures go first, then telemetry, facts never: when the disk is full, the space of the reserve file is theirs. It is given
out in portions, so that whoever fills the disk does not take all of it at once.
"""

import asyncio
import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog

from shared.node.errors import StoreError

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


class DiskLevel(StrEnum):
    """How much room the data disk has."""

    PLENTY = "plenty"
    LOW = "low"
    VERY_LOW = "very_low"
    FULL = "full"


@dataclass(frozen=True)
class Allowed:
    """What a level allows: new pictures kept, telemetry beyond the status sent, the whole reserve held back."""

    pictures: bool
    telemetry: bool
    reserve: bool


ALLOWED: Mapping[DiskLevel, Allowed] = {
    DiskLevel.PLENTY: Allowed(pictures=True, telemetry=True, reserve=True),
    DiskLevel.LOW: Allowed(pictures=False, telemetry=True, reserve=True),
    DiskLevel.VERY_LOW: Allowed(pictures=False, telemetry=False, reserve=True),
    DiskLevel.FULL: Allowed(pictures=False, telemetry=False, reserve=False),
}


@dataclass(frozen=True)
class DiskLimits:
    """Room under which a level begins, and the size of the reserve. A level ends when there is a fifth more room than that."""

    low_bytes: int = 1_000_000_000
    very_low_bytes: int = 200_000_000
    full_bytes: int = 16_000_000
    reserve_bytes: int = 64_000_000

    @property
    def portion_bytes(self) -> int:
        """What the reserve gives out at a time."""
        return self.reserve_bytes // 16

    @property
    def plenty_bytes(self) -> int:
        """Room with which every other level has ended."""
        return _end(self.low_bytes)

    def level(self, room_bytes: int, before: DiskLevel) -> DiskLevel:
        """The level at some room, coming from the level `before`."""
        begins = {
            DiskLevel.FULL: self.full_bytes,
            DiskLevel.VERY_LOW: self.very_low_bytes,
            DiskLevel.LOW: self.low_bytes,
        }
        inside = False
        for level, begin_bytes in begins.items():
            inside = inside or level is before
            if room_bytes < (_end(begin_bytes) if inside else begin_bytes):
                return level
        return DiskLevel.PLENTY


def _end(begin_bytes: int) -> int:
    return begin_bytes + begin_bytes // 5


def says_full(error: StoreError) -> bool:
    """True when what lies under a store's error is a lack of room on the disk."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        primary_code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
        return primary_code == sqlite3.SQLITE_FULL
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


class Reserve:
    """A file that does nothing but take space, until facts need it."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        self.path = path
        self._size_bytes = size_bytes

    @property
    def missing_bytes(self) -> int:
        """What it lacks of its size; 0 when it is whole."""
        try:
            return max(0, self._size_bytes - self.path.stat().st_size)
        except OSError:
            return self._size_bytes

    def make(self) -> None:
        """Takes the space (blocking); raises OSError and leaves nothing when there is not enough."""
        try:
            with self.path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, self._size_bytes)
        except OSError:
            self.free(self._size_bytes)
            raise

    def free(self, portion_bytes: int) -> bool:
        """Gives a portion of the space back; False when there was none to give."""
        left_bytes = self._size_bytes - self.missing_bytes - portion_bytes
        try:
            if left_bytes > 0:
                os.truncate(self.path, left_bytes)
            else:
                self.path.unlink()
        except OSError:
            return False
        return True


def free_bytes(folder: Path) -> int:
    """Space that a program without privileges may still take on a folder's disk; raises OSError."""
    return shutil.disk_usage(folder).free


class DiskGuard:
    """Watches the disk of the data folder and holds the reserve there, beside the store.

    Room is the free space less what the reserve lacks: what it gives out is room for facts and for nothing else.
    """

    def __init__(
        self,
        folder: Path,
        limits: DiskLimits | None = None,
        free_bytes: Callable[[Path], int] = free_bytes,
    ) -> None:
        self.level = DiskLevel.PLENTY
        self._folder = folder
        self._limits = limits or DiskLimits()
        self._free_bytes = free_bytes
        self._reserve = Reserve(folder / "reserve", self._limits.reserve_bytes)
        self._reserve_failed = False

    @property
    def allowed(self) -> Allowed:
        """What may be written now."""
        return ALLOWED[self.level]

    @property
    def trouble(self) -> str | None:
        """One sentence for the technician when there is not plenty of room."""
        if self.level is DiskLevel.PLENTY:
            return None
        what = "no new pictures are kept" if self.allowed.reserve else "the reserve is in use for facts"
        return f"disk {self.level.replace('_', ' ')}: {what}; free space at {self._folder}"

    def look(self) -> bool:
        """Looks how much is free; True when the level changed. What the disk does not tell is left to the store to tell."""
        free_bytes = self._free()
        if free_bytes is None:
            return False
        room_bytes = free_bytes - self._reserve.missing_bytes
        before, self.level = self.level, self._limits.level(room_bytes, self.level)
        if not self.allowed.reserve and free_bytes < self._limits.portion_bytes:
            self._give_out()
        if self.level is before:
            return False
        if before is not DiskLevel.PLENTY:
            log.info("disk_level_left", level=before.value, room_mb=room_bytes // 1_000_000)
        if self.level is not DiskLevel.PLENTY:
            log.warning("disk_level_entered", level=self.level.value, room_mb=room_bytes // 1_000_000)
        return True

    def rescue(self, error: StoreError) -> bool:
        """Gives out of the reserve when a write failed because the disk is full; False when another try would not help."""
        free_bytes = self._free()
        is_full = free_bytes is not None and free_bytes < self._limits.portion_bytes
        if not (says_full(error) or is_full) or not self._give_out():
            return False
        self.look()
        return True

    def shortfall_bytes(self) -> int:
        """What must be deleted until there is plenty of room again; 0 while there is."""
        free_bytes = self._free()
        if free_bytes is None or self.level is DiskLevel.PLENTY:
            return 0
        return max(0, self._limits.plenty_bytes + self._reserve.missing_bytes - free_bytes)

    @property
    def lacks_reserve(self) -> bool:
        """True when the reserve is to be made."""
        return self.allowed.reserve and self._reserve.missing_bytes > 0

    def make_reserve(self) -> None:
        """Makes the reserve (blocking); one event when it cannot be had."""
        try:
            self._reserve.make()
        except OSError as error:
            if not self._reserve_failed:
                log.warning("reserve_not_made", error=str(error))
            self._reserve_failed = True
        else:
            self._reserve_failed = False
            log.info("reserve_made", mb=self._limits.reserve_bytes // 1_000_000)

    def _free(self) -> int | None:
        try:
            return self._free_bytes(self._folder)
        except OSError:
            return None

    def _give_out(self) -> bool:
        given = self._reserve.free(self._limits.portion_bytes)
        if given:
            lacking_mb = round(self._reserve.missing_bytes / 1e6, 1)
            log.warning("reserve_given_out", lacking_mb=lacking_mb)
        return given


async def watch_disk(guard: DiskGuard, changed: Callable[[], None]) -> None:
    """Looks at the disk every second and makes the reserve when there is room for it, until cancelled."""
    while True:
        if guard.look():
            changed()
        if guard.lacks_reserve:
            await asyncio.to_thread(guard.make_reserve)
        await asyncio.sleep(LOOK_EVERY_S)
