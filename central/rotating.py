"""Rotation of the root: the centre goes on under a new key, in new journals, and says so with the last word of the old one.

Each site's store setting `root/SITE` holds the key that signed its first journal; from there the rotations lead to the key
that signs now. Gates that pinned an older key follow them; nothing has to be done there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from central.errors import Conflict, WrongKey
from shared.bodies import RootRotated, dump
from shared.facts import Draft
from shared.journal import author_of, centre_node, journal_id
from shared.node.own import own_journal, own_journals
from shared.node.store import Store
from shared.signing import PrivateKey, PublicKey
from shared.trust import Trust

SUBJECT = "root"


@dataclass(frozen=True)
class Rotated:
    """A site's old journal with its last fact, and the journal in which the centre goes on."""

    site: str
    ref: str
    journal: str


def trust_of(store: Store, key: PrivateKey, site: str) -> Trust:
    """What is trusted at a site, from its first root on; enrolments are yet to be learnt."""
    trust = Trust(site, PublicKey(store.setting(_setting(site)) or key.public.text))
    trust.learn(store.of_kinds(["root_rotated"]))
    return trust


def first_root(store: Store, key: PrivateKey, site: str) -> PublicKey:
    """The key under which the site's first journal was written; raises WrongKey unless `key` is the one that signs now."""
    _require(key.public, site, trust_of(store, key, site))
    if store.setting(_setting(site)) is None:
        store.set_setting(_setting(site), key.public.text)
    return PublicKey(store.setting(_setting(site)) or key.public.text)


def rotate(store: Store, key: PrivateKey, new: PublicKey, sites: Sequence[str]) -> list[Rotated]:
    """Ends every site's journal under `key` and leaves its place to `new`. What was begun and cut off is taken up again.

    The server must be stopped. Raises Conflict when both are the same, WrongKey, StoreUnusable.
    """
    if new == key.public:
        raise Conflict("this is the key that signs now; make another with `barie-central key FILE`")
    roots = {site: trust_of(store, key, site) for site in sites}
    for site, trust in roots.items():
        if trust.root != new:
            _require(key.public, site, trust)
    return [_rotate(store, key, new, site, trust) for site, trust in roots.items()]


def _rotate(store: Store, key: PrivateKey, new: PublicKey, site: str, trust: Trust) -> Rotated:
    node = centre_node(site)
    if trust.root == new:
        fact = trust.rotations()[-1]
        following = str(fact.body["journal"])
    else:
        journal = own_journal(store, node)
        following = _next(store, journal)
        ends = {name: store.head(name).seq for name in own_journals(store, node)}
        ends[journal] = store.head(journal).seq + 1
        body = RootRotated(public_key=new.text, left=key.public.text, journal=following, ends=ends)
        if store.setting(_setting(site)) is None:
            store.set_setting(_setting(site), key.public.text)
        fact = store.append(journal, key, [Draft("root_rotated", SUBJECT, dump(body))])[0].fact
    store.set_setting(f"journal/{node}", following)
    return Rotated(site, fact.ref, following)


def _require(key: PublicKey, site: str, trust: Trust) -> None:
    if trust.root != key:
        raise WrongKey(
            f"key_file does not hold the key that signs for {site} now, {trust.root.text}; put that key's file in place"
        )


def _next(store: Store, journal: str) -> str:
    """The journal with the next number that is not taken."""
    node, number = author_of(journal), int(journal.rpartition(".")[2])
    taken = {journal, *own_journals(store, node)}
    while journal in taken:
        number += 1
        journal = journal_id(node, number)
    return journal


def _setting(site: str) -> str:
    return f"root/{site}"
