"""What others say of a journal, held against what is held of it. Pure; constant in size, however much is said."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from shared.branches import Branch, place
from shared.journal import Head
from shared.verify import Finding


@dataclass(frozen=True)
class Word:
    """Somebody's word that a journal has this fact. `binding`: the journal must be held that far.

    `complete`: all the facts that this witness holds are compared, not its head alone.
    """

    by: str
    head: Head
    binding: bool = True
    complete: bool = False


@dataclass
class Hearing:
    """What others' words about one journal come to; constant in size. `branches`: how far it is held."""

    journal: str
    branches: Sequence[Branch]
    agreed: int = 0
    """The highest number that somebody else is known to hold with our hash."""
    contradiction: Word | None = None
    beyond: Word | None = None

    def hear(self, word: Word, held: Collection[str], *, counts: bool = True) -> None:
        """Takes a word in; `held`: the hashes held under its number. `counts`: it is somebody else's than the author's."""
        seq = word.head.seq
        floors = {place(one.floor) for one in self.branches}
        if seq > max((one.head.seq for one in self.branches), default=0):
            if self.beyond is None or (word.binding, seq) > (self.beyond.binding, self.beyond.head.seq):
                self.beyond = word
        elif word.head.hash in held or place(word.head) in floors:
            self.agreed = max(self.agreed, seq if counts else 0)
        elif (held or seq in dict(floors)) and (
            self.contradiction is None or seq < self.contradiction.head.seq
        ):
            self.contradiction = word

    def findings(self) -> list[Finding]:
        """What does not agree."""
        found = []
        if self.contradiction is not None:
            word = self.contradiction
            why = (
                f"{word.by} was seen to hold another fact under this number: one of the two was written anew"
            )
            found.append(Finding(self.journal, word.head.seq, why, exact=word.complete))
        if self.beyond is not None:
            held, word = max((one.head.seq for one in self.branches), default=0), self.beyond
            why = f"the journal is held to {held}, {word.by} was seen to hold {word.head.seq}: its tail is missing"
            if not word.binding:
                why += ", or has not come yet; verify again after a sync"
            found.append(Finding(self.journal, held + 1, why, certain=word.binding, exact=word.complete))
        return found
