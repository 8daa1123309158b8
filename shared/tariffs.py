"""Tariffs of the fee (phí) as dated data: one file a resolution of the province, and what a vehicle owes by it.

The fee follows from the weight class, which the border guard confirms in the yard, and the kind and groups of goods, which
customs confirm there (4.2.d, 4.3.c, 5.2.d, 5.3.đ). Every number says how well it is known (`Backing`). What nobody knows
has no amount; it is never zero and never another group's. A file is TOML, read by `shared.configuration.parse`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.body import Code, Vnd
from shared.codes import Direction

Percent = Annotated[int, Field(gt=0, le=10_000, strict=True)]


class Backing(StrEnum):
    """Where a number is known from; the best first."""

    TEXT = "text"
    """The resolution's own text."""
    LIVE = "live"
    """Records of the running platform."""
    PRESS = "press"
    """A newspaper's report of it."""
    UNKNOWN = "unknown"
    """Nobody knows it; there is none."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Backed(_Table):
    """A table with numbers: how well they are known, and from where."""

    standing: Backing
    source: Annotated[str, Field(min_length=1)]


class WeightClass(_Backed):
    """A class of vehicles, `from_tonnes` up to but not `below_tonnes`, or from a container's length on."""

    code: Code
    words: Mapping[str, str]
    from_tonnes: Annotated[float, Field(ge=0)] | None = None
    below_tonnes: Annotated[float, Field(gt=0)] | None = None
    container_from_ft: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _bounds_are_known(self) -> Self:
        bounds = (self.from_tonnes, self.below_tonnes, self.container_from_ft)
        if (self.standing is Backing.UNKNOWN) != all(one is None for one in bounds):
            raise ValueError(
                'standing: write "unknown" where no bound is known, and only there; a known class has a bound'
            )
        return self


class GoodsGroup(_Table):
    """A group of goods that the resolution names."""

    code: Code
    words: Mapping[str, str]


class _Applies(_Backed):
    """To which directions and kinds (customs' codes, as E42) something applies; to all where none is named."""

    directions: tuple[Direction, ...] = ()
    kinds: tuple[Code, ...] = ()

    def fits(self, direction: Direction, kind: str) -> bool:
        """Whether it applies to a direction and kind."""
        return (not self.directions or direction in self.directions) and (
            not self.kinds or kind in self.kinds
        )


class Rate(_Applies):
    """What vehicles of some classes pay for a group of goods: an amount, or a percentage of what group `like` pays."""

    classes: tuple[Code, ...] = ()
    """Empty means every class of the file."""
    goods_group: Code
    amount_vnd: Vnd | None = None
    like: Code | None = None
    percent: Percent | None = None

    @model_validator(mode="after")
    def _amount_is_known(self) -> Self:
        known = (self.amount_vnd is not None) + (self.like is not None)
        if known != (self.standing is not Backing.UNKNOWN):
            raise ValueError(
                'standing: write "unknown" with no amount, or one of amount_vnd and like with its standing'
            )
        if (self.like is None) != (self.percent is None):
            raise ValueError("percent: write like and percent together")
        return self

    def covers(self, charged: "Charged", group: str) -> bool:
        """Whether it says what a vehicle pays for a group of goods."""
        of_class = not self.classes or charged.weight_class in self.classes
        return of_class and group == self.goods_group and self.fits(charged.direction, charged.kind)


class Use(StrEnum):
    """What a vehicle does with the gate's works beyond the usual, for which it pays more or less."""

    INLAND = "inland"
    TRANSFER_ONLY = "transfer_only"


class Multiplier(_Applies):
    """The percentage of its fee that a vehicle pays for a use."""

    use: Use
    percent: Percent


