"""An empty gate until it can decide, the history that fills in behind, and a gate that was away: over a real broker."""

from pathlib import Path

from benchmarks.apart import Apart
from benchmarks.figures import Effort, Figure
from benchmarks.nodes import CENTRE
from benchmarks.site import GATE, OTHER_GATE, Line, line
from shared.journal import journal_id

JOURNAL = journal_id(OTHER_GATE)


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """The centre holds declarations under way and the facts of another gate, which has gone home."""
    async with line(folder) as site:
        return [*await _catch_up(effort, site), *await _begin(effort, site)]


async def _catch_up(effort: Effort, site: Line) -> list[Figure]:
    small, large = effort.away // 4, effort.away
    async with site.node(CENTRE) as centre:
        await centre.ask("enrol", nodes=site.gates)
        await centre.ask("connect")
        await _remember(site, centre, small)
        _, small_mb = await _away(site, small, "away-small")
        await _remember(site, centre, large - small)
        rate, large_mb = await _away(site, large, "away-large")
        disk_bytes = await centre.ask("disk_bytes") / large
    return [
        Figure(f"a gate that was away asks for {large:,} facts", rate, "facts/s"),
        Figure(f"its peak memory after {small:,} facts", small_mb, "MB"),
        Figure(f"its peak memory after {large:,} facts", large_mb, "MB"),
        Figure("a fact on disk at the centre, projections and all", disk_bytes, "bytes"),
    ]


async def _remember(site: Line, centre: Apart, facts: int) -> None:
    await centre.ask("remember", node=OTHER_GATE, key=site.keys[OTHER_GATE].text(), facts=facts)


async def _away(site: Line, facts: int, name: str) -> tuple[float, float]:
    """Facts a second that a gate without them takes in, from its connecting on, and its peak memory."""
    async with site.node(GATE, name) as gate:
        began = await gate.ask("connect")
        took_s = await gate.ask("reach", journal=JOURNAL, seq=facts) - began
        return facts / took_s, await gate.ask("peak_mb")


async def _begin(effort: Effort, site: Line) -> list[Figure]:
    """An empty gate begins from a checkpoint; what it lacks below fills in behind, oldest last."""
    async with site.node(CENTRE, checkpoints=True) as centre, site.node(GATE, checkpoints=True) as gate:
        await centre.ask("declare", count=effort.declarations)
        await _remember(site, centre, max(0, effort.history - effort.away))
        await centre.ask("connect")
        made = await centre.ask("checkpoint")
        began = await gate.ask("connect")
        decided = await gate.ask("decide", number=effort.declarations)
        took_s, facts = await gate.ask("filled")
    return [
        Figure(f"checkpoint made, {made['facts']:,} live facts", made["took_s"], "s"),
        Figure(f"empty gate to first decision, {effort.declarations:,} declarations", decided - began, "s"),
        Figure(f"history filled behind it, {facts:,} facts", facts / took_s, "facts/s"),
    ]
