"""`barie-edge`: exit code 0 good, 1 the thing asked about is not good, 2 wrong call or configuration."""

import json
import stat
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from edge.capture.picture_memory import memory_file
from edge.cli import app
from edge.officers import load_officers, pin_fits
from shared.clock import Stamp
from shared.signing import PrivateKey
from tests.builders import BARRIER_2_IN, BORDER_GUARD, CUSTOMS, MORNING, NO, PLATE, Site
from tests.edge.gate_folder import filled, gate_file
from tests.edge.world import NEAR_PLATE
from tests.naming import renamed_text

AT = ["--at", "barrier-2", "--heading", "in"]


def barie(*words: str | Path, entered: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=entered)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return gate_file(tmp_path)


def own_names(config: Path, text: str | None) -> None:
    """Lets the configuration name a file of names of its own, which is not there when None."""
    if text is not None:
        (config.parent / "agencies.toml").write_text(text, encoding="utf-8")
    told = config.read_text(encoding="utf-8")
    config.write_text(f'agency_names = "agencies.toml"\n{told}', encoding="utf-8")


def explained(config: Path, *words: str) -> dict[str, Any]:
    answer = barie("explain", config, *words, "--json")
    told: dict[str, Any] = json.loads(answer.stdout)
    assert answer.exit_code == (0 if told["verdict"] == "open" else 1), answer.output
    return told


@pytest.mark.parametrize(
    "command", ["", "run", "check", "read", "relearn", "explain", "key", "pin", "journal"]
)
def test_every_command_says_what_it_does(command: str) -> None:
    answer = barie(*command.split(), "--help")
    assert answer.exit_code == 0
    assert "Usage" in answer.output


def test_without_a_command_the_help_is_shown_and_the_call_was_wrong() -> None:
    answer = barie()
    assert answer.exit_code == 2
    assert "Usage" in answer.output


@pytest.mark.parametrize("words", [["nonsense"], ["check"], ["explain", "x.toml"], ["read", "--nonsense"]])
def test_a_wrong_call_exits_with_2(words: list[str]) -> None:
    assert barie(*words).exit_code == 2


# -- check


def test_a_good_configuration_passes_in_silence(config: Path) -> None:
    answer = barie("check", config)
    assert (answer.exit_code, answer.output) == (0, "")


def test_a_bad_configuration_is_told_on_standard_error(config: Path) -> None:
    config.write_text(
        config.read_text(encoding="utf-8").replace('heading = "in"', 'heading = "up"'), encoding="utf-8"
    )
    answer = barie("check", config)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"{config}:19: lane.0.heading: 'up' is not allowed; write one of")


def test_check_tells_the_faults_of_the_file_of_names_with_its_lines(config: Path) -> None:
    own_names(config, renamed_text(CUSTOMS, "2024-02-02", "Hải quan cửa khẩu"))
    names = config.parent / "agencies.toml"
    line = names.read_text(encoding="utf-8").splitlines().index('vi = "Hải quan cửa khẩu"') - 2
    answer = barie("check", config)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"{names}:{line}: name.9: line ")
    assert "names customs from 2024-02-02 already; change one of the two" in answer.stderr


def test_check_tells_of_a_file_of_names_that_is_not_there(config: Path) -> None:
    own_names(config, None)
    answer = barie("check", config)
    assert (answer.exit_code, "agencies.toml:1: file: " in answer.stderr) == (2, True)


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_configuration_that_is_not_there_is_a_wrong_call(command: str, tmp_path: Path) -> None:
    answer = barie(command, tmp_path / "absent.toml")
    assert answer.exit_code == 2
    assert "absent.toml:1: file: cannot be read" in answer.stderr


# -- explain


