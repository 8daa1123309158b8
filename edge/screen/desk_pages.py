"""The desk: vehicles in the yard that await the officer's agency, each with what it must say and its one button."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Header, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from edge.lane.view import PressRefused
from edge.screen.events import events
from edge.screen.frame import Frame, see, wants_json
from edge.screen.panel import TickShown, ticks
from edge.screen.plate import PlateDrawn, draw
from edge.screen.ports import DeskLine, DeskPress
from edge.screen.words import Words, reason_on_record

VALUE = "value_"
"""Before the code of a value that a confirmation says, in a form's field names."""


@dataclass(frozen=True)
class LineShown:
    """A line of the desk as it is drawn. `left_vnd`: what is still to be paid; None where nobody knows or nothing is."""

    line: DeskLine
    plate: PlateDrawn
    ticks: tuple[TickShown, ...]
    left_vnd: int | None


def desk_pages(frame: Frame) -> APIRouter:
    """The desk's routes."""
    router = APIRouter()
    _add_views(router, frame)
    _add_presses(router, frame)
    return router


def _add_views(router: APIRouter, frame: Frame) -> None:
    @router.get("/desk")
    async def desk(request: Request, refused: str | None = None) -> Response:
        return _show(frame, request, "desk.html", refused)

    @router.get("/desk/panel")
    async def desk_panel(request: Request) -> Response:
        return _show(frame, request, "desk_panel.html", None)

    @router.get("/desk/events")
    async def desk_events(
        request: Request, last_event_id: Annotated[str | None, Header()] = None
    ) -> Response:
        frame.officer(request)
        stream = events(frame.gate.changes, last_event_id)
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )


def _add_presses(router: APIRouter, frame: Frame) -> None:
    @router.post("/desk/confirm")
    async def confirm(
        request: Request,
        declaration: Annotated[str, Form()],
        vehicle: Annotated[str, Form()],
        clause: Annotated[str, Form()],
        token: Annotated[str, Form()],
    ) -> Response:
        officer = frame.officer(request)
        values = _values((await request.form()).multi_items())
        try:
            pressed = DeskPress(declaration, vehicle, clause, token)
            await frame.gate.confirm_at_desk(officer, pressed, values)
        except PressRefused as refusal:
            return frame.refused(request, refusal, "/desk")
        return JSONResponse({"done": "confirm"}) if wants_json(request) else see("/desk")

    @router.post("/desk/cash")
    async def take_cash(
        request: Request,
        declaration: Annotated[str, Form()],
        vehicle: Annotated[str, Form()],
        clause: Annotated[str, Form()],
        token: Annotated[str, Form()],
        amount: Annotated[str, Form()] = "",
    ) -> Response:
        officer = frame.officer(request)
        try:
            await frame.gate.take_cash(officer, DeskPress(declaration, vehicle, clause, token), amount)
        except PressRefused as refusal:
            return frame.refused(request, refusal, "/desk")
        return JSONResponse({"done": "cash"}) if wants_json(request) else see("/desk")


def _values(fields: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """What a confirmation says: several choices of one value with commas between, a picked reason in its Vietnamese words."""
    said: dict[str, list[str]] = {}
    for name, value in fields:
        if name.startswith(VALUE):
            said.setdefault(name.removeprefix(VALUE), []).append(str(value))
    values = {code: ",".join(chosen) for code, chosen in said.items()}
    if "reason" in values:
        values["reason"] = reason_on_record("unmatched", values["reason"])
    return values


def _show(frame: Frame, request: Request, template: str, refused: str | None) -> Response:
    officer, words = frame.officer(request), frame.words(request)
    lines = [_shown(line, words) for line in frame.gate.desk(officer.agency)]
    others = [one for one in lines if one.line.fee and one.line.fee.collector is not officer.agency]
    groups = [[one for one in lines if one not in others], others]
    message = words.refused(refused) if refused else None
    return frame.page(request, template, groups=groups, message=message, money=money)


def _shown(line: DeskLine, words: Words) -> LineShown:
    due, paid = (line.fee.due_vnd, line.fee.paid_vnd) if line.fee else (None, 0)
    left = due - paid if due is not None and due > paid else None
    return LineShown(line, draw(line.plate), ticks(line.ticks, words), left)


def money(amount_vnd: int) -> str:
    """An amount as it is written here: 800.000."""
    return f"{amount_vnd:,}".replace(",", ".")
