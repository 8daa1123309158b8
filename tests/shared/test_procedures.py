"""The shipped procedures against the printed text, and what a procedure file may say."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from shared.codes import Actor, Agency, Direction, Heading, Place, Standing, YardLocation
from shared.configuration import parse
from shared.procedures import Judges, Procedure, Procedures, Queries, Step
from shared.settings import HealthTick, Settings
from tests.builders import (
    ANIMAL,
    BARRIER_1_OUT,
    BARRIER_2_IN,
    BORDER_GUARD,
    CUSTOMS,
    GATE_MANAGEMENT,
    HEALTH,
    PLANT,
    PROCEDURES,
    TAX,
    TRANSPORT,
    YARD_IN,
    YARD_OUT,
    Site,
    procedure,
)

ALL_DECLARATIONS = Judges.ALL_DECLARATIONS
IN_ORDER = (TRANSPORT, CUSTOMS, HEALTH, BORDER_GUARD)
DECLARED, EARLIER = Queries.DECLARED, Queries.EARLIER_STATES
TEXT, INFERRED, AMBIGUOUS = Standing.TEXT, Standing.INFERRED, Standing.AMBIGUOUS

BARRIER_STEPS = [
    # clause, where, who confirms, in a fixed order, what is queried, how well the text carries it
    ("4.2.b", BARRIER_2_IN, (BORDER_GUARD, CUSTOMS), False, DECLARED, TEXT),
    ("4.2.g", BARRIER_1_OUT, IN_ORDER, True, EARLIER, TEXT),
    ("4.3.e", BARRIER_2_IN, (), False, DECLARED, AMBIGUOUS),
    ("4.3.g", BARRIER_1_OUT, IN_ORDER, True, EARLIER, TEXT),
]
YARD_GATE_STEPS = [("4.2.c", YARD_IN), ("4.2.e", YARD_OUT), ("4.3.b", YARD_IN), ("4.3.đ", YARD_OUT)]
OTHER_STEPS = [
    # clause, place, who confirms, one of, standing
    ("4.2.a", Place.ONLINE, {Actor.DECLARANT}, set(), INFERRED),
    ("4.2.d", Place.YARD, {CUSTOMS, BORDER_GUARD}, set(), INFERRED),
    ("4.2.đ", Place.ONLINE, set(), {GATE_MANAGEMENT, TAX}, INFERRED),
    ("4.3.a", Place.ONLINE, {Actor.DECLARANT}, set(), TEXT),
    ("4.3.c", Place.YARD, {CUSTOMS, BORDER_GUARD}, set(), TEXT),
    ("4.3.d", Place.ONLINE, set(), {GATE_MANAGEMENT, TAX}, TEXT),
]


def step(clause: str) -> Step:
    return Site(clause.rpartition(".")[0], enrolled=False).step(clause)


@pytest.mark.parametrize(("clause", "where", "confirm", "ordered", "queries", "standing"), BARRIER_STEPS)
def test_barrier_steps_are_as_printed(
    clause: str,
    where: tuple[Place, Heading],
    confirm: tuple[Agency, ...],
    ordered: bool,
    queries: Queries,
    standing: Standing,
) -> None:
    found = step(clause)
    assert (found.place, found.heading) == where
    assert found.confirm == confirm if ordered else set(found.confirm) == set(confirm)
    assert (found.ordered, found.queries, found.standing) == (ordered, queries, standing)
    assert found.opens is BORDER_GUARD


@pytest.mark.parametrize(("clause", "where"), YARD_GATE_STEPS)
def test_at_yard_gates_the_device_confirms_and_opens(clause: str, where: tuple[Place, Heading]) -> None:
    found = step(clause)
    assert (found.place, found.heading) == where
    assert (found.confirm, found.opens, found.standing) == ((Actor.DEVICE,), Actor.DEVICE, TEXT)


@pytest.mark.parametrize(("clause", "place", "confirm", "one_of", "standing"), OTHER_STEPS)
def test_steps_away_from_any_boom(
    clause: str, place: Place, confirm: set[Any], one_of: set[Agency], standing: Standing
) -> None:
    found = step(clause)
    assert (found.place, set(found.confirm), set(found.confirm_one_of)) == (place, confirm, one_of)
    assert (found.standing, found.opens) == (standing, None)


@pytest.mark.parametrize("clause", ["4.2.d", "4.3.c"])
def test_quarantines_confirm_in_the_yard_where_requested(clause: str) -> None:
    assert set(step(clause).confirm_if_required) == {HEALTH, ANIMAL, PLANT}


@pytest.mark.parametrize(("khoan", "yard"), [("4.2", YardLocation.INSIDE), ("4.3", YardLocation.OUTSIDE)])
def test_both_are_exports_of_laden_vehicles_with_all_seven_steps_in_order(
    khoan: str, yard: YardLocation
) -> None:
    shipped = procedure(khoan)
    assert (shipped.direction, shipped.laden, shipped.yard_location) == (Direction.EXPORT, True, yard)
    assert [one.clause for one in shipped.steps] == [f"{khoan}.{letter}" for letter in "abcdđeg"]


@pytest.mark.parametrize("khoan", ["4.2", "4.3"])
def test_every_step_says_what_it_is_in_three_languages(khoan: str) -> None:
    shipped = procedure(khoan)
    texts = [shipped.title, *(one.what for one in shipped.steps)]
    texts += [reading.note for one in shipped.steps for reading in one.readings.values()]
    assert all(set(text) == {"vi", "en", "zh"} and all(text.values()) for text in texts)


# -- looking steps up


def test_a_step_is_found_by_place_and_heading_and_by_clause() -> None:
    shipped = procedure("4.2")
    assert shipped.at(*BARRIER_2_IN) == shipped.step("4.2.b")
    assert shipped.at(Place.BARRIER_2, Heading.OUT) is None
    assert shipped.step("4.2.h") is None


def test_the_steps_before_one() -> None:
    before = procedure("4.3").before(step("4.3.e"))
    assert [one.clause for one in before] == ["4.3.a", "4.3.b", "4.3.c", "4.3.d", "4.3.đ"]


def test_the_steps_before_one_that_is_read_in_another_way_are_the_same() -> None:
    shipped = procedure("4.3")
    assert shipped.before(step("4.3.e").in_reading("wide")) == shipped.before(step("4.3.e"))


def test_readings_of_an_ambiguous_step() -> None:
    entry = step("4.3.e")
    assert entry.in_reading("wide").confirm == (BORDER_GUARD, CUSTOMS)
    assert entry.in_reading("literal").confirm == ()
    assert entry.in_reading(None).confirm == entry.in_reading("no such reading").confirm == ()


def test_an_unknown_reading_falls_back_to_the_files_own_choice_not_to_nobody() -> None:
    careful = step("4.3.e").model_copy(update={"reading": "wide"})
    assert careful.in_reading("wied").confirm == (BORDER_GUARD, CUSTOMS)


# -- in force


def test_the_version_in_force_on_the_day_is_found() -> None:
    old = procedure("4.2").model_copy(update={"in_force_to": date(2026, 1, 1)})
    new = procedure("4.2").model_copy(update={"in_force_from": date(2026, 1, 1)})
    held = Procedures((new, old))
    assert held.find("4.2", date(2025, 2, 14)) is None
    assert held.find("4.2", date(2025, 2, 15)) is old
    assert held.find("4.2", date(2025, 12, 31)) is old
    assert held.find("4.2", date(2026, 1, 1)) is new
    assert held.find("9.9", date(2026, 1, 1)) is None


def test_what_was_in_force_on_a_day_is_remembered_for_that_day_alone() -> None:
    old = procedure("4.2").model_copy(update={"in_force_to": date(2026, 1, 1)})
    new = procedure("4.2").model_copy(update={"in_force_from": date(2026, 1, 1), "judges": ALL_DECLARATIONS})
    held = Procedures((new, old))
    days = [
        (date(2025, 6, 1), date(2025, 6, 1)),
        (date(2025, 6, 1), date(2026, 1, 1)),
        (date(2026, 1, 1), None),
    ]
    for _ in range(2):
        assert [held.in_force(on, today) for on, today in days] == [(old,), (new,), (new,)]


def test_a_procedure_published_later_is_in_force_at_once() -> None:
    day = date(2026, 1, 1)
    files = Procedures((procedure("4.2"),))
    assert files.in_force(day) == (procedure("4.2"),)
    published = procedure("4.2").model_copy(update={"laden": False})
    for _ in range(2):
        assert files.with_published([published]).in_force(day) == (published,)
        assert files.with_published([]).in_force(day) == (procedure("4.2"),)


def test_the_same_published_procedures_are_put_together_once() -> None:
    files = Procedures((procedure("4.2"),))
    assert files.with_published([procedure("4.3")]) is files.with_published([procedure("4.3")])


def test_an_old_declaration_is_judged_by_a_procedure_that_has_since_ended() -> None:
    ended = procedure("4.2").model_copy(update={"in_force_to": date(2026, 1, 1)})
    assert ended.began(date(2026, 11, 23))


# -- hashes that let a decision be made again


def test_any_change_of_a_procedure_changes_its_hash() -> None:
    text = (PROCEDURES / "4.2.toml").read_text(encoding="utf-8")
    changed = parse(text.replace("ordered = true", "ordered = false"), "4.2.toml", Procedure)
    again = parse(text, "4.2.toml", Procedure)
    assert procedure("4.2").hash == again.hash
    assert len({again.hash, changed.hash, procedure("4.3").hash}) == 3


def test_a_changed_copy_has_a_hash_of_its_own_whenever_the_originals_was_asked_for() -> None:
    shipped = procedure("4.2")
    before = shipped.hash
    assert shipped.model_copy(update={"in_force_from": date(2027, 1, 1)}).hash != before
    assert procedure("7.3").continuing(procedure("5.2")).hash != procedure("7.3").hash


def test_the_hash_of_all_procedures_does_not_depend_on_their_order() -> None:
    one, other = procedure("4.2"), procedure("4.3")
    assert Procedures((one, other)).hash == Procedures((other, one)).hash != Procedures((one,)).hash


def test_any_change_of_a_setting_changes_the_hash() -> None:
    settings = [
        Settings(),
        Settings(stale_after_s=601),
        Settings(health_tick=HealthTick.PRINTED_PLACE),
        Settings(inferred_steps_bind=True),
        Settings(readings={"4.3.e": "wide"}),
    ]
    assert len({one.hash for one in settings}) == len(settings)


# -- what a file may not say


BARRIER = {"clause": "4.2.b", "place": "barrier-2", "heading": "in", "standing": "text", "what": {}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "only the border guard opens"),
        ({"opens": "customs"}, "only the border guard opens"),
        ({"opens": "device"}, "only the border guard opens"),
        ({"opens": "border_guard", "standing": "ambiguous"}, "lists the readings"),
        ({"opens": "border_guard", "readings": {"wide": {}}}, "name the one in use, one of wide"),
        ({"opens": "border_guard", "readings": {"wide": {}}, "reading": "narrow"}, "name the one in use"),
        ({"opens": "border_guard", "confirm": ["police"]}, "border_guard"),
        ({"opens": "border_guard", "orderd": True}, "orderd"),
    ],
)
def test_a_barrier_step_that_the_decree_cannot_mean_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Step.model_validate({**BARRIER, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"confirm": ["declarant"]}, "the declarant's step is online"),
        ({"confirm": ["border_guard", "declarant"]}, "the declarant's step is online"),
        ({"place": "online", "confirm": ["declarant", "customs"]}, "nobody else's"),
        ({"place": "online", "confirm": ["declarant"], "confirm_if_required": ["customs"]}, "nobody else's"),
        ({"confirm": ["border_guard", "device"]}, "a device confirms at yard gates only"),
        ({"place": "yard", "confirm": ["yard_operator"]}, "a device confirms at yard gates only"),
        ({"readings": {"a": {"confirm": ["device"]}}, "reading": "a"}, "at yard gates only"),
    ],
)
def test_a_confirmation_that_no_rule_would_ask_for_is_refused(changes: dict[str, Any], message: str) -> None:
    """A step that the declarant confirms is passed over wherever a vehicle stands; a device's word counts at yard gates."""
    opens = {} if "place" in changes else {"opens": "border_guard"}
    with pytest.raises(ValidationError, match=message):
        Step.model_validate({**BARRIER, **opens, **changes})


def test_who_goes_on_without_a_declaration_of_its_own_goes_on_empty() -> None:
    """Goods are declared (4.3.a, 5.3.a): a laden vehicle has a declaration of its own."""
    continuing = procedure("7.3").model_dump(by_alias=True)
    with pytest.raises(ValidationError, match="who continues another goes on empty"):
        Procedure.model_validate({**continuing, "laden": True})


def test_a_procedure_has_steps() -> None:
    with pytest.raises(ValidationError, match="step"):
        Procedure.model_validate({**procedure("4.2").model_dump(by_alias=True), "step": ()})
