"""The gate daemon: starts the parts of a gate, in this order, and ends them in the other.

Store and lanes come first and need nobody; the reader comes up when its models are loaded, the link to the broker whenever the
broker does.
"""

import asyncio
import contextlib

import structlog

from edge.capture.picture_watch import watch_pictures
from edge.configuration import GateConfiguration
from edge.disk import watch_disk
from edge.gate import PROJECTIONS, Gate, mend_store
from edge.pictures import sweep_pictures
from edge.retention import Retention
from edge.screen.app import create_app
from edge.screen.broken import create_broken_app
from edge.telemetry import report_status, send_thumbnails, will
from edge.vision.backends import open_reader
from edge.vision.opening import ReaderInWaiting
from shared.node.chores import chores
from shared.node.errors import StoreUnusable
from shared.node.link import Link
from shared.node.opening import settle
from shared.node.scrub import watch_store
from shared.node.service import notify, serving, set_up_logs, stop_requested, until_stopped, watchdog
from shared.node.sync import SyncNode

log = structlog.get_logger()

MENDS_WITHIN_S = 2.0
"""A store that is not open by then is being recovered: the screen says so."""
OPEN_AGAIN_S = 5.0
"""So often a store that cannot be opened is tried again."""


async def run(configuration: GateConfiguration) -> None:
    """Runs a gate until SIGTERM or SIGINT. Raises BadKey, OSError (port taken), Damaged later."""
    set_up_logs()
    stop = stop_requested()
    table = configuration.table
    reading = table.reader.settings(configuration.folder)
    reader = ReaderInWaiting(lambda: open_reader(reading))
    gate = await _open(configuration, reader, stop)
    if gate is None:
        return
    data = configuration.path(table.data)
    settings = table.broker.link(configuration.folder)
    link = Link(settings, client_id=gate.node, will=will(gate.site, gate.node))
    retention = Retention(gate, table.retention.keep_days)
    identity = gate.identity(configuration)
    gate.sync = SyncNode(gate.store, link, identity, keeps=retention.keeps, checkpoints=gate.checkpoints)
    gate.opened.counted()
    async with contextlib.AsyncExitStack() as running:
        _start_reader(reader, gate)
        running.push_async_callback(asyncio.to_thread, reader.stop)
        link.start()
        running.push_async_callback(link.stop)
        tasks = gate.sync.start()
        running.push_async_callback(gate.sync.stop)
        await settle(gate.opened, gate.sync, gate.own)
        await running.enter_async_context(serving(create_app(gate), table.screen.host, table.screen.port))
        tasks += [asyncio.create_task(lane.run(), name=f"lane {lane.settings.name}") for lane in gate.working]
        tasks += [
            asyncio.create_task(report_status(gate, link, data), name="status"),
            asyncio.create_task(send_thumbnails(gate, link), name="thumbnails"),
            asyncio.create_task(watch_pictures(gate.watches, gate.changes.notify), name="pictures"),
            asyncio.create_task(watch_disk(gate.disk, gate.changes.notify), name="disk"),
            asyncio.create_task(
                sweep_pictures(gate.pictures, gate.open_pictures, gate.disk.shortfall_bytes), name="sweep"
            ),
            asyncio.create_task(chores(gate.store, gate.sync, gate.node, gate.site), name="chores"),
            asyncio.create_task(retention.run(gate.sync), name="retention"),
            asyncio.create_task(watchdog(gate.alive), name="watchdog"),
            asyncio.create_task(_watch_store(gate), name="store"),
        ]
        running.callback(gate.keep_learned)
        running.push_async_callback(_cancel, tasks)
        running.callback(gate.changes.close)
        notify("READY=1")
        log.info("gate_ready", node=gate.node, screen=f"http://{table.screen.host}:{table.screen.port}")
        await until_stopped(stop, tasks)
        notify("STOPPING=1")
    gate.store.close()
    log.info("gate_stopped", node=gate.node)


async def _open(
    configuration: GateConfiguration, reader: ReaderInWaiting, stop: asyncio.Event
) -> Gate | None:
    """The gate as soon as its store is whole and open; until then its screen tells the officer to use key and paper.

    None when the daemon is told to stop before.
    """
    async with contextlib.AsyncExitStack() as meanwhile:
        standing = _Standing(configuration, meanwhile)
        while not stop.is_set():
            mending = asyncio.create_task(asyncio.to_thread(mend_store, configuration))
            try:
                done, _ = await asyncio.wait([mending], timeout=MENDS_WITHIN_S)
                if not done:
                    await standing.say("the data of this machine is being recovered")
                return Gate(configuration, reader, mended=await mending, reader_health=reader.health)
            except StoreUnusable as error:
                await standing.say(str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), OPEN_AGAIN_S)
    return None


class _Standing:
    """The page that stands in for the gate's own, served from the first thing that it has to say."""

    def __init__(self, configuration: GateConfiguration, meanwhile: contextlib.AsyncExitStack) -> None:
        self._screen = configuration.table.screen
        self._meanwhile = meanwhile
        self._errors: list[str] = []

    async def say(self, error: str) -> None:
        """Shows why the store cannot be used; logs it when it is new."""
        if self._errors[-1:] == [error]:
            return
        log.error("store_unusable", error=error)
        self._errors.append(error)
        if len(self._errors) == 1:
            app = create_broken_app(self._errors)
            await self._meanwhile.enter_async_context(serving(app, self._screen.host, self._screen.port))
            feeding = asyncio.create_task(watchdog(lambda: True), name="watchdog")
            self._meanwhile.callback(feeding.cancel)
            notify("READY=1")


def _start_reader(reader: ReaderInWaiting, gate: Gate) -> None:
    loop = asyncio.get_running_loop()

    def changed() -> None:
        loop.call_soon_threadsafe(gate.changes.notify)

    reader.start(changed)


async def _watch_store(gate: Gate) -> None:
    sync = gate.sync
    assert sync is not None
    await watch_store(gate.store, gate.opened.database, PROJECTIONS, lambda: [sync.trust])


async def _cancel(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
