"""Declarations of a busy border, each a function of its number: over all procedures, both countries, every form of plate."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from shared import plates
from shared.body import Commitment
from shared.codes import Country, Direction, Purpose, Quarantine, YardLocation
from shared.declared import Asked, Declaration, Driver, Goods, Quarantines, Vehicle
from simulation.layout import SITE

DAY = "20261124"
_TWIN, _ALIKE = 40, 25
"""Every so manieth declaration is of a plate declared already, or of one that readers take for another's."""
_VN, _CN, _IN, _OUT = Country.VN, Country.CN, YardLocation.INSIDE, YardLocation.OUTSIDE


@dataclass(frozen=True)
class Sort:
    """Declarations of one procedure: their share of all (E of the border facts; the khoản of Điều 6 and 7 are estimates)."""

    procedure: str
    share: float
    country: Country
    direction: Direction | None = None
    yard: YardLocation = _IN
    purpose: Purpose | None = None


SORTS: Sequence[Sort] = (
    Sort("4.2", 13, _VN, Direction.EXPORT),
    Sort("4.3", 7, _VN, Direction.EXPORT, _OUT),
    Sort("5.2", 40, _CN, Direction.IMPORT),
    Sort("5.3", 14, _CN, Direction.IMPORT, _OUT),
    Sort("6.1", 0.5, _VN),
    Sort("6.2", 6, _VN, purpose=Purpose.TRANSFER),
    Sort("6.4", 5, _VN, purpose=Purpose.CROSSING),
    Sort("6.5", 4, _VN, purpose=Purpose.CROSSING),
    Sort("6.6", 3, _VN, purpose=Purpose.TRANSFER),
    Sort("6.7", 1, _VN),
    Sort("7.1", 0.5, _CN),
    Sort("7.2", 3, _CN, purpose=Purpose.TRANSFER),
    Sort("7.4", 3, _CN, purpose=Purpose.CROSSING),
)


def number_of(number: int) -> str:
    """The declaration's number: ten thousand a day, and the days go on."""
    return f"{int(DAY) + number // 100_000}{number % 100_000:05d}"


def sort_of(number: int) -> Sort:
    """Which procedure a declaration is for."""
    drawn = _drawn(number, "sort")
    return drawn.choices(SORTS, [one.share for one in SORTS])[0]


@cache
def _shared_with(number: int) -> int:
    """The declaration whose plate this one has, or is alike to; itself mostly."""
    return number - 1 if number % _TWIN == 7 or number % _ALIKE == 3 else number


def plate_of(number: int) -> str:
    """The plate of the first vehicle of a declaration, in its normal form."""
    other = _shared_with(number)
    drawn = _drawn(other, "plate")
    plate = _vietnamese(drawn) if sort_of(other).country is _VN else _chinese(drawn)
    return plate if number == other or number % _TWIN == 7 else _alike(plate)


def declaration_of(number: int, version: int = 1) -> Declaration:
    """A version of a declaration; each amends the weight of the goods. Every other one names its procedure itself."""
    sort, drawn = sort_of(_shared_with(number)), _drawn(number, "rest")
    laden = sort.direction is not None
    return Declaration(
        no=number_of(number),
        version=version,
        site=SITE,
        procedure=sort.procedure if drawn.random() < 0.5 else None,
        direction=sort.direction,
        laden=laden,
        purpose=sort.purpose,
        yard=f"BAI-{drawn.randrange(1, 9):02d}",
        yard_location=sort.yard if laden else None,
        vehicles=_vehicles(number, sort, drawn),
        goods=_goods(drawn, version) if laden else [],
        quarantine=Quarantines(
            animal_quarantine=_asked(drawn, 0.05), plant_quarantine=_asked(drawn, 0.5 if laden else 0)
        ),
        declared_at=datetime(2026, 11, 24, drawn.randrange(24), drawn.randrange(60), tzinfo=UTC),
    )


