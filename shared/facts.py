"""Facts: immutable records of one thing that happened, sealed into a journal by hash.

Envelope: v, journal, seq, at, kind, subject, body, prev, hash. `hash` is the SHA-256 of the canonical JSON of the envelope
without `hash`; `prev` is the hash of the fact before it in the same journal. Personal values never stand in the body, only
salted commitments to them; the values travel beside the envelope (`Sealed.private`) and are stored apart.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring as quoted
from typing import Any

from shared.canonical import NotCanonical, canonical_member, digest
from shared.clock import BadStamp, Stamp

NO_HASH = "0" * 64
"""`prev` of the first fact of a journal."""

_ENVELOPE = ("v", "journal", "seq", "at", "kind", "subject", "body", "prev", "hash")
_MEMBERS = frozenset(_ENVELOPE)
_HASH_MEMBER_BYTES = len(f'"hash":"{NO_HASH}",')
_JOURNAL = re.compile(r"[a-zA-Z0-9-]{1,60}\.[1-9][0-9]{0,5}")
_SEQ = re.compile(r"[1-9][0-9]{0,15}")
_KIND = re.compile(r"[a-z_]{1,40}")
_HASH = re.compile(r"[0-9a-f]{64}")
_MOST_SUBJECT = 200
MOST_FACT_BYTES = 64_000
"""Canonical size of an envelope: a fact always fits into one message, with room to spare."""


class FactError(Exception):
    """A fact cannot be taken as it stands.

    FactError
     ├ BadFact        the envelope or body is not of the form its kind asks for
     ├ BrokenChain    it does not follow the fact before it in its journal
     └ BadSignature   the run it came in is not signed by its journal's author
    """


class BadFact(FactError):
    """The envelope or body is not of the form its kind asks for."""


class BrokenChain(FactError):
    """A fact does not follow the fact before it in its journal."""


class BadSignature(FactError):
    """The run of facts is not signed by its journal's author."""


@dataclass(frozen=True)
class Ref:
    """Names one fact: journal and number, written `journal/seq`."""

    journal: str
    seq: int

    def __str__(self) -> str:
        return f"{self.journal}/{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "Ref":
        """Reads `journal/seq`; raises BadFact."""
        journal, _, seq = text.partition("/")
        if not _JOURNAL.fullmatch(journal) or not _SEQ.fullmatch(seq):
            raise BadFact(f"{text[:80]!r} names no fact; write journal/number")
        return cls(journal, int(seq))


@dataclass(frozen=True)
class PrivateValue:
    """A personal value with the salt of its commitment."""

    salt: str
    value: str

    @property
    def commitment(self) -> str:
        """What stands in the body in the value's place."""
        return digest([self.salt, self.value])


Private = Mapping[str, PrivateValue]
"""Personal values by the JSON pointer at which the body holds `{"commitment": …}`."""


@dataclass(frozen=True)
class Draft:
    """A fact before it has a place in a journal."""

    kind: str
    subject: str
    body: Mapping[str, Any]
    private: Private = field(default_factory=dict)
    v: int = 1


@dataclass(frozen=True)
class Fact:
    """One sealed fact. Equal facts have equal hashes.

    `body_text` is the canonical text of the body where it is known already; see `text_of_body`.
    """

    v: int
    journal: str
    seq: int
    at: str
    kind: str
    subject: str
    body: Mapping[str, Any]
    prev: str
    hash: str
    body_text: str = field(default="", compare=False, repr=False)

    @property
    def ref(self) -> str:
        """`journal/seq`, by which other facts name this one."""
        return f"{self.journal}/{self.seq}"

    @property
    def stamp(self) -> Stamp:
        """`at` as a stamp."""
        return Stamp.parse(self.at)

    def envelope(self) -> dict[str, Any]:
        """The envelope as JSON value."""
        return {
            "v": self.v,
            "journal": self.journal,
            "seq": self.seq,
            "at": self.at,
            "kind": self.kind,
            "subject": self.subject,
            "body": self.body,
            "prev": self.prev,
            "hash": self.hash,
        }

    def text_of_body(self) -> str:
        """The canonical JSON of the body; raises NotCanonical where the body is none."""
        return self.body_text or canonical_member(self.body)

    @property
    def size_bytes(self) -> int:
        """Length of the envelope's canonical JSON."""
        return len(_text(self.envelope(), self.text_of_body()).encode()) + _HASH_MEMBER_BYTES


@dataclass(frozen=True)
class Sealed:
    """A fact with the personal values that travel beside it."""

    fact: Fact
    private: Private = field(default_factory=dict)


def seal(draft: Draft, journal: str, seq: int, at: Stamp, prev: str) -> Sealed:
    """Gives a draft its place in a journal; raises BadFact when its body is no canonical JSON."""
    unsealed: dict[str, Any] = {
        "v": draft.v,
        "journal": journal,
        "seq": seq,
        "at": str(at),
        "kind": draft.kind,
        "subject": draft.subject,
        "body": dict(draft.body),
        "prev": prev,
    }
    if not _is_count(draft.v) or not _is_count(seq):
        raise BadFact(f"{draft.kind}: version {draft.v!r} and number {seq!r} are counted from 1")
    try:
        body_text = canonical_member(unsealed["body"])
    except NotCanonical as error:
        raise BadFact(f"{draft.kind}: {error}") from error
    return Sealed(Fact(**unsealed, hash=_hash(unsealed, body_text), body_text=body_text), draft.private)


