"""What the centre has published of the rules: versions of procedures, and a site's settings. A pure function of facts.

A later publication with the same subject and the same `in_force_from` takes the place of the earlier one, by the order of the
centre's journal: stamp, then number, then hash, so that it is one order over forks and after a rotation of the key too.
What cannot be read here changes nothing: the version before it stands, and `unread` says so.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared import subjects
from shared.authority import from_centre
from shared.bodies import RULE_KINDS, ProcedurePublished, SettingsPublished, read_body
from shared.decide import Decision
from shared.facts import Draft, Fact, FactError
from shared.procedures import Procedure
from shared.reasons import Code, Reason
from shared.settings import Settings


@dataclass(frozen=True)
class Publication:
    """A version of a procedure with the reference of the fact that published it."""

    ref: str
    procedure: Procedure


@dataclass(frozen=True)
class Published:
    """All publications of a site's centre that stand, folded. The order in which their facts arrive does not matter.

    `procedures` by khoản and first day; `settings` in the order in which they come into force.
    """

    publications: tuple[Publication, ...] = ()
    settings: tuple[SettingsPublished, ...] = ()
    unread: tuple[Fact, ...] = ()

    @classmethod
    def of(cls, site: str, facts: Iterable[Fact]) -> "Published":
        """Folds the publications of the site's centre journals; all other facts are passed over."""
        ours = {f.hash: f for f in facts if f.kind in RULE_KINDS and from_centre(site, f)}
        procedures: list[Publication] = []
        settings: list[SettingsPublished] = []
        unread: list[Fact] = []
        settled: set[Hashable] = set()
        for fact in sorted(ours.values(), key=lambda one: (one.at, one.seq, one.hash), reverse=True):
            version = (fact.subject, _moment(fact))
            if version in settled:
                continue
            match _read(site, fact):
                case Procedure() as procedure:
                    procedures.append(Publication(fact.ref, procedure))
                case SettingsPublished() as said:
                    settings.append(said)
                case None:
                    unread.append(fact)
                    continue
            settled.add(version)
        return cls(
            tuple(sorted(procedures, key=lambda one: (one.procedure.procedure, one.procedure.in_force_from))),
            tuple(sorted(settings, key=lambda one: one.in_force_from)),
            tuple(reversed(unread)),
        )

    @property
    def procedures(self) -> tuple[Procedure, ...]:
        """Every version that stands."""
        return tuple(one.procedure for one in self.publications)

    def find(self, procedure: Procedure) -> Publication | None:
        """The publication that stands for the khoản from the same first day, whatever it says."""
        version = (procedure.procedure, procedure.in_force_from)
        held = ((one.procedure.procedure, one.procedure.in_force_from) for one in self.publications)
        return next((one for one, of in zip(self.publications, held, strict=True) if of == version), None)

    def over(self, own: Settings, now: datetime) -> Settings:
        """A node's own settings under those that are published and in force, key by key."""
        for said in self.settings:
            if said.in_force_from <= now:
                own = _over(own, said)
        return own

    def noted(self, decision: Decision, procedure: Procedure | None) -> Decision:
        """The decision, with what was published about its rules and cannot be read here: nothing opens by itself then."""
        about = {subjects.procedure(procedure.procedure)} if procedure else set()
        refs = tuple(
            fact.ref for fact in self.unread if fact.kind == "settings_published" or fact.subject in about
        )
        if not refs:
            return decision
        reasons = (*decision.reasons, Reason(Code.NOT_UNDERSTOOD, facts=refs))
        return replace(decision, reasons=reasons, automatic=False)


def publication(procedure: Procedure) -> Draft:
    """The fact that publishes a version of a procedure. What has its default is left out, for nodes that know less."""
    plain = procedure.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Draft("procedure_published", subjects.procedure(procedure.procedure), {"procedure": plain})


def _read(site: str, fact: Fact) -> Procedure | SettingsPublished | None:
    """What a publication says; None when it cannot be read here or its subject is not what it is about."""
    try:
        body = read_body(fact)
        if isinstance(body, SettingsPublished):
            return body if fact.subject == subjects.settings(site) else None
        assert isinstance(body, ProcedurePublished)
    except FactError:
        return None
    found = body.procedure
    return found if fact.subject == subjects.procedure(found.procedure) else None


def _moment(fact: Fact) -> Hashable:
    """From when a publication is in force, as far as that can be told of one that cannot be read."""
    plain = fact.body.get("procedure", fact.body)
    said = str(plain.get("in_force_from") if isinstance(plain, dict) else None)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return said
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _over(own: Settings, said: SettingsPublished) -> Settings:
    binds = said.inferred_steps_bind
    return replace(
        own,
        health_tick=said.health_tick or own.health_tick,
        inferred_steps_bind=own.inferred_steps_bind if binds is None else binds,
        readings={**own.readings, **said.readings},
        fee_before={**own.fee_before, **said.fee_before},
    )
