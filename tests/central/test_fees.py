"""Payments in, taken once; the ready-to-pay list; the page of fees."""

from collections.abc import Callable
from typing import Any

import pytest

from central.centre import Centre
from central.words import catalogue
from shared import subjects
from shared.bodies import Confirmed, SeenDecision, dump
from shared.codes import Agency, Direction, Place, Verdict
from shared.facts import Draft
from shared.fees import FeeState, Value
from shared.node.store import Store
from shared.signing import PrivateKey
from shared.tariffs import Backing, Unknown, Why
from shared.words import Language
from tests.central.conftest import CASHIER, Client
from tests.engines import on_both_engines

pytestmark = on_both_engines
URL = "/api/payments"
KNOWN = {"weight_class": "VT4", "customs_kind": "E42", "goods_group": "general"}
"""300,000 đ, by what the platform's records show."""

Desk = Callable[..., None]


@pytest.fixture
def cash(centre: Centre) -> Client:
    """Speaks as the cashier."""
    return Client(centre, token=CASHIER)


@pytest.fixture
def declare(ask: Client, declaration: Any) -> Callable[..., Any]:
    return lambda **changes: ask("POST", "/api/declarations", json=declaration | changes).json()


@pytest.fixture
def desk(administer: Client, store: Store) -> Desk:
    """A desk in the yard, and one of the collectors, with an officer of each agency."""
    key = PrivateKey.generate()
    agencies = [Agency.BORDER_GUARD, Agency.CUSTOMS, Agency.GATE_MANAGEMENT, Agency.TAX]
    for site in ("CKHN", "TT"):
        node = {
            "node": "desk", "site": site, "public_key": key.public.text, "places": ["yard", "online"],
            "agencies": agencies,
        }  # fmt: skip
        administer("POST", "/api/nodes", json=node)
        for agency in agencies:
            officer = {"officer": f"{agency}-1", "agency": agency, "site": site}
            administer("POST", "/api/officers", json=officer)

    def tick(declared: Any, by: Agency, place: Place = Place.YARD, **values: str) -> None:
        no = declared["no"]
        body = Confirmed(
            step="4.2.d", place=place, declaration=no, vehicle="v1", by=by, officer=f"{by}-1",
            declared=declared["ref"], values=values,
            decision=SeenDecision(
                verdict=Verdict.WAIT, vector={journal: head.seq for journal, head in store.heads().items()}
            ),
        )  # fmt: skip
        store.append("desk.1", key, [Draft("confirmed", subjects.vehicle(no, "v1"), dump(body))])

    return tick


@pytest.fixture
def ready(desk: Desk, declare: Callable[..., Any]) -> Callable[..., str]:
    """Declares a truck of whose fee everything is told; gives the declaration's number."""

    def make(values: dict[str, str] = KNOWN, **changes: Any) -> str:
        declared = declare(**changes)
        told = dict(values)
        desk(declared, Agency.BORDER_GUARD, weight_class=told.pop("weight_class"))
        desk(declared, Agency.CUSTOMS, **told)
        return str(declared["no"])

    return make


def payment(no: str, amount_vnd: int = 300_000, ref: str = "VCB-1", **changes: Any) -> dict[str, Any]:
    return {
        "declaration": no, "vehicle": "v1", "amount_vnd": amount_vnd, "payment": ref, "channel": "online",
    } | changes  # fmt: skip


# -- payments in


def test_a_payment_is_a_fact_of_the_sites_own_journal(
    cash: Client, centre: Centre, ready: Callable[..., str]
) -> None:
    no = ready(site="TT")

    answer = cash("POST", URL, json=payment(no))

    fact = centre.store.of_kinds(["fee_paid"])[0]
    assert (answer.status_code, answer.json()["state"]) == (201, "matched")
    assert (fact.journal, fact.subject) == ("centre-TT.1", f"declaration/{no}/v1")
    assert fact.body == payment(no)


def test_a_payment_that_is_told_again_is_taken_once(
    cash: Client, centre: Centre, ready: Callable[..., str]
) -> None:
    no = ready()

    answers = [cash("POST", URL, json=payment(no, 100_000)) for _ in range(3)]

    assert [one.status_code for one in answers] == [201, 200, 200]
    assert [(one.json()["state"], one.json()["paid_vnd"]) for one in answers] == [
        ("paid_in_part", 100_000)
    ] * 3
    assert len(centre.store.of_kinds(["fee_paid"])) == 1


@pytest.mark.parametrize("changes", [{"amount_vnd": 1}, {"channel": "counter"}, {"vehicle": "v2"}])
def test_a_reference_that_stands_for_other_money_is_refused(
    cash: Client, ready: Callable[..., str], centre: Centre, changes: dict[str, Any]
) -> None:
    no = ready()
    cash("POST", URL, json=payment(no))

    answer = cash("POST", URL, json=payment(no) | changes)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:barie:problem:conflict")
    assert len(centre.store.of_kinds(["fee_paid"])) == 1


