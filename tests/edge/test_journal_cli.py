"""`barie-edge journal`: proves, shows, exports and replays; it never makes a store that is not there."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.underway import Underway
from shared.clock import Stamp
from shared.facts import Draft, commit
from shared.node.declarations import Declarations
from shared.node.own import remember
from shared.node.store import Store
from shared.node.used_twice import UsedTwice
from shared.protocol import Batch, decode, open_batch
from tests.builders import BARRIER_2_IN, CUSTOMS, MORNING, NO, SITE, Site, declared_body, key
from tests.naming import renamed_text
from tests.shared.members import CENTRE_JOURNAL

DRIVER = "/vehicles/0/driver/name"
NAME = "Nông Văn Dền"


def journal(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["journal", *map(str, words)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A gate's data folder: a declaration with its driver, a confirmation, a passage."""
    site = Site()
    vehicles = [{"vehicle": "v1", "plate": "12C12345", "country": "VN", "driver": {"name": NAME}}]
    body, private = commit(declared_body(version=2, vehicles=vehicles), [DRIVER])
    site.tell("centre-CKHN", Draft("amended", f"declaration/{NO}", body, private))
    site.confirm("4.2.b", CUSTOMS)
    site.drive_through(BARRIER_2_IN)
    return kept(tmp_path, site)


def kept(folder: Path, site: Site) -> Path:
    """The data folder of a gate that holds all of a site's journals."""
    store = Store(folder / "data" / "facts.db", [Declarations(), Underway(), UsedTwice()], lambda: MORNING)
    remember(store, "gate-3", SITE, key(CENTRE_JOURNAL).public)
    for one in site.journals.values():
        store.absorb(one.sealed, one.signed)
    store.close()
    return folder / "data"


# -- verify


def test_verify_prints_the_promised_object_and_nothing_else(data: Path) -> None:
    answer = journal("verify", data, "--json")
    told: dict[str, Any] = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert set(told) == {"ok", "journals", "first_bad"}
    assert (told["ok"], told["first_bad"]) == (True, None)
    assert set(told["journals"]) == {CENTRE_JOURNAL, "gate-2.1"}
    assert all(set(one) == {"seq", "hash", "witnessed"} for one in told["journals"].values())


def test_verify_says_in_a_sentence_what_is_wrong_and_exits_with_1(data: Path) -> None:
    with closing(sqlite3.connect(data / "facts.db")) as database, database:
        database.execute("UPDATE facts SET body = replace(body, 'customs', 'tax') WHERE kind = 'confirmed'")
    answer = journal("verify", data / "facts.db")
    assert answer.exit_code == 1
    assert "gate-2.1/1: its content does not fit its hash" in answer.stdout
    assert json.loads(journal("verify", data, "--json").stdout)["first_bad"]["seq"] == 1


