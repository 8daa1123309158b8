"""A screen calls an agency as it was called on the day that matters: of what is done its own, of what is awaited today."""

from dataclasses import replace
from datetime import date

import pytest

from edge.lane.view import Tick, TickState
from edge.screen.panel import headline, ticks
from edge.screen.specimens import SITUATIONS, TRANSPORT, SpecimenGate, decision
from edge.screen.words import Words
from shared.agency_names import NO_NAMES, AgencyNames, Called
from shared.codes import Actor, Agency, Verdict
from shared.node.agency_file import SHIPPED, load_agency_names
from shared.reasons import Code, Reason
from shared.words import Language
from tests.edge.test_screen_http import get
from tests.naming import renamed

NAMES = load_agency_names(SHIPPED)
DONE_LONG_AGO = Tick(TRANSPORT, TickState.DONE, "gtvt-1", "2024-05-06T03:42:00.000Z#0000")
AWAITED = Tick(TRANSPORT, TickState.MISSING)


def words(names: AgencyNames = NAMES, site: str = "CKHN", language: Language = Language.VI) -> Words:
    return Words(language, Called(names, site, date(2026, 11, 23)))


def test_a_tick_of_long_ago_bears_the_old_name_and_the_wait_of_today_the_new_one() -> None:
    done, awaited = ticks((DONE_LONG_AGO, AWAITED), words())
    assert (done.short, done.name, done.by_whom) == ("GTVT", "Sở Giao thông vận tải", "gtvt-1 10:42")
    assert (awaited.short, awaited.name) == ("SXD", "Sở Xây dựng")


def test_a_name_without_a_short_form_keeps_the_screens_own() -> None:
    (tick,) = ticks((AWAITED,), words(renamed(TRANSPORT, "2026-01-01", "Sở Hạ tầng")))
    assert (tick.short, tick.name) == ("GTVT", "Sở Hạ tầng")


@pytest.mark.parametrize(("site", "name"), [("TT", "Đội Hải quan Tân Thanh"), ("CKHN", "Hải quan")])
def test_a_sites_own_name_is_shown_there_only(site: str, name: str) -> None:
    names = renamed(Agency.CUSTOMS, "2024-02-02", "Đội Hải quan Tân Thanh", 'site = "TT"')
    assert words(names, site)("agency", "customs") == name


@pytest.mark.parametrize("language", Language)
def test_a_device_has_its_word_from_the_catalogue_long_and_short(language: Language) -> None:
    plain, named = Words(language), words(language=language)
    for group in ("agency", "agency_short"):
        assert named(group, Actor.DEVICE) == plain(group, Actor.DEVICE) != "device"


def test_without_names_the_screen_has_plain_ones() -> None:
    assert words(NO_NAMES)("agency", TRANSPORT) == "Cơ quan giao thông vận tải"
    assert words(NO_NAMES)("agency_short", TRANSPORT) == "GTVT"


def test_headline_and_reasons_name_who_is_awaited_today() -> None:
    view = SITUATIONS["first_of_four"]
    assert "Sở Xây dựng" in headline(view, Agency.CUSTOMS, words()).text
    earlier = Reason(Code.EARLIER_STEP_MISSING, "4.2.d", values={"agencies": "transport"})
    waiting = replace(view, decision=decision(Verdict.WAIT, reasons=(earlier,)))
    assert "Sở Xây dựng" in headline(waiting, Agency.CUSTOMS, words()).detail


def test_the_page_calls_the_officers_own_agency_as_today() -> None:
    gate = SpecimenGate(SITUATIONS["first_of_four"])
    gate.names = NAMES
    page = get(gate, "/lane/lan-1", officer="gtvt-1").text
    assert "Sở Xây dựng, gtvt-1" in page
    assert "<b>SXD</b>" in page
    assert "Cơ quan giao thông vận tải" not in page
