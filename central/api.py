"""The centre's HTTP API. Handlers are `async` because the store belongs to the event loop's thread."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from central.centre import Centre
from central.gates import Gate
from central.journeys import journey
from central.models import (
    BranchOut,
    CameraOut,
    DeclarationIn,
    DeclarationOut,
    EventOut,
    FactOut,
    FactsOut,
    GateOut,
    JourneyOut,
    LaneOut,
    NodeIn,
    NodeRevocationIn,
    OfficerIn,
    RecallIn,
    RefusalOut,
    RevocationIn,
    Written,
)
from central.problems import documented
from central.words import chosen
from shared.bodies import dump
from shared.branches import Branch
from shared.facts import Fact
from shared.node.declarations import Declared
from shared.protocol import LaneStatus

_S = HTTPStatus
ADMIN_PROBLEMS = documented(_S.UNAUTHORIZED, _S.UNPROCESSABLE_ENTITY)
_bearer = HTTPBearer(auto_error=False, description="a declarant's token, or the administrator's")

router = APIRouter(prefix="/api")


async def _of_app(request: Request) -> Centre:
    return cast(Centre, request.app.state.centre)


Parts = Annotated[Centre, Depends(_of_app)]
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def _declarant(centre: Parts, bearer: Bearer) -> str:
    return centre.tokens.require_declarant(bearer.credentials if bearer else None)


async def _admin(centre: Parts, bearer: Bearer) -> None:
    centre.tokens.require_admin(bearer.credentials if bearer else None)


Declarant = Annotated[str, Depends(_declarant)]
Admin = Annotated[None, Depends(_admin)]
Number = Annotated[
    str, Path(pattern=r"^\d{13}$", description="13 digits: YYYYMMDD and the running number of the day")
]
Lang = Annotated[str | None, Query(description="language of the sentences: vi (the default), en or zh")]


@router.post(
    "/declarations",
    tags=["declarations"],
    status_code=_S.CREATED,
    summary="Declare",
    response_model=DeclarationOut,
    responses={
        200: {"model": DeclarationOut, "description": "taken before, with the same content"},
        **documented(_S.UNAUTHORIZED, _S.CONFLICT, _S.UNPROCESSABLE_ENTITY),
    },
)
async def declare(
    centre: Parts,
    declarant: Declarant,
    asked: DeclarationIn,
    response: Response,
    idempotency_key: Annotated[str | None, Header(max_length=100)] = None,
) -> DeclarationOut:
    """Takes a declaration once, however often it is sent.

    Send it again with the same `no`, or with the same `Idempotency-Key`, when no answer came: 201 the first time, 200
    after that, 409 when the number or key stands for other content. Driver's name, papers and phone are kept apart;
    the facts hold salted commitments in their place.
    """
    key = f"{declarant}/{idempotency_key}" if idempotency_key else None
    taken = centre.declarations.declare(asked, key)
    if not taken.new:
        response.status_code = _S.OK
    response.headers["Location"] = f"/api/declarations/{taken.declared.body.no}"
    return _declaration(taken.declared)


@router.put(
    "/declarations/{no}",
    tags=["declarations"],
    summary="Amend",
    responses=documented(_S.UNAUTHORIZED, _S.NOT_FOUND, _S.CONFLICT, _S.UNPROCESSABLE_ENTITY),
)
async def amend(centre: Parts, _: Declarant, no: Number, asked: DeclarationIn) -> DeclarationOut:
    """Writes the next version: the whole declaration as it shall stand. Officers confirm anew what has changed.

    The content that already stands makes no new version. A recalled declaration cannot be amended.
    """
    return _declaration(centre.declarations.amend(no, asked).declared)


@router.post(
    "/declarations/{no}/recall",
    tags=["declarations"],
    summary="Recall",
    responses=documented(_S.UNAUTHORIZED, _S.NOT_FOUND, _S.UNPROCESSABLE_ENTITY),
)
async def recall(centre: Parts, _: Declarant, no: Number, asked: RecallIn | None = None) -> DeclarationOut:
    """Takes the declaration back. Recalling again changes nothing."""
    return _declaration(centre.declarations.recall(no, asked.reason if asked else "").declared)


@router.get(
    "/declarations/{no}",
    tags=["declarations"],
    summary="A declaration's newest version",
    responses=documented(_S.NOT_FOUND, _S.UNPROCESSABLE_ENTITY),
)
async def declaration(centre: Parts, no: Number) -> DeclarationOut:
    """Gives the newest version, recalled or not. Personal values appear as commitments only."""
    return _declaration(centre.declarations.find(no))


@router.get(
    "/journeys/{no}",
    tags=["watching"],
    summary="What happened to a declaration",
    responses=documented(_S.NOT_FOUND, _S.UNPROCESSABLE_ENTITY),
)
async def journeys(centre: Parts, no: Number, lang: Lang = None) -> JourneyOut:
    """Gives every fact about the declaration and its vehicles' passages as a step: who, when, where, resting on what."""
    return journey(centre, centre.declarations.find(no), chosen(lang))


