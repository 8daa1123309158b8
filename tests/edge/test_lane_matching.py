"""What a read means at a gate: colour, trailers, several declarations of one plate, and why a vehicle is turned away."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.lane import rules
from edge.lane.passage import Correction, Judgement, Passage, opens_by_itself
from edge.lane.resume import EarlierRead, read_lane
from edge.lane.show import view
from edge.lane.view import Press
from shared import subjects
from shared.bodies import Passed, dump
from shared.codes import Agency, Country, Ground, Heading, Place, Verdict
from shared.facts import Draft
from shared.journal import journal_id
from shared.matching import Outcome, Role
from shared.reasons import Code
from tests.builders import BARRIER_2_IN, DRIVER, NO, PLATE, VEHICLE, YARD_IN, declared_body
from tests.edge.world import NEAR_PLATE, World
from tests.loop import in_loop

Declare = Callable[..., World]
LATER = "2026112300002"
TRAILER = "98R03688"
OTHER = "29H99999"


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    """A gate that knows one more declaration, of a vehicle with these members."""

    def make(no: str = LATER, at: tuple[Place, Heading] = BARRIER_2_IN, **vehicle: Any) -> World:
        world = World(tmp_path, at=at)
        declared = {"vehicle": VEHICLE, "plate": OTHER, "country": "VN", "driver": DRIVER, **vehicle}
        tell(world, "declared", no, vehicles=[declared])
        return world

    return make


def tell(world: World, kind: str, no: str, **members: Any) -> str:
    fact = world.site.tell(
        "centre-CKHN", Draft(kind, subjects.declaration(no), declared_body(no=no, **members))
    )
    world.learn()
    return fact.ref


def seen(
    text: str, ground: Ground | None = Ground.YELLOW, country: Country | None = None, **more: Any
) -> Passage:
    read = EarlierRead(text, country, ground, 0.99, 3, 3, True, ())
    return Passage("gate-2.1/1", "", read=read, **more)


def judged(world: World, passage: Passage, at: tuple[Place, Heading] = BARRIER_2_IN) -> Judgement:
    return world.knowledge.judge(passage, *at)


def codes(about: Judgement) -> list[Code]:
    assert about.decision is not None
    return [reason.code for reason in about.decision.reasons]


def no_of(about: Judgement) -> str | None:
    return about.declaration.no if about.declaration else None


# -- colour


def test_a_short_chinese_plate_is_taken_on_its_own_ground_offered_without_and_never_on_red(
    declare: Declare,
) -> None:
    world = declare(plate="FF0123", country="CN")
    outcomes = {g: judged(world, seen("FF0123", g)).match.outcome for g in (Ground.YELLOW, None, Ground.RED)}
    assert list(outcomes.values()) == [Outcome.EXACT, Outcome.NEAR, Outcome.NONE]


def test_an_officers_word_needs_no_colour(declare: Declare) -> None:
    world = declare(plate="FF0123", country="CN")
    corrected = seen("FF0128", None, correction=Correction("FF0123", "bg-1"))
    assert no_of(judged(world, corrected)) == LATER


# -- trailers


def test_a_trailers_plate_leads_to_its_declaration_and_opens_nothing_by_itself(declare: Declare) -> None:
    world = declare(trailer=TRAILER, at=YARD_IN)
    by_trailer, by_tractor = (seen(text) for text in (TRAILER, OTHER))
    about = judged(world, by_trailer, YARD_IN)
    assert (no_of(about), about.match.role) == (LATER, Role.TRAILER)
    assert not opens_by_itself(by_trailer, about, YARD_IN[0])
    assert opens_by_itself(by_tractor, judged(world, by_tractor, YARD_IN), YARD_IN[0])


def test_a_trailers_plate_that_an_officer_typed_opens_nothing_by_itself_until_she_chose_the_vehicle(
    declare: Declare,
) -> None:
    world = declare(trailer=TRAILER, at=YARD_IN)
    opened = {
        said: opens_by_itself(passage, judged(world, passage, YARD_IN), YARD_IN[0])
        for said in (
            Correction(TRAILER, "bg-1"),
            Correction(OTHER, "bg-1"),
            Correction(OTHER, "bg-1", LATER, VEHICLE),
        )
        for passage in (seen(TRAILER, correction=said),)
    }
    assert list(opened.values()) == [False, True, True]


def test_a_tractor_with_its_own_trailer_goes_on(declare: Declare) -> None:
    world = declare(trailer=TRAILER)
    assert codes(judged(world, seen(OTHER, trailer=TRAILER))) == codes(judged(world, seen(OTHER)))


def test_a_tractor_with_another_trailer_is_refused_with_both_plates(declare: Declare) -> None:
    about = judged(declare(trailer=TRAILER), seen(OTHER, trailer="98R03866"))
    assert about.decision is not None
    reason = about.decision.reasons[0]
    assert (about.decision.verdict, reason.code) == (Verdict.REFUSE, Code.TRAILER_DIFFERS)
    assert (reason.values["read"], reason.values["declared"]) == ("98R03866", TRAILER)
    assert no_of(about) == LATER, "the vehicle is known all the same"


def test_a_trailer_that_may_be_misread_is_shown_and_opens_nothing_by_itself(declare: Declare) -> None:
    world = declare(trailer=TRAILER, at=YARD_IN)
    passage = seen(OTHER, trailer="98R03G88")
    about = judged(world, passage, YARD_IN)
    assert about.decision is not None
    assert (about.decision.verdict, codes(about)[-1]) == (Verdict.OPEN, Code.TRAILER_DIFFERS)
    assert not opens_by_itself(passage, about, YARD_IN[0])


# -- one plate in several declarations


def passes(world: World, no: str, at: tuple[Place, Heading]) -> None:
    body = Passed(
        passage="gate-1.1/1", place=at[0], heading=at[1], lane="l1", declaration=no, vehicle=VEHICLE
    )
    world.site.tell("gate-2", Draft("passed", subjects.vehicle(no, VEHICLE), dump(body)))
    for journal in world.site.journals.values():
        world.store.absorb(journal.sealed, journal.signed)


def test_of_two_declarations_the_one_that_has_not_passed_here_is_meant(declare: Declare) -> None:
    world = declare(plate=PLATE)
    assert judged(world, seen(PLATE)).match.outcome is Outcome.AMBIGUOUS
    passes(world, NO, BARRIER_2_IN)
    assert no_of(judged(world, seen(PLATE))) == LATER


def test_a_declaration_whose_procedure_does_not_lead_here_gives_way(declare: Declare) -> None:
    world = declare(plate=PLATE)
    tell(world, "amended", NO, version=2, procedure="9.9")
    assert no_of(judged(world, seen(PLATE))) == LATER


def test_a_look_alike_leaves_it_to_the_officer(declare: Declare) -> None:
    world = declare(plate=PLATE)
    passes(world, NO, BARRIER_2_IN)
    tell(
        world, "declared", "2026112300003", vehicles=[{"vehicle": "v1", "plate": NEAR_PLATE, "country": "VN"}]
    )
    assert judged(world, seen(PLATE)).match.outcome is Outcome.AMBIGUOUS


@in_loop
async def test_a_look_alike_does_not_stand_between_an_officers_word_and_what_follows_from_it(
    declare: Declare,
) -> None:
    """The plate is as she typed it: nobody's under way, or that of a declaration that was recalled."""
    world = declare(plate=NEAR_PLATE)
    said = seen(PLATE, correction=Correction(PLATE, "bg-1"))
    world.site.recall()
    world.learn()
    assert judged(world, seen(PLATE)).match.outcome is Outcome.NEAR
    assert codes(judged(world, said)) == [Code.RECALLED]
    tell(
        world, "amended", LATER, version=2, vehicles=[{"vehicle": "v1", "plate": "29H99998", "country": "VN"}]
    )
    about = judged(world, seen("29H9999B", correction=Correction("29H9999B", "bg-1")))
    assert codes(about) == [Code.NO_DECLARATION]
    assert [one.plate for one in about.match.candidates] == ["29H99998"], "she may still choose it"


