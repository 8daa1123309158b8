"""Projections follow from the facts alone: whatever the order of arrival, made anew they are the same, bit for bit."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.fees import Payments
from central.passages import Passages
from edge.underway import Underway
from shared import subjects
from shared.codes import Agency, Place
from shared.facts import Draft
from shared.journal import centre_node
from shared.node.declarations import Declarations
from shared.node.projections import Projection, table_digest, tables
from shared.node.store import Store
from shared.node.used_twice import UsedTwice
from tests.builders import BARRIER_2_IN, MORNING, NO, PLATE, SITE, VEHICLE, Site, declared_body

PROJECTIONS = (Declarations, Underway, UsedTwice, Passages, Payments)
AT = {"place": "barrier-2", "heading": "in", "lane": "l1"}
OTHER = "2026112300002"


def about_passage(kind: str, **more: Any) -> Callable[[Site, str, int], None]:
    """A fact about the node's own passage number n."""

    def tell(site: Site, node: str, n: int) -> None:
        site.tell(node, Draft(kind, f"passage/{n}", {"passage": f"{node}.1/{n}", **AT, **more}))

    return tell


def arrive(site: Site, node: str, n: int) -> None:
    del n
    site.tell(node, Draft("arrived", subjects.lane(node, "l1"), dict(AT)))


def declare(site: Site, node: str, n: int) -> None:
    """The centre declares or amends one of two declarations."""
    del node
    no = (NO, OTHER)[n % 2]
    body = declared_body(
        no=no, version=n, vehicles=[{"vehicle": VEHICLE, "plate": f"12C{n:05}", "country": "VN"}]
    )
    site.tell(centre_node(SITE), Draft("declared" if n == 1 else "amended", subjects.declaration(no), body))


def recall(site: Site, node: str, n: int) -> None:
    del node, n
    site.recall()


def confirm(site: Site, node: str, n: int) -> None:
    agency = (Agency.CUSTOMS, Agency.BORDER_GUARD)[n % 2]
    given = site.confirm("4.2.b", agency, node=node, place=Place.YARD)
    if n % 3 == 0:
        site.withdraw(given, agency, node=node)


def pay(site: Site, node: str, n: int) -> None:
    body = {
        "declaration": NO,
        "vehicle": VEHICLE,
        "amount_vnd": n,
        "payment": f"p{n % 2}",
        "channel": "counter",
    }
    site.tell(node, Draft("fee_paid", subjects.vehicle(NO, VEHICLE), body))


READ = {"text": PLATE, "confidence": 0.9, "looks": 3, "agreeing": 3, "final": True, "camera": "front"}
ACTS = (
    arrive,
    declare,
    recall,
    confirm,
    pay,
    about_passage("plate_read", **READ, declaration=NO, vehicle=VEHICLE),
    about_passage("plate_read", **READ),
    about_passage("plate_corrected", text="29C99999", officer="hq-1", agency="customs"),
    about_passage("refused", officer="hq-1", agency="customs", reason="giấy tờ"),
    about_passage("passed", declaration=NO, vehicle=VEHICLE, plate=PLATE),
    about_passage("passed", declaration=OTHER, vehicle=VEHICLE, last_step=True),
    about_passage("turned_back", declaration=NO),
)
STORIES = st.lists(
    st.tuples(st.sampled_from(ACTS), st.sampled_from(["gate-2", "yard-desk"]), st.integers(1, 6)), max_size=30
)
ORDERS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5)), max_size=30)


def written(story: Sequence[tuple[Callable[[Site, str, int], None], str, int]]) -> Site:
    site = Site()
    for act, node, n in story:
        act(site, node, n)
    return site


def arrives(store: Store, site: Site, order: Sequence[tuple[int, int]]) -> None:
    """Journals arrive a few facts at a time, in the order told, and at last whole."""
    journals = list(site.journals.values())
    for which, count in order:
        journal = journals[which % len(journals)]
        held = store.head(journal.name).seq
        part = journal.sealed[held : held + count]
        if part:
            store.absorb(part, journal.signed)
    for journal in journals:
        if journal.sealed[store.head(journal.name).seq :]:
            store.absorb(journal.sealed, journal.signed)


def digests(store: Store, projections: Sequence[Projection]) -> Mapping[str, tuple[int, str]]:
    return {name: table_digest(store.engine, name) for one in projections for name in tables(one)}


def projections() -> list[Projection]:
    return [one() for one in PROJECTIONS]


@settings(max_examples=40, deadline=None)
@given(STORIES, ORDERS, ORDERS)
def test_tables_are_the_same_in_any_order_of_arrival_and_made_anew(
    story: list[Any], one_order: list[tuple[int, int]], other_order: list[tuple[int, int]]
) -> None:
    site = written(story)
    with TemporaryDirectory() as folder:
        found = []
        for number, order in enumerate((one_order, other_order)):
            store = Store(Path(folder) / f"{number}.db", projections(), wall=lambda: MORNING)
            arrives(store, site, order)
            found.append(digests(store, projections()))
            store.rebuild()
            found.append(digests(store, projections()))
            store.close()
    assert all(one == found[0] for one in found[1:])


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("entered", "UPDATE entered SET vehicle = 'v9'"),
        ("vehicles", "DELETE FROM vehicles"),
        ("ended", "INSERT INTO ended VALUES ('1', 'v')"),
    ],
)
def test_a_table_that_was_changed_has_another_digest_until_it_is_made_anew(
    tmp_path: Path, table: str, change: str
) -> None:
    site = Site()
    site.drive_through(BARRIER_2_IN)
    store = Store(tmp_path / "facts.db", projections(), wall=lambda: MORNING)
    arrives(store, site, [])
    before = digests(store, projections())
    store.engine.execute(change)
    changed = digests(store, projections())
    assert [name for name in before if before[name] != changed[name]] == [table]
    store.rebuild()
    assert digests(store, projections()) == before
    store.close()
