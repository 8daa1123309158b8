"""How fresh the knowledge behind a decision is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.authority import Authority
from shared.journal import author_of, journal_id


@dataclass(frozen=True)
class Known:
    """What a node knows when it decides: enrolments, how far it has each journal, how old that knowledge is.

    `ages_s`: seconds since the journal's author was last heard to say how far its journal goes while we held all of it;
    None when never. `required`: journals whose age a decision at this place depends on (the centre, peers).
    """

    authority: Authority
    vector: Mapping[str, int] = field(default_factory=dict)
    ages_s: Mapping[str, int | None] = field(default_factory=dict)
    required: frozenset[str] = frozenset()

    def stale(self, most_age_s: int) -> tuple[str, ...]:
        """Required journals whose knowledge is older than `most_age_s` seconds, or was never had."""
        return tuple(
            sorted(j for j in self.required if (age := self.ages_s.get(j)) is None or age > most_age_s)
        )


def journals_of(authors: Iterable[str], known: Iterable[str]) -> frozenset[str]:
    """Every journal known of some authors, and the first one of those of whom none is known yet."""
    wanted = set(authors)
    found = {journal for journal in known if author_of(journal) in wanted}
    return frozenset(found | {journal_id(one) for one in wanted - {author_of(journal) for journal in found}})
