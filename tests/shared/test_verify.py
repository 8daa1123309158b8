"""The walk along a journal: whatever is changed, wherever, is found, and not after the place where it was changed."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.branches import Branch
from shared.hearing import Hearing, Word
from shared.journal import Head
from shared.node.rows import row_of
from shared.verify import Finding, Page, Row, Walk
from tests.builders import Journal, key, note

NAME = "gate-1.1"
FACTS = 12


def written() -> Journal:
    journal = Journal(NAME)
    for number in range(FACTS):
        journal.write(note(str(number)))
    return journal


JOURNAL = written()
ROWS = [(0, *row_of(0, 0, fact, None)[3:]) for fact in JOURNAL.facts]
MAIN = Branch(0, JOURNAL.head, Head.empty(NAME))
SIGNATURES = [(fact.seq, fact.hash, key(NAME).sign(fact.hash)) for fact in JOURNAL.facts if fact.seq % 4 == 0]


def walked(rows: Sequence[Row], cuts: Sequence[int] = (), *, every: bool = True) -> Walk:
    """The walk along rows in pages that end at `cuts`."""
    walk = Walk(NAME, [MAIN], lambda _: [key(NAME).public], every_signature=every)
    bounds = [0, *sorted(cuts), FACTS]
    for after, upto in pairwise(bounds):
        walk.take(
            Page(
                [row for row in rows if after < row[3] <= upto],
                [one for one in SIGNATURES if after < one[0] <= upto],
            )
        )
    walk.end([MAIN])
    return walk


CUTS = st.lists(st.integers(1, FACTS - 1), max_size=4, unique=True)


@given(CUTS, st.booleans())
def test_what_was_not_changed_is_good_however_it_is_paged(cuts: list[int], every: bool) -> None:
    assert walked(ROWS, cuts, every=every).findings == []


@given(st.integers(0, FACTS - 1), st.integers(1, 9), CUTS, st.booleans())
def test_any_changed_column_is_found_at_its_fact(
    which: int, column: int, cuts: list[int], every: bool
) -> None:
    rows = [list(row) for row in ROWS]
    value = rows[which][column]
    rows[which][column] = value + "x" if isinstance(value, str) else value + 100
    found = walked([row for row in rows if row[3] <= FACTS], cuts, every=every).findings
    assert found
    assert min(one.seq for one in found) == which + 1


@given(st.sets(st.integers(1, FACTS), min_size=1), CUTS)
def test_any_facts_taken_out_are_missed(gone: set[int], cuts: list[int]) -> None:
    found = walked([row for row in ROWS if row[3] not in gone], cuts).findings
    assert found
    assert found[0].seq <= min(gone)


def test_a_fact_that_fits_itself_and_not_the_next_is_the_bad_one_when_the_next_is_signed() -> None:
    other = Journal(NAME, JOURNAL.sealed[:5])
    changed = other.write(note("changed"))
    rows = [*ROWS[:5], (0, *row_of(0, 0, changed, None)[3:]), *ROWS[6:]]
    assert walked(rows).findings[0] == Finding(
        NAME, 6, "it is not the fact that the next one, which is signed, follows"
    )


def test_a_journal_under_an_unknown_key_is_neither_good_nor_surely_bad() -> None:
    walk = Walk(NAME, [MAIN], lambda _: [], no_key="who?")
    walk.take(Page(ROWS, SIGNATURES))
    walk.end([MAIN])
    assert walk.findings == [Finding(NAME, 1, "who?", certain=False)]


def test_the_lowest_contradiction_and_the_farthest_word_are_kept() -> None:
    hearing = Hearing(NAME, [MAIN])
    facts = JOURNAL.facts
    hearing.hear(Word("a", Head.of(facts[9])), [facts[9].hash])
    hearing.hear(Word("author", Head.of(facts[10])), [facts[10].hash], counts=False)
    for seq in (7, 4, 8):
        hearing.hear(Word("b", Head(NAME, seq, "f" * 64)), [facts[seq - 1].hash])
    hearing.hear(Word("c", Head(NAME, 20, "f" * 64), binding=False), [])
    hearing.hear(Word("d", Head(NAME, 15, "f" * 64)), [])
    assert hearing.agreed == 10
    assert [(one.seq, one.certain) for one in hearing.findings()] == [(4, True), (13, True)]


def test_a_word_about_what_was_pruned_says_nothing() -> None:
    pruned = Hearing(NAME, [Branch(0, JOURNAL.head, Head.of(JOURNAL.facts[5]))])
    pruned.hear(Word("a", Head(NAME, 3, "f" * 64)), [])
    assert pruned.findings() == []
    pruned.hear(Word("a", Head(NAME, 6, "f" * 64)), [])
    assert [one.seq for one in pruned.findings()] == [6]
