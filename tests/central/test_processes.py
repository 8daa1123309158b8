"""Several processes of the centre: one PostgreSQL, one Mosquitto, each gate's facts once, whoever is killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from central.postgres import PostgresEngine
from shared import protocol
from shared.facts import Fact
from shared.journal import Head, follow, journal_id
from shared.node.link import Link, LinkSettings
from shared.node.store import Store
from tests.builders import SITE, key, note
from tests.central.workers import worker
from tests.loop import in_loop, until
from tests.postgres import PostgresServer, needs_postgres
from tests.shared.broker import broker, free_port, needs_mosquitto
from tests.shared.members import CENTRE, CENTRE_JOURNAL, Member, enrolment, identity, member

pytestmark = [needs_postgres, needs_mosquitto]

ADMIN, DECLARANT = "administrator-token", "declarant-token-1"
GATES = ("gate-1", "gate-2")
REPOSITORY = Path(__file__).parents[2]
WAIT_S = 20.0


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of a Mosquitto."""
    free = free_port()
    listener = f"listener {free} 127.0.0.1\nallow_anonymous true\npersistence false\n"
    with broker(tmp_path, listener, free):
        yield free


@pytest.fixture
def dsn(postgres_server: PostgresServer) -> str:
    return postgres_server.schema()


def held(dsn: str, journal: str) -> list[Fact]:
    """Every fact of a journal, by number, as a process started anew would find them."""
    store = Store(PostgresEngine(dsn))
    facts = [fact for _, fact in store.since(0, most=100_000) if fact.journal == journal]
    store.close()
    return sorted(facts, key=lambda fact: fact.seq)


def unbroken(facts: list[Fact]) -> int:
    """The number of the last fact of a chain that has every fact once; raises BrokenChain."""
    return follow(Head.empty(facts[0].journal), facts).seq


async def write_on(gate: Member, facts: int) -> None:
    """Facts of a gate, a few at a time, as fast as the broker takes them."""
    journal = journal_id(gate.node)
    for number in range(0, facts, 10):
        gate.store.append(journal, key(journal), [note(str(number + one)) for one in range(10)])
        await asyncio.sleep(0)


# -- the work, shared through the broker


class CountingLink(Link):
    """A link that counts what is asked over it."""

    asks = 0

    async def publish(self, topic: str, payload: bytes, **more: Any) -> bool:
        """As any link does."""
        self.asks += topic.startswith(f"{protocol.ROOT}/ask/")
        return await super().publish(topic, payload, **more)


@in_loop
async def test_two_processes_share_the_facts_of_the_gates_and_each_is_stored_once(
    tmp_path: Path, port: int, dsn: str
) -> None:
    each = 1000
    async with AsyncExitStack() as running:
        workers = []
        for number in range(2):
            link = CountingLink(LinkSettings("127.0.0.1", port), f"{CENTRE}-{number}")
            workers.append(running.enter_context(worker(dsn, link, leads=number == 0)))
            running.push_async_callback(link.stop)
            link.start()
            workers[-1].sync.start()
            running.push_async_callback(workers[-1].sync.stop)
        workers[0].store.append(CENTRE_JOURNAL, identity(CENTRE).key, [enrolment(name) for name in GATES])
        gates = [await running.enter_async_context(member(name, tmp_path, port)) for name in GATES]
        await until(lambda: all(gate.holds(CENTRE, 2) for gate in gates), "the enrolments")

        await asyncio.gather(*(write_on(gate, each) for gate in gates))
        await until(lambda: all(gate.sync.unsent() == 0 for gate in gates), "the receipts", WAIT_S)

        took = [set(one.took) - {f"{CENTRE_JOURNAL}/1", f"{CENTRE_JOURNAL}/2"} for one in workers]

    assert [unbroken(held(dsn, journal_id(name))) for name in GATES] == [each, each]
    assert took[0] & took[1] == set()
    assert len(took[0]) + len(took[1]) == len(GATES) * each
    assert min(map(len, took)) > 0
    assert sum(one.link.asks for one in workers) < 20, "what is on its way is not asked for again and again"


# -- processes


@dataclass
class Process:
    """A process of the centre."""

    url: str
    log: Path
    running: "subprocess.Popen[bytes]"

    def leads(self) -> bool:
        """Whether it said that it speaks for the centre."""
        return any(event["event"] == "lead_taken" for event in self.events())

    def ready(self) -> bool:
        """Whether it can do all of its work."""
        return httpx.get(f"{self.url}/health/ready").is_success

    def events(self) -> list[dict[str, Any]]:
        """What it has logged so far."""
        lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def get(self, path: str) -> Any:
        """An answer of its API."""
        return httpx.get(self.url + path).raise_for_status().json()

    def declare(self, asked: Any, idempotency_key: str) -> tuple[int, str]:
        """Declares; gives the status code and the number."""
        headers = {"Authorization": f"Bearer {DECLARANT}", "Idempotency-Key": idempotency_key}
        answer = httpx.post(f"{self.url}/api/declarations", json=asked, headers=headers, timeout=WAIT_S)
        return answer.status_code, answer.json()["no"]


