"""Whatever anybody sends a node: it does not fall over, only what is genuine counts, and honest messages are taken after."""

import asyncio
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from central.centre import Centre
from central.configuration import CentreConfiguration
from central.server import SiteLink
from shared import protocol
from shared.authority import Authority
from shared.bodies import AUTHORITY_KINDS
from shared.checkpoint import Manifest, PartName, pack_part
from shared.node import beginning
from shared.node.asking import REFUSED_FIRST_S, REFUSED_MOST_S
from shared.node.checkpoints import Checkpoints
from shared.node.declarations import Declarations
from shared.node.link import LinkSettings, Received
from shared.node.projections import tables
from shared.node.store import MOST_QUARANTINED, Store
from shared.node.sync import SyncNode
from tests.builders import SITE, Journal, declared_body, key, note, stamp
from tests.shared.members import CENTRE, CENTRE_JOURNAL, HandedLink, enrolment, identity

ME, FRIEND, STRANGER = "gate-2", "gate-1", "gate-9"
FACTS = f"barie/1/facts/{SITE}/{FRIEND}"
FILL = f"barie/1/fill/{SITE}/{ME}/{FRIEND}"
ASK = f"barie/1/ask/{SITE}/{ME}/{FRIEND}"
VECTOR = f"barie/1/vector/{SITE}/{FRIEND}"
CHECKPOINT = f"barie/1/checkpoint/{SITE}/{CENTRE}"
BIG = 10**30


class Victim:
    """A gate that holds the centre's journal and half of gate-1's, with a loop to send its answers in."""

    def __init__(self, folder: Path) -> None:
        self.now_s = 1000.0
        self.loop = asyncio.new_event_loop()
        self.link = HandedLink()
        self.store = Store(folder / "facts.db", [Declarations()])
        self.checkpoints = Checkpoints(folder / "checkpoint")
        self.sync = SyncNode(
            self.store, self.link, identity(ME), lambda: self.now_s, checkpoints=self.checkpoints
        )
        self.centre, self.friend = Journal(CENTRE_JOURNAL), Journal("gate-1.1")
        for node in (FRIEND, ME):
            self.centre.write(enrolment(node))
        self.centre.write(declared())
        for number in range(8):
            self.friend.write(note(str(number)))
        self.hand_in(protocol.facts_topic(SITE, CENTRE), self.link.batch(self.centre, 1, 3))
        self.hand_in(FACTS, self.link.batch(self.friend, 1, 4))

    def hand_in(self, topic: str, message: protocol.Message | bytes, **user: str) -> None:
        """A message arrives; whatever is sent upon it is sent before this returns."""
        payload = message if isinstance(message, bytes) else protocol.encode(message)
        self.loop.run_until_complete(self._arrives(Received(topic, payload, user)))

    async def _arrives(self, received: Received) -> None:
        self.link._dispatch(received)
        await asyncio.sleep(0)

    def tick(self) -> None:
        """What is due."""
        self.loop.run_until_complete(self.sync.tick())

    def counts(self) -> dict[str, Any]:
        """All that a message could have changed of what the node holds, believes and shows."""
        rows = self.store.rows
        return {
            "facts": rows("SELECT journal, seq, branch, hash FROM facts ORDER BY position"),
            "private": rows("SELECT * FROM private_values"),
            "heads": self.store.heads(),
            "floors": self.store.floors(),
            "forked": self.store.forked(),
            "flags": self.store.flags(),
            "shown": [rows(f"SELECT * FROM {table}") for table in tables(Declarations())],
            "authority": Authority.of(SITE, self.store.of_kinds(AUTHORITY_KINDS)),
            "root": self.sync.trust.root,
            "keys": {node: self.sync.trust.node_keys(node) for node in (CENTRE, FRIEND, ME, STRANGER)},
            "checkpoint": self.checkpoints.manifest,
            "journal": self.sync.journal,
            "heard": {node: heard.vector for node, heard in self.sync.peers.heard.items()},
            "fresh": self.sync.ages_s(),
        }

    def quarantined(self) -> list[tuple[str, int]]:
        """Why something was set aside, and how often it came."""
        return list(self.store.rows("SELECT reason, times FROM quarantine ORDER BY number"))

    def takes_honest_facts(self) -> bool:
        """Whether an honest batch is still taken."""
        self.hand_in(FACTS, self.link.batch(self.friend, 5, 8))
        return self.store.head("gate-1.1") == self.friend.head

    def close(self) -> None:
        """Ends."""
        self.store.close()
        self.loop.close()


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    one = Victim(tmp_path)
    yield one
    one.close()


def declared() -> Any:
    return replace(note(kind="declared"), body=declared_body())


