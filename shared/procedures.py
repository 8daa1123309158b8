"""Procedures of the decree as data: ordered steps with place, who confirms, who opens, clause and standing.

A procedure file is TOML, read by `shared.configuration.parse`, which names file, line, key and what to write.
What the text leaves open is a setting with named readings (`Settings.readings`); the reading in use is part of every
explanation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.bodies import Clause
from shared.canonical import digest
from shared.codes import Actor, Agency, Direction, Heading, Place, Standing, YardLocation


class Queries(StrEnum):
    """What the cameras' query asks for at a step, by the step's own text."""

    DECLARED = "declared"
    EARLIER_STATES = "earlier_states"


class Reading(BaseModel):
    """One way to read a step whose text is ambiguous."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    confirm: tuple[Agency | Actor, ...] = ()
    note: Mapping[str, str] = {}


class Step(BaseModel):
    """One step: a clause, where it happens, who confirms (in this order if `ordered`), who opens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clause: Clause
    place: Place
    heading: Heading | None = None
    confirm: tuple[Agency | Actor, ...] = ()
    confirm_if_required: tuple[Agency, ...] = ()
    confirm_one_of: tuple[Agency, ...] = ()
    ordered: bool = False
    opens: Agency | Actor | None = None
    queries: Queries = Queries.DECLARED
    standing: Standing
    readings: Mapping[str, Reading] = {}
    reading: str | None = None
    what: Mapping[str, str]

    @model_validator(mode="after")
    def _readings_are_named(self) -> Self:
        if self.readings and self.reading not in self.readings:
            raise ValueError(f"reading: name the one in use, one of {', '.join(sorted(self.readings))}")
        if self.standing is Standing.AMBIGUOUS and not self.readings:
            raise ValueError("readings: an ambiguous step lists the readings it can take")
        if self.place in (Place.BARRIER_1, Place.BARRIER_2) and self.opens is not Agency.BORDER_GUARD:
            raise ValueError('opens: at a barrier only the border guard opens; write opens = "border_guard"')
        return self

    def in_reading(self, name: str | None) -> "Step":
        """This step read in the named way; in the file's own choice when None or when the name is not known."""
        chosen = self.readings.get(name or "") or self.readings.get(self.reading or "")
        return self if chosen is None else self.model_copy(update={"confirm": chosen.confirm})


class Procedure(BaseModel):
    """A procedure: one khoản, its steps in the printed order."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))

    procedure: Clause
    title: Mapping[str, str]
    in_force_from: date
    in_force_to: date | None = None
    direction: Direction
    laden: bool
    yard_location: YardLocation | None = None
    steps: Annotated[tuple[Step, ...], Field(alias="step", min_length=1)]

    @cached_property
    def hash(self) -> str:
        """Digest of the whole procedure; decisions carry it so that they can be made again."""
        return digest(self.model_dump(mode="json"))

    def began(self, on: date) -> bool:
        """True from the first day in force on. Old declarations are judged by a procedure that has since ended."""
        return self.in_force_from <= on

    def at(self, place: Place, heading: Heading | None) -> Step | None:
        """The step at a place in a heading, or None."""
        return next((s for s in self.steps if s.place is place and s.heading in (heading, None)), None)

    def step(self, clause: str) -> Step | None:
        """The step of a clause, or None."""
        return next((s for s in self.steps if s.clause == clause), None)

    def before(self, step: Step) -> tuple[Step, ...]:
        """The steps printed before one, in whatever reading that one is."""
        return self.steps[: [one.clause for one in self.steps].index(step.clause)]


class HealthTick(StrEnum):
    """Whether the health quarantine's tick must come at its printed place in an order, or may come earlier (A8, 5)."""

    PRINTED_PLACE = "printed_place"
    MAY_COME_EARLIER = "may_come_earlier"


@dataclass(frozen=True)
class Settings:
    """Published settings that decisions depend on. `readings`: reading in use by clause, over the files' own choice."""

    stale_after_s: int = 600
    health_tick: HealthTick = HealthTick.MAY_COME_EARLIER
    inferred_steps_bind: bool = False
    readings: Mapping[str, str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Digest of all settings."""
        return digest(
            {
                "stale_after_s": self.stale_after_s,
                "health_tick": self.health_tick.value,
                "inferred_steps_bind": self.inferred_steps_bind,
                "readings": dict(self.readings),
            }
        )


class Procedures:
    """The procedures a node holds, by khoản and by the day of a declaration."""

    def __init__(self, procedures: tuple[Procedure, ...]) -> None:
        self.all = procedures

    def find(self, procedure: str, on: date) -> Procedure | None:
        """The version of a procedure in force on a day, or None."""
        return next(
            (
                p
                for p in sorted(self.all, key=lambda one: one.in_force_from, reverse=True)
                if p.procedure == procedure and p.began(on) and (p.in_force_to is None or on < p.in_force_to)
            ),
            None,
        )

    @property
    def hash(self) -> str:
        """Digest over all procedures."""
        return digest(sorted(p.hash for p in self.all))
