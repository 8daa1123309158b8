"""The desk: vehicles in the yard that await the officer's agency, each with its one button."""

from typing import Annotated

from fastapi import APIRouter, Form, Header, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from edge.lane.view import PressRefused
from edge.screen.events import events
from edge.screen.frame import Frame, see, wants_json
from edge.screen.panel import ticks
from edge.screen.plate import draw
from edge.screen.ports import DeskPress

VALUE = "value_"
"""Before the code of a value that a confirmation says, in a form's field names."""


def desk_pages(frame: Frame) -> APIRouter:
    """The desk's routes."""
    router = APIRouter()

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

    @router.post("/desk/confirm")
    async def confirm(
        request: Request,
        declaration: Annotated[str, Form()],
        vehicle: Annotated[str, Form()],
        clause: Annotated[str, Form()],
        token: Annotated[str, Form()],
    ) -> Response:
        officer = frame.officer(request)
        form = await request.form()
        values = {n.removeprefix(VALUE): str(v) for n, v in form.items() if n.startswith(VALUE)}
        try:
            pressed = DeskPress(declaration, vehicle, clause, token)
            await frame.gate.confirm_at_desk(officer, pressed, values)
        except PressRefused as refusal:
            return frame.refused(request, refusal, "/desk")
        return JSONResponse({"done": "confirm"}) if wants_json(request) else see("/desk")

    return router


def _show(frame: Frame, request: Request, template: str, refused: str | None) -> Response:
    officer, words = frame.officer(request), frame.words(request)
    lines = [(line, draw(line.plate), ticks(line.ticks, words)) for line in frame.gate.desk(officer.agency)]
    message = words.refused(refused) if refused else None
    return frame.page(request, template, lines=lines, message=message)
