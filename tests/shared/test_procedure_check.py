"""The checker of procedure files: one broken file for each rule, told with its exact line."""

from datetime import date
from pathlib import Path

import pytest

from shared.configuration import BadConfiguration, parse
from shared.node.procedure_files import SHIPPED, load_procedures, read_procedures
from shared.procedure_check import Source, check
from shared.procedures import Procedure

GOOD = """\
procedure = "4.2"
in_force_from = 2025-02-15
direction = "export"
laden = true
title.vi = "Xuất khẩu"

[fee_before]
reading = "4.2.g"
may_be = ["none", "4.2.g"]
standing = "inferred"

[[step]]
clause = "4.2.a"
place = "online"
confirm = ["declarant"]
standing = "text"
what.vi = "Khai báo"

[[step]]
clause = "4.2.b"
place = "barrier-2"
heading = "in"
confirm = ["border_guard", "customs"]
opens = "border_guard"
standing = "text"
what.vi = "Vào cửa khẩu"

[[step]]
clause = "4.2.d"
place = "yard"
confirm = ["customs"]
standing = "text"
what.vi = "Kiểm soát"

[[step]]
clause = "4.2.đ"
place = "online"
confirm_one_of = ["gate_management", "tax"]
standing = "text"
what.vi = "Nộp phí"

[[step]]
clause = "4.2.g"
place = "barrier-1"
heading = "out"
confirm = ["customs", "border_guard"]
ordered = true
opens = "border_guard"
standing = "text"
what.vi = "Sang Trung Quốc"
"""

CONTINUING = """\
procedure = "7.3"
in_force_from = 2025-02-15
laden = false
title.vi = "Quay về"

[continues]
"4.2" = ["4.2.a", "4.2.b"]

[[step]]
clause = "7.3"
place = "barrier-2"
heading = "out"
confirm = ["border_guard", "customs"]
opens = "border_guard"
standing = "text"
what.vi = "Quay về nội địa"
"""


def findings(*texts: str, names: str = "abc") -> list[str]:
    """What `load_procedures` says of files a.toml, b.toml, …"""
    sources = [
        Source(f"{name}.toml", parse(text, f"{name}.toml", Procedure), text)
        for name, text in zip(names, texts, strict=False)
    ]
    return [str(finding) for finding in check(sources)]


def changed(old: str, new: str, text: str = GOOD) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_a_good_file_has_no_findings() -> None:
    assert findings(GOOD) == []
    assert findings(GOOD, CONTINUING) == []


def test_the_shipped_procedures_have_no_findings() -> None:
    assert check(read_procedures(SHIPPED)) == []


ONE_FILE = [
    # what is written instead of what, and the finding's line, key and words
    ('procedure = "4.2"', 'procedure = "4.2.b"', "1: procedure: a procedure is a khoản"),
    ('"4.2.d"', '"5.2.d"', "29: step.2.clause: 5.2.d is no clause of 4.2"),
    ('"4.2.d"', '"4.20.d"', "29: step.2.clause: 4.20.d is no clause of 4.2"),
    ('"4.2.d"', '"4.2.b"', "29: step.2.clause: 4.2.b is step 2 already"),
    ('title.vi = "Xuất khẩu"', 'title.en = "Export"', "5: title: no Vietnamese title"),
    ('what.vi = "Nộp phí"', 'what.en = "Fee"', "40: step.3.what: no Vietnamese words"),
    (
        "in_force_from = 2025-02-15",
        "in_force_from = 2025-02-15\nin_force_to = 2025-02-14",
        "3: in_force_to: it ends before 2025-02-15",
    ),
    ('confirm = ["customs"]\n', "", "29: step.2.clause: nobody confirms the step; name an agency"),
    (
        'place = "yard"',
        'place = "yard"\nheading = "in"',
        "31: step.2.heading: no lane leads through there; leave it out",
    ),
    (
        'place = "yard"',
        'place = "barrier-2"\nheading = "in"\nopens = "border_guard"',
        "30: step.2.place: never reached: 4.2.b stands there before it for the same vehicles",
    ),
    (
        'heading = "in"',
        'heading = "in"\nloads = ["own"]',
        "45: step.4.place: no step before it lets a vehicle in (delivers)",
    ),
    (
        'confirm_one_of = ["gate_management", "tax"]',
        'confirm = ["tax"]',
        "7: fee_before: no step collects the fee",
    ),
    ('"none", "4.2.g"]', '"none", "4.2.g", "4.2.h"]', "9: fee_before.may_be: 4.2.h is no step here"),
    ('"none", "4.2.g"]', '"none", "4.2.g", "4.2.d"]', "9: fee_before.may_be: no barrier stands at 4.2.d"),
    (
        '"none", "4.2.g"]',
        '"none", "4.2.g", "4.2.b"]',
        "9: fee_before.may_be: 4.2.b comes before 4.2.đ, where the fee is paid; write none or a later step",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), ONE_FILE)
