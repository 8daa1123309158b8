"""The fee of a vehicle from the facts about its declaration: the values that stand, the payments that count, who confirmed."""

from collections.abc import Iterable, Iterator

from shared.authority import Authority, Counting, from_centre
from shared.bodies import FeePaid, read_body
from shared.clock import day_at_gates
from shared.codes import Agency, Place
from shared.declared import Declaration
from shared.facts import Fact, FactError
from shared.fees import (
    COLLECTORS,
    YARD_VALUES,
    Collected,
    Fee,
    Matter,
    Payment,
    Routing,
    Value,
    fee,
)
from shared.history import Given, History
from shared.matter import matter_digest
from shared.procedures import Matter as Declared
from shared.tariffs import Tariffs

_MOST_DIGITS = 15
_CHARGED = (Declared.VEHICLE, Declared.GOODS)
"""What the values of the yard are about: the steps' own lines speak of the vehicle and its goods."""


def vehicle_fee(
    facts: Iterable[Fact],
    history: History,
    declaration: Declaration,
    vehicle: str,
    tariffs: Tariffs,
    routing: Routing,
) -> Fee:
    """How the fee of a vehicle stands; `history` is folded from the same facts. Their order makes no difference.

    The tariff is that of the day on which the standing weight class was confirmed: until then no fee is due.
    """
    given = [one for one in history.given if _stands(one, declaration, vehicle, history)]
    payments = tuple(_payments(facts, history.authority, declaration, vehicle))
    return fee(
        matter_of(given, declaration),
        (Payment(paid.payment, paid.amount_vnd) for _, paid in payments),
        [_collected(one, payments) for one in given if one.body.by in COLLECTORS],
        tariffs,
        routing,
    )


def matter_of(given: Iterable[Given], declaration: Declaration) -> Matter:
    """The values that confirmations in the yard hold, each from its own agency; of several the newest."""
    values: dict[str, str] = {}
    day = day_at_gates(declaration.declared_at)
    for one in given:
        if one.body.place is not Place.YARD:
            continue
        for value, agency in YARD_VALUES.items():
            told = one.body.values.get(value)
            if told is not None and one.body.by is agency:
                values[value] = told
                if value is Value.WEIGHT_CLASS:
                    day = day_at_gates(one.fact.stamp.wall)
    return Matter(declaration.site, declaration.direction, day, values)


def payment_counts(fact: Fact, body: FeePaid, authority: Authority) -> bool:
    """Whether a payment counts: told by the centre, or, at the counter, by a node licensed for a collector's desk."""
    if from_centre(authority.site, fact):
        return True
    return body.channel == "counter" and any(
        authority.fact_speaks(fact, Place.ONLINE, agency) is Counting.COUNTS for agency in COLLECTORS
    )


def _payments(
    facts: Iterable[Fact], authority: Authority, declaration: Declaration, vehicle: str
) -> Iterator[tuple[Fact, FeePaid]]:
    for fact in facts:
        if fact.kind != "fee_paid":
            continue
        try:
            body = read_body(fact)
        except FactError:
            continue
        if (
            isinstance(body, FeePaid)
            and (body.declaration, body.vehicle) == (declaration.no, vehicle)
            and payment_counts(fact, body, authority)
        ):
            yield fact, body


def _stands(one: Given, declaration: Declaration, vehicle: str, history: History) -> bool:
    """A confirmation stands if it counts, was not taken back, and is about what is declared now; a collector's if at her desk."""
    if not one.counts or one.withdrawn or one.body.vehicle != vehicle:
        return False
    if one.body.by in COLLECTORS:
        return one.body.place is Place.ONLINE
    then = history.version(one.body.declared)
    if then is None:
        return False
    seen, now = (matter_digest(one, vehicle, _CHARGED) for one in (then.body, declaration))
    return seen == now


def _collected(one: Given, payments: Iterable[tuple[Fact, FeePaid]]) -> Collected:
    """Which payments its author knew of follows from the numbers that the confirmation names, not from clocks."""
    body, vector = one.body, one.body.decision.vector
    saw = {
        paid.payment
        for fact, paid in payments
        if fact.seq <= vector.get(fact.journal, 0) or fact.ref in body.saw
    }
    amount = body.values.get(Value.AMOUNT_VND, "").strip()
    assert isinstance(body.by, Agency)
    return Collected(
        body.by,
        frozenset(saw),
        int(amount) if amount.isascii() and amount.isdigit() and len(amount) <= _MOST_DIGITS else None,
        body.values.get(Value.REASON, ""),
    )
