"""A gate whose store was damaged starts, says so on its screen and to the centre, and has its facts back."""

from pathlib import Path

from shared.codes import Agency
from shared.node.pages import PAGE_BYTES
from tests.scenarios.running import RunningSite, gate_at, needs_site, wait_for

pytestmark = needs_site
PLACE = "barrier-2"
RECOVERED = "Dữ liệu của máy bị hỏng, đã khôi phục lúc"
KEY_AND_PAPER = "Dùng chìa khóa và phiếu giấy"


def store_of(site: RunningSite) -> Path:
    return site.site.layout.store(gate_at(PLACE))


def test_a_damaged_store_is_recovered_said_and_told_to_the_centre(site: RunningSite) -> None:
    with site.truck(PLACE, "98D56983"):
        wait_for("a passage is recorded", lambda: site.facts(PLACE, "arrived"))
    assert site.do(site.site.settle(20), 30) == 0
    arrived = site.facts(PLACE, "arrived")
    site.gate_stops(PLACE)
    store = store_of(site)
    with store.open("r+b") as file:
        file.truncate(PAGE_BYTES * 3)
    site.gate_starts(PLACE)
    site.screen(PLACE, Agency.BORDER_GUARD).sees(RECOVERED)
    assert site.facts(PLACE, "arrived")[: len(arrived)] == arrived
    (told,) = wait_for("the centre is told", lambda: site.centre_has(PLACE, "store_recovered"))
    assert store.with_name(told["set_aside"]).exists()
    (note,) = site.health(PLACE).json()["notes"]
    assert told["set_aside"] in note


def test_a_gate_without_a_disk_says_key_and_paper_until_there_is_one(site: RunningSite) -> None:
    site.gate_stops(PLACE)
    folder = store_of(site).parent
    away = folder.with_name("away")
    folder.rename(away)
    folder.write_text("no folder\n", encoding="utf-8")
    try:
        site.gate_starts(PLACE)
        page = site.page(PLACE, "/")
        assert (page.status_code, KEY_AND_PAPER in page.text) == (503, True)
        assert site.health(PLACE).status_code == 503
    finally:
        folder.unlink()
        away.rename(folder)
    wait_for("the gate is back", lambda: KEY_AND_PAPER not in site.page(PLACE, "/").text)
    wait_for("the gate is ready", lambda: site.health(PLACE).status_code == 200, 20)
