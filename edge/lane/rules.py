"""Which presses an officer is offered: a pure function of what the lane shows and the officer's agency.

The screen draws what `buttons` gives, and the server refuses what it does not give. At a barrier only the border guard opens
(Điều 4 to 7 of the decree, "Bộ đội Biên phòng mở barie").
"""

from collections.abc import Iterator

from edge.lane.machine import LaneState
from edge.lane.view import Buttons, LaneView, Press
from shared import plates
from shared.codes import Agency, Verdict
from shared.decide import Decision
from shared.matching import Outcome
from shared.reasons import Code

NEEDS_REASON = frozenset({Press.REFUSE, Press.OPEN_WITH_REASON, Press.GIVE_REASON})
"""Presses that carry `values["reason"]`."""

_RETRY_STATES = frozenset({LaneState.WAITING, LaneState.FAULT})
_NOT_AS_DECLARED = frozenset(
    {Code.NO_DECLARATION, Code.ANOTHER_TRACTOR, Code.TRAILER_DIFFERS, Code.PLATE_AMENDED}
)
"""Refusals that rest on a comparison of what came with what is declared."""

_PRIMARY = {
    Verdict.WAIT: (Press.CONFIRM_AND_OPEN, Press.CONFIRM),
    Verdict.OPEN: (Press.OPEN,),
    Verdict.REFUSE: (),
    Verdict.UNKNOWN: (Press.OPEN_WITH_REASON,),
    None: (),
}
"""The press that a verdict calls for, where it is offered. A refusal calls for none: the vehicle leaves by itself."""


def buttons(view: LaneView, agency: Agency) -> Buttons:
    """What an officer of `agency` may press now: one primary press at most, the quiet ones in the order of the screen."""
    offered = tuple(_offered(view, agency))
    verdict = view.decision.verdict if view.decision else None
    primary = next((press for press in _PRIMARY[verdict] if press in offered), None)
    if primary is None and Press.GIVE_REASON in offered:
        primary = Press.GIVE_REASON
    return Buttons(primary, tuple(press for press in offered if press is not primary))


def allowed(view: LaneView, agency: Agency, press: Press) -> bool:
    """True when `press` is among the buttons of an officer of `agency`."""
    offered = buttons(view, agency)
    return press is offered.primary or press in offered.others


def _offered(view: LaneView, agency: Agency) -> Iterator[Press]:
    yield from _openings(view, agency)
    if view.state is LaneState.WAITING:
        yield from _confirmations(view, agency)
        if in_doubt(view) and view.candidates:
            yield Press.CHOOSE_VEHICLE
        if in_doubt(view) or (view.plate is not None and view.plate.corrected_by is not None):
            yield Press.CORRECT_PLATE
        yield Press.LOOK_AGAIN
        if not view.refused and (agency is Agency.BORDER_GUARD or agency in awaited(view.decision)):
            yield Press.REFUSE
    if agency is Agency.BORDER_GUARD:
        if view.emergency_open is not None:
            yield Press.GIVE_REASON
        yield Press.EMERGENCY


def _openings(view: LaneView, agency: Agency) -> Iterator[Press]:
    """Ways to open other than in an emergency; also after a boom that did not move."""
    decision = view.decision
    if agency is not Agency.BORDER_GUARD or view.state not in _RETRY_STATES or decision is None:
        return
    if decision.verdict is Verdict.OPEN and (decision.opens is agency or not decision.automatic):
        yield Press.OPEN
    elif decision.verdict is Verdict.UNKNOWN or _not_as_declared(decision) or _only_reason_lifts(decision):
        yield Press.OPEN_WITH_REASON


def _confirmations(view: LaneView, agency: Agency) -> Iterator[Press]:
    decision = view.decision
    if decision is None:
        return
    if decision.verdict is Verdict.WAIT and agency in awaited(decision):
        opens = agency is Agency.BORDER_GUARD is decision.opens and _is_last_missing(decision, agency)
        yield Press.CONFIRM_AND_OPEN if opens else Press.CONFIRM
    elif decision.verdict is Verdict.REFUSE and _can_lift_refusal(decision, agency):
        yield Press.CONFIRM


def in_doubt(view: LaneView) -> bool:
    """True while an officer has to say which vehicle stands there: only an exact match of a finished read is certain.

    A trailer's plate never is: another tractor may have brought it.
    """
    plate = view.plate if view.outcome is Outcome.EXACT else None
    certain = plate is not None and plate.final and not plates.is_trailer(plate.text)
    return view.state is LaneState.WAITING and not certain


def awaited(decision: Decision | None) -> tuple[Agency, ...]:
    """Agencies whose confirmation of this very step may come now: in a fixed order the next one only.

    `Decision.waits_for` also names those who lack at earlier steps; a press at the boom cannot make up for them.
    """
    if decision is None:
        return ()
    missing = _missing_here(decision)
    turn = missing[:1] if decision.ordered else missing
    return tuple(agency for agency in turn if agency in decision.waits_for)


def _missing_here(decision: Decision) -> tuple[Agency, ...]:
    if decision.step is None:
        return ()
    printed = [one for one in decision.step.confirm if isinstance(one, Agency)]
    asked = [one for one in decision.step.confirm_if_required if one in decision.waits_for]
    return tuple(one for one in (*printed, *asked) if one not in decision.confirmations)


def _is_last_missing(decision: Decision, agency: Agency) -> bool:
    earlier = any(reason.code is Code.EARLIER_STEP_MISSING for reason in decision.reasons)
    return _missing_here(decision) == (agency,) == decision.waits_for and not earlier


def _can_lift_refusal(decision: Decision, agency: Agency) -> bool:
    """A confirmation that has seen the refusal lifts it (`shared.decide`)."""
    refused = any(reason.code is Code.REFUSED_BY_OFFICER for reason in decision.reasons)
    return refused and decision.step is not None and agency in decision.step.confirm


def _only_reason_lifts(decision: Decision) -> bool:
    """A refusal at a step where no agency confirms (4.3.e literally, yard gates) is lifted by an opening with its reason."""
    refused = any(reason.code is Code.REFUSED_BY_OFFICER for reason in decision.reasons)
    if not refused or decision.step is None:
        return False
    return not any(isinstance(one, Agency) for one in decision.step.confirm)


def _not_as_declared(decision: Decision) -> bool:
    """A reader may be wrong, or a declarant: the border guard has the last word, and says why."""
    return decision.verdict is Verdict.REFUSE and decision.reasons[0].code in _NOT_AS_DECLARED
