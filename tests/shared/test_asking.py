"""What a node asks for: two nodes whose journals forked, and whose branches go differently far, come into step by asks alone."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path

import pytest

from shared.branches import place
from shared.journal import Head, author_of
from shared.node.asking import ASK_AGAIN_S, Asking
from shared.node.peers import Peers
from shared.node.store import Store
from shared.protocol import MOST_KNOWN, Ask, Vector, WireHead
from tests.builders import SITE, Journal, note, stamp

NAME = "gate-1.1"


class Node:
    """A node with its store, and what it asks of the other, whose vector is handed to it."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.now_s = 1000.0
        self.store = Store(path / f"{name}.db")
        self.peers = Peers(self.store, SITE, lambda: self.now_s, lambda _: True, "")
        self.asking = Asking(self.store, self.peers, SITE, lambda: self.now_s, lambda _: False)

    def vector(self) -> Vector:
        """How far it has every journal."""
        branches = {
            journal: [wire(one.head) for one in held[1:]] for journal, held in self.store.forked().items()
        }
        heads = {journal: wire(head) for journal, head in self.store.heads().items()}
        return Vector(
            node=self.name, site=SITE, incarnation=1, at=str(stamp()), heads=heads, branches=branches
        )

    def take(self, journal: Journal, count: int) -> None:
        """The first facts of a history of a journal."""
        part = Journal(NAME, journal.sealed[:count])
        self.store.absorb(part.sealed, part.signed)

    def asks(self, other: "Node") -> list[Ask]:
        """What it asks of another once it has heard of it and waited a while."""
        self.peers.hear(other.vector(), retained=False)
        list(self.asking.due())
        self.now_s += 2 * ASK_AGAIN_S
        return [ask for _, ask in self.asking.due()]

    def fetch(self, other: "Node") -> None:
        """Asks until it lacks nothing, or until it is told nothing new."""
        while True:
            before = self.held()
            for ask in self.asks(other):
                known = [Head(ask.journal, one.seq, one.hash) for one in ask.known]
                page = other.store.page_after(ask.journal, known)
                assert page is not None
                self.store.absorb(*page)
                self.asking.answered(ask.journal)
            if self.held() == before:
                return

    def held(self) -> set[tuple[int, str]]:
        """The ends of all branches."""
        return {place(branch.head) for branch in self.store.branches(NAME)}


def wire(head: Head) -> WireHead:
    return WireHead(seq=head.seq, hash=head.hash)


@pytest.fixture
def histories() -> Mapping[str, Journal]:
    """Three histories of one journal with four facts in common."""
    trunk = Journal(NAME)
    for number in range(4):
        trunk.write(note(str(number)))
    found = {name: Journal(NAME, list(trunk.sealed)) for name in "abc"}
    for name, branch in found.items():
        for number in range(20):
            branch.write(note(f"{name}{number}"))
    return found


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    both = Node("gate-2", tmp_path), Node("gate-3", tmp_path)
    yield both
    for one in both:
        one.store.close()


@pytest.mark.parametrize("order", list(permutations("abc")))
@pytest.mark.parametrize("far", [(24, 24, 10), (24, 15, 24), (15, 24, 24), (24, 12, 17)])
def test_whoever_holds_some_branches_further_is_still_sent_the_others(
    nodes: tuple[Node, Node], histories: Mapping[str, Journal], order: Sequence[str], far: Sequence[int]
) -> None:
    asker, holder = nodes
    for name, count in zip(order, far, strict=True):
        holder.take(histories[name], count)
    asker.take(histories["a"], 24)
    asker.take(histories["b"], 20)

    asker.fetch(holder)

    assert all(asker.store.holds(Head(NAME, *end)) for end in holder.held())


def test_a_node_that_lacks_nothing_asks_for_nothing(
    nodes: tuple[Node, Node], histories: Mapping[str, Journal]
) -> None:
    asker, holder = nodes
    asker.take(histories["a"], 24)
    holder.take(histories["a"], 20)
    assert asker.asks(holder) == []


def test_more_branches_than_an_ask_has_places_for_stop_nobody(
    nodes: tuple[Node, Node], histories: Mapping[str, Journal]
) -> None:
    """A clone that is started from one image again and again."""
    asker, holder = nodes
    for number in range(MOST_KNOWN + 20):
        clone = Journal(NAME, histories["a"].sealed[:4])
        clone.write(note(f"clone {number}"))
        asker.take(clone, 5)
    holder.take(histories["b"], 24)
    (ask,) = asker.asks(holder)
    assert (len(ask.known), author_of(ask.journal)) == (MOST_KNOWN, "gate-1")
    asker.fetch(holder)
    assert place(histories["b"].head) in asker.held()
