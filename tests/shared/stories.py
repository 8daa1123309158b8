"""Whatever may happen to a declaration, drawn by hypothesis: who confirms what, rightly or not, takes it back, amends, passes.

A story is a list of events, each a few numbers that pick from what is there; `tell` writes it down at a site.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from shared import subjects
from shared.bodies import GpsReported, Passed, Refused, TurnedBack, Withdrawn, YardReported, dump
from shared.codes import Actor, Agency, Heading, Load, Place, Verdict
from shared.decide import Decision, decide
from shared.facts import Draft, Fact
from shared.journal import centre_node
from shared.known import Known
from shared.procedures import Step
from shared.reasons import Code
from shared.settings import HealthTick, Settings
from tests.builders import LICENCES, MORNING, NO, SITE, Site, node_at
from tests.shared.stepping import ASKED_FOR, NOON, declared

VEHICLES = ("v1", "v2", "v3")
AT = [
    *((place, heading) for place in (Place.BARRIER_1, Place.BARRIER_2) for heading in Heading),
    (Place.YARD_IN, Heading.IN),
    (Place.YARD_OUT, Heading.OUT),
    (Place.YARD, Heading.IN),
    (Place.ONLINE, Heading.IN),
]
WRONG = (None, None, None, "place", "officer", "node", "values", "failed", "stranger")
"""What may be wrong with a confirmation; mostly nothing."""
NEVER_ENROLLED = "nobody-1"


@dataclass(frozen=True)
class Event:
    """Something that happens. `pick`, `other`: which of those that it may concern."""

    kind: str
    vehicle: int
    pick: int
    other: int
    wrong: str | None
    saw_all: bool


@dataclass(frozen=True)
class Opening:
    """How a story begins: the khoản, who carries the goods, what was asked for, whose enrolments come late or never."""

    khoan: str
    vehicles: int
    transfer: bool
    requests: bool
    late: frozenset[str]
    settings: Settings


openings = st.builds(
    Opening,
    st.sampled_from(["4.2", "4.3", "5.2", "5.3", "6.4", "6.6", "7.2", "7.4"]),
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
    st.frozensets(st.sampled_from([*LICENCES, *Agency]), max_size=2),
    st.builds(
        Settings,
        health_tick=st.sampled_from(HealthTick),
        inferred_steps_bind=st.booleans(),
        readings=st.fixed_dictionaries({"4.3.e": st.sampled_from(["literal", "wide"])}),
    ),
)
KINDS = (
    ("confirm",) * 4
    + ("in_turn",) * 10
    + ("withdraw", "refuse", "amend", "pass", "pass", "turn_back", "yard", "gps", "enrol")
)
events = st.builds(
    Event,
    st.sampled_from(KINDS),
    st.integers(0, 2),
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from(WRONG),
    st.booleans(),
)


@dataclass
class Story:
    """What was told of one declaration, and the decisions on it."""

    opening: Opening
    site: Site
    late: list[str] = field(default_factory=list)
    good: dict[str, Event] = field(default_factory=dict)
    """Confirmations with which nothing was wrong when they were given, by reference."""

    @property
    def vehicles(self) -> Sequence[str]:
        """The declared vehicles."""
        return VEHICLES[: self.opening.vehicles]

    @property
    def steps(self) -> Sequence[Step]:
        """Those that are not the declarant's."""
        return [one for one in self.site.procedure.steps if Actor.DECLARANT not in one.confirm]

    @property
    def facts(self) -> list[Fact]:
        """All that was told."""
        return self.site.facts

    def decide(
        self,
        vehicle: str,
        at: tuple[Place, Heading],
        facts: Sequence[Fact] | None = None,
        known: Known | None = None,
    ) -> Decision:
        """The decision from these facts, all that were told where none are named."""
        return decide(
            self.site.procedure,
            self.site.declaration,
            vehicle,
            self.facts if facts is None else facts,
            known or Known(self.site.authority()),
            self.opening.settings,
            *at,
            NOON,
        )

    def answers(
        self, facts: Sequence[Fact] | None = None, known: Known | None = None
    ) -> dict[tuple[str, Place, Heading], Decision]:
        """The decisions on all vehicles at all places."""
        known = known or Known(self.site.authority())
        return {(one, *at): self.decide(one, at, facts, known) for one in self.vehicles for at in AT}

    def go_on(self, happened: Sequence[Event]) -> None:
        """Writes down what happens next."""
        for one in happened:
            _TOLD[one.kind](self, one)

    def opened(self) -> set[tuple[str, Place, Heading]]:
        """Where which vehicle may pass."""
        return {at for at, decision in self.answers().items() if decision.verdict is Verdict.OPEN}


