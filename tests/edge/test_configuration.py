"""A gate's configuration: the shipped files are good, and every mistake is told as file:line: key: what to write."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from edge.capture.picture_health import PictureSettings, PictureTrouble
from edge.configuration import load
from edge.vision.backends import PADDLE_FILES, Backend, ReaderSettings
from hardware.modbus import Contact
from shared.codes import Agency, Place
from shared.configuration import BadConfiguration
from shared.node.tariff_files import SHIPPED as SHIPPED_TARIFFS
from shared.settings import HealthTick
from tests.builders import PROCEDURES
from tests.edge.gate_folder import gate_file

SHIPPED = sorted((PROCEDURES.parent / "gates").glob("*.toml"))


def test_there_is_a_file_for_every_gate() -> None:
    assert {file.stem for file in SHIPPED} >= {
        "ckhn-barrier-1", "ckhn-barrier-2", "ckhn-yard-in", "ckhn-yard-out", "tt-barrier-1", "tt-barrier-2",
    }  # fmt: skip


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.stem))
def test_every_shipped_configuration_is_good_and_says_what_its_name_says(file: Path) -> None:
    table = load(file).table
    assert table.node == file.stem
    assert {lane.place for lane in table.lane} == {Place(file.stem.partition("-")[2])}
    assert table.settings.health_tick is HealthTick.MAY_COME_EARLIER
    assert table.pictures.budget_bytes == 20_000_000_000


def test_the_names_of_the_shipped_gates_differ() -> None:
    assert len({load(file).table.node for file in SHIPPED}) == len(SHIPPED)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "key", "advice"),
    [
        ('node = "gate-2"', 'node = "Gate 2"', 1, "node", "pattern"),
        ('node = "gate-2"', 'name = "gate-2"', 1, "name", "this key is not known; remove it or mend its spelling"),
        ('data = "data"\n', "", 1, "data", "this key is missing; add it"),
        ("port = 8080", "port = 80800", 10, "screen.port", "less than or equal to 65535"),
        ('place = "barrier-2"', 'place = "barrier-3"', 18, "lane.0.place", "write one of"),
        ('place = "barrier-2"', 'place = "online"', 16, "lane.0", "online has no lanes; write place = one of"),
        ('heading = "in"', 'heading = "up"', 19, "lane.0.heading", "write one of"),
        ('"border_guard", ', "", 11, "screen.agencies", 'a barrier needs the border guard; add "border_guard"'),
        ('"customs"', '"police"', 11, "screen.agencies.1", "'police' is not allowed"),
        ('host = "127.0.0.1"', 'host = "10.0.0.1"', 13, "broker", "needs TLS; write ca, certificate and key"),
        ('host = "127.0.0.1"', 'host = "127.0.0.1"\nca = "ca.crt"', 13, "broker", "write all three"),
        ('host = "127.0.0.1"', 'host = "127.0.0.1"\nusername = "me"', 13, "broker", "write both or neither"),
        ('url = "rtsp:', 'url = "http:', 23, "lane.0.camera.0.url", "pattern"),
        ("open_relay = 1", "open_relay = 0", 27, "lane.0.barrier.open_relay", "greater than or equal to 1"),
        ("open_relay = 1", "open_relay = 60", 25, "lane.0.barrier", "60"),
        ("open_relay = 1", 'open_relay = 1\nrelay_board = "none"', 25, "lane.0.barrier", "none"),
        ("[broker]", "[settings.readings]\n\"4.3.e\" = \"narrow\"\n\n[broker]", 14, "settings.readings.4.3.e",
         "no reading 'narrow'; write literal, wide"),
        ("[broker]", "[settings.readings]\n\"4.2.b\" = \"wide\"\n\n[broker]", 14, "settings.readings.4.2.b",
         "not ambiguous"),
        ("[broker]", "[settings.fee_before]\n\"4.2\" = \"4.2.b\"\n\n[broker]", 14, "settings.fee_before.4.2",
         "the fee of 4.2 is not asked for at '4.2.b'; write 4.2.g, none"),
        ("[broker]", "[settings.fee_before]\n\"6.7\" = \"none\"\n\n[broker]", 14, "settings.fee_before.6.7",
         "no fee is asked for"),
        ("[broker]", "[settings]\nstale_after_s = 5\n\n[broker]", 14, "settings.stale_after_s", "greater than or equal to 30"),
        ("[broker]", "[pictures]\nbudget_gb = 0\n\n[broker]", 14, "pictures.budget_gb", "greater than 0"),
        ("[lane.barrier]", "[lane.camera.picture]\nmoved_share = 0.5\n\n[lane.barrier]", 26,
         "lane.0.camera.0.picture.moved_share", "less than or equal to 0.25"),
        ("[lane.barrier]", "[lane.camera.picture]\nignored = [\"rain\"]\n\n[lane.barrier]", 26,
         "lane.0.camera.0.picture.ignored.0", "'rain' is not allowed; write one of 'blinded', 'moved'"),
        ("[lane.barrier]", "[lane.camera.picture]\nbegins_after_s = { dark = 0 }\n\n[lane.barrier]", 26,
         "lane.0.camera.0.picture.begins_after_s.dark", "greater than or equal to 1"),
        ("[screen]", "[screen", 9, "TOML", "mend the syntax"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_its_key_and_what_to_write(
    tmp_path: Path, right: str, wrong: str, line: int, key: str, advice: str
) -> None:
    file = gate_file(tmp_path)
    text = file.read_text(encoding="utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong), encoding="utf-8")
    with pytest.raises(BadConfiguration) as raised:
        load(file)
    told = str(raised.value).splitlines()
    start = f"{file}:{line}: {key}: "
    found = [one for one in told if one.startswith(start)]
    assert found, f"{start} is not among {told}"
    assert advice in found[0]


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    file = gate_file(tmp_path)
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("open_relay = 1", "open_relay = 0").replace('heading = "in"', ""), encoding="utf-8"
    )
    with pytest.raises(BadConfiguration) as raised:
        load(file)
    assert {finding.key for finding in raised.value.findings} == {
        "lane.0.heading",
        "lane.0.barrier.open_relay",
    }


def test_a_centre_key_that_is_none_says_where_to_get_one(tmp_path: Path) -> None:
    file = gate_file(tmp_path)
    text = re.sub('centre_key = ".*"', 'centre_key = "short"', file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadConfiguration, match=r"gate\.toml:5: centre_key: .*barie-central key"):
        load(file)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "gate.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadConfiguration, match=r"gate\.toml:1: file: cannot be read: .*; name a TOML file"):
        load(file)


def test_two_lanes_of_one_name_are_told(tmp_path: Path) -> None:
    file = gate_file(tmp_path)
    text = file.read_text(encoding="utf-8")
    head, mark, lane = text.partition("[[lane]]")
    file.write_text(head + (mark + lane) * 2, encoding="utf-8")
    with pytest.raises(BadConfiguration, match="lane names must differ; rename one"):
        load(file)


def test_a_lane_of_which_no_camera_sees_the_front_is_told(tmp_path: Path) -> None:
    file = gate_file(tmp_path)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[[lane.camera]]", '[[lane.camera]]\nsees = "rear"'), encoding="utf-8")
    with pytest.raises(BadConfiguration, match='no camera sees the front; write sees = "front" or "any"'):
        load(file)


def test_two_cameras_of_one_name_in_a_lane_are_told(tmp_path: Path) -> None:
    file = gate_file(tmp_path)
    text = file.read_text(encoding="utf-8")
    camera = text[text.index("[[lane.camera]]") : text.index("[lane.barrier]")]
    file.write_text(text.replace(camera, camera * 2), encoding="utf-8")
    with pytest.raises(BadConfiguration, match="camera names must differ; rename one"):
        load(file)


def test_a_folder_without_procedures_is_told(tmp_path: Path) -> None:
    file = gate_file(tmp_path)
    text = file.read_text(encoding="utf-8").replace(str(PROCEDURES), "nowhere")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadConfiguration, match="nowhere:1: folder: holds no procedure"):
        load(file)


def test_paths_are_relative_to_the_file_and_wiring_reaches_the_driver(tmp_path: Path) -> None:
    file = gate_file(tmp_path)
    with file.open("a", encoding="utf-8") as more:
        more.write("\n[lane.barrier.inputs]\nboom_open = { number = 3, normally_closed = true }\n")
    found = load(file)
    assert found.path(found.table.data) == tmp_path / "data"
    wiring = found.table.lane[0].barrier.settings("lane-1").inputs
    assert (wiring.boom_open, wiring.boom_closed) == (Contact(3, True), None)


# -- the plate reader


def with_reader(folder: Path, reader: str) -> Path:
    file = gate_file(folder)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[broker]", f"[reader]\n{reader}\n\n[broker]"), encoding="utf-8")
    return file


def test_the_reader_is_openvino_with_the_shipped_models_unless_told_otherwise(tmp_path: Path) -> None:
    assert load(gate_file(tmp_path)).table.reader.settings(tmp_path) == ReaderSettings()


def test_paddleocr_is_chosen_with_folders_relative_to_the_file(tmp_path: Path) -> None:
    for name in ("own/bin/python", *(f"plates/{file}" for file in PADDLE_FILES)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    file = with_reader(tmp_path, 'backend = "paddleocr"\nmodels = "plates"\nenvironment = "own"\nthreads = 4')
    found = load(file).table.reader.settings(file.parent)
    assert found == ReaderSettings(Backend.PADDLEOCR, tmp_path / "plates", tmp_path / "own", 4)


@pytest.mark.parametrize(
    ("reader", "told"),
    [
        ('backend = "tesseract"', r"gate\.toml:14: reader\.backend: .*write one of 'openvino' or 'paddleocr'"),
        ('backend = "paddleocr"\nenvironment = "no"', r"gate\.toml:15: reader\.environment: .*no/bin/python is not there"),
        ('backend = "paddleocr"', r"gate\.toml:13: reader\.models: paddleocr has no models of its own; name a folder"),
        ('backend = "paddleocr"\nmodels = "no"', r"gate\.toml:15: reader\.models: .*no/det/inference\.yml is not there"),
        ('models = "no"', r"gate\.toml:14: reader\.models: .*no/rec\.xml is not there; scripts/export-model"),
        ("threads = 0", r"gate\.toml:14: reader\.threads: "),
    ],
)  # fmt: skip
def test_what_the_reader_lacks_is_told(tmp_path: Path, reader: str, told: str) -> None:
    with pytest.raises(BadConfiguration, match=told):
        load(with_reader(tmp_path, reader))


def test_a_gate_runs_though_files_of_its_reader_are_missing_but_not_on_a_wrong_value(tmp_path: Path) -> None:
    assert load(with_reader(tmp_path, 'models = "no"'), to_run=True).table.reader.models is not None
    with pytest.raises(BadConfiguration, match="threads"):
        load(with_reader(tmp_path, "threads = 0"), to_run=True)


# -- fees


def test_without_a_table_of_fees_the_shipped_tariffs_hold_and_gate_management_collects(
    tmp_path: Path,
) -> None:
    found = load(gate_file(tmp_path))
    assert found.tariffs == SHIPPED_TARIFFS
    assert found.table.fees.collector is Agency.GATE_MANAGEMENT


def test_who_collects_and_the_folder_of_tariffs_are_written_as_at_the_centre(tmp_path: Path) -> None:
    (tmp_path / "own").symlink_to(SHIPPED_TARIFFS)
    fees = (
        'collector = "tax"\ntariffs = "own"\n[[fees.route]]\ncollector = "gate_management"\nkinds = ["E42"]'
    )
    found = load(gate_file(tmp_path, fees=fees))
    assert found.tariffs == tmp_path / "own"
    assert found.table.fees.collector_of("CKHN", None, "E42") is Agency.GATE_MANAGEMENT
    assert found.table.fees.collector_of("CKHN", None, "A11") is Agency.TAX


@pytest.mark.parametrize(
    ("fees", "told"),
    [
        ('tariffs = "nowhere"', "nowhere:1: folder: holds no tariff"),
        ('collector = "customs"', r"gate\.toml:\d+: fees\.collector: "),
        ('who = "tax"', r"fees\.who: this key is not known"),
    ],
)
def test_what_is_wrong_with_the_fees_is_told(tmp_path: Path, fees: str, told: str) -> None:
    with pytest.raises(BadConfiguration, match=told):
        load(gate_file(tmp_path, fees=fees))


def test_a_fault_in_a_tariff_file_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    text = (SHIPPED_TARIFFS / "09-2025.toml").read_text(encoding="utf-8").replace('"VT4"', '"VT6"', 1)
    (tmp_path / "own" / "09-2025.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadConfiguration, match=r"09-2025\.toml:.*VT6 stands twice"):
        load(gate_file(tmp_path, fees='tariffs = "own"'))


def test_the_limits_of_a_cameras_pictures_are_those_of_the_documents(tmp_path: Path) -> None:
    operations = (PROCEDURES.parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
    told = re.search(r"^```toml\n(\[lane\.camera\.picture\].*?)^```", operations, re.MULTILINE | re.DOTALL)
    assert told is not None
    file = gate_file(tmp_path)
    text = file.read_text(encoding="utf-8").replace("[lane.barrier]", f"{told[1]}\n[lane.barrier]")
    file.write_text(text, encoding="utf-8")

    usual, limits = PictureSettings(), load(file).table.lane[0].camera[0].picture.settings()
    begins = {**usual.begins_after_s, PictureTrouble.GLARE: 600.0}
    assert limits == replace(usual, ignored=frozenset({PictureTrouble.DARK}), begins_after_s=begins)


def test_a_camera_without_limits_of_its_own_has_the_usual_ones(tmp_path: Path) -> None:
    assert load(gate_file(tmp_path)).table.lane[0].camera[0].picture.settings() == PictureSettings()
