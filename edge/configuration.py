"""A gate's configuration file: TOML, checked as a whole, paths relative to the file."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from edge.capture import CameraSettings, Sees
from edge.capture.picture_health import PictureSettings, PictureTrouble
from edge.capture.picture_measures import SMALL
from edge.vision.backends import ENVIRONMENT, Backend, ReaderSettings, missing
from hardware.errors import BarrierError
from hardware.modbus import BarrierSettings, Contact, InputWiring, ModbusTcpBarrier
from shared.body import Code
from shared.codes import BARRIERS, LANE_PLACES, Agency, Heading, Place
from shared.configuration import BadConfiguration, Finding, find_line, parse
from shared.fees import Routing
from shared.node.agency_file import SHIPPED
from shared.node.broker import BrokerTable, Port
from shared.node.procedure_files import load_procedures
from shared.node.tariff_files import SHIPPED as SHIPPED_TARIFFS
from shared.node.tariff_files import load_tariffs
from shared.procedure_check import misread
from shared.settings import HealthTick, Settings
from shared.signing import BadKey, PublicKey, check_key_text

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ContactTable(_Table):
    """One input contact, numbered from 1 as printed on the board."""

    number: Annotated[int, Field(ge=1, le=512)]
    normally_closed: bool = False


class InputsTable(_Table):
    """Which contact is what. What is not wired is left out, and `check` says what is lost by it."""

    approach_loop: ContactTable | None = None
    under_boom_loop: ContactTable | None = None
    boom_open: ContactTable | None = None
    boom_closed: ContactTable | None = None
    photocell: ContactTable | None = None


class BarrierTable(_Table):
    """The relay and input boards of one boom, reached over Modbus TCP."""

    host: str
    port: Port = 502
    relay_board: str = "eletechsup-r421a08"
    relay_unit: Annotated[int, Field(ge=1, le=247)] = 1
    open_relay: Annotated[int, Field(ge=1, le=64)]
    input_board: str = "generic-inputs"
    input_unit: Annotated[int, Field(ge=1, le=247)] = 1
    inputs: InputsTable = InputsTable()
    timeout_s: Annotated[float, Field(gt=0, le=10)] = 1.0
    open_is_edge_triggered: bool = False
    move_timeout_s: Annotated[float, Field(gt=0, le=60)] = 8.0

    def settings(self, name: str) -> BarrierSettings:
        """What the driver takes."""
        wired = {
            field: Contact(contact.number, contact.normally_closed)
            for field in InputsTable.model_fields
            if (contact := getattr(self.inputs, field)) is not None
        }
        return BarrierSettings(
            name=name,
            host=self.host,
            port=self.port,
            relay_board=self.relay_board,
            relay_unit=self.relay_unit,
            open_relay=self.open_relay,
            input_board=self.input_board,
            input_unit=self.input_unit,
            inputs=InputWiring(**wired),
            timeout_s=self.timeout_s,
            open_is_edge_triggered=self.open_is_edge_triggered,
        )


_DEFAULT = PictureSettings()
_Share = Annotated[float, Field(ge=0.05, le=1)]
_HoldSeconds = Annotated[float, Field(ge=1, le=86_400)]


class PictureTable(_Table):
    """When the pictures of a camera cannot be trusted (`edge.capture.picture_health`). Shares of the picture; `moved_share`
    of its width; `begins_after_s` for each trouble that shall not wait its usual time."""

    ignored: frozenset[PictureTrouble] = frozenset()
    flat_share: _Share = _DEFAULT.flat
    black_share: _Share = _DEFAULT.black
    burnt_share: _Share = _DEFAULT.burnt
    soft_share: _Share = _DEFAULT.soft_patches
    moved_share: Annotated[float, Field(ge=0.01, le=0.25)] = _DEFAULT.moved_px / SMALL[0]
    begins_after_s: dict[PictureTrouble, _HoldSeconds] = {}
    ends_after_s: _HoldSeconds = _DEFAULT.ends_after_s

    def settings(self) -> PictureSettings:
        """What the watch takes."""
        return PictureSettings(
            flat=self.flat_share,
            black=self.black_share,
            burnt=self.burnt_share,
            soft_patches=self.soft_share,
            moved_px=self.moved_share * SMALL[0],
            begins_after_s={**_DEFAULT.begins_after_s, **self.begins_after_s},
            ends_after_s=self.ends_after_s,
            ignored=self.ignored,
        )


class CameraTable(_Table):
    """One camera of a lane."""

    name: Name
    url: Annotated[str, StringConstraints(pattern=r"^rtsps?://.+")]
    sees: Sees = Sees.ANY
    picture: PictureTable = PictureTable()

    def settings(self) -> CameraSettings:
        """What the capture takes."""
        return CameraSettings(self.name, self.url, self.sees)


class LaneTable(_Table):
    """One lane: place, heading, cameras and barrier."""

    name: Name
    place: Place
    heading: Heading
    camera: Annotated[tuple[CameraTable, ...], Field(min_length=1)]
    barrier: BarrierTable

    @model_validator(mode="after")
    def _place_has_lanes(self) -> Self:
        if self.place not in LANE_PLACES:
            allowed = ", ".join(sorted(LANE_PLACES))
            raise ValueError(f"{self.place} has no lanes; write place = one of {allowed}")
        return self

    @model_validator(mode="after")
    def _cameras_differ_and_one_sees_the_front(self) -> Self:
        if len({camera.name for camera in self.camera}) != len(self.camera):
            raise ValueError("camera names must differ; rename one")
        if all(camera.sees is Sees.REAR for camera in self.camera):
            raise ValueError('no camera sees the front; write sees = "front" or "any" for one of them')
        return self


class ScreenTable(_Table):
    """The officer's screen: where it listens and which agencies it serves."""

    host: str = "127.0.0.1"
    port: Port = 8080
    agencies: Annotated[tuple[Agency, ...], Field(min_length=1)]


