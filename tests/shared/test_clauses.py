"""Each step that moves a barrier, as the decree has it: where, who is waited for, in which order, what binds of earlier steps.

The rows stand in `tests.shared.law`, written from the sources; what is tested is what `decide` says by the shipped procedures.
"""

from itertools import permutations

import pytest

from shared.codes import Actor, Agency, Place, Verdict
from shared.decide import Decision
from shared.facts import Fact
from shared.reasons import Code
from shared.settings import HealthTick, Settings
from tests.builders import BORDER_GUARD, CUSTOMS, HEALTH, Site, procedure
from tests.shared.law import STOPS, Stop, confirm, confirm_earlier, declared

NO_FEE = dict.fromkeys(("4.2", "4.3", "5.2"), "none")
AS_PRINTED = Settings(health_tick=HealthTick.PRINTED_PLACE, fee_before=NO_FEE)
HEALTH_EARLIER = Settings(health_tick=HealthTick.MAY_COME_EARLIER, fee_before=NO_FEE)
NAMED = [stop for stop in STOPS if stop.confirm]
ORDERED = [stop for stop in STOPS if stop.ordered]
UNORDERED = [stop for stop in NAMED if not stop.ordered]
each_stop = pytest.mark.parametrize("stop", STOPS, ids=str)
each_named = pytest.mark.parametrize("stop", NAMED, ids=str)


def ready(stop: Stop) -> Site:
    """A vehicle before the barrier, every earlier step done and nobody at this one."""
    site = declared(stop.khoan)
    confirm_earlier(site, stop.clause)
    return site


def ask(site: Site, stop: Stop, settings: Settings = AS_PRINTED) -> Decision:
    return site.decide(stop.at, settings=settings)


def with_code(decision: Decision, code: Code) -> set[tuple[str | None, str]]:
    """Clause and agencies of the reasons of a code."""
    return {
        (one.clause, one.values.get("agency") or one.values.get("agencies", ""))
        for one in decision.reasons
        if one.code is code
    }


def test_the_table_has_every_step_that_moves_a_barrier_and_no_other() -> None:
    """A7; what nobody knows apart."""
    khoans = {stop.khoan for stop in STOPS}
    shipped = {
        step.clause
        for khoan in khoans
        for step in procedure(khoan).steps
        if step.place in (Place.BARRIER_1, Place.BARRIER_2) and step.standing != "unknown"
    }
    assert shipped == {stop.clause for stop in STOPS}


@each_stop
def test_the_border_guard_opens_and_nothing_is_automatic(stop: Stop) -> None:
    """S2 names the border guard wherever a barrier is opened."""
    site = ready(stop)
    for agency in (None, *stop.confirm):
        if agency is not None:
            site.confirm(stop.clause, agency)
        decision = ask(site, stop)
        assert decision.step is not None
        assert (decision.step.clause, decision.opens) == (stop.clause, BORDER_GUARD)
        assert (decision.ordered, decision.automatic) == (stop.ordered, False)


@each_stop
def test_how_well_the_text_carries_the_step(stop: Stop) -> None:
    found = procedure(stop.khoan).step(stop.clause)
    assert found is not None
    assert found.standing is stop.standing, stop.ground


@each_named
def test_while_nobody_has_confirmed_those_are_waited_for_whom_the_text_names(stop: Stop) -> None:
    decision = ask(ready(stop), stop)
    assert decision.verdict is Verdict.WAIT
    assert (
        decision.waits_for == stop.confirm[:1]
        if stop.ordered
        else set(decision.waits_for) == set(stop.confirm)
    )
    assert with_code(decision, Code.CONFIRMATION_MISSING) == {(stop.clause, one) for one in stop.confirm}


def test_where_the_text_names_nobody_the_way_is_open_at_once() -> None:
    """4.3.e read literally (A8, 1)."""
    nobody = [stop for stop in STOPS if not stop.confirm]
    assert [stop.clause for stop in nobody] == ["4.3.e"]
    decision = ask(ready(nobody[0]), nobody[0])
    assert (decision.verdict, decision.waits_for) == (Verdict.OPEN, ())
    assert with_code(decision, Code.NOBODY_NAMED) == {("4.3.e", "")}


@pytest.mark.parametrize(
    ("stop", "order"),
    [(stop, order) for stop in UNORDERED for order in permutations(stop.confirm)],
    ids=lambda one: "-".join(one) if isinstance(one, tuple) else str(one),
)
def test_where_no_order_is_stated_any_order_opens_and_only_when_all_have_confirmed(
    stop: Stop, order: tuple[Agency, ...]
) -> None:
    """On entry the border guard ticks first in practice (A9): that alone opens nothing."""
    site = ready(stop)
    for done, agency in enumerate(order, start=1):
        site.confirm(stop.clause, agency)
        decision = ask(site, stop)
        assert set(decision.waits_for) == set(order[done:])
        assert decision.verdict is (Verdict.WAIT if order[done:] else Verdict.OPEN)


