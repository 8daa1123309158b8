"""Plates of both countries: grammars (border facts, D), dirty strings, look-alikes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codes import Country, Ground
from shared.plates import (
    CN_PROVINCES,
    LOOK_ALIKES,
    Kind,
    classify,
    countries,
    differing_positions,
    forms,
    is_trailer,
    key,
    normalise,
    one_confusion_apart,
    one_confusion_of,
    province,
    repair_vietnamese,
)

VIETNAMESE = [
    ("12C12345", Kind.VN_CIVIL),
    ("12C1234", Kind.VN_CIVIL),
    ("99Z99999", Kind.VN_CIVIL),
    ("29K00001", Kind.VN_CIVIL),
    ("80A12345", Kind.VN_CIVIL),
    ("98R03688", Kind.VN_TRAILER),
    ("34RM00121", Kind.VN_TRAILER),
    ("12R1234", Kind.VN_TRAILER),
    ("29LD12345", Kind.VN_SPECIAL),
    ("12TĐ12345", Kind.VN_SPECIAL),
    ("12TD12345", Kind.VN_SPECIAL),
    ("29MĐ12345", Kind.VN_SPECIAL),
    ("T1212345", Kind.VN_TEMPORARY),
    ("80441NG45", Kind.VN_FOREIGN),
    ("27QT54745", Kind.VN_FOREIGN),
    ("80NN12345", Kind.VN_FOREIGN),
    ("29B112345", Kind.VN_MOTORCYCLE),
    ("AB1234", Kind.VN_ARMY),
]
CHINESE = [
    ("桂FF0123", Kind.CN_STANDARD),
    ("桂F01234", Kind.CN_STANDARD),
    ("桂F0Q2J4", Kind.CN_STANDARD),
    ("粤B12345", Kind.CN_STANDARD),
    ("桂F1234挂", Kind.CN_TRAILER),
    ("桂A1234学", Kind.CN_COACH),
    ("桂A1234警", Kind.CN_POLICE),
    ("桂O1234警", Kind.CN_POLICE),
    ("粤Z1234港", Kind.CN_HONG_KONG_MACAO),
    ("粤ZF123澳", Kind.CN_HONG_KONG_MACAO),
    ("123456使", Kind.CN_EMBASSY),
    ("沪12345领", Kind.CN_CONSULATE),
    ("桂AD12345", Kind.CN_NEW_ENERGY_SMALL),
    ("桂AF12345", Kind.CN_NEW_ENERGY_SMALL),
    ("桂A12345D", Kind.CN_NEW_ENERGY_LARGE),
    ("桂F1234试", Kind.CN_TEMPORARY),
    ("桂F1234超", Kind.CN_TEMPORARY),
    ("F01234", Kind.CN_SHORT),
    ("A4K9X1", Kind.CN_SHORT),
    ("F1234挂", Kind.CN_SHORT_TRAILER),
    ("AD12345", Kind.CN_SHORT_NEW_ENERGY),
    ("A12345D", Kind.CN_SHORT_NEW_ENERGY),
]
NO_PLATES = [
    "",
    "12345",
    "13C12345",  # 13, 42, 44, 45, 46, 87, 91, 96 were never given out
    "42C12345",
    "44C12345",
    "87C12345",
    "91C12345",
    "96C12345",
    "10C12345",
    "12I12345",  # I, J, O, Q, W stand on no Vietnamese plate
    "12J12345",
    "12O12345",
    "12Q12345",
    "12W12345",
    "12C123",
    "12C1234567",
    "12Đ12345",
    "桂I12345",  # I and O are no authority letters
    "桂O12345",
    "桂F0I234",
    "桂F0O234",
    "桂FABC12",  # at most two letters in a serial
    "桂F1234",
    "京京12345",
    "鬼F12345",
    "12C12345\n",
    "１２C12345",
]
ALL_CHINESE = st.sampled_from([text for text, _ in CHINESE])
KEYS = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ挂", min_size=1, max_size=9)


@pytest.mark.parametrize(("text", "kind"), VIETNAMESE)
def test_vietnamese_grammars(text: str, kind: Kind) -> None:
    form = classify(text)
    assert form is not None
    assert (form.kind, form.country) == (kind, Country.VN)


@pytest.mark.parametrize(("text", "kind"), CHINESE)
def test_chinese_grammars(text: str, kind: Kind) -> None:
    form = classify(text)
    assert form is not None
    assert (form.kind, form.country) == (kind, Country.CN)


@pytest.mark.parametrize("text", NO_PLATES)
def test_what_is_no_plate(text: str) -> None:
    assert classify(text) is None


def test_exactly_81_vietnamese_provinces_are_valid() -> None:
    valid = [code for code in range(100) if classify(f"{code:02}C12345")]
    never_used = {13, 42, 44, 45, 46, 87, 91, 96}
    assert len(valid) == 81
    assert set(valid) == set(range(11, 100)) - never_used


def test_exactly_20_vietnamese_series_letters_are_valid() -> None:
    letters = "".join(one for one in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if Kind.VN_CIVIL in kinds(f"12{one}12345"))
    assert letters == "ABCDEFGHKLMNPSTUVXYZ"


def test_all_31_chinese_provinces_are_valid() -> None:
    assert len(set(CN_PROVINCES)) == 31
    assert all(classify(f"{one}F12345") for one in CN_PROVINCES)


def test_an_army_plate_and_a_short_chinese_plate_are_one_shape() -> None:
    assert kinds("FF0123") == {Kind.VN_ARMY, Kind.CN_SHORT}
    assert kinds("AB1234") == {Kind.VN_ARMY, Kind.CN_SHORT}
    assert kinds("IO1234") == {Kind.VN_ARMY}, "no Chinese authority has the letter I"
    assert kinds("F01234") == {Kind.CN_SHORT}


def kinds(text: str) -> set[Kind]:
    return {form.kind for form in forms(text)}


# -- countries and trailers

BOTH, VN, CN = frozenset(Country), frozenset({Country.VN}), frozenset({Country.CN})


@pytest.mark.parametrize(
    ("text", "by_ground"),
    [
        ("12C12345", dict.fromkeys([None, *Ground], VN)),
        ("桂AB1234", dict.fromkeys([None, *Ground], CN)),
        ("F01234", dict.fromkeys([None, *Ground], CN)),
        ("NOPLATE", dict.fromkeys([None, *Ground], BOTH)),
        ("AB1234", {None: BOTH, Ground.WHITE: BOTH, Ground.RED: VN, Ground.YELLOW: CN, Ground.BLUE: CN}),
        ("IO1234", {None: VN, Ground.BLACK: VN, Ground.RED: VN, Ground.YELLOW: frozenset()}),
    ],
)
def test_grammar_and_ground_tell_the_countries_of_a_plate(
    text: str, by_ground: dict[Ground | None, frozenset[Country]]
) -> None:
    assert {ground: countries(text, ground) for ground in by_ground} == by_ground


@pytest.mark.parametrize(("text", "kind"), VIETNAMESE + CHINESE)
def test_trailers_are_those_of_the_trailers_grammars(text: str, kind: Kind) -> None:
    assert is_trailer(text) is (kind in {Kind.VN_TRAILER, Kind.CN_TRAILER, Kind.CN_SHORT_TRAILER})


# -- normal form and comparison key


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("12C-123.45", "12C12345"),
        (" 12c 123 45\t", "12C12345"),
        ("12C\n123.45", "12C12345"),
        ("12C\u00a0123\u200b45", "12C12345"),
        ("１２Ｃ－１２３．４５", "12C12345"),
        ("桂F·F0123", "桂FF0123"),
        ("桂 F 1234 挂", "桂F1234挂"),
        ("12tđ-123.45", "12TĐ12345"),
        ("12TÐ-123.45", "12TĐ12345"),  # U+00D0 and its small letter look like Đ and are typed for it
        ("12Tð12345", "12TĐ12345"),
        ("12-TĐ\u0000123.45", "12TĐ12345"),
        ("unknown?!", "UNKNOWN"),
        ("xe số …", "XES"),
        ("", ""),
    ],
)
def test_dirty_declared_plates_are_cleaned(dirty: str, clean: str) -> None:
    assert normalise(dirty) == clean


@given(st.text(max_size=20))
def test_the_normal_form_is_normal(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.sampled_from(VIETNAMESE + CHINESE), st.data())
def test_blanks_dots_and_full_width_forms_change_nothing(
    plate: tuple[str, Kind], data: st.DataObject
) -> None:
    def written(character: str) -> str:
        full = chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character
        assert unicodedata.normalize("NFKC", full) == character
        return data.draw(st.sampled_from([character, character.lower(), full])) + data.draw(
            st.sampled_from(["", " ", "\t", ".", "-", "·", "\u3000"])
        )

    assert normalise("".join(written(one) for one in plate[0])) == plate[0]


def test_the_key_of_a_chinese_plate_is_without_its_province() -> None:
    assert key("桂F·F0123") == key("FF0123") == "FF0123"
    assert province("桂F·F0123") == "桂"
    assert province("FF0123") is None
    assert province("123456使") is None


def test_d_with_stroke_is_folded_in_the_key_and_nowhere_else() -> None:
    assert key("12TĐ12345") == key("12TD12345") == "12TD12345"
    assert normalise("12TĐ12345") == "12TĐ12345"


# -- look-alikes


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("12C12345", "12C12346", False),  # 5 and 6 do not look alike
        ("12C12345", "12C1234S", True),
        ("12C12348", "12C1234B", True),
        ("12C12345", "12G12345", True),
        ("12C12345", "12C12345", False),
        ("12C12345", "12C1234", False),
        ("12C88", "12CBB", False),
        ("FF0123", "FE0123", True),
        ("FF0123", "FFQ123", True),
    ],
)
def test_one_likely_confusion_apart(one: str, other: str, apart: bool) -> None:
    assert one_confusion_apart(one, other) is apart


@given(KEYS)
def test_every_confusion_of_a_key_is_one_apart_and_leads_back(text: str) -> None:
    near = one_confusion_of(text)
    assert text not in near
    for other in near:
        assert one_confusion_apart(text, other)
        assert text in one_confusion_of(other)


@given(KEYS, KEYS)
def test_being_one_confusion_apart_is_symmetric_and_is_what_is_looked_up(one: str, other: str) -> None:
    assert one_confusion_apart(one, other) == one_confusion_apart(other, one)
    assert one_confusion_apart(one, other) == (other in one_confusion_of(one))


@pytest.mark.parametrize(
    "pair", ["0D", "0Q", "8B", "2Z", "5S", "6G", "1T", "17", "4A", "EF", "VU", "VY", "MN", "CG"]
)
def test_the_confusions_of_the_border_facts_are_known(pair: str) -> None:
    assert any(set(pair) <= group for group in LOOK_ALIKES)


def test_positions_at_which_two_keys_differ() -> None:
    assert differing_positions("12C12345", "12G12346") == (2, 7)
    assert differing_positions("12C12345", "12C1234") is None


# -- repair


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("12812345", "12B12345"),
        ("I2C12345", "12C12345"),
        ("12C1Z34S", "12C12345"),
        ("Z9C1234", "29C1234"),
        ("12C12345", "12C12345"),
        ("13B1234O", "13B1234O"),  # no such province: nothing to repair to
        ("12C12X45", "12C12X45"),
        ("12C12", "12C12"),
        ("", ""),
    ],
)
def test_look_alikes_at_fixed_places_are_repaired(read: str, meant: str) -> None:
    assert repair_vietnamese(read) == meant


@given(ALL_CHINESE)
def test_a_chinese_plate_is_never_repaired(text: str) -> None:
    assert repair_vietnamese(text) == text
    assert repair_vietnamese(key(text)) == key(text)


@given(
    st.sampled_from(CN_PROVINCES),
    st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=5, max_size=8),
    st.sampled_from(["", "挂", "学", "警"]),
)
def test_nothing_with_a_chinese_character_is_ever_changed(head: str, middle: str, tail: str) -> None:
    assert repair_vietnamese(head + middle + tail) == head + middle + tail
    assert not tail or repair_vietnamese(middle + tail) == middle + tail


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=6, max_size=9))
def test_a_repair_only_exchanges_look_alikes_and_gives_a_civil_plate(read: str) -> None:
    meant = repair_vietnamese(read)
    if meant == read:
        return
    form = classify(meant)
    assert form is not None
    assert form.kind is Kind.VN_CIVIL
    places = differing_positions(read, meant) or ()
    assert all(any({read[at], meant[at]} <= group for group in LOOK_ALIKES) for at in places)