@router.get("/gates", tags=["watching"], summary="Every gate, alive or not, and how far behind")
async def gates(centre: Parts) -> list[GateOut]:
    """Gives every enrolled gate. `behind` counts facts that the centre lacks, `lags` facts that the gate lacks."""
    forks, events = centre.oversight.forks(), centre.oversight.events()
    return [_gate(one, forks.get(one.node, ()), events.get(one.node, ())) for one in centre.view_gates()]


@router.get(
    "/facts",
    tags=["watching"],
    summary="Facts in the order of arrival",
    responses=documented(_S.UNPROCESSABLE_ENTITY),
)
async def facts(
    centre: Parts,
    after: Annotated[int, Query(ge=0, description="position after which to begin; 0 for all")] = 0,
    most: Annotated[int, Query(ge=1, le=500)] = 500,
) -> FactsOut:
    """Gives a page of facts as their envelopes, without the personal values beside them."""
    page = centre.store.since(after, most)
    held = [FactOut(position=position, fact=fact.envelope()) for position, fact in page]
    return FactsOut(facts=held, next=held[-1].position if held else after)


@router.post(
    "/nodes",
    tags=["enrolment"],
    summary="License a node",
    status_code=_S.CREATED,
    responses=ADMIN_PROBLEMS | documented(_S.CONFLICT),
)
async def node(centre: Parts, _: Admin, asked: NodeIn, response: Response) -> Written:
    """Licenses a gate PC or desk for places and agencies. The licence that already stands writes nothing (200).

    With a new key it is a re-enrolment: what the old key signed stays good. A node that was revoked needs a new key, and
    goes on in a journal of its own, which the licence names.
    """
    written = centre.enrolments.node(asked)
    if not written:
        response.status_code = _S.OK
    return Written(facts=written)


@router.post(
    "/nodes/{node}/revoke",
    tags=["enrolment"],
    summary="Revoke a node",
    responses=ADMIN_PROBLEMS | documented(_S.NOT_FOUND, _S.CONFLICT),
)
async def revoke_node(centre: Parts, _: Admin, node: str, asked: NodeRevocationIn | None = None) -> Written:
    """Trusts the node's key no longer. What its journals hold beyond `trusted`, or beyond what the centre holds now, counts
    nowhere; every other journal of its name neither. License it again with a new key to let it go on."""
    return Written(facts=centre.enrolments.revoke_node(node, asked or NodeRevocationIn()))


@router.post(
    "/officers",
    tags=["enrolment"],
    summary="Enrol an officer, or renew",
    status_code=_S.CREATED,
    responses=ADMIN_PROBLEMS,
)
async def officer(centre: Parts, _: Admin, asked: OfficerIn) -> Written:
    """Leases an office at a site to an officer from now on, 35 days unless `days` says otherwise."""
    return Written(facts=centre.enrolments.officer(asked))


@router.post(
    "/officers/{officer}/revoke",
    tags=["enrolment"],
    summary="Revoke an officer",
    responses=ADMIN_PROBLEMS | documented(_S.NOT_FOUND),
)
async def revoke(centre: Parts, _: Admin, officer: str, asked: RevocationIn | None = None) -> Written:
    """Ends the officer's offices at every site, now. What she confirmed before stays as history."""
    return Written(facts=centre.enrolments.revoke(officer, asked.reason if asked else ""))


def _declaration(declared: Declared) -> DeclarationOut:
    body = declared.body
    return DeclarationOut(
        no=body.no,
        version=body.version,
        ref=declared.ref,
        recalled=declared.recalled,
        declaration=dump(body),
    )


def branch_out(branch: Branch) -> BranchOut:
    """A branch as it is shown."""
    head = branch.head
    return BranchOut(
        journal=head.journal, branch=branch.number, seq=head.seq, hash=head.hash, floor=branch.floor.seq
    )


def _gate(gate: Gate, branches: Iterable[Branch], events: Iterable[Fact]) -> GateOut:
    status = gate.status
    return GateOut(
        node=gate.node,
        site=gate.site,
        state=gate.state.value,
        heard_s=gate.heard_s,
        places=list(gate.places),
        behind=gate.behind,
        lags=gate.lags,
        unsent=status.unsent if status else None,
        unseen=status.unseen if status else None,
        quarantined=status.quarantined if status else None,
        refused=status.refused if status else [],
        refused_by=[RefusalOut(by=r.by, journal=r.journal, seq=r.seq) for r in gate.refused_by],
        revoked=gate.revoked,
        branches=[branch_out(one) for one in branches],
        events=[EventOut(ref=one.ref, at=one.at, kind=one.kind, body=dict(one.body)) for one in events],
        clock=status.clock if status else None,
        disk=status.disk if status else None,
        disk_free_mb=status.disk_free_mb if status else None,
        version=status.version if status else None,
        lanes=[_lane(lane) for lane in (status.lanes if status else [])],
    )


def _lane(lane: LaneStatus) -> LaneOut:
    return LaneOut(
        name=lane.name,
        place=lane.place,
        state=lane.state,
        barrier=lane.barrier,
        barrier_error=lane.barrier_error,
        cameras=[CameraOut.model_validate(camera.model_dump()) for camera in lane.cameras],
    )
