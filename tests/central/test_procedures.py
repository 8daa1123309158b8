"""What the command lists of procedures, and what it says a new version changes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from central import procedures
from central.cli import app
from central.procedure_diff import Change, as_json, as_text, differences, titles
from shared.codes import BARRIERS
from shared.node.procedure_files import SHIPPED, load_procedures
from shared.procedures import Procedure, Step
from tests.builders import procedure

SHIPPED_ALL = load_procedures(SHIPPED).all
TITLE = "Empty Vietnamese vehicle enters the gate area"
ROAD = [("barrier-1", "in"), ("barrier-1", "out"), ("barrier-2", "in"), ("barrier-2", "out")]


def rebuilt(khoan: str, change: Callable[[dict[str, Any]], object]) -> Procedure:
    """A shipped procedure with something changed in its plain form."""
    plain = procedure(khoan).model_dump(mode="json", by_alias=True)
    change(plain)
    return Procedure.model_validate(plain)


def step_changed(clause: str, **changes: Any) -> Procedure:
    khoan = clause.rpartition(".")[0]
    return rebuilt(
        khoan, lambda plain: next(s for s in plain["step"] if s["clause"] == clause).update(changes)
    )


def sentences(old: Procedure, new: Procedure) -> list[str]:
    return [change.sentence for change in differences([old], [new])]


# -- the table


def test_the_table_goes_along_the_road_and_within_a_place_by_khoan() -> None:
    rows = procedures.table(SHIPPED_ALL)
    where = [ROAD.index((row["place"], row["heading"])) for row in rows]
    assert where == sorted(where)
    exits = [row["clause"] for row in rows if (row["place"], row["heading"]) == ROAD[1]]
    assert exits == sorted(exits, key=lambda clause: [int(part) for part in clause.split(".")[:2]])


def test_the_table_holds_every_barrier_step_once() -> None:
    rows = [row["clause"] for row in procedures.table(SHIPPED_ALL)]
    held = [step.clause for one in SHIPPED_ALL for step in one.steps if step.place in BARRIERS]
    assert sorted(rows) == sorted(held)


def test_the_reading_in_use_comes_first() -> None:
    rows = {row["clause"]: row["readings"] for row in procedures.table(SHIPPED_ALL)}
    assert rows["4.3.e"] == ["literal", "wide"]
    assert rows["4.2.g"] == ["may_come_earlier", "printed_place"]


def test_the_text_fits_120_columns_and_says_who_in_which_order_and_how_it_is_read() -> None:
    lines = procedures.text(procedures.table(SHIPPED_ALL)).splitlines()
    assert max(map(len, lines)) <= 120
    assert "transport → customs → health_quarantine → border_guard" in next(
        x for x in lines if " 4.2.g " in x
    )
    assert "border_guard + customs " in next(x for x in lines if " 4.2.b " in x)
    after = lines[next(at for at, line in enumerate(lines) if " 4.3.e " in line) + 1]
    assert after.strip() == "reading: literal; or wide"


def test_the_table_is_of_the_versions_in_force_on_the_day(tmp_path: Path) -> None:
    text = (SHIPPED / "6.7.toml").read_text(encoding="utf-8")
    (tmp_path / "old.toml").write_text(text, encoding="utf-8")
    changed = text.replace("2025-02-15", "2099-01-01").replace('"border_guard", "customs"', '"border_guard"')
    (tmp_path / "new.toml").write_text(changed, encoding="utf-8")

    def confirm(*on: str) -> list[str]:
        words = ["procedures", "table", str(tmp_path), "--json", *on]
        rows = json.loads(CliRunner().invoke(app, words).output)
        (entry,) = [row for row in rows if row["clause"] == "6.7.b"]
        return list(entry["confirm"])

    assert confirm() == ["border_guard", "customs"]
    assert confirm("--on", "2099-01-01") == ["border_guard"]


# -- the difference


def test_a_set_does_not_differ_from_itself() -> None:
    assert differences(SHIPPED_ALL, load_procedures(SHIPPED).all) == []


CHANGES: list[tuple[Procedure, str]] = [
    (step_changed("4.2.b", confirm=["customs"]), "4.2.b: who confirms: now customs; before border guard and customs"),
    (step_changed("4.2.b", ordered=True), "4.2.b: who confirms: now border guard, then customs; before border guard and"),
    (
        step_changed("4.2.g", confirm=["customs", "transport", "health_quarantine", "border_guard"]),
        "4.2.g: who confirms: now customs, then transport, then health quarantine, then border guard; before transport,",
    ),
    (step_changed("4.2.g", standing="inferred"), "4.2.g: standing of the text: now inferred; before text."),
    (step_changed("4.2.g", queries="declared"), "4.2.g: what the cameras query: now declared; before earlier states."),
    (step_changed("4.2.g", loads=["own"]), "4.2.g: for which vehicles only: now own; before own, receives."),
    (step_changed("4.2.g", heading="in"), "4.2.g: place: now barrier-1 in; before barrier-1 out."),
    (
        step_changed("4.2.e", place="barrier-2", confirm=["customs"], opens="border_guard"),
        "4.2.e: who opens: now border guard; before device.",
    ),
    (step_changed("4.2.d", values={}), "4.2.d: what confirmations must say: now nothing said; before animal quarantine: "),
    (step_changed("4.2.d", matter={}), "4.2.d: what agencies answer for: now nothing said; before animal quarantine: "),
    (step_changed("4.3.e", reading="wide"), "4.3.e: reading in use: now wide; before literal."),
    (rebuilt("4.2", lambda p: p.update(in_force_to="2026-12-01")), "ends before: now 2026-12-01; before nothing said."),
    (rebuilt("4.2", lambda p: p.update(judges="all_declarations")), "judges: now all declarations; before new declara"),
    (
        rebuilt("4.2", lambda p: p["fee_before"].update(reading="none")),
        "the fee must have been confirmed at: now none (inferred; may be 4.2.g); before 4.2.g (inferred; may be none).",
    ),
    (rebuilt("4.2", lambda p: p["step"].pop(2)), "4.2.c: the step falls away; it was: yard-in in; confirming: device"),
    (rebuilt("4.2", lambda p: p["step"].reverse()), "order of the steps that stay: now 4.2.g, 4.2.e, 4.2.đ, 4.2.d, "),
    (rebuilt("6.3", lambda p: p.update(continues={})), "goes on from: now nothing said; before 4.2 after 4.2.a, 4.2.b"),
]  # fmt: skip


@pytest.mark.parametrize(("new", "sentence"), CHANGES, ids=[sentence for _, sentence in CHANGES])
def test_a_change_is_told_as_a_sentence(new: Procedure, sentence: str) -> None:
    told = sentences(procedure(new.procedure), new)
    assert [one for one in told if one.startswith(sentence)], told


def test_a_new_step_is_told_whole() -> None:
    shorter = rebuilt("4.2", lambda plain: plain["step"].pop())
    assert sentences(shorter, procedure("4.2")) == [
        "4.2.g: the step is new: barrier-1 out; confirming: transport, then customs, then health quarantine, "
        "then border guard; the border guard opens; standing: text."
    ]


def test_procedures_that_come_and_go_are_told() -> None:
    (gone, new) = differences([procedure("4.2")], [procedure("4.3")])
    assert gone.sentence.startswith("the procedure falls away; it was: Export, yard inside the gate area;")
    assert new.sentence.startswith("the procedure is new: Export, yard outside the gate area;")


def test_the_newest_version_of_each_set_counts() -> None:
    newer = rebuilt("4.2", lambda plain: plain.update(in_force_from="2027-01-01"))
    assert differences([procedure("4.2")], [newer, procedure("4.2")]) == [
        Change("4.2", None, "in_force_from", "2025-02-15", "2027-01-01")
    ]


@pytest.mark.parametrize("name", sorted(Step.model_fields.keys() - {"clause"}))
def test_no_key_of_a_step_changes_unnoticed(name: str) -> None:
    """Each key of a step is changed in some step where the model lets it be."""
    other: dict[str, dict[str, Any]] = {
        "place": {"place": "yard-in"}, "heading": {"heading": "out"}, "loads": {"loads": ["own"]},
        "confirm": {"confirm": ["customs"]}, "confirm_if_required": {"confirm_if_required": ["tax"]},
        "confirm_if_transfer": {"confirm_if_transfer": ["tax"]}, "confirm_one_of": {"confirm_one_of": ["tax"]},
        "ordered": {"ordered": True}, "opens": {"opens": None, "place": "yard"}, "queries": {"queries": "earlier_states"},
        "declares": {"declares": ["way"]}, "values": {"values": {"customs": ["x"]}},
        "matter": {"matter": {"customs": ["way"]}}, "gps": {"gps": True}, "standing": {"standing": "inferred"},
        "readings": {"readings": {"wide": {"confirm": ["customs"]}}, "reading": "wide", "confirm": []},
        "reading": {"readings": {"wide": {"confirm": ["customs"]}}, "reading": "wide", "confirm": []},
        "what": {"what": {"vi": "Khác"}},
    }  # fmt: skip
    new = step_changed("4.2.e" if name == "place" else "4.2.b", **other[name])
    told = {change.what for change in differences([procedure("4.2")], [new])}
    expected = {"heading": "place", "ordered": "confirm"}.get(name, name)
    assert expected in told


def test_the_text_is_grouped_by_khoan_under_its_title() -> None:
    new = [step_changed("4.2.b", confirm=["customs"]), step_changed("4.3.e", reading="wide")]
    old = [procedure("4.2"), procedure("4.3")]
    lines = as_text(differences(old, new), titles(old, new)).splitlines()
    assert lines[0] == "4.2 Export, yard inside the gate area"
    assert "4.3 Export, yard outside the gate area" in lines
    assert all(line == "" or line.startswith(("  ", "4.")) for line in lines)


def test_scripts_get_what_was_then_and_now() -> None:
    changes = differences([procedure("4.2")], [step_changed("4.2.g", standing="inferred")])
    assert as_json(changes) == [
        {
            "procedure": "4.2",
            "clause": "4.2.g",
            "what": "standing",
            "then": "text",
            "now": "inferred",
            "text": "4.2.g: standing of the text: now inferred; before text.",
        }
    ]


def test_the_command_exits_0_for_the_same_1_for_a_difference_2_for_a_folder_that_is_not_good(
    tmp_path: Path,
) -> None:
    for file in SHIPPED.glob("*.toml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())

    def diff(*words: str) -> tuple[int, str]:
        answer = CliRunner().invoke(app, ["procedures", "diff", str(tmp_path), *words])
        return answer.exit_code, answer.output

    assert diff() == (0, "")
    entry = tmp_path / "6.7.toml"
    entry.write_text(
        entry.read_text(encoding="utf-8").replace('standing = "text"', 'standing = "inferred"'), "utf-8"
    )
    assert diff() == (1, f"6.7 {TITLE}\n  6.7.b: standing of the text: now text; before inferred.\n")
    assert json.loads(diff("--json")[1])[0]["clause"] == "6.7.b"
    entry.write_text("nonsense", encoding="utf-8")
    assert diff()[0] == 2
