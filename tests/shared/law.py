"""The decree's steps as its text has them, written from the sources and not from `config/procedures`, which is held to this.

`ground`: S2 is the draft of February 2025 by its Điều and khoản, A1 to A9 the sections of the border facts. Agencies stand in the
printed order; where `ordered` is False that order means nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from shared.codes import Agency, Heading, Place, Standing
from shared.decide import Decision, decide_at
from shared.facts import Fact
from shared.known import Known
from shared.procedures import Procedures
from shared.settings import Settings
from tests.builders import (
    ANIMAL,
    BARRIER_1_IN,
    BARRIER_1_OUT,
    BARRIER_2_IN,
    BARRIER_2_OUT,
    BORDER_GUARD,
    CUSTOMS,
    DRIVER,
    HEALTH,
    MORNING,
    PLANT,
    PROCEDURES,
    TAX,
    TRANSPORT,
    VEHICLE,
    YARD_IN,
    YARD_OUT,
    Site,
    procedure,
)

At = tuple[Place, Heading]
NOON = MORNING + timedelta(hours=4)
TEXT, INFERRED, AMBIGUOUS = Standing.TEXT, Standing.INFERRED, Standing.AMBIGUOUS
FOUR = (BORDER_GUARD, CUSTOMS, HEALTH, TRANSPORT)
BOTH = (BORDER_GUARD, CUSTOMS)
TO_CHINA = (TRANSPORT, CUSTOMS, HEALTH, BORDER_GUARD)
WHO_CONFIRMS = {"all_four": FOUR, "border_guard_and_customs": BOTH, "border_guard_only": (BORDER_GUARD,)}
"""How "thì xác nhận", which has no subject, can be read (A8, 3)."""


@dataclass(frozen=True)
class Stop:
    """A step that moves a barrier. `earlier`: clauses of earlier steps that bind here; `readings`: who confirms, by reading."""

    clause: str
    at: At
    confirm: tuple[Agency, ...]
    ground: str
    ordered: bool = False
    standing: Standing = TEXT
    earlier: tuple[str, ...] = ()
    readings: Mapping[str, tuple[Agency, ...]] = field(default_factory=dict)

    @property
    def khoan(self) -> str:
        """The khoản that the step is of: 4.2 of 4.2.b."""
        return khoan_of(self.clause)

    def __str__(self) -> str:
        return self.clause


STOPS = (
    Stop("4.2.b", BARRIER_2_IN, BOTH, "S2 1.2.a"),
    Stop("4.2.g", BARRIER_1_OUT, TO_CHINA, "S2 1.2.a; A7", ordered=True, earlier=("4.2.b",)),
    Stop(
        "4.3.e",
        BARRIER_2_IN,
        (),
        "S2 1.2.b; A8, 1",
        standing=AMBIGUOUS,
        readings={"literal": (), "wide": BOTH},
    ),
    Stop("4.3.g", BARRIER_1_OUT, TO_CHINA, "S2 1.2.b; A7", ordered=True, earlier=("4.3.c",)),
    Stop(
        "5.2.b",
        BARRIER_1_IN,
        FOUR,
        "S2 1.3.a; A8, 2",
        standing=AMBIGUOUS,
        readings={"all_four": FOUR, "as_5_3_b": BOTH},
    ),
    Stop(
        "5.2.g",
        BARRIER_2_OUT,
        (CUSTOMS, BORDER_GUARD),
        "A3 row 7, from 5.3.c; A9",
        ordered=True,
        standing=INFERRED,
        readings={"as_5_3_c": (CUSTOMS, BORDER_GUARD), "as_practised": (CUSTOMS,)},
    ),
    Stop("5.3.b", BARRIER_1_IN, BOTH, "S2 1.3.b"),
    Stop("5.3.c", BARRIER_2_OUT, (CUSTOMS, BORDER_GUARD), "S2 1.3.b; A7", ordered=True, earlier=("5.3.b",)),
    Stop("6.2.b", BARRIER_2_IN, BOTH, "S2 1.4.a"),
    Stop("6.4.b", BARRIER_2_IN, BOTH, "S2 1.4.b"),
    Stop("6.4.c", BARRIER_1_OUT, TO_CHINA, "S2 1.4.b; A7: queries what was declared", ordered=True),
    Stop("6.5.b", BARRIER_1_IN, FOUR, "S2 1.4.c; A8, 3", standing=AMBIGUOUS, readings=WHO_CONFIRMS),
    Stop("6.6.b", BARRIER_1_IN, FOUR, "S2 1.4.d; A8, 3", standing=AMBIGUOUS, readings=WHO_CONFIRMS),
    Stop("6.7.b", BARRIER_2_IN, BOTH, "S2 1.4.đ"),
    Stop("7.2.b", BARRIER_1_IN, FOUR, "S2 1.5.a; A8, 3", standing=AMBIGUOUS, readings=WHO_CONFIRMS),
    Stop(
        "7.3",
        BARRIER_1_OUT,
        (TRANSPORT, CUSTOMS, BORDER_GUARD),
        "S2 1.5.b; A8, 6; A9",
        ordered=True,
        readings={"printed": (TRANSPORT, CUSTOMS, BORDER_GUARD), "as_practised": (BORDER_GUARD,)},
    ),
    Stop("7.4.b", BARRIER_2_IN, BOTH, "S2 1.5.c"),
    Stop("7.4.c", BARRIER_1_OUT, TO_CHINA, "S2 1.5.c; A7: queries what was declared", ordered=True),
)
"""Every step of A7, in its order."""

UNKNOWN_STOPS = (
    ("6.2", BARRIER_2_OUT, "any điểm after 6.2.b: A7"),
    ("6.5", BARRIER_2_OUT, "6.5.c, once 6.5.d: A8, 7"),
    ("6.6", BARRIER_2_OUT, "6.6.c says 'các bước' and names one: A8, 8"),
    ("6.7", BARRIER_2_OUT, "any điểm after 6.7.b: A7"),
)
"""Where an empty vehicle goes on by a text that nobody found."""


@dataclass(frozen=True)
class Yard:
    """What is confirmed in the yard. `quarantines`: each where it was asked for; `transfer`: only where goods go over."""

    clause: str
    ground: str
    standing: Standing = TEXT
    confirm: tuple[Agency, ...] = (CUSTOMS, BORDER_GUARD)
    quarantines: tuple[Agency, ...] = (HEALTH, ANIMAL, PLANT)
    transfer: tuple[Agency, ...] = ()

    @property
    def khoan(self) -> str:
        """The khoản that the step is of."""
        return khoan_of(self.clause)

    def __str__(self) -> str:
        return self.clause


YARDS = (
    Yard("4.2.d", "A1 row 4, from 4.3.c and 7.2.c", INFERRED),
    Yard("4.3.c", "S2 1.2.b"),
    Yard("5.2.d", "S2 1.3.a", quarantines=(ANIMAL, PLANT), transfer=(HEALTH,)),
    Yard("5.3.đ", "S2 1.3.b"),
    Yard(
        "6.6.c",
        "S2 1.4.d: as 5.2.d, and what is transferred is why the vehicle came",
        confirm=(CUSTOMS, BORDER_GUARD, HEALTH),
        quarantines=(ANIMAL, PLANT),
    ),
    Yard("7.2.c", "S2 1.5.a: as 4.2.d"),
)


@dataclass(frozen=True)
class YardGate:
    """A gate of the yard, where devices recognise, confirm and open."""

    clause: str
    at: At
    ground: str

    def __str__(self) -> str:
        return self.clause


YARD_GATES = (
    YardGate("4.2.c", YARD_IN, "S2 1.2.a"),
    YardGate("4.2.e", YARD_OUT, "S2 1.2.a"),
    YardGate("4.3.b", YARD_IN, "S2 1.2.b"),
    YardGate("4.3.đ", YARD_OUT, "S2 1.2.b"),
    YardGate("5.2.c", YARD_IN, "S2 1.3.a"),
    YardGate("5.2.e", YARD_OUT, "S2 1.3.a; A8, 4: of imports, whatever is printed"),
    YardGate("5.3.d", YARD_IN, "S2 1.3.b"),
    YardGate("5.3.g", YARD_OUT, "S2 1.3.b; A8, 4"),
)


@dataclass(frozen=True)
class Fee:
    """The collectors' step. `binds_at`: the step that waits for it unless a setting says otherwise; `or_at`: what that says."""

    clause: str
    ground: str
    standing: Standing
    binds_at: str | None
    or_at: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.clause


