"""Configuration errors name file, line and key and say what to write."""

from enum import StrEnum
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.configuration import BadConfiguration, Finding, find_line, parse
from shared.procedures import Procedure
from tests.builders import PROCEDURES


class Board(StrEnum):
    """Boards of the example."""

    WAVESHARE = "waveshare"
    USR = "usr"


class Strict(BaseModel):
    """Base of the example's tables."""

    model_config = ConfigDict(extra="forbid")


class Camera(Strict):
    """A camera of a lane."""

    name: str
    rate_hz: float = Field(gt=0)


class Barrier(Strict):
    """A lane's barrier."""

    board: Board
    coils: list[int]


class Lane(Strict):
    """A lane with its cameras."""

    name: str
    barrier: Barrier
    camera: list[Camera] = []


class Gate(Strict):
    """A gate with its lanes."""

    site: str
    lane: list[Lane]

    @field_validator("site")
    @classmethod
    def _known(cls, site: str) -> str:
        if site != "CKHN":
            raise ValueError('write "CKHN"')
        return site


GATE = """\
# a gate of two lanes
site = "CKHN"

[[lane]]
name = "l1"
barrier.board = "waveshare"
barrier.coils = [
    1,
    2,
]

[[lane.camera]]
name = "front"
rate_hz = 25

[[lane.camera]]
name = "rear"
rate_hz = 12.5

[[lane]]  # the second
name = "l2"

[lane.barrier]
board = "usr"
coils = [3]

[[lane.camera]]
name = "front"
rate_hz = 25
"""


def findings(text: str) -> list[str]:
    with pytest.raises(BadConfiguration) as caught:
        parse(text, "gate.toml", Gate)
    assert str(caught.value) == "\n".join(map(str, caught.value.findings))
    return [str(one) for one in caught.value.findings]


def test_a_good_file_becomes_values() -> None:
    gate = parse(GATE, "gate.toml", Gate)
    assert [lane.barrier.board for lane in gate.lane] == [Board.WAVESHARE, Board.USR]
    assert [camera.name for lane in gate.lane for camera in lane.camera] == ["front", "rear", "front"]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ('site = "CKHN"', 'site = "CKHN"\nsight = 1', "gate.toml:3: sight: this key is not known; remove it"),
        ('site = "CKHN"\n', "", "gate.toml:1: site: this key is missing; add it"),
        ('site = "CKHN"', 'site = "TT"', 'gate.toml:2: site: write "CKHN"'),
        ('"waveshare"', '"wave"', "gate.toml:6: lane.0.barrier.board: 'wave' is not allowed; write one of"),
        ("    2,", '    "two",', "gate.toml:7: lane.0.barrier.coils.1: input should be a valid integer"),
        (
            "rate_hz = 12.5",
            "rate_hz = 0",
            "gate.toml:18: lane.0.camera.1.rate_hz: input should be greater than 0",
        ),
        ('name = "rear"\n', "", "gate.toml:16: lane.0.camera.1.name: this key is missing"),
        ('name = "l2"\n', "", "gate.toml:20: lane.1.name: this key is missing"),
        ('"usr"', '"usb"', "gate.toml:24: lane.1.barrier.board: 'usb' is not allowed; write one of"),
        ("[3]", "3", "gate.toml:25: lane.1.barrier.coils: input should be a valid list; it says 3"),
        ("[lane.barrier]", "[lane.barier]", "gate.toml:23: lane.1.barier: this key is not known"),
    ],
)
def test_a_finding_names_the_line_and_the_key(old: str, new: str, finding: str) -> None:
    assert GATE.count(old) == 1
    assert any(one.startswith(finding) for one in findings(GATE.replace(old, new))), findings(
        GATE.replace(old, new)
    )


def test_in_the_second_array_below_the_second_table_the_line_is_right() -> None:
    last = GATE.rindex("rate_hz = 25")
    (finding,) = findings(GATE[:last] + "rate_hz = -1\n")
    assert finding.startswith("gate.toml:29: lane.1.camera.0.rate_hz:")


def test_every_wrong_key_has_its_own_finding() -> None:
    wrong = GATE.replace('"waveshare"', '"wave"').replace("12.5", "0").replace("[3]", "3")
    assert [one.split(": ")[0] for one in findings(wrong)] == ["gate.toml:6", "gate.toml:18", "gate.toml:25"]


@pytest.mark.parametrize(
    ("text", "line"),
    [('site = "CKHN"\nlane = [', 2), ('site = \n[[lane]]\nname = "x"', 1), ("a = 1\na = 2", 2)],
)
def test_a_slip_of_syntax_is_found_on_its_line(text: str, line: int) -> None:
    (finding,) = findings(text)
    assert finding.startswith(f"gate.toml:{line}: TOML: ")
    assert finding.endswith("mend the syntax")


def test_an_empty_file_misses_everything() -> None:
    assert findings("") == [
        "gate.toml:1: site: this key is missing; add it",
        "gate.toml:1: lane: this key is missing; add it",
    ]


def test_a_long_value_is_cut_in_the_message() -> None:
    (finding,) = findings(GATE.replace("[3]", '"' + "x" * 500 + '"'))
    assert len(finding) < 200
    assert "…" in finding


def test_a_finding_reads_like_a_compilers() -> None:
    assert str(Finding("a.toml", 3, "site", "no")) == "a.toml:3: site: no"


# -- the shipped procedures, spoilt


SHIPPED = (PROCEDURES / "4.3.toml").read_text(encoding="utf-8")


def line_of(text: str, piece: str) -> int:
    return text[: text.index(piece)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('standing = "ambiguous"', 'standing = "vague"', "step.5.standing"),
        ('confirm = ["transport", "customs"', 'confirm = ["transprt", "customs"', "step.6.confirm.0"),
        ('clause = "4.3.g"', 'clause = "4.3.gg"', "step.6.clause"),
        ('note.en = "wide', 'notes.en = "wide', "step.5.readings.wide.notes"),
        ('direction = "export"', 'direction = "out"', "direction"),
        ("in_force_from = 2025-02-15", 'in_force_from = "soon"', "in_force_from"),
    ],
)
def test_a_spoilt_procedure_is_found_once_at_its_line(old: str, new: str, key: str) -> None:
    assert SHIPPED.count(old) == 1
    spoilt = SHIPPED.replace(old, new)
    with pytest.raises(BadConfiguration) as caught:
        parse(spoilt, "4.3.toml", Procedure)
    (finding,) = caught.value.findings
    assert (finding.line, finding.key) == (line_of(spoilt, new), key)


def test_a_value_that_may_be_of_two_kinds_has_one_finding_with_all_that_is_allowed() -> None:
    spoilt = SHIPPED.replace('"transport", "customs"', '"transprt", "customs"')
    with pytest.raises(
        BadConfiguration, match=r"'transprt' is not allowed; .*'border_guard'.*'device'"
    ) as caught:
        parse(spoilt, "4.3.toml", Procedure)
    assert len(caught.value.findings) == 1


def test_a_line_is_found_for_quoted_and_inline_keys() -> None:
    text = 'a = 1\n"b c" = { d = 1 }\n[e."f.g"]\nh = 1\n'
    assert find_line(text, ["b c", "d"]) == 2
    assert find_line(text, ["e", "f.g", "h"]) == 4
    assert find_line(text, ["nowhere"]) == 1


def test_all_files_shipped_under_config_procedures_are_good() -> None:
    files = sorted(Path(PROCEDURES).glob("*.toml"))
    assert files
    for file in files:
        assert parse(file.read_text(encoding="utf-8"), file.name, Procedure).procedure == file.stem
