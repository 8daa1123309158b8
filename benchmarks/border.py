"""A border's facts in a real store: vehicles under way, each as far as chance has brought it along its procedure's steps."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.fleet import declaration_of, number_of, sort_of
from edge.gate import PROJECTIONS
from shared import plates, subjects
from shared.bodies import (
    Arrived,
    BoomSeen,
    BoomState,
    Candidate,
    Confirmed,
    GpsReported,
    NodeEnrolled,
    OfficerEnrolled,
    OpenMode,
    OpenRequested,
    Passed,
    PlateRead,
    SeenDecision,
    TurnedBack,
    dump,
)
from shared.body import Body
from shared.codes import LANE_PLACES, Actor, Agency, Country, Ground, Heading, Place, Verdict
from shared.facts import Draft
from shared.journal import centre_node, journal_id
from shared.judging import asked_at
from shared.node.store import Store
from shared.procedures import Procedures, Step
from shared.signing import PrivateKey
from simulation.layout import SITE

CENTRE = centre_node(SITE)
NODES: Mapping[Place, Sequence[str]] = {
    place: [f"{SITE.lower()}-{place}-{number}" for number in range(1, most + 1)]
    for place, most in (
        (Place.BARRIER_1, 4),
        (Place.BARRIER_2, 4),
        (Place.YARD_IN, 2),
        (Place.YARD_OUT, 2),
        (Place.YARD, 3),
        (Place.ONLINE, 1),
    )
}
"""Who writes at each place: gates of one lane, the desks in the yard and that of the fees."""

_OFFICERS = 12
_A_COMMIT = 1_000
_SAID = {
    "weight_class": "VT6",
    "customs_kind": "B11",
    "goods_group": "general",
    "transfer": "inland",
    "result": "passed",
    "amount_vnd": "800000",
}


@dataclass
class Trip:
    """A vehicle under way: the steps before it, the version declared last, and the confirmations given."""

    number: int
    vehicle: str
    plate: str
    trailer: str | None
    country: Country
    steps: Sequence[Step]
    declared: str
    version: int = 1
    given: list[str] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """What its facts are about."""
        return subjects.vehicle(number_of(self.number), self.vehicle)


class Writer:
    """Appends to many journals of one store, a commit for a thousand facts of a journal; knows each fact's number at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = PrivateKey.generate()
        self._waiting: dict[str, list[Draft]] = {}
        self._seqs: dict[str, int] = {}
        self.written = 0

    def tell(self, node: str, kind: str, subject: str, body: Body) -> str:
        """The fact's reference; it is on disk after `flush` at the latest."""
        journal = journal_id(node)
        waiting = self._waiting.setdefault(journal, [])
        waiting.append(Draft(kind, subject, dump(body)))
        self._seqs[journal] = self._seqs.get(journal, 0) + 1
        self.written += 1
        if len(waiting) == _A_COMMIT:
            self._commit(journal)
        return f"{journal}/{self._seqs[journal]}"

    def flush(self) -> None:
        """Commits the rest."""
        for journal in self._waiting:
            self._commit(journal)

    @property
    def vector(self) -> dict[str, int]:
        """How far each journal goes."""
        return dict(self._seqs)

    def _commit(self, journal: str) -> None:
        self._store.append(journal, self._key, self._waiting[journal])
        self._waiting[journal] = []


