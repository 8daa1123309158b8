"""How long to wait before trying again: longer each time, never in step with others."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True)
class Backoff:
    """Waiting times in seconds, without end: `first_s`, doubled each time, at most `most_s`.

    Each is shortened by a random share of up to `jitter` (0 to 1), so that many who lost the same peer do not come back
    together. `rng` is passed in so that tests know the times. Iterate anew after a success.
    """

    first_s: float
    most_s: float
    jitter: float = 0.5
    rng: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.most_s:
            raise ValueError(f"Backoff needs 0 < first_s <= most_s, not {self.first_s} and {self.most_s}.")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"Backoff needs a jitter from 0 to 1, not {self.jitter}.")

    def __iter__(self) -> Iterator[float]:
        wait_s = self.first_s
        while True:
            yield wait_s * (1 - self.jitter * self.rng.random())
            wait_s = min(self.most_s, 2 * wait_s)
