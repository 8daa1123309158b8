"""What will happen at the site, and how each truck must end: fixed before the first truck moves."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared import plates
from shared.codes import Agency, Country
from simulation.plate_drawing import Ground
from simulation.trucks import DrawnTruck, Photographed, Vehicle

BARRIER_1, BARRIER_2, YARD_IN, YARD_OUT = "barrier-1", "barrier-2", "yard-in", "yard-out"
BARRIER_1_IN, BARRIER_2_OUT = "barrier-1-in", "barrier-2-out"
"""Doors of the site (`simulation.layout.DOORS`): out to China and in from inland by the first two, the other way by these."""


class Outcome(StrEnum):
    """How a truck's visit to a place ended, as boom and loops saw it."""

    PASSED = "passed"
    TURNED_BACK = "turned_back"
    WAITING = "waiting"
    NOT_OPENED = "not_opened"


VISIT_S = {Outcome.PASSED: 13.0, Outcome.TURNED_BACK: 11.0, Outcome.WAITING: 0.0, Outcome.NOT_OPENED: 24.0}
"""How long a visit takes at most on a machine that is not overloaded, from the approach to the next one's."""
DESK_S = 6.0
"""How long the agencies in the yard and the collector take for a vehicle."""


@dataclass(frozen=True)
class Visit:
    """One truck comes to one door. `refused_by`: the agency whose officer will refuse it there."""

    door: str
    expected: Outcome
    refused_by: Agency | None = None
    desk_after: bool = False
    """The agencies in the yard confirm after this visit."""


@dataclass(frozen=True)
class Trip:
    """One truck with what was declared for it (None: nothing) and the doors it comes to, in order."""

    name: str
    vehicle: Vehicle
    plate: str
    declaration: Mapping[str, Any] | None
    visits: tuple[Visit, ...]
    recalled: bool = False


@dataclass
class Plates:
    """Draws plates that lie more than one confusion apart, so that every expectation is certain."""

    rng: random.Random
    used: set[str] = field(default_factory=set)

    def vietnamese(self) -> str:
        """A lorry's plate."""
        return self._new(
            lambda: f"{self.rng.choice(('12', '29', '34', '98'))}{self.rng.choice('CHD')}{self._digits(5)}"
        )

    def chinese(self) -> str:
        """A lorry's plate of Guangxi, with its province character."""
        return self._new(lambda: f"桂F{self.rng.choice('ABHKM')}{self._digits(4)}")

    def look_alike(self) -> tuple[str, str]:
        """A plate with one 1 in its last digits, and the same with a 7 there: what a tired declarant types."""
        true = self._new(lambda: f"29C{self._digits(2)}1{self._digits(2)}")
        declared = f"{true[:5]}7{true[6:]}"
        self.used.add(declared)
        return true, declared

    def _digits(self, count: int) -> str:
        return "".join(self.rng.choice("235689") for _ in range(count))

    def _new(self, draw: Any) -> str:
        while True:
            plate = str(draw())
            key = plates.key(plate)
            if key not in self.used and not plates.one_confusion_of(key) & self.used:
                self.used.add(key)
                return plate


def round_of(number: int, drawn: Plates) -> tuple[Trip, ...]:
    """The trips of one round, the same for the same number: several procedures, all four places, every kind of trouble."""
    passed, back = Outcome.PASSED, Outcome.TURNED_BACK
    clear, outside, foreign = drawn.vietnamese(), drawn.vietnamese(), drawn.chinese()
    nobody, recalled, refused = drawn.vietnamese(), drawn.vietnamese(), drawn.vietnamese()
    early, stranger = drawn.vietnamese(), drawn.vietnamese()
    importer, empty, homeward, unloaded = (
        drawn.chinese(),
        drawn.vietnamese(),
        drawn.vietnamese(),
        drawn.chinese(),
    )
    true, typed = drawn.look_alike()
    return (
        _trip(
            "4.2, all in order",
            clear,
            number,
            _declare("4.2", clear),
            Visit(BARRIER_2, passed),
            Visit(YARD_IN, passed, desk_after=True),
            Visit(YARD_OUT, passed),
            Visit(BARRIER_1, passed),
        ),
        _trip("nobody declared it", nobody, number, None, Visit(BARRIER_2, back, Agency.BORDER_GUARD)),
        _trip(
            "4.3, yard outside, animal quarantine asked for",
            outside,
            number,
            _declare("4.3", outside, animal=True),
            Visit(YARD_IN, passed, desk_after=True),
            Visit(YARD_OUT, passed),
            Visit(BARRIER_2, passed),
            Visit(BARRIER_1, passed),
        ),
        _trip(
            "6.2, empty, and leaves by barrier 2: no text, opened with a reason",
            homeward,
            number,
            _declare_empty(homeward, "transfer"),
            Visit(BARRIER_2, passed),
            Visit(BARRIER_2_OUT, passed),
        ),
        _trip("one character mistyped", true, number, _declare("4.2", typed), Visit(BARRIER_2, passed)),
        _trip(
            "recalled",
            recalled,
            number,
            _declare("4.2", recalled),
            Visit(BARRIER_2, back, Agency.BORDER_GUARD),
            recalled=True,
        ),
        _trip(
            "Chinese lorry, 4.2",
            foreign,
            number,
            _declare("4.2", foreign),
            Visit(BARRIER_2, passed, desk_after=True),
            Visit(BARRIER_1, passed),
        ),
        _trip(
            "refused by customs",
            refused,
            number,
            _declare("4.2", refused),
            Visit(BARRIER_2, back, Agency.CUSTOMS),
        ),
        _trip(
            "came to barrier 1 without barrier 2",
            early,
            number,
            _declare("4.2", early),
            Visit(BARRIER_1, back, Agency.BORDER_GUARD),
        ),
        _trip("undeclared at the yard", stranger, number, None, Visit(YARD_IN, Outcome.NOT_OPENED)),
        _trip(
            "5.3, import to a yard inland",
            importer,
            number,
            _declare_import(importer, "outside"),
            Visit(BARRIER_1_IN, passed),
            Visit(BARRIER_2_OUT, passed),
        ),
        _trip(
            "5.2, unloads in the gate area and goes back empty by 7.3",
            unloaded,
            number,
            _declare_import(unloaded, "inside"),
            Visit(BARRIER_1_IN, passed, desk_after=True),
            Visit(BARRIER_1, passed),
        ),
        _trip(
            "6.4, empty to China",
            empty,
            number,
            _declare_empty(empty, "crossing"),
            Visit(BARRIER_2, passed),
            Visit(BARRIER_1, passed),
        ),
    )