# -- causes


def test_a_plate_that_was_amended_away_is_told_with_its_declaration_and_what_stands_now(
    declare: Declare,
) -> None:
    world = declare(plate="34C55566")
    ref = tell(
        world, "amended", LATER, version=2, vehicles=[{"vehicle": "v1", "plate": OTHER, "country": "VN"}]
    )
    about = judged(world, seen("34C55566"))
    assert about.decision is not None
    (reason,) = about.decision.reasons
    assert (about.decision.verdict, reason.code, reason.facts) == (Verdict.REFUSE, Code.PLATE_AMENDED, (ref,))
    assert dict(reason.values) | {"positions": ""} == {
        "no": LATER, "read": "34C55566", "declared": OTHER, "positions": ""
    }  # fmt: skip
    assert about.declared is None


def test_another_tractor_before_a_declared_trailer_is_told(declare: Declare) -> None:
    world = declare(trailer=TRAILER)
    assert codes(judged(world, seen("34C55566", trailer=TRAILER))) == [Code.ANOTHER_TRACTOR]
    assert codes(judged(world, seen("34C55566"))) == [Code.NO_DECLARATION]


def test_a_cause_that_is_known_comes_before_a_declaration_that_is_through(declare: Declare) -> None:
    world = declare(trailer=TRAILER)
    world.site.recall()
    world.learn()
    assert codes(judged(world, seen(PLATE))) == [Code.RECALLED]
    assert codes(judged(world, seen(PLATE, trailer=TRAILER))) == [Code.ANOTHER_TRACTOR]


