"""The demonstration: rounds of trucks through the site, a report of what was expected and what happened."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer

from shared.node.service import stop_requested
from simulation.layout import GATES
from simulation.scenario import Plates, Trip, fitting, photographed_round, round_of
from simulation.site import Site
from simulation.traffic import Standing
from simulation.trucks import read_photographs


@dataclass(frozen=True)
class Demo:
    """What was asked for on the command line."""

    minutes: float | None
    headless: bool
    auto_officers: bool
    report: Path | None
    photos: Path | None
    directory: Path


async def run_demo(wanted: Demo) -> bool:
    """Runs it; True when every truck ended as expected and the centre holds everything. Raises SiteError."""
    stop = stop_requested()
    began = time.monotonic()
    _say(wanted, "Starting the site (a first run draws its clips and takes longer) …")
    clips = wanted.directory.parent / "clips"
    async with Site(wanted.directory, clips, auto_officers=wanted.auto_officers) as site:
        run = site.layout.run_object(site.broker.passwords)
        _write_json(wanted.directory / "run.json", run)
        ready = time.monotonic()
        _announce(wanted, site, ready - began)
        traffic = asyncio.create_task(_rounds(wanted, site))
        stopping = asyncio.create_task(stop.wait())
        end_s = None if wanted.minutes is None else wanted.minutes * 60
        done, _ = await asyncio.wait([traffic, stopping], timeout=end_s, return_when=asyncio.FIRST_COMPLETED)
        if traffic in done:
            traffic.result()
            await _until(stopping, None if end_s is None else ready + end_s - time.monotonic())
        stopping.cancel()
        traffic.cancel()
        behind = await site.settle()
        report = _report(site, behind, run)
    if wanted.report is not None:
        _write_json(wanted.report, report)
    _summary(wanted, report)
    return bool(report["ok"])


async def _rounds(wanted: Demo, site: Site) -> None:
    """Rounds of trips while there is time. What is expected is fixed before a round starts."""
    drawn = Plates(random.Random(20261123))
    end = None if wanted.minutes is None else time.monotonic() + wanted.minutes * 60
    for number in itertools.count():
        trips = await asyncio.to_thread(_trips, wanted, number, drawn)
        if end is not None and wanted.auto_officers:
            trips = fitting(trips, end - time.monotonic())
        if not trips:
            return
        await site.drive(trips)


def _trips(wanted: Demo, number: int, drawn: Plates) -> Sequence[Trip]:
    if wanted.photos is None:
        return round_of(number, drawn)
    return photographed_round(read_photographs(wanted.photos)) if number == 0 else ()


async def _until(stopping: "asyncio.Task[Any]", left_s: float | None) -> None:
    if left_s is None or left_s > 0:
        await asyncio.wait([stopping], timeout=left_s)


def _report(site: Site, behind: int, run: dict[str, object]) -> dict[str, Any]:
    passages = [_passage(record) for record in site.traffic.records]
    as_expected = all(one["expected"] == one["outcome"] for one in passages)
    return {
        "passages": passages,
        "facts": site.facts_at_centre(),
        "centre_behind": behind,
        "run": run,
        "ok": bool(passages) and as_expected and behind == 0,
    }


def _passage(record: Standing) -> dict[str, Any]:
    return {
        "site": "CKHN",
        **asdict(record),
        "expected": record.expected.value,
        "outcome": record.outcome.value,
    }


def _announce(wanted: Demo, site: Site, took_s: float) -> None:
    typer.echo(
        f"Ready after {took_s:.0f} s. Centre: {site.layout.centre}/   (API: {site.layout.centre}/docs)"
    )
    for gate in GATES:
        for door in gate.doors:
            typer.echo(f"  {door.name:13} {site.layout.screen(gate)}/lane/{door.lane}")
        if not wanted.headless:
            for badge in site.layout.badges[gate.node]:
                typer.echo(f"      {badge.agency:18} {badge.code}  PIN {badge.pin}")
    typer.echo(f"  everything else: {site.layout.folder / 'run.json'}")


def _summary(wanted: Demo, report: dict[str, Any]) -> None:
    for one in report["passages"]:
        mark = "ok " if one["expected"] == one["outcome"] else "NOT"
        _say(
            wanted, f"{mark} {one['place']:10} {one['plate']:10} expected {one['expected']}, {one['outcome']}"
        )
    facts = sum(report["facts"].values())
    typer.echo(
        f"{len(report['passages'])} visits, {facts} facts at the centre, {report['centre_behind']} missing there: "
        f"{'as expected' if report['ok'] else 'NOT as expected'}"
    )


def _say(wanted: Demo, text: str) -> None:
    if not wanted.headless:
        typer.echo(text)


def _write_json(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
