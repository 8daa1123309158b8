"""Why a vehicle that came is not the one that was declared, so that the driver is told what to mend.

Five causes, each with a sentence of its own (catalogues, group `reason`). Three are found here, by comparing the plates that
were read with those declared; the wrong place and the declaration that was never completed are found by `shared.decide`.
A cause names plates that are exactly those declared once; what is merely similar is no cause but an offer (`shared.matching`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from shared import plates
from shared.codes import Verdict
from shared.decide import Decision
from shared.matching import ActiveVehicle, ActiveVehicles
from shared.reasons import Code, Reason


class Cause(StrEnum):
    """A cause of being turned away. The value is the code of the reason that says it."""

    ANOTHER_TRACTOR = "another_tractor"
    """The trailer, or the number on the driver's slip, belongs to a declaration of another tractor."""
    TRAILER_DIFFERS = "trailer_differs"
    """The tractor is the declared one; the trailer bears another plate than the one declared for it."""
    WRONG_PLACE = "wrong_place"
    """The procedure does not lead through this place in this direction."""
    AMENDED_SINCE = "plate_amended"
    """The plate stood in an earlier version of a declaration that is under way, and no longer does."""
    INCOMPLETE = "declaration_incomplete"
    """What has to be declared was never declared whole."""


@dataclass(frozen=True)
class TurnAway:
    """A cause with the declaration it is about, and the two plates to be shown side by side.

    `declared` is what stands there now: several plates with a comma where it is not known which one came instead.
    """

    cause: Cause
    declaration: str
    read: str
    declared: str

    @property
    def positions(self) -> tuple[int, ...] | None:
        """Where the keys of the two plates differ, counted from 0; None when they are not of one length."""
        return plates.differing_positions(plates.key(self.read), plates.key(self.declared))

    @property
    def likely_misread(self) -> bool:
        """One likely confusion lies between the plates: perhaps only the reader is wrong."""
        return plates.one_confusion_apart(plates.key(self.read), plates.key(self.declared))

    def reason(self, facts: tuple[str, ...] = ()) -> Reason:
        """The reason whose sentence says it; `facts` are those it rests on."""
        values = {"no": self.declaration, "read": self.read, "declared": self.declared}
        if self.positions:
            values["positions"] = ", ".join(map(str, self.positions))
        return Reason(Code(self.cause.value), facts=facts, values=values)


class Lookup(ActiveVehicles, Protocol):
    """Vehicles under way by comparison key, and by declaration."""

    def of(self, no: str) -> Sequence[ActiveVehicle]:
        """Every such vehicle of one declaration."""
        ...


class DeclaredPlates(Protocol):
    """What is declared and under way: tractors, their trailers, and the tractors of earlier versions."""

    @property
    def active(self) -> Lookup:
        """Tractors of the newest versions."""
        ...

    @property
    def trailers(self) -> Lookup:
        """Trailers of the newest versions."""
        ...

    @property
    def earlier(self) -> Lookup:
        """Tractors of the versions before; those that still stand may be among them."""
        ...


def turn_away(
    tractor: str, trailer: str | None, declared: DeclaredPlates, slip: str | None = None
) -> TurnAway | None:
    """Why a tractor that matches nothing declared and under way is turned away; None when no cause is known.

    `tractor`, `trailer`: what was read; `slip`: the number of the declaration that the driver shows. Of several declarations
    the one with the highest number is named.
    """
    amended = _amended(tractor, declared, slip)
    if amended is not None:
        return amended
    drawn = sorted(_exact(trailer, declared.trailers), key=lambda one: one.declaration, reverse=True)
    named = [(slip, None)] if slip else [(one.declaration, one.vehicle) for one in drawn]
    found = (_another(tractor, no, vehicle, declared) for no, vehicle in named)
    return next((one for one in found if one is not None), None)


def trailer_differs(trailer: str, no: str, vehicle: str, declared: DeclaredPlates) -> TurnAway | None:
    """The cause when a vehicle of a declaration came with another trailer than its own.

    None when no trailer is declared to compare with.
    """
    wanted = [one.plate for one in declared.trailers.of(no) if one.vehicle == vehicle]
    if not wanted or _same(trailer, wanted):
        return None
    return TurnAway(Cause.TRAILER_DIFFERS, no, trailer, ", ".join(wanted))


def refusal(found: TurnAway, facts: tuple[str, ...] = ()) -> Decision:
    """The decision for a vehicle that no declaration lets pass, with the cause."""
    return Decision(Verdict.REFUSE, None, (), (found.reason(facts),), False)


def with_cause(decision: Decision, found: TurnAway, facts: tuple[str, ...] = ()) -> Decision:
    """The decision on a vehicle of a declaration with a cause found since.

    It refuses, unless perhaps only the reader is wrong: then the officer is shown both plates and nothing is automatic.
    """
    reason = found.reason(facts)
    if found.likely_misread or decision.verdict is Verdict.REFUSE:
        return replace(decision, reasons=(*decision.reasons, reason), automatic=False)
    reasons = (reason, *decision.reasons)
    return replace(decision, verdict=Verdict.REFUSE, waits_for=(), reasons=reasons, automatic=False)


def cause_of(decision: Decision) -> Cause | None:
    """The first cause of being turned away among a refusal's reasons."""
    if decision.verdict is not Verdict.REFUSE:
        return None
    codes = [reason.code.value for reason in decision.reasons]
    return next((Cause(code) for code in codes if code in set(Cause)), None)


def _amended(tractor: str, declared: DeclaredPlates, slip: str | None) -> TurnAway | None:
    found = _exact(tractor, declared.earlier)
    for no in sorted({one.declaration for one in found if slip in (None, one.declaration)}, reverse=True):
        then = {one.vehicle for one in found if one.declaration == no}
        now = declared.active.of(no)
        instead = [one.plate for one in now if one.vehicle in then] or [one.plate for one in now]
        if instead and not _same(tractor, [one.plate for one in now]):
            return TurnAway(Cause.AMENDED_SINCE, no, tractor, ", ".join(instead))
    return None


def _another(tractor: str, no: str, vehicle: str | None, declared: DeclaredPlates) -> TurnAway | None:
    wanted = [one.plate for one in declared.active.of(no) if vehicle in (None, one.vehicle)]
    similar = plates.one_confusion_of(plates.key(tractor))
    if not wanted or _same(tractor, wanted) or any(plates.key(one) in similar for one in wanted):
        return None
    return TurnAway(Cause.ANOTHER_TRACTOR, no, tractor, ", ".join(wanted))


def _exact(text: str | None, lookup: Lookup) -> Sequence[ActiveVehicle]:
    key = plates.key(text or "")
    return lookup.with_keys([key]) if key else ()


def _same(text: str, declared: Iterable[str]) -> bool:
    return plates.key(text) in {plates.key(one) for one in declared}