@pytest.mark.parametrize("stop", ORDERED, ids=str)
def test_in_a_fixed_order_one_after_the_other_is_waited_for(stop: Stop) -> None:
    site = ready(stop)
    given: list[Fact] = []
    for agency in stop.confirm:
        decision = ask(site, stop)
        assert (decision.verdict, decision.waits_for) == (Verdict.WAIT, (agency,))
        given.append(site.confirm(stop.clause, agency, saw=tuple(given)))
    assert ask(site, stop).verdict is Verdict.OPEN


def lawful(stop: Stop, order: tuple[Agency, ...], health_tick: HealthTick) -> bool:
    """Whether the text allows an order: the printed one; by the setting, with health anywhere before the border guard (A8, 5)."""
    if health_tick is HealthTick.PRINTED_PLACE:
        return order == stop.confirm
    others = [one for one in order if one is not HEALTH]
    return others == [one for one in stop.confirm if one is not HEALTH] and order[-1] is BORDER_GUARD


@pytest.mark.parametrize("settings", [AS_PRINTED, HEALTH_EARLIER], ids=lambda one: str(one.health_tick))
@pytest.mark.parametrize("stop", ORDERED, ids=str)
def test_in_a_fixed_order_no_other_order_opens(stop: Stop, settings: Settings) -> None:
    for order in permutations(stop.confirm):
        site = ready(stop)
        confirm(site, stop.clause, order)
        decision = ask(site, stop, settings)
        expected = Verdict.OPEN if lawful(stop, order, settings.health_tick) else Verdict.WAIT
        assert decision.verdict is expected, order
        assert bool(with_code(decision, Code.OUT_OF_ORDER)) is (expected is Verdict.WAIT), order


@each_named
def test_when_one_of_the_named_is_missing_the_way_stays_closed(stop: Stop) -> None:
    for left_out in stop.confirm:
        site = ready(stop)
        confirm(site, stop.clause, [one for one in stop.confirm if one is not left_out])
        decision = ask(site, stop)
        assert (decision.verdict, decision.waits_for) == (Verdict.WAIT, (left_out,))


@each_stop
def test_whom_the_text_does_not_name_at_the_step_changes_nothing(stop: Stop) -> None:
    site = ready(stop)
    for node in ("gate-1", "gate-2"):
        places = [Place.BARRIER_1] if node == "gate-1" else [Place.BARRIER_2]
        site.license(node, places, list(Agency))
    before = ask(site, stop)
    for agency in set(Agency) - set(stop.confirm):
        site.confirm(stop.clause, agency)
    site.confirm(stop.clause, Actor.DECLARANT)
    assert ask(site, stop) == before


# -- what binds of earlier steps: only where the step's own text has the gate query "các trạng thái xác nhận ở các bước trước"


@pytest.mark.parametrize("stop", [one for one in STOPS if not one.earlier], ids=str)
def test_a_step_that_queries_only_what_was_declared_asks_nothing_of_earlier_steps(stop: Stop) -> None:
    """A7: so also 6.4.c and 7.4.c; 5.2.g is not printed, and 7.3 stands here alone."""
    site = declared(stop.khoan)
    confirm(site, stop.clause, stop.confirm)
    decision = ask(site, stop)
    assert decision.verdict is Verdict.OPEN
    assert not with_code(decision, Code.EARLIER_STEP_MISSING)
    assert not with_code(decision, Code.EARLIER_STEP_SHOWN)


EARLIER = [
    # the step, an earlier one, who confirmed that, whether it holds the vehicle back
    ("4.2.g", "4.2.b", (BORDER_GUARD, CUSTOMS), True),
    ("4.2.g", "4.2.d", (CUSTOMS, BORDER_GUARD), False),
    ("4.3.g", "4.3.c", (CUSTOMS, BORDER_GUARD), True),
    ("5.3.c", "5.3.b", (BORDER_GUARD, CUSTOMS), True),
]


