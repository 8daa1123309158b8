"""What the API takes and gives. Members are named as in the facts that come of them (`shared.bodies`)."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from shared import containers, plates
from shared.body import Clause, Code, DeclarationNo, JournalId, Number, Text
from shared.codes import Agency, Country, Direction, Place, Purpose, YardLocation
from shared.declared import Goods, Quarantines
from shared.signing import check_key_text

Personal = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


def _not_the_centre(name: str) -> str:
    if name.startswith("centre"):
        raise ValueError("names that begin with `centre` are the centre's own; write another")
    return name


def _of_a_key(text: str) -> str:
    check_key_text(text)
    return text


NodeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,40}$"), AfterValidator(_not_the_centre)]
"""Journals of `centre-…` count as the centre's, so no other node may bear such a name."""

PublicKeyText = Annotated[str, StringConstraints(max_length=50), AfterValidator(_of_a_key)]

DECLARATION_EXAMPLE: dict[str, Any] = {
    "site": "CKHN",
    "procedure": "4.2",
    "direction": "export",
    "laden": True,
    "yard": "XC",
    "yard_location": "inside",
    "vehicles": [
        {
            "vehicle": "1",
            "plate": "29C-123.45",
            "country": "VN",
            "driver": {"name": "Nguyễn Văn A", "papers": "012345678901", "phone": "0912345678"},
        }
    ],
    "goods": [{"name": "Thanh long", "customs_no": "107000000001", "weight_kg": 18000}],
    "quarantine": {"plant_quarantine": "required"},
}


class Request(BaseModel):
    """Base of what the API takes: strict about members nobody knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DriverIn(Request):
    """Who drives. Kept apart from the facts; the facts hold salted commitments only."""

    name: Personal | None = None
    papers: Personal | None = None
    phone: Personal | None = None


class VehicleIn(Request):
    """One vehicle. Plates and container numbers are taken in any spelling and kept without blanks, dots and dashes.

    A Chinese plate keeps its province character where it was declared with one. A trailer or container of which no letter or
    digit is left ("-", ".") is none.
    """

    vehicle: Code
    plate: Text
    country: Country
    trailer: Text | None = None
    container: Text | None = None
    permit: Text | None = None
    receives_from: Annotated[
        Code | None,
        Field(description="the vehicle of this declaration whose goods this one takes over (sang tải)"),
    ] = None
    empty_declaration: Annotated[
        DeclarationNo | None, Field(description="the declaration under which it came in empty")
    ] = None
    driver: DriverIn = DriverIn()

    @field_validator("plate")
    @classmethod
    def _plate(cls, text: str) -> str:
        plate = plates.normalise(text)
        if not plate:
            raise ValueError("holds no plate; write its letters and digits")
        return plate

    @field_validator("trailer")
    @classmethod
    def _trailer(cls, text: str | None) -> str | None:
        return plates.normalise(text or "") or None

    @field_validator("container")
    @classmethod
    def _container(cls, text: str | None) -> str | None:
        return containers.normalise(text or "") or None


class DeclarationIn(Request):
    """A declaration as the declarant gives it. Without `no` the centre gives the next number of the day."""

    model_config = ConfigDict(json_schema_extra={"examples": [DECLARATION_EXAMPLE]})

    no: DeclarationNo | None = None
    site: Code
    procedure: Annotated[
        Clause | None, Field(description="the khoản that applies; follows from the rest when left out")
    ] = None
    direction: Annotated[Direction | None, Field(description="of the goods; an empty vehicle has none")] = (
        None
    )
    laden: bool
    purpose: Annotated[Purpose | None, Field(description="what an empty vehicle comes for")] = None
    yard: Code | None = None
    yard_location: YardLocation | None = None
    vehicles: Annotated[list[VehicleIn], Field(min_length=1, max_length=50)]
    goods: Annotated[list[Goods], Field(max_length=200)] = []
    quarantine: Quarantines = Quarantines()

    @model_validator(mode="after")
    def _vehicles_differ(self) -> "DeclarationIn":
        if len({one.vehicle for one in self.vehicles}) != len(self.vehicles):
            raise ValueError("two vehicles bear the same code; give each its own")
        return self

    @model_validator(mode="after")
    def _goods_go_somewhere(self) -> "DeclarationIn":
        if self.laden and self.direction is None and self.procedure is None:
            raise ValueError("goods go out or come in; write direction as export or import")
        own = {one.vehicle for one in self.vehicles if one.receives_from is None}
        strange = [v.vehicle for v in self.vehicles if v.receives_from not in (None, *own)]
        if strange:
            raise ValueError(f"receives_from of {', '.join(strange)} names no vehicle that brings goods here")
        return self


class RecallIn(Request):
    """Why the declaration is taken back."""

    reason: Text = ""


class NodeIn(Request):
    """A gate PC or desk to license: its key, the places it speaks for, the agencies with a screen there."""

    node: NodeName
    site: Code
    public_key: PublicKeyText
    places: Annotated[list[Place], Field(min_length=1)]
    agencies: list[Agency] = []
    journal: Annotated[
        JournalId | None,
        Field(
            description="for a node that was revoked: the journal in which it goes on; drawn when left out"
        ),
    ] = None


class OfficerIn(Request):
    """An officer's office at a site, for a lease of days."""

    officer: Code
    agency: Agency
    site: Code
    name: Personal | None = None
    days: Annotated[int, Field(ge=1, le=365)] = 35


class RevocationIn(Request):
    """Why the officer's offices end."""

    reason: Text = ""


class NodeRevocationIn(Request):
    """Why a node's key is trusted no longer, and how far its journals are; as far as the centre holds them if not said."""

    reason: Text = ""
    trusted: dict[JournalId, Number] | None = None


class ForgetIn(Request):
    """Why personal values are to be forgotten."""

    reason: Text = ""


