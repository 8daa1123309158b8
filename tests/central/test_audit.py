"""The proof of a store works on every engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from central.postgres import PostgresEngine
from shared.node.audit import audit
from shared.node.engine import Engine, SqliteEngine
from shared.node.own import remember
from shared.node.store import Store
from tests.builders import MORNING, SITE, Site, key
from tests.postgres import needs_postgres
from tests.shared.members import CENTRE, CENTRE_JOURNAL


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=needs_postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    opened: Engine = (
        SqliteEngine(tmp_path / "centre.db")
        if request.param == "sqlite"
        else PostgresEngine(request.getfixturevalue("postgres_server").database())
    )
    yield opened
    opened.close()


def test_a_centres_store_is_proven_and_a_changed_fact_of_it_named(engine: Engine) -> None:
    site = Site()
    store = Store(engine, wall=lambda: MORNING)
    remember(store, CENTRE, SITE, key(CENTRE_JOURNAL).public)
    for journal in site.journals.values():
        store.absorb(journal.sealed, journal.signed)
    report = audit(engine)
    assert report.ok
    assert list(report.journals) == [CENTRE_JOURNAL]
    engine.execute("UPDATE facts SET subject = 'officer/other' WHERE seq = 7")
    bad = audit(engine).first_bad
    assert bad is not None
    assert (bad.journal, bad.seq) == (CENTRE_JOURNAL, 7)
