"""JSON Schemas: what they allow is what nodes write."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from central import schemas
from central.centre import Centre
from shared.bodies import BODIES
from shared.protocol import PAYLOADS, batches, encode

Schemas = Mapping[str, Any]


@pytest.fixture(scope="module")
def all_schemas() -> Schemas:
    return dict(schemas.schemas())


def test_every_fact_kind_and_payload_has_a_schema_that_is_one(all_schemas: Schemas) -> None:
    facts = {f"facts/{kind}.{version}" for kind, version in BODIES}
    assert all_schemas.keys() == facts | {f"payloads/{name}" for name in (*PAYLOADS, "checkpoint")}
    for schema in all_schemas.values():
        Draft202012Validator.check_schema(schema)


def test_facts_as_they_are_written_fit_their_schema(
    all_schemas: Schemas, ask: Any, administer: Any, centre: Centre, declaration: Any, passage: Any
) -> None:
    declared = ask("POST", "/api/declarations", json=declaration).json()
    ask("POST", f"/api/declarations/{declared['no']}/recall", json={"reason": "thử"})
    administer("POST", "/api/officers", json={"officer": "bp-1", "agency": "border_guard", "site": "CKHN"})
    administer("POST", "/api/officers/bp-1/revoke")
    passage(declared["no"], declared["ref"])

    facts = [fact for _, fact in centre.store.since(0)]

    assert len({fact.kind for fact in facts}) == 8
    for fact in facts:
        Draft202012Validator(all_schemas[f"facts/{fact.kind}.{fact.v}"]).validate(fact.envelope())


@pytest.mark.parametrize(
    "wrong", [{"kind": "amended"}, {"seq": 0}, {"hash": "short"}, {"more": 1}, {"body": {}}]
)
def test_a_fact_that_is_not_of_its_form_does_not_fit(
    all_schemas: Schemas, ask: Any, centre: Centre, declaration: Any, wrong: Any
) -> None:
    ask("POST", "/api/declarations", json=declaration)
    envelope = centre.store.since(0)[0][1].envelope() | wrong

    with pytest.raises(ValidationError):
        Draft202012Validator(all_schemas["facts/declared.1"]).validate(envelope)


def test_a_batch_on_the_wire_fits_its_schema(
    all_schemas: Schemas, ask: Any, centre: Centre, declaration: Any
) -> None:
    ask("POST", "/api/declarations", json=declaration)
    page = centre.store.page("centre-CKHN.1", 0)
    assert page is not None
    (batch,) = batches(page[0], centre.journals.key)

    Draft202012Validator(all_schemas["payloads/facts"]).validate(json.loads(encode(batch)))


def test_they_are_written_as_files(tmp_path: Path) -> None:
    written = schemas.write(tmp_path)

    assert tmp_path / "facts" / "declared.1.json" in written
    assert json.loads((tmp_path / "payloads" / "vector.json").read_text(encoding="utf-8"))["$schema"]
