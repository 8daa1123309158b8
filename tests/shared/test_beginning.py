"""An empty gate begins from the centre's checkpoint: it can decide at once, and history fills in behind."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared import protocol, subjects
from shared.checkpoint import Manifest
from shared.facts import Draft, commit
from shared.journal import SignedHead
from shared.node import beginning
from shared.node.checkpoints import Checkpoints, live_facts
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.store import Store
from shared.node.sync import SyncNode
from tests.builders import MORNING, NO, SITE, Journal, declared_body, key, note, stamp
from tests.loop import in_loop
from tests.shared.members import CENTRE, CENTRE_JOURNAL, HandedLink, enrolment, identity

NAME = "/vehicles/0/driver/name"


@dataclass
class Gate:
    """A gate that was just switched on, with the centre's answers handed to it."""

    folder: Path
    link: HandedLink = field(default_factory=HandedLink)
    now_s: float = 1000.0

    def __post_init__(self) -> None:
        self.store = Store(self.folder / "gate-2.db", [Declarations()], wall=lambda: MORNING)
        checkpoints = Checkpoints(self.folder / "checkpoints")
        self.sync = SyncNode(
            self.store, self.link, identity("gate-2"), lambda: self.now_s, checkpoints=checkpoints
        )

    async def asks(self) -> list[tuple[str, protocol.Ask]]:
        """What it has asked since the last look, and whom."""
        await self.sync.tick()
        await asyncio.sleep(0)
        sent, self.link.sent = self.link.sent, []
        return [
            (topic.split("/")[4], protocol.decode(payload, protocol.Ask))
            for topic, payload in sent
            if "/ask/" in topic
        ]


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = Gate(tmp_path / "gate")
    yield made
    made.store.close()


@dataclass
class Centre:
    """The centre's store with a checkpoint of it."""

    store: Store
    checkpoints: Checkpoints
    centre: Journal
    gate_1: Journal
    manifest: Manifest

    def part(self, gate: Gate, sha256: str) -> None:
        """Hands a part to a gate that asked for it."""
        payload = self.checkpoints.part(sha256)
        assert payload is not None
        topic = protocol.fill_topic(SITE, "gate-2", CENTRE)
        gate.link.hand_in(topic, payload, user={"part": sha256})

    def history(self, gate: Gate, ask: protocol.Ask, most: int = 500) -> None:
        """Answers a question about history."""
        assert ask.below is not None
        page = self.store.history_page(ask.journal, ask.below, most)
        assert page is not None
        gate.link.hand_in(protocol.fill_topic(SITE, "gate-2", CENTRE), protocol.history(*page))

    def announce(self, gate: Gate) -> None:
        """The retained manifest and a heartbeat reach a gate."""
        gate.link.hand_in(protocol.checkpoint_topic(SITE, CENTRE), self.manifest, retained=True)
        gate.link.hear(self.centre, self.gate_1, of=CENTRE)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    vehicle = {"vehicle": "1", "plate": "12C12345", "country": "VN", "driver": {"name": "Nông Văn An"}}
    journal, gate_1 = Journal(CENTRE_JOURNAL), Journal("gate-1.1")
    for node in ("gate-1", "gate-2"):
        journal.write(enrolment(node))
    for number in range(20):
        body, private = commit(declared_body(no=f"202611230{number:04}", vehicles=[vehicle]), [NAME])
        journal.write(Draft("declared", subjects.declaration(body["no"]), body, private))
    for number in range(10):
        gate_1.write(Draft("teleported", f"lane/gate-1/{number}", {}))
    store = Store(tmp_path / "centre.db", [Declarations()], wall=lambda: MORNING)
    for one in (journal, gate_1):
        store.absorb(one.sealed, one.signed)
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    live = list(live_facts(store.engine, SITE, MORNING))
    manifest = checkpoints.make(live, store.heads(), SITE, str(stamp()), key(CENTRE_JOURNAL))
    return Centre(store, checkpoints, journal, gate_1, manifest)


async def begun(gate: Gate, centre: Centre) -> None:
    centre.announce(gate)
    for to, ask in await gate.asks():
        assert (to, ask.journal) == (CENTRE, "")
        assert ask.part is not None
        centre.part(gate, ask.part)


@in_loop
async def test_an_empty_gate_asks_for_the_parts_and_not_for_journals(gate: Gate, centre: Centre) -> None:
    centre.announce(gate)
    asks = await gate.asks()
    assert [ask.part for _, ask in asks] == [part.sha256 for part in centre.manifest.parts]


@in_loop
async def test_with_the_last_part_the_gate_knows_every_declaration_and_who_may_speak(
    gate: Gate, centre: Centre
) -> None:
    await begun(gate, centre)
    found = DeclarationBook(gate.store).find("2026112300007")
    assert found is not None
    assert gate.store.private(found.ref) == {NAME: "Nông Văn An"}
    assert gate.store.heads() == centre.store.heads()
    assert gate.store.floors() == centre.store.heads()
    assert gate.sync.trust.knows("gate-1.1")
    assert gate.sync.peers.ages_s()[CENTRE] == 0


