"""`barie-edge read --explain`: what is told is what the vote did, and every rejected place has its reason."""

import json
from pathlib import Path
from typing import Any

import cv2
import pytest
from typer.testing import CliRunner, Result

from edge import cli
from edge.cli import app
from edge.vision.explaining import COVERED, NOT_READ, FrameLog, as_text, look_closely
from edge.vision.port import FoundPlate, look
from edge.vision.sources import Extras, read_sources
from tests.edge.clips import GreyReader, grey, place, write_clip
from tests.edge.looks import corners_at, plate_look

PLATE = plate_look("29C12345")
SIGN = FoundPlate(corners_at(20.0, 20.0), (corners_at(20.0, 20.0),), 0.61)
POORER = plate_look("29C12346", 0.8, x=405.0)
READER = GreyReader({100: [place(POORER, 0.5), (SIGN, None), place(PLATE)], 160: [place(PLATE)]})


def explained(source: Path, reader: GreyReader = READER) -> dict[str, Any]:
    (line,) = read_sources([str(source)], reader, extras=Extras(explain=True))
    assert json.loads(json.dumps(line)) == line
    told: dict[str, Any] = line["explain"]
    return told


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "a.png"), grey(100))
    return tmp_path / "a.png"


def test_the_looks_are_those_of_the_port() -> None:
    assert look_closely(READER, grey(100), 0.0, 1).looks == look(READER, grey(100))


def test_a_rejected_place_has_its_reason(picture: Path) -> None:
    poorer, sign = explained(picture)["rejected"]
    assert (poorer["why"], poorer["text"], poorer["score"]) == (COVERED, "29C12346", 0.5)
    assert (sign["why"], sign["score"]) == (NOT_READ, 0.61)
    assert sign["corners"][0] == [20.0, 20.0]
    assert "text" not in sign


def test_a_look_is_told_whole(picture: Path) -> None:
    (one,) = explained(picture)["looks"]
    assert one == {
        "frame": 1,
        "at_s": 0.0,
        "text": "29C12345",
        "kind": "plate",
        "confidence": PLATE.confidence,
        "lines": 1,
        "country": "VN",
        "ground": "yellow",
        "corners": [[400.0, 300.0], [500.0, 300.0], [500.0, 325.0], [400.0, 325.0]],
        "quality": {"row_height_px": 25.0, "sharpness": 40.0, "tilt_deg": 0.0, "glare": 0.0},
    }


def test_a_single_picture_is_not_final_because_one_look_is_too_few(picture: Path) -> None:
    (read,) = explained(picture)["reads"]
    assert (read["final"], read["why"]) == (False, ["1 of 1 looks agree, 2 are needed"])


def test_too_small_a_probability_is_the_reason_and_the_next_is_named(tmp_path: Path) -> None:
    unsure = plate_look("29C12345", 0.52, other={7: ("6", 0.48)})
    (read,) = explained(write_clip(tmp_path / "c.avi", [100, 100]), GreyReader({100: [place(unsure)]}))[
        "reads"
    ]
    assert (read["final"], read["agreeing"]) == (False, 2)
    (why,) = read["why"]
    probable = f"{read['candidates'][0]['probability']:.4f} probable, 0.9000 is needed"
    assert why == f"{probable}; {read['margin']:.4f} ahead of 29C12346"
    assert read["margin"] == pytest.approx(
        read["candidates"][0]["probability"] - read["candidates"][1]["probability"], abs=1e-4
    )


def test_a_final_read_says_what_it_stands_on(tmp_path: Path) -> None:
    told = explained(write_clip(tmp_path / "c.avi", [100, 160, 160]))
    (read,) = told["reads"]
    assert read["final"]
    assert read["why"][0] == "3 of 3 looks agree"
    assert told["tracks"] == [{"track": 1, "text": "29C12345", "looks": 3, "first_frame": 1, "last_frame": 3}]


