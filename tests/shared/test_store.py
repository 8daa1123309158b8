"""The store: what was acknowledged is on disk, all or nothing, once, in order, and every table follows from the facts."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared import subjects
from shared.body import Body
from shared.facts import BadFact, BrokenChain, Draft, Fact, Sealed, commit
from shared.journal import Head, SignedHead, follow
from shared.node.engine import Engine
from shared.node.store import Store
from tests.builders import MORNING, NO, PLATE, SITE, VEHICLE, Journal, declared_body, key, note, stamp
from tests.engines import Open, in_transaction, on_both_engines

pytestmark = on_both_engines

MINE = "gate-1.1"
THEIRS = "gate-2.1"


class Applied:
    """A projection that only notes what it was given."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    schema = "CREATE TABLE IF NOT EXISTS applied (ref TEXT PRIMARY KEY);"

    def apply(self, database: Engine, fact: Fact, body: Body) -> None:
        del body
        assert in_transaction(database)
        self.facts.append(fact)

    def drop(self, database: Engine, no: str) -> None:
        del database, no


OpenStore = Callable[..., Store]


@pytest.fixture
def applied() -> Applied:
    return Applied()


@pytest.fixture
def open_store(connect: Open, applied: Applied) -> Iterator[OpenStore]:
    """Opens the store of the test, again and again as after restarts."""
    stores: list[Store] = []

    def opened(wall: datetime = MORNING) -> Store:
        stores.append(Store(connect(), [applied], wall=lambda: wall))
        return stores[-1]

    yield opened
    for one in stores:
        one.close()


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


@pytest.fixture
def theirs() -> Journal:
    """Six facts of another node."""
    journal = Journal(THEIRS)
    for number in range(6):
        journal.write(note(str(number)))
    return journal


def signed_at(journal: Journal, seq: int) -> SignedHead:
    return SignedHead.sign(Head.of(journal.facts[seq - 1]), key(journal.name))


def all_facts(store: Store) -> list[Fact]:
    return [fact for _, fact in store.since(0, most=10_000)]


# -- append


def test_appended_facts_are_numbered_chained_and_signed(store: Store) -> None:
    sealed = store.append(MINE, key(MINE), [note("a"), note("b")])
    sealed += store.append(MINE, key(MINE), [note("c")])
    assert follow(Head.empty(MINE), [one.fact for one in sealed]) == store.head(MINE)
    page = store.page(MINE, 0)
    assert page is not None
    run, signed = page
    assert run == sealed
    signed.check(key(MINE).public)


def test_facts_survive_closing_and_opening(open_store: OpenStore) -> None:
    store = open_store()
    written = [one.fact for one in store.append(MINE, key(MINE), [note("a"), note("b")])]
    store.close()
    again = open_store()
    assert all_facts(again) == written
    assert again.append(MINE, key(MINE), [note("c")])[0].fact.seq == 3


def test_appending_is_all_or_nothing(store: Store) -> None:
    store.append(MINE, key(MINE), [note("before")])
    told: list[Fact] = []
    store.listen(told.extend)
    faulty = Draft("recalled", subjects.declaration(NO), {"no": "not a number"})
    with pytest.raises(BadFact):
        store.append(MINE, key(MINE), [note("a"), faulty])
    assert (store.head(MINE).seq, store.count(), told) == (1, {MINE: 1}, [])
    assert store.append(MINE, key(MINE), [note("after")])[0].fact.seq == 2


@pytest.mark.parametrize(
    "draft",
    [Draft("teleported", "x", {}), Draft("recalled", "x", {"no": NO}, v=2), note("nan", kind="declared")],
    ids=["unknown kind", "unknown version", "faulty body"],
)
def test_a_node_writes_nothing_that_it_does_not_understand(store: Store, draft: Draft) -> None:
    with pytest.raises(BadFact):
        store.append(MINE, key(MINE), [draft])
    assert store.count() == {}


