"""Before a node writes into a store that may lack facts of its own, it asks its peers, or goes on in a new journal."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from shared.bodies import Cause
from shared.journal import Head, SignedHead, centre_node, journal_id
from shared.node.damage import inspect, mark
from shared.node.errors import StoreUnusable
from shared.node.opening import Opened, mend, open_mended, recovery_told, settle
from shared.node.own import Start
from shared.node.salvage import Own
from shared.node.store import Store
from shared.node.sync import SyncNode
from shared.protocol import fill_topic
from shared.trust import Trust
from tests.builders import MORNING, SITE, Journal, Site, key, note
from tests.loop import in_loop
from tests.shared.members import HandedLink, identity

NODE, MINE = "gate-2", journal_id("gate-2")
CENTRE = centre_node(SITE)


class Leaping:
    """A monotonic clock that has gone on by some time whenever it is looked at."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def __call__(self) -> float:
        self._now_s += 0.4
        return self._now_s


def own(node: str = NODE) -> Own:
    return Own(node, key(journal_id(node)), Trust(SITE, key(journal_id(CENTRE)).public))


def opens(database: Path, node: str = NODE) -> Opened:
    recovered = mend(database, [own(node)], [], lambda: MORNING)
    return open_mended(database, [], lambda: MORNING, recovered=recovered)


def runs(opened: Opened, node: str = NODE) -> tuple[SyncNode, HandedLink]:
    link = HandedLink()
    sync = SyncNode(opened.store, link, identity(node), Leaping())
    opened.counted()
    return sync, link


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A store as a gate leaves it after a day: it knows the site, and has written three facts of its own."""
    path = tmp_path / "facts.db"
    opened = opens(path)
    site = Site()
    centre = site.journals[journal_id(CENTRE)]
    opened.store.absorb(centre.sealed, centre.signed)
    sync, _ = runs(opened)
    opened.store.append(sync.journal, key(MINE), [note("1"), note("2"), note("3")])
    opened.store.close()
    return path


def kinds(store: Store, journal: str) -> list[str]:
    return [fact.kind for _, fact in store.since(0) if fact.journal == journal]


def put_back(database: Path) -> None:
    """The store of the day before takes the place of one that was started since."""
    backup = database.read_bytes()
    opened = opens(database)
    runs(opened)
    opened.store.close()
    database.write_bytes(backup)


def test_a_first_start_is_new_and_a_later_one_the_same(database: Path, tmp_path: Path) -> None:
    for path, start in ((database, Start.SAME), (tmp_path / "first.db", Start.NEW)):
        opened = opens(path)
        opened.store.close()
        assert opened.start is start


@in_loop
async def test_the_same_store_goes_on_without_waiting_for_anybody(database: Path) -> None:
    opened = opens(database)
    with closing(opened.store) as store:
        sync, _ = runs(opened)
        await settle(opened, sync, own())
        assert (sync.journal, store.head(MINE).seq) == (MINE, 3)


@in_loop
async def test_a_recovered_store_that_nobody_knows_more_of_says_so_in_a_new_journal(database: Path) -> None:
    mark(database, "a bit was flipped")
    opened = opens(database)
    with closing(opened.store) as store:
        sync, _ = runs(opened)
        await settle(opened, sync, own())
        assert sync.journal != MINE
        assert kinds(store, sync.journal) == ["journal_begun", "store_recovered"]
        begun, recovered = [fact for _, fact in store.since(0) if fact.journal == sync.journal]
        assert (begun.body["left"], begun.body["cause"]) == (MINE, Cause.DAMAGED)
        assert recovered.body["why"] == "a bit was flipped"
        assert recovered.body["salvaged"][MINE] == 3


@in_loop
async def test_a_recovered_store_whose_peers_are_not_ahead_goes_on_in_its_journal(database: Path) -> None:
    mark(database, "a bit was flipped")
    opened = opens(database)
    with closing(opened.store) as store:
        sync, link = runs(opened)
        link.hear(of=CENTRE)
        await settle(opened, sync, own())
        assert sync.journal == MINE
        assert kinds(store, MINE)[3:] == ["store_recovered"]


@in_loop
async def test_a_recovery_is_written_down_once(database: Path) -> None:
    mark(database, "a bit was flipped")
    for _ in range(3):
        opened = opens(database)
        with closing(opened.store) as store:
            sync, _ = runs(opened)
            await settle(opened, sync, own())
            told = recovery_told(store)
            assert told is not None
            assert kinds(store, sync.journal).count("store_recovered") == 1


@in_loop
async def test_a_backup_that_was_put_back_goes_on_in_a_new_journal(database: Path) -> None:
    put_back(database)
    opened = opens(database)
    assert opened.start is Start.DOUBTFUL
    with closing(opened.store) as store:
        sync, _ = runs(opened)
        await settle(opened, sync, own())
        assert kinds(store, sync.journal) == ["journal_begun"]


def test_a_backup_that_lacks_what_was_written_last_is_damage(database: Path) -> None:
    backup = database.read_bytes()
    opened = opens(database)
    opened.store.append(MINE, key(MINE), [note("4")])
    opened.store.close()
    database.write_bytes(backup)
    assert inspect(database) == f"{MINE}/4 was written here last and is not held any more"


@in_loop
async def test_a_centre_whose_store_is_gone_gets_its_journal_back_from_a_gate_it_does_not_know(
    tmp_path: Path,
) -> None:
    centre = Site().journals[journal_id(CENTRE)]
    opened = opens(tmp_path / "centre.db", CENTRE)
    with closing(opened.store) as store:
        sync, link = runs(opened, CENTRE)
        link.hear(centre, Journal(MINE), of=NODE, retained=True)
        await asyncio.sleep(0)
        assert link.asked() == [(NODE, centre.name, 0)]
        link.hand_in(fill_topic(SITE, CENTRE, NODE), link.batch(centre, 1, len(centre.sealed)))
        assert store.head(centre.name) == centre.head
        assert NODE in sync.peers.heard, "now that its enrolment is back"
        await settle(opened, sync, own(CENTRE))
        assert sync.journal == centre.name


def test_another_process_on_the_store_is_no_damage(database: Path) -> None:
    with closing(Store(database)) as store:
        store.engine.execute("PRAGMA locking_mode=EXCLUSIVE")
        store.set_setting("a", "b")
        with pytest.raises(StoreUnusable, match="locked"):
            mend(database, [own()], [])
    assert inspect(database) is None


def test_a_head_that_is_not_signed_by_its_author_is_not_salvaged(database: Path) -> None:
    journal = Journal("gate-1.1")
    for number in range(4):
        journal.write(note(str(number)))
    with closing(Store(database, [], lambda: MORNING)) as store:
        store.absorb(journal.sealed[:2], SignedHead.sign(Head.of(journal.facts[1]), key("gate-1.1")))
        store.absorb(journal.sealed[2:], SignedHead.sign(journal.head, key("somebody else")))
    mark(database, "a test says so")
    opened = opens(database)
    with closing(opened.store) as store:
        assert store.head("gate-1.1").seq == 2
