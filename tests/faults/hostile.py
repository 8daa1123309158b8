"""A gate for a hostile peer to work on, and what such a peer sends."""

import asyncio
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from shared import protocol
from shared.authority import Authority
from shared.bodies import AUTHORITY_KINDS
from shared.checkpoint import Manifest, PartName, pack_part
from shared.node.checkpoints import Checkpoints
from shared.node.declarations import Declarations
from shared.node.link import Received
from shared.node.projections import tables
from shared.node.store import Store
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
