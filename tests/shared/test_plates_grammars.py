"""Every grammar of plates, place by place: the border facts (section D) written once more, and the module held to them."""

from collections.abc import Iterator
from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.codes import Country
from shared.plates import CN_PROVINCES, CN_SUFFIXES, Kind, PlateForm, forms

Place = tuple[str, ...]
"""What may stand at one place of a plate."""
Shape = tuple[Place, ...]

DIGITS = tuple("0123456789")
NEVER_GIVEN_OUT = (13, 42, 44, 45, 46, 87, 91, 96)
VN = tuple(f"{code}" for code in range(11, 100) if code not in NEVER_GIVEN_OUT)
SERIES = tuple("ABCDEFGHKLMNPSTUVXYZ")
SECOND_OF_MOTORCYCLES = tuple("ABCDEFHKLMNPRSTUVXYZ123456789")
CODES = ("LD", "DA", "KT", "CD", "HC", "MK", "TĐ", "MĐ", "TD", "LB", "CT")
FOREIGN = ("NG", "QT", "NN", "CV")
LATIN = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

CN = tuple("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼")
AUTHORITY = tuple("ABCDEFGHJKLMNPQRSTUVWXYZ")
AUTHORITY_OF_POLICE = tuple("ABCDEFGHJKLMNOPQRSTUVWXYZ")
SERIAL = (*AUTHORITY, *DIGITS)
NEW_ENERGY = tuple("ABCDEFGHJK")

TWO_LETTERS_AT_MOST: tuple[Shape, ...] = tuple(
    tuple(AUTHORITY if place in letters else DIGITS for place in range(5))
    for many in range(3)
    for letters in combinations(range(5), many)
)
FOUR_OR_FIVE: tuple[Shape, ...] = ((DIGITS,) * 4, (DIGITS,) * 5)
FOUR: Shape = (SERIAL,) * 4
SMALL: Shape = (NEW_ENERGY, SERIAL, *(DIGITS,) * 4)
LARGE: Shape = (*(DIGITS,) * 5, NEW_ENERGY)

SHAPES: dict[Kind, tuple[Shape, ...]] = {
    Kind.VN_CIVIL: tuple((VN, SERIES, *number) for number in FOUR_OR_FIVE),
    Kind.VN_TRAILER: tuple((VN, ("R", "RM"), *number) for number in FOUR_OR_FIVE),
    Kind.VN_SPECIAL: tuple((VN, CODES, *number) for number in FOUR_OR_FIVE),
    Kind.VN_TEMPORARY: tuple((("T",), VN, *number) for number in FOUR_OR_FIVE),
    Kind.VN_FOREIGN: (
        (VN, *(DIGITS,) * 3, FOREIGN, *(DIGITS,) * 2),
        (VN, FOREIGN, *(DIGITS,) * 5),
    ),
    Kind.VN_ARMY: ((LATIN, LATIN, *(DIGITS,) * 4),),
    Kind.VN_MOTORCYCLE: tuple((VN, SERIES, SECOND_OF_MOTORCYCLES, *number) for number in FOUR_OR_FIVE),
    Kind.CN_STANDARD: tuple((CN, AUTHORITY, *serial) for serial in TWO_LETTERS_AT_MOST),
    Kind.CN_TRAILER: ((CN, AUTHORITY, *FOUR, ("挂",)),),
    Kind.CN_COACH: ((CN, AUTHORITY, *FOUR, ("学",)),),
    Kind.CN_POLICE: ((CN, AUTHORITY_OF_POLICE, *FOUR, ("警",)),),
    Kind.CN_HONG_KONG_MACAO: ((("粤",), ("Z",), *FOUR, ("港", "澳")),),
    Kind.CN_EMBASSY: ((*(DIGITS,) * 6, ("使",)),),
    Kind.CN_CONSULATE: ((CN, *(DIGITS,) * 5, ("领",)),),
    Kind.CN_NEW_ENERGY_SMALL: ((CN, AUTHORITY, *SMALL),),
    Kind.CN_NEW_ENERGY_LARGE: ((CN, AUTHORITY, *LARGE),),
    Kind.CN_TEMPORARY: ((CN, AUTHORITY, *FOUR, ("试", "超")),),
    Kind.CN_SHORT: tuple((AUTHORITY, *serial) for serial in TWO_LETTERS_AT_MOST),
    Kind.CN_SHORT_TRAILER: ((AUTHORITY, *FOUR, ("挂",)),),
    Kind.CN_SHORT_NEW_ENERGY: ((AUTHORITY, *SMALL), (AUTHORITY, *LARGE)),
}
CHARACTERS = "".join((*LATIN, *DIGITS, "Đ", *CN, *CN_SUFFIXES))
KINDS = st.sampled_from(Kind)


def kinds(text: str) -> set[Kind]:
    return {form.kind for form in forms(text)}