def photographed_round(photographs: Sequence[Photographed], most: int = 12) -> tuple[Trip, ...]:
    """Trips of photographed vehicles through barrier 2, each declared as labelled; what is misread, the officer mends.

    Photographs of several plates, of a trailer's, or of one that no grammar knows, are left out.
    """
    single = [p for p in photographs if len(p.plates) == 1 and plates.classify(p.plates[0])]
    clear = [p for p in single if not plates.is_trailer(p.plates[0])]
    trips = []
    for photograph in clear[:most]:
        plate = photograph.plates[0]
        visit = Visit(BARRIER_2, Outcome.PASSED)
        trips.append(
            Trip(f"photograph {photograph.file.name}", photograph, plate, _declare("4.2", plate), (visit,))
        )
    return tuple(trips)


def fitting(trips: Sequence[Trip], left_s: float) -> list[Trip]:
    """The trips, in order, whose trucks are gone again within `left_s` seconds, one truck at a place at a time."""
    free_at: dict[str, float] = {}
    chosen = []
    for trip in trips:
        then, now_s = dict(free_at), 0.0
        for visit in trip.visits:
            now_s = max(now_s, then.get(visit.door, 0.0)) + VISIT_S[visit.expected]
            then[visit.door] = now_s
            now_s += DESK_S if visit.desk_after else 0.0
        if now_s <= left_s:
            chosen.append(trip)
            free_at = then
    return chosen


def _trip(
    name: str,
    plate: str,
    number: int,
    declaration: Mapping[str, Any] | None,
    *visits: Visit,
    recalled: bool = False,
) -> Trip:
    truck = DrawnTruck(
        plate,
        "CN" if plates.province(plate) else "VN",
        1,
        Ground.YELLOW,
        seed=number * 100 + sum(map(ord, plate)) % 97,
    )
    return Trip(name, truck, plate, declaration, visits, recalled)


def _declare(procedure: str, plate: str, *, animal: bool = False) -> dict[str, Any]:
    """What the declarant of an export sends, the procedure named."""
    return {
        "site": "CKHN",
        "procedure": procedure,
        "direction": "export",
        "laden": True,
        "yard": "BAI-01",
        "yard_location": "inside" if procedure == "4.2" else "outside",
        "vehicles": [_vehicle(plate)],
        "goods": [{"name": "Thanh long", "customs_no": "307112345678", "weight_kg": 24000}],
        "quarantine": {"animal_quarantine": "required"} if animal else {},
    }


def _declare_import(plate: str, yard_location: str) -> dict[str, Any]:
    """What the declarant of an import sends; which procedure applies follows from it."""
    return {
        "site": "CKHN",
        "direction": "import",
        "laden": True,
        "yard": "BAI-02",
        "yard_location": yard_location,
        "vehicles": [_vehicle(plate) | {"permit": "C26Y0123"}],
        "goods": [{"name": "Linh kiện điện tử", "customs_no": "107112345678", "weight_kg": 18000}],
        "quarantine": {},
    }


def _declare_empty(plate: str, purpose: str) -> dict[str, Any]:
    """What the declarant of an empty vehicle sends."""
    return {
        "site": "CKHN",
        "laden": False,
        "purpose": purpose,
        "vehicles": [_vehicle(plate)],
        "quarantine": {},
    }


def _vehicle(plate: str) -> dict[str, Any]:
    """A declared vehicle; Chinese plates are declared without their province character (border facts, D3)."""
    foreign = plates.province(plate) is not None
    form = plates.classify(plate)
    country = Country.CN if foreign or (form and form.country is Country.CN) else Country.VN
    return {
        "vehicle": "1",
        "plate": plate[1:] if foreign else plate,
        "country": country.value,
        "driver": {"name": "Nguyễn Văn An", "papers": "012345678901", "phone": "0912345678"},
    }
