"""The units are what systemd takes, without a warning; and the daemons' promises to it stand in them."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[1] / "systemd"
DAEMONS = ("barie-edge@.service", "barie-central.service")
needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def settings(unit: str, section: str) -> dict[str, str]:
    """A section of a unit whose keys do not repeat."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((UNITS / unit).read_text(encoding="utf-8").replace("\\\n", " "))
    return dict(parser[section])


def complaints(file: Path) -> str:
    """What systemd has to say against a unit file; nothing when it is good."""
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return checked.stderr or ("" if checked.returncode == 0 else f"exit code {checked.returncode}")


@needs_analyze
@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*.service")))
def test_systemd_takes_the_unit(unit: str, tmp_path: Path) -> None:
    """The programs are replaced by one that is there: the check asks whether they can be run."""
    text = (UNITS / unit).read_text(encoding="utf-8")
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    file = tmp_path / unit.replace("@.", "@ckhn-barrier-1.")
    file.write_text(text, encoding="utf-8")
    assert complaints(file) == ""


@needs_analyze
def test_the_check_finds_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "bad.service"
    file.write_text("[Service]\nExecStart=/bin/true\nWatchdogSec=soon\n", encoding="utf-8")
    assert "bad.service:3" in complaints(file)


@pytest.mark.parametrize("unit", DAEMONS)
def test_a_daemon_is_watched_and_never_given_up(unit: str) -> None:
    service = settings(unit, "Service")
    assert service["Type"] == "notify"
    assert service["Restart"] == "always"
    assert int(service["WatchdogSec"]) > 0
    assert settings(unit, "Unit")["StartLimitIntervalSec"] == "0"


@pytest.mark.parametrize("unit", DAEMONS)
def test_a_daemon_has_no_rights_beyond_its_own_state(unit: str) -> None:
    service = settings(unit, "Service")
    assert service["User"] == "barie"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert service["ProtectSystem"] == "strict"
    assert "ReadWritePaths" not in service


def test_every_account_of_a_unit_is_made() -> None:
    made = re.findall(r"^u (\S+)", (UNITS / "barie.sysusers").read_text(encoding="utf-8"), re.MULTILINE)
    units = [settings(path.name, "Service")["User"] for path in UNITS.glob("*.service")]
    assert sorted(set(units)) == sorted(made)