def tell(opening: Opening, happened: Sequence[Event]) -> Story:
    """Writes a story down."""
    story = Story(opening, _declared(opening), sorted(opening.late))
    story.go_on(happened)
    return story


def stories(*, least: int = 5, most: int = 14) -> st.SearchStrategy[Story]:
    """Stories of any khoản, of so many events."""
    return st.builds(tell, openings, st.lists(events, min_size=least, max_size=most))


def _declared(opening: Opening) -> Site:
    site = declared(opening.khoan, quarantine=ASKED_FOR if opening.requests else {}, enrolled=False)
    first = site.body["vehicles"][0]
    others = [
        {**first, "vehicle": name, "plate": f"12C1234{name[1]}"} for name in VEHICLES[1 : opening.vehicles]
    ]
    if opening.transfer:
        others = [{**one, "receives_from": "v1"} for one in others]
    site.amend(vehicles=[first, *others])
    for name in (*LICENCES, *Agency):
        if name not in opening.late:
            _enrol(site, name)
    return site


def _enrol(site: Site, name: str) -> None:
    if name in LICENCES:
        site.license(name)
    else:
        site.enrol(Agency(name))


def _confirm(story: Story, one: Event) -> None:
    """An agency, maybe not one that the step names, confirms a step, maybe wrongly."""
    step = story.steps[one.pick % len(story.steps)]
    named = sorted(step.agencies())
    by = named[one.other % len(named)] if named and one.other < 8 else list(Agency)[one.other % 8]
    _write(story, one, step, by)


def _in_turn(story: Story, one: Event) -> None:
    """Whoever is waited for before some step, there or at an earlier one, confirms; the next one then, and so on."""
    vehicle, steps = story.vehicles[one.vehicle % len(story.vehicles)], story.steps
    before = steps[one.pick % len(steps)]
    at = (before.place, before.heading or Heading.IN)
    for turn in range(one.other):
        decision = story.decide(vehicle, at)
        if not decision.waits_for or decision.step is None:
            return
        by = decision.waits_for[turn % len(decision.waits_for)]
        earlier = (
            reason.clause
            for reason in decision.reasons
            if reason.code in (Code.EARLIER_STEP_MISSING, Code.FEE_NOT_CONFIRMED)
            and by in reason.values["agencies"].split(", ")
        )
        step = story.site.step(next(earlier, None) or decision.step.clause)
        _write(story, replace(one, wrong=one.wrong if turn == one.other - 1 else None), step, by)


def _write(story: Story, one: Event, step: Step, by: Agency) -> None:
    vehicle = story.vehicles[one.vehicle % len(story.vehicles)]
    before = [fact for fact in story.facts if fact.kind in ("confirmed", "refused")]
    wrong: Mapping[str | None, Mapping[str, Any]] = {
        "place": {"place": Place.YARD if step.place is not Place.YARD else Place.BARRIER_1},
        "officer": {"officer": f"{Agency.TAX if by is not Agency.TAX else Agency.CUSTOMS}-1"},
        "node": {"node": "yard-gate"},
        "values": {"values": {}},
        "failed": {"values": {**story.site.owed(step, by), "result": "failed"}},
        "stranger": {"officer": NEVER_ENROLLED},
    }
    saw = before if one.saw_all else before[: one.other % 3]
    fact = story.site.confirm(step.clause, by, saw=saw, vehicle=vehicle, **wrong.get(one.wrong, {}))
    if one.wrong in (None, "values", "failed"):
        story.good[fact.ref] = one


def _withdraw(story: Story, one: Event) -> None:
    given = [fact for fact in story.facts if fact.kind == "confirmed"]
    if given:
        fact = given[one.pick % len(given)]
        withdraw(story, fact, Agency(fact.body["by"]) if one.wrong is None else list(Agency)[one.other % 8])


def withdraw(story: Story, given: Fact, by: Agency) -> Fact:
    """An officer of an agency takes a confirmation back, where it was given."""
    body = Withdrawn(confirmation=given.ref, officer=f"{by}-1", agency=by, reason="nhầm xe")
    return story.site.tell(node_at(Place(given.body["place"])), Draft("withdrawn", given.subject, dump(body)))


