"""The API of the rules that gates decide by: procedures and settings, published as facts."""

from datetime import date
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from central.api import ADMIN_PROBLEMS, Admin, Parts
from central.centre import Centre
from central.models import Written
from central.problems import documented
from central.publications import ProcedureOut, ProceduresIn, SettingsIn, SettingsOut
from central.publishing import InForce
from shared.clock import day_at_gates
from shared.procedure_check import Source

_S = HTTPStatus
router = APIRouter(prefix="/api", tags=["rules"])
Site = Annotated[str | None, Query(max_length=40, description="a site, as CKHN; all when left out")]


@router.post(
    "/procedures",
    summary="Publish procedures",
    status_code=_S.CREATED,
    responses=ADMIN_PROBLEMS,
)
async def publish_procedures(centre: Parts, _: Admin, asked: ProceduresIn, response: Response) -> Written:
    """Publishes versions of procedures to the gates of a site, all or none.

    A version stands over the gates' own files on the days on which it is in force. One of the same khoản and first day takes
    the place of the one before it; what stands already writes nothing (200). Where the checker finds fault with what the
    gates would then hold, nothing is written and 422 says what.
    """
    sources = [Source(f"procedure/{one.procedure}", one, published=True) for one in asked.procedures]
    return _written(centre.publications.procedures(asked.site, sources), response)


@router.get("/procedures", summary="Procedures in force", responses=documented(_S.UNPROCESSABLE_ENTITY))
async def procedures(centre: Parts, site: Site = None, on: date | None = None) -> list[ProcedureOut]:
    """Gives the version of every khoản that judges declarations of a day, today when left out."""
    day = on or day_at_gates(centre.store.steady())
    return [
        _procedure(one) for name in _sites(centre, site) for one in centre.publications.in_force(name, day)
    ]


@router.post("/settings", summary="Publish settings", status_code=_S.CREATED, responses=ADMIN_PROBLEMS)
async def publish_settings(centre: Parts, _: Admin, asked: SettingsIn, response: Response) -> Written:
    """Publishes how a site reads what the decree leaves open. It stands over the gates' own files, key by key.

    A reading that no step has is refused. What is in force already writes nothing (200).
    """
    return _written(centre.publications.settings(asked), response)


@router.get("/settings", summary="Settings published", responses=documented(_S.UNPROCESSABLE_ENTITY))
async def settings(centre: Parts, site: Site = None) -> list[SettingsOut]:
    """Gives the settings of each site in the order in which they come into force."""
    return [
        SettingsOut(site=name, **dict(said))
        for name in _sites(centre, site)
        for said in centre.publications.published(name).settings
    ]


def _sites(centre: Centre, site: str | None) -> tuple[str, ...]:
    return centre.journals.sites if site is None else (site,)


def _written(facts: list[str], response: Response) -> Written:
    if not facts:
        response.status_code = _S.OK
    return Written(facts=facts)


def _procedure(one: InForce) -> ProcedureOut:
    found = one.procedure
    return ProcedureOut(
        site=one.site,
        procedure=found.procedure,
        title=found.title,
        in_force_from=found.in_force_from,
        in_force_to=found.in_force_to,
        judges=found.judges.value,
        source=one.origin.value,
        ref=one.ref,
        hash=found.hash,
    )
