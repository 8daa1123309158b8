"""What travels over MQTT: topics and payloads. `docs/protocol.md` tells the rest to whoever writes another node.

Payloads are JSON. The last name in a topic is the publisher's, and the broker's ACL holds it to that.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.bodies import Sha256
from shared.canonical import canonical, digest
from shared.facts import BadFact, BadSignature, PrivateValue, Sealed, check_private, read_envelope
from shared.journal import Head, SignedHead, follow
from shared.signing import PrivateKey, PublicKey

ROOT = "barie/1"
MOST_BATCH_BYTES = 200_000
MOST_PAYLOAD_BYTES = 1_000_000
PAGE_FACTS = 500

Payload = TypeVar("Payload", bound=BaseModel)


class Message(BaseModel):
    """Base of all payloads. Members that a later version adds are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class WireHead(Message):
    """A journal's head on the wire. Members that a later version adds are kept: signatures are over all of a vector."""

    model_config = ConfigDict(extra="allow", frozen=True)

    seq: Annotated[int, Field(ge=0)]
    hash: Sha256


class WireSignedHead(WireHead):
    """A head with its author's signature."""

    signature: str


class WirePrivate(Message):
    """A personal value beside its fact."""

    salt: str
    value: str


class WireFact(Message):
    """One fact with the personal values that travel beside it."""

    fact: dict[str, Any]
    private: dict[str, WirePrivate] = {}


class Batch(Message):
    """A run of one journal's facts in order, closed by its author's signature over the last one's hash.

    On `facts/…` (new facts, by their author) and `fill/…` (an answer to an ask).
    """

    journal: str
    facts: list[WireFact]
    head: WireSignedHead


class Ask(Message):
    """Asks for a journal's facts from a number on."""

    journal: str
    after: Annotated[int, Field(ge=0)]


class Vector(Message):
    """How far a node has each journal: question, receipt and witness in one. Published after commit, never before.

    `at` is the author's clock, `incarnation` grows whenever the node restarts, so that going backwards is seen. Signed over
    the digest of the vector without `signature`; members that a later version adds are kept, since they are signed too.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    node: str
    site: str
    incarnation: int
    at: str
    heads: dict[str, WireHead]
    signature: str = ""

    def sign(self, key: PrivateKey) -> "Vector":
        """This vector with its node's signature."""
        return self.model_copy(update={"signature": key.sign(self._digest())})

    def check(self, author: PublicKey) -> None:
        """Raises BadSignature unless `author` signed it."""
        if not author.verifies(self._digest(), self.signature):
            raise BadSignature(f"vector of {self.node}: not signed by its key")

    def _digest(self) -> str:
        return digest(self.model_dump(mode="json", exclude={"signature"}))


class CameraStatus(Message):
    """How a camera does."""

    name: str
    state: str
    age_s: float | None = None


class LaneStatus(Message):
    """How a lane does."""

    name: str
    place: str
    state: str
    barrier: str
    barrier_error: str | None = None
    cameras: list[CameraStatus] = []


class Status(Message):
    """Telemetry of a node, retained; `online: false` is its last will. It may be lost, facts may not.

    `disk`: how much room there is, in a word: plenty, low (no new pictures), very_low (no telemetry but this) or full.
    """

    node: str
    site: str
    online: bool
    at: str | None = None
    version: str | None = None
    lanes: list[LaneStatus] = []
    unsent: int | None = None
    disk_free_mb: int | None = None
    disk: str | None = None


PAYLOADS: dict[str, type[Message]] = {
    "facts": Batch,
    "fill": Batch,
    "vector": Vector,
    "ask": Ask,
    "status": Status,
}


def facts_topic(site: str, node: str) -> str:
    """New facts of a node."""
    return f"{ROOT}/facts/{site}/{node}"


def vector_topic(site: str, node: str) -> str:
    """A node's vector, retained."""
    return f"{ROOT}/vector/{site}/{node}"


def status_topic(site: str, node: str) -> str:
    """A node's status, retained."""
    return f"{ROOT}/status/{site}/{node}"


