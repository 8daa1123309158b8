"""What every engine under a store does alike, on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.clock import Stamp
from shared.node import engine as engines
from shared.node.engine import Engine
from shared.node.errors import StoreError, StoreUnusable, Unstorable
from tests.engines import Open, on_both_engines

TEXTS = [
    "", "?", "100 %", "%s", "'quoted' \"twice\"", "\\u0000", "\x01", "a\nb", "Nguyễn Văn Đủ", "Nguyê\u0303n",
    "友谊关口岸", "粤Z·1234港", "\uffff", "🚛", " end ",
]  # fmt: skip
NUMBERS = [0, -1, 2**31, 2**53 - 1, 2**63 - 1, -(2**63)]

pytestmark = on_both_engines


@pytest.fixture
def engine(connect: Open) -> Iterator[Engine]:
    """An engine with an empty table `kept`."""
    opened = connect()
    opened.execute("CREATE TABLE kept (number BIGINT, text TEXT, real DOUBLE PRECISION)")
    yield opened
    opened.close()


@pytest.fixture
def other(connect: Open) -> Iterator[Engine]:
    """A second connection to the same database, which waits for no other writer for long."""
    opened = connect()
    opened.execute("SET lock_timeout = '20ms'" if opened.shared else "PRAGMA busy_timeout=20")
    yield opened
    opened.close()


def numbers(engine: Engine) -> list[int]:
    return [row[0] for row in engine.rows("SELECT number FROM kept ORDER BY number")]


def keep(engine: Engine, number: int) -> None:
    engine.execute("INSERT INTO kept (number) VALUES (?)", (number,))


# -- migrations


def test_migrating_twice_is_migrating_once(connect: Open) -> None:
    for _ in range(2):
        engine = connect()
        engine.migrate()
        engine.execute("INSERT INTO node (name, value) VALUES ('a', '1') ON CONFLICT (name) DO NOTHING")
        engine.migrate()
        assert engine.rows("SELECT name, value FROM node") == [("a", "1")]
        engine.close()


def test_a_migration_that_fails_leaves_what_was_before_it(
    connect: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1_good.sql").write_text("CREATE TABLE good (n INTEGER);\n", encoding="utf-8")
    (tmp_path / "2_bad.sql").write_text(
        "CREATE TABLE half (n INTEGER);\nINSERT INTO absent VALUES (1);\n", encoding="utf-8"
    )
    monkeypatch.setattr(engines, "SQL", tmp_path)
    engine = connect()

    with pytest.raises(StoreUnusable, match="absent"):
        engine.migrate()

    assert engine.rows("SELECT count(*) FROM good") == [(0,)]
    with pytest.raises(StoreUnusable, match="half"):
        engine.rows("SELECT count(*) FROM half")
    engine.close()


# -- transactions


def test_a_transaction_is_there_for_others_when_it_has_ended(engine: Engine, other: Engine) -> None:
    with engine.transaction("test"):
        keep(engine, 1)
        keep(engine, 2)
        assert numbers(other) == []

    assert numbers(other) == [1, 2]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_transaction_whose_block_raises_leaves_nothing(engine: Engine, error: type[BaseException]) -> None:
    def attempt() -> None:
        with engine.transaction("test"):
            keep(engine, 1)
            raise error

    with pytest.raises(error):
        attempt()

    assert numbers(engine) == []


@pytest.mark.parametrize(
    ("statement", "value"),
    [("INSERT INTO absent VALUES (?)", 1), ("INSERT INTO kept (text) VALUES (?)", "a\0b")],
)
def test_a_transaction_in_which_a_statement_failed_fails_even_when_the_error_was_caught(
    engine: Engine, statement: str, value: object
) -> None:
    def attempt() -> None:
        with engine.transaction("test"):
            keep(engine, 1)
            with suppress(StoreError):
                engine.execute(statement, (value,))

    with pytest.raises(StoreUnusable, match="nothing was written"):
        attempt()

    assert numbers(engine) == []


def test_a_failed_transaction_does_not_hinder_the_next(engine: Engine) -> None:
    with pytest.raises(StoreUnusable), engine.transaction("test"):
        engine.execute("INSERT INTO absent VALUES (1)")
    with engine.transaction("test"):
        keep(engine, 1)

    assert numbers(engine) == [1]


def test_a_transaction_within_a_transaction_is_refused_and_both_fail(engine: Engine) -> None:
    def attempt() -> None:
        with engine.transaction("test"):
            keep(engine, 1)
            with suppress(StoreUnusable), engine.transaction("test"):
                keep(engine, 2)

    with pytest.raises(StoreUnusable, match="nothing was written"):
        attempt()

    assert numbers(engine) == []


def test_a_second_writer_gives_up_in_the_end_and_can_try_again(engine: Engine, other: Engine) -> None:
    with engine.transaction("test"):
        keep(engine, 1)
        with pytest.raises(StoreUnusable, match="cannot test"), other.transaction("test"):
            raise AssertionError
    with other.transaction("test"):
        keep(other, 2)

    assert numbers(engine) == [1, 2]


def test_writers_that_count_on_from_the_highest_number_never_take_one_twice(
    engine: Engine, connect: Open
) -> None:
    def count_on() -> None:
        own = connect()
        for _ in range(10):
            with own.transaction("test"):
                highest = own.rows("SELECT coalesce(max(number), 0) FROM kept")[0][0]
                keep(own, highest + 1)
        own.close()

    writers = [threading.Thread(target=count_on) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert numbers(engine) == list(range(1, 31))


# -- values


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_as_given(engine: Engine, text: str) -> None:
    engine.execute("INSERT INTO kept (text) VALUES (?)", (text,))

    assert engine.rows("SELECT text FROM kept WHERE text = ?", (text,)) == [(text,)]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_comes_back_as_given(engine: Engine, number: int) -> None:
    keep(engine, number)

    assert engine.rows("SELECT number FROM kept WHERE number = ?", (number,)) == [(number,)]


def test_real_numbers_and_nothing_come_back_as_given(engine: Engine) -> None:
    engine.executemany(
        "INSERT INTO kept (number, text, real) VALUES (?, ?, ?)", [(1, None, 0.1), (2, "", None)]
    )

    assert engine.rows("SELECT number, text, real FROM kept ORDER BY number") == [
        (1, None, 0.1),
        (2, "", None),
    ]


def test_truth_is_one_and_zero(engine: Engine) -> None:
    keep(engine, True)

    answer = engine.rows("SELECT number, number = ?, number > 5 FROM kept", (True,))[0]

    assert [repr(value) for value in answer] == ["1", "1", "0"]


def test_a_sum_of_numbers_is_a_number(engine: Engine) -> None:
    engine.executemany("INSERT INTO kept (number) VALUES (?)", [(2**53,), (1,)])

    assert repr(engine.rows("SELECT sum(number), avg(number - number) FROM kept")[0]) == f"({2**53 + 1}, 0.0)"


@pytest.mark.parametrize("value", ["a\0b", "\0", "half \ud800 pair"])
def test_text_that_no_database_keeps_is_refused_alike(engine: Engine, value: str) -> None:
    with pytest.raises(Unstorable):
        engine.execute("INSERT INTO kept (text) VALUES (?)", (value,))
    with pytest.raises(Unstorable):
        engine.executemany("INSERT INTO kept (text) VALUES (?)", [("good",), (value,)])
    with pytest.raises(Unstorable):
        engine.rows("SELECT text FROM kept WHERE text = ?", (value,))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**40])
def test_a_number_beyond_64_bits_is_refused_alike(engine: Engine, number: int) -> None:
    with pytest.raises(Unstorable):
        keep(engine, number)

    assert numbers(engine) == []


def test_question_marks_and_per_cent_signs_in_a_query_stay_as_they_are(engine: Engine) -> None:
    engine.execute("INSERT INTO kept (text, number) VALUES ('?%', ?)", (17,))

    assert engine.rows("SELECT text, number % 5 FROM kept WHERE text LIKE '?%' AND number = ?", (17,)) == [
        ("?%", 2)
    ]


# -- order


def test_text_sorts_by_code_point(engine: Engine) -> None:
    texts = [
        *TEXTS,
        *(chr(point) for point in (0x20, 0x2F, 0x30, 0x41, 0x5F, 0x61, 0xC1, 0xE1, 0x110, 0x1EA0)),
    ]
    engine.executemany("INSERT INTO kept (text) VALUES (?)", [(text,) for text in reversed(texts)])

    assert [row[0] for row in engine.rows("SELECT text FROM kept ORDER BY text")] == sorted(texts)


def test_what_lies_below_a_subject_lies_between_slash_and_zero(engine: Engine) -> None:
    below, beside = ["d/1/", "d/1/a", "d/1/Z", "d/1/é", "d/1/友"], ["d/1", "d/10", "d/1-", "D/1/a", "d/2"]
    engine.executemany("INSERT INTO kept (text) VALUES (?)", [(text,) for text in below + beside])

    rows = engine.rows("SELECT text FROM kept WHERE text >= ? AND text < ?", ("d/1/", "d/10"))

    assert {row[0] for row in rows} == set(below)


def test_stamps_sort_by_time_and_counter(engine: Engine) -> None:
    stamps = [
        Stamp(datetime(2026, 1, 2, 3, 4, second, tzinfo=UTC), counter)
        for second in (9, 10)
        for counter in (0, 9, 10, 255)
    ]
    engine.executemany("INSERT INTO kept (text) VALUES (?)", [(str(stamp),) for stamp in reversed(stamps)])

    in_order: list[Any] = [row[0] for row in engine.rows("SELECT text FROM kept ORDER BY text")]

    assert in_order == [str(stamp) for stamp in stamps]
