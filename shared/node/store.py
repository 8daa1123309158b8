"""A node's store: every fact it holds, with projections changed in the same transaction.

When `append` or `absorb` returns, the facts are on disk. A store belongs to the thread that opened it (the event loop's).
How far each journal is held, and where it forked, is `shared.branches`; the database is an `Engine`.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from shared import subjects
from shared.bodies import Body, Forget, read_body
from shared.branches import Branch, Place, attach, locator, place
from shared.clock import FAR_AHEAD, HybridClock, Stamp, utc_now
from shared.facts import Draft, Fact, FactError, Private, PrivateValue, Ref, Sealed, seal
from shared.journal import Head, SignedHead, author_of, is_centre
from shared.node.engine import Engine, SqliteEngine
from shared.node.projections import Projection, Projections
from shared.node.rows import COLUMNS, INSERT, fact_of, row_of
from shared.signing import PrivateKey
from shared.steady import SteadyClock

Listener = Callable[[Sequence[Fact]], None]

PAGE = 500
MOST_QUARANTINED = 1000
FORKED = "forked"
FAR_AHEAD_FLAG = "far_ahead"
CONTRADICTED = "contradicted"


class Store:
    """Facts of all journals this node holds. What cannot be read or written is a StoreUnusable, which says what to do."""

    def __init__(
        self,
        where: Path | Engine,
        projections: Sequence[Projection] = (),
        wall: Callable[[], datetime] = utc_now,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine: Engine = SqliteEngine(where) if isinstance(where, Path) else where
        self.engine.migrate()
        self._listeners: list[Listener] = []
        self._held: dict[str, list[Branch]] = self._read_branches()
        last = self.setting("clock")
        stamp = Stamp.parse(last) if last else None
        self.steady = SteadyClock(wall, monotonic_s, stamp.wall if stamp else None)
        self.clock = HybridClock(self.steady, stamp)
        self._projections = Projections(self.engine, projections)
        self._understand()

    def close(self) -> None:
        """Closes the database."""
        self.engine.close()

    def listen(self, listener: Listener) -> None:
        """Calls `listener` with new facts after each commit."""
        self._listeners.append(listener)

    # -- writing

    def append(self, journal: str, key: PrivateKey, drafts: Sequence[Draft]) -> list[Sealed]:
        """Adds facts to one of this node's own journals in one transaction, and gives them when they are on disk."""
        if not drafts:
            return []
        sealed: list[Sealed] = []
        bodies: list[Body | None] = []
        with self.engine.transaction("append to"):
            branch = self._main(journal)
            head = branch.head
            for draft in drafts:
                one = seal(draft, journal, head.seq + 1, self.clock.now(), head.hash)
                bodies.append(read_body(one.fact))
                sealed.append(one)
                head = Head.of(one.fact)
            self._insert(branch.number, sealed, bodies)
            self._sign(SignedHead.sign(head, key))
            self._set_branch(replace(branch, head=head))
        self._committed(replace(branch, head=head), [one.fact for one in sealed])
        return sealed

    def absorb(self, run: Sequence[Sealed], signed: SignedHead) -> list[Fact]:
        """Stores the part of a checked run that is new. A second history of a journal becomes a branch, and is flagged.

        Raises BrokenChain when the fact before the new part is not held.
        """
        journal = signed.head.journal
        with self.engine.transaction("write"):
            found = attach(
                self.branches(journal),
                [one.fact for one in run],
                lambda first, last: self._places(journal, first, last),
            )
            fresh = run[len(run) - len(found.fresh) :]
            branch = found.branch.grown(found.fresh)
            if fresh:
                self._observe(found.fresh)
                self._insert(branch.number, fresh)
                self._sign(signed)
                self._set_branch(branch)
            if found.forks:
                self._flag(str(Ref(journal, branch.floor.seq + 1)), FORKED, f"branch {branch.number}")
        if fresh:
            self._committed(branch, found.fresh)
        return list(found.fresh)

    def fill(self, run: Sequence[Sealed], proof: SignedHead | None = None) -> list[Fact]:
        """Stores history below the floor: a checked run whose last fact is the one that the floor names.

        The floor sinks by the run. `proof`: a head within it with its author's good signature, so that it can be passed on.
        Facts that do not lead to the floor are not taken.
        """
        journal = run[-1].fact.journal
        facts = [one.fact for one in run]
        with self.engine.transaction("write"):
            branch = self._main(journal)
            if place(Head.of(facts[-1])) != place(branch.floor):
                return []
            held = self._hashes(journal, facts[0].seq, facts[-1].seq)
            fresh = [one for one in run if held.get(one.fact.seq) != one.fact.hash]
            self._displace(journal, [one.fact.seq for one in fresh if one.fact.seq in held])
            self._insert(branch.number, fresh)
            if proof is not None:
                self._sign(proof)
            branch = self._sunk(replace(branch, floor=Head(journal, facts[0].seq - 1, facts[0].prev)))
            self._set_branch(branch)
        self._committed(branch, [one.fact for one in fresh])
        return [one.fact for one in fresh]

    def adopt(self, live: Iterable[Sealed], heads: Mapping[str, Head]) -> list[Fact]:
        """Takes a checkpoint's live facts, and its heads as floors of the journals of which less is held.

        A journal whose held part is known to be forked, or contradicts a live fact, is left as it is: it goes on by asks. The
        caller has checked the centre's signature over both.
        """
        taken: list[Fact] = []
        live = list(live)
        with self.engine.transaction("write"):
            ahead = {
                j: h
                for j, h in heads.items()
                if h.seq > self._main(j).head.seq and len(self.branches(j)) == 1
            }
            for fact in (one.fact for one in live):
                if fact.journal in ahead and fact.seq <= self._main(fact.journal).head.seq:
                    held = self._hashes(fact.journal, fact.seq, fact.seq).get(fact.seq, fact.hash)
                    if held != fact.hash:
                        del ahead[fact.journal]
            wanted = (one for one in live if one.fact.journal in ahead)
            while part := list(islice(wanted, PAGE)):
                fresh = [one for one in part if not self._has(one.fact)]
                taken += [one.fact for one in fresh]
                self._observe(taken[-len(fresh) :] if fresh else ())
                self._insert(0, fresh)
            branches = [Branch(0, head, head) for head in ahead.values()]
            for branch in branches:
                self._set_branch(branch)
        for branch in branches:
            self._remember(branch)
        self._tell(taken)
        return taken

    def let_go(
        self, floor: Head, live: Collection[tuple[str, int]], after: int, most: int
    ) -> tuple[int, int]:
        """Removes facts of a journal up to a signed head that becomes its floor, those in `live` left out.

        Looks at `most` facts after number `after`; gives how many went and where to go on, 0 when all was looked at. The
        tables about their declarations are made anew from what is left.
        """
        journal = floor.journal
        rows = self.rows(
            """SELECT position, seq, subject FROM facts WHERE journal = ? AND branch = 0 AND seq > ? AND seq <= ?
               ORDER BY seq LIMIT ?""",
            (journal, after, floor.seq, most),
        )
        if not rows:
            return 0, 0
        gone = [row for row in rows if (journal, row[1]) not in live]
        last = rows[-1][1]
        with self.engine.transaction("prune"):
            main = self._main(journal)
            if main.floor.seq < floor.seq:
                main = replace(main, floor=floor)
                self._set_branch(main)
            self.engine.executemany("DELETE FROM facts WHERE position = ?", [(row[0],) for row in gone])
            self.engine.executemany(
                "DELETE FROM private_values WHERE journal = ? AND seq = ? AND branch = 0",
                [(journal, row[1]) for row in gone],
            )
            self.engine.execute(
                "DELETE FROM signatures WHERE journal = ? AND seq > ? AND seq <= ? AND seq < ?",
                (journal, after, last, floor.seq),
            )
            nos = {subjects.declaration_of(row[2]) for row in gone} - {None}
            self._projections.refresh(sorted(no for no in nos if no))
        self._remember(main)
        return len(gone), last

    def quarantine(self, source: str, payload: bytes, reason: str) -> None:
        """Keeps what could not be taken, with its reason, the newest thousand; what comes again is counted, not kept twice."""
        digest = hashlib.sha256(source.encode() + b"\0" + payload).hexdigest()
        text = payload[:4000].decode("utf-8", "backslashreplace").replace("\0", "\\x00")
        now = self._now()
        with self.engine.transaction("write"):
            number = self.rows("SELECT coalesce(max(number), 0) FROM quarantine")[0][0] + 1
            self.engine.execute(
                """INSERT INTO quarantine(digest, number, at, last_at, times, source, payload, reason)
                   VALUES (?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT(digest) DO UPDATE
                   SET number = excluded.number, last_at = excluded.last_at, times = quarantine.times + 1""",
                (digest, number, now, now, source, text, reason[:500]),
            )
            self.engine.execute("DELETE FROM quarantine WHERE number <= ?", (number - MOST_QUARANTINED,))

    def flag(self, ref: str, why: str, detail: str) -> None:
        """Notes what looks wrong about a fact or a node, once."""
        with self.engine.transaction("write"):
            self._flag(ref, why, detail)

    def set_setting(self, name: str, value: str) -> None:
        """Keeps a value about this node."""
        self.engine.execute(
            "INSERT INTO node(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def next_incarnation(self) -> int:
        """Counts this start of the node; vectors carry it so that going backwards is seen."""
        number = int(self.setting("incarnation") or 0) + 1
        self.set_setting("incarnation", str(number))
        return number

    def rebuild(self) -> None:
        """Drops every projection and makes it anew from the facts held, in one transaction."""
        self._projections.rebuild()

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

    # -- inside: within a transaction

    def _insert(
        self, branch: int, sealed: Sequence[Sealed], bodies: Sequence[Body | None] | None = None
    ) -> None:
        """Facts, their personal values, what they ask to forget, and every projection."""
        if not sealed:
            return
        facts = [one.fact for one in sealed]
        read = [_read(fact) for fact in facts] if bodies is None else [(body, None) for body in bodies]
        position = self.rows("SELECT coalesce(max(position), 0) FROM facts")[0][0]
        self.engine.executemany(
            INSERT,
            [
                row_of(position + number, branch, fact, flaw)
                for number, (fact, (_, flaw)) in enumerate(zip(facts, read, strict=True), start=1)
            ],
        )
        self._insert_private(branch, sealed)
        for fact, (body, _) in zip(facts, read, strict=True):
            self._forget(fact, body)
            if body is not None:
                self._projections.apply(fact, body)
        self.set_setting("clock", str(self.clock.last))

    def _displace(self, journal: str, seqs: Sequence[int]) -> None:
        """Makes room on the main branch: facts that history contradicts are kept beside it, and flagged.

        They stood in a checkpoint, or belong to a fork that was held before a checkpoint led beyond it.
        """
        if not seqs:
            return
        beside = self.rows("SELECT max(branch) + 1 FROM facts WHERE journal = ?", (journal,))[0][0]
        for table in ("facts", "private_values"):
            self.engine.executemany(
                f"UPDATE {table} SET branch = ? WHERE journal = ? AND branch = 0 AND seq = ?",
                [(beside, journal, seq) for seq in seqs],
            )
        for seq in seqs:
            self._flag(
                str(Ref(journal, seq)), CONTRADICTED, f"another fact was held; it is kept as branch {beside}"
            )

    def _insert_private(self, branch: int, sealed: Sequence[Sealed]) -> None:
        values = [(one.fact, one.private) for one in sealed if one.private]
        if not values:
            return
        gone = {
            (row[0], row[1])
            for journal in {fact.journal for fact, _ in values}
            for row in self.rows("SELECT journal, seq FROM forgets WHERE journal = ?", (journal,))
        }
        self.engine.executemany(
            "INSERT INTO private_values(journal, seq, branch, pointer, salt, value) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (fact.journal, fact.seq, branch, at, value.salt, value.value)
                for fact, private in values
                if (fact.journal, fact.seq) not in gone
                for at, value in private.items()
            ],
        )

    def _forget(self, fact: Fact, body: Body | None) -> None:
        """Where the centre asks for it, personal values go, now and whenever their facts come again.

        So does what was set aside unread.
        """
        if not isinstance(body, Forget) or not is_centre(author_of(fact.journal)):
            return
        refs = [Ref.parse(ref) for ref in body.facts]
        self.engine.executemany(
            "INSERT INTO forgets(journal, seq, forget) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(ref.journal, ref.seq, fact.ref) for ref in refs],
        )
        self.engine.executemany(
            "DELETE FROM private_values WHERE journal = ? AND seq = ?",
            [(ref.journal, ref.seq) for ref in refs],
        )
        self.engine.execute("UPDATE quarantine SET payload = ''")

    def _observe(self, facts: Sequence[Fact]) -> None:
        """Lets the clock see the stamps of facts to be taken in; those far ahead are flagged and do not move it."""
        limit = str(Stamp(self.steady() + FAR_AHEAD))
        near = max((fact.at for fact in facts if fact.at <= limit), default=None)
        if near is not None:
            self.clock.observe(Stamp.parse(near))
        for fact in facts:
            if fact.at > limit:
                self._flag(fact.ref, FAR_AHEAD_FLAG, fact.at)

    def _flag(self, ref: str, why: str, detail: str) -> None:
        self.engine.execute(
            "INSERT INTO flags(ref, why, at, detail) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (ref, why, self._now(), detail),
        )

    def _now(self) -> str:
        """The node's time, without a stamp being given."""
        return str(Stamp(self.steady()))

    def _sign(self, signed: SignedHead) -> None:
        self.engine.execute(
            "INSERT INTO signatures(journal, seq, hash, signature) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (signed.head.journal, signed.head.seq, signed.head.hash, signed.signature),
        )

    def _set_branch(self, branch: Branch) -> None:
        head, floor = branch.head, branch.floor
        self.engine.execute(
            """INSERT INTO journals(journal, branch, seq, hash, floor, floor_hash) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT(journal, branch) DO UPDATE SET seq = excluded.seq, hash = excluded.hash,
               floor = excluded.floor, floor_hash = excluded.floor_hash""",
            (head.journal, branch.number, head.seq, head.hash, floor.seq, floor.hash),
        )

    def _sunk(self, branch: Branch) -> Branch:
        """The branch with its floor below everything that is held right below it."""
        journal, floor = branch.head.journal, branch.floor
        while floor.seq:
            rows = self.rows(
                """SELECT seq, hash, prev FROM facts WHERE journal = ? AND branch = 0 AND seq <= ?
                   ORDER BY seq DESC LIMIT ?""",
                (journal, floor.seq, PAGE),
            )
            before = floor
            for seq, digest, prev in rows:
                if (seq, digest) != place(floor):
                    break
                floor = Head(journal, seq - 1, prev)
            if floor == before:
                break
        return replace(branch, floor=floor)

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

    def _hashes(self, journal: str, first: int, last: int) -> dict[int, str]:
        """The hashes held on the main branch from one number to another."""
        query = "SELECT seq, hash FROM facts WHERE journal = ? AND branch = 0 AND seq >= ? AND seq <= ?"
        return {row[0]: row[1] for row in self.rows(query, (journal, first, last))}

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

    # -- inside: after a commit, and at the start

    def _committed(self, branch: Branch, facts: Sequence[Fact]) -> None:
        self._remember(branch)
        if any(fact.kind == "forget" for fact in facts):
            self.engine.purge()
        self._tell(facts)

    def _tell(self, facts: Sequence[Fact]) -> None:
        if facts:
            for listener in self._listeners:
                listener(facts)

    def _understand(self) -> None:
        """Reads again what an earlier version of this program did not understand."""
        flawed = self._facts("flaw IS NOT NULL ORDER BY position", ())
        read = [(fact, *_read(fact)) for fact in flawed]
        good = [fact for fact, _, flaw in read if flaw is None]
        if good:
            with self.engine.transaction("write"):
                self.engine.executemany(
                    "UPDATE facts SET flaw = NULL WHERE journal = ? AND seq = ? AND hash = ?",
                    [(fact.journal, fact.seq, fact.hash) for fact in good],
                )
                for fact, body, _ in read:
                    self._forget(fact, body)
            if any(fact.kind == "forget" for fact in good):
                self.engine.purge()
        if good or self._projections.outdated:
            self.rebuild()


def _read(fact: Fact) -> tuple[Body | None, str | None]:
    """The body of a fact; or why it is stored but not taken into projections."""
    try:
        return read_body(fact), None
    except FactError as error:
        return None, str(error)
