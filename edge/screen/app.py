"""The screen's application: pages, live events, health and figures of one gate PC."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.capture import CameraState
from edge.capture.picture_health import PictureTrouble
from edge.screen.desk_pages import desk_pages
from edge.screen.frame import Frame, NotSignedIn, see, templates, wants_json
from edge.screen.lane_pages import lane_pages
from edge.screen.login_pages import login_pages
from edge.screen.ports import GateForScreen
from edge.screen.session import LockOut, Monotonic, Sessions
from shared.clock import utc_now
from shared.node.http import Problem, add_health, add_metrics, add_problems, problem_response

_GUARD_HEADERS = (
    (b"content-security-policy", b"default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def create_app(
    gate: GateForScreen, clock: Monotonic = time.monotonic, now: Callable[[], datetime] = utc_now
) -> FastAPI:
    """The application for one gate. `clock`: monotonic seconds for sessions and lock-outs; `now`: the wall clock, for display."""
    app = FastAPI(title=f"barie {gate.node}", version=gate.version, docs_url=None, redoc_url=None)
    frame = Frame(gate, Sessions(clock), LockOut(clock), now, templates())
    add_problems(app)
    add_health(app, gate.ready, gate.notes)
    figures = CollectorRegistry()
    figures.register(GateFigures(gate))
    add_metrics(app, REGISTRY, figures)
    for pages in (login_pages, lane_pages, desk_pages):
        app.include_router(pages(frame), include_in_schema=False)
    app.mount("/static", StaticFiles(directory=str(files("edge.screen").joinpath("static"))))

    @app.exception_handler(NotSignedIn)
    async def sign_in_first(request: Request, _error: NotSignedIn) -> Response:
        is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if is_page and not wants_json(request):
            return see(f"/login?next={quote(request.url.path)}")
        return problem_response(Problem(HTTPStatus.UNAUTHORIZED, "Sign in at /login.", kind="not_signed_in"))

    app.add_middleware(GuardHeaders)
    return app


class GuardHeaders:
    """Lets the browser take nothing from elsewhere and nobody frame the page. Plain ASGI, so that events are not buffered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on, with the headers added."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_GUARD_HEADERS]
            await send(message)

        await self._app(scope, receive, guarded)


class GateFigures(Collector):
    """What the gate says of itself, read when Prometheus asks."""

    def __init__(self, gate: GateForScreen) -> None:
        self._gate = gate

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The figures at this moment."""
        link = self._gate.link()
        yield _gauge("barie_facts_unsent", "Facts of this node without a receipt", link.unsent)
        yield _gauge(
            "barie_facts_unseen", "Facts of this node that nobody else was seen to hold", link.unseen
        )
        yield _gauge("barie_centre_connected", "1 while the centre is heard", link.connected)
        yield _gauge("barie_knowledge_stale", "1 while nothing automatic may happen", link.stale)
        if link.centre_age_s is not None:
            yield _gauge(
                "barie_centre_age_seconds", "Age of what is known from the centre", link.centre_age_s
            )
        yield from self._cameras()

    def _cameras(self) -> Iterable[GaugeMetricFamily]:
        where = ["lane", "camera"]
        live = GaugeMetricFamily("barie_camera_live", "1 while frames are fresh", labels=where)
        age = GaugeMetricFamily("barie_camera_frame_age_seconds", "Newest frame", labels=where)
        untrusted = GaugeMetricFamily(
            "barie_camera_untrusted_ratio",
            "Of the last 24 hours watched: pictures not to be trusted",
            labels=where,
        )
        trouble = GaugeMetricFamily(
            "barie_camera_trouble",
            "1 while pictures come and cannot be trusted for this",
            labels=[*where, "trouble"],
        )
        for name, lane in self._gate.lanes.items():
            for camera in lane.view().cameras:
                live.add_metric([name, camera.name], camera.state == CameraState.LIVE)
                if camera.age_s is not None:
                    age.add_metric([name, camera.name], camera.age_s)
                untrusted.add_metric([name, camera.name], camera.untrusted_share)
                for one in PictureTrouble:
                    there = camera.untrusted and one in camera.troubles
                    trouble.add_metric([name, camera.name, one], there)
        yield from (live, age, untrusted, trouble)


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, value=value)