def test_a_reference_is_used_once_over_all_declarations(cash: Client, ready: Callable[..., str]) -> None:
    first, second = ready(), ready(site="TT")
    cash("POST", URL, json=payment(first))

    assert cash("POST", URL, json=payment(second)).status_code == 409


def test_what_a_node_without_licence_tells_does_not_take_a_reference(
    cash: Client, ready: Callable[..., str], gate_writes: Callable[..., Any]
) -> None:
    no = ready()
    gate_writes(Draft("fee_paid", subjects.vehicle(no, "v1"), payment(no, 1)))

    answer = cash("POST", URL, json=payment(no))

    assert (answer.status_code, answer.json()["state"]) == (201, "matched")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"declaration": "2026112399999"}, 404),
        ({"vehicle": "v2"}, 404),
        ({"amount_vnd": -1}, 422),
        ({"amount_vnd": 0.5}, 422),
        ({"amount_vnd": "300.000"}, 422),
        ({"payment": ""}, 422),
        ({"channel": "cheque"}, 422),
        ({"more": 1}, 422),
    ],
)
def test_a_payment_for_nothing_or_of_another_form_is_refused(
    cash: Client, ready: Callable[..., str], changes: dict[str, Any], status: int
) -> None:
    assert cash("POST", URL, json=payment(ready()) | changes).status_code == status


def test_only_a_cashier_or_the_administrator_tells_of_payments(
    ask: Client, administer: Client, ready: Callable[..., str]
) -> None:
    no = ready()

    assert ask("POST", URL, json=payment(no)).status_code == 401
    assert administer("POST", URL, json=payment(no)).status_code == 201


# -- how fees stand


def test_the_way_of_a_fee_through_its_states(cash: Client, desk: Desk, declare: Callable[..., Any]) -> None:
    declared = declare()
    no = declared["no"]

    def state() -> Any:
        return cash("GET", f"/api/fees/{no}").json()[0]["state"]

    states = [state()]
    desk(declared, Agency.BORDER_GUARD, weight_class="VT4")
    states.append(state())
    desk(declared, Agency.CUSTOMS, customs_kind="E42", goods_group="general")
    states.append(state())
    for ref in ("a", "b"):
        cash("POST", URL, json=payment(no, 150_000, ref))
        states.append(state())
    desk(declared, Agency.GATE_MANAGEMENT, Place.ONLINE, amount_vnd="300000")
    states.append(state())

    assert states == ["not_ready", "not_ready", "due", "paid_in_part", "matched", "confirmed"]


def test_a_fee_says_what_it_is_made_of_and_how_well_that_is_known(
    ask: Client, ready: Callable[..., str]
) -> None:
    no = ready(KNOWN | {"goods_group": "ore"})

    (fee,) = ask("GET", "/api/fees").json()["fees"]

    assert (fee["declaration"], fee["plate"], fee["due_vnd"]) == (no, "29C12345", 1_500_000)
    assert (fee["standing"], fee["resolution"]) == ("press", "09/2025/NQ-HĐND")
    assert [(line["code"], line["amount_vnd"], line["standing"]) for line in fee["lines"]] == [
        ("rate", 300_000, "live"),
        ("goods_group", 1_200_000, "press"),
    ]


def test_an_amount_that_nobody_knows_is_null(ask: Client, ready: Callable[..., str]) -> None:
    ready(KNOWN | {"weight_class": "VT5"})

    (fee,) = ask("GET", "/api/fees").json()["fees"]

    assert (fee["state"], fee["due_vnd"], fee["unknown"]) == ("due", None, "amount_not_known")


def test_a_declaration_of_which_nothing_concerns_the_fee_is_not_listed(
    ask: Client, declare: Callable[..., Any]
) -> None:
    no = declare()["no"]

    assert ask("GET", "/api/fees").json() == {"fees": [], "next": None}
    assert [one["owed"] for one in ask("GET", f"/api/fees/{no}").json()] == [
        [
            {"agency": "border_guard", "value": "weight_class"},
            {"agency": "customs", "value": "customs_kind"},
            {"agency": "customs", "value": "goods_group"},
        ]
    ]


def test_the_list_is_chosen_by_site_collector_and_state(
    ask: Client, cash: Client, ready: Callable[..., str]
) -> None:
    here, there, paid = ready(), ready(site="TT"), ready()
    cash("POST", URL, json=payment(paid))

    def listed(query: str) -> list[str]:
        return [one["declaration"] for one in ask("GET", f"/api/fees?{query}").json()["fees"]]

    assert listed("") == [paid, there, here]
    assert listed("site=TT") == [there]
    assert listed("state=due") == [there, here]
    assert listed("state=matched&site=CKHN") == [paid]
    assert listed("collector=gate_management") == [paid, there, here]
    assert listed("collector=tax") == []


