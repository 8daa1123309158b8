"""The two recorded sequences of the running platform (A9), told fact by fact: lawful in one reading, findings in another.

Clocks are local. Each officer has seen all that was ticked before. Of the platform's own steps that stand in no clause,
"registration" is told as a word of customs on the declarant's step and "finish" not at all.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.bodies import DECLARATION_KINDS
from shared.clock import Stamp
from shared.codes import Actor, Agency, Verdict
from shared.decide import Decision
from shared.facts import Fact
from shared.reasons import Code
from shared.settings import HealthTick, Settings
from tests.builders import (
    BARRIER_1_IN,
    BARRIER_1_OUT,
    BARRIER_2_IN,
    BARRIER_2_OUT,
    BORDER_GUARD,
    CUSTOMS,
    GATE_MANAGEMENT,
    HEALTH,
    LICENCES,
    TAX,
    TRANSPORT,
    VEHICLE,
    Site,
)
from tests.shared.law import CN_TRUCK, KHOAN, VN_TRUCK, At, decide_anywhere

DEVICE = Actor.DEVICE
DAY = "2026-05-09"
Row = tuple[str, str, Agency | Actor, str]

EXPORT: Sequence[Row] = (
    # Hữu Nghị, yard outside the gate area, Vietnamese tractor and trailer; declared the evening before
    ("08:54:20", "4.3.g", HEALTH, VEHICLE),
    ("09:40:14", "4.3.c", CUSTOMS, VEHICLE),
    ("09:57:07.710", "4.3.c", BORDER_GUARD, VEHICLE),
    ("09:57:07.711", "4.3.b", DEVICE, VEHICLE),
    ("10:07:35", "4.3.d", TAX, VEHICLE),
    ("11:03:25", "4.3.e", BORDER_GUARD, VEHICLE),
    ("13:48:49", "4.3.g", TRANSPORT, VEHICLE),
    ("13:51:58", "4.3.g", CUSTOMS, VEHICLE),
    ("13:51:58", "4.3.đ", DEVICE, VEHICLE),
    ("13:53:42", "4.3.g", BORDER_GUARD, VEHICLE),
)
IMPORT: Sequence[Row] = (
    # Hữu Nghị, yard inside the gate area, a Chinese truck whose goods go over to two Vietnamese ones
    ("13:19:15", "5.2.a", CUSTOMS, VEHICLE),
    ("13:34:04", "5.2.b", BORDER_GUARD, VEHICLE),
    ("13:34:11", "5.2.b", CUSTOMS, VEHICLE),
    ("13:34:11", "5.2.c", DEVICE, VEHICLE),
    ("13:34:19", "5.2.b", HEALTH, VEHICLE),
    ("13:34:27", "5.2.b", TRANSPORT, VEHICLE),
    ("14:21:40", "5.2.d", CUSTOMS, VEHICLE),
    ("14:48:22", "5.2.đ", TAX, VEHICLE),
    ("15:19:55", "5.2.d", BORDER_GUARD, VEHICLE),
    ("15:24:22", "5.2.đ", GATE_MANAGEMENT, VEHICLE),
    ("15:25:00", "5.2.d", HEALTH, "v2"),
    ("15:25:00", "5.2.d", HEALTH, "v3"),
    ("15:39:08", "7.3", BORDER_GUARD, VEHICLE),
    ("17:46:00", "5.2.g", CUSTOMS, "v2"),
    ("17:46:00", "5.2.e", DEVICE, "v2"),
    ("17:53:00", "5.2.g", CUSTOMS, "v3"),
    ("17:53:00", "5.2.e", DEVICE, "v3"),
)

AS_PRINTED = Settings(health_tick=HealthTick.PRINTED_PLACE)
WIDE = Settings(readings={"4.3.e": "wide"})
FEE_AT_ENTRY = Settings(fee_before={"4.3": "4.3.e"})
LAWFUL_EXPORT = Settings(health_tick=HealthTick.MAY_COME_EARLIER, readings={"4.3.e": "literal"})
LAWFUL_IMPORT = Settings(readings={"5.2.g": "as_practised", "7.3": "as_practised"})
AS_TEXT = Settings(readings={"5.2.g": "as_5_3_c", "7.3": "printed"})
TWO_ENTER = Settings(readings={"5.2.b": "as_5_3_b"})

Finding = tuple[Code, str | None, str]
MISSING, DISORDER, EARLIER = Code.CONFIRMATION_MISSING, Code.OUT_OF_ORDER, Code.EARLIER_STEP_MISSING
FAULTS = {MISSING, DISORDER, EARLIER, Code.FEE_NOT_CONFIRMED, Code.EARLIER_STEP_SHOWN, Code.AMENDED_SINCE}


def local(clock: str) -> datetime:
    return datetime.fromisoformat(f"{DAY}T{clock}+07:00").astimezone(UTC)


@dataclass
class Recording:
    """A sequence as facts, and what would have been decided at any moment of it."""

    site: Site
    given: list[Fact] = field(default_factory=list)

    @classmethod
    def of(cls, khoan: str, rows: Sequence[Row], **declared: Any) -> "Recording":
        site = Site(khoan, enrolled=False, **{**KHOAN[khoan], **declared})
        for node in LICENCES:
            site.license(node)
        for agency in Agency:
            site.enrol(agency, start=local("00:00:00"))
        recording = cls(site)
        for clock, clause, by, vehicle in rows:
            saw = tuple(one for one in recording.given if one.body["by"] != DEVICE)
            at = Stamp(local(clock))
            recording.given.append(site.confirm(clause, by, saw=saw, at=at, vehicle=vehicle))
        return recording

    def decide(
        self,
        clock: str,
        at: At,
        settings: Settings,
        vehicle: str = VEHICLE,
        *,
        devices: bool = True,
    ) -> Decision:
        """The decision just after what was ticked at `clock`; without `devices` as if those had said nothing."""
        then = copy(self.site)
        then.facts = [
            fact
            for fact in self.site.facts
            if (fact.kind in DECLARATION_KINDS or fact.stamp.wall <= local(clock))
            and (devices or fact.body.get("by") != DEVICE)
        ]
        return decide_anywhere(then, at, vehicle=vehicle, settings=settings, now=local(clock))[1]


@pytest.fixture(scope="module")
def export() -> Recording:
    tractor = {**VN_TRUCK, "plate": "34C12345", "trailer": "34RM00121"}
    return Recording.of("4.3", EXPORT, vehicles=[tractor], declared_at="2026-05-08T22:46:40+07:00")


@pytest.fixture(scope="module")
def imported() -> Recording:
    takers = [{**VN_TRUCK, "vehicle": name, "receives_from": VEHICLE} for name in ("v2", "v3")]
    return Recording.of("5.2", IMPORT, vehicles=[CN_TRUCK, *takers], declared_at=f"{DAY}T13:15:21+07:00")


def findings(decision: Decision) -> set[Finding]:
    """What an auditor is told: code, clause, agency."""
    return {
        (one.code, one.clause, one.values.get("agency") or one.values.get("agencies", ""))
        for one in decision.reasons
        if one.code in FAULTS
    }


# -- lawful, where the vehicle in fact passed


@pytest.mark.parametrize(
    ("clock", "at", "settings"),
    [
        ("11:03:25", BARRIER_2_IN, LAWFUL_EXPORT),
        ("11:03:25", BARRIER_2_IN, FEE_AT_ENTRY),
        ("13:53:42", BARRIER_1_OUT, LAWFUL_EXPORT),
        ("13:53:42", BARRIER_1_OUT, FEE_AT_ENTRY),
    ],
)
def test_the_recorded_export_was_lawful_with_health_earlier_and_4_3_e_to_the_letter(
    export: Recording, clock: str, at: At, settings: Settings
) -> None:
    decision = export.decide(clock, at, settings)
    assert (decision.verdict, findings(decision), decision.automatic) == (Verdict.OPEN, set(), False)


@pytest.mark.parametrize(
    ("clock", "at", "vehicle"),
    [
        ("13:34:27", BARRIER_1_IN, VEHICLE),
        ("15:39:08", BARRIER_1_OUT, VEHICLE),
        ("17:46:00", BARRIER_2_OUT, "v2"),
        ("17:53:00", BARRIER_2_OUT, "v3"),
    ],
)
def test_the_recorded_import_was_lawful_with_both_exits_as_practised(
    imported: Recording, clock: str, at: At, vehicle: str
) -> None:
    decision = imported.decide(clock, at, LAWFUL_IMPORT, vehicle)
    assert (decision.verdict, findings(decision), decision.automatic) == (Verdict.OPEN, set(), False)


def test_the_settings_in_use_make_the_recorded_export_lawful(export: Recording) -> None:
    for clock, at in (("11:03:25", BARRIER_2_IN), ("13:53:42", BARRIER_1_OUT)):
        assert export.decide(clock, at, Settings()).verdict is Verdict.OPEN


# -- on the way: who was waited for at each moment


@pytest.mark.parametrize(
    ("clock", "waits_for"),
    [
        ("11:03:25", (TRANSPORT,)),
        ("13:48:49", (CUSTOMS,)),
        ("13:51:58", (BORDER_GUARD,)),
        ("13:53:42", ()),
    ],
)
def test_at_barrier_1_the_recorded_export_waited_in_the_printed_order(
    export: Recording, clock: str, waits_for: tuple[Agency, ...]
) -> None:
    assert export.decide(clock, BARRIER_1_OUT, LAWFUL_EXPORT).waits_for == waits_for


@pytest.mark.parametrize(
    ("clock", "waits_for", "two_enter"),
    [
        ("13:34:00", {BORDER_GUARD, CUSTOMS, HEALTH, TRANSPORT}, {BORDER_GUARD, CUSTOMS}),
        ("13:34:04", {CUSTOMS, HEALTH, TRANSPORT}, {CUSTOMS}),
        ("13:34:11", {HEALTH, TRANSPORT}, set()),
        ("13:34:19", {TRANSPORT}, set()),
        ("13:34:27", set(), set()),
    ],
)
def test_at_barrier_1_the_border_guard_ticked_first_and_the_way_opened_with_the_last_who_is_asked(
    imported: Recording, clock: str, waits_for: set[Agency], two_enter: set[Agency]
) -> None:
    """5.2.b with all four, and read as 5.3.b."""
    for settings, expected in ((LAWFUL_IMPORT, waits_for), (TWO_ENTER, two_enter)):
        decision = imported.decide(clock, BARRIER_1_IN, settings)
        assert set(decision.waits_for) == expected
        assert decision.verdict is (Verdict.WAIT if expected else Verdict.OPEN)
        assert not any(code is DISORDER for code, _, _ in findings(decision))


# -- the findings under the other readings


def test_with_health_at_its_printed_place_the_recorded_export_stands_at_barrier_1(export: Recording) -> None:
    """Its tick came five hours before; the border guard's then saw none that stands."""
    decision = export.decide("13:53:42", BARRIER_1_OUT, AS_PRINTED)
    assert (decision.verdict, decision.waits_for) == (Verdict.WAIT, (HEALTH,))
    assert findings(decision) == {
        (DISORDER, "4.3.g", "health_quarantine"),
        (DISORDER, "4.3.g", "border_guard"),
    }


