"""Runs the centre: store, API and page, one sync for each site, word to systemd."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

import structlog

from central.app import create_app
from central.centre import Centre, open_store
from central.configuration import CentreConfiguration
from central.errors import BadPicture
from central.rotating import first_root
from shared import protocol
from shared.facts import FactError
from shared.journal import centre_node
from shared.node.chores import chores
from shared.node.errors import StoreError
from shared.node.link import Link, Received
from shared.node.service import notify, serving, set_up_logs, stop_requested, until_stopped, watchdog
from shared.node.sync import Identity, SyncNode

log = structlog.get_logger()

_GOODBYE_S = 1.0


class SiteLink:
    """One site's connection: sync of its journals, its nodes' statuses and pictures."""

    def __init__(self, centre: Centre, configuration: CentreConfiguration, site: str) -> None:
        key = centre.journals.key
        node = centre_node(site)
        will = protocol.Status(node=node, site=site, online=False)
        self.link = Link(
            configuration.link(), node, (protocol.status_topic(site, node), protocol.encode(will))
        )
        self._centre = centre
        self._site = site
        self._checkpoints = centre.checkpoints[site]
        self._sync = SyncNode(
            centre.store,
            self.link,
            Identity(node, site, key, first_root(centre.store, key, site)),
            checkpoints=self._checkpoints.kept,
        )
        self._checkpoints.made = self._sync.publish_checkpoint
        centre.gates.watch(self._sync.peers.heard)
        centre.gates.watch_own(node, self._sync.set_aside)
        self._greeting: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.link.on_up(self._up)
        self.link.subscribe(protocol.status_topic(site, "+"), self._on_status)
        self.link.subscribe(protocol.pictures_topic(site, "+"), self._on_picture)

    def start(self) -> list[asyncio.Task[None]]:
        """Begins to connect; the broker need not be there yet. Gives the tasks that are to run until `stop`."""
        self.link.start()
        store, node, site = self._centre.store, centre_node(self._site), self._site
        self._tasks = [
            asyncio.create_task(self._checkpoints.run(), name=f"checkpoints {site}"),
            asyncio.create_task(chores(store, self._sync, node, site), name=f"chores {site}"),
        ]
        return [*self._sync.start(), *self._tasks]

    async def stop(self) -> None:
        """Says that the centre leaves, then ends sync and connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sync.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._publish_status(online=False), _GOODBYE_S)
        await self.link.stop()

    def _up(self) -> None:
        self._greeting = asyncio.create_task(self._publish_status(online=True))
        if self._checkpoints.newest is not None:
            self._sync.publish_checkpoint(self._checkpoints.newest)

    async def _publish_status(self, *, online: bool) -> None:
        status = protocol.Status(node=centre_node(self._site), site=self._site, online=online)
        topic = protocol.status_topic(self._site, status.node)
        await self.link.publish(topic, protocol.encode(status), retain=True)

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
    key, tokens = configuration.key(), configuration.tokens()
    links: list[SiteLink] = []
    async with AsyncExitStack() as running:
        store = open_store(configuration.store)
        running.callback(store.close)
        centre = Centre.of(
            store,
            key,
            values.sites,
            configuration.pictures,
            tokens,
            checkpoints=configuration.checkpoints,
            link_errors=lambda: _link_errors(links),
        )
        links += [SiteLink(centre, configuration, site) for site in values.sites]
        await running.enter_async_context(serving(create_app(centre), values.listen.host, values.listen.port))
        feeding = asyncio.create_task(watchdog(lambda: True), name="watchdog")
        running.callback(feeding.cancel)
        tasks = [feeding]
        for one in links:
            tasks += one.start()
            running.push_async_callback(one.stop)
        notify("READY=1")
        log.info("centre_ready", address=f"http://{values.listen.host}:{values.listen.port}/")
        await until_stopped(stop, tasks)
        notify("STOPPING=1")
    log.info("centre_stopped")


def _link_errors(links: Sequence[SiteLink]) -> list[str]:
    return [one.link.error or "the broker has not answered yet" for one in links if not one.link.connected]
