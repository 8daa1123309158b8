"""The collector's desk: what is due and paid, money that matches before it is confirmed, and cash at the counter."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.lane.view import PressRefused
from edge.screen.ports import DeskLine
from shared import subjects
from shared.bodies import FeePaid, dump
from shared.codes import Agency
from shared.facts import Draft, Fact
from shared.fee_facts import vehicle_fee
from shared.fees import Fee, FeeState
from shared.history import History
from shared.journal import centre_node
from tests.builders import BORDER_GUARD, CUSTOMS, GATE_MANAGEMENT, NO, SITE, TAX, VEHICLE
from tests.edge.gate_folder import gate_in, hears
from tests.edge.test_desk import came_in, confirms, enrolled_today, officer_of
from tests.loop import in_loop


class Till:
    """A collectors' desk and a vehicle in the yard whose fee of 300,000 đồng is ready to be paid."""

    def __init__(self, folder: Path, fees: str = "", group: str = "general") -> None:
        self.gate = gate_in(
            folder, node="fees", agencies=("border_guard", "tax", "gate_management"), fees=fees
        )
        self.site = came_in(enrolled_today(TAX, GATE_MANAGEMENT))
        self.site.confirm("4.2.d", BORDER_GUARD, values={"weight_class": "VT4"})
        self.site.confirm("4.2.d", CUSTOMS, values={"customs_kind": "E42", "goods_group": group})
        hears(self.gate.store, self.site, "fees")

    def line(self, agency: Agency = GATE_MANAGEMENT) -> DeskLine:
        (line,) = self.gate.desk(agency)
        return line

    def pay(self, amount_vnd: int) -> Fact:
        """The cashier's system tells the centre of money."""
        body = FeePaid(
            declaration=NO,
            vehicle=VEHICLE,
            amount_vnd=amount_vnd,
            payment=f"p-{amount_vnd}",
            channel="online",
        )
        paid = self.site.tell(centre_node(SITE), Draft("fee_paid", subjects.vehicle(NO, VEHICLE), dump(body)))
        hears(self.gate.store, self.site, "fees")
        return paid

    async def confirm(
        self, agency: Agency = GATE_MANAGEMENT, line: DeskLine | None = None, **said: str
    ) -> Fact:
        return await confirms(self.gate, line or self.line(agency), officer_of(agency, "fees"), **said)

    async def take(self, amount: str, line: DeskLine | None = None, by: Agency = GATE_MANAGEMENT) -> None:
        await self.gate.take_cash(officer_of(by, "fees"), (line or self.line(by)).press, amount)

    def fee(self) -> Fee:
        """How anybody else finds the fee to stand."""
        facts = self.gate.store.about(subjects.declaration(NO))
        history = History.of(facts, self.gate.known().authority)
        charging = self.gate.charging
        return vehicle_fee(facts, history, self.site.declaration, VEHICLE, charging.tariffs, charging.routing)


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    made = Till(tmp_path)
    yield made
    made.gate.store.close()


def test_a_collector_sees_what_is_due_and_what_it_follows_from(till: Till) -> None:
    line = till.line()
    assert line.fee is not None
    assert (line.fee.state, line.fee.due_vnd, line.fee.due.standing) == (FeeState.DUE, 300_000, "live")
    assert [one.code for one in line.told] == ["VT4", "E42", "general"]
    assert [(one.code, one.preset) for one in line.owed] == [("amount_vnd", "300000")]


def test_a_vehicle_is_on_the_list_of_both_collectors_and_says_whose_it_is(till: Till) -> None:
    stands = [till.line(agency).fee for agency in (GATE_MANAGEMENT, TAX)]
    assert [one.collector for one in stands if one] == [GATE_MANAGEMENT, GATE_MANAGEMENT]


def test_who_collects_is_routed_by_the_gates_own_setting(tmp_path: Path) -> None:
    till = Till(
        tmp_path, fees='collector = "gate_management"\n[[fees.route]]\ncollector = "tax"\nkinds = ["E42"]'
    )
    stands = till.line().fee
    assert stands is not None
    assert stands.collector is TAX
    till.gate.store.close()


def test_who_is_still_awaited_in_the_yard_is_not_ready_to_pay(till: Till) -> None:
    till.site.amend(goods=[{"name": "Sầu riêng"}])
    hears(till.gate.store, till.site, "fees")
    assert till.gate.desk(GATE_MANAGEMENT) == ()


@in_loop
async def test_money_that_matched_and_is_then_confirmed_is_confirmed(till: Till) -> None:
    paid = till.pay(300_000)
    fact = await till.confirm()
    assert fact.body["values"] == {"amount_vnd": "300000"}
    assert paid.ref in fact.body["saw"]
    assert fact.body["decision"]["vector"][paid.journal] >= paid.seq
    assert till.fee().state is FeeState.CONFIRMED


@in_loop
async def test_money_of_which_the_collector_has_not_seen_makes_her_press_stale(till: Till) -> None:
    line = till.line()
    till.pay(300_000)
    with pytest.raises(PressRefused, match="stale"):
        await till.confirm(line=line, reason="Tiền đã nộp")


@in_loop
async def test_money_that_does_not_match_is_confirmed_with_a_reason_only_and_is_a_finding(till: Till) -> None:
    till.pay(100_000)
    with pytest.raises(PressRefused, match="unmatched"):
        await till.confirm()
    fact = await till.confirm(reason="Thu chưa đủ")
    assert fact.body["values"] == {"amount_vnd": "300000", "reason": "Thu chưa đủ"}
    assert till.fee().state is FeeState.CONFIRMED_UNMATCHED


@in_loop
async def test_the_collector_to_whom_it_was_not_routed_may_confirm(till: Till) -> None:
    till.pay(300_000)
    await till.confirm(TAX)
    assert till.fee().confirmed_by is TAX
    assert till.gate.desk(GATE_MANAGEMENT) == ()


@in_loop
async def test_an_amount_that_no_tariff_tells_is_entered_by_hand_with_a_reason(tmp_path: Path) -> None:
    till = Till(tmp_path, group="farm")
    assert [one.preset for one in till.line().owed] == [""]
    await till.take("450.000")
    await till.confirm(amount_vnd="450.000", reason="Chưa có mức thu trong biểu")
    fee = till.fee()
    assert (fee.state, fee.due_vnd, fee.by_hand) == (FeeState.CONFIRMED, 450_000, True)
    till.gate.store.close()


# -- cash


@in_loop
async def test_cash_taken_at_the_counter_counts_and_then_matches(till: Till) -> None:
    await till.take("100.000")
    line = till.line()
    assert line.fee is not None
    assert (line.fee.state, line.fee.paid_vnd) == (FeeState.PAID_IN_PART, 100_000)
    await till.take("200000")
    await till.confirm()
    assert till.fee().state is FeeState.CONFIRMED


@in_loop
async def test_cash_pressed_twice_is_taken_once(till: Till) -> None:
    line = till.line()
    await till.take("300000", line)
    with pytest.raises(PressRefused, match="stale"):
        await till.take("300000", line)
    assert till.fee().paid_vnd == 300_000


@pytest.mark.parametrize("amount", ["", "0", "ba trăm"])
@in_loop
async def test_no_money_is_no_cash(till: Till, amount: str) -> None:
    with pytest.raises(PressRefused, match="bad_amount"):
        await till.take(amount)
