"""Every state that confirmations can bring a vehicle into, at every step of every procedure in every reading.

Agencies confirm a step one after the other, each having seen all before it or nothing. An oracle of a few lines, over what the
steps say and over sets and prefixes instead of facts, tells what may be opened; `shared.decide` has to agree in every state.
Steps without an order are enumerated as sets, a fixed order as all sequences with all that was seen: these before earlier steps
that are all done or all missing, and every state of the earlier steps before nobody and all in order. The long form
(`scripts/long`) has every sequence in which each saw all before every state of the earlier steps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations, product
from random import Random

import pytest

from shared import history, judging, subjects
from shared.bodies import Body, Declaration, Passed, dump, read_body
from shared.codes import BARRIERS, YARD_GATES, Actor, Agency, Heading, Load, Place, Standing, Verdict
from shared.decide import Decision, decide
from shared.facts import Draft, Fact
from shared.known import Known
from shared.matter import matter_digest
from shared.procedures import Matter, Procedure, Queries, Step
from shared.reasons import Code
from shared.settings import HealthTick, Settings
from tests import builders
from tests.builders import BORDER_GUARD, HEALTH, NO, Site, node_at
from tests.shared.every_step import GOES_ON
from tests.shared.stepping import ASKED_FOR, NOON, V1, V2, declared

Seen = tuple[tuple[Agency, bool], ...]
"""Who confirmed a step, in this order, and whether having seen all before."""
State = Mapping[str, Seen]
"""That of every step, by clause."""
Way = tuple[str, Agency, Seen]
"""An agency that is waited for at a step, and what was confirmed of it."""

LACKING = {
    Code.CONFIRMATION_MISSING,
    Code.OUT_OF_ORDER,
    Code.EARLIER_STEP_MISSING,
    Code.FEE_NOT_CONFIRMED,
}


@pytest.fixture(autouse=True)
def _the_same_facts_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are judged in thousands of states: reading bodies and taking digests would be most of the time."""
    bodies: dict[str, Body] = {}
    digests: dict[tuple[int, str, tuple[Matter, ...]], str] = {}

    def read_once(fact: Fact) -> Body:
        if fact.hash not in bodies:
            bodies[fact.hash] = read_body(fact)
        return bodies[fact.hash]

    def digest_once(declaration: Declaration, vehicle: str, of: tuple[Matter, ...]) -> str:
        about = (declaration.version, vehicle, of)
        if about not in digests:
            digests[about] = matter_digest(declaration, vehicle, of)
        return digests[about]

    monkeypatch.setattr(history, "read_body", read_once)
    monkeypatch.setattr(judging, "matter_digest", digest_once)


@dataclass
class Trip:
    """A vehicle on its way through a procedure; the facts of any state, and the decision there."""

    procedure: Procedure
    load: Load
    site: Site
    written: dict[tuple[str, Seen], Fact] = field(default_factory=dict)

    @classmethod
    def of(cls, khoan: str, load: Load, *, after: str | None = None, requests: bool = False) -> "Trip":
        """A declaration by the khoản, or by `after`, which the khoản continues."""
        found = builders.procedure(khoan)
        if after is not None:
            found = found.continuing(builders.procedure(after))
        quarantine = ASKED_FOR if requests else {}
        site = declared(after or khoan, transfer=load is not Load.OWN, quarantine=quarantine)
        site.procedure = found
        return cls(found, load, site)

    def __post_init__(self) -> None:
        self.known = Known(self.site.authority())
        self.declaration = self.site.declaration
        self.vehicle = V2 if self.load is Load.RECEIVES else V1

    @property
    def steps(self) -> list[Step]:
        """Those that are for the vehicle, or for the one whose goods it took over, without the declarant's."""
        return [one for one in self.procedure.steps if Actor.DECLARANT not in one.confirm]

    def facts(self, state: State) -> list[Fact]:
        """What was written down on the way to a state."""
        given = (
            self._fact(clause, given[:count])
            for clause, given in state.items()
            for count in range(1, len(given) + 1)
        )
        return [self.site.declared, *given]

    def _fact(self, clause: str, given: Seen) -> Fact:
        """The last of some confirmations of a step."""
        if (clause, given) not in self.written:
            (by, saw_all), before = given[-1], range(1, len(given))
            saw = [self._fact(clause, given[:count]) for count in before] if saw_all else []
            self.written[clause, given] = self.site.confirm(clause, by, saw=saw, vehicle=self.whose(clause))
        return self.written[clause, given]

    def whose(self, clause: str) -> str:
        """The vehicle that a step is for: goods that were taken over came in on another."""
        return self.vehicle if self.load in self.site.step(clause).loads else V1

    def passage(self, place: Place, heading: Heading) -> Fact:
        """The vehicle goes through the open boom."""
        where = {"place": place, "heading": heading, "lane": "l1", "passage": "gate-1.1/1"}
        body = Passed(**where, declaration=NO, vehicle=self.vehicle)
        return self.site.tell(node_at(place), Draft("passed", subjects.vehicle(NO, self.vehicle), dump(body)))

    def ask(self, step: Step, facts: Sequence[Fact], settings: Settings) -> Decision:
        """The decision before a step."""
        at = (step.place, step.heading or Heading.IN)
        return decide(self.procedure, self.declaration, self.vehicle, facts, self.known, settings, *at, NOON)


