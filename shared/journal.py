"""Journals: a node's own facts numbered 1, 2, 3, … each holding the hash of the one before; heads signed by the author.

A verified signature of a head vouches for the unbroken run below it, so a batch costs one verification.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.facts import NO_HASH, BadSignature, BrokenChain, Fact
from shared.signing import PrivateKey, PublicKey

_CENTRE = "centre-"


@dataclass(frozen=True)
class Head:
    """How far a journal goes: number and hash of its last fact. `Head.empty` is where every journal begins."""

    journal: str
    seq: int
    hash: str

    @classmethod
    def empty(cls, journal: str) -> "Head":
        """The head of a journal without facts."""
        return cls(journal, 0, NO_HASH)

    @classmethod
    def of(cls, fact: Fact) -> "Head":
        """The head that `fact` makes."""
        return cls(fact.journal, fact.seq, fact.hash)


@dataclass(frozen=True)
class SignedHead:
    """A head with its author's signature over the hash."""

    head: Head
    signature: str

    @classmethod
    def sign(cls, head: Head, key: PrivateKey) -> "SignedHead":
        """Signs a head with its author's key."""
        return cls(head, key.sign(head.hash))

    def check(self, author: PublicKey) -> None:
        """Raises BadSignature unless `author` signed this head."""
        if not author.verifies(self.head.hash, self.signature):
            raise BadSignature(f"{self.head.journal}/{self.head.seq}: not signed by its author's key")


def journal_id(node: str, number: int = 1) -> str:
    """The name of a node's journal; a node that found its journal forked goes on in the next number."""
    return f"{node}.{number}"


def author_of(journal: str) -> str:
    """The node that writes a journal."""
    return journal.rpartition(".")[0]


def centre_node(site: str) -> str:
    """The name under which the centre writes for one site: one journal per site (architecture, "One idea")."""
    return f"{_CENTRE}{site}"


def is_centre(node: str) -> bool:
    """True for the names under which the centre writes."""
    return node.startswith(_CENTRE)


def follow(head: Head, facts: Iterable[Fact]) -> Head:
    """Walks facts on from `head` and gives the new head; raises BrokenChain at the first that does not follow."""
    for fact in facts:
        if fact.journal != head.journal or fact.seq != head.seq + 1 or fact.prev != head.hash:
            raise BrokenChain(f"{fact.ref} does not follow {head.journal}/{head.seq}")
        head = Head.of(fact)
    return head
