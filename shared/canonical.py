"""Canonical JSON (RFC 8785) and the one hash used everywhere (SHA-256, lower-case hex)."""

import hashlib
from typing import Any

import rfc8785

MOST_DEPTH = 16


class NotCanonical(ValueError):
    """A value cannot be written as canonical JSON (a NaN, an integer beyond 2**53, nesting too deep, a foreign type)."""


def canonical(value: Any) -> bytes:
    """Gives the RFC 8785 bytes of a JSON value; raises NotCanonical."""
    if _too_deep(value, MOST_DEPTH):
        raise NotCanonical(f"a fact nests deeper than {MOST_DEPTH} levels")
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError) as error:
        raise NotCanonical(str(error)) from error


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _too_deep(value: Any, left: int) -> bool:
    if left < 0:
        return True
    if isinstance(value, dict):
        return any(_too_deep(item, left - 1) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_too_deep(item, left - 1) for item in value)
    return False
