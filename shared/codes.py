"""The codes that outside scripts rely on: agencies, places, headings, verdicts, standings.

Codes are English and never change; a screen shows a word of `shared.words`, for an agency a name of `shared.agency_names`.
"""

from enum import StrEnum


class Agency(StrEnum):
    """An agency of the gate (lực lượng chức năng)."""

    BORDER_GUARD = "border_guard"
    CUSTOMS = "customs"
    HEALTH_QUARANTINE = "health_quarantine"
    ANIMAL_QUARANTINE = "animal_quarantine"
    PLANT_QUARANTINE = "plant_quarantine"
    TRANSPORT = "transport"
    GATE_MANAGEMENT = "gate_management"
    TAX = "tax"


class Actor(StrEnum):
    """Who acts in a step where no agency does."""

    DEVICE = "device"
    DECLARANT = "declarant"
    YARD_OPERATOR = "yard_operator"


class Place(StrEnum):
    """Where a step of a procedure happens."""

    BARRIER_1 = "barrier-1"
    BARRIER_2 = "barrier-2"
    YARD_IN = "yard-in"
    YARD_OUT = "yard-out"
    YARD = "yard"
    ONLINE = "online"


class Heading(StrEnum):
    """Direction of travel at a place: into the gate area, or out of it."""

    IN = "in"
    OUT = "out"

    @property
    def opposite(self) -> "Heading":
        """The other way."""
        return Heading.OUT if self is Heading.IN else Heading.IN


class Direction(StrEnum):
    """What the declaration is for."""

    EXPORT = "export"
    IMPORT = "import"


class Country(StrEnum):
    """Country whose plate grammar a vehicle's plate follows."""

    VN = "VN"
    CN = "CN"


class Ground(StrEnum):
    """Ground colour of a plate as it looks in the picture; infra-red pictures know only white and black."""

    WHITE = "white"
    YELLOW = "yellow"
    BLUE = "blue"
    RED = "red"
    GREEN = "green"
    BLACK = "black"


class YardLocation(StrEnum):
    """Where the yard lies: the difference between khoản 2 and khoản 3 of Điều 4 and Điều 5."""

    INSIDE = "inside"
    OUTSIDE = "outside"


class Purpose(StrEnum):
    """What an empty vehicle comes for (Điều 6, Điều 7)."""

    TRANSFER = "transfer"
    """To take goods over from another vehicle (sang tải)."""
    CROSSING = "crossing"
    """To cross the gate area: over the border, or home again."""


class Load(StrEnum):
    """What a vehicle has to do with the goods of its declaration."""

    OWN = "own"
    """It carries what was declared for it, all the way."""
    DELIVERS = "delivers"
    """Its goods go over to other vehicles (sang tải)."""
    RECEIVES = "receives"
    """It takes goods over from another vehicle."""


class Quarantine(StrEnum):
    """How a quarantine stands; "not requested" is not "done". A declaration says the first two, confirmations the third."""

    NOT_REQUESTED = "not_requested"
    REQUIRED = "required"
    DONE = "done"


class Verdict(StrEnum):
    """What the rules say about one vehicle at one place. OPEN means *may be opened*."""

    OPEN = "open"
    WAIT = "wait"
    REFUSE = "refuse"
    UNKNOWN = "unknown"


class Standing(StrEnum):
    """How well the text of the decree carries a step."""

    TEXT = "text"
    INFERRED = "inferred"
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"


BARRIERS = frozenset({Place.BARRIER_1, Place.BARRIER_2})
YARD_GATES = frozenset({Place.YARD_IN, Place.YARD_OUT})
LANE_PLACES = BARRIERS | YARD_GATES
