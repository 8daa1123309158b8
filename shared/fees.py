"""The fee of one vehicle: what the yard confirmations say, what was paid, and whether the collector confirmed it.

The fee follows from values that agencies confirm in the yard (`YARD_VALUES`). Money that matches is not yet confirmed: the
collector compares and confirms (4.3.d, 5.3.e). Who collects, gate management or tax, the text leaves open (A8, 12): a setting.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.body import Code
from shared.codes import Agency, Direction
from shared.tariffs import Charged, Due, Tariffs, Unknown, fee_due

Collector = Literal[Agency.GATE_MANAGEMENT, Agency.TAX]
COLLECTORS: tuple[Collector, ...] = (Agency.GATE_MANAGEMENT, Agency.TAX)


class Value(StrEnum):
    """Codes of the values in a confirmation that concern the fee."""

    WEIGHT_CLASS = "weight_class"
    """A class of the tariff, as VT4."""
    CUSTOMS_KIND = "customs_kind"
    """Customs' code of the kind of export or import (loại hình), as E42."""
    GOODS_GROUP = "goods_group"
    """Groups of goods of the tariff, one or several with commas between."""
    TRANSFER = "transfer"
    """One of `Transfer`. Asked of imports; an export without it is not transferred."""
    AMOUNT_VND = "amount_vnd"
    """What the collector confirms that was paid, in whole đồng."""
    REASON = "reason"
    """Why the collector entered an amount by hand."""


YARD_VALUES: Mapping[Value, Agency] = {
    Value.WEIGHT_CLASS: Agency.BORDER_GUARD,
    Value.CUSTOMS_KIND: Agency.CUSTOMS,
    Value.GOODS_GROUP: Agency.CUSTOMS,
    Value.TRANSFER: Agency.CUSTOMS,
}
"""Which agency confirms a value in the yard."""
OWED = (Value.WEIGHT_CLASS, Value.CUSTOMS_KIND, Value.GOODS_GROUP)
"""Values without which a fee is not ready to be paid."""


class Transfer(StrEnum):
    """What becomes of the load (sang tải)."""

    NONE = "none"
    """It stays on the vehicle, which goes no further than the gate area."""
    ONLY = "only"
    """It is only transferred to another vehicle in the yard."""
    INLAND = "inland"
    """An import goes on inland on this vehicle."""


class FeeState(StrEnum):
    """How the fee of a vehicle stands."""

    NOT_READY = "not_ready"
    """Values of the yard are missing (`Fee.owed`)."""
    DUE = "due"
    """Ready to be paid; nothing was, or what is due is not known."""
    PAID_IN_PART = "paid_in_part"
    MATCHED = "matched"
    """What was paid is what is due. The collector has still to confirm it."""
    OVER = "over"
    CONFIRMED = "confirmed"
    """The collector confirmed after the money had matched."""
    CONFIRMED_UNMATCHED = "confirmed_unmatched"
    """The collector confirmed money that did not match: a finding."""


@dataclass(frozen=True)
class Payment:
    """Money that came in, under a reference that no other payment bears."""

    payment: str
    amount_vnd: int


@dataclass(frozen=True)
class Collected:
    """A collector's confirmation, and the references of the payments that its author knew of.

    `amount_vnd`: the amount that the collector says was paid; with a `reason` it is also what is due, where no tariff tells.
    """

    by: Agency
    saw: frozenset[str]
    amount_vnd: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Matter:
    """What the fee of a vehicle is worked out from. `day`: on which the tariff is looked up, at the gates."""

    site: str
    direction: Direction | None
    day: date
    values: Mapping[str, str]


@dataclass(frozen=True)
class Fee:
    """The fee of a vehicle. `collector`: who collects by the setting; `confirmed_by`: who confirmed, which may be the other.

    `by_hand`: the collector entered what is due. `contradicted`: payments that were told with different amounts; the smallest
    is reckoned with.
    """

    state: FeeState
    matter: Matter
    collector: Agency
    due: Due
    due_vnd: int | None = None
    paid_vnd: int = 0
    owed: tuple[tuple[Agency, Value], ...] = ()
    confirmed_by: Agency | None = None
    by_hand: bool = False
    contradicted: tuple[str, ...] = ()

    @property
    def confirmed(self) -> bool:
        """Whether a collector has confirmed, matched or not: what a barrier asks; `waits_for` says who is to act if not."""
        return self.confirmed_by is not None

    @property
    def waits_for(self) -> tuple[Agency, ...]:
        """Who is to act next: agencies that owe a value, else the collector; nobody once a collector has confirmed."""
        if self.confirmed:
            return ()
        return tuple(dict.fromkeys(agency for agency, _ in self.owed)) or (self.collector,)