def vector_of(
    victim: Victim, *, node: str = FRIEND, signer: str | None = None, **changes: Any
) -> protocol.Vector:
    """A vector of gate-1, honest but for what is changed."""
    heads = {
        j.name: protocol.WireHead(seq=j.head.seq, hash=j.head.hash) for j in (victim.centre, victim.friend)
    }
    made = {"node": node, "site": SITE, "incarnation": 2, "at": str(stamp(60)), "heads": heads, **changes}
    return protocol.Vector.model_validate(made).sign(key(signer or f"{node}.1"))


def manifest_of(victim: Victim, *, signer: str = CENTRE_JOURNAL, **changes: Any) -> tuple[Manifest, bytes]:
    """A checkpoint of the centre that leads far ahead, and its only part."""
    part = pack_part(victim.centre.sealed)
    name = PartName(sha256=hashlib.sha256(part).hexdigest(), facts=3)
    heads = {CENTRE_JOURNAL: {"seq": 9000, "hash": "ab" * 32}}
    made = {"site": SITE, "at": str(stamp(90)), "heads": heads, "parts": [name], **changes}
    return Manifest.model_validate(made).sign(key(signer)), part


def forged(victim: Victim) -> dict[str, tuple[str, protocol.Message]]:
    """Messages that are well formed and not genuine, each with its topic."""
    stranger, usurper = Journal("gate-9.1"), Journal(CENTRE_JOURNAL)
    stranger.write(note())
    for one in victim.centre.sealed:
        usurper.sealed.append(one)
    usurper.write(enrolment(STRANGER))
    other = Journal("gate-1.1")
    for number in range(6):
        other.write(note(f"other {number}"))
    link = victim.link
    resealed = link.batch(victim.friend, 5, 8)
    tampered = resealed.model_copy(deep=True)
    tampered.facts[1].fact["subject"] = "declaration/2026112300099"
    return {
        "another key": (FACTS, link.batch(victim.friend, 5, 8, signed_by="gate-9.1")),
        "a stranger": (f"barie/1/facts/{SITE}/{STRANGER}", link.batch(stranger, 1, 1)),
        "the centre's journal, by a gate": (FACTS, link.batch(usurper, 4, 4, signed_by="gate-1.1")),
        "a fork by another key": (FACTS, link.batch(other, 1, 6, signed_by="gate-9.1")),
        "a changed fact": (FACTS, tampered),
        "a fact left out": (
            FACTS,
            resealed.model_copy(update={"facts": [resealed.facts[0], *resealed.facts[2:]]}),
        ),
        "facts the wrong way round": (FACTS, resealed.model_copy(update={"facts": resealed.facts[::-1]})),
        "no facts": (FACTS, resealed.model_copy(update={"facts": []})),
        "a private value nobody committed to": (
            FACTS,
            resealed.model_copy(
                update={
                    "facts": [
                        one.model_copy(
                            update={"private": {"/reason": protocol.WirePrivate(salt="s", value="v")}}
                        )
                        for one in resealed.facts
                    ]
                }
            ),
        ),
        "history nobody asked for": (FILL, protocol.history(victim.friend.sealed[:3], None)),
        "a vector by another key": (VECTOR, vector_of(victim, signer="gate-2.1")),
        "the centre's vector, by a gate": (
            protocol.vector_topic(SITE, CENTRE),
            vector_of(victim, node=CENTRE, signer="gate-1.1"),
        ),
        "a vector under another name": (protocol.vector_topic(SITE, ME), vector_of(victim)),
        "a vector of a stranger": (protocol.vector_topic(SITE, STRANGER), vector_of(victim, node=STRANGER)),
        "a vector of another site": (VECTOR, vector_of(victim, site="TT")),
        "a vector from no time": (VECTOR, vector_of(victim, at="yesterday")),
        "a manifest by a gate": (CHECKPOINT, manifest_of(victim, signer="gate-1.1")[0]),
        "a manifest on a gate's topic": (f"barie/1/checkpoint/{SITE}/{FRIEND}", manifest_of(victim)[0]),
        "a manifest of another site": (CHECKPOINT, manifest_of(victim, site="TT")[0]),
        "a root certificate of nobody": (
            CHECKPOINT,
            manifest_of(
                victim,
                signer="gate-1.1",
                roots=[{"fact": victim.friend.facts[0].envelope(), "signature": "A" * 86}],
            )[0],
        ),
    }


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


def nested(depth: int) -> bytes:
    return b'{"journal":"gate-1.1","facts":[{"fact":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}]}"


