"""The fee of a vehicle from facts: whose values count, whose payments, and what the collector had seen."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import subjects
from shared.bodies import Confirmed, FeePaid, SeenDecision, dump
from shared.clock import Stamp
from shared.codes import Agency, Place, Verdict
from shared.facts import Draft, Fact
from shared.fee_facts import vehicle_fee
from shared.fees import Fee, FeeState, Routing
from shared.history import History
from shared.journal import centre_node
from shared.node.tariff_files import SHIPPED, load_tariffs
from shared.tariffs import Unknown
from tests.builders import (
    ANIMAL,
    BORDER_GUARD,
    CUSTOMS,
    GATE_MANAGEMENT,
    MORNING,
    NO,
    SITE,
    TAX,
    VEHICLE,
    Site,
)

TARIFFS = load_tariffs(SHIPPED)
CENTRE = centre_node(SITE)


class Yard(Site):
    """A site at whose desks values are told and money is collected."""

    def tick(self, by: Agency, clause: str = "4.2.d", node: str = "yard-desk", **values: str) -> Fact:
        """An agency confirms with values."""
        return self.tell(node, self._draft(by, Place.YARD, clause, values))

    def pay(self, amount_vnd: int, payment: str = "p1", node: str = CENTRE, **changes: Any) -> Fact:
        """Money comes in."""
        body = {
            "declaration": NO, "vehicle": VEHICLE, "amount_vnd": amount_vnd, "payment": payment, "channel": "online",
        } | changes  # fmt: skip
        return self.tell(
            node, Draft("fee_paid", subjects.vehicle(NO, VEHICLE), dump(FeePaid.model_validate(body)))
        )

    def collect(self, by: Agency = GATE_MANAGEMENT, knew: int | None = None, **values: str) -> Fact:
        """A collector confirms, knowing the centre's journal up to a number; all of it if not said."""
        seq = self.journals[f"{CENTRE}.1"].head.seq if knew is None else knew
        return self.tell("fees", self._draft(by, Place.ONLINE, "4.2.đ", values, {f"{CENTRE}.1": seq}))

    def ready(self) -> None:
        """Both agencies tell what a fee of 300,000 đồng follows from."""
        self.tick(BORDER_GUARD, weight_class="VT4")
        self.tick(CUSTOMS, customs_kind="E42", goods_group="general")

    def fee(self, facts: list[Fact] | None = None) -> Fee:
        """How the fee stands."""
        held = self.facts if facts is None else facts
        history = History.of(held, self.authority())
        return vehicle_fee(held, history, self.declaration, VEHICLE, TARIFFS, Routing())

    def _draft(
        self, by: Agency, place: Place, clause: str, values: Any, vector: dict[str, int] | None = None
    ) -> Draft:
        body = Confirmed(
            step=clause, place=place, declaration=NO, vehicle=VEHICLE, by=by, officer=f"{by}-1",
            declared=self.declared.ref, decision=SeenDecision(verdict=Verdict.WAIT, vector=vector or {}),
            values=values,
        )  # fmt: skip
        return Draft("confirmed", subjects.vehicle(NO, VEHICLE), dump(body))


@pytest.fixture
def yard() -> Yard:
    ready = Yard()
    ready.ready()
    return ready


def test_the_whole_way_of_a_fee() -> None:
    yard = Yard()
    states = [yard.fee().state]
    for happens in (
        yard.ready,
        lambda: yard.pay(100_000),
        lambda: yard.pay(200_000, "p2"),
        yard.collect,
    ):
        happens()
        states.append(yard.fee().state)

    assert states == [
        FeeState.NOT_READY,
        FeeState.DUE,
        FeeState.PAID_IN_PART,
        FeeState.MATCHED,
        FeeState.CONFIRMED,
    ]


def test_only_the_agency_that_a_value_belongs_to_is_believed(yard: Yard) -> None:
    yard.tick(CUSTOMS, weight_class="VT6")
    yard.tick(BORDER_GUARD, goods_group="ore")

    assert yard.fee().due_vnd == 300_000


def test_a_value_told_elsewhere_than_in_the_yard_is_passed_over(yard: Yard) -> None:
    yard.tell("gate-2", yard._draft(BORDER_GUARD, Place.BARRIER_2, "4.2.b", {"weight_class": "VT6"}))

    assert yard.fee().due_vnd == 300_000


def test_of_several_the_newest_value_stands_and_a_tick_without_values_takes_none_back(yard: Yard) -> None:
    yard.tick(BORDER_GUARD, weight_class="VT6")
    yard.tick(BORDER_GUARD)

    assert yard.fee().due_vnd == 800_000


def test_values_of_an_officer_nobody_enrolled_do_not_count() -> None:
    yard = Yard(enrolled=False)
    yard.ready()

    assert yard.fee().state is FeeState.NOT_READY


def test_a_value_that_was_taken_back_is_owed_again(yard: Yard) -> None:
    tick = yard.tick(BORDER_GUARD, weight_class="VT6")
    first = next(one for one in yard.facts if one.body.get("values") == {"weight_class": "VT4"})
    for given_back in (tick, first):
        yard.withdraw(given_back, BORDER_GUARD, node="yard-desk")

    assert yard.fee().waits_for == (BORDER_GUARD,)


