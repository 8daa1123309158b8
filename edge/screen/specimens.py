"""A gate made of nothing but values, to look at the screen and to test it: one lane in any of its typical situations.

python -m edge.screen.specimens near      # http://127.0.0.1:8000, officer bp-1 (or hq-1, gtvt-1, kddv-1, thue-1), PIN 1234
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import uvicorn

from edge.changes import Changes
from edge.desk_values import explained, taken, whole_vnd
from edge.lane.machine import LaneState
from edge.lane.view import (
    BarrierShown,
    CameraShown,
    LaneView,
    Officer,
    PlateShown,
    Pressed,
    PressRefused,
    StepLine,
    StepState,
    Tick,
    TickState,
)
from edge.screen.app import create_app
from edge.screen.desk_specimens import DESK, NO, OTHER_NO, paid
from edge.screen.ports import DeskLine, DeskPress, LaneForScreen, LinkShown
from shared.agency_names import NO_NAMES, Called
from shared.codes import (
    Actor,
    Agency,
    Country,
    Direction,
    Heading,
    Place,
    Standing,
    Verdict,
    YardLocation,
)
from shared.decide import Decision, explain_no_declaration
from shared.declared import Declaration, Goods, Vehicle
from shared.matching import ActiveVehicle, Outcome
from shared.procedures import Queries, Step
from shared.reasons import Code, Reason
from shared.turn_away import Cause, TurnAway, refusal

BG, CUSTOMS, HEALTH, TRANSPORT = (
    Agency.BORDER_GUARD,
    Agency.CUSTOMS,
    Agency.HEALTH_QUARANTINE,
    Agency.TRANSPORT,
)
ALL_FOUR = (TRANSPORT, CUSTOMS, HEALTH, BG)
PIN = "1234"
OFFICERS = {
    "bp-1": BG,
    "hq-1": CUSTOMS,
    "gtvt-1": TRANSPORT,
    "thue-1": Agency.TAX,
    "kddv-1": Agency.ANIMAL_QUARANTINE,
}
PICTURE = "ab" * 32

DECLARATION = Declaration(
    no=NO,
    version=1,
    site="CKHN",
    procedure="4.2",
    direction=Direction.EXPORT,
    laden=True,
    yard="XC-01",
    yard_location=YardLocation.INSIDE,
    vehicles=[
        Vehicle(
            vehicle="v1",
            plate="29C12345",
            country=Country.VN,
            trailer="29R04567",
            container="TCLU4785610",
            permit="VN-A 004512",
        )
    ],
    goods=[Goods(name="Sầu riêng tươi", weight_kg=18500), Goods(name="Thanh long", weight_kg=4200)],
    declared_at=datetime.fromisoformat("2026-11-23T01:10:00+00:00"),
)
STEP = Step(
    clause="4.2.g",
    place=Place.BARRIER_1,
    heading=Heading.OUT,
    confirm=ALL_FOUR,
    ordered=True,
    opens=BG,
    queries=Queries.EARLIER_STATES,
    standing=Standing.TEXT,
    what={"vi": "Qua barie số 1 sang Trung Quốc", "en": "Through barrier 1 to China", "zh": "经一号道闸出境"},
)
PLATE = PlateShown("29C12345", "VN", 0.98, looks=5, agreeing=5, final=True, picture=PICTURE)


def _at(hour: int, minute: int) -> str:
    return f"2026-11-23T{hour:02d}:{minute:02d}:00.000Z#0000"


def _done(by: Agency | Actor, officer: str | None, hour: int, minute: int) -> Tick:
    return Tick(by, TickState.DONE, officer, _at(hour, minute))


def _line(clause: str, place: Place, state: StepState, what: str, *ticks: Tick) -> StepLine:
    return StepLine(clause, place, state, {"vi": what, "en": what, "zh": what}, ticks)


def steps(*confirmed: Agency) -> tuple[StepLine, ...]:
    """The line of steps of 4.2 at barrier 1 on the way out, with these confirmations there."""
    device, done = Actor.DEVICE, StepState.DONE
    here = tuple(
        _done(by, f"{by[:2]}-7", 3, 12) if by in confirmed else Tick(by, TickState.MISSING) for by in ALL_FOUR
    )
    not_asked = Tick(Agency.PLANT_QUARANTINE, TickState.NOT_REQUESTED)
    return (
        _line("4.2.a", Place.ONLINE, done, "Khai báo", _done(Actor.DECLARANT, None, 1, 10)),
        _line(
            "4.2.b",
            Place.BARRIER_2,
            done,
            "Vào cửa khẩu",
            _done(BG, "bp-2", 1, 40),
            _done(CUSTOMS, "hq-3", 1, 42),
        ),
        _line("4.2.c", Place.YARD_IN, done, "Vào bãi", _done(device, None, 1, 51)),
        _line(
            "4.2.d",
            Place.YARD,
            done,
            "Tại bãi",
            _done(CUSTOMS, "hq-4", 2, 20),
            _done(BG, "bp-5", 2, 31),
            not_asked,
        ),
        _line("4.2.đ", Place.ONLINE, done, "Nộp phí", _done(Agency.TAX, "thue-1", 2, 40)),
        _line("4.2.e", Place.YARD_OUT, StepState.PASSED_OVER, "Ra bãi"),
        StepLine("4.2.g", Place.BARRIER_1, StepState.NOW, dict(STEP.what), here),
    )


def decision(verdict: Verdict, *confirmed: Agency, reasons: tuple[Reason, ...] = ()) -> Decision:
    """A decision at 4.2.g after these confirmations."""
    missing = tuple(agency for agency in ALL_FOUR if agency not in confirmed)
    waiting = tuple(Reason(Code.CONFIRMATION_MISSING, "4.2.g", (), {"agency": one}) for one in missing)
    return Decision(
        verdict,
        STEP,
        missing[:1] if verdict is Verdict.WAIT else (),
        (*reasons, *(waiting if verdict is Verdict.WAIT else ())),
        automatic=False,
        confirmations={agency: f"ckhn-b1.1/{at}" for at, agency in enumerate(confirmed, 40)},
    )


_CAMERA = CameraShown("truoc", "live", 0.1, None)
EMPTY = LaneView(
    node="ckhn-b1",
    lane="lan-1",
    place=Place.BARRIER_1,
    heading=Heading.OUT,
    state=LaneState.EMPTY,
    token="t-empty",
    cameras=(_CAMERA,),
    barrier=BarrierShown("closed"),
)
_ARRIVED = replace(EMPTY, state=LaneState.WAITING, passage="ckhn-b1.1/41", plate=PLATE, outcome=Outcome.EXACT)
_MATCHED = replace(_ARRIVED, declaration=DECLARATION, vehicle="v1")
_CLEAR = replace(
    _MATCHED,
    token="t-clear",
    decision=decision(Verdict.WAIT, TRANSPORT, CUSTOMS, HEALTH),
    steps=steps(TRANSPORT, CUSTOMS, HEALTH),
)
_UNSURE = replace(PLATE, text="29C12346", agreeing=3, final=False)
_RECALLED = Decision(Verdict.REFUSE, None, (), (Reason(Code.RECALLED, values={"no": NO}),), False)
_STALE = Reason(Code.KNOWLEDGE_STALE, values={"ckhn-centre": "5000"})

SITUATIONS: Mapping[str, LaneView] = {
    "empty": EMPTY,
    "reading": replace(EMPTY, state=LaneState.READING, token="t-reading", passage="ckhn-b1.1/41"),
    "clear": _CLEAR,
    "first_of_four": replace(_MATCHED, token="t-first", decision=decision(Verdict.WAIT), steps=steps()),
    "may_open": replace(
        _MATCHED,
        token="t-open",
        decision=decision(Verdict.OPEN, *ALL_FOUR),
        steps=steps(*ALL_FOUR),
    ),
    "stale": replace(
        _CLEAR,
        token="t-stale",
        decision=decision(Verdict.WAIT, TRANSPORT, CUSTOMS, HEALTH, reasons=(_STALE,)),
    ),
    "near": replace(
        _ARRIVED,
        token="t-near",
        plate=_UNSURE,
        outcome=Outcome.NEAR,
        candidates=(ActiveVehicle(NO, "v1", "29C12345", "CKHN"),),
    ),
    "ambiguous": replace(
        _ARRIVED,
        token="t-ambiguous",
        plate=replace(_UNSURE, text="桂FF0D23", country="CN"),
        outcome=Outcome.AMBIGUOUS,
        candidates=(
            ActiveVehicle(NO, "v1", "FF0023", "CKHN"),
            ActiveVehicle(OTHER_NO, "v1", "FF0Q23", "CKHN"),
        ),
    ),
    "undeclared": replace(_ARRIVED, token="t-none", outcome=Outcome.NONE, decision=explain_no_declaration()),
    "another_tractor": replace(
        _ARRIVED,
        token="t-another",
        outcome=Outcome.NONE,
        decision=refusal(TurnAway(Cause.ANOTHER_TRACTOR, OTHER_NO, PLATE.text, "34C55566")),
    ),
    "refused": replace(_MATCHED, token="t-refused", decision=_RECALLED, steps=steps()),
    "sent_back": replace(
        _MATCHED,
        token="t-sent-back",
        decision=decision(Verdict.REFUSE, reasons=(Reason(Code.REFUSED_BY_OFFICER, "4.2.g"),)),
        steps=steps(),
        refused=True,
    ),
    "no_rule": replace(
        _MATCHED,
        token="t-no-rule",
        decision=Decision(Verdict.UNKNOWN, STEP, (), (Reason(Code.TEXT_UNKNOWN, "4.2.g"),), automatic=False),
    ),
    "unread": replace(_ARRIVED, token="t-unread", plate=None, outcome=None, trouble=("unread",)),
    "camera_lost": replace(
        _ARRIVED,
        token="t-camera",
        plate=None,
        outcome=None,
        trouble=("camera_lost",),
        cameras=(CameraShown("truoc", "down", None, "không kết nối được, thử lại sau 4 giây"),),
    ),
    "camera_turned": replace(_CLEAR, token="t-turned", cameras=(replace(_CAMERA, troubles=("moved",)),)),
    "opening": replace(
        _MATCHED,
        state=LaneState.OPENING,
        token="t-opening",
        decision=decision(Verdict.OPEN, *ALL_FOUR),
        steps=steps(*ALL_FOUR),
        barrier=BarrierShown("between"),
    ),
    "fault": replace(
        _MATCHED,
        state=LaneState.FAULT,
        token="t-fault",
        decision=decision(Verdict.OPEN, *ALL_FOUR),
        steps=steps(*ALL_FOUR),
        barrier=BarrierShown("closed", "đã nhận lệnh nhưng 8 giây sau cần vẫn đóng"),
        trouble=("boom_did_not_move",),
    ),
    "emergency": replace(
        EMPTY,
        state=LaneState.OPEN,
        token="t-emergency",
        barrier=BarrierShown("open"),
        emergency_open="ckhn-b1.1/77",
    ),
}


class SpecimenLane(LaneForScreen):
    """A lane that stands still until it is told what to show. Presses are kept, and a token is good once."""

    def __init__(self, view: LaneView, changes: Changes, jpeg: bytes | None = None) -> None:
        self.shown = view
        self.pressed: list[Pressed] = []
        self._changes = changes
        self._jpeg = jpeg

    def show(self, view: LaneView) -> None:
        """Shows something else."""
        self.shown = view
        self._changes.notify()

    def view(self) -> LaneView:
        """What there is to see now."""
        return self.shown

    async def press(self, pressed: Pressed) -> None:
        """Keeps the press; the view's token changes with it, as a real lane's does."""
        if any(pressed.token == one.token for one in self.pressed):
            raise PressRefused("stale")
        self.pressed.append(pressed)
        self.show(replace(self.shown, token=f"{self.shown.token}+"))

    def live_jpeg(self) -> bytes | None:
        """The picture it was given."""
        return self._jpeg


class SpecimenGate:
    """A gate with one lane; `picture_file` serves as every picture."""

    node = "ckhn-b1"
    site = "CKHN"
    version = "0.1.0"
    agencies: tuple[Agency, ...] = tuple(Agency)

    def __init__(self, view: LaneView = EMPTY, picture_file: Path | None = None) -> None:
        self.changes = Changes()
        self.picture_file = picture_file
        self.lane = SpecimenLane(view, self.changes, picture_file.read_bytes() if picture_file else None)
        self.lanes: Mapping[str, LaneForScreen] = {view.lane: self.lane}
        self.link_shown = LinkShown(connected=True, centre_age_s=3, unsent=0, stale=False)
        self.names = NO_NAMES
        self.causes: list[str] = []
        self.confirmed_at_desk: list[tuple[str, str, str]] = []
        self.said_at_desk: Mapping[str, str] = {}
        self.desk_lines = dict(DESK)

    def link(self) -> LinkShown:
        """The line to the centre, as it was set."""
        return self.link_shown

    def called(self) -> Called:
        """The names it was given, on the day of its facts."""
        return Called(self.names, self.site, date(2026, 11, 23))

    def sign_in(self, code: str, pin: str) -> Officer | None:
        """Everybody's PIN is the same."""
        known = code in OFFICERS and pin == PIN
        return Officer(code, OFFICERS[code], "man-hinh-1") if known else None

    def desk(self, agency: Agency) -> tuple[DeskLine, ...]:
        """Vehicles of the desk's specimens, until one was confirmed."""
        return () if self.confirmed_at_desk else self.desk_lines.get(agency, ())

    async def confirm_at_desk(self, officer: Officer, pressed: DeskPress, values: Mapping[str, str]) -> None:
        """Keeps the confirmation."""
        line = self._desk_line(officer, pressed)
        said = taken(line.owed, values)
        if line.fee is not None:
            said |= explained(line.fee, said, values.get("reason", ""))
        self.said_at_desk = said
        self.confirmed_at_desk.append((pressed.declaration, pressed.vehicle, pressed.clause))
        self.changes.notify()

    async def take_cash(self, officer: Officer, pressed: DeskPress, amount: str) -> None:
        """Takes the money in."""
        line, amount_vnd = self._desk_line(officer, pressed), whole_vnd(amount)
        lines = self.desk_lines[officer.agency]
        self.desk_lines[officer.agency] = tuple(
            paid(one, amount_vnd) if one == line else one for one in lines
        )
        self.changes.notify()

    def _desk_line(self, officer: Officer, pressed: DeskPress) -> DeskLine:
        line = next((one for one in self.desk(officer.agency) if one.press == pressed), None)
        if line is None:
            raise PressRefused("stale")
        return line

    def picture(self, sha256: str) -> Path | None:
        """The one picture, if it has one."""
        return self.picture_file if sha256 == PICTURE else None

    def ready(self) -> list[str]:
        """The causes it was given."""
        return self.causes

    def notes(self) -> list[str]:
        """Nothing to note."""
        return []


def main(situation: str = "clear", picture: str | None = None) -> None:
    """Serves a situation until stopped; `picture` is a JPEG file for every picture."""
    gate = SpecimenGate(SITUATIONS[situation], Path(picture) if picture else None)
    uvicorn.run(create_app(gate), host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main(*sys.argv[1:])