def test_what_is_wrong_in_one_file_is_told_with_its_line(old: str, new: str, expected: str) -> None:
    (finding,) = findings(changed(old, new))
    assert finding.startswith(f"a.toml:{expected}")


BY_THE_MODEL = [
    ('standing = "text"\n', "", "a.toml:12: step.0.standing: this key is missing"),
    ("laden = true", "laden = true\nladden = true", "a.toml:5: ladden: this key is not known"),
    ('opens = "border_guard"', "", "a.toml:19: step.1: opens: at a barrier only the border guard opens"),
    ('opens = "border_guard"', 'opens = "device"', "a.toml:19: step.1: opens: at a barrier only"),
    ('reading = "4.2.g"', 'reading = "4.2.b"', "a.toml:7: fee_before: reading: write one of none, 4.2.g"),
]


@pytest.mark.parametrize(("old", "new", "expected"), BY_THE_MODEL)
def test_what_the_model_refuses_is_told_with_its_line(old: str, new: str, expected: str) -> None:
    with pytest.raises(BadConfiguration) as error:
        findings(changed(old, new))
    assert str(error.value).startswith(expected)


def test_a_later_step_for_the_loads_that_are_left_is_reached() -> None:
    first = changed('heading = "in"', 'heading = "in"\nloads = ["own", "delivers"]')
    both = changed('place = "yard"', 'place = "barrier-2"\nheading = "in"\nopens = "border_guard"', first)
    assert findings(both) == []


def test_a_version_that_ends_on_its_first_day_is_one_taken_back() -> None:
    taken_back = changed("2025-02-15", "2026-01-01\nin_force_to = 2026-01-01")
    assert findings(GOOD, taken_back) == []


# -- versions of one khoản


def test_two_files_of_one_khoan_from_one_day() -> None:
    later_line = f"# a comment\n{GOOD}"
    assert findings(GOOD, later_line) == [
        "b.toml:2: procedure: a.toml holds 4.2 from 2025-02-15 already; change one of the two"
    ]


def test_an_end_that_is_written_must_not_contradict_the_next_version() -> None:
    old = changed("2025-02-15", "2025-02-15\nin_force_to = 2026-06-01")
    new = changed("2025-02-15", "2026-01-01")
    assert findings(old, new) == [
        "a.toml:3: in_force_to: b.toml is in force from 2026-01-01; write 2026-01-01, or leave it out"
    ]
    assert findings(GOOD, new) == []
    assert findings(changed("2026-06-01", "2026-01-01", old), new) == []


def test_what_is_published_takes_the_place_of_a_file_and_does_not_overlap_it() -> None:
    own = Source("a.toml", parse(GOOD, "a.toml", Procedure), GOOD)
    other = changed('"border_guard", "customs"', '"border_guard"')
    published = Source("centre-CKHN.1/7", parse(other, "", Procedure), published=True)
    assert check([own, published]) == []


# -- procedures that continue others


CONTINUED = [
    ('"4.2" =', '"4.9" =', "7: continues.4.9: no procedure 4.9 is held; mend the number"),
    ('"4.2.a", "4.2.b"', '"4.2.b", "4.2.h"', "7: continues.4.2: 4.2.h is no step of 4.2"),
    ('"4.2.a", "4.2.b"', '"4.2.a"', "7: continues.4.2: no step taken from 4.2 lets a vehicle in (delivers, own)"),
    (
        'place = "barrier-2"\nheading = "out"',
        'place = "barrier-1"\nheading = "out"',
        "11: step.0.place: never reached from 4.2, which has a step there itself",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), CONTINUED)
def test_what_is_wrong_about_continuing_is_told_with_its_line(old: str, new: str, expected: str) -> None:
    (finding,) = findings(GOOD, changed(old, new, CONTINUING))
    assert finding.startswith(f"b.toml:{expected}")


# -- procedures that cannot be told apart


OTHER = GOOD.replace("4.2", "4.9")
CLASH = "b.toml:21: step.1.place: 4.2 (a.toml) is for the same vehicles and asks for something else at barrier-2 in"


def test_procedures_that_cannot_be_told_apart_are_lawful_while_their_demands_are_equal() -> None:
    other_order = changed('"border_guard", "customs"', '"customs", "border_guard"', OTHER)
    assert findings(GOOD, other_order) == []


