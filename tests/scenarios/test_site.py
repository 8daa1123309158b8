"""The whole site through its command, as anybody starts it: what it promises in its report, and what it leaves behind."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.running import children, environment, needs_site, still_there, wait_for

pytestmark = [needs_site, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
MINUTES = 2
DRAIN_S = 25  # how long a machine takes to start is a benchmark's
PLACES = {"barrier-1", "barrier-2", "yard-in", "yard-out"}
PARTS = 7  # broker, centre, cameras and four gates


@dataclass
class Demo:
    """A running `barie-site demo`; `below`: every process it was seen to have."""

    process: "subprocess.Popen[str]"
    directory: Path
    below: dict[int, str]

    def up(self) -> bool:
        """True when all is ready; remembers the processes on the way."""
        self.below |= children(self.process.pid)
        assert self.process.poll() is None, self.process.communicate()
        return (self.directory / "run.json").exists()


@contextmanager
def demo(directory: Path, *options: str) -> Iterator[Demo]:
    """`barie-site demo`, ready; killed at the end of the block if it still runs."""
    command = [sys.executable, "-m", "simulation.cli", "demo", "--headless", "--directory", str(directory)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*command, *options], cwd=ROOT, env=environment(), text=True, stdout=pipe, stderr=pipe
    )
    running = Demo(process, directory, {})
    try:
        wait_for("the site is ready", running.up, 60)
        yield running
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True)
class Ended:
    """What a demo left: exit code, its words, its report, how long it took, also from ready on, and its processes."""

    code: int
    said: str
    report: dict[str, Any]
    run_json: dict[str, Any]
    took_s: float
    from_ready_s: float
    below: dict[int, str]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    folder = tmp_path_factory.mktemp("demo")
    report = folder / "report.json"
    began = time.monotonic()
    options = ("--minutes", str(MINUTES), "--officers", "auto", "--report", str(report))
    with demo(folder / "run", *options) as running:
        ready = time.monotonic()
        run_json = json.loads((running.directory / "run.json").read_text(encoding="utf-8"))
        said, wrong = running.process.communicate(timeout=60 * MINUTES + 2 * DRAIN_S)
    ended_at = time.monotonic()
    found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return Ended(
        running.process.returncode,
        said + wrong,
        found,
        run_json,
        ended_at - began,
        ended_at - ready,
        running.below,
    )


def test_every_truck_ends_as_was_expected_before_it_moved(ended: Ended) -> None:
    passages = ended.report["passages"]
    assert [one for one in passages if one["outcome"] != one["expected"]] == []
    assert {one["place"] for one in passages} == PLACES
    assert {one["outcome"] for one in passages} >= {"passed", "turned_back"}
    assert (ended.code, ended.report["ok"]) == (0, True), ended.said


def test_the_centre_holds_every_fact_of_every_gate(ended: Ended) -> None:
    stores = dict(ended.report["run"]["stores"])
    at_centre = facts_in(stores.pop("centre"))
    for node, store in stores.items():
        own = {fact for fact in facts_in(store) if fact[0].startswith(node)}
        assert len(own) >= 5, f"{node} wrote hardly anything"
        assert own <= at_centre
    counted = {
        journal: sum(fact[0] == journal for fact in at_centre) for journal in {fact[0] for fact in at_centre}
    }
    assert ended.report["facts"] == counted
    assert ended.report["centre_behind"] == 0


def test_the_report_has_the_shape_of_the_contract(ended: Ended) -> None:
    assert set(ended.report) == {"passages", "facts", "centre_behind", "run", "ok"}
    for passage in ended.report["passages"]:
        assert set(passage) == {"site", "place", "lane", "plate", "expected", "outcome", "stages"}
        assert {passage["expected"], passage["outcome"]} <= {"passed", "turned_back", "waiting", "not_opened"}
        assert all(isinstance(seconds, float) for seconds in passage["stages"].values())
    keys = {"directory", "screens", "centre", "broker", "credentials", "stores"}
    assert set(ended.report["run"]) == keys


def test_run_json_is_there_while_it_runs_and_says_the_same(ended: Ended) -> None:
    assert ended.run_json == ended.report["run"]


def test_it_ends_in_time(ended: Ended) -> None:
    assert ended.took_s >= 60 * MINUTES
    assert ended.from_ready_s <= 60 * MINUTES + DRAIN_S


def test_nothing_runs_on_when_it_has_ended(ended: Ended) -> None:
    assert len(ended.below) >= PARTS
    assert still_there(ended.below) == set()


def test_a_term_stops_every_child(tmp_path: Path) -> None:
    with demo(tmp_path / "run", "--officers", "manual") as running:
        assert running.up()
        assert len(running.below) >= PARTS
        running.process.send_signal(signal.SIGTERM)
        running.process.communicate(timeout=DRAIN_S)
        assert running.process.returncode == 1, "trucks that still wait have not ended as expected"
        assert still_there(running.below) == set()


def facts_in(store: str) -> set[tuple[str, int, str]]:
    """Journal, number and hash of every fact in a store."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        return set(connection.execute("SELECT journal, seq, hash FROM facts").fetchall())