def test_explain_prints_the_promised_object_and_nothing_else(config: Path) -> None:
    filled(config.parent, Site())
    told = explained(config, *AT, "--declaration", NO)
    assert set(told) == {"verdict", "waits_for", "ordered", "opens", "fresh", "reasons"}
    assert (told["verdict"], told["waits_for"]) == ("wait", ["border_guard", "customs"])
    assert (told["ordered"], told["opens"]) == (False, "border_guard")
    assert all(isinstance(age_s, int) for age_s in told["fresh"].values())
    assert list(told["fresh"]) == ["centre-CKHN.1"]
    assert all(set(reason) == {"code", "clause", "text", "facts"} for reason in told["reasons"])
    missing = [r for r in told["reasons"] if r["code"] == "confirmation_missing"]
    assert [reason["clause"] for reason in missing] == ["4.2.b", "4.2.b"]


def test_explain_names_the_facts_it_rests_on_and_exits_0_when_it_may_be_opened(config: Path) -> None:
    site = Site()
    site.license("gate-3", [BARRIER_2_IN[0]], [BORDER_GUARD, CUSTOMS])
    given = [site.confirm("4.2.b", agency, node="gate-3") for agency in (BORDER_GUARD, CUSTOMS)]
    filled(config.parent, site)
    told = explained(config, *AT, "--declaration", NO)
    assert told["verdict"] == "open"
    named = [ref for r in told["reasons"] if r["code"] == "confirmed" for ref in r["facts"]]
    assert sorted(named) == sorted(fact.ref for fact in given)


def test_explain_finds_the_declaration_of_a_plate_however_it_is_written(config: Path) -> None:
    filled(config.parent, Site())
    by_plate = explained(config, *AT, "--plate", "12c-123.45")
    by_number = explained(config, *AT, "--declaration", NO)
    assert by_plate.pop("fresh").keys() == by_number.pop("fresh").keys()
    assert by_plate == by_number


def test_explain_says_that_a_declaration_is_another_tractors_with_both_plates(config: Path) -> None:
    site = Site()
    filled(config.parent, site)
    told = explained(config, *AT, "--declaration", NO, "--plate", "29C99999")
    reason = told["reasons"][0]
    assert (told["verdict"], reason["code"], reason["facts"]) == (
        "refuse",
        "another_tractor",
        [site.declared.ref],
    )
    assert all(plate in reason["text"] for plate in (PLATE, "29C99999"))


def test_explain_does_not_call_a_similar_plate_another_tractors(config: Path) -> None:
    filled(config.parent, Site())
    told = explained(config, *AT, "--declaration", NO, "--plate", NEAR_PLATE)
    assert (told["verdict"], told["reasons"][0]["code"]) == ("refuse", "vehicle_not_declared")


def test_explain_says_what_stands_now_where_a_plate_stood_before_an_amendment(config: Path) -> None:
    site = Site()
    other = [{**site.body["vehicles"][0], "plate": "29C99999"}]
    site.amend(vehicles=other)
    filled(config.parent, site)
    for asked in (["--plate", PLATE], ["--declaration", NO, "--plate", PLATE]):
        told = explained(config, *AT, *asked)
        assert (told["verdict"], told["reasons"][0]["code"]) == ("refuse", "plate_amended")
        assert "29C99999" in told["reasons"][0]["text"]


@pytest.mark.parametrize("asked", [["--plate", "29C99999"], ["--declaration", "2026112399999"]])
def test_explain_refuses_what_nobody_declared(config: Path, asked: list[str]) -> None:
    filled(config.parent, Site())
    told = explained(config, *AT, *asked)
    assert (told["verdict"], [reason["code"] for reason in told["reasons"]]) == ("refuse", ["no_declaration"])
    assert (told["waits_for"], told["ordered"], told["opens"]) == ([], False, None)


def test_explain_speaks_the_language_asked_for(config: Path) -> None:
    filled(config.parent, Site())
    texts = {
        lang: barie("explain", config, *AT, "--plate", PLATE, "--lang", lang).stdout
        for lang in ("vi", "en", "zh")
    }
    assert len(set(texts.values())) == 3
    assert "Hải quan" in texts["vi"]


