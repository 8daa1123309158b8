"""Number plates of Việt Nam and China: normal form, grammars, comparison keys, look-alikes.

Grammars follow TT 79/2024/TT-BCA with QCVN 08:2024/BCA and GA 36-2018 as gathered in the border facts, section D.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from shared.codes import Country, Ground

VN_PROVINCE = r"(?:1[124-9]|2[0-9]|3[0-9]|4[01]|43|4[789]|5[0-9]|6[0-9]|7[0-9]|8[0-689]|90|9[2-5]|9[789])"
VN_SERIES = "[A-HK-NPS-VXYZ]"
CN_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
CN_AUTHORITY = "[A-HJ-NP-Z]"
CN_SERIAL = "[A-HJ-NP-Z0-9]"
CN_SUFFIXES = "挂学警港澳使领试超"
_TWO_LETTERS_AT_MOST = r"(?=(?:\d*[A-Z]){0,2}\d*$)"


class Kind(StrEnum):
    """A plate grammar. VN_ARMY and CN_SHORT share one shape: only the ground colour tells them apart."""

    VN_CIVIL = "VN_CIVIL"
    VN_TRAILER = "VN_TRAILER"
    VN_SPECIAL = "VN_SPECIAL"
    VN_TEMPORARY = "VN_TEMPORARY"
    VN_FOREIGN = "VN_FOREIGN"
    VN_ARMY = "VN_ARMY"
    VN_MOTORCYCLE = "VN_MOTORCYCLE"
    CN_STANDARD = "CN_STANDARD"
    CN_TRAILER = "CN_TRAILER"
    CN_COACH = "CN_COACH"
    CN_POLICE = "CN_POLICE"
    CN_HONG_KONG_MACAO = "CN_HONG_KONG_MACAO"
    CN_EMBASSY = "CN_EMBASSY"
    CN_CONSULATE = "CN_CONSULATE"
    CN_NEW_ENERGY_SMALL = "CN_NEW_ENERGY_SMALL"
    CN_NEW_ENERGY_LARGE = "CN_NEW_ENERGY_LARGE"
    CN_TEMPORARY = "CN_TEMPORARY"
    CN_SHORT = "CN_SHORT"
    CN_SHORT_TRAILER = "CN_SHORT_TRAILER"
    CN_SHORT_NEW_ENERGY = "CN_SHORT_NEW_ENERGY"


_PV = f"[{CN_PROVINCES}]"
_GRAMMARS: tuple[tuple[Kind, str], ...] = (
    (Kind.VN_TRAILER, rf"{VN_PROVINCE}RM?\d{{4,5}}"),
    (Kind.VN_SPECIAL, rf"{VN_PROVINCE}(?:LD|DA|KT|CD|HC|MK|TĐ|MĐ|TD|LB|CT)\d{{4,5}}"),
    (Kind.VN_FOREIGN, rf"{VN_PROVINCE}(?:\d{{3}}(?:NG|QT|NN|CV)|(?:NG|QT|NN|CV)\d{{3}})\d{{2}}"),
    (Kind.VN_TEMPORARY, rf"T{VN_PROVINCE}\d{{4,5}}"),
    (Kind.VN_CIVIL, rf"{VN_PROVINCE}{VN_SERIES}\d{{4,5}}"),
    (Kind.VN_MOTORCYCLE, rf"{VN_PROVINCE}{VN_SERIES}[A-FHK-NPRS-VXYZ1-9]\d{{4,5}}"),
    (Kind.CN_HONG_KONG_MACAO, rf"粤Z{CN_SERIAL}{{4}}[港澳]"),
    (Kind.CN_STANDARD, rf"{_PV}{CN_AUTHORITY}{_TWO_LETTERS_AT_MOST}{CN_SERIAL}{{5}}"),
    (Kind.CN_TRAILER, rf"{_PV}{CN_AUTHORITY}{CN_SERIAL}{{4}}挂"),
    (Kind.CN_COACH, rf"{_PV}{CN_AUTHORITY}{CN_SERIAL}{{4}}学"),
    (Kind.CN_POLICE, rf"{_PV}[A-HJ-Z]{CN_SERIAL}{{4}}警"),
    (Kind.CN_EMBASSY, r"\d{6}使"),
    (Kind.CN_CONSULATE, rf"{_PV}\d{{5}}领"),
    (Kind.CN_NEW_ENERGY_SMALL, rf"{_PV}{CN_AUTHORITY}[A-HJK]{CN_SERIAL}\d{{4}}"),
    (Kind.CN_NEW_ENERGY_LARGE, rf"{_PV}{CN_AUTHORITY}\d{{5}}[A-HJK]"),
    (Kind.CN_TEMPORARY, rf"{_PV}{CN_AUTHORITY}{CN_SERIAL}{{4}}[试超]"),
    (Kind.VN_ARMY, r"[A-Z]{2}\d{4}"),
    (Kind.CN_SHORT, rf"{CN_AUTHORITY}{_TWO_LETTERS_AT_MOST}{CN_SERIAL}{{5}}"),
    (Kind.CN_SHORT_TRAILER, rf"{CN_AUTHORITY}{CN_SERIAL}{{4}}挂"),
    (Kind.CN_SHORT_NEW_ENERGY, rf"{CN_AUTHORITY}(?:[A-HJK]{CN_SERIAL}\d{{4}}|\d{{5}}[A-HJK])"),
)
_COMPILED = tuple((kind, re.compile(pattern, re.ASCII)) for kind, pattern in _GRAMMARS)
_TRAILERS = frozenset({Kind.VN_TRAILER, Kind.CN_TRAILER, Kind.CN_SHORT_TRAILER})
_COLOURED = frozenset({Ground.YELLOW, Ground.BLUE, Ground.RED, Ground.GREEN})
_MISTYPED = str.maketrans({"\u00d0": "Đ", "\u0189": "Đ"})  # other letters that look like Đ
_NOT_PLATE = re.compile(f"[^0-9A-ZĐ{CN_PROVINCES}{CN_SUFFIXES}]")
_PROVINCE_AT_START = re.compile(f"^{_PV}")

LOOK_ALIKES: tuple[frozenset[str], ...] = tuple(
    frozenset(group)
    for group in (
        "0DOQ", "8B", "2Z", "5S", "6G", "1T7ILJ", "4A", "EF", "VUY", "MNHW", "CG", "KX",
    )
)  # fmt: skip
"""Characters that readers take for one another (border facts, D3)."""

_LETTER_FOR = {"0": "D", "8": "B", "5": "S", "2": "Z", "6": "G", "4": "A", "7": "T", "1": "L"}
_DIGIT_FOR = {
    "O": "0", "Q": "0", "D": "0", "I": "1", "J": "1", "L": "1", "Z": "2", "A": "4", "S": "5", "G": "6",
    "T": "7", "B": "8",
}  # fmt: skip


@dataclass(frozen=True)
class PlateForm:
    """Which grammar a normalised plate follows."""

    kind: Kind

    @property
    def country(self) -> Country:
        """The country of the grammar; a VN_ARMY shape may be a short Chinese plate (see `ambiguous`)."""
        return Country.VN if self.kind.startswith("VN") else Country.CN


def normalise(text: str) -> str:
    """Capitals, digits, Đ and Chinese plate characters only: no blanks, tabs, dots, dashes, full-width forms."""
    return _NOT_PLATE.sub("", unicodedata.normalize("NFKC", text).upper().translate(_MISTYPED))


@lru_cache(maxsize=256)
def forms(text: str) -> tuple[PlateForm, ...]:
    """Every grammar that a normalised plate follows, the likeliest first; empty when it is no plate."""
    return tuple(PlateForm(kind) for kind, pattern in _COMPILED if pattern.fullmatch(text))


def classify(text: str) -> PlateForm | None:
    """The likeliest grammar of a normalised plate, or None."""
    return next(iter(forms(text)), None)


def countries(text: str, ground: Ground | None = None) -> frozenset[Country]:
    """The countries whose plate a normalised text can be, seen on a ground; both when it follows no grammar.

    An army plate is red and a Chinese one of its shape never is (border facts, D3). A ground that is white, black or None
    tells nothing: infra-red pictures know no colour.
    """
    found = forms(text)
    if ground in _COLOURED and any(form.kind is Kind.VN_ARMY for form in found):
        on_red = ground is Ground.RED
        return frozenset(form.country for form in found if (form.kind is Kind.VN_ARMY) is on_red)
    return frozenset(form.country for form in found) or frozenset(Country)


def is_trailer(text: str) -> bool:
    """True when a normalised text follows the grammar of trailers."""
    return any(form.kind in _TRAILERS for form in forms(text))


def key(text: str) -> str:
    """What two plates are compared by: normal form, without the Chinese province character, Đ as D.

    Declarations hold Chinese plates without their province character (border facts, D3), so the tail is what both sides
    always have. A province written twice goes twice, so that the key of a key is the key. The key is for comparison only
    and is never stored in place of the plate.
    """
    return normalise(text).lstrip(CN_PROVINCES).replace("Đ", "D")


def province(text: str) -> str | None:
    """The Chinese province character in front, or None."""
    match = _PROVINCE_AT_START.match(normalise(text))
    return match[0] if match else None


def differing_positions(one: str, other: str) -> tuple[int, ...] | None:
    """Positions at which two keys of one length differ; None when their lengths differ."""
    if len(one) != len(other):
        return None
    return tuple(at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)


def one_confusion_apart(one: str, other: str) -> bool:
    """True when two keys differ in exactly one place, by characters that readers take for one another."""
    places = differing_positions(one, other)
    if places is None or len(places) != 1:
        return False
    pair = {one[places[0]], other[places[0]]}
    return any(pair <= group for group in LOOK_ALIKES)


def one_confusion_of(text: str) -> frozenset[str]:
    """Every key that is one likely confusion away from the key `text` (for lookups by index)."""
    return frozenset(
        text[:at] + other + text[at + 1 :]
        for at, character in enumerate(text)
        for group in LOOK_ALIKES
        if character in group
        for other in group - {character}
    )


def repair_vietnamese(text: str) -> str:
    """Turns look-alikes at the fixed places of a Vietnamese civil plate (two digits, a letter, digits) into what must stand
    there, when the result follows the grammar; else gives `text` back. Chinese plates have no fixed places: never coerced."""
    if classify(text) is not None or not 7 <= len(text) <= 8 or province(text):
        return text
    mended = (
        "".join(_DIGIT_FOR.get(c, c) for c in text[:2])
        + _LETTER_FOR.get(text[2], text[2])
        + "".join(_DIGIT_FOR.get(c, c) for c in text[3:])
    )
    form = classify(mended)
    return mended if form is not None and form.kind is Kind.VN_CIVIL else text
