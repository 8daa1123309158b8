"""A folder of TOML files of one model, read and checked as a whole."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from shared.configuration import BadConfiguration, Finding, parse

Model = TypeVar("Model", bound=BaseModel)


def read_folder(folder: Path, model: type[Model], what: str) -> tuple[dict[Path, Model], list[Finding]]:
    """Every `*.toml` of a folder that is of its form, and what is wrong with the others; `what` they are, for the message."""
    found: dict[Path, Model] = {}
    findings: list[Finding] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            found[path] = parse(path.read_text(encoding="utf-8"), str(path), model)
        except BadConfiguration as error:
            findings += error.findings
        except (OSError, UnicodeDecodeError) as error:
            findings.append(Finding(str(path), 1, "file", f"{error}; write it as UTF-8 text"))
    if not found and not findings:
        findings.append(
            Finding(str(folder), 1, "folder", f"holds no {what}; name a folder with *.toml files")
        )
    return found, findings
