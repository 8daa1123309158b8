"""What travels over MQTT: topics and payloads. `docs/protocol.md` tells the rest to whoever writes another node.

Payloads are JSON. The last name in a topic is the publisher's, and the broker's ACL holds it to that.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticSerializationError

from shared.body import Sha256
from shared.canonical import NotCanonical, digest
from shared.facts import BadFact, BadSignature, PrivateValue, Sealed, check_private, read_envelope
from shared.journal import Head, SignedHead, follow
from shared.signing import PrivateKey, PublicKey

ROOT = "barie/1"
MOST_BATCH_BYTES = 200_000
MOST_PAYLOAD_BYTES = 1_000_000
PAGE_FACTS = 500
MOST_KNOWN = 100
"""Places in one ask."""

Payload = TypeVar("Payload", bound=BaseModel)
Count = Annotated[int, Field(ge=0, lt=2**53)]
"""A number that every JSON reader and both databases keep exactly."""


class Message(BaseModel):
    """Base of all payloads. Members that a later version adds are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class WireHead(Message):
    """A journal's head on the wire. Members that a later version adds are kept: signatures are over all of a vector."""

    model_config = ConfigDict(extra="allow", frozen=True)

    seq: Count
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

    On `facts/…` (new facts, by their author) and `fill/…` (an answer to an ask). History below a floor is answered without a
    signature at its end, since the asker knows that fact's hash; `proof` is then the last signed head within.
    """

    journal: str
    facts: list[WireFact]
    head: WireSignedHead
    proof: WireSignedHead | None = None


class Ask(Message):
    """Asks for a journal's facts after those that the asker knows, for those that end with a number, or for a checkpoint's part.

    `known`: places of the journal by which the answerer finds the last fact in common, the asker's heads first, then ever
    wider steps below. `after`: the highest of their numbers, for nodes that know no `known`.
    """

    journal: str = ""
    after: Count = 0
    known: Annotated[list[WireHead], Field(max_length=MOST_KNOWN)] = []
    below: Annotated[int, Field(ge=1, lt=2**53)] | None = None
    part: Sha256 | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        of_journal = self.journal and self.model_fields_set & {"after", "known", "below"}
        if not of_journal and self.part is None:
            raise ValueError("an ask names a journal with `known`, `after` or `below`, or a part")
        return self


class SignedMessage(Message):
    """A payload that is signed over the digest of what stands in it, without `signature`.

    Members that a later version adds are kept, since they are signed too; those that were not written are not added.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    signature: str = ""

    @property
    def digest(self) -> str:
        """What is signed; raises BadSignature for what nobody can have signed."""
        try:
            return digest(self.model_dump(mode="json", exclude={"signature"}, exclude_unset=True))
        except NotCanonical as error:
            raise BadSignature(f"{type(self).__name__}: {error}") from error

    def sign(self, key: PrivateKey) -> Self:
        """This message with a signature."""
        return self.model_copy(update={"signature": key.sign(self.digest)})

    def check(self, author: PublicKey) -> None:
        """Raises BadSignature unless `author` signed it."""
        if not author.verifies(self.digest, self.signature):
            raise BadSignature(f"{type(self).__name__}: not signed by its author's key")


class WireTurn(Message):
    """Which of a node's vectors: the start of the node that it is from, and the node's stamp."""

    incarnation: Count
    at: str


class Vector(SignedMessage):
    """How far a node has each journal: question, receipt and witness in one. Published after commit, never before.

    `at` is the author's clock, `incarnation` grows whenever the node restarts, so that going backwards is seen.

    `branches`: further heads of journals that have forked. `refused`: what the node was offered of a journal and set aside;
    it need not be sent again as it is. `outdated`: nodes whose vectors are passed over, because a newer one is known, and
    which that is: a node that has lost its disk goes on above it. `checkpoint`: the checkpoint whose parts the node can hand out.
    """

    node: str
    site: str
    incarnation: Count
    at: str
    heads: dict[str, WireHead]
    branches: dict[str, list[WireHead]] = {}
    refused: dict[str, WireHead] = {}
    outdated: dict[str, WireTurn] = {}
    checkpoint: Sha256 | None = None

    def all_heads(self) -> Iterator[Head]:
        """Every head it names, of all branches."""
        for journal, head in self.heads.items():
            yield Head(journal, head.seq, head.hash)
        for journal, others in self.branches.items():
            for head in others:
                yield Head(journal, head.seq, head.hash)


class CameraStatus(Message):
    """How a camera does. `troubles`: why its pictures cannot be trusted though they come, in words of the catalogue's group
    `picture_trouble`; `untrusted_share`: of the last 24 hours watched, from 0 to 1."""

    name: str
    state: str
    age_s: float | None = None
    troubles: list[str] = []
    untrusted_share: float | None = None


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
    unseen: int | None = None
    quarantined: int | None = None
    refused: list[str] = []
    clock: str | None = None
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


def checkpoint_topic(site: str, node: str) -> str:
    """The newest checkpoint's manifest, retained."""
    return f"{ROOT}/checkpoint/{site}/{node}"


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
    """A payload's bytes, JSON in no certain form; raises BadFact when a text in it is no Unicode.

    What is signed goes as it was written, nulls too: the signature is over them.
    """
    try:
        signed = isinstance(message, SignedMessage)
        return message.model_dump_json(exclude_none=not signed, exclude_unset=signed).encode()
    except PydanticSerializationError as error:
        raise BadFact(f"{type(message).__name__}: {error}") from error


