"""What every page stands in: who looks, in which language and theme, and how a template becomes a response."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from edge.lane.view import Officer, PressRefused
from edge.screen.ports import GateForScreen, LaneForScreen
from edge.screen.session import LockOut, Sessions
from edge.screen.words import Words
from shared.node.http import Problem, problem_response
from shared.words import Language

SESSION_COOKIE = "barie_session"
LANGUAGE_COOKIE = "barie_language"
THEME_COOKIE = "barie_theme"
THEMES = ("day", "night")


class NotSignedIn(Exception):
    """Nobody has signed in at this screen, or the shift is over."""


@dataclass(frozen=True)
class Frame:
    """The parts that all pages share."""

    gate: GateForScreen
    sessions: Sessions
    lock_out: LockOut
    now: Callable[[], datetime]
    templates: Environment

    def officer(self, request: Request) -> Officer:
        """Who is signed in; raises NotSignedIn."""
        officer = self.sessions.open(request.cookies.get(SESSION_COOKIE))
        if officer is None:
            raise NotSignedIn
        return officer

    def words(self, request: Request) -> Words:
        """The words of the language chosen at this screen, agencies as they are called today; Vietnamese before anybody chose."""
        chosen = request.cookies.get(LANGUAGE_COOKIE)
        return Words(Language(chosen) if chosen in list(Language) else Language.VI, self.gate.called())

    def lane(self, name: str) -> LaneForScreen:
        """The lane of that name; a Problem (404) when this gate has none."""
        lane = self.gate.lanes.get(name)
        if lane is None:
            detail = (
                f"There is no lane {name[:40]!r} at this gate; it has {', '.join(self.gate.lanes) or 'none'}."
            )
            raise Problem(HTTPStatus.NOT_FOUND, detail)
        return lane

    def page(
        self, request: Request, template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any
    ) -> Response:
        """A page or a part of one, in the language and theme of this screen."""
        theme = request.cookies.get(THEME_COOKIE)
        html = self.templates.get_template(template).render(
            words=self.words(request),
            languages=tuple(Words(one) for one in Language),
            theme=theme if theme in THEMES else None,
            gate=self.gate,
            link=self.gate.link(),
            here=request.url.path,
            officer=self.sessions.open(request.cookies.get(SESSION_COOKIE)),
            **values,
        )
        return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})

    def refused(self, request: Request, refusal: PressRefused, back: str) -> Response:
        """A press that was not carried out: a sentence for a program (409), the same sentence on the page for a person."""
        if wants_json(request):
            detail = self.words(request).refused(refusal.code)
            return problem_response(Problem(HTTPStatus.CONFLICT, detail, kind=refusal.code))
        return see(f"{back}?refused={quote(refusal.code)}")


def templates() -> Environment:
    """The page templates, escaping everything and strict about names nobody gave."""
    return Environment(
        loader=PackageLoader("edge.screen"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def see(path: str) -> RedirectResponse:
    """Sends the browser to a page of this screen after a form."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


def own_path(path: str) -> str:
    """The path when it leads to this screen, else the front page: no form sends anybody elsewhere."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def wants_json(request: Request) -> bool:
    """True when a program asks, not a form."""
    return "application/json" in request.headers.get("accept", "")


def keep(response: Response, cookie: str, value: str, max_age_s: int | None = None) -> None:
    """Sets a cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(cookie, value, max_age=max_age_s, httponly=True, samesite="strict")
