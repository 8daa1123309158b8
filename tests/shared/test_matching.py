"""Which vehicles a read can mean: only an exact and unambiguous match has one chosen."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import plates
from shared.matching import ActiveVehicle, Match, Outcome, match


class Active:
    """Active vehicles with these plates, a declaration each."""

    def __init__(self, *declared: str) -> None:
        self._vehicles = [
            ActiveVehicle(f"20261123{number:05}", "v1", plate, "CKHN")
            for number, plate in enumerate(declared)
        ]

    def with_keys(self, keys: Iterable[str]) -> Sequence[ActiveVehicle]:
        wanted = set(keys)
        return [one for one in self._vehicles if one.key in wanted]


def meant(found: Match) -> list[str]:
    return [one.plate for one in found.candidates]


def test_an_exact_read_of_one_vehicle_is_chosen() -> None:
    found = match("12C12345", Active("12C12345", "29H99999"))
    assert found.outcome is Outcome.EXACT
    assert found.chosen is not None
    assert found.chosen.plate == "12C12345"


@pytest.mark.parametrize("declared", ["12C-123.45", " 12c12345\t", "１２Ｃ１２３４５"])
def test_dirt_in_the_declaration_does_not_matter(declared: str) -> None:
    assert match("12C12345", Active(declared)).outcome is Outcome.EXACT


def test_a_read_one_confusion_away_is_offered_and_never_chosen() -> None:
    found = match("12C1234S", Active("12C12345"))
    assert (found.outcome, found.chosen, meant(found)) == (Outcome.NEAR, None, ["12C12345"])


def test_a_read_that_differs_otherwise_matches_nothing() -> None:
    assert match("12C12346", Active("12C12345")).outcome is Outcome.NONE
    assert match("12C1Z3AS", Active("12C12345")).outcome is Outcome.NONE, "two confusions are too many"
    assert match("12C1234", Active("12C12345")).outcome is Outcome.NONE


def test_an_exact_read_beside_a_near_one_is_not_chosen_between() -> None:
    found = match("12C12345", Active("12C12345", "12C1234S"))
    assert (found.outcome, found.chosen) == (Outcome.AMBIGUOUS, None)
    assert meant(found) == ["12C12345", "12C1234S"], "the exact one first"


def test_an_officers_word_settles_look_alikes_and_nothing_else() -> None:
    assert match("12C12345", Active("12C12345", "12C1234S"), certain=True).chosen is not None
    assert match("12C12345", Active("12C1234S"), certain=True).outcome is Outcome.NEAR
    assert match("12C12345", Active("12C12345", "12C12345"), certain=True).outcome is Outcome.AMBIGUOUS
    assert match("粤FF0123", Active("桂FF0123"), certain=True).chosen is None


def test_two_near_ones_are_not_chosen_between() -> None:
    found = match("12C1234B", Active("12C12348", "12G1234B"))
    assert (found.outcome, found.chosen) == (Outcome.AMBIGUOUS, None)


def test_several_declarations_of_one_plate_are_not_chosen_between() -> None:
    found = match("12C12345", Active("12C12345", "12C-12345"))
    assert (found.outcome, found.chosen) == (Outcome.AMBIGUOUS, None)
    assert [one.declaration for one in found.candidates] == ["2026112300000", "2026112300001"]


def test_a_chinese_plate_matches_its_short_declared_form() -> None:
    found = match("桂F·F0123", Active("FF0123"))
    assert (found.outcome, meant(found)) == (Outcome.EXACT, ["FF0123"])
    assert match("FF0123", Active("桂FF0123")).outcome is Outcome.EXACT, "a reader without Chinese can match"


def test_another_province_character_is_never_automatic() -> None:
    found = match("粤FF0123", Active("桂FF0123"))
    assert (found.outcome, found.chosen, meant(found)) == (Outcome.NEAR, None, ["桂FF0123"])


def test_the_right_province_beside_a_wrong_one_is_not_chosen_between() -> None:
    found = match("桂FF0123", Active("粤FF0123", "桂FF0123"))
    assert found.outcome is Outcome.AMBIGUOUS
    assert meant(found) == ["桂FF0123", "粤FF0123"]


@pytest.mark.parametrize("text", ["", "·-.", "桂", "未知"])
def test_a_read_of_nothing_matches_nothing(text: str) -> None:
    assert match(text, Active("12C12345", "", "--")) == Match(Outcome.NONE)


@given(
    st.lists(st.text("5S8B0D", min_size=4, max_size=4), max_size=6), st.text("5S8B0D", min_size=4, max_size=4)
)
def test_a_vehicle_is_chosen_only_when_no_other_could_be_meant(declared: list[str], read: str) -> None:
    found = match(read, Active(*declared))
    possible = [one for one in declared if one == read or plates.one_confusion_apart(one, read)]
    assert sorted(meant(found)) == sorted(possible)
    assert (found.chosen is not None) == (possible == [read])
