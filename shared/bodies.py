"""What each kind of fact holds. One model a kind; the JSON Schemas that others build on come from here."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, ValidationError

from shared.body import (
    Body,
    Clause,
    Code,
    Commitment,
    DeclarationNo,
    FactRef,
    JournalId,
    Number,
    PaymentRef,
    Probability,
    Sha256,
    Text,
    Vnd,
)
from shared.codes import (
    Actor,
    Agency,
    Country,
    Ground,
    Heading,
    Place,
    Verdict,
)
from shared.declared import Declaration
from shared.facts import BadFact, Fact
from shared.procedures import Procedure
from shared.settings import HealthTick


class Recalled(Body):
    """The declarant took the declaration back (thu hồi)."""

    no: DeclarationNo
    reason: Text = ""


class SeenDecision(Body):
    """What the decision behind a human act was, and what it was made from, so that it can be made again years later."""

    verdict: Verdict
    step: Clause | None = None
    procedure_hash: Sha256 | None = None
    settings_hash: Sha256 | None = None
    vector: dict[str, int] = {}
    ages_s: dict[str, int | None] = {}
    reasons: list[Code] = []


class At(Body):
    """Where a lane's fact happened."""

    passage: FactRef
    place: Place
    heading: Heading
    lane: Code


class Arrived(Body):
    """A vehicle stands before the boom. The fact's own reference names the passage (lượt qua)."""

    place: Place
    heading: Heading
    lane: Code


class Candidate(Body):
    """One text that a read may mean."""

    text: Text
    probability: Probability


class PlateRead(At):
    """What the cameras read in one passage, from several looks; `trailer` where they read its plate too."""

    text: Text
    country: Country | None = None
    ground: Ground | None = None
    trailer: Text | None = None
    confidence: Probability
    looks: Annotated[int, Field(ge=1)]
    agreeing: Annotated[int, Field(ge=0)]
    final: bool
    candidates: list[Candidate] = []
    camera: Code
    picture: Sha256 | None = None
    thumbnail: Sha256 | None = None
    declaration: DeclarationNo | None = None
    vehicle: Code | None = None


class PlateCorrected(At):
    """An officer says what the plate is; stands beside the machine's read, never in its place."""

    text: Text
    officer: Code
    agency: Agency
    read: FactRef | None = None
    declaration: DeclarationNo | None = None
    vehicle: Code | None = None


class Confirmed(Body):
    """An agency (or, at a yard gate, the device) confirmed one step for one vehicle."""

    step: Clause
    place: Place
    heading: Heading | None = None
    declaration: DeclarationNo
    vehicle: Code
    by: Agency | Actor
    officer: Code | None = None
    screen: Code | None = None
    passage: FactRef | None = None
    declared: FactRef
    saw: list[FactRef] = []
    decision: SeenDecision
    values: dict[Code, Text] = {}


class Withdrawn(Body):
    """An officer takes a confirmation of her agency back."""

    confirmation: FactRef
    officer: Code
    agency: Agency
    reason: Text


class Refused(At):
    """An officer sends the vehicle back; it leaves by a path of its own."""

    officer: Code
    agency: Agency
    reason: Text
    declaration: DeclarationNo | None = None
    vehicle: Code | None = None
    decision: SeenDecision | None = None


class OpenMode(StrEnum):
    """On what an opening rests."""

    DECISION = "decision"
    REASON = "reason"
    EMERGENCY = "emergency"
    DEVICE = "device"


class OpenRequested(Body):
    """Somebody entitled asks the boom to open. At a barrier nothing else moves it."""

    passage: FactRef | None = None
    place: Place
    heading: Heading
    lane: Code
    by: Agency | Actor
    officer: Code | None = None
    mode: OpenMode
    reason: Text = ""
    declaration: DeclarationNo | None = None
    vehicle: Code | None = None
    decision: SeenDecision | None = None


class OpenReason(Body):
    """The reason for an emergency opening, asked afterwards."""

    request: FactRef
    officer: Code
    reason: Text


class BoomState(StrEnum):
    """What the limit switches and the clock say of a movement."""

    OPENED = "opened"
    CLOSED = "closed"
    DID_NOT_MOVE = "did_not_move"
    OPEN_UNASKED = "open_unasked"


class BoomSeen(Body):
    """What the boom was seen to do; `request` is the opening it answers, if any."""

    lane: Code
    place: Place
    state: BoomState
    request: FactRef | None = None
    passage: FactRef | None = None


