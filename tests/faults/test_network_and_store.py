"""Broker, centre or disk gone: the officer is told in a sentence, what she does is kept, and it arrives when they are back."""

import contextlib
import resource
from collections.abc import Iterator

from shared.codes import Agency
from tests.scenarios.running import RunningSite, Screen, gate_at, needs_site, wait_for

pytestmark = needs_site

NO_CENTRE = "Trung tâm: mất kết nối"
NO_STORE = "Không ghi được dữ liệu: máy không mở barie nữa. Mở bằng chìa khóa, ghi phiếu giấy."
NOT_DONE = "Không ghi được dữ liệu nên không thực hiện. Mở bằng chìa khóa, ghi phiếu giấy."
DESK, BARRIER = "yard-out", "barrier-2"
CENTRE_MISSED_S = 40.0
"""Four heartbeats of five seconds without a word, and the page's own refresh, with room for a busy machine."""


def confirmed_at(site: RunningSite, no: str) -> tuple[int, int]:
    """How many confirmations of a declaration the desk's gate wrote, and how many of them the centre holds."""
    wrote, arrived = (
        [body for body in held(DESK, "confirmed") if body["declaration"] == no]
        for held in (site.facts, site.centre_has)
    )
    return len(wrote), len(arrived)


def declared_for_the_desk(site: RunningSite, officer: Screen, plate: str) -> str:
    """A declaration whose vehicle has come into the yard."""
    no = site.declare(plate, "4.3")
    site.drove_in([no])
    wait_for("the vehicle is at the desk", lambda: no in officer.desk())
    return no


def test_a_broker_that_is_down_at_start_holds_nothing_up(site: RunningSite) -> None:
    officer = site.screen(DESK, Agency.CUSTOMS)
    no = declared_for_the_desk(site, officer, "29C56823")
    site.do(site.site.broker.stop())
    try:
        site.gate_stops(DESK)
        site.gate_starts(DESK, ready="/health/ready")
        officer.sign_in().sees(NO_CENTRE)
        assert officer.confirm_at_desk(officer.desk()[no]).status_code == 200
        officer.sees("chưa gửi")
        assert confirmed_at(site, no) == (1, 0)
    finally:
        site.do(site.site.broker.start())
    wait_for("the centre holds it", lambda: confirmed_at(site, no) == (1, 1), 30)
    assert site.do(site.site.settle(20), 30) == 0
    wait_for(
        "the line is back on the screen", lambda: NO_CENTRE not in officer.text("/lane/lane-1/panel"), 30
    )


def test_a_dead_centre_is_said_and_takes_nothing_with_it(site: RunningSite) -> None:
    officer, guard = site.screen(DESK, Agency.CUSTOMS), site.screen(BARRIER, Agency.BORDER_GUARD)
    no = declared_for_the_desk(site, officer, "34D98235")
    centre = site.site.centre
    assert centre is not None
    site.do(centre.kill())
    try:
        assert officer.confirm_at_desk(officer.desk()[no]).status_code == 200
        with site.truck(BARRIER, "98C65239"):
            guard.sees("Chưa có bản kê khai", within_s=20)
            assert guard.press("open_with_reason", reason="order").status_code == 200
            wait_for("the boom opens", lambda: site.boom(BARRIER).is_open, 10)
        officer.sees(NO_CENTRE, within_s=CENTRE_MISSED_S)
        assert site.health(DESK).status_code == 200
    finally:
        site.do(centre.start())
        site.do(centre.ready(site.site.client.ready), 60)
    wait_for("the centre holds it", lambda: confirmed_at(site, no) == (1, 1), 30)
    assert site.do(site.site.settle(20), 30) == 0
    wait_for("the centre is heard again", lambda: NO_CENTRE not in officer.text("/lane/lane-1/panel"), 30)


def test_a_store_that_cannot_be_written_stops_the_boom_and_nothing_else(site: RunningSite) -> None:
    guard = site.screen(BARRIER, Agency.BORDER_GUARD)
    pulses, asked = site.pulses(BARRIER), len(site.facts(BARRIER, "open_requested"))
    with disk_full(site, BARRIER), site.truck(BARRIER, "12H69835"):
        guard.sees(NO_STORE)
        answer = guard.press("emergency")
        assert (answer.status_code, answer.json()["detail"]) == (409, NOT_DONE)
        assert site.health(BARRIER, "live").status_code == 200
        assert "facts.db" in site.health(BARRIER).text
        assert site.health(DESK).status_code == 200
    assert site.pulses(BARRIER) == pulses
    with site.truck(BARRIER, "12H69835"):
        guard.sees("Chưa có bản kê khai", within_s=20)
        assert NO_STORE not in guard.text("/lane/lane-1/panel")
        assert guard.press("open_with_reason", reason="order").status_code == 200
        wait_for("the boom opens", lambda: site.boom(BARRIER).is_open, 10)
    assert site.pulses(BARRIER) == pulses + 1
    assert len(site.facts(BARRIER, "open_requested")) == asked + 1
    assert site.health(BARRIER).status_code == 200


@contextlib.contextmanager
def disk_full(site: RunningSite, place: str) -> Iterator[None]:
    """The gate's store cannot grow by a byte (a limit of the kernel, set on the running process)."""
    gate = gate_at(place)
    pid = site.site.gates[gate.node].pid
    wal = site.site.layout.store(gate).with_name("facts.db-wal")
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (wal.stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
