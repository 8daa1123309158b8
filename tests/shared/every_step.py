"""Every step of the decree in rows, from its text and the border facts; `config/procedures` is held to what they make happen.

`ground`: S2 is the draft of February 2025, by its Điều 1, khoản and dash; A1 to A9 are sections of the border facts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.codes import Actor, Agency, Heading, Load, Place, Standing
from shared.procedures import Matter
from tests.builders import ANIMAL, BORDER_GUARD, CUSTOMS, GATE_MANAGEMENT, HEALTH, PLANT, TAX, TRANSPORT

At = tuple[Place, Heading]
B1_IN, B1_OUT = (Place.BARRIER_1, Heading.IN), (Place.BARRIER_1, Heading.OUT)
B2_IN, B2_OUT = (Place.BARRIER_2, Heading.IN), (Place.BARRIER_2, Heading.OUT)
GATE_IN, GATE_OUT = (Place.YARD_IN, Heading.IN), (Place.YARD_OUT, Heading.OUT)
YARD, ONLINE = (Place.YARD, Heading.IN), (Place.ONLINE, Heading.IN)
TEXT, INFERRED, AMBIGUOUS, UNKNOWN = Standing
OWN, DELIVERS, RECEIVES = Load
VEHICLE, DRIVER, GOODS, PERMIT, QUARANTINE, WAY = Matter
BOTH = (BORDER_GUARD, CUSTOMS)
FOUR = (BORDER_GUARD, CUSTOMS, HEALTH, TRANSPORT)
TO_CHINA = (TRANSPORT, CUSTOMS, HEALTH, BORDER_GUARD)
INLAND = (CUSTOMS, BORDER_GUARD)
ANY, COMES_IN, GOES_OUT = (OWN, DELIVERS, RECEIVES), (OWN, DELIVERS), (OWN, RECEIVES)
"""Goods that go over (sang tải) go out on the vehicle that takes them over; the other goes back empty (7.2, 7.3). In 5.3 they
go over in the yard beyond both barriers (5.3.đ)."""

Answers = Mapping[Agency, Sequence[Matter]]
LADEN_OUT: Answers = {
    TRANSPORT: (VEHICLE, PERMIT),
    CUSTOMS: (VEHICLE, GOODS),
    HEALTH: (VEHICLE, DRIVER, GOODS),
    BORDER_GUARD: (VEHICLE, DRIVER),
}
"""S2 1.2.a, điểm g: each agency's own line of what it confirms."""
EMPTY_OUT: Answers = {**LADEN_OUT, CUSTOMS: (VEHICLE,), HEALTH: (VEHICLE, DRIVER)}
"""S2 1.4.b, điểm c: customs "tình trạng phương tiện", health vehicle and driver."""
IN_YARD: Answers = {
    CUSTOMS: (VEHICLE, GOODS),
    BORDER_GUARD: (VEHICLE, GOODS),
    HEALTH: (VEHICLE, GOODS, QUARANTINE),
    ANIMAL: (GOODS, QUARANTINE),
    PLANT: (GOODS, QUARANTINE),
}
"""S2 1.2.b, điểm c: kind and group of goods, the vehicle's load class, what was examined."""
OF_THE_FEE: Answers = dict.fromkeys((GATE_MANAGEMENT, TAX), (VEHICLE, GOODS, WAY))
"""S2 1.2.b, điểm d; C: by load class and kind of goods, more where goods go inland."""

Owes = Mapping[Agency, tuple[str, ...]]
IN_YARD_SAYS: Owes = {
    CUSTOMS: ("customs_kind", "goods_group"),
    BORDER_GUARD: ("weight_class",),
    **dict.fromkeys((HEALTH, ANIMAL, PLANT), ("result",)),
}
"""S2 1.2.b, điểm c: "loại hình và nhóm hàng"; "trọng tải"; "thông tin đã kiểm dịch"."""
OF_IMPORTS_SAYS: Owes = {**IN_YARD_SAYS, CUSTOMS: ("customs_kind", "goods_group", "transfer")}
"""S2 1.3.a, 1.3.b: "xác nhận sang tải (nếu có)", on which the fee of imports depends (C)."""
OF_THE_FEE_SAYS: Owes = dict.fromkeys((GATE_MANAGEMENT, TAX), ("amount_vnd",))