def wait_for(true: Callable[[], Any], what: str) -> Any:
    """The first result that is not false."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        try:
            if result := true():
                return result
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {WAIT_S} s")


@contextmanager
def process(folder: Path, name: str, dsn: str, broker_port: int) -> Iterator[Process]:
    """A process of the centre; it is killed at the end if it still runs."""
    port = free_port()
    (folder / "centre.key").write_text(key(CENTRE_JOURNAL).text(), encoding="utf-8")
    (folder / "admin.token").write_text(ADMIN, encoding="utf-8")
    (folder / "declarants.tokens").write_text(f"logistics {DECLARANT}\n", encoding="utf-8")
    config = folder / f"{name}.toml"
    config.write_text(
        f'sites = ["{SITE}"]\ndatabase = "{dsn}"\nkey_file = "centre.key"\nadmin_token_file = "admin.token"\n'
        f'declarant_tokens_file = "declarants.tokens"\n[listen]\nport = {port}\n'
        f'[broker]\nhost = "127.0.0.1"\nport = {broker_port}\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-c", "from central.cli import app; app()", "run", str(config)]
    log = folder / f"{name}.log"
    with log.open("w") as out:
        running = subprocess.Popen(command, cwd=REPOSITORY, stdout=out)
    try:
        yield Process(f"http://127.0.0.1:{port}", log, running)
    finally:
        running.kill()
        running.wait()


@pytest.fixture
def pair(tmp_path: Path, dsn: str, port: int) -> Iterator[tuple[Process, Process]]:
    """Two processes at work: the one that leads and the other; both gates are enrolled."""
    with ExitStack() as running:
        both = [running.enter_context(process(tmp_path, name, dsn, port)) for name in ("one", "two")]
        for one in both:
            wait_for(one.ready, "a process that is ready")
        leader = wait_for(lambda: next((one for one in both if one.leads()), None), "a process that leads")
        for name in GATES:
            node = {
                "node": name, "site": SITE, "public_key": key(journal_id(name)).public.text,
                "places": ["barrier-2"],
            }  # fmt: skip
            admin = {"Authorization": f"Bearer {ADMIN}"}
            httpx.post(f"{leader.url}/api/nodes", json=node, headers=admin).raise_for_status()
        yield leader, next(one for one in both if one is not leader)


@in_loop
async def test_when_the_process_that_leads_is_killed_the_other_speaks_on_and_nothing_is_lost(
    tmp_path: Path, dsn: str, port: int, pair: tuple[Process, Process]
) -> None:
    leader, other = pair
    each = 1000
    async with AsyncExitStack() as running:
        gates = [await running.enter_async_context(member(name, tmp_path, port)) for name in GATES]
        statuses = await running.enter_async_context(looker_on(port))
        await until(lambda: all(gate.holds(CENTRE, 2) for gate in gates), "the enrolments")
        await until(lambda: all(CENTRE in gate.sync.peers.heard for gate in gates), "a vector")
        before = gates[0].sync.peers.heard[CENTRE].vector.incarnation
        writing = asyncio.gather(*(write_on(gate, each) for gate in gates))
        await asyncio.sleep(0.2)
        os.kill(leader.running.pid, signal.SIGKILL)
        await writing

        await until(lambda: all(gate.sync.unsent() == 0 for gate in gates), "the receipts", WAIT_S)
        after = gates[0].sync.peers.heard[CENTRE].vector.incarnation
        await until(lambda: len(statuses) == 2, "the status of who leads now", WAIT_S)

    assert other.leads()
    assert after > before
    assert all(status.online for status in statuses)
    assert [unbroken(held(dsn, journal_id(name))) for name in GATES] == [each, each]


@asynccontextmanager
async def looker_on(port: int) -> AsyncIterator[list[protocol.Status]]:
    """What is said of the centre's status: what lies at the broker first, then what is new."""
    heard: list[protocol.Status] = []
    link = Link(LinkSettings("127.0.0.1", port), "looker-on")
    link.subscribe(
        protocol.status_topic(SITE, CENTRE),
        lambda got: heard.append(protocol.decode(got.payload, protocol.Status)),
    )
    link.start()
    try:
        yield heard
    finally:
        await link.stop()


def test_declarations_sent_to_both_at_once_get_numbers_of_their_own_in_one_unbroken_journal(
    dsn: str, pair: tuple[Process, Process], declaration: Any
) -> None:
    with ThreadPoolExecutor(8) as senders:
        sent = [
            senders.submit(pair[at % 2].declare, declaration, f"key-{at // 2 if at < 20 else at}")
            for at in range(40)
        ]
        answers = [one.result() for one in sent]

    twice, once = answers[:20], answers[20:]
    numbers = {no for _, no in answers}
    assert [twice[at][1] for at in range(0, 20, 2)] == [twice[at][1] for at in range(1, 20, 2)]
    assert sorted(code for code, _ in twice) == [200] * 10 + [201] * 10
    assert {code for code, _ in once} == {201}
    assert sorted(int(no[8:]) for no in numbers) == list(range(1, 31))
    journal = held(dsn, CENTRE_JOURNAL)
    assert unbroken(journal) == len(GATES) + 30
    assert sorted(fact.body["no"] for fact in journal if fact.kind == "declared") == sorted(numbers)
    assert [one.get("/api/facts")["next"] for one in pair] == [len(GATES) + 30] * 2


def test_when_a_process_ends_in_good_order_the_other_takes_over_and_the_centre_stays_online(
    pair: tuple[Process, Process], port: int
) -> None:
    leader, other = pair
    leader.running.send_signal(signal.SIGTERM)

    assert leader.running.wait(WAIT_S) == 0
    wait_for(other.leads, "the other's lead")
    assert asyncio.run(comes_online(port))


async def comes_online(port: int) -> bool:
    """Whether the centre's last word is, or soon will be, that it is online."""
    async with looker_on(port) as heard:
        await until(lambda: bool(heard) and heard[-1].online, "the word that the centre is online", WAIT_S)
        return heard[-1].online
