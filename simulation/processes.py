"""Child processes of the simulated site: started with a log of their own, stopped by TERM, killed by their own id only."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from simulation.errors import PartFailed

READY_S = 60.0
STOP_S = 6.0


class Process:
    """One child process. It dies with its parent (Linux parent-death signal), so that nothing is left behind."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.command = tuple(command)
        self.log = log
        self._env = {**os.environ, **(env or {})}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Starts it; raises PartFailed when the program is not there."""
        with self.log.open("ab") as sink:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=sink,
                    stderr=sink,
                    env=self._env,
                    preexec_fn=_die_with_parent,
                )
            except OSError as error:
                raise PartFailed(f"{self.name}: {error}; run scripts/setup") from error

    @property
    def alive(self) -> bool:
        """True while it runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its process id; raises PartFailed when it was never started."""
        if self._process is None:
            raise PartFailed(f"{self.name} was not started")
        return self._process.pid

    async def ready(self, asks: Callable[[], Awaitable[bool]], timeout_s: float = READY_S) -> None:
        """Waits until `asks` says yes; raises PartFailed when the process dies or the time is over."""
        try:
            async with asyncio.timeout(timeout_s):
                while not await asks():
                    if not self.alive:
                        raise PartFailed(
                            f"{self.name} ended at its start; see {self.log}: {self.last_words()}"
                        )
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise PartFailed(f"{self.name} was not ready after {timeout_s:.0f} s; see {self.log}") from error

    def last_words(self) -> str:
        """The end of its log."""
        lines = (
            self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        )
        return " | ".join(lines[-3:])

    async def stop(self) -> None:
        """Asks it to end, and ends it when it does not."""
        if self._process is None or not self.alive:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._process is not None and self.alive:
            self._process.kill()
            await self._process.wait()


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
