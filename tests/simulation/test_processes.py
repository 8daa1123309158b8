"""Child processes: they start with a log of their own, are waited for, and end when they are told to, or with us."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulation.errors import PartFailed
from simulation.ports import free_ports, listens
from simulation.processes import Process
from tests.loop import in_loop, until

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def child(folder: Path, program: str, **env: str) -> Process:
    return Process("part", [sys.executable, "-u", "-c", program], folder / "part.log", env)


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


@in_loop
async def test_a_part_runs_with_its_environment_and_its_words_go_to_its_log(tmp_path: Path) -> None:
    part = child(tmp_path, "import os, time; print(os.environ['GATE']); time.sleep(60)", GATE="barie")

    async def spoke() -> bool:
        return part.last_words() == "barie"

    await part.start()
    await part.ready(spoke, 5)
    assert (part.alive, is_there(part.pid)) == (True, True)
    await part.stop()
    assert (part.alive, is_there(part.pid)) == (False, False)


@in_loop
async def test_a_part_that_is_not_installed_says_what_to_run(tmp_path: Path) -> None:
    part = Process("broker", ["/nowhere/mosquitto"], tmp_path / "part.log")
    with pytest.raises(PartFailed, match=r"broker: .*run scripts/setup"):
        await part.start()


@in_loop
async def test_a_part_that_dies_at_its_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    part = child(tmp_path, "raise SystemExit('the port is taken')")
    await part.start()
    with pytest.raises(PartFailed, match=r"ended at its start; see .*part\.log: the port is taken"):
        await part.ready(no, 5)


@in_loop
async def test_a_part_that_is_not_ready_in_time_is_told_and_can_still_be_stopped(tmp_path: Path) -> None:
    part = child(tmp_path, "import time; time.sleep(60)")
    await part.start()
    with pytest.raises(PartFailed, match="was not ready after 0 s"):
        await part.ready(no, 0.2)
    await part.stop()
    assert not part.alive


@in_loop
async def test_a_part_that_does_not_listen_to_term_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulation.processes.STOP_S", 0.2)
    part = child(tmp_path, DEAF)

    async def deaf() -> bool:
        return part.last_words() == "deaf"

    await part.start()
    await part.ready(deaf, 5)
    await part.stop()
    assert not is_there(part.pid)


@in_loop
async def test_a_part_that_was_never_started_or_ended_by_itself_is_stopped_without_ado(
    tmp_path: Path,
) -> None:
    never = child(tmp_path, "")
    await never.stop()
    await never.kill()
    with pytest.raises(PartFailed, match="was not started"):
        assert never.pid
    ended = child(tmp_path, "pass")
    await ended.start()
    await until(lambda: not ended.alive, "the end")
    await ended.stop()


@in_loop
async def test_a_part_is_killed_as_a_power_cut_would(tmp_path: Path) -> None:
    part = child(tmp_path, DEAF)
    await part.start()
    await part.ready(yes, 5)
    await part.kill()
    assert not is_there(part.pid)


def test_a_part_dies_with_its_parent(tmp_path: Path) -> None:
    parent = f"""
import asyncio, sys
from pathlib import Path
from simulation.processes import Process
async def main():
    part = Process("part", [sys.executable, "-c", "import time; time.sleep(60)"], Path({str(tmp_path / "part.log")!r}))
    await part.start()
    print(part.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        pid = int(running.stdout.readline())
        assert is_there(pid)
        running.send_signal(signal.SIGKILL)
    end = time.monotonic() + 5
    while is_there(pid):
        assert time.monotonic() < end
        time.sleep(0.02)


@in_loop
async def test_free_ports_differ_and_nobody_listens_there_until_somebody_does() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert not await listens(ports[0])
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", ports[0])
    async with server:
        assert await listens(ports[0])