# -- the oracle


@dataclass(frozen=True)
class Oracle:
    """What may be opened, by what the steps say."""

    trip: Trip
    settings: Settings

    def opens(self, step: Step, state: State) -> bool:
        """Whether nobody is missing before a step."""
        done = self.own(step, state) and self.paid(step, state)
        if step.queries is Queries.EARLIER_STATES:
            done = done and all(self.own(one, state) for one in self.binding(step))
        return done

    def own(self, step: Step, state: State) -> bool:
        """Whether everybody has confirmed a step, in the order that is fixed."""
        given = state.get(step.clause, ())
        if step.confirm_one_of:
            return any(by in step.confirm_one_of for by, _ in given)
        asked = self.asked(step)
        return set(self.kept(asked, given) if step.ordered else [by for by, _ in given]) >= set(asked)

    def asked(self, step: Step) -> list[Agency]:
        """Who confirms a step of this declaration."""
        declaration = self.trip.declaration
        told = [
            *step.in_reading(self.settings.readings.get(step.clause)).confirm,
            *(step.confirm_if_transfer if declaration.transfers else ()),
            *(one for one in step.confirm_if_required if declaration.quarantine.requires(one)),
        ]
        return [one for one in told if isinstance(one, Agency)]

    def kept(self, printed: Sequence[Agency], given: Seen) -> list[Agency]:
        """Who came when all printed before had come and was seen; health's tick may have come at any time before."""
        free = HEALTH if self.settings.health_tick is HealthTick.MAY_COME_EARLIER else None
        came, kept = [by for by, _ in given], []
        for at, one in enumerate(printed):
            before = {by for by in printed[:at] if by is not free or one is BORDER_GUARD}
            seen = (one, True) in given and before <= set(kept) & set(came[: came.index(one)])
            if seen or (one in came and (one is free or not before)):
                kept.append(one)
        return kept

    def binding(self, step: Step) -> Iterator[Step]:
        """The earlier steps that hold a vehicle back where the cameras query them."""
        bound = {Standing.TEXT, Standing.AMBIGUOUS} | (
            {Standing.INFERRED} if self.settings.inferred_steps_bind else set()
        )
        for one in self.trip.procedure.before(step):
            concerned = self.trip.load in one.loads or self.trip.load is Load.RECEIVES
            if concerned and one.place not in YARD_GATES and one.standing in bound and self.asked(one):
                yield one

    def paid(self, step: Step, state: State) -> bool:
        """Whether the fee is confirmed, where this step asks for it."""
        if self.trip.procedure.fee_step(self.settings) != step.clause:
            return True
        return all(self.own(one, state) for one in self.trip.steps if one.confirm_one_of)


# -- the states


