"""The API of reports: a yard's own data, and whether a vehicle's position is switched on."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, Field

from central.api import Bearer, Declarant, Number, Parts
from central.models import Request, Written
from central.problems import documented
from central.reporting import YardGate
from shared.body import Code, DeclarationNo, Text

_S = HTTPStatus
router = APIRouter(prefix="/api", tags=["reports"])


async def _yard(centre: Parts, bearer: Bearer) -> None:
    centre.tokens.require_yard(bearer.credentials if bearer else None)


class YardReportIn(Request):
    """A yard saw a vehicle come in or go out. `record` is the yard's own reference, one for each time."""

    plate: Text
    place: YardGate
    record: Annotated[Text, Field(min_length=1)]
    seen_at: AwareDatetime
    declaration: DeclarationNo | None = None


class GpsIn(Request):
    """The position of a vehicle under way was switched on or off."""

    vehicle: Code
    on: bool
    since: AwareDatetime


@router.post(
    "/yard-reports",
    status_code=_S.CREATED,
    summary="Tell what a yard saw",
    responses={
        200: {"model": Written, "description": "told before"},
        **documented(_S.UNAUTHORIZED, _S.NOT_FOUND, _S.CONFLICT, _S.UNPROCESSABLE_ENTITY),
    },
    dependencies=[Depends(_yard)],
)
async def yard_report(centre: Parts, asked: YardReportIn, response: Response) -> Written:
    """Writes a yard's word down, once for each record. It is shown at the gates beside the device's own read."""
    fact, new = centre.reports.yard(asked.plate, asked.place, asked.record, asked.seen_at, asked.declaration)
    response.status_code = _S.CREATED if new else _S.OK
    return Written(facts=[fact.ref])


@router.post(
    "/declarations/{no}/gps",
    status_code=_S.CREATED,
    summary="Tell whether a position is switched on",
    responses={
        200: {"model": Written, "description": "known already"},
        **documented(_S.UNAUTHORIZED, _S.NOT_FOUND, _S.UNPROCESSABLE_ENTITY),
    },
)
async def gps(centre: Parts, _: Declarant, no: Number, asked: GpsIn, response: Response) -> Written:
    """Writes it down where it changes. A gate shows it, and refuses nobody for it (4.3.a)."""
    fact, new = centre.reports.gps(no, asked.vehicle, on=asked.on, since=asked.since)
    response.status_code = _S.CREATED if new else _S.OK
    return Written(facts=[fact.ref])
