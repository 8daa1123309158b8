"""Facts: sealed by hash, so that no field can be changed unseen; personal values only as commitments."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.canonical import MOST_DEPTH, canonical, digest
from shared.facts import (
    NO_HASH,
    BadFact,
    Draft,
    Fact,
    PrivateValue,
    Ref,
    Sealed,
    check_private,
    commit,
    read_envelope,
    seal,
)
from tests.builders import note, stamp

UNICODE = st.text(st.characters(codec="utf-8", exclude_characters="\0"))

BODY = {"no": "2026112300001", "driver": {"name": "Nông Văn An", "phone": None}, "goods": [{"name": "vải"}]}


def sealed(body: Any = BODY, **draft: Any) -> Sealed:
    return seal(Draft("declared", "declaration/1", body, **draft), "gate-1.1", 1, stamp(), NO_HASH)


def test_a_fact_reads_back_from_its_envelope() -> None:
    fact = sealed().fact
    assert read_envelope(fact.envelope()) == fact
    assert fact.ref == "gate-1.1/1"
    assert fact.stamp == stamp()


def test_the_same_draft_at_the_same_place_has_the_same_hash() -> None:
    assert sealed().fact == sealed().fact
    assert sealed().fact.hash != sealed({**BODY, "no": "2026112300002"}).fact.hash


@given(UNICODE, UNICODE, st.integers(1, 2**53 - 1))
def test_the_hash_is_that_of_the_canonical_envelope_without_it(subject: str, text: str, seq: int) -> None:
    body = {"no": "1", "reason": text, "weight_kg": 18000.0, text: 0.9731}
    fact = seal(Draft("declared", subject, body), "gate-1.1", seq, stamp(), NO_HASH).fact
    envelope = fact.envelope()
    assert fact.size_bytes == len(canonical(envelope))
    assert envelope.pop("hash") == fact.hash == digest(envelope)


def test_the_text_of_the_body_is_kept_and_stands_in_no_envelope() -> None:
    fact = sealed().fact
    assert fact.body_text.encode() == canonical(BODY)
    assert read_envelope(fact.envelope()).body_text == fact.body_text
    assert "body_text" not in fact.envelope()


def test_a_fact_that_came_without_the_text_of_its_body_writes_it_when_asked() -> None:
    fact = sealed().fact
    stored = Fact(**fact.envelope())
    assert stored == fact
    assert (stored.body_text, stored.text_of_body()) == ("", fact.body_text)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("v", 2),
        ("journal", "gate-2.1"),
        ("seq", 2),
        ("at", "2026-11-23T01:00:00.001Z#0000"),
        ("kind", "amended"),
        ("subject", "declaration/2"),
        ("body", {**BODY, "no": "2026112300002"}),
        ("prev", "1" * 64),
        ("hash", "1" * 64),
    ],
)
def test_changing_any_one_member_is_found(member: str, value: Any) -> None:
    envelope = sealed().fact.envelope()
    assert member in envelope
    with pytest.raises(BadFact):
        read_envelope({**envelope, member: value})


@given(st.data())
def test_changing_anything_deep_in_the_body_is_found(data: st.DataObject) -> None:
    goods = data.draw(st.lists(st.dictionaries(UNICODE, st.integers(0, 9), min_size=1), min_size=1))
    envelope = sealed({"goods": goods}).fact.envelope()
    line = data.draw(st.sampled_from(range(len(goods))))
    name = data.draw(st.sampled_from(sorted(goods[line])))
    changed = [dict(one) for one in goods]
    changed[line][name] += 1
    with pytest.raises(BadFact, match="hash"):
        read_envelope({**envelope, "body": {"goods": changed}})


@pytest.mark.parametrize(
    "envelope",
    [
        None,
        [],
        "fact",
        {},
        {**sealed().fact.envelope(), "signature": "x"},
        {name: member for name, member in sealed().fact.envelope().items() if name != "prev"},
    ],
    ids=["null", "list", "text", "empty", "one member more", "one member less"],
)
def test_an_envelope_has_exactly_its_nine_members(envelope: object) -> None:
    with pytest.raises(BadFact, match="exactly the members"):
        read_envelope(envelope)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("v", 0),
        ("v", True),
        ("v", "1"),
        ("v", 2**53),
        ("journal", "gate-1"),
        ("journal", "gate 1.1"),
        ("journal", "gate-1.0"),
        ("journal", "gate-1.1\n"),
        ("journal", 1),
        ("seq", 0),
        ("seq", 1.0),
        ("seq", 2**53),
        ("at", "yesterday"),
        ("at", None),
        ("kind", "Declared"),
        ("kind", "declared\n"),
        ("kind", ""),
        ("subject", "x" * 201),
        ("subject", None),
        ("body", []),
        ("prev", "F" * 64),
        ("prev", "0" * 64 + "\n"),
        ("hash", "0" * 63),
        ("hash", None),
    ],
)
def test_a_member_of_the_wrong_form_is_named(member: str, value: Any) -> None:
    with pytest.raises(BadFact, match=f"'{member}'"):
        read_envelope({**sealed().fact.envelope(), member: value})


def test_a_body_that_is_no_canonical_json_is_not_sealed() -> None:
    with pytest.raises(BadFact, match="declared"):
        sealed({"weight_kg": float("nan")})


@pytest.mark.parametrize("number", [2**53, 2.0**53, 1e20])
def test_a_number_that_no_reader_takes_is_not_sealed(number: float) -> None:
    with pytest.raises(BadFact, match="declared"):
        sealed({"weight_kg": number})


@pytest.mark.parametrize("draft", [{"v": 0}, {"v": True}, {"v": 2**53}])
def test_a_version_that_no_reader_takes_is_not_sealed(draft: dict[str, Any]) -> None:
    with pytest.raises(BadFact, match="version"):
        sealed(**draft)


@pytest.mark.parametrize("draft", [Draft("declared", "\ud800", {}), Draft("declared", "x", {"no": "\ud800"})])
def test_what_is_no_unicode_is_not_sealed(draft: Draft) -> None:
    with pytest.raises(BadFact, match="declared"):
        seal(draft, "gate-1.1", 1, stamp(), NO_HASH)


def test_a_body_nests_one_level_less_than_the_envelope() -> None:
    deep: Any = 0
    for _ in range(MOST_DEPTH - 2):
        deep = [deep]
    assert read_envelope(sealed({"deep": deep}).fact.envelope())
    with pytest.raises(BadFact, match=str(MOST_DEPTH)):
        sealed({"deep": [deep]})


def test_a_body_too_deep_that_came_from_elsewhere_is_refused() -> None:
    deep: Any = 0
    for _ in range(500):
        deep = [deep]
    with pytest.raises(BadFact):
        read_envelope({**sealed().fact.envelope(), "body": {"deep": deep}})


@pytest.mark.parametrize("text", ["gate-1.1/1", "centre-CKHN.12/9007199254740991"])
def test_a_reference_reads_back(text: str) -> None:
    assert str(Ref.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "gate-1.1", "gate-1/1", "gate-1.1/", "gate-1.1/0", "gate-1.1/01", "gate-1.1/-1", "gate-1.1/٢"],
)
def test_what_names_no_fact_is_refused(text: str) -> None:
    with pytest.raises(BadFact, match="names no fact"):
        Ref.parse(text)


# -- personal values


def test_commit_puts_a_commitment_in_the_values_place_and_leaves_the_rest() -> None:
    body, private = commit(BODY, ["/driver/name"])
    assert body["driver"]["name"] == {"commitment": private["/driver/name"].commitment}
    assert private["/driver/name"].value == "Nông Văn An"
    assert body["goods"] == BODY["goods"]
    assert BODY["driver"]["name"] == "Nông Văn An", "the given body is not changed"


def test_commit_reaches_into_lists() -> None:
    body, private = commit(BODY, ["/goods/0/name"])
    assert set(private) == {"/goods/0/name"}
    assert body["goods"][0]["name"] == {"commitment": private["/goods/0/name"].commitment}


def test_values_that_were_not_given_are_passed_over() -> None:
    assert commit(BODY, ["/driver/phone", "/driver/papers", "/goods/7/name", "/no/such/thing"]) == (BODY, {})


def test_the_same_value_committed_twice_looks_different() -> None:
    first, _ = commit(BODY, ["/driver/name"])
    second, _ = commit(BODY, ["/driver/name"])
    assert first != second


def test_no_plain_value_stands_in_the_envelope() -> None:
    body, private = commit(BODY, ["/driver/name"])
    one = sealed(body, private=private)
    assert "Nông Văn An" not in str(one.fact.envelope())
    check_private(one.fact, one.private)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda one: {"/driver/name": replace(one, value="Nông Văn Ân")},
        lambda one: {"/driver/name": replace(one, salt="00")},
        lambda one: {"/driver/phone": one},
        lambda _: {"/no": PrivateValue("00", "2026112300001")},
        lambda one: {"": one},
    ],
    ids=["other value", "other salt", "other place", "not committed at all", "whole body"],
)
def test_a_value_that_does_not_open_its_commitment_is_found(wrong: Any) -> None:
    body, private = commit(BODY, ["/driver/name"])
    with pytest.raises(BadFact, match="does not open"):
        check_private(sealed(body).fact, wrong(private["/driver/name"]))


def test_a_fact_without_its_personal_values_is_still_whole() -> None:
    body, _ = commit(BODY, ["/driver/name"])
    fact = sealed(body).fact
    check_private(fact, {})
    assert read_envelope(fact.envelope()) == fact


def test_facts_do_not_change() -> None:
    fact = seal(note(), "gate-1.1", 1, stamp(), NO_HASH).fact
    with pytest.raises(AttributeError):
        fact.seq = 2  # type: ignore[misc]


def test_a_subject_with_u_0000_is_neither_sealed_nor_read() -> None:
    with pytest.raises(BadFact, match=r"subject holds U\+0000"):
        seal(Draft("declared", "declaration/\0", BODY), "gate-1.1", 1, stamp(), NO_HASH)
    with pytest.raises(BadFact, match=r"subject holds U\+0000"):
        read_envelope({**sealed().fact.envelope(), "subject": "declaration/\0"})
