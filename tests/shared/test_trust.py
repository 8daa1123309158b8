"""Whose signature is good: the pinned root, roots it was rotated to, nodes with the keys they had."""

import itertools

import pytest

from shared import subjects
from shared.bodies import NodeEnrolled, NodeRevoked, RootRotated, dump
from shared.codes import Place
from shared.facts import Draft, Fact
from shared.journal import Head, centre_node
from shared.signing import PublicKey
from shared.trust import Trust
from tests.builders import SITE, Journal, key, note

OLD, NEW, NEWER = (key(name).public for name in ("old root", "new root", "newer root"))
FIRST, SECOND, THIRD = (f"{centre_node(SITE)}.{number}" for number in (1, 2, 3))
KEY_A, KEY_B = key("a").public, key("b").public


def enrolled(public: PublicKey, journal: str | None = None) -> Draft:
    body = NodeEnrolled(
        node="gate-2",
        site=SITE,
        public_key=public.text,
        places=[Place.BARRIER_2],
        agencies=[],
        journal=journal,
    )
    return Draft("node_enrolled", subjects.node("gate-2"), dump(body))


def revoked(**trusted: int) -> Draft:
    named = {f"gate-2.{name[1:]}": seq for name, seq in trusted.items()}
    return Draft("node_revoked", subjects.node("gate-2"), dump(NodeRevoked(node="gate-2", trusted=named)))


def rotated(journal: Journal, left: PublicKey, new: PublicKey, following: str) -> Fact:
    """The last fact of a centre journal."""
    body = RootRotated(
        public_key=new.text, left=left.text, journal=following, ends={journal.name: journal.head.seq + 1}
    )
    return journal.write(Draft("root_rotated", "root", dump(body)))


@pytest.fixture
def rotations() -> list[Fact]:
    """Old to new after two facts, new to newer after one."""
    first, second = Journal(FIRST), Journal(SECOND)
    first.write(note())
    return [rotated(first, OLD, NEW, SECOND), rotated(second, NEW, NEWER, THIRD)]


def trusting(pinned: PublicKey, facts: list[Fact]) -> Trust:
    trust = Trust(SITE, pinned)
    trust.learn(facts)
    return trust


@pytest.mark.parametrize("pinned", [OLD, NEW, NEWER])
def test_whichever_root_was_pinned_each_signs_up_to_where_it_was_left(
    pinned: PublicKey, rotations: list[Fact]
) -> None:
    for facts in itertools.permutations(rotations):
        trust = trusting(pinned, list(facts))

        assert trust.root == NEWER
        assert [trust.keys(FIRST, 2), trust.keys(FIRST, 3)] == [(OLD,), (NEWER,)]
        assert [trust.keys(SECOND, 1), trust.keys(SECOND, 2)] == [(NEW,), (NEWER,)]
        assert trust.keys(THIRD, 1) == (NEWER,)
        assert trust.rotations() == rotations


def test_rotations_among_roots_that_were_never_pinned_are_not_followed(rotations: list[Fact]) -> None:
    trust = trusting(KEY_A, rotations)

    assert (trust.root, trust.rotations(), trust.keys(FIRST, 1)) == (KEY_A, [], (KEY_A,))


def test_a_rotation_that_is_not_the_last_fact_it_ends_is_not_followed() -> None:
    journal = Journal(FIRST)
    body = RootRotated(public_key=NEW.text, left=OLD.text, journal=SECOND, ends={FIRST: 7})
    fact = journal.write(Draft("root_rotated", "root", dump(body)))

    assert trusting(OLD, [fact]).root == OLD


def test_where_a_journal_ended_is_known(rotations: list[Fact]) -> None:
    trust = trusting(OLD, rotations)

    assert trust.end(FIRST) == Head.of(rotations[0])
    assert trust.end(THIRD) is None


def test_what_an_earlier_key_of_a_node_signed_stays_signed() -> None:
    centre = Journal(FIRST)
    trust = trusting(OLD, [centre.write(enrolled(KEY_A)), centre.write(enrolled(KEY_B))])

    assert trust.keys("gate-2.1", 1) == (KEY_A, KEY_B)
    assert trust.node_keys("gate-2") == (KEY_A, KEY_B)


def test_a_revoked_key_signs_no_vector_and_nothing_in_the_journal_that_is_named_anew() -> None:
    centre = Journal(FIRST)
    facts = [
        centre.write(enrolled(KEY_A)),
        centre.write(revoked(j1=3)),
        centre.write(enrolled(KEY_B, "gate-2.2")),
    ]
    for order in itertools.permutations(facts):
        trust = trusting(OLD, list(order))

        assert trust.node_keys("gate-2") == (KEY_B,)
        assert trust.keys("gate-2.2", 1) == (KEY_B,)
        assert trust.keys("gate-2.1", 1) == (KEY_A, KEY_B)
        assert [trust.counts(f"gate-2.{number}") for number in (1, 2, 3)] == [False, True, False]
        assert trust.told("gate-2", KEY_B) == "gate-2.2"
        assert trust.told("gate-2", KEY_A) is None


def test_a_revoked_node_is_known_still_and_speaks_no_more() -> None:
    centre = Journal(FIRST)
    trust = trusting(OLD, [centre.write(enrolled(KEY_A)), centre.write(revoked(j1=3))])

    assert trust.knows("gate-2.1")
    assert trust.node_keys("gate-2") == ()