def subsets(oracle: Oracle, step: Step) -> Iterator[Seen]:
    """Everybody who may have confirmed a step where no order is fixed; of a fee's collectors one."""
    here = agencies(oracle, step)
    for count in range(2 if step.confirm_one_of else len(here) + 1):
        for some in combinations(here, count):
            yield tuple((one, False) for one in some)


def sequences(agencies: Sequence[Agency], *, all_seen: bool) -> Iterator[Seen]:
    """Every order in which some or all may have confirmed, and what each may have seen."""
    for count in range(len(agencies) + 1):
        for some in permutations(agencies, count):
            for saw in [(True,) * count] if all_seen else product((True, False), repeat=count):
                yield tuple(zip(some, saw, strict=True))


def states(oracle: Oracle, step: Step, *, whole: bool) -> Iterator[State]:
    """The states before a step; see the module."""
    fee = [one for one in oracle.trip.steps if one.confirm_one_of]
    before = [one for one in (*oracle.trip.procedure.before(step), *fee) if agencies(oracle, one)]
    others = {one.clause: list(subsets(oracle, one)) for one in before if one is not step}
    nobody, all_ = ({clause: some[end] for clause, some in others.items()} for end in (0, -1))
    here = agencies(oracle, step)
    ends = [(), tuple((one, True) for one in here)]
    own = list(sequences(here, all_seen=True)) if whole and step.ordered else ends
    for some in product(*others.values()):
        yield from ({**dict(zip(others, some, strict=True)), step.clause: now} for now in own)
    for now in sequences(here, all_seen=False) if step.ordered else subsets(oracle, step):
        yield from ({**done, step.clause: now} for done in (nobody, all_))


def agencies(oracle: Oracle, step: Step) -> list[Agency]:
    """Who can confirm a step: whoever is asked, or one of the collectors."""
    return [*oracle.asked(step), *step.confirm_one_of]


def all_settings(found: Procedure) -> Iterator[Settings]:
    """Every way in which what the text leaves open can be set for a procedure, of settings that do not meet one at a time."""
    open_ = {one.clause: [*one.readings] for one in found.steps if one.readings}
    ordered = any(one.ordered and HEALTH in one.confirm for one in found.steps)
    ticks = [HealthTick.PRINTED_PLACE] if ordered else []
    fees = [{found.procedure: one} for one in found.fee_before.may_be] if found.fee_before else [{}]
    for names in product(*open_.values()):
        readings = dict(zip(open_, names, strict=True))
        yield from (Settings(fee_before=fee, readings=readings) for fee in fees)
        yield from (Settings(health_tick=tick, readings=readings) for tick in ticks)
    if any(one.queries is Queries.EARLIER_STATES for one in found.steps):
        yield Settings(inferred_steps_bind=True)


TRIPS = [
    *((khoan, load, None, False) for khoan in ("4.2", "4.3", "5.2", "5.3") for load in Load),
    *(
        (khoan, Load.OWN, None, False)
        for khoan in ("6.1", "6.2", "6.4", "6.5", "6.6", "6.7", "7.1", "7.2", "7.4")
    ),
    *((then, Load.OWN, first, False) for first, then in GOES_ON),
    ("7.3", Load.DELIVERS, "5.2", False),
    ("6.3", Load.DELIVERS, "4.2", False),
    *((khoan, Load.OWN, None, True) for khoan in ("6.6", "7.2")),
]
"""Khoản, load, the khoản that it continues, whether quarantines were asked for."""

each_trip = pytest.mark.parametrize(("khoan", "load", "after", "requests"), TRIPS)


@each_trip
def test_in_every_state_only_what_the_steps_allow_is_opened_and_every_wait_has_a_way_on(
    khoan: str, load: Load, after: str | None, requests: bool
) -> None:
    walk(Trip.of(khoan, load, after=after, requests=requests), whole=False)


@pytest.mark.long
@each_trip
def test_nor_in_any_other_state(khoan: str, load: Load, after: str | None, requests: bool) -> None:
    walk(Trip.of(khoan, load, after=after, requests=requests), whole=True)


