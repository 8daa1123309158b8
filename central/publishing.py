"""Publishing the rules: versions of procedures and a site's settings, written as facts of the centre's journals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from central.errors import BadRules
from central.journals import CentreJournals
from central.publications import SettingsIn
from shared import subjects
from shared.bodies import RULE_KINDS, SettingsPublished, dump
from shared.clock import utc_now
from shared.facts import Draft
from shared.procedure_check import Source, check, misread
from shared.procedures import Procedure, Procedures
from shared.published import Published, publication


class Origin(StrEnum):
    """Where the version of a procedure that is in force comes from."""

    PUBLISHED = "published"
    """From the centre, as a fact: it stands over every gate's own file."""
    SHIPPED = "shipped"
    """From the files that come with this version; a gate may have others of its own."""


@dataclass(frozen=True)
class InForce:
    """A version in force at a site. `ref`: the fact that published it."""

    site: str
    procedure: Procedure
    origin: Origin
    ref: str | None = None


class PublicationDesk:
    """Publishes procedures and settings to the gates of a site; what stands already is written once.

    `files`: the shipped procedures, which stand where nothing was published.
    """

    def __init__(
        self, journals: CentreJournals, files: Sequence[Source], wall: Callable[[], datetime] = utc_now
    ) -> None:
        self._journals = journals
        self._store = journals.store
        self._files = tuple(files)
        self._wall = wall
        self._held: dict[str, Published] = {}
        self._folded_to = 0

    def published(self, site: str) -> Published:
        """What stands published at a site; folded anew when a publication arrives, by whatever process."""
        self._journals.require(site)
        newest = self._store.newest_position(RULE_KINDS)
        if newest != self._folded_to:
            self._held.clear()
            self._folded_to = newest
        if site not in self._held:
            self._held[site] = Published.of(site, self._store.of_kinds(RULE_KINDS))
        return self._held[site]

    def in_force(self, site: str, on: date) -> list[InForce]:
        """The version of every khoản that judges declarations of a day, by khoản."""
        held = self.published(site)
        refs = {id(one.procedure): one.ref for one in held.publications}
        rules = Procedures([source.procedure for source in self._files], held.procedures)
        found = sorted(rules.in_force(on), key=lambda one: [int(part) for part in one.procedure.split(".")])
        return [
            InForce(site, one, Origin.PUBLISHED if id(one) in refs else Origin.SHIPPED, refs.get(id(one)))
            for one in found
        ]

    def procedures(self, site: str, sources: Sequence[Source]) -> list[str]:
        """Publishes versions of procedures, all or none; gives the facts written.

        Raises BadRules with the findings about all that would then be held, UnknownSite, BadFact when one is too large.
        """
        with self._store.together("publish procedures in"):
            held = self.published(site)
            stands = {one.procedure.hash for one in held.publications}
            fresh = [source for source in sources if source.procedure.hash not in stands]
            if not fresh:
                return []
            replaced = {found.ref for one in fresh if (found := held.find(one.procedure))}
            kept = [
                Source(one.ref, one.procedure, published=True)
                for one in held.publications
                if one.ref not in replaced
            ]
            findings = check([*self._files, *kept, *fresh])
            if findings:
                raise BadRules("\n".join(map(str, findings)))
            return [self._journals.write(site, publication(one.procedure)).ref for one in fresh]

    def settings(self, asked: SettingsIn) -> list[str]:
        """Publishes settings, from now on unless told; gives the facts written. Raises BadRules, UnknownSite."""
        said = asked.model_dump(exclude={"site", "in_force_from"})
        body = SettingsPublished(in_force_from=asked.in_force_from or self._wall(), **said)
        with self._store.together("publish settings in"):
            held = self.published(asked.site)
            rules = [*held.procedures, *(source.procedure for source in self._files)]
            wrong = [message for _, message in misread(body.readings, body.fee_before, rules)]
            if wrong:
                raise BadRules("\n".join(wrong))
            if body in held.settings or (asked.in_force_from is None and _said(held, body)):
                return []
            draft = Draft("settings_published", subjects.settings(asked.site), dump(body))
            return [self._journals.write(asked.site, draft).ref]


def _said(held: Published, body: SettingsPublished) -> bool:
    """Whether what is in force then says all of this already."""
    said: dict[tuple[str, str], object] = {}
    for one in held.settings:
        if one.in_force_from <= body.in_force_from:
            said |= _keys(one)
    return _keys(body).items() <= said.items()


def _keys(said: SettingsPublished) -> dict[tuple[str, str], object]:
    """Every key that settings speak of, with what they say."""
    keys: dict[tuple[str, str], object] = {}
    for name in ("health_tick", "inferred_steps_bind"):
        if getattr(said, name) is not None:
            keys[name, ""] = getattr(said, name)
    for name in ("readings", "fee_before"):
        keys |= {(name, of): value for of, value in getattr(said, name).items()}
    return keys
