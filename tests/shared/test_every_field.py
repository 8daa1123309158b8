"""What every field of every procedure file makes happen, held to `tests.shared.every_step`.

`tests.mutating` counts what they miss.
No test here reads a field where a decision depends on it: each puts a vehicle before a step and looks at the answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import permutations, product
from typing import Any

import pytest

from central.procedures import table
from shared import subjects
from shared.applying import candidates
from shared.bodies import Declaration, GpsReported, dump
from shared.codes import (
    Agency,
    Country,
    Direction,
    Heading,
    Load,
    Place,
    Purpose,
    Standing,
    Verdict,
    YardLocation,
)
from shared.decide import Decision, decide_at
from shared.facts import Draft, Fact
from shared.journal import centre_node
from shared.known import Known
from shared.node.procedure_files import load_procedures
from shared.procedures import ALL_MATTER, Matter, Procedure
from shared.reasons import Code
from shared.settings import HealthTick, Settings
from tests import builders
from tests.builders import ANIMAL, HEALTH, MORNING, NO, PLANT, SITE, Site, declared_body
from tests.shared.every_step import (
    B1_OUT,
    B2_OUT,
    DECLARED,
    EARLIER_ASKED,
    FEE_BEFORE,
    GOES_ON,
    OWED,
    ROWS,
    At,
    Row,
    row,
)

NOON = MORNING + timedelta(hours=4)
V1, V2 = "v1", "v2"
DRIVER = {"name": {"commitment": "d" * 64}}
TRUCK = {
    "VN": {"plate": "12C12345", "country": "VN", "driver": DRIVER, "permit": "1/GPLV"},
    "CN": {"plate": "FF0123", "country": "CN", "driver": DRIVER, "permit": "C26Y0123"},
}
GOODS = [{"name": "Nhãn tươi", "weight_kg": 18000}]
ASKED_FOR = dict.fromkeys(("health_quarantine", "animal_quarantine", "plant_quarantine"), "required")
NO_FEE = {"4.2": "none", "4.3": "none", "5.2": "none"}
BARRIERS = (Place.BARRIER_1, Place.BARRIER_2)
KHOANS = sorted({one.khoan for one in ROWS})
AT_BARRIERS = [one for one in ROWS if one.at[0] in BARRIERS and one.standing is not Standing.UNKNOWN]
WITH_AGENCIES = [one for one in ROWS if one.confirm or one.readings or one.collectors]
READ = [(one, name) for one in ROWS for name in (None, *one.readings)]
each_row = pytest.mark.parametrize("step", ROWS, ids=str)
each_at_a_barrier = pytest.mark.parametrize("step", AT_BARRIERS, ids=str)
each_khoan = pytest.mark.parametrize("khoan", KHOANS)
each_reading = pytest.mark.parametrize(("step", "reading"), READ, ids=lambda one: str(one or ""))


def country(khoan: str) -> str:
    """Goods come in on Chinese trucks and go out on Vietnamese ones in these tests; Điều 6 is of VN (A5), Điều 7 of CN."""
    return "CN" if khoan.startswith(("5", "7")) else "VN"


def form(khoan: str) -> dict[str, Any]:
    """What is declared, by the headings of Điều 4 to 7."""
    if khoan.startswith(("6", "7")):
        return {"direction": None, "laden": False, "goods": [], "yard_location": "inside"}
    direction = "export" if khoan.startswith("4") else "import"
    return {
        "direction": direction,
        "goods": GOODS,
        "yard_location": "inside" if khoan.endswith("2") else "outside",
    }


def declared(khoan: str, *, transfer: bool = False, **changes: Any) -> Site:
    """A declaration by a khoản with everything in it; with a transfer, a second vehicle takes the goods over."""
    first, other = TRUCK[country(khoan)], TRUCK["CN" if country(khoan) == "VN" else "VN"]
    vehicles = [{**first, "vehicle": V1}]
    if transfer:
        vehicles.append({**other, "vehicle": V2, "receives_from": V1})
    return Site(khoan, **{**form(khoan), "vehicles": vehicles, **changes})


def reads(step: Row, name: str | None, **more: Any) -> Settings:
    """Settings by which the step is read in that way, and no barrier asks for the fee."""
    return Settings(readings={step.clause: name} if name else {}, **{"fee_before": NO_FEE, **more})


def confirmers(step: Row, name: str | None = None) -> tuple[Agency, ...]:
    return step.readings[name] if name else step.confirm


def confirm(site: Site, step: Row, by: Agency, saw: Sequence[Fact] = (), **more: Any) -> Fact:
    """Says what the text has the agency say at such a step, whatever the file asks."""
    away = step.at[0] not in BARRIERS
    values = dict.fromkeys(OWED[by], "said") if away and by in OWED else {}
    return site.confirm(step.clause, by, saw=tuple(saw), **{"place": step.at[0], "values": values, **more})


def in_order(site: Site, step: Row, agencies: Iterable[Agency]) -> None:
    given: list[Fact] = []
    for agency in agencies:
        given.append(confirm(site, step, agency, given))


def earlier_done(step: Row, **changes: Any) -> Site:
    """A vehicle before a step, all before it confirmed."""
    site = declared(step.khoan, **changes)
    for one in ROWS[: ROWS.index(step)]:
        if one.khoan == step.khoan:
            in_order(site, one, (*one.confirm, *one.collectors))
    return site


def told(decision: Decision, code: Code, name: str = "agency") -> list[str]:
    return [one.values[name] for one in decision.reasons if one.code is code]


def clauses_told(decision: Decision, code: Code) -> dict[str | None, str]:
    return {one.clause: one.values.get("agencies", "") for one in decision.reasons if one.code is code}


# -- where: every place, heading and load of every khoản


@each_khoan
@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize("heading", Heading)
def test_a_vehicle_has_a_step_where_the_text_has_one_and_nowhere_else(
    khoan: str, place: Place, heading: Heading
) -> None:
    alone, both = declared(khoan), declared(khoan, transfer=True)
    for load, site, vehicle in ((Load.OWN, alone, V1), (Load.DELIVERS, both, V1), (Load.RECEIVES, both, V2)):
        expected = [
            one.clause
            for one in ROWS
            if one.khoan == khoan
            and load in one.loads
            and one.at[0] is place
            and (one.at[1] is heading or place in (Place.YARD, Place.ONLINE))
        ]
        step = site.decide((place, heading), vehicle=vehicle).step
        assert [step.clause if step else None] == (expected or [None]), load


@each_row
def test_who_opens_and_how_well_the_text_carries_the_step(step: Row) -> None:
    """The border guard at barriers, devices at the yard's gates; standing as in A1 to A6."""
    decision = declared(step.khoan).decide(step.at)
    assert decision.step is not None
    assert (decision.opens, decision.ordered) == (step.opens, step.ordered)
    assert decision.step.standing is step.standing, step.ground
    assert decision.automatic is (step.at[0] in (Place.YARD_IN, Place.YARD_OUT))
    assert (decision.verdict is Verdict.UNKNOWN) is (step.standing is Standing.UNKNOWN)
    devices = [one for one in decision.reasons if one.code is Code.DEVICE_CONFIRMS]
    assert len(devices) == (step.at[0] in (Place.YARD_IN, Place.YARD_OUT))