def test_values_about_goods_that_were_amended_since_are_owed_again(yard: Yard) -> None:
    yard.amend(goods=[{"name": "Quặng", "weight_kg": 18000}])

    assert yard.fee().waits_for == (BORDER_GUARD, CUSTOMS)


def test_values_of_another_vehicle_are_not_this_ones(yard: Yard) -> None:
    held = [one for one in yard.facts if one.kind != "confirmed"]

    assert yard.fee(held).state is FeeState.NOT_READY


@pytest.mark.parametrize(
    ("node", "changes", "counts"),
    [
        (CENTRE, {}, True),
        (CENTRE, {"channel": "counter"}, True),
        ("fees", {"channel": "counter"}, True),
        ("fees", {}, False),
        ("yard-desk", {"channel": "counter"}, False),
        ("gate-2", {}, False),
        ("centre-TT", {}, False),
        ("nobody", {"channel": "counter"}, False),
        (CENTRE, {"vehicle": "v2"}, False),
        (CENTRE, {"declaration": "2026112300002"}, False),
    ],
)
def test_a_payment_counts_from_the_centre_and_over_the_counter_from_a_collectors_desk(
    yard: Yard, node: str, changes: dict[str, str], counts: bool
) -> None:
    yard.pay(300_000, node=node, **changes)

    assert yard.fee().state is (FeeState.MATCHED if counts else FeeState.DUE)


def test_a_payment_that_the_desk_and_the_centre_both_tell_is_one(yard: Yard) -> None:
    yard.pay(300_000, node="fees", channel="counter")
    yard.pay(300_000, channel="counter")

    assert yard.fee().state is FeeState.MATCHED


def test_a_collector_who_had_not_seen_the_money_confirmed_what_did_not_match(yard: Yard) -> None:
    before = yard.journals[f"{CENTRE}.1"].head.seq
    yard.pay(300_000)
    yard.collect(knew=before)

    assert yard.fee().state is FeeState.CONFIRMED_UNMATCHED


def test_a_confirmation_at_a_gate_is_no_collection(yard: Yard) -> None:
    yard.pay(300_000)
    yard.tell("fees", yard._draft(TAX, Place.YARD, "4.2.đ", {}))
    yard.tell("fees", yard._draft(ANIMAL, Place.ONLINE, "4.2.đ", {}))

    assert yard.fee().state is FeeState.MATCHED


def test_a_collection_that_was_taken_back_is_none(yard: Yard) -> None:
    yard.pay(300_000)
    yard.withdraw(yard.collect(), GATE_MANAGEMENT, node="fees")

    assert yard.fee().state is FeeState.MATCHED


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("500000", FeeState.CONFIRMED),
        ("500.000", FeeState.CONFIRMED_UNMATCHED),
        ("-500000", FeeState.CONFIRMED_UNMATCHED),
        ("9" * 500, FeeState.CONFIRMED_UNMATCHED),
    ],
)
def test_an_amount_by_hand_is_whole_dong_in_digits(told: str, state: FeeState) -> None:
    yard = Yard()
    yard.tick(BORDER_GUARD, weight_class="VT5")
    yard.tick(CUSTOMS, customs_kind="E42", goods_group="general")
    yard.pay(500_000)
    yard.collect(amount_vnd=told, reason="theo biểu giấy")

    assert yard.fee().state is state


def test_the_tariff_is_that_of_the_day_of_the_weighing_at_the_gates() -> None:
    yard = Yard()
    late = Stamp(MORNING.replace(year=2025, month=5, day=7, hour=17, minute=0))
    early = Stamp(MORNING.replace(year=2025, month=5, day=7, hour=16, minute=59))
    told = []
    for at in (early, late):
        weighed = yard._write(
            "yard-desk", yard._draft(BORDER_GUARD, Place.YARD, "4.2.d", {"weight_class": "VT4"}), at
        )
        goods = yard._draft(CUSTOMS, Place.YARD, "4.2.d", {"customs_kind": "E42", "goods_group": "general"})
        facts = [yard.declared, weighed, yard._write("yard-desk", goods, at)]
        authority = _always(yard)
        history = History.of(facts, authority)
        told.append(vehicle_fee(facts, history, yard.declaration, VEHICLE, TARIFFS, Routing()).due)

    assert [one.amount_vnd for one in told] == [None, 300_000]
    assert told[0].unknown is Unknown.CLASS_NOT_IN_TARIFF


def _always(yard: Yard) -> Any:
    """Officers whose leases began long ago."""
    for agency in (BORDER_GUARD, CUSTOMS):
        yard.enrol(agency, start=MORNING.replace(year=2025, month=1), days=600)
    return yard.authority()


@given(st.data())
def test_the_order_of_facts_makes_no_difference(data: st.DataObject) -> None:
    yard = Yard()
    yard.ready()
    yard.pay(100_000)
    yard.pay(200_000, "p2")
    yard.pay(200_000, "p2", node="fees", channel="counter")
    yard.collect()
    yard.tick(BORDER_GUARD, weight_class="VT4")
    yard.collect(TAX)
    told = yard.fee()

    assert yard.fee(data.draw(st.permutations([*yard.facts, *yard.facts[::2]]))) == told
    assert (told.state, told.confirmed_by) == (FeeState.CONFIRMED, TAX)
