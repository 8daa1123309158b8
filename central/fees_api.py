"""The API of the fee: payments in, and how the fee of each vehicle stands."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from central.api import Bearer, Number, Parts
from central.fees import POSITION, Position, VehicleFee
from central.problems import documented
from shared.bodies import FeePaid
from shared.body import Code, DeclarationNo
from shared.codes import Agency, Direction
from shared.fees import Collector, FeeState, Value
from shared.tariffs import Backing, Unknown, Why

_S = HTTPStatus
router = APIRouter(prefix="/api", tags=["fees"])


async def _cashier(centre: Parts, bearer: Bearer) -> None:
    centre.tokens.require_cashier(bearer.credentials if bearer else None)


Cashier = Annotated[None, Depends(_cashier)]


class PaymentIn(FeePaid):
    """Money that came in for the fee of one vehicle. `payment` is the cashier's own reference, one for each vehicle paid for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "declaration": "2026112300001",
                    "vehicle": "1",
                    "amount_vnd": 300_000,
                    "payment": "VCB-20261123-000417",
                    "channel": "online",
                }
            ]
        }
    )


class LineOut(BaseModel):
    """One part of what is due; below zero where it takes something off."""

    code: Why
    amount_vnd: int
    standing: Annotated[Backing, Field(description="how well the number is known")]
    source: str


class OwedOut(BaseModel):
    """A value that an agency has still to confirm in the yard."""

    agency: Agency
    value: Value


class FeeOut(BaseModel):
    """How the fee of one vehicle stands."""

    declaration: DeclarationNo
    vehicle: Code
    plate: str
    site: str
    direction: Direction | None
    recalled: bool
    state: FeeState
    collector: Annotated[Agency, Field(description="who collects, by the setting `[fees]`")]
    waits_for: Annotated[list[Agency], Field(description="who is to act next; empty once it is confirmed")]
    owed: list[OwedOut]
    due_vnd: Annotated[int | None, Field(description="null while it is not known; never 0 for that")]
    standing: Annotated[Backing, Field(description="how well `due_vnd` is known: as its weakest line")]
    unknown: Annotated[Unknown | None, Field(description="why no tariff tells the amount")]
    lines: list[LineOut]
    by_hand: Annotated[bool, Field(description="the collector entered the amount, no tariff tells it")]
    paid_vnd: int
    contradicted: Annotated[list[str], Field(description="payments that were told with different amounts")]
    confirmed_by: Agency | None
    values: Annotated[dict[str, str], Field(description="what the agencies confirmed in the yard")]
    resolution: Annotated[str | None, Field(description="the resolution whose tariff was looked up")]


class FeesOut(BaseModel):
    """A part of the list: those that no collector confirmed first, of each the newest declarations.

    Ask again with `after` = `next` until it is null.
    """

    fees: list[FeeOut]
    next: str | None


@router.post(
    "/payments",
    status_code=_S.CREATED,
    summary="Tell of a payment",
    responses={
        200: {"model": FeeOut, "description": "told before, with the same content"},
        **documented(_S.UNAUTHORIZED, _S.NOT_FOUND, _S.CONFLICT, _S.UNPROCESSABLE_ENTITY),
    },
)
async def pay(centre: Parts, _: Cashier, asked: PaymentIn, response: Response) -> FeeOut:
    """Writes a payment down once, however often it is sent, and gives how the fee stands then.

    201 the first time, 200 after that, 409 when the reference stands for other money. Money that matches is not yet
    confirmed: the collector compares and confirms.
    """
    _fact, new = centre.fees.pay(FeePaid.model_validate(asked.model_dump()))
    if not new:
        response.status_code = _S.OK
    return next(
        fee_out(one) for one in centre.fees.of(asked.declaration) if one.vehicle.vehicle == asked.vehicle
    )


@router.get("/fees", summary="How fees stand", responses=documented(_S.UNPROCESSABLE_ENTITY))
async def fees(
    centre: Parts,
    site: Annotated[Code | None, Query(description="of this site")] = None,
    collector: Annotated[Collector | None, Query(description="routed to this collector")] = None,
    state: Annotated[FeeState | None, Query(description="in this state; `due` is ready to be paid")] = None,
    after: Annotated[str | None, Query(pattern=POSITION, description="`next` of the part before")] = None,
    most: Annotated[int, Query(ge=1, le=200, description="how many vehicles to look through")] = 100,
) -> FeesOut:
    """Gives the fees of vehicles about which an agency told a value or money came in. Filters act within a part."""
    position = Position.parse(after) if after else None
    page = centre.fees.page(site, collector, state, after=position, most=most)
    return FeesOut(fees=[fee_out(one) for one in page.fees], next=str(page.next) if page.next else None)


@router.get(
    "/fees/{no}",
    summary="How the fees of a declaration stand",
    responses=documented(_S.NOT_FOUND, _S.UNPROCESSABLE_ENTITY),
)
async def fees_of(centre: Parts, no: Number) -> list[FeeOut]:
    """Gives the fee of each vehicle of a declaration."""
    return [fee_out(one) for one in centre.fees.of(no)]


def fee_out(one: VehicleFee) -> FeeOut:
    """A vehicle's fee as it is shown."""
    fee = one.fee
    return FeeOut(
        declaration=one.no,
        vehicle=one.vehicle.vehicle,
        plate=one.vehicle.plate,
        site=fee.matter.site,
        direction=fee.matter.direction,
        recalled=one.recalled,
        state=fee.state,
        collector=fee.collector,
        waits_for=list(fee.waits_for),
        owed=[OwedOut(agency=agency, value=value) for agency, value in fee.owed],
        due_vnd=fee.due_vnd,
        standing=fee.due.standing,
        unknown=fee.due.unknown,
        lines=[
            LineOut(code=line.code, amount_vnd=line.amount_vnd, standing=line.standing, source=line.source)
            for line in fee.due.lines
        ],
        by_hand=fee.by_hand,
        paid_vnd=fee.paid_vnd,
        contradicted=list(fee.contradicted),
        confirmed_by=fee.confirmed_by,
        values=dict(fee.matter.values),
        resolution=one.tariff.resolution if one.tariff else None,
    )
