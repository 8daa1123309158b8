"""What a declaration (bản kê khai) holds: vehicles, drivers, goods, quarantines asked for."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from shared.body import Body, Clause, Code, Commitment, DeclarationNo, Text
from shared.codes import Agency, Country, Direction, Load, Purpose, Quarantine, YardLocation


class Driver(Body):
    """Who drives (người điều khiển phương tiện). All of it personal."""

    name: Commitment | None = None
    papers: Commitment | None = None
    phone: Commitment | None = None


class Vehicle(Body):
    """One vehicle of a declaration; Chinese plates are declared without their province character.

    `receives_from`: the vehicle of the same declaration whose goods this one takes over (sang tải); `empty_declaration`: the
    declaration under which it came in empty.
    """

    vehicle: Code
    plate: Text
    country: Country
    trailer: Text | None = None
    container: Text | None = None
    permit: Text | None = None
    receives_from: Code | None = None
    empty_declaration: DeclarationNo | None = None
    driver: Driver = Driver()


class Goods(Body):
    """One line of goods, with the customs declaration it belongs to."""

    name: Text
    customs_no: Text | None = None
    hs_code: Text | None = None
    weight_kg: Annotated[float, Field(ge=0)] | None = None


Asked = Literal[Quarantine.NOT_REQUESTED, Quarantine.REQUIRED]


class Quarantines(Body):
    """Which quarantines were asked for."""

    health_quarantine: Asked = Quarantine.NOT_REQUESTED
    animal_quarantine: Asked = Quarantine.NOT_REQUESTED
    plant_quarantine: Asked = Quarantine.NOT_REQUESTED

    def requires(self, agency: Agency) -> bool:
        """True when this declaration asked for that agency's quarantine."""
        return getattr(self, agency.value, None) is Quarantine.REQUIRED


class Declaration(Body):
    """One version of a declaration (bản kê khai), as declared or as amended.

    `procedure`: the khoản that it names itself; else what applies follows from the rest (`shared.applying`). `direction` is of
    goods: an empty vehicle has none.
    """

    no: DeclarationNo
    version: Annotated[int, Field(ge=1)]
    site: Code
    procedure: Clause | None = None
    direction: Direction | None = None
    laden: bool
    purpose: Purpose | None = None
    yard: Code | None = None
    yard_location: YardLocation | None = None
    vehicles: Annotated[list[Vehicle], Field(min_length=1, max_length=50)]
    goods: Annotated[list[Goods], Field(max_length=200)] = []
    quarantine: Quarantines = Quarantines()
    declared_at: AwareDatetime

    @model_validator(mode="after")
    def _goods_come_from_somewhere(self) -> Self:
        bring = {one.vehicle for one in self.vehicles if one.receives_from is None}
        if any(one.receives_from not in (None, *bring) for one in self.vehicles):
            raise ValueError("receives_from names no vehicle that brings goods here")
        return self

    def find(self, vehicle: str) -> Vehicle | None:
        """The vehicle with that code, or None."""
        return next((v for v in self.vehicles if v.vehicle == vehicle), None)

    def load(self, vehicle: str) -> Load:
        """What a vehicle has to do with the goods: carries its own, delivers to others, or receives."""
        found = self.find(vehicle)
        if found is not None and found.receives_from is not None:
            return Load.RECEIVES
        delivers = any(v.receives_from == vehicle for v in self.vehicles)
        return Load.DELIVERS if delivers else Load.OWN

    @property
    def transfers(self) -> bool:
        """True when goods go over from one vehicle to another (sang tải)."""
        return any(v.receives_from is not None for v in self.vehicles)
