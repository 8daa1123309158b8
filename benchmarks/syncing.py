"""Facts a second from a gate's commit to the centre's over a real broker, against bare publishing of the same bytes.

Gate and centre are processes of their own, and so are the publisher and the subscriber that they are held against.
"""

from pathlib import Path

from benchmarks.apart import Apart
from benchmarks.bare import Publisher, Subscriber
from benchmarks.figures import Effort, Figure, Peer, spread
from benchmarks.nodes import CENTRE
from benchmarks.site import GATE, Line, line
from shared.journal import journal_id
from shared.node.sync import WINDOW

COMMITS = (1, 5, 100)
"""Facts a commit at the gate: the least, a passage's, and those of a gate that writes as fast as it can."""
SINGLE = 100
JOURNAL = journal_id(GATE)


async def measure(effort: Effort, folder: Path) -> list[Figure]:
    """Both ways for every size of commit, one after the other."""
    figures: list[Figure] = []
    async with line(folder) as site:
        async with site.node(GATE) as gate, site.node(CENTRE) as centre:
            await centre.ask("enrol", nodes=site.gates)
            await centre.ask("connect", record=True)
            await gate.ask("connect")
            await gate.ask("reach", journal=journal_id(CENTRE), seq=1)
            one_s = [await _carry(gate, centre, 1, 1) for _ in range(SINGLE)]
            await centre.ask("record_to", file=str(folder / "single"))
            rates = {a_commit: await _rate(gate, centre, effort, a_commit, folder) for a_commit in COMMITS}
        async with _bare(site, CENTRE, Subscriber) as heard, _bare(site, GATE, Publisher) as publisher:
            for a_commit, (rate, count, size) in rates.items():
                began = await publisher.ask("publish", file=str(folder / f"by-{a_commit}"))
                peer = effort.sync_facts / (await heard.ask("heard", count=count) - began)
                name = f"bare QoS 1 publish of the same {count:,} batches, {WINDOW} on their way"
                what = f"gate commit to centre commit, {effort.sync_facts:,} facts, {a_commit} a commit"
                figures.append(Figure(what, rate, "facts/s", Peer(name, peer)))
                figures.append(
                    Figure(f"a fact on the wire, {a_commit} a commit", size / effort.sync_facts, "bytes")
                )
    return [*figures, *spread("one fact, gate commit to centre commit", one_s)]


def _bare(site: Line, node: str, kind: type[Publisher] | type[Subscriber]):
    return site.part(kind, node, f"bare-{node}")


async def _rate(
    gate: Apart, centre: Apart, effort: Effort, a_commit: int, folder: Path
) -> tuple[float, int, int]:
    """Facts a second; number and bytes of the batches, which are kept."""
    took_s = await _carry(gate, centre, effort.sync_facts, a_commit)
    count, size = await centre.ask("record_to", file=str(folder / f"by-{a_commit}"))
    return effort.sync_facts / took_s, count, size


async def _carry(gate: Apart, centre: Apart, facts: int, a_commit: int) -> float:
    """Seconds from the first commit at the gate until the centre has committed the last fact."""
    held, _ = await gate.ask("reached", journal=JOURNAL)
    began = await gate.ask("append", facts=facts, a_commit=a_commit)
    return float(await centre.ask("reach", journal=JOURNAL, seq=held + facts) - began)
