"""The control room's page: every gate, the latest passages, the journey of one declaration. Vietnamese first.

The page comes whole from the server; a small script fetches the board again every two seconds and puts it in place, and says
so when the centre no longer answers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from central import notices
from central.by_reason import COUNTED_DAYS
from central.centre import Centre
from central.fees import POSITION, Position
from central.gates import Gate, GateState
from central.journeys import journey
from central.words import amount, chosen, local, say
from shared.clock import day_at_gates
from shared.codes import Agency
from shared.fees import COLLECTORS, FeeState
from shared.node.used_twice import findings
from shared.words import LANGUAGES, Language

router = APIRouter(include_in_schema=False)

_templates = Environment(
    loader=PackageLoader("central"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
MOST_SHOWN = 20
MOST_FEES = 100
"""Vehicles that one page of fees looks through."""
_NUMBER = re.compile(r"\d{4,5}$")
Lang = Annotated[str | None, Query(max_length=5)]
Choice = Annotated[str, Query(max_length=40)]


@dataclass(frozen=True)
class Fleet:
    """The head line: how many gates are alive, how many facts are missing on either side."""

    alive: int
    all: int
    missing: int

    @classmethod
    def of(cls, gates: list[Gate]) -> "Fleet":
        """Sums the gates up."""
        alive = sum(one.state is GateState.ALIVE for one in gates)
        return cls(alive, len(gates), sum((one.behind or 0) + (one.lags or 0) for one in gates))


@router.get("/", response_class=HTMLResponse)
async def whole(request: Request, lang: Lang = None) -> HTMLResponse:
    """The page with the board in it."""
    language = chosen(lang)
    return _html("page.html", language, **_board(_centre(request), language))


@router.get("/board", response_class=HTMLResponse)
async def board(request: Request, lang: Lang = None) -> HTMLResponse:
    """The part of the page that changes."""
    language = chosen(lang)
    return _html("board.html", language, **_board(_centre(request), language))


@router.get("/journeys/{no}", response_class=HTMLResponse)
async def one_journey(
    request: Request, no: Annotated[str, Path(pattern=r"^\d{13}$")], lang: Lang = None
) -> HTMLResponse:
    """What happened to one declaration."""
    centre = _centre(request)
    language = chosen(lang)
    declared = centre.declarations.find(no)
    shown = journey(centre, declared, language)
    return _html("journey.html", language, journey=shown, declared=declared.body)


@router.get("/fees", response_class=HTMLResponse)
async def fees(
    request: Request,
    lang: Lang = None,
    site: Choice = "",
    collector: Choice = "",
    state: Choice = "",
    after: Annotated[str | None, Query(pattern=POSITION)] = None,
) -> HTMLResponse:
    """How the fee of each vehicle stands: ready to be paid, paid in part or over, matched, confirmed."""
    centre, language = _centre(request), chosen(lang)
    filters: list[tuple[str, str, Sequence[str]]] = [
        ("state", "fee_state", tuple(FeeState)),
        ("collector", "agency", COLLECTORS),
        ("site", "site", centre.journals.sites),
    ]
    asked = {"state": state, "collector": collector, "site": site}
    shown = {name: asked[name] for name, _, codes in filters if asked[name] in codes}
    page = centre.fees.page(
        shown.get("site"),
        Agency(shown["collector"]) if "collector" in shown else None,
        FeeState(shown["state"]) if "state" in shown else None,
        after=Position.parse(after) if after else None,
        most=MOST_FEES,
    )
    older = urlencode({"lang": language.value, **shown, "after": page.next}) if page.next else ""
    return _html(
        "fees.html",
        language,
        fees=page.fees,
        routing=centre.fees.routing,
        filters=filters,
        chosen=dict.fromkeys(asked, "") | shown,
        older=older,
    )


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """The API by its OpenAPI document, without a script from elsewhere."""
    return _html("docs.html", Language.EN, document=request.app.openapi())


@router.get("/pictures/{sha256}.jpg", response_class=FileResponse)
async def picture(request: Request, sha256: str) -> FileResponse:
    """A thumbnail; its name is its hash, so it never changes."""
    path = _centre(request).pictures.find(sha256)
    kept = {"Cache-Control": "max-age=31536000, immutable"}
    return FileResponse(path, media_type="image/jpeg", headers=kept)


def _board(centre: Centre, language: Language) -> dict[str, Any]:
    gates = centre.view_gates()
    forks = centre.oversight.forks()
    today = day_at_gates(centre.store.steady())
    return {
        "gates": gates,
        "fleet": Fleet.of(gates),
        "passages": centre.passages.latest(),
        "alerts": lambda gate: notices.alerts(language, gate, forks.get(gate.node, ())),
        "counts": notices.counts,
        "event": partial(notices.event, language),
        "events": centre.oversight.events(),
        "used_twice": findings(centre.store),
        "by_reason": centre.by_reason.counts(),
        "by_reason_days": COUNTED_DAYS,
        "flags": centre.oversight.flags()[:MOST_SHOWN],
        "quarantine": centre.oversight.quarantine(acknowledged=False)[:MOST_SHOWN],
        "forgets": centre.forgets.asked()[:MOST_SHOWN],
        "procedures": {site: centre.publications.in_force(site, today) for site in centre.journals.sites},
        "checkpoints": list(centre.checkpoints.values()),
    }


def _html(template: str, language: Language, **values: Any) -> HTMLResponse:
    text = _templates.get_template(template).render(
        language=language.value,
        languages=LANGUAGES,
        say=partial(say, language),
        local=local,
        plate=_spaced,
        money=partial(amount, language),
        paragraphs=_paragraphs,
        **values,
    )
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})


def _spaced(text: str) -> str:
    """A plate as people read it, with a gap before its number: 29C 12345. Mixed serials stay as they are."""
    number = _NUMBER.search(text)
    return f"{text[: number.start()]} {number[0]}".strip() if number else text


def _paragraphs(text: str) -> Markup:
    """A docstring as HTML: `names` in code letters, lines of one paragraph joined."""
    joined = re.sub(r"(?<!\n)\n(?!\n)", " ", text.strip())
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(joined))))


def _centre(request: Request) -> Centre:
    return cast(Centre, request.app.state.centre)