FEES = (
    Fee("4.2.đ", "A1 row 5, from 4.3.d; A4", INFERRED, "4.2.g", ("none",)),
    Fee("4.3.d", "S2 1.2.b; A4", TEXT, "4.3.g", ("4.3.e", "none")),
    Fee("5.2.đ", "A3 row 5, from 5.3.e; A4", INFERRED, "5.2.g", ("none",)),
    Fee("5.3.e", "S2 1.3.b: nếu có; A4", TEXT, None),
)

DECLARES = {
    # 4.3.a: vehicle, driver, goods; 5.3.a: and the permit of who enters; the others are inferred from these (A1 to A6)
    "4.2": ("4.2.a", ("driver", "goods")),
    "4.3": ("4.3.a", ("driver", "goods")),
    "5.2": ("5.2.a", ("driver", "goods", "permit")),
    "5.3": ("5.3.a", ("driver", "goods", "permit")),
    "6.2": ("6.2.a", ("driver",)),
    "6.4": ("6.4.a", ("driver",)),
    "6.5": ("6.5.a", ("driver",)),
    "6.6": ("6.6.a", ("driver",)),
    "6.7": ("6.7.a", ("driver",)),
    "7.2": ("7.2.a", ("driver",)),
    "7.4": ("7.4.a", ("driver",)),
}

