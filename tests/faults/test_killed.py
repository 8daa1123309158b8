"""`kill -9` of a gate at any moment: what a screen has accepted is in the store after the restart, exactly once."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
import pytest

from shared.codes import Agency
from tests.scenarios.running import RunningSite, Screen, needs_site, wait_for

pytestmark = needs_site
DESK = "yard-out"
BATCH = 8
"""Vehicles that an officer means to confirm in each cycle; the kill comes somewhere among them."""


@dataclass
class Presses:
    """Presses the button of one vehicle after the other until the gate is gone."""

    officer: Screen
    forms: dict[str, dict[str, str]]
    accepted: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Ends at the first press that gets no answer."""
        for no, form in self.forms.items():
            try:
                answer = self.officer.confirm_at_desk(form)
            except httpx.TransportError:
                self.unanswered.append(no)
                return
            assert answer.status_code == 200, answer.text
            self.accepted.append(no)


def yard_fills(site: RunningSite, vehicles: int, rng: random.Random) -> None:
    """So many declared vehicles come into the yard."""
    plates = (f"29C{number}" for number in rng.sample(range(10_000, 100_000), vehicles))
    site.drove_in([site.declare(plate, "4.3") for plate in plates])


def killed_while_pressing(site: RunningSite, presses: Presses, rng: random.Random) -> None:
    """Lets some presses be answered and kills the gate in the middle of what follows."""
    enough = rng.randrange(BATCH)
    hand = threading.Thread(target=presses.run)
    hand.start()
    wait_for("some presses are answered", lambda: len(presses.accepted) >= enough or not hand.is_alive())
    time.sleep(rng.uniform(0, 0.03))
    site.gate_is_killed(DESK)
    hand.join(20)
    assert not hand.is_alive()


def held(site: RunningSite) -> Counter[str]:
    """How many confirmations of each declaration the gate's store holds."""
    return Counter(body["declaration"] for body in site.facts(DESK, "confirmed"))


def kill_and_restart(site: RunningSite, cycles: int, seed: int) -> None:
    """The whole story, `cycles` times; a failure is repeated with the same seed."""
    rng = random.Random(seed)
    officer = site.screen(DESK, Agency.CUSTOMS)
    accepted: list[str] = []
    interrupted = 0
    yard_fills(site, cycles * BATCH, rng)
    for _ in range(cycles):
        waiting = wait_for("vehicles at the desk", officer.desk)
        presses = Presses(officer, dict(list(waiting.items())[:BATCH]))
        killed_while_pressing(site, presses, rng)
        accepted += presses.accepted
        site.gate_starts(DESK)
        count = held(site)
        assert {no: count[no] for no in accepted if count[no] != 1} == {}
        interrupted += len(presses.unanswered)
        officer.sign_in()
        for no in presses.unanswered:
            again = officer.confirm_at_desk(presses.forms[no])
            assert again.status_code == (409 if count[no] else 200), "what is stored is not stored again"
            accepted.append(no)
    assert interrupted, "no kill came in the middle of a press"
    count = held(site)
    assert set(accepted) == set(count)
    assert set(count.values()) == {1}
    assert site.do(site.site.settle(20), 30) == 0
    at_centre = Counter(body["declaration"] for body in site.centre_has(DESK, "confirmed"))
    assert at_centre == count


@pytest.fixture
def desk_alone(site: RunningSite) -> RunningSite:
    """The site without the two barriers, so that restarts are quick."""
    for place in ("barrier-1", "barrier-2"):
        site.gate_stops(place)
    return site


def test_what_a_screen_has_accepted_survives_a_kill(desk_alone: RunningSite) -> None:
    kill_and_restart(desk_alone, cycles=8, seed=20261123)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_what_a_screen_has_accepted_survives_many_kills(desk_alone: RunningSite) -> None:
    kill_and_restart(desk_alone, cycles=100, seed=time.time_ns())