def _vehicles(number: int, sort: Sort, drawn: random.Random) -> list[Vehicle]:
    """The vehicle declared; where its goods go over (sang tải), those of the other country that take them, too."""
    plate = plate_of(number)
    first = _vehicle("1", _as_typed(plate, drawn), sort.country, drawn)
    if sort.yard is _OUT or sort.direction is None or drawn.random() > 0.1:
        return [first]
    other = _CN if sort.country is _VN else _VN
    form = _chinese if other is _CN else _vietnamese
    return [first] + [
        _vehicle(code, form(drawn), other, drawn, receives_from="1")
        for code in ("2", "3")[: 1 + (other is _VN)]
    ]


def _vehicle(
    code: str, plate: str, country: Country, drawn: random.Random, receives_from: str | None = None
) -> Vehicle:
    return Vehicle(
        vehicle=code,
        plate=plate,
        country=country,
        trailer=_trailer(drawn) if country is _VN and drawn.random() < 0.6 else None,
        container=f"MSKU{drawn.randrange(10**7):07d}" if drawn.random() < 0.6 else None,
        permit=f"C26Y{drawn.randrange(10**6):06d}",
        receives_from=receives_from,
        driver=Driver(name=_committed(drawn), papers=_committed(drawn), phone=_committed(drawn)),
    )


def _vietnamese(drawn: random.Random) -> str:
    """Lorries of Lạng Sơn and the delta mostly; one in twenty of the old issue with four digits, a few of a special series."""
    often = drawn.random() < 0.5
    province = drawn.choice(("12", "29", "34", "98", "15", "99", "30") if often else _provinces())
    series = drawn.choice(("LD", "KT")) if drawn.random() < 0.03 else drawn.choice("ABCDEFHKLM")
    digits = 4 if drawn.random() < 0.05 else 5
    return f"{province}{series}{drawn.randrange(10**digits):0{digits}d}"


@cache
def _provinces() -> tuple[str, ...]:
    return tuple(f"{one}" for one in range(11, 100) if plates.classify(f"{one}C12345") is not None)


def _chinese(drawn: random.Random) -> str:
    """As declared, without the province character: Sùng Tả (F) mostly, of it one in thirty of new energy."""
    city = drawn.choice("FFFFAAELNPRGKM")
    if drawn.random() < 0.03:
        return f"{city}{drawn.randrange(10**5):05d}D"
    serial = [*f"{drawn.randrange(10**5):05d}"]
    for at in drawn.sample(range(5), drawn.choice((0, 1, 1, 2))):
        serial[at] = drawn.choice("ABCDEFGHJKLMNPQRSTUVWXYZ")
    return city + "".join(serial)


def _trailer(drawn: random.Random) -> str:
    return f"{drawn.choice(('12', '29', '34', '98'))}R{drawn.choice(('', 'M'))}{drawn.randrange(10**5):05d}"


def _alike(plate: str) -> str:
    """Another plate that is one likely confusion away."""
    country = plates.forms(plate)[0].country
    others = (
        one
        for one in sorted(plates.one_confusion_of(plate))
        if any(f.country is country for f in plates.forms(one))
    )
    return next(others, plate)


def _as_typed(plate: str, drawn: random.Random) -> str:
    """One declarant in ten writes the dash and the dot of the plate, or a blank at its end."""
    if drawn.random() > 0.1:
        return plate
    return drawn.choice((f"{plate[:3]}-{plate[3:]}", f"{plate[:3]}-{plate[3:6]}.{plate[6:]}", f"{plate} "))


def _goods(drawn: random.Random, version: int) -> list[Goods]:
    return [
        Goods(
            name=drawn.choice(
                ("Thanh long tươi", "Sầu riêng", "Linh kiện điện tử", "Vải dệt kim", "Xoài tươi")
            ),
            customs_no=f"{drawn.randrange(10**11, 10**12)}",
            hs_code=f"{drawn.randrange(10**7, 10**8)}" if drawn.random() < 0.5 else None,
            weight_kg=drawn.randrange(500, 28_000) + version,
        )
        for _ in range(drawn.choice((1, 1, 2, 4)))
    ]


def _asked(drawn: random.Random, share: float) -> Asked:
    return Quarantine.REQUIRED if drawn.random() < share else Quarantine.NOT_REQUESTED


def _committed(drawn: random.Random) -> Commitment:
    return Commitment(commitment=f"{drawn.getrandbits(256):064x}")


def _drawn(number: int, what: str) -> random.Random:
    return random.Random(f"{what} {number}")
