"""Which khoản judges which declaration, from when, what takes a vehicle on, and what the files only tell."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from shared.applying import candidates
from shared.bodies import Declaration
from shared.codes import Country, Direction, Purpose, Standing, YardLocation
from shared.decide import Decision, decide_at
from shared.known import Known
from shared.node.procedure_files import load_procedures
from shared.procedures import Matter, Procedure
from shared.reasons import Code
from shared.settings import Settings
from tests import builders
from tests.builders import Site, declared_body
from tests.shared.every_step import B1_OUT, B2_OUT, DECLARED, FEE_BEFORE, GOES_ON, KHOANS, ROWS, At, row
from tests.shared.stepping import (
    NOON,
    TRUCK,
    V1,
    clauses_told,
    confirmers,
    country,
    declared,
    in_order,
    lacking,
    reads,
)

each_khoan = pytest.mark.parametrize("khoan", KHOANS)


# -- which khoản, and from when


def shipped() -> list[Procedure]:
    return [builders.procedure(path.stem) for path in sorted(builders.PROCEDURES.glob("*.toml"))]


def fitting(body: Declaration) -> set[str]:
    """Headings of Điều 4 to 7; of empty vehicles by what they come for, where that is said (A5, A6)."""
    if body.laden:
        article = {Direction.EXPORT: "4", Direction.IMPORT: "5"}.get(body.direction or Direction.EXPORT, "")
        paragraph = {YardLocation.INSIDE: "2", YardLocation.OUTSIDE: "3"}.get(
            body.yard_location or YardLocation.INSIDE
        )
        return {f"{article}.{paragraph}"} if body.direction and body.yard_location else set()
    vietnamese = body.vehicles[0].country is Country.VN
    always = {"6.1", "6.7"} if vietnamese else {"7.1"}
    purposes = {Purpose.TRANSFER: {"6.2", "6.6", "7.2"}, Purpose.CROSSING: {"6.4", "6.5", "7.4"}}
    fit = set().union(*(purposes.values() if body.purpose is None else [purposes[body.purpose]]))
    return always | {one for one in fit if one.startswith("6" if vietnamese else "7")}


@pytest.mark.parametrize("laden", [True, False])
@pytest.mark.parametrize("of", Country)
def test_what_was_declared_says_which_khoan_it_is(laden: bool, of: Country) -> None:
    held = load_procedures(builders.PROCEDURES)
    for direction, yard, purpose in product((None, *Direction), (None, *YardLocation), (None, *Purpose)):
        of_all = {"procedure": None, "laden": laden, "vehicles": [{**TRUCK[of], "vehicle": V1}]}
        said = {"direction": direction, "yard_location": yard, "purpose": purpose}
        body = Declaration.model_validate(declared_body(**of_all, **said))
        found = {one.procedure for one in candidates(held, body, V1, NOON)}
        assert found == fitting(body), said


@each_khoan
def test_a_khoan_judges_declarations_from_its_first_day_on(khoan: str) -> None:
    """The draft is of February 2025, in force ten days after it is signed (section 0)."""
    held = load_procedures(builders.PROCEDURES)
    first = datetime(2025, 2, 15, 5, tzinfo=UTC)
    for day, found in (
        (first - timedelta(days=1), None),
        (first, khoan),
        (first + timedelta(days=600), khoan),
    ):
        one = held.find(khoan, day.date())
        assert (one.procedure if one else None) == found
    assert held.find(khoan, date(2026, 2, 14)) is not None


def anywhere(site: Site, at: At, settings: Settings | None = None) -> tuple[Procedure | None, Decision]:
    known = Known(site.authority())
    held = load_procedures(builders.PROCEDURES)
    return decide_at(held, site.declaration, V1, site.facts, known, settings or Settings(), *at, NOON)


@pytest.mark.parametrize("khoan", sorted({*KHOANS} - {then for _, then in GOES_ON}))
def test_a_declaration_that_names_its_khoan_is_judged_by_it(khoan: str) -> None:
    """6.3 and 7.3 go on from another one: nobody declares by them."""
    for step in (one for one in ROWS if one.khoan == khoan):
        found, decision = anywhere(declared(khoan), step.at)
        assert (found.procedure if found else None, decision.step.clause if decision.step else None) == (
            khoan,
            step.clause,
        )


def goes_on(khoan: str, at: At) -> str | None:
    has_own = any(one.khoan == khoan and one.at == at for one in ROWS)
    others = [then for (first, then) in GOES_ON if first == khoan and row(then).at == at]
    return others[0] if others and not has_own else None


@each_khoan
@pytest.mark.parametrize("at", [B1_OUT, B2_OUT], ids=["to China", "inland"])
@pytest.mark.parametrize("of", ["VN", "CN"])
def test_who_leaves_empty_goes_on_by_the_khoan_that_takes_it_on(khoan: str, at: At, of: str) -> None:
    """The line of steps on the screen is that of both. Điều 6 takes on Vietnamese vehicles, Điều 7 Chinese ones."""
    then = goes_on(khoan, at)
    if then is not None and of != country(then):
        then = None
    found, decision = anywhere(declared(khoan, vehicles=[{**TRUCK[of], "vehicle": V1}]), at)
    if then is None:
        assert found is None or found.procedure == khoan
        return
    assert found is not None
    assert (found.procedure, [one.clause for one in found.steps]) == (then, [*GOES_ON[khoan, then], then])
    assert decision.step is not None
    assert decision.step.clause == then


NEEDED = {"5.2": ("5.2.b", "5.2.d"), "7.2": ("7.2.b",)}
"""What binds at 7.3 of the steps by which the vehicle came in: those that are printed."""


@pytest.mark.parametrize("khoan", NEEDED)
@pytest.mark.parametrize("reading", row("7.3").readings)
def test_at_7_3_the_steps_by_which_the_vehicle_came_in_bind(khoan: str, reading: str) -> None:
    site = declared(khoan)
    site.procedure = builders.procedure("7.3")
    in_order(site, row("7.3"), confirmers(row("7.3"), reading))
    _, decision = anywhere(site, B1_OUT, reads(row("7.3"), reading))
    missing = {clause: ", ".join(row(clause).confirm) for clause in NEEDED[khoan]}
    found = clauses_told(decision, Code.EARLIER_STEP_MISSING)
    assert {clause: set(who.split(", ")) for clause, who in found.items()} == {
        clause: set(who.split(", ")) for clause, who in missing.items()
    }
    assert clauses_told(decision, Code.EARLIER_STEP_SHOWN) == {}


@pytest.mark.parametrize("khoan", NEEDED)
@pytest.mark.parametrize("part", [Matter.DRIVER, Matter.GOODS, Matter.PERMIT])
def test_at_7_3_the_declaration_under_which_the_vehicle_came_in_is_asked_to_be_full(
    khoan: str, part: Matter
) -> None:
    site = declared(khoan)
    lacking(site, part)
    clause, parts, _ = DECLARED[khoan]
    _, decision = anywhere(site, B1_OUT)
    said = [
        (one.clause, one.values["fields"])
        for one in decision.reasons
        if one.code is Code.DECLARATION_INCOMPLETE
    ]
    assert said == ([(clause, part)] if part in parts else [])


# -- what is only told


@each_khoan
def test_every_text_is_there_in_three_languages(khoan: str) -> None:
    """Vietnamese first; what a title, a step or a reading says is no one's name for two things."""
    one = builders.procedure(khoan)
    texts = [one.title, *(step.what for step in one.steps)]
    texts += [reading.note for step in one.steps for reading in step.readings.values()]
    for text in texts:
        assert list(text) == ["vi", "en", "zh"]
        assert len({said for said in text.values() if said.strip()}) == 3


@pytest.mark.parametrize("khoan", DECLARED)
def test_how_well_the_text_carries_what_is_declared(khoan: str) -> None:
    """A1 to A6: only 4.3.a and 5.3.a are printed. Told to who reads the files; no decision depends on it."""
    clause, _, standing = DECLARED[khoan]
    step = builders.procedure(khoan).step(clause)
    assert step is not None
    assert step.standing is standing


@pytest.mark.parametrize("khoan", FEE_BEFORE)
def test_that_a_barrier_asks_for_the_fee_is_inferred(khoan: str) -> None:
    """A4, end."""
    asked = builders.procedure(khoan).fee_before
    assert asked is not None
    assert asked.standing is Standing.INFERRED
