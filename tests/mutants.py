"""Wrong procedure files: each with a single field of a good one changed, dropped, emptied, added to or put in another order.

What a field is changed to is of its own kind, so that most mutants are good files with another meaning.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Any

from shared.codes import (
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
from shared.procedures import Matter, Queries

Path = tuple[str | int, ...]
Table = Mapping[str, Any]
ENUMS: Mapping[str, Sequence[type[StrEnum]]] = {
    "direction": [Direction],
    "country": [Country],
    "yard_location": [YardLocation],
    "purpose": [Purpose],
    "place": [Place],
    "heading": [Heading],
    "opens": [Agency, Actor],
    "queries": [Queries],
    "standing": [Standing],
}
"""Keys with one value of an enum."""

LISTS: Mapping[str, Sequence[type[StrEnum]]] = {
    "loads": [Load],
    "confirm": [Agency, Actor],
    "confirm_if_required": [Agency],
    "confirm_if_transfer": [Agency],
    "confirm_one_of": [Agency],
    "declares": [Matter],
}
"""Keys with several values of an enum."""

VALUES = ("amount_vnd", "customs_kind", "goods_group", "result", "transfer", "weight_class")
"""What the shipped files have agencies say."""

CAN_LACK = (Matter.DRIVER.value, Matter.GOODS.value, Matter.PERMIT.value)
"""What a declaration can be without, an empty vehicle's one goods apart; the other parts are there in every one."""


@dataclass(frozen=True)
class Mutant:
    """A procedure with one field wrong. `file`: that it was made from; `key`, `change`: what is wrong in it."""

    file: str
    key: str
    change: str
    table: Table

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.change}"


def mutants(file: str, table: Table, clauses: Sequence[str]) -> Iterator[Mutant]:
    """Every mutant of a procedure file. `clauses`: of all steps of all files."""
    for path, value in _fields(table):
        for change, other in (*_changes(table, path, value, clauses), ("left out", _DROPPED)):
            wrong = _with(table, path, other)
            if wrong != table:
                yield Mutant(file, _named(table, path), change, wrong)


def as_toml(table: Table) -> str:
    """A table as TOML text; what stands in it may be anything that a procedure file holds."""
    return "".join(
        f"{json.dumps(key, ensure_ascii=False)} = {_toml(value)}\n" for key, value in table.items()
    )


_DROPPED = object()


def _toml(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        inner = (f"{json.dumps(key, ensure_ascii=False)} = {_toml(one)}" for key, one in value.items())
        return f"{{{', '.join(inner)}}}"
    return json.dumps(value, ensure_ascii=False)


def _fields(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every key of every table, and every table of an array."""
    inner: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        inner = enumerate(value)
    for key, one in inner:
        yield (*path, key), one
        yield from _fields(one, (*path, key))


def _changes(table: Table, path: Path, value: Any, clauses: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """What the field at a path could wrongly say instead."""
    key, within = path[-1], path[-2] if len(path) > 1 else None
    if within in ("what", "title", "note"):
        yield "emptied", ""
    elif isinstance(value, bool):
        yield f"{not value}", not value
    elif isinstance(value, date):
        yield from ((f"{by:+} year", value.replace(year=value.year + by)) for by in (-1, 1))
    elif key in ENUMS:
        yield from ((f"{one} for {value}", one) for one in _members(ENUMS[key]) if one != value)
    elif key in LISTS:
        ordered = _holder(table, path).get("ordered", False)
        yield from _edits(
            value, _addable(table, path, _members(LISTS[key])), swaps=ordered and key == "confirm"
        )
    elif within in ("values", "matter"):
        yield from _edits(value, VALUES if within == "values" else list(Matter))
    elif within == "continues" or key == "may_be":
        khoan = str(key) if within == "continues" else str(table["procedure"])
        yield from _edits(value, [one for one in clauses if one.startswith(f"{khoan}.")])
    elif key == "reading":
        others = table["fee_before"]["may_be"] if within == "fee_before" else _holder(table, path)["readings"]
        yield from ((f"{one} for {value}", one) for one in others if one != value)
    elif key in ("clause", "procedure"):
        yield "another name", "9.9"


def _edits(
    value: Sequence[str], all_: Sequence[str], *, swaps: bool = False
) -> Iterator[tuple[str, list[str]]]:
    """A list with one entry less, one more, or two neighbours in the other order."""
    for at, one in enumerate(value):
        yield f"without {one}", [*value[:at], *value[at + 1 :]]
    for one in all_:
        if one not in value:
            yield f"with {one}", [*value, one]
    if swaps:
        for at, (one, other) in enumerate(pairwise(value)):
            yield f"{other} before {one}", [*value[:at], other, one, *value[at + 2 :]]


def _addable(table: Table, path: Path, members: Sequence[str]) -> Sequence[str]:
    """What can be told apart from what stands there: an agency that confirms in any case is not asked again in a special one."""
    if path[-1] == "declares":
        return [one for one in CAN_LACK if table["laden"] or one != Matter.GOODS]
    if path[-1] not in ("confirm_if_required", "confirm_if_transfer"):
        return members
    return [one for one in members if one not in _holder(table, path).get("confirm", ())]


def _members(enums: Iterable[type[StrEnum]]) -> list[str]:
    return [one.value for enum in enums for one in enum]


def _holder(table: Table, path: Path) -> Table:
    """The step in which a path lies; the procedure where it lies in none."""
    holder: Table = table["step"][path[1]] if path[0] == "step" else table
    return holder


def _with(table: Table, path: Path, value: Any) -> Table:
    changed: Any = deepcopy(table)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if value is _DROPPED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed  # type: ignore[no-any-return]


def _named(table: Table, path: Path) -> str:
    """A path as it is read: a step by its clause."""
    if path[0] == "step" and len(path) > 1:
        path = (table["step"][path[1]]["clause"], *path[2:])
    return ".".join(map(str, path)) if len(path) < 2 else f"{path[0]} {'.'.join(map(str, path[1:]))}"
