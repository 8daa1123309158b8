"""Procedures of the decree as data: ordered steps with place, who confirms, who opens, clause and standing.

A procedure file is TOML, read by `shared.configuration.parse`, which names file, line, key and what to write.
What the text leaves open is a setting with named readings (`Settings`); the reading in use is part of every explanation.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.body import Clause, Code
from shared.canonical import digest
from shared.codes import (
    BARRIERS,
    LANE_PLACES,
    YARD_GATES,
    Actor,
    Agency,
    Country,
    Direction,
    Heading,
    Load,
    Place,
    Purpose,
    Standing,
    YardLocation,
)
from shared.settings import NO_FEE, Settings

_DAYS = 128
"""Days whose procedures are remembered: vehicles under way were declared on a few of them."""


class Queries(StrEnum):
    """What the cameras' query asks for at a step, by the step's own text."""

    DECLARED = "declared"
    EARLIER_STATES = "earlier_states"


class Matter(StrEnum):
    """Parts of a declaration that an agency may answer for."""

    VEHICLE = "vehicle"
    DRIVER = "driver"
    GOODS = "goods"
    PERMIT = "permit"
    QUARANTINE = "quarantine"
    WAY = "way"
    """Procedure, direction, yard, purpose."""


ALL_MATTER = tuple(Matter)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class Reading(_Table):
    """One way to read a step whose text is ambiguous. `standing`: where it reads a step that the text does not carry."""

    confirm: tuple[Agency | Actor, ...] = ()
    standing: Standing | None = None
    note: Mapping[str, str] = {}


class FeeBefore(_Table):
    """At which step the fee must have been confirmed; no text says it, so it is a named setting (border facts, A4)."""

    reading: Clause | Literal["none"]
    may_be: Annotated[tuple[Clause | Literal["none"], ...], Field(min_length=1)]
    standing: Standing

    @model_validator(mode="after")
    def _reading_is_named(self) -> Self:
        if self.reading not in self.may_be:
            raise ValueError(f"reading: write one of {', '.join(self.may_be)}")
        return self


class Step(_Table):
    """One step: a clause, where it happens, who confirms (in this order if `ordered`), who opens.

    `loads`: the vehicles that it is for; `declares`: what a declarant's step asks to be declared; `values`: what an agency's
    confirmation must say; `matter`: what an agency answers for by the step's own line, everything where nothing is said.
    """

    clause: Clause
    place: Place
    heading: Heading | None = None
    loads: tuple[Load, ...] = tuple(Load)
    confirm: tuple[Agency | Actor, ...] = ()
    confirm_if_required: tuple[Agency, ...] = ()
    confirm_if_transfer: tuple[Agency, ...] = ()
    confirm_one_of: tuple[Agency, ...] = ()
    ordered: bool = False
    opens: Agency | Actor | None = None
    queries: Queries = Queries.DECLARED
    declares: tuple[Matter, ...] = ()
    values: Mapping[Agency, tuple[Code, ...]] = {}
    matter: Mapping[Agency, tuple[Matter, ...]] = {}
    gps: bool = False
    standing: Standing
    readings: Mapping[str, Reading] = {}
    reading: str | None = None
    what: Mapping[str, str]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        fault = next(_faults(self), None)
        if fault is not None:
            raise ValueError(fault)
        return self

    def in_reading(self, name: str | None) -> "Step":
        """This step read in the named way; in the file's own choice when None or when the name is not known."""
        chosen = self.readings.get(name or "") or self.readings.get(self.reading or "")
        if chosen is None:
            return self
        return self.model_copy(
            update={"confirm": chosen.confirm, "standing": chosen.standing or self.standing}
        )

    def confirmers(self) -> frozenset[Agency | Actor]:
        """Everybody who confirms here in any case, in whatever reading."""
        told = (self.confirm, *(reading.confirm for reading in self.readings.values()))
        return frozenset(one for confirm in told for one in confirm)

    def agencies(self) -> frozenset[Agency]:
        """Every agency that may be asked here, in whatever reading."""
        named = {one for one in self.confirmers() if isinstance(one, Agency)}
        return frozenset(named.union(self.confirm_if_required, self.confirm_if_transfer, self.confirm_one_of))

    def matter_of(self, agency: Agency | Actor) -> tuple[Matter, ...]:
        """What an agency answers for at this step."""
        return self.matter.get(agency, ALL_MATTER) if isinstance(agency, Agency) else ALL_MATTER

    def demands(self) -> tuple[Any, ...]:
        """What the step asks of a vehicle before it: two steps with equal demands need not be told apart."""
        confirm = self.confirm if self.ordered else frozenset(self.confirm)
        return (
            confirm,
            frozenset(self.confirm_if_required),
            frozenset(self.confirm_if_transfer),
            frozenset(self.confirm_one_of),
            self.ordered,
            self.opens,
            self.queries,
            self.standing is Standing.UNKNOWN,
            frozenset((agency, frozenset(codes)) for agency, codes in self.values.items()),
        )


