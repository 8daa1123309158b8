"""Whatever anybody sends a node: it does not fall over, only what is genuine counts, and honest messages are taken after."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from central.centre import Centre
from central.configuration import CentreConfiguration
from central.leading import Alone, Leading
from central.server import SiteLink
from shared import protocol
from shared.fees import Routing
from shared.node import beginning
from shared.node.asking import REFUSED_FIRST_S, REFUSED_MOST_S
from shared.node.declarations import Declarations
from shared.node.link import LinkSettings, Received
from shared.node.store import MOST_QUARANTINED, Store
from shared.tariffs import Tariffs
from tests.builders import SITE, Journal, key, note
from tests.faults.hostile import (
    ASK,
    BIG,
    CHECKPOINT,
    FACTS,
    FILL,
    FRIEND,
    ME,
    ODD,
    STRANGER,
    VECTOR,
    Victim,
    declared,
    forged,
    manifest_of,
    mutated,
    samples,
    vector_of,
)
from tests.shared.members import CENTRE, CENTRE_JOURNAL, enrolment


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    one = Victim(tmp_path)
    yield one
    one.close()


NAMES = [
    "another key", "a stranger", "the centre's journal, by a gate", "a fork by another key", "a changed fact",
    "a fact left out", "facts the wrong way round", "no facts", "a private value nobody committed to",
    "history nobody asked for", "a vector by another key", "the centre's vector, by a gate",
    "a vector under another name", "a vector of a stranger", "a vector of another site", "a vector from no time",
    "a manifest by a gate", "a manifest on a gate's topic", "a manifest of another site",
    "a root certificate of nobody",
]  # fmt: skip


def test_every_forgery_has_its_test(victim: Victim) -> None:
    assert sorted(forged(victim)) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_genuine_counts_nothing(victim: Victim, name: str) -> None:
    before = victim.counts()
    topic, message = forged(victim)[name]
    victim.hand_in(topic, message)
    assert victim.counts() == before
    assert victim.takes_honest_facts()


def test_centre_kinds_in_a_gates_journal_are_kept_and_give_nobody_anything(victim: Victim) -> None:
    rogue = Journal("gate-1.1", list(victim.friend.sealed[:4]))
    for draft in (enrolment(STRANGER), note(kind="recalled"), declared(), note(kind="root_rotated")):
        rogue.write(draft)
    before = victim.counts()
    victim.hand_in(FACTS, victim.link.batch(rogue, 5, 8))
    after = victim.counts()
    assert victim.store.head("gate-1.1").seq == 8
    assert {name for name in before if before[name] != after[name]} == {"facts", "heads"}


def test_what_was_said_before_changes_nothing_when_it_is_said_again(victim: Victim) -> None:
    old, new = vector_of(victim, incarnation=1), vector_of(victim)
    for vector in (old, new):
        victim.hand_in(VECTOR, vector)
    assert victim.takes_honest_facts()
    before = victim.counts()
    for _ in range(3):
        victim.hand_in(VECTOR, old)
        victim.hand_in(protocol.facts_topic(SITE, CENTRE), victim.link.batch(victim.centre, 1, 3))
        for start, end in ((1, 4), (2, 3), (5, 8), (1, 8)):
            victim.hand_in(FACTS, victim.link.batch(victim.friend, start, end))
    assert victim.counts() == before
    assert victim.quarantined() == []


@pytest.mark.parametrize("which", ["batch", "vector", "manifest"])
def test_a_message_cut_short_anywhere_counts_nothing(victim: Victim, which: str) -> None:
    topic, message = {
        "batch": (FACTS, victim.link.batch(victim.friend, 5, 6)),
        "vector": (VECTOR, vector_of(victim)),
        "manifest": (CHECKPOINT, manifest_of(victim)[0]),
    }[which]
    payload = protocol.encode(cast(protocol.Message, message))
    before = victim.counts()
    for length in range(len(payload)):
        victim.hand_in(topic, payload[:length])
    assert victim.counts() == before
    assert len(victim.quarantined()) == min(len(payload), MOST_QUARANTINED)
    assert victim.takes_honest_facts()


@pytest.mark.parametrize("topic", [FACTS, FILL, ASK, VECTOR, CHECKPOINT, f"barie/1/facts/{SITE}/+", "x/y"])
@pytest.mark.parametrize("name", ODD)
def test_what_is_no_message_counts_nothing(victim: Victim, topic: str, name: str) -> None:
    before = victim.counts()
    victim.hand_in(topic, ODD[name])
    assert victim.counts() == before
    assert victim.takes_honest_facts()


@pytest.mark.parametrize(
    "ask",
    [
        {"journal": "gate-1.1", "known": [{"seq": 2**53 - 1 - n, "hash": "ab" * 32} for n in range(100)]},
        {"journal": "gate-1.1", "known": [{"seq": BIG, "hash": "ab" * 32}]},
        {"journal": "gate-1.1", "known": [{"seq": n, "hash": "0" * 64} for n in range(101)]},
        {"journal": "gate-1.1", "after": 2**53 - 1},
        {"journal": "gate-1.1", "below": 2**53 - 1},
        {"journal": "centre-TT.1", "after": 0},
        {"journal": "../../etc/passwd", "after": 0},
        {"journal": "'; DROP TABLE facts; --", "after": 0},
        {"part": "../" * 20 + "abcd"},
        {"part": "ab" * 32},
    ],
)
def test_an_insane_question_gets_no_answer_but_facts_of_the_site(victim: Victim, ask: dict[str, Any]) -> None:
    before = victim.counts()
    victim.hand_in(ASK, json.dumps(ask).encode())
    assert victim.counts() == before
    for topic, payload in victim.link.sent:
        answer = protocol.decode(payload, protocol.Batch)
        assert (topic, answer.journal) == (protocol.fill_topic(SITE, FRIEND, ME), "gate-1.1")


def test_parts_nobody_asked_for_are_not_kept(victim: Victim, tmp_path: Path) -> None:
    before = victim.counts()
    part = zlib.compress(b"[" * 10_000_000)
    digest = hashlib.sha256(part).hexdigest()
    for name in (digest, "ab" * 32, "../../facts", "", "\0"):
        victim.hand_in(FILL, part, part=name)
    assert victim.counts() == before
    assert list((tmp_path / "checkpoint").glob("*")) == []


@pytest.mark.parametrize(
    "content",
    [
        b" " * 100_000_000,
        b"[" * 500_000,
        b'{"facts":[1]}',
        b'{"facts":[{"fact":{},"private":[]}]}',
        b'{"facts":[{"fact":[],"private":{}}]}',
        b"\xff",
    ],
)
def test_a_part_that_bursts_is_said_and_nothing_of_it_is_taken(
    victim: Victim, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The centre itself signed it: its key was stolen, or its program is broken."""
    monkeypatch.setattr(beginning, "LEAP", 0)
    part = zlib.compress(content)
    digest = hashlib.sha256(part).hexdigest()
    manifest, _ = manifest_of(victim, parts=[{"sha256": digest, "facts": 1}])
    victim.hand_in(CHECKPOINT, manifest)
    before = victim.counts()
    victim.hand_in(FILL, part, part=digest)
    assert victim.counts() == before
    assert victim.takes_honest_facts()


