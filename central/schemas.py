"""JSON Schemas (draft 2020-12) of every fact kind and MQTT payload, for whoever writes another node."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shared.bodies import BODIES
from shared.checkpoint import Manifest
from shared.facts import NO_HASH
from shared.protocol import PAYLOADS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_HASH = {"type": "string", "pattern": f"^[0-9a-f]{{{len(NO_HASH)}}}$"}


def write(folder: Path) -> list[Path]:
    """Writes `facts/KIND.V.json` and `payloads/NAME.json` below a folder; gives the files. Raises OSError."""
    written = []
    for name, schema in schemas():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        written.append(path)
    return written


def schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema with its name."""
    for (kind, version), body in BODIES.items():
        yield f"facts/{kind}.{version}", fact_schema(kind, version, body)
    payloads: dict[str, type[BaseModel]] = {**PAYLOADS, "checkpoint": Manifest}
    for name, payload in payloads.items():
        schema = payload.model_json_schema()
        yield f"payloads/{name}", {"$schema": DIALECT, "$id": f"urn:barie:payload:{name}:1", **schema}


def fact_schema(kind: str, version: int, body: type[BaseModel]) -> dict[str, Any]:
    """The schema of a whole fact of one kind: the envelope with that kind's body."""
    schema = body.model_json_schema()
    definitions = schema.pop("$defs", {})
    members = {
        "v": {"const": version},
        "journal": {"type": "string", "pattern": r"^[a-zA-Z0-9-]{1,60}\.[1-9][0-9]{0,5}$"},
        "seq": {"type": "integer", "minimum": 1, "exclusiveMaximum": 2**53},
        "at": {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[0-9a-f]{4}$",
            "description": "hybrid logical clock: UTC milliseconds, and a count within the millisecond",
        },
        "kind": {"const": kind},
        "subject": {"type": "string", "maxLength": 200},
        "body": schema,
        "prev": _HASH | {"description": "hash of the fact before it in its journal; zeros for the first"},
        "hash": _HASH | {"description": "SHA-256 of the canonical JSON (RFC 8785) of all other members"},
    }
    return {
        "$schema": DIALECT,
        "$id": f"urn:barie:fact:{kind}:{version}",
        "title": f"fact {kind}, version {version}",
        "description": schema.get("description", ""),
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
        "$defs": definitions,
    }
