"""Checkpoints: what a node without history needs to work, signed by the centre.

A checkpoint is a manifest (the head of every journal of a site, the names of its parts) and the parts, which hold the facts that
are still alive: enrolments, declarations under way and all that is known about them. What a journal holds below its head in
the manifest is vouched for by the hash chain that ends there, so history can come later, in any order, from anybody.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from shared.body import Sha256
from shared.facts import BadFact, BadSignature, Fact, PrivateValue, Sealed, read_envelope
from shared.journal import Head, SignedHead
from shared.protocol import Message, SignedMessage, WireHead, check_any, weight_bytes, wire
from shared.trust import Trust

MOST_PART_BYTES = 8_000_000
"""Unpacked size of a part that is still opened."""
PART_FACTS = 1000
PART_BYTES = 900_000
"""Size of the facts in a part before it is packed: packed, it fits into one message."""


class RootCertificate(Message):
    """A `root_rotated` fact with the old root's signature over its hash: whoever trusts the old root trusts the new one."""

    model_config = ConfigDict(extra="allow", frozen=True)

    fact: dict[str, Any]
    signature: str


class PartName(Message):
    """A part of a checkpoint: the SHA-256 of its bytes, and how many facts it holds. Members unknown here are signed too."""

    model_config = ConfigDict(extra="allow", frozen=True)

    sha256: Sha256
    facts: Annotated[int, Field(ge=0)]


class Manifest(SignedMessage):
    """A checkpoint: how far every journal of a site goes, and the facts that are still alive, in parts named by their hash.

    Signed by the centre's root. Parts are asked for by `Ask.part` and answered as they
    are: zlib-compressed JSON, `{"facts": […]}` as in a batch.
    """

    site: str
    at: str
    heads: dict[str, WireHead]
    parts: Annotated[list[PartName], Field(max_length=10_000)]
    roots: tuple[RootCertificate, ...] = ()

    def all_heads(self) -> dict[str, Head]:
        """The head of every journal."""
        return {journal: Head(journal, head.seq, head.hash) for journal, head in self.heads.items()}


def pack_part(facts: Sequence[Sealed]) -> bytes:
    """A part of a checkpoint."""
    travelling = [wire(one).model_dump() for one in facts]
    return zlib.compress(json.dumps({"facts": travelling}, ensure_ascii=False).encode(), 1)


def open_part(payload: bytes) -> list[Sealed]:
    """The facts of a part whose bytes the centre vouches for by a signed manifest; raises BadFact."""
    try:
        unpacked = zlib.decompressobj().decompress(payload, MOST_PART_BYTES)
        return [
            Sealed(
                Fact(**one["fact"]),
                {at: PrivateValue(value["salt"], value["value"]) for at, value in one["private"].items()},
            )
            for one in json.loads(unpacked)["facts"]
        ]
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadFact(f"no part of a checkpoint: {error!r}") from error


def parts_of(live: Iterable[Sealed]) -> Iterator[tuple[PartName, bytes]]:
    """Live facts as parts, each with its name."""
    part: list[Sealed] = []
    size = 0
    for one in live:
        weight = weight_bytes(one)
        if part and (size + weight > PART_BYTES or len(part) >= PART_FACTS):
            yield _named(part)
            part, size = [], 0
        part.append(one)
        size += weight
    if part:
        yield _named(part)


def _named(part: Sequence[Sealed]) -> tuple[PartName, bytes]:
    payload = pack_part(part)
    return PartName(sha256=hashlib.sha256(payload).hexdigest(), facts=len(part)), payload


def check_manifest(manifest: Manifest, trust: Trust) -> None:
    """Raises BadFact or BadSignature unless the centre's root, or one that it was rotated to, signed the manifest.

    `trust` learns the rotations that the manifest's certificates prove.
    """
    if manifest.site != trust.site:
        raise BadSignature(f"a checkpoint of {manifest.site} is none of {trust.site}")
    with suppress(BadSignature):
        manifest.check(trust.root)
        return
    for certificate in manifest.roots:
        fact = read_envelope(certificate.fact)
        signed = SignedHead(Head.of(fact), certificate.signature)
        check_any(signed, trust.keys(fact.journal, fact.seq))
        trust.learn([fact])
    manifest.check(trust.root)
