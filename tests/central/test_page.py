"""The control room's page in its three languages."""

from typing import Any

import pytest

from central.access import Tokens
from central.centre import Centre
from central.gates import GateState
from central.passages import Outcome
from central.words import catalogue, chosen, local, say
from shared.bodies import BODIES, BoomState
from shared.protocol import CameraStatus, LaneStatus, Status
from shared.signing import PrivateKey
from shared.words import Language
from tests.builders import procedure


@pytest.fixture
def busy(centre: Centre, administer: Any, clocks: Any, ask: Any, declaration: Any, passage: Any) -> Centre:
    """A centre with a gate that has lost a camera, and one passage."""
    node = {
        "node": "gate-2",
        "site": "CKHN",
        "public_key": PrivateKey.generate().public.text,
        "places": ["barrier-2"],
    }
    administer("POST", "/api/nodes", json=node)
    camera = CameraStatus(name="front", state="down", age_s=42.0)
    lane = LaneStatus(name="1", place="barrier-2", state="waiting", barrier="closed", cameras=[camera])
    centre.gates.take_status(
        Status(node="gate-2", site="CKHN", online=True, lanes=[lane]), clocks.monotonic_s
    )
    declared = ask("POST", "/api/declarations", json=declaration).json()
    passage(declared["no"], declared["ref"], thumbnail="a" * 64)
    return centre


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    ("lang", "gate", "outcome", "camera"),
    [
        ("vi", "Hoạt động", "Đã qua", "mất hình"),
        ("en", "Alive", "Passed", "no picture"),
        ("zh", "在线", "已通过", "无画面"),
    ],
)
def test_the_page_shows_gates_and_passages_in_three_languages(
    ask: Any, lang: str, gate: str, outcome: str, camera: str
) -> None:
    page = ask("GET", f"/?lang={lang}").text

    assert f'<html lang="{lang}">' in page
    for shown in (gate, outcome, camera, "29C 12345", f"/pictures/{'a' * 64}.jpg", "2026112300001"):
        assert shown in page


@pytest.mark.parametrize(
    ("lang", "camera"), [("vi", "camera bị lệch"), ("en", "turned away"), ("zh", "镜头偏移")]
)
def test_a_camera_whose_pictures_cannot_be_trusted_is_told_with_why_and_how_long(
    busy: Centre, clocks: Any, ask: Any, lang: str, camera: str
) -> None:
    told = CameraStatus(name="front", state="live", troubles=["moved"], untrusted_share=0.25)
    lane = LaneStatus(name="1", place="barrier-2", state="waiting", barrier="closed", cameras=[told])
    busy.gates.take_status(Status(node="gate-2", site="CKHN", online=True, lanes=[lane]), clocks.monotonic_s)

    page = ask("GET", f"/?lang={lang}").text

    assert camera in page
    assert say(Language(lang), "page", "untrusted", percent=25) in page


def test_the_page_tells_the_version_in_force_of_every_khoan_and_which_were_published(
    ask: Any, administer: Any
) -> None:
    plain = procedure("4.2").model_dump(mode="json", by_alias=True) | {"in_force_from": "2026-11-01"}
    administer("POST", "/api/procedures", json={"site": "CKHN", "procedures": [plain]})

    page = ask("GET", "/?lang=en").text

    assert page.count("<span>4.2 (01/11/2026)</span>") == 1
    assert page.count('<span class="quiet">4.2 (15/02/2025)</span>') == 1
    assert page.count('<span class="quiet">7.4 (15/02/2025)</span>') == 2


def test_the_page_is_vietnamese_when_nobody_asks_or_asks_for_nonsense(ask: Any) -> None:
    assert [chosen(one) for one in (None, "", "fr")] == [Language.VI] * 3
    assert '<html lang="vi">' in ask("GET", "/").text


@pytest.mark.usefixtures("busy")
def test_a_declaration_that_was_used_twice_is_an_alarm_with_both_pictures(
    ask: Any, declaration: Any, passage: Any
) -> None:
    quiet = ask("GET", "/board").text
    no = ask("POST", "/api/declarations", json=declaration).json()["no"]
    for name in ("b", "c"):
        passage(no, "centre-CKHN.1/3", thumbnail=name * 64)

    section = (
        ask("GET", "/board").text.partition('aria-labelledby="used-twice"')[2].partition("</section>")[0]
    )

    assert "used-twice" not in quiet
    assert no in section
    assert [f"/pictures/{name * 64}.jpg" in section for name in ("a", "b", "c")] == [False, True, True]


def test_an_empty_centre_says_what_to_do_first(ask: Any) -> None:
    assert "barie-central enrol node" in ask("GET", "/").text


@pytest.mark.usefixtures("busy")
def test_the_board_is_the_part_of_the_page_that_changes(ask: Any) -> None:
    board = ask("GET", "/board").text

    assert board.strip() in ask("GET", "/").text
    assert "<html" not in board


@pytest.mark.usefixtures("busy")
def test_nothing_on_a_page_comes_from_elsewhere(ask: Any) -> None:
    for url in ("/", "/docs", "/journeys/2026112300001", "/static/centre.css", "/static/centre.js"):
        answer = ask("GET", url)
        assert answer.status_code == 200
        assert "http://" not in answer.text.replace("http://centre", "")
        assert "//cdn" not in answer.text


def test_what_a_declarant_writes_is_shown_and_never_run(ask: Any, declaration: Any) -> None:
    no = ask("POST", "/api/declarations", json=declaration).json()["no"]
    ask("POST", f"/api/declarations/{no}/recall", json={"reason": "<script>alert(1)</script>"})

    page = ask("GET", f"/journeys/{no}").text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_the_documents_of_the_api_name_every_route(ask: Any) -> None:
    page = ask("GET", "/docs").text

    for route in (
        "/api/declarations/{no}/recall",
        "/api/journeys/{no}",
        "/api/gates",
        "/api/facts",
        "/api/nodes",
    ):
        assert route in page


def test_every_route_of_the_api_documents_its_problems(ask: Any) -> None:
    document = ask("GET", "/openapi.json").json()

    posts = [methods["post"] for path, methods in document["paths"].items() if "post" in methods]

    assert posts
    for post in posts:
        assert post["summary"]
        assert "application/problem+json" in post["responses"]["401"]["content"]
        assert "application/problem+json" in post["responses"]["422"]["content"]


def test_the_three_catalogues_have_the_same_keys() -> None:
    keys = [
        {(group, code) for group, words in catalogue(language).items() for code in words}
        for language in Language
    ]

    assert keys[0] == keys[1] == keys[2]


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("state", {one.value for one in GateState}),
        ("outcome", {one.value for one in Outcome}),
        ("boom", {one.value for one in BoomState}),
        ("kind", {kind for kind, _ in BODIES} | {"not_understood"}),
    ],
)
def test_every_code_the_pages_show_has_a_word(group: str, codes: set[str]) -> None:
    assert set(catalogue(Language.VI)[group]) == codes


def test_times_are_those_of_the_gates() -> None:
    assert local("2026-11-23T17:30:05.000Z#0000", "%d %H:%M:%S") == "24 00:30:05"
    assert local("no stamp") == ""


def test_tokens_show_nothing_of_themselves() -> None:
    assert "secret" not in repr(Tokens("secret-administrator", {"a": "secret-declarant-1"}))