def pictures_topic(site: str, node: str) -> str:
    """Thumbnails of a node: JPEG bytes, named by their SHA-256 in the user property `sha256`."""
    return f"{ROOT}/pictures/{site}/{node}"


def ask_topic(site: str, to: str, sender: str) -> str:
    """A question of `sender` to `to`."""
    return f"{ROOT}/ask/{site}/{to}/{sender}"


def fill_topic(site: str, to: str, sender: str) -> str:
    """An answer of `sender` to `to`."""
    return f"{ROOT}/fill/{site}/{to}/{sender}"


def sender_of(topic: str) -> tuple[str, str, str] | None:
    """(kind, site, sender) of a topic of ours, or None."""
    parts = topic.split("/")
    if len(parts) < 5 or "/".join(parts[:2]) != ROOT:
        return None
    return parts[2], parts[3], parts[-1]


def encode(message: Message) -> bytes:
    """A payload's bytes."""
    return canonical(message.model_dump(mode="json", exclude_none=True))


def decode(payload: bytes, model: type[Payload]) -> Payload:
    """Reads a payload; raises BadFact when it is too large, no JSON or not of the form."""
    if not fits(payload):
        raise BadFact(f"a payload of {len(payload)} bytes is larger than {MOST_PAYLOAD_BYTES}")
    try:
        return model.model_validate(json.loads(payload))
    except (ValueError, RecursionError, ValidationError) as error:
        raise BadFact(f"no {model.__name__}: {str(error)[:200]}") from error


def batches(run: Sequence[Sealed], sign: PrivateKey) -> Iterator[Batch]:
    """Cuts a run of our own journal into batches bounded in bytes, each signed at its last fact."""
    for part in _bounded(run):
        head = SignedHead.sign(Head.of(part[-1].fact), sign)
        yield batch(part, head)


def fits(payload: bytes) -> bool:
    """True when a payload is one that every node takes."""
    return len(payload) <= MOST_PAYLOAD_BYTES


def batch(run: Sequence[Sealed], head: SignedHead) -> Batch:
    """A batch of a run whose last fact has the signed head `head`."""
    return Batch(
        journal=head.head.journal,
        facts=[_wire(one) for one in run],
        head=WireSignedHead(seq=head.head.seq, hash=head.head.hash, signature=head.signature),
    )


def open_batch(message: Batch, author: PublicKey) -> tuple[list[Sealed], SignedHead]:
    """The facts of a batch after every check that needs no store: hashes, private values, unbroken run, signature.

    Raises BadFact, BrokenChain or BadSignature.
    """
    run = [_unwire(one) for one in message.facts]
    if not run:
        raise BadFact(f"a batch of {message.journal} holds no facts")
    facts = [one.fact for one in run]
    first = facts[0]
    last = follow(Head(message.journal, first.seq - 1, first.prev), facts)
    signed = SignedHead(Head(message.journal, message.head.seq, message.head.hash), message.head.signature)
    if signed.head != last:
        raise BadSignature(f"{message.journal}: the signed head is not the head of the run")
    signed.check(author)
    return run, signed


def _bounded(run: Iterable[Sealed]) -> Iterator[list[Sealed]]:
    part: list[Sealed] = []
    size = 0
    for one in run:
        weight = len(canonical(one.fact.envelope())) + sum(len(v.value) + 80 for v in one.private.values())
        if part and (size + weight > MOST_BATCH_BYTES or len(part) >= PAGE_FACTS):
            yield part
            part, size = [], 0
        part.append(one)
        size += weight
    if part:
        yield part


def _wire(sealed: Sealed) -> WireFact:
    private = {at: WirePrivate(salt=v.salt, value=v.value) for at, v in sealed.private.items()}
    return WireFact(fact=sealed.fact.envelope(), private=private)


def _unwire(wire: WireFact) -> Sealed:
    fact = read_envelope(wire.fact)
    private = {at: PrivateValue(value.salt, value.value) for at, value in wire.private.items()}
    check_private(fact, private)
    return Sealed(fact, private)
