"""Runs the centre: store, API and page, one sync for each site, word to systemd."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

import structlog

from central.app import create_app
from central.centre import PROJECTIONS, Centre
from central.configuration import CentreConfiguration
from central.errors import BadPicture
from shared import protocol
from shared.facts import FactError
from shared.journal import centre_node
from shared.node.errors import StoreError
from shared.node.link import Link, Received
from shared.node.opening import Opened, mend, open_mended, settle
from shared.node.salvage import Own
from shared.node.scrub import watch_store
from shared.node.service import notify, serving, set_up_logs, stop_requested, until_stopped, watchdog
from shared.node.sync import Identity, SyncNode
from shared.trust import Trust

log = structlog.get_logger()

_GOODBYE_S = 1.0
MENDS_WITHIN_S = 3600
"""A store of a province's years is made anew in that time."""


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
        self.sync = SyncNode(centre.store, self.link, Identity(node, site, key, key.public))
        centre.gates.watch(self.sync.peers.heard)
        self._greeting: asyncio.Task[None] | None = None
        self.link.on_up(self._up)
        self.link.subscribe(protocol.status_topic(site, "+"), self._on_status)
        self.link.subscribe(protocol.pictures_topic(site, "+"), self._on_picture)

    def start(self) -> list[asyncio.Task[None]]:
        """Begins to connect; the broker need not be there yet. Gives the tasks that are to run until `stop`."""
        self.link.start()
        return self.sync.start()

    async def stop(self) -> None:
        """Says that the centre leaves, then ends sync and connection."""
        await self.sync.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._publish_status(online=False), _GOODBYE_S)
        await self.link.stop()

    def _up(self) -> None:
        self._greeting = asyncio.create_task(self._publish_status(online=True))

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
        owns = [Own(centre_node(site), key, Trust(site, key.public)) for site in values.sites]
        opened = await _open(configuration, owns)
        running.callback(opened.store.close)
        centre = Centre.of(
            opened.store,
            key,
            values.sites,
            configuration.pictures,
            tokens,
            link_errors=lambda: _link_errors(links),
        )
        links += [SiteLink(centre, configuration, site) for site in values.sites]
        opened.counted()
        tasks = []
        for one in links:
            tasks += one.start()
            running.push_async_callback(one.stop)
        await asyncio.gather(*(settle(opened, one.sync, own) for one, own in zip(links, owns, strict=True)))
        await running.enter_async_context(serving(create_app(centre), values.listen.host, values.listen.port))
        feeding = asyncio.create_task(watchdog(lambda: True), name="watchdog")
        running.callback(feeding.cancel)
        watching = asyncio.create_task(
            watch_store(
                opened.store, opened.database, PROJECTIONS, lambda: [one.sync.trust for one in links]
            ),
            name="store",
        )
        running.callback(watching.cancel)
        tasks += [feeding, watching]
        notify("READY=1")
        log.info("centre_ready", address=f"http://{values.listen.host}:{values.listen.port}/")
        await until_stopped(stop, tasks)
        notify("STOPPING=1")
    log.info("centre_stopped")


async def _open(configuration: CentreConfiguration, owns: Sequence[Own]) -> Opened:
    """The centre's store, made anew where it is damaged; systemd is asked for the time that takes."""
    notify(f"EXTEND_TIMEOUT_USEC={MENDS_WITHIN_S * 1_000_000}")
    recovered = await asyncio.to_thread(mend, configuration.store, owns, PROJECTIONS)
    return open_mended(configuration.store, PROJECTIONS, recovered=recovered)


def _link_errors(links: Sequence[SiteLink]) -> list[str]:
    return [one.link.error or "the broker has not answered yet" for one in links if not one.link.connected]
