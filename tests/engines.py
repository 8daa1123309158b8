"""Tests that hold for every engine under a store: SQLite, and PostgreSQL where it is installed."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.node.engine import Engine, SqliteEngine
from tests.postgres import needs_postgres

Open = Callable[[], Engine]
"""Opens one database again and again; whoever opens it closes it."""

on_both_engines = pytest.mark.both_engines
"""Runs every test that uses the fixture `connect` once on each engine; without it the engine is SQLite."""

ENGINES = ["sqlite", pytest.param("postgres", marks=needs_postgres)]


def in_transaction(engine: Engine) -> bool:
    """Whether the engine is in the middle of a transaction that has written something."""
    if isinstance(engine, SqliteEngine):
        return engine.connection.in_transaction
    answer: list[Any] = engine.rows("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
    return bool(answer[0][0])
