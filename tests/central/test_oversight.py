"""What the technician must look into: messages set aside, flags and forks, refusals, events, witnesses."""

from typing import Any

import pytest

from central.centre import Centre
from central.notices import event
from shared.bodies import ClockStepped, JournalBegun, StoreRecovered, dump
from shared.facts import Draft
from shared.journal import Head, SignedHead
from shared.node.peers import Heard
from shared.protocol import Status, Vector, WireHead
from shared.signing import PrivateKey
from shared.words import Language
from tests.builders import Journal, key, note
from tests.engines import on_both_engines

pytestmark = on_both_engines

HASH = "0" * 64
TOPIC = "barie/1/facts/CKHN/gate-2"


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


def shown_gate(ask: Any) -> Any:
    (gate,) = ask("GET", "/api/gates").json()
    return gate


def fork(centre: Centre) -> None:
    """Two histories of gate-2's journal after its first fact arrive."""
    first = Journal("gate-2.1")
    first.write(note("both"))
    second = Journal("gate-2.1", list(first.sealed))
    for journal, text in ((first, "one"), (second, "other")):
        journal.write(note(text))
        centre.store.absorb(journal.sealed, SignedHead.sign(journal.head, key("gate-2.1")))


def test_what_was_set_aside_is_told_with_its_reason_until_it_is_acknowledged(
    ask: Any, administer: Any, centre: Centre
) -> None:
    for _ in range(2):
        centre.store.quarantine(TOPIC, b"x" * 900, "not signed by its author's key")

    (row,) = administer("GET", "/api/quarantine").json()
    before = ask("GET", "/board").text
    answer = administer("POST", f"/api/quarantine/{row['digest']}/acknowledge")

    assert (row["times"], row["source"], row["acknowledged"], len(row["payload"])) == (2, TOPIC, False, 500)
    assert "not signed by its author" in before
    assert answer.status_code == 204
    assert "not signed by its author" not in ask("GET", "/board").text
    assert administer("GET", "/api/quarantine").json()[0]["acknowledged"] is True


def test_what_was_set_aside_may_hold_personal_values_and_is_the_administrators(ask: Any) -> None:
    assert ask("GET", "/api/quarantine").status_code == 401
    assert ask("POST", f"/api/quarantine/{HASH}/acknowledge").status_code == 401


def test_nothing_of_that_digest_cannot_be_acknowledged(administer: Any) -> None:
    assert administer("POST", f"/api/quarantine/{HASH}/acknowledge").status_code == 404


def test_a_fork_is_flagged_with_both_branches_and_stands_on_the_gates_card(
    ask: Any, centre: Centre, gate: str
) -> None:
    fork(centre)

    (flag,) = ask("GET", "/api/flags").json()
    board = ask("GET", "/board").text

    assert (flag["node"], flag["why"], flag["ref"]) == (gate, "forked", "gate-2.1/2")
    assert [(one["branch"], one["seq"]) for one in flag["branches"]] == [(0, 2), (1, 2)]
    assert len({one["hash"] for one in flag["branches"]}) == 2
    assert shown_gate(ask)["branches"] == flag["branches"]
    assert "Nhật ký gate-2.1 tách nhánh: nhánh 1 đến số 2" in board
    assert "hai máy cùng ghi một nhật ký" in board


def test_a_twin_is_a_flag_of_the_node_itself(ask: Any, centre: Centre) -> None:
    centre.store.flag("node/centre-CKHN", "twin", "another PC speaks under this name")

    (flag,) = ask("GET", "/api/flags").json()

    assert (flag["node"], flag["why"], flag["branches"]) == ("centre-CKHN", "twin", [])