def test_a_poison_message_is_kept_once_told_as_refused_and_asked_for_after_growing_pauses_only(
    victim: Victim,
) -> None:
    victim.hand_in(VECTOR, vector_of(victim))
    poison = victim.link.batch(victim.friend, 5, 8, signed_by="gate-9.1")
    asked_at_s: list[float] = []
    for _ in range(4 * 3000):
        victim.now_s += 0.25
        victim.link.sent.clear()
        victim.tick()
        if victim.link.asked():
            asked_at_s.append(victim.now_s)
            victim.hand_in(FILL, poison)
    pauses = [after - before for before, after in pairwise(asked_at_s)]
    assert pauses[:7] == [REFUSED_FIRST_S * 2**n for n in range(7)]
    assert max(pauses) == REFUSED_MOST_S
    ((_, times),) = victim.quarantined()
    assert times == len(asked_at_s)
    assert victim.sync.vector().refused["gate-1.1"].seq == 8
    assert victim.takes_honest_facts()
    assert victim.sync.vector().refused == {}


def test_who_hands_out_poison_keeps_nobody_from_asking_the_others(victim: Victim) -> None:
    victim.hand_in(VECTOR, vector_of(victim))
    heads = {"gate-1.1": protocol.WireHead(seq=8, hash=victim.friend.head.hash)}
    victim.hand_in(
        protocol.vector_topic(SITE, CENTRE),
        vector_of(victim, node=CENTRE, signer=CENTRE_JOURNAL, heads=heads),
    )
    victim.hand_in(FILL, victim.link.batch(victim.friend, 5, 8, signed_by="gate-9.1"))
    for _ in range(8):
        victim.now_s += 0.25
        victim.tick()
    assert {to for to, _, _ in victim.link.asked()} == {CENTRE}


