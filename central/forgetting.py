"""Forgetting: the personal values beside facts are removed everywhere, and every node says when they are gone there."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from central.errors import NotFound
from central.journals import CentreJournals
from shared import subjects
from shared.bodies import Forget, dump
from shared.facts import Draft, Fact
from shared.journal import author_of, centre_node

MOST_REFS = 500
"""So many facts does one `forget` name at most."""


@dataclass(frozen=True)
class Asked:
    """A `forget` fact: what it is about, and which nodes have answered that the values are gone there."""

    ref: str
    at: str
    site: str
    subject: str
    reason: str
    facts: int
    answered: Mapping[str, str]
    """Stamp of the answer by node."""
    waiting: tuple[str, ...]

    @property
    def declaration(self) -> str | None:
        """The declaration whose values are forgotten, if it is about one."""
        return subjects.declaration_of(self.subject)


class ForgetDesk:
    """Writes `forget` facts into the site's centre journal, and tells who has answered."""

    def __init__(self, journals: CentreJournals) -> None:
        self._journals = journals
        self._store = journals.store

    def declaration(self, no: str, site: str, reason: str) -> list[str]:
        """Forgets drivers' names, papers and phones of a declaration, once. Gives the facts written."""
        subject = subjects.declaration(no)
        with self._store.together("forget in"):
            return self._forget(site, subject, self._to_forget(subject), reason)

    def officer(self, officer: str, reason: str) -> list[str]:
        """Forgets an officer's name at every site; raises NotFound. Gives the facts written."""
        subject = subjects.officer(officer)
        if not self._store.about(subject):
            raise NotFound(f"no officer {officer} is enrolled here")
        written = []
        with self._store.together("forget in"):
            facts = self._to_forget(subject)
            for site in self._journals.sites:
                here = [fact for fact in facts if author_of(fact.journal) == centre_node(site)]
                written += self._forget(site, subject, here, reason)
        return written

    def asked(self) -> list[Asked]:
        """Every `forget`, the newest first."""
        answers: dict[str, dict[str, str]] = {}
        for fact in self._store.of_kinds(["forgotten"]):
            answers.setdefault(str(fact.body.get("forget")), {})[author_of(fact.journal)] = fact.at
        return [self._asked(fact, answers.get(fact.ref, {})) for fact in self._forgets()][::-1]

    def _forgets(self) -> Iterator[Fact]:
        centres = {centre_node(site) for site in self._journals.sites}
        return (fact for fact in self._store.of_kinds(["forget"]) if author_of(fact.journal) in centres)

    def _asked(self, fact: Fact, answered: Mapping[str, str]) -> Asked:
        node = author_of(fact.journal)
        site = node.removeprefix(centre_node(""))
        authority = self._journals.authority(site)
        expected = [node, *sorted(set(authority.nodes) - authority.struck)]
        return Asked(
            ref=fact.ref,
            at=fact.at,
            site=site,
            subject=fact.subject,
            reason=fact.body.get("reason", ""),
            facts=len(fact.body.get("facts", ())),
            answered=answered,
            waiting=tuple(name for name in expected if name not in answered),
        )

    def _to_forget(self, subject: str) -> list[Fact]:
        """Facts with personal values that no `forget` names yet, whether or not the values are held here."""
        gone = {f"{row[0]}/{row[1]}" for row in self._store.rows("SELECT journal, seq FROM forgets")}
        return [fact for fact in self._store.about(subject) if commits(fact.body) and fact.ref not in gone]

    def _forget(self, site: str, subject: str, facts: Iterable[Fact], reason: str) -> list[str]:
        refs = [fact.ref for fact in facts]
        parts = [refs[at : at + MOST_REFS] for at in range(0, len(refs), MOST_REFS)]
        bodies = [Forget(facts=part, reason=reason) for part in parts]
        return [self._journals.write(site, Draft("forget", subject, dump(body))).ref for body in bodies]


def commits(value: Any) -> bool:
    """Whether a commitment to a personal value stands anywhere in a body."""
    if isinstance(value, Mapping):
        return set(value) == {"commitment"} or any(commits(one) for one in value.values())
    return isinstance(value, list) and any(commits(one) for one in value)
