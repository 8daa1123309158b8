"""Checkpoints: what was put in comes out, and nothing that somebody changed on the way."""

import json
import zlib
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.canonical import digest
from shared.checkpoint import (
    MOST_PART_BYTES,
    PART_FACTS,
    Manifest,
    PartName,
    RootCertificate,
    open_part,
    pack_part,
    parts_of,
)
from shared.facts import BadFact, BadSignature, PrivateValue, Sealed
from shared.journal import Head
from shared.protocol import MOST_PAYLOAD_BYTES, WireHead, decode, encode
from tests.builders import SITE, Journal, key, note, stamp

ROOT = key("centre-CKHN.1")
HASH = "a" * 64
NAME = PrivateValue("00", "Nông Văn An")


def journal(count: int, text: str = "") -> Journal:
    """So many facts."""
    written = Journal("gate-1.1")
    for number in range(count):
        written.write(note(f"{number}{text}"))
    return written


def manifest(**more: Any) -> Manifest:
    """A checkpoint of the site, signed by the root."""
    heads = {"gate-1.1": WireHead(seq=2, hash=HASH)}
    parts = [PartName(sha256=HASH, facts=2)]
    return Manifest(site=SITE, at=str(stamp()), heads=heads, parts=parts, **more).sign(ROOT)


def changed(message: Manifest, **changes: Any) -> Manifest:
    """What arrives when somebody rewrites members on the way."""
    return decode(json.dumps(json.loads(encode(message)) | changes).encode(), Manifest)


def test_a_part_gives_its_facts_back_with_their_personal_values() -> None:
    facts = [Sealed(one.fact, {"/name": NAME}) for one in journal(3).sealed]
    assert open_part(pack_part(facts)) == facts


def test_parts_hold_every_fact_once_and_in_order() -> None:
    facts = journal(PART_FACTS + 1).sealed
    parts = list(parts_of(facts))
    assert [name.facts for name, _ in parts] == [PART_FACTS, 1]
    assert [one for _, payload in parts for one in open_part(payload)] == facts


def test_nothing_alive_gives_no_parts() -> None:
    assert list(parts_of([])) == []


def test_a_part_of_large_facts_still_fits_into_a_message_and_opens() -> None:
    """Texts that do not pack."""
    written = Journal("gate-1.1")
    for number in range(300):
        texts = {str(one): digest([number, one]) for one in range(700)}
        written.write(note(json.dumps(texts)[:60_000]))
    parts = list(parts_of(written.sealed))
    assert max(len(payload) for _, payload in parts) <= MOST_PAYLOAD_BYTES
    assert [one for _, payload in parts for one in open_part(payload)] == written.sealed


@given(at=st.integers(0), to=st.integers(0, 255))
def test_a_part_that_was_tampered_with_has_another_name(at: int, to: int) -> None:
    ((name, payload),) = parts_of(journal(3).sealed)
    spoilt = bytearray(payload)
    spoilt[at % len(payload)] = to
    ((again, _),) = parts_of(journal(3).sealed)
    assert again == name
    assert (sha256(bytes(spoilt)).hexdigest() == name.sha256) == (bytes(spoilt) == payload)


@pytest.mark.parametrize(
    "unpacked",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"facts": 1}',
        b'{"facts": [1]}',
        b'{"facts": [{"fact": {}, "private": {}}]}',
        b'{"facts": [{"fact": {"v": 1, "surprise": 2}, "private": {}}]}',
        b"[" * 100_000,
    ],
)
def test_a_part_that_is_no_part_is_a_bad_fact(unpacked: bytes) -> None:
    with pytest.raises(BadFact, match="no part of a checkpoint"):
        open_part(zlib.compress(unpacked))


@pytest.mark.parametrize("private", [[], 1, {"/name": 1}, {"/name": {}}, {"/name": {"salt": "00"}}])
def test_personal_values_of_a_wrong_form_are_a_bad_fact(private: Any) -> None:
    facts = [{"fact": journal(1).facts[0].envelope(), "private": private}]
    with pytest.raises(BadFact, match="no part of a checkpoint"):
        open_part(zlib.compress(json.dumps({"facts": facts}).encode()))


@given(st.binary(max_size=200))
def test_any_bytes_are_facts_or_a_bad_fact(payload: bytes) -> None:
    try:
        open_part(payload)
    except BadFact:
        return
    pytest.fail("these bytes are no part")


def test_a_part_cut_short_is_a_bad_fact() -> None:
    payload = pack_part(journal(20).sealed)
    with pytest.raises(BadFact):
        open_part(payload[: len(payload) // 2])


def test_a_bomb_is_unpacked_no_further_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[int] = []
    loads = json.loads

    def counted(text: bytes) -> Any:
        unpacked.append(len(text))
        return loads(text)

    bomb = zlib.compress(b" " * (10 * MOST_PART_BYTES), 9)
    monkeypatch.setattr("shared.checkpoint.json.loads", counted)
    with pytest.raises(BadFact):
        open_part(bomb)
    assert unpacked == [MOST_PART_BYTES]


def test_a_manifest_arrives_as_it_was_signed() -> None:
    arrived = decode(encode(manifest()), Manifest)
    arrived.check(ROOT.public)
    assert arrived.digest == manifest().digest
    assert arrived.all_heads() == {"gate-1.1": Head("gate-1.1", 2, HASH)}


@pytest.mark.parametrize(
    "changes",
    [
        {"site": "TT"},
        {"at": str(stamp(1))},
        {"heads": {}},
        {"heads": {"gate-1.1": {"seq": 3, "hash": HASH}}},
        {"parts": [{"sha256": "b" * 64, "facts": 2}]},
        {"parts": [{"sha256": HASH, "facts": 1}]},
        {"roots": []},
        {"surprise": 1},
    ],
)
def test_a_manifest_that_was_tampered_with_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadSignature):
        changed(manifest(), **changes).check(ROOT.public)


def test_a_manifest_of_another_key_is_refused() -> None:
    with pytest.raises(BadSignature):
        manifest().check(key("gate-1.1").public)


def test_members_that_a_later_version_adds_are_signed_and_kept() -> None:
    certificate = RootCertificate.model_validate({"fact": {}, "signature": "s", "later": 1})
    part = PartName.model_validate({"sha256": HASH, "facts": 1, "later": 2})
    newer = Manifest.model_validate(
        {"site": SITE, "at": "t", "heads": {}, "parts": [part], "roots": [certificate], "later": None}
    ).sign(ROOT)
    written = json.loads(encode(newer))
    assert (written["parts"][0]["later"], written["roots"][0]["later"], written["later"]) == (2, 1, None)
    decode(encode(newer), Manifest).check(ROOT.public)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"site": "CKHN", "at": "t", "heads": {}, "parts": [{"sha256": "../..", "facts": 1}]}',
    ],
)
def test_what_is_no_manifest_is_a_bad_fact(payload: bytes) -> None:
    with pytest.raises(BadFact):
        decode(payload, Manifest)
