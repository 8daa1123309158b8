"""Which procedure applies to a declared vehicle, and which step of it at a place.

A declaration may name its procedure, where nothing else that it says contradicts that. Else it follows from direction, laden or
empty, the vehicle's country, where the yard lies and what an empty vehicle comes for. Procedures that cannot be told apart so
are lawful while their demands are equal.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from shared.clock import day_at_gates
from shared.codes import Heading, Load, Place
from shared.declared import Declaration
from shared.procedures import Procedure, Procedures
from shared.settings import Settings


@dataclass(frozen=True)
class Governing:
    """What governs a vehicle at a place. `differ`: procedures that it could be, whose demands there are not equal."""

    procedure: Procedure | None = None
    differ: tuple[Procedure, ...] = ()


def applies(procedure: Procedure, declaration: Declaration, vehicle: str) -> bool:
    """Whether a procedure is for such a declared vehicle, by what was declared and not by what it names."""
    asked = _asked(procedure, declaration, vehicle)
    return _allows(procedure, declaration, vehicle) and all(
        wanted in (None, given) for wanted, given in asked
    )


def _asked(procedure: Procedure, declaration: Declaration, vehicle: str) -> tuple[tuple[object, object], ...]:
    """What a procedure asks for, where it does, beside what was declared."""
    found = declaration.find(vehicle)
    return (
        (procedure.direction, declaration.direction),
        (procedure.country, found.country if found else None),
        (procedure.yard_location, declaration.yard_location),
    )


def _allows(procedure: Procedure, declaration: Declaration, vehicle: str) -> bool:
    """Whether nothing declared contradicts it, as what was left out never does. One that continues another has no declaration."""
    asked = (*_asked(procedure, declaration, vehicle), (procedure.purpose, declaration.purpose))
    return (
        not procedure.continues
        and procedure.laden == declaration.laden
        and all(None in pair or pair[0] == pair[1] for pair in asked)
    )


def candidates(
    procedures: Procedures, declaration: Declaration, vehicle: str, now: datetime
) -> tuple[Procedure, ...]:
    """Every procedure that may apply: the one that the declaration names, or all that fit it, by khoản.

    A name that contradicts what is declared for the vehicle is none: nobody chooses another paragraph's demands by naming it.
    """
    on, today = _days(declaration, now)
    if declaration.procedure is not None:
        named = procedures.find(declaration.procedure, on, today)
        return (named,) if named is not None and _allows(named, declaration, vehicle) else ()
    return tuple(p for p in procedures.in_force(on, today) if applies(p, declaration, vehicle))


def governing(
    procedures: Procedures,
    declaration: Declaration,
    vehicle: str,
    place: Place,
    heading: Heading,
    settings: Settings,
    now: datetime,
) -> Governing:
    """What governs a vehicle at a place: its own procedure, or there one that continues it. All that it could be are asked."""
    own = candidates(procedures, declaration, vehicle, now)
    load = declaration.load(vehicle)
    continuing = partial(_continuing, procedures, declaration, vehicle, now)
    here = [
        one
        for mine in own
        for one in ([mine] if mine.at(place, heading, load) else continuing(mine))
        if one.at(place, heading, load)
    ]
    if not here:
        return Governing(own[0] if own else None)
    asked = {demands(one, place, heading, load, settings) for one in here}
    return Governing(here[0]) if len(asked) == 1 else Governing(None, tuple(here))


def _continuing(
    procedures: Procedures, declaration: Declaration, vehicle: str, now: datetime, earlier: Procedure
) -> list[Procedure]:
    """The procedures that take on the vehicles of another one, with its steps before their own."""
    found = declaration.find(vehicle)
    country = found.country if found else None
    return [
        one.continuing(earlier)
        for one in procedures.in_force(*_days(declaration, now))
        if earlier.procedure in one.continues and one.country in (None, country)
    ]


def demands(
    procedure: Procedure, place: Place, heading: Heading, load: Load, settings: Settings
) -> tuple[Any, ...]:
    """What a procedure asks for at a place in the readings in use, the fee included."""
    step = procedure.at(place, heading, load)
    assert step is not None
    read = step.in_reading(settings.readings.get(step.clause))
    return (*read.demands(), procedure.fee_step(settings) == step.clause)


def _days(declaration: Declaration, now: datetime) -> tuple[date, date]:
    return day_at_gates(declaration.declared_at), day_at_gates(now)
