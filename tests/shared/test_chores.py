"""Chores: a jump of the clock and a request to forget are each answered by one fact."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared import subjects
from shared.bodies import Forget, dump
from shared.facts import Draft, commit
from shared.node.chores import Chores
from shared.node.store import Store
from shared.node.sync import SyncNode
from tests.builders import MORNING, NO, SITE, Journal, declared_body
from tests.shared.members import CENTRE_JOURNAL, HandedLink, identity

NAME = "/vehicles/0/driver/name"


@dataclass
class Machine:
    """A PC whose clocks are ours."""

    folder: Path
    wall: datetime = MORNING
    now_s: float = 0.0
    link: HandedLink = field(default_factory=HandedLink)

    def start(self) -> tuple[Store, SyncNode, Chores]:
        store = Store(self.folder / "gate-2.db", wall=lambda: self.wall, monotonic_s=lambda: self.now_s)
        sync = SyncNode(store, self.link, identity("gate-2"), lambda: self.now_s)
        return store, sync, Chores(store, sync, "gate-2", SITE)

    def passes(self, seconds: float, jump: timedelta = timedelta(0)) -> None:
        self.now_s += seconds
        self.wall += timedelta(seconds=seconds) + jump


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def said(drafts: list[Draft]) -> list[tuple[float, bool, str, bool]]:
    return [
        (d.body["by_s"], d.body["followed"], d.body["source"], d.body["at_start"])
        for d in drafts
        if d.kind == "clock_stepped"
    ]


def test_a_clock_that_runs_on_is_not_worth_a_word(machine: Machine) -> None:
    _, _, chores = machine.start()
    for _ in range(3):
        machine.passes(5)
        assert chores.due() == []


def test_a_jump_of_an_hour_is_told_once_and_not_followed(machine: Machine) -> None:
    store, _, chores = machine.start()
    chores.due()
    machine.passes(5, timedelta(hours=1))
    assert said(chores.due()) == [(3600.0, False, "steady", False)]
    machine.passes(5)
    assert chores.due() == []
    assert store.steady() - MORNING < timedelta(minutes=1)


def test_a_jump_that_the_centres_clock_confirms_is_followed(machine: Machine) -> None:
    store, _, chores = machine.start()
    chores.due()
    machine.passes(5, timedelta(hours=1))
    centre = Journal(CENTRE_JOURNAL)
    heard = machine.link.vector(of="centre-CKHN", journals=[centre], at=machine.wall)
    machine.link.hand_in("barie/1/vector/CKHN/centre-CKHN", heard)
    assert said(chores.due()) == [(3600.0, True, "system", False)]
    assert store.steady() == machine.wall


def test_a_dead_clock_battery_is_told_at_the_start_and_time_goes_on(machine: Machine) -> None:
    store, sync, _ = machine.start()
    sync.write([Draft("recalled", subjects.declaration(NO), {"no": NO})])
    store.close()
    machine.wall = datetime(2000, 1, 1, tzinfo=MORNING.tzinfo)
    machine.now_s = 0.0
    again, _, chores = machine.start()
    machine.passes(60)
    ((by_s, followed, source, at_start),) = said(chores.due())
    assert (by_s < -800_000_000, followed, source, at_start) == (True, False, "last_stamp", True)
    assert again.steady() == MORNING + timedelta(seconds=60)


def test_a_request_to_forget_is_carried_out_and_answered_once_even_over_a_restart(machine: Machine) -> None:
    store, sync, chores = machine.start()
    vehicle = {"vehicle": "1", "plate": "12C12345", "country": "VN", "driver": {"name": "Nông Văn An"}}
    body, private = commit(declared_body(vehicles=[vehicle]), [NAME])
    centre = Journal(CENTRE_JOURNAL)
    centre.write(Draft("declared", subjects.declaration(NO), body, private))
    store.absorb(centre.sealed, centre.signed)
    assert store.private(f"{CENTRE_JOURNAL}/1") == {NAME: "Nông Văn An"}
    forget = Forget(facts=[f"{CENTRE_JOURNAL}/1"], reason="theo yêu cầu")
    centre.write(Draft("forget", subjects.declaration(NO), dump(forget)))
    store.absorb(centre.sealed, centre.signed)
    assert store.private(f"{CENTRE_JOURNAL}/1") == {}
    (answer,) = chores.due()
    assert (answer.kind, answer.body) == ("forgotten", {"forget": f"{CENTRE_JOURNAL}/2"})
    sync.write([answer])
    assert chores.due() == []
    store.close()
    _, _, after_restart = machine.start()
    assert after_restart.due() == []


def test_what_was_forgotten_is_not_taken_in_again(machine: Machine) -> None:
    """A restored or empty node gets the facts again, from a peer that has not heard of the request yet."""
    vehicle = {"vehicle": "1", "plate": "12C12345", "country": "VN", "driver": {"name": "Nông Văn An"}}
    body, private = commit(declared_body(vehicles=[vehicle]), [NAME])
    late = Journal("gate-1.1")
    late.write(Draft("declared", subjects.declaration(NO), body, private))
    centre = Journal(CENTRE_JOURNAL)
    centre.write(Draft("forget", subjects.declaration(NO), dump(Forget(facts=["gate-1.1/1"]))))
    store, _, _ = machine.start()
    store.absorb(centre.sealed, centre.signed)
    store.absorb(late.sealed, late.signed)
    assert store.private("gate-1.1/1") == {}
    assert b"N\xc3\xb4ng" not in (machine.folder / "gate-2.db").read_bytes()


def test_only_the_centre_can_have_values_forgotten(machine: Machine) -> None:
    store, _, chores = machine.start()
    vehicle = {"vehicle": "1", "plate": "12C12345", "country": "VN", "driver": {"name": "Nông Văn An"}}
    body, private = commit(declared_body(vehicles=[vehicle]), [NAME])
    gate = Journal("gate-1.1")
    gate.write(Draft("declared", subjects.declaration(NO), body, private))
    gate.write(Draft("forget", subjects.declaration(NO), dump(Forget(facts=["gate-1.1/1"]))))
    store.absorb(gate.sealed, gate.signed)
    assert store.private("gate-1.1/1") == {NAME: "Nông Văn An"}
    assert chores.due() == []