@in_loop
async def test_new_facts_are_taken_on_top_of_the_checkpoint(gate: Gate, centre: Centre) -> None:
    await begun(gate, centre)
    centre.gate_1.write(note("after"))
    gate.link.push(centre.gate_1, 11, 11)
    assert gate.store.head("gate-1.1").seq == 11


@in_loop
async def test_history_fills_in_behind_page_by_page_until_all_is_held(gate: Gate, centre: Centre) -> None:
    await begun(gate, centre)
    for _ in range(30):
        asks = [ask for _, ask in await gate.asks() if ask.below]
        if not asks:
            break
        centre.history(gate, asks[0], most=4)
    assert gate.store.floors() == {}
    for journal in (centre.centre, centre.gate_1):
        page = gate.store.page(journal.name, 0)
        assert page is not None
        assert [one.fact for one in page[0]] == journal.facts
    assert sorted(f.ref for _, f in gate.store.since(0)) == sorted(f.ref for _, f in centre.store.since(0))


@in_loop
async def test_history_that_does_not_lead_to_what_the_centre_vouched_for_is_not_taken(
    gate: Gate, centre: Centre
) -> None:
    await begun(gate, centre)
    forged = Journal("gate-1.1")
    for number in range(10):
        forged.write(Draft("teleported", f"lane/gate-1/{number}", {"forged": True}))
    gate.link.hand_in(
        protocol.fill_topic(SITE, "gate-2", CENTRE), protocol.history(forged.sealed, forged.signed)
    )
    assert gate.store.floor("gate-1.1").seq == 10
    assert not any(fact.body.get("forged") for _, fact in gate.store.since(0))


@in_loop
async def test_a_checkpoint_that_the_centre_did_not_sign_is_set_aside(gate: Gate, centre: Centre) -> None:
    centre.manifest = centre.manifest.model_copy(update={"heads": {}}).sign(key("gate-1.1"))
    centre.announce(gate)
    assert [ask.part for _, ask in await gate.asks() if ask.part] == []
    assert "not signed" in gate.store.rows("SELECT reason FROM quarantine")[0][0]


@in_loop
async def test_a_part_that_is_not_what_was_named_is_not_taken(gate: Gate, centre: Centre) -> None:
    centre.announce(gate)
    (part,) = centre.manifest.parts
    topic = protocol.fill_topic(SITE, "gate-2", CENTRE)
    gate.link.hand_in(topic, b"something else", user={"part": part.sha256})
    assert gate.store.heads() == {}


@in_loop
async def test_when_nobody_hands_out_the_parts_the_journals_are_asked_for(gate: Gate, centre: Centre) -> None:
    centre.announce(gate)
    await gate.asks()
    gate.now_s += beginning.GIVE_UP_S + 1
    await gate.asks()
    gate.now_s += 1
    asks = await gate.asks()
    assert {ask.journal for _, ask in asks} == {CENTRE_JOURNAL}


@in_loop
async def test_a_gate_that_is_a_little_behind_goes_on_as_usual(gate: Gate, centre: Centre) -> None:
    gate.link.push(centre.centre, 1, 3)
    centre.announce(gate)
    await gate.asks()
    gate.now_s += 1
    asks = await gate.asks()
    assert {(ask.journal, ask.after) for _, ask in asks} == {(CENTRE_JOURNAL, 3), ("gate-1.1", 0)}


def test_a_certificate_of_the_old_root_leads_to_the_new_one(gate: Gate) -> None:
    """The gate pins the old root and is empty; the checkpoint is signed by the new one."""
    old = Journal(CENTRE_JOURNAL)
    old.write(enrolment("gate-1"))
    keys = {"public_key": key("new").public.text, "left": key(CENTRE_JOURNAL).public.text}
    body = {**keys, "journal": f"{CENTRE}.2", "ends": {CENTRE_JOURNAL: 2}}
    rotated = old.write(Draft("root_rotated", subjects.node(CENTRE), body))
    certificate = {
        "fact": rotated.envelope(),
        "signature": SignedHead.sign(old.head, key(CENTRE_JOURNAL)).signature,
    }
    manifest = Manifest.model_validate(
        {"site": SITE, "at": str(stamp()), "heads": {}, "parts": [], "roots": [certificate]}
    )
    gate.link.hand_in(protocol.checkpoint_topic(SITE, CENTRE), manifest.sign(key("new")))
    assert gate.store.rows("SELECT reason FROM quarantine") == []
    assert gate.sync.trust.root == key("new").public
    gate.link.hand_in(protocol.checkpoint_topic(SITE, CENTRE), manifest.sign(key(CENTRE_JOURNAL)))
    assert len(gate.store.rows("SELECT reason FROM quarantine")) == 1
    assert NO not in str(gate.store.heads())
