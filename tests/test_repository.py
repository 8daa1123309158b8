"""The repository as a whole: nothing of the machine it was written on, scripts that run, files that can be read in one go."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES = 500
SCRIPTS = ("setup", "demo", "test", "lint", "bench", "long", "peer")
EVERYWHERE = {"/", "/tmp", "/root", "/home", "/usr", "/opt", "/opt/barie", "/var/lib/barie", "localhost"}


def tracked() -> list[Path]:
    """The files that git has or would take in; in an unpacked archive, every file that no tool has made."""
    if not (ROOT / ".git").exists():
        return [path for path in ROOT.rglob("*") if path.is_file() and not _made(path.relative_to(ROOT))]
    listing = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split("\0")
    return [path for name in names if (path := ROOT / name).is_file()]


def _made(path: Path) -> bool:
    hidden = path.parts[0].startswith(".") and path.parts[0] not in {".ci", ".gitignore"}
    return hidden or path.parts[0] in {"build", "run"} or path.suffix == ".pyc" or ".egg-info/" in str(path)


def texts() -> Iterator[tuple[Path, str]]:
    """Every tracked file that is text."""
    for path in tracked():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def registry_hosts() -> set[str]:
    """Hosts that package clients use here: pip's own default, its configuration, and the environment."""
    ask = "from pip._internal.models.index import PyPI; print(PyPI.url, PyPI.file_storage_domain)"
    said = [
        subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False).stdout
        for command in (["-c", ask], ["-m", "pip", "config", "list"])
    ]
    clients = re.compile(r"(?i)^(pip|uv|npm|poetry)_.*(index|url|links|registry|host)")
    said += [value for name, value in os.environ.items() if clients.match(name)]
    addresses = set(re.findall(r"\w+://(?:[^/@\s]*@)?([\w.-]+)", " ".join(said)))
    return addresses | set(said[0].split()[1:])


def marks_of_this_machine() -> set[str]:
    """Paths and names that can only come from the machine at hand. Nothing of them is written here."""
    folders = {str(ROOT), str(ROOT.parent), str(Path.home())}
    names = {socket.gethostname()} if len(socket.gethostname()) > 6 else set()
    return (folders | names | registry_hosts()) - EVERYWHERE


def test_no_file_tells_of_the_machine_it_was_written_on() -> None:
    marks = marks_of_this_machine()
    word = re.compile(r"(?<![\w.-])(?:" + "|".join(map(re.escape, sorted(marks))) + r")(?![\w-])")
    found = {f"{path.relative_to(ROOT)}: {hit[0]}" for path, text in texts() if (hit := word.search(text))}
    assert found == set()


def test_no_file_records_where_a_package_came_from() -> None:
    """A requirement with an address, an index option, or a download address of a registry."""
    word = re.compile(
        r"(?m)^\s*(--(?:extra-)?index-url|--find-links|\S+ @ \w+:)|/packages/[0-9a-f]{2}/[0-9a-f]{2}/"
    )
    found = {f"{path.relative_to(ROOT)}: {hit[0]}" for path, text in texts() if (hit := word.search(text))}
    assert found == set()


def test_constraints_pin_exact_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []
    assert pins == sorted(pins, key=str.lower)
    assert len(pins) > 20


@pytest.mark.parametrize("script", [*(f"scripts/{name}" for name in SCRIPTS), ".ci/run"])
def test_a_script_can_be_run(script: str) -> None:
    path = ROOT / script
    assert os.access(path, os.X_OK), f"chmod +x {script}"
    assert path.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in path.read_text(encoding="utf-8")
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_system_packages_say_what_is_left_out_without_them() -> None:
    lines = (ROOT / "scripts" / "system-packages").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if not line.startswith("#")]
    assert [line for line in packages if not re.fullmatch(r"[a-z0-9.+-]+: .+; .+", line)] == []


def test_system_packages_are_named_in_one_place() -> None:
    lines = (ROOT / "scripts" / "system-packages").read_text(encoding="utf-8").splitlines()
    packages = [line.partition(":")[0] for line in lines if not line.startswith("#")]
    scripts = [ROOT / "scripts" / name for name in SCRIPTS] + [ROOT / ".ci" / "run"]
    repeated = {
        (path.name, package)
        for path in scripts
        for package in packages
        if re.search(rf"(?<![\w-]){re.escape(package)}(?![\w-])", path.read_text(encoding="utf-8"))
    }
    assert repeated == set()


def test_a_file_of_code_can_be_read_in_one_go() -> None:
    code = [(path, text) for path, text in texts() if path.suffix in {".py", ".js", ".css", ".html", ""}]
    long = {
        f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines"
        for path, text in code
        if text.count("\n") >= MOST_LINES
    }
    assert len(code) > 50
    assert long == set()
