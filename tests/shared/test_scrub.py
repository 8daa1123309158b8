"""The slow look at a whole store, and what comes of what it finds."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.facts import Draft, commit
from shared.journal import centre_node, journal_id
from shared.node.damage import Damaged, inspect
from shared.node.declarations import Declarations
from shared.node.scrub import Gently, Stopped, next_night, scrub, watch_store
from shared.node.store import Store
from shared.trust import Trust
from tests.builders import MORNING, SITE, Site, declared_body, key
from tests.loop import in_loop

MINE = "gate-2.1"
PROJECTIONS = (Declarations(),)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Enrolments, a declaration of the centre's, and one of our own with a driver's name."""
    path = tmp_path / "facts.db"
    with closing(Store(path, PROJECTIONS, wall=lambda: MORNING)) as store:
        for journal in Site().journals.values():
            store.absorb(journal.sealed, journal.signed)
        body = declared_body(no="2026112300002")
        body["vehicles"][0] = {**body["vehicles"][0], "driver": {"name": "Nông Văn Dền"}}
        hidden, private = commit(body, ["/vehicles/0/driver/name"])
        store.append(MINE, key(MINE), [Draft("declared", "declaration/2026112300002", hidden, private)])
    return path


def trusts(database: Path) -> list[Trust]:
    trust = Trust(SITE, key(journal_id(centre_node(SITE))).public)
    with closing(Store(database, PROJECTIONS, wall=lambda: MORNING)) as store:
        trust.learn(store.of_kinds(["node_enrolled"]))
    return [trust]


def change(database: Path, sql: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        assert connection.execute(sql).rowcount > 0


def test_a_whole_store_verifies(database: Path) -> None:
    assert scrub(database, PROJECTIONS, trusts(database)) is None


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE facts SET body = replace(body, '12C12345', '12C12346') WHERE seq = 1", "not what it was"),
        ("UPDATE facts SET at = replace(at, '2026', '2027') WHERE kind = 'declared'", "not what it was"),
        ("DELETE FROM facts WHERE kind = 'node_enrolled' AND seq = 3", "does not follow"),
        ("UPDATE journals SET seq = seq + 1 WHERE journal = 'gate-2.1'", "head of the journal"),
        ("UPDATE private_values SET value = 'Nông Văn Dến'", "does not belong to it"),
        ("UPDATE signatures SET signature = 'A' || substr(signature, 2)", "signature is not what it was"),
        ("UPDATE vehicles SET plate = '12C12346' WHERE plate = '12C12345'", "table vehicles"),
        ("DELETE FROM declarations", "table declarations"),
    ],
)
def test_whatever_was_changed_is_found(database: Path, sql: str, said: str) -> None:
    known = trusts(database)
    change(database, sql)
    found = scrub(database, PROJECTIONS, known)
    assert found is not None
    assert said in found


def test_a_scrub_ends_when_the_daemon_does(database: Path) -> None:
    gently = Gently()
    gently.stop.set()
    with pytest.raises(Stopped):
        scrub(database, PROJECTIONS, [], gently)


def test_every_night_is_one_scrub() -> None:
    evening = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
    assert next_night(evening) == datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
    assert next_night(evening + timedelta(hours=1)) == datetime(2026, 11, 25, 19, 0, tzinfo=UTC)


@pytest.fixture
def hours() -> Iterator[datetime]:
    """A clock that has gone on by an hour whenever it is looked at."""
    return (MORNING + timedelta(hours=number) for number in range(1000))


@in_loop
async def test_damage_that_a_scrub_finds_ends_the_daemon_and_is_known_at_the_next_start(
    database: Path, hours: Iterator[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.node.scrub.LOOK_EVERY_S", 0.0)
    with closing(Store(database, PROJECTIONS, wall=lambda: MORNING)) as store:
        change(database, "DELETE FROM vehicles")
        with pytest.raises(Damaged, match="recovered at the next start"):
            await asyncio.wait_for(watch_store(store, database, PROJECTIONS, tuple, lambda: next(hours)), 20)
    assert inspect(database) == "the table vehicles is not what the facts make of it"


@in_loop
async def test_a_file_that_sqlite_finds_broken_while_it_works_ends_the_daemon(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.node.scrub.LOOK_EVERY_S", 0.0)
    with closing(Store(database, PROJECTIONS, wall=lambda: MORNING)) as store:
        store.engine.broken = "database disk image is malformed"
        with pytest.raises(Damaged, match="malformed"):
            await asyncio.wait_for(watch_store(store, database, PROJECTIONS, tuple, lambda: MORNING), 20)
    assert inspect(database) == "database disk image is malformed"
