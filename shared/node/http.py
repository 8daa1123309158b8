"""What every HTTP application of a node has in common: health, metrics, and errors as problem documents (RFC 9457)."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException

log = structlog.get_logger()


class Problem(Exception):
    """An error to be answered as a problem document.

    `status`: HTTP status; `detail`: one sentence that says what is wrong and what to do; `kind`: a stable word that
    becomes the document's type (`urn:barie:problem:{kind}`), or None where the status says it all; `more`: further members.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        kind: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.more = dict(more or {})


class ProblemResponse(JSONResponse):
    """A problem document."""

    media_type = "application/problem+json"


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """The problem as a response; its own members win over `more`."""
    document = {
        **problem.more,
        "type": f"urn:barie:problem:{problem.kind}" if problem.kind else "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
    }
    return ProblemResponse(document, status_code=problem.status.value, headers=headers)


def add_problems(app: FastAPI) -> None:
    """Answers every error of the application as a problem document; an unexpected one is logged and tells no secrets."""

    @app.exception_handler(Problem)
    async def asked_for(_request: Request, error: Problem) -> Response:
        return problem_response(error)

    @app.exception_handler(HTTPException)
    async def by_status(_request: Request, error: HTTPException) -> Response:
        return problem_response(Problem(HTTPStatus(error.status_code), error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def not_valid(_request: Request, error: RequestValidationError) -> Response:
        return problem_response(_invalid(error.errors()))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("http_request_failed", path=request.url.path, error=repr(error))
        detail = "The request failed inside this node; its log says why."
        return problem_response(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail))


def _invalid(errors: Sequence[Any]) -> Problem:
    found = [{"at": ".".join(str(part) for part in one["loc"]), "error": one["msg"]} for one in errors]
    detail = "; ".join(f"{one['at']}: {one['error']}" for one in found)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, kind="invalid", more={"errors": found})


def add_health(app: FastAPI, ready: Callable[[], list[str]], notes: Callable[[], list[str]] = list) -> None:
    """Adds `/health/live` (the process answers) and `/health/ready` (503 with the causes, one sentence each, when not ready).

    `notes`: what should be known though it keeps nothing from working.
    """

    @app.get("/health/live", tags=["health"])
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @app.get("/health/ready", tags=["health"])
    async def is_ready() -> JSONResponse:
        """Ready, or 503 with the causes."""
        causes, noted = ready(), notes()
        more = {"notes": noted} if noted else {}
        if not causes:
            return JSONResponse({"status": "ready", **more})
        document = {"status": "not ready", "cause": "; ".join(causes), "causes": causes, **more}
        return JSONResponse(document, status_code=HTTPStatus.SERVICE_UNAVAILABLE)


def add_metrics(app: FastAPI, *registries: CollectorRegistry) -> None:
    """Adds `/metrics`: the registries' figures one after the other, for Prometheus. Names must not repeat between them."""

    @app.get("/metrics", tags=["health"])
    async def metrics() -> Response:
        """Figures in the Prometheus text format."""
        text = b"".join(generate_latest(registry) for registry in registries)
        return Response(text, media_type=CONTENT_TYPE_LATEST)
