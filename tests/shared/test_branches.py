"""Where a run of facts belongs: it goes on, lies within, forks, or comes after a gap; whatever the order, the end is the same."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.branches import Branch, Place, attach, locator, place
from shared.facts import BrokenChain, Fact, Sealed
from shared.journal import Head, follow
from tests.builders import Journal, note

NAME = "gate-1.1"
EMPTY = Head.empty(NAME)


@dataclass
class Holder:
    """What a node holds of one journal."""

    branches: list[Branch] = field(default_factory=lambda: [Branch.empty(NAME)])
    facts: dict[Place, Fact] = field(default_factory=dict)

    def take(self, run: Sequence[Fact]) -> int:
        """Takes in what is new of a run and gives how much that was; raises BrokenChain."""
        found = attach(self.branches, run, self.places)
        follow(found.branch.head, found.fresh)
        self.facts |= {(fact.seq, fact.hash): fact for fact in found.fresh}
        others = [one for one in self.branches if one.number != found.branch.number]
        assert found.forks == (len(others) == len(self.branches))
        self.branches = sorted([*others, found.branch.grown(found.fresh)], key=lambda one: one.number)
        return len(found.fresh)

    def places(self, first: int, last: int) -> Collection[Place]:
        """The places held from one number to another."""
        return [one for one in self.facts if first <= one[0] <= last]

    def heads(self) -> set[Place]:
        """How far every branch goes."""
        return {place(branch.head) for branch in self.branches}

    def on(self, branch: Branch) -> dict[int, str]:
        """The hash under each number of a branch, from its floor up; a gap is a KeyError."""
        held, at = {}, branch.head
        while at.seq > branch.floor.seq:
            held[at.seq] = at.hash
            at = Head(NAME, at.seq - 1, self.facts[place(at)].prev)
        assert at == branch.floor
        return held


def history(count: int, text: str = "", of: Sequence[Fact] = ()) -> list[Fact]:
    """So many facts that go on after those of another history."""
    journal = Journal(NAME, [Sealed(fact) for fact in of])
    for number in range(count):
        journal.write(note(f"{text}{number}"))
    return journal.facts


MAIN = history(6)
FORK = history(3, "fork", MAIN[:3])
AGAIN = history(2, "again", FORK[:5])


@pytest.fixture
def holder() -> Holder:
    """It holds 1 to 6, and another 4 to 6."""
    one = Holder()
    one.take(MAIN)
    one.take(FORK)
    return one


@pytest.mark.parametrize(
    ("run", "number", "fresh", "forks"),
    [
        pytest.param(MAIN, 0, [], False, id="all of it is held"),
        pytest.param(MAIN[2:4], 0, [], False, id="it lies within"),
        pytest.param(FORK[3:5], 0, [], False, id="it lies within another branch"),
        pytest.param(history(2, "on", MAIN)[6:], 0, [7, 8], False, id="it goes on"),
        pytest.param(history(2, "on", MAIN)[4:], 0, [7, 8], False, id="it overlaps and goes on"),
        pytest.param(history(1, "on", FORK)[6:], 1, [7], False, id="it goes on a fork"),
        pytest.param(history(1, "on", FORK), 1, [7], False, id="it overlaps and goes on a fork"),
        pytest.param(history(2, "new", MAIN[:4])[4:], 2, [5, 6], True, id="it forks"),
        pytest.param(history(2, "new"), 2, [1, 2], True, id="it forks at the beginning"),
        pytest.param(AGAIN, 2, [6, 7], True, id="it forks a fork"),
    ],
)
def test_where_a_run_belongs(
    holder: Holder, run: Sequence[Fact], number: int, fresh: list[int], forks: bool
) -> None:
    found = attach(holder.branches, run, holder.places)
    assert (found.branch.number, [fact.seq for fact in found.fresh], found.forks) == (number, fresh, forks)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(history(3, "on", MAIN)[7:], id="after a gap"),
        pytest.param(AGAIN[6:], id="on a fork that is not held"),
    ],
)
def test_a_run_after_something_that_is_not_held_is_asked_for_anew(
    holder: Holder, run: Sequence[Fact]
) -> None:
    with pytest.raises(BrokenChain, match="follows a fact that is not held; held up to 6"):
        attach(holder.branches, run, holder.places)


def test_a_fork_begins_above_the_last_fact_in_common(holder: Holder) -> None:
    main, fork = holder.branches
    assert (main.floor, fork.floor) == (EMPTY, Head.of(MAIN[2]))
    assert (main.head, fork.head) == (Head.of(MAIN[-1]), Head.of(FORK[-1]))


FLOORED = Branch(0, Head.of(MAIN[3]), Head.of(MAIN[3]))
"""A node that began from a checkpoint at 4."""


@pytest.mark.parametrize(
    ("run", "fresh"),
    [
        pytest.param(MAIN[4:], [5, 6], id="it goes on"),
        pytest.param(MAIN, [5, 6], id="it begins below the floor"),
        pytest.param(MAIN[:4], [], id="it ends at the floor"),
        pytest.param(MAIN[:2], [], id="it lies below the floor"),
        pytest.param(FORK[:4], [], id="a fork below the floor is not looked at"),
    ],
)
def test_what_lies_below_a_floor_is_history(run: Sequence[Fact], fresh: list[int]) -> None:
    found = attach([FLOORED], run, Holder().places)
    assert (found.branch, [fact.seq for fact in found.fresh], found.forks) == (FLOORED, fresh, False)


def test_a_fork_from_below_a_floor_cannot_be_joined() -> None:
    with pytest.raises(BrokenChain):
        attach([FLOORED], FORK, Holder().places)


def test_a_fork_right_above_a_floor_is_kept() -> None:
    holder = Holder([FLOORED])
    holder.take(MAIN[4:])
    holder.take(history(1, "new", MAIN[:4]))
    assert [branch.floor.seq for branch in holder.branches] == [4, 4]


@st.composite
def trees(draw: st.DrawFn) -> list[list[Fact]]:
    """Histories of one journal, each going on from somewhere in one of those before."""
    histories = [history(draw(st.integers(1, 8)), "0")]
    for number in range(1, draw(st.integers(1, 5))):
        other = draw(st.sampled_from(histories))
        common = other[: draw(st.integers(0, len(other)))]
        histories.append(history(draw(st.integers(1, 6)), str(number), common))
    return histories


def leaves(histories: Sequence[Sequence[Fact]]) -> set[Place]:
    """The ends that nothing goes on from."""
    before = {(fact.seq - 1, fact.prev) for one in histories for fact in one}
    return {place(Head.of(one[-1])) for one in histories} - before


@settings(max_examples=150)
@given(tree=trees(), data=st.data())
def test_runs_in_any_order_cut_anywhere_and_repeated_give_the_same_branches(
    tree: list[list[Fact]], data: st.DataObject
) -> None:
    holder = Holder()
    for _ in range(data.draw(st.integers(0, 15))):
        one = data.draw(st.sampled_from(tree))
        start = data.draw(st.integers(0, len(one) - 1))
        run = one[start : data.draw(st.integers(start + 1, len(one)))]
        missing = start > 0 and (run[0].seq - 1, run[0].prev) not in holder.facts
        if missing and not all((fact.seq, fact.hash) in holder.facts for fact in run):
            with pytest.raises(BrokenChain):
                holder.take(run)
        else:
            holder.take(run)
    for one in data.draw(st.permutations(tree)):
        holder.take(one)

    assert holder.heads() == leaves(tree)
    assert [branch.number for branch in holder.branches] == list(range(len(holder.branches)))
    held = [holder.on(branch) for branch in holder.branches]
    assert sum(map(len, held)) == len(holder.facts) == len({fact.hash for one in tree for fact in one})
    assert all(holder.take(one) == 0 for one in tree)


@given(tree=trees(), data=st.data())
def test_once_everything_came_nothing_forks_any_more(tree: list[list[Fact]], data: st.DataObject) -> None:
    first, second = Holder(), Holder()
    for holder in (first, second):
        for one in data.draw(st.permutations(tree)):
            holder.take(one)
    assert first.heads() == second.heads()
    assert first.facts == second.facts


LONG = history(300)


@settings(max_examples=40)
@given(common=st.integers(1, 299), beyond=st.integers(0, 300))
def test_a_locator_finds_the_last_fact_in_common_or_one_not_far_below(common: int, beyond: int) -> None:
    """The holder has other facts beyond `common`; what lies between is sent twice, and there is no more of it than beyond."""
    mine = LONG[: min(300, common + beyond)]
    theirs = {fact.seq: fact.hash for fact in LONG[:common]}
    branch = Branch(0, Head.of(mine[-1]), EMPTY)
    places = locator(branch, lambda seq: mine[seq - 1].hash)

    found = max((one.seq for one in places if theirs.get(one.seq) == one.hash), default=0)

    apart = mine[-1].seq - common
    assert common - apart <= found <= common
    assert len(places) <= log2(len(mine)) + 2


@pytest.mark.parametrize(
    ("head", "floor", "expected"),
    [
        (0, 0, []),
        (1, 0, [1]),
        (12, 0, [12, 11, 9, 5]),
        (12, 5, [12, 11, 9, 5]),
        (12, 6, [12, 11, 9, 6]),
        (12, 11, [12, 11]),
        (12, 12, [12]),
    ],
)
def test_a_locator_goes_down_in_ever_wider_steps_to_the_floor(
    head: int, floor: int, expected: list[int]
) -> None:
    ends = [Head.of(LONG[seq - 1]) if seq else EMPTY for seq in (head, floor)]
    places = locator(Branch(0, *ends), lambda seq: LONG[seq - 1].hash)
    assert [one.seq for one in places] == expected
    assert all(one.hash == LONG[one.seq - 1].hash for one in places)


def test_a_locator_passes_over_what_is_not_held() -> None:
    branch = Branch(0, Head.of(LONG[11]), EMPTY)
    assert [one.seq for one in locator(branch, lambda _: None)] == [12]
