"""A folder of tariff files, read and checked as a whole."""

from itertools import pairwise
from pathlib import Path

from shared.configuration import BadConfiguration, Finding
from shared.node.toml_folder import read_folder
from shared.tariffs import Tariff, Tariffs

SHIPPED = Path(__file__).parents[2] / "config" / "tariffs"
"""The tariffs that come with the repository."""


def load_tariffs(folder: Path) -> Tariffs:
    """Every `*.toml` of a folder; raises BadConfiguration with the findings of all files. No two may be in force on one day."""
    found, findings = read_folder(folder, Tariff, "tariff")
    findings += _at_once(found)
    if findings:
        raise BadConfiguration(findings)
    return Tariffs(tuple(sorted(found.values(), key=lambda one: one.in_force_from)))


def _at_once(found: dict[Path, Tariff]) -> list[Finding]:
    """Each tariff has to end before the next begins."""
    in_order = sorted(found.items(), key=lambda item: item[1].in_force_from)
    return [
        Finding(
            str(path),
            1,
            "in_force_to",
            f"{later.name} is in force from {begins.in_force_from}; write in_force_to = {begins.in_force_from}",
        )
        for (path, tariff), (later, begins) in pairwise(in_order)
        if tariff.in_force_to is None or tariff.in_force_to > begins.in_force_from
    ]
