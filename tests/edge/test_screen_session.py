"""Sealed cookies and the lock after wrong tries."""

from dataclasses import dataclass

from edge.lane.view import Officer
from edge.screen.session import SHIFT_S, LockOut, Sessions
from shared.codes import Agency

OFFICER = Officer("bp-1", Agency.BORDER_GUARD, "man-hinh-1")


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_cookie_gives_back_the_officer_it_was_sealed_for() -> None:
    sessions = Sessions(Clock())
    assert sessions.open(sessions.seal(OFFICER)) == OFFICER


def test_a_cookie_ends_with_the_shift() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    cookie = sessions.seal(OFFICER)
    clock.now_s += SHIFT_S + 1
    assert sessions.open(cookie) is None


def test_a_changed_foreign_or_broken_cookie_signs_nobody_in() -> None:
    sessions = Sessions(Clock())
    packed, _, mac = sessions.seal(OFFICER).partition(".")
    other = Sessions(Clock()).seal(OFFICER)
    for cookie in (f"{packed[:-4]}AAAA.{mac}", f"{packed}.{mac[:-1]}x", other, "", ".", "ü.é", None):
        assert sessions.open(cookie) is None


def test_five_wrong_tries_lock_the_code_and_time_unlocks_it() -> None:
    clock = Clock()
    lock = LockOut(clock, most=5, lock_s=60)
    for _ in range(4):
        lock.wrong("bp-1")
    assert lock.left_s("bp-1") == 0
    lock.wrong("bp-1")
    assert lock.left_s("bp-1") == 60
    assert lock.left_s("hq-1") == 0
    clock.now_s += 60
    assert lock.left_s("bp-1") == 0
    lock.wrong("bp-1")
    assert lock.left_s("bp-1") == 0


def test_a_right_pin_forgets_the_wrong_ones() -> None:
    lock = LockOut(Clock(), most=2)
    lock.wrong("bp-1")
    lock.right("bp-1")
    lock.wrong("bp-1")
    assert lock.left_s("bp-1") == 0