@dataclass(frozen=True)
class Row:
    """A step. `answers`: what each agency answers for, everything where nothing is said; `needs`: earlier clauses that bind.

    `owes`: what an agency's confirmation says.
    """

    clause: str
    at: At
    ground: str
    confirm: tuple[Agency, ...] = ()
    ordered: bool = False
    standing: Standing = TEXT
    loads: tuple[Load, ...] = ANY
    readings: Mapping[str, tuple[Agency, ...]] = field(default_factory=dict)
    answers: Answers = field(default_factory=dict)
    owes: Owes = field(default_factory=dict)
    required: tuple[Agency, ...] = ()
    transfer: tuple[Agency, ...] = ()
    collectors: tuple[Agency, ...] = ()
    needs: tuple[str, ...] | None = None

    @property
    def khoan(self) -> str:
        """The khoản that the step is of: 4.2 of 4.2.b."""
        return ".".join(self.clause.split(".")[:2])

    @property
    def opens(self) -> Agency | Actor | None:
        """S2 has the border guard open every barrier, and devices confirm at the yard's gates."""
        if self.at[0] in (Place.BARRIER_1, Place.BARRIER_2):
            return BORDER_GUARD
        return Actor.DEVICE if self.at[0] in (Place.YARD_IN, Place.YARD_OUT) else None

    def __str__(self) -> str:
        return self.clause


def _entry(clause: str, at: At, ground: str, confirm: tuple[Agency, ...] = BOTH, **more: object) -> Row:
    return Row(clause, at, ground, confirm, **more)  # type: ignore[arg-type]


def _no_subject(clause: str, ground: str) -> Row:
    """S2: "thì xác nhận" without a subject, after four agencies were named (A8, 3)."""
    readings = {"all_four": FOUR, "border_guard_and_customs": BOTH, "border_guard_only": (BORDER_GUARD,)}
    return Row(clause, B1_IN, ground, FOUR, standing=AMBIGUOUS, readings=readings)


def _yard(clause: str, ground: str, standing: Standing = TEXT, owes: Owes = IN_YARD_SAYS) -> Row:
    asked = {"answers": IN_YARD, "owes": owes, "required": (HEALTH, ANIMAL, PLANT)}
    return Row(clause, YARD, ground, INLAND, standing=standing, **asked)  # type: ignore[arg-type]


def _transferred(row: Row, **more: tuple[Agency, ...]) -> Row:
    """Where S2 has health confirm goods that go over (1.3.a, điểm d), a request brings the other two in only."""
    return replace(row, required=(ANIMAL, PLANT), **more)


def _fee(clause: str, ground: str, standing: Standing = TEXT) -> Row:
    asked = {"collectors": (GATE_MANAGEMENT, TAX), "answers": OF_THE_FEE, "owes": OF_THE_FEE_SAYS}
    return Row(clause, ONLINE, ground, standing=standing, **asked)  # type: ignore[arg-type]


def _unknown(clause: str, at: At, ground: str) -> Row:
    return Row(clause, at, ground, standing=UNKNOWN)


def _exit(
    clause: str, at: At, ground: str, confirm: tuple[Agency, ...], answers: Answers, **more: object
) -> Row:
    return Row(clause, at, ground, confirm, ordered=True, answers=answers, **more)  # type: ignore[arg-type]