def _faults(step: Step) -> Iterator[str]:
    """What in a step cannot be meant, as `key: what is wrong; what to write`."""
    if step.readings and step.reading not in step.readings:
        yield f"reading: name the one in use, one of {', '.join(sorted(step.readings))}"
    if step.readings and step.confirm:
        yield "confirm: the readings say who confirms; leave it out"
    if step.standing is Standing.AMBIGUOUS and not step.readings:
        yield "readings: an ambiguous step lists the readings it can take"
    if step.place in BARRIERS and step.opens is not Agency.BORDER_GUARD:
        yield 'opens: at a barrier only the border guard opens; write opens = "border_guard"'
    if step.place in YARD_GATES and step.opens is not Actor.DEVICE:
        yield 'opens: a yard gate is opened by the device; write opens = "device"'
    if step.place not in LANE_PLACES and step.opens is not None:
        yield "opens: no boom stands there; leave it out"
    if step.place in LANE_PLACES and step.heading is None:
        yield 'heading: say which way it goes; write "in" or "out"'
    if Actor.DECLARANT in step.confirmers() and (step.place is not Place.ONLINE or len(_asked(step)) > 1):
        yield "confirm: the declarant's step is online and nobody else's; give the others a step of their own"
    if step.place not in YARD_GATES and {Actor.DEVICE, Actor.YARD_OPERATOR} & step.confirmers():
        yield "confirm: a device confirms at yard gates only; name agencies"
    if step.standing is Standing.UNKNOWN and step.agencies():
        yield "confirm: nobody knows the text; leave it empty"
    if not step.loads:
        yield "loads: the step is for no vehicle; name one, or leave it out for all"
    if step.ordered and len(step.agencies()) < 2:
        yield "ordered: an order needs two agencies; write false"
    if strange := sorted((set(step.values) | set(step.matter)) - step.agencies()):
        yield f"values, matter: {', '.join(strange)} is not asked here; add it to confirm or remove it"


def _asked(step: Step) -> frozenset[Agency | Actor]:
    return step.confirmers() | step.agencies()


class Judges(StrEnum):
    """Which declarations a new version of a procedure judges."""

    NEW_DECLARATIONS = "new_declarations"
    """Those declared from its first day on."""
    ALL_DECLARATIONS = "all_declarations"
    """Those, too, that were declared before."""


