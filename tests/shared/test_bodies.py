"""What each kind of fact holds: strict about members nobody knows, silent about kinds nobody knows yet."""

from typing import Any

import pytest

from shared import bodies
from shared.bodies import BODIES, CENTRE_KINDS, dump, read_body, understood
from shared.body import Body
from shared.codes import Agency
from shared.declared import Declaration
from shared.facts import NO_HASH, BadFact, Draft, Fact, seal
from shared.published import publication
from tests.builders import NO, VEHICLE, declared_body, procedure, stamp

HASH = "0" * 64
MOMENT = "2026-11-23T01:00:00Z"
AT = {"passage": "gate-1.1/7", "place": "barrier-1", "heading": "out", "lane": "l1"}
DECISION = {"verdict": "open", "step": "4.2.g", "vector": {"gate-1.1": 9}, "ages_s": {"centre-CKHN.1": None}}

EXAMPLES: dict[str, dict[str, Any]] = {
    "declared": declared_body(),
    "amended": declared_body(version=2, quarantine={"plant_quarantine": "required"}),
    "recalled": {"no": NO, "reason": "khai sai"},
    "arrived": {"place": "barrier-1", "heading": "out", "lane": "l1"},
    "plate_read": {
        **AT,
        "text": "桂F0123",
        "country": "CN",
        "confidence": 0.98,
        "looks": 5,
        "agreeing": 4,
        "final": True,
        "candidates": [{"text": "桂F0128", "probability": 0.01}],
        "camera": "front",
        "picture": HASH,
    },
    "plate_corrected": {**AT, "text": "12C12345", "officer": "bp-1", "agency": "border_guard"},
    "confirmed": {
        "step": "4.2.đ",
        "place": "online",
        "declaration": NO,
        "vehicle": VEHICLE,
        "by": "tax",
        "officer": "t-1",
        "declared": "centre-CKHN.1/3",
        "saw": ["gate-1.1/2"],
        "decision": DECISION,
        "values": {"paid": "800000"},
    },
    "withdrawn": {"confirmation": "gate-1.1/2", "officer": "hq-1", "agency": "customs", "reason": "nhầm xe"},
    "refused": {**AT, "officer": "hq-1", "agency": "customs", "reason": "thiếu giấy tờ"},
    "open_requested": {
        "place": "barrier-1",
        "heading": "out",
        "lane": "l1",
        "by": "border_guard",
        "officer": "bp-1",
        "mode": "decision",
        "decision": DECISION,
    },
    "open_reason": {"request": "gate-1.1/8", "officer": "bp-1", "reason": "xe cứu thương"},
    "boom_seen": {"lane": "l1", "place": "barrier-1", "state": "opened", "request": "gate-1.1/8"},
    "passed": {**AT, "plate": "12C12345", "last_step": True},
    "turned_back": {**AT, "plate": "12C12345"},
    "yard_reported": {
        "declaration": NO,
        "vehicle": VEHICLE,
        "place": "yard-in",
        "plate": "12C12345",
        "record": "XC-2026-000123",
        "seen_at": MOMENT,
    },
    "gps_reported": {"declaration": NO, "vehicle": VEHICLE, "on": False, "since": MOMENT},
    "fee_paid": {
        "declaration": NO,
        "vehicle": VEHICLE,
        "amount_vnd": 300_000,
        "payment": "VCB.2026/11:0001",
        "channel": "online",
    },
    "node_enrolled": {
        "node": "gate-1",
        "site": "CKHN",
        "public_key": "k",
        "places": ["barrier-1"],
        "agencies": ["border_guard"],
    },
    "officer_enrolled": {
        "officer": "bp-1",
        "agency": "border_guard",
        "site": "CKHN",
        "valid_from": MOMENT,
        "valid_until": "2026-12-28T01:00:00+07:00",
        "name": {"commitment": HASH},
    },
    "officer_revoked": {"officer": "bp-1", "revoked_at": MOMENT},
    "node_revoked": {"node": "gate-1", "trusted": {"gate-1.1": 90, "gate-1.2": 0}, "reason": "mất máy"},
    "root_rotated": {
        "public_key": "k2",
        "left": "k1",
        "journal": "centre-CKHN.2",
        "ends": {"centre-CKHN.1": 7},
    },
    "procedure_published": dict(publication(procedure("4.3")).body),
    "settings_published": {
        "in_force_from": MOMENT,
        "readings": {"4.3.e": "wide"},
        "fee_before": {"4.2": "none"},
    },
    "forget": {"facts": ["centre-CKHN.1/3"], "reason": "theo yêu cầu của lái xe"},
    "forgotten": {"forget": "centre-CKHN.1/8"},
    "witnessed": {"heads": {"gate-2.1": {"seq": 9, "hash": HASH}}},
    "journal_begun": {"left": "gate-1.1", "seq": 90, "hash": HASH, "cause": "forked"},
    "clock_stepped": {"by_s": -3600.5, "followed": False, "source": "steady"},
    "store_recovered": {"set_aside": "store.db.bad", "why": "malformed", "salvaged": {"gate-1.1": 89}},
}


