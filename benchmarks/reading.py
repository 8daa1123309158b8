"""Reads labelled photographs with the reader of the gate and counts with the folder's own score.py.

    python -m benchmarks.reading DIR [--split test] [--out reads.jsonl]

DIR holds `scenes.csv`, `scenes/` and `score.py`. A figure is a figure on that folder, not the accuracy at a gate.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.vision.ppocr import PpOcrReader
from edge.vision.sources import read_sources


def read_folder(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    """The JSON line of each picture of a split, in the order of `scenes.csv`."""
    with (folder / "scenes.csv").open(encoding="utf-8") as labels:
        pictures = [str(folder / row["file"]) for row in csv.DictReader(labels) if row["split"] == split]
    yield from read_sources(pictures, PpOcrReader())


def percentiles(values: list[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    ordered = sorted(values)
    return statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))]


def main() -> None:
    """Writes the reads, prints the score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", default="test", choices=["test", "validate", "train"])
    parser.add_argument("--out", type=Path, default=Path("reads.jsonl"))
    asked = parser.parse_args()
    lines = list(read_folder(asked.folder, asked.split))
    asked.out.write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8"
    )
    median_ms, p95_ms = percentiles([line["ms"] for line in lines if "ms" in line])
    print(
        f"{len(lines)} pictures, split {asked.split}: median {median_ms:.0f} ms, p95 {p95_ms:.0f} ms with decoding"
    )
    score = [sys.executable, asked.folder / "score.py", asked.folder / "scenes.csv", asked.out]
    subprocess.run([*score, "--split", asked.split], check=True)


if __name__ == "__main__":
    main()
