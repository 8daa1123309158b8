"""The gate's reader beside its peer: what of both is put side by side, and what is said when the peer is not there."""

import sys
from pathlib import Path

import pytest

from benchmarks.figures import CannotRun
from benchmarks.plates import Run, compare, in_turn, pictures, read_by_both

HEAD = "file,plates,lines,kind,country,split\n"


def a_folder(folder: Path) -> Path:
    """Labels of three pictures that are not there, and a score.py that is never called."""
    rows = ["scenes/a.jpg,29C12345,1,truck,VN,test", "scenes/b.jpg,51G79984,1,car,VN,train"]
    rows.append("scenes/c.jpg,桂A12345,1,car,CN,test")
    (folder / "scenes.csv").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "score.py").touch()
    return folder


def a_run(exact: float, tail: float, extra: float, ms: list[float], peak_mb: float) -> Run:
    group = {"exact": exact, "tail": tail, "extra": extra, "plates": 20}
    return Run({"all": group, "VN": group, "CN": group}, "", ms, peak_mb)


def test_each_figure_has_that_of_the_peer_beside_it() -> None:
    ours = a_run(0.9, 0.95, 0.1, [10.0, 30.0, 20.0], 400.0)
    peer = a_run(0.6, 0.8, 0.4, [100.0, 50.0, 80.0], 1200.0)
    found = {one.name: (one.value, one.peer.value if one.peer else None) for one in compare(ours, peer)}
    assert found == {
        "VN: exact, 20 plates": (90, 60),
        "CN: exact, 20 plates": (90, 60),
        "CN: without the province character, 20 plates": (95, 80),
        "reads that no label explains, a picture": (0.1, 0.4),
        "a picture, 3 pictures, p50": (20, 80),
        "a picture, p95": (20, 80),
        "peak memory of the process": (400, 1200),
    }


def test_the_pictures_of_a_split_are_read_in_the_order_of_the_labels(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    assert pictures(folder, "test") == [str(folder / "scenes" / name) for name in ("a.jpg", "c.jpg")]


def test_without_its_environment_the_peer_is_to_be_made_by_a_script(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="make the peer's environment with scripts/peer"):
        read_by_both(a_folder(tmp_path), "test", tmp_path / "python")


ECHO = """
import sys, pathlib
for path in sys.stdin:
    with pathlib.Path(path.strip()).open("a") as turns:
        turns.write({name!r})
    print({name!r}, flush=True)
print("end")
"""


def test_each_picture_is_read_by_all_before_the_next(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", ECHO.format(name=name)] for name in ("ours", "peer")]
    file = tmp_path / "turns"
    lines = in_turn(commands, [str(file), str(file)])
    assert lines == [["ours\n", "ours\n", "end\n"], ["peer\n", "peer\n", "end\n"]]
    assert file.read_text(encoding="utf-8") == "ourspeerourspeer"


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit('no models here')",
        "input(); print(1, flush=True); raise SystemExit('no models here')",
        "import sys; [print(line) for line in sys.stdin]; print(1); raise SystemExit('no models here')",
    ],
    ids=["at once", "after a picture", "at the end"],
)
def test_a_reader_that_ends_early_says_why(program: str) -> None:
    paths = ["a.jpg", "b.jpg"] if "input" in program else []
    with pytest.raises(CannotRun, match="no models here"):
        in_turn([[sys.executable, "-c", program]], paths)