@pytest.mark.parametrize(("clause", "earlier", "agencies", "binds"), EARLIER)
def test_where_earlier_states_are_queried_a_printed_earlier_step_binds_and_an_inferred_one_is_shown(
    clause: str, earlier: str, agencies: tuple[Agency, ...], binds: bool
) -> None:
    stop = next(one for one in STOPS if one.clause == clause)
    for left_out in agencies:
        site = declared(stop.khoan)
        for before, told in [(row[1], row[2]) for row in EARLIER if row[0] == clause]:
            confirm(site, before, [one for one in told if (before, one) != (earlier, left_out)])
        confirm(site, clause, stop.confirm)
        decision = ask(site, stop)
        assert decision.verdict is (Verdict.WAIT if binds else Verdict.OPEN)
        assert decision.waits_for == ((left_out,) if binds else ())
        code = Code.EARLIER_STEP_MISSING if binds else Code.EARLIER_STEP_SHOWN
        assert (earlier, left_out) in with_code(decision, code)


@pytest.mark.parametrize("quarantine", [HEALTH, Agency.ANIMAL_QUARANTINE, Agency.PLANT_QUARANTINE])
def test_a_quarantine_that_was_asked_for_in_the_yard_binds_at_the_exit_and_one_that_failed_does_too(
    quarantine: Agency,
) -> None:
    """4.3.c is printed and 4.3.g queries it."""
    stop = next(one for one in STOPS if one.clause == "4.3.g")
    site = declared("4.3", quarantine={quarantine.value: "required"})
    confirm(site, "4.3.c", (CUSTOMS, BORDER_GUARD))
    confirm(site, "4.3.g", stop.confirm)
    for values in ({"result": "failed"}, {"result": "passed"}):
        decision = ask(site, stop)
        assert (decision.verdict, decision.waits_for) == (Verdict.WAIT, (quarantine,))
        assert with_code(decision, Code.EARLIER_STEP_MISSING) == {("4.3.c", quarantine.value)}
        site.confirm("4.3.c", quarantine, values=values)
    assert ask(site, stop).verdict is Verdict.OPEN


def test_what_devices_stamp_at_yard_gates_binds_nowhere() -> None:
    """Those stamps come late, some after the barrier (A9)."""
    for stop in STOPS:
        site = ready(stop)
        confirm(site, stop.clause, stop.confirm)
        assert not any(fact.body.get("by") == "device" for fact in site.facts)
        binding = Settings(inferred_steps_bind=True, fee_before=NO_FEE)
        assert ask(site, stop, binding).verdict is Verdict.OPEN, stop.clause


# -- the fee


@pytest.mark.parametrize(
    ("khoan", "chosen", "binds_at"),
    [
        ("4.2", None, "4.2.g"),
        ("4.2", "none", None),
        ("4.3", None, "4.3.g"),
        ("4.3", "4.3.e", "4.3.e"),
        ("4.3", "none", None),
        ("5.2", None, "5.2.g"),
        ("5.2", "none", None),
        ("5.3", None, None),
    ],
)
def test_before_which_barrier_the_fee_must_have_been_confirmed(
    khoan: str, chosen: str | None, binds_at: str | None
) -> None:
    """A4: no text says it; 4.2 and 4.3 before China, 5.2 before the inland, 5.3 (whose fee comes after both barriers) nowhere."""
    settings = Settings(fee_before={} if chosen is None else {khoan: chosen})
    for stop in (one for one in STOPS if one.khoan == khoan):
        site = declared(khoan)
        confirm_earlier_but_fee(site, stop)
        confirm(site, stop.clause, stop.confirm)
        decision = ask(site, stop, settings)
        waits = stop.clause == binds_at
        assert decision.verdict is (Verdict.WAIT if waits else Verdict.OPEN), stop.clause
        collectors = {Agency.GATE_MANAGEMENT, Agency.TAX}
        assert set(decision.waits_for) == (collectors if waits else set())


def confirm_earlier_but_fee(site: Site, stop: Stop) -> None:
    confirm_earlier(site, stop.clause)
    site.facts = [fact for fact in site.facts if fact.body.get("by") != Agency.TAX]


@pytest.mark.parametrize("collector", [Agency.GATE_MANAGEMENT, Agency.TAX])
@pytest.mark.parametrize(("fee", "clause"), [("4.2.đ", "4.2.g"), ("4.3.d", "4.3.g"), ("5.2.đ", "5.2.g")])
def test_one_of_the_two_collectors_is_enough(fee: str, clause: str, collector: Agency) -> None:
    """Gate management centre or tax: which of the two is not said (A8, 12)."""
    stop = next(one for one in STOPS if one.clause == clause)
    site = declared(stop.khoan)
    confirm_earlier_but_fee(site, stop)
    confirm(site, clause, stop.confirm)
    assert site.decide(stop.at).verdict is Verdict.WAIT
    site.confirm(fee, collector)
    assert site.decide(stop.at).verdict is Verdict.OPEN
    assert CUSTOMS not in site.decide(stop.at).waits_for
