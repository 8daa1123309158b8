"""The peer of sync: bare paho, a publisher and a subscriber in processes of their own (`benchmarks.apart`).

The same payloads over the same broker at QoS 1 with as many on their way at a time; nothing is checked and nothing kept.
"""

import pickle
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.waiting import until
from shared import protocol
from shared.node.sync import WINDOW
from simulation.layout import SITE


class _Client:
    def __init__(self, node: str, folder: str, port: int, password: str) -> None:
        self._folder, self._port, self._node = folder, port, node
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, f"bare-{node}", protocol=mqtt.MQTTv5)
        self._client.username_pw_set(node, password)
        self._client.max_inflight_messages_set(WINDOW)

    async def start(self) -> None:
        """Connects."""
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        await until(self._client.is_connected, "connected to the broker")

    async def stop(self) -> None:
        """Disconnects."""
        self._client.disconnect()
        self._client.loop_stop()


class Publisher(_Client):
    """Publishes recorded batches."""

    def publish(self, file: str) -> float:
        """Publishes the batches of a file; gives when it began."""
        payloads = pickle.loads(Path(file).read_bytes())
        topic = protocol.facts_topic(SITE, self._node)
        began = time.monotonic()
        for payload in payloads:
            self._client.publish(topic, payload, qos=1)
        return began


class Subscriber(_Client):
    """Counts what comes."""

    def __init__(self, node: str, folder: str, port: int, password: str) -> None:
        super().__init__(node, folder, port, password)
        self._heard, self._newest_s = 0, 0.0
        self._subscribed = threading.Event()
        self._client.on_message = self._message
        self._client.on_subscribe = lambda *_: self._subscribed.set()

    async def start(self) -> None:
        """Connects and subscribes."""
        await super().start()
        self._client.subscribe(protocol.facts_topic(SITE, "+"), qos=1)
        await until(self._subscribed.is_set, "subscribed")

    async def heard(self, count: int) -> float:
        """When so many messages had come; counts from nothing again."""
        await until(lambda: self._heard >= count, f"{count} messages there")
        self._heard = 0
        return self._newest_s

    def _message(self, *_: object) -> None:
        self._heard += 1
        self._newest_s = time.monotonic()