def test_explain_names_who_confirmed_as_on_that_day_and_who_is_awaited_as_today(config: Path) -> None:
    site = Site()
    site.license("gate-3", [BARRIER_2_IN[0]], [BORDER_GUARD, CUSTOMS])
    site.enrol(CUSTOMS, start=MORNING - timedelta(days=3))
    site.confirm("4.2.b", CUSTOMS, node="gate-3", at=Stamp(MORNING - timedelta(days=2)))
    filled(config.parent, site)
    both = renamed_text(CUSTOMS, "2026-11-23", "Hải quan mới")
    entry = both[both.rindex("[[name]]") :]
    own_names(config, both + entry.replace("customs", "border_guard").replace("Hải quan", "Biên phòng"))
    told = explained(config, *AT, "--declaration", NO)
    texts = {reason["code"]: reason["text"] for reason in told["reasons"]}
    assert "Hải quan" in texts["confirmed"]
    assert "mới" not in texts["confirmed"]
    assert "Biên phòng mới" in texts["confirmation_missing"]


def test_explain_works_without_a_file_of_names(config: Path) -> None:
    own_names(config, None)
    filled(config.parent, Site())
    told = explained(config, *AT, "--declaration", NO)
    assert any("Hải quan" in reason["text"] for reason in told["reasons"])


def test_explain_without_a_question_and_without_a_store_is_a_wrong_call(config: Path) -> None:
    nothing = barie("explain", config, *AT)
    assert (nothing.exit_code, "--declaration NO, --plate TEXT" in nothing.stderr) == (2, True)
    no_store = barie("explain", config, *AT, "--declaration", NO)
    assert (no_store.exit_code, "no store at" in no_store.stderr) == (2, True)
    assert not (config.parent / "data").exists()


# -- key and pin


def test_key_writes_a_secret_that_only_its_owner_reads_and_prints_the_public_half(tmp_path: Path) -> None:
    file = tmp_path / "node.key"
    answer = barie("key", file)
    assert answer.exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PrivateKey.parse(file.read_text()).public.text == answer.stdout.strip()


def test_key_never_overwrites_a_key(tmp_path: Path) -> None:
    file = tmp_path / "node.key"
    barie("key", file)
    before = file.read_text()
    answer = barie("key", file)
    assert (answer.exit_code, file.read_text()) == (2, before)
    assert "a node keeps its key" in answer.stderr


def test_pin_prints_a_table_for_the_officers_file_and_never_the_pin(tmp_path: Path) -> None:
    answer = barie("pin", "hq-1", "customs", entered="246801\n246801\n")
    assert (answer.exit_code, "246801" in answer.stdout) == (0, False)
    table = answer.stdout[answer.stdout.index("[officers") :]
    assert tomllib.loads(table)["officers"]["hq-1"]["agency"] == "customs"
    file = tmp_path / "officers.toml"
    file.write_text(table, encoding="utf-8")
    assert pin_fits("246801", load_officers(file)["hq-1"].verifier)


def test_pin_refuses_an_agency_that_does_not_exist() -> None:
    answer = barie("pin", "hq-1", "police", "--pin", "246801")
    assert answer.exit_code == 2


def test_relearn_removes_what_was_learned_of_one_camera_and_says_when_there_is_nothing(config: Path) -> None:
    file = memory_file(config.parent / "data", "lane-1", "front")
    file.parent.mkdir(parents=True)
    file.write_text("learned", encoding="utf-8")

    assert barie("relearn", config, "lane-1", "front").exit_code == 0
    assert not file.exists()
    again = barie("relearn", config, "lane-1", "front")
    assert (again.exit_code, again.stderr) == (1, "nothing was learned of this camera yet\n")


def test_relearn_names_the_cameras_there_are(config: Path) -> None:
    answer = barie("relearn", config, "lane-1", "rear")
    assert (answer.exit_code, answer.stderr) == (2, "no such camera; write one of lane-1 front\n")


def test_reading_with_paddleocr_and_no_models_says_what_to_name(tmp_path: Path) -> None:
    answer = barie("read", "x.jpg", "--backend", "paddleocr", "--environment", tmp_path)
    assert answer.exit_code == 2
    assert f"environment: {tmp_path}/bin/python is not there; run scripts/paddle" in answer.stderr
    assert "models: paddleocr has no models of its own; name a folder with det and rec" in answer.stderr
