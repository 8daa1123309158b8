"""PINs: a verifier fits its PIN alone, and a faulty officers' file says where."""

import os
from pathlib import Path

import pytest

from edge.officers import Officers, load_officers, make_verifier, pin_fits
from shared.codes import Agency
from shared.configuration import BadConfiguration


def officers_file(folder: Path, verifier: str, agency: str = "customs") -> Path:
    file = folder / "officers.toml"
    file.write_text(f'[officers.hq-1]\nagency = "{agency}"\nverifier = "{verifier}"\n', encoding="utf-8")
    return file


def test_a_verifier_fits_its_pin_and_no_other() -> None:
    verifier = make_verifier("246801")
    assert [pin_fits(pin, verifier) for pin in ("246801", "246802", "", "2468010", "đ")] == [
        True,
        *[False] * 4,
    ]


def test_a_verifier_holds_no_pin_and_no_two_are_alike() -> None:
    one, other = make_verifier("246801"), make_verifier("246801")
    assert one != other
    assert "246801" not in one + other


def test_an_officers_file_names_agency_and_verifier(tmp_path: Path) -> None:
    verifier = make_verifier("246801")
    found = load_officers(officers_file(tmp_path, verifier))
    assert (found["hq-1"].agency, found["hq-1"].verifier) == (Agency.CUSTOMS, verifier)


def test_without_a_file_there_are_no_officers(tmp_path: Path) -> None:
    assert load_officers(None) == load_officers(tmp_path / "absent.toml") == {}


@pytest.mark.parametrize("verifier", ["", "246801", "no base64!.x", "YWJj.YWJj"])
def test_a_verifier_that_pin_did_not_make_is_found_when_the_file_is_read(
    tmp_path: Path, verifier: str
) -> None:
    file = officers_file(tmp_path, verifier)
    with pytest.raises(BadConfiguration, match=r"officers\.toml:3: officers\.hq-1\.verifier: "):
        load_officers(file)


def test_an_agency_that_does_not_exist_is_named_with_its_line(tmp_path: Path) -> None:
    file = officers_file(tmp_path, make_verifier("246801"), agency="police")
    with pytest.raises(
        BadConfiguration, match=r"officers\.toml:2: officers\.hq-1\.agency: 'police' is not allowed"
    ):
        load_officers(file)


def test_a_file_broken_while_the_gate_runs_leaves_the_officers_read_before_and_is_reported(
    tmp_path: Path,
) -> None:
    file = officers_file(tmp_path, make_verifier("246801"))
    officers = Officers(file)
    file.write_text("[officers", encoding="utf-8")
    os.utime(file, (1, 1))
    assert officers.agency_of("hq-1", "246801") is Agency.CUSTOMS
    assert officers.error is not None
    assert "officers.toml:1" in officers.error


def test_a_file_mended_while_the_gate_runs_is_in_force_at_the_next_sign_in(tmp_path: Path) -> None:
    file = officers_file(tmp_path, make_verifier("111111"))
    officers = Officers(file)
    officers_file(tmp_path, make_verifier("246801"))
    os.utime(file, (1, 1))
    assert officers.agency_of("hq-1", "246801") is Agency.CUSTOMS
