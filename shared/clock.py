"""Hybrid logical clock: stamps that never run backwards, close to wall time, comparable as text.

A stamp is for display and ties. Order that matters comes from causes, durations from the monotonic clock.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d\.\d{3}Z)#([0-9a-f]{4})", re.ASCII)
_MOST_COUNT = 0xFFFF

VIETNAM = timezone(timedelta(hours=7))
"""The time zone of the gates, for what people read and for days in force."""

FAR_AHEAD = timedelta(minutes=5)
"""A stamp further ahead of our wall clock than this is stored and flagged, and does not advance our clock."""

VIETNAM = timezone(timedelta(hours=7))
"""The time at the gates."""


class BadStamp(ValueError):
    """A text is no stamp; a stamp reads 2026-11-23T08:15:38.123Z#0000."""


@dataclass(frozen=True, order=True)
class Stamp:
    """A moment by one node's hybrid clock: UTC milliseconds and a count within the millisecond."""

    wall: datetime
    count: int = 0

    @classmethod
    def parse(cls, text: str) -> "Stamp":
        """Reads a stamp; raises BadStamp."""
        match = _STAMP.fullmatch(text)
        if match is None:
            raise BadStamp(f"{text[:40]!r} is no stamp; write like 2026-11-23T08:15:38.123Z#0000")
        try:
            wall = datetime.fromisoformat(match[1])
        except ValueError as error:
            raise BadStamp(f"{text[:40]!r} names no real time") from error
        return cls(wall, int(match[2], 16))

    def __str__(self) -> str:
        wall = self.wall.replace(tzinfo=None).isoformat(timespec="milliseconds")
        return f"{wall}Z#{self.count:04x}"


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def day_at_gates(moment: datetime) -> date:
    """The day that it is at the gates."""
    return moment.astimezone(VIETNAM).date()


class HybridClock:
    """One node's hybrid logical clock. `wall` is injected; `last` comes back from the store after a restart."""

    def __init__(self, wall: Callable[[], datetime] = utc_now, last: Stamp | None = None) -> None:
        self._wall = wall
        self._last = last or Stamp(datetime.min.replace(tzinfo=UTC))

    @property
    def last(self) -> Stamp:
        """The latest stamp given or observed; a store keeps it, so that the next start goes on from it."""
        return self._last

    def now(self) -> Stamp:
        """Gives the next stamp: later than every stamp given or observed before."""
        wall = _whole_ms(self._wall())
        self._last = Stamp(wall) if wall > self._last.wall else _next(self._last)
        return self._last

    def observe(self, other: Stamp) -> bool:
        """Takes note of another node's stamp. False when it is far ahead: then it does not move our clock."""
        if other.wall - self._wall() > FAR_AHEAD:
            return False
        self._last = max(self._last, other)
        return True


def _whole_ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _next(stamp: Stamp) -> Stamp:
    if stamp.count < _MOST_COUNT:
        return replace(stamp, count=stamp.count + 1)
    return Stamp(stamp.wall + timedelta(milliseconds=1))
