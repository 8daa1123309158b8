"""What agencies choose and type at the desk: by the tariff in force, and nothing else is taken."""

from collections.abc import Mapping
from datetime import date

import pytest

from edge.desk_values import asked, explained, taken, whole_vnd, words_of
from edge.lane.view import PressRefused
from shared.codes import Agency, Direction
from shared.fees import Fee, FeeState, Matter, Transfer
from shared.node.tariff_files import SHIPPED, load_tariffs
from shared.tariffs import Backing, Due, Line, Why

TARIFF = load_tariffs(SHIPPED).on(date(2026, 11, 23))


def codes(code: str) -> list[str]:
    return [one.code for one in asked(code, TARIFF).choices]


def test_weight_classes_are_those_of_the_tariff_with_its_words_in_three_languages() -> None:
    assert codes("weight_class") == ["under_2t", "VT1", "VT2", "VT3", "VT4", "VT5", "VT6"]
    assert all({"vi", "en", "zh"} <= one.words.keys() for one in asked("weight_class", TARIFF).choices)


def test_of_groups_of_goods_several_may_be_chosen() -> None:
    groups = asked("goods_group", TARIFF)
    assert groups.several
    assert taken([groups], {"goods_group": "ore, general"}) == {"goods_group": "general,ore"}


def test_a_transfer_and_a_result_are_chosen_from_the_codes_of_the_rules() -> None:
    assert codes("transfer") == [*Transfer]
    assert codes("result") == ["passed", "failed"]


def test_kinds_are_typed_and_those_seen_and_those_of_the_tariff_are_offered() -> None:
    kind = asked("customs_kind", TARIFF)
    assert kind.choices == ()
    assert kind.usual == ("E42", "C11", "E11", "A11", "B11", "G11", "G21")


def test_without_a_tariff_a_class_is_typed() -> None:
    assert taken([asked("weight_class", None)], {"weight_class": "VT4"}) == {"weight_class": "VT4"}


def test_the_amount_stands_in_its_field_where_it_is_known() -> None:
    assert asked("amount_vnd", TARIFF, 800_000).preset == "800000"
    assert asked("amount_vnd", TARIFF).preset == ""


@pytest.mark.parametrize(
    ("code", "given", "why"),
    [
        ("weight_class", "VT9", "no_such_choice"),
        ("weight_class", "VT4,VT6", "no_such_choice"),
        ("goods_group", "general,gold", "no_such_choice"),
        ("goods_group", ",", "no_such_choice"),
        ("transfer", "maybe", "no_such_choice"),
        ("result", "PASSED", "no_such_choice"),
        ("customs_kind", "hàng E42", "bad_customs_kind"),
        ("customs_kind", "E42,C11", "bad_customs_kind"),
        ("amount_vnd", "-5", "bad_amount"),
        ("amount_vnd", "300.00", "bad_amount"),
        ("amount_vnd", "800.000,5", "bad_amount"),
        ("amount_vnd", "1" * 16, "bad_amount"),
        ("amount_vnd", "٣٠٠", "bad_amount"),
        ("anything_else", "x" * 201, "too_long"),
        ("weight_class", "  ", "values_missing"),
    ],
)
def test_what_is_not_to_be_had_is_refused_with_its_own_sentence(code: str, given: str, why: str) -> None:
    with pytest.raises(PressRefused, match=f"^{why}$"):
        taken([asked(code, TARIFF)], {code: given})


def test_a_kind_is_recorded_in_capitals() -> None:
    assert taken([asked("customs_kind", TARIFF)], {"customs_kind": " e42 "}) == {"customs_kind": "E42"}


@pytest.mark.parametrize("text", ["1800000", "1.800.000", "1 800 000", "1\u00a0800\u00a0000"])
def test_an_amount_is_read_as_it_is_written_here(text: str) -> None:
    assert whole_vnd(text) == 1_800_000


def test_what_nobody_asked_for_is_not_recorded() -> None:
    assert taken([asked("result", TARIFF)], {"result": "passed", "weight_class": "VT6"}) == {
        "result": "passed"
    }


# -- money


def owing(due_vnd: int | None, paid_vnd: int) -> Fee:
    lines = (Line(Why.RATE, due_vnd, Backing.LIVE, "test"),) if due_vnd is not None else ()
    matter = Matter("CKHN", Direction.EXPORT, date(2026, 11, 23), {})
    return Fee(FeeState.DUE, matter, Agency.TAX, Due(due_vnd, lines), due_vnd, paid_vnd)


@pytest.mark.parametrize(
    ("fee", "said"),
    [
        (owing(300_000, 0), {"amount_vnd": "300000"}),
        (owing(300_000, 300_000), {"amount_vnd": "200000"}),
        (owing(300_000, 400_000), {"amount_vnd": "400000"}),
        (owing(300_000, 400_000), {"amount_vnd": "300000"}),
        (owing(None, 300_000), {"amount_vnd": "300000"}),
    ],
    ids=["not paid", "another amount", "over", "over, as due", "not known"],
)
def test_an_amount_that_does_not_match_asks_for_a_reason(fee: Fee, said: Mapping[str, str]) -> None:
    with pytest.raises(PressRefused, match="unmatched"):
        explained(fee, said, " ")
    assert explained(fee, said, " Thu thừa ") == {"reason": "Thu thừa"}


@pytest.mark.parametrize("due_vnd", [300_000, 0])
def test_where_due_paid_and_said_are_the_same_no_reason_is_kept(due_vnd: int) -> None:
    assert explained(owing(due_vnd, due_vnd), {"amount_vnd": str(due_vnd)}, "Thu thừa") == {}


def test_what_the_yard_told_is_shown_in_the_words_of_the_tariff() -> None:
    told = words_of(
        {"weight_class": "VT4", "customs_kind": "E42", "goods_group": "ore,gold", "transfer": "only"}, TARIFF
    )
    assert [one.code for one in told] == ["VT4", "E42", "ore", "gold", "only"]
    assert [one.words.get("vi") for one in told] == [
        "Từ 4 đến dưới 10 tấn",
        None,
        "Quặng, khoáng sản",
        None,
        None,
    ]
