"""The reader in waiting: opened apart from who looks, tried again when its files are damaged, and back by itself."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

import edge.daemon
from edge.configuration import load
from edge.gate import Gate
from edge.vision.networks import ModelsMissing
from edge.vision.opening import NotReadYet, ReaderInWaiting, ReaderState
from edge.vision.port import FoundPlate, Image, PlateLook, PlateReader, ReaderLost, VisionError, look
from simulation.ports import free_ports
from tests.edge.gate_folder import configuration, gate_file
from tests.edge.world import Clock, ToldReader
from tests.loop import in_loop

FRAME: Image = np.zeros((4, 4, 3), np.uint8)
DAMAGED = "det.xml: OpenVINO cannot read the plate model"


class Files:
    """What opening a reader comes to, as the test sets it; counts how often it was tried."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.tries = 0
        self.reader: PlateReader = ToldReader(Clock())

    def __call__(self) -> PlateReader:
        self.tries += 1
        if self.error is not None:
            raise self.error
        return self.reader


class Gives:
    """A reader that raises what it is told to in a look."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        del frame_bgr
        if self.error is not None:
            raise self.error
        return ()

    def read(self, frame_bgr: Image, found: FoundPlate) -> PlateLook | None:
        raise AssertionError(f"{found} in {frame_bgr.shape}")


def tries_after(reader: ReaderInWaiting, clock: Clock, files: Files) -> list[float]:
    """Waits out eight pauses to the moment and gives their lengths in seconds."""
    pauses = []
    for _ in range(8):
        pause_s, before = reader.wait_s(), files.tries
        assert pause_s is not None
        clock.advance(pause_s - 0.01)
        reader.attempt()
        assert files.tries == before
        clock.advance(0.02)
        reader.attempt()
        assert files.tries == before + 1
        pauses.append(round(pause_s, 6))
    return pauses


def test_until_it_is_open_a_look_fails_at_once_and_opens_nothing() -> None:
    files = Files()
    reader = ReaderInWaiting(files, clock=Clock())
    with pytest.raises(NotReadYet, match="plates are not read yet: the reader is being opened"):
        look(reader, FRAME)
    assert (files.tries, reader.health().state) == (0, ReaderState.OPENING)


def test_once_open_it_reads_as_the_reader_does_and_is_not_opened_again() -> None:
    files = Files()
    reader = ReaderInWaiting(files, clock=Clock())
    reader.attempt()
    reader.attempt()
    assert look(reader, FRAME) == look(files.reader, FRAME) != ()
    assert (files.tries, reader.health().state, reader.health().sentence) == (1, ReaderState.OPEN, None)


def test_damaged_files_are_tried_again_after_pauses_that_double_up_to_a_minute() -> None:
    clock, files = Clock(), Files(ModelsMissing(DAMAGED))
    reader = ReaderInWaiting(files, clock=clock)
    reader.attempt()
    assert tries_after(reader, clock, files) == [1, 2, 4, 8, 16, 32, 60, 60]


def test_damaged_files_are_told_and_mended_ones_read_again() -> None:
    clock, files = Clock(), Files(ModelsMissing(f"{DAMAGED}\nrec.xml: neither"))
    reader = ReaderInWaiting(files, clock=clock)
    reader.attempt()
    assert reader.health().state is ReaderState.LOST
    with pytest.raises(NotReadYet, match=f"plates are not read yet: {DAMAGED}; rec.xml: neither"):
        look(reader, FRAME)
    files.error = None
    clock.advance(1)
    reader.attempt()
    assert reader.health().sentence is None
    assert look(reader, FRAME)


def test_whatever_goes_wrong_with_opening_is_tried_again() -> None:
    clock, files = Clock(), Files(PermissionError("no"))
    reader = ReaderInWaiting(files, clock=clock)
    reader.attempt()
    assert "the cause stands in the log" in str(reader.health().sentence)
    clock.advance(1)
    reader.attempt()
    assert files.tries == 2


def test_a_reader_that_cannot_go_on_is_opened_anew_and_never_in_a_look() -> None:
    clock, files = Clock(), Files()
    reader = ReaderInWaiting(files, Gives(ReaderLost("the worker ended")), clock)
    with pytest.raises(ReaderLost, match="the worker ended"):
        look(reader, FRAME)
    clock.advance(100)
    with pytest.raises(NotReadYet, match="the worker ended"):
        look(reader, FRAME)
    assert files.tries == 0
    reader.attempt()
    assert look(reader, FRAME)


def test_a_look_that_fails_otherwise_loses_no_reader() -> None:
    reader = ReaderInWaiting(Files(), Gives(VisionError("this picture")), Clock())
    with pytest.raises(VisionError, match="this picture"):
        look(reader, FRAME)
    assert reader.health().state is ReaderState.OPEN


def test_only_an_answer_ends_the_doubling() -> None:
    clock, files = Clock(), Files()
    files.reader = given = Gives(ReaderLost("the worker ended"))
    reader = ReaderInWaiting(files, clock=clock)
    pauses = []
    for error in (given.error, given.error, None, given.error):
        reader.attempt()
        given.error = error
        if error is None:
            assert look(reader, FRAME) == ()
            continue
        with pytest.raises(ReaderLost):
            look(reader, FRAME)
        pauses.append(reader.wait_s())
        clock.advance(100)
    assert pauses == [1, 2, 1]


# -- with its thread


def started(open_reader: Callable[[], PlateReader]) -> tuple[ReaderInWaiting, threading.Event]:
    """A reader in waiting at work, and what is set whenever its health changes."""
    reader, changed = ReaderInWaiting(open_reader), threading.Event()
    reader.start(changed.set)
    return reader, changed


def test_a_thread_opens_it_says_so_and_ends_when_it_is_told() -> None:
    files = Files()
    reader, changed = started(files)
    assert changed.wait(10)
    assert reader.health().state is ReaderState.OPEN
    reader.stop()
    assert reader._thread is not None
    assert not reader._thread.is_alive()


def test_who_looks_never_waits_for_a_reader_that_takes_long_and_neither_does_the_end() -> None:
    loading, loaded = threading.Event(), threading.Event()

    def slow() -> PlateReader:
        loading.set()
        assert loaded.wait(30)
        return Gives(None)

    reader, changed = started(slow)
    assert loading.wait(10)
    with pytest.raises(NotReadYet):
        look(reader, FRAME)
    reader.stop(within_s=0)
    loaded.set()
    assert reader._thread is not None
    reader._thread.join(10)
    assert not reader._thread.is_alive()
    assert not changed.is_set()


# -- in a gate


@pytest.fixture
def waiting() -> ReaderInWaiting:
    return ReaderInWaiting(Files(ModelsMissing(DAMAGED)), clock=Clock())


@pytest.fixture
def gate(tmp_path: Path, waiting: ReaderInWaiting) -> Iterator[Gate]:
    made = Gate(configuration(tmp_path), waiting, Clock(), reader_health=waiting.health)
    yield made
    made.store.close()


@in_loop
async def test_a_gate_is_not_ready_and_its_officer_types_plates_while_its_models_are_damaged(
    gate: Gate, waiting: ReaderInWaiting
) -> None:
    assert "plates are not read yet: the reader is being opened" in gate.ready()
    assert gate.lanes["lane-1"].view().trouble == ()
    waiting.attempt()
    assert f"plates are not read yet: {DAMAGED}" in gate.ready()
    assert gate.lanes["lane-1"].view().trouble == ("reader_lost",)


async def cause(http: httpx.AsyncClient) -> str:
    """What /health/ready says; nothing while no screen is served."""
    with contextlib.suppress(httpx.TransportError):
        return str((await http.get("/health/ready")).json().get("cause", "ready"))
    return ""


@in_loop
async def test_a_daemon_has_its_screen_before_its_reader_and_stays_up_when_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, loaded, files = asyncio.Event(), threading.Event(), Files(ModelsMissing(DAMAGED))

    def opens(_: object) -> PlateReader:
        assert loaded.wait(30)
        return files()

    monkeypatch.setattr(edge.daemon, "open_reader", opens)
    monkeypatch.setattr(edge.daemon, "stop_requested", lambda: stop)
    monkeypatch.setattr(edge.daemon, "set_up_logs", lambda: None)
    (port,) = free_ports(1)
    file = gate_file(tmp_path)
    file.write_text(
        file.read_text(encoding="utf-8").replace("port = 8080", f"port = {port}"), encoding="utf-8"
    )
    daemon = asyncio.create_task(edge.daemon.run(load(file)))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:

        async def says(right: Callable[[str], bool]) -> None:
            async with asyncio.timeout(20):
                while not right(await cause(http)):
                    assert not daemon.done(), daemon
                    await asyncio.sleep(0.02)

        await says(lambda told: "the reader is being opened" in told)
        loaded.set()
        await says(lambda told: DAMAGED in told)
        files.error = None
        await says(lambda told: bool(told) and "plates are not read" not in told)
    stop.set()
    await daemon
