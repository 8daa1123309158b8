"""The calibration: what is claimed is what comes true, few mistakes give no certainty, and the threshold follows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.calibration import Observed, fitted, report
from benchmarks.fitting import Example, bounds_95, chance_of_hit, expected_calibration_error, fit, reliability
from edge.vision.calibration import UNCALIBRATED, from_toml, shipped, threshold_for

shares = st.floats(0.0, 1.0)


def boasting(n: int, seed: int = 3) -> list[Example]:
    """Reads that claim log-odds twice as high as they deserve."""
    drawing = np.random.default_rng(seed)
    odds = drawing.uniform(0.0, 3.0, n)
    right = drawing.random(n) < 1 / (1 + np.exp(-odds))
    return [Example(1 / (1 + math.exp(-2 * o)), bool(r)) for o, r in zip(odds, right, strict=True)]


def test_boasting_is_found_and_taken_back() -> None:
    told, unseen = fit(boasting(2000)), boasting(2000, seed=4)
    before = [(e.probability, e.right) for e in unseen]
    after = [(told.probability(e.probability), e.right) for e in unseen]
    assert expected_calibration_error(before) > 0.08
    assert expected_calibration_error(after) < 0.03
    assert told.odds == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("n", [1, 10, 1000])
def test_a_set_without_a_mistake_gives_no_certainty(n: int) -> None:
    told = fit([Example(0.9999, True)] * n)
    assert told.probability(1.0) <= (n + 1) / (n + 2)


def test_what_is_parted_cleanly_gives_finite_coefficients() -> None:
    told = fit([Example(0.9, True)] * 20 + [Example(0.2, False)] * 5)
    assert all(math.isfinite(c) and abs(c) < 50 for c in (told.constant, told.odds))
    assert told.probability(0.2) < 0.5 < told.probability(0.9) < 1


def test_many_reads_of_one_picture_are_one_witness() -> None:
    alone = fit([Example(0.99, True, group="a", weight=0.01)] * 100)
    assert alone.most == pytest.approx(2 / 3, abs=1e-4)


def test_nothing_to_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="no examples"):
        fit([])


@given(st.floats(0.001, 0.999))
def test_without_calibration_the_probability_stays_as_it_is(p: float) -> None:
    assert UNCALIBRATED.probability(p) == pytest.approx(p)


@given(shares, shares)
def test_the_shipped_calibration_keeps_the_order_and_stays_a_probability(one: float, other: float) -> None:
    low, high = (shipped().probability(p) for p in sorted((one, other)))
    assert 0 <= low <= high <= shipped().most < 1


def test_coefficients_are_read_by_name() -> None:
    told = from_toml("[coefficients]\nmost = 0.99\nodds = 2\nconstant = -1\n")
    assert (told.constant, told.odds, told.most) == (-1.0, 2.0, 0.99)
    with pytest.raises(KeyError):
        from_toml("[coefficients]\nodds = 2\n")


def test_the_table_counts_claims_beside_what_came_true() -> None:
    table = reliability([(0.6, True), (0.7, False), (1.0, True), (0.99, True)])
    assert [(b.n, b.right) for b in table] == [(2, 0.5), (2, 1.0)]
    assert table[0].claimed == pytest.approx(0.65)
    assert table[1].low < 0.5 < table[1].high == 1.0


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ([], 0.0),
        ([(1.0, False)], 1.0),
        ([(0.5, True), (0.5, False)], 0.0),
        ([(0.9, True), (0.3, False)], 0.2),
    ],
)
def test_the_expected_calibration_error(claims: list[tuple[float, bool]], error: float) -> None:
    assert expected_calibration_error(claims) == pytest.approx(error)


def test_reads_of_one_picture_widen_the_bounds() -> None:
    claims = [(0.9, at % 3 > 0) for at in range(60)]
    apart = [[claim] for claim in claims]
    together = [[claim] * 10 for claim in claims[:6]]
    widths = [
        high - low for low, high in (bounds_95(g, expected_calibration_error) for g in (apart, together))
    ]
    assert widths[0] < widths[1]


@pytest.mark.parametrize(
    ("rate", "chance", "threshold"),
    [(1e-4, 1.0, 0.9999), (1e-4, 0.01, 0.99), (1e-4, 1e-5, 0.0), (1e-4, 0.0, 0.0), (0.0, 0.5, 1.0)],
)
def test_the_threshold_follows_from_the_rate(rate: float, chance: float, threshold: float) -> None:
    assert threshold_for(rate, chance) == pytest.approx(threshold)


def test_a_plate_alone_cannot_be_hit_and_twins_are() -> None:
    assert chance_of_hit([]) == 0
    assert chance_of_hit(["29C12345"]) == 0
    near = chance_of_hit(["29C12345", "29C72345"])
    assert 0 < near < 1
    assert near > chance_of_hit(["29C12345", "29C72345", "98H66666"])


def test_the_chance_is_the_share_of_neighbours_that_are_active() -> None:
    active = ["29C11111", "29C11112"]
    assert chance_of_hit(active, lambda one: [one[:-1] + d for d in "0123"]) == pytest.approx(
        (1 / 3 + 1 / 3) / 2
    )


def observed(picture: str, raw: float, right: bool | None, split: str = "train") -> Observed:
    return Observed("photograph, passage", split, picture, 1, 6, True, raw, 0.0, 3, 6, "29C12345", right)


def test_the_split_for_reporting_is_never_fitted() -> None:
    with pytest.raises(SystemExit, match="test"):
        fitted([observed("a", 0.9, True), observed("b", 0.9, True, split="test")], "2026-11-25")


def test_the_written_coefficients_are_those_fitted_and_unexplained_reads_are_left_out() -> None:
    seen = [observed(str(n), 0.99, True) for n in range(30)] + [
        observed(f"w{n}", 0.6, False) for n in range(5)
    ]
    text = fitted([*seen, observed("u", 0.99, None)], "2026-11-25")
    told = from_toml(text)
    assert told.probability(0.6) < 0.5 < told.probability(0.99) <= told.most == 31 / 32
    assert "35 photographs, 5 with a wrong read" in text


def test_the_report_counts_what_it_leaves_out() -> None:
    text = report([observed("a", 0.99, True), observed("b", 0.3, False), observed("c", 0.9, None)])
    assert "2 reads in 2 pictures, 1 reads that no label explains" in text
