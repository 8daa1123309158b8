"""Proves a store: walks every journal that it holds and hears every witness. The rules are `shared.verify`'s.

Pages are read one by one without holding a transaction, so a node may go on writing; memory does not grow with the journals.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.bodies import Witnessed, read_body
from shared.branches import Branch
from shared.checkpoint import Manifest
from shared.facts import Fact, FactError, fits_hash, read_envelope
from shared.hearing import Hearing, Word
from shared.journal import Head, SignedHead, author_of, centre_node, is_centre
from shared.node.checkpoints import Checkpoints
from shared.node.engine import Engine
from shared.node.rows import COLUMNS, fact_of
from shared.protocol import check_any
from shared.signing import PublicKey
from shared.trust import Trust
from shared.verify import Finding, Page, Vouched, Walk, first_of

PAGE = 2000
_BEFORE_ALL = -(2**62)
_AFTER_ALL = 2**62
_TIMES = 3
"""A journal that is pruned or forks while it is walked is walked again, so often at most."""


class Copy(Protocol):
    """Somebody else's copy of the journals, to hold against a store."""

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        ...

    def places(self) -> Iterator[list[Head]]:
        """Every fact it holds, as runs in order of number, each of one journal."""
        ...


@dataclass(frozen=True)
class Proven:
    """How far a journal is held; `witnessed`: the highest number that somebody else is known to hold with our hash.

    `loose`: facts below its floor for which no checkpoint at hand vouches; only their own hash was checked.
    """

    seq: int
    hash: str
    witnessed: int
    floor: int = 0
    loose: int = 0


@dataclass(frozen=True)
class Report:
    """What an audit found: each journal, and what is wrong, a finding a journal at most, the gravest first."""

    journals: Mapping[str, Proven]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """True when everything could be judged and nothing was found."""
        return not self.findings

    @property
    def first_bad(self) -> Finding | None:
        """The first bad fact."""
        return self.findings[0] if self.findings else None


def audit(
    engine: Engine,
    root: PublicKey | None = None,
    against: Sequence[Copy] = (),
    checkpoints: Checkpoints | None = None,
    *,
    every_signature: bool = True,
) -> Report:
    """Proves what a store holds; raises StoreUnusable. `engine` belongs to the calling thread (`another()`).

    `root`: the centre's key; without it the one that the store remembers. Without any, no signature can be judged, and the
    report says so. `checkpoints`: where the centre's newest checkpoint lies. `every_signature`: see Walk.
    """
    one = _Audit(engine, root, checkpoints, every_signature=every_signature)
    one.walk()
    one.hear(one.noted())
    one.hear(one.written())
    for copy in against:
        one.hear(one.told_by(copy))
    return one.report()


@dataclass
class _Journal:
    """What the audit knows of a journal so far."""

    branches: list[Branch]
    hearing: Hearing
    findings: list[Finding] = field(default_factory=list)
    loose: int = 0

    @property
    def good_to(self) -> int:
        """The number below which nothing was found."""
        return min((one.seq for one in self.findings), default=_AFTER_ALL)


