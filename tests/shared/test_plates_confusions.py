"""Characters that readers take for one another (border facts, D3), and what is never changed by them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.plates import (
    CN_PROVINCES,
    CN_SUFFIXES,
    LOOK_ALIKES,
    Kind,
    classify,
    countries,
    forms,
    key,
    normalise,
    one_confusion_apart,
    one_confusion_of,
    province,
    repair_vietnamese,
)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
AT_THE_LETTER = {"0": "D", "8": "B", "5": "S", "2": "Z", "6": "G", "4": "A", "7": "T", "1": "L"}
AT_A_DIGIT = {
    "O": "0", "Q": "0", "D": "0", "I": "1", "J": "1", "L": "1", "Z": "2", "A": "4", "S": "5", "G": "6", "T": "7",
    "B": "8",
}  # fmt: skip
LEFT_OPEN = ("0DQ", "8B", "2Z", "5S", "6G", "1T7", "4A", "EF", "VUY", "MNHW", "CG", "KX")

READ = st.text(LETTERS + DIGITS + "Đ", min_size=6, max_size=9)
ANY = READ | st.text() | st.text(LETTERS + DIGITS + "Đđ" + CN_PROVINCES + CN_SUFFIXES)
CIVIL = st.from_regex(r"(1[124-9]|[23][0-9])[A-HK-NPS-VXYZ][0-9]{4,5}", fullmatch=True)


# -- the places of a Vietnamese plate


@pytest.mark.parametrize("character", LETTERS + DIGITS)
@pytest.mark.parametrize("number", ["12345", "1234"])
def test_the_letter_place_takes_letters_for_digits_by_the_table(character: str, number: str) -> None:
    read = f"12{character}{number}"
    meant = f"12{AT_THE_LETTER.get(character, character)}{number}"
    assert repair_vietnamese(read) == meant
    assert (classify(meant) is None) is (character in "IJOQW39")


@pytest.mark.parametrize("character", LETTERS)
@pytest.mark.parametrize("at", [3, 4, 5, 6, 7])
def test_a_digit_place_takes_digits_for_letters_by_the_table(character: str, at: int) -> None:
    plate = "12C12345"
    read = plate[:at] + character + plate[at + 1 :]
    if classify(read) is None and character in AT_A_DIGIT:
        assert repair_vietnamese(read) == plate[:at] + AT_A_DIGIT[character] + plate[at + 1 :]
    else:
        assert repair_vietnamese(read) == read


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("IZC12345", "12C12345"),
        ("L2C12345", "12C12345"),
        ("J2C12345", "12C12345"),
        ("ZQC12345", "20C12345"),
        ("ZOC12345", "20C12345"),
        ("ZDC12345", "20C12345"),
        ("A1C12345", "41C12345"),
        ("S1C12345", "51C12345"),
        ("G1C12345", "61C12345"),
        ("T1C12345", "71C12345"),
        ("B1C12345", "81C12345"),
        ("IIC12345", "11C12345"),
        ("I3C12345", "I3C12345"),  # 13 was never given out
        ("AZC12345", "AZC12345"),  # nor 42
        ("AAC12345", "AAC12345"),  # nor 44
        ("BTC12345", "BTC12345"),  # nor 87
        ("9IC12345", "9IC12345"),  # nor 91
        ("I2R12345", "I2R12345"),  # only civil plates are repaired, not those of trailers
        ("X2C12345", "X2C12345"),  # nothing looks like an X that is a digit
    ],
)
def test_the_places_of_the_province_take_digits_and_only_codes_that_exist(read: str, meant: str) -> None:
    assert repair_vietnamese(read) == meant


@given(CIVIL, st.data())
def test_whatever_is_misread_by_the_table_comes_back_when_no_other_plate_is_meant(
    plate: str, data: st.DataObject
) -> None:
    read = "".join(data.draw(st.sampled_from(misread(at, one))) for at, one in enumerate(plate))
    assert repair_vietnamese(read) == (plate if classify(read) is None else read)


def misread(at: int, character: str) -> list[str]:
    table = AT_THE_LETTER if at == 2 else AT_A_DIGIT
    return [character, *(seen for seen, meant in table.items() if meant == character)]


# -- what is never changed


@given(ANY)
def test_a_repair_is_made_once(text: str) -> None:
    assert repair_vietnamese(repair_vietnamese(text)) == repair_vietnamese(text)


@given(READ.filter(lambda text: classify(text) is not None) | CIVIL)
def test_a_plate_is_never_repaired(text: str) -> None:
    assert repair_vietnamese(text) == text


@given(ANY.filter(lambda text: any(one in CN_PROVINCES + CN_SUFFIXES for one in text)))
def test_nothing_with_a_chinese_character_is_repaired(text: str) -> None:
    assert repair_vietnamese(text) == text


@pytest.mark.parametrize("pair", [p for group in LEFT_OPEN for p in product(group, repeat=2) if p[0] != p[1]])
def test_the_serial_of_a_chinese_plate_stays_as_it_was_read(pair: tuple[str, str]) -> None:
    for text in (f"桂F12{pair[0]}45", f"F12{pair[0]}45", f"F12{pair[0]}4挂"):
        assert classify(text) is not None
        assert repair_vietnamese(text) == text
        other = text.replace(pair[0], pair[1])
        if text.count(pair[0]) == 1:
            assert one_confusion_apart(key(text), key(other))


@given(READ)
def test_a_repair_turns_only_what_the_table_turns_at_its_place(read: str) -> None:
    meant = repair_vietnamese(read)
    for at, (seen, put) in enumerate(zip(read, meant, strict=True)):
        assert put == seen or (AT_THE_LETTER if at == 2 else AT_A_DIGIT).get(seen) == put


# -- one confusion apart


def test_the_table_of_look_alikes_holds_what_the_border_facts_leave_open() -> None:
    wanted = [set(group) for group in LEFT_OPEN] + [
        {seen, meant} for table in (AT_THE_LETTER, AT_A_DIGIT) for seen, meant in table.items()
    ]
    assert all(any(pair <= group for group in LOOK_ALIKES) for pair in wanted)


@pytest.mark.parametrize("one", LETTERS + DIGITS)
def test_two_characters_are_a_confusion_exactly_when_a_group_holds_both(one: str) -> None:
    for other in LETTERS + DIGITS:
        together = one != other and any({one, other} <= group for group in LOOK_ALIKES)
        first, second = f"F{one}1234", f"F{other}1234"
        assert one_confusion_apart(first, second) is together
        assert (second in one_confusion_of(first)) is together
        assert (first in one_confusion_of(second)) is together


@given(ANY)
def test_what_is_one_confusion_away_is_another_text_of_its_length_and_leads_back(text: str) -> None:
    near = one_confusion_of(text)
    assert text not in near
    for other in near:
        assert len(other) == len(text)
        assert one_confusion_apart(text, other)
        assert one_confusion_apart(other, text)
        assert text in one_confusion_of(other)


@given(st.text("05DS8", max_size=4), st.text("05DS8", max_size=4))
def test_exactly_the_near_texts_are_one_confusion_apart(one: str, other: str) -> None:
    assert one_confusion_apart(one, other) == one_confusion_apart(other, one)
    assert one_confusion_apart(one, other) == (other in one_confusion_of(one))


# -- normal form and key


@given(ANY)
def test_the_normal_form_and_the_key_are_reached_in_one_step(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    assert key(key(text)) == key(text)
    assert key(normalise(text)) == key(text)


@given(ANY)
def test_normal_form_and_key_hold_only_characters_of_plates(text: str) -> None:
    allowed = set(LETTERS + DIGITS + "Đ" + CN_PROVINCES + CN_SUFFIXES)
    assert set(normalise(text)) <= allowed
    assert set(key(text)) <= allowed - {"Đ"}
    assert province(key(text)) is None


@given(st.text("ĐđÐðƉɖ.- 12TMD桂", max_size=12))
def test_d_with_stroke_stays_in_what_is_stored(text: str) -> None:
    stored = normalise(text)
    assert stored.count("Đ") == sum(one in "ĐđÐðƉɖ" for one in text)
    assert stored.count("D") == text.count("D")
    assert repair_vietnamese(stored).count("Đ") == stored.count("Đ")


@pytest.mark.parametrize("code", ["TĐ", "MĐ"])
def test_a_plate_with_d_with_stroke_is_found_by_both_spellings(code: str) -> None:
    plate = f"12{code}12345"
    assert normalise(plate) == plate
    assert {form.kind for form in forms(plate)} == {Kind.VN_SPECIAL}
    assert key(plate) == key(plate.replace("Đ", "D")) == plate.replace("Đ", "D")


@pytest.mark.parametrize("text", ["桂桂F01234", "京沪F01234"])
def test_no_province_is_left_in_a_key_when_it_was_written_twice(text: str) -> None:
    assert key(text) == "F01234"
    assert countries(key(text)) == countries("F01234")
