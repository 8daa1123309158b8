"""The facts that a lane writes, built in one place."""

from dataclasses import dataclass
from typing import Any

from edge.lane.passage import Judgement, Passage, saw
from edge.lane.view import Officer
from shared import subjects
from shared.bodies import (
    Arrived,
    BoomSeen,
    BoomState,
    Candidate,
    Confirmed,
    OpenMode,
    OpenReason,
    OpenRequested,
    Passed,
    PlateCorrected,
    PlateRead,
    Refused,
    SeenDecision,
    TurnedBack,
    dump,
)
from shared.body import Body
from shared.codes import BARRIERS, LANE_PLACES, Actor, Heading, Place
from shared.decide import seen
from shared.facts import Draft
from shared.known import Known
from shared.procedures import Step


@dataclass(frozen=True)
class LaneFacts:
    """Drafts of one lane's facts."""

    node: str
    lane: str
    place: Place
    heading: Heading

    def arrived(self) -> Draft:
        """A vehicle stands before the boom."""
        return self._draft("arrived", Arrived(place=self.place, heading=self.heading, lane=self.lane))

    def plate_read(self, passage: Passage, about: Judgement) -> Draft:
        """What the cameras read, and which declared vehicle it was taken for."""
        read = passage.read
        assert read is not None
        assert passage.camera is not None
        body = PlateRead(
            **self._at(passage),
            text=read.text,
            country=read.country,
            ground=read.ground,
            trailer=passage.trailer,
            confidence=round(read.probability, 4),
            looks=read.looks,
            agreeing=read.agreeing,
            final=read.final,
            candidates=[Candidate(text=c.text, probability=round(c.probability, 4)) for c in read.candidates],
            camera=passage.camera,
            picture=passage.kept.picture if passage.kept else None,
            thumbnail=passage.kept.thumbnail if passage.kept else None,
            **self._vehicle(about),
        )
        return self._draft("plate_read", body, about)

    def plate_corrected(self, passage: Passage, officer: Officer) -> Draft:
        """What an officer said of the plate."""
        correction = passage.correction
        assert correction is not None
        body = PlateCorrected(
            **self._at(passage),
            text=correction.text,
            officer=officer.code,
            agency=officer.agency,
            read=passage.read_ref,
            declaration=correction.declaration,
            vehicle=correction.vehicle,
        )
        return self._draft("plate_corrected", body)

    def confirmed(self, passage: Passage, about: Judgement, known: Known, officer: Officer | None) -> Draft:
        """An agency's (or, without an officer, the device's) confirmation of the step decided on."""
        assert about.declared is not None
        assert about.vehicle is not None
        assert about.decision is not None
        assert about.decision.step is not None
        body = Confirmed(
            step=about.decision.step.clause,
            place=self.place,
            heading=self.heading,
            declaration=about.declared.body.no,
            vehicle=about.vehicle,
            by=officer.agency if officer else Actor.DEVICE,
            officer=officer.code if officer else None,
            screen=officer.screen if officer else None,
            passage=passage.ref,
            declared=about.declared.ref,
            saw=saw(about.history, about.vehicle),
            decision=self._seen(about, known),
        )
        return self._draft("confirmed", body, about)

    def open_requested(
        self,
        passage: Passage | None,
        about: Judgement,
        known: Known,
        officer: Officer | None,
        mode: OpenMode,
        reason: str = "",
    ) -> Draft:
        """An opening asked for by somebody entitled."""
        body = OpenRequested(
            passage=passage.ref if passage else None,
            place=self.place,
            heading=self.heading,
            lane=self.lane,
            by=officer.agency if officer else Actor.DEVICE,
            officer=officer.code if officer else None,
            mode=mode,
            reason=reason,
            **self._vehicle(about),
            decision=self._seen(about, known) if about.decision else None,
        )
        return self._draft("open_requested", body, about)

    def open_reason(self, request: str, officer: Officer, reason: str) -> Draft:
        """The reason of an emergency opening, given afterwards."""
        return self._draft("open_reason", OpenReason(request=request, officer=officer.code, reason=reason))

    def refused(
        self, passage: Passage, about: Judgement, known: Known, officer: Officer, reason: str
    ) -> Draft:
        """An officer sends the vehicle back."""
        body = Refused(
            **self._at(passage),
            officer=officer.code,
            agency=officer.agency,
            reason=reason,
            **self._vehicle(about),
            decision=self._seen(about, known) if about.decision else None,
        )
        return self._draft("refused", body, about)

    def boom_seen(self, state: BoomState, passage: Passage | None, request: str | None) -> Draft:
        """What the boom was seen to do."""
        ref = passage.ref if passage else None
        body = BoomSeen(lane=self.lane, place=self.place, state=state, request=request, passage=ref)
        return self._draft("boom_seen", body)

    def passed(self, passage: Passage, about: Judgement, *, assumed: bool = False) -> Draft:
        """The vehicle went through, seen by the loop under the boom or assumed for want of one."""
        step = about.decision.step if about.decision else None
        body = Passed(
            **self._at(passage),
            plate=passage.text,
            **self._vehicle(about),
            step=step.clause if step else None,
            assumed=assumed,
            last_step=step is not None and _ends_trip(step, about),
            request=passage.request,
            picture=passage.kept.picture if passage.kept else None,
            thumbnail=passage.kept.thumbnail if passage.kept else None,
        )
        return self._draft("passed", body, about)

    def turned_back(self, passage: Passage, about: Judgement) -> Draft:
        """The vehicle left without passing."""
        body = TurnedBack(
            **self._at(passage),
            plate=passage.text,
            **self._vehicle(about),
            picture=passage.kept.picture if passage.kept else None,
            thumbnail=passage.kept.thumbnail if passage.kept else None,
        )
        return self._draft("turned_back", body, about)

    def _at(self, passage: Passage) -> dict[str, Any]:
        return {"passage": passage.ref, "place": self.place, "heading": self.heading, "lane": self.lane}

    def _vehicle(self, about: Judgement) -> dict[str, Any]:
        if about.declared is None:
            return {}
        return {"declaration": about.declared.body.no, "vehicle": about.vehicle}

    def _seen(self, about: Judgement, known: Known) -> SeenDecision:
        assert about.decision is not None
        return seen(about.decision, about.procedure, about.settings, known)

    def _draft(self, kind: str, body: Body, about: Judgement | None = None) -> Draft:
        if about is not None and about.declared is not None and about.vehicle is not None:
            subject = subjects.vehicle(about.declared.body.no, about.vehicle)
        else:
            subject = subjects.lane(self.node, self.lane)
        return Draft(kind, subject, dump(body))


def _ends_trip(step: Step, about: Judgement) -> bool:
    """Whether no lane stands on the vehicle's way after a step, and it is out of the gate area.

    Who has given its goods away, or came in for others, leaves by steps of another procedure than the one that led it in.
    """
    if about.procedure is None or about.declaration is None or about.vehicle is None:
        return False
    load = about.declaration.load(about.vehicle)
    lanes = [one for one in about.procedure.steps if one.place in LANE_PLACES and load in one.loads]
    inside = sum((1 if one.heading is Heading.IN else -1) for one in lanes if one.place in BARRIERS)
    return bool(lanes) and lanes[-1].clause == step.clause and inside <= 0
