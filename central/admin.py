"""The API of whoever takes care of the system: forgetting, what was set aside, what looks wrong, journals, checkpoints."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path

from central.api import ADMIN_PROBLEMS, Admin, Number, Parts, branch_out
from central.forgetting import Asked
from central.models import (
    AnsweredOut,
    CheckpointOut,
    FlagOut,
    ForgetIn,
    ForgetOut,
    JournalOut,
    SeenOut,
    SetAsideOut,
    Written,
)
from central.oversight import Flag, HeldJournal, SetAside
from central.problems import documented
from shared.checkpoint import Manifest

_S = HTTPStatus
router = APIRouter(prefix="/api", tags=["care"])


@router.post(
    "/declarations/{no}/forget",
    summary="Forget a declaration's personal values",
    responses=ADMIN_PROBLEMS | documented(_S.NOT_FOUND),
)
async def forget_declaration(centre: Parts, _: Admin, no: Number, asked: ForgetIn | None = None) -> Written:
    """Removes drivers' names, papers and phones: here at once, at every node as it hears of it, and from checkpoints.

    The facts keep their commitments. What was forgotten before writes nothing.
    """
    site = centre.declarations.find(no).body.site
    written = centre.forgets.declaration(no, site, asked.reason if asked else "")
    centre.checkpoints[site].look()
    return Written(facts=written)


@router.post(
    "/officers/{officer}/forget",
    summary="Forget an officer's name",
    responses=ADMIN_PROBLEMS | documented(_S.NOT_FOUND),
)
async def forget_officer(centre: Parts, _: Admin, officer: str, asked: ForgetIn | None = None) -> Written:
    """Removes the officer's name at every site; her code stays. What was forgotten before writes nothing."""
    written = centre.forgets.officer(officer, asked.reason if asked else "")
    for one in centre.checkpoints.values():
        one.look()
    return Written(facts=written)


@router.get("/forgets", summary="What was forgotten, and who has answered")
async def forgets(centre: Parts) -> list[ForgetOut]:
    """Gives every `forget`, the newest first. `waiting` are the enrolled nodes that may hold the values still."""
    return [_forget(one) for one in centre.forgets.asked()]


@router.get("/quarantine", summary="Messages that could not be taken", responses=ADMIN_PROBLEMS)
async def quarantine(centre: Parts, _: Admin) -> list[SetAsideOut]:
    """Gives what the centre set aside, the newest first; at most a thousand are kept."""
    return [_set_aside(one) for one in centre.oversight.quarantine()]


@router.post(
    "/quarantine/{digest}/acknowledge",
    summary="Somebody has looked at it",
    status_code=_S.NO_CONTENT,
    responses=ADMIN_PROBLEMS | documented(_S.NOT_FOUND),
)
async def acknowledge(
    centre: Parts, _: Admin, digest: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
) -> None:
    """Takes a message that was set aside off the page. It stays in the list."""
    centre.oversight.acknowledge(digest)


@router.get("/flags", summary="What looks wrong about facts and nodes")
async def flags(centre: Parts) -> list[FlagOut]:
    """Gives every flag, the newest first, with the branches of journals that forked."""
    return [_flag(one) for one in centre.oversight.flags()]


@router.get("/journals", summary="Every journal, and who holds it how far")
async def journals(centre: Parts) -> list[JournalOut]:
    """Gives every journal with its head, its branches and its witnesses: heads that were seen cannot be taken back."""
    return [_journal(one) for one in centre.oversight.journals()]


@router.get("/checkpoints", summary="The newest checkpoint of each site")
async def checkpoints(centre: Parts) -> list[CheckpointOut]:
    """Gives the checkpoints from which a gate without history begins."""
    return [_checkpoint(one.newest) for one in centre.checkpoints.values() if one.newest is not None]


@router.post("/checkpoints", summary="Make checkpoints now", status_code=_S.CREATED, responses=ADMIN_PROBLEMS)
async def make_checkpoints(centre: Parts, _: Admin) -> list[CheckpointOut]:
    """Makes a checkpoint of every site and tells the gates of it. They are made every six hours without being asked."""
    return [_checkpoint(await one.make()) for one in centre.checkpoints.values()]


def _forget(asked: Asked) -> ForgetOut:
    return ForgetOut(
        ref=asked.ref,
        at=asked.at,
        site=asked.site,
        subject=asked.subject,
        declaration=asked.declaration,
        reason=asked.reason,
        facts=asked.facts,
        answered=[AnsweredOut(node=node, at=at) for node, at in sorted(asked.answered.items())],
        waiting=list(asked.waiting),
    )


def _set_aside(one: SetAside) -> SetAsideOut:
    return SetAsideOut(**vars(one))


def _flag(flag: Flag) -> FlagOut:
    return FlagOut(**vars(flag) | {"branches": [branch_out(one) for one in flag.branches]})


def _journal(held: HeldJournal) -> JournalOut:
    return JournalOut(
        journal=held.journal,
        head=held.head,
        hash=held.branches[0].head.hash,
        floor=held.floor,
        branches=[branch_out(one) for one in held.branches],
        seen=[SeenOut(witness=one.witness, seq=one.seq, at=one.at) for one in held.seen],
    )


def _checkpoint(manifest: Manifest) -> CheckpointOut:
    return CheckpointOut(
        site=manifest.site,
        at=manifest.at,
        facts=sum(part.facts for part in manifest.parts),
        parts=len(manifest.parts),
        journals=len(manifest.heads),
    )
