"""What the API takes and gives of the rules that are published to the gates."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from central.models import Request
from shared.body import Clause, Code, Sha256
from shared.procedures import Procedure
from shared.settings import HealthTick


class ProceduresIn(Request):
    """Versions of procedures to publish at a site, each whole, with the members of a procedure file."""

    site: Code
    procedures: Annotated[list[Procedure], Field(min_length=1, max_length=100)]


class SettingsIn(Request):
    """How a site reads what the decree leaves open. What is left out stays as it was."""

    site: Code
    in_force_from: Annotated[AwareDatetime | None, Field(description="now, when left out")] = None
    health_tick: HealthTick | None = None
    inferred_steps_bind: bool | None = None
    readings: dict[Clause, Code] = Field(
        default_factory=dict, description="the reading of each ambiguous step, by clause"
    )
    fee_before: dict[Clause, Clause | Literal["none"]] = Field(
        default_factory=dict, description="by khoản: before which step the fee must have been confirmed"
    )


class ProcedureOut(BaseModel):
    """A version of a procedure that is in force at a site."""

    site: str
    procedure: Clause
    title: Mapping[str, str]
    in_force_from: date
    in_force_to: date | None
    judges: str
    source: Annotated[
        str, Field(description="published: stands over every gate's file; shipped: a gate may have its own")
    ]
    ref: Annotated[str | None, Field(description="the fact that published it")]
    hash: Annotated[Sha256, Field(description="as decisions name it")]


class SettingsOut(BaseModel):
    """Settings as they were published; later ones stand over earlier ones, key by key."""

    site: str
    in_force_from: AwareDatetime
    health_tick: HealthTick | None
    inferred_steps_bind: bool | None
    readings: dict[str, str]
    fee_before: dict[str, str]