class _Audit:
    def __init__(
        self,
        engine: Engine,
        root: PublicKey | None,
        checkpoints: Checkpoints | None,
        *,
        every_signature: bool,
    ) -> None:
        self._engine = engine
        self._every = every_signature
        settings = dict(engine.rows("SELECT name, value FROM node"))
        self._own = {
            name.removeprefix("own/"): site for name, site in settings.items() if name.startswith("own/")
        }
        if root is None and "root" in settings:
            root = PublicKey(settings["root"])
        self._journals: dict[str, _Journal] = {}
        self._names = self._held()
        centres = {author_of(name) for name in self._names if is_centre(author_of(name))}
        sites = {*self._own.values(), *(centre.removeprefix(centre_node("")) for centre in centres)}
        self._trusts = {site: Trust(site, root) for site in sorted(sites)} if root else {}
        self._vouched = self._checkpoint(checkpoints)

    # -- the journals themselves

    def walk(self) -> None:
        """Walks every journal, the centre's first: they say whose signature is good."""
        for trust in self._trusts.values():
            self._learn_roots(trust)
        for name in self._names:
            for _ in range(_TIMES):
                branches = self._branches(name)
                walk = self._walk(name, branches)
                now = self._branches(name)
                if not walk.broken or _shape(now) == _shape(branches):
                    break
            self._journals[name] = _Journal(now, Hearing(name, now), list(walk.findings), walk.loose)
            learnt = [fact_of(row[1:]) for row in walk.authority]
            for trust in self._trusts.values():
                trust.learn(learnt)

    def report(self) -> Report:
        """What was found."""
        proven: dict[str, Proven] = {}
        first: list[Finding] = []
        for name, journal in self._journals.items():
            found = first_of([*journal.findings, *journal.hearing.findings()])
            if found is not None:
                first.append(found)
            if journal.branches:
                main = journal.branches[0]
                proven[name] = Proven(
                    main.head.seq, main.head.hash, journal.hearing.agreed, main.floor.seq, journal.loose
                )
        return Report(proven, tuple(sorted(first, key=lambda one: (not one.certain, *_order(one.journal)))))

    def _walk(self, name: str, branches: Sequence[Branch]) -> Walk:
        no_key = "nobody enrolled its author here, so its signatures cannot be judged"
        if is_centre(author_of(name)) or not self._trusts:
            no_key = "the centre's key is not known, so no signature can be judged; give --root KEY"
        walk = Walk(
            name,
            branches,
            lambda seq: self._keys(name, seq),
            self._vouched.get(name),
            every_signature=self._every,
            no_key=no_key,
        )
        after = _BEFORE_ALL
        while not walk.broken:
            rows = self._rows(name, after)
            if rows:
                upto = rows[-1][3]
                walk.take(Page(rows, *self._beside(name, after, upto)))
                after = upto
                continue
            beside, now = self._beside(name, after, _AFTER_ALL), self._branches(name)
            if not self._rows(name, after):
                walk.take(Page((), *beside))
                walk.end(now)
                break
        return walk

    # -- what others say

    def hear(self, words: Iterable[tuple[Word, bool]]) -> None:
        """Words about journals, each with whether it counts as a witness; those about other sites are passed over."""
        for word, counts in words:
            name = word.head.journal
            journal = self._journals.get(name)
            if journal is None:
                if not self._ours(name):
                    continue
                journal = self._journals[name] = _Journal([], Hearing(name, []))
            held = self._places(name, word.head.seq, word.head.seq).get(word.head.seq, ())
            journal.hearing.hear(word, held, counts=counts)

    def noted(self) -> Iterator[tuple[Word, bool]]:
        """What others were seen to hold: the table `heads_seen`."""
        query = "SELECT witness, journal, seq, hash FROM heads_seen ORDER BY journal, seq, witness"
        for witness, name, seq, digest in self._engine.rows(query):
            yield Word(witness, Head(name, seq, digest), self._is_own(name)), self._counts(witness, name)

    def written(self) -> Iterator[tuple[Word, bool]]:
        """What nodes have written down that they hold: `witnessed` facts, as far as they are good themselves."""
        for fact in self._of_kind("witnessed"):
            journal = self._journals.get(fact.journal)
            if journal is None or fact.seq >= journal.good_to:
                continue
            try:
                body = read_body(fact)
            except FactError:
                continue
            author = author_of(fact.journal)
            for name, head in body.heads.items() if isinstance(body, Witnessed) else ():
                binding = self._is_own(name) or author in self._own
                word = Word(author, Head(name, head.seq, head.hash), binding)
                yield word, self._counts(author, name)

    def told_by(self, copy: Copy) -> Iterator[tuple[Word, bool]]:
        """What another copy holds, the facts that differ from ours and its last ones; it must not hold more."""
        for run in copy.places():
            held = self._places(run[0].journal, run[0].seq, run[-1].seq)
            for head in run:
                if head is run[-1] or head.hash not in held.get(head.seq, ()):
                    yield Word(copy.name, head, complete=True), True

    # -- inside

    def _learn_roots(self, trust: Trust) -> None:
        """Rotations of the root, each signed by the root before it: in the store, or in a checkpoint (already learnt)."""
        left = [fact for fact in self._of_kind("root_rotated") if is_centre(author_of(fact.journal))]
        while True:
            good = [fact for fact in left if self._signed(fact, trust.keys(fact.journal, fact.seq))]
            if not good:
                return
            trust.learn(good)
            left = [fact for fact in left if fact not in good]

    def _signed(self, fact: Fact, keys: Sequence[PublicKey]) -> bool:
        query = "SELECT signature FROM signatures WHERE journal = ? AND seq = ? AND hash = ?"
        rows = self._engine.rows(query, (fact.journal, fact.seq, fact.hash))
        return any(key.verifies(fact.hash, row[0]) for key in keys for row in rows)

    def _checkpoint(self, checkpoints: Checkpoints | None) -> dict[str, Vouched]:
        """What the newest checkpoint vouches for; nothing when it is not signed by the root or a part is missing."""
        manifest = checkpoints.manifest if checkpoints else None
        trust = self._trusts.get(manifest.site) if manifest else None
        if checkpoints is None or manifest is None or trust is None or checkpoints.missing():
            return {}
        try:
            learn_certificates(trust, manifest)
            manifest.check(trust.root)
            live: dict[str, dict[int, str]] = {}
            for one in checkpoints.live():
                live.setdefault(one.fact.journal, {})[one.fact.seq] = one.fact.hash
        except FactError:
            return {}
        return {name: Vouched(head, live.get(name, {})) for name, head in manifest.all_heads().items()}

    def _keys(self, name: str, seq: int) -> Sequence[PublicKey]:
        return [key for trust in self._trusts.values() for key in trust.keys(name, seq)]

    def _is_own(self, name: str) -> bool:
        return author_of(name) in self._own

    def _ours(self, name: str) -> bool:
        """Whether the journal belongs to a site of this store."""
        return self._is_own(name) or any(trust.knows(name) for trust in self._trusts.values())

    def _counts(self, witness: str, name: str) -> bool:
        """Whether a witness is somebody else: not this store's node, and for its own journals not their author."""
        return witness not in self._own and (bool(self._own) or witness != author_of(name))

    # -- inside: rows

    def _held(self) -> list[str]:
        """The journals of which there is anything, the centre's first."""
        names: set[str] = set()
        for table in ("facts", "journals", "signatures", "private_values"):
            query, last = f"SELECT min(journal) FROM {table} WHERE journal > ?", ""
            while (found := self._engine.rows(query, (last,))[0][0]) is not None:
                names.add(found)
                last = found
        return sorted(names, key=_order)

    def _branches(self, name: str) -> list[Branch]:
        query = "SELECT branch, seq, hash, floor, floor_hash FROM journals WHERE journal = ? ORDER BY branch"
        return [
            Branch(row[0], Head(name, row[1], row[2]), Head(name, row[3], row[4]))
            for row in self._engine.rows(query, (name,))
        ]

    def _rows(self, name: str, after: int) -> list[Any]:
        """The next rows of a journal, with all branches of the last number."""
        rows = self._engine.rows(
            f"""SELECT branch, {COLUMNS} FROM facts WHERE journal = ? AND seq > ?
                ORDER BY seq, branch LIMIT {PAGE}""",
            (name, after),
        )
        if len(rows) < PAGE:
            return rows
        whole = [row for row in rows if row[3] != rows[-1][3]]
        return whole or rows

    def _beside(self, name: str, after: int, upto: int) -> tuple[list[Any], list[Any]]:
        """Signatures and personal values of a stretch."""
        where = "WHERE journal = ? AND seq > ? AND seq <= ? ORDER BY seq"
        return (
            self._engine.rows(f"SELECT seq, hash, signature FROM signatures {where}", (name, after, upto)),
            self._engine.rows(
                f"SELECT seq, branch, pointer, salt, value FROM private_values {where}", (name, after, upto)
            ),
        )

    def _places(self, name: str, first: int, last: int) -> dict[int, set[str]]:
        query = "SELECT seq, hash FROM facts WHERE journal = ? AND seq >= ? AND seq <= ?"
        found: dict[int, set[str]] = {}
        for seq, digest in self._engine.rows(query, (name, first, last)):
            found.setdefault(seq, set()).add(digest)
        return found

    def _of_kind(self, kind: str) -> Iterator[Fact]:
        position = _BEFORE_ALL
        while True:
            rows = self._engine.rows(
                f"""SELECT position, {COLUMNS} FROM facts WHERE kind = ? AND position > ?
                    ORDER BY position LIMIT {PAGE}""",
                (kind, position),
            )
            if not rows:
                return
            yield from (fact_of(row[1:]) for row in rows if fits_hash(row[1:]))
            position = rows[-1][0]


def learn_certificates(trust: Trust, manifest: Manifest) -> None:
    """Follows a checkpoint's certificates from the root that was pinned to the one now; raises FactError."""
    for certificate in manifest.roots:
        fact = read_envelope(certificate.fact)
        signed = SignedHead(Head.of(fact), certificate.signature)
        check_any(signed, trust.keys(fact.journal, fact.seq))
        trust.learn([fact])


def _shape(branches: Sequence[Branch]) -> list[tuple[int, Head]]:
    return [(one.number, one.floor) for one in branches]


def _order(journal: str) -> tuple[bool, str]:
    """The centre's journals first: on them rests who may speak."""
    return not is_centre(author_of(journal)), journal