# -- ten thousand mutations


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_mutations_crash_nothing_and_nothing_of_them_counts(victim: Victim, seed: int) -> None:
    """What is still genuine after a mutation (white space, a member nobody reads) is genuine facts, and may be taken."""
    mutate(victim, Random(seed), 5_000)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_half_a_million_mutations_crash_nothing_and_nothing_of_them_counts(victim: Victim) -> None:
    mutate(victim, Random(), 500_000)


def mutate(victim: Victim, random: Random, many: int) -> None:
    genuine = {fact.hash for journal in (victim.centre, victim.friend) for fact in journal.facts}
    before = victim.counts()
    pool = samples(victim)
    for number in range(many):
        topic, payload = random.choice(pool)
        user = {"part": "ab" * 32} if random.random() < 0.02 else {}
        victim.hand_in(topic, mutated(payload, random), **user)
        if number % 100 == 0:
            victim.now_s += 1
            victim.tick()
            victim.link.sent.clear()
    after = victim.counts()
    assert {digest for *_, digest in after["facts"]} <= genuine
    may_differ = {"facts", "heads", "heard", "fresh"}
    assert {name for name in before if before[name] != after[name]} <= may_differ
    assert after["heads"].keys() == before["heads"].keys()
    assert all(heard == vector_of(victim) or heard.node == FRIEND for heard in after["heard"].values())
    assert len(victim.quarantined()) <= MOST_QUARANTINED
    assert victim.takes_honest_facts()


def test_what_is_set_aside_is_bounded_in_number_and_size(victim: Victim) -> None:
    for number in range(MOST_QUARANTINED + 200):
        victim.hand_in(FACTS, b"x" * 100_000 + str(number).encode())
    ((count, most),) = victim.store.rows("SELECT count(*), max(length(payload)) FROM quarantine")
    assert (count, most) == (MOST_QUARANTINED, 4000)


def test_a_vector_full_of_journals_that_nobody_writes_is_not_kept_on_disk(victim: Victim) -> None:
    head = protocol.WireHead(seq=1, hash="ab" * 32)
    victim.hand_in(VECTOR, vector_of(victim, heads={f"gate-1.{n}": head for n in range(1, 5000)}))
    victim.sync.witnesses.flush()
    assert victim.store.rows("SELECT journal FROM heads_seen WHERE journal <> 'gate-1.1'") == []


def test_batches_that_follow_nothing_do_not_fill_the_memory(victim: Victim) -> None:
    for number in range(1, 500):
        victim.hand_in(FACTS, victim.link.batch(victim.friend, 6, 6 + number % 3))
    assert len(victim.sync._receiving.parked) <= 3
    assert victim.takes_honest_facts()


# -- the centre


@pytest.fixture
def centre_link(tmp_path: Path) -> Iterator[SiteLink]:
    store = Store(tmp_path / "centre.db", [Declarations()])
    centre = Centre.of(
        store,
        key(CENTRE_JOURNAL),
        [SITE],
        tmp_path / "pictures",
        cast(Any, None),
        checkpoints=tmp_path / "checkpoints",
        tariffs=Tariffs(),
        routing=Routing(),
    )

    class Configuration:
        def link(self) -> LinkSettings:
            return LinkSettings("127.0.0.1", 1)

    yield SiteLink(centre, cast(CentreConfiguration, Configuration()), SITE, Leading(Alone()))
    store.close()


def test_the_centre_stands_mutated_statuses_and_pictures(centre_link: SiteLink, tmp_path: Path) -> None:
    status = protocol.encode(protocol.Status(node=FRIEND, site=SITE, online=True, unsent=3, refused=["x"]))
    picture = b"\xff\xd8\xff" + bytes(range(256))
    digest = hashlib.sha256(picture).hexdigest()
    random = Random(3)
    send: Callable[[Received], None] = centre_link.link._dispatch
    for payload in (*ODD.values(), *(mutated(status, random) for _ in range(1000))):
        send(Received(protocol.status_topic(SITE, FRIEND), payload, {}))
        send(Received(f"barie/1/status/{SITE}/{STRANGER}", payload, {}))
        for name in (digest, "../../../x", "", "\0", "ab" * 32):
            send(Received(protocol.pictures_topic(SITE, FRIEND), payload, {"sha256": name}))
    kept = list((tmp_path / "pictures").rglob("*.jpg"))
    assert kept == []
    send(Received(protocol.pictures_topic(SITE, FRIEND), picture, {"sha256": digest}))
    assert [file.stem for file in (tmp_path / "pictures").rglob("*.jpg")] == [digest]
