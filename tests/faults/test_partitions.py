"""Lines that are cut, with real brokers: the site goes on alone, and everybody agrees afterwards."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared import subjects
from shared.bodies import NodeEnrolled, Passed, dump
from shared.codes import Agency, Heading, Place
from shared.journal import centre_node, journal_id
from tests.builders import NO, PLATE, VEHICLE, declared_body, key
from tests.faults.nets import CENTRE, Namespaces, Net, Proxies, namespaces_missing
from tests.faults.parted import Node, Parted, parted, soon
from tests.loop import in_loop
from tests.shared.broker import needs_mosquitto

pytestmark = needs_mosquitto

A, B = "CKHN", "TT"
A1, A2, B1 = "ckhn-barrier-2", "ckhn-barrier-2b", "tt-barrier-2"
GATES = {A1: A, A2: A, B1: B}


@pytest.fixture(params=["namespaces", "proxies"])
def net(request: pytest.FixtureRequest) -> Net:
    if request.param == "proxies":
        return Proxies()
    if why := namespaces_missing():
        pytest.skip(why)
    return Namespaces()


async def enrol(running: Parted) -> None:
    """The centre licenses every gate, and everybody knows of it."""
    for name, site in GATES.items():
        body = NodeEnrolled(
            node=name,
            site=site,
            public_key=key(name).public.text,
            places=[Place.BARRIER_2],
            agencies=[Agency.BORDER_GUARD],
        )
        await centre_writes(running, site, "node_enrolled", subjects.node(name), dump(body))
    await in_step(running)


async def centre_writes(running: Parted, site: str, kind: str, subject: str, body: dict[str, object]) -> str:
    return await running.nodes[CENTRE].write(kind, subject, body, node=centre_node(site))


async def declare(running: Parted, site: str, no: str) -> str:
    body = declared_body(no=no, site=site)
    return await centre_writes(running, site, "declared", subjects.declaration(no), body)


async def notes(node: Node, count: int, no: str = NO) -> list[str]:
    """So many small facts of a gate."""
    subject = subjects.declaration(no)
    return [
        await node.write("recalled", subject, {"no": no, "reason": f"{node.name} {number}"})
        for number in range(count)
    ]


async def pass_through(node: Node) -> str:
    """The vehicle passes there."""
    body = Passed(
        passage=f"{journal_id(node.name)}/1",
        place=Place.BARRIER_2,
        heading=Heading.IN,
        lane="l1",
        plate=PLATE,
        declaration=NO,
        vehicle=VEHICLE,
    )
    return await node.write("passed", subjects.vehicle(NO, VEHICLE), dump(body))


async def in_step(running: Parted, sites: Sequence[str] = (A, B)) -> None:
    for site in sites:
        await soon(lambda site=site: running.agreed(site), f"agreement at {site}")  # type: ignore[misc]


async def on_own_broker(node: Node) -> bool:
    state = await node.state()
    return bool(state["connected"][node.name]) and not state["fallen_back"][node.name]


async def nothing_set_aside(running: Parted) -> None:
    for node in running.nodes.values():
        state = await node.state()
        assert (state["quarantined"], state["forked"]) == ([], []), node.name


@in_loop
async def test_a_site_goes_on_alone_lets_one_declaration_pass_twice_and_all_agree_afterwards(
    net: Net, tmp_path: Path
) -> None:
    async with parted(net, tmp_path, GATES) as running:
        a1, a2, b1, centre = (running.nodes[name] for name in (A1, A2, B1, CENTRE))
        await enrol(running)
        await declare(running, A, NO)
        await in_step(running)

        await net.cut(A, silent=True)
        unheard = await declare(running, A, "2026112300002")
        own = [*await notes(a1, 5), *await notes(a2, 5)]
        await notes(b1, 5)
        for gate in (a1, a2):
            await soon(lambda gate=gate: gate.holds(own), f"the other gate's facts at {gate.name}")  # type: ignore[misc]
            assert not await gate.holds([unheard])
        await in_step(running, [B])
        assert not await centre.holds(own)

        await running.brokers[A].kill()
        first, second = await pass_through(a1), await pass_through(a2)
        assert not await a2.holds([first])
        assert not await a1.holds([second])

        await net.heal(A)
        await in_step(running)
        for node in running.at(A):
            assert await node.holds([unheard, first, second, *own]), node.name
            ((no, passages),) = (await node.state())["used_twice"]
            assert (no, set(passages)) == (NO, {first, second}), node.name

        await running.start_broker(A)
        for gate in (a1, a2):
            await soon(lambda gate=gate: on_own_broker(gate), f"{gate.name} at its site's broker")  # type: ignore[misc]
        await notes(a1, 3)
        await declare(running, A, "2026112300003")
        await in_step(running)
        await nothing_set_aside(running)


@in_loop
async def test_nothing_is_lost_on_a_line_that_loses_a_third_and_a_broker_that_is_killed(
    net: Net, tmp_path: Path
) -> None:
    async with parted(net, tmp_path, GATES) as running:
        a1, a2, b1 = (running.nodes[name] for name in (A1, A2, B1))
        await enrol(running)
        await net.lose(A, 30)
        own = [*await notes(a1, 20), *await notes(a2, 20)]
        for number in range(10):
            await declare(running, A, f"20261123001{number:02}")
        await soon(lambda: a2.holds(own), "the facts of both gates within the site")
        await running.brokers[A].kill()
        await notes(a1, 10)
        await running.start_broker(A)
        await notes(b1, 10)
        await in_step(running, [B])
        await net.heal(A)
        await in_step(running)
        await nothing_set_aside(running)


@pytest.mark.long
@in_loop
async def test_cuts_of_every_kind_over_and_over_leave_everybody_in_agreement(
    net: Net, tmp_path: Path
) -> None:
    async with parted(net, tmp_path, GATES) as running:
        a1, a2, b1 = (running.nodes[name] for name in (A1, A2, B1))
        await enrol(running)
        for turn in range(20):
            site = (A, B)[turn % 2]
            if turn % 3 == 0:
                await net.lose(site, 30)
            else:
                await net.cut(site, silent=turn % 3 == 1)
            for node in (a1, a2, b1):
                await notes(node, 20)
            await declare(running, site, f"2026112400{turn:03}")
            if turn % 4 == 0:
                await running.brokers[site].kill()
            await asyncio.sleep(turn)
            await net.heal(site)
            if turn % 4 == 0:
                await running.start_broker(site)
            await in_step(running)
        await nothing_set_aside(running)


@pytest.mark.long
@in_loop
async def test_a_gate_knows_soon_that_the_centre_is_gone_and_that_it_is_back(
    net: Net, tmp_path: Path
) -> None:
    async with parted(net, tmp_path, GATES) as running:
        await enrol(running)
        a1 = running.nodes[A1]

        async def hears() -> bool:
            return bool((await a1.state())["hears_centre"][A1])

        async def hears_not() -> bool:
            return not await hears()

        await soon(hears, "the centre's heartbeat")
        for silent in (True, False):
            await net.cut(A, silent=silent)
            await soon(hears_not, "the silence of the centre")
            await net.heal(A)
            await soon(hears, "the centre's heartbeat")
