"""Figures beside their peers, and benchmarks that cannot run."""

import tempfile
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, run_all
from benchmarks.figures import CannotRun, Effort, Figure, Peer, quantile, spread, table
from simulation.errors import PartFailed

PAGE = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def test_the_ratio_is_ours_over_the_peers() -> None:
    assert Figure("write", 3.0, "ms", Peer("bare", 1.5)).ratio == 2
    assert Figure("write", 3.0, "ms").ratio is None


def test_a_quantile_is_one_of_the_measured_values() -> None:
    values = range(1, 101)
    assert (quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1.0)) == (51, 100, 100)
    assert quantile([7.0], 0.99) == 7


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(CannotRun, match="nothing was measured"):
        quantile([], 0.5)


def test_a_spread_is_in_milliseconds_with_its_peer_at_the_same_percentile() -> None:
    median, high = spread("press", [0.001, 0.002, 0.009], ("bare", [0.001, 0.001, 0.003]), last=0.95)
    assert (median.name, median.value, median.peer) == ("press, p50", 2.0, Peer("bare", 1.0))
    assert (high.name, high.value, high.ratio) == ("press, p95", 9.0, 3.0)


def test_the_table_has_a_row_a_figure() -> None:
    rows = table([("store", Figure("append", 0.25, "ms", Peer("bare", 0.125)))]).splitlines()
    assert rows[2:] == ["| store | append | 0.25 ms | bare: 0.125 ms | 2.00 |"]


async def _good(_effort: Effort, _folder: Path) -> list[Figure]:
    return [Figure("good", 1.0, "ms")]


async def _broken(_effort: Effort, _folder: Path) -> list[Figure]:
    raise PartFailed("broker: not found; run scripts/setup")


def test_a_benchmark_that_cannot_run_says_why_and_the_next_one_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rows, failed = run_all({"broken": _broken, "good": _good}, Effort())
    (kept,) = tmp_path.iterdir()
    assert failed == {"broken": f"broker: not found; run scripts/setup (its files are kept in {kept})"}
    assert [name for name, _ in rows] == ["good"]


def test_every_benchmark_stands_on_its_page() -> None:
    assert [name for name in (*BENCHMARKS, "reading") if f"| `{name}` |" not in PAGE] == []
