"""A gate whose camera is covered works on and says so."""

import asyncio
import contextlib
from pathlib import Path

import numpy as np
import pytest

from edge.capture import Frame
from edge.capture.picture_health import Held, Hour, Phase, PictureHealth, PictureTrouble
from edge.capture.picture_memory import memory_file
from edge.capture.picture_watch import SENTENCES, watch_pictures
from edge.telemetry import status
from shared import protocol
from tests.edge.gate_folder import gate_in
from tests.edge.sights import Watched, hand, view
from tests.edge.world import Clock
from tests.loop import in_loop


def test_a_covered_camera_is_a_note_and_no_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gate_in(tmp_path)
    causes = gate.ready()
    (camera,), (watch,) = gate.working[0].parts.cameras, gate.watches
    clock = gate.working[0].parts.clock
    assert isinstance(clock, Clock)
    rng = np.random.default_rng(1)
    for number in range(1, 40):
        clock.advance(1)
        covered = rng.integers(100, 103, (90, 160, 3)).astype(np.uint8)
        frame = Frame(covered, clock(), number)
        monkeypatch.setattr(camera, "newest", lambda frame=frame: frame)
        watch.look()

    (note,) = gate.notes()
    assert note.startswith(f"lane-1: front: {SENTENCES[PictureTrouble.BLINDED]}; not to be trusted for ")
    assert not any("lens" in cause for cause in gate.ready())
    assert len(gate.ready()) == len(causes)
    gate.store.close()


@in_loop
async def test_a_camera_that_cannot_be_trusted_is_in_the_view_and_in_the_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gate_in(tmp_path)
    held = {**PictureHealth().held, PictureTrouble.MOVED: Held(Phase.TROUBLED)}
    monkeypatch.setattr(
        gate.watches[0], "health", PictureHealth(held, hours=(Hour(0, watched_s=400.0, untrusted_s=100.0),))
    )
    (shown,) = gate.lanes["lane-1"].view().cameras
    (told,) = protocol.decode(protocol.encode(status(gate, tmp_path)), protocol.Status).lanes[0].cameras
    assert (shown.troubles, shown.untrusted_share) == (("moved",), 0.25)
    assert (told.troubles, told.untrusted_share) == (["moved"], 0.25)
    gate.store.close()


def test_screens_are_woken_when_a_trouble_begins_and_not_at_every_look() -> None:
    watched, woken = Watched(), list[int]()

    async def looks(seconds: int) -> None:
        picture = hand(view())

        async def next_second(_seconds: float) -> None:
            watched.shows(picture)
            if watched.number >= seconds:
                raise asyncio.CancelledError

        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(asyncio.CancelledError):
            patch.setattr("edge.capture.picture_watch.asyncio.sleep", next_second)
            await watch_pictures([watched.watch], lambda: woken.append(watched.number))

    asyncio.run(looks(40))
    assert len(woken) == 1
    assert woken[0] > 30


def test_a_gate_keeps_what_it_learned_when_it_ends(tmp_path: Path) -> None:
    gate = gate_in(tmp_path)
    gate.keep_learned()
    gate.store.close()
    assert memory_file(tmp_path / "data", "lane-1", "front").is_file()