# -- who confirms, and in which order


@each_reading
@pytest.mark.parametrize("transfer", [False, True])
@pytest.mark.parametrize("requests", [{}, ASKED_FOR], ids=["none asked for", "all asked for"])
def test_who_is_asked(step: Row, reading: str | None, transfer: bool, requests: Mapping[str, str]) -> None:
    site = declared(step.khoan, transfer=transfer, quarantine=requests)
    vehicle = V1 if Load.DELIVERS in step.loads or not transfer else V2
    decision = site.decide(step.at, settings=reads(step, reading), vehicle=vehicle)
    asked = [
        *confirmers(step, reading),
        *(step.transfer if transfer else ()),
        *(step.required if requests else ()),
    ]
    found = told(decision, Code.CONFIRMATION_MISSING)
    assert found == asked if step.ordered else sorted(found) == sorted(asked), step.ground
    assert told(decision, Code.QUARANTINE_NOT_REQUESTED) == ([] if requests else [*step.required])
    collected = clauses_told(decision, Code.FEE_NOT_CONFIRMED)
    assert collected == ({step.clause: ", ".join(step.collectors)} if step.collectors else {})


def opening(agencies: Sequence[Agency], tick: HealthTick) -> Iterator[tuple[Agency, ...]]:
    """The orders in which a fixed order may be kept: health's tick may come earlier where the setting says so (A8, 5)."""
    for order in permutations(agencies):
        without = [one for one in order if one is not HEALTH]
        printed = [one for one in agencies if one is not HEALTH]
        earlier = HEALTH in order and order.index(HEALTH) < agencies.index(HEALTH)
        if order == agencies or (without == printed and earlier and tick is HealthTick.MAY_COME_EARLIER):
            yield order


