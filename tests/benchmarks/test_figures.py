"""Figures beside their peers, and benchmarks that cannot run."""

import tempfile
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, ON_PHOTOGRAPHS, on_photographs, run_all
from benchmarks.figures import (
    CannotRun,
    Effort,
    Figure,
    Peer,
    percentiles,
    quantile,
    spread,
    table,
    wilson,
)
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


def test_median_and_95th_percentile_are_those_of_the_score() -> None:
    assert percentiles([30.0, 10.0, 20.0, 40.0]) == (25.0, 30.0)
    with pytest.raises(CannotRun, match="nothing was measured"):
        percentiles([])


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [  # Wilson's score interval without continuity correction, z = 1.96
        (0, 20, 0.0, 0.1611),
        (16, 20, 0.5840, 0.9193),
        (20, 20, 0.8389, 1.0),
        (500, 1000, 0.4691, 0.5309),
    ],
)
def test_bounds_of_a_share(hits: int, of: int, low: float, high: float) -> None:
    assert wilson(hits, of) == pytest.approx((low, high), abs=1e-4)


def test_nothing_counted_has_no_bounds() -> None:
    with pytest.raises(CannotRun, match="nothing was counted"):
        wilson(0, 0)


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


def test_without_its_files_a_benchmark_on_photographs_says_which_is_missing(tmp_path: Path) -> None:
    _, failed = run_all({"plates": on_photographs(tmp_path)["plates"]}, Effort())
    assert f"{tmp_path / 'scenes.csv'}: is not there" in failed["plates"]


def test_every_benchmark_stands_on_its_page() -> None:
    assert [name for name in (*BENCHMARKS, *ON_PHOTOGRAPHS) if f"| `{name}` |" not in PAGE] == []