def walk(trip: Trip, *, whole: bool) -> None:
    for settings in all_settings(trip.procedure):
        oracle = Oracle(trip, settings)
        for step in (one for one in trip.steps if trip.load in one.loads):
            ways: set[Way] = set()
            for state in states(oracle, step, whole=whole):
                decision = trip.ask(step, trip.facts(state), settings)
                agrees(decision, step, oracle.opens(step, state))
                if decision.verdict is Verdict.WAIT:
                    has_a_way_on(trip, decision, step, state, settings, ways)


def agrees(decision: Decision, step: Step, may_open: bool) -> None:
    if step.standing is Standing.UNKNOWN:
        assert decision.verdict is Verdict.UNKNOWN
    else:
        assert decision.verdict is (Verdict.OPEN if may_open else Verdict.WAIT)
    assert (decision.verdict is Verdict.WAIT) is bool(decision.waits_for)
    assert decision.automatic is (step.place in YARD_GATES and decision.verdict is Verdict.OPEN)


def missing(decision: Decision) -> int:
    """How many confirmations are still lacking; of a fee's collectors one is."""
    return sum(
        1 if one.code is not Code.EARLIER_STEP_MISSING else len(one.values["agencies"].split(", "))
        for one in decision.reasons
        if one.code in LACKING
    )


def has_a_way_on(
    trip: Trip, decision: Decision, step: Step, state: State, settings: Settings, known: set[Way]
) -> None:
    """Whoever is waited for brings the vehicle nearer by confirming, until nobody is: so the way ends in OPEN.

    It is tried once for what was confirmed of the step that is waited for.
    """
    where = {
        agency: reason.clause or ""
        for reason in reversed(decision.reasons)
        if reason.code in (Code.EARLIER_STEP_MISSING, Code.FEE_NOT_CONFIRMED)
        for agency in reason.values["agencies"].split(", ")
    }
    for agency in decision.waits_for:
        clause = where.get(agency, step.clause)
        given = state.get(clause, ())
        if (clause, agency, given) not in known:
            after = {**state, clause: (*given, (agency, True))}
            then = trip.ask(step, trip.facts(after), settings)
            assert missing(then) < missing(decision), (agency, state)
            assert (then.verdict is Verdict.OPEN) is (missing(then) == 0)
        known.add((clause, agency, given))


# -- passages, and the order of arrival


@each_trip
def test_whatever_was_confirmed_a_vehicle_passes_a_step_once_and_may_come_back_at_a_barrier(
    khoan: str, load: Load, after: str | None, requests: bool
) -> None:
    trip = Trip.of(khoan, load, after=after, requests=requests)
    for step in (one for one in trip.steps if load in one.loads and one.heading is not None):
        heading = step.heading or Heading.IN
        passed, back = trip.passage(step.place, heading), trip.passage(step.place, heading.opposite)
        oracle = Oracle(trip, Settings())
        for state in states(oracle, step, whole=False):
            facts = trip.facts(state)
            once = trip.ask(step, [*facts, passed], Settings())
            if step.standing is not Standing.UNKNOWN:
                assert (once.verdict, once.automatic) == (Verdict.REFUSE, False)
            again = trip.ask(step, [*facts, passed, back], Settings())
            came_back = Code.ALREADY_PASSED not in {reason.code for reason in again.reasons}
            assert came_back is (step.place in BARRIERS or step.standing is Standing.UNKNOWN)


@each_trip
def test_no_answer_depends_on_the_order_in_which_facts_arrived(
    khoan: str, load: Load, after: str | None, requests: bool
) -> None:
    trip, chance = Trip.of(khoan, load, after=after, requests=requests), Random(7)
    for step in (one for one in trip.steps if load in one.loads):
        all_ = list(states(Oracle(trip, Settings()), step, whole=False))
        for state in chance.sample(all_, min(40, len(all_))):
            facts = trip.facts(state)
            expected = trip.ask(step, facts, Settings())
            shuffled = chance.sample([*facts, *facts], 2 * len(facts))
            assert trip.ask(step, shuffled, Settings()) == expected