class Border:
    """Writes facts about so many vehicles into a new store, and says in `trips` where each of them stands in the end.

    All are declared first; then one or another goes a step on, so that the facts about each lie scattered, as they come in
    time. None goes through its last step.
    """

    def __init__(self, file: Path, procedures: Procedures, vehicles: int, facts: int) -> None:
        self._drawn = random.Random(1)
        self._procedures = procedures
        store = Store(file, PROJECTIONS)
        self._writer = Writer(store)
        self._enrol()
        self.trips: list[Trip] = []
        numbers = count()
        while len(self.trips) < vehicles:
            self.trips += self._declare(next(numbers))
        moving = [trip for trip in self.trips if len(trip.steps) > 1]
        while moving and self._writer.written < facts:
            at = self._drawn.randrange(len(moving))
            self._go_on(moving[at])
            if len(moving[at].steps) == 1:
                moving[at] = moving[-1]
                moving.pop()
        self._writer.flush()
        store.close()
        self.facts = self._writer.written

    def _enrol(self) -> None:
        start = datetime.now(UTC) - timedelta(days=1)
        for place, nodes in NODES.items():
            for node in nodes:
                licence = NodeEnrolled(
                    node=node, site=SITE, public_key="A" * 43, places=[place], agencies=list(Agency)
                )
                self._writer.tell(CENTRE, "node_enrolled", subjects.node(node), licence)
        for agency in Agency:
            for number in range(_OFFICERS):
                lease = OfficerEnrolled(
                    officer=f"{agency}-{number}",
                    agency=agency,
                    site=SITE,
                    valid_from=start,
                    valid_until=start + timedelta(days=35),
                )
                self._writer.tell(CENTRE, "officer_enrolled", subjects.officer(lease.officer), lease)

    def _declare(self, number: int) -> Iterator[Trip]:
        body = declaration_of(number)
        ref = self._writer.tell(CENTRE, "declared", subjects.declaration(body.no), body)
        procedure = self._procedures.find(sort_of(number).procedure, body.declared_at.date())
        assert procedure is not None
        for one in body.vehicles:
            load = body.load(one.vehicle)
            steps = [s for s in procedure.steps if load in s.loads and Actor.DECLARANT not in s.confirm]
            yield Trip(number, one.vehicle, plates.normalise(one.plate), one.trailer, one.country, steps, ref)

    def _go_on(self, trip: Trip) -> None:
        """Mostly the next step; now and then an amendment, word of its position, a start that leads nowhere."""
        step = trip.steps[0]
        match self._drawn.random():
            case chance if chance < 0.08:
                self._amend(trip)
            case chance if chance < 0.12:
                self._report_position(trip)
            case chance if chance < 0.22 and step.place in LANE_PLACES:
                self._stand(trip, step, through=False)
            case _ if step.place in LANE_PLACES:
                self._stand(trip, step, through=True)
            case _:
                node = self._drawn.choice(NODES[step.place])
                self._confirm(trip, step, node, None, most=9)
                trip.steps = trip.steps[1:]

    def _amend(self, trip: Trip) -> None:
        trip.version += 1
        body = declaration_of(trip.number, trip.version)
        trip.declared = self._writer.tell(CENTRE, "amended", subjects.declaration(body.no), body)

    def _report_position(self, trip: Trip) -> None:
        no = number_of(trip.number)
        body = GpsReported(declaration=no, vehicle=trip.vehicle, on=True, since=datetime.now(UTC))
        self._writer.tell(CENTRE, "gps_reported", trip.subject, body)

    def _stand(self, trip: Trip, step: Step, *, through: bool) -> None:
        """A vehicle comes to a boom, is read and confirmed, and goes through; or not all confirm, and it turns back."""
        node = self._drawn.choice(NODES[step.place])
        heading = step.heading or Heading.IN
        of_lane = subjects.lane(node, "lane-1")
        arrived = Arrived(place=step.place, heading=heading, lane="lane-1")
        passage = self._writer.tell(node, "arrived", of_lane, arrived)
        at: dict[str, Any] = {"passage": passage, "place": step.place, "heading": heading, "lane": "lane-1"}
        told = at | {"declaration": number_of(trip.number), "vehicle": trip.vehicle}
        self._writer.tell(node, "plate_read", trip.subject, self._read(trip, told))
        self._confirm(trip, step, node, passage, most=9 if through else 1)
        if not through:
            self._writer.tell(node, "turned_back", trip.subject, TurnedBack(**told, plate=trip.plate))
            return
        by = step.opens or Agency.BORDER_GUARD
        mode = OpenMode.DECISION if isinstance(by, Agency) else OpenMode.DEVICE
        asked = OpenRequested(**told, by=by, officer=self._officer(by), mode=mode, decision=self._seen(step))
        request = self._writer.tell(node, "open_requested", trip.subject, asked)
        seen = BoomSeen(
            lane="lane-1", place=step.place, state=BoomState.OPENED, request=request, passage=passage
        )
        self._writer.tell(node, "boom_seen", of_lane, seen)
        passed = Passed(**told, plate=trip.plate, step=step.clause, request=request, picture="7" * 64)
        self._writer.tell(node, "passed", trip.subject, passed)
        trip.steps = trip.steps[1:]

    def _read(self, trip: Trip, told: Mapping[str, Any]) -> PlateRead:
        other = self._drawn.choice(sorted(plates.one_confusion_of(trip.plate)) or [trip.plate])
        return PlateRead(
            **told,
            text=trip.plate,
            country=trip.country,
            ground=Ground.YELLOW,
            confidence=0.97,
            looks=4,
            agreeing=4,
            final=True,
            candidates=[
                Candidate(text=trip.plate, probability=0.97),
                Candidate(text=other, probability=0.02),
            ],
            camera="front",
            picture="7" * 64,
            thumbnail="8" * 64,
        )

    def _confirm(self, trip: Trip, step: Step, node: str, passage: str | None, most: int) -> None:
        """Those whom the step asks confirm one after the other, each having seen all before."""
        read = step.in_reading(None)
        asked = asked_at(read, declaration_of(trip.number, trip.version)) or read.confirm_one_of[:1]
        for by in asked[:most]:
            owed = step.values.get(by, ()) if isinstance(by, Agency) else ()
            body = Confirmed(
                step=step.clause,
                place=step.place,
                heading=step.heading,
                declaration=number_of(trip.number),
                vehicle=trip.vehicle,
                by=by,
                officer=self._officer(by),
                screen=node,
                passage=passage,
                declared=trip.declared,
                saw=trip.given,
                decision=self._seen(step),
                values={name: _SAID.get(name, "said") for name in owed},
            )
            trip.given.append(self._writer.tell(node, "confirmed", trip.subject, body))

    def _officer(self, by: Agency | Actor) -> str | None:
        return f"{by}-{self._drawn.randrange(_OFFICERS)}" if isinstance(by, Agency) else None

    def _seen(self, step: Step) -> SeenDecision:
        return SeenDecision(
            verdict=Verdict.WAIT,
            step=step.clause,
            procedure_hash="5" * 64,
            settings_hash="6" * 64,
            vector=self._writer.vector,
            ages_s={journal_id(CENTRE): 2},
            reasons=["confirmed", "confirmation_missing"],
        )
