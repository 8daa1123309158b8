"""The documents say what the code does: kinds, topics, commands, files, and the worked examples of the protocol."""

import base64
import hashlib
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from shared.acl import NodeAccess, acl_text
from shared.bodies import BODIES, read_body
from shared.canonical import canonical, digest
from shared.checkpoint import MOST_PART_BYTES, PART_FACTS, Manifest, open_part
from shared.facts import MOST_FACT_BYTES, PrivateValue
from shared.node.beginning import LEAP
from shared.node.sync import MOST_PARKED
from shared.node.witnesses import MOST_HEADS
from shared.protocol import (
    MOST_BATCH_BYTES,
    MOST_KNOWN,
    MOST_PAYLOAD_BYTES,
    PAGE_FACTS,
    PAYLOADS,
    ROOT,
    Ask,
    Batch,
    Message,
    Status,
    Vector,
    decode,
    open_batch,
)
from shared.signing import PrivateKey, PublicKey

ROOT_FOLDER = Path(__file__).parents[1]
DOCS = ROOT_FOLDER / "docs"
PROTOCOL = (DOCS / "protocol.md").read_text(encoding="utf-8")
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT_FOLDER.glob("*.md")])


def block(name: str) -> str:
    """The fenced block of the protocol page with this name after its fence."""
    found = re.search(rf"^```{re.escape(name)}\n(.*?)\n```$", PROTOCOL, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[1]


def members_by_kind() -> dict[tuple[str, int], set[str]]:
    """The rows of the kinds table: members by kind and version, `?` where they may be left out."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d+) \| .*\| ([^|]*) \|$", PROTOCOL, re.MULTILINE)
    return {(kind, int(v)): set(re.findall(r"`([a-z_]+\??)`", members)) for kind, v, members in rows}


def test_every_kind_stands_in_the_protocol_with_its_members() -> None:
    expected = {
        kind: {name if field.is_required() else f"{name}?" for name, field in model.model_fields.items()}
        for kind, model in BODIES.items()
    }
    assert members_by_kind() == expected


def test_every_topic_and_payload_stands_in_the_protocol() -> None:
    topics = set(re.findall(rf"^\| `{ROOT}/([a-z]+)/\{{site\}}", PROTOCOL, re.MULTILINE))
    assert topics == {*PAYLOADS, "checkpoint", "pictures"}
    headings = set(re.findall(r"^### (\w+)$", PROTOCOL, re.MULTILINE))
    assert {model.__name__ for model in (*PAYLOADS.values(), Manifest)} <= headings


def test_the_example_fact_has_the_hash_that_is_printed() -> None:
    unsealed = json.loads(block("canonical"))
    assert canonical(unsealed).decode() == block("canonical")
    assert digest(unsealed) == block("hash")


def test_the_example_signature_was_made_with_the_printed_key() -> None:
    keys = dict(line.split() for line in block("keys").splitlines())
    assert PrivateKey.parse(keys["private"]).public.text == keys["public"]
    assert keys["message"] == block("hash")
    assert PublicKey(keys["public"]).verifies(keys["message"], keys["signature"])
    assert (len(keys["public"]), len(keys["signature"])) == (43, 86)


def test_the_example_commitment_is_opened_by_salt_and_value() -> None:
    opened, commitment = block("commitment").splitlines()
    salt, value = json.loads(opened)
    assert PrivateValue(salt, value).commitment == commitment
    assert commitment in block("canonical")


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("batch", Batch),
        ("vector", Vector),
        ("ask", Ask),
        ("history", Ask),
        ("part", Ask),
        ("manifest", Manifest),
        ("status", Status),
    ],
)
def test_the_example_payloads_are_of_their_form(name: str, model: type[Message]) -> None:
    payload = json.loads(block(f"json {name}"))
    read = decode(json.dumps(payload).encode(), model)
    assert read.model_dump(mode="json", exclude_unset=True) == payload
    assert payload.keys() <= model.model_fields.keys()


def test_the_example_batch_and_vector_pass_every_check() -> None:
    author = PublicKey(dict(line.split() for line in block("keys").splitlines())["public"])
    run, head = open_batch(decode(block("json batch").encode(), Batch), [author])
    read_body(run[0].fact)
    assert (head.head.seq, head.head.hash) == (1, block("hash"))
    vector = decode(block("json vector").encode(), Vector)
    vector.check(author)
    signed = {name: value for name, value in json.loads(block("json vector")).items() if name != "signature"}
    assert digest(signed) in PROTOCOL


def test_the_example_checkpoint_passes_every_check() -> None:
    author = PublicKey(dict(line.split() for line in block("keys").splitlines())["public"])
    manifest = decode(block("json manifest").encode(), Manifest)
    manifest.check(author)
    assert f"`{manifest.digest}`" in PROTOCOL
    payload = base64.b64decode(block("part"))
    (part,) = manifest.parts
    assert hashlib.sha256(payload).hexdigest() == part.sha256 == json.loads(block("json part"))["part"]
    run, head = open_batch(decode(block("json batch").encode(), Batch), [author])
    assert open_part(payload) == run
    assert part.facts == len(run)
    assert manifest.all_heads() == {"centre-CKHN.1": head.head}


def test_the_example_ask_knows_the_example_fact() -> None:
    (place,) = decode(block("json ask").encode(), Ask).known
    assert (place.seq, place.hash) == (1, block("hash"))


@pytest.mark.parametrize(
    "value",
    [
        PART_FACTS,
        MOST_KNOWN,
        MOST_PART_BYTES,
        MOST_FACT_BYTES,
        MOST_PAYLOAD_BYTES,
        MOST_BATCH_BYTES,
        PAGE_FACTS,
        LEAP,
        MOST_PARKED,
        MOST_HEADS,
    ],
)
def test_the_limits_in_the_protocol_are_those_of_the_code(value: int) -> None:
    assert re.search(rf"(?<![\d,.]){value}(?![\d,.]\d)|(?<![\d,.]){value:,}(?![\d,.]\d)", PROTOCOL)


def test_the_example_acl_is_what_the_generator_writes() -> None:
    assert acl_text([NodeAccess("ckhn-barrier-2", "CKHN")]) in PROTOCOL


def commands(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Every command below a group of typer's, written as it is called."""
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path)
        return
    for name, one in below.items():
        yield from commands(one, (*path, name))


@pytest.mark.parametrize(
    ("program", "module"),
    [("barie-edge", "edge.cli"), ("barie-central", "central.cli"), ("barie-site", "simulation.cli")],
)
def test_the_commands_in_the_docs_are_those_there_are(program: str, module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not written yet")
    app: Any = importlib.import_module(module).app
    there_are = set(commands(typer.main.get_command(app), (program,)))
    table = re.findall(rf"^\| `({program}(?: [a-z]+)+)", OPERATIONS, re.MULTILINE)
    assert set(table) == there_are


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT_FOLDER).as_posix())
def test_a_page_names_only_files_that_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    folders = "shared|hardware|edge|central|simulation|config|systemd|docs|scripts|tests|benchmarks"
    named = set(re.findall(rf"`((?:{folders})/[\w./@-]*)`", text))
    linked = set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text))
    missing = {name for name in named if not (ROOT_FOLDER / name).exists()}
    assert missing | {link for link in linked if not (page.parent / link).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT_FOLDER).as_posix())
def test_links_within_a_page_lead_to_a_heading(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors
