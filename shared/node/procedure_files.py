"""A folder of procedure files, read and checked as a whole."""

from pathlib import Path

from shared.configuration import BadConfiguration, Finding, parse
from shared.procedures import Procedure, Procedures

SHIPPED = Path(__file__).parents[2] / "config" / "procedures"
"""The procedures that come with the repository."""


def load_procedures(folder: Path) -> Procedures:
    """Every `*.toml` of a folder; raises BadConfiguration with the findings of all files."""
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
        findings.append(
            Finding(str(folder), 1, "folder", "holds no procedure; name a folder with *.toml files")
        )
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
