"""Enrolments: which nodes and officers may speak, written as facts of the centre's journals."""

from collections.abc import Callable
from datetime import datetime, timedelta

from central.errors import NotFound
from central.journals import CentreJournals
from central.models import NodeIn, OfficerIn
from shared import subjects
from shared.bodies import NodeEnrolled, OfficerEnrolled, OfficerRevoked, dump
from shared.clock import utc_now
from shared.facts import Draft, commit


class EnrolmentDesk:
    """Licenses nodes, leases offices to officers, revokes them."""

    def __init__(self, journals: CentreJournals, wall: Callable[[], datetime] = utc_now) -> None:
        self._journals = journals
        self._wall = wall

    def node(self, asked: NodeIn) -> list[str]:
        """Licenses a node; nothing is written when the same licence stands. Gives the facts written."""
        self._journals.require(asked.site)
        licence = NodeEnrolled.model_validate(asked.model_dump())
        with self._journals.store.together("license a node in"):
            if self._journals.authority(asked.site).nodes.get(asked.node) == licence:
                return []
            draft = Draft("node_enrolled", subjects.node(asked.node), dump(licence))
            return [self._journals.write(asked.site, draft).ref]

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
        with self._journals.store.together("revoke an officer in"):
            return [self._journals.write(site, draft).ref for site in held]
