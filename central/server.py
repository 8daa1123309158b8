"""Runs the centre: store, API and page, one sync for each site, word to systemd.

Several processes may run on one PostgreSQL. They share the work: the broker hands each gate's facts and questions to one of
them (MQTT shared subscriptions), any of them takes declarations and writes into a site's journal. One leads: it alone
publishes vectors and the centre's status, asks, and makes checkpoints; whoever has their parts hands them out, so their
folder is best on a disk that all share. What a process shows it has to have heard itself, so vectors, statuses
and pictures go to all: each keeps the pictures in its own folder, or all in one folder on a disk that they share.
"""

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

import structlog

from central.app import create_app
from central.centre import PROJECTIONS, Centre, open_store
from central.configuration import CentreConfiguration
from central.databases import open_engine, open_lead
from central.errors import BadPicture
from central.leading import Leading
from central.rotating import first_root
from shared import protocol
from shared.facts import FactError
from shared.journal import centre_node
from shared.node.agency_file import names_at_hand
from shared.node.chores import chores
from shared.node.errors import StoreError
from shared.node.identity import Identity
from shared.node.link import Link, Received
from shared.node.opening import Opened, mend, open_mended, settle
from shared.node.salvage import Own
from shared.node.scrub import watch_store
from shared.node.service import notify, serving, set_up_logs, stop_requested, until_stopped, watchdog
from shared.node.sync import SyncNode
from shared.trust import Trust

log = structlog.get_logger()

GROUP = "centre"
"""The name under which the processes of the centre share subscriptions."""
_GOODBYE_S = 1.0
MENDS_WITHIN_S = 3600
"""A store of a province's years is made anew in that time."""


