"""Does a test fail whenever one field of one procedure file is wrong? `python -m tests.mutating [--sample N]`.

Every mutant (`tests.mutants`) that the checker of procedure files takes is laid beside the other, good files, and the behavioural
tests of procedures run on it until one fails. They are collected once; each mutant has a process of its own, forked from there.
Tests that name the khoản come first, of these the ones last seen to fail. No test here holds a copy of the files.
Exit code 1 when a mutant survives.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import hypothesis
import pytest

from shared.configuration import BadConfiguration, parse
from shared.node.procedure_files import SHIPPED, shipped
from shared.procedure_check import Source, alone, together
from shared.procedures import Procedure
from tests import builders
from tests.mutants import Mutant, as_toml, mutants

ROOT = Path(__file__).parents[1]
TESTS = (
    "test_every_*.py",
    "test_decide.py",
    "test_decide_entry.py",
    "test_decide_exit.py",
    "test_clauses*.py",
    "test_reachable.py",
    "test_streams.py",
)
"""The behavioural tests of procedures. `test_procedures.py` is none: it reads what the files say, not what follows from it."""


@dataclass(frozen=True)
class Outcome:
    """What became of the mutants. `same`: files that mean what they meant, as where a key says what holds without it."""

    made: int
    same: int
    refused: int
    killed: int
    survivors: Sequence[Mutant]
    took_s: float

    def __str__(self) -> str:
        tried = self.killed + len(self.survivors)
        share = f"{100 * self.killed / tried:.1f} %" if tried else "none to try"
        lines = [
            f"{self.made} mutants in {self.took_s:.0f} s; {self.same} of the same meaning left aside",
            f"{self.refused} refused by the checker of procedure files",
            f"{self.killed} of the other {tried} made a behavioural test fail ({share})",
            *(f"survived: {one}" for one in self.survivors),
        ]
        return "\n".join(lines)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutating", description=__doc__)
    parser.add_argument("--sample", type=int, metavar="N", help="only so many, always the same for a number")
    parser.add_argument("--file", metavar="KHOAN", help="only the mutants of one file, as 4.2")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    found = run(asked.sample, asked.file, asked.processes)
    print(found)
    return 1 if found.survivors else 0


def run(sample: int | None = None, file: str | None = None, processes: int = 1) -> Outcome:
    """Makes the mutants and runs the tests on them; on a sample without asking first whether they pass on the good files."""
    began = time.monotonic()
    made = [one for one in all_mutants() if file in (None, khoan(one))]
    if sample is not None:
        made = random.Random(sample).sample(made, min(sample, len(made)))
    sorts = [(one, sort(one)) for one in made]
    to_try = [one for one, how in sorts if how == "differs"]
    with get_context("spawn").Pool(processes) as pool:
        parts = [(to_try[at::processes], sample is None) for at in range(processes)]
        survivors = [one for part in pool.starmap(survivors_of, parts) for one in part]
    return Outcome(
        len(made),
        sum(how == "same" for _, how in sorts),
        sum(how == "refused" for _, how in sorts),
        len(to_try) - len(survivors),
        sorted(survivors, key=str),
        time.monotonic() - began,
    )


def all_mutants() -> list[Mutant]:
    """Every mutant of every shipped file."""
    tables = {
        path.name: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(SHIPPED.glob("*.toml"))
    }
    clauses = [step["clause"] for table in tables.values() for step in table["step"]]
    return [one for file, table in tables.items() for one in mutants(file, table, clauses)]


def khoan(mutant: Mutant) -> str:
    """The khoản that a mutant was made from."""
    return mutant.file.removesuffix(".toml")


def sort(mutant: Mutant) -> str:
    """Whether the checker of procedure files refuses a mutant, and if not, whether it means anything else than the good file."""
    others = [one for one in shipped() if one.name != mutant.file]
    (good,) = (one for one in shipped() if one.name == mutant.file)
    text = as_toml(mutant.table)
    try:
        wrong = Source(mutant.file, parse(text, mutant.file, Procedure), text)
    except BadConfiguration:
        return "refused"
    if wrong.procedure == good.procedure:
        return "same"
    return "refused" if alone([wrong]) or together([*others, wrong]) else "differs"


def survivors_of(some: Sequence[Mutant], good_first: bool) -> list[Mutant]:
    """Those of the mutants on which no test fails; runs pytest in this process."""
    folder = Path(tempfile.mkdtemp(prefix="barie-mutants-"))
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
    builders.PROCEDURES = folder
    hypothesis.settings.register_profile("mutants", database=None, derandomize=True)
    hypothesis.settings.load_profile("mutants")
    files = [str(path) for pattern in TESTS for path in sorted((ROOT / "tests" / "shared").glob(pattern))]
    trial = Trial(folder, some, good_first)
    quiet = ["-q", "--assert=plain", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            ended = pytest.main([*quiet, *files], plugins=[trial])
    finally:
        shutil.rmtree(folder)
    if ended != pytest.ExitCode.OK:
        raise RuntimeError(f"the tests could not be run on mutants: {ended!r}, {trial.trouble}")
    return trial.survivors


@dataclass
class Trial:
    """A pytest plugin that runs the collected tests once a mutant instead of once."""

    folder: Path
    some: Sequence[Mutant]
    good_first: bool
    survivors: list[Mutant] = field(default_factory=list)
    trouble: str = ""
    _failed: bool = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Tries the good files first, where that is asked: no test may fail on them. Then each mutant."""
        if session.testsfailed:
            raise session.Failed("tests could not be collected")
        items = list(session.items)
        failing = self._first_failing(items) if self.good_first else None
        if failing is not None:
            self.trouble = f"{items[failing].nodeid} fails on the shipped files"
            raise session.Failed(self.trouble)
        for mutant in self.some:
            good = (self.folder / mutant.file).read_text(encoding="utf-8")
            (self.folder / mutant.file).write_text(as_toml(mutant.table), encoding="utf-8")
            items.sort(key=lambda item: khoan(mutant) not in item.nodeid)
            failing = self._first_failing(items)
            (self.folder / mutant.file).write_text(good, encoding="utf-8")
            if failing is None:
                self.survivors.append(mutant)
            else:
                items.insert(0, items.pop(failing))
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes that a test failed."""
        self._failed = self._failed or report.failed

    def _first_failing(self, items: Sequence[pytest.Item]) -> int | None:
        """The place of the first test that fails, asked of a process of its own."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            _leave(lambda: os.write(writer, str(self._run(items)).encode()))
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as answer:
            said = answer.read()
        os.waitpid(child, 0)
        if not said:
            raise RuntimeError("the process in which the tests ran on a mutant ended without a word")
        return None if said == "None" else int(said)

    def _run(self, items: Sequence[pytest.Item]) -> int | None:
        builders.procedure.cache_clear()
        for at, item in enumerate(items):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if self._failed:
                return at
        return None


def _leave(act: Callable[[], object]) -> None:
    """Does one thing in a forked process and ends it, whatever comes: nothing of the parent may run twice."""
    try:
        act()
    except BaseException:
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
