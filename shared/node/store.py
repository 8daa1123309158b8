"""A node's store: every fact it holds, with projections changed in the same transaction.

When `append` or `absorb` returns, the facts are on disk. A store belongs to the thread that opened it (the event loop's).
What is read stands in `shared.node.held`.
How far each journal is held, and where it forked, is `shared.branches`; the database is an `Engine`.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from shared import subjects
from shared.bodies import Forget, read_body
from shared.body import Body
from shared.branches import Branch, attach, place
from shared.clock import FAR_AHEAD, HybridClock, Stamp, utc_now
from shared.facts import Draft, Fact, FactError, Ref, Sealed, seal
from shared.journal import Head, SignedHead, author_of, is_centre
from shared.node.engine import Engine, SqliteEngine
from shared.node.held import PAGE, Held
from shared.node.projections import Projection, Projections
from shared.node.rows import INSERT, row_of
from shared.signing import PrivateKey
from shared.steady import SteadyClock

Listener = Callable[[Sequence[Fact]], None]

MOST_QUARANTINED = 1000
_PURGE = "purge"
FORKED = "forked"
FAR_AHEAD_FLAG = "far_ahead"
CONTRADICTED = "contradicted"


class Store(Held):
    """Facts of all journals this node holds. What cannot be read or written is a StoreUnusable, which says what to do."""

    def __init__(
        self,
        where: Path | Engine,
        projections: Sequence[Projection] = (),
        wall: Callable[[], datetime] = utc_now,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        engine: Engine = SqliteEngine(where) if isinstance(where, Path) else where
        engine.migrate()
        super().__init__(engine)
        self._listeners: list[Listener] = []
        self._appended: list[tuple[Branch, list[Fact]]] | None = None
        last = self.setting("clock")
        stamp = Stamp.parse(last) if last else None
        self.steady = SteadyClock(wall, monotonic_s, stamp.wall if stamp else None)
        self.clock = HybridClock(self.steady, stamp)
        self._projections = Projections(self.engine, projections)
        self._understand()
        if self.setting(_PURGE) is not None:
            self._purge()

    def close(self) -> None:
        """Closes the database."""
        self.engine.close()

    def listen(self, listener: Listener) -> None:
        """Calls `listener` with new facts after each commit."""
        self._listeners.append(listener)

    # -- writing

    @contextmanager
    def together(self, doing: str) -> Iterator[None]:
        """Makes one transaction, alone among all writers, of what is read, appended and set within the block.

        Listeners hear of it afterwards. A block within a block is part of the outer one.
        """
        if self._appended is not None:
            yield
            return
        appended: list[tuple[Branch, list[Fact]]] = []
        self._appended = appended
        try:
            with self.engine.transaction(doing):
                yield
        finally:
            self._appended = None
        self._committed(*appended)

    def append(self, journal: str, key: PrivateKey, drafts: Sequence[Draft]) -> list[Sealed]:
        """Adds facts to one of this node's own journals in one transaction, and gives them when they are on disk."""
        if not drafts:
            return []
        sealed: list[Sealed] = []
        bodies: list[Body | None] = []
        with self.together("append to"):
            branch = self._main(journal)
            head = branch.head
            self._catch_up()
            for draft in drafts:
                one = seal(draft, journal, head.seq + 1, self.clock.now(), head.hash)
                bodies.append(read_body(one.fact))
                sealed.append(one)
                head = Head.of(one.fact)
            self._insert(branch.number, sealed, bodies)
            self._sign(SignedHead.sign(head, key))
            self._set_branch(replace(branch, head=head))
            if self._appended is not None:
                self._appended.append((replace(branch, head=head), [one.fact for one in sealed]))
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
            self._committed((branch, found.fresh))
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
            held = self._main_places(journal, facts[0].seq, facts[-1].seq)
            others = [fact for fact in facts if held.get(fact.seq, fact.hash) != fact.hash]
            set_apart = self._set_apart([Head(journal, one.seq, held[one.seq]) for one in others])
            for fact in others:
                self._flag(fact.ref, CONTRADICTED, "another fact was held before a checkpoint came")
            fresh = [one for one in run if held.get(one.fact.seq) != one.fact.hash]
            self._insert(branch.number, fresh)
            if proof is not None:
                self._sign(proof)
            branch = self._sunk(replace(branch, floor=Head(journal, facts[0].seq - 1, facts[0].prev)))
            self._set_branch(branch)
        for other in set_apart:
            self._remember(other)
        self._committed((branch, [one.fact for one in fresh]))
        return [one.fact for one in fresh]

    def adopt(self, live: Iterable[Sealed], heads: Mapping[str, Head]) -> list[Fact]:
        """Takes a checkpoint's live facts, and its heads as floors of the journals of which less is held.

        A journal that has forked, here or against what is held, is passed over: only its facts say where the head belongs.
        The caller has checked the centre's signature over both.
        """
        taken: list[Fact] = []
        live = list(live)
        with self.engine.transaction("write"):
            forked = {one.fact.journal for one in live if self._contradicts(one.fact)}
            ahead = {j: h for j, h in heads.items() if j not in forked and self._leaps(h)}
            wanted = (one for one in live if one.fact.journal in ahead)
            while part := list(islice(wanted, PAGE)):
                fresh = [one for one in part if not self._has(one.fact)]
                taken += [one.fact for one in fresh]
                self._observe([one.fact for one in fresh])
                self._insert(0, fresh)
            branches = [Branch(0, head, head) for head in ahead.values()]
            for branch in branches:
                self._set_branch(branch)
        for branch in branches:
            self._remember(branch)
        self._tell(taken)
        if any(fact.kind == "forget" for fact in taken):
            self._purge()
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
        with self.together("count a start of"):
            number = int(self.setting("incarnation") or 0) + 1
            self.set_setting("incarnation", str(number))
        return number

    def rebuild(self) -> None:
        """Drops every projection and makes it anew from the facts held, in one transaction."""
        self._projections.rebuild()

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
        self._keep_clock()

    def _insert_private(self, branch: int, sealed: Sequence[Sealed]) -> None:
        values = [(one.fact, one.private) for one in sealed if one.private]
        if not values:
            return
        journals = {fact.journal for fact, _ in values}
        query = "SELECT journal, seq FROM forgets WHERE journal = ?"
        gone = {tuple(row) for journal in journals for row in self.rows(query, (journal,))}
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
        self.set_setting(_PURGE, "")

    def _catch_up(self) -> None:
        """Other processes have written stamps too: ours shall be later."""
        last = self.setting("clock") if self.engine.shared else None
        if last:
            self.clock.observe(Stamp.parse(last))

    def _keep_clock(self) -> None:
        self.engine.execute(
            """INSERT INTO node(name, value) VALUES ('clock', ?)
               ON CONFLICT(name) DO UPDATE SET value = excluded.value WHERE node.value < excluded.value""",
            (str(self.clock.last),),
        )

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

    def _leaps(self, head: Head) -> bool:
        """Whether a checkpoint's head leads beyond what is held of its journal."""
        main, *others = self.branches(head.journal)
        return head.seq > main.head.seq and not others

    def _contradicts(self, fact: Fact) -> bool:
        """Whether the main branch holds another fact under the number."""
        return self._hash_at(fact.journal, fact.seq) not in (None, fact.hash)

    def _set_apart(self, heads: Sequence[Head]) -> list[Branch]:
        """Facts of the main branch that turned out to be of another history: they go to a branch of their own.

        Checkpoints leap over what is held, and history comes down from above: the branch grows downwards.
        """
        grown: dict[int, Branch] = {}
        for head in reversed(heads):
            branches = [*self.branches(head.journal)[1:], *grown.values()]
            under = next((one for one in reversed(branches) if one.floor == head), None)
            number = under.number if under else 1 + max((one.number for one in branches), default=0)
            of = (head.journal, head.seq)
            for table in ("facts", "private_values"):
                self.engine.execute(
                    f"UPDATE {table} SET branch = ? WHERE journal = ? AND seq = ? AND branch = 0",
                    (number, *of),
                )
            query = "SELECT prev FROM facts WHERE journal = ? AND seq = ? AND branch = ?"
            floor = Head(head.journal, head.seq - 1, self.rows(query, (*of, number))[0][0])
            grown[number] = Branch(number, under.head if under else head, floor)
        for branch in grown.values():
            self._set_branch(branch)
        return list(grown.values())

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

    def _main(self, journal: str) -> Branch:
        for branch, _ in reversed(self._appended or ()):
            if branch.head.journal == journal:
                return branch
        return self.branches(journal)[0]

    # -- inside: after a commit, and at the start

    def _committed(self, *written: tuple[Branch, Sequence[Fact]]) -> None:
        for branch, facts in written:
            self._remember(branch)
            self._tell(facts)
        if any(fact.kind == "forget" for _, facts in written for fact in facts):
            self._purge()

    def _purge(self) -> None:
        """Until it is done it stands in a setting: a start makes up for what a kill or a reader hindered."""
        if self.engine.purge():
            self.engine.execute("DELETE FROM node WHERE name = ?", (_PURGE,))

    def _tell(self, facts: Sequence[Fact]) -> None:
        if facts:
            for listener in self._listeners:
                listener(facts)

    def _understand(self) -> None:
        """Reads again what an earlier version of this program did not understand."""
        by_arrival = "position + 0"  # not the bare column: SQLite would read the whole table in its order
        flawed = self._facts(f"flaw IS NOT NULL ORDER BY {by_arrival}", ())
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
        if good or self._projections.outdated:
            self.rebuild()


def _read(fact: Fact) -> tuple[Body | None, str | None]:
    """The body of a fact; or why it is stored but not taken into projections."""
    try:
        return read_body(fact), None
    except FactError as error:
        return None, str(error)
