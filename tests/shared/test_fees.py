"""How the fee of a vehicle stands: owed values, money that came in, and the collector's confirmation."""

from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.codes import Agency, Direction
from shared.fees import Collected, Fee, FeeState, Matter, Payment, Route, Routing, Value, fee
from shared.node.tariff_files import SHIPPED, load_tariffs
from shared.tariffs import Backing, Unknown
from tests.builders import BORDER_GUARD, CUSTOMS, GATE_MANAGEMENT, SITE, TAX

TARIFFS = load_tariffs(SHIPPED)
DAY = date(2026, 11, 23)
KNOWN = {"weight_class": "VT4", "customs_kind": "E42", "goods_group": "general"}
"""300,000 đ."""
UNKNOWN = KNOWN | {"weight_class": "VT5"}
DUE_VND = 300_000


def state(
    values: Mapping[str, str] = KNOWN,
    payments: Sequence[Payment] = (),
    collected: Sequence[Collected] = (),
    direction: Direction = Direction.EXPORT,
    routing: Routing | None = None,
    day: date = DAY,
) -> Fee:
    return fee(Matter(SITE, direction, day, values), payments, collected, TARIFFS, routing or Routing())


def paid(*amounts_vnd: int) -> list[Payment]:
    return [Payment(f"p{number}", amount) for number, amount in enumerate(amounts_vnd)]


def collected(
    *saw: str, amount_vnd: int | None = None, reason: str = "", by: Agency = GATE_MANAGEMENT
) -> Collected:
    return Collected(by, frozenset(saw), amount_vnd, reason)


@pytest.mark.parametrize(
    ("values", "owed", "waits_for"),
    [
        (
            {},
            (
                (BORDER_GUARD, Value.WEIGHT_CLASS),
                (CUSTOMS, Value.CUSTOMS_KIND),
                (CUSTOMS, Value.GOODS_GROUP),
            ),
            (BORDER_GUARD, CUSTOMS),
        ),
        ({"weight_class": "VT4"}, ((CUSTOMS, Value.CUSTOMS_KIND), (CUSTOMS, Value.GOODS_GROUP)), (CUSTOMS,)),
        (KNOWN | {"weight_class": " "}, ((BORDER_GUARD, Value.WEIGHT_CLASS),), (BORDER_GUARD,)),
    ],
)
def test_a_fee_is_not_ready_while_an_agency_owes_a_value(
    values: Mapping[str, str], owed: object, waits_for: object
) -> None:
    told = state(values, paid(DUE_VND))

    assert (told.state, told.owed, told.waits_for) == (FeeState.NOT_READY, owed, waits_for)
    assert told.due_vnd is None


@pytest.mark.parametrize(
    ("amounts_vnd", "expected"),
    [
        ([], FeeState.DUE),
        ([0], FeeState.DUE),
        ([1], FeeState.PAID_IN_PART),
        ([100_000, 199_999], FeeState.PAID_IN_PART),
        ([100_000, 200_000], FeeState.MATCHED),
        ([300_001], FeeState.OVER),
        ([300_000, 300_000], FeeState.OVER),
    ],
)
def test_money_is_due_in_part_matched_or_over(amounts_vnd: Sequence[int], expected: FeeState) -> None:
    told = state(payments=paid(*amounts_vnd))

    assert (told.state, told.due_vnd, told.paid_vnd) == (expected, DUE_VND, sum(amounts_vnd))
    assert (told.confirmed, told.waits_for) == (False, (GATE_MANAGEMENT,))


def test_money_that_matched_is_confirmed_by_the_collector_who_saw_it() -> None:
    told = state(payments=paid(DUE_VND), collected=[collected("p0", by=TAX)])

    assert (told.state, told.confirmed, told.confirmed_by) == (FeeState.CONFIRMED, True, TAX)
    assert told.waits_for == ()


@pytest.mark.parametrize(
    ("amounts_vnd", "confirmation"),
    [
        ([], collected()),
        ([DUE_VND - 1], collected("p0")),
        ([DUE_VND + 1], collected("p0")),
        ([DUE_VND], collected()),
        ([DUE_VND], collected("p0", amount_vnd=DUE_VND - 1)),
        ([DUE_VND], collected("elsewhere")),
    ],
)
def test_a_confirmation_of_money_that_had_not_matched_is_a_finding(
    amounts_vnd: Sequence[int], confirmation: Collected
) -> None:
    told = state(payments=paid(*amounts_vnd), collected=[confirmation])

    assert (told.state, told.confirmed, told.waits_for) == (FeeState.CONFIRMED_UNMATCHED, True, ())


def test_a_collector_who_confirms_again_once_the_money_is_there_mends_the_finding() -> None:
    told = state(payments=paid(DUE_VND), collected=[collected(), collected("p0", by=TAX)])

    assert (told.state, told.confirmed_by) == (FeeState.CONFIRMED, TAX)


def test_money_that_comes_after_the_confirmation_does_not_undo_it_and_is_shown() -> None:
    told = state(payments=paid(DUE_VND, 50_000), collected=[collected("p0")])

    assert (told.state, told.paid_vnd, told.due_vnd) == (FeeState.CONFIRMED, 350_000, DUE_VND)


def test_a_value_that_changes_after_the_confirmation_makes_it_a_finding() -> None:
    told = state(KNOWN | {"weight_class": "VT6"}, paid(DUE_VND), [collected("p0")])

    assert (told.state, told.due_vnd) == (FeeState.CONFIRMED_UNMATCHED, 800_000)


# -- amounts that nobody knows


