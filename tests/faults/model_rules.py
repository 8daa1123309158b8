"""What can happen to the site of the model test: people, network, clocks and disks, as rules that hypothesis strings together."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
)

from shared import subjects
from shared.bodies import Arrived, Confirmed, Passed, Refused, Withdrawn, dump
from shared.codes import Agency, Heading, Place
from shared.facts import Draft
from shared.node.declarations import DeclarationBook
from tests.builders import PLATE, SEEN, VEHICLE
from tests.faults.model_end import (
    AGENCIES,
    ANY,
    DECLARED,
    GATES,
    LOSSLESS_S,
    STEPS,
    WORDS_OF_THE_CENTRE,
    WholeSite,
    now,
)
from tests.faults.model_site import CENTRE, Process, pairs


class SiteModel(WholeSite):
    """Three gates and a centre; `teardown` heals the site and asks whether all agree."""

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
            self.do(now(link.come_up))

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