class SettingsTable(_Table):
    """The settings that decisions depend on (`shared.settings.Settings`)."""

    stale_after_s: Annotated[int, Field(ge=30)] = 600
    health_tick: HealthTick = HealthTick.MAY_COME_EARLIER
    inferred_steps_bind: bool = False
    readings: dict[str, str] = {}
    fee_before: dict[str, str] = {}

    def settings(self) -> Settings:
        """As the rules take them."""
        return Settings(**dict(self))


class RetentionTable(_Table):
    """How long a gate keeps the facts of closed declarations after the centre holds them.

    Never shorter than the centre's backups reach back (`backup_days`): after a restore the gates fill in what is missing.
    """

    keep_days: Annotated[int, Field(ge=7, le=3650)] = 30
    backup_days: Annotated[int, Field(ge=1)] = 14

    @model_validator(mode="after")
    def _longer_than_backups(self) -> Self:
        if self.keep_days < self.backup_days:
            raise ValueError(f"keep_days is shorter than backup_days; write {self.backup_days} or more")
        return self


class FeesTable(Routing):
    """Who collects the fee, and the folder of tariffs; write the same as at the centre."""

    tariffs: Path | None = None


class ReaderTable(_Table):
    """The plate reader: what runs its networks, its models, and for PaddleOCR the environment that it is in."""

    backend: Backend = Backend.OPENVINO
    models: Path | None = None
    environment: Path = ENVIRONMENT
    threads: Annotated[int, Field(ge=1, le=16)] = 2

    def settings(self, folder: Path) -> ReaderSettings:
        """What the reader takes; relative paths are taken against `folder`."""
        models = folder / self.models if self.models else None
        return ReaderSettings(self.backend, models, folder / self.environment, self.threads)


class PicturesTable(_Table):
    """The pictures of passages: what they may take on the data disk."""

    budget_gb: Annotated[float, Field(gt=0, le=100_000)] = 20

    @property
    def budget_bytes(self) -> int:
        """The budget in bytes."""
        return int(self.budget_gb * 1_000_000_000)


