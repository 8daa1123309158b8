"""A process that writes facts until it is killed, over and over, and what its store has to be after each kill.

What a commit says is drawn from its number, so that the judge knows every commit before it is written: own facts, or a run
of another journal taken in. The writer acknowledges each commit with a byte through a pipe.
"""

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.gate import PROJECTIONS
from shared.facts import Draft, seal
from shared.journal import Head, SignedHead
from shared.node.damage import Tail, inspect
from shared.node.scrub import scrub
from shared.node.store import Store
from tests.builders import MORNING, declared_body, key, stamp

MINE, THEIRS = "gate-2.1", "gate-1.1"
LATEST_KILL_S = 0.08
NEW_STORE_AFTER = 20
"""Cycles on one store; then the next one begins empty, so that a cycle costs the same for ever."""


@dataclass
class Count:
    """How far the cycles have come, and what they showed."""

    cycles: int = 0
    commits: int = 0
    in_the_middle: int = 0
    """Kills after which the store holds a commit that was not acknowledged: they came between disk and word."""
    lost: int = 0
    doubled: int = 0

    @classmethod
    def read(cls, file: Path) -> "Count":
        """Where an earlier run stopped."""
        return cls(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else cls()

    def write(self, file: Path) -> None:
        """Keeps it for the next run."""
        beside = file.with_name(f"{file.name}.new")
        beside.write_text(json.dumps(asdict(self)), encoding="utf-8")
        beside.replace(file)


def drafts(number: int) -> list[Draft]:
    """What the commit of that number says: one to three declarations, some longer than a page of the file."""
    rng = random.Random(number)
    found = []
    for part in range(rng.randint(1, 3)):
        no = f"20261123{number * 3 + part:05d}"
        goods = [{"name": "Nhãn tươi", "customs_no": "7" * 400}] * rng.choice((0, 0, 0, 1, 12))
        found.append(Draft("declared", f"declaration/{no}", declared_body(no=no, goods=goods)))
    return found


def commit(store: Store, number: int) -> None:
    """The commit of that number: own facts, and every third time a run of the other journal."""
    if number % 3:
        store.append(MINE, key(MINE), drafts(number))
        return
    head, run = store.head(THEIRS), []
    for draft in drafts(number):
        run.append(seal(draft, THEIRS, head.seq + 1, stamp(number), head.hash))
        head = Head.of(run[-1].fact)
    store.absorb(run, SignedHead.sign(head, key(THEIRS)))


def write_until_killed(database: Path, done: int, acknowledge: Callable[[], None]) -> None:
    """What the writer does: opens its store as a daemon does, and goes on with the commits that are not there yet."""
    store = Store(database, PROJECTIONS, wall=lambda: MORNING)
    store.listen(Tail(database).note)
    while True:
        commit(store, done)
        acknowledge()
        done += 1


def killed_while_writing(database: Path, done: int, after_s: float) -> int:
    """Forks a writer and kills it; gives how many commits it acknowledged. Its imports are ours, so it begins at once."""
    told, tell = os.pipe()
    writer = os.fork()
    if writer == 0:
        with suppress(BaseException):
            write_until_killed(database, done, lambda: os.write(tell, b"."))
        os._exit(1)
    os.close(tell)
    time.sleep(after_s)
    os.kill(writer, signal.SIGKILL)
    _, status = os.waitpid(writer, 0)
    with os.fdopen(told, "rb") as pipe:
        acknowledged = len(pipe.read())
    assert os.WIFSIGNALED(status), "the writer ended by itself"
    return acknowledged


def judge(database: Path, acknowledged: int, count: Count) -> int:
    """Compares the store with what was meant to be written, and gives how many commits it holds.

    It must be the first k commits, whole and in order, for some k not below what was acknowledged.
    """
    if not database.exists() and not acknowledged:
        return 0
    why = inspect(database)
    assert why is None, why
    with closing(Store(database, PROJECTIONS, wall=lambda: MORNING)) as store:
        held = [
            (row[0], row[1]) for row in store.rows("SELECT journal, subject FROM facts ORDER BY position")
        ]
    commits = 0
    for number in range(len(held) + 1):
        wanted = [(THEIRS if number % 3 == 0 else MINE, draft.subject) for draft in drafts(number)]
        if not held[: len(wanted)]:
            break
        count.doubled += sum(times > 1 for times in Counter(held[: len(wanted)]).values())
        assert held[: len(wanted)] == wanted, f"commit {number} is not there as it was written"
        del held[: len(wanted)]
        commits += 1
    count.lost += max(0, acknowledged - commits)
    assert scrub(database, PROJECTIONS, []) is None
    return commits


Where = Callable[[Path], AbstractContextManager[Path]]
"""Gives the folder in which the writer works, for the folder in which the judge finds what is left."""


def cycles(folder: Path, wanted: int, rng: random.Random, count: Count, where: Where = nullcontext) -> None:
    """Cycles until there were so many."""
    while count.cycles < wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        done = 0
        for _ in range(min(NEW_STORE_AFTER, wanted - count.cycles)):
            with where(folder) as writing:
                told = killed_while_writing(writing / "facts.db", done, rng.uniform(0, LATEST_KILL_S))
            acknowledged = done + told
            done = judge(folder / "facts.db", acknowledged, count)
            count.cycles += 1
            count.in_the_middle += done > acknowledged
        count.commits += done
