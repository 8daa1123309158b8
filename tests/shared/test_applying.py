"""Which procedure governs a vehicle whose declaration names none: by direction, load, country, yard and purpose, at a place."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from shared.applying import Governing, governing
from shared.bodies import Declaration
from shared.settings import Settings
from tests.builders import (
    BARRIER_1_IN,
    BARRIER_1_OUT,
    BARRIER_2_IN,
    BARRIER_2_OUT,
    DRIVER,
    MORNING,
    VEHICLE,
    YARD_OUT,
    declared_body,
)
from tests.shared.law import At, shipped

NOON = MORNING + timedelta(hours=4)
EMPTY: Mapping[str, Any] = {
    "laden": False,
    "goods": [],
    "direction": None,
    "yard_location": None,
    "yard": None,
}


def governs(at: At, country: str, *, settings: Settings | None = None, **declared: Any) -> Governing:
    vehicle = {"vehicle": VEHICLE, "plate": "12C12345", "country": country, "driver": DRIVER, "permit": "1"}
    body = {"procedure": None, "vehicles": [vehicle], **declared}
    declaration = Declaration.model_validate(declared_body(**body))
    return governing(shipped(), declaration, VEHICLE, *at, settings or Settings(), NOON)


def khoan(found: Governing) -> str | None:
    return found.procedure.procedure if found.procedure else None


LADEN = [
    # direction, yard, at, the khoản: titles of 4.2, 4.3, 5.2, 5.3. The vehicle's nationality is not stated there (A1).
    ("export", "inside", BARRIER_2_IN, "4.2"),
    ("export", "inside", BARRIER_1_OUT, "4.2"),
    ("export", "outside", BARRIER_2_IN, "4.3"),
    ("export", "outside", YARD_OUT, "4.3"),
    ("import", "inside", BARRIER_1_IN, "5.2"),
    ("import", "inside", BARRIER_2_OUT, "5.2"),
    ("import", "outside", BARRIER_1_IN, "5.3"),
    ("import", "outside", BARRIER_2_OUT, "5.3"),
]


@pytest.mark.parametrize("country", ["VN", "CN"])
@pytest.mark.parametrize(("direction", "yard", "at", "expected"), LADEN)
def test_a_laden_vehicle_goes_by_direction_and_by_where_its_yard_lies(
    direction: str, yard: str, at: At, expected: str, country: str
) -> None:
    assert khoan(governs(at, country, direction=direction, yard_location=yard)) == expected


EMPTY_VEHICLES = [
    # country, purpose, at, the khoản that it can be (A5, A6)
    ("VN", "crossing", BARRIER_2_IN, {"6.4", "6.7"}),
    ("VN", "transfer", BARRIER_2_IN, {"6.2", "6.7"}),
    ("VN", None, BARRIER_2_IN, {"6.2", "6.4", "6.7"}),
    ("VN", "crossing", BARRIER_1_OUT, {"6.4"}),
    ("VN", "crossing", BARRIER_1_IN, {"6.5"}),
    ("VN", "transfer", BARRIER_1_IN, {"6.6"}),
    ("VN", None, BARRIER_1_IN, {"6.5", "6.6"}),
    ("CN", None, BARRIER_1_IN, {"7.2"}),
    ("CN", "transfer", BARRIER_1_IN, {"7.2"}),
    ("CN", "transfer", BARRIER_1_OUT, {"7.3"}),
    ("CN", None, BARRIER_2_IN, {"7.4"}),
    ("CN", "crossing", BARRIER_2_IN, {"7.4"}),
    ("CN", "crossing", BARRIER_1_OUT, {"7.4"}),
]


@pytest.mark.parametrize(("country", "purpose", "at", "expected"), EMPTY_VEHICLES)
def test_an_empty_vehicle_goes_by_its_country_its_purpose_and_where_it_stands(
    country: str, purpose: str | None, at: At, expected: set[str]
) -> None:
    found = governs(at, country, **EMPTY, purpose=purpose)
    assert khoan(found) in expected
    assert not found.differ


def test_procedures_that_cannot_be_told_apart_govern_while_they_ask_the_same_and_not_when_they_differ() -> (
    None
):
    """6.5.b and 6.6.b are printed alike; read in two ways they are not one any more."""
    apart = Settings(readings={"6.5.b": "border_guard_only"})
    found = governs(BARRIER_1_IN, "VN", settings=apart, **EMPTY)
    assert found.procedure is None
    assert {one.procedure for one in found.differ} == {"6.5", "6.6"}
    together = Settings(readings=dict.fromkeys(("6.5.b", "6.6.b"), "border_guard_only"))
    assert khoan(governs(BARRIER_1_IN, "VN", settings=together, **EMPTY)) is not None


@pytest.mark.parametrize("at", [BARRIER_2_IN, BARRIER_1_OUT], ids="-".join)
def test_where_it_is_not_said_on_which_side_the_yard_lies_no_export_governs(at: At) -> None:
    """4.2.b asks two agencies, 4.3.e nobody; 4.2.g and 4.3.g are printed alike, but query other earlier steps."""
    assert governs(at, "VN", yard_location=None).procedure is None


def test_an_empty_chinese_vehicle_of_unsaid_purpose_may_go_out_by_two_steps_that_differ() -> None:
    """7.3 from the yard is without health, 7.4.c from the inland with it."""
    found = governs(BARRIER_1_OUT, "CN", **EMPTY)
    assert found.procedure is None
    assert {one.procedure for one in found.differ} == {"7.3", "7.4"}


@pytest.mark.parametrize("country", ["VN", "CN"])
def test_an_empty_vehicle_never_goes_by_a_laden_ones_procedure(country: str) -> None:
    for at in (BARRIER_1_IN, BARRIER_1_OUT, BARRIER_2_IN, BARRIER_2_OUT):
        found = governs(at, country, **EMPTY)
        named = {one.procedure for one in (found.procedure, *found.differ) if one is not None}
        assert all(one.startswith("6" if country == "VN" else "7") for one in named), at


def test_a_declaration_that_names_its_procedure_is_taken_at_its_word() -> None:
    assert khoan(governs(BARRIER_2_IN, "VN", procedure="6.7", **EMPTY, purpose="crossing")) == "6.7"
    assert governs(BARRIER_2_IN, "VN", procedure="9.9").procedure is None


@pytest.mark.parametrize(
    ("procedure", "country", "changes"),
    [
        ("6.4", "VN", {}),
        ("4.2", "VN", EMPTY),
        ("5.2", "VN", {}),
        ("4.3", "VN", {}),
        ("6.4", "CN", EMPTY),
        ("6.4", "VN", {**EMPTY, "purpose": "transfer"}),
        ("7.3", "CN", EMPTY),
    ],
    ids=["laden", "empty", "direction", "yard", "country", "purpose", "no declaration of its own"],
)
def test_nobody_chooses_a_paragraph_by_naming_it_against_what_is_declared(
    procedure: str, country: str, changes: dict[str, Any]
) -> None:
    """A laden export that named 6.4 would leave without yard and fee; 7.3 named alone would have no way in to query."""
    yard = {"direction": "export", "yard_location": "inside"}
    for at in (BARRIER_1_IN, BARRIER_1_OUT, BARRIER_2_IN, BARRIER_2_OUT):
        found = governs(at, country, procedure=procedure, **{**yard, **changes})
        assert (found.procedure, found.differ) == (None, ()), at


def test_a_named_procedure_fills_in_what_is_not_declared() -> None:
    assert khoan(governs(BARRIER_2_IN, "VN", procedure="4.3", direction=None, yard_location=None)) == "4.3"
