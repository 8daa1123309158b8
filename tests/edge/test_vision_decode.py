"""From the recogniser's probabilities to a plate: grammar over evidence, and never a guess on Chinese serial places."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.vision.decode import (
    PlateAlphabet,
    likeliest_texts,
    may_be_trailers_row,
    may_lack_province,
    plate_text,
)
from edge.vision.port import Alternatives
from shared.plates import classify

CLASSES = ["", "0", "1", "2", "5", "8", "A", "a", "B", "C", "F", "D", "桂", "粤", "·", "-", "日", "Ｆ"]
ALPHABET = PlateAlphabet(CLASSES)
CHARACTERS = "0123456789ABCDEFGHKLMNPRSTUVXYZĐ桂粤挂"


def steps(*rows: dict[str, float]) -> NDArray[np.float32]:
    """Steps x classes; what a row leaves over goes to the blank."""
    table = np.zeros((len(rows), len(CLASSES)), np.float32)
    for at, row in enumerate(rows):
        for character, probability in row.items():
            table[at, CLASSES.index(character)] = probability
        table[at, 0] += 1 - sum(row.values())
    return table


def sure(text: str) -> list[Alternatives]:
    return [((c, 1.0),) for c in text]


def test_runs_are_one_character_and_a_blank_parts_two_of_the_same() -> None:
    probabilities = steps({"1": 0.9}, {"1": 0.8}, {}, {"1": 0.7})
    assert [[c for c, _ in position] for position in ALPHABET.positions(probabilities)] == [["1"], ["1"]]


def test_small_letters_and_full_width_forms_count_for_their_capital() -> None:
    (a,), (f,) = ALPHABET.positions(steps({"A": 0.5, "a": 0.4}, {"F": 0.2, "Ｆ": 0.7}))
    assert (a[0], f[0]) == ("A", "F")
    assert (a[1], f[1]) == pytest.approx((0.9, 0.9))


def test_punctuation_is_silent_but_a_foreign_character_keeps_its_place() -> None:
    positions = ALPHABET.positions(steps({"A": 0.9}, {"·": 0.9}, {"日": 0.9, "8": 0.05}))
    assert [[c for c, _ in position] for position in positions] == [["A"], ["8"]]


def test_a_province_lost_to_the_blank_is_found_by_its_trace() -> None:
    probabilities = steps({"桂": 0.2, "粤": 0.01}, {"F": 0.9}, {"0": 0.9})
    assert [position[0][0] for position in ALPHABET.positions(probabilities)] == ["F", "0"]

    province, *tail = ALPHABET.positions_after_province(probabilities)

    assert province[0][0] == "桂"
    assert province[0][1] < 0.5
    assert [position[0][0] for position in tail] == ["F", "0"]


def test_an_alphabet_without_provinces_finds_none() -> None:
    alphabet = PlateAlphabet(["", *"0123456789ABCDEF"])
    table = np.full((3, 17), 0.01, np.float32)
    table[1, 11] = 0.9
    assert alphabet.text(table).after_province == ()


@pytest.mark.parametrize("rows", [[{"F": 0.9}, {"0": 0.9}], [{"桂": 0.03}, {"F": 0.9}], [{}], [{"桂": 0.9}]])
def test_without_a_trace_or_a_tail_there_is_no_province(rows: list[dict[str, float]]) -> None:
    assert ALPHABET.positions_after_province(steps(*rows)) == ()


def test_the_likeliest_text_that_is_a_plate_wins_over_a_likelier_one_that_is_none() -> None:
    characters = [*sure("29"), (("6", 0.6), ("G", 0.3)), *sure("12345")]
    plate = plate_text(characters)
    assert plate is not None
    assert plate.text == "29G12345"
    assert plate.probability == pytest.approx(0.3)


def test_a_look_alike_at_a_fixed_place_of_a_vietnamese_plate_is_mended_at_a_cost() -> None:
    plate = plate_text(sure("29812345"))
    assert plate is not None
    assert plate.text == "29B12345"
    assert plate.probability < 0.5


@pytest.mark.parametrize("text", ["桂F8B0D2", "桂FB8D02", "粤A0D0D0"])
def test_a_chinese_serial_is_given_as_read(text: str) -> None:
    plate = plate_text(sure(text))
    assert plate is not None
    assert plate.text == text
    assert plate.probability == pytest.approx(1.0)


@pytest.mark.parametrize("text", ["", "HELLO", "5000KG", "XUATNHAPKHAU", "桂桂12345", "桂FOOOOO"])
def test_what_is_no_plate_is_dropped(text: str) -> None:
    assert plate_text(sure(text)) is None


def test_a_position_without_any_plate_character_is_no_plate() -> None:
    assert plate_text([*sure("29C1234"), ()]) is None


@pytest.mark.parametrize(
    ("text", "may"),
    [("F12345", True), ("1F12345", True), ("A8888D", True), ("5000KG", False), ("4920LBS", False)],
)
def test_a_province_may_lack_only_where_one_would_make_a_plate(text: str, may: bool) -> None:
    assert may_lack_province(None, sure(text)) is may


@pytest.mark.parametrize(
    ("characters", "may"),
    [
        (sure("1234挂"), True),
        ([*sure("1234"), (("桂", 0.8), ("挂", 0.1))], True),
        (sure("1234桂"), False),
        (sure("234挂"), False),
        (sure("桂F1234挂"), False),
    ],
)
def test_a_trailers_lower_row_has_four_places_and_its_suffix(
    characters: list[Alternatives], may: bool
) -> None:
    assert may_be_trailers_row(characters) is may


alternatives = st.lists(
    st.tuples(st.sampled_from(CHARACTERS), st.floats(0.003, 1.0)), max_size=4, unique_by=lambda x: x[0]
).map(tuple)


@given(st.lists(alternatives, max_size=11))
def test_whatever_the_evidence_the_result_is_none_or_a_plate(characters: list[Alternatives]) -> None:
    plate = plate_text(characters)
    assert plate is None or (classify(plate.text) == plate.form and 0 < plate.probability <= 1)


@given(st.lists(alternatives.filter(bool), max_size=5))
def test_texts_come_in_the_order_of_their_probability(characters: list[Alternatives]) -> None:
    probabilities = [probability for _, probability in likeliest_texts(characters)]
    assert probabilities == sorted(probabilities, reverse=True)
