"""A folder of procedure files, read and checked as a whole."""

from pathlib import Path

from shared.configuration import BadConfiguration, Finding
from shared.node.toml_folder import read_folder
from shared.procedures import Procedure, Procedures

SHIPPED = Path(__file__).parents[2] / "config" / "procedures"
"""The procedures that come with the repository."""


def load_procedures(folder: Path) -> Procedures:
    """Every `*.toml` of a folder; raises BadConfiguration with the findings of all files."""
    found, findings = read_folder(folder, Procedure, "procedure")
    findings += _twice(found)
    if findings:
        raise BadConfiguration(findings)
    return Procedures(tuple(sorted(found.values(), key=lambda one: (one.procedure, one.in_force_from))))


def _twice(found: dict[Path, Procedure]) -> list[Finding]:
    seen: dict[tuple[str, object], Path] = {}
    findings = []
    for path, one in found.items():
        first = seen.setdefault((one.procedure, one.in_force_from), path)
        if first != path:
            message = (
                f"{first.name} holds {one.procedure} from {one.in_force_from} already; change one of the two"
            )
            findings.append(Finding(str(path), 1, "procedure", message))
    return findings
