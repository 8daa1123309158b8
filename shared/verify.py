"""Proof of a journal: is what is held what its author wrote? Pure; `shared.node.audit` brings the rows.

A journal is walked page by page in order of number. Every fact must fit its hash and follow the one before it; a head that
its author signed vouches for all below it. What others say of it is heard in `shared.hearing`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.bodies import AUTHORITY_KINDS
from shared.branches import Branch, place
from shared.canonical import NotCanonical
from shared.facts import PrivateValue, fits_hash, opens
from shared.journal import Head, author_of, is_centre
from shared.signing import PublicKey

Row = Sequence[Any]
"""Branch, then v, journal, seq, at, kind, subject, the body's text, prev, hash."""
_SEQ, _KIND, _BODY, _PREV, _HASH = 3, 5, 7, 8, 9

Keys = Callable[[int], Sequence[PublicKey]]
"""The keys whose signature over a number of the journal is good; none when its author is not known."""


@dataclass(frozen=True)
class Finding:
    """What is wrong about a journal and where it begins; `certain` is False when it may only be late, or cannot be judged.

    `upto`: where the fault lies anywhere from `seq` to this number. `exact`: all below was compared and is well.
    """

    journal: str
    seq: int
    why: str
    certain: bool = True
    upto: int = 0
    exact: bool = False


@dataclass(frozen=True)
class Page:
    """What a store holds of a stretch of a journal's numbers.

    `signatures`: number, hash, signature. `private`: number, branch, pointer, salt, value.
    """

    rows: Sequence[Row]
    signatures: Sequence[tuple[int, str, str]] = ()
    private: Sequence[tuple[int, int, str, str, str]] = ()


@dataclass(frozen=True)
class Vouched:
    """What the centre's checkpoint says of a journal: its head, and the facts that are alive below it, hash by number."""

    head: Head
    live: Mapping[int, str]


@dataclass
class _Line:
    """One branch while it is walked: its last fact, and how far a signature vouches for it."""

    floor: Head
    last: Head
    vouched: int = 0
    bad_signature: int | None = None
    torn: int | None = None
    """The fact that does not follow the one before it; which of the two is bad, the next signature says."""
    waiting: list[Row] = field(default_factory=list)