def test_with_4_3_e_read_widely_customs_is_missing_at_barrier_2_and_again_at_barrier_1(
    export: Recording,
) -> None:
    """The one tick of customs had been given in the yard."""
    at_2 = export.decide("11:03:25", BARRIER_2_IN, WIDE)
    assert (at_2.verdict, findings(at_2)) == (Verdict.WAIT, {(MISSING, "4.3.e", "customs")})
    at_1 = export.decide("13:53:42", BARRIER_1_OUT, WIDE)
    assert (at_1.verdict, findings(at_1)) == (Verdict.WAIT, {(EARLIER, "4.3.e", "customs")})


@pytest.mark.parametrize("settings", [AS_TEXT, Settings()], ids=["named", "in use"])
def test_by_the_text_of_7_3_the_chinese_truck_left_without_transport_and_customs(
    imported: Recording, settings: Settings
) -> None:
    decision = imported.decide("15:39:08", BARRIER_1_OUT, settings)
    assert (decision.verdict, decision.waits_for) == (Verdict.WAIT, (TRANSPORT,))
    assert findings(decision) == {
        (MISSING, "7.3", "transport"),
        (MISSING, "7.3", "customs"),
        (DISORDER, "7.3", "border_guard"),
    }


@pytest.mark.parametrize("settings", [AS_TEXT, Settings()], ids=["named", "in use"])
@pytest.mark.parametrize(("clock", "vehicle"), [("17:46:00", "v2"), ("17:53:00", "v3")])
def test_with_5_2_g_as_5_3_c_the_vietnamese_trucks_left_without_the_border_guard(
    imported: Recording, clock: str, vehicle: str, settings: Settings
) -> None:
    decision = imported.decide(clock, BARRIER_2_OUT, settings, vehicle)
    assert (decision.verdict, decision.waits_for) == (Verdict.WAIT, (BORDER_GUARD,))
    assert findings(decision) == {(MISSING, "5.2.g", "border_guard")}


