"""The command: exit code 0 good, 1 the thing asked about is not good, 2 wrong call or configuration."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from central.centre import open_store
from central.cli import app
from central.configuration import CentreConfiguration
from shared.codes import Agency
from shared.configuration import BadConfiguration
from shared.node.tariff_files import SHIPPED
from shared.signing import PrivateKey

GOOD = """\
sites = ["CKHN", "TT"]
key_file = "centre.key"
admin_token_file = "admin.token"
declarant_tokens_file = "declarants.tokens"

[listen]
port = 8081

[broker]
host = "127.0.0.1"
port = 1883
"""
PUBLIC = PrivateKey.generate().public.text
ENROL = [
    "enrol",
    "node",
    "{config}",
    "--node",
    "gate-1",
    "--site",
    "CKHN",
    "--key",
    PUBLIC,
    "--place",
    "barrier-1",
]


def barie(*words: str) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "centre.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_a_good_configuration_passes_in_silence(config: Path) -> None:
    answer = barie("check", str(config))

    assert (answer.exit_code, answer.output) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("port = 8081", "prot = 8081", ":7: listen.prot: this key is not known"),
        ("port = 1883", "port = 188300", ":11: broker.port: "),
        ('host = "127.0.0.1"', 'host = "mq.example"', ":9: broker: a broker on another machine needs TLS"),
        ('key_file = "centre.key"', "", ": key_file: this key is missing"),
        ("[listen]", "[listen", "TOML"),
        (
            "[listen]",
            '[fees]\ncollector = "customs"\n[listen]',
            ":7: fees.collector: 'customs' is not allowed",
        ),
        (
            "[listen]",
            '[[fees.route]]\nsite = "TT"\n[listen]',
            ":6: fees.route.0.collector: this key is missing",
        ),
    ],
)
def test_a_wrong_key_is_named_with_file_and_line(config: Path, old: str, new: str, finding: str) -> None:
    config.write_text(GOOD.replace(old, new), encoding="utf-8")

    answer = barie("check", str(config))

    assert answer.exit_code == 2
    assert str(config) in answer.stderr
    assert finding in answer.stderr


def test_check_tells_the_faults_of_the_file_of_names(config: Path) -> None:
    (config.parent / "agencies.toml").write_text('[[name]]\nagency = "police"\n', encoding="utf-8")
    config.write_text(f'agency_names = "agencies.toml"\n{GOOD}', encoding="utf-8")

    answer = barie("check", str(config))

    assert answer.exit_code == 2
    assert f"{config.parent / 'agencies.toml'}:2: name.0.agency: 'police' is not allowed" in answer.stderr


def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    assert barie("check", str(tmp_path / "none.toml")).exit_code == 2
    assert barie("nonsense").exit_code == 2


def test_a_key_is_made_for_its_owner_only_and_never_over_another(tmp_path: Path) -> None:
    file = tmp_path / "centre.key"

    made, again = barie("key", str(file)), barie("key", str(file))

    secret = PrivateKey.parse(file.read_text(encoding="utf-8"))
    assert (made.exit_code, made.output.strip()) == (0, secret.public.text)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert again.exit_code == 2


def test_running_without_a_key_says_how_to_make_one(config: Path) -> None:
    answer = barie("run", str(config))

    assert answer.exit_code == 2
    assert f"{config}:2: key_file: " in answer.stderr
    assert "barie-central key FILE" in answer.stderr


def test_a_node_is_enrolled_while_the_server_is_stopped(config: Path) -> None:
    barie("key", str(config.parent / "centre.key"))
    words = [str(config) if word == "{config}" else word for word in ENROL]

    answers = [barie(*words).output.strip() for _ in range(2)]

    assert answers == ["centre-CKHN.1/1", "stands already"]
    store = open_store(config.parent / "centre.db")
    assert [fact.kind for _, fact in store.since(0)] == ["node_enrolled"]
    store.close()


@pytest.mark.parametrize(("word", "wrong"), [("gate-1", "centre-TT"), ("CKHN", "XX"), (PUBLIC, "no-key")])
def test_a_wrong_enrolment_is_a_wrong_call_and_writes_nothing(config: Path, word: str, wrong: str) -> None:
    barie("key", str(config.parent / "centre.key"))

    answer = barie(*(wrong if one == word else str(config) if one == "{config}" else one for one in ENROL))

    assert answer.exit_code == 2
    assert answer.stderr


def test_an_officer_is_enrolled(config: Path) -> None:
    barie("key", str(config.parent / "centre.key"))

    answer = barie(
        "enrol", "officer", str(config), "--officer", "bp-1", "--agency", "border_guard", "--site", "TT"
    )

    assert (answer.exit_code, answer.output.strip()) == (0, "centre-TT.1/1")


@pytest.fixture
def enrolled(config: Path) -> Path:
    """A centre with a key and one enrolled node."""
    barie("key", str(config.parent / "centre.key"))
    assert barie(*(str(config) if word == "{config}" else word for word in ENROL)).exit_code == 0
    return config


def test_the_key_is_rotated_while_the_server_is_stopped_and_what_to_do_next_is_said(enrolled: Path) -> None:
    new = enrolled.parent / "new.key"
    public = barie("key", str(new)).output.strip()

    answer = barie("rotate", str(enrolled), str(new))
    refused = barie(*(str(enrolled) if word == "{config}" else word for word in ENROL))
    new.replace(enrolled.parent / "centre.key")
    goes_on = barie(
        "enrol", "officer", str(enrolled), "--officer", "bp-1", "--agency", "customs", "--site", "CKHN"
    )

    assert answer.exit_code == 0
    for said in ("CKHN: centre-CKHN.1/2 ", "TT: centre-TT.1/1 ", "centre-CKHN.2", "centre.key", public):
        assert said in answer.output
    assert (refused.exit_code, "put that key's file in place" in refused.stderr) == (2, True)
    assert (goes_on.exit_code, goes_on.output.strip()) == (0, "centre-CKHN.2/1")


@pytest.mark.parametrize("text", ["no key", ""])
def test_a_file_that_holds_no_key_is_rotated_to_by_nobody(enrolled: Path, text: str) -> None:
    wrong = enrolled.parent / "wrong.key"
    wrong.write_text(text, encoding="utf-8")

    assert barie("rotate", str(enrolled), str(wrong)).exit_code == 2
    assert barie("rotate", str(enrolled), str(enrolled.parent / "none.key")).exit_code == 2


def test_a_checkpoint_is_made_while_the_server_is_stopped(enrolled: Path) -> None:
    answer = barie("checkpoint", str(enrolled))

    assert (answer.exit_code, [line[:4] for line in answer.output.splitlines()]) == (0, ["CKHN", "TT: "])
    assert "1 facts, 1 journals" in answer.output
    assert (enrolled.parent / "checkpoints" / "CKHN" / "manifest.json").exists()


def test_the_shipped_procedures_are_good() -> None:
    answer = barie("procedures", "check")

    assert (answer.exit_code, answer.output) == (0, "")


def test_the_table_has_one_row_a_barrier_step_as_scripts_rely_on() -> None:
    rows = {row["clause"]: row for row in json.loads(barie("procedures", "table", "--json").output)}

    assert rows["4.2.b"] == {
        "procedure": "4.2",
        "clause": "4.2.b",
        "place": "barrier-2",
        "heading": "in",
        "confirm": ["border_guard", "customs"],
        "ordered": False,
        "opens": "border_guard",
        "queries": "declared",
        "standing": "text",
        "readings": [],
    }
    assert rows["4.2.g"]["confirm"] == ["transport", "customs", "health_quarantine", "border_guard"]
    assert rows["4.2.g"]["ordered"] is True
    assert rows["4.3.e"]["standing"] == "ambiguous"
    assert rows["4.3.e"]["readings"]
    assert {row["place"] for row in rows.values()} == {"barrier-1", "barrier-2"}


def test_a_wrong_procedure_is_not_good_and_named(tmp_path: Path) -> None:
    good = (Path(__file__).parents[2] / "config" / "procedures" / "4.2.toml").read_text(encoding="utf-8")
    (tmp_path / "4.2.toml").write_text(
        good.replace('opens = "border_guard"', 'opens = "customs"', 1), encoding="utf-8"
    )

    answer = barie("procedures", "check", str(tmp_path))

    assert answer.exit_code == 1
    assert "4.2.toml:" in answer.stderr
    assert 'write opens = "border_guard"' in answer.stderr


def test_one_procedure_in_two_files_is_not_good(tmp_path: Path) -> None:
    good = (Path(__file__).parents[2] / "config" / "procedures" / "4.2.toml").read_text(encoding="utf-8")
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(good, encoding="utf-8")

    answer = barie("procedures", "check", str(tmp_path))

    assert answer.exit_code == 1
    assert "b.toml:5: procedure: a.toml holds 4.2" in answer.stderr


def test_a_folder_without_procedures_is_not_good_and_no_folder_a_wrong_call(tmp_path: Path) -> None:
    assert barie("procedures", "check", str(tmp_path)).exit_code == 1
    assert barie("procedures", "check", str(tmp_path / "none")).exit_code == 2


@pytest.mark.parametrize(
    ("admin", "declarants"),
    [("short", "a long-enough-token-1"), ("long-enough-administrator", "name and token and more"), ("", "")],
)
def test_token_files_that_cannot_be_used_are_named(config: Path, admin: str, declarants: str) -> None:
    (config.parent / "admin.token").write_text(admin, encoding="utf-8")
    (config.parent / "declarants.tokens").write_text(declarants, encoding="utf-8")

    with pytest.raises(BadConfiguration, match="declarant_tokens_file"):
        CentreConfiguration.read(config).tokens()


def _with_tokens(config: Path, fees: str, cashiers: str = "") -> CentreConfiguration:
    """A configuration whose token files are there."""
    for name, text in (
        ("admin.token", "administrator-token"),
        ("declarants.tokens", ""),
        ("cashiers.tokens", cashiers),
    ):
        (config.parent / name).write_text(text, encoding="utf-8")
    config.write_text(GOOD + fees, encoding="utf-8")
    return CentreConfiguration.read(config)


def test_cashiers_tokens_are_read_from_the_file_that_fees_names(config: Path) -> None:
    fees = '[fees]\ncashier_tokens_file = "cashiers.tokens"\n'

    tokens = _with_tokens(config, fees, "bank cashier-token-01\n").tokens()

    assert tokens.cashiers == {"bank": "cashier-token-01"}
    with pytest.raises(BadConfiguration, match=r":13: fees\.cashier_tokens_file: line 1 of the cashiers"):
        _with_tokens(config, fees, "bank short\n").tokens()


def test_without_a_file_of_cashiers_there_are_none(config: Path) -> None:
    assert _with_tokens(config, "").tokens().cashiers == {}


def test_tariffs_are_the_shipped_ones_or_those_of_the_folder_that_is_named(config: Path) -> None:
    (config.parent / "tariffs").mkdir()
    own = (SHIPPED / "01-2019.toml").read_text(encoding="utf-8").replace("01/2019", "99/2019")
    (config.parent / "tariffs" / "own.toml").write_text(own, encoding="utf-8")

    shipped = CentreConfiguration.read(config).tariffs()
    named = _with_tokens(config, '[fees]\ntariffs = "tariffs"\n').tariffs()

    assert [one.resolution for one in shipped.all] == ["01/2019/NQ-HĐND", "09/2025/NQ-HĐND"]
    assert [one.resolution for one in named.all] == ["99/2019/NQ-HĐND"]


def test_the_shipped_configuration_says_who_collects() -> None:
    shipped = CentreConfiguration.read(SHIPPED.parent / "central.toml")

    assert (shipped.values.fees.collector, shipped.values.fees.route) == (Agency.GATE_MANAGEMENT, ())


def test_tariff_files_are_checked_with_file_and_line(tmp_path: Path) -> None:
    text = (SHIPPED / "09-2025.toml").read_text(encoding="utf-8")
    (tmp_path / "a.toml").write_text(
        text.replace("amount_vnd = 300_000", "amount_vnd = " + '"300.000"'), encoding="utf-8"
    )

    good, bad, nowhere = (
        barie("tariffs", "check"),
        barie("tariffs", "check", str(tmp_path)),
        barie("tariffs", "check", str(tmp_path / "none")),
    )

    assert (good.exit_code, good.output) == (0, "")
    assert bad.exit_code == 1
    assert "a.toml:" in bad.stderr
    assert "amount_vnd" in bad.stderr
    assert nowhere.exit_code == 2
