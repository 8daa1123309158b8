"""What others tell of vehicles under way: a yard's own data of who came and went, and whether a position is switched on.

Both are shown at the gates and hold nobody back (4.2.c "combined with data that yards share, if any"; 4.3.a).
"""

import contextlib
from datetime import datetime
from typing import Literal, TypeVar

from central.declaring import DeclarationDesk
from central.errors import Conflict, NotFound
from central.journals import CentreJournals
from shared import plates, subjects
from shared.bodies import GpsReported, YardReported, dump, read_body
from shared.body import Body
from shared.codes import Place
from shared.declared import Declaration
from shared.facts import Draft, Fact, FactError
from shared.node.declarations import DeclarationBook

Report = TypeVar("Report", bound=Body)
YardGate = Literal[Place.YARD_IN, Place.YARD_OUT]


class ReportDesk:
    """Writes reports down, each once however often it is sent."""

    def __init__(self, journals: CentreJournals, declarations: DeclarationDesk) -> None:
        self._journals = journals
        self._store = journals.store
        self._declarations = declarations
        self._book = DeclarationBook(journals.store)

    def yard(
        self, plate: str, place: YardGate, record: str, seen_at: datetime, no: str | None = None
    ) -> tuple[Fact, bool]:
        """Takes a yard's word on a plate; gives the fact, and whether it is new. One `record` is one report.

        `no`: the declaration, where the yard knows it; else the one vehicle under way that bears the plate. Raises NotFound,
        Conflict when several bear it, or when the record stands for something else.
        """
        with self._store.together("take a yard's report into"):
            body, vehicle = self._declared(plate, no)
            told = YardReported(
                declaration=body.no,
                vehicle=vehicle,
                place=place,
                plate=plates.normalise(plate),
                record=record,
                seen_at=seen_at,
            )
            for fact, held in self._told(body.no, YardReported):
                if held.record == record and held.place == place:
                    if held != told:
                        raise Conflict(
                            f"{record} stands for another report; send one under a record of its own"
                        )
                    return fact, False
            return self._write(body, vehicle, "yard_reported", told), True

    def gps(self, no: str, vehicle: str, *, on: bool, since: datetime) -> tuple[Fact, bool]:
        """Takes down that a vehicle's position is switched on or off; what is known is not written again. Raises NotFound."""
        with self._store.together("take a report of a position into"):
            body = self._declarations.find(no).body
            if body.find(vehicle) is None:
                raise NotFound(f"{no} declares no vehicle {vehicle}; mend the code")
            held = [(fact, one) for fact, one in self._told(no, GpsReported) if one.vehicle == vehicle]
            if held and held[-1][1].on == on:
                return held[-1][0], False
            told = GpsReported(declaration=no, vehicle=vehicle, on=on, since=since)
            return self._write(body, vehicle, "gps_reported", told), True

    def _declared(self, plate: str, no: str | None) -> tuple[Declaration, str]:
        found = [
            one for one in self._book.active.with_keys([plates.key(plate)]) if no in (None, one.declaration)
        ]
        if not found:
            raise NotFound(f"no vehicle under way bears {plate}; mend the plate, or name its declaration")
        if len(found) > 1:
            several = ", ".join(sorted(one.declaration for one in found))
            raise Conflict(f"{plate} stands in several declarations; name one of {several}")
        return self._declarations.find(found[0].declaration).body, found[0].vehicle

    def _told(self, no: str, model: type[Report]) -> list[tuple[Fact, Report]]:
        """The reports of a kind about a declaration, oldest first."""
        found: list[tuple[Fact, Report]] = []
        for fact in self._store.about(subjects.declaration(no)):
            with contextlib.suppress(FactError):
                body = read_body(fact)
                if isinstance(body, model):
                    found.append((fact, body))
        return found

    def _write(self, body: Declaration, vehicle: str, kind: str, told: Body) -> Fact:
        draft = Draft(kind, subjects.vehicle(body.no, vehicle), dump(told))
        return self._journals.write(body.site, draft)