def fact(kind: str, body: dict[str, Any], v: int = 1) -> Fact:
    return seal(Draft(kind, "x", body, v=v), "gate-1.1", 1, stamp(), NO_HASH).fact


@pytest.mark.parametrize(("kind", "v"), sorted(BODIES))
def test_every_kind_takes_its_example_and_gives_it_back(kind: str, v: int) -> None:
    body = read_body(fact(kind, EXAMPLES[kind], v))
    assert type(body) is BODIES[kind, v]
    assert read_body(fact(kind, dump(body), v)) == body


@pytest.mark.parametrize(("kind", "v"), sorted(BODIES))
def test_every_kind_refuses_a_member_nobody_knows(kind: str, v: int) -> None:
    with pytest.raises(BadFact, match="surprise"):
        read_body(fact(kind, {**EXAMPLES[kind], "surprise": 1}, v))


@pytest.mark.parametrize(("kind", "v"), sorted(BODIES))
def test_every_kind_misses_what_it_needs(kind: str, v: int) -> None:
    for name, member in BODIES[kind, v].model_fields.items():
        if member.is_required():
            left = {other: value for other, value in EXAMPLES[kind].items() if other != name}
            with pytest.raises(BadFact, match=name):
                read_body(fact(kind, left, v))


@pytest.mark.parametrize(("kind", "v"), [("declared", 2), ("teleported", 1)])
def test_an_unknown_kind_or_version_is_not_understood(kind: str, v: int) -> None:
    strange = fact(kind, {"anything": 1}, v)
    assert not understood(strange)
    with pytest.raises(BadFact, match="upgrade this node"):
        read_body(strange)


def test_the_kinds_that_only_the_centre_may_write_exist() -> None:
    assert {kind for kind, _ in BODIES} >= CENTRE_KINDS


class OlderNote(Body):
    """A kind as version 3 of this test's program writes it."""

    text: str
    weight_kg: float
    lines: int


