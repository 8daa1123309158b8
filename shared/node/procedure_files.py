"""A folder of procedure files, read and checked as a whole."""

from functools import cache
from pathlib import Path

from shared.configuration import BadConfiguration
from shared.node.toml_folder import read_folder
from shared.procedure_check import Source, alone, together
from shared.procedures import Procedure, Procedures

SHIPPED = Path(__file__).parents[2] / "config" / "procedures"
"""The procedures that come with the repository."""


def load_procedures(folder: Path) -> Procedures:
    """Every `*.toml` of a folder; raises BadConfiguration with the findings of all files."""
    sources = read_procedures(folder)
    findings = together(sources)
    if findings:
        raise BadConfiguration(findings)
    return Procedures([source.procedure for source in sources])


@cache
def shipped() -> tuple[Source, ...]:
    """The procedures that come with the repository."""
    return tuple(read_procedures(SHIPPED))


def read_procedures(folder: Path) -> list[Source]:
    """Every `*.toml` of a folder by khoản and first day, each good by itself; raises BadConfiguration with all findings."""
    read, findings = read_folder(folder, Procedure, "procedure")
    found = [Source(str(path), one, path.read_text(encoding="utf-8")) for path, one in read.items()]
    findings += alone(found)
    if findings:
        raise BadConfiguration(findings)
    return sorted(found, key=lambda one: (one.procedure.procedure, one.procedure.in_force_from))
