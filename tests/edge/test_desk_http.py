"""The desk's pages over HTTP: what a browser is given, and what comes of what it sends."""

from dataclasses import asdict
from html import unescape

import httpx
import pytest

from edge.screen.specimens import SpecimenGate
from edge.screen.words import Words
from shared.codes import Agency
from shared.words import Language
from simulation.officers import CASH, CONFIRM, Form, Page
from tests.edge.test_screen_http import JSON, get, on_screen

CUSTOMS_SAY = {"value_customs_kind": "B11", "value_goods_group": "general"}
OFFICER = {
    Agency.BORDER_GUARD: "bp-1",
    Agency.CUSTOMS: "hq-1",
    Agency.ANIMAL_QUARANTINE: "kddv-1",
    Agency.TAX: "thue-1",
}


def page(agency: Agency, gate: SpecimenGate | None = None, language: Language = Language.VI) -> str:
    """The desk of an agency, in a language."""

    async def look(client: httpx.AsyncClient) -> str:
        await client.get("/look", params={"language": language, "next": "/desk"})
        return unescape((await client.get("/desk")).text)

    return on_screen(gate or SpecimenGate(), look, OFFICER[agency])


def forms(agency: Agency, action: str = CONFIRM, gate: SpecimenGate | None = None) -> list[Form]:
    return [one for one in Page(page(agency, gate)).forms if one.action == action]


def post(
    gate: SpecimenGate, agency: Agency, values: dict[str, str | list[str]], path: str = CONFIRM, at: int = 0
) -> httpx.Response:
    """Sends a form about one of the vehicles as a program would."""
    form = {**asdict(gate.desk(agency)[at].press), **values}
    return on_screen(gate, lambda client: client.post(path, data=form, headers=JSON), OFFICER[agency])


def test_a_desk_confirms_each_vehicle_once() -> None:
    gate = SpecimenGate()

    async def confirm_twice(client: httpx.AsyncClient) -> list[int]:
        form = {**asdict(gate.desk(Agency.CUSTOMS)[0].press), **CUSTOMS_SAY}
        return [(await client.post(CONFIRM, data=form, headers=JSON)).status_code for _ in range(2)]

    assert 'data-plate="29C12345"' in page(Agency.CUSTOMS, gate)
    assert on_screen(gate, confirm_twice, "hq-1") == [200, 409]
    assert gate.confirmed_at_desk == [("2311202600017", "v1", "4.2.d")]


def test_an_agency_for_which_nobody_waits_sees_an_empty_desk() -> None:
    assert "Không có xe nào đang chờ" in get(SpecimenGate(), "/desk", officer="gtvt-1").text


def test_the_border_guard_chooses_one_weight_class_of_the_tariff() -> None:
    form = forms(Agency.BORDER_GUARD)[0]
    assert form.choices == {"value_weight_class": ["under_2t", "VT1", "VT2", "VT3", "VT4", "VT5", "VT6"]}
    assert form.typed == {}
    assert "Từ 4 đến dưới 10 tấn" in page(Agency.BORDER_GUARD)
    assert "4 to under 10 tonnes" in page(Agency.BORDER_GUARD, language=Language.EN)


def test_customs_type_a_kind_and_choose_groups() -> None:
    form = forms(Agency.CUSTOMS)[0]
    assert form.typed == {"value_customs_kind": ""}
    assert form.choices == {"value_goods_group": ["general", "fresh_produce", "farm", "ore"]}
    assert 'data-fill="E42"' in page(Agency.CUSTOMS)


def test_several_groups_that_were_ticked_are_one_value() -> None:
    gate = SpecimenGate()
    post(gate, Agency.CUSTOMS, {"value_customs_kind": "E42", "value_goods_group": ["ore", "general"]})
    assert gate.said_at_desk == {"customs_kind": "E42", "goods_group": "general,ore"}


def test_what_became_of_the_load_is_asked_in_words() -> None:
    assert forms(Agency.CUSTOMS)[1].choices["value_transfer"] == ["none", "only", "inland"]
    assert "Xe đi tiếp vào nội địa" in page(Agency.CUSTOMS)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"value_customs_kind": "E42"}, "values_missing"),
        ({"value_customs_kind": "E42", "value_goods_group": "gold"}, "no_such_choice"),
        ({"value_customs_kind": "xuất", "value_goods_group": "general"}, "bad_customs_kind"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_own_sentence(
    values: dict[str, str | list[str]], kind: str
) -> None:
    gate = SpecimenGate()
    answer = post(gate, Agency.CUSTOMS, values)
    assert answer.status_code == 409
    assert answer.json()["type"] == f"urn:barie:problem:{kind}"
    assert answer.json()["detail"] == Words(Language.VI).refused(kind)
    assert gate.confirmed_at_desk == []


def test_the_page_says_of_a_vehicle_that_a_quarantine_holds_it_back() -> None:
    assert "Kiểm dịch động vật: không đạt, xe bị giữ lại tại bãi" in page(Agency.BORDER_GUARD)


def test_a_result_that_fails_is_named_on_the_button_too() -> None:
    assert "Ghi không đạt, giữ xe" in page(Agency.ANIMAL_QUARANTINE)
    assert "Ghi không đạt, giữ xe" not in page(Agency.CUSTOMS)


# -- the collector


def test_the_collector_sees_due_paid_state_and_how_well_the_number_is_known() -> None:
    text = page(Agency.TAX)
    for told in ("800.000 đ", "theo số liệu của nền tảng", "Chưa nộp", "Số tiền khớp, chờ xác nhận"):
        assert told in text
    assert "Chưa rõ mức thu" in text


def test_an_amount_that_is_due_stands_in_the_field_and_one_that_nobody_knows_does_not() -> None:
    amounts = [form.typed["value_amount_vnd"] for form in forms(Agency.TAX)]
    assert amounts == ["800.000", "800.000", "", "800.000"]


def test_cash_is_offered_for_what_is_still_to_be_paid() -> None:
    assert [form.typed["amount"] for form in forms(Agency.TAX, CASH)] == ["800.000", "", "500.000"]


def test_a_vehicle_of_the_other_collector_stands_apart() -> None:
    before, _, after = page(Agency.TAX).partition("Theo phân luồng do cơ quan khác thu")
    assert "98C20455" not in before
    assert 'data-plate="98C20455"' in after


def test_cash_is_taken_and_then_the_fee_can_be_confirmed() -> None:
    gate = SpecimenGate()
    assert post(gate, Agency.TAX, {"value_amount_vnd": "800.000"}).json()["type"].endswith("unmatched")
    assert post(gate, Agency.TAX, {"amount": "800.000"}, CASH).json() == {"done": "cash"}
    assert post(gate, Agency.TAX, {"value_amount_vnd": "800.000"}).status_code == 200
    assert gate.said_at_desk == {"amount_vnd": "800000"}


def test_a_picked_reason_is_recorded_in_vietnamese_whatever_the_screen_shows() -> None:
    gate = SpecimenGate()
    post(gate, Agency.TAX, {"value_amount_vnd": "800.000", "value_reason": "part"})
    assert gate.said_at_desk == {"amount_vnd": "800000", "reason": "Thu chưa đủ, sẽ thu bổ sung"}


def test_cash_that_is_refused_is_said_on_the_page_to_a_browser() -> None:
    gate = SpecimenGate()

    async def take(client: httpx.AsyncClient) -> httpx.Response:
        form = {**asdict(gate.desk(Agency.TAX)[0].press), "amount": "nhiều"}
        return await client.post(CASH, data=form, follow_redirects=True)

    assert "Số tiền là số đồng nguyên" in on_screen(gate, take, "thue-1").text
