"""Fits the calibration of the vote and judges it: reliability, calibration error, the chance that a wrong read hits. Pure."""

import itertools
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import wilson
from edge.vision.calibration import Calibration, log_odds
from shared.plates import classify, key, one_confusion_of

_NEWTON_STEPS = 25
_RIDGE = 0.01
BIN_EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0)
"""Finer where reads are acted on."""


@dataclass(frozen=True)
class Example:
    """The vote's own `probability` of a text, and whether it was right.

    Examples of one `group` (a picture) are no independent witnesses; `weight` says how much one counts.
    """

    probability: float
    right: bool
    group: str = ""
    weight: float = 1.0


@dataclass(frozen=True)
class Bin:
    """Reads whose claimed probability lies in one range: `n`, the mean claim, the share that was right and its 95 %
    bounds by Wilson, as if the reads were independent."""

    n: int
    claimed: float
    right: float
    low: float
    high: float


def fit(examples: Sequence[Example]) -> Calibration:
    """The calibration by Newton's method. Raises ValueError without examples.

    Platt's targets, (n + 1) / (n + 2) in place of 1 and 1 / (n + 2) in place of 0, and a small ridge: a set with no
    mistake gives no certainty. n counts groups, not reads.
    """
    if not examples:
        raise ValueError("no examples to fit")
    right, wrong = _groups(examples, right=True), _groups(examples, right=False)
    high, low = (right + 1) / (right + 2), 1 / (wrong + 2)
    x = np.array([(1.0, log_odds(e.probability)) for e in examples])
    target = np.array([high if e.right else low for e in examples])
    weight = np.array([e.weight for e in examples])
    w = np.zeros(2)
    ridge = np.diag([1e-9, _RIDGE])
    for _ in range(_NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        gradient = x.T @ (weight * (target - p)) - ridge @ w
        curvature = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge
        w = w + _bounded(np.linalg.solve(curvature, gradient))
    return Calibration(round(float(w[0]), 4), round(float(w[1]), 4), most=math.floor(high * 1e5) / 1e5)


def reliability(claims: Sequence[tuple[float, bool]], edges: Sequence[float] = BIN_EDGES) -> tuple[Bin, ...]:
    """Claimed probabilities beside what was right, in bins between `edges`, empty ones left out."""
    bins = []
    for low, high in itertools.pairwise(edges):
        inside = [(p, right) for p, right in claims if low <= p < high or (p == high == edges[-1])]
        if inside:
            n, hits = len(inside), sum(right for _, right in inside)
            bins.append(Bin(n, sum(p for p, _ in inside) / n, hits / n, *wilson(hits, n)))
    return tuple(bins)


def expected_calibration_error(
    claims: Sequence[tuple[float, bool]], edges: Sequence[float] = BIN_EDGES
) -> float:
    """Mean distance between claim and share over the bins, weighted by their reads; 0 without any."""
    return sum(b.n * abs(b.claimed - b.right) for b in reliability(claims, edges)) / max(1, len(claims))


def bounds_95(
    groups: Sequence[Sequence[tuple[float, bool]]],
    figure: Callable[[Sequence[tuple[float, bool]]], float],
    draws: int = 500,
    seed: int = 1,
) -> tuple[float, float]:
    """95 % bounds of a figure by drawing whole groups (pictures) anew, with a fixed seed."""
    drawing = np.random.default_rng(seed)
    found = [
        figure([claim for at in drawing.integers(0, len(groups), len(groups)) for claim in groups[at]])
        for _ in range(draws)
    ]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def chance_of_hit(
    active: Collection[str], neighbours: Callable[[str], Collection[str]] = one_confusion_of
) -> float:
    """The chance that a wrong read of an active plate is exactly another active plate.

    Assumes that the vehicle read is itself active, that a wrong read is one of the plate's `neighbours` that follows a
    grammar, and that each is as likely. Plates are compared without their province, as matching does. For plates drawn
    evenly it comes to A / (plates that the series in use can form); fleets numbered in a row lie nearer to one another.
    """
    keys = {key(text) for text in active}
    near = [[n for n in neighbours(one) if classify(n) is not None and n != one] for one in sorted(keys)]
    return sum(sum(n in keys for n in each) / len(each) for each in near if each) / max(1, len(keys))


def _groups(examples: Sequence[Example], *, right: bool) -> int:
    """Groups with an example of this outcome; an example without a group is one of its own."""
    named = [e.group for e in examples if e.right is right]
    return len(set(named) - {""}) + named.count("")


def _bounded(step: NDArray[np.float64]) -> NDArray[np.float64]:
    """A Newton step no longer than 2, so that a nearly separable set does not leap."""
    length = float(np.linalg.norm(step))
    return step if length <= 2 else step * (2 / length)
