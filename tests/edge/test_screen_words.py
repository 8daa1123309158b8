"""Three languages with the same keys, the same values to fill in, and a word for everything a screen can show."""

import string
from collections.abc import Iterable

import pytest

from edge.capture.health import CameraState
from edge.capture.picture_health import PictureTrouble
from edge.disk import DiskLevel
from edge.lane.machine import LaneState
from edge.lane.rules import NEEDS_REASON
from edge.lane.view import Press, StepState, TickState
from edge.screen.words import Words, catalogue, reason_on_record
from hardware.barrier import BoomPosition
from shared.codes import Actor, Agency, Verdict
from shared.fees import FeeState, Transfer
from shared.judging import FAILED
from shared.matching import Outcome
from shared.tariffs import Backing, Unknown
from shared.words import Language
from shared.words import catalogue as shared_catalogue

TROUBLES = (
    "camera_lost",
    "reader_lost",
    "barrier_lost",
    "boom_did_not_move",
    "unread",
    "open_unasked",
    "store_broken",
)
OTHERS = [language for language in Language if language is not Language.VI]


def shape(language: Language) -> dict[tuple[str, str], set[str | None]]:
    """Every key with the names of the values that its text takes."""
    return {
        (group, code): {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        for group, words in catalogue(language).items()
        for code, text in words.items()
    }


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_the_keys_and_values_of_the_vietnamese_catalogue(language: Language) -> None:
    assert shape(language) == shape(Language.VI)


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("press", Press),
        ("state", [state for state in LaneState if state is not LaneState.WAITING]),
        ("outcome", Outcome),
        ("step", StepState),
        ("tick", TickState),
        ("camera", CameraState),
        ("boom", [position.value for position in BoomPosition]),
        ("agency_short", [*Agency, *Actor]),
        ("verdict_short", Verdict),
        ("trouble", TROUBLES),
        ("transfer", Transfer),
        ("result", ["passed", FAILED]),
        ("fee_state", FeeState),
        ("fee_unknown", Unknown),
        ("backing", Backing),
        ("disk", [level for level in DiskLevel if level is not DiskLevel.PLENTY]),
    ],
)
def test_everything_a_screen_can_show_has_a_word(group: str, codes: Iterable[str]) -> None:
    assert set(codes) <= set(catalogue(Language.VI)[group])


@pytest.mark.parametrize("language", Language)
def test_every_trouble_of_a_cameras_pictures_has_a_word(language: Language) -> None:
    assert set(shared_catalogue(language)["picture_trouble"]) == set(PictureTrouble)


def test_every_press_that_needs_a_reason_has_reasons_to_pick() -> None:
    assert all(catalogue(Language.VI)[f"reasons_{press}"] for press in NEEDS_REASON)


def test_a_picked_reason_is_recorded_in_vietnamese_and_free_text_as_it_is() -> None:
    assert reason_on_record("refuse", "papers") == "Thiếu giấy tờ"
    assert reason_on_record("refuse", "giấy phép hết hạn") == "giấy phép hết hạn"


@pytest.mark.parametrize(
    ("clause", "cited"),
    [("4.2.g", "Điều 4 khoản 2 điểm g"), ("7.3", "Điều 7 khoản 3"), ("4.2.đ", "Điều 4 khoản 2 điểm đ")],
)
def test_a_clause_is_cited_as_the_decree_does(clause: str, cited: str) -> None:
    assert Words(Language.VI).clause(clause) == cited


def test_a_refusal_nobody_has_words_for_is_still_a_sentence() -> None:
    assert Words(Language.VI).refused("odd") == "Không thực hiện được (odd)."
