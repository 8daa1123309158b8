"""What the technician's commands say of a file that is no good, in one clear line, and that they go on with the rest."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from simulation.plate_drawing import Ground
from simulation.trucks import draw_truck
from tests.scenarios.running import environment

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "config" / "gates" / "ckhn-barrier-2.toml"


def barie_edge(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "edge.cli", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


def test_an_unreadable_picture_is_named_and_the_next_one_is_read(tmp_path: Path) -> None:
    truck = draw_truck("29C12358", "VN", 1, Ground.YELLOW, 3)[:, :, :3]
    (tmp_path / "1-broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (tmp_path / "2-empty.png").write_bytes(b"")
    assert cv2.imwrite(str(tmp_path / "3-good.png"), np.ascontiguousarray(truck))
    done = barie_edge("read", tmp_path, tmp_path / "absent.jpg", "--json")
    broken, empty, good, absent = map(json.loads, done.stdout.splitlines())
    for line, file in ((broken, "1-broken.jpg"), (empty, "2-empty.png"), (absent, "absent.jpg")):
        assert line["source"] == str(tmp_path / file)
        assert line["plates"] == []
        assert file in line["error"]
    assert [plate["text"] for plate in good["plates"]] == ["29C12358"]
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("written", "instead", "key"),
    [
        ('site = "CKHN"', 'cite = "CKHN"', "cite"),
        ('place = "barrier-2"', 'place = "barrier-9"', "lane.0.place"),
        ("open_relay = 1", 'open_relay = "một"', "lane.0.barrier.open_relay"),
        ("[screen]", "[screen", "TOML"),
    ],
)
def test_a_bad_configuration_does_not_run_and_is_told_by_line_and_key(
    tmp_path: Path, written: str, instead: str, key: str
) -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert text.count(written) >= 1
    line = text[: text.index(written)].count("\n") + 1
    file = tmp_path / "gate.toml"
    file.write_text(text.replace(written, instead, 1), encoding="utf-8")
    done = barie_edge("run", file)
    assert done.returncode == 2
    assert any(said.startswith(f"{file}:{line}: {key}: ") for said in done.stderr.splitlines()), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_configuration_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = barie_edge("run", tmp_path / "gate.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert str(tmp_path / "gate.toml") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_that_is_not_there_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    text = text.replace('"../procedures"', f'"{ROOT / "config" / "procedures"}"')
    (tmp_path / "gate.toml").write_text(text.replace("/etc/barie/node.key", "node.key"), encoding="utf-8")
    done = barie_edge("run", tmp_path / "gate.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"barie-edge key {tmp_path / 'node.key'}" in done.stderr
    assert "Traceback" not in done.stderr
