"""A site's nodes on a real broker: what is new arrives, what was missed is caught up, what is acknowledged is held."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from shared import protocol
from shared.node import asking, sync
from tests.builders import note
from tests.loop import in_loop, until
from tests.shared.broker import broker, free_port, needs_mosquitto
from tests.shared.members import CENTRE, CENTRE_JOURNAL, Member, enrolment, member

pytestmark = needs_mosquitto

ANYBODY = "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats and vectors come sooner, so that these tests wait less."""
    monkeypatch.setattr(sync, "HEARTBEAT_EVERY_S", 1.0)
    monkeypatch.setattr(sync, "VECTOR_EVERY_S", 0.3)
    monkeypatch.setattr(asking, "ASK_AGAIN_S", 0.5)


async def site_of(running: AsyncExitStack, folder: Path, port: int, *nodes: str) -> list[Member]:
    """A centre that has enrolled gate-1 and gate-2, and those of the nodes that are asked for."""
    members = [await running.enter_async_context(member(node, folder, port)) for node in nodes]
    for one in members:
        if one.node == CENTRE and one.store.head(CENTRE_JOURNAL).seq == 0:
            one.tell(enrolment("gate-1"))
            one.tell(enrolment("gate-2"))
    return members


@pytest.mark.usefixtures("quick")
@in_loop
async def test_new_facts_reach_every_node_of_the_site_and_the_receipt_comes_back(
    tmp_path: Path, port: int
) -> None:
    with broker(tmp_path, ANYBODY.format(port=port), port):
        async with AsyncExitStack() as running:
            centre, gate_1, gate_2 = await site_of(running, tmp_path, port, CENTRE, "gate-1", "gate-2")
            await until(lambda: gate_1.holds(CENTRE, 2) and gate_2.holds(CENTRE, 2), "the enrolments")
            gate_1.write(3)
            await until(lambda: centre.holds("gate-1", 3) and gate_2.holds("gate-1", 3), "gate-1's facts")
            await until(lambda: gate_1.sync.unsent() == 0, "the receipt")
            await until(lambda: gate_1.sync.hears_centre(), "the centre's heartbeat")
            assert centre.quarantined() == gate_1.quarantined() == gate_2.quarantined() == []


@pytest.mark.usefixtures("quick")
@in_loop
async def test_what_the_broker_took_is_unsent_until_the_centre_says_that_it_holds_it(
    tmp_path: Path, port: int
) -> None:
    with broker(tmp_path, ANYBODY.format(port=port), port):
        async with AsyncExitStack() as running:
            (gate_1,) = await site_of(running, tmp_path, port, "gate-1")
            await until(lambda: gate_1.link.connected, "the broker")
            gate_1.write(2)
            assert await gate_1.link.publish("barie/1/facts/CKHN/gate-1", b"{}")
            assert gate_1.sync.unsent() == 2
            (centre,) = await site_of(running, tmp_path, port, CENTRE)
            await until(lambda: gate_1.sync.unsent() == 0, "the receipt")
            assert centre.holds("gate-1", 2)


@pytest.mark.usefixtures("quick")
@in_loop
async def test_a_node_that_was_away_catches_up_page_by_page_even_when_the_author_is_gone(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "PAGE_FACTS", 10)
    with broker(tmp_path, ANYBODY.format(port=port), port):
        async with AsyncExitStack() as running:
            (centre,) = await site_of(running, tmp_path, port, CENTRE)
            async with member("gate-1", tmp_path, port) as gate_1:
                await until(lambda: gate_1.holds(CENTRE, 2), "the enrolments")
                gate_1.write(95)
                await until(lambda: centre.holds("gate-1", 95), "gate-1's facts at the centre")
            (gate_2,) = await site_of(running, tmp_path, port, "gate-2")
            await until(lambda: gate_2.holds("gate-1", 95), "gate-1's facts at gate-2")
            assert gate_2.sync.ages_s()["gate-1.1"] is None
            await until(lambda: gate_2.sync.ages_s()[CENTRE_JOURNAL] is not None, "the centre's heartbeat")


@pytest.mark.usefixtures("quick")
@in_loop
async def test_facts_of_a_node_that_was_enrolled_late_arrive_after_its_enrolment(
    tmp_path: Path, port: int
) -> None:
    with broker(tmp_path, ANYBODY.format(port=port), port):
        async with AsyncExitStack() as running:
            centre, gate_2, late = await site_of(running, tmp_path, port, CENTRE, "gate-2", "gate-3")
            await until(lambda: gate_2.holds(CENTRE, 2) and late.holds(CENTRE, 2), "the enrolments")
            late.write(2)
            await asyncio.sleep(0.5)
            assert (centre.holds("gate-3", 0), gate_2.holds("gate-3", 0)) == (True, True)
            centre.tell(enrolment("gate-3"))
            await until(lambda: centre.holds("gate-3", 2) and gate_2.holds("gate-3", 2), "gate-3's facts")
            assert gate_2.quarantined() == []


@pytest.mark.usefixtures("quick")
@in_loop
async def test_nodes_work_without_a_broker_and_meet_when_it_comes_and_when_it_comes_back(
    tmp_path: Path, port: int
) -> None:
    configuration = ANYBODY.format(port=port)
    async with AsyncExitStack() as running:
        centre, gate_1 = await site_of(running, tmp_path, port, CENTRE, "gate-1")
        gate_1.write(2)
        await until(lambda: gate_1.link.error is not None, "the loss")
        assert (gate_1.link.connected, gate_1.sync.unsent()) == (False, 2)
        with broker(tmp_path, configuration, port):
            await until(lambda: centre.holds("gate-1", 2), "the first facts")
        await until(lambda: not gate_1.link.connected and not centre.link.connected, "the loss")
        gate_1.write(2)
        centre.tell(note("while the line was cut"))
        assert not await gate_1.link.publish("barie/1/facts/CKHN/gate-1", b"")
        with broker(tmp_path, configuration, port):
            await until(lambda: centre.holds("gate-1", 4) and gate_1.holds(CENTRE, 3), "the other facts")
            await until(lambda: gate_1.sync.unsent() == 0, "the receipt")


@in_loop
async def test_a_burst_of_facts_arrives_whole(tmp_path: Path, port: int) -> None:
    with broker(tmp_path, ANYBODY.format(port=port), port):
        async with AsyncExitStack() as running:
            centre, gate_1 = await site_of(running, tmp_path, port, CENTRE, "gate-1")
            await until(lambda: gate_1.holds(CENTRE, 2), "the enrolments")
            gate_1.write(200)
            await until(lambda: centre.holds("gate-1", 200), "gate-1's facts")
