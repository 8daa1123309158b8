"""The lane: its page, its live parts, and the presses that an officer makes there."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Header, Path, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse

from edge.lane import rules
from edge.lane.view import LaneView, Press, Pressed, PressRefused
from edge.screen.events import events
from edge.screen.frame import Frame, see, wants_json
from edge.screen.keypad import ROWS
from edge.screen.panel import panel
from edge.screen.ports import LaneForScreen
from edge.screen.words import reason_on_record
from shared import plates
from shared.codes import Agency
from shared.node.http import Problem

_AT_ANY_MOMENT = frozenset({Press.EMERGENCY, Press.GIVE_REASON})
"""Presses that do not depend on what the screen showed: an emergency is never refused because the page was old."""

_SHORTEST_PLATE = 5
_LONGEST_TEXT = 500

Text = Annotated[str, Form(max_length=_LONGEST_TEXT)]


def lane_pages(frame: Frame) -> APIRouter:
    """The lane's routes."""
    router = APIRouter()
    _add_views(router, frame)
    _add_pictures(router, frame)
    _add_presses(router, frame)
    return router


def _add_views(router: APIRouter, frame: Frame) -> None:
    @router.get("/lane/{name}")
    async def lane_page(request: Request, name: str, refused: str | None = None) -> Response:
        return _show(frame, request, name, "lane.html", refused)

    @router.get("/lane/{name}/panel")
    async def lane_panel(request: Request, name: str) -> Response:
        if wants_json(request):
            officer = frame.officer(request)
            return JSONResponse(_for_programs(frame.lane(name).view(), officer.agency))
        return _show(frame, request, name, "panel.html", None)

    @router.get("/lane/{name}/events")
    async def lane_events(
        request: Request, name: str, last_event_id: Annotated[str | None, Header()] = None
    ) -> Response:
        frame.officer(request)
        frame.lane(name)
        stream = events(frame.gate.changes, last_event_id)
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )


def _add_pictures(router: APIRouter, frame: Frame) -> None:
    @router.get("/lane/{name}/live.jpg")
    async def live(request: Request, name: str) -> Response:
        frame.officer(request)
        jpeg = frame.lane(name).live_jpeg()
        if jpeg is None:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @router.get("/pictures/{sha256}.jpg")
    async def picture(request: Request, sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]) -> Response:
        frame.officer(request)
        file = frame.gate.picture(sha256)
        if file is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"Picture {sha256[:12]}… is not on this gate PC.")
        headers = {"Cache-Control": "private, max-age=31536000, immutable"}
        return FileResponse(file, media_type="image/jpeg", headers=headers)


def _add_presses(router: APIRouter, frame: Frame) -> None:
    @router.post("/lane/{name}/press")
    async def press(
        request: Request,
        name: str,
        press: Annotated[Press, Form()],
        token: Text = "",
        reason: Text = "",
        text: Text = "",
        declaration: Text = "",
        vehicle: Text = "",
    ) -> Response:
        officer, lane = frame.officer(request), frame.lane(name)
        values = {"reason": reason, "text": text, "declaration": declaration, "vehicle": vehicle}
        try:
            await _carry_out(lane, Pressed(press, officer, token, values))
        except PressRefused as refusal:
            return frame.refused(request, refusal, f"/lane/{name}")
        return JSONResponse({"done": press}) if wants_json(request) else see(f"/lane/{name}")


def _show(frame: Frame, request: Request, name: str, template: str, refused: str | None) -> Response:
    officer, words = frame.officer(request), frame.words(request)
    view = frame.lane(name).view()
    shown = panel(view, officer, frame.gate.link(), words, frame.now())
    message = words.refused(refused) if refused else None
    return frame.page(request, template, name=name, panel=shown, message=message, keypad=ROWS)


def _for_programs(view: LaneView, agency: Agency) -> dict[str, Any]:
    """What a program at this screen (a test, a simulated officer) needs to press as a person would."""
    offered = rules.buttons(view, agency)
    candidates = [{"declaration": one.declaration, "vehicle": one.vehicle} for one in view.candidates]
    return {
        "token": view.token,
        "state": view.state,
        "passage": view.passage,
        "plate": view.plate.text if view.plate else None,
        "outcome": view.outcome,
        "verdict": view.decision.verdict if view.decision else None,
        "candidates": candidates,
        "primary": offered.primary,
        "others": offered.others,
    }


async def _carry_out(lane: LaneForScreen, pressed: Pressed) -> None:
    """Hands a press to the lane if it is offered now; raises PressRefused."""
    view = lane.view()
    if pressed.press not in _AT_ANY_MOMENT and pressed.token != view.token:
        raise PressRefused("stale")
    if not rules.allowed(view, pressed.officer.agency, pressed.press):
        raise PressRefused("not_offered")
    values = _values(view, pressed.press, pressed.values)
    await lane.press(Pressed(pressed.press, pressed.officer, pressed.token, values))


def _values(view: LaneView, press: Press, given: Mapping[str, str]) -> dict[str, str]:
    """The values that go with a press, in the form in which they are recorded; raises PressRefused."""
    if press in rules.NEEDS_REASON:
        if not given["reason"].strip():
            raise PressRefused("reason_needed")
        return {"reason": reason_on_record(press, given["reason"].strip())}
    if press is Press.CORRECT_PLATE:
        text = plates.normalise(given["text"])
        if len(text) < _SHORTEST_PLATE:
            raise PressRefused("bad_plate")
        return {"text": text}
    if press is Press.CHOOSE_VEHICLE:
        chosen = {"declaration": given["declaration"], "vehicle": given["vehicle"]}
        offered = ({"declaration": one.declaration, "vehicle": one.vehicle} for one in view.candidates)
        if chosen not in offered:
            raise PressRefused("no_such_vehicle")
        return chosen
    return {}
