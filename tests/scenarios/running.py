"""A whole simulated site under a test: it runs on an event loop of its own thread, so that a test is a plain function.

Waiting is always for something, and a wait that ends without it says what was there instead.
"""

import asyncio
import contextlib
import json
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from edge.underway import Underway
from shared import subjects
from shared.bodies import Passed, dump
from shared.codes import Agency, Heading, Place
from shared.facts import Draft
from shared.journal import journal_id
from shared.node.declarations import Declarations
from shared.node.store import Store
from simulation.boom import Boom, BoomEventKind
from simulation.cameras import missing_package
from simulation.centre_client import answers
from simulation.clips import vehicle_clips
from simulation.layout import GATES, LANE, GatePlan
from simulation.officers import Badge, Page
from simulation.plate_drawing import Ground
from simulation.site import Site
from simulation.trucks import DrawnTruck, Gate
from tests.shared.broker import MOSQUITTO

START_S = 90.0
LOOK_S = 0.05
PROGRAM = {"Accept": "application/json"}

T = TypeVar("T")

_MISSING = "mosquitto" if MOSQUITTO is None else missing_package()
needs_site = pytest.mark.skipif(_MISSING is not None, reason=f"the package {_MISSING} is not installed")


def wait_for(what: str, asks: Callable[[], T | None], within_s: float = 15.0, got: Any = None) -> T:
    """The first true answer of `asks`; fails with `what` (and what `got()` tells) when the time is over."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := asks():
            return found
        time.sleep(LOOK_S)
    pytest.fail(f"not within {within_s:.0f} s: {what}" + (f"; instead: {got()}" if got else ""))


def gate_at(place: str) -> GatePlan:
    """The gate that stands at a place."""
    return next(gate for gate in GATES if gate.place == place)


class Screen:
    """An officer before a gate's screen: she signs in by her PIN, reads what stands there and presses its buttons."""

    def __init__(self, address: str, badge: Badge) -> None:
        self.badge = badge
        self._client = httpx.Client(base_url=address, timeout=15.0)

    def sign_in(self) -> "Screen":
        """Signs in, at once or as soon as the gate knows of her enrolment."""
        credentials = {"code": self.badge.code, "pin": self.badge.pin}
        wait_for(
            f"{self.badge.code} signs in",
            lambda: self._client.post("/login", data=credentials).status_code == 303,
            within_s=10,
        )
        return self

    def close(self) -> None:
        """Goes away."""
        self._client.close()

    def text(self, path: str) -> str:
        """What a person can read on a page."""
        return visible(self._client.get(path).raise_for_status().text)

    def sees(self, sentence: str, lane: str = LANE, within_s: float = 15.0) -> None:
        """Waits until a sentence stands on the lane's panel."""
        path = f"/lane/{lane}/panel"
        wait_for(
            f"{sentence!r} on the screen",
            lambda: sentence in self.text(path),
            within_s,
            lambda: self.text(path),
        )

    def lane(self, lane: str = LANE) -> dict[str, Any]:
        """The lane as a program sees it: token, state, verdict, buttons."""
        answer = self._client.get(f"/lane/{lane}/panel", headers=PROGRAM).raise_for_status()
        return dict(answer.json())

    def is_offered(self, press: str, lane: str = LANE, within_s: float = 20.0) -> dict[str, Any]:
        """Waits until a button is on her screen; gives the lane as it then is."""

        def offered() -> dict[str, Any] | None:
            shown = self.lane(lane)
            return shown if press in (shown["primary"], *shown["others"]) else None

        return wait_for(f"{press} offered to {self.badge.code}", offered, within_s, lambda: self.lane(lane))

    def press(self, press: str, lane: str = LANE, token: str | None = None, **values: str) -> httpx.Response:
        """Presses a button on the newest picture of the lane, or on an older one by its `token`."""
        token = self.lane(lane)["token"] if token is None else token
        data = {"press": press, "token": token, **values}
        return self._client.post(f"/lane/{lane}/press", data=data, headers=PROGRAM)

    def desk(self) -> dict[str, dict[str, str]]:
        """The vehicles that await her at the desk: what their button sends, by declaration."""
        forms = Page(self._client.get("/desk").raise_for_status().text).forms
        return {form.hidden["declaration"]: form.filled() for form in forms if form.action == "/desk/confirm"}

    def confirm_at_desk(self, form: Mapping[str, str]) -> httpx.Response:
        """Presses the button of one vehicle at the desk."""
        return self._client.post("/desk/confirm", data=form, headers=PROGRAM)


