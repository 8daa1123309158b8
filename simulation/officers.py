"""Simulated officers: each signs in at a screen by her PIN, watches it, and presses the buttons that stand on it."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

from shared.codes import Agency

LOOK_EVERY_S = 1.0
REACTION_S = 0.3
SAID = {
    "value_weight_class": "VT6",
    "value_customs_kind": "B11",
    "value_goods_group": "general",
    "value_transfer": "none",
    "value_result": "passed",
}
"""What simulated officers say of every vehicle, of what there is to choose; amounts stand in their fields."""
CONFIRM, CASH = "/desk/confirm", "/desk/cash"
OPEN_WITH_REASON = "open_with_reason"
"""The primary press of a border guard where no text says what to do."""
PRIMARY = ("confirm_and_open", "open", "confirm")


@dataclass(frozen=True)
class Badge:
    """An officer at one screen."""

    code: str
    pin: str
    agency: Agency


@dataclass
class Form:
    """A form on a page: where it goes, its hidden values, and the values of its `press` buttons."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    presses: list[str] = field(default_factory=list)
    primary: str | None = None
    typed: dict[str, str] = field(default_factory=dict)
    """Fields to type into, with what stands in them."""
    choices: dict[str, list[str]] = field(default_factory=dict)
    """What there is to choose, by field."""

    def filled(self) -> dict[str, str]:
        """What the form sends when everything that it asks for is said: of choices what officers say, else the first."""
        typed = {name: value or SAID.get(name, "") for name, value in self.typed.items()}
        chosen = {
            name: said if (said := SAID.get(name)) in codes else codes[0]
            for name, codes in self.choices.items()
        }
        return {**self.hidden, **typed, **chosen}


class Page(HTMLParser):
    """What an officer sees of a page: its forms, and the state of the lane."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.passage = ""
        self.state = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects forms, hidden inputs and buttons."""
        given = {name: value or "" for name, value in attrs}
        if "data-passage" in given:
            self.passage, self.state = given["data-passage"], given.get("data-state", "")
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif tag == "input" and self.forms:
            self._input(self.forms[-1], given)
        elif tag == "button" and self.forms and given.get("name") == "press":
            self.forms[-1].presses.append(given["value"])
            if "primary" in given.get("class", ""):
                self.forms[-1].primary = given["value"]

    @staticmethod
    def _input(form: Form, given: Mapping[str, str]) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        match given.get("type", "text"):
            case "hidden":
                form.hidden[name] = value
            case "radio" | "checkbox":
                form.choices.setdefault(name, []).append(value)
            case _:
                form.typed[name] = value


class Officer:
    """One officer at one lane.

    `refuses` tells whether she is to send back who stands there; `sees` is the plate as her own eyes read it.
    """

    def __init__(
        self,
        screen: str,
        lane: str,
        badge: Badge,
        refuses: Callable[[], bool],
        sees: Callable[[], str | None],
    ) -> None:
        self._lane = lane
        self._badge = badge
        self._refuses = refuses
        self._sees = sees
        self._corrected = ""
        self._client = httpx.AsyncClient(base_url=screen, timeout=5.0)
        self.presses: list[str] = []

    async def work(self) -> None:
        """Watches and presses until cancelled; signs in again when the screen was away."""
        try:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    await self._sign_in()
                    await self._watch()
                await asyncio.sleep(0.5)
        finally:
            await self._client.aclose()

    async def _sign_in(self) -> None:
        answer = await self._client.post("/login", data={"code": self._badge.code, "pin": self._badge.pin})
        if answer.status_code >= 400:
            answer.raise_for_status()

    async def _watch(self) -> None:
        while True:
            answer = await self._client.get(f"/lane/{self._lane}/panel")
            if answer.status_code != 200:
                return
            if not await self._act(Page(answer.text)):
                await self._changed()

    async def _changed(self) -> None:
        """Waits for the next event of the lane, or a second."""
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(LOOK_EVERY_S),
                self._client.stream("GET", f"/lane/{self._lane}/events") as events,
            ):
                first = True
                async for line in events.aiter_lines():
                    if line.startswith("id:"):
                        if not first:
                            return
                        first = False

    async def _act(self, page: Page) -> bool:
        if page.state not in ("waiting", "fault"):
            return False
        for form in page.forms:
            press = self._choice(form, page.passage)
            if press is not None:
                await asyncio.sleep(REACTION_S)
                await self._press(form, press, page.passage)
                return True
        return False

    def _choice(self, form: Form, passage: str) -> str | None:
        if form.hidden.get("press") == "choose_vehicle":
            return "choose_vehicle" if self._badge.agency is Agency.BORDER_GUARD else None
        if self._refuses():
            return "refuse" if "refuse" in form.presses else None
        if form.primary in PRIMARY:
            return form.primary
        if form.primary == OPEN_WITH_REASON and self._sees():
            return OPEN_WITH_REASON
        mends = self._badge.agency is Agency.BORDER_GUARD and self._corrected != passage and self._sees()
        return "correct_plate" if mends and "correct_plate" in form.presses else None

    async def _press(self, form: Form, press: str, passage: str) -> None:
        data = {**form.hidden, "press": press}
        if press == "refuse":
            data["reason"] = "mismatch"
        elif press == OPEN_WITH_REASON:
            data["reason"] = "no_rule"
        elif press == "correct_plate":
            data["text"] = self._sees() or ""
            self._corrected = passage
        answer = await self._client.post(form.action, data=data, headers={"Accept": "application/json"})
        if answer.status_code == 200:
            self.presses.append(press)


class DeskOfficer:
    """An officer at the desk in the yard: confirms the vehicles that stand there. `present` tells which declarations.

    A collector takes cash first and confirms when she sees it on her list.
    """

    def __init__(self, screen: str, badge: Badge, present: Callable[[str], bool]) -> None:
        self._badge = badge
        self._present = present
        self._client = httpx.AsyncClient(base_url=screen, timeout=5.0)

    async def work(self) -> None:
        """Looks at the list every second and confirms, until cancelled."""
        credentials = {"code": self._badge.code, "pin": self._badge.pin}
        try:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    await self._client.post("/login", data=credentials)
                    while True:
                        for form in desk_presses(Page((await self._client.get("/desk")).text)):
                            if self._present(form.hidden["declaration"]):
                                await self._client.post(form.action, data=form.filled())
                        await asyncio.sleep(LOOK_EVERY_S)
                await asyncio.sleep(0.5)
        finally:
            await self._client.aclose()


def desk_presses(page: Page) -> list[Form]:
    """The next press for each vehicle at the desk: cash where some of a known amount is still due, else the confirmation."""
    to_pay = {_vehicle(form): form for form in page.forms if form.action == CASH and form.typed.get("amount")}
    return [to_pay.get(_vehicle(form), form) for form in page.forms if form.action == CONFIRM]


def _vehicle(form: Form) -> tuple[str, str]:
    return form.hidden["declaration"], form.hidden["vehicle"]
