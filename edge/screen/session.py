"""Who has signed in at a screen: a sealed cookie, and a lock after wrong tries. Durations by a monotonic clock."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import ceil

from edge.lane.view import Officer
from shared.codes import Agency

Monotonic = Callable[[], float]
"""Gives seconds that never run backwards."""

SHIFT_S = 12 * 3600


class Sessions:
    """Seals and opens session cookies. The key lives with the process: a restart signs everybody out."""

    def __init__(self, clock: Monotonic, life_s: float = SHIFT_S) -> None:
        self._clock = clock
        self._life_s = life_s
        self._key = secrets.token_bytes(32)

    def seal(self, officer: Officer) -> str:
        """A cookie for the officer, good for one shift."""
        content = json.dumps({**asdict(officer), "until_s": self._clock() + self._life_s})
        packed = base64.urlsafe_b64encode(content.encode()).decode()
        return f"{packed}.{self._mac(packed)}"

    def open(self, cookie: str | None) -> Officer | None:
        """The officer of a cookie; None when it is not ours, was changed, or is over."""
        packed, _, mac = (cookie or "").partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(packed).encode()):
            return None
        try:
            content = json.loads(base64.urlsafe_b64decode(packed))
        except (ValueError, binascii.Error):
            return None
        if content["until_s"] < self._clock():
            return None
        return Officer(content["code"], Agency(content["agency"]), content["screen"])

    def _mac(self, packed: str) -> str:
        return hmac.new(self._key, packed.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class _Tries:
    wrong: int
    last_s: float


class LockOut:
    """After `most` wrong PINs in a row an officer's code is locked for `lock_s` seconds at this gate PC."""

    def __init__(self, clock: Monotonic, most: int = 5, lock_s: float = 60.0) -> None:
        self._clock = clock
        self._most = most
        self._lock_s = lock_s
        self._tries: dict[str, _Tries] = {}

    def left_s(self, code: str) -> int:
        """Whole seconds until the code may be tried again; 0 when it may be now."""
        tries = self._tries.get(code)
        if tries is None or tries.wrong < self._most:
            return 0
        return max(0, ceil(tries.last_s + self._lock_s - self._clock()))

    def wrong(self, code: str) -> None:
        """Counts a wrong try. Tries older than the lock are forgotten, so made-up codes do not pile up."""
        now = self._clock()
        self._tries = {c: t for c, t in self._tries.items() if now - t.last_s < self._lock_s}
        before = self._tries.get(code)
        self._tries[code] = _Tries(before.wrong + 1 if before else 1, now)

    def right(self, code: str) -> None:
        """Forgets the wrong tries."""
        self._tries.pop(code, None)