def test_a_long_list_is_read_page_by_page(ask: Client, ready: Callable[..., str]) -> None:
    nos = [ready() for _ in range(3)]

    first = ask("GET", "/api/fees?most=2").json()
    second = ask("GET", f"/api/fees?most=2&after={first['next']}").json()

    assert [one["declaration"] for one in (*first["fees"], *second["fees"])] == nos[::-1]
    assert second["next"] is None


def test_those_that_no_collector_confirmed_are_listed_first(
    ask: Client, desk: Desk, declare: Callable[..., Any], ready: Callable[..., str]
) -> None:
    waiting, collected = ready(), declare()
    desk(collected, Agency.TAX, Place.ONLINE)
    no = collected["no"]

    first = ask("GET", "/api/fees?most=1").json()
    second = ask("GET", f"/api/fees?most=1&after={first['next']}").json()

    assert [one["declaration"] for one in (*first["fees"], *second["fees"])] == [waiting, no]
    assert second["fees"][0]["state"] == "confirmed_unmatched"


@pytest.mark.parametrize("after", ["2/2026112300001/v1", "0/1/v1", "0/2026112300001/", "nonsense"])
def test_a_position_that_is_none_is_refused(ask: Client, after: str) -> None:
    assert ask("GET", f"/api/fees?after={after}").status_code == 422


def test_a_recalled_declaration_is_listed_only_while_money_is_held_for_it(
    ask: Client, cash: Client, ready: Callable[..., str]
) -> None:
    without, paid = ready(), ready()
    cash("POST", URL, json=payment(paid, 100_000))
    for no in (without, paid):
        ask("POST", f"/api/declarations/{no}/recall", json={"reason": "khai sai"})

    listed = ask("GET", "/api/fees").json()["fees"]

    assert [(one["declaration"], one["recalled"]) for one in listed] == [(paid, True)]


def test_the_list_is_the_same_after_the_tables_were_made_anew(
    ask: Client, cash: Client, store: Store, ready: Callable[..., str]
) -> None:
    cash("POST", URL, json=payment(ready()))
    ready()
    before = ask("GET", "/api/fees").json()

    store.rebuild()

    assert ask("GET", "/api/fees").json() == before
    assert len(before["fees"]) == 2


# -- the page


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "vi",
            ("Phí", "Sẵn sàng nộp phí", "300.000", "theo số liệu của nền tảng", "Trung tâm Quản lý cửa khẩu"),
        ),
        ("en", ("Fees", "Ready to be paid", "300,000", "from platform records", "4 to under 10 tonnes")),
        ("zh", ("费用", "可缴费", "300,000", "依据平台记录")),
    ],
)
def test_the_page_shows_fees_in_three_languages(
    ask: Client, ready: Callable[..., str], lang: str, said: tuple[str, ...]
) -> None:
    no = ready()

    page = ask("GET", f"/fees?lang={lang}").text

    for one in (*said, "29C 12345", no):
        assert one in page


def test_the_page_marks_what_only_the_press_tells_and_what_nobody_knows(
    ask: Client, ready: Callable[..., str]
) -> None:
    ready(KNOWN | {"weight_class": "under_2t", "goods_group": "fresh_produce"})
    ready(KNOWN | {"weight_class": "VT5"})

    page = ask("GET", "/fees?lang=vi").text

    assert "theo báo chí" in page
    assert "Chưa rõ mức thu" in page


def test_the_page_says_who_owes_a_value(ask: Client, desk: Desk, declare: Callable[..., Any]) -> None:
    desk(declare(), Agency.BORDER_GUARD, weight_class="VT4")

    assert "Customs owes: group of goods" in ask("GET", "/fees?lang=en").text


def test_the_page_is_chosen_from_and_asks_for_older_ones_with_the_same_choice(
    ask: Client, ready: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.page.MOST_FEES", 1)
    first, second = ready(), ready()

    page = ask("GET", "/fees?lang=en&state=due&site=nonsense").text

    assert second in page
    assert first not in page
    assert f"?lang=en&amp;state=due&amp;after=0%2F{second}%2Fv1" in page
    assert first in ask("GET", f"/fees?state=due&after=0/{second}/v1").text
    assert f"/journeys/{second}" not in ask("GET", "/fees?state=confirmed").text


def test_the_page_of_no_fees_says_so(ask: Client) -> None:
    assert "Không có khoản phí nào." in ask("GET", "/fees").text


def test_a_payment_stands_in_the_journey(ask: Client, cash: Client, ready: Callable[..., str]) -> None:
    no = ready()
    cash("POST", URL, json=payment(no))

    steps = ask("GET", f"/api/journeys/{no}?lang=vi").json()["steps"]

    assert "Nộp phí 300.000 đồng" in [one["what"] for one in steps]


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("fee_state", FeeState),
        ("fee_line", Why),
        ("fee_unknown", Unknown),
        ("backing", Backing),
        ("value", Value),
        ("direction", Direction),
    ],
)
def test_every_code_of_a_fee_has_a_word(group: str, codes: Any) -> None:
    assert set(catalogue(Language.VI)[group]) == {one.value for one in codes}
