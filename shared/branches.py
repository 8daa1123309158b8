"""Where a run of facts belongs in what is held of its journal: it goes on, it lies within, it forks, or it comes after a gap.

A journal has one branch, number 0, unless two nodes wrote it (a cloned disk, a restored backup): then each further history is
a branch that begins above the last fact they have in common. Every branch is held without a gap above its *floor*; below it
facts were pruned, or are still to come.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from shared.facts import NO_HASH, BrokenChain, Fact
from shared.journal import Head

Place = tuple[int, str]
"""Number and hash of a fact: which fact it is, whatever else bears its number."""


@dataclass(frozen=True)
class Branch:
    """One history of a journal: its head, and its floor, above which no fact is missing."""

    number: int
    head: Head
    floor: Head

    @classmethod
    def empty(cls, journal: str) -> "Branch":
        """The only branch of a journal of which nothing is held."""
        return cls(0, Head.empty(journal), Head.empty(journal))

    def grown(self, facts: Sequence[Fact]) -> "Branch":
        """The branch after facts that follow it."""
        return replace(self, head=Head.of(facts[-1])) if facts else self


@dataclass(frozen=True)
class Attachment:
    """The facts of a run that are new, and the branch that they go on. `forks`: they begin a branch of their own."""

    branch: Branch
    fresh: Sequence[Fact]
    forks: bool = False


def place(head: Head) -> Place:
    """Which fact a head names."""
    return head.seq, head.hash


def attach(
    branches: Sequence[Branch], run: Sequence[Fact], held: Callable[[int, int], Collection[Place]]
) -> Attachment:
    """Where the new part of an unbroken run belongs; `fresh` is empty when all of it is held already.

    `branches`: those of the journal, the main one first, never none; `held`: the places held from one number to another.
    Raises BrokenChain when the fact before the new part is not held: then it has to be asked for.
    """
    first = run[0]
    for branch in branches:
        if (first.seq - 1, first.prev) == place(branch.head):
            return Attachment(branch, run)
    floor = branches[0].floor
    known = {place(floor), *held(max(first.seq - 1, floor.seq + 1), run[-1].seq)}
    start = next(
        (at for at, fact in enumerate(run) if fact.seq > floor.seq and (fact.seq, fact.hash) not in known),
        len(run),
    )
    fresh = run[start:]
    if not fresh:
        return Attachment(branches[0], fresh)
    before = (fresh[0].seq - 1, fresh[0].prev)
    if before not in known:
        raise BrokenChain(
            f"{fresh[0].ref} follows a fact that is not held; held up to {branches[0].head.seq}"
        )
    for branch in branches:
        if before == place(branch.head):
            return Attachment(branch, fresh)
    trunk = Head(first.journal, *before)
    return Attachment(Branch(max(one.number for one in branches) + 1, trunk, trunk), fresh, forks=True)


def locator(branch: Branch, at: Callable[[int], str | None]) -> list[Head]:
    """Places by which a holder finds the last fact in common: the head, and ever wider steps below it, down to the floor.

    `at`: the hash held under a number of the branch.
    """
    found, step, seq = [branch.head], 1, branch.head.seq - 1
    while seq > branch.floor.seq:
        digest = at(seq)
        if digest is not None:
            found.append(Head(branch.head.journal, seq, digest))
        step *= 2
        seq -= step
    if branch.floor.seq and branch.floor != branch.head:
        found.append(branch.floor)
    return [head for head in found if head.hash != NO_HASH]
