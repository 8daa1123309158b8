"""The cameras of a simulated site: one RTSP server (simulation/rtsp_server.py) with a stream for each.

    farm = CameraFarm()
    urls = await farm.start({"barrier-1": idle_clip(folder, gate)})
    await farm.truck_arrives("barrier-1", clips)
    await farm.truck_leaves("barrier-1", clips)
    await farm.stop()

The server is a process of the system's Python, because Debian's GStreamer bindings live there. `freeze`,
`thaw` and `kill` break it on purpose, for the tests of what a gate does without its cameras.
"""

import asyncio
import json
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from simulation.clips import FRAMES_PER_S, VehicleClips

log = structlog.get_logger()

SYSTEM_PYTHON = Path("/usr/bin/python3")
SERVER_PROGRAM = Path(__file__).with_name("rtsp_server.py")
START_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 5.0


class CameraFarmError(Exception):
    """The simulated cameras cannot do what was asked."""


class PackageMissing(CameraFarmError):
    """A Debian package that the RTSP server needs is not installed; `package` is its name."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"the simulated cameras need the Debian package {package}: apt-get install {package}"
        )
        self.package = package


class ServerNotRunning(CameraFarmError):
    """The RTSP server was not started, has ended or was killed."""


class ServerSilent(CameraFarmError):
    """The RTSP server runs but gives no answer, as when it is frozen."""


class CommandRefused(CameraFarmError):
    """The RTSP server could not play a clip; the message is its own."""


@dataclass(frozen=True)
class Credentials:
    """What a viewer must present, by HTTP digest."""

    user: str
    password: str


def missing_package() -> str | None:
    """Name of the Debian package that the cameras lack, or None when they can start."""
    if not SYSTEM_PYTHON.exists():
        return "python3"
    check = subprocess.run(
        [SYSTEM_PYTHON, SERVER_PROGRAM, "--check"], capture_output=True, timeout=START_TIMEOUT_S
    )
    try:
        missing = json.loads(check.stdout).get("missing")
    except ValueError:
        return "python3-gi"
    return None if missing is None else str(missing)


class CameraFarm:
    """Starts the RTSP server and tells each of its streams (mounts) what to show.

    Every method may raise CameraFarmError. What is asked is seen from the stream's next key frame on, half a
    second later at most. Without credentials everybody may watch. Use one farm within one event loop.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: Credentials | None = None,
        frames_per_s: int = FRAMES_PER_S,
    ) -> None:
        self._frames_per_s = frames_per_s
        self._host, self._port, self._credentials = host, port, credentials
        self._process: asyncio.subprocess.Process | None = None
        self._stderr_reader: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._commands = 0
        self._idle: dict[str, Path] = {}

    async def start(self, mounts: Mapping[str, Path]) -> dict[str, str]:
        """Starts the server with one stream for each mount, showing its idle clip; gives the URL of each.

        The URLs carry no credentials. After `kill` or `stop` a farm may be started again.
        """
        if self._running() is not None:
            raise CameraFarmError("the RTSP server runs already; stop it first")
        self._process = await self._spawned()
        self._stderr_reader = asyncio.create_task(_report(self._process))
        try:
            ready = await self._answer(self._process, None, START_TIMEOUT_S)
            if "missing" in ready:
                raise PackageMissing(str(ready["missing"]))
            if "error" in ready:
                raise CommandRefused(f"{self._host}:{self._port}: {ready['error']}")
            self._idle = dict(mounts)
            for mount in mounts:
                await self.idle(mount)
        except BaseException:
            await self.stop()
            raise
        log.info("cameras.started", port=ready["port"], mounts=sorted(mounts))
        # the same port again after a crash, so that the addresses stay good
        self._port = int(str(ready["port"]))
        return {mount: f"rtsp://{self._host}:{self._port}/{mount}" for mount in mounts}

    async def idle(self, mount: str) -> None:
        """Shows the empty lane."""
        await self._play(mount, {"play": str(self._idle_clip(mount)), "loop": True})

    async def truck_arrives(self, mount: str, clips: VehicleClips) -> None:
        """Shows the vehicle coming and then standing until something else is asked."""
        await self._play(mount, {"play": str(clips.approach), "then": str(clips.stand)})

    async def truck_leaves(self, mount: str, clips: VehicleClips) -> None:
        """Shows the vehicle driving through, then the empty lane."""
        await self._play(mount, {"play": str(clips.leave), "then": str(self._idle_clip(mount))})

    async def truck_backs_away(self, mount: str, clips: VehicleClips) -> None:
        """Shows the vehicle going back where it came from, then the empty lane."""
        await self._play(mount, {"play": str(clips.back_away), "then": str(self._idle_clip(mount))})

    def freeze(self) -> None:
        """Stops the server where it is (SIGSTOP): connections stay open and carry nothing."""
        self._existing().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen server go on (SIGCONT)."""
        self._existing().send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """Ends the server at once (SIGKILL): every viewer's connection breaks."""
        process = self._existing()
        process.kill()
        await process.wait()

    async def stop(self) -> None:
        """Ends the server in good order; does nothing when there is none."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            # a frozen server would never see that its input was closed
            process.send_signal(signal.SIGCONT)
            assert process.stdin is not None
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), ANSWER_TIMEOUT_S)
            except TimeoutError:
                process.kill()
        await process.wait()
        if self._stderr_reader is not None:
            await self._stderr_reader

    async def _spawned(self) -> asyncio.subprocess.Process:
        login = self._credentials
        guard = [] if login is None else ["--user", login.user, "--password", login.password]
        rate = ["--frames-per-s", str(self._frames_per_s)]
        arguments = ["--host", self._host, "--port", str(self._port), *rate, *guard]
        pipe = asyncio.subprocess.PIPE
        try:
            return await asyncio.create_subprocess_exec(
                SYSTEM_PYTHON, SERVER_PROGRAM, *arguments, stdin=pipe, stdout=pipe, stderr=pipe
            )
        except FileNotFoundError as exc:
            raise PackageMissing("python3") from exc

    def _idle_clip(self, mount: str) -> Path:
        try:
            return self._idle[mount]
        except KeyError as exc:
            known = ", ".join(sorted(self._idle)) or "none"
            raise CameraFarmError(f"no camera {mount}; give it to start() (there are: {known})") from exc

    def _running(self) -> asyncio.subprocess.Process | None:
        return self._process if self._process is not None and self._process.returncode is None else None

    def _existing(self) -> asyncio.subprocess.Process:
        process = self._running()
        if process is None:
            raise ServerNotRunning("the RTSP server does not run; call start()")
        return process

    async def _play(self, mount: str, what: dict[str, object]) -> None:
        self._idle_clip(mount)
        async with self._turn:
            process = self._existing()
            self._commands += 1
            command = {"id": self._commands, "mount": mount, **what}
            assert process.stdin is not None
            try:
                process.stdin.write(json.dumps(command).encode() + b"\n")
                await process.stdin.drain()
            except ConnectionError as exc:
                raise ServerNotRunning("the RTSP server has ended; call start()") from exc
            answer = await self._answer(process, self._commands, ANSWER_TIMEOUT_S)
        if "error" in answer:
            raise CommandRefused(f"camera {mount}: {answer['error']}")

    async def _answer(
        self, process: asyncio.subprocess.Process, number: int | None, timeout_s: float
    ) -> dict[str, object]:
        """The answer to command `number`; late answers to commands given up earlier are passed over."""
        assert process.stdout is not None
        try:
            async with asyncio.timeout(timeout_s):
                while line := await process.stdout.readline():
                    answer: dict[str, object] = json.loads(line)
                    if answer.get("id") == number:
                        return answer
        except TimeoutError as exc:
            raise ServerSilent(
                f"the RTSP server gave no answer in {timeout_s:.0f} s; thaw() or kill() it"
            ) from exc
        raise ServerNotRunning("the RTSP server has ended; call start()")


async def _report(process: asyncio.subprocess.Process) -> None:
    """Passes on what GStreamer complains of."""
    assert process.stderr is not None
    while line := await process.stderr.readline():
        log.warning("cameras.server_says", text=line.decode(errors="replace").rstrip())
