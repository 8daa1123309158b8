"""Every projection is the same table on every engine, follows from the facts, and can be made anew."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from central.by_reason import OpenedByReason
from central.fees import Payments
from central.passages import PassageBook, Passages
from edge.underway import Underway, awaiting
from shared.bodies import Arrived, PlateRead, dump
from shared.codes import Agency, Country, Heading, Place
from shared.facts import Draft
from shared.node.checkpoints import live_facts
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.engine import SqliteEngine
from shared.node.projections import Projections, tables
from shared.node.store import Store
from shared.node.witnesses import Witnesses, seen
from shared.protocol import Vector, WireHead
from tests.builders import BARRIER_1_OUT, BARRIER_2_IN, MORNING, NO, PLATE, SITE, Journal, Site, note
from tests.engines import Open, on_both_engines

pytestmark = on_both_engines


def projections() -> list[Any]:
    return [Declarations(), Passages(), Underway(), Payments(), OpenedByReason()]


@pytest.fixture
def store(connect: Open) -> Iterator[Store]:
    opened = Store(connect(), projections(), wall=lambda: MORNING)
    yield opened
    opened.close()


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    names = [name for one in projections() for name in tables(one)]
    return {name: sorted(store.rows(f"SELECT * FROM {name}"), key=repr) for name in names}


def a_day() -> Site:
    """A vehicle comes in at barrier 2, is seen to in the yard, leaves at barrier 1; its declaration is amended before."""
    site = Site("4.2")
    where: dict[str, Any] = {"place": Place.BARRIER_2, "heading": Heading.IN, "lane": "l1"}
    arrived = site.tell("gate-2", Draft("arrived", "lane/gate-2/l1", dump(Arrived(**where))))
    read = PlateRead(
        passage=arrived.ref, **where, text=PLATE, country=Country.VN, confidence=0.97, looks=5, agreeing=5,
        final=True, camera="front",
    )  # fmt: skip
    site.tell("gate-2", Draft("plate_read", "lane/gate-2/l1", dump(read)))
    site.drive_through(BARRIER_2_IN)
    site.amend(goods=[{"name": "Thanh long", "weight_kg": 17_500}])
    site.withdraw(yard_tick(site), Agency.CUSTOMS, node="yard-desk")
    pay(site)
    site.confirm("4.2.đ", Agency.TAX)
    site.drive_through(BARRIER_1_OUT)
    return site


def pay(site: Site) -> Any:
    body = {"declaration": NO, "vehicle": "v1", "amount_vnd": 1, "payment": "p", "channel": "online"}
    return site.tell(f"centre-{SITE}", Draft("fee_paid", f"declaration/{NO}/v1", body))


def yard_tick(site: Site) -> Any:
    body = {
        "step": "4.2.d", "place": "yard", "heading": None, "declaration": NO, "vehicle": "v1", "by": "customs",
        "officer": "customs-1", "declared": site.declared.ref, "decision": {"verdict": "wait"},
    }  # fmt: skip
    return site.tell("yard-desk", Draft("confirmed", f"declaration/{NO}/v1", body))


def take(store: Store, site: Site) -> None:
    for journal in site.journals.values():
        store.absorb(journal.sealed, journal.signed)


def test_the_tables_are_those_of_sqlite(store: Store, tmp_path: Path) -> None:
    day = a_day()
    take(store, day)
    plain = Store(SqliteEngine(tmp_path / "plain.db"), projections(), wall=lambda: MORNING)
    take(plain, day)

    assert rows(store) == rows(plain)
    assert all(
        rows(store)[name]
        for name in ("declarations", "vehicles", "passages", "entered", "yard_ticks", "fee_payments")
    )
    assert rows(store)["withdrawn_ticks"] != []
    assert rows(store)["fee_matters"] == [(NO, "v1", 1)]
    plain.close()


def test_tables_made_anew_are_the_same(store: Store) -> None:
    take(store, a_day())
    before = rows(store)
    for name in before:
        store.engine.execute(f"DELETE FROM {name}")

    store.rebuild()

    assert rows(store) == before


def test_a_store_whose_tables_are_of_an_older_version_makes_them_anew_at_the_start(
    connect: Open, store: Store
) -> None:
    take(store, a_day())
    before = rows(store)
    store.engine.execute("UPDATE node SET value = 'older' WHERE name = 'projection/Passages'")
    store.engine.execute("DELETE FROM passages")

    again = Store(connect(), projections(), wall=lambda: MORNING)

    assert rows(again) == before
    again.close()


def test_tables_that_a_killed_start_left_empty_are_filled_by_the_next(connect: Open, store: Store) -> None:
    take(store, a_day())
    before = rows(store)
    store.engine.execute("UPDATE node SET value = 'older' WHERE name LIKE 'projection/%'")
    assert Projections(store.engine, projections()).outdated

    again = Store(connect(), projections(), wall=lambda: MORNING)

    assert rows(again) == before
    again.close()


def test_what_is_about_one_declaration_can_be_taken_out(store: Store) -> None:
    take(store, a_day())
    with store.engine.transaction("drop"):
        for one in projections():
            one.drop(store.engine, NO)

    assert {name for name, held in rows(store).items() if held} == set()


def test_readers_find_what_the_tables_hold(store: Store) -> None:
    take(store, a_day())
    declared = DeclarationBook(store)
    found = declared.find(NO)

    assert found is not None
    assert (found.body.version, found.recalled, declared.newest()) == (2, False, [found])
    assert [one.plate for one in declared.active.with_keys([PLATE, "98R03688"])] == [PLATE]
    assert declared.ended.with_keys([PLATE]) == []
    assert [one.plate for one in PassageBook(store).latest()] == [PLATE]
    assert awaiting(store, Agency.CUSTOMS) == [(NO, "v1")]


def test_a_checkpoint_holds_enrolments_and_what_is_about_live_declarations(store: Store) -> None:
    day = a_day()
    take(store, day)

    kept = [one.fact for one in live_facts(store.engine, SITE, MORNING + timedelta(hours=8))]

    about = [fact for _, fact in store.since(0) if NO in fact.subject]
    assert kept == [*day.enrolments, *about]


def test_what_witnesses_saw_is_kept_and_never_taken_back(store: Store) -> None:
    day = a_day()
    take(store, day)
    witnesses = Witnesses(store, "gate-1")
    head = day.journals["gate-2.1"].head
    for seq in (head.seq, 1):
        witnesses.hear(
            Vector(
                node="yard-desk", site=SITE, incarnation=1, at=f"{MORNING:%Y-%m-%dT%H:%M:%S}.000Z#0000",
                heads={"gate-2.1": WireHead(seq=seq, hash=head.hash)},
            )
        )  # fmt: skip
        witnesses.flush()

    assert seen(store, "gate-2.1") == {"yard-desk": head}
    draft = witnesses.draft()
    assert draft is not None
    assert set(draft.body["heads"]) == set(store.heads()) - {"gate-1.1"}


def test_a_node_of_several_sites_witnesses_at_each_the_journals_of_that_site(store: Store) -> None:
    take(store, a_day())
    theirs = Journal("gate-tt.1")
    theirs.write(note())
    store.absorb(theirs.sealed, theirs.signed)

    draft = Witnesses(store, f"centre-{SITE}", lambda journal: journal != theirs.name).draft()

    assert draft is not None
    assert theirs.name not in draft.body["heads"]