def test_who_refuses_a_gates_facts_is_told_from_the_number_on(
    ask: Any, centre: Centre, clocks: Any, gate: str
) -> None:
    vector = Vector(
        node="gate-1",
        site="CKHN",
        incarnation=1,
        at="2026-11-23T01:00:00.000Z#0000",
        heads={"gate-2.1": WireHead(seq=3, hash=HASH)},
        refused={"gate-2.1": WireHead(seq=9, hash=HASH)},
    )
    centre.gates.watch({"gate-1": Heard(vector, clocks.monotonic_s)})
    centre.gates.watch_own("centre-CKHN", lambda: {"gate-2.1": Head("gate-2.1", 5, HASH)})

    assert shown_gate(ask)["refused_by"] == [
        {"by": "centre-CKHN", "journal": "gate-2.1", "seq": 1},
        {"by": "gate-1", "journal": "gate-2.1", "seq": 4},
    ]
    assert f"{gate}: dữ kiện bị từ chối từ số 4 của gate-2.1 (tại gate-1)" in ask("GET", "/board").text


def test_a_gates_own_counts_are_shown(ask: Any, centre: Centre, clocks: Any, gate: str) -> None:
    status = Status(
        node=gate, site="CKHN", online=True, unsent=3, unseen=2, quarantined=7, refused=["gate-9"], disk="low"
    )
    centre.gates.take_status(status, clocks.monotonic_s)

    shown, board = shown_gate(ask), ask("GET", "/board").text

    assert [shown[name] for name in ("unsent", "unseen", "quarantined", "disk")] == [3, 2, 7, "low"]
    assert shown["refused"] == ["gate-9"]
    for words in ("Chưa máy nào khác giữ", "Gói tin bị loại", "bị gate-9 từ chối", "Đĩa sắp đầy"):
        assert words in board


def test_the_last_ten_events_of_a_gate_are_told_the_newest_first(
    ask: Any, centre: Centre, clocks: Any, gate: str
) -> None:
    for seconds in range(12):
        clocks.pass_s(1)
        body = ClockStepped(by_s=float(seconds), followed=True, source="clock")
        centre.store.append(
            "gate-2.1", centre.journals.key, [Draft("clock_stepped", "node/gate-2", dump(body))]
        )

    events = shown_gate(ask)["events"]

    assert [one["body"]["by_s"] for one in events] == [float(seconds) for seconds in range(11, 1, -1)]
    assert f'id="events-{gate}"' in ask("GET", "/board").text


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        (
            "journal_begun",
            JournalBegun(left="gate-2.1", seq=9, hash=HASH, cause="forked"),
            ("gate-2.1", "9"),
        ),
        ("clock_stepped", ClockStepped(by_s=-3600, followed=False, source="clock"), ("-3600.0",)),
        (
            "store_recovered",
            StoreRecovered(set_aside="facts.db.broken", why="disk image", salvaged={"gate-2.1": 8}),
            ("facts.db.broken", "disk image", "8"),
        ),
    ],
)
def test_an_event_is_a_sentence_with_what_befell(
    language: Language, kind: str, body: Any, shown: tuple[str, ...]
) -> None:
    fact = Journal("gate-2.2").write(Draft(kind, "node/gate-2", dump(body)))

    sentence = event(language, fact)

    assert sentence != kind
    assert all(word in sentence for word in shown)


def test_journals_are_told_with_who_was_seen_to_hold_them_how_far(ask: Any, centre: Centre) -> None:
    centre.store.append("gate-2.1", centre.journals.key, [note("1"), note("2")])
    for witness, seq in (("gate-1", 2), ("gate-3", 1), ("gate-2", 2)):
        centre.store.engine.execute(
            "INSERT INTO heads_seen(witness, journal, seq, hash, at) VALUES (?, ?, ?, ?, ?)",
            (witness, "gate-2.1", seq, HASH, "2026-11-23T01:00:00.000Z#0000"),
        )

    (held,) = ask("GET", "/api/journals").json()

    assert (held["journal"], held["head"], held["floor"], len(held["branches"])) == ("gate-2.1", 2, 0, 1)
    assert [(one["witness"], one["seq"]) for one in held["seen"]] == [("gate-1", 2), ("gate-3", 1)]