ODD = {
    "nothing": b"",
    "not UTF-8": b'{"journal":"\xff\xfe"}',
    "U+0000": b'{"journal":"gate-1.1\\u0000","after":0,"node":"gate-1\\u0000"}',
    "a lone surrogate": b'{"journal":"\\ud800","after":0,"node":"\\udfff"}',
    "too large": b" " * (protocol.MOST_PAYLOAD_BYTES + 1),
    "deep arrays": b"[" * 200_000,
    "deep objects": nested(50_000),
    "quite deep objects": nested(150),
    "NaN": b'{"journal":"gate-1.1","after":NaN}',
    "a fraction": b'{"journal":"gate-1.1","after":1.5}',
    "a huge number": b'{"journal":"gate-1.1","after":%d}' % BIG,
    "a huge number below": b'{"journal":"gate-1.1","below":%d}' % BIG,
    "a negative number": b'{"journal":"gate-1.1","after":-1}',
    "a number of many digits": b'{"journal":"gate-1.1","after":' + b"9" * 10_000 + b"}",
    "twice the same member": b'{"journal":"gate-1.1","after":0,"after":%d}' % BIG,
    "a null": b"null",
    "a text": b'"gate-1.1"',
}


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


def mutated(payload: bytes, random: Random) -> bytes:
    """A payload with bytes or its structure changed."""
    if random.random() < 0.5:
        changed = bytearray(payload)
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(changed))
            random.choice(
                [
                    lambda at=at: changed.__setitem__(at, random.randrange(256)),
                    lambda at=at: changed.__delitem__(slice(at, at + random.randint(1, 9))),
                    lambda at=at: changed.insert(at, random.randrange(256)),
                ]
            )()
            if not changed:
                return b""
        return bytes(changed)
    value = json.loads(payload)
    for _ in range(random.randint(1, 3)):
        value = _changed(value, random)
    return json.dumps(value).encode()


ODDITIES: list[Any] = [
    None, True, -1, 0, 1.5, 1e308, BIG, 2**53, 2**63, "", "\0", "\ud800", "x" * 70_000, [], {}, [[]], {"": {}},
    "gate-1.1", "gate-9.1", CENTRE_JOURNAL, "0" * 64, "ab" * 32,
]  # fmt: skip


def _changed(value: Any, random: Random) -> Any:
    """One place somewhere in a JSON value is another."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        name = random.choice(sorted(value))
        action = random.random()
        if action < 0.1:
            return {other: one for other, one in value.items() if other != name}
        if action < 0.2:
            return {
                **value,
                random.choice(["x", "\0", "signature", "branches", "outdated"]): random.choice(ODDITIES),
            }
        return {**value, name: _changed(value[name], random)}
    if isinstance(value, list) and value and random.random() < 0.9:
        at = random.randrange(len(value))
        action = random.random()
        if action < 0.1:
            return value[:at] + value[at + 1 :]
        if action < 0.2:
            return [*value, value[at]]
        return [_changed(one, random) if number == at else one for number, one in enumerate(value)]
    return random.choice(ODDITIES)


def samples(victim: Victim) -> list[tuple[str, bytes]]:
    """Real messages of every kind, with their topics."""
    heads = {"gate-1.1": {"seq": 9, "hash": "ab" * 32}}
    more = {"refused": heads, "branches": {"gate-1.1": [heads["gate-1.1"]]}, "checkpoint": "ab" * 32}
    known = [protocol.WireHead(seq=2, hash=victim.friend.facts[1].hash)]
    messages: list[tuple[str, protocol.Message]] = [
        (FACTS, victim.link.batch(victim.friend, 5, 8)),
        (FILL, victim.link.batch(victim.friend, 5, 6)),
        (FILL, protocol.history(victim.friend.sealed[:3], victim.friend.signed)),
        (protocol.facts_topic(SITE, CENTRE), victim.link.batch(victim.centre, 1, 3)),
        (VECTOR, vector_of(victim, **more)),
        (ASK, protocol.Ask(journal="gate-1.1", after=2, known=known)),
        (ASK, protocol.Ask(journal="gate-1.1", below=4)),
        (ASK, protocol.Ask(part="ab" * 32)),
        (CHECKPOINT, manifest_of(victim, signer="gate-1.1")[0]),
    ]
    return [(topic, protocol.encode(message)) for topic, message in messages]


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_mutations_crash_nothing_and_nothing_of_them_counts(victim: Victim, seed: int) -> None:
    """What is still genuine after a mutation (white space, a member nobody reads) is genuine facts, and may be taken."""
    mutate(victim, Random(seed), 5_000)


@pytest.mark.long
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
    assert sum(map(len, victim.sync._parked.values())) <= 3
    assert victim.takes_honest_facts()


# -- the centre


@pytest.fixture
def centre_link(tmp_path: Path) -> Iterator[SiteLink]:
    store = Store(tmp_path / "centre.db", [Declarations()])
    centre = Centre.of(store, key(CENTRE_JOURNAL), [SITE], tmp_path / "pictures", cast(Any, None))

    class Configuration:
        def link(self) -> LinkSettings:
            return LinkSettings("127.0.0.1", 1)

    yield SiteLink(centre, cast(CentreConfiguration, Configuration()), SITE)
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
