"""The procedure files as the centre lists them."""

from collections.abc import Sequence
from typing import Any

from shared.codes import BARRIERS, Agency
from shared.procedures import Procedure, Step
from shared.settings import HealthTick, Settings


def table(procedures: Sequence[Procedure]) -> list[dict[str, Any]]:
    """One row a step at a barrier, `confirm` in the reading in use (docs: contracts, "Commands")."""
    return [
        _row(procedure, step.in_reading(None))
        for procedure in procedures
        for step in procedure.steps
        if step.place in BARRIERS
    ]


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
