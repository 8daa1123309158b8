"""A site for the model test: real stores and sync nodes on a network that loses, repeats, reorders and cuts, all in one thread.

Nothing runs by itself: the test hands messages over, lets ticks fall due and moves the time.
"""

import asyncio
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

from edge.underway import Underway
from shared.authority import Authority
from shared.bodies import AUTHORITY_KINDS, Cause
from shared.codes import Heading, Place
from shared.decide import Decision, decide
from shared.declared import Declaration
from shared.facts import Draft, Fact
from shared.journal import centre_node, journal_id
from shared.known import Known
from shared.node.checkpoints import Checkpoints, live_facts
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.identity import Identity
from shared.node.link import Link, LinkSettings, Received
from shared.node.own import Marker, Start
from shared.node.projections import tables
from shared.node.store import Store
from shared.node.sync import SyncNode
from shared.settings import Settings
from tests.builders import MORNING, SITE, key, procedure

CENTRE = centre_node(SITE)
DEAD_BATTERY = datetime(2000, 1, 1, tzinfo=UTC)
RECOVER_S = 3.0
PROJECTIONS = (Declarations, Underway)

Fingerprint = tuple[str, int, str]
"""Journal, number and hash of a fact."""


@dataclass(frozen=True)
class Flight:
    """A message on its way to one process."""

    to: str
    message: Received


@dataclass
class Network:
    """Brokers and cables: every message to every subscriber, one by one, when and if the test says so."""

    now_s: float = 1000.0
    up: dict[str, "Process"] = field(default_factory=dict)
    cuts: set[frozenset[str]] = field(default_factory=set)
    flights: list[Flight] = field(default_factory=list)
    retained: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def __call__(self) -> float:
        return self.now_s

    def publish(self, sender: str, message: Received, *, retain: bool) -> None:
        """A message leaves for whoever can be reached, its sender too."""
        if retain:
            self.retained[message.topic] = (sender, message.payload)
        for name, process in self.up.items():
            if frozenset((sender, name)) not in self.cuts and process.link.takes(message.topic):
                self.flights.append(Flight(name, message))

    def subscribe(self, name: str) -> None:
        """What lies retained comes to one who has just connected."""
        for topic, (sender, payload) in self.retained.items():
            if frozenset((sender, name)) not in self.cuts and self.up[name].link.takes(topic):
                self.flights.append(Flight(name, Received(topic, payload, {}, retained=True)))

    def hand_over(self, flight: Flight) -> None:
        """A message arrives, if its receiver is still there."""
        process = self.up.get(flight.to)
        if process is not None and process.link.connected:
            process.link.hand_in(flight.message)

    async def pump(self, seconds: float, step_s: float = 0.5) -> None:
        """Some time passes in which everything arrives."""
        for _ in range(max(1, round(seconds / step_s))):
            self.now_s += step_s
            for process in tuple(self.up.values()):
                await process.work()
            for _ in range(200):
                flights, self.flights = self.flights, []
                if not flights:
                    break
                for flight in flights:
                    self.hand_over(flight)
                await asyncio.sleep(0)


class NetworkLink(Link):
    """One process's end of the network."""

    def __init__(self, name: str, network: Network) -> None:
        super().__init__(LinkSettings("127.0.0.1", 1), name)
        self._name = name
        self._network = network

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, user: Mapping[str, str] | None = None
    ) -> bool:
        """The broker has it; whether anybody gets it is another matter."""
        if self.connected:
            self._network.publish(self._name, Received(topic, payload, dict(user or {})), retain=retain)
        return self.connected

    def takes(self, topic: str) -> bool:
        """Whether a subscription fits a topic."""
        return any(_fits(wanted, topic) for wanted in self._filters)

    def hand_in(self, message: Received) -> None:
        """A message arrives."""
        self._dispatch(message)

    def come_up(self) -> None:
        """The connection is there."""
        self._up()
        self._network.subscribe(self._name)

    def go_down(self) -> None:
        """The connection is lost."""
        self._down()


def _fits(wanted: str, topic: str) -> bool:
    ours, theirs = wanted.split("/"), topic.split("/")
    return len(ours) == len(theirs) and all(a in ("+", b) for a, b in zip(ours, theirs, strict=True))


