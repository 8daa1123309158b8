"""PostgreSQL under the centre: it comes back, it is fit for a store, one process leads, and no password is told."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from central.postgres import PostgresEngine, PostgresLead, translated, unfit
from shared import subjects
from shared.bodies import Forget, dump
from shared.facts import Draft
from shared.node.errors import StoreUnusable
from shared.node.store import Store
from tests.builders import key
from tests.postgres import PostgresServer, needs_postgres, postgres

pytestmark = needs_postgres


@pytest.fixture
def dsn(postgres_server: PostgresServer) -> str:
    return postgres_server.schema()


@pytest.fixture
def engine(dsn: str) -> Iterator[PostgresEngine]:
    opened = PostgresEngine(dsn)
    opened.execute("CREATE TABLE kept (number BIGINT)")
    yield opened
    opened.close()


def break_connections(server: PostgresServer) -> None:
    """Breaks every connection but the one that does it."""
    with server.admin() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


# -- lost connections


def test_after_a_lost_connection_the_next_call_connects_again(
    engine: PostgresEngine, postgres_server: PostgresServer
) -> None:
    break_connections(postgres_server)

    with pytest.raises(StoreUnusable, match=r"cannot read database postgres at 127.0.0.1"):
        engine.rows("SELECT 1")

    assert engine.rows("SELECT 1") == [(1,)]


def test_a_transaction_that_lost_its_connection_fails_once_and_leaves_nothing(
    engine: PostgresEngine, postgres_server: PostgresServer
) -> None:
    def attempt() -> None:
        with engine.transaction("test"):
            engine.execute("INSERT INTO kept VALUES (1)")
            break_connections(postgres_server)
            engine.execute("INSERT INTO kept VALUES (2)")

    with pytest.raises(StoreUnusable):
        attempt()
    with engine.transaction("test"):
        engine.execute("INSERT INTO kept VALUES (3)")

    assert engine.rows("SELECT number FROM kept") == [(3,)]


def test_nothing_is_written_outside_of_a_transaction_that_lost_its_connection(
    engine: PostgresEngine, postgres_server: PostgresServer
) -> None:
    def attempt() -> None:
        with engine.transaction("test"):
            break_connections(postgres_server)
            for _ in range(2):
                with suppress(StoreUnusable):
                    engine.execute("INSERT INTO kept VALUES (1)")

    with pytest.raises(StoreUnusable):
        attempt()

    assert engine.rows("SELECT number FROM kept") == []


def test_what_was_committed_outlives_a_killed_server_and_what_was_not_is_gone() -> None:
    def attempt(engine: PostgresEngine, server: PostgresServer) -> None:
        with engine.transaction("test"):
            engine.execute("INSERT INTO kept VALUES (2)")
            server.kill()

    with postgres() as server:
        engine = PostgresEngine(server.database())
        engine.execute("CREATE TABLE kept (number BIGINT)")
        with engine.transaction("test"):
            engine.execute("INSERT INTO kept VALUES (1)")
        with pytest.raises(StoreUnusable):
            attempt(engine, server)
        with pytest.raises(StoreUnusable, match="look whether PostgreSQL runs"):
            engine.rows("SELECT 1")

        server.start()

        assert engine.rows("SELECT number FROM kept") == [(1,)]
        engine.close()


# -- fitness


@pytest.mark.parametrize(
    ("found", "advice"),
    [
        (("UTF8", True, "on", "on"), None),
        (("LATIN1", True, "on", "on"), "CREATE DATABASE"),
        (("UTF8", False, "on", "on"), "LOCALE 'C'"),
        (("UTF8", True, "off", "on"), "set fsync = on"),
        (("UTF8", True, "on", "off"), "set full_page_writes = on"),
    ],
)
def test_a_database_is_fit_when_it_sorts_by_code_point_and_keeps_what_it_commits(
    found: tuple[Any, ...], advice: str | None
) -> None:
    wrong = unfit(*found)

    assert wrong is None if advice is None else advice in str(wrong)


@pytest.mark.parametrize(
    "options",
    [
        "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'vi' LOCALE 'C'",
        "TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'",
    ],
)
def test_a_database_that_sorts_by_a_language_or_is_not_unicode_is_refused(
    postgres_server: PostgresServer, options: str
) -> None:
    with pytest.raises(
        StoreUnusable, match="CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
    ):
        PostgresEngine(postgres_server.database(options))


def test_a_server_that_does_not_wait_for_its_disk_is_refused() -> None:
    with postgres() as server:
        dsn = server.database()
        server.stop()
        server.start(fsync="off")

        with pytest.raises(StoreUnusable, match="set fsync = on"):
            PostgresEngine(dsn)


def test_a_commit_waits_for_the_disk_where_the_database_would_not(postgres_server: PostgresServer) -> None:
    dsn = postgres_server.database()
    with postgres_server.admin() as connection:
        connection.execute(f"ALTER DATABASE {dsn.rpartition('/')[2]} SET synchronous_commit = off".encode())

    engine = PostgresEngine(dsn)

    assert engine.rows("SHOW synchronous_commit") == [("on",)]
    engine.close()


# -- addresses


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://barie:hush-hush@127.0.0.1:1/barie",
        "postgresql://barie:hush-hush%zz@127.0.0.1:1/barie",
        "hush-hush",
    ],
)
def test_no_error_tells_the_password(dsn: str) -> None:
    with pytest.raises(StoreUnusable) as raised:
        PostgresEngine(dsn, "whisper")

    assert "hush-hush" not in str(raised.value)
    assert "whisper" not in str(raised.value)


@pytest.mark.parametrize(
    ("sql", "query"),
    [
        ("SELECT ? WHERE a = ?", b"SELECT %s WHERE a = %s"),
        ("SELECT a % 2, '?%'", b"SELECT a %% 2, '?%%'"),
        ("SELECT 'it''s ?', ?", b"SELECT 'it''s ?', %s"),
    ],
)
def test_question_marks_become_what_psycopg_reads(sql: str, query: bytes) -> None:
    assert translated(sql) == query


# -- the lead


@pytest.fixture
def leads(dsn: str) -> Iterator[tuple[PostgresLead, PostgresLead]]:
    """Two processes' leads on one database; the first one leads."""
    first, second = PostgresLead(dsn), PostgresLead(dsn)
    assert first.try_lead()
    yield first, second
    first.close()
    second.close()