ROWS = (
    _entry("4.2.b", B2_IN, "S2 1.2.a", loads=COMES_IN),
    Row("4.2.c", GATE_IN, "S2 1.2.a"),
    _yard("4.2.d", "A1 row 4", INFERRED),
    _fee("4.2.đ", "A1 row 5", INFERRED),
    Row("4.2.e", GATE_OUT, "S2 1.2.a"),
    _exit("4.2.g", B1_OUT, "S2 1.2.a", TO_CHINA, LADEN_OUT, loads=GOES_OUT, needs=("4.2.b",)),
    Row("4.3.b", GATE_IN, "S2 1.2.b"),
    _yard("4.3.c", "S2 1.2.b"),
    _fee("4.3.d", "S2 1.2.b"),
    Row("4.3.đ", GATE_OUT, "S2 1.2.b"),
    _entry(
        "4.3.e",
        B2_IN,
        "S2 1.2.b; A8, 1",
        (),
        loads=GOES_OUT,
        standing=AMBIGUOUS,
        readings={"literal": (), "wide": BOTH},
    ),
    _exit("4.3.g", B1_OUT, "S2 1.2.b", TO_CHINA, LADEN_OUT, loads=GOES_OUT, needs=("4.3.c",)),
    _entry(
        "5.2.b",
        B1_IN,
        "S2 1.3.a; A8, 2",
        FOUR,
        loads=COMES_IN,
        standing=AMBIGUOUS,
        readings={"all_four": FOUR, "as_5_3_b": BOTH},
    ),
    Row("5.2.c", GATE_IN, "S2 1.3.a"),
    _transferred(_yard("5.2.d", "S2 1.3.a", owes=OF_IMPORTS_SAYS), transfer=(HEALTH,)),
    _fee("5.2.đ", "A3 row 5", INFERRED),
    Row("5.2.e", GATE_OUT, "S2 1.3.a; A8, 4"),
    _exit(
        "5.2.g",
        B2_OUT,
        "A3 row 7; A9",
        INLAND,
        LADEN_OUT,
        loads=GOES_OUT,
        standing=INFERRED,
        readings={"as_5_3_c": INLAND, "as_practised": (CUSTOMS,)},
    ),
    _entry("5.3.b", B1_IN, "S2 1.3.b", loads=COMES_IN),
    _exit("5.3.c", B2_OUT, "S2 1.3.b", INLAND, LADEN_OUT, loads=COMES_IN, needs=("5.3.b",)),
    Row("5.3.d", GATE_IN, "S2 1.3.b"),
    _yard("5.3.đ", "S2 1.3.b", owes=OF_IMPORTS_SAYS),
    _fee("5.3.e", "S2 1.3.b"),
    Row("5.3.g", GATE_OUT, "S2 1.3.b; A8, 4"),
    _unknown("6.1", ONLINE, "A5"),
    _entry("6.2.b", B2_IN, "S2 1.4.a"),
    Row("6.2", GATE_IN, "A5", standing=INFERRED),
    _unknown("6.2.c", B2_OUT, "A5"),
    _unknown("6.3", B2_OUT, "A5"),
    _entry("6.4.b", B2_IN, "S2 1.4.b"),
    _exit("6.4.c", B1_OUT, "S2 1.4.b", TO_CHINA, EMPTY_OUT),
    _no_subject("6.5.b", "S2 1.4.c"),
    _unknown("6.5.c", B2_OUT, "A8, 7"),
    _no_subject("6.6.b", "S2 1.4.d"),
    Row("6.6", GATE_IN, "S2 1.4.d, from 5.2.c", standing=INFERRED),
    _transferred(
        _yard("6.6.c", "S2 1.4.d, as 5.2.d: here always so", owes=OF_IMPORTS_SAYS), confirm=(*INLAND, HEALTH)
    ),
    _entry("6.7.b", B2_IN, "S2 1.4.đ"),
    _unknown("6.7.c", B2_OUT, "A5"),
    _unknown("7.1", ONLINE, "A6"),
    _no_subject("7.2.b", "S2 1.5.a"),
    Row("7.2", GATE_IN, "S2 1.5.a, from 4.2.c", standing=INFERRED),
    _yard("7.2.c", "S2 1.5.a, as 4.2.d"),
    _exit(
        "7.3",
        B1_OUT,
        "S2 1.5.b; A8, 6; A9",
        (TRANSPORT, CUSTOMS, BORDER_GUARD),
        EMPTY_OUT,
        loads=COMES_IN,
        readings={"printed": (TRANSPORT, CUSTOMS, BORDER_GUARD), "as_practised": (BORDER_GUARD,)},
    ),
    _entry("7.4.b", B2_IN, "S2 1.5.c"),
    _exit("7.4.c", B1_OUT, "S2 1.5.c", TO_CHINA, EMPTY_OUT),
)
"""Every step before which a vehicle stands, or at which an agency confirms."""
KHOANS = sorted({one.khoan for one in ROWS})

EARLIER_ASKED = {"4.2.g", "4.3.g", "5.3.c", "7.3"}
"""Where the cameras query "các trạng thái xác nhận ở các bước trước" (S2 1.2.a, 1.2.b, 1.3.b, 1.5.b)."""

DECLARED: Mapping[str, tuple[str, tuple[Matter, ...], Standing]] = {
    # khoản: the declarant's clause, what can be lacking there, how well the text carries it
    "4.2": ("4.2.a", (DRIVER, GOODS), INFERRED),
    "4.3": ("4.3.a", (DRIVER, GOODS), TEXT),
    "5.2": ("5.2.a", (DRIVER, GOODS, PERMIT), INFERRED),
    "5.3": ("5.3.a", (DRIVER, GOODS, PERMIT), TEXT),
    **{k: (f"{k}.a", (DRIVER,), INFERRED) for k in ("6.2", "6.4", "6.5", "6.6", "6.7", "7.2", "7.4")},
}
"""S2 1.2.b and 1.3.b, điểm a: the permit "đối với phương tiện nhập cảnh"; the others from these (A1 to A6)."""

FEE_BEFORE: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    # khoản: the fee's clause, where it must have been confirmed, where it may be asked for instead (A4, end)
    "4.2": ("4.2.đ", "4.2.g", ("none",)),
    "4.3": ("4.3.d", "4.3.g", ("4.3.e", "none")),
    "5.2": ("5.2.đ", "5.2.g", ("none",)),
}

GOES_ON: Mapping[tuple[str, str], tuple[str, ...]] = {
    # who came in by the first and leaves by the second: the steps that lie before (A5, A6; S2 1.5.b)
    ("4.2", "6.3"): ("4.2.a", "4.2.b", "4.2.c"),
    ("6.6", "6.3"): ("6.6.a", "6.6.b"),
    ("5.2", "7.3"): ("5.2.a", "5.2.b", "5.2.c", "5.2.d", "5.2.e"),
    ("7.2", "7.3"): ("7.2.a", "7.2.b"),
}


def row(clause: str) -> Row:
    """The row of a clause."""
    return next(one for one in ROWS if one.clause == clause)
