"""Why a vehicle is turned away: five causes, told apart, each with a sentence of its own and both plates in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from shared import plates
from shared.codes import Verdict
from shared.decide import Decision
from shared.matching import ActiveVehicle
from shared.reasons import Code, Reason
from shared.turn_away import (
    Cause,
    TurnAway,
    cause_of,
    refusal,
    trailer_differs,
    turn_away,
    with_cause,
)
from shared.words import Language, sentence

NO, LATER = "2026112300001", "2026112300002"
TRACTOR, OTHER, THIRD = "12C12345", "29H99999", "34C55566"
TRAILER = "98R03688"
VALUES = {"place": "barrier-1", "heading": "in"}


@dataclass
class Held:
    """Vehicles under way in memory."""

    vehicles: list[ActiveVehicle] = field(default_factory=list)

    def with_keys(self, keys: Iterable[str]) -> Sequence[ActiveVehicle]:
        wanted = set(keys)
        return [one for one in self.vehicles if one.key in wanted]

    def of(self, no: str) -> Sequence[ActiveVehicle]:
        return [one for one in self.vehicles if one.declaration == no]


@dataclass
class Declared:
    """What is declared, told vehicle by vehicle."""

    active: Held = field(default_factory=Held)
    trailers: Held = field(default_factory=Held)
    earlier: Held = field(default_factory=Held)

    def vehicle(
        self, no: str, tractor: str | None, trailer: str | None = None, *before: str, code: str = "v1"
    ) -> "Declared":
        told = [(self.active, [tractor]), (self.trailers, [trailer]), (self.earlier, list(before))]
        for held, texts in told:
            held.vehicles += [ActiveVehicle(no, code, text, "CKHN") for text in texts if text]
        return self


def found(cause: Cause, read: str, declared: str, no: str = NO) -> TurnAway:
    return TurnAway(cause, no, read, declared)


# -- another tractor


def test_a_trailer_of_a_declaration_drawn_by_another_tractor() -> None:
    declared = Declared().vehicle(NO, TRACTOR, TRAILER)
    assert turn_away(OTHER, "98R-036.88", declared) == found(Cause.ANOTHER_TRACTOR, OTHER, TRACTOR)


def test_a_slip_that_bears_the_number_of_another_tractors_declaration() -> None:
    declared = Declared().vehicle(NO, TRACTOR).vehicle(NO, THIRD, code="v2")
    assert turn_away(OTHER, None, declared, NO) == found(Cause.ANOTHER_TRACTOR, OTHER, f"{TRACTOR}, {THIRD}")


def test_of_several_vehicles_the_one_that_draws_the_trailer_is_named() -> None:
    declared = Declared().vehicle(NO, TRACTOR).vehicle(NO, THIRD, TRAILER, code="v2")
    assert turn_away(OTHER, TRAILER, declared) == found(Cause.ANOTHER_TRACTOR, OTHER, THIRD)


def test_of_several_declarations_of_a_trailer_the_newest_is_named() -> None:
    declared = Declared().vehicle(LATER, THIRD, TRAILER).vehicle(NO, TRACTOR, TRAILER)
    assert turn_away(OTHER, TRAILER, declared) == found(Cause.ANOTHER_TRACTOR, OTHER, THIRD, LATER)


@pytest.mark.parametrize("read", [TRACTOR, "12C-123.45", "12C1234S"])
def test_the_declared_tractor_and_one_that_looks_like_it_are_no_other(read: str) -> None:
    assert turn_away(read, TRAILER, Declared().vehicle(NO, TRACTOR, TRAILER)) is None


@pytest.mark.parametrize("trailer", [None, "", "98R03699", "98R0368B"])
def test_a_trailer_that_nobody_declared_gives_no_cause(trailer: str | None) -> None:
    assert turn_away(OTHER, trailer, Declared().vehicle(NO, TRACTOR, TRAILER)) is None


# -- amended since


def test_a_plate_that_stood_in_an_earlier_version_is_told_with_what_stands_now() -> None:
    declared = Declared().vehicle(NO, OTHER, None, TRACTOR)
    assert turn_away(TRACTOR, None, declared) == found(Cause.AMENDED_SINCE, TRACTOR, OTHER)


def test_a_vehicle_taken_out_of_a_declaration_is_told_with_those_that_are_left() -> None:
    declared = (
        Declared()
        .vehicle(NO, OTHER)
        .vehicle(NO, THIRD, code="v2")
        .vehicle(NO, None, None, TRACTOR, code="v3")
    )
    assert turn_away(TRACTOR, None, declared) == found(Cause.AMENDED_SINCE, TRACTOR, f"{OTHER}, {THIRD}")


def test_a_plate_that_still_stands_is_not_amended() -> None:
    moved = Declared().vehicle(NO, OTHER, None, TRACTOR).vehicle(NO, TRACTOR, code="v2")
    assert turn_away(TRACTOR, None, moved) is None


def test_a_declaration_of_which_nothing_is_under_way_is_no_cause() -> None:
    assert turn_away(TRACTOR, None, Declared().vehicle(NO, None, None, TRACTOR)) is None


def test_an_amendment_explains_more_than_a_trailer() -> None:
    declared = Declared().vehicle(NO, OTHER, TRAILER, TRACTOR)
    assert turn_away(TRACTOR, TRAILER, declared) == found(Cause.AMENDED_SINCE, TRACTOR, OTHER)


def test_on_a_slip_only_the_amendments_of_its_own_declaration_count() -> None:
    declared = Declared().vehicle(NO, OTHER).vehicle(LATER, THIRD, None, TRACTOR)
    assert turn_away(TRACTOR, None, declared, NO) == found(Cause.ANOTHER_TRACTOR, TRACTOR, OTHER)
    assert turn_away(TRACTOR, None, declared, LATER) == found(Cause.AMENDED_SINCE, TRACTOR, THIRD, LATER)


def test_what_looks_like_an_earlier_plate_is_no_cause() -> None:
    assert turn_away("12C1234S", None, Declared().vehicle(NO, OTHER, None, TRACTOR)) is None


# -- a trailer that differs


def test_another_trailer_is_told_with_the_places_that_differ() -> None:
    declared = Declared().vehicle(NO, TRACTOR, TRAILER)
    wrong = trailer_differs("98R03866", NO, "v1", declared)
    assert wrong == found(Cause.TRAILER_DIFFERS, "98R03866", TRAILER)
    assert wrong is not None
    assert (wrong.positions, wrong.likely_misread) == ((5, 6, 7), False)


def test_a_trailer_one_confusion_away_may_be_a_misreading() -> None:
    wrong = trailer_differs("98R03G88", NO, "v1", Declared().vehicle(NO, TRACTOR, TRAILER))
    assert wrong is not None
    assert (wrong.positions, wrong.likely_misread) == ((5,), True)


@pytest.mark.parametrize("trailer", [TRAILER, "98R-036.88"])
def test_the_declared_trailer_does_not_differ(trailer: str) -> None:
    assert trailer_differs(trailer, NO, "v1", Declared().vehicle(NO, TRACTOR, TRAILER)) is None


def test_where_no_trailer_is_declared_there_is_nothing_to_compare_with() -> None:
    declared = Declared().vehicle(NO, TRACTOR).vehicle(NO, OTHER, TRAILER, code="v2")
    assert trailer_differs("34RM00121", NO, "v1", declared) is None


# -- what a decision makes of it

WRONG = found(Cause.TRAILER_DIFFERS, "98R03866", TRAILER)
MISREAD = found(Cause.TRAILER_DIFFERS, "98R03G88", TRAILER)
GOES_BY_ITSELF = Decision(Verdict.OPEN, None, (), (Reason(Code.DEVICE_CONFIRMS),), True)


def codes(decision: Decision) -> list[Code]:
    return [reason.code for reason in decision.reasons]


def test_a_refusal_names_the_cause_the_facts_and_both_plates() -> None:
    decision = refusal(found(Cause.ANOTHER_TRACTOR, OTHER, TRACTOR), ("centre-CKHN.1/7",))
    (reason,) = decision.reasons
    assert (decision.verdict, decision.automatic, reason.code) == (
        Verdict.REFUSE,
        False,
        Code.ANOTHER_TRACTOR,
    )
    assert reason.facts == ("centre-CKHN.1/7",)
    assert reason.values == {
        "no": NO,
        "read": OTHER,
        "declared": TRACTOR,
        "positions": "0, 1, 2, 3, 4, 5, 6, 7",
    }


def test_another_trailer_refuses_first_of_all() -> None:
    decision = with_cause(GOES_BY_ITSELF, WRONG)
    assert (decision.verdict, decision.automatic, decision.waits_for) == (Verdict.REFUSE, False, ())
    assert codes(decision) == [Code.TRAILER_DIFFERS, Code.DEVICE_CONFIRMS]


def test_a_trailer_that_may_be_misread_refuses_nothing_and_opens_nothing_by_itself() -> None:
    decision = with_cause(GOES_BY_ITSELF, MISREAD)
    assert (decision.verdict, decision.automatic) == (Verdict.OPEN, False)
    assert codes(decision) == [Code.DEVICE_CONFIRMS, Code.TRAILER_DIFFERS]


def test_a_refusal_for_another_reason_keeps_its_reason_in_front() -> None:
    recalled = Decision(Verdict.REFUSE, None, (), (Reason(Code.RECALLED),), False)
    assert codes(with_cause(recalled, WRONG)) == [Code.RECALLED, Code.TRAILER_DIFFERS]


def test_the_cause_of_a_decision_is_read_from_its_code() -> None:
    assert cause_of(with_cause(GOES_BY_ITSELF, WRONG)) is Cause.TRAILER_DIFFERS
    assert cause_of(with_cause(GOES_BY_ITSELF, MISREAD)) is None, "nobody is turned away"
    wrong_place = Decision(Verdict.REFUSE, None, (), (Reason(Code.WRONG_PLACE, "4.2"),), False)
    assert cause_of(wrong_place) is Cause.WRONG_PLACE
    assert cause_of(Decision(Verdict.REFUSE, None, (), (Reason(Code.NO_DECLARATION),), False)) is None


@pytest.mark.parametrize("language", Language)
def test_every_cause_has_a_sentence_of_its_own(language: Language) -> None:
    compared = {Cause.ANOTHER_TRACTOR, Cause.TRAILER_DIFFERS, Cause.AMENDED_SINCE}
    said = {cause: sentence(language, found(cause, OTHER, TRACTOR).reason()) for cause in compared} | {
        Cause.WRONG_PLACE: sentence(language, Reason(Code.WRONG_PLACE, values=VALUES))
    }
    assert len(set(said.values())) == len(said)
    assert all(plate in said[cause] for cause in compared for plate in (OTHER, TRACTOR, NO))


def test_positions_of_plates_of_two_lengths_are_not_told() -> None:
    reason = found(Cause.ANOTHER_TRACTOR, "12C1234", plates.key("12C-123.45")).reason()
    assert "positions" not in reason.values
