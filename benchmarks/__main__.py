"""Every benchmark in its short form, in a few minutes: `python -m benchmarks [NAME…] [--long] [--plates DIR] [--json FILE]`.

A figure stands beside that of a bare peer wherever there is one, both from the same run on the same machine: read the ratio.
Exit code 0; 1 when a benchmark could not run, and then it says why.
"""

import argparse
import asyncio
import json
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import structlog

from benchmarks import (
    across,
    catching_up,
    deciding,
    frame_to_decision,
    living,
    looking,
    passages,
    plates,
    pressing,
    resting,
    starting,
    storing,
    syncing,
    taking_in,
)
from benchmarks.figures import LONG, CannotRun, Effort, Figure, table
from shared.node.errors import NodeError
from simulation.cameras import CameraFarmError
from simulation.errors import SiteError

Benchmark = Callable[[Effort, Path], Coroutine[Any, Any, list[Figure]]]

BENCHMARKS: Mapping[str, Benchmark] = {
    "store": storing.measure,
    "decide": deciding.measure,
    "sync": syncing.measure,
    "catch-up": catching_up.measure,
    "start": starting.measure,
    "press": pressing.measure,
    "memory": living.measure,
    "looks": looking.measure,
    "rest": resting.measure,
    "across": across.measure,
    "centre": taking_in.measure,
    "frame": frame_to_decision.measure,
}

ON_PHOTOGRAPHS = ("plates", "passages")
"""Those that need a folder of labelled photographs."""


def on_photographs(folder: Path) -> dict[str, Benchmark]:
    """The benchmarks named in ON_PHOTOGRAPHS on a folder."""

    async def both_readers(_effort: Effort, _folder: Path) -> list[Figure]:
        return await plates.measure(folder)

    async def vote(effort: Effort, _folder: Path) -> list[Figure]:
        return await passages.measure(folder, effort.clips)

    return dict(zip(ON_PHOTOGRAPHS, (both_readers, vote), strict=True))


def main() -> int:
    """See the module."""
    asked = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    effort = LONG if asked.long else Effort()
    every = {**BENCHMARKS, **(on_photographs(asked.plates) if asked.plates else {})}
    rows, failed = run_all({name: every[name] for name in asked.names or every}, effort)
    if asked.plates is None and not asked.names:
        _say(f"{', '.join(ON_PHOTOGRAPHS)}: skipped, name a folder of labelled photographs with --plates DIR")
    print(table(rows))
    for name, why in failed.items():
        _say(f"{name} could not run: {why}")
    if asked.json is not None:
        _write(asked.json, rows, failed)
    return 1 if failed else 0


def run_all(
    wanted: Mapping[str, Benchmark], effort: Effort
) -> tuple[list[tuple[str, Figure]], dict[str, str]]:
    """Figures by benchmark, and why those that could not run did not; one that fails does not stop the next."""
    rows: list[tuple[str, Figure]] = []
    failed: dict[str, str] = {}
    for name, benchmark in wanted.items():
        began = time.monotonic()
        try:
            rows += [(name, one) for one in _measure(name, benchmark, effort)]
        except CannotRun as error:
            failed[name] = str(error)
        _say(
            f"{name}: {'could not run' if name in failed else 'done'} after {time.monotonic() - began:.0f} s"
        )
    return rows, failed


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = (*BENCHMARKS, *ON_PHOTOGRAPHS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(known)}")
    parser.add_argument("--long", action="store_true", help="more of everything: about half an hour")
    parser.add_argument(
        "--plates", type=Path, metavar="DIR", help="photographs with scenes.csv, score.py and clips.py"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(known):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if asked.plates is None and (lacking := set(asked.names) & set(ON_PHOTOGRAPHS)):
        parser.error(f"{', '.join(sorted(lacking))}: name a folder of labelled photographs with --plates DIR")
    return asked


def _measure(name: str, benchmark: Benchmark, effort: Effort) -> list[Figure]:
    """Runs one in a folder of its own, which is kept for its logs when it fails; raises CannotRun."""
    folder = Path(tempfile.mkdtemp(prefix=f"barie-bench-{name}-"))
    try:
        figures = asyncio.run(benchmark(effort, folder))
    except (CannotRun, SiteError, CameraFarmError, NodeError, OSError) as error:
        raise CannotRun(f"{error} (its files are kept in {folder})") from error
    shutil.rmtree(folder)
    return figures


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _write(file: Path, rows: list[tuple[str, Figure]], failed: Mapping[str, str]) -> None:
    figures = [{"benchmark": name, **one.for_json()} for name, one in rows]
    content = {"figures": figures, "could_not_run": failed}
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
