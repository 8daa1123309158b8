"""One lane at work: inputs become events, events become facts and, after a fact, movement of the boom.

Everything here runs on the event loop; looks and pictures go to threads, the barrier is asyncio. A lane that fails in one
part says so in its view and goes on with the rest.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace

import structlog

from edge.capture import CameraState
from edge.lane.boom import LaneBoom
from edge.lane.inputs import Presence, events
from edge.lane.machine import Action, Event, LaneState, step
from edge.lane.parts import LaneParts, LaneSettings
from edge.lane.passage import Correction, Judgement, Passage, concerns, opens_by_itself
from edge.lane.reading import Reading
from edge.lane.records import LaneFacts
from edge.lane.resume import inputs_tell, read_lane
from edge.lane.sight import CameraPresence, living
from edge.lane.view import BarrierShown, CameraShown, Officer
from edge.pictures import Kept, PictureError, live_jpeg
from shared.authority import Counting
from shared.bodies import BoomState, OpenMode, OpenRequested, read_body
from shared.facts import Draft, Fact, Sealed
from shared.node.errors import StoreError
from shared.node.own import own_journal

log = structlog.get_logger()

POLL_S = 0.05
JUDGE_AGAIN_S = 5.0


class Lane:
    """A camera group and a barrier at a place. `edge.lane.presses` turns an officer's press into calls of this class."""

    def __init__(self, node: str, settings: LaneSettings, parts: LaneParts) -> None:
        self.node = node
        self.settings = settings
        self.parts = parts
        self.state = LaneState.EMPTY
        self.passage: Passage | None = None
        self.judgement = Judgement()
        self.unexplained: str | None = None
        self.trouble: dict[str, str] = {}
        self.facts = LaneFacts(node, settings.name, settings.place, settings.heading)
        self.boom = LaneBoom(settings.name, parts.barrier, parts.inputs, settings.move_timeout_s, parts.clock)
        self._presence = Presence()
        self._unwatched = False
        self._sight = CameraPresence(parts.cameras, parts.eyes, parts.clock)
        self._judged_at = 0.0
        self._ticked_at = parts.clock()
        self._reading: asyncio.Task[None] | None = None
        self._shown: tuple[object, ...] = ()

    async def run(self) -> None:
        """Works until cancelled. Nothing moves at start."""
        for camera in self.parts.cameras:
            camera.start()
        self.take_up()
        try:
            while True:
                await self.tick()
                await asyncio.sleep(POLL_S)
        finally:
            for camera in self.parts.cameras:
                camera.stop()
            self._sight.end()
            if self._reading is not None:
                self._reading.cancel()

    def take_up(self) -> None:
        """Goes on with the passage that a lane before this one left unfinished, by its facts; without a pulse."""
        store = self.parts.knowledge.store
        try:
            left = read_lane(store, own_journal(store, self.node), self.settings.name)
        except StoreError as error:
            self._store_failed(error)
            return
        self.state, self.passage, self.unexplained = left.state, left.passage, left.unexplained
        self.boom.request, self._unwatched = left.request, left.unwatched
        self.trouble.update(dict.fromkeys(left.trouble, ""))
        self.boom.watch(self.state)
        self.judge()
        if left.stale and self.state is LaneState.OPEN:
            self._apply(Event.VEHICLE_LEFT_UNSEEN)
        if left.state is not LaneState.EMPTY:
            log.info("passage_taken_up", lane=self.settings.name, state=self.state.value)

    # -- what others ask and tell

    def silent_s(self) -> float:
        """Seconds since the last tick."""
        return self.parts.clock() - self._ticked_at

    def live_jpeg(self) -> bytes | None:
        """The newest frame of the first camera that lives, small; None when there is none: an old one is never shown as live.

        While the lane is empty it is a key frame, some seconds old; looking at it wakes no camera.
        """
        shown = living(self.parts.cameras, self.parts.clock())
        return live_jpeg(shown[1].image) if shown else None

    def cameras_shown(self) -> tuple[CameraShown, ...]:
        """How each camera does."""
        now = self.parts.clock()
        shown = []
        for camera in self.parts.cameras:
            health = camera.health(now)
            age_s = None if health.age_s is None else round(health.age_s, 1)
            shown.append(CameraShown(camera.settings.name, health.state.value, age_s, health.last_error))
        return tuple(shown)

    def barrier_shown(self) -> BarrierShown:
        """Where the boom is, by its limit switches."""
        return BarrierShown(self.boom.position.value, self.trouble.get("barrier_lost"))

    def learnt(self, new: Sequence[Fact]) -> None:
        """New facts are in the store; judges again when they concern the vehicle here."""
        if self.passage is not None and any(concerns(fact, self.judgement) for fact in new):
            self.judge()

    def judge(self) -> None:
        """Matches and decides anew from what is known now. What was judged stands while the store cannot be read."""
        knowledge, settings = self.parts.knowledge, self.settings
        try:
            if self.passage is None:
                self.judgement = Judgement()
            elif not self.passage.passed:
                self.judgement = knowledge.judge(self.passage, settings.place, settings.heading)
        except StoreError as error:
            self._store_failed(error)
        self._judged_at = self.parts.clock()
        self.parts.changes.notify()

    def write(self, drafts: Sequence[Draft]) -> list[Sealed]:
        """Writes facts; while the store does not take them the lane is hand-operated. Raises StoreError."""
        try:
            sealed = self.parts.write(drafts)
        except StoreError as error:
            self._store_failed(error)
            raise
        if self.trouble.pop("store_broken", None) is not None:
            log.info("store_back", lane=self.settings.name)
        return sealed

    def correct(self, correction: Correction, officer: Officer) -> None:
        """An officer says what the plate is; recorded beside the read."""
        assert self.passage is not None
        passage = replace(self.passage, correction=correction)
        self.write([self.facts.plate_corrected(passage, officer)])
        self.passage = passage
        self.trouble.pop("unread", None)
        self.judge()
        self._device_opens()

    async def open(self, request: Fact) -> None:
        """The opening `request` is on disk: moves the boom, and sees to it that it moves.

        This is the one place that leads to a pulse. An opening that does not count, by officer, node and place, moves
        nothing; an emergency does not wait for that question.
        """
        body = read_body(request)
        assert isinstance(body, OpenRequested)
        if body.mode is not OpenMode.EMERGENCY:
            counting = self.parts.knowledge.known().authority.counts(request, body)
            if counting is not Counting.COUNTS:
                log.error("opening_does_not_count", request=request.ref, counting=counting.value)
                return
        self.boom.ask(request.ref)
        if self.passage is not None:
            self.passage = replace(self.passage, request=request.ref)
        await self._happen(Event.OPEN_REQUESTED)

    def look_again(self) -> None:
        """Reads the plate once more."""
        self._apply(Event.LOOK_AGAIN)

    # -- the tick

    async def tick(self) -> None:
        """One look at inputs and clock, and what follows from it; `run` does this for ever."""
        now = self._ticked_at = self.parts.clock()
        await self.boom.read()
        self._note("barrier_lost", self.boom.error)
        self._wake_cameras()
        seen, self._presence = events(self.boom.inputs, self._presence, now)
        if self.boom.inputs.approach_loop is None:
            seen = (*seen, *self._sight.events(self.state is LaneState.EMPTY))
        else:
            self._sight.end()
        if self._unwatched:
            seen, there = inputs_tell(seen)
            self._unwatched = not there
        for event in seen:
            await self._happen(event)
        if (overdue := self.boom.overdue(self.state)) is not None:
            await self._happen(overdue)
        if self.passage is not None and now - self._judged_at > JUDGE_AGAIN_S:
            self.judge()
        if self.state is LaneState.WAITING and self._opens_by_itself:
            await self._happen(Event.READ_DONE)
        self._notice_change()

    def _wake_cameras(self) -> None:
        inputs = self.boom.inputs
        if self.state is not LaneState.EMPTY or inputs.approach_loop or inputs.under_boom_loop:
            for camera in self.parts.cameras:
                camera.wake()

    def _note(self, trouble: str, sentence: str | None) -> None:
        if sentence is None:
            self.trouble.pop(trouble, None)
        else:
            self.trouble[trouble] = sentence

    def _store_failed(self, error: StoreError) -> None:
        if "store_broken" not in self.trouble:
            log.error("store_broken", lane=self.settings.name, error=str(error))
        self.trouble["store_broken"] = str(error)

    def _notice_change(self) -> None:
        cameras = tuple((c.name, c.state) for c in self.cameras_shown())
        lost = [name for name, state in cameras if state not in (CameraState.LIVE, CameraState.CONNECTING)]
        self._note("camera_lost", ", ".join(lost) or None)
        shown = (self.state, self.boom.position, cameras, tuple(self.trouble.items()))
        if shown != self._shown:
            self._shown = shown
            self.parts.changes.notify()

    # -- the machine

    async def _happen(self, event: Event) -> None:
        """Takes an event. The pulse comes last: every fact of the transition is on disk before the boom is told."""
        if Action.PULSE_OPEN not in self._apply(event):
            return
        if not await self.boom.pulse():
            self._note("barrier_lost", self.boom.error)
            await self._happen(Event.MOVE_FAILED)

    def _apply(self, event: Event) -> tuple[Action, ...]:
        """Takes the table's row for an event. When the store fails, the state stays and the lane is hand-operated."""
        before = self.state
        after, actions = step(before, event)
        try:
            for action in actions:
                self._do(action)
        except StoreError:
            return ()
        if after is not before:
            self.state = after
            self.boom.watch(after)
            log.info("lane_state", lane=self.settings.name, on=event.value, state=after.value)
            self.parts.changes.notify()
        return actions

    def _do(self, action: Action) -> None:
        match action:
            case Action.BEGIN_PASSAGE:
                self._begin_passage()
            case Action.FORGET_PLATE:
                self._forget_plate()
            case Action.START_READING:
                self._start_reading()
            case Action.DECIDE:
                self.judge()
                self._device_opens()
            case Action.PULSE_OPEN:
                pass
            case Action.RECORD_OPENED:
                self._record_boom(BoomState.OPENED)
            case Action.RECORD_CLOSED:
                self._record_boom(BoomState.CLOSED)
            case Action.RECORD_NOT_MOVED:
                self.trouble["boom_did_not_move"] = ""
                self._record_boom(BoomState.DID_NOT_MOVE)
            case Action.RECORD_OPEN_UNASKED:
                self.trouble["open_unasked"] = ""
                self._record_boom(BoomState.OPEN_UNASKED)
            case Action.RECORD_PASSED:
                self._record_passed()
            case Action.RECORD_TURNED_BACK:
                # where no loop lies under an open boom, a vehicle that left is taken to have gone through
                open_unseen = self.state is LaneState.OPEN and self.boom.inputs.under_boom_loop is None
                self._record_left(passed=open_unseen)
            case Action.RECORD_LEFT_UNSEEN:
                self._record_left(passed=self.boom.request is not None)
            case Action.END_PASSAGE:
                self._end_passage()

    def _begin_passage(self) -> None:
        self.passage, self.judgement = self._new_passage(), Judgement()
        self.trouble.clear()

    def _forget_plate(self) -> None:
        assert self.passage is not None
        known = self.passage
        self.passage = Passage(known.ref, known.arrived_at, refused=known.refused)
        self.judge()

    def _start_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self.trouble.pop("unread", None)
        self._reading = asyncio.create_task(self._read_plate())

    async def _read_plate(self) -> None:
        try:
            await self._read_passage()
        except Exception:  # whatever it is, the vehicle must not wait for a reading that is over
            log.exception("reading_failed", lane=self.settings.name)
            self.trouble["unread"] = ""
        if self.passage is not None:
            await self._happen(Event.READ_DONE)

    async def _read_passage(self) -> None:
        parts = self.parts
        reading = Reading(parts.cameras, parts.eyes, parts.knowledge.vote_settings(), clock=parts.clock)
        await reading.run()
        kept = await self._keep(reading)
        if self.passage is None:
            return
        passage = replace(self.passage, kept=kept)
        best = reading.best
        if best is not None:
            camera, read = best
            passage = replace(passage, camera=camera, read=read, trailer=reading.trailer)
            with contextlib.suppress(StoreError):
                about = self.parts.knowledge.judge(passage, self.settings.place, self.settings.heading)
                read_ref = self.write([self.facts.plate_read(passage, about)])[0].fact.ref
                passage = replace(passage, read_ref=read_ref)
        if best is None or not best[1].final:
            self.trouble["unread"] = ""
        self.passage = passage

    async def _keep(self, reading: Reading) -> Kept | None:
        frame = reading.evidence()
        if frame is None:
            return None
        try:
            return await asyncio.to_thread(self.parts.pictures.keep, frame.image)
        except PictureError as error:
            log.error("picture_lost", lane=self.settings.name, error=str(error))
            return None

    @property
    def _opens_by_itself(self) -> bool:
        place = self.settings.place
        if self.passage is None or not opens_by_itself(self.passage, self.judgement, place):
            return False
        speaks = self.parts.knowledge.known().authority.node_speaks(self.node, place, None)
        return speaks is Counting.COUNTS

    def _device_opens(self) -> None:
        if self.passage is None or not self._opens_by_itself:
            return
        known = self.parts.knowledge.known()
        confirmed = self.facts.confirmed(self.passage, self.judgement, known, None)
        asked = self.facts.open_requested(self.passage, self.judgement, known, None, OpenMode.DEVICE)
        request = self.write([confirmed, asked])[-1].fact
        self.passage = replace(self.passage, request=request.ref)
        opening = asyncio.create_task(self.open(request))
        opening.add_done_callback(lambda task: task.exception())

    # -- records

    def _record_boom(self, state: BoomState) -> None:
        request = None if state is BoomState.OPEN_UNASKED else self.boom.request
        self.write([self.facts.boom_seen(state, self.passage, request)])
        if state is BoomState.OPENED:
            self.trouble.pop("boom_did_not_move", None)
        if state is BoomState.CLOSED:
            self.boom.request = None

    def _record_passed(self) -> None:
        """A vehicle that follows through the open boom is a passage of its own, about which nothing is known."""
        if self.passage is None or self.passage.passed:
            self.passage, self.judgement = self._new_passage(), Judgement()
        self.write([self.facts.passed(self.passage, self.judgement)])
        self.passage = replace(self.passage, passed=True)

    def _new_passage(self) -> Passage:
        fact = self.write([self.facts.arrived()])[0].fact
        return Passage(fact.ref, fact.at)

    def _record_left(self, *, passed: bool) -> None:
        """The vehicle left the lane, and nobody saw it go through: it is taken to have `passed`, or it turned back."""
        if self.passage is not None and not self.passage.passed:
            if passed:
                self.write([self.facts.passed(self.passage, self.judgement, assumed=True)])
            else:
                self.write([self.facts.turned_back(self.passage, self.judgement)])
            self.passage = replace(self.passage, passed=passed)
        self._unwatched = False

    def _end_passage(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self.passage = None
        self.judgement = Judgement()
        self.boom.request, self._unwatched = None, False
        for code in ("unread", "open_unasked"):
            self.trouble.pop(code, None)