class Written(BaseModel):
    """The facts that now stand for what was asked."""

    facts: list[str]


class DeclarationOut(BaseModel):
    """A declaration's newest version. Personal values appear as commitments only."""

    no: DeclarationNo
    version: int
    ref: Annotated[str, Field(description="the fact that holds this version, journal/number")]
    recalled: bool
    declaration: dict[str, Any]


class StepOut(BaseModel):
    """One fact of a journey, readable."""

    ref: str
    at: str
    kind: str
    what: Annotated[str, Field(description="the fact as a sentence, in the language asked for")]
    clause: str | None = None
    node: str
    agency: str | None = None
    who: Annotated[str | None, Field(description="who it was, as they were called on that day")] = None
    officer: str | None = None
    place: str | None = None
    heading: str | None = None
    vehicle: str | None = None
    counts: Annotated[
        str | None, Field(description="counts, pending or refused; null for facts that need no office")
    ]
    refs: Annotated[list[str], Field(description="facts that this one rests on")]


class JourneyOut(BaseModel):
    """What happened to a declaration, in the order of the clocks."""

    no: DeclarationNo
    recalled: bool
    steps: list[StepOut]


class CameraOut(BaseModel):
    """A camera as its gate reports it."""

    name: str
    state: str
    age_s: float | None
    troubles: Annotated[list[str], Field(description="why its pictures cannot be trusted though they come")]
    untrusted_share: Annotated[float | None, Field(description="of the last 24 hours watched, 0 to 1")]


class LaneOut(BaseModel):
    """A lane as its gate reports it."""

    name: str
    place: str
    state: str
    barrier: str
    barrier_error: str | None
    cameras: list[CameraOut]


class RefusalOut(BaseModel):
    """A node takes nothing of a journal from a number on: it looks forged or broken there."""

    by: str
    journal: str
    seq: Annotated[int, Field(description="the first number that is refused")]


class BranchOut(BaseModel):
    """One history of a journal. It begins at `floor`: above it no fact is missing."""

    journal: str
    branch: Annotated[int, Field(description="0 is the main one")]
    seq: int
    hash: str
    floor: int


class EventOut(BaseModel):
    """What befell a node: its store was recovered, a new journal was begun, its clock was set."""

    ref: str
    at: str
    kind: str
    body: dict[str, Any]


class FlagOut(BaseModel):
    """What looks wrong about a fact or a node."""

    node: str
    ref: str
    why: Annotated[str, Field(description="forked, far_ahead, contradicted or twin")]
    at: str
    detail: str
    branches: list[BranchOut]


class SeenOut(BaseModel):
    """How far another node was seen to hold a journal, and when it said so."""

    witness: str
    seq: int
    at: str


class JournalOut(BaseModel):
    """A journal as the centre holds it."""

    journal: str
    head: int
    hash: str
    floor: Annotated[int, Field(description="number above which nothing is missing; 0 when it is held whole")]
    branches: list[BranchOut]
    seen: list[SeenOut]


class SetAsideOut(BaseModel):
    """A message that could not be taken. `payload` is its first part; it is empty after anything was forgotten."""

    digest: str
    at: str
    last_at: str
    times: int
    source: Annotated[str, Field(description="the topic it came on")]
    reason: str
    payload: str
    acknowledged: bool


class AnsweredOut(BaseModel):
    """A node that holds none of the values any more, and when it said so."""

    node: str
    at: str


class ForgetOut(BaseModel):
    """A `forget`, and who has answered it."""

    ref: str
    at: str
    site: str
    subject: str
    declaration: DeclarationNo | None
    reason: str
    facts: Annotated[int, Field(description="how many facts it names")]
    answered: list[AnsweredOut]
    waiting: Annotated[list[str], Field(description="enrolled nodes that have not answered yet")]


class CheckpointOut(BaseModel):
    """A checkpoint of a site: what a gate without history begins from."""

    site: str
    at: str
    facts: int
    parts: int
    journals: int


class GateOut(BaseModel):
    """A gate: alive or not, and how far each side is behind the other."""

    node: str
    site: str
    state: Annotated[str, Field(description="alive, silent, offline or never")]
    heard_s: Annotated[float | None, Field(description="seconds since it was last heard")]
    places: list[str]
    behind: Annotated[
        int | None, Field(description="facts of its journals that the centre lacks; null when unknown")
    ]
    lags: Annotated[
        int | None, Field(description="facts of the centre's journal that it lacks; null when unknown")
    ]
    unsent: Annotated[int | None, Field(description="facts of its own that it has not seen at the centre")]
    unseen: Annotated[int | None, Field(description="facts of its own that it has seen at nobody")]
    quarantined: Annotated[int | None, Field(description="messages it set aside and nobody has looked at")]
    refused: Annotated[list[str], Field(description="who refuses its facts, as it was told itself")]
    refused_by: Annotated[
        list["RefusalOut"], Field(description="who refuses its facts, as the centre hears it")
    ]
    revoked: Annotated[bool, Field(description="its key is not trusted, and no new one was enrolled")]
    branches: Annotated[
        list["BranchOut"], Field(description="of its journals that forked; empty when none did")
    ]
    events: Annotated[list["EventOut"], Field(description="what befell its store and clock, the last ten")]
    clock: str | None
    disk: str | None
    disk_free_mb: int | None
    version: str | None
    lanes: list[LaneOut]


class FactOut(BaseModel):
    """A fact with its position in the order of arrival here."""

    position: int
    fact: dict[str, Any]


class FactsOut(BaseModel):
    """A page of facts; ask again with `after` = `next`."""

    facts: list[FactOut]
    next: int


class ProblemDocument(BaseModel):
    """An error (RFC 9457). `errors` names the members that are not of their form."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []
