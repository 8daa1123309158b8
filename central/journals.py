"""The centre's own journals: one per site, all signed with the centre's key."""

from collections.abc import Sequence

from central.errors import UnknownSite
from shared.authority import Authority
from shared.bodies import AUTHORITY_KINDS
from shared.facts import Draft, Fact
from shared.journal import centre_node
from shared.node.own import own_journal
from shared.node.store import Store
from shared.signing import PrivateKey


class CentreJournals:
    """Writes the centre's facts. A site's chain grows independently of the others' (architecture, "Facts")."""

    def __init__(self, store: Store, key: PrivateKey, sites: Sequence[str]) -> None:
        self.store = store
        self.key = key
        self.sites = tuple(sites)
        self._authorities: dict[str, Authority] = {}
        self._folded_to = 0

    def require(self, site: str) -> None:
        """Raises UnknownSite unless this centre serves the site."""
        if site not in self.sites:
            raise UnknownSite(f"this centre does not serve {site!r}; write one of {', '.join(self.sites)}")

    def write(self, site: str, draft: Draft) -> Fact:
        """Seals a draft into the site's journal and gives the fact when it is on disk; raises UnknownSite, StoreError."""
        self.require(site)
        return self.store.append(self.journal(site), self.key, [draft])[0].fact

    def journal(self, site: str) -> str:
        """The journal that the centre writes for a site now."""
        return own_journal(self.store, centre_node(site))

    def authority(self, site: str) -> Authority:
        """Who may speak at a site, folded from all enrolments held; folded anew when one arrives, by whatever process."""
        newest = self.store.newest_position(AUTHORITY_KINDS)
        if newest != self._folded_to:
            self._authorities.clear()
            self._folded_to = newest
        if site not in self._authorities:
            self._authorities[site] = Authority.of(site, self.store.of_kinds(AUTHORITY_KINDS))
        return self._authorities[site]