def test_one_process_leads(leads: tuple[PostgresLead, PostgresLead]) -> None:
    first, second = leads

    assert [second.try_lead(), first.try_lead(), second.try_lead()] == [False, True, False]


def test_another_leads_when_the_first_gives_up(leads: tuple[PostgresLead, PostgresLead]) -> None:
    first, second = leads
    first.try_lead()
    first.close()

    assert second.try_lead()
    assert not first.try_lead()


def test_who_lost_the_connection_does_not_lead_until_the_lead_is_free_again(
    leads: tuple[PostgresLead, PostgresLead], postgres_server: PostgresServer
) -> None:
    first, second = leads
    break_connections(postgres_server)

    assert not first.try_lead()
    assert second.try_lead()
    assert not first.try_lead()


def test_leading_and_writing_do_not_hinder_each_other(
    leads: tuple[PostgresLead, PostgresLead], engine: PostgresEngine
) -> None:
    with engine.transaction("test"):
        engine.execute("INSERT INTO kept VALUES (1)")
        assert leads[0].try_lead()


def test_two_databases_have_two_leads(
    leads: tuple[PostgresLead, PostgresLead], postgres_server: PostgresServer
) -> None:
    elsewhere = PostgresLead(postgres_server.database())

    assert [leads[0].try_lead(), elsewhere.try_lead()] == [True, True]
    elsewhere.close()


def test_without_a_server_nobody_leads_and_nothing_is_raised() -> None:
    assert not PostgresLead("postgresql://barie@127.0.0.1:1/barie").try_lead()


# -- what was forgotten


NAME = "Nông Văn Quên"
CENTRE = "centre-CKHN.1"


@pytest.fixture
def forgotten(dsn: str) -> Iterator[tuple[Store, Draft]]:
    """A store that holds personal values of one fact, sampled by the planner's statistics; the request to forget them."""
    store = Store(PostgresEngine(dsn))
    rows = [("gate-1.1", 1, 0, f"/name/{at}", f"salt {at}", f"{NAME} {at % 3}") for at in range(300)]
    store.engine.executemany("INSERT INTO private_values VALUES (?, ?, ?, ?, ?, ?)", rows)
    store.quarantine("barie/1/facts/CKHN/gate-1", NAME.encode(), "no Batch")
    for table in ("private_values", "quarantine"):
        store.engine.execute(f"VACUUM (ANALYZE) {table}")
    body = Forget(facts=["gate-1.1/1"], reason="hết hạn lưu")
    yield store, Draft("forget", subjects.declaration("2026112300001"), dump(body))
    store.close()


def test_a_forgotten_value_is_in_no_file_of_the_database(
    forgotten: tuple[Store, Draft], postgres_server: PostgresServer
) -> None:
    store, request = forgotten
    assert postgres_server.files_with(NAME) != []

    store.append(CENTRE, key(CENTRE), [request])

    assert postgres_server.files_with(NAME) == []
    assert store.setting("purge") is None


def test_a_reader_hinders_no_request_to_forget_and_the_next_start_makes_up_for_it(
    forgotten: tuple[Store, Draft], dsn: str, postgres_server: PostgresServer
) -> None:
    store, request = forgotten
    with psycopg.connect(dsn) as backup:
        backup.execute("SELECT count(*) FROM private_values")
        store.append(CENTRE, key(CENTRE), [request])
    assert postgres_server.files_with(NAME) != []

    Store(store.engine.another()).close()

    assert postgres_server.files_with(NAME) == []
    assert store.setting("purge") is None
