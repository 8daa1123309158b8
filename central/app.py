"""The centre's web application: API, page, pictures, health, figures."""

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from central import admin, api, fees_api, metrics, page, problems, reports_api, rules_api
from central.centre import Centre
from shared.node.http import add_health, add_metrics

_DESCRIPTION = """
Declarations in, facts of every gate out. Every answer that is not good is a problem document (RFC 9457).

What a fact holds, and how a node speaks with the centre over MQTT, is in `docs/protocol.md`; `barie-central schemas DIR`
writes the JSON Schemas.
"""


def create_app(centre: Centre) -> FastAPI:
    """The application around the centre's parts. Serve it in the event loop whose thread opened the store."""
    app = FastAPI(
        title="barie centre",
        version="1",
        summary="Digital border gate of Lạng Sơn: the central server",
        description=_DESCRIPTION,
        docs_url=None,  # FastAPI's page loads its script from a CDN; ours is in `page`
        redoc_url=None,
        openapi_tags=[
            {"name": "declarations", "description": "Declare, amend, recall (bản kê khai)"},
            {"name": "fees", "description": "Payments in, and how the fee of each vehicle stands (phí)"},
            {"name": "reports", "description": "A yard's own data; positions switched on or off"},
            {"name": "watching", "description": "Journeys, gates, facts"},
            {"name": "enrolment", "description": "Which nodes and officers may speak"},
            {"name": "rules", "description": "Procedures and settings that gates decide by"},
            {"name": "care", "description": "Forgetting, what was set aside, what looks wrong, checkpoints"},
            {"name": "health", "description": "Whether the centre works, and its figures"},
        ],
    )
    app.state.centre = centre
    problems.install(app)
    app.include_router(api.router)
    app.include_router(rules_api.router)
    app.include_router(admin.router)
    app.include_router(fees_api.router)
    app.include_router(reports_api.router)
    app.include_router(page.router)
    app.mount("/static", StaticFiles(packages=[("central", "static")]), name="static")
    add_health(app, centre.not_ready, centre.notes)
    add_metrics(app, metrics.registry(centre))
    return app
