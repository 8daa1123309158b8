"""Facts as a border site writes them: the passage of a vehicle through a gate, and declarations under way."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from shared import subjects
from shared.bodies import (
    Arrived,
    Confirmed,
    NodeEnrolled,
    OpenMode,
    OpenRequested,
    Passed,
    PlateRead,
    SeenDecision,
    dump,
)
from shared.body import Body
from shared.codes import Agency, Country, Direction, Heading, Place, Verdict, YardLocation
from shared.declared import Declaration, Vehicle
from shared.facts import Draft
from shared.journal import centre_node, journal_id
from shared.signing import PublicKey
from simulation.layout import SITE

LANE = "lane-1"
A_PASSAGE = 5
"""Facts of a passage."""
_DAY, _LONG_AGO = "20261124", "20260601"


def no_of(number: int, day: str = _DAY) -> str:
    """The number of a declaration of a day."""
    return f"{day}{number:05d}"


def plate_of(number: int) -> str:
    """The plate of the vehicle of a declaration; every one has its own."""
    return f"{12 + number // 100_000}C{number % 100_000:05d}"


def passages(node: str, first: int, facts: int) -> Iterator[Draft]:
    """Facts of vehicles of long closed declarations, one after the other; `first`: the first one's number in the journal."""
    for start in range(first, first + facts, A_PASSAGE):
        yield from _passage(node, start)[: first + facts - start]


def _passage(node: str, first: int) -> list[Draft]:
    """A vehicle comes, is read, confirmed, let through and gone."""
    journal, no = journal_id(node), no_of(first // A_PASSAGE % 100_000, _LONG_AGO)
    where: dict[str, Any] = {
        "passage": f"{journal}/{first}",
        "place": Place.BARRIER_2,
        "heading": Heading.IN,
        "lane": LANE,
    }
    plate = plate_of(first)
    decision = SeenDecision(
        verdict=Verdict.WAIT,
        step="4.2",
        procedure_hash="5" * 64,
        settings_hash="6" * 64,
        vector={journal: first, journal_id(centre_node(SITE)): 1000},
        ages_s={journal_id(centre_node(SITE)): 2},
    )
    told: dict[str, Any] = {"declaration": no, "vehicle": "1"}
    bodies: list[tuple[str, Body]] = [
        ("arrived", Arrived(place=Place.BARRIER_2, heading=Heading.IN, lane=LANE)),
        (
            "plate_read",
            PlateRead(
                **where,
                **told,
                text=plate,
                country=Country.VN,
                confidence=0.98,
                looks=4,
                agreeing=4,
                final=True,
                camera=LANE,
                picture="7" * 64,
                thumbnail="8" * 64,
            ),
        ),
        (
            "confirmed",
            Confirmed(
                step="4.2",
                place=Place.BARRIER_2,
                declaration=no,
                vehicle="1",
                by=Agency.BORDER_GUARD,
                officer="bp-001",
                screen=node,
                passage=where["passage"],
                declared=f"{journal_id(centre_node(SITE))}/1",
                saw=[f"{journal}/{first + 1}"],
                decision=decision,
            ),
        ),
        (
            "open_requested",
            OpenRequested(
                **where,
                **told,
                by=Agency.BORDER_GUARD,
                officer="bp-001",
                mode=OpenMode.DECISION,
                decision=decision,
            ),
        ),
        ("passed", Passed(**where, **told, plate=plate, step="4.2", request=f"{journal}/{first + 3}")),
    ]
    of_lane, of_vehicle = subjects.lane(node, LANE), subjects.vehicle(no, "1")
    return [Draft(kind, of_lane if kind == "arrived" else of_vehicle, dump(body)) for kind, body in bodies]


def declared(number: int) -> Draft:
    """A declaration under way, of one vehicle."""
    body = Declaration(
        no=no_of(number),
        version=1,
        site=SITE,
        procedure="4.2",
        direction=Direction.EXPORT,
        laden=True,
        yard="BAI-01",
        yard_location=YardLocation.INSIDE,
        vehicles=[Vehicle(vehicle="1", plate=plate_of(number), country=Country.VN)],
        declared_at=datetime(2026, 11, 24, tzinfo=UTC),
    )
    return Draft("declared", subjects.declaration(body.no), dump(body))


def enrolled(node: str, key: PublicKey) -> Draft:
    """A gate's licence."""
    body = NodeEnrolled(
        node=node, site=SITE, public_key=key.text, places=[Place.BARRIER_2], agencies=[Agency.BORDER_GUARD]
    )
    return Draft("node_enrolled", subjects.node(node), dump(body))
