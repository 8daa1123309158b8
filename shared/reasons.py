"""Why a gate decides as it does: stable codes, each with the clause it rests on and the facts used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Code(StrEnum):
    """Stable codes of reasons; the words stand in the catalogues."""

    RECALLED = "recalled"
    OTHER_SITE = "other_site"
    VEHICLE_NOT_DECLARED = "vehicle_not_declared"
    NO_PROCEDURE = "no_procedure"
    WRONG_PLACE = "wrong_place"
    TEXT_UNKNOWN = "text_unknown"
    ALREADY_PASSED = "already_passed"
    REFUSED_BY_OFFICER = "refused_by_officer"
    EARLIER_STEP_MISSING = "earlier_step_missing"
    EARLIER_STEP_LEFT_BEHIND = "earlier_step_left_behind"
    EARLIER_STEP_SHOWN = "earlier_step_shown"
    CONFIRMED = "confirmed"
    CONFIRMATION_MISSING = "confirmation_missing"
    CONFIRMATION_DOES_NOT_COUNT = "confirmation_does_not_count"
    AMENDED_SINCE = "amended_since"
    OUT_OF_ORDER = "out_of_order"
    READING_IN_USE = "reading_in_use"
    NOT_UNDERSTOOD = "not_understood"
    KNOWLEDGE_STALE = "knowledge_stale"
    DEVICE_CONFIRMS = "device_confirms"
    NOBODY_NAMED = "nobody_named"
    NO_DECLARATION = "no_declaration"
    DECLARATION_INCOMPLETE = "declaration_incomplete"
    PROCEDURES_DIFFER = "procedures_differ"
    LEAVES_AS_IT_CAME = "leaves_as_it_came"
    CONTINUES = "continues"
    FEE_CONFIRMED = "fee_confirmed"
    FEE_NOT_CONFIRMED = "fee_not_confirmed"
    VALUES_MISSING = "values_missing"
    QUARANTINE_FAILED = "quarantine_failed"
    QUARANTINE_NOT_REQUESTED = "quarantine_not_requested"
    WITHDRAWN_AFTER_PASSING = "withdrawn_after_passing"
    TURNED_BACK_BEFORE = "turned_back_before"
    GPS_OFF = "gps_off"
    YARD_REPORTED = "yard_reported"
    ANOTHER_TRACTOR = "another_tractor"
    TRAILER_DIFFERS = "trailer_differs"
    PLATE_AMENDED = "plate_amended"


@dataclass(frozen=True)
class Reason:
    """Why: a stable code, the clause it rests on, the facts used, and the values that its sentence names."""

    code: Code
    clause: str | None = None
    facts: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