@pytest.fixture
def lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind that came to version 3, each version with a member that the one before named or counted otherwise."""
    monkeypatch.setitem(bodies.BODIES, ("weighed", 3), OlderNote)
    monkeypatch.setitem(
        bodies.UPCASTERS, ("weighed", 1), lambda body: {"text": body["note"], "weight_t": body["weight_t"]}
    )
    monkeypatch.setitem(
        bodies.UPCASTERS,
        ("weighed", 2),
        lambda body: {"text": body["text"], "weight_kg": body["weight_t"] * 1000, "lines": 1},
    )


@pytest.mark.usefixtures("lifted")
@pytest.mark.parametrize(
    ("v", "body"),
    [
        (3, {"text": "longan", "weight_kg": 18000, "lines": 1}),
        (2, {"text": "longan", "weight_t": 18}),
        (1, {"note": "longan", "weight_t": 18}),
    ],
)
def test_a_body_of_an_older_version_is_read_as_the_newest(v: int, body: dict[str, Any]) -> None:
    old = fact("weighed", body, v)
    assert understood(old)
    assert read_body(old) == OlderNote(text="longan", weight_kg=18000, lines=1)
    assert old.body == body


@pytest.mark.usefixtures("lifted")
@pytest.mark.parametrize(
    ("v", "body", "lacks"),
    [
        (1, {"weight_t": 18}, "note"),
        (2, {"text": "longan"}, "weight_t"),
        (2, {"text": "longan", "weight_t": None}, "lacks"),
    ],
)
def test_an_older_body_that_lacks_a_member_is_a_bad_fact(v: int, body: dict[str, Any], lacks: str) -> None:
    with pytest.raises(BadFact, match=lacks):
        read_body(fact("weighed", body, v))


@pytest.mark.usefixtures("lifted")
def test_an_older_body_is_held_to_the_newest_form_once_it_is_lifted() -> None:
    with pytest.raises(BadFact, match="text"):
        read_body(fact("weighed", {"text": 1, "weight_t": 18}, 2))


@pytest.mark.usefixtures("lifted")
@pytest.mark.parametrize("v", [4, 5])
def test_a_version_beyond_the_newest_stays_not_understood(v: int) -> None:
    newer = fact("weighed", {"text": "longan"}, v)
    assert not understood(newer)
    with pytest.raises(BadFact, match="upgrade this node"):
        read_body(newer)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("declared", {"no": "٢٠٢٦١١٢٣٠٠٠٠١"}),
        ("declared", {"no": "2026112300001\n"}),
        ("declared", {"no": "202611230000"}),
        ("declared", {"version": 0}),
        ("declared", {"vehicles": []}),
        ("declared", {"declared_at": "2026-11-23T08:00:00"}),
        ("declared", {"procedure": "four"}),
        ("officer_enrolled", {"valid_from": "2026-11-23T08:00:00"}),
        ("officer_revoked", {"revoked_at": "2026-11-23"}),
        ("plate_read", {"confidence": 1.01}),
        ("plate_read", {"picture": "../../etc/passwd"}),
        ("confirmed", {"saw": ["gate-1.1/01"]}),
        ("confirmed", {"declared": "somewhere"}),
        ("confirmed", {"by": "police"}),
        ("withdrawn", {"reason": "x" * 501}),
        ("arrived", {"lane": "l 1"}),
        ("node_revoked", {"trusted": {"gate-1": 3}}),
        ("node_revoked", {"trusted": {"gate-1.1": -1}}),
        ("root_rotated", {"journal": "centre-CKHN"}),
        ("forget", {"facts": []}),
        ("forget", {"facts": ["centre-CKHN.1/3"] * 501}),
        ("forgotten", {"forget": "centre-CKHN.1"}),
        ("witnessed", {"heads": {}}),
        ("witnessed", {"heads": {"gate-2.1": {"seq": 0, "hash": HASH}}}),
        ("journal_begun", {"cause": "bored"}),
        ("clock_stepped", {"source": "the sun"}),
    ],
)
def test_values_out_of_their_form_are_refused_by_name(kind: str, changes: dict[str, Any]) -> None:
    (name,) = changes
    with pytest.raises(BadFact, match=name):
        read_body(fact(kind, {**EXAMPLES[kind], **changes}))


def test_a_personal_value_cannot_stand_in_plain() -> None:
    vehicle = {"vehicle": VEHICLE, "plate": "12C12345", "country": "VN", "driver": {"name": "Nông Văn An"}}
    with pytest.raises(BadFact, match="driver"):
        read_body(fact("declared", declared_body(vehicles=[vehicle])))


def test_bodies_do_not_change() -> None:
    body: Body = read_body(fact("recalled", EXAMPLES["recalled"]))
    with pytest.raises(ValueError, match="frozen"):
        body.no = "2026112300002"  # type: ignore[attr-defined]


def test_a_quarantine_not_requested_is_not_required() -> None:
    declaration = Declaration.model_validate(declared_body(quarantine={"animal_quarantine": "required"}))
    assert [one for one in Agency if declaration.quarantine.requires(one)] == [Agency.ANIMAL_QUARANTINE]


def test_a_declaration_finds_its_vehicles() -> None:
    declaration = Declaration.model_validate(declared_body())
    found = declaration.find(VEHICLE)
    assert found is not None
    assert found.plate == "12C12345"
    assert declaration.find("v2") is None


@pytest.mark.parametrize("amount", [-1, 0.5, "300.000", True])
def test_money_is_whole_dong_written_as_a_number(amount: object) -> None:
    with pytest.raises(BadFact, match="amount_vnd"):
        read_body(fact("fee_paid", EXAMPLES["fee_paid"] | {"amount_vnd": amount}))


@pytest.mark.parametrize("source", [VEHICLE, "v9", "v3"])
def test_goods_are_received_from_another_vehicle_that_brings_them(source: str) -> None:
    """Neither from itself, nor from one that is not declared, nor from one that received them too."""
    vehicles = [
        {"vehicle": VEHICLE, "plate": "12C12345", "country": "VN", "receives_from": source},
        {"vehicle": "v2", "plate": "FA5325", "country": "CN"},
        {"vehicle": "v3", "plate": "29H99999", "country": "VN", "receives_from": "v2"},
    ]
    with pytest.raises(BadFact, match="receives_from"):
        read_body(fact("declared", declared_body(vehicles=vehicles)))