def test_procedures_that_cannot_be_told_apart_clash_where_their_demands_differ() -> None:
    (finding,) = findings(GOOD, changed('"border_guard", "customs"', '"border_guard"', OTHER))
    assert finding.startswith(CLASH)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('direction = "export"', 'direction = "import"'),
        ("laden = true", "laden = false"),
        ('laden = true\ncountry = "VN"', 'laden = true\ncountry = "CN"'),
        ('laden = true\nyard_location = "inside"', 'laden = true\nyard_location = "outside"'),
        ('laden = true\npurpose = "transfer"', 'laden = true\npurpose = "crossing"'),
    ],
)
def test_what_is_declared_tells_procedures_apart_where_both_ask_for_it(one: str, other: str) -> None:
    key = one.split(" =")[0]
    line = next(line for line in GOOD.splitlines() if line.startswith(key))
    strict = changed('"border_guard", "customs"', '"border_guard"', OTHER)
    assert findings(changed(line, one), changed(line, other, strict)) == []
    assert findings(changed(line, one), changed(line, one, strict)) != []


def test_a_clash_of_a_later_day_is_found() -> None:
    equal_at_first = OTHER
    later = changed("2025-02-15", "2026-01-01", changed('"border_guard", "customs"', '"border_guard"', OTHER))
    (finding,) = findings(GOOD, equal_at_first, later)
    assert finding.startswith("c.toml:21: step.1.place: 4.2 (a.toml)")


def test_a_version_that_judges_earlier_declarations_too_clashes_with_versions_of_their_day() -> None:
    narrow = ('"border_guard", "customs"', '"border_guard"')
    judging = 'in_force_from = 2026-01-01\njudges = "all_declarations"'
    new = changed("in_force_from = 2025-02-15", judging, changed(*narrow))
    other_new = changed("2025-02-15", "2026-01-01", changed(*narrow, OTHER))
    found = findings(GOOD, OTHER, new, other_new, names="abcd")
    assert [one.partition(" is ")[0] for one in found] == ["c.toml:22: step.1.place: 4.9 (b.toml)"]
    both_judge = changed("in_force_from = 2025-02-15", judging, changed(*narrow, OTHER))
    assert findings(GOOD, OTHER, new, both_judge, names="abcd") == []


def test_two_that_continue_one_clash_too_unless_the_country_tells_them_apart() -> None:
    other = changed('"border_guard", "customs"', '"border_guard"', CONTINUING.replace("7.3", "7.4"))
    (finding,) = findings(GOOD, CONTINUING, other)
    assert finding.startswith("c.toml:11: step.0.place: 7.3 (b.toml) is for the same vehicles")
    chinese = changed("laden = false", 'laden = false\ncountry = "CN"', other)
    vietnamese = changed("laden = false", 'laden = false\ncountry = "VN"', CONTINUING)
    assert findings(GOOD, vietnamese, chinese) == []


def test_one_that_continues_clashes_with_one_that_no_declaration_tells_from_the_continued() -> None:
    home = CONTINUING[CONTINUING.index("[[step]]") :].replace("7.3", "4.9.h")
    assert findings(GOOD, f"{OTHER}\n{home}", CONTINUING) == []
    stricter = changed('"border_guard", "customs"', '"border_guard"', home)
    (finding,) = findings(GOOD, f"{OTHER}\n{stricter}", CONTINUING)
    assert finding.startswith("c.toml:11: step.0.place: 4.9 (b.toml) is for the same vehicles")


# -- a folder


def test_a_folder_is_refused_with_the_findings_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(changed('"4.2.d"', '"5.2.d"'), encoding="utf-8")
    (tmp_path / "b.toml").write_text(changed("laden = true", "", OTHER), encoding="utf-8")
    with pytest.raises(BadConfiguration) as error:
        load_procedures(tmp_path)
    told = [(Path(one.file).name, one.line, one.key) for one in error.value.findings]
    assert told == [("b.toml", 1, "laden"), ("a.toml", 29, "step.2.clause")]


def test_a_folder_is_refused_for_a_clash_between_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD, encoding="utf-8")
    clash = changed('"border_guard", "customs"', '"border_guard"', OTHER)
    (tmp_path / "b.toml").write_text(clash, encoding="utf-8")
    with pytest.raises(BadConfiguration, match="for the same vehicles"):
        load_procedures(tmp_path)


def test_a_folder_may_hold_several_versions(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "new.toml").write_text(changed("2025-02-15", "2026-01-01"), encoding="utf-8")
    held = load_procedures(tmp_path)
    assert [held.find("4.2", day) for day in (date(2025, 12, 31), date(2026, 1, 1))] == list(held.files)