class RunningSite:
    """The site, with simulated officers away: whoever is needed is played by the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._clips = folder.parent / "clips"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="site", daemon=True)
        self._screens: list[Screen] = []
        self.site: Site

    def __enter__(self) -> "RunningSite":
        self._thread.start()
        self.site = self.do(self._make())
        try:
            self.do(self.site.__aenter__(), START_S)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for screen in self._screens:
            screen.close()
        self.do(self.site.stop(), 30)
        self._end()

    def do(self, work: Coroutine[Any, Any, T], timeout_s: float = 30.0) -> T:
        """Runs something on the site's loop and gives its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def screen(self, place: str, agency: Agency) -> Screen:
        """An officer of an agency, signed in at the gate of a place."""
        gate = gate_at(place)
        badge = next(one for one in self.site.layout.badges[gate.node] if one.agency is agency)
        self._screens.append(Screen(self.site.layout.screen(gate), badge))
        return self._screens[-1].sign_in()

    def address(self, place: str) -> str:
        """Where the screen of a gate is."""
        return self.site.layout.screen(gate_at(place))

    def declare(self, plate: str, procedure: str = "4.2") -> str:
        """Declares an export by one lorry; gives the number."""
        return self.do(self.site.client.declare(_export(plate, procedure)))

    def drove_in(self, declarations: Sequence[str]) -> None:
        """Has the yard's entrance record that their vehicles came in, as for every truck; none is drawn and driven."""
        gate = gate_at("yard-in")
        self.gate_stops("yard-in")
        store = Store(self.site.layout.store(gate), [Declarations(), Underway()])
        journal = journal_id(gate.node)
        drafts = [_came_in(no, f"{journal}/1") for no in declarations]
        store.append(journal, self.site.layout.keys[gate.node], drafts)
        store.close()
        self.gate_starts("yard-in", ready="/health/ready")

    # -- the gates

    def gate_starts(self, place: str, *, ready: str = "/health/live") -> None:
        """Starts a gate's daemon (again) and waits until `ready` answers 200."""
        self.do(self._gate_starts(gate_at(place), ready), START_S)

    def gate_stops(self, place: str) -> None:
        """Ends a gate's daemon in good order."""
        self.do(self.site.gates[gate_at(place).node].stop())

    def gate_is_killed(self, place: str) -> None:
        """Ends a gate's daemon as a power cut would."""
        self.do(self.site.gates[gate_at(place).node].kill())

    def health(self, place: str, what: str = "ready") -> httpx.Response:
        """How a gate says it does."""
        return httpx.get(f"{self.address(place)}/health/{what}", timeout=10)

    def page(self, place: str, path: str) -> httpx.Response:
        """A page of a gate for whoever has not signed in, as it is; a gate between two servers is waited for."""

        def answer() -> httpx.Response | None:
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(self.address(place) + path, timeout=15.0, follow_redirects=True)
            return None

        return wait_for("an answer", answer)

    def facts(self, place: str, kind: str) -> list[dict[str, Any]]:
        """Bodies of the facts of one kind that the gate itself wrote, from its store."""
        gate = gate_at(place)
        return facts_of(self.site.layout.store(gate), journal_id(gate.node), kind)

    def centre_has(self, place: str, kind: str) -> list[dict[str, Any]]:
        """The same from the centre's store."""
        return facts_of(self.folder / "centre" / "centre.db", journal_id(gate_at(place).node), kind)

    # -- the road

    def boom(self, place: str) -> Boom:
        """The boom of a place."""
        return self.site.booms[place]

    def pulses(self, place: str) -> int:
        """How often the boom of a place was told to open."""
        return self.boom(place).kinds().count(BoomEventKind.OPEN_PULSE)

    @contextlib.contextmanager
    def truck(self, place: str, plate: str) -> Iterator[None]:
        """A lorry drives up and stands at the line; at the end it leaves, through an open boom or backwards."""
        clips = vehicle_clips(self._clips, Gate(place), DrawnTruck(plate, "VN", 1, Ground.YELLOW))
        self.do(self.site.cameras.truck_arrives(place, clips))
        time.sleep(1.5)
        self._at_boom(place, lambda boom: boom.vehicle_arrives(time.monotonic(), plate))
        try:
            yield
        finally:
            self._leaves(place)
            self.do(self.site.cameras.idle(place))

    def _leaves(self, place: str) -> None:
        boom = self.boom(place)
        if boom.is_open:
            self._at_boom(place, lambda boom: boom.vehicle_drives_through(time.monotonic()))
        else:
            self._at_boom(place, lambda boom: boom.vehicle_backs_away(time.monotonic()))
        wait_for(
            "the boom is closed again", lambda: self._ticked(place).is_closed and not boom.under_boom_loop
        )

    def _ticked(self, place: str) -> Boom:
        self._at_boom(place, lambda boom: boom.tick(time.monotonic()))
        return self.boom(place)

    def _at_boom(self, place: str, act: Callable[[Boom], None]) -> None:
        async def there() -> None:
            act(self.boom(place))

        self.do(there())

    # -- inside

    async def _make(self) -> Site:
        return Site(self.folder, self._clips, auto_officers=False)

    async def _gate_starts(self, gate: GatePlan, ready: str) -> None:
        process = self.site.gates[gate.node]
        await process.start()
        async with httpx.AsyncClient(base_url=self.site.layout.screen(gate), timeout=2.0) as client:
            await process.ready(lambda: answers(client, ready))

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def facts_of(store: Path, journal: str, kind: str) -> list[dict[str, Any]]:
    """Bodies of the facts of one kind in one journal of a store, in order."""
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT body FROM facts WHERE journal = ? AND kind = ? ORDER BY seq", (journal, kind)
        ).fetchall()
    return [json.loads(body) for (body,) in rows]


