"""Proof of a store: honest stores of every kind are proven, and what cannot be judged is never called good."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import subjects
from shared.bodies import RootRotated, dump
from shared.facts import Draft, Sealed
from shared.journal import Head, SignedHead
from shared.node.audit import Report, audit
from shared.node.checkpoints import Checkpoints
from shared.node.copies import ExportCopy, StoreCopy, export
from shared.node.own import remember
from shared.node.pruning import prune
from shared.node.reading import ReadOnlyEngine, ReadStore
from shared.node.store import Store
from shared.verify import Finding, first_of
from tests.builders import MORNING, SITE, Journal, key, note
from tests.shared.members import CENTRE_JOURNAL, enrolment

ROOT = key(CENTRE_JOURNAL).public
GATE = "gate-1.1"
AT = "2026-11-23T01:00:00.000Z#0000"


def journal(name: str, *drafts: Draft) -> Journal:
    written = Journal(name)
    for draft in drafts:
        written.write(draft)
    return written


@pytest.fixture
def centre() -> Journal:
    return journal(CENTRE_JOURNAL, enrolment("gate-1"), note("a"))


@pytest.fixture
def gate() -> Journal:
    return journal(GATE, *(note(str(number)) for number in range(10)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "facts.db", wall=lambda: MORNING)
    remember(opened, "gate-2", SITE, ROOT)
    yield opened
    opened.close()


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints")


def take(store: Store, *journals: Journal) -> None:
    for one in journals:
        store.absorb(one.sealed, one.signed)


def make(checkpoints: Checkpoints, live: list[Sealed], *journals: Journal) -> None:
    checkpoints.make(live, {j.name: j.head for j in journals}, SITE, AT, key(CENTRE_JOURNAL))


def proven(store: Store, checkpoints: Checkpoints | None = None) -> Report:
    return audit(store.engine, checkpoints=checkpoints)


def first_bad(store: Store, checkpoints: Checkpoints | None = None) -> tuple[str, int]:
    bad = proven(store, checkpoints).first_bad
    assert bad is not None, "nothing was found"
    return bad.journal, bad.seq


def test_an_empty_store_is_good(store: Store) -> None:
    assert proven(store) == Report({}, ())


def test_a_journal_whose_author_nobody_enrolled_cannot_be_called_good(store: Store, gate: Journal) -> None:
    take(store, gate)
    bad = proven(store).first_bad
    assert bad is not None
    assert (bad.journal, bad.certain) == (GATE, False)


def test_both_histories_of_a_forked_journal_are_proven(store: Store, centre: Journal, gate: Journal) -> None:
    clone = Journal(GATE, gate.sealed[:4])
    clone.write(note("another"))
    take(store, centre, gate, clone)
    assert len(store.branches(GATE)) == 2
    assert proven(store).ok


def test_a_changed_fact_of_the_second_history_is_found(store: Store, centre: Journal, gate: Journal) -> None:
    clone = Journal(GATE, gate.sealed[:4])
    clone.write(note("another"))
    clone.write(note("and more"))
    take(store, centre, gate, clone)
    store.engine.execute("UPDATE facts SET kind = 'amended' WHERE branch = 1 AND seq = 6")
    assert first_bad(store) == (GATE, 6)


def test_a_witness_of_either_history_agrees(store: Store, centre: Journal, gate: Journal) -> None:
    clone = Journal(GATE, gate.sealed[:4])
    clone.write(note("another"))
    take(store, centre, gate, clone)
    for witness, seen in (("gate-3", gate.head), ("gate-4", clone.head)):
        store.engine.execute(
            "INSERT INTO heads_seen VALUES (?, ?, ?, ?, ?)", (witness, GATE, seen.seq, seen.hash, AT)
        )
    assert proven(store).ok


def test_a_witness_of_anothers_journal_that_is_ahead_may_only_be_early(
    store: Store, centre: Journal, gate: Journal
) -> None:
    take(store, centre, gate)
    store.engine.execute("INSERT INTO heads_seen VALUES ('gate-1', ?, 12, ?, ?)", (GATE, "e" * 64, AT))
    bad = proven(store).first_bad
    assert bad is not None
    assert (bad.journal, bad.seq, bad.certain) == (GATE, 11, False)


def test_a_rotated_root_vouches_for_its_own_journal_and_the_old_one_for_its_own(
    store: Store, centre: Journal, gate: Journal
) -> None:
    new = f"centre-{SITE}.2"
    body = RootRotated(public_key=key(new).public.text, journal=new, ends={CENTRE_JOURNAL: 3})
    centre.write(Draft("root_rotated", subjects.node("centre"), dump(body)))
    take(store, centre, gate, journal(new, note("under the new key")))
    assert proven(store).ok


def test_a_rotation_that_the_root_did_not_sign_is_not_followed(store: Store, gate: Journal) -> None:
    forged = journal(CENTRE_JOURNAL, enrolment("gate-1"))
    body = RootRotated(public_key=key("thief").public.text, journal="x.1", ends={CENTRE_JOURNAL: 2})
    forged.write(Draft("root_rotated", subjects.node("centre"), dump(body)))
    store.absorb(forged.sealed, SignedHead.sign(forged.head, key("thief")))
    take(store, gate)
    bad = proven(store).first_bad
    assert bad is not None
    assert (bad.journal, bad.certain) == (CENTRE_JOURNAL, True)


# -- checkpoints and floors


def test_a_store_that_began_from_a_checkpoint_is_proven_by_it(
    store: Store, checkpoints: Checkpoints, centre: Journal, gate: Journal
) -> None:
    make(checkpoints, [centre.sealed[0], gate.sealed[3]], centre, gate)
    checkpoints.adopt(store)
    report = proven(store, checkpoints)
    assert report.ok
    assert (report.journals[GATE].floor, report.journals[GATE].loose) == (10, 0)
    gate.write(note("after it"))
    store.absorb(gate.sealed[10:], gate.signed)
    assert proven(store, checkpoints).ok


def test_without_its_checkpoint_such_a_store_cannot_be_called_good(
    store: Store, checkpoints: Checkpoints, centre: Journal, gate: Journal
) -> None:
    make(checkpoints, [centre.sealed[0]], centre, gate)
    checkpoints.adopt(store)
    bad = proven(store).first_bad
    assert bad is not None
    assert (bad.journal, bad.certain) == (CENTRE_JOURNAL, False)


@pytest.mark.parametrize(
    ("change", "seq"),
    [
        ("UPDATE facts SET body = replace(body, '3', '4') WHERE journal = 'gate-1.1'", 4),
        ("DELETE FROM facts WHERE journal = 'gate-1.1'", 4),
    ],
)
def test_a_live_fact_that_was_changed_or_taken_out_is_found(
    store: Store, checkpoints: Checkpoints, centre: Journal, gate: Journal, change: str, seq: int
) -> None:
    make(checkpoints, [centre.sealed[0], gate.sealed[3]], centre, gate)
    checkpoints.adopt(store)
    store.engine.execute(change)
    assert first_bad(store, checkpoints) == (GATE, seq)


def test_an_enrolment_put_in_below_the_floor_is_found(
    store: Store, checkpoints: Checkpoints, centre: Journal, gate: Journal
) -> None:
    make(checkpoints, [centre.sealed[1]], centre, gate)
    checkpoints.adopt(store)
    forged = journal(CENTRE_JOURNAL, enrolment("gate-9"))
    store._insert(0, forged.sealed)
    assert first_bad(store, checkpoints) == (CENTRE_JOURNAL, 1)


def test_a_pruned_store_is_proven_by_the_signature_at_its_floor(
    store: Store, checkpoints: Checkpoints, centre: Journal, gate: Journal
) -> None:
    take(store, centre, Journal(GATE, gate.sealed[:6]), gate)
    live = {(GATE, 3)}
    make(checkpoints, [gate.sealed[2]], centre, gate)
    list(prune(store, {GATE: Head.of(gate.facts[5])}, live))
    assert store.floor(GATE).seq == 6
    report = proven(store, checkpoints)
    assert report.ok
    assert report.journals[GATE].loose == 0


# -- while it is used


def test_a_store_is_proven_in_another_thread_while_it_is_written(
    store: Store, centre: Journal, gate: Journal
) -> None:
    take(store, centre, gate)
    reports: list[Report] = []
    stop = threading.Event()

    def scrub() -> None:
        engine = store.engine.another()
        while not stop.is_set():
            reports.append(audit(engine, every_signature=False))
        engine.close()

    scrubbing = threading.Thread(target=scrub)
    scrubbing.start()
    while len(reports) < 20 and scrubbing.is_alive():
        store.append(GATE, key(GATE), [note("written meanwhile")])
    stop.set()
    scrubbing.join()
    assert len(reports) >= 20
    assert [report.first_bad for report in reports if not report.ok] == []


def test_reading_makes_no_file_beside_a_store_and_sees_what_is_written_later(
    tmp_path: Path, store: Store, centre: Journal, gate: Journal
) -> None:
    take(store, centre)
    store.close()
    file = tmp_path / "facts.db"
    engine = ReadOnlyEngine(file)
    assert audit(engine).ok
    assert [one.name for one in tmp_path.iterdir()] == ["facts.db"]
    again = Store(file, wall=lambda: MORNING)
    take(again, gate)
    assert set(audit(engine).journals) == {CENTRE_JOURNAL, GATE}
    again.close()


# -- copies


def test_an_export_is_a_store_again(tmp_path: Path, store: Store, centre: Journal, gate: Journal) -> None:
    clone = Journal(GATE, gate.sealed[:4])
    clone.write(note("another"))
    take(store, centre, gate, clone)
    file = tmp_path / "out.jsonl"
    with file.open("w", encoding="utf-8") as out:
        assert export(store, sorted(store.heads()), 0, out) == 13
    assert audit(store.engine, against=[ExportCopy(file)]).ok
    assert audit(store.engine, against=[StoreCopy("other", ReadStore(tmp_path / "facts.db").engine)]).ok


def test_what_is_certain_comes_first_and_a_stretch_is_placed_by_an_exact_copy() -> None:
    unsure = Finding("a.1", 1, "late", certain=False)
    stretch = Finding("a.1", 3, "unsigned", upto=9)
    seen = Finding("a.1", 7, "a head was seen")
    exact = Finding("a.1", 6, "a copy differs", exact=True)
    assert first_of([]) is None
    assert first_of([unsure, seen]) == seen
    assert first_of([unsure, seen, stretch]) == stretch
    assert first_of([stretch, seen, exact]) == exact
