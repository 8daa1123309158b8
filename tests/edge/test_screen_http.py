"""The screen's application over HTTP: signing in, pages in three languages, presses offered and refused, events."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from edge.disk import DiskLevel
from edge.lane import rules
from edge.lane.view import Press
from edge.screen.app import create_app
from edge.screen.events import events
from edge.screen.ports import LinkShown
from edge.screen.specimens import OFFICERS, PICTURE, PIN, SITUATIONS, SpecimenGate
from shared.words import Language

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}
T = TypeVar("T")


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def on_screen(
    gate: SpecimenGate, act: Callable[[httpx.AsyncClient], Awaitable[T]], officer: str | None = "bp-1"
) -> T:
    """Runs `act` at a screen where an officer has signed in (nobody when None)."""

    async def run() -> T:
        transport = httpx.ASGITransport(create_app(gate, Clock()), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            if officer is not None:
                signed = await client.post("/login", data={"code": officer, "pin": PIN})
                assert signed.status_code == 303
            return await act(client)

    return asyncio.run(run())


def get(gate: SpecimenGate, path: str, officer: str | None = "bp-1", **headers: str) -> httpx.Response:
    return on_screen(gate, lambda client: client.get(path, headers=headers), officer)


def press(gate: SpecimenGate, press: str, officer: str = "bp-1", **values: str) -> httpx.Response:
    form = {"press": press, "token": gate.lane.shown.token, **values}
    return on_screen(gate, lambda client: client.post("/lane/lan-1/press", data=form, headers=JSON), officer)


# -- signing in


def test_nobody_sees_a_lane_before_signing_in_and_comes_back_to_it_after() -> None:
    page = get(SpecimenGate(), "/lane/lan-1", officer=None, **HTML)
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=/lane/lan-1")


@pytest.mark.parametrize(
    "path",
    ["/lane/lan-1/panel", "/lane/lan-1/events", "/lane/lan-1/live.jpg", f"/pictures/{PICTURE}.jpg", "/desk"],
)
def test_no_part_is_served_to_nobody(path: str) -> None:
    answer = get(SpecimenGate(), path, officer=None, **JSON)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:barie:problem:not_signed_in")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    async def sign_in(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/login", data={"code": "bp-1", "pin": PIN})

    cookie = on_screen(SpecimenGate(), sign_in, officer=None).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_after_five_wrong_pins_even_the_right_one_waits() -> None:
    async def guess(client: httpx.AsyncClient) -> list[httpx.Response]:
        pins = ["0000"] * 5 + [PIN]
        return [await client.post("/login", data={"code": "bp-1", "pin": pin}) for pin in pins]

    answers = on_screen(SpecimenGate(), guess, officer=None)
    assert {answer.status_code for answer in answers} == {401}
    assert "Thử lại sau 60 giây" in answers[-1].text


def test_an_agency_that_this_screen_does_not_serve_cannot_sign_in() -> None:
    gate = SpecimenGate()
    gate.agencies = tuple(set(OFFICERS.values()) - {OFFICERS["hq-1"]})

    async def sign_in(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/login", data={"code": "hq-1", "pin": PIN})

    assert on_screen(gate, sign_in, officer=None).status_code == 401


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_signing_in_never_leads_away(elsewhere: str) -> None:
    async def sign_in(client: httpx.AsyncClient) -> httpx.Response:
        form = {"code": "bp-1", "pin": PIN}
        return await client.post("/login", params={"next": elsewhere}, data=form)

    assert on_screen(SpecimenGate(), sign_in, officer=None).headers["location"] == "/"


def test_signing_out_ends_it() -> None:
    async def leave(client: httpx.AsyncClient) -> httpx.Response:
        await client.post("/logout")
        return await client.get("/lane/lan-1", headers=HTML)

    assert on_screen(SpecimenGate(), leave).status_code == 303


# -- pages


def test_one_lane_is_the_front_page() -> None:
    assert get(SpecimenGate(), "/").headers["location"] == "/lane/lan-1"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_situation_has_a_page_in_every_language(situation: str, language: Language) -> None:
    gate = SpecimenGate(SITUATIONS[situation])

    async def look(client: httpx.AsyncClient) -> httpx.Response:
        await client.get("/look", params={"language": language})
        return await client.get("/lane/lan-1")

    page = on_screen(gate, look)
    assert page.status_code == 200
    assert f'<html lang="{language}"' in page.text


def test_the_page_is_vietnamese_until_somebody_chooses() -> None:
    page = get(SpecimenGate(SITUATIONS["clear"]), "/lane/lan-1")
    assert "Xác nhận và mở barie" in page.text
    assert "Barie số 1" in page.text


def test_not_requested_is_shown_apart_from_done() -> None:
    page = get(SpecimenGate(SITUATIONS["clear"]), "/lane/lan-1/panel").text
    assert 'class="tick not_requested" title="Kiểm dịch thực vật: không yêu cầu"' in page


def test_a_cause_of_being_turned_away_stands_in_place_of_nobody_declared_it() -> None:
    page = get(SpecimenGate(SITUATIONS["another_tractor"]), "/lane/lan-1/panel").text
    assert "Bản kê khai 2311202600042 là của xe đầu kéo 34C55566, nhưng xe đến là 29C12345." in page
    assert "Không được qua" in page
    assert "Chưa có bản kê khai" not in page


def test_old_knowledge_is_a_banner_that_says_since_when() -> None:
    gate = SpecimenGate(SITUATIONS["stale"])
    gate.link_shown = LinkShown(connected=False, centre_age_s=None, unsent=3, stale=True)
    page = get(gate, "/lane/lan-1/panel").text
    assert "chưa nhận được dữ liệu từ trung tâm" in page
    assert "3 chưa gửi" in page


def test_a_broken_store_tells_the_officer_to_use_the_key() -> None:
    gate = SpecimenGate()
    gate.link_shown = replace(gate.link_shown, store_error="đĩa đầy")
    assert "Mở bằng chìa khóa, ghi phiếu giấy. (đĩa đầy)" in get(gate, "/lane/lan-1/panel").text


def test_a_store_that_was_recovered_is_said_with_the_time() -> None:
    gate = SpecimenGate()
    gate.link_shown = replace(gate.link_shown, recovered_at=datetime(2026, 11, 23, 19, 5, tzinfo=UTC))
    assert "đã khôi phục lúc 02:05 24/11/2026" in get(gate, "/lane/lan-1/panel").text


def test_a_camera_that_cannot_be_trusted_is_a_banner_and_one_that_can_is_none() -> None:
    turned = SITUATIONS["camera_turned"]
    (camera,) = turned.cameras
    lost = replace(turned, cameras=(replace(camera, state="down"),))
    well = replace(turned, cameras=(replace(camera, troubles=()),))
    banner = "Camera truoc: camera bị lệch. Tự so biển số trên xe, báo kỹ thuật."
    said = {name: get(SpecimenGate(view), "/lane/lan-1/panel").text for name, view in
            (("turned", turned), ("lost", lost), ("well", well))}  # fmt: skip
    assert banner in said["turned"]
    assert 'class="bad"' in said["turned"]
    assert banner not in said["lost"]
    assert "lệch" not in said["well"]
    assert 'class="bad"' not in said["well"]


def test_a_disk_that_runs_short_is_a_banner_and_one_with_room_is_none() -> None:
    gate = SpecimenGate()
    assert "Đĩa" not in get(gate, "/lane/lan-1/panel").text
    for level, words in {DiskLevel.LOW: "không lưu ảnh mới", DiskLevel.FULL: "chỗ dự trữ"}.items():
        gate.link_shown = replace(gate.link_shown, disk=level)
        assert words in get(gate, "/lane/lan-1/panel").text


def test_what_a_trader_declared_is_text_and_never_markup() -> None:
    view = SITUATIONS["clear"]
    assert view.declaration is not None
    goods = [view.declaration.goods[0].model_copy(update={"name": "<script>alert(1)</script>"})]
    gate = SpecimenGate(replace(view, declaration=view.declaration.model_copy(update={"goods": goods})))
    assert "<script>alert" not in get(gate, "/lane/lan-1").text


def test_pictures_are_served_by_their_hash_and_nothing_else_is(tmp_path: Path) -> None:
    file = tmp_path / "one.jpg"
    file.write_bytes(b"\xff\xd8jpeg")
    gate = SpecimenGate(picture_file=file)
    assert get(gate, f"/pictures/{PICTURE}.jpg").content == b"\xff\xd8jpeg"
    assert get(gate, "/lane/lan-1/live.jpg").headers["content-type"] == "image/jpeg"
    assert get(gate, f"/pictures/{'0' * 64}.jpg").status_code == 404
    assert get(gate, "/pictures/passwd.jpg").status_code == 422


def test_without_a_fresh_frame_there_is_no_live_picture() -> None:
    assert get(SpecimenGate(), "/lane/lan-1/live.jpg").status_code == 204


# -- presses

VALUES = {"reason": "other", "text": "29C12345"}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("officer", OFFICERS)
def test_the_server_carries_out_what_is_offered_and_refuses_all_else(situation: str, officer: str) -> None:
    async def press_all(client: httpx.AsyncClient) -> None:
        for one in Press:
            gate.lane.pressed.clear()
            gate.lane.shown = view
            form = {"press": one, "token": view.token, **VALUES, **chosen}
            answer = await client.post("/lane/lan-1/press", data=form, headers=JSON)
            may = rules.allowed(view, OFFICERS[officer], one)
            assert answer.status_code == (200 if may else 409), one
            assert len(gate.lane.pressed) == may, one

    view = SITUATIONS[situation]
    gate = SpecimenGate(view)
    candidate = view.candidates[0] if view.candidates else None
    chosen = {"declaration": candidate.declaration, "vehicle": candidate.vehicle} if candidate else {}
    on_screen(gate, press_all, officer)


def test_a_double_tap_is_carried_out_once() -> None:
    gate = SpecimenGate(SITUATIONS["clear"])

    async def tap_twice(client: httpx.AsyncClient) -> list[int]:
        form = {"press": Press.CONFIRM_AND_OPEN, "token": gate.lane.shown.token}
        taps = (client.post("/lane/lan-1/press", data=form, headers=JSON) for _ in range(2))
        return sorted(answer.status_code for answer in await asyncio.gather(*taps))

    assert on_screen(gate, tap_twice) == [200, 409]
    assert len(gate.lane.pressed) == 1


def test_a_press_made_on_an_older_picture_is_refused_with_a_sentence() -> None:
    gate = SpecimenGate(SITUATIONS["clear"])
    answer = press(gate, Press.CONFIRM_AND_OPEN, token="t-before")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "Màn hình vừa thay đổi. Xem lại rồi bấm lần nữa."
    assert gate.lane.pressed == []


def test_an_emergency_is_not_refused_because_the_page_was_old() -> None:
    gate = SpecimenGate(SITUATIONS["clear"])
    assert press(gate, Press.EMERGENCY, token="t-before").status_code == 200


@pytest.mark.parametrize(
    ("situation", "one", "values", "refused"),
    [
        ("clear", Press.REFUSE, {"reason": " "}, "reason_needed"),
        ("near", Press.CORRECT_PLATE, {"text": "2-9"}, "bad_plate"),
        ("near", Press.CHOOSE_VEHICLE, {"declaration": "2311202699999", "vehicle": "v1"}, "no_such_vehicle"),
    ],
)
def test_a_press_without_what_it_needs_is_refused(
    situation: str, one: Press, values: dict[str, str], refused: str
) -> None:
    gate = SpecimenGate(SITUATIONS[situation])
    assert press(gate, one, **values).json()["type"] == f"urn:barie:problem:{refused}"
    assert gate.lane.pressed == []


def test_a_press_carries_officer_token_and_its_own_values_only() -> None:
    gate = SpecimenGate(SITUATIONS["near"])
    press(gate, Press.CORRECT_PLATE, officer="hq-1", text="29c-123.45", reason="odd")
    (pressed,) = gate.lane.pressed
    assert (pressed.officer.code, pressed.token, pressed.values) == ("hq-1", "t-near", {"text": "29C12345"})


def test_a_plain_form_comes_back_to_the_lane_with_the_sentence_on_it() -> None:
    gate = SpecimenGate(SITUATIONS["clear"])

    async def press_by_form(client: httpx.AsyncClient) -> tuple[str, str]:
        form = {"press": Press.CONFIRM_AND_OPEN, "token": "old"}
        answer = await client.post("/lane/lan-1/press", data=form, headers=HTML)
        page = await client.get(answer.headers["location"])
        done = await client.post("/lane/lan-1/press", data={**form, "token": "t-clear"}, headers=HTML)
        return page.text, done.headers["location"]

    page, done = on_screen(gate, press_by_form)
    assert "Màn hình vừa thay đổi." in page
    assert done == "/lane/lan-1"


def test_a_program_sees_the_same_buttons_as_a_person() -> None:
    seen = get(SpecimenGate(SITUATIONS["clear"]), "/lane/lan-1/panel", **JSON).json()
    assert (seen["token"], seen["state"], seen["verdict"]) == ("t-clear", "waiting", "wait")
    assert (seen["primary"], seen["others"]) == ("confirm_and_open", ["look_again", "refuse", "emergency"])


# -- events


def test_a_change_is_an_event_with_its_number_and_silence_is_a_heartbeat() -> None:
    async def hear() -> list[str]:
        gate = SpecimenGate()
        stream = events(Impatient(gate), None)
        heard = [await anext(stream), await anext(stream), await anext(stream)]
        gate.lane.show(SITUATIONS["clear"])
        return [*heard, await anext(stream)]

    retry, first, beat, change = asyncio.run(hear())
    assert retry == "retry: 500\n\n"
    assert first == "event: change\nid: 0\ndata: 0\n\n"
    assert beat == "event: beat\nid: 0\ndata: 0\n\n"
    assert change == "event: change\nid: 1\ndata: 1\n\n"


@pytest.mark.parametrize(("last_seen", "first"), [("0", "beat"), ("7", "change"), (None, "change")])
def test_who_comes_back_hears_at_once_whether_something_was_missed(last_seen: str | None, first: str) -> None:
    async def hear() -> str:
        stream = events(SpecimenGate().changes, last_seen)
        await anext(stream)
        return await anext(stream)

    assert asyncio.run(hear()).startswith(f"event: {first}\n")


def test_when_the_gate_ends_its_event_streams_end_too() -> None:
    gate = SpecimenGate()

    async def hear() -> list[str]:
        stream = events(gate.changes, None)
        heard = [await anext(stream), await anext(stream)]
        gate.changes.close()
        return heard + [event async for event in stream]

    assert len(asyncio.run(hear())) <= 3


class Impatient:
    """Changes whose heartbeat does not take a second."""

    def __init__(self, gate: SpecimenGate) -> None:
        self._changes = gate.changes

    @property
    def number(self) -> int:
        return self._changes.number

    @property
    def closed(self) -> bool:
        return self._changes.closed

    async def wait(self, after: int, timeout_s: float) -> int:
        assert timeout_s == 1.0
        return await self._changes.wait(after, 0.001)


# -- the common frame


def test_ready_says_why_not() -> None:
    gate = SpecimenGate()
    assert get(gate, "/health/ready", officer=None).json() == {"status": "ready"}
    gate.causes = ["camera truoc: không có hình"]
    answer = get(gate, "/health/ready", officer=None)
    assert (answer.status_code, answer.json()["cause"]) == (503, "camera truoc: không có hình")
    assert get(gate, "/health/live", officer=None).json() == {"status": "live"}


def test_figures_tell_what_the_gate_says_of_itself() -> None:
    gate = SpecimenGate()
    gate.link_shown = LinkShown(connected=False, centre_age_s=40, unsent=7, stale=False)
    text = get(gate, "/metrics", officer=None).text
    assert "barie_facts_unsent 7.0" in text
    assert 'barie_camera_live{camera="truoc",lane="lan-1"} 1.0' in text


def test_figures_tell_which_trouble_a_cameras_pictures_have_and_for_how_long() -> None:
    (camera,) = SITUATIONS["camera_turned"].cameras
    view = replace(SITUATIONS["camera_turned"], cameras=(replace(camera, untrusted_share=0.25),))
    text = get(SpecimenGate(view), "/metrics", officer=None).text
    assert 'barie_camera_trouble{camera="truoc",lane="lan-1",trouble="moved"} 1.0' in text
    assert 'barie_camera_trouble{camera="truoc",lane="lan-1",trouble="dark"} 0.0' in text
    assert 'barie_camera_untrusted_ratio{camera="truoc",lane="lan-1"} 0.25' in text


@pytest.mark.parametrize(("path", "status"), [("/lane/none", 404), ("/nowhere", 404)])
def test_an_error_is_a_problem_document(path: str, status: int) -> None:
    answer = get(SpecimenGate(), path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code == status


def test_a_press_nobody_knows_names_the_field() -> None:
    answer = press(SpecimenGate(), "explode")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == "body.press"


def test_an_unexpected_error_tells_no_secrets() -> None:
    gate = SpecimenGate()
    gate.lane.view = lambda: 1 // 0  # type: ignore[method-assign,assignment,return-value]
    answer = get(gate, "/lane/lan-1")
    assert answer.status_code == 500
    assert "division" not in answer.text


def test_nothing_comes_from_elsewhere() -> None:
    page = get(SpecimenGate(SITUATIONS["clear"]), "/lane/lan-1")
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert "://" not in page.text
