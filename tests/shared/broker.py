"""A real Mosquitto and MQTT 5 clients that can be waited for, for the tests of who may do what."""

import queue
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

WAIT_S = 5.0
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed (scripts/setup)")


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def broker(folder: Path, configuration: str, port: int) -> Iterator[None]:
    """Mosquitto with a configuration, until the end of the block."""
    assert MOSQUITTO is not None
    file = folder / "mosquitto.conf"
    file.write_text(f"{configuration}\nuser {getuser()}\n", encoding="utf-8")
    log = (folder / "mosquitto.log").open("w")
    process = subprocess.Popen([MOSQUITTO, "-c", str(file)], stdout=log, stderr=log)
    try:
        _wait_for_port(process, port, folder / "mosquitto.log")
        yield
    finally:
        process.terminate()
        process.wait(WAIT_S)
        log.close()


def _wait_for_port(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"mosquitto did not start: {log.read_text()}")


class Client:
    """An MQTT 5 client whose answers from the broker are values."""

    def __init__(
        self, port: int, name: str, *, tls: ssl.SSLContext | None = None, will_topic: str | None = None
    ) -> None:
        self.received: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: queue.Queue[ReasonCode] = queue.Queue()
        self._mqtt = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._mqtt.on_connect = lambda *event: self._answers.put(event[3])
        self._mqtt.on_publish = lambda *event: self._answers.put(event[3])
        self._mqtt.on_subscribe = lambda *event: self._answers.put(event[3][0])
        self._mqtt.on_message = lambda _c, _u, message: self.received.put(
            (message.topic, bytes(message.payload))
        )
        if tls is None:
            self._mqtt.username_pw_set(name, "secret")
        else:
            self._mqtt.tls_set_context(tls)
        if will_topic is not None:
            self._mqtt.will_set(will_topic, b"{}", qos=1)
        self._mqtt.connect("127.0.0.1", port, clean_start=True)
        self._mqtt.loop_start()
        self.connected = self._answer()

    def publish(self, topic: str, payload: bytes = b"{}") -> int:
        """The reason code of the PUBACK: 0 taken, 16 taken and nobody subscribed, 135 not authorised."""
        self._mqtt.publish(topic, payload, qos=1)
        return self._answer()

    def subscribe(self, topic: str) -> int:
        """The reason code of the SUBACK."""
        self._mqtt.subscribe(topic, qos=1)
        return self._answer()

    def next(self) -> tuple[str, bytes]:
        """Topic and payload of the next message."""
        return self.received.get(timeout=WAIT_S)

    def fall_silent(self) -> None:
        """Stays connected and answers nothing any more; the next client of this name makes the broker give it up."""
        self._mqtt.loop_stop()

    def close(self) -> None:
        """Leaves the broker and ends the client's thread."""
        self._mqtt.disconnect()
        self._mqtt.loop_stop()

    def _answer(self) -> int:
        return self._answers.get(timeout=WAIT_S).value