def written(shape: Shape, text: str) -> bool:
    """True when the text is the places of the shape, one after the other."""
    if not shape:
        return not text
    return any(text.startswith(part) and written(shape[1:], text[len(part) :]) for part in shape[0])


def by_the_facts(text: str) -> set[Kind]:
    return {kind for kind, shapes in SHAPES.items() if any(written(shape, text) for shape in shapes)}


@st.composite
def plates(draw: st.DrawFn, kind: Kind) -> str:
    """Texts of a kind, built place by place."""
    shape = draw(st.sampled_from(SHAPES[kind]))
    return "".join(draw(st.sampled_from(place)) for place in shape)


@st.composite
def near_misses(draw: st.DrawFn) -> str:
    """A plate with one character exchanged, left out, put in or doubled, wherever it stands."""
    text = draw(KINDS.flatmap(plates))
    at = draw(st.integers(0, len(text) - 1))
    other = draw(st.sampled_from(CHARACTERS))
    return draw(
        st.sampled_from(
            [
                text[:at] + other + text[at + 1 :],
                text[:at] + text[at + 1 :],
                text[:at] + other + text[at:],
                text[: at + 1] + text[at:],
            ]
        )
    )


def test_the_facts_are_written_down_for_every_kind() -> None:
    assert set(SHAPES) == set(Kind)
    assert (len(VN), len(SERIES), len(CN)) == (81, 20, 31)
    assert set(CN_PROVINCES) == set(CN)


@pytest.mark.parametrize("kind", Kind)
@given(data=st.data())
def test_what_is_built_by_the_facts_follows_its_grammar(kind: Kind, data: st.DataObject) -> None:
    text = data.draw(plates(kind))
    assert kind in kinds(text)
    assert PlateForm(kind).country is (Country.VN if kind.value[:2] == "VN" else Country.CN)


@given(near_misses())
@example("12C12345\n")
@example("12C1234\u0665")
@example("12C1234５")
def test_a_near_miss_follows_exactly_the_grammars_that_the_facts_give_it(text: str) -> None:
    assert kinds(text) == by_the_facts(text)


@given(st.text(CHARACTERS, min_size=5, max_size=10))
def test_any_text_follows_exactly_the_grammars_that_the_facts_give_it(text: str) -> None:
    assert kinds(text) == by_the_facts(text)


