"""A real PostgreSQL for tests, in a folder of its own, and a fresh database for each test."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.shared.broker import free_port

WAIT_S = 20.0
_MEMORY = Path("/dev/shm")
"""A disk in memory: nobody cuts the power of a test, and every commit waits for the disk."""
_ROOM = 2 << 30
_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
_FOUND = shutil.which(
    "initdb", path=os.pathsep.join([*map(str, reversed(_DEBIAN)), os.environ.get("PATH", "")])
)
needs_postgres = pytest.mark.skipif(_FOUND is None, reason="postgresql is not installed (scripts/setup)")


class PostgresServer:
    """PostgreSQL in a folder, on a port of the loopback address; its superuser needs no password."""

    def __init__(self, folder: Path) -> None:
        assert _FOUND is not None
        self.port = free_port()
        self._folder = folder
        self._programs = Path(_FOUND).resolve().parent
        self._account: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
            self._account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "--no-sync", "--auth=trust", "--username=barie", "--encoding=UTF8", "--locale=C",
                  f"--pgdata={folder / 'data'}")  # fmt: skip

    def start(self, **settings: str) -> None:
        """Starts the server and waits until it answers."""
        address = {"port": str(self.port), "listen_addresses": "127.0.0.1", "max_connections": "40",
                   "unix_socket_directories": str(self._folder)}  # fmt: skip
        words = [f"--{name}={value}" for name, value in (address | settings).items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *words],
                stdout=log, stderr=log, cwd=self._folder, **self._account,
            )  # fmt: skip
        self._wait()

    def kill(self) -> None:
        """Ends the server as a power cut does: nothing is written any more, every connection breaks."""
        self._stop("immediate")

    def stop(self) -> None:
        """Ends the server in good order, whoever is connected."""
        self._stop("fast")

    def database(self, options: str = "") -> str:
        """The address of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        with self.admin() as connection:
            connection.execute(f"CREATE DATABASE {name} {options}".encode())
        return self.dsn(name)

    def schema(self) -> str:
        """The address of a new, empty schema: all that most tests need, and quicker made than a database."""
        name = f"test_{next(self._numbers)}"
        with self.admin() as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{self.dsn('postgres')}?options=-csearch_path%3D{name}"

    def dsn(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql://barie@127.0.0.1:{self.port}/{name}"

    @contextmanager
    def admin(self) -> Iterator["psycopg.Connection[Any]"]:
        """A connection beside the ones that are tested."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            yield connection

    def files_with(self, text: str) -> list[Path]:
        """The files of tables and indices of all schemas that hold a text, when all is written that is to be."""
        with self.admin() as connection:
            connection.execute("CHECKPOINT")
            query = "SELECT oid FROM pg_database WHERE datname = current_database()"
            (oid,) = connection.execute(query).fetchone() or ("",)
        found = (self._folder / "data" / "base" / str(oid)).iterdir()
        return [file for file in found if text.encode() in file.read_bytes()]

    def _stop(self, mode: str) -> None:
        assert self._process is not None
        self._run("pg_ctl", "stop", f"--pgdata={self._folder / 'data'}", f"--mode={mode}", "--wait")
        self._process.wait(WAIT_S)

    def _run(self, program: str, *words: str) -> None:
        command: list[str | Path] = [self._programs / program, *words]
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, **self._account)

    def _wait(self) -> None:
        assert self._process is not None
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                psycopg.connect(self.dsn("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"PostgreSQL did not start: {(self._folder / 'log').read_text()}")


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """PostgreSQL until the end of the block."""
    quick = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    folder = Path(tempfile.mkdtemp(prefix="barie-postgres-", dir=_MEMORY if quick else None))
    try:
        server = PostgresServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()  # nothing of it is read again
    finally:
        shutil.rmtree(folder)