class Procedure(_Table):
    """A procedure: one khoản, its steps in the printed order, and the declarations it is for.

    `continues`: it has no declaration of its own; for each khoản whose vehicles it takes on, the steps that then lie before it.
    """

    procedure: Clause
    title: Mapping[str, str]
    in_force_from: date
    in_force_to: date | None = None
    judges: Judges = Judges.NEW_DECLARATIONS
    direction: Direction | None = None
    laden: bool
    country: Country | None = None
    yard_location: YardLocation | None = None
    purpose: Purpose | None = None
    continues: Mapping[Clause, tuple[Clause, ...]] = {}
    fee_before: FeeBefore | None = None
    steps: Annotated[tuple[Step, ...], Field(alias="step", min_length=1)]

    @model_validator(mode="after")
    def _continues_empty(self) -> Self:
        if self.continues and self.laden:
            raise ValueError("laden: who continues another goes on empty; write false")
        return self

    @cached_property
    def hash(self) -> str:
        """Digest of the whole procedure; decisions carry it so that they can be made again."""
        return digest(self.model_dump(mode="json"))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> "Procedure":
        """A copy; its hash is its own, not the one that the original has remembered."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("hash", None)
        return copy

    def began(self, on: date) -> bool:
        """True from the first day in force on. Old declarations are judged by a procedure that has since ended."""
        return self.in_force_from <= on

    def in_force(self, on: date) -> bool:
        """True from the first day in force until the day before it ends."""
        return self.began(on) and (self.in_force_to is None or on < self.in_force_to)

    def at(self, place: Place, heading: Heading | None, load: Load | None = None) -> Step | None:
        """The step at a place in a heading for a vehicle of that load (any when None), or None; never the declarant's own."""
        return next(
            (
                s
                for s in self.steps
                if s.place is place
                and s.heading in (heading, None)
                and (load is None or load in s.loads)
                and Actor.DECLARANT not in s.confirm
            ),
            None,
        )

    def step(self, clause: str) -> Step | None:
        """The step of a clause, or None."""
        return next((s for s in self.steps if s.clause == clause), None)

    def before(self, step: Step) -> tuple[Step, ...]:
        """The steps printed before one, in whatever reading that one is."""
        return self.steps[: [one.clause for one in self.steps].index(step.clause)]

    def continuing(self, earlier: "Procedure") -> "Procedure":
        """This procedure with the steps of the one it continues before its own."""
        taken = self.continues.get(earlier.procedure, ())
        before = tuple(step for step in earlier.steps if step.clause in taken)
        return self.model_copy(update={"steps": (*before, *self.steps), "judges": earlier.judges})

    def fee_step(self, settings: Settings) -> Clause | None:
        """The clause at which the fee must have been confirmed, in the reading in use; None when no step asks for it."""
        if self.fee_before is None:
            return None
        chosen = settings.fee_before.get(self.procedure, self.fee_before.reading)
        if chosen not in self.fee_before.may_be:
            chosen = self.fee_before.reading
        return None if chosen == NO_FEE else chosen


class Procedures:
    """The procedures a node holds, by khoản and by the day of a declaration.

    `published`: those that came from the centre as facts. On a day on which one of them is in force for a khoản, the node's
    own files of that khoản say nothing; else the files do.
    """

    def __init__(self, files: Sequence[Procedure], published: Sequence[Procedure] = ()) -> None:
        self.files = tuple(files)
        self.published = tuple(published)
        self._judging = lru_cache(maxsize=_DAYS)(self._by_khoan)
        self._under_published: Procedures | None = None

    @property
    def all(self) -> tuple[Procedure, ...]:
        """Every version of every khoản, the published ones first."""
        return (*self.published, *self.files)

    def with_published(self, published: Sequence[Procedure]) -> "Procedures":
        """The same files under what the centre has published; the same object while that stays as it is."""
        last = self._under_published
        if last is None or last.published != tuple(published):
            last = self._under_published = Procedures(self.files, published)
        return last

    def find(self, procedure: str, on: date, today: date | None = None) -> Procedure | None:
        """The version that judges a declaration of the day `on`, or None.

        It is the one in force on that day, unless one in force `today` says that it judges earlier declarations too.
        """
        newest = self._in_force(procedure, today or on)
        if newest is not None and newest.judges is Judges.ALL_DECLARATIONS:
            return newest
        return self._in_force(procedure, on)

    def in_force(self, on: date, today: date | None = None) -> tuple[Procedure, ...]:
        """The version of every khoản that judges a declaration of the day `on`, by khoản."""
        return self._judging(on, today)

    def _by_khoan(self, on: date, today: date | None) -> tuple[Procedure, ...]:
        names = sorted({one.procedure for one in self.all})
        return tuple(found for name in names if (found := self.find(name, on, today)) is not None)

    def _in_force(self, procedure: str, on: date) -> Procedure | None:
        for source in (self.published, self.files):
            found = [p for p in source if p.procedure == procedure and p.in_force(on)]
            if found:
                return max(found, key=lambda one: one.in_force_from)
        return None

    @property
    def hash(self) -> str:
        """Digest over all procedures."""
        return digest(sorted(p.hash for p in self.all))