@in_loop
async def test_the_border_guard_may_let_in_with_a_reason_what_does_not_agree(declare: Declare) -> None:
    world = declare(trailer=TRAILER)
    await world.vehicle_arrives()
    shown = view(world.lane)
    for passage in (seen(OTHER, trailer="98R03866"), seen("34C55566", trailer=TRAILER)):
        differs = replace(shown, decision=judged(world, passage).decision)
        assert rules.allowed(differs, Agency.BORDER_GUARD, Press.OPEN_WITH_REASON)
        assert not rules.allowed(differs, Agency.CUSTOMS, Press.OPEN_WITH_REASON)


@in_loop
async def test_a_trailer_is_no_way_round_a_recall_or_a_missing_confirmation(declare: Declare) -> None:
    world = declare(trailer=TRAILER)
    await world.vehicle_arrives()
    shown = view(world.lane)
    waiting = replace(shown, decision=judged(world, seen(OTHER, trailer="98R03G88")).decision)
    assert not rules.allowed(waiting, Agency.BORDER_GUARD, Press.OPEN_WITH_REASON)
    world.site.tell("centre-CKHN", Draft("recalled", subjects.declaration(LATER), {"no": LATER}))
    world.learn()
    recalled = replace(shown, decision=judged(world, seen(OTHER, trailer="98R03866")).decision)
    assert not rules.allowed(recalled, Agency.BORDER_GUARD, Press.OPEN_WITH_REASON)


@in_loop
async def test_colour_and_trailer_stand_in_the_fact_of_the_read_and_outlive_a_restart(
    declare: Declare,
) -> None:
    world = declare(trailer=TRAILER)
    await world.vehicle_arrives()
    lane = world.lane
    assert lane.passage is not None
    again = lane.facts.plate_read(replace(lane.passage, trailer=TRAILER), lane.judgement)
    lane.write([again])
    passage = read_lane(world.store, journal_id(world.node), "lane-1").passage
    assert passage is not None
    assert passage.read is not None
    assert (passage.read.ground, passage.trailer) == (Ground.WHITE, TRAILER)
