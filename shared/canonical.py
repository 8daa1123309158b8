"""Canonical JSON (RFC 8785) and the one hash used everywhere (SHA-256, lower-case hex).

Most values are of the part of JSON where Python's own encoder, written in C, gives the same bytes; one walk finds out which
way a value has to go. The tests hold both ways against each other.
"""

import hashlib
import json
from types import NoneType
from typing import Any

import rfc8785

MOST_DEPTH = 16

_MOST_WHOLE = 2**53
_ALIKE = frozenset({str, bool, NoneType})
_ENCODER = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
)

_NUL = b"\\u0000"

_SAME = 0
"""Python's encoder writes the value as RFC 8785 does."""
_WHOLE_FLOATS = 1
"""It does once floats without a fraction are integers: 18000.0 is written 18000."""
_OTHER = 2
"""It may not, or the value is no JSON: rfc8785 decides."""
_WIDE_FLOATS = 4
"""There are floats that are written as integers beyond 2**53: no reader who holds to that limit takes them."""


class NotCanonical(ValueError):
    """A value cannot be written as canonical JSON: a NaN, an integer beyond 2**53, U+0000, nesting too deep, a foreign type."""


def canonical(value: Any) -> bytes:
    """Gives the RFC 8785 bytes of a JSON value; raises NotCanonical."""
    return _written(value, _walk(value, MOST_DEPTH))


def canonical_member(value: Any) -> str:
    """The RFC 8785 text of a value that will stand one level down in another, and that can be read back; raises NotCanonical.

    Reading back is more than `canonical` asks: 1e20 is written as an integer that `canonical` itself refuses.
    """
    way = _walk(value, MOST_DEPTH - 1)
    if way & _WIDE_FLOATS:
        raise NotCanonical(
            "a number of 2**53 or more would be read back as another kind of number; write it smaller or as text"
        )
    return _written(value, way).decode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _written(value: Any, way: int) -> bytes:
    try:
        written = (
            rfc8785.dumps(value)
            if way & _OTHER
            else _ENCODER.encode(_whole(value) if way else value).encode()
        )
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError) as error:
        raise NotCanonical(str(error)) from error
    if _NUL in written and _has_nul(value):
        raise NotCanonical("a text holds U+0000, which no database keeps alike; leave the character out")
    return written


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(name) or _has_nul(part) for name, part in value.items())
    return isinstance(value, list | tuple) and any(map(_has_nul, value))


def _walk(value: Any, left: int) -> int:
    """Which way a value is written, flags or-ed over all its parts; raises NotCanonical when it nests too deep."""
    kind = type(value)
    if kind in _ALIKE:
        return _SAME
    if kind is int:
        return _SAME if -_MOST_WHOLE < value < _MOST_WHOLE else _OTHER
    if kind is float:
        return _way_of_float(value)
    if not isinstance(value, dict | list | tuple):
        return _OTHER
    if value and not left:
        raise NotCanonical(f"a fact nests deeper than {MOST_DEPTH} levels")
    way = _way_of_names(value) if isinstance(value, dict) else _SAME
    for part in value.values() if isinstance(value, dict) else value:
        if type(part) not in _ALIKE:
            way |= _walk(part, left - 1)
    return way


def _way_of_names(value: dict[Any, Any]) -> int:
    """Names in ASCII sort by code point as they sort by UTF-16 code unit."""
    try:
        return _SAME if "".join(value).isascii() else _OTHER
    except TypeError:
        return _OTHER


def _way_of_float(value: float) -> int:
    """Within these bounds neither Python nor ECMAScript writes an exponent, and both write the fewest digits."""
    size = abs(value)
    if value.is_integer():
        return _WHOLE_FLOATS if size < _MOST_WHOLE else _OTHER | (_WIDE_FLOATS if size < 1e21 else 0)
    return _SAME if 1e-4 <= size < 1e16 else _OTHER


def _whole(value: Any) -> Any:
    """The value with its floats that have no fraction as integers."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {name: part if type(part) in _ALIKE else _whole(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [part if type(part) in _ALIKE else _whole(part) for part in value]
    return value