class Process:
    """One PC: a folder with a store, and what runs on it. A clone has the same node, another name and folder."""

    def __init__(self, name: str, node: str, folder: Path, network: Network) -> None:
        self.name = name
        self.node = node
        self.folder = folder
        self.network = network
        self.offset = timedelta(0)
        self.battery_dead_at_s: float | None = None
        self.store: Store
        self.link: NetworkLink
        self.sync: SyncNode

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.folder / "facts.db"

    def wall(self) -> datetime:
        """The PC's clock."""
        if self.battery_dead_at_s is not None:
            return DEAD_BATTERY + timedelta(seconds=self.network.now_s - self.battery_dead_at_s)
        return MORNING + timedelta(seconds=self.network.now_s) + self.offset

    async def start(self, *, asks_first: bool = True) -> None:
        """Opens the store, connects and, where the store is not the one written last, asks for its own journal first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = Store(self.database, [one() for one in PROJECTIONS], self.wall, self.network)
        marker = Marker(self.database)
        found = marker.compare(self.store)
        self.link = NetworkLink(self.name, self.network)
        root = key(journal_id(CENTRE)).public
        self.sync = SyncNode(
            self.store,
            self.link,
            Identity(self.node, SITE, key(journal_id(self.node)), root),
            self.network,
            checkpoints=Checkpoints(self.folder / "checkpoint"),
        )
        marker.write(self.sync.incarnation)
        self.network.up[self.name] = self
        self.link.come_up()
        if asks_first and found is not Start.SAME:
            await self._ask_first(found)

    async def _ask_first(self, found: Start) -> None:
        asking = asyncio.ensure_future(self.sync.recover(RECOVER_S))
        while not asking.done():
            await self.network.pump(0.5)
        if not asking.result() and found is Start.DOUBTFUL:
            self.sync.own.begin(Cause.RESTORED)

    def stop(self) -> None:
        """Ends: power off."""
        del self.network.up[self.name]
        self.link.go_down()
        self.store.close()

    async def work(self) -> None:
        """What the process does by itself: pushes what is new, and whatever is due."""
        await self.sync.push()
        await self.sync.tick()
        await asyncio.sleep(0)

    def write(self, *drafts: Draft) -> list[Fact]:
        """Facts of its own, on disk."""
        sealed = self.store.append(self.sync.journal, key(journal_id(self.node)), drafts)
        return [one.fact for one in sealed]

    # -- what it holds

    def facts(self) -> set[Fingerprint]:
        """Every fact it holds."""
        return set(self.store.rows("SELECT journal, seq, hash FROM facts"))

    def private(self) -> set[Any]:
        """Every personal value it holds, with the hash of its fact."""
        return set(
            self.store.rows(
                """SELECT f.hash, p.pointer, p.value FROM private_values p
                   JOIN facts f ON f.journal = p.journal AND f.seq = p.seq AND f.branch = p.branch"""
            )
        )

    def heads(self) -> dict[str, set[tuple[int, str]]]:
        """The heads of all branches of every journal."""
        held: dict[str, set[tuple[int, str]]] = {}
        for journal in self.store.heads():
            held[journal] = {(one.head.seq, one.head.hash) for one in self.store.branches(journal)}
        return held

    def projected(self) -> dict[str, list[Any]]:
        """Every row of every projection."""
        names = [name for one in PROJECTIONS for name in tables(one())]
        return {name: sorted(self.store.rows(f"SELECT * FROM {name}"), key=repr) for name in names}

    def decisions(self) -> dict[tuple[str, str, Place, Heading], Decision]:
        """What it decides for every vehicle of every declaration at every place, however fresh its knowledge."""
        known = Known(Authority.of(SITE, self.store.of_kinds(AUTHORITY_KINDS)))
        decided = {}
        for declared in DeclarationBook(self.store).newest():
            body: Declaration = declared.body
            facts = self.store.about(f"declaration/{body.no}")
            for vehicle in body.vehicles:
                for place in Place:
                    for heading in Heading:
                        decided[body.no, vehicle.vehicle, place, heading] = decide(
                            procedure(body.procedure), body, vehicle.vehicle, facts, known, Settings(),
                            place, heading, MORNING + timedelta(hours=9),
                        )  # fmt: skip
        return decided

    def checkpoint(self) -> None:
        """The centre makes a checkpoint and tells of it."""
        assert self.sync.checkpoints is not None
        manifest = self.sync.checkpoints.make(
            live_facts(self.store.engine, SITE, MORNING),
            self.store.heads(),
            SITE,
            str(self.store.clock.now()),
            key(journal_id(CENTRE)),
        )
        self.sync.publish_checkpoint(manifest)

    # -- its disk

    def copy_disk(self, folder: Path, *, marker: bool) -> None:
        """A copy of the store; of the running database too, since it is closed first by whoever asks."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.database, folder / self.database.name)
        if marker:
            shutil.copy(Marker(self.database).file, folder / Marker(self.database).file.name)

    def put_disk(self, backup: Path) -> None:
        """A backup of the store takes the place of what is there."""
        for file in self.folder.glob(f"{self.database.name}-*"):
            file.unlink()
        shutil.copy(backup / self.database.name, self.database)

    def new_disk(self) -> None:
        """Everything is gone."""
        shutil.rmtree(self.folder)


def pairs(names: Iterable[str]) -> list[frozenset[str]]:
    """Every pair of some processes."""
    return [frozenset(pair) for pair in combinations(sorted(names), 2)]
