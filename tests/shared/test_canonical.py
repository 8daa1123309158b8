"""Canonical JSON: one value, one text, one hash (RFC 8785)."""

import json
from collections import OrderedDict
from enum import IntEnum, StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.canonical import MOST_DEPTH, NotCanonical, canonical, canonical_member, digest

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
UNICODE = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | UNICODE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


class Word(StrEnum):
    """A text that is an enumeration's."""

    OPEN = "mở"


class Count(IntEnum):
    """An integer that is an enumeration's."""

    TWO = 2


ODD_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.integers(-(2**54), 2**54).map(float)
    | st.floats(0, 1e5).map(lambda number: round(number, 2))
    | TEXT
    | st.sampled_from([Word.OPEN, Count.TWO, b"bytes", "\ud800", 2**53, -(2**53), object(), {1}]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(TEXT | st.integers(0, 3) | st.sampled_from(Word), inner, max_size=4)
        | st.dictionaries(st.sampled_from("\U00010000😀\ufb33\ud800ab"), inner, max_size=4).map(OrderedDict)
    ),
    max_leaves=12,
)
"""JSON values, and what stands close to them."""


def test_the_example_of_rfc_8785_section_3_2() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "€$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert canonical(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_members_are_sorted_by_utf16_code_units_as_in_rfc_8785_section_3_2_3() -> None:
    names = ["€", "\r", "\ufb33", "1", "😀", "\u0080", "ö"]
    written = canonical(dict.fromkeys(names, 0)).decode()
    assert list(json.loads(written)) == ["\r", "1", "\u0080", "ö", "€", "😀", "\ufb33"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (2**53 - 1, "9007199254740991"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(number: float, text: str) -> None:
    assert canonical(number).decode() == text


def test_vietnamese_and_chinese_text_stands_as_utf8() -> None:
    assert canonical("Hữu Nghị 桂F") == '"Hữu Nghị 桂F"'.encode()


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**53,
        -(2**53),
        {1: "number as name"},
        {"set": {1}},
        b"bytes",
        "\ud800",
        {"\udfff": 1},
    ],
    ids=repr,
)
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)


def test_nesting_is_bounded() -> None:
    value: Any = 0
    for _ in range(MOST_DEPTH):
        value = [value]
    assert canonical(value) == b"[" * MOST_DEPTH + b"0" + b"]" * MOST_DEPTH
    with pytest.raises(NotCanonical, match=str(MOST_DEPTH)):
        canonical({"one more": value})


def test_a_value_nested_ten_thousand_deep_is_refused_not_a_crash() -> None:
    value: Any = 0
    for _ in range(10_000):
        value = {"a": value}
    with pytest.raises(NotCanonical):
        digest(value)


def written(write: Any, value: Any) -> bytes | None:
    """The bytes, or None where the value is refused."""
    try:
        return bytes(write(value))
    except (NotCanonical, rfc8785.CanonicalizationError, UnicodeEncodeError):
        return None


@given(ODD_VALUES)
@settings(max_examples=500)
def test_every_value_is_written_or_refused_as_the_library_does(value: Any) -> None:
    assert written(canonical, value) == written(rfc8785.dumps, value)


@given(
    st.floats()
    | st.integers(-(2**54), 2**54).map(float)
    | st.decimals(-(10**18), 10**18, places=6).map(float)
)
@settings(max_examples=2000)
@example(1e-4)
@example(9.999999999999999e-5)
@example(1e16)
@example(9999999999999998.0)
@example(2.0**53)
@example(2.0**53 - 1)
@example(-0.0)
@example(18000.0)
@example(0.9731)
def test_every_float_is_written_or_refused_as_the_library_does(number: float) -> None:
    assert written(canonical, number) == written(rfc8785.dumps, number)
    assert written(canonical, [{"a": number}]) == written(rfc8785.dumps, [{"a": number}])


@given(ODD_VALUES)
def test_the_text_of_a_member_reads_back_and_is_written_the_same_again(value: Any) -> None:
    try:
        text = canonical_member(value)
    except NotCanonical:
        return
    assert text.encode() == canonical(value)
    assert canonical_member(json.loads(text)) == text


@pytest.mark.parametrize("number", [2.0**53, -1e17, 9.999999999999999e20])
def test_a_member_holds_no_float_that_reads_back_as_an_integer_beyond_2_53(number: float) -> None:
    assert canonical(number)
    with pytest.raises(NotCanonical, match="read back"):
        canonical_member({"weight_kg": number})


def test_a_member_nests_one_level_less() -> None:
    value: Any = 0
    for _ in range(MOST_DEPTH - 1):
        value = [value]
    assert canonical_member(value).encode() == canonical(value)
    with pytest.raises(NotCanonical, match=str(MOST_DEPTH)):
        canonical_member([value])


@given(JSON_VALUES)
def test_reading_the_canonical_text_gives_the_value_back(value: Any) -> None:
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(TEXT, st.integers(0, 9), min_size=2, max_size=8))
def test_the_hash_does_not_depend_on_the_order_of_members(value: dict[str, int]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


def test_the_hash_is_sha256_in_lower_case_hex() -> None:
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize("value", ["\0", {"a\0": 1}, [{"a": ["b\0"]}], ("\0",), {"a": 0.5, "b": "\0"}])
def test_a_text_with_nul_is_refused_since_not_every_database_keeps_it(value: Any) -> None:
    with pytest.raises(NotCanonical, match=r"U\+0000"):
        canonical(value)


def test_a_backslash_before_u0000_is_no_nul() -> None:
    assert canonical("\\u0000") == b'"\\\\u0000"'
