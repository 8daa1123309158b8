"""The centre's errors as problem documents (RFC 9457), answered and documented."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response

from central.errors import CentralError
from central.models import ProblemDocument
from shared.canonical import NotCanonical
from shared.facts import FactError
from shared.node.errors import StoreError, Unstorable
from shared.node.http import Problem, ProblemResponse, add_problems, problem_response

log = structlog.get_logger()


def install(app: FastAPI) -> None:
    """Answers every error of the application as a problem document."""
    add_problems(app)

    @app.exception_handler(CentralError)
    async def ours(_request: Request, error: CentralError) -> Response:
        headers = {"WWW-Authenticate": "Bearer"} if error.status is HTTPStatus.UNAUTHORIZED else None
        return problem_response(Problem(error.status, str(error), kind=error.code), headers)

    @app.exception_handler(FactError)
    @app.exception_handler(NotCanonical)
    @app.exception_handler(Unstorable)
    async def unfit(_request: Request, error: Exception) -> Response:
        """What was sent is of its form, and still cannot stand in a fact: U+0000, a number of 2**53 or more."""
        return problem_response(Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), kind="unfit"))

    @app.exception_handler(StoreError)
    async def of_store(request: Request, error: StoreError) -> Response:
        log.error("store_failed", path=request.url.path, error=str(error))
        return problem_response(Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), kind="store"))


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these problems."""
    schema = ProblemDocument.model_json_schema()
    answer: dict[str, Any] = {"content": {ProblemResponse.media_type: {"schema": schema}}}
    return {status.value: {"description": status.phrase} | answer for status in statuses}
