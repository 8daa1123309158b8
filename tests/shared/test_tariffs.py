"""What a vehicle owes by the shipped tariffs: every number that is known, and that what nobody knows stays unknown."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codes import Direction
from shared.configuration import BadConfiguration, parse
from shared.node.tariff_files import SHIPPED, load_tariffs
from shared.tariffs import Backing, Charged, Due, Tariff, Tariffs, Unknown, Why, fee_due

EXPORT, IMPORT = Direction.EXPORT, Direction.IMPORT
TARIFFS = load_tariffs(SHIPPED)
FIRST_DAY = date(2025, 5, 8)


def tariff(day: date = FIRST_DAY) -> Tariff:
    found = TARIFFS.on(day)
    assert found is not None
    return found


def charged(
    weight_class: str, *groups: str, kind: str = "E42", direction: Direction = EXPORT, use: str = ""
) -> Charged:
    return Charged(
        weight_class,
        groups or ("general",),
        kind,
        direction,
        inland=use == "inland",
        transfer_only=use == "transfer_only",
    )


def due(vehicle: Charged) -> Due:
    return fee_due(tariff(), vehicle)


KNOWN = [
    (charged("VT4"), 300_000, Backing.LIVE),
    (charged("VT4", direction=IMPORT), 300_000, Backing.LIVE),
    (charged("VT6"), 800_000, Backing.LIVE),
    (charged("VT4", direction=IMPORT, use="transfer_only"), 90_000, Backing.LIVE),
    (charged("VT4", direction=IMPORT, use="inland"), 390_000, Backing.LIVE),
    (charged("VT6", direction=IMPORT, use="inland"), 1_040_000, Backing.LIVE),
    (charged("VT4", use="inland"), 300_000, Backing.LIVE),
    (charged("under_2t", "fresh_produce"), 100_000, Backing.PRESS),
    (charged("VT6", "farm", kind="G11", direction=IMPORT), 4_000_000, Backing.PRESS),
    (charged("VT6", "farm", kind="G21"), 4_000_000, Backing.PRESS),
    (charged("VT4", "ore"), 1_500_000, Backing.PRESS),
    (charged("VT6", "ore"), 4_000_000, Backing.PRESS),
    (charged("VT4", "general", "ore"), 1_500_000, Backing.PRESS),
]


@pytest.mark.parametrize(("vehicle", "amount_vnd", "standing"), KNOWN)
def test_a_number_that_is_known_is_charged_and_says_how_well_it_is_known(
    vehicle: Charged, amount_vnd: int, standing: Backing
) -> None:
    told = due(vehicle)

    assert (told.amount_vnd, told.standing, told.unknown) == (amount_vnd, standing, None)


UNKNOWN = [
    *((charged(code), Unknown.AMOUNT_NOT_KNOWN) for code in ("under_2t", "VT1", "VT2", "VT3", "VT5")),
    (charged("VT5", "ore"), Unknown.AMOUNT_NOT_KNOWN),
    (charged("VT6", "ore", direction=IMPORT), Unknown.AMOUNT_NOT_KNOWN),
    (charged("VT4", "fresh_produce"), Unknown.AMOUNT_NOT_KNOWN),
    (charged("under_2t", "fresh_produce", direction=IMPORT), Unknown.AMOUNT_NOT_KNOWN),
    (charged("VT6", "farm"), Unknown.AMOUNT_NOT_KNOWN),
    (charged("VT4", "farm", kind="G11"), Unknown.AMOUNT_NOT_KNOWN),
    (charged("VT5", use="transfer_only"), Unknown.AMOUNT_NOT_KNOWN),
    (charged("VT6", "general", "farm"), Unknown.AMOUNT_NOT_KNOWN),
    (charged("VT9"), Unknown.CLASS_NOT_IN_TARIFF),
    (charged("vt4"), Unknown.CLASS_NOT_IN_TARIFF),
    (charged("VT4", "cattle"), Unknown.GROUP_NOT_IN_TARIFF),
    (Charged("VT4", (), "E42", EXPORT), Unknown.GROUP_NOT_IN_TARIFF),
    (
        Charged("VT4", ("general",), "E42", IMPORT, inland=True, transfer_only=True),
        Unknown.USES_EXCLUDE_EACH_OTHER,
    ),
]


@pytest.mark.parametrize(("vehicle", "why"), UNKNOWN)
def test_what_nobody_knows_has_no_amount(vehicle: Charged, why: Unknown) -> None:
    assert due(vehicle) == Due(None, unknown=why)


def test_the_lines_say_what_each_part_is_for() -> None:
    lines = due(charged("VT4", "ore", use="transfer_only")).lines

    assert [(line.code, line.amount_vnd) for line in lines] == [
        (Why.RATE, 300_000),
        (Why.GOODS_GROUP, 1_200_000),
        (Why.TRANSFER_ONLY, -1_050_000),
    ]
    assert [line.standing for line in lines] == [Backing.LIVE, Backing.PRESS, Backing.LIVE]


every_charge = st.builds(
    Charged,
    st.sampled_from([one.code for one in tariff().classes]),
    st.sets(st.sampled_from([one.code for one in tariff().groups]), min_size=1).map(tuple),
    st.sampled_from(["E42", "G11", "C11"]),
    st.sampled_from(Direction),
    st.booleans(),
    st.booleans(),
)


@given(every_charge)
def test_an_amount_is_the_sum_of_its_lines_and_never_a_nought_for_what_is_unknown(vehicle: Charged) -> None:
    told = due(vehicle)

    assert (told.amount_vnd is None) == (told.unknown is not None)
    if told.amount_vnd is not None:
        assert told.amount_vnd == sum(line.amount_vnd for line in told.lines) > 0


@given(every_charge)
def test_mixed_goods_pay_as_the_group_that_pays_most_and_are_unknown_if_one_is(vehicle: Charged) -> None:
    each = [
        due(Charged(vehicle.weight_class, (group,), vehicle.kind, vehicle.direction)).amount_vnd
        for group in vehicle.goods_groups
    ]
    mixed = due(Charged(vehicle.weight_class, vehicle.goods_groups, vehicle.kind, vehicle.direction))

    assert mixed.amount_vnd == (None if None in each else max(each))  # type: ignore[type-var]


def test_the_resolution_that_is_in_force_on_the_day_is_the_one() -> None:
    assert tariff(date(2025, 5, 7)).resolution == "01/2019/NQ-HĐND"
    assert tariff(FIRST_DAY).resolution == "09/2025/NQ-HĐND"
    assert TARIFFS.on(date(2019, 7, 11)) is None


def test_without_a_tariff_nothing_is_known() -> None:
    assert fee_due(Tariffs().on(FIRST_DAY), charged("VT4")) == Due(None, unknown=Unknown.NO_TARIFF)


def test_nothing_is_known_of_the_resolution_before() -> None:
    old = fee_due(tariff(date(2024, 1, 1)), charged("any", "any"))

    assert old == Due(None, unknown=Unknown.AMOUNT_NOT_KNOWN)


def test_every_class_and_group_has_its_words_in_three_languages() -> None:
    for one in TARIFFS.all:
        assert all({*item.words} == {"vi", "en", "zh"} for item in (*one.classes, *one.groups))
        assert {*one.title} == {"vi", "en", "zh"}


# -- files

GOOD = """
resolution = "x"
in_force_from = 2030-01-01
standing = "text"
source = "the text"
title.vi = "x"
[[weight_class]]
code = "VT1"
from_tonnes = 2
standing = "text"
source = "the text"
words.vi = "x"
[[goods_group]]
code = "general"
words.vi = "x"
[[rate]]
goods_group = "general"
amount_vnd = 1000
standing = "text"
source = "the text"
"""


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("amount_vnd = 1000", "amount_vnd = -1", "t.toml:18: rate.0.amount_vnd:"),
        ("amount_vnd = 1000", "amount_vnd = 10.5", "t.toml:18: rate.0.amount_vnd:"),
        ("amount_vnd = 1000", 'amount_vnd = "1.000"', "t.toml:18: rate.0.amount_vnd:"),
        ("amount_vnd = 1000\n", "", 'rate.0: standing: write "unknown" with no amount'),
        (
            'amount_vnd = 1000\nstanding = "text"',
            'amount_vnd = 1000\nstanding = "unknown"',
            'rate.0: standing: write "unknown" with no amount',
        ),
        ("amount_vnd = 1000", 'like = "general"', "rate.0: percent: write like and percent together"),
        ("amount_vnd = 1000", 'like = "general"\npercent = 500', "general is itself like another group"),
        ("from_tonnes = 2\n", "", 'weight_class.0: standing: write "unknown" where no bound is known'),
        ('goods_group = "general"', 'goods_group = "ore"', "rate: ore is no class or group of this file"),
        ('standing = "text"', 'standing = "guessed"', "t.toml:4: standing: 'guessed' is not allowed"),
        ('source = "the text"\ntitle', "title", "source: this key is missing"),
        (
            "in_force_from = 2030-01-01",
            "in_force_from = 2030-01-01\nin_force_to = 2030-01-01",
            "in_force_to: is the first day after",
        ),
        (
            'words.vi = "x"\n[[rate]]',
            'words.vi = "x"\n[[goods_group]]\ncode = "general"\nwords.vi = "y"\n[[rate]]',
            "goods_group: general stands twice",
        ),
    ],
)
def test_a_wrong_file_says_where_and_what_to_write(wrong: str, right: str, told: str) -> None:
    assert wrong in GOOD
    parse(GOOD, "t.toml", Tariff)

    with pytest.raises(BadConfiguration) as error:
        parse(GOOD.replace(wrong, right, 1), "t.toml", Tariff)

    assert told in str(error.value)


def test_two_tariffs_are_never_in_force_on_one_day(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.toml").write_text(GOOD.replace("2030-01-01", "2031-06-01"), encoding="utf-8")

    with pytest.raises(BadConfiguration, match=r"a\.toml:1: in_force_to: b\.toml .* = 2031-06-01"):
        load_tariffs(tmp_path)


def test_tariffs_that_follow_each_other_are_taken(tmp_path: Path) -> None:
    first = GOOD.replace("2030-01-01", "2030-01-01\nin_force_to = 2031-06-01")
    (tmp_path / "z.toml").write_text(first, encoding="utf-8")
    (tmp_path / "b.toml").write_text(GOOD.replace("2030-01-01", "2031-06-01"), encoding="utf-8")

    assert [one.in_force_from.year for one in load_tariffs(tmp_path).all] == [2030, 2031]


def test_a_folder_without_tariffs_is_no_folder_of_tariffs(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="holds no tariff"):
        load_tariffs(tmp_path)
