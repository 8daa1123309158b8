"""Vehicles before the steps of `tests.shared.every_step`: what is declared, who confirms and says what, what a decision tells."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from shared.codes import Agency, Place
from shared.decide import Decision
from shared.facts import Fact
from shared.procedures import Matter
from shared.reasons import Code
from shared.settings import Settings
from tests.builders import MORNING, Site
from tests.shared.every_step import ROWS, Row

NOON = MORNING + timedelta(hours=4)
V1, V2 = "v1", "v2"
DRIVER = {"name": {"commitment": "d" * 64}}
TRUCK = {
    "VN": {"plate": "12C12345", "country": "VN", "driver": DRIVER, "permit": "1/GPLV"},
    "CN": {"plate": "FF0123", "country": "CN", "driver": DRIVER, "permit": "C26Y0123"},
}
GOODS = [{"name": "Nhãn tươi", "weight_kg": 18000}]
ASKED_FOR = dict.fromkeys(("health_quarantine", "animal_quarantine", "plant_quarantine"), "required")
NO_FEE = {"4.2": "none", "4.3": "none", "5.2": "none"}
BARRIERS = (Place.BARRIER_1, Place.BARRIER_2)


def country(khoan: str) -> str:
    """Goods come in on Chinese trucks and go out on Vietnamese ones in these tests; Điều 6 is of VN (A5), Điều 7 of CN."""
    return "CN" if khoan.startswith(("5", "7")) else "VN"


def form(khoan: str) -> dict[str, Any]:
    """What is declared, by the headings of Điều 4 to 7."""
    if khoan.startswith(("6", "7")):
        return {"direction": None, "laden": False, "goods": [], "yard_location": "inside"}
    direction = "export" if khoan.startswith("4") else "import"
    return {
        "direction": direction,
        "goods": GOODS,
        "yard_location": "inside" if khoan.endswith("2") else "outside",
    }


def declared(khoan: str, *, transfer: bool = False, **changes: Any) -> Site:
    """A declaration by a khoản with everything in it; with a transfer, a second vehicle takes the goods over."""
    first, other = TRUCK[country(khoan)], TRUCK["CN" if country(khoan) == "VN" else "VN"]
    vehicles = [{**first, "vehicle": V1}]
    if transfer:
        vehicles.append({**other, "vehicle": V2, "receives_from": V1})
    return Site(khoan, **{**form(khoan), "vehicles": vehicles, **changes})


def reads(step: Row, name: str | None, **more: Any) -> Settings:
    """Settings by which the step is read in that way, and no barrier asks for the fee."""
    return Settings(readings={step.clause: name} if name else {}, **{"fee_before": NO_FEE, **more})


def confirmers(step: Row, name: str | None = None) -> tuple[Agency, ...]:
    return step.readings[name] if name else step.confirm


def confirm(site: Site, step: Row, by: Agency, saw: Sequence[Fact] = (), **more: Any) -> Fact:
    """Says what the text has the agency say at such a step, whatever the file asks."""
    values = dict.fromkeys(step.owes.get(by, ()), "said")
    return site.confirm(step.clause, by, saw=tuple(saw), **{"place": step.at[0], "values": values, **more})


def in_order(site: Site, step: Row, agencies: Iterable[Agency]) -> None:
    given: list[Fact] = []
    for agency in agencies:
        given.append(confirm(site, step, agency, given))


def earlier_done(step: Row, **changes: Any) -> Site:
    """A vehicle before a step, all before it confirmed."""
    site = declared(step.khoan, **changes)
    for one in ROWS[: ROWS.index(step)]:
        if one.khoan == step.khoan:
            in_order(site, one, (*one.confirm, *one.collectors))
    return site


def told(decision: Decision, code: Code, name: str = "agency") -> list[str]:
    return [one.values[name] for one in decision.reasons if one.code is code]


def clauses_told(decision: Decision, code: Code) -> dict[str | None, str]:
    return {one.clause: one.values.get("agencies", "") for one in decision.reasons if one.code is code}


def lacking(site: Site, part: Matter) -> None:
    first, *others = site.body["vehicles"]
    changes: Mapping[Matter, Mapping[str, Any]] = {
        Matter.DRIVER: {"vehicles": [{**first, "driver": {}}, *others]},
        Matter.PERMIT: {"vehicles": [{**first, "permit": None}, *others]},
        Matter.GOODS: {"goods": []},
    }
    site.amend(**changes[part])
