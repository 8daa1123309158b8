"""Which declared vehicles a read can mean.

Only an exact, unambiguous match is automatic. A near one (one likely confusion away) is offered to the officer with both
strings; two candidates within one confusion of the read are never chosen between. Tractors and trailers are declared in
fields of their own and are looked up apart.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from shared import plates
from shared.codes import Country, Ground


class Role(StrEnum):
    """As what a plate is declared."""

    TRACTOR = "tractor"
    TRAILER = "trailer"
    EARLIER = "earlier"
    """A tractor of a version before the newest. It matches no read: it only explains why none of the newest does."""


@dataclass(frozen=True)
class ActiveVehicle:
    """A vehicle of a declaration that is neither recalled nor finished.

    `plate` is the tractor's or, in a look-up of trailers, the trailer's. `country` is the tractor's; nobody declares a
    trailer's, and at a border a tractor may draw the other country's.
    """

    declaration: str
    vehicle: str
    plate: str
    site: str
    country: Country | None = None

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
    """The outcome with its candidates, exact ones first. Only EXACT has a single chosen vehicle.

    `role`: whether the read was compared with tractors or with trailers.
    """

    outcome: Outcome
    candidates: tuple[ActiveVehicle, ...] = ()
    role: Role = Role.TRACTOR

    @property
    def chosen(self) -> ActiveVehicle | None:
        """The vehicle meant, when there is no doubt."""
        return self.candidates[0] if self.outcome is Outcome.EXACT else None


def match(
    text: str,
    active: ActiveVehicles,
    *,
    trailers: ActiveVehicles | None = None,
    country: Country | None = None,
    ground: Ground | None = None,
    certain: bool = False,
    fits: Callable[[ActiveVehicle], bool] | None = None,
) -> Match:
    """Matches a normalised read against the active vehicles: tractors, or `trailers` when it is a trailer's plate.

    `country`, `ground`: what the reader saw, None where it does not know. A text that follows a grammar says its country
    itself; the one shape of two countries is told by the ground alone, and is only offered while that tells nothing.
    `certain`: an officer says what the plate is, so neither look-alikes of an exact match nor colours make it doubtful.
    `fits`: narrows several declarations of one and the same plate to those that can be meant here.
    """
    key = plates.key(text)
    if not key:
        return Match(Outcome.NONE)
    seen = _Seen(plates.normalise(text), key, country, ground, certain)
    alike = plates.one_confusion_of(key) | {key}
    if not plates.is_trailer(seen.text):
        tractors = active.with_keys(alike)
        if trailers is None or any(one.key == key for one in tractors) or not trailers.with_keys([key]):
            return _among(tractors, seen, fits)
    drawn = trailers.with_keys(alike) if trailers is not None else ()
    return replace(_among(drawn, seen, fits), role=Role.TRAILER)


@dataclass(frozen=True)
class _Seen:
    """A read, and whether a declared vehicle of the same or a similar key can have been seen."""

    text: str
    key: str
    country: Country | None
    ground: Ground | None
    certain: bool

    def is_exactly(self, one: ActiveVehicle) -> bool:
        """Nothing that is known speaks against it, and nothing that has to be known is missing."""
        read, declared = plates.province(self.text), plates.province(one.plate)
        if read and declared and read != declared:
            return False
        if self.certain:
            return True
        told = bool(plates.forms(self.text))
        possible = plates.countries(self.text, self.ground)
        if self.country is not None and not told:
            possible = frozenset({self.country})
        return (one.country is None or one.country in possible) and not (told and len(possible) > 1)

    def rules_out(self, one: ActiveVehicle) -> bool:
        """A plate that could be of its declared country, but not as it was seen: on this ground, after this character."""
        if self.certain or one.country is None or not plates.forms(one.key):
            return False
        if one.country not in plates.countries(one.key):
            return False
        as_seen = (plates.province(self.text) or "") + one.key
        return one.country not in plates.countries(as_seen, self.ground)


def _among(
    found: Sequence[ActiveVehicle], seen: _Seen, fits: Callable[[ActiveVehicle], bool] | None
) -> Match:
    """The outcome for a read, of the vehicles whose key is its own or one likely confusion away."""
    exact = [one for one in found if one.key == seen.key and seen.is_exactly(one)]
    near = [one for one in found if one not in exact and not seen.rules_out(one)]
    meant = _narrowed(exact, fits)
    passed_over = [one for one in exact if one not in meant]
    candidates = tuple(_sorted(meant) + _sorted(passed_over) + _sorted(near))
    if len(meant) == 1 and (seen.certain or not near):
        return Match(Outcome.EXACT, candidates)
    if len(candidates) > 1:
        return Match(Outcome.AMBIGUOUS, candidates)
    return Match(Outcome.NEAR, candidates) if candidates else Match(Outcome.NONE)


def _narrowed(
    exact: list[ActiveVehicle], fits: Callable[[ActiveVehicle], bool] | None
) -> list[ActiveVehicle]:
    """The one declaration that fits, of several of one vehicle; all of them when none or more than one does.

    Plates of two provinces or countries under one key are two vehicles, between which nothing chooses.
    """
    provinces = {plates.province(one.plate) for one in exact} - {None}
    declared_in = {one.country for one in exact} - {None}
    if len(exact) < 2 or fits is None or len(provinces) > 1 or len(declared_in) > 1:
        return exact
    fitting = [one for one in exact if fits(one)]
    return fitting if len(fitting) == 1 else exact


def _sorted(vehicles: Iterable[ActiveVehicle]) -> list[ActiveVehicle]:
    return sorted(vehicles, key=lambda one: (one.declaration, one.vehicle, one.plate, one.country or ""))