@pytest.mark.parametrize("tick", HealthTick)
@each_reading
def test_where_the_order_is_fixed_no_other_opens_and_elsewhere_any_does(
    step: Row, reading: str | None, tick: HealthTick
) -> None:
    """Fixed on every way out that the text prints, and on no way in (A7, end)."""
    if step.at[0] not in BARRIERS or step.standing is Standing.UNKNOWN:
        return
    agencies = confirmers(step, reading)
    good = set(opening(agencies, tick)) if step.ordered else set(permutations(agencies))
    for order in permutations(agencies):
        site = earlier_done(step)
        in_order(site, step, order)
        decision = site.decide(step.at, settings=reads(step, reading, health_tick=tick))
        assert (decision.verdict is Verdict.OPEN) is (order in good), order


# -- what a confirmation says and answers for


@pytest.mark.parametrize("step", WITH_AGENCIES, ids=str)
def test_a_confirmation_that_does_not_say_what_it_must_is_none(step: Row) -> None:
    away = step.at[0] not in BARRIERS
    for by in asked_most(step):
        site = all_asked(step)
        owed = OWED[by] if away and by in OWED else ()
        for left_out in owed:
            confirm(site, step, by, values=dict.fromkeys(set(owed) - {left_out}, "said"))
            assert not stands(site, step, by), f"{by} without {left_out}"
        in_order(site, step, asked_most(step) if step.ordered else (by,))
        assert stands(site, step, by), by


def asked_most(step: Row) -> tuple[Agency, ...]:
    """Everybody who may be asked at a step, in the reading that asks the most."""
    confirm = max((step.confirm, *step.readings.values()), key=len)
    return (*confirm, *step.transfer, *step.required, *step.collectors)


def all_asked(step: Row) -> Site:
    """A declaration by which all of them are asked."""
    return declared(step.khoan, transfer=bool(step.transfer), quarantine=ASKED_FOR)


def stands(site: Site, step: Row, by: Agency) -> bool:
    """Whether a confirmation by the agency is good for the step."""
    name = max(step.readings, key=lambda one: len(step.readings[one]), default=None)
    decision = site.decide(step.at, settings=reads(step, name))
    if by in step.collectors:
        return any(one.code is Code.FEE_CONFIRMED for one in decision.reasons)
    return by in decision.confirmations


def amended(site: Site, part: Matter, by: Agency) -> dict[str, Any]:
    """A change of one part of what was declared, such that the agency is still asked."""
    first, *others = site.body["vehicles"]
    other = PLANT if by is not PLANT else ANIMAL
    vehicle: Mapping[Matter, Mapping[str, Any]] = {
        Matter.VEHICLE: {"trailer": "98R03688"},
        Matter.DRIVER: {"driver": {"name": {"commitment": "e" * 64}}},
        Matter.PERMIT: {"permit": "2/GPLV"},
    }
    if part in vehicle:
        return {"vehicles": [{**first, **vehicle[part]}, *others]}
    return {
        Matter.GOODS: {"goods": [{"name": "Sầu riêng"}]},
        Matter.QUARANTINE: {"quarantine": {**ASKED_FOR, other.value: "not_requested"}},
        Matter.WAY: {"yard": "bao-nguyen"},
    }[part]


@pytest.mark.parametrize("step", WITH_AGENCIES, ids=str)
def test_an_amendment_undoes_the_confirmations_of_who_answers_for_what_was_amended(step: Row) -> None:
    for by in asked_most(step):
        site = all_asked(step)
        in_order(site, step, (by,) if by in step.collectors else asked_most(step))
        for part in Matter:
            before = {key: site.body[key] for key in ("vehicles", "goods", "quarantine", "yard")}
            site.amend(**amended(site, part, by))
            answers = part in step.answers.get(by, ALL_MATTER)
            if step.ordered:
                again = by in told(site.decide(step.at, settings=reads(step, None)), Code.AMENDED_SINCE)
                assert again is answers, (by, part)
            else:
                assert stands(site, step, by) is not answers, (by, part)
            site.amend(**before)


