"""The whole site of the model test: what its people can write, and what must hold of it in the end."""

import asyncio
import itertools
import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
)

from shared import subjects
from shared.bodies import Forget, NodeEnrolled, NodeRevoked, OfficerEnrolled, OfficerRevoked, Recalled, dump
from shared.codes import Agency
from shared.declared import Declaration
from shared.facts import Draft, Fact, commit
from shared.journal import journal_id
from shared.node.declarations import DeclarationBook
from tests.builders import LICENCES, MORNING, PLATE, SITE, VEHICLE, declared_body, key, procedure
from tests.faults.model_site import CENTRE, Network, Process

GATES = ("gate-1", "gate-2", "yard-desk")
DECLARED = ("2026112300001", "2026112300002")
QUIET_S = 600
LOSSLESS_S = st.sampled_from([0.5, 1.5, 6.0])
ANY = st.integers(min_value=0, max_value=10_000)
AGENCIES = list(Agency)
WORDS_OF_THE_CENTRE = (
    "declare", "declare", "recall", "forget", "enrol_node", "revoke_node", "enrol_officer", "revoke_officer"
)  # fmt: skip
STEPS = [step for step in procedure("4.2").steps if any(isinstance(by, Agency) for by in step.confirm)]


class WholeSite(RuleBasedStateMachine):
    """Three gates, their clones and a centre; `teardown` heals the site and asks whether all agree."""

    late: str | None

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="barie-model-", dir=_quick_disk()))
        self.loop = asyncio.new_event_loop()
        self.network = Network()
        self.all: dict[str, Process] = {}
        self.written: set[tuple[str, int, str]] = set()
        self.backups: dict[str, Path] = {}
        self.lost: set[tuple[str, int, str]] = set()
        self.count = itertools.count(1)

    # -- what must hold

    def teardown(self) -> None:
        try:
            if self.all:
                self.settle()
                self.check()
        finally:
            for one in self.network.up.copy().values():
                one.stop()
            self.loop.close()
            shutil.rmtree(self.folder)

    def settle(self) -> None:
        """The site is healed; time passes until nothing changes any more, or for ten minutes at most."""
        if self.late:
            self.enrol_node(GATES.index(self.late))
        self.network.cuts.clear()
        for one in self.all.values():
            if not one.link.connected:
                self.do(now(one.link.come_up))
        for _ in range(QUIET_S // 10):
            self.do(self.network.pump(10, 1.0))
            if self.alike():
                return

    def alike(self) -> bool:
        first, *others = self.all.values()
        return all(one.facts() == first.facts() and not one.store.floors() for one in others)

    def check(self) -> None:
        first, *others = self.all.values()
        assert self.written <= first.facts(), "a fact that was acknowledged is lost"
        for one in self.all.values():
            assert one.store.floors() == {}, f"{one.name} lacks history"
            assert one.store.rows("SELECT source, reason FROM quarantine") == [], (
                f"{one.name} set something aside"
            )
            projected = one.projected()
            one.store.rebuild()
            assert one.projected() == projected, f"{one.name}: projections are not what the facts give"
        for one in others:
            assert one.facts() == first.facts(), f"{one.name} holds other facts than {first.name}"
            assert one.heads() == first.heads(), f"{one.name} has other heads than {first.name}"
            assert one.projected() == first.projected(), f"{one.name} shows other tables than {first.name}"
            assert one.private() == first.private(), (
                f"{one.name} holds other personal values than {first.name}"
            )
            decided = one.decisions()
            for about, decision in first.decisions().items():
                assert decided[about] == decision, f"{one.name} decides otherwise about {about}"

    # -- words

    @property
    def centre(self) -> Process:
        return self.all[CENTRE]

    def add(self, process: Process) -> None:
        self.all[process.name] = process

    def gate(self, which: int) -> Process:
        gates = [one for one in self.all.values() if one.node != CENTRE]
        return gates[which % len(gates)]

    def any_of(self, which: int) -> Process:
        everybody = list(self.all.values())
        return everybody[which % len(everybody)]

    def do(self, work: object) -> None:
        self.loop.run_until_complete(work)  # type: ignore[arg-type]

    def hand_over(self, flight: object) -> None:
        self.do(now(lambda: self.network.hand_over(flight)))  # type: ignore[arg-type]

    def tell(self, one: Process, draft: Draft) -> list[Fact]:
        """A node writes; what `append` gave back must never be lost."""
        facts = one.write(draft)
        self.written |= {(fact.journal, fact.seq, fact.hash) for fact in facts}
        self.do(one.work())
        return facts

    def lose_what_nobody_else_holds(self, gone: Process) -> None:
        """A disk dies: what was on no other disk is nobody's fault."""
        held = set().union(*(one.facts() for one in self.all.values() if one is not gone))
        self.lost = self.written - held
        self.written &= held

    def declaration(self, no: str, version: int, weight_kg: int) -> Draft:
        vehicle = {"vehicle": VEHICLE, "plate": PLATE, "country": "VN", "driver": {"name": "Nguyễn Văn A"}}
        body = declared_body(
            no=no, version=version, vehicles=[vehicle], goods=[{"name": "Nhãn", "weight_kg": weight_kg}]
        )
        body, private = commit(body, ["/vehicles/0/driver/name"], salt=f"{no}-{version}")
        Declaration.model_validate(body)
        return Draft("declared" if version == 1 else "amended", subjects.declaration(no), body, private)

    # -- what the centre says

    def enrol_node(self, which: int) -> None:
        gate = GATES[which % len(GATES)]
        places, agencies = LICENCES[gate]
        body = NodeEnrolled(
            node=gate,
            site=SITE,
            public_key=key(journal_id(gate)).public.text,
            places=list(places),
            agencies=list(agencies),
        )
        self.tell(self.centre, Draft("node_enrolled", subjects.node(gate), dump(body)))

    def revoke_node(self, which: int) -> None:
        gate = GATES[which % len(GATES)]
        heads = self.centre.store.heads()
        trusted = {journal: head.seq for journal, head in heads.items() if journal.startswith(f"{gate}.")}
        body = NodeRevoked(node=gate, trusted=trusted)
        self.tell(self.centre, Draft("node_revoked", subjects.node(gate), dump(body)))

    def enrol_officer(self, which: int) -> None:
        agency = AGENCIES[which % len(AGENCIES)]
        start = MORNING + timedelta(seconds=which // len(AGENCIES))
        body = OfficerEnrolled(
            officer=f"{agency}-1",
            agency=agency,
            site=SITE,
            valid_from=start,
            valid_until=start + timedelta(days=35),
        )
        self.tell(self.centre, Draft("officer_enrolled", subjects.officer(body.officer), dump(body)))

    def revoke_officer(self, which: int) -> None:
        at = MORNING + timedelta(seconds=900 + which % 1000)
        body = OfficerRevoked(officer=f"{AGENCIES[which % len(AGENCIES)]}-1", revoked_at=at)
        self.tell(self.centre, Draft("officer_revoked", subjects.officer(body.officer), dump(body)))

    def declare(self, which: int) -> None:
        no = DECLARED[which % len(DECLARED)]
        held = DeclarationBook(self.centre.store).find(no)
        version = held.body.version + 1 if held else 1
        self.tell(self.centre, self.declaration(no, version, 1000 * (1 + which % 2)))

    def recall(self, which: int) -> None:
        no = DECLARED[which % len(DECLARED)]
        self.tell(self.centre, Draft("recalled", subjects.declaration(no), dump(Recalled(no=no))))

    def forget(self, which: int) -> None:
        held = self.centre.store.of_kinds(["declared", "amended"])
        fact = held[which % len(held)]
        self.tell(self.centre, Draft("forget", fact.subject, dump(Forget(facts=[fact.ref]))))


async def now(action: object) -> None:
    """Something within the event loop, and whatever it sends."""
    action()  # type: ignore[operator]
    await asyncio.sleep(0)


def _quick_disk() -> Path | None:
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else None