def test_votes_are_summed_over_the_looks_weighted_by_their_quality(tmp_path: Path) -> None:
    """Rows of 10 pixels weigh half; a look of another length has no vote; one that lost the province has, on the rest."""
    whole = plate_look("桂F12345", 0.9, other={6: ("6", 0.05)})
    small = plate_look("桂F12345", 0.8, row_height_px=10.0)
    tail = plate_look("F12345", 0.7)
    longer = plate_look("桂F123455", 0.6)
    reader = GreyReader({40: [place(whole)], 100: [place(small)], 160: [place(tail)], 220: [place(longer)]})

    (read,) = explained(write_clip(tmp_path / "c.avi", [40, 100, 160, 220]), reader)["reads"]

    assert read["text"] == "桂F12345"
    assert read["votes"][0] == [{"character": "桂", "weight": pytest.approx(0.9 + 0.5 * 0.8)}]
    assert read["votes"][6] == [
        {"character": "5", "weight": pytest.approx(0.9 + 0.5 * 0.8 + 0.7)},
        {"character": "6", "weight": pytest.approx(0.05)},
    ]
    assert read["looks_of_other_length"] == 1


def test_a_plate_whose_track_was_cut_names_both_tracks_and_all_their_votes(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "c.avi", [160, *[0] * 40, 160])
    told = explained(clip)
    (read,) = told["reads"]
    assert [track["track"] for track in told["tracks"]] == [1, 2]
    assert (read["tracks"], read["looks"]) == ([1, 2], 2)
    assert read["votes"][0][0]["weight"] == pytest.approx(2 * 0.95)


def test_frames_beyond_the_bound_are_counted_only() -> None:
    log = FrameLog(most=2)
    for number in range(5):
        log.add(look_closely(READER, grey(100), number / 10, number))
    assert (log.count, [one.frame for one in log.frames]) == (5, [0, 1])


def test_without_being_asked_the_line_stays_as_it_was(picture: Path) -> None:
    (line,) = read_sources([str(picture)], READER)
    assert set(line) == {"source", "plates", "containers", "ms"}


def test_as_text_names_looks_rejected_places_tracks_votes_and_candidates(picture: Path) -> None:
    text = as_text(explained(picture))
    for part in (
        "look: frame 1 (0.0 s) 29C12345 ",
        f"29C12346 {POORER.confidence:.4f} {COVERED}; score 0.5",
        f"frame 1 {NOT_READ}; score 0.61, rows 1, at [[20.0, 20.0]",
        "track 1: 29C12345, 1 looks, frames 1 to 1",
        "read: 29C12345 not final: 1 of 1 looks agree, 2 are needed",
        "position 1: 2 0.95",
        "candidate: 29C12345 ",
    ):
        assert part in text


# -- the command


@pytest.fixture
def barie(monkeypatch: pytest.MonkeyPatch) -> Any:
    def call(*words: str | Path) -> Result:
        return CliRunner().invoke(app, ["read", *map(str, words)])

    monkeypatch.setattr(cli, "open_reader", lambda _: READER)
    return call


def test_the_command_draws_and_explains_in_its_json(barie: Any, picture: Path, tmp_path: Path) -> None:
    answer = barie(picture, "--json", "--draw", tmp_path / "out", "--explain")
    line = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert set(line) == {"source", "plates", "containers", "ms", "drawn", "explain"}
    assert line["drawn"] == [str(tmp_path / "out" / "a.png.jpg")]
    assert cv2.imread(line["drawn"][0]).shape == (480, 640, 3)


def test_the_command_explains_after_the_line_of_each_source(barie: Any, picture: Path) -> None:
    answer = barie(picture, picture.parent / "gone.png", "--explain")
    lines = answer.stdout.splitlines()
    assert answer.exit_code == 1
    assert lines[0].startswith(f"{picture}: 29C12345 (0.")
    assert lines[1].startswith("  look: ")
    assert "gone.png" in lines[-1]


def test_a_folder_that_cannot_be_written_is_a_wrong_call(barie: Any, picture: Path) -> None:
    answer = barie(picture, "--draw", picture)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.splitlines() == [f"{picture}: drawn pictures cannot be written here: File exists."]