class Route(BaseModel):
    """Sends the fees of a site, a direction or some kinds to a collector."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    collector: Collector
    site: Code | None = None
    direction: Direction | None = None
    kinds: tuple[Code, ...] = ()


class Routing(BaseModel):
    """Who collects which fee: the first route that fits, else `collector`.

    The text says "routed automatically" and not how (A8, 12). That gate management collects under 09/2025 is known from the
    press only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    collector: Collector = Agency.GATE_MANAGEMENT
    route: tuple[Route, ...] = ()

    def collector_of(self, site: str, direction: Direction | None, kind: str) -> Agency:
        """Who collects the fee of a vehicle."""
        return next(
            (
                one.collector
                for one in self.route
                if one.site in (None, site)
                and one.direction in (None, direction)
                and (not one.kinds or kind in one.kinds)
            ),
            self.collector,
        )


def fee(
    matter: Matter,
    payments: Iterable[Payment],
    collected: Sequence[Collected],
    tariffs: Tariffs,
    routing: Routing,
) -> Fee:
    """How the fee of a vehicle stands. The order of payments, and how often each is told, make no difference.

    `collected`: the confirmations of collectors that count and stand, oldest first.
    """
    paid, contradicted = _paid(payments)
    owed = tuple((YARD_VALUES[one], one) for one in OWED if not _told(matter, one))
    due = Due(None) if owed else _due(matter, tariffs)
    by_hand = _by_hand(due, owed, collected)
    due_vnd = due.amount_vnd if by_hand is None else by_hand
    collector = routing.collector_of(matter.site, matter.direction, _kind(matter))
    matching = next((one for one in reversed(collected) if _matches(one, due_vnd, paid)), None)
    confirming = matching or (collected[-1] if collected else None)
    stands = Fee(
        FeeState.NOT_READY,
        matter,
        collector,
        due,
        due_vnd,
        sum(paid.values()),
        owed,
        confirming.by if confirming else None,
        by_hand is not None,
        contradicted,
    )
    return replace(stands, state=_state(stands, matched=matching is not None))


def _state(stands: Fee, *, matched: bool) -> FeeState:
    if stands.confirmed:
        return FeeState.CONFIRMED if matched else FeeState.CONFIRMED_UNMATCHED
    if stands.owed:
        return FeeState.NOT_READY
    if stands.due_vnd is None or stands.paid_vnd == 0 < stands.due_vnd:
        return FeeState.DUE
    if stands.paid_vnd == stands.due_vnd:
        return FeeState.MATCHED
    return FeeState.OVER if stands.paid_vnd > stands.due_vnd else FeeState.PAID_IN_PART


def _paid(payments: Iterable[Payment]) -> tuple[Mapping[str, int], tuple[str, ...]]:
    """Each payment's amount once, and the references that were told with different amounts."""
    told: dict[str, set[int]] = {}
    for one in payments:
        told.setdefault(one.payment, set()).add(one.amount_vnd)
    contradicted = tuple(sorted(ref for ref, amounts in told.items() if len(amounts) > 1))
    return {ref: min(amounts) for ref, amounts in told.items()}, contradicted


def _matches(collected: Collected, due_vnd: int | None, paid: Mapping[str, int]) -> bool:
    """Whether the money that the collector knew of, and the amount she confirmed, are what is due."""
    known_vnd = sum(amount for ref, amount in paid.items() if ref in collected.saw)
    return known_vnd == due_vnd and collected.amount_vnd in (None, due_vnd)


def _by_hand(due: Due, owed: Sequence[object], collected: Sequence[Collected]) -> int | None:
    """What is due by the newest collector who says why it is, where the values are there and no tariff tells."""
    if owed or due.amount_vnd is not None:
        return None
    entered = (one.amount_vnd for one in reversed(collected) if one.reason.strip())
    return next((amount for amount in entered if amount is not None), None)


def _due(matter: Matter, tariffs: Tariffs) -> Due:
    transfer = _told(matter, Value.TRANSFER).lower()
    told = transfer in {*Transfer} or (not transfer and matter.direction is Direction.EXPORT)
    if matter.direction is None or not told:
        return Due(None, unknown=Unknown.USE_NOT_TOLD)
    charged = Charged(
        _told(matter, Value.WEIGHT_CLASS),
        goods_groups(_told(matter, Value.GOODS_GROUP)),
        _kind(matter),
        matter.direction,
        inland=transfer == Transfer.INLAND,
        transfer_only=transfer == Transfer.ONLY,
    )
    return fee_due(tariffs.on(matter.day), charged)


def goods_groups(told: str) -> tuple[str, ...]:
    """The groups of goods in the value that customs confirm."""
    return tuple(one for one in re.split(r"[,;\s]+", told) if one)


def _kind(matter: Matter) -> str:
    return _told(matter, Value.CUSTOMS_KIND).upper()


def _told(matter: Matter, value: Value) -> str:
    return matter.values.get(value, "").strip()
