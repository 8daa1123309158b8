"""TOML files checked against a model, with errors that name file, line, key and what to write instead.

Pure: text in, values or findings out. Reading the file is the caller's.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

_NAME = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_DOTTED = rf"(?P<names>(?:{_NAME.pattern})(?:\s*\.\s*(?:{_NAME.pattern}))*)"
_HEADER = re.compile(rf"\s*\[(?P<array>\[?)\s*{_DOTTED}\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(rf"\s*{_DOTTED}\s*=")


@dataclass(frozen=True)
class Finding:
    """One thing wrong in a file, written `file:line: key: what is wrong; what to write`."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.message}"


class BadConfiguration(Exception):
    """A configuration file cannot be used; `findings` says where and what to write."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


def parse(text: str, file: str, model: type[Model]) -> Model:
    """Reads TOML text into a model; raises BadConfiguration with a finding for every wrong key."""
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        where = int(line[1]) if line else text.count("\n") + 1
        raise BadConfiguration([Finding(file, where, "TOML", f"{error}; mend the syntax")]) from error
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise BadConfiguration(_findings(text, file, error.errors())) from error


def find_line(text: str, path: Sequence[Any]) -> int:
    """The 1-based line on which the key at `path` stands, or the nearest table above it."""
    found, deepest = 1, 0
    for number, here in _paths(text):
        depth = _common(here, path)
        if depth > deepest:
            found, deepest = number, depth
    return found


def _paths(text: str) -> Iterator[tuple[int, tuple[str | int, ...]]]:
    """Every header and key of a TOML text with its line, tables of an array numbered as in the parsed value."""
    table: tuple[str | int, ...] = ()
    arrays: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _resolved(_names(header["names"]), arrays)
            if header["array"]:
                arrays[table] = arrays.get(table, -1) + 1
                table = (*table, arrays[table])
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, *_names(key["names"]))


def _resolved(names: Sequence[str], arrays: Mapping[tuple[str | int, ...], int]) -> tuple[str | int, ...]:
    """A header's path: a name that is an array of tables, other than the last, means its newest table."""
    path: tuple[str | int, ...] = ()
    for name in names:
        if path in arrays:
            path = (*path, arrays[path])
        path = (*path, name)
    return path


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(name.strip("\"'") for name in _NAME.findall(dotted))


def _common(one: Sequence[Any], other: Sequence[Any]) -> int:
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))


def _findings(text: str, file: str, errors: Iterable[Any]) -> list[Finding]:
    """One finding a key; a value that fits no member of a union has one error for each member."""
    by_path: dict[tuple[Any, ...], list[Any]] = {}
    for error in errors:
        by_path.setdefault(tuple(filter(_stands_in_file, error["loc"])), []).append(error)
    return [
        Finding(file, find_line(text, path), ".".join(map(str, path)) or "file", _advice(same))
        for path, same in by_path.items()
        if not _follows_from_others(path, same, by_path)
    ]


def _follows_from_others(path: Sequence[Any], errors: Sequence[Any], paths: Iterable[Sequence[Any]]) -> bool:
    """A list whose only items are wrong counts as too short as well: what is wrong is told at the items."""
    below = any(len(other) > len(path) and other[: len(path)] == path for other in paths)
    return below and all(error["type"] == "too_short" for error in errors)


def _stands_in_file(part: Any) -> bool:
    """False for what pydantic adds to a location: `function-after[…]`, `str-enum[…]`."""
    return not (isinstance(part, str) and part.endswith(("]", "()")))


def _advice(errors: Sequence[Any]) -> str:
    error = errors[0]
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return "this key is not known; remove it or mend its spelling"
        case "missing":
            return "this key is missing; add it"
        case "enum" | "literal_error":
            allowed = ", ".join(str(one.get("ctx", {}).get("expected", "")) for one in errors)
            return f"{error['input']!r} is not allowed; write one of {allowed}"
        case "value_error":
            return str(context.get("error", error["msg"]))
        case _:
            shown = repr(error["input"])
            return f"{error['msg'].lower()}; it says {shown if len(shown) < 80 else shown[:77] + '…'}"