@pytest.mark.parametrize("text", ["@1", "@9", "' OR 1=1 --", "\\u0000", "桂F·F0123 Đặng"])
def test_whatever_an_officer_writes_is_kept_as_written(store: Store, text: str) -> None:
    store.append(MINE, key(MINE), [note("first"), note(text)])
    kept = store.get(f"{MINE}/2")
    assert kept is not None
    assert kept.body["reason"] == text


def test_listeners_hear_of_facts_after_they_are_stored(store: Store) -> None:
    heard: list[tuple[str, int]] = []
    store.listen(lambda facts: heard.extend((fact.ref, store.head(MINE).seq) for fact in facts))
    store.append(MINE, key(MINE), [note("a"), note("b")])
    store.append(MINE, key(MINE), [])
    assert heard == [(f"{MINE}/1", 2), (f"{MINE}/2", 2)]


# -- absorb


def test_a_run_is_taken_in_and_can_be_passed_on_with_its_signature(store: Store, theirs: Journal) -> None:
    assert store.absorb(theirs.sealed, theirs.signed) == theirs.facts
    assert store.page(THEIRS, 0) == (theirs.sealed, theirs.signed)
    assert store.heads() == {THEIRS: theirs.head}


def test_a_run_taken_in_twice_changes_nothing(store: Store, theirs: Journal) -> None:
    store.absorb(theirs.sealed, theirs.signed)
    heard: list[Fact] = []
    store.listen(heard.extend)
    assert store.absorb(theirs.sealed, theirs.signed) == []
    assert (all_facts(store), heard) == (theirs.facts, [])


def test_of_an_overlapping_run_only_the_new_part_is_taken(store: Store, theirs: Journal) -> None:
    store.absorb(theirs.sealed[:4], signed_at(theirs, 4))
    assert store.absorb(theirs.sealed[2:], theirs.signed) == theirs.facts[4:]
    assert all_facts(store) == theirs.facts


def test_a_run_after_a_gap_is_refused_and_nothing_of_it_stored(store: Store, theirs: Journal) -> None:
    store.absorb(theirs.sealed[:2], signed_at(theirs, 2))
    with pytest.raises(BrokenChain, match="held up to 2"):
        store.absorb(theirs.sealed[3:], theirs.signed)
    assert all_facts(store) == theirs.facts[:2]


def forked_after(journal: Journal, seq: int) -> Journal:
    """The same journal, written on differently after a number (a cloned disk, a restored backup)."""
    other = Journal(journal.name, journal.sealed[:seq])
    for number in range(3):
        other.write(note(f"clone {number}"))
    return other


@pytest.mark.parametrize("held", [3, 6], ids=["meets where it ends", "meets in the middle"])
@pytest.mark.parametrize("whole", [True, False], ids=["from the beginning", "what differs"])
def test_two_histories_of_one_journal_are_both_kept_and_flagged(
    store: Store, theirs: Journal, held: int, whole: bool
) -> None:
    clone = forked_after(theirs, 2)
    store.absorb(theirs.sealed[:held], signed_at(theirs, held))
    assert store.absorb(clone.sealed if whole else clone.sealed[2:], clone.signed) == clone.facts[2:]
    main, other = store.branches(THEIRS)
    assert (main.head, other.head) == (Head.of(theirs.facts[held - 1]), clone.head)
    assert all_facts(store) == theirs.facts[:held] + clone.facts[2:]
    assert [(ref, why) for ref, why, _, _ in store.flags()] == [(f"{THEIRS}/3", "forked")]


def test_each_history_of_a_forked_journal_goes_on_in_its_own_branch(store: Store, theirs: Journal) -> None:
    clone = forked_after(theirs, 2)
    store.absorb(theirs.sealed[:3], signed_at(theirs, 3))
    store.absorb(clone.sealed[2:4], signed_at(clone, 4))
    store.absorb(theirs.sealed[3:], theirs.signed)
    store.absorb(clone.sealed[4:], clone.signed)
    assert [one.head for one in store.branches(THEIRS)] == [theirs.head, clone.head]
    assert store.absorb(clone.sealed, clone.signed) == []
    assert len(store.flags()) == 1


