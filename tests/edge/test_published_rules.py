"""What the centre publishes reaches a gate's decisions: while a vehicle stands there, after a restart, from a checkpoint."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.explain import Question, answer
from edge.gate import Gate
from edge.lane.passage import concerns
from edge.lane.view import Press
from shared import subjects
from shared.bodies import SettingsPublished, dump
from shared.codes import Agency, Heading, Place
from shared.facts import Draft
from shared.journal import centre_node
from shared.node.checkpoints import Checkpoints, live_facts
from shared.procedures import Procedure
from shared.published import publication
from shared.reasons import Code
from shared.settings import HealthTick, Settings
from tests.builders import (
    BARRIER_2_IN,
    BORDER_GUARD,
    CUSTOMS,
    MORNING,
    NO,
    SITE,
    YARD_IN,
    Site,
    key,
    procedure,
    stamp,
)
from tests.edge.gate_folder import configuration, filled, hears
from tests.edge.world import CENTRE, Clock, ToldReader, World
from tests.loop import in_loop

TODAY = date(2026, 11, 23)


def by_border_guard_alone(start: date = TODAY) -> Procedure:
    """A version of 4.2 by which the border guard alone confirms at barrier 2."""
    plain = procedure("4.2").model_dump(mode="json", by_alias=True)
    entry = next(step for step in plain["step"] if step["clause"] == "4.2.b")
    entry["confirm"] = ["border_guard"]
    return Procedure.model_validate({**plain, "in_force_from": start.isoformat()})


def settings(hours: float = 0, **said: Any) -> Draft:
    body = SettingsPublished(in_force_from=MORNING + timedelta(hours=hours), **said)
    return Draft("settings_published", subjects.settings(SITE), dump(body))


def tell(world: World, draft: Draft) -> None:
    """The centre writes a fact, and the gate hears it."""
    world.site.tell(centre_node(SITE), draft)
    world.learn()


def waits_for(world: World) -> tuple[Agency, ...]:
    decision = world.lane.judgement.decision
    assert decision is not None
    return decision.waits_for


@in_loop
async def test_a_version_that_arrives_while_a_vehicle_stands_there_is_what_decides_and_what_is_recorded(
    make: Callable[..., World],
) -> None:
    world = make()
    await world.vehicle_arrives()
    assert waits_for(world) == (BORDER_GUARD, CUSTOMS)
    tell(world, publication(by_border_guard_alone()))
    assert waits_for(world) == (BORDER_GUARD,)
    await world.press(Press.CONFIRM_AND_OPEN)
    seen = [fact.body["decision"]["procedure_hash"] for fact in world.facts() if "decision" in fact.body]
    assert seen == [by_border_guard_alone().hash] * 2


@in_loop
async def test_a_version_of_a_later_day_changes_nothing_yet(make: Callable[..., World]) -> None:
    world = make()
    tell(world, publication(by_border_guard_alone(date(2026, 11, 24))))
    await world.vehicle_arrives()
    assert waits_for(world) == (BORDER_GUARD, CUSTOMS)


@in_loop
async def test_a_lane_that_starts_again_goes_on_by_what_was_published(make: Callable[..., World]) -> None:
    world = make()
    tell(world, publication(by_border_guard_alone()))
    await world.vehicle_arrives()
    world.restart()
    assert waits_for(world) == (BORDER_GUARD,)


@in_loop
async def test_facts_name_the_settings_that_were_in_force_when_it_was_decided(
    make: Callable[..., World],
) -> None:
    world = make()
    began = (world.store.steady() - MORNING).total_seconds()
    tell(world, settings((began + 60) / 3600, health_tick=HealthTick.PRINTED_PLACE))
    await world.vehicle_arrives()
    await world.press(Press.CONFIRM, CUSTOMS)
    world.clock.advance(60)
    await world.pass_s(0.1)
    await world.press(Press.CONFIRM_AND_OPEN)
    named = [fact.body["decision"]["settings_hash"] for fact in world.facts("confirmed")]
    assert named == [Settings().hash, Settings(health_tick=HealthTick.PRINTED_PLACE).hash]


@in_loop
async def test_an_opening_for_an_undeclared_vehicle_names_the_settings_in_force(
    make: Callable[..., World],
) -> None:
    world = make()
    tell(world, settings(inferred_steps_bind=True))
    await world.vehicle_arrives("29H99999")
    await world.press(Press.OPEN_WITH_REASON, reason="Xe công vụ")
    (opened,) = world.facts("open_requested")
    assert opened.body["decision"]["settings_hash"] == Settings(inferred_steps_bind=True).hash


@in_loop
async def test_a_version_that_this_gate_cannot_read_is_told_and_a_yard_gate_waits_for_a_hand(
    make: Callable[..., World],
) -> None:
    world = make(at=YARD_IN)
    draft = Draft("procedure_published", "procedure/4.2", {"procedure": {"in_force_from": "2026-11-23"}}, v=2)
    tell(world, draft)
    await world.vehicle_arrives()
    decision = world.lane.judgement.decision
    assert decision is not None
    assert decision.reasons[-1].code is Code.NOT_UNDERSTOOD
    assert world.barrier.pulses == []


@in_loop
async def test_publications_concern_every_passage(make: Callable[..., World]) -> None:
    world = make()
    await world.vehicle_arrives()
    for draft in (publication(by_border_guard_alone()), settings()):
        fact = world.site.tell(centre_node(SITE), draft)
        assert concerns(fact, world.lane.judgement)


# -- the gate put together


def gate_in(folder: Path) -> Gate:
    clock = Clock()
    return Gate(configuration(folder), ToldReader(clock), clock)


def found(gate: Gate) -> Procedure | None:
    return gate.knowledge.procedures.find("4.2", TODAY)


def publishing() -> Site:
    site = Site()
    site.tell(centre_node(SITE), publication(by_border_guard_alone()))
    site.tell(centre_node(SITE), settings(inferred_steps_bind=True))
    return site


def test_a_gate_takes_up_what_it_hears_and_holds_it_over_a_restart(tmp_path: Path) -> None:
    gate = gate_in(tmp_path)
    assert found(gate) == procedure("4.2")
    hears(gate.store, publishing())
    assert found(gate) == by_border_guard_alone()
    assert gate.knowledge.settings.inferred_steps_bind
    gate.store.close()
    again = gate_in(tmp_path)
    assert found(again) == by_border_guard_alone()
    again.store.close()


def test_an_empty_gate_has_the_published_rules_from_a_checkpoint(tmp_path: Path) -> None:
    site = publishing()
    full, empty = gate_in(tmp_path / "full"), gate_in(tmp_path / "empty")
    hears(full.store, site)
    later = MORNING + timedelta(days=400)
    live = list(live_facts(full.store.engine, SITE, later))
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.make(live, full.store.heads(), SITE, str(stamp()), key(CENTRE))
    assert found(empty) == procedure("4.2")
    checkpoints.adopt(empty.store, "gate-2")
    assert found(empty) == by_border_guard_alone()
    assert empty.knowledge.settings.inferred_steps_bind
    for gate in (full, empty):
        gate.store.close()


def test_a_gate_says_what_it_cannot_read_of_what_was_published(tmp_path: Path) -> None:
    gate = gate_in(tmp_path)
    site = Site()
    fact = site.tell(centre_node(SITE), Draft("procedure_published", "procedure/4.2", {"procedure": {}}))
    assert gate.notes() == []
    hears(gate.store, site)
    (note,) = gate.notes()
    assert note.startswith(
        f"published and not understood here: procedure/4.2 ({fact.ref}); upgrade this gate"
    )
    assert found(gate) == procedure("4.2")
    gate.store.close()


def test_explain_answers_by_what_was_published(tmp_path: Path) -> None:
    made = configuration(tmp_path)
    filled(tmp_path, publishing())
    question = Question(Place.BARRIER_2, Heading.IN, declaration=NO)
    assert answer(made, question).decision.waits_for == (BORDER_GUARD,)


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    made = Gate(configuration(tmp_path, node="yard-desk"), ToldReader(Clock()), Clock())
    yield made
    made.store.close()


def test_the_desk_asks_for_what_the_published_version_owes(desk: Gate) -> None:
    site = Site()
    site.drive_through(BARRIER_2_IN)
    plain = procedure("4.2").model_dump(mode="json", by_alias=True)
    yard = next(step for step in plain["step"] if step["clause"] == "4.2.d")
    yard["values"]["customs"] = ["seal_no"]
    version = Procedure.model_validate({**plain, "in_force_from": "2026-11-23"})
    site.tell(centre_node(SITE), publication(version))
    hears(desk.store, site, "yard-desk")
    (line,) = desk.desk(CUSTOMS)
    assert [asked.code for asked in line.owed] == ["seal_no"]
