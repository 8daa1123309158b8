"""What agencies are called: by day, language and site. A code (`shared.codes.Agency`) never changes, a name does.

The names are data (`config/agencies.toml`): the text of 2025 itself leaves the transport agency without a fixed name, and
says only of what it is the department. What happened is told by the name of its own day, what is awaited by today's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.body import Code
from shared.clock import BadStamp, Stamp, day_at_gates
from shared.codes import Agency
from shared.configuration import BadConfiguration, Finding, find_line, parse
from shared.words import Language, plain_name

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class NameStanding(StrEnum):
    """How well a name is known."""

    TEXT = "text"
    """A decision or another official text says it."""
    GENERAL_KNOWLEDGE = "general_knowledge"
    """Everybody says it; nobody has shown a text."""


class AgencyName(BaseModel):
    """What one agency is called from a day on, at all sites or at one. English, Chinese and short forms may be missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agency: Agency
    in_force_from: date
    site: Code | None = None
    vi: Name
    en: Name | None = None
    zh: Name | None = None
    vi_short: Name | None = None
    en_short: Name | None = None
    zh_short: Name | None = None
    standing: NameStanding
    source: Name

    def full(self, language: Language) -> str:
        """The name in a language, in Vietnamese where it has none."""
        name: str | None = getattr(self, language.value)
        return name or self.vi

    def short(self, language: Language) -> str | None:
        """The short form in a language, in Vietnamese where it has none; None without any."""
        name: str | None = getattr(self, f"{language.value}_short")
        return name or self.vi_short


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    names: Annotated[tuple[AgencyName, ...], Field(alias="name", min_length=1)]


@dataclass(frozen=True)
class AgencyNames:
    """All names that a node knows. `fault`: why there are none, where their file cannot be used."""

    entries: tuple[AgencyName, ...] = ()
    fault: str | None = None

    def of(self, agency: str, language: Language, on: date, site: str | None = None) -> str:
        """The name on a day at a site: in Vietnamese where the language has none, the code where nobody names it."""
        entry = self._entry(agency, on, site)
        return entry.full(language) if entry else agency

    def short(self, agency: str, language: Language, on: date, site: str | None = None) -> str | None:
        """The short form that goes with `of`, or None."""
        entry = self._entry(agency, on, site)
        return entry.short(language) if entry else None

    def _entry(self, agency: str, on: date, site: str | None) -> AgencyName | None:
        """The site's own before the general one, of these the newest in force; before the first day the earliest there is."""
        here = [one for one in self.entries if one.agency == agency and one.site in (site, None)]
        begun = [one for one in here if one.in_force_from <= on]
        if begun:
            return max(begun, key=lambda one: (one.site is not None, one.in_force_from))
        return min(here, key=lambda one: (one.in_force_from, one.site is None), default=None)


NO_NAMES = AgencyNames()


@dataclass(frozen=True)
class Called:
    """The names as one site uses them on one day; called as `called(language, agency)`, a `shared.words.Named`."""

    names: AgencyNames
    site: str | None
    day: date

    def __call__(self, language: Language, agency: str) -> str:
        """The agency's name; the catalogue's plain word for who has no name here, such as a device."""
        name = self.names.of(agency, language, self.day, self.site)
        return plain_name(language, agency) if name == agency else name

    def short(self, language: Language, agency: str) -> str | None:
        """The agency's short form, or None."""
        return self.names.short(agency, language, self.day, self.site)

    def at(self, stamp: str | None) -> "Called":
        """The names of the day of a fact's stamp; the same names for what is no stamp."""
        try:
            return replace(self, day=day_at_gates(Stamp.parse(stamp or "").wall))
        except BadStamp:
            return self


def read_names(text: str, file: str) -> AgencyNames:
    """Reads the text of a names file; raises BadConfiguration with a finding for every fault."""
    entries = parse(text, file, _File).names
    findings = [*_twice(entries, text, file), *_without_name(entries, file)]
    if findings:
        raise BadConfiguration(findings)
    return AgencyNames(entries)


def _twice(entries: Sequence[AgencyName], text: str, file: str) -> Iterator[Finding]:
    """Two names that one agency would bear from the same day on at the same place."""
    lines: dict[tuple[Agency, str | None, date], int] = {}
    for at, one in enumerate(entries):
        line = find_line(text, ("name", at))
        first = lines.setdefault((one.agency, one.site, one.in_force_from), line)
        if first != line:
            message = (
                f"line {first} names {one.agency} from {one.in_force_from} already; change one of the two"
            )
            yield Finding(file, line, f"name.{at}", message)


def _without_name(entries: Sequence[AgencyName], file: str) -> Iterator[Finding]:
    named = {one.agency for one in entries if one.site is None}
    for agency in Agency:
        if agency not in named:
            message = f'{agency} has no name; add a [[name]] with agency = "{agency}" and no site'
            yield Finding(file, 1, "name", message)
