"""The checker of procedure files: what their model alone cannot show, told by file, line and key.

Pure. `alone` looks at each procedure by itself, `together` at all that a node would hold: which of them take the place of which,
which continue which, and which no declaration can tell apart though they ask for different things (`shared.applying`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, product

from shared.applying import demands
from shared.codes import BARRIERS, LANE_PLACES, Actor, Heading, Load, Place, Standing
from shared.configuration import Finding, find_line
from shared.procedures import Procedure, Procedures, Step
from shared.settings import NO_FEE, Settings

DRIVEN_IN = frozenset({Load.OWN, Load.DELIVERS})
"""Vehicles that come in under the declaration itself; one that receives came in empty, under a declaration of its own."""


@dataclass(frozen=True)
class Source:
    """A procedure and the text that it was read from. `published`: it came from the centre and stands over files."""

    file: str
    procedure: Procedure
    text: str = ""
    published: bool = False

    @property
    def name(self) -> str:
        """The file's name without its folder, or the fact's reference."""
        return self.file if self.published else self.file.rpartition("/")[2]

    def finding(self, message: str, *path: str | int) -> Finding:
        """What is wrong at a key."""
        return Finding(self.file, find_line(self.text, path), ".".join(map(str, path)), message)


def check(sources: Sequence[Source]) -> list[Finding]:
    """Everything that is wrong about procedures that a node holds together."""
    return [*alone(sources), *together(sources)]


def alone(sources: Sequence[Source]) -> list[Finding]:
    """What is wrong within each procedure."""
    return [finding for source in sources for rule in _RULES for finding in rule(source)]


def together(sources: Sequence[Source]) -> list[Finding]:
    """What is wrong between procedures, on any day and for a declaration of any day before."""
    findings = [*_twice(sources), *_overlaps(sources), *_strangers(sources)]
    for held in _sets(sources):
        findings += (*_continued(held), *_clashes(held))
    return list(dict.fromkeys(findings))


def misread(
    readings: Mapping[str, str], fee_before: Mapping[str, str], held: Sequence[Procedure]
) -> Iterator[tuple[tuple[str, str], str]]:
    """Settings that name what no version of a step or a procedure can be read as: the key, and what to write."""
    may_be: dict[str, set[str]] = {}
    fees: dict[str, set[str]] = {}
    for one in held:
        fees.setdefault(one.procedure, set()).update(one.fee_before.may_be if one.fee_before else ())
        for step in one.steps:
            may_be.setdefault(step.clause, set()).update(step.readings)
    for clause, name in readings.items():
        if name not in may_be.get(clause, ()):
            allowed = ", ".join(sorted(may_be.get(clause, ()))) or "nothing: its text is not ambiguous"
            yield ("readings", clause), f"{clause} has no reading {name!r}; write {allowed}"
    for khoan, name in fee_before.items():
        if name not in fees.get(khoan, ()):
            allowed = ", ".join(sorted(fees.get(khoan, ()))) or "nothing: no fee is asked for"
            yield ("fee_before", khoan), f"the fee of {khoan} is not asked for at {name!r}; write {allowed}"


# -- within one procedure


def _names(source: Source) -> Iterator[Finding]:
    """A procedure is a khoản; its steps are its own clauses, each once."""
    khoan = source.procedure.procedure
    if khoan.count(".") != 1:
        yield source.finding("a procedure is a khoản; write it as 4.2", "procedure")
        return
    first: dict[str, int] = {}
    for at, step in enumerate(source.procedure.steps):
        if step.clause != khoan and not step.clause.startswith(f"{khoan}."):
            message = f"{step.clause} is no clause of {khoan}; write {khoan} or one that begins with {khoan}."
            yield source.finding(message, "step", at, "clause")
        if first.setdefault(step.clause, at) != at:
            message = f"{step.clause} is step {first[step.clause] + 1} already; give each step its own clause"
            yield source.finding(message, "step", at, "clause")


def _texts(source: Source) -> Iterator[Finding]:
    """What officers read is Vietnamese first."""
    if not source.procedure.title.get("vi"):
        yield source.finding("no Vietnamese title; add vi", "title")
    for at, step in enumerate(source.procedure.steps):
        if not step.what.get("vi"):
            yield source.finding("no Vietnamese words for the step; add what.vi", "step", at, "what")


def _period(source: Source) -> Iterator[Finding]:
    """It ends after it began. On the same day means never in force: so a publication is taken back."""
    begins, ends = source.procedure.in_force_from, source.procedure.in_force_to
    if ends is not None and ends < begins:
        yield source.finding(f"it ends before {begins}, its first day; write a later day", "in_force_to")


def _confirming(source: Source) -> Iterator[Finding]:
    """Away from any boom somebody must be asked, and no vehicle is heading anywhere there."""
    for at, step in enumerate(source.procedure.steps):
        asked = step.agencies() or Actor.DECLARANT in step.confirm
        if step.place not in LANE_PLACES and not asked and step.standing is not Standing.UNKNOWN:
            yield source.finding("nobody confirms the step; name an agency", "step", at, "clause")
        if step.place not in LANE_PLACES and step.heading is not None:
            yield source.finding("no lane leads through there; leave it out", "step", at, "heading")


def _reach(source: Source) -> Iterator[Finding]:
    """A vehicle is led to the first step that is for it at a place and heading: a later one may be hidden altogether."""
    taken: dict[tuple[Place, Heading, Load], str] = {}
    for at, step in enumerate(source.procedure.steps):
        if Actor.DECLARANT in step.confirm:
            continue
        ways = _ways(step)
        if all(way in taken for way in ways):
            hidden = ", ".join(sorted({taken[way] for way in ways}))
            message = f"never reached: {hidden} stands there before it for the same vehicles; tell them apart by loads"
            yield source.finding(message, "step", at, "place")
        for way in ways:
            taken.setdefault(way, step.clause)


def _way_in(source: Source) -> Iterator[Finding]:
    """Nobody leaves who did not come in: before a barrier out stands one in, in this procedure or the one continued."""
    if source.procedure.continues:
        return
    steps = source.procedure.steps
    for at, step in enumerate(steps):
        without = _let_out(step) - {load for earlier in steps[:at] for load in _let_in(earlier)}
        if without:
            loads = ", ".join(sorted(without))
            message = (
                f"no step before it lets a vehicle in ({loads}); add the entry, `continues`, or other loads"
            )
            yield source.finding(message, "step", at, "place")


def _fee(source: Source) -> Iterator[Finding]:
    """The fee is asked for at a barrier that comes after the step at which it is collected."""
    procedure, rule = source.procedure, source.procedure.fee_before
    asked = [clause for clause in rule.may_be if clause != NO_FEE] if rule else []
    clauses = [step.clause for step in procedure.steps]
    collected = next((at for at, step in enumerate(procedure.steps) if step.confirm_one_of), None)
    if asked and collected is None:
        message = "no step collects the fee; add one with confirm_one_of, or write none"
        yield source.finding(message, "fee_before")
    barriers = ", ".join(step.clause for step in procedure.steps[collected or 0 :] if step.place in BARRIERS)
    for clause in asked:
        step = procedure.step(clause)
        if step is None:
            message = f"{clause} is no step here; write none or one of {barriers}"
        elif step.place not in BARRIERS:
            message = f"no barrier stands at {clause}; write none or one of {barriers}"
        elif collected is not None and clauses.index(clause) < collected:
            message = f"{clause} comes before {clauses[collected]}, where the fee is paid; write none or a later step"
        else:
            continue
        yield source.finding(message, "fee_before", "may_be")


_RULES: Sequence[Callable[[Source], Iterator[Finding]]] = (
    _names,
    _texts,
    _period,
    _confirming,
    _reach,
    _way_in,
    _fee,
)


# -- between procedures


def _twice(sources: Sequence[Source]) -> Iterator[Finding]:
    seen: dict[tuple[bool, str, date], Source] = {}
    for source in sources:
        one = source.procedure
        first = seen.setdefault((source.published, one.procedure, one.in_force_from), source)
        if first is not source:
            message = (
                f"{first.name} holds {one.procedure} from {one.in_force_from} already; change one of the two"
            )
            yield source.finding(message, "procedure")


def _overlaps(sources: Sequence[Source]) -> Iterator[Finding]:
    """A later version ends the one before it by itself; an end that is written must not contradict that."""
    for source, other in product(sources, repeat=2):
        one, later = source.procedure, other.procedure
        same = source.published == other.published and one.procedure == later.procedure
        ends, begins = one.in_force_to, later.in_force_from
        if same and ends is not None and one.in_force_from < begins < ends and _ever(later):
            message = f"{other.name} is in force from {begins}; write {begins}, or leave it out"
            yield source.finding(message, "in_force_to")


def _strangers(sources: Sequence[Source]) -> Iterator[Finding]:
    """What a procedure continues must be there."""
    known = {source.procedure.procedure for source in sources}
    for source in sources:
        for khoan in source.procedure.continues:
            if khoan not in known:
                message = f"no procedure {khoan} is held; mend the number or add its file"
                yield source.finding(message, "continues", khoan)


def _sets(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """Every set of versions by which a declaration may be judged: those of its day, and of a later day where they say so."""
    every = [source.procedure for source in sources]
    days = sorted({day for one in every for day in (one.in_force_from, one.in_force_to) if day})
    held = Procedures(
        [source.procedure for source in sources if not source.published],
        [source.procedure for source in sources if source.published],
    )
    for on, today in product(days, repeat=2):
        if on <= today:
            found = {id(one) for one in held.in_force(on, today)}
            yield [source for source in sources if id(source.procedure) in found]


def _continued(held: Sequence[Source]) -> Iterator[Finding]:
    by_khoan = {source.procedure.procedure: source.procedure for source in held}
    for source in held:
        for khoan, clauses in source.procedure.continues.items():
            earlier = by_khoan.get(khoan)
            if earlier is None:
                continue
            path = ("continues", khoan)
            strange = [clause for clause in clauses if earlier.step(clause) is None]
            if strange:
                message = f"{', '.join(strange)} is no step of {khoan}; mend it or leave it out"
                yield source.finding(message, *path)
            yield from _goes_on(source, earlier)


def _goes_on(source: Source, earlier: Procedure) -> Iterator[Finding]:
    """A step that continues another procedure: reached only where that has none, and by vehicles that it let in."""
    khoan = earlier.procedure
    taken = [step for step in earlier.steps if step.clause in source.procedure.continues[khoan]]
    entered = {load for step in taken for load in _let_in(step)}
    for at, step in enumerate(source.procedure.steps):
        if all(earlier.at(place, heading, load) for place, heading, load in _ways(step)):
            message = (
                f"never reached from {khoan}, which has a step there itself; leave {khoan} out of continues"
            )
            yield source.finding(message, "step", at, "place")
        if without := _let_out(step) - entered:
            loads = ", ".join(sorted(without))
            message = f"no step taken from {khoan} lets a vehicle in ({loads}); add its entry"
            yield source.finding(message, "continues", khoan)


@dataclass(frozen=True)
class _Road:
    """A procedure, and the one by which its vehicles were declared: itself, or one that it continues."""

    source: Source
    declared: Procedure

    def mark(self, name: str) -> object:
        """What a vehicle on this road must have been declared as; None when anything will do."""
        own = getattr(self.declared, name)
        return own or self.source.procedure.country if name == "country" else own

    def at(self, place: Place, heading: Heading, load: Load) -> Step | None:
        """The step there; none where the procedure that is continued has one itself."""
        own, step = self.declared, self.source.procedure.at(place, heading, load)
        return None if own is not self.source.procedure and own.at(place, heading, load) else step


def _clashes(held: Sequence[Source]) -> Iterator[Finding]:
    """Procedures that no declaration tells apart must ask for the same wherever both have a step."""
    for one, other in combinations(_roads(held), 2):
        if one.source is other.source or _told_apart(one, other):
            continue
        for place, heading in product(Place, Heading):
            at = _differs(one, other, place, heading)
            if at is not None:
                message = (
                    f"{one.source.procedure.procedure} ({one.source.name}) is for the same vehicles and asks for something"
                    f" else at {place} {heading}; make the two equal, or set direction, country, yard_location or purpose"
                    " apart"
                )
                yield other.source.finding(message, "step", at, "place")


def _roads(held: Sequence[Source]) -> Iterator[_Road]:
    by_khoan = {source.procedure.procedure: source.procedure for source in held}
    for source in held:
        if not source.procedure.continues:
            yield _Road(source, source.procedure)
        for khoan in source.procedure.continues:
            earlier = by_khoan.get(khoan)
            if earlier is not None and not _differ(earlier.country, source.procedure.country):
                yield _Road(source, earlier)


def _told_apart(one: _Road, other: _Road) -> bool:
    """Whether some declared value fits one of the two only."""
    names = ("direction", "laden", "country", "yard_location", "purpose")
    return any(_differ(one.mark(name), other.mark(name)) for name in names)


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other


def _differs(one: _Road, other: _Road, place: Place, heading: Heading) -> int | None:
    """Which step of the other road asks for something else at a place, in the files' own readings."""
    for load in Load:
        step = other.at(place, heading, load)
        if step is None or one.at(place, heading, load) is None:
            continue
        both = (one.source.procedure, other.source.procedure)
        if len({demands(each, place, heading, load, Settings()) for each in both}) > 1:
            return other.source.procedure.steps.index(step)
    return None


def _ever(procedure: Procedure) -> bool:
    return procedure.in_force_to is None or procedure.in_force_from < procedure.in_force_to


def _ways(step: Step) -> list[tuple[Place, Heading, Load]]:
    headings = tuple(Heading) if step.heading is None else (step.heading,)
    return list(product((step.place,), headings, step.loads))


def _let_in(step: Step) -> frozenset[Load]:
    """The loads that a step lets into the gate area."""
    enters = step.place in BARRIERS and step.heading is Heading.IN
    return frozenset(step.loads) if enters else frozenset()


def _let_out(step: Step) -> frozenset[Load]:
    """The loads that a step lets out of the gate area and that must have come in before."""
    leaves = step.place in BARRIERS and step.heading is Heading.OUT
    return DRIVEN_IN.intersection(step.loads) if leaves else frozenset()
