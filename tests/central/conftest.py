"""A centre on a store of its own, and a client that speaks with it inside the process."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from central.access import Tokens
from central.app import create_app
from central.centre import Centre, open_store
from shared.bodies import Arrived, Confirmed, Passed, PlateRead, SeenDecision, dump
from shared.codes import Agency, Country, Heading, Place, Verdict
from shared.facts import Draft, Fact
from shared.fees import Routing
from shared.node.store import Store
from shared.node.tariff_files import SHIPPED, load_tariffs
from shared.signing import PrivateKey
from tests.engines import Open

ADMIN = "administrator-token"
DECLARANT = "declarant-token-1"
CASHIER = "cashier-token-01"


@dataclass
class Clocks:
    """A wall clock and a monotonic clock that stand until they are moved."""

    wall: datetime = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    monotonic_s: float = 1000.0

    def pass_s(self, seconds: float) -> None:
        """Lets time pass on both."""
        self.wall += timedelta(seconds=seconds)
        self.monotonic_s += seconds


@dataclass
class Client:
    """Speaks HTTP with the application; a token goes with every request."""

    centre: Centre
    token: str = DECLARANT

    def __call__(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Sends one request."""
        return asyncio.run(self._send(method, url, **more))

    async def _send(
        self, method: str, url: str, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        transport = httpx.ASGITransport(create_app(self.centre))
        sent = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        async with httpx.AsyncClient(transport=transport, base_url="http://centre") as client:
            return await client.request(method, url, headers=sent, **more)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def store(connect: Open, clocks: Clocks) -> Any:
    opened = open_store(connect(), lambda: clocks.wall)
    yield opened
    opened.close()


@pytest.fixture
def centre(store: Store, tmp_path: Path, clocks: Clocks) -> Centre:
    return Centre.of(
        store,
        PrivateKey.generate(),
        ["CKHN", "TT"],
        tmp_path / "pictures",
        Tokens(ADMIN, {"logistics": DECLARANT}, {"bank": CASHIER}),
        checkpoints=tmp_path / "checkpoints",
        tariffs=load_tariffs(SHIPPED),
        routing=Routing(),
        wall=lambda: clocks.wall,
        now_s=lambda: clocks.monotonic_s,
    )


@pytest.fixture
def ask(centre: Centre) -> Client:
    return Client(centre)


@pytest.fixture
def administer(centre: Centre) -> Client:
    return Client(centre, token=ADMIN)


@pytest.fixture
def declaration() -> dict[str, Any]:
    return {
        "site": "CKHN",
        "procedure": "4.2",
        "direction": "export",
        "laden": True,
        "yard_location": "inside",
        "vehicles": [
            {
                "vehicle": "v1",
                "plate": "29C-123.45",
                "country": "VN",
                "driver": {"name": "Nguyễn Văn A", "papers": "012345678901", "phone": "0912345678"},
            }
        ],
        "goods": [{"name": "Thanh long", "weight_kg": 18000}],
    }


@pytest.fixture
def gate_writes(store: Store) -> Callable[..., Fact]:
    """Writes a fact into the journal of gate `gate-2`."""
    key = PrivateKey.generate()
    return lambda draft: store.append("gate-2.1", key, [draft])[0].fact


@pytest.fixture
def passage(gate_writes: Callable[..., Fact]) -> Callable[..., str]:
    """Drives a truck of a declaration through barrier 2; gives the passage."""

    def drive(no: str, declared: str, thumbnail: str | None = None) -> str:
        where: dict[str, Any] = {"place": Place.BARRIER_2, "heading": Heading.IN, "lane": "1"}
        lane, vehicle = "lane/gate-2/1", f"declaration/{no}/v1"
        arrived = gate_writes(Draft("arrived", lane, dump(Arrived(**where)))).ref
        read = PlateRead(
            passage=arrived, **where, text="29C12345", country=Country.VN, confidence=0.97, looks=5, agreeing=5,
            final=True, camera="front", thumbnail=thumbnail,
        )  # fmt: skip
        gate_writes(Draft("plate_read", lane, dump(read)))
        confirmed = Confirmed(
            step="4.2.b", place=Place.BARRIER_2, heading=Heading.IN, declaration=no, vehicle="v1", by=Agency.CUSTOMS,
            officer="hq-1", passage=arrived, declared=declared, decision=SeenDecision(verdict=Verdict.WAIT),
        )  # fmt: skip
        gate_writes(Draft("confirmed", vehicle, dump(confirmed)))
        passed = Passed(
            passage=arrived, **where, plate="29C12345", declaration=no, vehicle="v1", step="4.2.b",
            thumbnail=thumbnail,
        )  # fmt: skip
        gate_writes(Draft("passed", vehicle, dump(passed)))
        return arrived

    return drive
