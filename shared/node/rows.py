"""Facts as rows of the table `facts`."""

import json
from collections.abc import Sequence
from typing import Any

from shared.facts import Fact

COLUMNS = "v, journal, seq, at, kind, subject, body, prev, hash"
INSERT = (
    f"INSERT INTO facts(position, branch, flaw, {COLUMNS})" + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def fact_of(row: Sequence[Any]) -> Fact:
    """The fact of a row of `COLUMNS`."""
    v, journal, seq, at, kind, subject, body, prev, digest = row
    return Fact(v, journal, seq, at, kind, subject, json.loads(body), prev, digest, body)


def row_of(position: int, branch: int, fact: Fact, flaw: str | None) -> tuple[Any, ...]:
    """The row of a fact, for `INSERT`."""
    return (
        position,
        branch,
        flaw,
        fact.v,
        fact.journal,
        fact.seq,
        fact.at,
        fact.kind,
        fact.subject,
        fact.text_of_body(),
        fact.prev,
        fact.hash,
    )
