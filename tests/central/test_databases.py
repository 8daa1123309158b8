"""The configuration names exactly one database, and no password stands in it."""

from pathlib import Path

import pytest

from central.configuration import CentreConfiguration
from central.databases import open_engine, open_lead
from shared.configuration import BadConfiguration
from tests.postgres import PostgresServer, needs_postgres

REST = """
sites = ["CKHN"]
key_file = "centre.key"
admin_token_file = "admin.token"
declarant_tokens_file = "declarants.tokens"

[broker]
host = "127.0.0.1"
"""


def configure(folder: Path, keys: str) -> CentreConfiguration:
    file = folder / "central.toml"
    file.write_text(keys + REST, encoding="utf-8")
    return CentreConfiguration.read(file)


def test_without_a_word_the_store_is_sqlite_beside_the_file_and_the_process_leads(tmp_path: Path) -> None:
    configuration = configure(tmp_path, "")
    engine, lead = open_engine(configuration), open_lead(configuration)

    assert (tmp_path / "centre.db").exists()
    assert not engine.shared
    assert lead.try_lead()
    engine.close()
    lead.close()


@needs_postgres
def test_an_address_makes_it_postgresql(tmp_path: Path, postgres_server: PostgresServer) -> None:
    (tmp_path / "password").write_text("secret\n", encoding="utf-8")
    configuration = configure(
        tmp_path, f'database = "{postgres_server.database()}"\ndatabase_password_file = "password"'
    )
    engine, lead = open_engine(configuration), open_lead(configuration)

    assert engine.shared
    assert lead.try_lead()
    engine.close()
    lead.close()


@pytest.mark.parametrize(
    ("keys", "finding"),
    [
        ('store = "a.db"\ndatabase = "postgresql://barie@/barie"', "store and database exclude each other"),
        ('database_password_file = "password"', "of no use without database"),
        ('database = "barie"', "database: no address of a database; write postgresql://user@host/name"),
        ('database = "postgresql://127.0.0.1/barie"', "database: no address"),
        ('database = "postgresql://barie:secret@127.0.0.1/barie"', "database: a password has no place here"),
        ('database = "postgresql://barie@/barie?password=secret"', "database: a password has no place here"),
    ],
)
def test_what_is_wrong_is_found_by_its_key(tmp_path: Path, keys: str, finding: str) -> None:
    with pytest.raises(BadConfiguration, match=finding) as raised:
        configure(tmp_path, keys)

    assert "secret" not in str(raised.value)


def test_a_password_file_that_cannot_be_read_is_found_by_its_key(tmp_path: Path) -> None:
    configuration = configure(
        tmp_path, 'database = "postgresql://barie@/barie"\ndatabase_password_file = "none"'
    )

    with pytest.raises(BadConfiguration, match=r"central\.toml:2: database_password_file: .*none"):
        open_engine(configuration)
