"""Publishing the rules, over HTTP and by the command: facts of the centre's journals, checked as the gates would hold them."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from central.centre import Centre, open_store
from central.cli import app
from shared.bodies import RULE_KINDS
from shared.node.procedure_files import SHIPPED
from shared.procedures import Procedure
from shared.published import Published
from shared.settings import Settings
from tests.builders import procedure
from tests.central.test_cli import GOOD

SITE = "CKHN"
URL = "/api/procedures"


def version(khoan: str = "4.2", start: str = "2026-12-01", **changes: Any) -> dict[str, Any]:
    """A new version of a shipped procedure, as it is sent."""
    plain = procedure(khoan).model_dump(mode="json", by_alias=True)
    return {**plain, "in_force_from": start, **changes}


def confirmed_by(agencies: list[str], khoan: str, clause: str, **changes: Any) -> dict[str, Any]:
    """A version by which these agencies confirm a step."""
    plain = version(khoan, **changes)
    next(step for step in plain["step"] if step["clause"] == clause)["confirm"] = agencies
    return plain


def sent(*procedures: dict[str, Any], site: str = SITE) -> dict[str, Any]:
    return {"site": site, "procedures": list(procedures)}


def in_force(ask: Any, on: str, khoan: str = "4.2", site: str = SITE) -> dict[str, Any]:
    rows = ask("GET", f"{URL}?site={site}&on={on}").json()
    (found,) = [row for row in rows if row["procedure"] == khoan]
    return dict(found)


def published(centre: Centre) -> Published:
    return Published.of(SITE, centre.store.of_kinds(RULE_KINDS))


# -- procedures


def test_a_version_that_is_published_is_in_force_from_its_first_day(administer: Any, ask: Any) -> None:
    answer = administer("POST", URL, json=sent(version()))

    assert (answer.status_code, answer.json()) == (201, {"facts": ["centre-CKHN.1/1"]})
    before, after = in_force(ask, "2026-11-30"), in_force(ask, "2026-12-01")
    assert (before["source"], before["ref"], before["in_force_from"]) == ("shipped", None, "2025-02-15")
    assert (after["source"], after["ref"]) == ("published", "centre-CKHN.1/1")
    assert after["hash"] == Procedure.model_validate(version()).hash
    assert in_force(ask, "2026-12-01", site="TT")["source"] == "shipped"


def test_the_procedures_in_force_are_those_of_today_at_every_site_by_khoan(ask: Any) -> None:
    rows = ask("GET", URL).json()

    assert [row["procedure"] for row in rows if row["site"] == SITE][:3] == ["4.2", "4.3", "5.2"]
    assert {row["site"] for row in rows} == {"CKHN", "TT"}
    assert all(row["source"] == "shipped" and row["title"]["vi"] for row in rows)


def test_what_stands_already_is_written_once(administer: Any, centre: Centre) -> None:
    answers = [administer("POST", URL, json=sent(version(), version("4.3"))) for _ in range(2)]

    assert [one.status_code for one in answers] == [201, 200]
    assert answers[1].json() == {"facts": []}
    assert centre.store.count() == {"centre-CKHN.1": 2}


def test_of_several_only_those_that_are_new_are_written(administer: Any) -> None:
    administer("POST", URL, json=sent(version()))

    answer = administer("POST", URL, json=sent(version(), version("4.3")))

    assert answer.json() == {"facts": ["centre-CKHN.1/2"]}


def test_a_version_of_the_same_first_day_takes_the_place_of_the_one_before(
    administer: Any, ask: Any, centre: Centre
) -> None:
    administer("POST", URL, json=sent(version()))
    administer("POST", URL, json=sent(version(judges="all_declarations")))
    back = administer("POST", URL, json=sent(version()))

    assert back.json() == {"facts": ["centre-CKHN.1/3"]}
    assert in_force(ask, "2026-12-01")["judges"] == "new_declarations"
    assert len(published(centre).publications) == 1


def test_a_version_that_would_clash_with_another_is_refused_with_the_findings_and_nothing_is_written(
    administer: Any, centre: Centre
) -> None:
    clash = confirmed_by(["border_guard"], "6.7", "6.7.b")

    answer = administer("POST", URL, json=sent(version(), clash))

    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "bad-rules")
    assert "procedure/6.7:1: step.1.place: 6.2 (6.2.toml) is for the same vehicles" in answer.json()["detail"]
    assert centre.store.count() == {}


def test_versions_that_change_together_do_not_clash(administer: Any) -> None:
    alone = ["border_guard"]
    together = [confirmed_by(alone, khoan, f"{khoan}.b") for khoan in ("6.2", "6.4", "6.7")]

    assert administer("POST", URL, json=sent(*together)).status_code == 201
    assert administer("POST", URL, json=sent(version("6.2"))).status_code == 422


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"laden": "perhaps"}, "laden"),
        ({"step": []}, "step"),
        ({"unheard": 1}, "unheard"),
        ({"procedure": "4.2.b"}, "khoản"),
        ({"in_force_to": "2026-11-30"}, "ends before 2026-12-01"),
        ({"title": {"vi": "x" * 70_000}}, "64000"),
    ],
)
def test_what_is_no_procedure_is_refused_and_nothing_is_written(
    administer: Any, centre: Centre, wrong: Any, told: str
) -> None:
    answer = administer("POST", URL, json=sent(version("4.3"), version(**wrong)))

    assert answer.status_code == 422
    assert told in answer.text
    assert centre.store.count() == {}


def test_only_the_administrator_publishes_and_only_for_a_site_of_the_centre(
    administer: Any, ask: Any
) -> None:
    assert ask("POST", URL, json=sent(version())).status_code == 401
    assert ask("POST", "/api/settings", json={"site": SITE}).status_code == 401
    assert administer("POST", URL, json=sent(version(), site="XX")).status_code == 422
    assert ask("GET", f"{URL}?site=XX").status_code == 422


# -- settings


def test_settings_are_published_from_now_on_and_what_they_say_already_is_written_once(
    administer: Any, ask: Any, centre: Centre, clocks: Any
) -> None:
    said = {"site": SITE, "readings": {"4.3.e": "wide"}, "inferred_steps_bind": True}
    first = administer("POST", "/api/settings", json=said)
    clocks.pass_s(60)
    again = administer("POST", "/api/settings", json={"site": SITE, "readings": {"4.3.e": "wide"}})

    assert [(one.status_code, one.json()["facts"]) for one in (first, again)] == [
        (201, ["centre-CKHN.1/1"]),
        (200, []),
    ]
    expected = Settings(readings={"4.3.e": "wide"}, inferred_steps_bind=True)
    assert published(centre).over(Settings(), clocks.wall) == expected
    (shown,) = ask("GET", "/api/settings").json()
    assert (shown["site"], shown["readings"], shown["health_tick"]) == (SITE, {"4.3.e": "wide"}, None)


def test_a_setting_that_equals_the_default_is_written_since_a_gates_file_may_say_otherwise(
    administer: Any,
) -> None:
    said = {"site": SITE, "health_tick": "may_come_earlier"}
    assert administer("POST", "/api/settings", json=said).status_code == 201


def test_settings_for_a_moment_are_written_once_for_that_moment(administer: Any, centre: Centre) -> None:
    said = {"site": SITE, "in_force_from": "2026-12-01T00:00:00+07:00", "fee_before": {"4.2": "none"}}
    codes = [administer("POST", "/api/settings", json=said).status_code for _ in range(2)]

    assert codes == [201, 200]
    assert published(centre).over(Settings(), centre.store.steady()) == Settings()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"readings": {"4.3.e": "broad"}}, "4.3.e has no reading 'broad'; write literal, wide"),
        ({"readings": {"9.9.b": "wide"}}, "9.9.b has no reading"),
        ({"fee_before": {"4.2": "4.2.b"}}, "the fee of 4.2 is not asked for at '4.2.b'"),
        ({"health_tick": "never"}, "health_tick"),
        ({"stale_after_s": 5}, "stale_after_s"),
    ],
)
def test_settings_by_which_nothing_can_be_read_are_refused(
    administer: Any, centre: Centre, wrong: Any, told: str
) -> None:
    answer = administer("POST", "/api/settings", json={"site": SITE, **wrong})

    assert answer.status_code == 422
    assert told in answer.text
    assert centre.store.count() == {}


# -- the command


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "centre.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert CliRunner().invoke(app, ["key", str(tmp_path / "centre.key")]).exit_code == 0
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "new"
    made.mkdir()
    text = (SHIPPED / "6.3.toml").read_text(encoding="utf-8")
    (made / "6.3.toml").write_text(text.replace("2025-02-15", "2026-12-01"), encoding="utf-8")
    return made


def publish(config: Path, folder: Path, site: str = SITE) -> Result:
    return CliRunner().invoke(app, ["procedures", "publish", str(config), str(folder), "--site", site])


def test_a_folder_is_published_while_the_server_is_stopped_whatever_it_continues_stands_beside_it(
    config: Path, folder: Path
) -> None:
    answers = [publish(config, folder) for _ in range(2)]

    assert [(one.exit_code, one.output.strip()) for one in answers] == [
        (0, "centre-CKHN.1/1"),
        (0, "stands already"),
    ]
    store = open_store(config.parent / "centre.db")
    held = Published.of(SITE, store.of_kinds(RULE_KINDS))
    store.close()
    assert [(one.procedure, one.in_force_from) for one in held.procedures] == [("6.3", date(2026, 12, 1))]


def test_a_folder_that_gates_could_not_decide_by_is_not_good_and_its_line_is_told(
    config: Path, folder: Path
) -> None:
    file = folder / "6.3.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('"6.6"', '"6.9"'), encoding="utf-8")
    line = file.read_text(encoding="utf-8").splitlines().index('"6.9" = ["6.6.a", "6.6.b"]') + 1

    answer = publish(config, folder)

    assert answer.exit_code == 1
    assert f"{file}:{line}: continues.6.9: no procedure 6.9 is held" in answer.stderr


def test_a_folder_that_is_not_there_or_a_site_that_is_not_served_is_a_wrong_call(
    config: Path, folder: Path
) -> None:
    assert publish(config, folder / "none").exit_code == 2
    assert publish(config, folder, site="XX").exit_code == 2
