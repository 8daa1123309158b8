"""A real Mosquitto for one simulated site: own configuration, port, passwords, ACL and data folder on loopback."""

import asyncio
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.acl import NodeAccess, acl_text
from simulation.errors import SiteError
from simulation.ports import listens
from simulation.processes import Process

_SYSTEM = "/usr/sbin/mosquitto"


class BrokerMissing(SiteError):
    """Mosquitto is not installed: apt-get install mosquitto."""


class Broker:
    """Mosquitto as a subprocess; never the system's service. `passwords` by login."""

    def __init__(self, folder: Path, port: int, nodes: Sequence[NodeAccess]) -> None:
        self.port = port
        self.passwords = {node.login or node.node: secrets.token_hex(12) for node in nodes}
        self._folder = folder
        self._nodes = nodes
        self.process = Process(
            "broker", [_program(), "-c", str(folder / "mosquitto.conf")], folder / "broker.log"
        )

    async def start(self) -> None:
        """Writes its files and starts it; raises SiteError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "acl").write_text(acl_text(self._nodes), encoding="utf-8")
        await asyncio.to_thread(_write_passwords, self._folder / "passwords", self.passwords)
        (self._folder / "mosquitto.conf").write_text(self._configuration(), encoding="utf-8")
        await self.process.start()
        await self.process.ready(lambda: listens(self.port), 10)

    async def stop(self) -> None:
        """Ends it."""
        await self.process.stop()

    def _configuration(self) -> str:
        return "\n".join(
            (
                f"listener {self.port} 127.0.0.1",
                "allow_anonymous false",
                f"password_file {self._folder / 'passwords'}",
                f"acl_file {self._folder / 'acl'}",
                "set_tcp_nodelay true",
                "max_queued_messages 10000",
                "persistence true",
                f"persistence_location {self._folder}/",
                "user root",
                "",
            )
        )


def _program() -> str:
    found = shutil.which("mosquitto") or (_SYSTEM if Path(_SYSTEM).exists() else None)
    if found is None:
        raise BrokerMissing("mosquitto is not installed: apt-get install mosquitto")
    return found


def _write_passwords(file: Path, passwords: Mapping[str, str]) -> None:
    file.touch(mode=0o600)
    file.write_text(
        "".join(f"{login}:{password}\n" for login, password in passwords.items()), encoding="utf-8"
    )
    try:
        subprocess.run(["mosquitto_passwd", "-U", str(file)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BrokerMissing("mosquitto_passwd failed: apt-get install mosquitto") from error
