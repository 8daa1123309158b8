"""Running as a service: systemd's notifications, log format, a web server inside the event loop, an orderly end."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence

import structlog
import uvicorn
from fastapi import FastAPI

log = structlog.get_logger()

SHUTDOWN_S = 2


def notify(state: str) -> None:
    """Tells systemd about us (sd_notify(3)); does nothing when systemd did not start us."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        sock.sendto(state.encode(), address)


async def watchdog(alive: Callable[[], bool]) -> None:
    """Feeds systemd's watchdog from the event loop for as long as `alive` says so; runs until cancelled."""
    interval_us = int(os.environ.get("WATCHDOG_USEC", "0"))
    if not interval_us:
        await asyncio.Event().wait()
    while True:
        if alive():
            notify("WATCHDOG=1")
        await asyncio.sleep(interval_us / 2e6)


def set_up_logs() -> None:
    """Logs are events: one JSON object a line on standard output. Libraries speak only when something is wrong."""
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def stop_requested() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    return stop


def keep_loaded() -> None:
    """Takes what is loaded by now out of garbage collection: it lives as long as the process, and is a great deal to look at."""
    gc.collect()
    gc.freeze()


async def until_stopped(stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Waits for the end. A task that dies takes the daemon down with it: systemd starts it anew, with a clean head."""
    keep_loaded()
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for task in done:
        if task is not stopping and not task.cancelled() and (error := task.exception()) is not None:
            log.error("task_died", task=task.get_name(), error=repr(error), exc_info=error)
            raise error


@contextlib.asynccontextmanager
async def serving(app: FastAPI, host: str, port: int) -> AsyncIterator[None]:
    """Serves the app while the block runs; raises OSError when the port is taken."""
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=SHUTDOWN_S, lifespan="off"
    )
    sock = _bound(host, port)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        while not server.started:
            if task.done():
                task.result()
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await task
        sock.close()


class _Server(uvicorn.Server):
    """A server whose signals are handled by the daemon around it."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without it every answer waits 40 ms for an ACK.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    return sock