def _refuse(story: Story, one: Event) -> None:
    refuse(story, one, list(Agency)[one.other % 8])


def refuse(story: Story, one: Event, by: Agency) -> Fact:
    """An officer sends a vehicle back."""
    body = Refused(**_lane(story, one), officer=f"{by}-1", agency=by, reason="thiếu giấy tờ", declaration=NO)
    return _of_vehicle(story, one, "refused", body)


def _pass(story: Story, one: Event) -> None:
    step = story.site.procedure.at(*AT[one.pick % 6], Load.OWN)
    clause = step.clause if step is not None else None
    _of_vehicle(story, one, "passed", Passed(**_lane(story, one), declaration=NO, step=clause))


def _turn_back(story: Story, one: Event) -> None:
    _of_vehicle(story, one, "turned_back", TurnedBack(**_lane(story, one), declaration=NO))


def _yard(story: Story, one: Event) -> None:
    yard_report(story, one)


def yard_report(story: Story, one: Event) -> Fact:
    """The yard's own data say that a vehicle came or went."""
    place = (Place.YARD_IN, Place.YARD_OUT)[one.pick % 2]
    vehicle = story.vehicles[one.vehicle % len(story.vehicles)]
    said = {"declaration": NO, "vehicle": vehicle, "plate": "12C12345", "record": "r1", "seen_at": MORNING}
    draft = Draft("yard_reported", subjects.vehicle(NO, vehicle), dump(YardReported(place=place, **said)))
    return story.site.tell("yard-gate", draft)


def _gps(story: Story, one: Event) -> None:
    gps_report(story, one)


def gps_report(story: Story, one: Event) -> Fact:
    """The vehicle's position is on or off."""
    vehicle = story.vehicles[one.vehicle % len(story.vehicles)]
    body = GpsReported(declaration=NO, vehicle=vehicle, on=one.saw_all, since=MORNING)
    return story.site.tell(
        centre_node(SITE), Draft("gps_reported", subjects.vehicle(NO, vehicle), dump(body))
    )


def _amend(story: Story, one: Event) -> None:
    """One part of what was declared is amended; a vehicle's own parts for the one that is picked."""
    at = one.vehicle % len(story.vehicles)
    vehicles = [dict(vehicle) for vehicle in story.site.body["vehicles"]]
    changes: Sequence[Mapping[str, Any]] = (
        {"plate": f"29H0000{one.other}"},
        {"trailer": f"98R0000{one.other}"},
        {"driver": {"name": {"commitment": f"{one.other}" * 64}}},
        {"permit": f"{one.other}/GPLV"},
    )
    if one.pick < len(changes):
        vehicles[at] |= changes[one.pick]
        story.site.amend(vehicles=vehicles)
    elif one.pick < 6:
        story.site.amend(goods=[{"name": f"Nhãn {one.other}"}])
    elif one.pick < 8:
        story.site.amend(yard=f"bai-{one.other}")
    else:
        receives = None if vehicles[at].get("receives_from") or at == 0 else "v1"
        vehicles[at]["receives_from"] = receives
        story.site.amend(vehicles=vehicles)


def _enrol_late(story: Story, _: Event) -> None:
    if story.late:
        _enrol(story.site, story.late.pop())


def _lane(story: Story, one: Event) -> dict[str, Any]:
    place, heading = AT[one.pick % 6]
    vehicle = story.vehicles[one.vehicle % len(story.vehicles)]
    return {"place": place, "heading": heading, "lane": "l1", "passage": "gate-1.1/1", "vehicle": vehicle}


def _of_vehicle(story: Story, one: Event, kind: str, body: Any) -> Fact:
    draft = Draft(kind, subjects.vehicle(NO, body.vehicle), dump(body))
    return story.site.tell("yard-desk" if one.wrong == "node" else node_at(body.place), draft)


_TOLD: Mapping[str, Callable[[Story, Event], None]] = {
    "confirm": _confirm,
    "in_turn": _in_turn,
    "withdraw": _withdraw,
    "refuse": _refuse,
    "amend": _amend,
    "pass": _pass,
    "turn_back": _turn_back,
    "yard": _yard,
    "gps": _gps,
    "enrol": _enrol_late,
}