def read_envelope(value: object) -> Fact:
    """Reads an envelope that came from elsewhere and recomputes its hash; raises BadFact. The body is not looked into."""
    if not isinstance(value, dict) or value.keys() != _MEMBERS:
        raise BadFact(f"an envelope has exactly the members {', '.join(_ENVELOPE)}")
    _check_envelope(value)
    try:
        body_text = canonical_member(value["body"])
    except NotCanonical as error:
        raise BadFact(str(error)) from error
    if _hash(value, body_text) != value["hash"]:
        raise BadFact(f"{value['journal']}/{value['seq']}: the hash does not fit the content")
    return Fact(**value, body_text=body_text)


def fits_hash(row: Sequence[Any]) -> bool:
    """Whether the hash fits the content: `row` is v, journal, seq, at, kind, subject, the body's text, prev and hash.

    The text is taken as it stands, so what fits is canonical whenever its author wrote it canonically. Never raises.
    """
    v, journal, seq, at, kind, subject, body_text, prev, digest = row
    names = {"v": v, "journal": journal, "seq": seq, "at": at, "kind": kind, "subject": subject, "prev": prev}
    try:
        return bool(hashlib.sha256(_text(names, body_text).encode()).hexdigest() == digest)
    except (TypeError, UnicodeEncodeError):
        return False


def _hash(unsealed: Mapping[str, Any], body_text: str) -> str:
    """SHA-256 of the canonical JSON of an envelope without its hash; raises BadFact when it is too large or no fit text."""
    if "\0" in unsealed["subject"]:
        raise BadFact(f"{unsealed['kind']}: the subject holds U+0000; leave the character out")
    try:
        written = _text(unsealed, body_text).encode()
    except UnicodeEncodeError as error:
        raise BadFact(f"{unsealed['kind']!r}: {error}") from error
    if len(written) > MOST_FACT_BYTES:
        raise BadFact(
            f"{unsealed['kind']}: {len(written)} bytes, a fact has at most {MOST_FACT_BYTES}; say less in one fact"
        )
    return hashlib.sha256(written).hexdigest()


def _text(unsealed: Mapping[str, Any], body_text: str) -> str:
    """The canonical JSON of an envelope without its hash, put together around its body's: RFC 8785 sorts the members."""
    return (
        f'{{"at":{quoted(unsealed["at"])},"body":{body_text},"journal":{quoted(unsealed["journal"])},'
        f'"kind":{quoted(unsealed["kind"])},"prev":{quoted(unsealed["prev"])},"seq":{unsealed["seq"]},'
        f'"subject":{quoted(unsealed["subject"])},"v":{unsealed["v"]}}}'
    )


def _check_envelope(value: Mapping[str, Any]) -> None:
    subject = value["subject"]
    checks = (
        ("v", _is_count(value["v"])),
        ("journal", _is(_JOURNAL, value["journal"])),
        ("seq", _is_count(value["seq"])),
        ("kind", _is(_KIND, value["kind"])),
        ("subject", isinstance(subject, str) and len(subject) <= _MOST_SUBJECT),
        ("body", isinstance(value["body"], dict)),
        ("prev", _is(_HASH, value["prev"])),
        ("hash", _is(_HASH, value["hash"])),
    )
    for name, good in checks:
        if not good:
            raise BadFact(f"envelope member {name!r} is not of its form")
    try:
        Stamp.parse(value["at"] if isinstance(value["at"], str) else "")
    except BadStamp as error:
        raise BadFact(f"envelope member 'at': {error}") from error


def _is(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return type(value) is int and 1 <= value < 2**53


def check_private(fact: Fact, private: Private) -> None:
    """Raises BadFact unless every value opens the commitment that stands at its pointer in the body."""
    for pointer, value in private.items():
        try:
            good = opens(fact.body, pointer, value)
        except NotCanonical as error:
            raise BadFact(f"{fact.ref}: the value at {pointer[:100]}: {error}") from error
        if not good:
            raise BadFact(f"{fact.ref}: the value at {pointer[:100]} does not open its commitment")


def opens(body: Mapping[str, Any], pointer: str, value: PrivateValue) -> bool:
    """Whether a personal value opens the commitment at its pointer; raises NotCanonical when it can be committed to by nobody."""
    return bool(_at(body, pointer) == {"commitment": value.commitment})


def commit(body: Any, pointers: Iterable[str], salt: str | None = None) -> tuple[Any, Private]:
    """Replaces the texts at the JSON pointers by commitments. Gives the new body and the values to travel beside it.

    Pointers that lead nowhere or to null are passed over: the value was not given.
    """
    private: dict[str, PrivateValue] = {}
    for pointer in pointers:
        value = _at(body, pointer)
        if isinstance(value, str):
            secret = PrivateValue(salt or secrets.token_hex(16), value)
            body = _replaced(body, pointer.split("/")[1:], {"commitment": secret.commitment})
            private[pointer] = secret
    return body, private


def _at(value: Any, pointer: str) -> Any:
    for name in pointer.split("/")[1:]:
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, Mapping) and name in value:
            value = value[name]
        else:
            return None
    return value


def _replaced(value: Any, path: list[str], new: Any) -> Any:
    if not path:
        return new
    head, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_replaced(v, rest, new) if i == int(head) else v for i, v in enumerate(value)]
    return {k: _replaced(v, rest, new) if k == head else v for k, v in value.items()}
