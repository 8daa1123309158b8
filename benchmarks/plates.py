"""Labelled photographs read by the gate's reader and by PP-OCRv4 through its own pipeline, in one run on one machine.

    python -m benchmarks.plates DIR [--split test] [--peer PYTHON]

DIR holds `scenes.csv`, `scenes/` and `score.py`, which alone counts. Each reader runs in a process of its own with two
threads, and they read each picture in turn; a picture's time has its decoding. The peer's environment is made by
scripts/peer and is `.venv-peer` unless told otherwise. A figure is a figure on that folder, not the accuracy at a gate.
"""

import argparse
import asyncio
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import IO, Any

from benchmarks.figures import CannotRun, Figure, Peer, percentiles, table

ROOT = Path(__file__).parent.parent
PEER_PYTHON = ROOT / ".venv-peer" / "bin" / "python"
PEER = "PP-OCRv4's own pipeline"
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


def in_turn(commands: Sequence[Sequence[str]], paths: Sequence[str]) -> list[list[str]]:
    """The lines of each command: one for each path, which all of them get before the next, and a last one.

    A machine that is slow for a while is so for all of them. Raises CannotRun.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with ExitStack() as stack:
        readers = []
        for command in commands:
            log = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            process = subprocess.Popen(
                command, stdin=PIPE, stdout=PIPE, stderr=log, text=True, cwd=ROOT, env=environment
            )
            readers.append(_Reader(process, log))
            stack.callback(readers[-1].end)
        for path in paths:
            for reader in readers:
                reader.read(path)
        return [reader.finish() for reader in readers]


class _Reader:
    """A process that gives a line for each path, and a last one when there are no more."""

    def __init__(self, process: subprocess.Popen[str], log: IO[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._log = process, log
        self._paths, self._answers = process.stdin, process.stdout
        self._lines: list[str] = []

    def read(self, path: str) -> None:
        """Waits for the line of one picture; raises CannotRun."""
        try:
            print(path, file=self._paths, flush=True)
        except BrokenPipeError:
            raise CannotRun(self._last_words()) from None
        self._take()

    def finish(self) -> list[str]:
        """All lines; raises CannotRun when the process does not end well."""
        self._paths.close()
        self._take()
        if self._process.wait():
            raise CannotRun(self._last_words())
        return self._lines

    def end(self) -> None:
        """Ends the process, whatever it is at."""
        self._process.kill()
        with suppress(BrokenPipeError):
            self._paths.close()
        self._answers.close()
        self._process.wait()

    def _take(self) -> None:
        line = self._answers.readline()
        if not line:
            raise CannotRun(self._last_words())
        self._lines.append(line)

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        return f"{self._process.args!r} ended: {self._log.read().strip()[-300:]}"


def run_of(lines: Sequence[str], folder: Path, split: str) -> Run:
    """What the lines of a reader come to; raises CannotRun."""
    *of_pictures, last = lines
    with tempfile.TemporaryDirectory() as kept:
        reads = Path(kept) / "reads.jsonl"
        reads.write_text("".join(of_pictures), encoding="utf-8")
        words = scored(folder, reads, split)
        score: dict[str, Any] = json.loads(scored(folder, reads, split, "--json"))
    ms = [line["ms"] for line in map(json.loads, of_pictures) if "ms" in line]
    return Run(score, words, ms, json.loads(last)["peak_mb"])


def scored(folder: Path, reads: Path, split: str, *more: str) -> str:
    """What score.py says of reads; raises CannotRun."""
    command = [sys.executable, str(folder / "score.py"), str(folder / "scenes.csv"), str(reads)]
    done = subprocess.run([*command, "--split", split, *more], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"score.py: {done.stderr.strip()[-300:]}")
    return done.stdout


def read_by_both(folder: Path, split: str, peer: Path) -> tuple[Run, Run]:
    """What ours and what the peer gave, picture by picture in turn; raises CannotRun."""
    folder = folder.resolve()
    for file in (folder / "scenes.csv", folder / "score.py"):
        if not file.is_file():
            raise CannotRun(f"{file}: is not there")
    if not peer.is_file():
        raise CannotRun(f"{peer}: no such Python; make the peer's environment with scripts/peer")
    programs = ((sys.executable, "benchmarks.plates_ours"), (str(peer), "benchmarks.plates_peer"))
    commands = [[python, "-m", module] for python, module in programs]
    ours, peers = in_turn(commands, pictures(folder, split))
    return run_of(ours, folder, split), run_of(peers, folder, split)


async def measure(folder: Path) -> list[Figure]:
    """The figures of both on the split kept for reporting; raises CannotRun."""
    return compare(*await asyncio.to_thread(read_by_both, folder, "test", PEER_PYTHON))


def compare(ours: Run, peer: Run) -> list[Figure]:
    """The figures of both, side by side."""
    shares = [
        Figure(
            f"{group}: {words}, {ours.score[group]['plates']} plates",
            100 * ours.score[group][code],
            "%",
            Peer(PEER, 100 * peer.score[group][code]),
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
            Peer(PEER, peer.score["all"]["extra"]),
        ),
        Figure(f"a picture, {len(ours.ms)} pictures, p50", median, "ms", Peer(PEER, peers_median)),
        Figure("a picture, p95", p95, "ms", Peer(PEER, peers_p95)),
        Figure("peak memory of the process", ours.peak_mb, "MB", Peer(PEER, peer.peak_mb)),
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
    try:
        ours, peer = read_by_both(asked.folder, asked.split, asked.peer)
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 1
    for name, one in ((PEER, peer), ("ours", ours)):
        print(f"# {name}, split {asked.split}\n{one.words}")
    print(table([("plates", figure) for figure in compare(ours, peer)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
