"""Enrolments: which nodes and officers may speak, written as facts of the centre's journals."""

from collections.abc import Callable
from datetime import datetime, timedelta

from central.errors import Conflict, NotFound
from central.journals import CentreJournals
from central.models import NodeIn, NodeRevocationIn, OfficerIn
from shared import subjects
from shared.authority import ALL, Authority
from shared.bodies import NodeEnrolled, NodeRevoked, OfficerEnrolled, OfficerRevoked, dump
from shared.clock import utc_now
from shared.facts import Draft, commit
from shared.journal import author_of
from shared.node.own import draw_journal, own_journals


class EnrolmentDesk:
    """Licenses nodes, leases offices to officers, revokes both."""

    def __init__(self, journals: CentreJournals, wall: Callable[[], datetime] = utc_now) -> None:
        self._journals = journals
        self._store = journals.store
        self._wall = wall

    def node(self, asked: NodeIn) -> list[str]:
        """Licenses a node; nothing is written when the same licence stands. Gives the facts written.

        Asked with a new key it is a re-enrolment: what was signed with the old one stays. After a revocation the new key
        goes on in a journal of its own (`shared.authority`). Raises Conflict, UnknownSite.
        """
        self._journals.require(asked.site)
        with self._store.together("license a node in"):
            authority = self._journals.authority(asked.site)
            licence = NodeEnrolled.model_validate(
                asked.model_dump() | {"journal": self._goes_on_in(asked, authority)}
            )
            if authority.nodes.get(asked.node) == licence and asked.node not in authority.struck:
                return []
            draft = Draft("node_enrolled", subjects.node(asked.node), dump(licence))
            return [self._journals.write(asked.site, draft).ref]

    def revoke_node(self, node: str, asked: NodeRevocationIn) -> list[str]:
        """Trusts a node's key no longer: what its journals hold beyond what is held here, or beyond what is told, does not
        count. Of a forked journal only what its branches have in common is trusted. Gives the facts written.

        Raises NotFound, Conflict when a journal is told that is not the node's.
        """
        sites = [site for site in self._journals.sites if node in self._journals.authority(site).nodes]
        if not sites:
            raise NotFound(f"no node {node} is enrolled at {', '.join(self._journals.sites)}")
        told = asked.trusted
        if told is None:
            if all(node in self._journals.authority(site).struck for site in sites):
                return []
            told = {journal: self._in_common(journal) for journal in own_journals(self._store, node)}
        foreign = sorted(journal for journal in told if author_of(journal) != node)
        if foreign:
            raise Conflict(f"{', '.join(foreign)}: none of {node}'s journals; leave them out")
        body = dump(NodeRevoked(node=node, trusted=told, reason=asked.reason))
        draft = Draft("node_revoked", subjects.node(node), body)
        with self._store.together("revoke a node in"):
            return [self._journals.write(site, draft).ref for site in sites]

    def officer(self, asked: OfficerIn) -> list[str]:
        """Leases an office from now on; asked again it is a renewal. Gives the facts written."""
        start = self._wall()
        plain = {
            "officer": asked.officer,
            "agency": asked.agency.value,
            "site": asked.site,
            "valid_from": start.isoformat(),
            "valid_until": (start + timedelta(days=asked.days)).isoformat(),
            "name": asked.name,
        }
        committed, private = commit(plain, ["/name"])
        body = dump(OfficerEnrolled.model_validate(committed))
        draft = Draft("officer_enrolled", subjects.officer(asked.officer), body, private)
        return [self._journals.write(asked.site, draft).ref]

    def revoke(self, officer: str, reason: str) -> list[str]:
        """Ends an officer's offices at every site that leased one; raises NotFound. Gives the facts written."""
        held = [s for s in self._journals.sites if officer in self._journals.authority(s).leases]
        if not held:
            raise NotFound(f"no officer {officer} is enrolled at {', '.join(self._journals.sites)}")
        body = dump(OfficerRevoked(officer=officer, revoked_at=self._wall(), reason=reason))
        draft = Draft("officer_revoked", subjects.officer(officer), body)
        with self._store.together("revoke an officer in"):
            return [self._journals.write(site, draft).ref for site in held]

    def _goes_on_in(self, asked: NodeIn, authority: Authority) -> str | None:
        """The journal that a licence names: none unless the node was revoked once; then the one told, or one that is drawn."""
        counted = authority.counted.get(asked.node)
        if counted is None:
            if asked.journal is not None:
                raise Conflict(f"{asked.node} was never revoked and keeps its journals; leave `journal` out")
            return None
        if asked.node in authority.struck and self._had_key(asked.node, asked.public_key):
            raise Conflict(
                f"this key of {asked.node} was revoked; make a new one there with `barie-edge key`"
            )
        if asked.journal is None:
            standing = authority.nodes[asked.node].journal if asked.node not in authority.struck else None
            return standing or draw_journal(self._store, asked.node)
        if author_of(asked.journal) != asked.node or counted.get(asked.journal, ALL) != ALL:
            raise Conflict(f"{asked.journal} cannot count in full for {asked.node}; name another, or none")
        return asked.journal

    def _had_key(self, node: str, public_key: str) -> bool:
        enrolments = self._store.of_kinds(["node_enrolled"])
        return any(
            (one.body.get("node"), one.body.get("public_key")) == (node, public_key) for one in enrolments
        )

    def _in_common(self, journal: str) -> int:
        """How far a journal is held, or up to where all of its branches are the same."""
        main, *others = self._store.branches(journal)
        return min([main.head.seq, *(one.floor.seq for one in others)])
