"""What the centre's parts share: made once by `server.run`, handed to the API, the page and the sync."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from central.access import Tokens
from central.by_reason import OpenedByReason, ReasonBook
from central.checkpointing import SiteCheckpoints
from central.declaring import DeclarationDesk
from central.enrolling import EnrolmentDesk
from central.fees import FeeDesk, Payments
from central.forgetting import ForgetDesk
from central.gates import Gate, Gates
from central.journals import CentreJournals
from central.oversight import Oversight
from central.passages import PassageBook, Passages
from central.pictures import Pictures
from central.publishing import PublicationDesk
from central.reporting import ReportDesk
from shared.agency_names import NO_NAMES, AgencyNames, Called
from shared.bodies import NodeEnrolled
from shared.clock import day_at_gates, utc_now
from shared.fees import Routing
from shared.node.declarations import Declarations
from shared.node.engine import Engine
from shared.node.errors import StoreError
from shared.node.opening import recovery_told
from shared.node.procedure_files import shipped
from shared.node.store import Store
from shared.node.used_twice import UsedTwice
from shared.signing import PrivateKey
from shared.tariffs import Tariffs

PROJECTIONS = (Declarations(), Passages(), UsedTwice(), Payments(), OpenedByReason())


def open_store(where: Path | Engine, wall: Callable[[], datetime] = utc_now) -> Store:
    """The centre's store with its projections; raises StoreUnusable."""
    return Store(where, PROJECTIONS, wall)


@dataclass(frozen=True)
class Centre:
    """The centre's parts around one store. Everything here runs in the event loop's thread."""

    journals: CentreJournals
    declarations: DeclarationDesk
    enrolments: EnrolmentDesk
    forgets: ForgetDesk
    fees: FeeDesk
    reports: ReportDesk
    publications: PublicationDesk
    oversight: Oversight
    checkpoints: Mapping[str, SiteCheckpoints]
    passages: PassageBook
    by_reason: ReasonBook
    gates: Gates
    pictures: Pictures
    tokens: Tokens
    now_s: Callable[[], float] = monotonic
    link_errors: Callable[[], Sequence[str]] = tuple
    """A sentence for each site whose broker cannot be reached."""
    names: AgencyNames = NO_NAMES

    @classmethod
    def of(
        cls,
        store: Store,
        key: PrivateKey,
        sites: Sequence[str],
        pictures: Path,
        tokens: Tokens,
        *,
        checkpoints: Path,
        tariffs: Tariffs,
        routing: Routing,
        wall: Callable[[], datetime] = utc_now,
        now_s: Callable[[], float] = monotonic,
        link_errors: Callable[[], Sequence[str]] = tuple,
        names: AgencyNames = NO_NAMES,
    ) -> "Centre":
        """Puts the parts together around a store."""
        journals = CentreJournals(store, key, sites)
        declarations = DeclarationDesk(journals, wall)
        return cls(
            journals=journals,
            declarations=declarations,
            enrolments=EnrolmentDesk(journals, wall),
            forgets=ForgetDesk(journals),
            fees=FeeDesk(journals, declarations, tariffs, routing),
            reports=ReportDesk(journals, declarations),
            publications=PublicationDesk(journals, shipped(), wall),
            oversight=Oversight(store),
            checkpoints={site: SiteCheckpoints(journals, site, checkpoints) for site in sites},
            passages=PassageBook(store),
            by_reason=ReasonBook(store),
            gates=Gates(),
            pictures=Pictures(pictures),
            tokens=tokens,
            now_s=now_s,
            link_errors=link_errors,
            names=names,
        )

    @property
    def store(self) -> Store:
        """The store of all facts."""
        return self.journals.store

    def not_ready(self) -> list[str]:
        """Why the centre cannot do all its work, one sentence a cause; empty when it can. The disk is written to."""
        causes = list(self.link_errors())
        try:
            self.store.set_setting("asked_ready_at", str(self.store.clock.now()))
        except StoreError as error:
            causes.append(str(error))
        return causes

    def notes(self) -> list[str]:
        """What an administrator should know of though the centre works."""
        recovery = recovery_told(self.store)
        news = recovery is not None and recovery.is_news(self.store.steady())
        told = (recovery.sentence if recovery and news else None, self.names.fault)
        return [one for one in told if one]

    def called(self, site: str) -> Called:
        """What agencies are called at a site today."""
        return Called(self.names, site, day_at_gates(self.store.steady()))

    def view_gates(self) -> list[Gate]:
        """Every enrolled gate as it stands now."""
        enrolled: dict[str, NodeEnrolled] = {}
        revoked: set[str] = set()
        for site in self.journals.sites:
            authority = self.journals.authority(site)
            enrolled |= authority.nodes
            revoked |= authority.struck
        return self.gates.view(enrolled, self.store.heads(), self.now_s(), revoked)
