"""The gate daemon: starts the parts of a gate, in this order, and ends them in the other.

Reader, store and lanes come first and need nobody; the link to the broker comes up whenever the broker does.
"""

import asyncio
import contextlib

import structlog

from edge.configuration import GateConfiguration
from edge.disk import watch_disk
from edge.gate import Gate
from edge.pictures import sweep_pictures
from edge.retention import Retention
from edge.screen.app import create_app
from edge.telemetry import report_status, send_thumbnails, will
from edge.vision.ppocr import PpOcrReader, PpOcrSettings
from shared.node.chores import chores
from shared.node.link import Link
from shared.node.service import notify, serving, set_up_logs, stop_requested, until_stopped, watchdog
from shared.node.sync import SyncNode

log = structlog.get_logger()


async def run(configuration: GateConfiguration) -> None:
    """Runs a gate until SIGTERM or SIGINT. Raises StoreUnusable, BadKey, OSError (port taken), VisionError at start."""
    set_up_logs()
    stop = stop_requested()
    table = configuration.table
    gate = Gate(configuration, PpOcrReader(PpOcrSettings(threads=table.reader.threads)))
    data = configuration.path(table.data)
    settings = table.broker.link(configuration.folder)
    link = Link(settings, client_id=gate.node, will=will(gate.site, gate.node))
    retention = Retention(gate, table.retention.keep_days)
    identity = gate.identity(configuration)
    gate.sync = SyncNode(gate.store, link, identity, keeps=retention.keeps, checkpoints=gate.checkpoints)
    async with contextlib.AsyncExitStack() as running:
        await running.enter_async_context(serving(create_app(gate), table.screen.host, table.screen.port))
        link.start()
        running.push_async_callback(link.stop)
        tasks = gate.sync.start()
        running.push_async_callback(gate.sync.stop)
        tasks += [asyncio.create_task(lane.run(), name=f"lane {lane.settings.name}") for lane in gate.working]
        tasks += [
            asyncio.create_task(report_status(gate, link, data), name="status"),
            asyncio.create_task(send_thumbnails(gate, link), name="thumbnails"),
            asyncio.create_task(watch_disk(gate.disk, gate.changes.notify), name="disk"),
            asyncio.create_task(
                sweep_pictures(gate.pictures, gate.open_pictures, gate.disk.shortfall_bytes), name="sweep"
            ),
            asyncio.create_task(chores(gate.store, gate.sync, gate.node, gate.site), name="chores"),
            asyncio.create_task(retention.run(gate.sync), name="retention"),
            asyncio.create_task(watchdog(gate.alive), name="watchdog"),
        ]
        running.push_async_callback(_cancel, tasks)
        running.callback(gate.changes.close)
        notify("READY=1")
        log.info("gate_ready", node=gate.node, screen=f"http://{table.screen.host}:{table.screen.port}")
        await until_stopped(stop, tasks)
        notify("STOPPING=1")
    gate.store.close()
    log.info("gate_stopped", node=gate.node)


async def _cancel(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
