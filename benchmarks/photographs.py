"""Plates read in labelled photographs, counted by the folder's own score.py: not the accuracy at a gate."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.figures import CannotRun, Figure
from benchmarks.reading import percentiles, read_folder

SPLIT = "test"
SHARES = (
    ("VN", "exact", "plates read exactly"),
    ("CN", "exact", "plates read exactly"),
    ("CN", "tail", "the same without the province character"),
)
"""Group and figure of score.py, and its name here."""


async def measure(plates: Path, folder: Path) -> list[Figure]:
    """Reads the split kept for reporting with the gate's reader; `folder` takes the reads."""
    lines = await asyncio.to_thread(lambda: list(read_folder(plates, SPLIT)))
    reads = folder / "reads.jsonl"
    reads.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    score = await asyncio.to_thread(_score, plates, reads)
    median_ms, p95_ms = percentiles([line["ms"] for line in lines if "ms" in line])
    return [
        Figure(f"a picture with decoding, {len(lines)} pictures, p50", median_ms, "ms"),
        Figure("a picture with decoding, p95", p95_ms, "ms"),
        *(
            Figure(f"{group}: {words}", 100 * score[group][code], "%")
            for group, code, words in SHARES
            if group in score
        ),
        Figure("reads that no label explains, a picture", score["all"]["extra"], "reads"),
    ]


def _score(plates: Path, reads: Path) -> dict[str, Any]:
    files = [str(plates / "score.py"), str(plates / "scenes.csv"), str(reads)]
    command = [sys.executable, *files, "--split", SPLIT, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"score.py: {done.stderr.strip()[-300:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
