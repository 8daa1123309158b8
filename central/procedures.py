"""The procedure files as the centre lists them."""

from collections.abc import Iterator, Sequence
from typing import Any

from shared.codes import BARRIERS, Agency, Heading, Place, Standing
from shared.procedures import Procedure, Step
from shared.settings import HealthTick, Settings

_LINE = "{procedure:4} {clause:7} {place:9} {heading:3} {who:54} {opens:12} {queries:14} {standing}"
_HEAD = {
    name: name for name in ("procedure", "clause", "place", "heading", "who", "opens", "queries", "standing")
}
_INDENT = " " * 13


def table(procedures: Sequence[Procedure]) -> list[dict[str, Any]]:
    """One row a step at a barrier, `confirm` in the reading in use (docs: contracts, "Commands").

    By place in the road, the border first, then by khoản; each list of readings begins with the one in use.
    """
    steps = [
        (_along(step, procedure), _row(procedure, step.in_reading(None)))
        for procedure in procedures
        for step in procedure.steps
        if step.place in BARRIERS
    ]
    return [row for _, row in sorted(steps, key=lambda one: one[0])]


def text(rows: Sequence[dict[str, Any]]) -> str:
    """The table in lines of at most 120 characters; below a step the reading in use and the others."""
    return "\n".join([_LINE.format_map(_HEAD | {"procedure": "no.", "heading": "way"}), *_lines(rows)])


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        nobody = "?" if row["standing"] == Standing.UNKNOWN else "nobody"
        who = (" → " if row["ordered"] else " + ").join(row["confirm"]) or nobody
        yield _LINE.format_map({name: value or "–" for name, value in row.items()} | {"who": who}).rstrip()
        if row["readings"]:
            in_use, *others = row["readings"]
            yield f"{_INDENT}reading: {in_use}" + (f"; or {', '.join(others)}" if others else "")


def _along(step: Step, procedure: Procedure) -> tuple[Any, ...]:
    """Where a row stands: barrier 1 before barrier 2, in before out, then the khoản and its steps as printed."""
    khoan = tuple(int(part) for part in procedure.procedure.split("."))
    placed = list(Place).index(step.place), list(Heading).index(step.heading or Heading.IN)
    return (*placed, khoan, procedure.in_force_from, procedure.steps.index(step))


def _row(procedure: Procedure, step: Step) -> dict[str, Any]:
    return {
        "procedure": procedure.procedure,
        "clause": step.clause,
        "place": step.place.value,
        "heading": step.heading.value if step.heading else None,
        "confirm": [one.value for one in step.confirm],
        "ordered": step.ordered,
        "opens": step.opens.value if step.opens else None,
        "queries": step.queries.value,
        "standing": step.standing.value,
        "readings": _readings(step),
    }


def _readings(step: Step) -> list[str]:
    """The readings that a step can take, the one in use first; at an ordered step those of the health quarantine's tick."""
    in_use: str | None = step.reading
    names: list[str] = list(step.readings)
    if not names and step.ordered and Agency.HEALTH_QUARANTINE in step.confirm:
        in_use, names = Settings().health_tick.value, [one.value for one in HealthTick]
    return sorted(names, key=lambda name: (name != in_use, name))
