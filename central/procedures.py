"""The procedure files as the centre checks and lists them."""

from pathlib import Path
from typing import Any

from central.errors import BadProcedures
from shared.codes import BARRIERS
from shared.configuration import BadConfiguration, Finding, parse
from shared.procedures import Procedure, Step

SHIPPED = Path(__file__).parents[1] / "config" / "procedures"
"""The procedures that come with the repository."""


def load(folder: Path) -> list[Procedure]:
    """Every procedure of a folder, by clause; raises BadProcedures with all findings, NotADirectoryError."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder; name the folder of procedure files")
    found: dict[Path, Procedure] = {}
    findings: list[Finding] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            found[path] = parse(path.read_text(encoding="utf-8"), str(path), Procedure)
        except BadConfiguration as error:
            findings += error.findings
        except (OSError, UnicodeDecodeError) as error:
            findings.append(Finding(str(path), 1, "file", f"{error}; write it as UTF-8 text"))
    findings += _twice(found)
    if not found and not findings:
        findings.append(Finding(str(folder), 1, "folder", "holds no procedure; put *.toml files there"))
    if findings:
        raise BadProcedures(findings)
    return sorted(found.values(), key=lambda one: (one.procedure, one.in_force_from))


def table(procedures: list[Procedure]) -> list[dict[str, Any]]:
    """One row a step at a barrier, `confirm` in the reading in use (docs: contracts, "Commands")."""
    return [
        _row(procedure, step.in_reading(None))
        for procedure in procedures
        for step in procedure.steps
        if step.place in BARRIERS
    ]


def _row(procedure: Procedure, step: Step) -> dict[str, Any]:
    return {
        "procedure": procedure.procedure,
        "clause": step.clause,
        "place": step.place.value,
        "heading": step.heading.value if step.heading else None,
        "confirm": [one.value for one in step.confirm],
        "ordered": step.ordered,
        "opens": step.opens.value if step.opens else None,
        "queries": step.queries.value,
        "standing": step.standing.value,
        "readings": sorted(step.readings, key=lambda name: (name != step.reading, name)),
    }


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