def test_a_run_that_continues_a_history_that_is_not_held_has_to_be_asked_for(
    store: Store, theirs: Journal
) -> None:
    store.absorb(theirs.sealed[:3], signed_at(theirs, 3))
    clone = forked_after(theirs, 2)
    with pytest.raises(BrokenChain, match="not held"):
        store.absorb(clone.sealed[3:], clone.signed)
    assert all_facts(store) == theirs.facts[:3]


@pytest.mark.parametrize(
    "draft",
    [Draft("teleported", "declaration/1", {"to": "Bằng Tường"}), Draft("recalled", "declaration/1", {}, v=9)],
    ids=["unknown kind", "unknown version"],
)
def test_a_fact_that_is_not_understood_is_stored_and_passed_on(open_store: OpenStore, draft: Draft) -> None:
    journal = Journal(THEIRS)
    journal.write(note("before"))
    journal.write(draft)
    journal.write(note("after"))
    store = open_store()
    store.absorb(journal.sealed, journal.signed)
    store.close()
    again = open_store()
    assert again.page(THEIRS, 0) == (journal.sealed, journal.signed)
    assert again.about("declaration/1") == [journal.facts[1]]


def test_a_fact_with_a_faulty_body_is_stored_and_kept_out_of_the_tables(
    store: Store, applied: Applied
) -> None:
    journal = Journal(f"centre-{SITE}.1")
    journal.write(Draft("declared", subjects.declaration(NO), {"no": NO}))
    assert store.absorb(journal.sealed, journal.signed) == journal.facts
    assert applied.facts == []


def test_projections_get_every_understood_fact_once(store: Store, applied: Applied, theirs: Journal) -> None:
    mine = [one.fact for one in store.append(MINE, key(MINE), [note("mine")])]
    theirs.write(note(kind="teleported"))
    for _ in range(2):
        store.absorb(theirs.sealed, theirs.signed)
    assert applied.facts == [*mine, *theirs.facts[:-1]]


# -- time


def test_a_stamp_is_later_than_every_fact_taken_in(store: Store) -> None:
    journal = Journal(THEIRS)
    journal.write(note(), at=stamp(120))
    store.absorb(journal.sealed, journal.signed)
    assert store.append(MINE, key(MINE), [note()])[0].fact.stamp > stamp(120)


def test_a_fact_from_a_clock_far_ahead_is_stored_and_does_not_move_ours(open_store: OpenStore) -> None:
    journal = Journal(THEIRS)
    journal.write(note(), at=stamp(86_400))
    store = open_store()
    store.absorb(journal.sealed, journal.signed)
    assert store.append(MINE, key(MINE), [note()])[0].fact.stamp == stamp()
    store.close()
    after_restart = open_store(MORNING + timedelta(minutes=1))
    assert after_restart.append(MINE, key(MINE), [note()])[0].fact.stamp == stamp(60)


def test_after_a_restart_with_a_clock_set_back_stamps_still_rise(open_store: OpenStore) -> None:
    store = open_store()
    before = store.append(MINE, key(MINE), [note()])[0].fact.stamp
    store.close()
    again = open_store(MORNING - timedelta(minutes=4))
    assert again.append(MINE, key(MINE), [note()])[0].fact.stamp > before


# -- reading


def test_pages_end_at_signed_heads_and_lead_to_the_end(store: Store) -> None:
    for _ in range(7):
        store.append(MINE, key(MINE), [note("a"), note("b")])
    got: list[Sealed] = []
    while (page := store.page(MINE, len(got), most=5)) is not None:
        run, signed = page
        assert len(run) == 4 or len(got) + len(run) == 14
        assert signed.head == Head.of(run[-1].fact)
        signed.check(key(MINE).public)
        got += run
    assert [one.fact.seq for one in got] == list(range(1, 15))