def test_an_unknown_amount_is_due_and_never_nought() -> None:
    told = state(UNKNOWN, paid(300_000))

    assert (told.state, told.due_vnd, told.due.unknown) == (FeeState.DUE, None, Unknown.AMOUNT_NOT_KNOWN)


def test_a_collector_enters_an_unknown_amount_by_hand_with_a_reason() -> None:
    told = state(UNKNOWN, paid(500_000), [collected("p0", amount_vnd=500_000, reason="theo biểu giấy")])

    assert (told.state, told.due_vnd, told.by_hand) == (FeeState.CONFIRMED, 500_000, True)
    assert told.due.standing is Backing.UNKNOWN


@pytest.mark.parametrize(
    ("values", "confirmation"),
    [
        (UNKNOWN, collected("p0", amount_vnd=500_000)),
        (UNKNOWN, collected("p0", amount_vnd=500_000, reason=" ")),
        (UNKNOWN, collected("p0", reason="không rõ")),
        (KNOWN, collected("p0", amount_vnd=500_000, reason="theo biểu giấy")),
        ({}, collected("p0", amount_vnd=500_000, reason="theo biểu giấy")),
    ],
)
def test_an_amount_by_hand_needs_its_reason_and_never_replaces_the_tariff(
    values: Mapping[str, str], confirmation: Collected
) -> None:
    told = state(values, paid(500_000), [confirmation])

    assert (told.state, told.by_hand) == (FeeState.CONFIRMED_UNMATCHED, False)


# -- values


@pytest.mark.parametrize(
    ("direction", "transfer", "due_vnd"),
    [
        (Direction.EXPORT, None, 300_000),
        (Direction.EXPORT, "only", 90_000),
        (Direction.IMPORT, "none", 300_000),
        (Direction.IMPORT, "only", 90_000),
        (Direction.IMPORT, " INLAND", 390_000),
        (Direction.IMPORT, None, None),
        (Direction.IMPORT, "29C12345", None),
        (Direction.EXPORT, "yes", None),
    ],
)
def test_what_becomes_of_the_load_is_told_or_the_amount_is_unknown(
    direction: Direction, transfer: str | None, due_vnd: int | None
) -> None:
    values = KNOWN if transfer is None else KNOWN | {"transfer": transfer}

    told = state(values, direction=direction)

    assert (told.state, told.due_vnd) == (FeeState.DUE, due_vnd)
    assert (told.due.unknown is Unknown.USE_NOT_TOLD) == (due_vnd is None)


def test_several_groups_of_goods_are_told_with_commas_between() -> None:
    assert state(KNOWN | {"goods_group": "general, ore"}).due_vnd == 1_500_000


def test_blanks_around_a_value_and_small_letters_of_a_kind_change_nothing() -> None:
    values = {"weight_class": " VT6\t", "customs_kind": "g21 ", "goods_group": "farm "}

    assert state(values).due_vnd == 4_000_000


def test_a_day_before_the_resolution_is_charged_by_the_one_before() -> None:
    assert state(day=date(2025, 5, 7)).due.unknown is Unknown.CLASS_NOT_IN_TARIFF


# -- payments


@given(st.data())
def test_order_and_repetition_of_payments_change_nothing(data: st.DataObject) -> None:
    refs, amounts_vnd = st.sampled_from("abcd"), st.integers(0, 400_000)
    payments = data.draw(st.lists(st.builds(Payment, refs, amounts_vnd), max_size=6))
    confirmations = data.draw(st.lists(st.builds(collected, refs, refs), max_size=2))
    told = state(payments=payments, collected=confirmations)

    again = data.draw(st.permutations([*payments, *payments]))

    assert state(payments=again, collected=confirmations) == told


@given(st.lists(st.integers(0, 400_000), max_size=5))
def test_each_payment_is_reckoned_once(amounts_vnd: list[int]) -> None:
    assert state(payments=paid(*amounts_vnd) * 2).paid_vnd == sum(amounts_vnd)


def test_of_a_payment_that_is_told_with_two_amounts_the_smaller_is_believed_and_it_is_shown() -> None:
    told = state(payments=[Payment("a", 300_000), Payment("a", 200_000)])

    assert (told.state, told.paid_vnd, told.contradicted) == (FeeState.PAID_IN_PART, 200_000, ("a",))


# -- who collects


@pytest.mark.parametrize(
    ("site", "direction", "kind", "collector"),
    [
        ("TT", Direction.IMPORT, "E11", TAX),
        ("TT", Direction.EXPORT, "E42", GATE_MANAGEMENT),
        (SITE, Direction.IMPORT, "E11", GATE_MANAGEMENT),
        (SITE, Direction.EXPORT, "G21", TAX),
    ],
)
def test_the_first_route_that_fits_says_who_collects(
    site: str, direction: Direction, kind: str, collector: Agency
) -> None:
    routing = Routing(
        route=(
            Route(collector=TAX, site="TT", direction=Direction.IMPORT),
            Route(collector=TAX, kinds=("G11", "G21")),
        )
    )

    assert routing.collector_of(site, direction, kind) is collector


def test_nobody_else_can_be_made_a_collector() -> None:
    with pytest.raises(ValidationError):
        Routing.model_validate({"collector": "customs"})


def test_the_collector_of_a_fee_follows_from_the_kind_that_customs_told() -> None:
    routing = Routing(route=(Route(collector=TAX, kinds=("E42",)),))

    assert (state(routing=routing).collector, state({}, routing=routing).collector) == (TAX, GATE_MANAGEMENT)