def children(pid: int) -> dict[int, str]:
    """All processes below one, with the moment each began: a number used again is another process."""
    parents: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (seen := _stat(int(folder.name))) is not None:
            parents[int(folder.name)] = seen
    found: dict[int, str] = {}
    wanted = {pid}
    while wanted:
        below = {one: began for one, (parent, began) in parents.items() if parent in wanted}
        found |= below
        wanted = set(below)
    return found


def still_there(processes: Mapping[int, str]) -> set[int]:
    """Those of some processes that have not ended."""
    now = {pid: _stat(pid) for pid in processes}
    return {pid for pid, began in processes.items() if (seen := now[pid]) is not None and seen[1] == began}


def _stat(pid: int) -> tuple[int, str] | None:
    """Parent and moment of the beginning of a process; None when it has ended (or is a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else (int(fields[1]), fields[19])


def visible(html: str) -> str:
    """The text of a page without its tags, blanks folded."""
    return re.sub(r"\s+", " ", " ".join(_Text(html).parts)).strip()


class _Text(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def environment() -> dict[str, str]:
    """For commands of the repository started from a test: plain output, whatever the terminal."""
    return {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}


def _came_in(no: str, passage: str) -> Draft:
    body = Passed(
        passage=passage, place=Place.YARD_IN, heading=Heading.IN, lane=LANE, declaration=no, vehicle="1"
    )
    return Draft("passed", subjects.vehicle(no, "1"), dump(body))


def _export(plate: str, procedure: str) -> dict[str, Any]:
    driver = {"name": "Nguyễn Văn An", "papers": "012345678901", "phone": "0912345678"}
    return {
        "site": "CKHN",
        "procedure": procedure,
        "direction": "export",
        "laden": True,
        "yard": "BAI-01",
        "yard_location": "inside" if procedure == "4.2" else "outside",
        "vehicles": [{"vehicle": "1", "plate": plate, "country": "VN", "driver": driver}],
        "goods": [{"name": "Thanh long", "customs_no": "307112345678", "weight_kg": 24000}],
        "quarantine": {},
    }