def test_a_signed_run_longer_than_a_page_comes_whole(store: Store, theirs: Journal) -> None:
    store.absorb(theirs.sealed, theirs.signed)
    assert store.page(THEIRS, 1, most=2) == (theirs.sealed[1:], theirs.signed)


def test_beyond_the_end_there_is_no_page(store: Store, theirs: Journal) -> None:
    store.absorb(theirs.sealed, theirs.signed)
    assert store.page(THEIRS, 6) is None
    assert store.page("gate-9.1", 0) is None


def test_about_gives_a_subject_and_what_lies_below_it_and_no_neighbour(store: Store) -> None:
    about = [
        "declaration/2026112300001",
        "declaration/2026112300001/v1",
        "declaration/2026112300001-x",
        "declaration/20261123000010",
        "declaration/2026112300002",
        "declaration",
    ]
    drafts = [replace(note(), subject=subject) for subject in about]
    store.append(MINE, key(MINE), drafts)
    assert sorted(fact.subject for fact in store.about(about[0])) == about[:2]
    assert len(store.about("declaration")) == len(about)


def test_facts_are_found_by_reference_by_kind_and_by_arrival(store: Store, theirs: Journal) -> None:
    store.append(MINE, key(MINE), [note("mine")])
    store.absorb(theirs.sealed, theirs.signed)
    assert store.get(f"{THEIRS}/3") == theirs.facts[2]
    assert store.get(f"{THEIRS}/99") is None
    assert [fact.journal for fact in store.of_kinds(["recalled", "declared"])] == [MINE] + [THEIRS] * 6
    assert store.of_kinds(["declared"]) == []
    position, fact = store.since(0, most=1)[0]
    assert fact.journal == MINE
    assert [one.ref for _, one in store.since(position)] == [one.ref for one in theirs.facts]
    assert store.count() == {MINE: 1, THEIRS: 6}


def test_personal_values_are_kept_apart_and_come_back_with_their_fact(store: Store) -> None:
    vehicle = {"vehicle": VEHICLE, "plate": PLATE, "country": "VN", "driver": {"name": "Nông Văn An"}}
    body, private = commit(declared_body(vehicles=[vehicle]), ["/vehicles/0/driver/name"])
    sealed = store.append(MINE, key(MINE), [Draft("declared", subjects.declaration(NO), body, private)])
    ref = sealed[0].fact.ref
    assert store.private(ref) == {"/vehicles/0/driver/name": "Nông Văn An"}
    fact = store.get(ref)
    assert fact is not None
    assert "Nông Văn An" not in str(fact.envelope())
    page = store.page(MINE, 0)
    assert page is not None
    assert page[0] == sealed
    assert store.private(store.append(MINE, key(MINE), [note()])[0].fact.ref) == {}


def test_settings_and_incarnations_survive(open_store: OpenStore) -> None:
    store = open_store()
    assert (store.setting("colour"), store.next_incarnation()) == (None, 1)
    store.set_setting("colour", "xanh")
    store.set_setting("colour", "đỏ")
    store.close()
    again = open_store()
    assert (again.setting("colour"), again.next_incarnation()) == ("đỏ", 2)


def test_what_could_not_be_taken_is_kept_newest_thousand(store: Store) -> None:
    for number in range(1003):
        store.quarantine("barie/1/facts/CKHN/x", f"{number}".encode(), "no Batch")
    rows = store.rows("SELECT payload FROM quarantine ORDER BY number")
    assert (len(rows), rows[0][0]) == (1000, "3")


def test_what_comes_again_and_again_is_kept_once_and_counted(store: Store) -> None:
    for _ in range(3):
        store.quarantine("barie/1/facts/CKHN/x", b"\xff\x00", "no Batch")
    assert store.rows("SELECT payload, times FROM quarantine") == [("\\xff\\x00", 3)]