def decode(payload: bytes, model: type[Payload]) -> Payload:
    """Reads a payload; raises BadFact when it is too large, no JSON or not of the form."""
    if not fits(payload):
        raise BadFact(f"a payload of {len(payload)} bytes is larger than {MOST_PAYLOAD_BYTES}")
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        raise BadFact(f"no {model.__name__}: {str(error)[:200]}") from error


def batches(run: Sequence[Sealed], sign: PrivateKey, end: SignedHead | None = None) -> Iterator[Batch]:
    """Cuts a run of our own journal into batches bounded in bytes, each signed at its last fact; `end`: the run's, if known."""
    for part in _bounded(run):
        head = Head.of(part[-1].fact)
        yield batch(part, end if end is not None and end.head == head else SignedHead.sign(head, sign))


def fits(payload: bytes) -> bool:
    """True when a payload is one that every node takes."""
    return len(payload) <= MOST_PAYLOAD_BYTES


def batch(run: Sequence[Sealed], head: SignedHead) -> Batch:
    """A batch of a run whose last fact has the signed head `head`."""
    return Batch.model_construct(
        journal=head.head.journal,
        facts=[wire(one) for one in run],
        head=WireSignedHead.model_construct(seq=head.head.seq, hash=head.head.hash, signature=head.signature),
    )


def history(run: Sequence[Sealed], proof: SignedHead | None) -> Batch:
    """A batch of history: the asker knows the hash of its last fact."""
    last = run[-1].fact
    return Batch.model_construct(
        journal=last.journal,
        facts=[wire(one) for one in run],
        head=WireSignedHead.model_construct(seq=last.seq, hash=last.hash, signature=""),
        proof=None
        if proof is None
        else WireSignedHead.model_construct(
            seq=proof.head.seq, hash=proof.head.hash, signature=proof.signature
        ),
    )


def open_batch(message: Batch, authors: Sequence[PublicKey]) -> tuple[list[Sealed], SignedHead]:
    """The facts of a batch after every check that needs no store: hashes, private values, unbroken run, signature.

    `authors`: the keys that its author has or had. Raises BadFact, BrokenChain or BadSignature.
    """
    run, last = _open_run(message)
    signed = _signed(message.journal, message.head)
    if signed.head != last:
        raise BadSignature(f"{message.journal}: the signed head is not the head of the run")
    check_any(signed, authors)
    return run, signed


def open_history(
    message: Batch, floor: Head, authors: Sequence[PublicKey]
) -> tuple[list[Sealed], SignedHead | None]:
    """The facts of a batch of history that end with the fact that `floor` names, and the signed head within that is good.

    Raises BadFact, BrokenChain, and BadSignature when they do not lead to the floor.
    """
    run, last = _open_run(message)
    if last != floor:
        raise BadSignature(
            f"{message.journal}: the history does not lead to {floor.seq}, which was vouched for"
        )
    if message.proof is None:
        return run, None
    proof = _signed(message.journal, message.proof)
    if proof.head not in {Head.of(one.fact) for one in run}:
        raise BadSignature(f"{message.journal}: the proof is of a fact that is not there")
    check_any(proof, authors)
    return run, proof


def check_any(signed: SignedHead, authors: Sequence[PublicKey]) -> None:
    """Raises BadSignature unless one of the keys signed the head."""
    if not any(author.verifies(signed.head.hash, signed.signature) for author in authors):
        raise BadSignature(f"{signed.head.journal}/{signed.head.seq}: not signed by its author's key")


def _open_run(message: Batch) -> tuple[list[Sealed], Head]:
    run = [_unwire(one) for one in message.facts]
    if not run:
        raise BadFact(f"a batch of {message.journal} holds no facts")
    first = run[0].fact
    return run, follow(Head(message.journal, first.seq - 1, first.prev), [one.fact for one in run])


def _signed(journal: str, head: WireSignedHead) -> SignedHead:
    return SignedHead(Head(journal, head.seq, head.hash), head.signature)


def _bounded(run: Iterable[Sealed]) -> Iterator[list[Sealed]]:
    part: list[Sealed] = []
    size = 0
    for one in run:
        weight = weight_bytes(one)
        if part and (size + weight > MOST_BATCH_BYTES or len(part) >= PAGE_FACTS):
            yield part
            part, size = [], 0
        part.append(one)
        size += weight
    if part:
        yield part


def weight_bytes(sealed: Sealed) -> int:
    """About how many bytes a fact takes as it travels."""
    return sealed.fact.size_bytes + sum(len(one.value) + 80 for one in sealed.private.values())


def wire(sealed: Sealed) -> WireFact:
    """A fact as it travels."""
    private = {
        at: WirePrivate.model_construct(salt=v.salt, value=v.value) for at, v in sealed.private.items()
    }
    return WireFact.model_construct(fact=sealed.fact.envelope(), private=private)


def _unwire(wire: WireFact) -> Sealed:
    fact = read_envelope(wire.fact)
    private = {at: PrivateValue(value.salt, value.value) for at, value in wire.private.items()}
    check_private(fact, private)
    return Sealed(fact, private)
