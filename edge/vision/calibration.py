"""How far the vote may be believed: its probability brought to the share of reads that were right.

Pure. The coefficients in calibration.toml are fitted by `python -m benchmarks.calibration` to labelled passages.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_LEAST = 1e-4  # the vote keeps this for what nobody named, so it says nothing beyond


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
        return min(self.most, 1 / (1 + math.exp(-self.constant - self.odds * log_odds(probability))))


UNCALIBRATED = Calibration(constant=0.0, odds=1.0, most=1.0)
"""Leaves the vote's probability as it is, within a ten-thousandth of 0 and 1."""


@cache
def shipped() -> Calibration:
    """The calibration that comes with the program."""
    return from_toml(files("edge.vision").joinpath("calibration.toml").read_text(encoding="utf-8"))


def from_toml(text: str) -> Calibration:
    """Coefficients out of the table `coefficients`; raises KeyError or tomllib.TOMLDecodeError."""
    table: Mapping[str, Any] = tomllib.loads(text)["coefficients"]
    return Calibration(float(table["constant"]), float(table["odds"]), float(table["most"]))


def threshold_for(wrong_matches: float, chance_of_hit: float) -> float:
    """The least calibrated probability to act on so that at most `wrong_matches` (a rate a vehicle) match wrongly.

    A wrong read opens nothing by itself: it must be exactly another active vehicle's plate. A read at probability p is
    wrong with 1 - p, hence (1 - p) · chance_of_hit <= wrong_matches. This bounds the worst read that is acted on; the
    mean of all is lower. With `chance_of_hit` 1 (the other vehicle is always declared) it is 1 - wrong_matches.
    """
    return max(0.0, 1 - wrong_matches / chance_of_hit) if chance_of_hit > 0 else 0.0


def log_odds(probability: float) -> float:
    """Log-odds, within a ten-thousandth of 0 and 1."""
    p = min(1 - _LEAST, max(_LEAST, probability))
    return math.log(p / (1 - p))