@given(KINDS.flatmap(plates), st.characters(exclude_characters=CHARACTERS), st.data())
def test_no_other_character_of_the_world_stands_on_a_plate(
    text: str, other: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    assert kinds(text[:at] + other + text[at + 1 :]) == set()
    assert kinds(text + other) == kinds(other + text) == set()


@pytest.mark.parametrize("kind", Kind)
def test_each_place_takes_all_that_the_facts_allow_there_and_nothing_else(kind: Kind) -> None:
    for shape in SHAPES[kind]:
        for text, allowed in exchanged(shape):
            assert (kind in kinds(text)) is (allowed or kind in by_the_facts(text)), text


def exchanged(shape: Shape) -> Iterator[tuple[str, bool]]:
    """A plate of the shape with each place exchanged in turn for all that may stand there and for every character."""
    plain = [place[0] for place in shape]
    for at, place in enumerate(shape):
        for part in (*place, *CHARACTERS):
            yield "".join((*plain[:at], part, *plain[at + 1 :])), part in place


VALID = {
    Kind.VN_CIVIL: "11A0000 99Z99999 12C1234 12C12345 40H12345 43K12345 86Y0001 88X99999 98B00001",
    Kind.VN_TRAILER: "12R1234 12R12345 34RM0012 34RM00121 99R00000 11RM99999",
    Kind.VN_SPECIAL: (
        "29LD12345 29DA1234 29KT12345 29CD1234 29HC12345 29MK1234 12TĐ12345 29MĐ1234 12TD12345 74LB0001 38CT00001"
    ),
    Kind.VN_TEMPORARY: "T121234 T1212345 T110000 T9999999",
    Kind.VN_FOREIGN: "80441NG45 80NG44145 27547QT45 27QT54745 80000NN00 80NN99999 80123CV45 80CV12345",
    Kind.VN_ARMY: "AA0000 AB1234 TM9999 ZZ9999 IO1234",
    Kind.VN_MOTORCYCLE: "12A10000 29B112345 29BR12345 99ZZ99999 12AA1234 29X912345",
    Kind.CN_STANDARD: "桂F01234 桂FF0123 桂F0123Z 桂FAB123 桂F123AB 京A00000 琼Z99999 桂F0Q2J4 桂FW1R23 粤ZA123B",
    Kind.CN_TRAILER: "桂F0000挂 桂FABCD挂 京A9Z9Z挂 琼Z1234挂",
    Kind.CN_COACH: "桂F1234学 京AZZZZ学",
    Kind.CN_POLICE: "桂A1234警 桂O1234警 京ZA1B2警",
    Kind.CN_HONG_KONG_MACAO: "粤Z0000港 粤ZZZZZ港 粤ZF123澳 粤Z9999澳",
    Kind.CN_EMBASSY: "000000使 123456使 999999使",
    Kind.CN_CONSULATE: "沪00000领 桂99999领",
    Kind.CN_NEW_ENERGY_SMALL: "桂AD12345 桂AF12345 桂FA00000 桂FKZ9999",
    Kind.CN_NEW_ENERGY_LARGE: "桂A12345D 桂F00000A 桂F99999K",
    Kind.CN_TEMPORARY: "桂F1234试 桂F1234超 京AZZZZ试",
    Kind.CN_SHORT: "F01234 FF0123 A4K9X1 A00000 Z99999 FAB123 F123AB",
    Kind.CN_SHORT_TRAILER: "F1234挂 AZZZZ挂 Z0000挂",
    Kind.CN_SHORT_NEW_ENERGY: "AD12345 FKZ9999 A12345D F99999K",
}
NEVER = {
    Kind.VN_CIVIL: (
        "13C12345 42C12345 44C12345 45C12345 46C12345 87C12345 91C12345 96C12345 10C12345 01C12345 00C12345 "
        "12I12345 12J12345 12O12345 12Q12345 12R12345 12W12345 12Đ12345 12C123 12C123456 1C12345 123C12345 12c12345"
    ),
    Kind.VN_TRAILER: "13R12345 12RD12345 12MR12345 12R123 12RM123 12RM123456 12R1M2345",
    Kind.VN_SPECIAL: "12ĐT12345 12DL12345 96LD12345 12LD123 12LD123456 12LL12345 12Đ12345 12XE12345",
    Kind.VN_TEMPORARY: "T1312345 T12123 T12123456 D1212345 12T12345 TT1212345",
    Kind.VN_FOREIGN: "80441NG4 80441NG456 8044NG145 80NG4414 80GN44145 91NG44145 80NNG44145 80441XX45",
    Kind.VN_ARMY: "A01234 AB123 AB12345 ABC123 ĐB1234 1A1234 AB123A",
    Kind.VN_MOTORCYCLE: "29BG12345 29BI12345 29BJ12345 29BO12345 29BQ12345 29BW12345 29B012345 13B112345 29R112345",
    Kind.CN_STANDARD: (
        "桂I12345 桂O12345 桂112345 桂F0I234 桂F0O234 桂F1234I 桂FABC12 桂FA1B2C 桂F1234 桂F12345A 鬼F12345 京京12345 F桂12345"
    ),
    Kind.CN_TRAILER: "桂F123挂 桂F12345挂 桂I1234挂 桂O1234挂 桂F1I34挂 桂F挂1234 挂F1234桂 F1234挂",
    Kind.CN_COACH: "桂F123学 桂O1234学 桂F1O34学 桂F1234挂 F1234学",
    Kind.CN_POLICE: "桂I1234警 桂A123警 桂A1I34警 桂A12345警 桂A1234学",
    Kind.CN_HONG_KONG_MACAO: "粤A1234港 桂Z1234港 粤Z123港 粤Z12345澳 粤ZI234港 粤Z1234挂 粤Z12345",
    Kind.CN_EMBASSY: "12345使 1234567使 12345A使 使123456 桂12345使 123456领",
    Kind.CN_CONSULATE: "沪1234领 沪123456领 沪A1234领 12345领 沪12345使",
    Kind.CN_NEW_ENERGY_SMALL: "桂AI12345 桂AL12345 桂AZ12345 桂ADI2345 桂ADAB345 桂A012345 桂OD12345 桂AD1234",
    Kind.CN_NEW_ENERGY_LARGE: "桂A12345I 桂A12345L 桂A12345Z 桂A1234AD 桂O12345D 桂A1234D 桂A123456",
    Kind.CN_TEMPORARY: "桂F123试 桂O1234超 桂FI234试 桂F1234挂 桂F12345试 F1234试",
    Kind.CN_SHORT: "I12345 O12345 F0I234 F0O234 FABC12 F1234 F123456 012345 桂F12345",
    Kind.CN_SHORT_TRAILER: "I1234挂 O1234挂 F123挂 F12345挂 FO234挂 1234F挂",
    Kind.CN_SHORT_NEW_ENERGY: "AI12345 AL12345 A12345L A12345I OD12345 AD1234 A123456 ADAB345",
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in Kind for text in VALID[kind].split()])
def test_a_plate_follows_its_grammar(kind: Kind, text: str) -> None:
    assert kind in kinds(text)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in Kind for text in NEVER[kind].split()])
def test_a_text_that_is_nearly_a_plate_does_not(kind: Kind, text: str) -> None:
    assert kind not in kinds(text)
