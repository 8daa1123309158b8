"""What a store holds, for whoever reads: how far each journal goes, facts by place, subject, kind and arrival."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from shared.branches import Branch, Place, locator, place
from shared.facts import Fact, Private, PrivateValue, Ref, Sealed
from shared.journal import Head, SignedHead
from shared.node.engine import Engine
from shared.node.rows import COLUMNS, fact_of

PAGE = 500


class Held:
    """Reads the tables of facts. Everything raises StoreUnusable, which names the database and what to do."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._held: dict[str, list[Branch]] = self._read_branches()

    # -- how far journals are held

    def head(self, journal: str) -> Head:
        """How far a journal's main branch is held."""
        return self._main(journal).head

    def heads(self) -> dict[str, Head]:
        """How far every journal's main branch is held."""
        held = self._all_branches()
        return {journal: branches[0].head for journal, branches in held.items() if branches[0].head.seq}

    def floor(self, journal: str) -> Head:
        """The fact above which the journal's main branch is held without a gap."""
        return self._main(journal).floor

    def floors(self) -> dict[str, Head]:
        """The floors of journals whose beginning is not held."""
        held = self._all_branches()
        return {journal: branches[0].floor for journal, branches in held.items() if branches[0].floor.seq}

    def branches(self, journal: str) -> list[Branch]:
        """Every branch of a journal, the main one first."""
        if self.engine.shared:
            return self._read_branches(journal).get(journal) or [Branch.empty(journal)]
        return self._held.get(journal) or [Branch.empty(journal)]

    def forked(self) -> dict[str, list[Branch]]:
        """The journals that have more than one branch."""
        return {journal: held for journal, held in self._all_branches().items() if len(held) > 1}

    def signed_below(self, journal: str, limit: Head) -> Head | None:
        """The last signed head of the main branch up to a head that is held on it, and above the floor or at it."""
        main = self._main(journal)
        if not self._on(main, limit.seq, limit.hash):
            return main.floor if main.floor.seq and main.floor.seq < limit.seq else None
        signed = self._signed(journal, 0, main.floor.seq, limit.seq, last=True)
        return signed.head if signed else (main.floor if main.floor.seq else None)

    def holds(self, head: Head) -> bool:
        """Whether this very fact is held, on whatever branch; below the floor it is taken to be."""
        main, *others = self.branches(head.journal)
        if place(main.head) == place(head) or head.seq <= main.floor.seq:
            return True
        if head.seq > main.head.seq and not others:
            return False
        return place(head) in self._places(head.journal, head.seq, head.seq)

    def locator(self, journal: str) -> list[Head]:
        """Places of a journal by which another node finds what we have in common, the heads of all branches first."""
        main, *others = self.branches(journal)
        return [*(one.head for one in others), *locator(main, lambda seq: self._hash_at(journal, seq))]

    # -- reading

    def page(
        self, journal: str, after: int, most: int = PAGE, branch: int = 0
    ) -> tuple[list[Sealed], SignedHead] | None:
        """Facts of a branch after a number, up to a signed head; None when nothing beyond is held, or what comes next is not."""
        held = next((one for one in self.branches(journal) if one.number == branch), None)
        if held is None or not held.floor.seq <= after < held.head.seq:
            return None
        end = self._signed(journal, branch, after, after + most, last=True) or self._signed(
            journal, branch, after + most, held.head.seq, last=False
        )
        if end is None:
            return None
        run = self._sealed(
            "journal = ? AND branch = ? AND seq > ? AND seq <= ? ORDER BY seq",
            (journal, branch, after, end.head.seq),
        )
        return run, end

    def page_after(
        self, journal: str, known: Sequence[Head], most: int = PAGE
    ) -> tuple[list[Sealed], SignedHead] | None:
        """What follows the places that another node knows (`locator`), branch by branch; None when it knows all we hold."""
        theirs = {place(head) for head in known}
        for branch in self.branches(journal):
            if place(branch.head) in theirs:
                continue
            common = [seq for seq, digest in theirs if self._on(branch, seq, digest)]
            page = self.page(journal, max(common, default=branch.floor.seq), most, branch.number)
            if page is not None:
                return page
        return None

    def history_page(
        self, journal: str, below: int, most: int = PAGE
    ) -> tuple[list[Sealed], SignedHead | None] | None:
        """Facts of the main branch that end with number `below`, and the last signed head among them; None when not held."""
        main = self._main(journal)
        if not main.floor.seq < below <= main.head.seq:
            return None
        first = max(main.floor.seq, below - most)
        run = self._sealed(
            "journal = ? AND branch = 0 AND seq > ? AND seq <= ? ORDER BY seq", (journal, first, below)
        )
        return run, self._signed(journal, 0, first, below, last=True)

    def between(self, journal: str, first: int, last: int) -> list[Sealed]:
        """Every fact held of a journal from one number to another: of all branches, and below the floor too."""
        return self._sealed(
            "journal = ? AND seq >= ? AND seq <= ? ORDER BY seq, branch", (journal, first, last)
        )

    def get(self, ref: str) -> Fact | None:
        """The fact `journal/seq` of the main branch, or None."""
        at = Ref.parse(ref)
        found = self._facts("journal = ? AND seq = ? ORDER BY branch LIMIT 1", (at.journal, at.seq))
        return found[0] if found else None

    def about(self, subject: str) -> list[Fact]:
        """Every fact whose subject is `subject` or lies below it."""
        return self._facts(
            "(subject = ? OR (subject > ? AND subject < ?))", (subject, f"{subject}/", f"{subject}0")
        )

    def of_kinds(self, kinds: Iterable[str]) -> list[Fact]:
        """Every fact of some kinds, in order of arrival."""
        wanted = tuple(kinds)
        marks = ", ".join("?" * len(wanted))
        return self._facts(f"kind IN ({marks}) ORDER BY position", wanted)

    def newest_position(self, kinds: Iterable[str]) -> int:
        """Where the newest fact of some kinds stands in the order of arrival; 0 when there is none."""
        wanted = tuple(kinds)
        marks = ", ".join("?" * len(wanted))
        return int(
            self.rows(f"SELECT coalesce(max(position), 0) FROM facts WHERE kind IN ({marks})", wanted)[0][0]
        )

    def newest(self, journal: str, kinds: Iterable[str], most: int) -> list[Fact]:
        """The last facts of some kinds in a journal, in order. Reads backwards: its length costs nothing."""
        wanted = tuple(kinds)
        marks = ", ".join("?" * len(wanted))
        by_journal = "kind || ''"  # not the bare column: its index would be taken in place of the journal's
        where = f"journal = ? AND {by_journal} IN ({marks}) ORDER BY seq DESC LIMIT ?"
        return self._facts(where, (journal, *wanted, most))[::-1]

    def since(self, position: int, most: int = PAGE) -> list[tuple[int, Fact]]:
        """Facts in order of arrival here after a position, with their positions."""
        rows = self.rows(
            f"SELECT position, {COLUMNS} FROM facts WHERE position > ? ORDER BY position LIMIT ?",
            (position, most),
        )
        return [(row[0], fact_of(row[1:])) for row in rows]

    def count(self) -> dict[str, int]:
        """Number of the last fact held, by journal."""
        return {journal: head.seq for journal, head in self.heads().items()}

    def private(self, ref: str) -> dict[str, str]:
        """Personal values of a fact, by JSON pointer."""
        at = Ref.parse(ref)
        values = self._private("journal = ? AND seq = ? AND branch = 0", (at.journal, at.seq))
        return {pointer: value.value for pointer, value in values.get((at.seq, 0), {}).items()}

    def sealed(self, ref: str) -> Sealed | None:
        """A fact with its personal values, or None."""
        at = Ref.parse(ref)
        found = self._sealed("journal = ? AND seq = ? AND branch = 0", (at.journal, at.seq))
        return found[0] if found else None

    def setting(self, name: str) -> str | None:
        """A value this node keeps about itself, or None."""
        rows = self.rows("SELECT value FROM node WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def flags(self) -> list[tuple[str, str, str, str]]:
        """What looked wrong: reference, why, when noticed, detail; newest first."""
        return [
            (row[0], row[1], row[2], row[3])
            for row in self.rows("SELECT ref, why, at, detail FROM flags ORDER BY at DESC")
        ]

    def quarantined(self) -> int:
        """How much was set aside and nobody has acknowledged yet."""
        return int(self.rows("SELECT count(*) FROM quarantine WHERE acknowledged = 0")[0][0])

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Rows of a query, for the readers of projections; raises StoreUnusable."""
        return self.engine.rows(query, tuple(values))

    # -- inside: reading

    def _main(self, journal: str) -> Branch:
        return self.branches(journal)[0]

    def _all_branches(self) -> dict[str, list[Branch]]:
        return self._read_branches() if self.engine.shared else self._held

    def _read_branches(self, journal: str | None = None) -> dict[str, list[Branch]]:
        where, values = ("WHERE journal = ?", (journal,)) if journal else ("", ())
        found: dict[str, list[Branch]] = {}
        query = f"SELECT journal, branch, seq, hash, floor, floor_hash FROM journals {where} ORDER BY branch"
        for name, number, seq, digest, floor, floor_hash in self.rows(query, values):
            branch = Branch(number, Head(name, seq, digest), Head(name, floor, floor_hash))
            found.setdefault(name, []).append(branch)
        return found

    def _remember(self, branch: Branch) -> None:
        if not self.engine.shared:
            held = self._held.setdefault(branch.head.journal, [])
            held[:] = sorted(
                [*(one for one in held if one.number != branch.number), branch], key=lambda one: one.number
            )

    def _places(self, journal: str, first: int, last: int) -> Collection[Place]:
        query = "SELECT seq, hash FROM facts WHERE journal = ? AND seq >= ? AND seq <= ?"
        return {(row[0], row[1]) for row in self.rows(query, (journal, first, last))}

    def _main_places(self, journal: str, first: int, last: int) -> dict[int, str]:
        query = "SELECT seq, hash FROM facts WHERE journal = ? AND branch = 0 AND seq >= ? AND seq <= ?"
        return dict(self.rows(query, (journal, first, last)))

    def _has(self, fact: Fact) -> bool:
        return (fact.seq, fact.hash) in self._places(fact.journal, fact.seq, fact.seq)

    def _hash_at(self, journal: str, seq: int, branch: int = 0) -> str | None:
        query = "SELECT hash FROM facts WHERE journal = ? AND seq = ? AND branch = ?"
        rows = self.rows(query, (journal, seq, branch))
        return rows[0][0] if rows else None

    def _on(self, branch: Branch, seq: int, digest: str) -> bool:
        """Whether a place lies on a branch, its floor included."""
        if (seq, digest) == place(branch.floor):
            return True
        inside = branch.floor.seq < seq <= branch.head.seq
        return inside and self._hash_at(branch.head.journal, seq, branch.number) == digest

    def _signed(self, journal: str, branch: int, after: int, upto: int, *, last: bool) -> SignedHead | None:
        """The last, or the first, signed head of a branch above one number and up to another."""
        rows = self.rows(
            f"""SELECT s.seq, s.hash, s.signature FROM signatures s JOIN facts f
                ON f.journal = s.journal AND f.seq = s.seq AND f.hash = s.hash AND f.branch = ?
                WHERE s.journal = ? AND s.seq > ? AND s.seq <= ?
                ORDER BY s.seq {"DESC" if last else "ASC"} LIMIT 1""",
            (branch, journal, after, upto),
        )
        return SignedHead(Head(journal, rows[0][0], rows[0][1]), rows[0][2]) if rows else None

    def _facts(self, where: str, values: Sequence[Any]) -> list[Fact]:
        return [fact_of(row) for row in self.rows(f"SELECT {COLUMNS} FROM facts WHERE {where}", values)]

    def _sealed(self, where: str, values: Sequence[Any]) -> list[Sealed]:
        """Facts of one journal with their personal values."""
        rows = self.rows(f"SELECT branch, {COLUMNS} FROM facts WHERE {where}", values)
        private = self._private(where.partition(" ORDER BY")[0], values)
        return [Sealed(fact_of(row[1:]), private.get((row[3], row[0]), {})) for row in rows]

    def _private(self, where: str, values: Sequence[Any]) -> dict[tuple[int, int], Private]:
        """Personal values by the number and branch of their fact."""
        found: dict[tuple[int, int], Private] = {}
        query = f"SELECT seq, branch, pointer, salt, value FROM private_values WHERE {where}"
        for seq, branch, pointer, salt, value in self.rows(query, values):
            found[seq, branch] = {**found.get((seq, branch), {}), pointer: PrivateValue(salt, value)}
        return found
