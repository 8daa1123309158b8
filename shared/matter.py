"""What an agency's confirmation is about: it stands while the declared matter that the agency answers for is unchanged."""

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

from shared.canonical import digest
from shared.declared import Declaration
from shared.procedures import Matter


def matter_digest(declaration: Declaration, vehicle: str, of: Iterable[Matter]) -> str:
    """Digest of those parts of the declared matter of one vehicle."""
    return digest({part.value: _part(declaration, vehicle, part) for part in sorted(of)})


def missing_matter(declaration: Declaration, vehicle: str, asked: Iterable[Matter]) -> tuple[Matter, ...]:
    """What was asked to be declared for a vehicle and is not there: "declared right and in full" is not met.

    The permit is asked of the vehicle that enters (5.3.a), not of one that takes its goods over.
    """
    return tuple(part for part in asked if not _declared(declaration, vehicle, part))


def _part(declaration: Declaration, vehicle: str, part: Matter) -> Any:
    found = declaration.find(vehicle)
    match part:
        case Matter.VEHICLE:
            return found.model_dump(mode="json", exclude={"driver", "permit"}) if found else None
        case Matter.DRIVER:
            return found.driver.model_dump(mode="json") if found else None
        case Matter.PERMIT:
            return found.permit if found else None
        case Matter.GOODS:
            return [one.model_dump(mode="json") for one in declaration.goods]
        case Matter.QUARANTINE:
            return declaration.quarantine.model_dump(mode="json")
        case Matter.WAY:
            return dict(_way(declaration))


def _way(declaration: Declaration) -> Iterator[tuple[str, Any]]:
    for name in ("procedure", "direction", "laden", "purpose", "yard", "yard_location"):
        value = getattr(declaration, name)
        yield name, value.value if isinstance(value, Enum) else value


def _declared(declaration: Declaration, vehicle: str, part: Matter) -> bool:
    found = declaration.find(vehicle)
    if found is None:
        return False
    match part:
        case Matter.DRIVER:
            return found.driver.name is not None or found.driver.papers is not None
        case Matter.GOODS:
            return bool(declaration.goods) or not declaration.laden
        case Matter.PERMIT:
            return bool(found.permit) or found.receives_from is not None
        case _:
            return True
