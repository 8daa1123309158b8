"""Fees at the centre: payments taken once, and how the fee of each vehicle stands, worked out from the facts when asked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from central.declaring import DeclarationDesk
from central.errors import Conflict, NotFound
from central.journals import CentreJournals
from shared import subjects
from shared.bodies import Confirmed, FeePaid, dump, read_body
from shared.body import Body
from shared.codes import Agency
from shared.declared import Vehicle
from shared.facts import Draft, Fact
from shared.fee_facts import payment_counts, vehicle_fee
from shared.fees import COLLECTORS, YARD_VALUES, Fee, FeeState, Routing, Value, goods_groups
from shared.history import History
from shared.node.declarations import DeclarationBook
from shared.node.engine import Engine
from shared.tariffs import GoodsGroup, Tariff, Tariffs, WeightClass
from shared.words import Language


class Payments:
    """The tables `fee_payments`, by reference, and `fee_matters`: vehicles of which something concerns the fee.

    `collected`: a collector has confirmed. Whether that counts is asked later; here it is for the order of the list alone.
    """

    schema = """
CREATE TABLE IF NOT EXISTS fee_payments (payment TEXT, ref TEXT, no TEXT, PRIMARY KEY (payment, ref, no));
CREATE TABLE IF NOT EXISTS fee_matters (
    no TEXT, vehicle TEXT, collected INTEGER DEFAULT 0, PRIMARY KEY (no, vehicle)
);
CREATE INDEX IF NOT EXISTS idx_fee_payments_no ON fee_payments (no);
"""

    def apply(self, database: Engine, fact: Fact, body: Body) -> None:
        """Takes in payments, values of the yard and collectors' confirmations, whether they count or not."""
        match body:
            case FeePaid():
                database.execute(
                    "INSERT INTO fee_payments(payment, ref, no) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (body.payment, fact.ref, body.declaration),
                )
                _matters(database, body.declaration, body.vehicle)
            case Confirmed() if body.by in COLLECTORS:
                _matters(database, body.declaration, body.vehicle)
                database.execute(
                    "UPDATE fee_matters SET collected = 1 WHERE no = ? AND vehicle = ?",
                    (body.declaration, body.vehicle),
                )
            case Confirmed() if not body.values.keys().isdisjoint(YARD_VALUES):
                _matters(database, body.declaration, body.vehicle)
            case _:
                pass

    def drop(self, database: Engine, no: str) -> None:
        """See Projection."""
        for table in ("fee_payments", "fee_matters"):
            database.execute(f"DELETE FROM {table} WHERE no = ?", (no,))


@dataclass(frozen=True)
class VehicleFee:
    """The fee of one vehicle of a declaration, and the tariff that it was looked up in."""

    no: str
    vehicle: Vehicle
    recalled: bool
    fee: Fee
    tariff: Tariff | None

    def words(self, language: Language) -> str:
        """The values that the agencies told, in the tariff's own words where it has them."""
        told = self.fee.matter.values
        classes, groups = (self.tariff.classes, self.tariff.groups) if self.tariff else ((), ())
        parts = (
            _named(classes, told.get(Value.WEIGHT_CLASS, ""), language),
            told.get(Value.CUSTOMS_KIND, ""),
            *(_named(groups, one, language) for one in goods_groups(told.get(Value.GOODS_GROUP, ""))),
        )
        return " · ".join(part for part in parts if part)


POSITION = r"^[01]/\d{13}/[A-Za-z0-9_-]{1,40}$"


