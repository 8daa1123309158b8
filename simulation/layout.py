"""The simulated site on paper: its gates, agencies, officers, and the files that each process starts from."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.officers import make_verifier
from hardware.modbus import BarrierSettings
from shared.acl import NodeAccess
from shared.codes import Agency, Heading, Place
from shared.journal import centre_node
from shared.node.procedure_files import SHIPPED
from shared.signing import PrivateKey
from simulation.officers import Badge

SITE = "CKHN"
CENTRE_LOGIN = "centre"
LANE, BACK_LANE = "lane-1", "lane-2"


@dataclass(frozen=True)
class GatePlan:
    """One gate of the site: where it stands, who has a screen or desk there, and whether a lane leads back through it."""

    place: Place
    heading: Heading
    agencies: tuple[Agency, ...]
    desk: tuple[Agency, ...] = ()
    both_ways: bool = False

    @property
    def node(self) -> str:
        """The gate's node name."""
        return f"ckhn-{self.place}"

    @property
    def doors(self) -> tuple["Door", ...]:
        """Its lanes, the main one first."""
        main = Door(self.place.value, self, LANE, self.heading)
        back = self.heading.opposite
        return (main, Door(f"{self.place}-{back}", self, BACK_LANE, back)) if self.both_ways else (main,)

    @property
    def places(self) -> tuple[Place, ...]:
        """The places it is licensed for."""
        return (self.place, Place.YARD, Place.ONLINE) if self.desk else (self.place,)

    @property
    def all_agencies(self) -> tuple[Agency, ...]:
        """Everybody who signs in there."""
        return (*self.agencies, *self.desk)


@dataclass(frozen=True)
class Door:
    """One lane of the site: where trucks come to. Its name is the place's, and the heading's where it leads back."""

    name: str
    gate: GatePlan
    lane: str
    heading: Heading


_A = Agency
_ALL_FOUR = (_A.TRANSPORT, _A.CUSTOMS, _A.HEALTH_QUARANTINE, _A.BORDER_GUARD)
GATES = (
    GatePlan(Place.BARRIER_1, Heading.OUT, _ALL_FOUR, both_ways=True),
    GatePlan(Place.BARRIER_2, Heading.IN, (_A.BORDER_GUARD, _A.CUSTOMS), both_ways=True),
    GatePlan(Place.YARD_IN, Heading.IN, (_A.GATE_MANAGEMENT,)),
    GatePlan(
        Place.YARD_OUT,
        Heading.OUT,
        (),
        (_A.CUSTOMS, _A.BORDER_GUARD, _A.ANIMAL_QUARANTINE, _A.GATE_MANAGEMENT),
    ),
)
"""Who stands where: both barriers, each both ways, a yard with its entrance, its exit and the agencies' desk."""

DOORS = tuple(door for gate in GATES for door in gate.doors)


def door_at(place: str, heading: str) -> str:
    """The name of the door at a place in a heading."""
    return next(d.name for d in DOORS if d.gate.place.value == place and d.heading.value == heading)


@dataclass(frozen=True)
class LaneFiles:
    """What a lane's configuration names: its camera, and its boards."""

    camera_url: str
    board: BarrierSettings