class Tariff(_Backed):
    """The tariff of one resolution; `in_force_to` is the first day on which it is no longer in force."""

    resolution: str
    title: Mapping[str, str]
    in_force_from: date
    in_force_to: date | None = None
    classes: Annotated[tuple[WeightClass, ...], Field(alias="weight_class", min_length=1)]
    groups: Annotated[tuple[GoodsGroup, ...], Field(alias="goods_group", min_length=1)]
    rates: Annotated[tuple[Rate, ...], Field(alias="rate")] = ()
    multipliers: Annotated[tuple[Multiplier, ...], Field(alias="multiplier")] = ()

    @model_validator(mode="after")
    def _codes_are_of_this_file(self) -> Self:
        classes, groups = [one.code for one in self.classes], [one.code for one in self.groups]
        for codes, what in ((classes, "weight_class"), (groups, "goods_group")):
            twice = sorted({one for one in codes if codes.count(one) > 1})
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} stands twice; give each its own code")
        for rate in self.rates:
            strange = {*rate.classes} - {*classes} | {rate.goods_group} - {*groups}
            if strange:
                raise ValueError(
                    f"rate: {', '.join(sorted(strange))} is no class or group of this file; add it or mend it"
                )
            if rate.like and any(one.like for one in self.rates if one.goods_group == rate.like):
                raise ValueError(f"rate: {rate.like} is itself like another group; name the one with amounts")
        if self.in_force_to is not None and self.in_force_to <= self.in_force_from:
            raise ValueError("in_force_to: is the first day after; write one later than in_force_from")
        return self

    def in_force(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.in_force_from <= day and (self.in_force_to is None or day < self.in_force_to)

    def rate(self, charged: "Charged", group: str) -> Rate | None:
        """The first rate in the file that covers a vehicle and a group of goods, or None."""
        return next((one for one in self.rates if one.covers(charged, group)), None)


@dataclass(frozen=True)
class Tariffs:
    """All tariffs that a node holds. No two are in force on one day (`shared.node.tariff_files` sees to it)."""

    all: tuple[Tariff, ...] = ()

    def on(self, day: date) -> Tariff | None:
        """The tariff in force on a day, or None."""
        return next((one for one in self.all if one.in_force(day)), None)


@dataclass(frozen=True)
class Charged:
    """What a fee follows from. `kind` is customs' code of the declaration (loại hình), as E42."""

    weight_class: str
    goods_groups: tuple[str, ...]
    kind: str
    direction: Direction
    inland: bool = False
    transfer_only: bool = False


class Unknown(StrEnum):
    """Why an amount is not known."""

    NO_TARIFF = "no_tariff"
    CLASS_NOT_IN_TARIFF = "class_not_in_tariff"
    GROUP_NOT_IN_TARIFF = "group_not_in_tariff"
    AMOUNT_NOT_KNOWN = "amount_not_known"
    """The tariff has the class and the group, and nobody knows the amount."""
    USES_EXCLUDE_EACH_OTHER = "uses_exclude_each_other"
    """A vehicle that is only transferred in the yard does not go inland."""
    USE_NOT_TOLD = "use_not_told"
    """Nobody said whether an import is transferred in the yard or goes inland."""


class Why(StrEnum):
    """What a line of a fee is for."""

    RATE = "rate"
    GOODS_GROUP = "goods_group"
    """What a group pays beyond, or below, the group that it is like."""
    INLAND = "inland"
    TRANSFER_ONLY = "transfer_only"


@dataclass(frozen=True)
class Line:
    """One part of a fee; below zero where it takes something off."""

    code: Why
    amount_vnd: int
    standing: Backing
    source: str


@dataclass(frozen=True)
class Due:
    """What is to be paid in whole đồng, the sum of its lines; or None, and why nobody can say."""

    amount_vnd: int | None
    lines: tuple[Line, ...] = ()
    unknown: Unknown | None = None

    @property
    def standing(self) -> Backing:
        """How well the amount is known: as its weakest line."""
        return max((line.standing for line in self.lines), key=list(Backing).index, default=Backing.UNKNOWN)


def fee_due(tariff: Tariff | None, charged: Charged) -> Due:
    """What a vehicle owes. Of several groups of goods the one that pays most counts: one that is unknown may be it."""
    if tariff is None:
        return Due(None, unknown=Unknown.NO_TARIFF)
    if charged.weight_class not in {one.code for one in tariff.classes}:
        return Due(None, unknown=Unknown.CLASS_NOT_IN_TARIFF)
    if not charged.goods_groups or {*charged.goods_groups} - {one.code for one in tariff.groups}:
        return Due(None, unknown=Unknown.GROUP_NOT_IN_TARIFF)
    if charged.inland and charged.transfer_only:
        return Due(None, unknown=Unknown.USES_EXCLUDE_EACH_OTHER)
    dues = [_due_of(tariff, charged, group) for group in sorted({*charged.goods_groups})]
    unknown = next((one for one in dues if one.amount_vnd is None), None)
    return unknown or max(dues, key=lambda one: one.amount_vnd or 0)


def _due_of(tariff: Tariff, charged: Charged, group: str) -> Due:
    lines = list(_basic(tariff, charged, group))
    if not lines:
        return Due(None, unknown=Unknown.AMOUNT_NOT_KNOWN)
    for use in _uses(charged):
        found = [one for one in tariff.multipliers if one.use is use]
        applied = next((one for one in found if one.fits(charged.direction, charged.kind)), None)
        if applied is not None:
            lines.append(_share(Why(use.value), _sum(lines), applied.percent, applied))
        elif not found:
            return Due(None, unknown=Unknown.AMOUNT_NOT_KNOWN)
    return Due(_sum(lines), tuple(lines))


def _basic(tariff: Tariff, charged: Charged, group: str) -> Iterable[Line]:
    """The lines of a group's rate; none where it is not known."""
    rate = tariff.rate(charged, group)
    if rate is None:
        return
    if rate.amount_vnd is not None:
        yield Line(Why.RATE, rate.amount_vnd, rate.standing, rate.source)
    elif rate.like is not None and rate.percent is not None:
        for line in _basic(tariff, charged, rate.like):
            yield line
            yield _share(Why.GOODS_GROUP, line.amount_vnd, rate.percent, rate)


def _share(code: Why, amount_vnd: int, percent: int, backed: _Backed) -> Line:
    """What a percentage adds to an amount, half a đồng rounded up."""
    return Line(code, (amount_vnd * percent + 50) // 100 - amount_vnd, backed.standing, backed.source)


def _uses(charged: Charged) -> Iterable[Use]:
    if charged.inland:
        yield Use.INLAND
    if charged.transfer_only:
        yield Use.TRANSFER_ONLY


def _sum(lines: Iterable[Line]) -> int:
    return sum(line.amount_vnd for line in lines)
