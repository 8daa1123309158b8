"""What a lane writes and what it shows: every draft is a valid body, and a view tells how each step stands."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.lane.passage import Correction, Judgement, Passage, concerns
from edge.lane.records import LaneFacts
from edge.lane.view import Officer, Press, StepState, TickState
from shared import subjects
from shared.bodies import BODIES, BoomState, OpenMode
from shared.codes import Actor, Agency, Heading, Place
from shared.decide import decide_about
from shared.facts import Draft
from shared.history import History
from shared.judging import Subject
from shared.known import Known
from shared.node.declarations import Declared
from shared.settings import Settings
from tests.builders import (
    BARRIER_1_OUT,
    BARRIER_2_IN,
    BORDER_GUARD,
    CUSTOMS,
    HEALTH,
    MORNING,
    NO,
    PLATE,
    VEHICLE,
    YARD_IN,
    YARD_OUT,
    note,
)
from tests.edge.world import World
from tests.loop import in_loop
from tests.shared.law import declared, shipped, with_transfer

OFFICER = Officer("bp-1", BORDER_GUARD, "screen-1")
REQUEST = "gate-2.1/7"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


def drafts_about(facts: LaneFacts, passage: Passage, about: Judgement, known: Known) -> list[Draft]:
    """Every fact that can be written of a passage, whatever is known of its vehicle."""
    corrected = replace(passage, correction=Correction(PLATE, "bp-1", NO, VEHICLE))
    requests = [
        facts.open_requested(at, about, known, officer, mode, "vì")
        for at in (passage, None)
        for officer in (OFFICER, None)
        for mode in OpenMode
    ]
    seen = [
        facts.boom_seen(state, at, ref)
        for state in BoomState
        for at in (passage, None)
        for ref in (REQUEST, None)
    ]
    return [
        facts.arrived(),
        facts.plate_corrected(corrected, OFFICER),
        facts.refused(passage, about, known, OFFICER, "thiếu giấy tờ"),
        facts.open_reason(REQUEST, OFFICER, "cấp cứu"),
        facts.passed(passage, about),
        facts.turned_back(passage, about),
        *requests,
        *seen,
    ]


def assert_valid(drafts: list[Draft]) -> None:
    for draft in drafts:
        BODIES[draft.kind, draft.v].model_validate(draft.body)


@in_loop
async def test_every_draft_of_a_declared_vehicle_is_a_valid_body_about_that_vehicle(world: World) -> None:
    await world.vehicle_arrives()
    lane, known = world.lane, world.known()
    assert lane.passage is not None
    drafts = drafts_about(lane.facts, lane.passage, lane.judgement, known)
    drafts += [
        lane.facts.plate_read(lane.passage, lane.judgement),
        lane.facts.confirmed(lane.passage, lane.judgement, known, OFFICER),
        lane.facts.confirmed(lane.passage, lane.judgement, known, None),
    ]
    assert_valid(drafts)
    about_it = {d.kind for d in drafts if d.subject == subjects.vehicle(NO, VEHICLE)}
    assert about_it == {"plate_read", "confirmed", "open_requested", "refused", "passed", "turned_back"}


def test_every_draft_of_a_vehicle_of_which_nothing_is_known_is_a_valid_body_about_the_lane(
    world: World,
) -> None:
    passage = Passage("gate-2.1/1", "2026-11-23T08:15:38.123Z#0000")
    facts = LaneFacts("gate-2", "lane-1", *BARRIER_2_IN)
    drafts = drafts_about(facts, passage, Judgement(), world.known())
    assert_valid(drafts)
    assert {draft.subject for draft in drafts} == {subjects.lane("gate-2", "lane-1")}
    assert all("declaration" not in d.body for d in drafts if d.kind != "plate_corrected")


@in_loop
async def test_the_device_confirms_and_opens_in_nobodys_name(tmp_path: Path) -> None:
    world = World(tmp_path, at=YARD_IN, centre_age_s=None)
    await world.vehicle_arrives()
    assert world.lane.passage is not None
    draft = world.lane.facts.confirmed(world.lane.passage, world.lane.judgement, world.known(), None)
    assert draft.body["by"] == Actor.DEVICE
    assert not {"officer", "screen"} & draft.body.keys()
    world.store.close()


@in_loop
async def test_only_facts_that_may_change_its_meaning_concern_a_passage(world: World) -> None:
    await world.vehicle_arrives()
    declared = world.site.declared
    other = replace(declared, kind="confirmed", subject=subjects.vehicle("2026112399999", "v1"))
    ours = replace(declared, kind="confirmed", subject=subjects.vehicle(NO, "v1"))
    lane = replace(declared, kind="arrived", subject=subjects.lane("gate-1", "lane-1"))
    found = [concerns(fact, world.lane.judgement) for fact in (declared, ours, other, lane)]
    assert found == [True, True, False, False]


# -- what is shown


@in_loop
async def test_an_empty_lane_shows_nobody(world: World) -> None:
    await world.pass_s(0.1)
    view = world.view()
    assert (view.passage, view.plate, view.decision, view.steps, view.candidates) == (
        None,
        None,
        None,
        (),
        (),
    )
    assert (view.barrier.position, [c.state for c in view.cameras]) == ("closed", ["live"])


@in_loop
async def test_the_steps_tell_what_is_done_what_is_now_and_what_is_to_come(world: World) -> None:
    await world.vehicle_arrives()
    await world.press(Press.CONFIRM, CUSTOMS)
    lines = {line.clause: line for line in world.view().steps}
    assert {clause: line.state for clause, line in lines.items()} == {
        "4.2.a": StepState.DONE,
        "4.2.b": StepState.NOW,
        "4.2.c": StepState.TO_COME,
        "4.2.d": StepState.TO_COME,
        "4.2.đ": StepState.TO_COME,
        "4.2.e": StepState.TO_COME,
        "4.2.g": StepState.TO_COME,
    }
    ticks = {tick.by: tick for tick in lines["4.2.b"].ticks}
    assert (ticks[BORDER_GUARD].state, ticks[CUSTOMS].state) == (TickState.MISSING, TickState.DONE)
    assert ticks[CUSTOMS].officer == "customs-1"


@in_loop
async def test_a_step_that_was_left_out_is_shown_as_passed_over(tmp_path: Path) -> None:
    world = World(tmp_path, at=YARD_IN, centre_age_s=None)
    await world.vehicle_arrives()
    lines = {line.clause: line.state for line in world.view().steps}
    assert (lines["4.2.b"], lines["4.2.c"]) == (StepState.PASSED_OVER, StepState.NOW)
    world.store.close()


@in_loop
async def test_a_quarantine_that_nobody_asked_for_is_not_shown_as_done(world: World) -> None:
    await world.vehicle_arrives()
    yard = next(line for line in world.view().steps if line.clause == "4.2.d")
    assert {tick.by: tick.state for tick in yard.ticks}[HEALTH] is TickState.NOT_REQUESTED


@in_loop
async def test_a_confirmation_of_what_was_amended_since_is_shown_as_missing(world: World) -> None:
    await world.vehicle_arrives()
    await world.press(Press.CONFIRM, CUSTOMS)
    world.site.amend(goods=[{"name": "Sầu riêng"}])
    world.learn()
    here = next(line for line in world.view().steps if line.state is StepState.NOW)
    assert {tick.by: tick.state for tick in here.ticks}[CUSTOMS] is TickState.MISSING


@in_loop
async def test_the_token_changes_with_everything_that_a_press_depends_on(world: World) -> None:
    tokens = [world.view().token]
    await world.vehicle_arrives("29C99999")
    tokens.append(world.view().token)
    await world.press(Press.CORRECT_PLATE, CUSTOMS, text=PLATE)
    tokens.append(world.view().token)
    await world.press(Press.CONFIRM, CUSTOMS)
    tokens.append(world.view().token)
    world.site.amend(goods=[{"name": "Sầu riêng"}])
    world.learn()
    tokens.append(world.view().token)
    world.site.recall()
    world.learn()
    tokens.append(world.view().token)
    world.vehicle_backs_away()
    await world.pass_s(3)
    tokens.append(world.view().token)
    await world.vehicle_arrives()
    tokens.append(world.view().token)
    assert len(set(tokens)) == len(tokens) - 1
    assert tokens[0] == tokens[-2]


@in_loop
async def test_the_token_stays_while_nothing_changes_that_a_press_depends_on(world: World) -> None:
    await world.vehicle_arrives()
    token = world.view().token
    world.camera.dark = True
    world.site.tell("gate-1", Draft("recalled", subjects.declaration("2026112399999"), note().body))
    world.learn()
    await world.pass_s(6)
    assert world.view().token == token


def test_agencies_and_actors_have_different_codes() -> None:
    assert not {a.value for a in Agency} & {a.value for a in Actor}


# -- where a trip ends


@pytest.mark.parametrize(
    ("khoan", "transfer", "at", "ends"),
    [
        ("4.2", False, YARD_OUT, False),
        ("4.2", False, BARRIER_1_OUT, True),
        ("4.3", False, YARD_OUT, False),
        ("5.3", False, YARD_OUT, True),
        ("5.2", True, YARD_OUT, False),
        ("6.6", False, YARD_IN, False),
        ("7.2", False, YARD_IN, False),
        ("5.2", True, BARRIER_1_OUT, True),
    ],
)
def test_a_trip_ends_where_no_lane_is_left_and_never_inside_the_gate_area(
    khoan: str, transfer: bool, at: tuple[Place, Heading], ends: bool
) -> None:
    """The desk lists who is under way: a truck that left the yard or came for goods has still to be confirmed there."""
    site = with_transfer(khoan) if transfer else declared(khoan)
    about = Subject(site.declaration, VEHICLE, History.of(site.facts, site.authority()), Settings())
    procedure, decision = decide_about(shipped(), about, Known(site.authority()), *at, MORNING)
    assert decision.step is not None
    vehicle = Declared("centre/1", site.declaration, recalled=False)
    judged = Judgement(declared=vehicle, vehicle=VEHICLE, procedure=procedure, decision=decision)
    passed = LaneFacts("gate-1", "lane-1", *at).passed(Passage("gate-1.1/1", ""), judged)
    assert passed.body["last_step"] is ends
