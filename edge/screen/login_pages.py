"""Signing in and out, and how the screen looks: all of it works with the network gone."""

from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Form, Request, Response

from edge.screen.frame import (
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    THEME_COOKIE,
    THEMES,
    Frame,
    keep,
    own_path,
    see,
)
from edge.screen.keypad import DIGITS
from shared.words import Language

log = structlog.get_logger()

_YEAR_S = 365 * 24 * 3600
Short = Annotated[str, Form(max_length=40)]


def login_pages(frame: Frame) -> APIRouter:
    """The routes of signing in and out, of language and theme, and the front page."""
    router = APIRouter()
    _add_front(router, frame)
    _add_sign_in(router, frame)
    return router


def _add_front(router: APIRouter, frame: Frame) -> None:
    @router.get("/")
    async def front(request: Request) -> Response:
        frame.officer(request)
        lanes = frame.gate.lanes
        if not lanes:
            return see("/desk")
        if len(lanes) == 1:
            return see(f"/lane/{next(iter(lanes))}")
        return frame.page(request, "lanes.html", views=[lane.view() for lane in lanes.values()])

    @router.get("/look")
    async def look(language: str | None = None, theme: str | None = None, next: str = "/") -> Response:
        response = see(own_path(next))
        if language in list(Language):
            keep(response, LANGUAGE_COOKIE, language, _YEAR_S)
        if theme in THEMES:
            keep(response, THEME_COOKIE, theme, _YEAR_S)
        return response


def _add_sign_in(router: APIRouter, frame: Frame) -> None:
    @router.get("/login")
    async def login(request: Request, next: str = "/") -> Response:
        return frame.page(request, "login.html", next=own_path(next), message=None, code="", digits=DIGITS)

    @router.post("/login")
    async def sign_in(request: Request, code: Short, pin: Short, next: str = "/") -> Response:
        words, officer, message = frame.words(request), None, None
        if (left_s := frame.lock_out.left_s(code)) > 0:
            message = words("login", "locked", seconds=left_s)
        elif (officer := frame.gate.sign_in(code, pin)) is None:
            message = words("login", "wrong")
            frame.lock_out.wrong(code)
        elif officer.agency not in frame.gate.agencies:
            message = words("login", "no_agency")
        if officer is None or message is not None:
            log.warning("sign_in_refused", officer=code, locked_s=left_s)
            values = {"next": own_path(next), "message": message, "code": code, "digits": DIGITS}
            return frame.page(request, "login.html", HTTPStatus.UNAUTHORIZED, **values)
        frame.lock_out.right(code)
        response = see(own_path(next))
        keep(response, SESSION_COOKIE, frame.sessions.seal(officer))
        return response

    @router.post("/logout")
    async def logout() -> Response:
        response = see("/login")
        response.delete_cookie(SESSION_COOKIE)
        return response
