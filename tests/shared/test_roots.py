"""From the pinned root to the newest, whatever somebody writes with an old one; and whom the centre makes known."""

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pytest

from shared import subjects
from shared.bodies import NodeEnrolled, RootRotated, dump
from shared.codes import Agency, Place
from shared.facts import Draft, Fact, seal
from shared.journal import centre_node, journal_id
from shared.signing import PrivateKey, PublicKey
from shared.trust import Trust
from tests.builders import SITE, Journal, key, stamp

CENTRE = centre_node(SITE)
FIRST, SECOND, THIRD = (journal_id(CENTRE, number) for number in (1, 2, 3))
ROOTS = {journal: key(journal) for journal in (FIRST, SECOND, THIRD)}


def enrolled(node: str, by: PrivateKey, **changes: Any) -> Draft:
    """The centre licenses a node with a key."""
    body = NodeEnrolled(
        node=node,
        site=SITE,
        public_key=by.public.text,
        places=[Place.BARRIER_2],
        agencies=[Agency.CUSTOMS],
    )
    return Draft("node_enrolled", subjects.node(node), {**dump(body), **changes})


def rotated(left: str, to: str, ends: dict[str, int]) -> Draft:
    """The centre leaves the key of one journal and goes on under that of another."""
    body = RootRotated(public_key=key(to).public.text, left=key(left).public.text, journal=to, ends=ends)
    return Draft("root_rotated", subjects.node(CENTRE), dump(body))


@dataclass
class Chain:
    """A centre that has gone from its first root to its third."""

    enrolment: Fact
    to_second: Fact
    to_third: Fact

    @property
    def facts(self) -> list[Fact]:
        return [self.enrolment, self.to_second, self.to_third]


@pytest.fixture
def chain() -> Chain:
    first, second = Journal(FIRST), Journal(SECOND)
    enrolment = first.write(enrolled("gate-1", key("gate-1.1")))
    to_second = first.write(rotated(FIRST, SECOND, {FIRST: 2}))
    for number in range(4):
        second.write(enrolled(f"gate-{number + 2}", key(f"gate-{number + 2}.1")))
    return Chain(enrolment, to_second, second.write(rotated(SECOND, THIRD, {SECOND: 5})))


@pytest.fixture
def trust() -> Trust:
    return Trust(SITE, ROOTS[FIRST].public)


def public(*names: str) -> tuple[PublicKey, ...]:
    return tuple(key(name).public for name in names)


def test_at_first_there_is_the_pinned_root_and_nobody_else(trust: Trust) -> None:
    assert trust.keys(FIRST, 1) == trust.node_keys(CENTRE) == public(FIRST)
    assert trust.keys("gate-1.1", 1) == ()
    assert trust.keys("centre-TT.1", 1) == ()
    assert trust.root == ROOTS[FIRST].public
    assert [trust.knows(journal) for journal in (FIRST, "gate-1.1", "centre-TT.1")] == [True, False, False]


def test_an_enrolment_makes_a_node_known_under_all_of_its_journals(trust: Trust, chain: Chain) -> None:
    assert trust.learn([chain.enrolment])
    assert trust.keys("gate-1.1", 1) == trust.keys("gate-1.345678", 9) == public("gate-1.1")
    assert trust.knows("gate-1.2")


def test_learning_the_same_again_adds_nothing(trust: Trust, chain: Chain) -> None:
    trust.learn(chain.facts)
    trust.learn(chain.facts)
    assert trust.keys("gate-1.1", 1) == public("gate-1.1")
    assert trust.rotations() == [chain.to_second, chain.to_third]


def test_other_facts_change_nobodys_keys(trust: Trust) -> None:
    assert not trust.learn([Journal(FIRST).write(Draft("recalled", "x", {"no": "2026112300001"}))])


@pytest.mark.parametrize("journal", ["gate-9.1", "centre-TT.1"])
def test_only_the_centre_of_the_site_enrols_and_rotates(trust: Trust, journal: str) -> None:
    written = Journal(journal)
    facts = [written.write(enrolled("gate-1", key("x"))), written.write(rotated(FIRST, SECOND, {journal: 2}))]
    assert not trust.learn(facts)
    assert trust.root == ROOTS[FIRST].public


def test_no_enrolment_makes_a_node_the_centre(trust: Trust) -> None:
    trust.learn([Journal(FIRST).write(enrolled(CENTRE, key("thief")))])
    assert trust.keys(FIRST, 1) == public(FIRST)


def test_an_enrolment_of_a_wrong_form_is_passed_over(trust: Trust) -> None:
    assert not trust.learn([Journal(FIRST).write(enrolled("gate-1", key("x"), places=["moon"]))])
    assert not trust.knows("gate-1.1")


@pytest.mark.parametrize(
    ("journal", "seq", "root"),
    [
        (FIRST, 1, FIRST),
        (FIRST, 2, FIRST),
        (FIRST, 3, THIRD),
        (SECOND, 1, SECOND),
        (SECOND, 5, SECOND),
        (SECOND, 6, THIRD),
        (THIRD, 1, THIRD),
        (journal_id(CENTRE, 777_777), 1, THIRD),
    ],
)
def test_each_root_signs_its_own_journal_up_to_its_end_and_no_further(
    trust: Trust, chain: Chain, journal: str, seq: int, root: str
) -> None:
    """What lies beyond an end only the newest root could sign, and does not."""
    trust.learn(chain.facts)
    assert trust.keys(journal, seq) == public(root)
    assert trust.root == ROOTS[THIRD].public


def test_the_order_of_learning_makes_no_difference(chain: Chain) -> None:
    for order in permutations(chain.facts):
        one = Trust(SITE, ROOTS[FIRST].public)
        for fact in order:
            one.learn([fact])
        assert one.rotations() == [chain.to_second, chain.to_third]
        assert one.root == ROOTS[THIRD].public
        assert one.keys("gate-1.1", 1) == public("gate-1.1")


@pytest.mark.parametrize("number", range(20))
def test_a_second_rotation_of_the_old_root_changes_nothing(trust: Trust, chain: Chain, number: int) -> None:
    """Whoever stole the old root can still write below its end, and its hashes as it likes."""
    trust.learn(chain.facts)
    forged = seal(
        rotated(FIRST, f"{CENTRE}.{9 + number}", {FIRST: 1}), FIRST, 1, stamp(number), "0" * 64
    ).fact
    trust.learn([forged])
    assert trust.root == ROOTS[THIRD].public
    assert trust.rotations() == [chain.to_second, chain.to_third]
