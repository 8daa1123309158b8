"""A damaged file is recognised, set aside, made anew from what can be read of it and from peers, and said (issue 3, point 9)."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from edge.gate import PROJECTIONS
from shared.node.damage import inspect, mark, read_row
from shared.node.opening import mend, open_mended, recovery_told
from shared.node.pages import PAGE_BYTES
from shared.node.rows import COLUMNS
from shared.node.salvage import MOST_SET_ASIDE, set_aside
from shared.node.scrub import scrub
from shared.node.store import Store
from tests.builders import MORNING
from tests.faults.damaging import (
    MINE,
    Place,
    Whole,
    fill,
    flip_in,
    overwrite,
    own,
    pages_of,
    places,
    settle,
    whole,
)

FLIPS = {"header": 8, "interior": 10, "leaf": 14, "overflow": 8, "index": 10, "log": 14}
Harm = Callable[[Path], None]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    made = whole(tmp_path_factory.mktemp("whole"))
    yield made
    made.peer.close()


def readable(database: Path) -> set[Place]:
    """Own facts that SQLite can still read out of a damaged file and that are what they were, one by one."""
    found: set[Place] = set()
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection,
    ):
        for position in range(1, 500):
            with suppress(sqlite3.Error, IndexError):
                query = f"SELECT {COLUMNS} FROM facts WHERE position = ? AND journal = ?"
                row = connection.execute(query, (position, MINE)).fetchall()[0]
                if read_row(row) is not None:
                    found.add((row[1], row[2], row[8]))
    return found


def found_wrong(database: Path) -> str | None:
    """What the look at the start finds, else what the scrub finds, which marks the store for the next start."""
    why = inspect(database)
    if why is None:
        trust = own().trust
        store = Store(database, PROJECTIONS, wall=lambda: MORNING)
        trust.learn(store.of_kinds(["node_enrolled"]))
        store.close()
        why = scrub(database, PROJECTIONS, [trust])
        if why is not None:
            mark(database, why)
    return why


def starts_again(database: Path, before: Whole) -> str | None:
    """The store after damage, a start and a peer: complete, nothing twice, and said. Gives what was found."""
    kept = readable(database)
    existed = database.exists()
    why = found_wrong(database)
    recovered = mend(database, [own()], PROJECTIONS, lambda: MORNING)
    assert recovered is (why is not None)
    opened = open_mended(database, PROJECTIONS, lambda: MORNING, recovered=recovered)
    with closing(opened.store) as store:
        if why is None:
            assert places(store) == before.facts
        else:
            told = recovery_told(store)
            assert told is not None
            assert not existed or told.why == why
            assert set_aside(database) or not existed
            assert places(store) <= before.facts
            assert kept <= places(store)
        fill(store, before.peer)
        assert places(store) >= places(before.peer) | kept
        assert places(store) <= before.facts
    trust = own().trust
    trust.learn(before.peer.of_kinds(["node_enrolled"]))
    assert inspect(database) is None
    assert scrub(database, PROJECTIONS, [trust]) is None
    return why


@pytest.mark.parametrize(
    ("what", "seed"), [(what, seed) for what, count in FLIPS.items() for seed in range(count)]
)
def test_a_flipped_bit_loses_nothing_that_can_be_read_or_a_peer_holds(
    before: Whole, tmp_path: Path, what: str, seed: int
) -> None:
    database = before.copy(tmp_path / "gate")
    flip_in(database, what, seed)
    starts_again(database, before)


def half_old(database: Path) -> None:
    """A page whose second half is that of another."""
    settle(database)
    page = random.Random(7).choice([start for start, kind in pages_of(database) if kind == "leaf"])
    overwrite(database, page + PAGE_BYTES // 2, database.read_bytes()[PAGE_BYTES * 3 :][: PAGE_BYTES // 2])


def zero(kind: str) -> Harm:
    def harm(database: Path) -> None:
        settle(database)
        page = random.Random(kind).choice([start for start, one in pages_of(database) if one == kind])
        overwrite(database, page, bytes(PAGE_BYTES))

    return harm


def truncated(share: float, ending: str = "") -> Harm:
    def harm(database: Path) -> None:
        file = database.with_name(database.name + ending)
        with file.open("r+b") as stream:
            stream.truncate(int(file.stat().st_size * share))

    return harm


def garbage(database: Path) -> None:
    database.write_bytes(random.Random(1).randbytes(50_000))


def without(*endings: str) -> Harm:
    def harm(database: Path) -> None:
        for ending in endings:
            database.with_name(database.name + ending).unlink()

    return harm


def emptied(database: Path) -> None:
    database.write_bytes(b"")


HARMS: dict[str, Harm] = {
    "a torn page": half_old,
    "a leaf of zeroes": zero("leaf"),
    "an interior page of zeroes": zero("interior"),
    "an index page of zeroes": zero("index"),
    "an overflow page of zeroes": zero("overflow"),
    "a header page of zeroes": zero("header"),
    "garbage": garbage,
    "an empty file": emptied,
    "no file": without(""),
    "no log": without("-wal"),
    "neither": without("", "-wal"),
    **{f"a file cut to {share}": truncated(share) for share in (0.0003, 0.1, 0.37, 0.5, 0.83, 0.99)},
    **{f"a log cut to {share}": truncated(share, "-wal") for share in (0.0, 0.001, 0.3, 0.62, 0.98)},
}


@pytest.mark.parametrize("name", HARMS)
def test_a_harmed_file_is_never_a_silent_start(before: Whole, tmp_path: Path, name: str) -> None:
    database = before.copy(tmp_path / "gate")
    HARMS[name](database)
    assert starts_again(database, before) is not None


def test_a_store_that_is_whole_and_one_that_never_was_are_not_damaged(before: Whole, tmp_path: Path) -> None:
    assert starts_again(before.copy(tmp_path / "gate"), before) is None
    assert inspect(tmp_path / "new.db") is None
    assert mend(tmp_path / "new.db", [own()], PROJECTIONS) is False


def test_three_files_that_were_set_aside_are_kept_and_the_newest_always(
    before: Whole, tmp_path: Path
) -> None:
    database = before.copy(tmp_path / "gate")
    for _ in range(MOST_SET_ASIDE + 2):
        mark(database, "a test says so")
        newest = mend(database, [own()], PROJECTIONS, lambda: MORNING)
        assert newest is True
    kept = [file.name for file in set_aside(database)]
    assert len(kept) == MOST_SET_ASIDE
    with closing(Store(database, PROJECTIONS)) as store:
        told = recovery_told(store)
        assert told is not None
        assert told.set_aside in kept


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moves", [0, 1, 2, 3])
def test_a_recovery_that_is_killed_goes_on_at_the_next_start(
    before: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """Before each of its moves: the new store gets its name, the old log and file go, the new store takes their place."""
    database = before.copy(tmp_path / "gate")
    flip_in(database, "log", 3)
    move, left = Path.replace, iter(range(moves))

    def replace(file: Path, to: Path) -> Path:
        if file.exists() and next(left, None) is None:
            raise Killed
        return move(file, to)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        with pytest.raises(Killed):
            mend(database, [own()], PROJECTIONS, lambda: MORNING)
    assert starts_again(database, before) is not None
