"""Labelled photographs read by the gate's reader and by PP-OCRv4 through its own pipeline, in one run on one machine.

    python -m benchmarks.plates DIR [--split test] [--peer PYTHON]

DIR holds `scenes.csv`, `scenes/` and `score.py`, which alone counts. Each reader runs in a process of its own with two
threads; a picture's time has its decoding. The peer's environment is made by scripts/peer and is `.venv-peer` unless told
otherwise. A figure is a figure on that folder, not the accuracy at a gate.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import CannotRun, Figure, Peer, table
from benchmarks.reading import percentiles

ROOT = Path(__file__).parent.parent
PEER_PYTHON = ROOT / ".venv-peer" / "bin" / "python"
GROUPS = ("VN", "VN 2-line", "CN", "CN yellow/truck", "CN trailer 挂")


@dataclass(frozen=True)
class Run:
    """What one reader gave: its lines, what score.py counts in them, and its peak memory in MB (1e6 bytes)."""

    score: dict[str, Any]
    words: str
    ms: list[float]
    peak_mb: float


def pictures(folder: Path, split: str) -> list[str]:
    """The pictures of a split, in the order of `scenes.csv`."""
    with (folder / "scenes.csv").open(encoding="utf-8") as labels:
        return [str(folder / row["file"]) for row in csv.DictReader(labels) if row["split"] == split]


def run(python: Path, module: str, folder: Path, split: str) -> Run:
    """Reads a split with `module` run by `python`; raises CannotRun."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = "\n".join(pictures(folder, split))
    command = [str(python), "-m", module]
    done = subprocess.run(
        command, input=told, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    if done.returncode:
        raise CannotRun(f"{module}: {done.stderr.strip()[-300:]}")
    *lines, last = done.stdout.splitlines()
    with tempfile.TemporaryDirectory() as kept:
        reads = Path(kept) / "reads.jsonl"
        reads.write_text("\n".join(lines) + "\n", encoding="utf-8")
        words = scored(folder, reads, split)
        score: dict[str, Any] = json.loads(scored(folder, reads, split, "--json"))
    ms = [line["ms"] for line in map(json.loads, lines) if "ms" in line]
    return Run(score, words, ms, json.loads(last)["peak_mb"])


def scored(folder: Path, reads: Path, split: str, *more: str) -> str:
    """What score.py says of reads; raises CannotRun."""
    command = [sys.executable, str(folder / "score.py"), str(folder / "scenes.csv"), str(reads)]
    done = subprocess.run([*command, "--split", split, *more], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"score.py: {done.stderr.strip()[-300:]}")
    return done.stdout


def compare(ours: Run, peer: Run) -> list[Figure]:
    """The figures of both, side by side."""
    name = "PP-OCRv4's own pipeline"
    shares = [
        Figure(
            f"{group}: {words}, {ours.score[group]['plates']} plates",
            100 * ours.score[group][code],
            "%",
            Peer(name, 100 * peer.score[group][code]),
        )
        for group in GROUPS
        if group in ours.score
        for code, words in (("exact", "exact"), ("tail", "without the province character"))
        if code == "exact" or group.startswith("CN")
    ]
    (median, p95), (peers_median, peers_p95) = percentiles(ours.ms), percentiles(peer.ms)
    return [
        *shares,
        Figure(
            "reads that no label explains, a picture",
            ours.score["all"]["extra"],
            "reads",
            Peer(name, peer.score["all"]["extra"]),
        ),
        Figure(f"a picture, {len(ours.ms)} pictures, p50", median, "ms", Peer(name, peers_median)),
        Figure("a picture, p95", p95, "ms", Peer(name, peers_p95)),
        Figure("peak memory of the process", ours.peak_mb, "MB", Peer(name, peer.peak_mb)),
    ]


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", default="test", choices=["test", "validate", "train"])
    parser.add_argument("--peer", type=Path, default=PEER_PYTHON, metavar="PYTHON")
    asked = parser.parse_args()
    if not asked.peer.is_file():
        print(f"{asked.peer}: no such Python; make the peer's environment with scripts/peer", file=sys.stderr)
        return 2
    try:
        peer = run(asked.peer, "benchmarks.plates_peer", asked.folder, asked.split)
        ours = run(Path(sys.executable), "benchmarks.plates_ours", asked.folder, asked.split)
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 1
    for name, one in (("PP-OCRv4's own pipeline", peer), ("ours", ours)):
        print(f"# {name}, split {asked.split}\n{one.words}")
    print(table([("plates", figure) for figure in compare(ours, peer)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
