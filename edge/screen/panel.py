"""What the lane page shows, made from a `LaneView` as plain values: no decisions here, and no HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from edge.disk import DiskLevel
from edge.lane import rules
from edge.lane.machine import LaneState
from edge.lane.view import (
    Buttons,
    LaneView,
    Officer,
    PlateShown,
    StepLine,
    Tick,
    TickState,
)
from edge.screen.plate import PlateDrawn, draw
from edge.screen.ports import LinkShown
from edge.screen.words import Words
from shared.clock import VIETNAM, BadStamp, Stamp
from shared.codes import Agency, Country, Verdict
from shared.decide import Decision
from shared.declared import Declaration
from shared.matching import Outcome
from shared.reasons import Code, Reason
from shared.turn_away import cause_of

_TICKS_SAY_IT = frozenset(
    {
        Code.CONFIRMED,
        Code.CONFIRMATION_MISSING,
        Code.DEVICE_CONFIRMS,
        Code.FEE_CONFIRMED,
        Code.QUARANTINE_NOT_REQUESTED,
    }
)


class Tone(StrEnum):
    """How a headline looks: colour and icon together, never colour alone."""

    GO = "go"
    WAIT = "wait"
    STOP = "stop"
    DOUBT = "doubt"
    CALM = "calm"
    ALARM = "alarm"


_VERDICT_TONES = {
    Verdict.OPEN: Tone.GO,
    Verdict.WAIT: Tone.WAIT,
    Verdict.REFUSE: Tone.STOP,
    Verdict.UNKNOWN: Tone.DOUBT,
}
_STATE_TONES = {
    LaneState.EMPTY: Tone.CALM,
    LaneState.READING: Tone.CALM,
    LaneState.OPENING: Tone.GO,
    LaneState.OPEN: Tone.GO,
    LaneState.PASSING: Tone.GO,
    LaneState.CLOSING: Tone.CALM,
    LaneState.FAULT: Tone.ALARM,
}


@dataclass(frozen=True)
class Headline:
    """The one thing to be seen first."""

    tone: Tone
    text: str
    detail: str = ""


@dataclass(frozen=True)
class CandidateShown:
    """A declared vehicle that a read may mean, the differing characters marked."""

    declaration: str
    vehicle: str
    plate: PlateDrawn


@dataclass(frozen=True)
class TickShown:
    """One agency at one step: its short name, its full name, how it stands, by whom and when."""

    short: str
    name: str
    state: TickState
    by_whom: str


@dataclass(frozen=True)
class StepShown:
    """One step of the line of steps."""

    line: StepLine
    place: str
    what: str
    clause: str
    ticks: tuple[TickShown, ...]


@dataclass(frozen=True)
class ReasonShown:
    """Why, in a sentence, with its clause as it is cited."""

    sentence: str
    clause: str


@dataclass(frozen=True)
class Panel:
    """Everything on the lane page that changes."""

    view: LaneView
    headline: Headline
    plate: PlateDrawn | None
    looks: str
    candidates: tuple[CandidateShown, ...]
    declaration: tuple[tuple[str, str], ...]
    steps: tuple[StepShown, ...]
    reasons: tuple[ReasonShown, ...]
    troubles: tuple[str, ...]
    stale_since: str | None
    buttons: Buttons


def panel(view: LaneView, officer: Officer, link: LinkShown, words: Words, now: datetime) -> Panel:
    """The lane as one officer sees it. `now`: the wall clock, to tell since when the centre is silent."""
    return Panel(
        view=view,
        headline=headline(view, officer.agency, words),
        plate=_read(view),
        looks=_looks(view.plate, words),
        candidates=tuple(_candidates(view)),
        declaration=tuple(_facts_of(view.declaration, view.vehicle, words)) if view.declaration else (),
        steps=tuple(_step(line, words) for line in view.steps),
        reasons=tuple(_reasons(view.decision, link, words)) if view.decision else (),
        troubles=tuple(_troubles(view, link, words)),
        stale_since=_since(link, words, now) if link.stale else None,
        buttons=rules.buttons(view, officer.agency),
    )


def headline(view: LaneView, agency: Agency, words: Words) -> Headline:
    """What the lane says first: what the boom does, else who the vehicle is, else what the rules say of it."""
    if view.state is not LaneState.WAITING:
        return Headline(_STATE_TONES[view.state], words("state", view.state))
    if view.refused:
        return Headline(Tone.STOP, words("outcome", "sent_back"))
    if view.plate is None:
        return Headline(Tone.DOUBT, words("outcome", "unread"))
    if view.vehicle is None and view.outcome in (Outcome.NONE, None):
        known = view.decision is not None and cause_of(view.decision) is not None
        return Headline(Tone.STOP, words("verdict_short", "refuse") if known else words("outcome", "none"))
    if view.decision is None:
        return Headline(
            Tone.DOUBT, words("outcome", view.outcome or "none"), words("outcome", "look_closely")
        )
    return _verdict(view.decision, agency, words)


def _verdict(decision: Decision, agency: Agency, words: Words) -> Headline:
    awaited = rules.awaited(decision)
    clause = words.clause(decision.step.clause) if decision.step else ""
    if decision.verdict is not Verdict.WAIT:
        return Headline(_VERDICT_TONES[decision.verdict], words("verdict_short", decision.verdict), clause)
    earlier = _earlier_step(decision)
    if earlier is not None:
        detail = f"{words.sentence(earlier, decision.step)} {words.clause(earlier.clause or '')}"
        return Headline(Tone.WAIT, words("verdict_short", "earlier"), detail)
    if agency in awaited:
        return Headline(Tone.GO, words("verdict_short", "your_turn", agency=words("agency", agency)), clause)
    names = ", ".join(words("agency", one) for one in awaited or decision.waits_for)
    return Headline(Tone.WAIT, words("verdict_short", "wait", agencies=names), clause)


def _read(view: LaneView) -> PlateDrawn | None:
    """The read: large as on the vehicle, or laid out like the candidates beside it, so that the eye compares in one line."""
    if view.plate is None:
        return None
    text, country = view.plate.text, view.plate.country
    if _to_choose(view):
        return draw(text, country, against=view.candidates[0].plate if len(view.candidates) == 1 else None)
    drawn = draw(text, country)
    return drawn if drawn.country is Country.CN else draw(text, country, lines=2)


def _to_choose(view: LaneView) -> bool:
    return view.vehicle is None and rules.in_doubt(view) and bool(view.candidates)


def _looks(plate: PlateShown | None, words: Words) -> str:
    if plate is None:
        return ""
    if plate.corrected_by is not None:
        return words("plate", "corrected", officer=plate.corrected_by)
    agreed = words("plate", "looks", agreeing=plate.agreeing, looks=plate.looks)
    return agreed if plate.final else f"{agreed}. {words('plate', 'not_final')}"


def _candidates(view: LaneView) -> Iterator[CandidateShown]:
    if _to_choose(view):
        read = view.plate.text if view.plate else None
        for one in view.candidates:
            yield CandidateShown(one.declaration, one.vehicle, draw(one.plate, against=read))


def _facts_of(declared: Declaration, code: str | None, words: Words) -> Iterator[tuple[str, str]]:
    """Label and value of what the officer compares with what stands before her."""
    vehicle = declared.find(code) if code else None
    told = (declared.direction, "laden" if declared.laden else "empty")
    load = [words("field", one) for one in told if one]
    weights = [one.weight_kg for one in declared.goods if one.weight_kg is not None]
    values = {
        "number": f"{declared.no[:-5]} {declared.no[-5:]}",
        "load": ", ".join(load),
        "vehicle": vehicle.plate if vehicle else None,
        "trailer": vehicle.trailer if vehicle else None,
        "container": vehicle.container if vehicle else None,
        "goods": ", ".join(dict.fromkeys(one.name for one in declared.goods)),
        "weight": f"{sum(weights):,.0f} kg".replace(",", " ") if weights else None,
        "permit": vehicle.permit if vehicle else None,
        "yard": declared.yard,
        "version": str(declared.version) if declared.version > 1 else None,
    }
    for label, value in values.items():
        if value:
            yield words("field", label), value


def _step(line: StepLine, words: Words) -> StepShown:
    return StepShown(
        line=line,
        place=words("place", line.place),
        what=words.text(line.what),
        clause=line.clause,
        ticks=ticks(line.ticks, words),
    )


def ticks(given: tuple[Tick, ...], words: Words) -> tuple[TickShown, ...]:
    """Ticks with names and times: what is done by the name of its day, what is awaited by today's."""
    return tuple(
        TickShown(
            short=words.at(tick.at)("agency_short", tick.by),
            name=words.at(tick.at)("agency", tick.by),
            state=tick.state,
            by_whom=" ".join(part for part in (tick.officer, clock_time(tick.at)) if part),
        )
        for tick in given
    )


