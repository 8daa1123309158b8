"""An officer's press becomes facts, and after the facts are on disk, movement.

What is not offered (`edge.lane.rules`) is refused here, whatever a browser sends; a press made on an older picture of the lane
is refused as stale. The confirmation and the opening that follows from it are one transaction.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from edge.lane.lane import Lane
from edge.lane.passage import Correction
from edge.lane.rules import NEEDS_REASON, allowed
from edge.lane.show import view
from edge.lane.view import Press, Pressed, PressRefused
from shared import plates
from shared.authority import Counting
from shared.bodies import OpenMode
from shared.codes import Actor
from shared.facts import Draft
from shared.node.errors import StoreError


async def press(lane: Lane, pressed: Pressed) -> None:
    """Carries a press out; returns when its facts are on disk and the boom, if asked, was told. Raises PressRefused."""
    _check(lane, pressed)
    try:
        await _HANDLERS[pressed.press](lane, pressed)
    except StoreError as error:
        raise PressRefused("store_unusable") from error
    lane.parts.changes.notify()


def _check(lane: Lane, pressed: Pressed) -> None:
    shown = view(lane)
    officer = pressed.officer
    if not allowed(shown, officer.agency, pressed.press):
        raise PressRefused("stale" if pressed.token != shown.token else "not_offered")
    if pressed.press in (Press.EMERGENCY, Press.GIVE_REASON):
        return
    if pressed.token != shown.token:
        raise PressRefused("stale")
    if pressed.press in NEEDS_REASON and not pressed.values.get("reason", "").strip():
        raise PressRefused("reason_needed")
    at = lane.parts.knowledge.store.clock.now().wall
    authority = lane.parts.knowledge.known().authority
    held = authority.officer_holds(officer.code, officer.agency, at)
    licensed = authority.node_speaks(lane.node, lane.settings.place, officer.agency)
    if {held, licensed} != {Counting.COUNTS}:
        raise PressRefused("not_enrolled")


async def _confirm(lane: Lane, pressed: Pressed) -> None:
    lane.write([_confirmation(lane, pressed)])
    assert lane.passage is not None
    lane.passage = replace(lane.passage, refused=None)
    lane.judge()


async def _confirm_and_open(lane: Lane, pressed: Pressed) -> None:
    await _write_and_open(lane, [_confirmation(lane, pressed), _opening(lane, pressed, OpenMode.DECISION)])


async def _open(lane: Lane, pressed: Pressed) -> None:
    decision = lane.judgement.decision
    by_hand = decision is not None and decision.opens is Actor.DEVICE
    mode = OpenMode.REASON if by_hand else OpenMode.DECISION
    await _write_and_open(lane, [_opening(lane, pressed, mode)])


async def _open_with_reason(lane: Lane, pressed: Pressed) -> None:
    await _write_and_open(lane, [_opening(lane, pressed, OpenMode.REASON)])


async def _emergency(lane: Lane, pressed: Pressed) -> None:
    request = await _write_and_open(lane, [_opening(lane, pressed, OpenMode.EMERGENCY)])
    lane.unexplained = request


async def _give_reason(lane: Lane, pressed: Pressed) -> None:
    reason = pressed.values.get("reason", "").strip()
    if not reason:
        raise PressRefused("reason_needed")
    assert lane.unexplained is not None
    lane.write([lane.facts.open_reason(lane.unexplained, pressed.officer, reason)])
    lane.unexplained = None


async def _refuse(lane: Lane, pressed: Pressed) -> None:
    assert lane.passage is not None
    known = lane.parts.knowledge.known()
    reason = pressed.values["reason"].strip()
    draft = lane.facts.refused(lane.passage, lane.judgement, known, pressed.officer, reason)
    lane.passage = replace(lane.passage, refused=lane.write([draft])[0].fact.ref)
    lane.judge()


async def _correct_plate(lane: Lane, pressed: Pressed) -> None:
    text = plates.normalise(pressed.values.get("text", ""))
    if plates.classify(text) is None:
        raise PressRefused("bad_plate")
    lane.correct(Correction(text, pressed.officer.code), pressed.officer)


async def _choose_vehicle(lane: Lane, pressed: Pressed) -> None:
    wanted = (pressed.values.get("declaration"), pressed.values.get("vehicle"))
    chosen = next((c for c in lane.judgement.match.candidates if (c.declaration, c.vehicle) == wanted), None)
    if chosen is None:
        raise PressRefused("no_such_vehicle")
    correction = Correction(
        plates.normalise(chosen.plate), pressed.officer.code, chosen.declaration, chosen.vehicle
    )
    lane.correct(correction, pressed.officer)


async def _look_again(lane: Lane, pressed: Pressed) -> None:
    del pressed
    lane.look_again()


def _confirmation(lane: Lane, pressed: Pressed) -> Draft:
    assert lane.passage is not None
    known = lane.parts.knowledge.known()
    return lane.facts.confirmed(lane.passage, lane.judgement, known, pressed.officer)


def _opening(lane: Lane, pressed: Pressed, mode: OpenMode) -> Draft:
    known = lane.parts.knowledge.known()
    reason = pressed.values.get("reason", "").strip()
    return lane.facts.open_requested(lane.passage, lane.judgement, known, pressed.officer, mode, reason)


async def _write_and_open(lane: Lane, drafts: list[Draft]) -> str:
    request = lane.write(drafts)[-1].fact
    await lane.open(request)
    return request.ref


_HANDLERS: Mapping[Press, Callable[[Lane, Pressed], Awaitable[object]]] = {
    Press.CONFIRM: _confirm,
    Press.CONFIRM_AND_OPEN: _confirm_and_open,
    Press.OPEN: _open,
    Press.OPEN_WITH_REASON: _open_with_reason,
    Press.REFUSE: _refuse,
    Press.CORRECT_PLATE: _correct_plate,
    Press.CHOOSE_VEHICLE: _choose_vehicle,
    Press.LOOK_AGAIN: _look_again,
    Press.EMERGENCY: _emergency,
    Press.GIVE_REASON: _give_reason,
}
