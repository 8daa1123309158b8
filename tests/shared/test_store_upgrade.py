"""A store opened by a newer program: what was not understood is read again, and does what it should have done."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from shared import bodies, subjects
from shared.bodies import Forget, dump
from shared.body import Body
from shared.facts import Draft, Fact, Sealed, commit
from shared.journal import centre_node, journal_id
from shared.node.engine import Engine, SqliteEngine
from shared.node.store import Store
from tests.builders import NO, SITE, Journal, declared_body, note

THEIRS = "gate-2.1"
CENTRE = journal_id(centre_node(SITE))
SUBJECT = subjects.declaration(NO)


class Weighed(Body):
    """What the newer program knows."""

    weight_kg: int


class Weights:
    """A projection of it."""

    schema = "CREATE TABLE IF NOT EXISTS weights (ref TEXT PRIMARY KEY, weight_kg INTEGER);\n"

    def apply(self, database: Engine, fact: Fact, body: Body) -> None:
        if isinstance(body, Weighed):
            database.execute("INSERT INTO weights VALUES (?, ?)", (fact.ref, body.weight_kg))

    def drop(self, database: Engine, no: str) -> None:
        del database, no


class Asked(SqliteEngine):
    """Remembers what it was asked."""

    def __init__(self, path: Path) -> None:
        self.asked: list[tuple[str, Sequence[Any]]] = []
        super().__init__(path)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        self.asked.append((sql, values))
        return super().rows(sql, values)


def opened(path: Path) -> Store:
    return Store(path / "store.db", [Weights()])


def weights(store: Store) -> list[tuple[str, int]]:
    return list(store.rows("SELECT ref, weight_kg FROM weights ORDER BY ref"))


def absorb(store: Store, journal: Journal) -> None:
    store.absorb(journal.sealed, journal.signed)


def named(name: str) -> Draft:
    """A declaration with its driver's name."""
    vehicle = {"vehicle": "v1", "plate": "12C12345", "country": "VN", "driver": {"name": name}}
    body, private = commit(declared_body(vehicles=[vehicle]), ["/vehicles/0/driver/name"])
    return Draft("declared", SUBJECT, body, private)


@pytest.fixture
def older(tmp_path: Path) -> Journal:
    """A store that holds facts of kinds and versions that it did not understand, and one that nobody will."""
    journal = Journal(THEIRS)
    journal.write(Draft("weighed", SUBJECT, {"weight_kg": 18000}, v=2))
    journal.write(Draft("weighed", SUBJECT, {"weight_t": 18}, v=1))
    journal.write(note())
    journal.write(Draft("weighed", SUBJECT, {"weight_kg": "heavy"}, v=2))
    journal.write(Draft("weighed", SUBJECT, {"weight_lb": 1}, v=3))
    store = opened(tmp_path)
    absorb(store, journal)
    assert weights(store) == []
    store.close()
    return journal


@pytest.fixture
def newer(older: Journal, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """The program that opens it next writes version 2 and reads version 1."""
    monkeypatch.setitem(bodies.BODIES, ("weighed", 2), Weighed)
    monkeypatch.setitem(
        bodies.UPCASTERS, ("weighed", 1), lambda body: {"weight_kg": int(body["weight_t"] * 1000)}
    )
    return older


def test_a_newer_program_takes_in_what_was_not_understood(tmp_path: Path, newer: Journal) -> None:
    store = opened(tmp_path)
    assert weights(store) == [(f"{THEIRS}/1", 18000), (f"{THEIRS}/2", 18000)]
    assert [fact for _, fact in store.since(0)] == newer.facts
    flawed = store.rows("SELECT seq FROM facts WHERE flaw IS NOT NULL ORDER BY seq")
    assert [row[0] for row in flawed] == [4, 5]
    store.close()


def test_a_start_reads_only_the_facts_that_were_not_understood(tmp_path: Path, older: Journal) -> None:
    del older
    engine = Asked(tmp_path / "store.db")
    store = Store(engine)
    query, values = next(one for one in engine.asked if "flaw IS NOT NULL" in one[0])
    plan = [row[3] for row in engine.rows(f"EXPLAIN QUERY PLAN {query}", values)]
    assert [step for step in plan if step.startswith("SCAN")] == []
    store.close()


def test_a_second_start_of_the_newer_program_changes_nothing(tmp_path: Path, newer: Journal) -> None:
    for _ in range(2):
        store = opened(tmp_path)
        absorb(store, newer)
        assert len(weights(store)) == 2
        store.close()


def test_an_older_version_is_passed_on_as_it_was_written(tmp_path: Path, newer: Journal) -> None:
    store = opened(tmp_path)
    page = store.page(THEIRS, 0)
    assert page is not None
    assert [one.fact for one in page[0]] == newer.facts
    store.close()


def test_a_request_to_forget_that_was_not_understood_is_carried_out_after_the_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre = Journal(CENTRE)
    centre.write(named("Nông Văn An"))
    body = dump(Forget(facts=[centre.facts[0].ref]))
    centre.write(Draft("forget", SUBJECT, body))
    with monkeypatch.context() as older:
        older.delitem(bodies.BODIES, ("forget", 1))
        store = opened(tmp_path)
        absorb(store, centre)
        assert store.private(centre.facts[0].ref) != {}
        store.close()

    store = opened(tmp_path)

    assert store.private(centre.facts[0].ref) == {}
    absorb(store, centre)
    assert store.rows("SELECT journal, seq FROM forgets") == [(CENTRE, 1)]
    store.close()


def test_a_checkpoint_brings_nothing_back_that_was_forgotten_in_any_journal(tmp_path: Path) -> None:
    centre, theirs = Journal(CENTRE), Journal(THEIRS)
    theirs.write(named("Nông Văn An"))
    centre.write(named("Hoàng Thị Bích"))
    asking = Journal(journal_id(centre_node(SITE), 2))
    asking.write(Draft("forget", SUBJECT, dump(Forget(facts=[f"{THEIRS}/1", f"{CENTRE}/1"]))))
    store = opened(tmp_path)
    absorb(store, asking)

    live: list[Sealed] = [*centre.sealed, *theirs.sealed]
    store.adopt(live, {CENTRE: centre.head, THEIRS: theirs.head})

    assert store.get(f"{THEIRS}/1") == theirs.facts[0]
    assert store.rows("SELECT * FROM private_values") == []
    store.close()
