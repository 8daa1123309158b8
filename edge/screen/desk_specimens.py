"""Vehicles at the desk, made of values: for the specimen gate and for tests."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from edge.desk_values import asked, words_of
from edge.lane.view import Tick, TickState
from edge.screen.ports import DeskLine, DeskPress
from shared.codes import Agency, Direction
from shared.fees import Collector, Fee, Matter, Payment, Routing, Value, fee
from shared.node.tariff_files import SHIPPED, load_tariffs

NO, OTHER_NO, THIRD_NO, FOURTH_NO = "2311202600017", "2311202600042", "2311202600051", "2311202600063"
DAY = date(2026, 11, 23)
TARIFFS = load_tariffs(SHIPPED)
YARD = {"vi": "Kiểm soát chuyên ngành tại bãi", "en": "Controls in the yard", "zh": "货场查验"}
FEE = {
    "vi": "Nộp phí, cơ quan thu xác nhận",
    "en": "Fee paid, confirmed by the collector",
    "zh": "缴费并由收费单位确认",
}


def in_yard(
    no: str, plate: str, by: Agency, *codes: str, clause: str = "4.2.d", held_by: tuple[Agency, ...] = ()
) -> DeskLine:
    """A vehicle in the yard that awaits one agency, which owes values."""
    others = (Tick(one, TickState.MISSING) for one in (Agency.CUSTOMS, Agency.BORDER_GUARD) if one is not by)
    owed = tuple(asked(code, TARIFFS.on(DAY)) for code in codes)
    press = DeskPress(no, "v1", clause, f"d-{no[-2:]}")
    return DeskLine(press, plate, YARD, (Tick(by, TickState.MISSING), *others), owed, held_by)


def to_pay(no: str, plate: str, group: str, paid_vnd: int = 0, collector: Collector = Agency.TAX) -> DeskLine:
    """A vehicle that is ready to pay at the tax office's desk, seen by the tax office."""
    told: dict[str, str] = {Value.WEIGHT_CLASS: "VT6", Value.CUSTOMS_KIND: "E42", Value.GOODS_GROUP: group}
    matter = Matter("CKHN", Direction.EXPORT, DAY, told)
    payments = [Payment("p-1", paid_vnd)] if paid_vnd else []
    stands = fee(matter, payments, (), TARIFFS, Routing(collector=collector))
    ticks = (Tick(Agency.GATE_MANAGEMENT, TickState.MISSING), Tick(Agency.TAX, TickState.MISSING))
    line = DeskLine(DeskPress(no, "v1", "4.2.đ", "d-0"), plate, FEE, ticks)
    return _with(line, stands)


def paid(line: DeskLine, amount_vnd: int) -> DeskLine:
    """The line after more money has come in."""
    assert line.fee is not None
    payments = [Payment("p-1", line.fee.paid_vnd + amount_vnd)]
    routing = Routing(collector=Agency.TAX if line.fee.collector is Agency.TAX else Agency.GATE_MANAGEMENT)
    return _with(line, fee(line.fee.matter, payments, (), TARIFFS, routing))


def _with(line: DeskLine, stands: Fee) -> DeskLine:
    return replace(
        line,
        press=replace(line.press, token=f"d-{stands.paid_vnd}"),
        owed=(asked(Value.AMOUNT_VND, None, stands.due_vnd),),
        fee=stands,
        told=words_of(stands.matter.values, TARIFFS.on(stands.matter.day)),
    )


DESK: Mapping[Agency, tuple[DeskLine, ...]] = {
    Agency.BORDER_GUARD: (
        in_yard(NO, "29C12345", Agency.BORDER_GUARD, Value.WEIGHT_CLASS),
        in_yard(
            OTHER_NO,
            "桂FF0123",
            Agency.BORDER_GUARD,
            Value.WEIGHT_CLASS,
            held_by=(Agency.ANIMAL_QUARANTINE,),
        ),
    ),
    Agency.CUSTOMS: (
        in_yard(NO, "29C12345", Agency.CUSTOMS, Value.CUSTOMS_KIND, Value.GOODS_GROUP),
        in_yard(
            OTHER_NO,
            "桂FF0123",
            Agency.CUSTOMS,
            Value.CUSTOMS_KIND,
            Value.GOODS_GROUP,
            Value.TRANSFER,
            clause="5.2.d",
        ),
    ),
    Agency.ANIMAL_QUARANTINE: (in_yard(NO, "29C12345", Agency.ANIMAL_QUARANTINE, "result"),),
    Agency.TAX: (
        to_pay(NO, "29C12345", "general"),
        to_pay(OTHER_NO, "桂FF0123", "general", 800_000),
        to_pay(THIRD_NO, "12C09876", "farm"),
        to_pay(FOURTH_NO, "98C20455", "general", 300_000, collector=Agency.GATE_MANAGEMENT),
    ),
}
"""By agency: what each typical desk has before it."""
