"""The file of agencies' names, read and checked as a whole."""

from pathlib import Path

from shared.agency_names import AgencyNames, read_names
from shared.configuration import BadConfiguration, Finding

SHIPPED = Path(__file__).parents[2] / "config" / "agencies.toml"
"""The names that come with the repository."""


def load_agency_names(file: Path) -> AgencyNames:
    """The names of a file; raises BadConfiguration with all its findings."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(
            [Finding(str(file), 1, "file", f"{error}; name a file of UTF-8 text")]
        ) from error
    return read_names(text, str(file))


def names_at_hand(file: Path) -> AgencyNames:
    """The names of a file, or none and the fault: no work stops for a name, the catalogues have plain ones."""
    try:
        return load_agency_names(file)
    except BadConfiguration as error:
        return AgencyNames(fault=str(error))
