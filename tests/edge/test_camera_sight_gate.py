"""A gate whose camera is covered works on and says so."""

from pathlib import Path

import numpy as np
import pytest

from edge.capture import Frame
from edge.capture.picture_health import PictureTrouble
from edge.capture.picture_memory import memory_file
from edge.capture.picture_watch import SENTENCES
from tests.edge.gate_folder import gate_in
from tests.edge.world import Clock


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


def test_a_gate_keeps_what_it_learned_when_it_ends(tmp_path: Path) -> None:
    gate = gate_in(tmp_path)
    gate.keep_learned()
    gate.store.close()
    assert memory_file(tmp_path / "data", "lane-1", "front").is_file()
