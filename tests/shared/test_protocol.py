"""What travels: batches bounded and signed, vectors signed, and nothing foreign taken in."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.facts import MOST_FACT_BYTES, BadFact, BadSignature, BrokenChain, PrivateValue, commit
from shared.journal import SignedHead
from shared.protocol import (
    MOST_BATCH_BYTES,
    MOST_PAYLOAD_BYTES,
    PAGE_FACTS,
    PAYLOADS,
    Ask,
    Batch,
    Status,
    Vector,
    WireHead,
    WireSignedHead,
    ask_topic,
    batch,
    batches,
    decode,
    encode,
    facts_topic,
    fill_topic,
    open_batch,
    pictures_topic,
    sender_of,
    status_topic,
    vector_topic,
)
from tests.builders import Journal, declared_body, key, note

NAME = "gate-1.1"
KEY = key(NAME)


def journal_of(count: int, text: str = "") -> Journal:
    journal = Journal(NAME)
    for number in range(count):
        journal.write(note(f"{number} {text}"))
    return journal


@pytest.fixture
def journal() -> Journal:
    """Four facts of gate-1."""
    return journal_of(4)


# -- batches


def test_a_batch_carries_facts_and_personal_values_there_and_back() -> None:
    vehicle = {"vehicle": "v1", "plate": "12C12345", "country": "VN", "driver": {"name": "Nông Văn An"}}
    body, private = commit(declared_body(vehicles=[vehicle]), ["/vehicles/0/driver/name"])
    journal = Journal(NAME)
    journal.write(replace(note(private=private, kind="declared"), body=body))
    sent = batch(journal.sealed, journal.signed)
    run, signed = open_batch(decode(encode(sent), Batch), [KEY.public])
    assert run == journal.sealed
    assert run[0].private["/vehicles/0/driver/name"].value == "Nông Văn An"
    assert signed == journal.signed


def test_nulls_inside_a_body_survive_the_journey() -> None:
    journal = Journal(NAME)
    journal.write(replace(note(), body={"no": "2026112300001", "reason": None, "deep": [{"x": None}]}))
    run, _ = open_batch(decode(encode(batch(journal.sealed, journal.signed)), Batch), [KEY.public])
    assert run == journal.sealed


@given(st.floats(-(2**53) + 1, 2**53 - 1), st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_every_number_and_text_in_a_body_survives_the_journey(number: float, text: str) -> None:
    journal = Journal(NAME)
    journal.write(replace(note(), body={"number": number, "text": text, text: [0.9731, 18000.0]}))
    run, _ = open_batch(decode(encode(batch(journal.sealed, journal.signed)), Batch), [KEY.public])
    assert run == journal.sealed
    assert run[0].fact.body_text == journal.facts[0].body_text


def test_text_travels_as_utf8() -> None:
    assert "Hữu Nghị 桂😀".encode() in encode(Ask(journal="Hữu Nghị 桂😀", after=0))


def test_what_is_no_unicode_is_not_sent() -> None:
    with pytest.raises(BadFact, match="Ask"):
        encode(Ask.model_construct(journal="\ud800", after=0))


def test_batches_are_bounded_in_bytes_and_lose_nothing() -> None:
    journal = journal_of(1000, "dài " * 200)
    cut = list(batches(journal.sealed, KEY))
    assert len(cut) > 1
    assert all(len(encode(one)) <= MOST_BATCH_BYTES * 1.1 for one in cut)
    assert [one for part in cut for one in open_batch(part, [KEY.public])[0]] == journal.sealed


def test_batches_are_bounded_in_facts() -> None:
    journal = journal_of(PAGE_FACTS + 1)
    assert [len(one.facts) for one in batches(journal.sealed, KEY)] == [PAGE_FACTS, 1]


def test_a_batch_closes_before_it_grows_past_its_bytes() -> None:
    journal = Journal(NAME)
    for _ in range(5):
        journal.write(replace(note(), body={"much": "x" * (MOST_BATCH_BYTES // 4)}))
    assert [len(one.facts) for one in batches(journal.sealed, KEY)] == [3, 2]


def test_a_fact_too_large_for_any_message_is_never_sealed() -> None:
    with pytest.raises(BadFact, match="at most"):
        Journal(NAME).write(replace(note(), body={"much": "x" * MOST_FACT_BYTES}))


def test_the_signature_that_a_run_has_at_its_end_is_not_made_anew(journal: Journal) -> None:
    end = SignedHead(journal.head, "its own")
    assert next(batches(journal.sealed, KEY, end)).head.signature == "its own"
    assert next(batches(journal.sealed[:2], KEY, end)).head.signature != "its own"


def test_no_facts_are_no_batch() -> None:
    assert list(batches([], KEY)) == []


def test_a_batch_signed_by_another_key_is_refused(journal: Journal) -> None:
    forged = batch(journal.sealed, SignedHead.sign(journal.head, key("somebody else")))
    with pytest.raises(BadSignature):
        open_batch(forged, [KEY.public])


def test_a_batch_with_a_gap_inside_is_refused(journal: Journal) -> None:
    with pytest.raises(BrokenChain):
        open_batch(batch([*journal.sealed[:1], *journal.sealed[2:]], journal.signed), [KEY.public])


def test_a_batch_with_facts_swapped_is_refused(journal: Journal) -> None:
    first, second, *rest = journal.sealed
    with pytest.raises(BrokenChain):
        open_batch(batch([second, first, *rest], journal.signed), [KEY.public])


def test_a_batch_whose_signed_head_is_not_the_head_of_its_run_is_refused(journal: Journal) -> None:
    with pytest.raises(BadSignature, match="not the head of the run"):
        open_batch(batch(journal.sealed[:-1], journal.signed), [KEY.public])


def test_a_batch_cannot_bring_facts_into_another_journal(journal: Journal) -> None:
    sent = batch(journal.sealed, journal.signed).model_copy(update={"journal": "gate-2.1"})
    with pytest.raises(BrokenChain):
        open_batch(sent, [KEY.public])


def test_an_empty_batch_is_refused(journal: Journal) -> None:
    with pytest.raises(BadFact, match="no facts"):
        open_batch(batch([], journal.signed), [KEY.public])


def test_a_changed_fact_in_a_batch_is_refused(journal: Journal) -> None:
    sent = json.loads(encode(batch(journal.sealed, journal.signed)))
    sent["facts"][1]["fact"]["body"]["reason"] = "changed on the way"
    with pytest.raises(BadFact, match="hash"):
        open_batch(Batch.model_validate(sent), [KEY.public])


def test_a_batch_with_a_false_personal_value_is_refused(journal: Journal) -> None:
    run = [replace(journal.sealed[0], private={"/reason": PrivateValue("00", "x")}), *journal.sealed[1:]]
    with pytest.raises(BadFact, match="does not open"):
        open_batch(batch(run, journal.signed), [KEY.public])


# -- payloads


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not json",
        b'{"journal": "gate-1.1"}',
        b'{"journal": "gate-1.1", "after": -1}',
        b'{"journal": 1, "after": 1}',
        b"[]",
        b"null",
        b'{"journal": "\xff\xfe", "after": 1}',
        b'{"journal": "\\ud800", "after": 1}',
        b'{"journal": "gate-1.1", "after": NaN}',
        b'{"journal": "gate-1.1", "after": 1e999}',
        b'{"journal": "gate-1.1", "after": 1} {}',
        '{"journal": "gate-1.1", "after": 1}'.encode("utf-16"),
        b"[" * 100_000,
        b'{"journal": "gate-1.1", "after": ' + b"9" * 10_000 + b"}",
    ],
    ids=lambda payload: repr(payload[:30]),
)
def test_a_payload_that_is_not_of_its_form_is_refused(payload: bytes) -> None:
    with pytest.raises(BadFact, match="no Ask"):
        decode(payload, Ask)


def test_a_payload_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(BadFact, match="larger than"):
        decode(b" " * (MOST_PAYLOAD_BYTES + 1), Ask)


@pytest.mark.parametrize(
    "number", ["NaN", "-Infinity", "1e999", "9007199254740993", "1e17", "[" * 40 + "]" * 40]
)
def test_a_body_with_what_is_no_canonical_json_is_refused(journal: Journal, number: str) -> None:
    text = (
        encode(batch(journal.sealed, journal.signed))
        .decode()
        .replace(f'"{note("3 ").body["reason"]}"', number)
    )
    assert number in text
    with pytest.raises(BadFact):
        open_batch(decode(text.encode(), Batch), [KEY.public])


def test_of_a_member_named_twice_the_last_counts() -> None:
    assert decode(b'{"journal": "a.1", "journal": "gate-1.1", "after": 3}', Ask).journal == "gate-1.1"


def test_members_of_a_later_version_are_passed_over() -> None:
    asked = decode(b'{"journal": "gate-1.1", "after": 3, "priority": "high"}', Ask)
    assert asked == Ask(journal="gate-1.1", after=3)


@pytest.mark.parametrize(
    "message",
    [
        Ask(journal="gate-1.1", after=0),
        Status(node="gate-1", site="CKHN", online=False),
        Vector(
            node="gate-1", site="CKHN", incarnation=1, at="x", heads={"a.1": WireHead(seq=1, hash="0" * 64)}
        ),
        Batch(journal="a.1", facts=[], head=WireSignedHead(seq=1, hash="0" * 64, signature="s")),
    ],
    ids=lambda message: type(message).__name__,
)
def test_every_payload_reads_back(message: Any) -> None:
    assert type(message) in PAYLOADS.values()
    assert decode(encode(message), type(message)) == message


# -- vectors


@pytest.fixture
def vector() -> Vector:
    """A vector of gate-1, signed."""
    heads = {"centre-CKHN.1": WireHead(seq=12, hash="a" * 64), "gate-1.1": WireHead(seq=3, hash="b" * 64)}
    return Vector(node="gate-1", site="CKHN", incarnation=4, at="2026", heads=heads).sign(KEY)


def test_a_signed_vector_is_believed_after_its_journey(vector: Vector) -> None:
    decode(encode(vector), Vector).check(KEY.public)


@pytest.mark.parametrize(
    "changes",
    [
        {"node": "gate-2"},
        {"site": "TT"},
        {"incarnation": 3},
        {"at": "2025"},
        {"heads": {"gate-1.1": WireHead(seq=2, hash="b" * 64)}},
        {"heads": {}},
        {"signature": ""},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_vector_changed_in_any_member_is_refused(vector: Vector, changes: dict[str, Any]) -> None:
    with pytest.raises(BadSignature, match="Vector: not signed"):
        vector.model_copy(update=changes).check(KEY.public)


def test_a_vector_signed_by_another_node_is_refused(vector: Vector) -> None:
    with pytest.raises(BadSignature):
        vector.check(key("gate-2.1").public)


def test_a_vector_of_a_later_version_is_still_believed() -> None:
    """Its author signed members that we do not know."""

    class LaterHead(WireHead):
        received: str

    class LaterVector(Vector):
        cut_since: str
        heads: dict[str, LaterHead]  # type: ignore[assignment]

    later = LaterVector(
        node="gate-1",
        site="CKHN",
        incarnation=1,
        at="2028",
        heads={"gate-1.1": LaterHead(seq=1, hash="b" * 64, received="2028")},
        cut_since="2028",
    ).sign(KEY)
    ours = decode(encode(later), Vector)
    ours.check(KEY.public)
    assert ours.heads["gate-1.1"].seq == 1


# -- topics


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        (facts_topic("CKHN", "gate-1"), "facts"),
        (vector_topic("CKHN", "gate-1"), "vector"),
        (status_topic("CKHN", "gate-1"), "status"),
        (pictures_topic("CKHN", "gate-1"), "pictures"),
        (ask_topic("CKHN", "centre-CKHN", "gate-1"), "ask"),
        (fill_topic("CKHN", "gate-2", "gate-1"), "fill"),
    ],
)
def test_the_last_name_of_a_topic_is_its_sender(topic: str, kind: str) -> None:
    assert topic.endswith("/gate-1")
    assert sender_of(topic) == (kind, "CKHN", "gate-1")


@pytest.mark.parametrize(
    "topic", ["", "barie", "barie/1/facts/CKHN", "barie/2/facts/CKHN/gate-1", "$SYS/a/b/c/d"]
)
def test_topics_of_others_have_no_sender(topic: str) -> None:
    assert sender_of(topic) is None


def test_a_null_that_was_signed_is_sent() -> None:
    vector = Vector.model_validate(
        {
            "node": "n",
            "site": "s",
            "incarnation": 1,
            "at": "t",
            "heads": {},
            "checkpoint": None,
            "later": None,
        }
    ).sign(KEY)
    decode(encode(vector), Vector).check(KEY.public)