class SiteLink:
    """One site's connection: sync of its journals, its nodes' statuses and pictures.

    The only process of a centre has a last will. Of several none has: when one goes another speaks on, and when all are
    gone their vectors cease.
    """

    def __init__(
        self, centre: Centre, configuration: CentreConfiguration, site: str, leading: Leading
    ) -> None:
        key = centre.journals.key
        node = centre_node(site)
        group = GROUP if centre.store.engine.shared else None
        self.link = Link(
            configuration.link(),
            f"{node}-{secrets.token_hex(4)}" if group else node,
            None if group else (protocol.status_topic(site, node), _status(site, online=False)),
        )
        self._centre = centre
        self._site = site
        self._leading = leading
        self._checkpoints = centre.checkpoints[site]
        self.sync = SyncNode(
            centre.store,
            self.link,
            Identity(node, site, key, first_root(centre.store, key, site)),
            checkpoints=self._checkpoints.kept,
            group=group,
            leads=leading,
        )
        self._checkpoints.made = self.sync.publish_checkpoint
        centre.gates.watch(self.sync.peers.heard)
        centre.gates.watch_own(node, self.sync.set_aside)
        self._greeting: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.link.on_up(self._greet)
        leading.on_lead(self._greet)
        self.link.subscribe(protocol.status_topic(site, "+"), self._on_status)
        self.link.subscribe(protocol.pictures_topic(site, "+"), self._on_picture)

    def start(self) -> list[asyncio.Task[None]]:
        """Begins to connect; the broker need not be there yet. Gives the tasks that are to run until `stop`."""
        self.link.start()
        return self.sync.start()

    def work(self) -> list[asyncio.Task[None]]:
        """Begins to write: what the centre does besides its work, once its own past is settled. Gives the tasks."""
        store, node, site = self._centre.store, centre_node(self._site), self._site
        self._tasks = [
            asyncio.create_task(self._checkpoints.run(self._leading), name=f"checkpoints {site}"),
            asyncio.create_task(chores(store, self.sync, node, site, self._leading), name=f"chores {site}"),
        ]
        return self._tasks

    async def stop(self) -> None:
        """Says that the centre leaves, then ends sync and connection. Where another process takes over, it says the contrary."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sync.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._publish_status(online=False), _GOODBYE_S)
        await self.link.stop()

    def _greet(self) -> None:
        self._greeting = asyncio.create_task(self._publish_status(online=True))
        if self._checkpoints.newest is not None and self._leading():
            self.sync.publish_checkpoint(self._checkpoints.newest)

    async def _publish_status(self, *, online: bool) -> None:
        if self._leading():
            topic = protocol.status_topic(self._site, centre_node(self._site))
            await self.link.publish(topic, _status(self._site, online=online), retain=True)

    def _on_status(self, received: Received) -> None:
        sender = protocol.sender_of(received.topic)
        try:
            status = protocol.decode(received.payload, protocol.Status)
        except FactError as error:
            log.warning("message_refused", topic=received.topic, why=str(error))
            return
        if sender is not None and (status.site, status.node) == sender[1:]:
            at_s = float("-inf") if received.retained else self._centre.now_s()
            self._centre.gates.take_status(status, at_s)

    def _on_picture(self, received: Received) -> None:
        try:
            self._centre.pictures.keep(received.user.get("sha256", ""), received.payload)
        except BadPicture as error:
            log.warning("message_refused", topic=received.topic, why=str(error))
        except StoreError as error:
            log.error("store_failed", error=str(error))


async def run(configuration: CentreConfiguration) -> None:
    """Serves until TERM or INT. Raises BadConfiguration, StoreUnusable, LinkError, OSError (port taken) at the start."""
    set_up_logs()
    stop = stop_requested()
    values = configuration.values
    key, tokens, tariffs = configuration.key(), configuration.tokens(), configuration.tariffs()
    links: list[SiteLink] = []
    async with AsyncExitStack() as running:
        owns = [Own(centre_node(site), key, Trust(site, key.public)) for site in values.sites]
        opened = await _open(configuration, owns)
        store = opened.store if opened else open_store(open_engine(configuration))
        running.callback(store.close)
        leading = Leading(open_lead(configuration))
        running.callback(leading.close)
        centre = Centre.of(
            store,
            key,
            values.sites,
            configuration.pictures,
            tokens,
            checkpoints=configuration.checkpoints,
            tariffs=tariffs,
            routing=values.fees,
            link_errors=lambda: _link_errors(links),
            names=names_at_hand(configuration.agency_names),
        )
        links += [SiteLink(centre, configuration, site, leading) for site in values.sites]
        if opened is not None:
            opened.counted()
        await leading.ask()
        tasks = [asyncio.create_task(leading.keep(), name="lead")]
        running.callback(tasks[0].cancel)
        for one in links:
            tasks += one.start()
            running.push_async_callback(one.stop)
        if opened is not None:
            await asyncio.gather(
                *(settle(opened, one.sync, own) for one, own in zip(links, owns, strict=True))
            )
            watching = asyncio.create_task(
                watch_store(store, opened.database, PROJECTIONS, lambda: [one.sync.trust for one in links]),
                name="store",
            )
            running.callback(watching.cancel)
            tasks.append(watching)
        await running.enter_async_context(serving(create_app(centre), values.listen.host, values.listen.port))
        for one in links:
            tasks += one.work()
        feeding = asyncio.create_task(watchdog(lambda: True), name="watchdog")
        running.callback(feeding.cancel)
        tasks.append(feeding)
        notify("READY=1")
        log.info("centre_ready", address=f"http://{values.listen.host}:{values.listen.port}/")
        await until_stopped(stop, tasks)
        notify("STOPPING=1")
    log.info("centre_stopped")


def _status(site: str, *, online: bool) -> bytes:
    return protocol.encode(protocol.Status(node=centre_node(site), site=site, online=online))


async def _open(configuration: CentreConfiguration, owns: Sequence[Own]) -> Opened | None:
    """The centre's store file, made anew where it is damaged; systemd is asked for the time that takes. None on PostgreSQL."""
    if configuration.database is not None:
        return None
    notify(f"EXTEND_TIMEOUT_USEC={MENDS_WITHIN_S * 1_000_000}")
    recovered = await asyncio.to_thread(mend, configuration.store, owns, PROJECTIONS)
    return open_mended(configuration.store, PROJECTIONS, recovered=recovered)


def _link_errors(links: Sequence[SiteLink]) -> list[str]:
    return [one.link.error or "the broker has not answered yet" for one in links if not one.link.connected]