# -- earlier steps, and the fee


SHOWN = {"4.2.g": {"4.2.d", "4.2.đ"}, "4.3.g": {"4.3.d"}}
"""Inferred steps bind nobody; nor does a fee that no barrier asks for."""


@each_at_a_barrier
def test_earlier_steps_bind_where_the_cameras_query_them(step: Row) -> None:
    site = declared(step.khoan)
    in_order(site, step, step.confirm)
    decision = site.decide(step.at, settings=reads(step, None))
    missing = {clause: ", ".join(row(clause).confirm) for clause in step.needs or ()}
    assert clauses_told(decision, Code.EARLIER_STEP_MISSING) == missing, step.ground
    assert set(clauses_told(decision, Code.EARLIER_STEP_SHOWN)) == SHOWN.get(step.clause, set())
    assert (decision.verdict is Verdict.OPEN) is not bool(missing)


def test_the_centre_lists_what_is_queried_at_each_barrier() -> None:
    """S2: "đã được khai báo" at every way in and in 6.4.c and 7.4.c, the earlier states as well at the others."""
    listed = {one["clause"]: one["queries"] for one in table([builders.procedure(khoan) for khoan in KHOANS])}
    at_barriers = [one.clause for one in ROWS if one.at[0] in BARRIERS]
    assert listed == {one: "earlier_states" if one in EARLIER_ASKED else "declared" for one in at_barriers}


@each_at_a_barrier
def test_the_fee_is_asked_for_where_the_setting_says_and_only_where_it_may(step: Row) -> None:
    """No text has a barrier check the fee (A4, end)."""
    khoan, clauses = step.khoan, [one.clause for one in ROWS]
    fee, usual, others = FEE_BEFORE.get(khoan, ("", "", ()))
    for chosen in (None, "none", *clauses):
        known = chosen if chosen == usual or chosen in others else usual
        settings = Settings(fee_before={khoan: chosen} if chosen else {}, readings={"4.3.e": "wide"})
        site = declared(khoan)
        asked = clauses_told(site.decide(step.at, settings=settings), Code.FEE_NOT_CONFIRMED)
        assert asked == ({fee: "gate_management, tax"} if known == step.clause else {}), chosen


# -- what is declared


def lacking(site: Site, part: Matter) -> None:
    first, *others = site.body["vehicles"]
    changes: Mapping[Matter, Mapping[str, Any]] = {
        Matter.DRIVER: {"vehicles": [{**first, "driver": {}}, *others]},
        Matter.PERMIT: {"vehicles": [{**first, "permit": None}, *others]},
        Matter.GOODS: {"goods": []},
    }
    site.amend(**changes[part])


@each_at_a_barrier
@pytest.mark.parametrize("part", [Matter.DRIVER, Matter.GOODS, Matter.PERMIT])
def test_what_the_declarants_step_asks_for_must_be_there_and_nothing_else(step: Row, part: Matter) -> None:
    site = declared(step.khoan)
    lacking(site, part)
    clause, parts, _ = DECLARED.get(step.khoan, ("", (), Standing.TEXT))
    decision = site.decide(step.at)
    told = [
        (one.clause, one.values["fields"])
        for one in decision.reasons
        if one.code is Code.DECLARATION_INCOMPLETE
    ]
    assert told == ([(clause, part)] if part in parts else [])
    assert (decision.verdict is Verdict.REFUSE) is (part in parts)


@each_at_a_barrier
def test_only_who_drives_to_a_yard_outside_must_keep_the_position_switched_on(step: Row) -> None:
    """4.3.a: "mở định vị GPS"; said, never a ground to refuse."""
    site = declared(step.khoan)
    off = GpsReported(declaration=NO, vehicle=V1, on=False, since=MORNING)
    site.tell(centre_node(SITE), Draft("gps_reported", subjects.vehicle(NO, V1), dump(off)))
    said = [one.clause for one in site.decide(step.at).reasons if one.code is Code.GPS_OFF]
    assert said == (["4.3.a"] if step.khoan == "4.3" else [])


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


@each_khoan
def test_a_declaration_that_names_its_khoan_is_judged_by_it(khoan: str) -> None:
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
