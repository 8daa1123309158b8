"""Plates and container numbers at intake: whatever a declarant types, what is kept is clean, and nothing of the plate is lost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from central.models import VehicleIn
from shared import plates


def taken(**typed: Any) -> VehicleIn:
    return VehicleIn.model_validate({"vehicle": "v1", "plate": "29C12345", "country": "VN", **typed})


PLATES = [
    ("29C-123.45", "29C12345"),
    ("29c 123 45", "29C12345"),
    ("\t29C12345\t ", "29C12345"),
    ("29C12345  ", "29C12345"),
    ("29C\u00a0123\u200b45", "29C12345"),
    ("２９Ｃ－１２３．４５", "29C12345"),
    ("12tđ-123.45", "12TĐ12345"),
    ("12TÐ-123.45", "12TĐ12345"),  # the Icelandic letter, which some keyboards give
    ("80-441-NG-45", "80441NG45"),
    ("FF0123", "FF0123"),
    ("ff0123.", "FF0123"),
    ("桂F·F0123", "桂FF0123"),
    (" 桂 ｆ ｆ０１２３\t", "桂FF0123"),
    ("桂F.1234挂", "桂F1234挂"),
    ("粤Z1234港", "粤Z1234港"),
]


@pytest.mark.parametrize(("typed", "kept"), PLATES)
def test_a_plate_is_kept_clean_and_whole(typed: str, kept: str) -> None:
    assert taken(plate=typed).plate == kept


@pytest.mark.parametrize(("typed", "kept"), PLATES)
def test_a_trailers_plate_is_kept_as_a_tractors_is(typed: str, kept: str) -> None:
    assert taken(trailer=typed).trailer == kept


def test_a_chinese_plate_declared_with_its_province_is_compared_as_without() -> None:
    with_province, without = (taken(plate=text, country="CN").plate for text in ("桂F·F0123", "FF0123"))
    assert with_province != without
    assert plates.key(with_province) == plates.key(without)


@pytest.mark.parametrize("typed", ["", " ", ".", ",", "\t-\u3000", "???"])
def test_a_plate_of_which_nothing_is_left_is_refused_and_a_trailer_or_container_is_none(typed: str) -> None:
    with pytest.raises(ValidationError, match="write its letters and digits"):
        taken(plate=typed)
    empty = taken(trailer=typed, container=typed)
    assert (empty.trailer, empty.container) == (None, None)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("TCLU4785610", "TCLU4785610"),
        ("tclu 478561-0", "TCLU4785610"),
        ("\tＴＣＬＵ４７８５６１０ ", "TCLU4785610"),
        ("TCLU.4785610.", "TCLU4785610"),
        ("TCLU4785610/MSKU1234565", "TCLU4785610, MSKU1234565"),
        ("tclu4785610 , msku 123456 5", "TCLU4785610, MSKU1234565"),
        ("TCLU4785610 MSKU1234565", "TCLU4785610, MSKU1234565"),
        ("TCLU4785610\nMSKU1234565", "TCLU4785610, MSKU1234565"),
        ("TCLU478561", "TCLU478561"),
        ("R-22 / TCLU4785610", "R22, TCLU4785610"),
    ],
)
def test_container_numbers_are_kept_clean_and_apart(typed: str, kept: str) -> None:
    assert taken(container=typed).container == kept


@given(st.text(max_size=30))
def test_what_was_taken_is_taken_again_as_it_is(typed: str) -> None:
    once = taken(trailer=typed, container=typed)
    again = taken(trailer=once.trailer, container=once.container)
    assert again == once
