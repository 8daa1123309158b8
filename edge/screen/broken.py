"""The page of a gate whose store cannot be opened at all: it says what the officer does without the machine, and nothing else."""

from collections.abc import Sequence
from html import escape
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from edge.screen.words import Words
from shared.node.http import add_health, add_problems
from shared.words import Language

REFRESH_S = 5


def create_broken_app(errors: Sequence[str]) -> FastAPI:
    """The application that stands in for the gate's. `errors`: why, the newest last; read at each request."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    add_problems(app)
    add_health(app, lambda: list(errors[-1:]))

    @app.get("/{path:path}", response_class=HTMLResponse)
    async def key_and_paper(path: str) -> HTMLResponse:
        del path
        headers = {"Cache-Control": "no-store", "Refresh": str(REFRESH_S)}
        return HTMLResponse(page(errors[-1]), HTTPStatus.SERVICE_UNAVAILABLE, headers)

    return app


def page(error: str) -> str:
    """The page: one sentence in every language, Vietnamese first, that needs no file beside it."""
    sentences = "\n".join(
        f'<p lang="{language}">{escape(Words(language)("trouble", "store_broken", error=error))}</p>'
        for language in Language
    )
    return (
        '<!doctype html>\n<html lang="vi"><head><meta charset="utf-8"><title>barie</title></head>\n'
        f"<body><h1>{escape(Words(Language.VI)('screen', 'key_and_paper'))}</h1>\n{sentences}\n</body></html>\n"
    )