@dataclass(frozen=True)
class Position:
    """Where a vehicle stands in the list: those that no collector confirmed come first, of each the newest declarations."""

    collected: int
    no: str
    vehicle: str

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Reads what `str` wrote."""
        collected, no, vehicle = text.split("/")
        return cls(int(collected), no, vehicle)

    def __str__(self) -> str:
        return f"{self.collected}/{self.no}/{self.vehicle}"


@dataclass(frozen=True)
class Page:
    """A part of the list. `next`: ask again for what comes after this place; None at the end."""

    fees: list[VehicleFee]
    next: Position | None


class FeeDesk:
    """Takes payments and tells how fees stand."""

    def __init__(
        self, journals: CentreJournals, declarations: DeclarationDesk, tariffs: Tariffs, routing: Routing
    ) -> None:
        self.routing = routing
        self._declarations = declarations
        self._tariffs = tariffs
        self._journals = journals
        self._store = journals.store
        self._book = DeclarationBook(journals.store)

    def pay(self, paid: FeePaid) -> tuple[Fact, bool]:
        """Writes a payment down, once for each reference; gives the fact that tells it, and whether it is new.

        Raises NotFound for a vehicle that is not declared, Conflict when the reference stands for other money.
        """
        with self._store.together("take a payment into"):
            for fact, held in self._told(paid.payment):
                if held != paid:
                    raise Conflict(
                        f"{paid.payment} stands for {held.amount_vnd} đồng for {held.declaration}/{held.vehicle},"
                        f" {held.channel}; send a payment under a reference of its own"
                    )
                return fact, False
            declared = self._declarations.find(paid.declaration)
            if declared.body.find(paid.vehicle) is None:
                raise NotFound(f"{paid.declaration} declares no vehicle {paid.vehicle}; mend the code")
            draft = Draft("fee_paid", subjects.vehicle(paid.declaration, paid.vehicle), dump(paid))
            return self._journals.write(declared.body.site, draft), True

    def of(self, no: str) -> list[VehicleFee]:
        """How the fee of each vehicle of a declaration stands; raises NotFound."""
        declared = self._declarations.find(no)
        body = declared.body
        facts = self._store.about(subjects.declaration(no))
        history = History.of(facts, self._journals.authority(body.site))
        fees = [
            vehicle_fee(facts, history, body, one.vehicle, self._tariffs, self.routing)
            for one in body.vehicles
        ]
        return [
            VehicleFee(no, vehicle, declared.recalled, fee, self._tariffs.on(fee.matter.day))
            for vehicle, fee in zip(body.vehicles, fees, strict=True)
        ]

    def page(
        self,
        site: str | None = None,
        collector: Agency | None = None,
        state: FeeState | None = None,
        *,
        after: Position | None = None,
        most: int,
    ) -> Page:
        """Looks through `most` vehicles about which something was told that concerns the fee, and gives those chosen.

        Those not declared any more are left out, and of recalled declarations those for which no money came in.
        """
        places = self._after(after, site or "", most + 1)
        by_no = {no: self.of(no) for no in {one.no for one in places[:most]}}
        fees = [
            one
            for place in places[:most]
            for one in by_no[place.no]
            if one.vehicle.vehicle == place.vehicle
            and (one.fee.paid_vnd or not one.recalled)
            and collector in (None, one.fee.collector)
            and state in (None, one.fee.state)
        ]
        return Page(fees, places[most - 1] if len(places) > most else None)

    def _after(self, place: Position | None, site: str, most: int) -> list[Position]:
        at = place or Position(-1, "", "")
        rows = self._store.rows(
            """SELECT m.collected, m.no, m.vehicle FROM fee_matters m JOIN declarations d ON d.no = m.no
               WHERE (? = '' OR d.site = ?)
               AND (m.collected > ? OR (m.collected = ? AND (m.no < ? OR (m.no = ? AND m.vehicle > ?))))
               ORDER BY m.collected, m.no DESC, m.vehicle LIMIT ?""",
            (site, site, at.collected, at.collected, at.no, at.no, at.vehicle, most),
        )
        return [Position(*row) for row in rows]

    def _told(self, payment: str) -> Iterator[tuple[Fact, FeePaid]]:
        """The facts that tell a payment, and count."""
        rows = self._store.rows("SELECT ref, no FROM fee_payments WHERE payment = ? ORDER BY ref", (payment,))
        for ref, no in rows:
            fact, declared = self._store.get(ref), self._book.find(no)
            body = read_body(fact) if fact else None
            if fact is None or declared is None or not isinstance(body, FeePaid):
                continue
            if payment_counts(fact, body, self._journals.authority(declared.body.site)):
                yield fact, body


def _matters(database: Engine, no: str, vehicle: str) -> None:
    database.execute(
        "INSERT INTO fee_matters(no, vehicle) VALUES (?, ?) ON CONFLICT DO NOTHING", (no, vehicle)
    )


def _named(named: Iterable[WeightClass | GoodsGroup], code: str, language: Language) -> str:
    words = next((one.words for one in named if one.code == code.strip()), {})
    return words.get(language, code)
