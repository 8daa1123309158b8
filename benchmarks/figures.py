"""What a benchmark gives: figures, each with its unit and, where there is one, a peer measured in the same run."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


class CannotRun(Exception):
    """A benchmark cannot run here; the text says what is missing and what to do."""


@dataclass(frozen=True)
class Peer:
    """A bare tool that did the same work in the same run; its value has the unit of the figure beside it."""

    name: str
    value: float


@dataclass(frozen=True)
class Figure:
    """One measured value. `name` says what, over how many, and which percentile."""

    name: str
    value: float
    unit: str
    peer: Peer | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's; None without a peer."""
        return None if self.peer is None or not self.peer.value else self.value / self.peer.value

    def for_json(self) -> dict[str, Any]:
        """The figure as JSON value."""
        return {**asdict(self), "ratio": self.ratio}


@dataclass(frozen=True)
class Effort:
    """How much each benchmark does. The short form takes a few minutes in all."""

    trucks: int = 10
    presses: int = 200
    starts: int = 3
    memory_s: float = 60.0
    camera_s: float = 10.0
    wakes: int = 20
    vehicles: int = 10_000
    facts: int = 100_000
    decisions: int = 1_000
    sync_facts: int = 3_000
    declarations: int = 20_000
    history: int = 20_000
    away: int = 20_000
    central_facts: int = 8_000
    presses_across: int = 150
    appends: int = 1_000
    clips: int = 100
    looks: int = 600


LONG = Effort(
    trucks=60,
    presses=2_000,
    starts=10,
    memory_s=900.0,
    camera_s=60.0,
    wakes=100,
    vehicles=100_000,
    facts=1_000_000,
    decisions=10_000,
    sync_facts=30_000,
    history=100_000,
    away=700_000,
    central_facts=80_000,
    presses_across=1_000,
    appends=20_000,
    clips=1_000,
    looks=20_000,
)


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; raises CannotRun when there are none."""
    ordered = sorted(values)
    if not ordered:
        raise CannotRun("nothing was measured; see its logs")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile, as score.py of the labelled photographs takes them."""
    ordered = sorted(values)
    if not ordered:
        raise CannotRun("nothing was measured; see its logs")
    return statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Bounds (0 to 1) that hold the true share with 95 %, by Wilson's score; raises CannotRun when nothing was counted."""
    if not of:
        raise CannotRun("nothing was counted; see its logs")
    z = 1.959964
    share, spare = hits / of, z * z / of
    middle = (share + spare / 2) / (1 + spare)
    half = z / (1 + spare) * math.sqrt(share * (1 - share) / of + spare / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def spread(
    name: str,
    values_s: Sequence[float],
    peer: tuple[str, Sequence[float]] | None = None,
    *,
    last: float = 0.99,
) -> list[Figure]:
    """Median and a high percentile of durations in seconds, as two figures in milliseconds."""
    shares = ((statistics.median, "p50"), (lambda values: quantile(values, last), f"p{last * 100:.0f}"))
    return [
        Figure(
            f"{name}, {label}",
            1000 * take(values_s),
            "ms",
            Peer(peer[0], 1000 * take(peer[1])) if peer else None,
        )
        for take, label in shares
    ]


def status_mb(pid: int, name: str) -> float:
    """A field of a process's status in MB (1e6 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{name}:"))


def table(rows: Sequence[tuple[str, Figure]]) -> str:
    """Figures by benchmark as a table in Markdown."""
    lines = ["| benchmark | figure | value | peer in the same run | ratio |", "|---|---|---:|---|---:|"]
    for benchmark, one in rows:
        peer = f"{one.peer.name}: {_number(one.peer.value)} {one.unit}" if one.peer else ""
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        lines.append(f"| {benchmark} | {one.name} | {_number(one.value)} {one.unit} | {peer} | {ratio} |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