class GateTable(_Table):
    """The whole file."""

    node: Name
    site: Code
    data: Path
    key_file: Path
    centre_key: str
    procedures: Path
    agency_names: Path | None = None
    officers: Path | None = None
    required_nodes: tuple[Name, ...] = ()
    screen: ScreenTable
    broker: BrokerTable
    settings: SettingsTable = SettingsTable()
    fees: FeesTable = FeesTable()
    reader: ReaderTable = ReaderTable()
    retention: RetentionTable = RetentionTable()
    pictures: PicturesTable = PicturesTable()
    lane: Annotated[tuple[LaneTable, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [lane.name for lane in self.lane]
        if len(set(names)) != len(names):
            raise ValueError("lane names must differ; rename one")
        return self


class GateConfiguration:
    """A checked gate configuration with its folder, against which relative paths are taken."""

    def __init__(self, table: GateTable, folder: Path) -> None:
        self.table = table
        self.folder = folder

    def path(self, path: Path) -> Path:
        """A path of the file, made absolute."""
        return self.folder / path

    @property
    def agency_names(self) -> Path:
        """The file of agencies' names."""
        own = self.table.agency_names
        return self.path(own) if own else SHIPPED

    @property
    def tariffs(self) -> Path:
        """The folder of tariffs of the fee."""
        own = self.table.fees.tariffs
        return self.path(own) if own else SHIPPED_TARIFFS

    @property
    def root_key(self) -> PublicKey:
        """The centre's public key, pinned at installation."""
        return PublicKey(self.table.centre_key)


def load(file: Path, to_run: bool = False) -> GateConfiguration:
    """Reads and checks a gate's configuration; raises BadConfiguration naming file, line, key and what to write.

    `to_run`: files that the plate reader lacks are no fault, because a gate runs without it until they are back.
    """
    text = _read(file)
    table = parse(text, str(file), GateTable)
    findings = list(_check_more(table, file, text, to_run))
    if findings:
        raise BadConfiguration(findings)
    return GateConfiguration(table, file.parent)


def _check_more(table: GateTable, file: Path, text: str, to_run: bool) -> "list[Finding]":
    """What one value alone cannot show: boards, keys, files beside the configuration."""

    def finding(path: tuple[str | int, ...], message: str) -> Finding:
        return Finding(str(file), find_line(text, path), ".".join(str(part) for part in path), message)

    findings = []
    for at, lane in enumerate(table.lane):
        if lane.place in BARRIERS and Agency.BORDER_GUARD not in table.screen.agencies:
            message = 'a barrier needs the border guard; add "border_guard"'
            findings.append(finding(("screen", "agencies"), message))
        try:
            ModbusTcpBarrier(lane.barrier.settings(lane.name))
        except BarrierError as error:
            findings.append(finding(("lane", at, "barrier"), str(error)))
    try:
        check_key_text(table.centre_key)
    except BadKey as error:
        findings.append(finding(("centre_key",), f"{error}; write the key that `barie-central key` printed"))
    findings += _check_procedures(table, file, finding)
    findings += _check_tariffs(table, file)
    lacks = () if to_run else missing(table.reader.settings(file.parent))
    findings += [finding(("reader", key), told) for key, told in lacks]
    return findings


def _check_tariffs(table: GateTable, file: Path) -> list[Finding]:
    """The tariff files themselves."""
    try:
        load_tariffs(GateConfiguration(table, file.parent).tariffs)
    except BadConfiguration as error:
        return list(error.findings)
    return []


def _check_procedures(
    table: GateTable, file: Path, finding: Callable[[tuple[str | int, ...], str], Finding]
) -> list[Finding]:
    """The procedure files themselves, and that every reading in use is one that its step or khoản can take."""
    try:
        procedures = load_procedures(file.parent / table.procedures)
    except BadConfiguration as error:
        return list(error.findings)
    said = table.settings
    return [
        finding(("settings", *path), message)
        for path, message in misread(said.readings, said.fee_before, procedures.all)
    ]


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(
            [Finding(str(file), 1, "file", f"cannot be read: {error}; name a TOML file")]
        ) from error