def test_before_health_had_ticked_the_transfer_the_chinese_truck_could_not_have_left(
    imported: Recording,
) -> None:
    """5.2.d: health confirms what goes over; its ticks stand on the trucks that took it."""
    before = imported.decide("15:24:22", BARRIER_1_OUT, LAWFUL_IMPORT)
    assert (EARLIER, "5.2.d", "health_quarantine") in findings(before)
    after = imported.decide("15:25:00", BARRIER_1_OUT, LAWFUL_IMPORT)
    assert findings(after) == {(MISSING, "7.3", "border_guard")}


# -- what devices stamped, early or late, changed nothing


@pytest.mark.parametrize("settings", [LAWFUL_EXPORT, AS_PRINTED, WIDE, FEE_AT_ENTRY, Settings()])
def test_no_stamp_of_a_yard_gate_changed_a_verdict_of_the_export(
    export: Recording, settings: Settings
) -> None:
    """Out of the yard is stamped two hours after barrier 2 had been passed."""
    for clock, *_ in EXPORT:
        for at in (BARRIER_2_IN, BARRIER_1_OUT):
            said, silent = (export.decide(clock, at, settings, devices=told) for told in (True, False))
            assert said == silent


@pytest.mark.parametrize("settings", [LAWFUL_IMPORT, AS_TEXT, TWO_ENTER, Settings(inferred_steps_bind=True)])
def test_no_stamp_of_a_yard_gate_changed_a_verdict_of_the_import(
    imported: Recording, settings: Settings
) -> None:
    """Into the yard is stamped while barrier 1 still waits for two agencies."""
    for clock, *_ in IMPORT:
        for at, vehicle in ((BARRIER_1_IN, VEHICLE), (BARRIER_1_OUT, VEHICLE), (BARRIER_2_OUT, "v2")):
            said, silent = (
                imported.decide(clock, at, settings, vehicle, devices=told) for told in (True, False)
            )
            assert said == silent


def test_the_platforms_own_step_of_registration_changes_nothing(imported: Recording) -> None:
    """Customs "confirmRegistration" stands in no clause that was found (A9)."""
    registration = next(fact for fact in imported.given if fact.body["step"] == "5.2.a")
    for clock, at, vehicle in (("13:34:27", BARRIER_1_IN, VEHICLE), ("17:46:00", BARRIER_2_OUT, "v2")):
        with_it = imported.decide(clock, at, LAWFUL_IMPORT, vehicle)
        without = copy(imported.site)
        without.facts = [one for one in imported.site.facts if one is not registration]
        alone = Recording(without).decide(clock, at, LAWFUL_IMPORT, vehicle)
        assert with_it == alone
