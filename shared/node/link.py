"""The link to a broker: MQTT 5 over paho in a thread of its own, handed to the event loop.

Nothing is queued here while the broker is away: the store holds every fact, and vectors say what is missing when the link is
back. A PUBACK only frees a place in the window; it is never taken for a receipt.

A second broker may be named to fall back to, the centre's: it is taken when the first one cannot be reached, and left as soon
as the first one lets us in again.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from shared.backoff import Backoff
from shared.node.errors import LinkError

log = structlog.get_logger()

FAILURES_BEFORE_FALLBACK = 3
KNOCK_EVERY_S = 30.0
KNOCK_S = 5.0


@dataclass(frozen=True)
class Received:
    """A message. `retained`: it lay at the broker before we subscribed, so its sender may be long gone."""

    topic: str
    payload: bytes
    user: Mapping[str, str]
    retained: bool = False


Handler = Callable[[Received], None]
"""Called on the event loop."""


@dataclass(frozen=True)
class LinkSettings:
    """Where the broker is and how to sign in: TLS with a client certificate, or a password on loopback.

    `fallback`: the broker to go to while this one cannot be reached.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    keepalive_s: int = 5
    fallback: "LinkSettings | None" = None

    @property
    def address(self) -> str:
        """Host and port, for people."""
        return f"{self.host}:{self.port}"


