"""A procedure file with one field wrong is refused, or makes a behavioural test fail (`tests.mutating`)."""

import os
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from shared.node.procedure_files import SHIPPED
from tests.mutants import Mutant, as_toml
from tests.mutating import all_mutants, khoan, run

ROOT = Path(__file__).parents[2]
FILES = sorted(SHIPPED.glob("*.toml"), key=lambda path: path.stem)


@cache
def made() -> list[Mutant]:
    return all_mutants()


def fields(path: Path) -> set[str]:
    """The names of all keys of a file, as they stand at the start of its lines."""
    lines = (
        line.partition("=")[0].strip()
        for line in path.read_text(encoding="utf-8").splitlines()
        if "=" in line
    )
    return {name.strip('"') for name in lines if not name.startswith("#")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_every_field_of_every_file_is_made_wrong(path: Path) -> None:
    keys = [one.key for one in made() if khoan(one) == path.stem]
    missed = {name for name in fields(path) if not any(key.split(" ")[-1].endswith(name) for key in keys)}
    assert missed == set()


def test_each_mutant_is_another_file_and_is_written_as_it_is_meant() -> None:
    assert len({(one.file, as_toml(one.table)) for one in made()}) == len(made()) > 3000
    for one in made()[::97]:
        assert (
            tomllib.loads(as_toml(one.table))
            == one.table
            != tomllib.loads((SHIPPED / one.file).read_text("utf-8"))
        )


def test_none_of_a_sample_survives() -> None:
    """The same sixty in every run; all of them are `scripts/long`'s."""
    asked = [sys.executable, "-m", "tests.mutating", "--sample", "60"]
    ended = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.long
def test_none_survives(capsys: pytest.CaptureFixture[str]) -> None:
    found = run(processes=os.cpu_count() or 1)
    with capsys.disabled():
        print(f"\n{found}")
    assert not found.survivors