def _earlier_step(decision: Decision) -> Reason | None:
    """The first earlier step, the fee among them, that still lacks a confirmation; the headline says it."""
    lacking = (Code.EARLIER_STEP_MISSING, Code.FEE_NOT_CONFIRMED)
    return next((one for one in decision.reasons if one.code in lacking), None)


def _reasons(decision: Decision, link: LinkShown, words: Words) -> Iterator[ReasonShown]:
    """Why it waits or may not, less what is on the page already: ticks, the headline's agencies, the banner of old data."""
    for reason in decision.reasons:
        by_ticks = reason.code in _TICKS_SAY_IT
        by_banner = reason.code is Code.KNOWLEDGE_STALE and link.stale
        by_headline = reason is _earlier_step(decision)
        if not (by_ticks or by_banner or by_headline):
            clause = words.clause(reason.clause) if reason.clause else ""
            yield ReasonShown(words.sentence(reason, decision.step), clause)


def _troubles(view: LaneView, link: LinkShown, words: Words) -> Iterator[str]:
    """What is wrong around the lane, the worst first, for the officer; the technician's details are in /health/ready."""
    if link.store_error or "store_broken" in view.trouble:
        yield words("trouble", "store_broken", error=link.store_error or "…")
    yield from (words("trouble", code) for code in view.trouble if code != "store_broken")
    for camera in view.cameras:
        if camera.untrusted:
            told = ", ".join(words("picture_trouble", trouble) for trouble in camera.troubles)
            yield words("camera", "not_trusted", camera=camera.name, trouble=told)
    yield from (words("link", "used_twice", no=no) for no in link.used_twice)
    if link.twin:
        yield words("link", "twin")
    if link.refused:
        yield words("link", "refused")
    if link.disk is not DiskLevel.PLENTY:
        yield words("disk", link.disk)
    if link.recovered_at is not None:
        yield words("store", "recovered", at=f"{link.recovered_at.astimezone(VIETNAM):%H:%M %d/%m/%Y}")


def _since(link: LinkShown, words: Words, now: datetime) -> str:
    if link.centre_age_s is None:
        return words("link", "never")
    then = now - timedelta(seconds=link.centre_age_s)
    return words("link", "unknown_after", time=f"{then.astimezone(VIETNAM):%H:%M}")


def clock_time(at: str | None) -> str:
    """Hours and minutes in Vietnam of a fact's stamp; nothing for what is no stamp."""
    try:
        return f"{Stamp.parse(at or '').wall.astimezone(VIETNAM):%H:%M}"
    except BadStamp:
        return ""