VN_TRUCK = {"vehicle": VEHICLE, "plate": "12C12345", "country": "VN", "driver": DRIVER, "permit": "1/GPLV"}
CN_TRUCK = {"vehicle": VEHICLE, "plate": "FF0123", "country": "CN", "driver": DRIVER, "permit": "C26Y0123"}
EMPTY: Mapping[str, Any] = {"laden": False, "goods": [], "direction": None}
KHOAN: Mapping[str, Mapping[str, Any]] = {
    "4.2": {"direction": "export", "yard_location": "inside", "vehicles": [VN_TRUCK]},
    "4.3": {"direction": "export", "yard_location": "outside", "vehicles": [VN_TRUCK]},
    "5.2": {"direction": "import", "yard_location": "inside", "vehicles": [CN_TRUCK]},
    "5.3": {"direction": "import", "yard_location": "outside", "vehicles": [CN_TRUCK]},
    **{
        khoan: {**EMPTY, "vehicles": [VN_TRUCK]}
        for khoan in ("6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7")
    },
    **{khoan: {**EMPTY, "vehicles": [CN_TRUCK]} for khoan in ("7.1", "7.2", "7.3", "7.4")},
}
"""What is declared for each khoản: titles of 4.2, 4.3, 5.2, 5.3, 7.3 and 7.4 in S2; Điều 6 is of Vietnamese vehicles (A5)."""

RECEIVER, DELIVERER = "v2", VEHICLE
"""In a transfer (sang tải): who takes the goods over, and who brought them."""


def khoan_of(clause: str) -> str:
    """The khoản that a clause is of."""
    return ".".join(clause.split(".")[:2])


def stop(clause: str) -> Stop:
    """A step of the table."""
    return next(one for one in STOPS if one.clause == clause)


def declared(khoan: str, **changes: Any) -> Site:
    """A site with one declaration of that khoản."""
    return Site(khoan, **{**KHOAN[khoan], **changes})


def with_transfer(khoan: str, **changes: Any) -> Site:
    """A declaration whose first vehicle's goods go over to a second one from the other side."""
    first = KHOAN[khoan]["vehicles"][0]
    other = CN_TRUCK if first["country"] == "VN" else VN_TRUCK
    second = {**other, "vehicle": RECEIVER, "receives_from": DELIVERER}
    return declared(khoan, **{"vehicles": [first, second], **changes})


@cache
def shipped() -> Procedures:
    """Every shipped procedure."""
    return Procedures([procedure(path.stem) for path in sorted(PROCEDURES.glob("*.toml"))])


def decide_anywhere(
    site: Site, at: At, *, vehicle: str = VEHICLE, settings: Settings | None = None, now: datetime = NOON
) -> tuple[str | None, Decision]:
    """The khoản that governs the vehicle at a place, of all that are shipped, and the decision by it."""
    known = Known(site.authority())
    found, decision = decide_at(
        shipped(), site.declaration, vehicle, site.facts, known, settings or Settings(), *at, now
    )
    return found.procedure if found else None, decision


def confirm_earlier(site: Site, clause: str, vehicle: str = VEHICLE) -> None:
    """Everybody confirms every step printed before one: barriers, yard, fee."""
    khoan = khoan_of(clause)
    letters = "abcdđeghik"
    told: dict[str, Sequence[Agency]] = {one.clause: one.confirm for one in (*STOPS, *YARDS)}
    told |= {fee.clause: (TAX,) for fee in FEES}
    for one in sorted(told, key=lambda name: letters.find(name[-1])):
        if khoan_of(one) == khoan and letters.find(one[-1]) < letters.find(clause[-1]):
            confirm(site, one, told[one], vehicle)


def confirm(site: Site, clause: str, agencies: Sequence[Agency], vehicle: str = VEHICLE) -> list[Fact]:
    """Agencies confirm one after the other, each having seen all before it."""
    given: list[Fact] = []
    for agency in agencies:
        given.append(site.confirm(clause, agency, saw=tuple(given), vehicle=vehicle))
    return given
