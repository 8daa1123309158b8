"""The projection of passages."""

from collections.abc import Callable
from typing import Any

import pytest

from central.centre import Centre
from central.passages import Outcome
from shared.bodies import Arrived, PlateCorrected, PlateRead, Refused, TurnedBack, dump
from shared.codes import Agency, Heading, Place
from shared.facts import Draft, Fact
from shared.signing import PrivateKey
from tests.engines import on_both_engines

pytestmark = on_both_engines

WHERE: dict[str, Any] = {"place": Place.BARRIER_1, "heading": Heading.OUT, "lane": "1"}
LANE = "lane/gate-2/1"
Write = Callable[[Draft], Fact]


@pytest.fixture
def arrived(gate_writes: Write) -> str:
    return gate_writes(Draft("arrived", LANE, dump(Arrived(**WHERE)))).ref


def read(passage: str, text: str, **more: Any) -> Draft:
    body = PlateRead(
        passage=passage,
        **WHERE,
        text=text,
        confidence=0.9,
        looks=3,
        agreeing=2,
        final=True,
        camera="front",
        **more,
    )
    return Draft("plate_read", LANE, dump(body))


def test_a_passage_begins_before_the_boom_and_ends_passed_with_its_declaration(
    centre: Centre, passage: Any
) -> None:
    ref = passage("2026112300001", "centre-CKHN.1/1", thumbnail="a" * 64)

    (shown,) = centre.passages.latest()

    assert (shown.ref, shown.outcome, shown.plate) == (ref, Outcome.PASSED, "29C12345")
    assert (shown.declaration, shown.vehicle, shown.thumbnail) == ("2026112300001", "v1", "a" * 64)
    assert (shown.node, shown.place, shown.heading) == ("gate-2", "barrier-2", "in")


def test_a_vehicle_before_the_boom_stands(centre: Centre, arrived: str) -> None:
    (shown,) = centre.passages.latest()

    assert (shown.ref, shown.outcome, shown.plate) == (arrived, Outcome.STANDING, None)


def test_a_better_read_replaces_an_earlier_one_and_keeps_the_picture(
    centre: Centre, gate_writes: Write, arrived: str
) -> None:
    gate_writes(read(arrived, "29C12845", thumbnail="a" * 64))
    gate_writes(read(arrived, "29C12345"))

    (shown,) = centre.passages.latest()

    assert (shown.plate, shown.thumbnail, shown.corrected) == ("29C12345", "a" * 64, False)


def test_what_an_officer_corrected_no_camera_overwrites(
    centre: Centre, gate_writes: Write, arrived: str
) -> None:
    fix = PlateCorrected(
        passage=arrived, **WHERE, text="29C12345", officer="bp-1", agency=Agency.BORDER_GUARD
    )
    gate_writes(Draft("plate_corrected", LANE, dump(fix)))
    gate_writes(read(arrived, "29C12845"))

    (shown,) = centre.passages.latest()

    assert (shown.plate, shown.corrected) == ("29C12345", True)


def test_a_refused_vehicle_turns_back(centre: Centre, gate_writes: Write, arrived: str) -> None:
    no = Refused(passage=arrived, **WHERE, officer="bp-1", agency=Agency.BORDER_GUARD, reason="sai biển số")
    gate_writes(Draft("refused", LANE, dump(no)))
    refused = centre.passages.latest()[0].outcome
    gate_writes(Draft("turned_back", LANE, dump(TurnedBack(passage=arrived, **WHERE))))

    assert (refused, centre.passages.latest()[0].outcome) == (Outcome.REFUSED, Outcome.TURNED_BACK)


def test_another_node_does_not_end_a_gates_passage(centre: Centre, arrived: str) -> None:
    foreign = Draft("turned_back", LANE, dump(TurnedBack(passage=arrived, **WHERE)))

    centre.store.append("gate-9.1", PrivateKey.generate(), [foreign])

    assert centre.passages.latest()[0].outcome is Outcome.STANDING


def test_the_table_can_be_dropped_and_built_again_from_the_facts(centre: Centre, passage: Any) -> None:
    passage("2026112300001", "centre-CKHN.1/1")
    before = centre.passages.latest()
    centre.store.engine.execute("DELETE FROM passages")

    centre.store.rebuild()

    assert centre.passages.latest() == before != []
