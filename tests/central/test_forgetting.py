"""Forgetting: values are gone at once, every node is to answer, and no checkpoint holds them on."""

from typing import Any

import pytest

from central.centre import Centre
from central.forgetting import commits
from shared.bodies import Forgotten, dump
from shared.facts import Draft
from shared.signing import PrivateKey
from tests.engines import on_both_engines

pytestmark = on_both_engines

NAME = "/vehicles/0/driver/name"


@pytest.fixture
def declared(ask: Any, declaration: Any) -> Any:
    return ask("POST", "/api/declarations", json=declaration).json()


@pytest.fixture
def gate(administer: Any) -> str:
    asked = {
        "node": "gate-2",
        "site": "CKHN",
        "public_key": PrivateKey.generate().public.text,
        "places": ["barrier-2"],
    }
    administer("POST", "/api/nodes", json=asked)
    return "gate-2"


def answer(centre: Centre, author: str, forget: str) -> None:
    """A node says that the values are gone there."""
    draft = Draft("forgotten", "declaration/1", dump(Forgotten(forget=forget)))
    centre.store.append(author, centre.journals.key, [draft])


def test_a_forget_names_every_version_and_the_values_are_gone_at_once(
    ask: Any, administer: Any, centre: Centre, declaration: Any, declared: Any
) -> None:
    no = declared["no"]
    changed = declaration | {"vehicles": [declaration["vehicles"][0] | {"driver": {"name": "Trần Văn B"}}]}
    amended = ask("PUT", f"/api/declarations/{no}", json=changed).json()
    before = centre.store.private(amended["ref"])

    (ref,) = administer("POST", f"/api/declarations/{no}/forget", json={"reason": "theo yêu cầu"}).json()[
        "facts"
    ]

    fact = centre.store.get(ref)
    assert fact is not None
    assert before == {NAME: "Trần Văn B"}
    assert fact.body == {"facts": [declared["ref"], amended["ref"]], "reason": "theo yêu cầu"}
    assert (centre.store.private(declared["ref"]), centre.store.private(amended["ref"])) == ({}, {})


def test_what_was_forgotten_before_writes_nothing(administer: Any, declared: Any) -> None:
    url = f"/api/declarations/{declared['no']}/forget"

    answers = [administer("POST", url).json()["facts"] for _ in range(2)]

    assert [len(one) for one in answers] == [1, 0]


def test_an_officers_name_is_forgotten_at_every_site(administer: Any, centre: Centre) -> None:
    enrolled = [
        administer(
            "POST",
            "/api/officers",
            json={"officer": "bp-1", "agency": "border_guard", "site": site, "name": "Lê Thị C"},
        ).json()["facts"][0]
        for site in ("CKHN", "TT")
    ]

    written = administer("POST", "/api/officers/bp-1/forget").json()["facts"]

    assert written == ["centre-CKHN.1/2", "centre-TT.1/2"]
    assert [centre.store.private(ref) for ref in enrolled] == [{}, {}]


def test_who_has_not_answered_is_told_until_the_last_one_has(
    ask: Any, administer: Any, centre: Centre, gate: str, declared: Any
) -> None:
    (ref,) = administer("POST", f"/api/declarations/{declared['no']}/forget").json()["facts"]

    def waiting() -> list[str]:
        (shown,) = ask("GET", "/api/forgets").json()
        return list(shown["waiting"])

    first = waiting()
    answer(centre, "centre-CKHN.1", ref)
    second = waiting()
    page = ask("GET", "/board").text
    answer(centre, f"{gate}.1", ref)

    assert [first, second, waiting()] == [["centre-CKHN", gate], [gate], []]
    assert "Đã xóa dữ liệu cá nhân" in page
    assert "chưa trả lời:" in page
    assert "mọi máy đã xóa" in ask("GET", "/board").text


def test_a_revoked_node_is_not_waited_for(ask: Any, administer: Any, gate: str, declared: Any) -> None:
    administer("POST", f"/api/declarations/{declared['no']}/forget")
    administer("POST", f"/api/nodes/{gate}/revoke")

    assert ask("GET", "/api/forgets").json()[0]["waiting"] == ["centre-CKHN"]


def test_only_the_administrator_forgets(ask: Any, declared: Any) -> None:
    urls = (f"/api/declarations/{declared['no']}/forget", "/api/officers/bp-1/forget")
    assert [ask("POST", url).status_code for url in urls] == [401, 401]


@pytest.mark.parametrize("url", ["/api/declarations/2026112399999/forget", "/api/officers/nobody/forget"])
def test_what_is_not_known_cannot_be_forgotten(administer: Any, url: str) -> None:
    assert administer("POST", url).status_code == 404


@pytest.mark.parametrize(
    ("body", "holds"),
    [
        ({"name": {"commitment": "a"}}, True),
        ({"vehicles": [{}, {"driver": {"name": {"commitment": "a"}}}]}, True),
        ({"vehicles": [{"driver": {}}], "no": "1"}, False),
        ({}, False),
    ],
)
def test_personal_values_are_found_by_their_commitments(body: Any, holds: bool) -> None:
    assert commits(body) is holds