@dataclass
class Layout:
    """Names, keys, ports and secrets of one run. Made once, written to the run directory."""

    folder: Path
    ports: Mapping[str, int]
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    badges: dict[str, list[Badge]] = field(default_factory=dict)
    admin_token: str = field(default_factory=lambda: secrets.token_hex(16))
    declarant_token: str = field(default_factory=lambda: secrets.token_hex(16))

    def __post_init__(self) -> None:
        for gate in GATES:
            self.keys[gate.node] = PrivateKey.generate()
            self.badges[gate.node] = [
                Badge(f"{_PREFIX[agency]}-{gate.place}", f"{secrets.randbelow(10_000):04d}", agency)
                for agency in gate.all_agencies
            ]
        self.keys[CENTRE_LOGIN] = PrivateKey.generate()

    @property
    def access(self) -> list[NodeAccess]:
        """Who may do what at the broker."""
        return [
            NodeAccess(centre_node(SITE), SITE, CENTRE_LOGIN),
            *(NodeAccess(gate.node, SITE) for gate in GATES),
        ]

    def screen(self, gate: GatePlan) -> str:
        """Address of a gate's screen."""
        return f"http://127.0.0.1:{self.ports[gate.node]}"

    @property
    def centre(self) -> str:
        """Address of the centre."""
        return f"http://127.0.0.1:{self.ports['centre']}"

    def gate_folder(self, gate: GatePlan) -> Path:
        """A gate's folder: configuration, key, store and pictures."""
        return self.folder / gate.node

    def store(self, gate: GatePlan) -> Path:
        """A gate's store."""
        return self.gate_folder(gate) / "data" / "facts.db"

    def write_centre(self, passwords: Mapping[str, str]) -> Path:
        """Writes the centre's files; gives its configuration."""
        folder = self.folder / "centre"
        folder.mkdir(parents=True)
        _secret(folder / "centre.key", self.keys[CENTRE_LOGIN].text())
        _secret(folder / "admin.token", self.admin_token)
        _secret(folder / "declarants.tokens", f"declarant {self.declarant_token}")
        _secret(folder / "broker.password", passwords[CENTRE_LOGIN])
        return _write(
            folder / "centre.toml",
            f"""
sites = ["{SITE}"]
store = "centre.db"
pictures = "pictures"
key_file = "centre.key"
admin_token_file = "admin.token"
declarant_tokens_file = "declarants.tokens"

[listen]
port = {self.ports["centre"]}

[broker]
host = "127.0.0.1"
port = {self.ports["broker"]}
username = "{CENTRE_LOGIN}"
password_file = "broker.password"
""",
        )

    def write_gate(self, gate: GatePlan, password: str, lanes: Sequence[LaneFiles]) -> Path:
        """Writes a gate's files, with a lane for each of its first doors; gives its configuration."""
        folder = self.gate_folder(gate)
        folder.mkdir(parents=True)
        _secret(folder / "node.key", self.keys[gate.node].text())
        _secret(folder / "broker.password", password)
        _secret(folder / "officers.toml", _officers(self.badges[gate.node]))
        agencies = json.dumps([agency.value for agency in gate.all_agencies])
        return _write(
            folder / "gate.toml",
            f"""
node = "{gate.node}"
site = "{SITE}"
data = "data"
key_file = "node.key"
centre_key = "{self.keys[CENTRE_LOGIN].public.text}"
procedures = "{SHIPPED}"
officers = "officers.toml"

[screen]
port = {self.ports[gate.node]}
agencies = {agencies}

[broker]
host = "127.0.0.1"
port = {self.ports["broker"]}
username = "{gate.node}"
password_file = "broker.password"

[reader]
threads = 1
"""
            + "".join(_lane(*one) for one in zip(gate.doors, lanes, strict=False)),
        )

    def run_object(self, broker_password: Mapping[str, str]) -> dict[str, object]:
        """Where every part of the run is reached, for outside scripts (`run` in the report, `run.json` in the folder)."""
        return {
            "directory": str(self.folder),
            "screens": {gate.node: f"{self.screen(gate)}/lane/{LANE}" for gate in GATES},
            "centre": self.centre,
            "broker": {"host": "127.0.0.1", "port": self.ports["broker"]},
            "credentials": {
                "officers": {
                    node: [{"code": b.code, "pin": b.pin, "agency": b.agency.value} for b in badges]
                    for node, badges in self.badges.items()
                },
                "broker": dict(broker_password),
                "admin_token": self.admin_token,
                "declarant_token": self.declarant_token,
            },
            "stores": {
                **{gate.node: str(self.store(gate)) for gate in GATES},
                "centre": str(self.folder / "centre" / "centre.db"),
            },
        }


_PREFIX = {
    Agency.BORDER_GUARD: "bp",
    Agency.CUSTOMS: "hq",
    Agency.HEALTH_QUARANTINE: "yt",
    Agency.ANIMAL_QUARANTINE: "dv",
    Agency.PLANT_QUARANTINE: "tv",
    Agency.TRANSPORT: "vt",
    Agency.GATE_MANAGEMENT: "ql",
    Agency.TAX: "th",
}


def _lane(door: Door, files: LaneFiles) -> str:
    board = files.board
    return f"""
[[lane]]
name = "{door.lane}"
place = "{door.gate.place}"
heading = "{door.heading}"

[[lane.camera]]
name = "front"
url = "{files.camera_url}"

[lane.barrier]
host = "{board.host}"
port = {board.port}
relay_board = "{board.relay_board}"
relay_unit = {board.relay_unit}
open_relay = {board.open_relay}
input_board = "{board.input_board}"
input_unit = {board.input_unit}

[lane.barrier.inputs]
{_inputs(board)}
"""


def _inputs(board: BarrierSettings) -> str:
    contacts = {
        name: getattr(board.inputs, name)
        for name in ("approach_loop", "under_boom_loop", "boom_open", "boom_closed", "photocell")
    }
    return "\n".join(
        f"{name} = {{ number = {c.number}, normally_closed = {str(c.normally_closed).lower()} }}"
        for name, c in contacts.items()
        if c is not None
    )


def _officers(badges: list[Badge]) -> str:
    return "\n".join(
        f'[officers.{b.code}]\nagency = "{b.agency}"\nverifier = "{make_verifier(b.pin)}"\n' for b in badges
    )


def _secret(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text + "\n", encoding="utf-8")


def _write(file: Path, text: str) -> Path:
    file.write_text(text.lstrip(), encoding="utf-8")
    return file
