"""Openings by hand with a reason: counted by place and by what the rules had said."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from central.by_reason import Count, OpenedByReason, ReasonBook
from central.centre import Centre
from shared import subjects
from shared.bodies import OpenMode, OpenRequested, SeenDecision, dump
from shared.clock import Stamp
from shared.codes import Agency, Heading, Place, Verdict
from shared.facts import Draft
from shared.node.store import Store
from shared.reasons import Code
from tests.builders import MORNING, NO, VEHICLE, Journal

NO_TEXT = SeenDecision(verdict=Verdict.UNKNOWN, step="6.2.c", reasons=[Code.TEXT_UNKNOWN.value])


def opened(mode: OpenMode = OpenMode.REASON, decision: SeenDecision | None = NO_TEXT) -> Draft:
    body = OpenRequested(
        place=Place.BARRIER_2,
        heading=Heading.OUT,
        lane="lane-2",
        by=Agency.BORDER_GUARD,
        officer="bp-1",
        mode=mode,
        reason="Chưa có quy định, đã kiểm tra",
        declaration=NO,
        vehicle=VEHICLE,
        decision=decision,
    )
    return Draft("open_requested", subjects.vehicle(NO, VEHICLE), dump(body))


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "centre.db", [OpenedByReason()], wall=lambda: MORNING + timedelta(days=1))
    yield opened
    opened.close()


def tells(held: Store, *drafts: Draft, at: Stamp | None = None) -> ReasonBook:
    journal = Journal("gate-2.1")
    for draft in drafts:
        journal.write(draft, at)
    held.absorb(journal.sealed, journal.signed)
    return ReasonBook(held)


def test_an_opening_where_no_text_says_what_to_do_is_counted_by_place_and_step(held: Store) -> None:
    book = tells(held, opened(), opened())
    assert book.counts() == [Count("barrier-2", "out", "unknown", "text_unknown", "6.2.c", 2)]
    (newest, _) = book.latest()
    assert (newest.node, newest.officer, newest.reason) == ("gate-2", "bp-1", "Chưa có quy định, đã kiểm tra")


@pytest.mark.parametrize("mode", [OpenMode.DECISION, OpenMode.EMERGENCY, OpenMode.DEVICE])
def test_other_openings_are_not_counted(held: Store, mode: OpenMode) -> None:
    assert tells(held, opened(mode)).counts() == []


def test_an_opening_for_a_plate_that_nobody_declared_is_counted_apart(held: Store) -> None:
    nobody = SeenDecision(verdict=Verdict.REFUSE, reasons=[Code.NO_DECLARATION.value])
    counts = tells(held, opened(), opened(decision=nobody), opened(decision=nobody)).counts()
    assert [(one.code, one.openings) for one in counts] == [("no_declaration", 2), ("text_unknown", 1)]


def test_what_is_long_ago_is_counted_ever_and_not_of_late(held: Store) -> None:
    book = tells(held, opened(), at=Stamp(MORNING - timedelta(days=8)))
    assert (book.counts(), [one.openings for one in book.ever()]) == ([], [1])


def test_the_page_and_the_metrics_tell_them(centre: Centre, ask: Any) -> None:
    journal = Journal("gate-2.1")
    journal.write(opened(), centre.store.clock.now())
    centre.store.absorb(journal.sealed, journal.signed)
    page = ask("GET", "/board?lang=vi").text
    assert "không có văn bản cho bước này" in page
    assert 'barie_opened_by_reason_total{code="text_unknown",heading="out"' in ask("GET", "/metrics").text