class Walk:
    """Walks one journal: `take` its pages in order, then `end`. `findings` says what was found, `authority` what may be learnt.

    `every_signature`: check each; else those that decide, which is all that the facts need. `no_key`: what to say when the
    author's key is not known.
    """

    def __init__(
        self,
        journal: str,
        branches: Sequence[Branch],
        keys: Keys,
        checkpoint: Vouched | None = None,
        *,
        every_signature: bool = True,
        no_key: str = "nobody says which key its author signs with",
    ) -> None:
        self.journal = journal
        self.findings: list[Finding] = []
        self.loose = 0
        """Facts below the floor for which no checkpoint at hand vouches."""
        self.authority: list[Row] = []
        """Facts about keys and offices that are vouched for."""
        self._branches = branches
        self._lines = {b.number: _Line(b.floor, b.floor) for b in branches}
        self._keys = keys
        self._checkpoint = checkpoint
        self._every = every_signature
        self._no_key = no_key
        self._heads = {place(b.head) for b in branches}
        self._unseen = set(checkpoint.live) if checkpoint else set()
        self._learns = is_centre(author_of(journal))

    @property
    def broken(self) -> bool:
        """True when going on would tell nothing more."""
        return any(one.certain for one in self.findings)

    def take(self, page: Page) -> None:
        """The next stretch; the pages of a journal leave no number out between them."""
        rows: dict[int, list[Row]] = {}
        for row in page.rows:
            rows.setdefault(row[_SEQ], []).append(row)
        signatures: dict[int, list[tuple[str, str]]] = {}
        for seq, digest, signature in page.signatures:
            signatures.setdefault(seq, []).append((digest, signature))
        private: dict[int, list[tuple[int, str, str, str]]] = {}
        for seq, branch, pointer, salt, value in page.private:
            private.setdefault(seq, []).append((branch, pointer, salt, value))
        for seq in sorted({*rows, *signatures, *private}):
            self._number(seq, rows.get(seq, []), private.get(seq, []), signatures.get(seq, []))
            if self.broken:
                return

    def end(self, branches: Sequence[Branch]) -> None:
        """After the last page: does it go as far as the store says (`branches`, read after it), and who vouches for that?"""
        for line in self._lines.values():
            if line.torn is not None:
                self._bad(line.torn, "it does not follow the fact before it")
        if self.broken:
            return
        for branch in branches:
            walked = self._lines.get(branch.number)
            if walked is not None and not self._ends_short(walked, branch.head):
                self._judge_signatures(walked)
        if self._is_checkpoints_floor and self._unseen:
            self._bad(min(self._unseen), "the centre's checkpoint holds it, and it is missing")

    # -- one number

    def _number(
        self,
        seq: int,
        held: Sequence[Row],
        private: Sequence[tuple[int, str, str, str]],
        signatures: Sequence[tuple[str, str]],
    ) -> None:
        for row in held:
            self._fact(row)
        if self.broken:
            return
        self._check_private(seq, held, private)
        for digest, signature in signatures:
            self._signature(seq, digest, signature, held)
        self._compare_checkpoint(seq, held)

    def _fact(self, row: Row) -> None:
        branch, seq, digest = row[0], row[_SEQ], row[_HASH]
        if not fits_hash(row[1:]):
            self._bad(seq, "its content does not fit its hash: it was changed after it was written")
            return
        line = self._lines.get(branch)
        if line is None or (seq <= line.floor.seq and branch) or seq < 1:
            self._bad(seq, "it was put in: no branch of the journal goes there")
            return
        if seq <= line.floor.seq:
            self._loose(row)
            return
        last = line.last
        if seq > last.seq + 1:
            missing = f"{last.seq + 1}" if seq == last.seq + 2 else f"{last.seq + 1} to {seq - 1}"
            self._bad(last.seq + 1, f"missing: {missing} of the journal, though it goes on")
            return
        if row[_PREV] != last.hash:
            if line.torn is not None:
                self._bad(line.torn, "it does not follow the fact before it")
            line.torn = seq
        line.last = Head(self.journal, seq, digest)
        if self._learns and row[_KIND] in AUTHORITY_KINDS:
            line.waiting.append(row)

    def _loose(self, row: Row) -> None:
        """A fact below the floor: its hash fits; a checkpoint may say more."""
        seq, digest, checkpoint = row[_SEQ], row[_HASH], self._checkpoint
        if seq == self._floor.seq and digest != self._floor.hash:
            self._bad(seq, "another fact stands at the floor than the one that vouches for what lies below")
            return
        alive = checkpoint.live.get(seq) if checkpoint else None
        authority = self._learns and row[_KIND] in AUTHORITY_KINDS
        within = checkpoint is not None and seq <= checkpoint.head.seq and alive != digest
        if within and (alive is not None or authority or self._is_checkpoints_floor):
            self._bad(seq, "the centre's checkpoint does not hold it so")
            return
        if alive is None:
            self.loose += 1
            if authority and checkpoint is None:
                self._unsure(
                    seq,
                    "it says who may speak, and no checkpoint at hand vouches for it; bring `checkpoints/`",
                )
        else:
            self._unseen.discard(seq)
        if authority:
            self.authority.append(row)

    def _check_private(
        self, seq: int, held: Sequence[Row], values: Iterable[tuple[int, str, str, str]]
    ) -> None:
        bodies = {row[0]: row[_BODY] for row in held}
        for branch, pointer, salt, value in values:
            body = bodies.get(branch)
            if body is None:
                self._bad(seq, f"a personal value ({pointer}) stands beside a fact that is not held")
                return
            if not _opens(body, pointer, PrivateValue(salt, value)):
                self._bad(seq, f"the personal value at {pointer} does not open its commitment")
                return

    # -- signatures

    def _signature(self, seq: int, digest: str, signature: str, held: Sequence[Row]) -> None:
        lines = [line for line in self._lines.values() if place(line.last) == (seq, digest)]
        known = (
            bool(lines) or (seq, digest) == place(self._floor) or any(row[_HASH] == digest for row in held)
        )
        if known and not self._decides(seq, digest, lines):
            for line in lines:
                self._vouch(line, seq)
            return
        keys = self._keys(seq)
        if not keys:
            return
        good = any(key.verifies(digest, signature) for key in keys)
        if not known and (held or seq > self._floor.seq):
            self._strange_signature(seq, good=good, held=bool(held))
        for line in lines:
            if good:
                self._vouch(line, seq)
            elif line.bad_signature is None:
                line.bad_signature = seq

    def _strange_signature(self, seq: int, *, good: bool, held: bool) -> None:
        """A signed head that is not held: what its author signed stood here, or the row was put in."""
        if good and held:
            first = max((max(one.vouched, one.floor.seq) for one in self._lines.values()), default=0) + 1
            why = f"nothing vouches for it, and its author signed another fact under number {seq}"
            self._bad(min(first, seq), why, upto=seq)
        elif good:
            first = max((line.last.seq for line in self._lines.values()), default=0) + 1
            self._bad(min(first, seq), f"it is missing: its author signed {seq}")
        else:
            self._bad(seq, "a signature beside no fact")

    def _decides(self, seq: int, digest: str, lines: Sequence[_Line]) -> bool:
        return (
            self._every
            or self._learns
            or (seq, digest) in self._heads
            or any(line.torn is not None for line in lines)
        )

    def _vouch(self, line: _Line, seq: int) -> None:
        """Its author's word for everything up to `seq`."""
        if line.torn is not None:
            before, line.torn = line.torn - 1, None
            self._bad(before, "it is not the fact that the next one, which is signed, follows")
            return
        line.vouched = seq
        self.authority += line.waiting
        line.waiting.clear()

    def _compare_checkpoint(self, seq: int, held: Sequence[Row]) -> None:
        if self._checkpoint is None or seq != self._checkpoint.head.seq:
            return
        digest = self._checkpoint.head.hash
        if held and all(row[_HASH] != digest for row in held):
            self._bad(seq, "the centre's checkpoint names another fact under this number")
        for line in self._lines.values():
            if place(line.last) == (seq, digest):
                self._vouch(line, seq)

    # -- the end

    def _ends_short(self, line: _Line, head: Head) -> bool:
        if place(line.last) == place(head):
            return False
        if line.last.seq < head.seq:
            self._bad(line.last.seq + 1, f"the tail is missing: it was held to {head.seq}")
        elif line.last.seq > head.seq:
            self._bad(head.seq + 1, f"it was put in: the journal was held to {head.seq}")
        else:
            self._bad(head.seq, "another fact was held as the last one")
        return True

    def _judge_signatures(self, line: _Line) -> None:
        checkpoint = self._checkpoint
        if checkpoint is not None and place(line.last) == place(checkpoint.head):
            self._vouch(line, line.last.seq)
        first, last = max(line.vouched, line.floor.seq) + 1, line.last.seq
        if not last or (last == line.floor.seq and line.vouched == last):
            pass
        elif not self._keys(last):
            self._unsure(min(first, last), self._no_key)
        elif last == line.floor.seq:
            self._unsure(last, "no checkpoint at hand and no signature vouches for its floor")
        elif last > line.vouched:
            why = "from here on nothing is signed by its author"
            if line.bad_signature is not None:
                why = (
                    f"the signature over {line.bad_signature}, which should vouch for it, is not its author's"
                )
            self._bad(first, why, upto=last)
        elif line.bad_signature is not None:
            self._bad(
                line.bad_signature, "its signature is not its author's, though a later one vouches for it"
            )

    @property
    def _is_checkpoints_floor(self) -> bool:
        """Whether the floor stems from this very checkpoint: then exactly its live facts are held below."""
        return self._checkpoint is not None and self._floor == self._checkpoint.head

    @property
    def _floor(self) -> Head:
        return self._lines[0].floor if 0 in self._lines else Head.empty(self.journal)

    def _bad(self, seq: int, why: str, upto: int = 0) -> None:
        self.findings.append(Finding(self.journal, seq, why, upto=upto))

    def _unsure(self, seq: int, why: str) -> None:
        self.findings.append(Finding(self.journal, seq, why, certain=False))


def _opens(body_text: str, pointer: str, value: PrivateValue) -> bool:
    try:
        return opens(json.loads(body_text), pointer, value)
    except (NotCanonical, ValueError):
        return False


def first_of(findings: Iterable[Finding]) -> Finding | None:
    """The first thing that is wrong about a journal: what is certain before what is not, then the lowest number.

    A fault that lies anywhere in a stretch is placed where a copy that was compared fact by fact differs.
    """
    ordered = sorted(findings, key=lambda one: (not one.certain, one.seq))
    if not ordered:
        return None
    first = ordered[0]
    within = [one for one in ordered[1:] if one.exact and one.seq <= first.upto + 1]
    return within[0] if within else first