class Passed(At):
    """A vehicle went through the open boom.

    `assumed`: no loop lies under the boom; the vehicle left the approach while the boom was open for it.
    """

    plate: Text | None = None
    declaration: DeclarationNo | None = None
    vehicle: Code | None = None
    step: Clause | None = None
    last_step: bool = False
    assumed: bool = False
    request: FactRef | None = None
    picture: Sha256 | None = None
    thumbnail: Sha256 | None = None


class TurnedBack(At):
    """A vehicle left the lane without passing the boom."""

    plate: Text | None = None
    declaration: DeclarationNo | None = None
    vehicle: Code | None = None
    picture: Sha256 | None = None
    thumbnail: Sha256 | None = None


class YardReported(Body):
    """A yard's own data say that a vehicle came in or went out (dữ liệu chia sẻ của bến bãi). `record`: the yard's reference."""

    declaration: DeclarationNo
    vehicle: Code
    place: Literal[Place.YARD_IN, Place.YARD_OUT]
    plate: Text
    record: Text
    seen_at: AwareDatetime


class GpsReported(Body):
    """Whether the vehicle's position is switched on while it is under way (4.3.a). Shown, never a ground to refuse."""

    declaration: DeclarationNo
    vehicle: Code
    on: bool
    since: AwareDatetime


class FeePaid(Body):
    """Money for the fee of one vehicle, in whole đồng. `payment`: the cashier's reference, which no other payment bears."""

    declaration: DeclarationNo
    vehicle: Code
    amount_vnd: Vnd
    payment: PaymentRef
    channel: Literal["online", "counter"]


class NodeEnrolled(Body):
    """The centre licenses a node: its key, the places it speaks for, the agencies that have a screen or desk there.

    `journal`: the one in which a node that was revoked goes on, under this key; nothing else of it counts again.
    """

    node: Code
    site: Code
    public_key: Text
    places: list[Place]
    agencies: list[Agency]
    journal: JournalId | None = None


class OfficerEnrolled(Body):
    """A lease: an officer holds an office at a site for a time (35 days unless renewed)."""

    officer: Code
    agency: Agency
    site: Code
    valid_from: AwareDatetime
    valid_until: AwareDatetime
    name: Commitment | None = None


class OfficerRevoked(Body):
    """An officer's offices end at this moment."""

    officer: Code
    revoked_at: AwareDatetime
    reason: Text = ""


class NodeRevoked(Body):
    """The centre no longer trusts a node's key: what its journals hold beyond these numbers does not count."""

    node: Code
    trusted: dict[JournalId, Number]
    reason: Text = ""


class RootRotated(Body):
    """The centre goes on under a new key, in a new journal. Under the key that it leaves nothing is good beyond `ends`."""

    public_key: Text
    left: Text
    journal: JournalId
    ends: dict[JournalId, Number]


class ProcedurePublished(Body):
    """The centre publishes a version of a procedure, whole, in force from the first day that it names."""

    procedure: Procedure


class SettingsPublished(Body):
    """The centre publishes how a site reads what the decree leaves open, in force from a moment.

    What is said here stands over a gate's own file, key by key: each clause of `readings`, each khoản of `fee_before`.
    """

    in_force_from: AwareDatetime
    health_tick: HealthTick | None = None
    inferred_steps_bind: bool | None = None
    readings: dict[Clause, Code] = {}
    fee_before: dict[Clause, Clause | Literal["none"]] = {}


class Forget(Body):
    """The personal values beside these facts are to be removed, everywhere and for good."""

    facts: Annotated[list[FactRef], Field(min_length=1, max_length=500)]
    reason: Text = ""


class Forgotten(Body):
    """This node holds none of the values that a `forget` names."""

    forget: FactRef


class HeadSeen(Body):
    """How far a journal goes, and the hash of the fact there, which stands for all below it."""

    seq: Annotated[int, Field(ge=1, lt=2**53)]
    hash: Sha256


class Witnessed(Body):
    """How far this node holds other nodes' journals: whoever rewrites one of them later contradicts this."""

    heads: Annotated[dict[JournalId, HeadSeen], Field(min_length=1)]


class Cause(StrEnum):
    """Why a node writes another journal than before."""

    FORKED = "forked"
    """Another history of its journal was met: a clone of its disk, or a backup that was put back."""
    RESTORED = "restored"
    """Its store is not the one it wrote last, and nobody could say how far its journal went."""
    DAMAGED = "damaged"
    """Its store was damaged; what was salvaged may not be all."""
    REVOKED = "revoked"
    """The centre no longer trusts the journal."""


