"""How far the vote may be believed: its probability brought to the share of reads that were right.

Pure. The coefficients in calibration.toml are fitted by `python -m benchmarks.calibration` to labelled passages.
"""

import itertools
import math
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.plates import classify, key, one_confusion_of

_LEAST = 1e-4  # the vote keeps this for what nobody named, so it says nothing beyond
_Z_95 = 1.96
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
class Calibration:
    """Logistic in the log-odds of the vote (Platt).

    `most` is the highest probability that the fitted examples can carry: with n without a mistake it is (n + 1) / (n + 2).
    """

    constant: float
    odds: float
    most: float

    def probability(self, probability: float) -> float:
        """Probability, from 0 to `most`, that a text is right to which the vote gives `probability`."""
        return min(self.most, 1 / (1 + math.exp(-self.constant - self.odds * _log_odds(probability))))


UNCALIBRATED = Calibration(constant=0.0, odds=1.0, most=1.0)
"""Leaves the vote's probability as it is, within a ten-thousandth of 0 and 1."""


@dataclass(frozen=True)
class Bin:
    """Reads whose claimed probability lies in one range: `n`, the mean claim, the share that was right and its 95 %
    bounds by Wilson, as if the reads were independent."""

    n: int
    claimed: float
    right: float
    low: float
    high: float


@cache
def shipped() -> Calibration:
    """The calibration that comes with the program."""
    return from_toml(files("edge.vision").joinpath("calibration.toml").read_text(encoding="utf-8"))


def from_toml(text: str) -> Calibration:
    """Coefficients out of the table `coefficients`; raises KeyError or tomllib.TOMLDecodeError."""
    table: Mapping[str, Any] = tomllib.loads(text)["coefficients"]
    return Calibration(float(table["constant"]), float(table["odds"]), float(table["most"]))


def fit(examples: Sequence[Example]) -> Calibration:
    """The calibration by Newton's method. Raises ValueError without examples.

    Platt's targets, (n + 1) / (n + 2) in place of 1 and 1 / (n + 2) in place of 0, and a small ridge: a set with no
    mistake gives no certainty. n counts groups, not reads.
    """
    if not examples:
        raise ValueError("no examples to fit")
    right, wrong = _groups(examples, right=True), _groups(examples, right=False)
    high, low = (right + 1) / (right + 2), 1 / (wrong + 2)
    x = np.array([(1.0, _log_odds(e.probability)) for e in examples])
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


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % bounds of a share, by Wilson's score interval; 0 to 1 when n is 0."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = hits / n, _Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def threshold_for(wrong_matches: float, chance_of_hit: float) -> float:
    """The least calibrated probability to act on so that at most `wrong_matches` (a rate a vehicle) match wrongly.

    A wrong read opens nothing by itself: it must be exactly another active vehicle's plate. A read at probability p is
    wrong with 1 - p, hence (1 - p) · chance_of_hit <= wrong_matches. This bounds the worst read that is acted on; the
    mean of all is lower. With `chance_of_hit` 1 (the other vehicle is always declared) it is 1 - wrong_matches.
    """
    return max(0.0, 1 - wrong_matches / chance_of_hit) if chance_of_hit > 0 else 0.0


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


def _log_odds(probability: float) -> float:
    p = min(1 - _LEAST, max(_LEAST, probability))
    return math.log(p / (1 - p))


def _groups(examples: Sequence[Example], *, right: bool) -> int:
    """Groups with an example of this outcome; an example without a group is one of its own."""
    named = [e.group for e in examples if e.right is right]
    return len(set(named) - {""}) + named.count("")


def _bounded(step: NDArray[np.float64]) -> NDArray[np.float64]:
    """A Newton step no longer than 2, so that a nearly separable set does not leap."""
    length = float(np.linalg.norm(step))
    return step if length <= 2 else step * (2 / length)
