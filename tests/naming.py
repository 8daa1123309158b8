"""The shipped names of agencies, and one agency renamed on a day."""

from shared.agency_names import AgencyNames, read_names
from shared.codes import Agency
from shared.node.agency_file import SHIPPED


def renamed_text(agency: Agency, on: str, vi: str, more: str = "") -> str:
    """The text of a file of names in which an agency bears a new name from a day on; `more`: further lines of its entry."""
    entry = f'[[name]]\nagency = "{agency}"\nin_force_from = {on}\nvi = "{vi}"\n{more}\n'
    return f'{SHIPPED.read_text(encoding="utf-8")}\n{entry}standing = "text"\nsource = "a text"\n'


def renamed(agency: Agency, on: str, vi: str, more: str = "") -> AgencyNames:
    """The names of that file."""
    return read_names(renamed_text(agency, on, vi, more), "agencies.toml")
