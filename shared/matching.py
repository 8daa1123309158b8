"""Which active vehicles a read can mean.

Only an exact, unambiguous match is automatic. A near one (one likely confusion away) is offered to the officer with both
strings; two candidates within one confusion of the read are never chosen between.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared import plates


@dataclass(frozen=True)
class ActiveVehicle:
    """A vehicle of a declaration that is neither recalled nor finished."""

    declaration: str
    vehicle: str
    plate: str
    site: str

    @property
    def key(self) -> str:
        """The plate as it is compared."""
        return plates.key(self.plate)


class ActiveVehicles(Protocol):
    """Looks active vehicles up by comparison key."""

    def with_keys(self, keys: Iterable[str]) -> Sequence[ActiveVehicle]:
        """Every active vehicle whose key is one of `keys`."""
        ...


class Outcome(StrEnum):
    """How a read fits what is declared."""

    EXACT = "exact"
    NEAR = "near"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


@dataclass(frozen=True)
class Match:
    """The outcome with its candidates, exact ones first. Only EXACT has a single chosen vehicle."""

    outcome: Outcome
    candidates: tuple[ActiveVehicle, ...] = ()

    @property
    def chosen(self) -> ActiveVehicle | None:
        """The vehicle meant, when there is no doubt."""
        return self.candidates[0] if self.outcome is Outcome.EXACT else None


def match(text: str, active: ActiveVehicles, *, certain: bool = False) -> Match:
    """Matches a normalised read against the active vehicles.

    `certain`: an officer says what the plate is, so look-alikes of an exact match no longer make it doubtful.
    """
    key = plates.key(text)
    if not key:
        return Match(Outcome.NONE)
    exact = [one for one in active.with_keys([key]) if _province_agrees(text, one.plate)]
    others = active.with_keys(plates.one_confusion_of(key) | {key})
    near = [one for one in others if one not in exact]
    candidates = tuple(_sorted(exact) + _sorted(near))
    if len(exact) == 1 and (certain or not near):
        return Match(Outcome.EXACT, candidates)
    if len(candidates) > 1:
        return Match(Outcome.AMBIGUOUS, candidates)
    return Match(Outcome.NEAR, candidates) if candidates else Match(Outcome.NONE)


def _province_agrees(read: str, declared: str) -> bool:
    ours, theirs = plates.province(read), plates.province(declared)
    return ours is None or theirs is None or ours == theirs


def _sorted(vehicles: Iterable[ActiveVehicle]) -> list[ActiveVehicle]:
    return sorted(vehicles, key=lambda one: (one.declaration, one.vehicle))