class JournalBegun(Body):
    """A node's first word in a new journal: which one it leaves, how far that was held, and why."""

    left: JournalId
    seq: Number
    hash: Sha256
    cause: Cause


class ClockStepped(Body):
    """The system's clock jumped, while the node ran or (`at_start`) over a restart. `followed`: the node's time went with it."""

    by_s: float
    followed: bool
    source: Code
    at_start: bool = False


class StoreRecovered(Body):
    """The store was found damaged, set aside under another name, and made anew. `salvaged`: facts taken from it, by journal."""

    set_aside: Text
    why: Text
    salvaged: dict[JournalId, Number]


BODIES: dict[tuple[str, int], type[Body]] = {
    ("declared", 1): Declaration,
    ("amended", 1): Declaration,
    ("recalled", 1): Recalled,
    ("arrived", 1): Arrived,
    ("plate_read", 1): PlateRead,
    ("plate_corrected", 1): PlateCorrected,
    ("confirmed", 1): Confirmed,
    ("withdrawn", 1): Withdrawn,
    ("refused", 1): Refused,
    ("open_requested", 1): OpenRequested,
    ("open_reason", 1): OpenReason,
    ("boom_seen", 1): BoomSeen,
    ("passed", 1): Passed,
    ("turned_back", 1): TurnedBack,
    ("yard_reported", 1): YardReported,
    ("gps_reported", 1): GpsReported,
    ("fee_paid", 1): FeePaid,
    ("node_enrolled", 1): NodeEnrolled,
    ("officer_enrolled", 1): OfficerEnrolled,
    ("officer_revoked", 1): OfficerRevoked,
    ("node_revoked", 1): NodeRevoked,
    ("root_rotated", 1): RootRotated,
    ("procedure_published", 1): ProcedurePublished,
    ("settings_published", 1): SettingsPublished,
    ("forget", 1): Forget,
    ("forgotten", 1): Forgotten,
    ("witnessed", 1): Witnessed,
    ("journal_begun", 1): JournalBegun,
    ("clock_stepped", 1): ClockStepped,
    ("store_recovered", 1): StoreRecovered,
}
"""Model by kind and version. A fact of any other kind or version is stored and passed on, marked not understood."""

UPCASTERS: dict[tuple[str, int], Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {}
"""For a kind and version that is no longer written: its body as one of the next version. Pure; chained up to the model's."""

DECLARATION_KINDS = frozenset({"declared", "amended", "recalled"})
AUTHORITY_KINDS = frozenset(
    {"node_enrolled", "officer_enrolled", "officer_revoked", "node_revoked", "root_rotated"}
)
"""Kinds that say who may speak."""

RULE_KINDS = frozenset({"procedure_published", "settings_published"})
"""Kinds that say by which rules gates decide."""

CENTRE_KINDS = DECLARATION_KINDS | AUTHORITY_KINDS | RULE_KINDS | {"forget", "gps_reported"}
"""Kinds that only the centre's journals may hold to count."""

DeclarationEvent = Literal["declared", "amended", "recalled"]


def understood(fact: Fact) -> bool:
    """True when this node knows the fact's kind and version."""
    return _lifted(fact) is not None


def read_body(fact: Fact) -> Body:
    """The fact's body as its model; raises BadFact when it is not of that form or the kind is not known."""
    lifted = _lifted(fact)
    if lifted is None:
        raise BadFact(
            f"{fact.ref}: kind {fact.kind} version {fact.v} is not understood here; upgrade this node"
        )
    model, upcasters = lifted
    try:
        body = fact.body
        for upcast in upcasters:
            body = upcast(body)
        return model.model_validate(body)
    except (KeyError, TypeError) as error:
        raise BadFact(f"{fact.ref}: {fact.kind} body of version {fact.v} lacks {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadFact(f"{fact.ref}: {fact.kind} body, {where}: {first['msg']}") from error


def _lifted(fact: Fact) -> tuple[type[Body], list[Callable[[Mapping[str, Any]], Mapping[str, Any]]]] | None:
    """The model that a fact's body is read as, and what lifts the body to it; None when the kind or version is not known."""
    upcasters, version = [], fact.v
    while (model := BODIES.get((fact.kind, version))) is None:
        upcast = UPCASTERS.get((fact.kind, version))
        if upcast is None:
            return None
        upcasters.append(upcast)
        version += 1
    return model, upcasters


def dump(body: Body) -> dict[str, Any]:
    """A body as JSON value, members that are unset left out."""
    return body.model_dump(mode="json", by_alias=True, exclude_none=True)
