"""Processes of the centre that share a store: what one does the others see, one speaks, and nothing is taken twice."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from central.journals import CentreJournals
from shared import protocol
from shared.bodies import Cause
from shared.node.errors import StoreUnusable
from tests.builders import MORNING, SITE, Journal, note
from tests.central.workers import Worker, worker
from tests.loop import in_loop
from tests.postgres import PostgresServer, needs_postgres
from tests.shared.members import CENTRE, CENTRE_JOURNAL, HandedLink, enrolment, identity

pytestmark = needs_postgres
GATE = "gate-1.1"
Workers = tuple[Worker[HandedLink], Worker[HandedLink]]


@pytest.fixture
def workers(postgres_server: PostgresServer) -> Iterator[Workers]:
    """Two processes on one store; the first leads and has enrolled gate-1."""
    dsn = postgres_server.schema()
    with worker(dsn, HandedLink(), leads=True) as first, worker(dsn, HandedLink(), leads=False) as second:
        first.store.append(CENTRE_JOURNAL, identity(CENTRE).key, [enrolment("gate-1")])
        yield first, second


@pytest.fixture
def gate() -> Journal:
    journal = Journal(GATE)
    for number in range(6):
        journal.write(note(str(number)))
    return journal


def vectors(of: Worker[HandedLink]) -> list[protocol.Vector]:
    topic = protocol.vector_topic(SITE, CENTRE)
    return [protocol.decode(payload, protocol.Vector) for t, payload in of.link.sent if t == topic]


@in_loop
async def test_an_enrolment_that_one_process_writes_is_known_to_the_other_at_its_next_tick(
    workers: Workers, gate: Journal
) -> None:
    _, second = workers
    await second.sync.tick()

    second.link.push(gate, 1, 6)

    assert second.store.head(GATE) == gate.head


def test_who_may_speak_is_folded_anew_when_another_process_has_written(workers: Workers) -> None:
    first, second = workers
    journals = CentreJournals(second.store, identity(CENTRE).key, [SITE])
    assert set(journals.authority(SITE).nodes) == {"gate-1"}

    first.store.append(CENTRE_JOURNAL, identity(CENTRE).key, [enrolment("gate-2")])

    assert set(journals.authority(SITE).nodes) == {"gate-1", "gate-2"}


@in_loop
async def test_batches_that_go_to_two_processes_by_turns_are_each_taken_once(
    workers: Workers, gate: Journal
) -> None:
    first, second = workers
    await second.sync.tick()
    first.took.clear()
    second.link.push(gate, 2, 2)
    second.link.push(gate, 4, 6)
    first.link.push(gate, 3, 3)
    first.link.push(gate, 1, 1)
    for _ in range(2):
        await second.sync.tick()
        await first.sync.tick()

    assert first.store.head(GATE) == gate.head
    assert sorted(first.took + second.took) == [fact.ref for fact in gate.facts]
    assert second.took == [f"{GATE}/{seq}" for seq in (2, 4, 5, 6)]


@in_loop
async def test_one_batch_given_to_both_is_stored_once(workers: Workers, gate: Journal) -> None:
    first, second = workers
    await second.sync.tick()
    first.took.clear()
    for one in workers:
        one.link.push(gate, 1, 6)

    assert (len(first.took), second.took) == (6, [])
    assert first.store.rows("SELECT count(*) FROM facts WHERE journal = ?", (GATE,)) == [(6,)]


@in_loop
async def test_only_the_process_that_leads_speaks_and_asks(workers: Workers, gate: Journal) -> None:
    first, second = workers
    await second.sync.tick()
    for one in workers:
        one.link.hear(gate, of="gate-1")
        one.sync._asking._behind_since[GATE] = ((), float("-inf"))
    for one in workers:
        await one.sync.tick()

    assert len(vectors(first)) == 1
    assert second.link.sent == []


@in_loop
async def test_an_answer_goes_to_the_process_that_leads(workers: Workers, gate: Journal) -> None:
    first, second = workers
    await second.sync.tick()
    topic = protocol.fill_topic(SITE, CENTRE, "gate-1")
    for one in (second, first):
        one.link.hand_in(topic, one.link.batch(gate, 1, 6))

    assert (len(first.took), second.took) == (1 + 6, [])


@in_loop
async def test_who_takes_the_lead_speaks_as_a_newer_start_of_what_all_have_stored(
    workers: Workers, gate: Journal
) -> None:
    first, second = workers
    first.link.push(gate, 1, 6)
    await first.sync.tick()
    first.leads, second.leads = False, True
    await second.sync.tick()

    before, after = vectors(first)[-1], vectors(second)[-1]
    assert after.incarnation > before.incarnation
    assert after.heads == before.heads
    assert after.heads[GATE].seq == 6


@in_loop
async def test_who_was_taken_over_from_and_does_not_know_it_yet_is_silent(workers: Workers) -> None:
    first, second = workers
    await first.sync.tick()
    second.leads = True
    await second.sync.tick()
    first.store.append(CENTRE_JOURNAL, identity(CENTRE).key, [note()])
    first.sync._vector_sent_at = float("-inf")
    await first.sync.tick()
    assert len(vectors(first)) == 1

    first.leads = False
    await first.sync.tick()
    first.leads, second.leads = True, False
    await first.sync.tick()

    assert vectors(first)[-1].incarnation > vectors(second)[-1].incarnation


@in_loop
async def test_a_process_pushes_what_it_wrote_itself(workers: Workers) -> None:
    first, second = workers
    for one in (first, second):
        one.store.append(CENTRE_JOURNAL, identity(CENTRE).key, [note("of mine")])
    await second.sync.push()
    await asyncio.sleep(0)

    topic = protocol.facts_topic(SITE, CENTRE)
    sent = [protocol.decode(payload, protocol.Batch) for t, payload in second.link.sent if t == topic]
    assert [batch.head.seq for batch in sent] == [3]


def test_stamps_in_a_journal_rise_though_one_process_has_a_slow_clock(
    postgres_server: PostgresServer,
) -> None:
    dsn = postgres_server.schema()
    with (
        worker(dsn, HandedLink(), leads=True, wall=lambda: MORNING) as one,
        worker(dsn, HandedLink(), leads=False, wall=lambda: MORNING - timedelta(minutes=1)) as other,
    ):
        for writer in (one, other, one, other):
            writer.store.append(CENTRE_JOURNAL, identity(CENTRE).key, [note()])
        stamps = [fact.at for _, fact in other.store.since(0)]

    assert stamps == sorted(set(stamps))


@in_loop
async def test_when_a_process_begins_a_journal_the_others_go_on_in_it(workers: Workers) -> None:
    first, second = workers
    first.sync.own.begin(Cause.FORKED)
    second.sync.own.begin(Cause.FORKED)
    begun = first.sync.journal

    assert second.sync.journal == begun != CENTRE_JOURNAL
    assert first.store.head(begun).seq == 1


def test_what_fails_within_a_block_leaves_nothing_and_is_told_to_nobody(workers: Workers) -> None:
    first, _ = workers
    first.took.clear()

    def attempt() -> None:
        with first.store.together("test"):
            for number in range(2):
                first.store.append(CENTRE_JOURNAL, identity(CENTRE).key, [note(str(number))])
            first.store.rows("SELECT no FROM absent")

    with pytest.raises(StoreUnusable):
        attempt()

    assert (first.took, first.store.head(CENTRE_JOURNAL).seq) == ([], 1)