class Link:
    """One connection to a broker, kept up for ever with jittered back-off.

    `fallen_back`: the connection, or the last one there was, is with the second broker. Raises LinkError for unusable TLS files.
    """

    def __init__(self, settings: LinkSettings, client_id: str, will: tuple[str, bytes] | None = None) -> None:
        self.connected = False
        self.fallen_back = False
        self.error: str | None = None
        self._handlers: list[tuple[str, Handler]] = []
        self._filters: list[str] = []
        self._on_up: list[Callable[[], None]] = []
        self._pending: dict[int, asyncio.Future[bool]] = {}
        self._posted: set[asyncio.Task[bool]] = set()
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        brokers = [settings, settings.fallback] if settings.fallback else [settings]
        self._brokers = [(one, self._make_client(one, client_id, will)) for one in brokers]
        self._settings, self._client = self._brokers[0]
        self._client_id = client_id
        self._came_up = False

    def subscribe(self, topic_filter: str, handler: Handler, group: str | None = None) -> None:
        """Subscribes at every connect; call before `start`. Of a `group` only one member gets each message."""
        self._handlers.append((topic_filter, handler))
        self._filters.append(f"$share/{group}/{topic_filter}" if group else topic_filter)

    def on_up(self, callback: Callable[[], None]) -> None:
        """Calls back on the event loop after every connect."""
        self._on_up.append(callback)

    def start(self) -> None:
        """Begins to connect, in a thread; the broker need not be there yet."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Says goodbye, upon which the broker publishes the last will, and ends the thread."""
        self._stopping.set()
        self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message"))
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 3)

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, user: Mapping[str, str] | None = None
    ) -> bool:
        """Publishes at QoS 1 and waits for the broker's answer. False: not connected, refused, or the link broke."""
        if not self.connected or self._loop is None:
            return False
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if user:
            properties.UserProperty = list(user.items())
        sent = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        if sent.rc != mqtt.MQTT_ERR_SUCCESS:
            return False
        answered: asyncio.Future[bool] = self._loop.create_future()
        self._pending[sent.mid] = answered
        return await answered

    def post(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        user: Mapping[str, str] | None = None,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Publishes without waiting for the answer; `then` is called when it has come, good or bad."""

        def answered(task: asyncio.Task[bool]) -> None:
            self._posted.discard(task)
            then()

        task = asyncio.ensure_future(self.publish(topic, payload, retain=retain, user=user))
        self._posted.add(task)
        task.add_done_callback(answered)

    def _make_client(
        self, settings: LinkSettings, client_id: str, will: tuple[str, bytes] | None
    ) -> mqtt.Client:
        client = _client(settings, client_id)
        if will is not None:
            client.will_set(will[0], will[1], qos=1, retain=True)
        client.on_socket_open = _send_at_once
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        client.on_publish = self._published
        # Without this, paho writes in the thread that publishes while its own reads: OpenSSL then breaks the connection.
        client.on_socket_register_write = lambda *_: None
        return client

    def _run(self) -> None:
        backoff = Backoff(first_s=0.5, most_s=30.0)
        waits, places = iter(backoff), _places(len(self._brokers))
        while not self._stopping.is_set():
            place = next(places)
            self._settings, self._client = self._brokers[place]
            self._came_up = False
            self._connection(fallen_back=place > 0)
            if self._came_up:
                waits, places = iter(backoff), _places(len(self._brokers))
            self._stopping.wait(next(waits))

    def _connection(self, *, fallen_back: bool) -> None:
        """One connection from its beginning to its end, or an attempt at one."""
        over = threading.Event()
        knocking = threading.Thread(
            target=self._knock, args=(self._client, over), name="mqtt knock", daemon=True
        )
        try:
            self._client.connect(
                self._settings.host, self._settings.port, self._settings.keepalive_s, clean_start=True
            )
            if fallen_back:
                knocking.start()
            while self._client.loop() == mqtt.MQTT_ERR_SUCCESS:
                pass
        except (OSError, ValueError) as error:
            self._lost(f"broker {self._settings.address}: {error}")
        finally:
            over.set()

    def _knock(self, fallback: mqtt.Client, over: threading.Event) -> None:
        """Leaves the fallback as soon as the first broker lets us in; `over`: the fallback's connection has ended."""
        first, _ = self._brokers[0]
        while not over.wait(KNOCK_EVERY_S):
            if _lets_in(first, f"{self._client_id}-knock"):
                log.info("link_returns", broker=first.address)
                fallback.disconnect()
                return

    def _lost(self, sentence: str) -> None:
        if self.error is None:
            log.warning("link_lost", error=sentence)
        self.error = sentence

    def _connected(
        self, client: mqtt.Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        del userdata, flags, properties
        if reason.is_failure:
            self._lost(f"broker {self._settings.address} refuses us: {reason}")
            return
        for topic_filter in self._filters:
            client.subscribe(topic_filter, qos=1)
        self.error = None
        self._came_up = True
        self.fallen_back = self._settings is not self._brokers[0][0]
        log.info("link_up", broker=self._settings.address, fallen_back=self.fallen_back)
        self._call(self._up)

    def _disconnected(
        self, client: mqtt.Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        del client, userdata, flags, properties
        if not self._stopping.is_set():
            self._lost(f"broker {self._settings.address}: {reason}")
        self._call(self._down)

    def _message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        del client, userdata
        pairs = getattr(message.properties, "UserProperty", None) or ()
        received = Received(message.topic, bytes(message.payload), dict(pairs), message.retain)
        self._call(self._dispatch, received)

    def _published(
        self, client: mqtt.Client, userdata: Any, mid: int, reason: ReasonCode, properties: Any
    ) -> None:
        del client, userdata, properties
        self._call(self._answer, mid, reason)

    def _call(self, callback: Callable[..., None], *arguments: Any) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(callback, *arguments)

    def _up(self) -> None:
        self.connected = True
        for callback in self._on_up:
            callback()

    def _down(self) -> None:
        self.connected = False
        pending, self._pending = self._pending, {}
        for answered in pending.values():
            if not answered.done():
                answered.set_result(False)

    def _answer(self, mid: int, reason: ReasonCode) -> None:
        answered = self._pending.pop(mid, None)
        if reason.is_failure:
            log.error("publish_refused", reason=str(reason))
        if answered is not None and not answered.done():
            answered.set_result(not reason.is_failure)

    def _dispatch(self, received: Received) -> None:
        for topic_filter, handler in self._handlers:
            if mqtt.topic_matches_sub(topic_filter, received.topic):
                handler(received)


def _send_at_once(client: mqtt.Client, userdata: Any, connection: Any) -> None:
    """Lets no small packet wait until the one before is acknowledged, 40 ms later (Nagle's algorithm)."""
    del client, userdata
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _places(brokers: int) -> Iterator[int]:
    """Which broker to try, after each failure anew: the first a few times, then the two in turns."""
    yield from (0,) * FAILURES_BEFORE_FALLBACK
    while True:
        yield from reversed(range(brokers))


def _client(settings: LinkSettings, client_id: str) -> mqtt.Client:
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5, reconnect_on_failure=False
    )
    if settings.username is not None:
        client.username_pw_set(settings.username, settings.password)
    if settings.ca is not None:
        try:
            client.tls_set(str(settings.ca), _text(settings.certificate), _text(settings.key))
        except (OSError, ValueError) as error:
            raise LinkError(
                f"TLS files of the broker link: {error}; check ca, certificate and key"
            ) from error
    return client


def _lets_in(settings: LinkSettings, client_id: str) -> bool:
    """Whether a broker takes us now; blocks for `KNOCK_S` at most, or as long as the network takes to connect."""
    client, answers = _client(settings, client_id), list[bool]()
    client.on_connect = lambda *event: answers.append(not event[3].is_failure)
    try:
        client.connect(settings.host, settings.port, settings.keepalive_s, clean_start=True)
        end = time.monotonic() + KNOCK_S
        while not answers and time.monotonic() < end and client.loop(0.1) == mqtt.MQTT_ERR_SUCCESS:
            pass
        client.disconnect()
    except (OSError, ValueError):
        return False
    return answers == [True]


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
