"""The procedure files as the centre lists them."""

from collections.abc import Sequence
from typing import Any

from shared.codes import BARRIERS
from shared.procedures import Procedure, Step


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
        "readings": sorted(step.readings, key=lambda name: (name != step.reading, name)),
    }
