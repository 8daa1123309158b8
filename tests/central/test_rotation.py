"""The root's rotation: gates follow it, empty ones too, and the old key can sign nothing more."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from central.checkpointing import SiteCheckpoints
from central.errors import Conflict, WrongKey
from central.journals import CentreJournals
from central.rotating import first_root, rotate
from shared import protocol, subjects
from shared.bodies import NodeEnrolled, dump
from shared.checkpoint import Manifest
from shared.codes import Place
from shared.facts import Draft
from shared.journal import SignedHead
from shared.node.checkpoints import Checkpoints
from shared.node.declarations import Declarations
from shared.node.identity import Identity
from shared.node.store import Store
from shared.node.sync import SyncNode
from shared.signing import PrivateKey, PublicKey
from tests.builders import NO, Journal, declared_body, key, note
from tests.shared.members import HandedLink, Member

SITE = "CKHN"
CENTRE = "centre-CKHN"
OLD, NEW, NEWER = key("old root"), key("new root"), key("newer root")
FIRST, SECOND = f"{CENTRE}.1", f"{CENTRE}.2"
Switch = Callable[[PublicKey], Member]


@pytest.fixture
def journals(store: Store) -> CentreJournals:
    """The centre under its old key: gate-2 is enrolled, one declaration is taken."""
    written = CentreJournals(store, OLD, [SITE])
    written.write(SITE, enrolment("gate-2"))
    written.write(SITE, Draft("declared", subjects.declaration(NO), declared_body()))
    return written


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Switch]:
    """Switches a gate on that has one root pinned, and nothing else."""
    stores: list[Store] = []

    def switch_on(pinned: PublicKey) -> Member:
        folder = tmp_path / f"gate-{len(stores)}"
        stores.append(Store(folder / "gate.db", [Declarations()]))
        link = HandedLink()
        sync = SyncNode(
            stores[-1],
            link,
            Identity("gate-2", SITE, key("gate-2.1"), pinned),
            lambda: 1000.0,
            checkpoints=Checkpoints(folder / "checkpoints"),
        )
        return Member("gate-2", stores[-1], link, sync)

    yield switch_on
    for one in stores:
        one.close()


def enrolment(node: str) -> Draft:
    body = NodeEnrolled(
        node=node,
        site=SITE,
        public_key=key(f"{node}.1").public.text,
        places=[Place.BARRIER_2],
        agencies=[],
    )
    return Draft("node_enrolled", subjects.node(node), dump(body))


def hand(journals: CentreJournals, gate: Member, journal: str) -> None:
    """The gate receives what it lacks of a centre journal."""
    page = journals.store.page(journal, gate.store.head(journal).seq)
    assert page is not None
    assert isinstance(gate.link, HandedLink)
    gate.link.hand_in(protocol.facts_topic(SITE, CENTRE), protocol.batch(*page))


def checkpoint(journals: CentreJournals, signing: PrivateKey, folder: Path) -> tuple[Manifest, Checkpoints]:
    """What the centre makes when it runs under a key."""
    site = SiteCheckpoints(CentreJournals(journals.store, signing, [SITE]), SITE, folder / "centre")
    return asyncio.run(site.make()), site.kept


def begin(gate: Member, manifest: Manifest, kept: Checkpoints) -> None:
    """The gate hears of a checkpoint and receives its parts."""
    assert isinstance(gate.link, HandedLink)
    link = gate.link

    async def receive() -> None:
        link.hand_in(protocol.checkpoint_topic(SITE, CENTRE), manifest)
        for part in manifest.parts:
            payload = kept.part(part.sha256)
            assert payload is not None
            link.hand_in(protocol.fill_topic(SITE, "gate-2", CENTRE), payload, user={"part": part.sha256})

    asyncio.run(receive())


def test_the_old_keys_last_fact_names_the_new_key_and_the_next_journal(journals: CentreJournals) -> None:
    (rotated,) = rotate(journals.store, OLD, NEW.public, [SITE])

    fact = journals.store.get(rotated.ref)
    assert fact is not None
    assert (rotated.ref, rotated.journal) == (f"{FIRST}/3", SECOND)
    assert fact.body == {
        "public_key": NEW.public.text,
        "left": OLD.public.text,
        "journal": SECOND,
        "ends": {FIRST: 3},
    }
    assert CentreJournals(journals.store, NEW, [SITE]).write(SITE, note()).ref == f"{SECOND}/1"


def test_after_it_the_centre_does_not_run_under_the_old_key(journals: CentreJournals) -> None:
    before = first_root(journals.store, OLD, SITE)
    rotate(journals.store, OLD, NEW.public, [SITE])

    assert (before, first_root(journals.store, NEW, SITE)) == (OLD.public, OLD.public)
    with pytest.raises(WrongKey, match=NEW.public.text):
        first_root(journals.store, OLD, SITE)


def test_a_rotation_that_was_cut_off_is_taken_up_again(journals: CentreJournals) -> None:
    rotate(journals.store, OLD, NEW.public, [SITE])
    journals.store.set_setting(f"journal/{CENTRE}", FIRST)

    (again,) = rotate(journals.store, OLD, NEW.public, [SITE])

    assert again.ref == f"{FIRST}/3"
    assert journals.journal(SITE) == SECOND


def test_it_is_rotated_by_the_key_that_signs_now_to_another(journals: CentreJournals) -> None:
    with pytest.raises(Conflict):
        rotate(journals.store, OLD, OLD.public, [SITE])
    rotate(journals.store, OLD, NEW.public, [SITE])
    with pytest.raises(WrongKey):
        rotate(journals.store, OLD, NEWER.public, [SITE])
    (second,) = rotate(journals.store, NEW, NEWER.public, [SITE])

    assert second.ref == f"{SECOND}/1"


def test_a_gate_with_the_old_pin_follows(journals: CentreJournals, gate: Switch) -> None:
    there = gate(OLD.public)
    hand(journals, there, FIRST)
    rotate(journals.store, OLD, NEW.public, [SITE])
    hand(journals, there, FIRST)
    CentreJournals(journals.store, NEW, [SITE]).write(SITE, enrolment("gate-1"))
    hand(journals, there, SECOND)

    assert there.sync.trust.root == NEW.public
    assert there.store.head(SECOND).seq == 1
    assert there.sync.trust.knows("gate-1.1")


def test_under_the_old_key_nothing_more_is_taken(journals: CentreJournals, gate: Switch) -> None:
    there = gate(OLD.public)
    rotate(journals.store, OLD, NEW.public, [SITE])
    hand(journals, there, FIRST)
    page = journals.store.page(FIRST, 0)
    assert page is not None
    longer = Journal(FIRST, list(page[0]))
    longer.write(enrolment("intruder"))
    following = Journal(SECOND)
    following.write(enrolment("intruder"))
    for journal in (longer, following):
        batch = protocol.batch(journal.sealed[-1:], SignedHead.sign(journal.head, OLD))
        assert isinstance(there.link, HandedLink)
        there.link.hand_in(protocol.facts_topic(SITE, CENTRE), batch)

    assert (there.store.head(FIRST).seq, there.store.head(SECOND).seq) == (3, 0)
    assert len(there.quarantined()) == 2
    assert not there.sync.trust.knows("intruder.1")


@pytest.mark.parametrize("pinned", [OLD.public, NEW.public], ids=["old pin", "new pin"])
def test_an_empty_gate_begins_from_a_checkpoint_that_the_new_root_signed(
    journals: CentreJournals, gate: Switch, tmp_path: Path, pinned: PublicKey
) -> None:
    rotate(journals.store, OLD, NEW.public, [SITE])
    CentreJournals(journals.store, NEW, [SITE]).write(SITE, enrolment("gate-1"))
    there = gate(pinned)
    begin(there, *checkpoint(journals, NEW, tmp_path))

    assert there.sync.trust.root == NEW.public
    assert [there.sync.trust.knows(name) for name in ("gate-1.1", "gate-2.1")] == [True, True]
    assert [there.store.head(name).seq for name in (FIRST, SECOND)] == [3, 1]
    assert there.sync.trust.keys(FIRST, 1) == (OLD.public,)


def test_two_rotations_are_followed_one_after_the_other(
    journals: CentreJournals, gate: Switch, tmp_path: Path
) -> None:
    rotate(journals.store, OLD, NEW.public, [SITE])
    rotate(journals.store, NEW, NEWER.public, [SITE])
    manifest, kept = checkpoint(journals, NEWER, tmp_path)
    there = gate(OLD.public)
    begin(there, manifest, kept)

    assert len(manifest.roots) == 2
    assert there.sync.trust.root == NEWER.public


def test_a_checkpoint_that_the_old_root_signs_after_it_is_not_believed(
    journals: CentreJournals, gate: Switch, tmp_path: Path
) -> None:
    there = gate(OLD.public)
    rotate(journals.store, OLD, NEW.public, [SITE])
    hand(journals, there, FIRST)
    manifest, kept = checkpoint(journals, NEW, tmp_path)
    forged: Any = manifest.model_copy(update={"at": "2099-01-01T00:00:00.000Z#0000"})
    begin(there, forged.sign(OLD), kept)

    assert [reason for _, reason in there.quarantined()] == ["Manifest: not signed by its author's key"]
