"""A site that everything happens to: whatever is lost, repeated, reordered, cut, restored or cloned, all nodes end up alike."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared import subjects
from shared.bodies import (
    Arrived,
    Confirmed,
    Declaration,
    Forget,
    NodeEnrolled,
    NodeRevoked,
    OfficerEnrolled,
    OfficerRevoked,
    Passed,
    Recalled,
    Refused,
    Withdrawn,
    dump,
)
from shared.codes import Agency, Heading, Place
from shared.facts import Draft, Fact, commit
from shared.journal import journal_id
from shared.node import beginning, own, sync
from shared.node.declarations import DeclarationBook
from tests.builders import LICENCES, MORNING, PLATE, SEEN, SITE, VEHICLE, declared_body, key, procedure
from tests.faults.model_site import CENTRE, Network, Process, pairs

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


class SiteModel(RuleBasedStateMachine):
    """Three gates and a centre; `teardown` heals the site and asks whether all agree."""

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

    # -- rules: the site

    @initialize(late=st.sampled_from(GATES))
    def site(self, late: str) -> None:
        """All start empty; one gate is enrolled later."""
        self.late: str | None = late
        for name in (CENTRE, *GATES):
            self.add(Process(name, name, self.folder / name, self.network))
            self.do(self.all[name].start(asks_first=False))
        for number, gate in enumerate(GATES):
            if gate != late:
                self.enrol_node(number)
        for number in range(len(AGENCIES)):
            self.enrol_officer(number)
        self.tell(self.centre, self.declaration(DECLARED[0], 1, 0))

    @precondition(lambda self: self.late)
    @rule()
    def enrol_late(self) -> None:
        assert self.late is not None
        self.enrol_node(GATES.index(self.late))
        self.late = None

    @rule(what=st.sampled_from(WORDS_OF_THE_CENTRE), which=ANY)
    def centre_says(self, what: str, which: int) -> None:
        getattr(self, what)(which)

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

    @rule()
    def make_checkpoint(self) -> None:
        async def make() -> None:
            self.centre.checkpoint()

        self.do(make())

    # -- rules: the gates

    @rule(which=ANY, no=st.sampled_from(DECLARED), step=ANY, officer=ANY)
    def confirm(self, which: int, no: str, step: int, officer: int) -> None:
        gate, chosen = self.gate(which), STEPS[step % len(STEPS)]
        declared = DeclarationBook(gate.store).find(no)
        if declared is None:
            return
        agencies = [by for by in chosen.confirm if isinstance(by, Agency)]
        by = agencies[officer % len(agencies)]
        subject = subjects.vehicle(no, VEHICLE)
        body = Confirmed(
            step=chosen.clause, place=chosen.place, heading=chosen.heading, declaration=no, vehicle=VEHICLE,
            by=by, officer=f"{by}-1", declared=declared.ref, decision=SEEN,
            saw=sorted({f.ref for f in gate.store.about(subject) if f.kind in ("confirmed", "refused")}),
        )  # fmt: skip
        self.tell(gate, Draft("confirmed", subject, dump(body)))

    @rule(which=ANY, given=ANY)
    def withdraw(self, which: int, given: int) -> None:
        gate = self.gate(which)
        confirmations = sorted(gate.store.of_kinds(["confirmed"]), key=lambda fact: fact.hash)
        if not confirmations:
            return
        taken = confirmations[given % len(confirmations)]
        by = Agency(taken.body["by"])
        body = Withdrawn(confirmation=taken.ref, officer=f"{by}-1", agency=by, reason="nhầm xe")
        self.tell(gate, Draft("withdrawn", taken.subject, dump(body)))

    @rule(which=ANY, no=st.sampled_from(DECLARED), refuses=st.booleans(), last=st.booleans())
    def drive(self, which: int, no: str, *, refuses: bool, last: bool) -> None:
        gate = self.gate(which)
        place, heading = (
            (Place.BARRIER_2, Heading.IN) if gate.node != "gate-1" else (Place.BARRIER_1, Heading.OUT)
        )
        lane = subjects.lane(gate.node, "l1")
        (arrived,) = self.tell(
            gate, Draft("arrived", lane, dump(Arrived(place=place, heading=heading, lane="l1")))
        )
        at = {"passage": arrived.ref, "place": place, "heading": heading, "lane": "l1", "declaration": no}
        if refuses:
            by = Agency.BORDER_GUARD
            body = Refused(**at, vehicle=VEHICLE, officer=f"{by}-1", agency=by, reason="thiếu giấy tờ")
            self.tell(gate, Draft("refused", subjects.vehicle(no, VEHICLE), dump(body)))
        else:
            passed = Passed(**at, vehicle=VEHICLE, plate=PLATE, last_step=last)
            self.tell(gate, Draft("passed", subjects.vehicle(no, VEHICLE), dump(passed)))

    # -- rules: the network

    @rule(which=ANY)
    def deliver(self, which: int) -> None:
        if self.network.flights:
            self.hand_over(self.network.flights.pop(which % len(self.network.flights)))

    @rule(which=ANY)
    def repeat(self, which: int) -> None:
        if self.network.flights:
            self.hand_over(self.network.flights[which % len(self.network.flights)])

    @rule(which=ANY, many=st.integers(1, 20))
    def lose(self, which: int, many: int) -> None:
        start = which % max(1, len(self.network.flights))
        del self.network.flights[start : start + many]

    @rule(order=st.randoms(use_true_random=False))
    def shuffle(self, order: object) -> None:
        order.shuffle(self.network.flights)  # type: ignore[attr-defined]

    @rule(which=ANY)
    def cut(self, which: int) -> None:
        choice = pairs(self.network.up)
        self.network.cuts.add(choice[which % len(choice)])

    @rule(which=ANY)
    def cut_off(self, which: int) -> None:
        alone = self.any_of(which).name
        self.network.cuts |= {pair for pair in pairs(self.network.up) if alone in pair}

    @rule()
    def heal(self) -> None:
        self.network.cuts.clear()

    @rule(which=ANY, down=st.booleans())
    def connect(self, which: int, *, down: bool) -> None:
        link = self.any_of(which).link
        if down:
            link.go_down()
        elif not link.connected:
            self.do(_now(link.come_up))

    @rule(seconds=LOSSLESS_S)
    def time_passes(self, seconds: float) -> None:
        self.do(self.network.pump(seconds))

    @rule(which=ANY, seconds=LOSSLESS_S)
    def work(self, which: int, seconds: float) -> None:
        self.network.now_s += seconds
        self.do(self.any_of(which).work())

    # -- rules: PCs, clocks and disks

    @rule(which=ANY, hours=st.sampled_from([-1, 0, 1]), dead=st.booleans())
    def set_clock(self, which: int, hours: int, *, dead: bool) -> None:
        one = self.any_of(which)
        one.offset = timedelta(hours=hours)
        one.battery_dead_at_s = self.network.now_s if dead else None

    @rule(which=ANY)
    def restart(self, which: int) -> None:
        one = self.any_of(which)
        one.stop()
        self.do(one.start())

    @rule(which=ANY, asks_first=st.booleans())
    def new_disk(self, which: int, *, asks_first: bool) -> None:
        one = self.gate(which)
        one.stop()
        self.lose_what_nobody_else_holds(one)
        one.new_disk()
        self.backups.pop(one.name, None)
        self.do(one.start(asks_first=asks_first))

    @rule(which=ANY)
    def back_up(self, which: int) -> None:
        one = self.gate(which)
        one.stop()
        folder = self.folder / f"backup-{next(self.count)}"
        one.copy_disk(folder, marker=False)
        self.backups[one.name] = folder
        self.do(one.start())

    @precondition(lambda self: self.backups)
    @rule(which=ANY)
    def restore(self, which: int) -> None:
        names = sorted(self.backups)
        one = self.all[names[which % len(names)]]
        one.stop()
        self.lose_what_nobody_else_holds(one)
        one.put_disk(self.backups[one.name])
        self.do(one.start())
        self.written |= {fact for fact in one.facts() if fact in self.lost}

    @precondition(lambda self: len(self.all) < 5)
    @rule(which=ANY, marker=st.booleans())
    def clone(self, which: int, *, marker: bool) -> None:
        one = self.gate(which)
        one.stop()
        twin = Process(f"{one.name}-twin", one.node, self.folder / f"{one.name}-twin", self.network)
        one.copy_disk(twin.folder, marker=marker)
        self.do(one.start())
        self.add(twin)
        self.do(twin.start())

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
            self.enrol_late()
        self.network.cuts.clear()
        for one in self.all.values():
            if not one.link.connected:
                self.do(_now(one.link.come_up))
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
        self.do(_now(lambda: self.network.hand_over(flight)))  # type: ignore[arg-type]

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


async def _now(action: object) -> None:
    """Something within the event loop, and whatever it sends."""
    action()  # type: ignore[operator]
    await asyncio.sleep(0)


def _quick_disk() -> Path | None:
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else None


@contextmanager
def repeatable() -> Iterator[None]:
    """Nothing is left to chance but what hypothesis draws; a checkpoint is worth it sooner."""
    drawn = itertools.count()

    class Secrets:
        @staticmethod
        def randbelow(most: int) -> int:
            return next(drawn) % most

    with (
        patch.object(own, "secrets", Secrets),
        patch.object(sync, "TICK_S", 0.0),
        patch.object(beginning, "LEAP", 6),
    ):
        yield


def run(examples: int, steps: int, *, derandomize: bool) -> None:
    checked = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=derandomize,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    with repeatable():
        run_state_machine_as_test(SiteModel, settings=checked)


def test_whatever_happens_to_a_site_all_nodes_end_up_alike_and_nothing_is_lost() -> None:
    run(25, 40, derandomize=True)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_whatever_happens_to_a_site_for_long_all_nodes_end_up_alike_and_nothing_is_lost() -> None:
    run(1000, 80, derandomize=False)


STORIES: dict[str, Callable[[SiteModel], None]] = {}
"""What went wrong once, or could have: told by hand, since chance seldom comes upon it."""


def story(told: Callable[[SiteModel], None]) -> Callable[[SiteModel], None]:
    """One of the stories."""
    STORIES[told.__name__] = told
    return told


def three_passages(site: SiteModel, which: int) -> None:
    for number in range(3):
        site.drive(which=which, no=DECLARED[0], refuses=number == 1, last=False)
    site.confirm(which=which, no=DECLARED[0], step=0, officer=which)


@story
def a_gate_that_lost_its_disk_writes_where_nobody_hears_it(site: SiteModel) -> None:
    three_passages(site, 0)
    site.time_passes(seconds=6.0)
    site.restart(which=1)
    site.restart(which=1)
    site.time_passes(seconds=6.0)
    site.cut_off(which=1)
    site.new_disk(which=0, asks_first=True)
    three_passages(site, 0)
    site.network.flights.clear()


@story
def two_clones_that_do_not_hear_each_other_go_on_and_meet(site: SiteModel) -> None:
    site.time_passes(seconds=6.0)
    three_passages(site, 0)
    site.clone(which=0, marker=True)
    site.cut_off(which=1)
    three_passages(site, 0)
    three_passages(site, 3)
    site.withdraw(which=3, given=0)


@story
def a_gate_begins_from_a_checkpoint_of_a_forked_journal(site: SiteModel) -> None:
    two_clones_that_do_not_hear_each_other_go_on_and_meet(site)
    site.heal()
    site.time_passes(seconds=6.0)
    site.make_checkpoint()
    site.new_disk(which=1, asks_first=True)
    three_passages(site, 1)


@story
def a_new_disk_is_written_before_the_checkpoint_comes(site: SiteModel) -> None:
    three_passages(site, 0)
    three_passages(site, 0)
    site.time_passes(seconds=6.0)
    site.make_checkpoint()
    site.time_passes(seconds=6.0)
    site.cut_off(which=1)
    site.new_disk(which=0, asks_first=False)
    site.drive(which=0, no=DECLARED[0], refuses=False, last=False)
    site.drive(which=0, no=DECLARED[0], refuses=True, last=False)


@story
def a_backup_is_put_back_where_nobody_can_be_asked(site: SiteModel) -> None:
    site.time_passes(seconds=6.0)
    site.back_up(which=0)
    three_passages(site, 0)
    site.time_passes(seconds=6.0)
    site.cut_off(which=1)
    site.restore(which=0)
    three_passages(site, 0)


@story
def a_gate_far_behind_leaps_over_a_history_that_another_has_forked(site: SiteModel) -> None:
    site.time_passes(seconds=6.0)
    site.clone(which=0, marker=True)
    site.cut_off(which=4)
    three_passages(site, 3)
    three_passages(site, 0)
    site.time_passes(seconds=6.0)
    site.make_checkpoint()
    for number in range(6):
        site.declare(number)
    site.make_checkpoint()


@story
def a_gate_with_a_dead_battery_loses_its_disk(site: SiteModel) -> None:
    three_passages(site, 0)
    site.time_passes(seconds=6.0)
    site.set_clock(which=1, hours=0, dead=True)
    site.new_disk(which=0, asks_first=True)
    site.cut_off(which=1)
    three_passages(site, 0)
    site.restart(which=1)
    three_passages(site, 0)


@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_well(name: str) -> None:
    with repeatable():
        site = SiteModel()
        site.site(late="yard-desk")
        STORIES[name](site)
        site.teardown()