@pytest.mark.parametrize("command", ["verify", "export", "rebuild"])
def test_a_store_that_is_not_there_is_a_wrong_call_and_is_not_made(command: str, tmp_path: Path) -> None:
    answer = journal(command, tmp_path / "absent")
    assert (answer.exit_code, "no store at" in answer.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_no_key_and_another_that_is_not_there_are_wrong_calls(data: Path) -> None:
    assert journal("verify", data, "--root", "nonsense").exit_code == 2
    assert journal("verify", data, "--against", data / "absent").exit_code == 2


def test_a_file_that_is_no_store_is_not_good(tmp_path: Path) -> None:
    (tmp_path / "facts.db").write_bytes(b"not a database at all" * 100)
    answer = journal("verify", tmp_path)
    assert (answer.exit_code, "facts.db" in answer.stderr) == (1, True)


def test_text_that_is_no_unicode_is_a_changed_fact(data: Path) -> None:
    with closing(sqlite3.connect(data / "facts.db")) as database, database:
        database.execute("UPDATE facts SET body = CAST(x'7BFF7D' AS TEXT) WHERE kind = 'passed'")
    told = json.loads(journal("verify", data, "--json").stdout)
    assert (told["first_bad"]["journal"], told["first_bad"]["seq"]) == ("gate-2.1", 2)


def test_reading_leaves_nothing_beside_the_store(data: Path) -> None:
    for words in (["verify", data], ["show", data, CENTRE_JOURNAL], ["export", data]):
        assert journal(*words).exit_code == 0
    assert [file.name for file in data.iterdir()] == ["facts.db"]


# -- show


def test_show_speaks_vietnamese_and_english(data: Path) -> None:
    vietnamese = journal("show", data, "gate-2.1/1").stdout
    assert "xác nhận" in vietnamese
    assert "Hải quan" in vietnamese
    english = journal("show", data, "gate-2.1/1", "--lang", "en").stdout
    assert "confirmed" in english
    assert "Customs" in english


def test_show_calls_an_agency_as_on_the_day_of_the_fact_at_the_site_of_the_node(tmp_path: Path) -> None:
    site = Site()
    site.confirm("4.2.b", CUSTOMS, at=Stamp(MORNING - timedelta(days=2)))
    site.confirm("4.2.b", CUSTOMS)
    store, file = kept(tmp_path, site), tmp_path / "agencies.toml"
    file.write_text(
        renamed_text(CUSTOMS, "2026-11-22", "Hải quan Hữu Nghị", f'site = "{SITE}"'), encoding="utf-8"
    )
    shown = [journal("show", store, f"gate-2.1/{seq}", "--names", file).stdout for seq in (1, 2)]
    assert ["by: Hải quan\n" in one for one in shown] == [True, False]
    assert ["by: Hải quan Hữu Nghị\n" in one for one in shown] == [False, True]


def test_show_goes_on_without_a_file_of_names_and_says_so(data: Path, tmp_path: Path) -> None:
    answer = journal("show", data, "gate-2.1/1", "--names", tmp_path / "absent.toml")
    assert (answer.exit_code, "by: Hải quan\n" in answer.stdout) == (0, True)
    assert "absent.toml:1: file: " in answer.stderr


def test_show_gives_a_journal_or_all_about_a_subject(data: Path) -> None:
    lines = journal("show", data, "gate-2.1", "--json").stdout.splitlines()
    assert [json.loads(line)["fact"]["seq"] for line in lines] == [1, 2]
    about = journal("show", data, f"declaration/{NO}", "--json").stdout.splitlines()
    assert [json.loads(line)["fact"]["kind"] for line in about] == [
        "declared",
        "amended",
        "confirmed",
        "passed",
    ]


def test_show_keeps_personal_values_to_itself_unless_asked(data: Path) -> None:
    assert NAME not in journal("show", data, CENTRE_JOURNAL).stdout
    assert NAME not in journal("show", data, CENTRE_JOURNAL, "--json").stdout
    assert NAME in journal("show", data, CENTRE_JOURNAL, "--private").stdout
    lines = journal("show", data, CENTRE_JOURNAL, "--json", "--private").stdout.splitlines()
    assert {DRIVER: NAME} in [json.loads(line)["private"] for line in lines]


@pytest.mark.parametrize("what", ["gate-2.1/99", "declaration/1", "gate-9.1"])
def test_show_of_nothing_is_not_good(data: Path, what: str) -> None:
    assert journal("show", data, what).exit_code == 1


# -- export


def test_an_export_is_taken_by_another_store(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    assert journal("export", data, file).exit_code == 0
    other = Store(tmp_path / "other.db")
    for line in file.read_text(encoding="utf-8").splitlines():
        batch = decode(line.encode(), Batch)
        other.absorb(*open_batch(batch, [key(batch.journal).public]))
    assert other.count() == {CENTRE_JOURNAL: 15, "gate-2.1": 2}
    other.close()
    assert journal("verify", data, "--against", file).exit_code == 0


def test_an_export_holds_personal_values_only_when_asked(data: Path) -> None:
    assert NAME not in journal("export", data).stdout
    assert NAME in journal("export", data, "--private").stdout


def test_an_export_can_be_of_one_journal_after_a_number(data: Path) -> None:
    lines = journal("export", data, "--journal", "gate-2.1", "--after", "1").stdout.splitlines()
    batches = [json.loads(line) for line in lines]
    assert [(one["journal"], [f["fact"]["seq"] for f in one["facts"]]) for one in batches] == [
        ("gate-2.1", [2])
    ]
    assert journal("export", data, "--journal", "gate-2.1", "--after", "2").exit_code == 1


# -- rebuild


def test_rebuild_finds_the_tables_as_they_were(data: Path) -> None:
    answer = journal("rebuild", data, "--json")
    told = json.loads(answer.stdout)
    assert (answer.exit_code, told["ok"]) == (0, True)
    assert told["tables"]["declarations"] == {"rows": 1, "same": True}
    assert told["tables"]["entered"] == {"rows": 1, "same": True}


def test_rebuild_tells_of_a_table_that_was_changed_and_mends_it(data: Path) -> None:
    with closing(sqlite3.connect(data / "facts.db")) as database, database:
        database.execute("UPDATE declarations SET recalled = 1")
    answer = journal("rebuild", data)
    assert answer.exit_code == 1
    assert "declarations: 1 rows, NOT what it was" in answer.stdout
    assert journal("rebuild", data).exit_code == 0


def test_rebuild_leaves_a_store_alone_that_is_no_gates(tmp_path: Path) -> None:
    class Passages(Underway):
        pass

    Store(tmp_path / "facts.db", [Passages()]).close()
    before = (tmp_path / "facts.db").read_bytes()
    answer = journal("rebuild", tmp_path)
    assert (answer.exit_code, "no gate's store" in answer.stderr) == (2, True)
    assert (tmp_path / "facts.db").read_bytes() == before
