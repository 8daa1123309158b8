"""What a simulated camera shows: plates to the millimetre, readable trucks, clips that follow each other."""

import re
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import ImageFont

from simulation import plate_drawing
from simulation.clips import ClipUnwritable, VehicleClips, idle_clip, vehicle_clips
from simulation.plate_drawing import (
    GROUND_RGB,
    INK_RGB,
    FontMissing,
    Ground,
    Picture,
    PlateUndrawable,
    draw_plate,
    plate_rows,
)
from simulation.trucks import (
    FRAME_SIZE_PX,
    STAND_BOTTOM_PX,
    DrawnTruck,
    Gate,
    Photographed,
    PhotographsUnusable,
    View,
    draw_truck,
    from_photograph,
    read_photographs,
    view_of,
)

GATE = Gate("barrier-1", seed=3)
TRUCK = DrawnTruck("29C12345", "VN", 1, Ground.YELLOW, seed=7)


@pytest.mark.parametrize(
    ("text", "country", "lines", "rows"),
    [
        ("29C12345", "VN", 1, ("29C-123.45",)),
        ("12C1678", "VN", 1, ("12C-1678",)),
        ("98R03688", "VN", 2, ("98R", "036.88")),
        ("34RM00121", "VN", 2, ("34RM", "001.21")),
        ("桂FF0123", "CN", 1, ("桂F.F0123",)),
        ("桂FF0123", "CN", 2, ("桂.F", "F0123")),
        ("桂F1234挂", "CN", 2, ("桂.F", "1234挂")),
    ],
)
def test_a_plate_is_broken_into_rows_with_the_marks_of_its_standard(
    text: str, country: Any, lines: Any, rows: tuple[str, ...]
) -> None:
    assert plate_rows(text, country, lines) == rows


@pytest.mark.parametrize(
    ("text", "country", "lines", "ground", "size_mm"),
    [
        ("29C12345", "VN", 1, Ground.YELLOW, (520, 110)),
        ("29C12345", "VN", 2, Ground.WHITE, (330, 165)),
        ("桂FF0123", "CN", 1, Ground.BLUE, (440, 140)),
        ("桂FF0123", "CN", 2, Ground.YELLOW, (440, 220)),
    ],
)
def test_a_plate_has_its_size_its_ground_and_its_ink(
    text: str, country: Any, lines: Any, ground: Ground, size_mm: tuple[int, int]
) -> None:
    plate = draw_plate(text, country, lines, ground, px_per_mm=2.0)

    assert (plate.shape[1], plate.shape[0]) == (2 * size_mm[0], 2 * size_mm[1])
    assert _share_of(plate, GROUND_RGB[country, ground]) > 0.5
    assert 0.1 < _share_of(plate, INK_RGB[ground]) < 0.5


def test_vietnamese_characters_stand_in_the_boxes_of_qcvn_08() -> None:
    plate = draw_plate("30F25658", "VN", 1, Ground.WHITE, px_per_mm=1.0)

    inked = (plate.max(axis=2) < 100)[12:98, 30:490]
    rows, columns = np.where(inked.any(axis=1))[0] + 12, np.where(inked.any(axis=0))[0] + 30
    assert (rows[0], rows[-1]) == pytest.approx((23, 86), abs=1)
    assert (columns[0], columns[-1]) == pytest.approx((49, 471), abs=3)


@pytest.mark.parametrize(
    ("text", "country", "ground", "help_text"),
    [
        ("F0123", "VN", Ground.YELLOW, "write a Vietnamese plate like 29C12345"),
        ("FF0123", "CN", Ground.YELLOW, "write a Chinese plate with its province, like 桂FF0123"),
        ("桂FF0123", "CN", Ground.WHITE, "CN has no white plate"),
    ],
)
def test_an_impossible_plate_is_refused_with_what_to_write(
    text: str, country: Any, ground: Ground, help_text: str
) -> None:
    with pytest.raises(PlateUndrawable, match=re.escape(help_text)):
        draw_plate(text, country, 1, ground)


def test_without_a_chinese_font_the_debian_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(*_arguments: object, **_options: object) -> None:
        raise OSError

    monkeypatch.setattr(plate_drawing, "_fc_match", lambda _pattern: None)
    monkeypatch.setattr(ImageFont, "truetype", not_installed)

    with pytest.raises(FontMissing, match="fonts-wqy-zenhei"):
        plate_drawing.chinese_font.__wrapped__()


def test_fontconfig_may_not_put_another_family_in_place_of_the_one_asked_for() -> None:
    assert plate_drawing._fc_match("No Such Family:bold") is None


@pytest.mark.parametrize(
    ("plate", "country", "lines", "view"),
    [
        ("29C12345", "VN", 2, View.FRONT),
        ("98R03688", "VN", 2, View.REAR),
        ("桂FF0123", "CN", 1, View.FRONT),
        ("桂FF0123", "CN", 2, View.REAR),
    ],
)
def test_only_plates_carried_at_the_rear_show_the_rear(
    plate: str, country: Any, lines: Any, view: View
) -> None:
    assert view_of(plate, country, lines) is view


def test_the_same_seed_draws_the_same_truck_and_another_seed_another() -> None:
    one, same, other = (draw_truck("29C12345", "VN", 1, Ground.YELLOW, seed) for seed in (1, 1, 2))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_the_plate_of_a_standing_truck_is_wide_enough_to_be_read_and_at_bumper_height(
    clips: VehicleClips,
) -> None:
    left, top, width, height = _plate_box(_frames(clips.stand)[0])

    assert 170 <= width <= 225
    assert width / height == pytest.approx(520 / 110, rel=0.15)
    assert 400 < top < 600
    assert 0 < left < FRAME_SIZE_PX[0] - width


def test_a_photograph_fills_the_frame_down_to_the_standing_line_without_being_stretched() -> None:
    cut_out = from_photograph(np.full((300, 400, 3), 90, np.uint8))

    assert cut_out.shape == (STAND_BOTTOM_PX, round(STAND_BOTTOM_PX * 4 / 3), 4)
    assert (cut_out[:, :, 3] == 255).all()


def test_photographs_are_taken_with_the_plates_of_their_labels(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        _photograph(tmp_path / name)
    (tmp_path / "scenes.csv").write_text(
        "file,plates,kind,country\na.png,29C12345|29R00001,truck,VN\nb.png,,car,VN\nc.png,桂FF012,trailer-painted,CN\n"
    )

    assert read_photographs(tmp_path) == (Photographed(tmp_path / "a.png", ("29C12345", "29R00001"), "VN"),)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "has no scenes.csv or labels.csv"),
        ("picture,text\n", "scenes.csv:1: needs the columns file and plates"),
        ("file,plates\nlost.jpg,29C12345\n", "scenes.csv:2: file: lost.jpg is not there"),
        ("file,plates\n", "has no row with a plate"),
    ],
)
def test_unusable_photographs_are_refused_with_file_and_line(
    tmp_path: Path, labels: str | None, message: str
) -> None:
    if labels is not None:
        (tmp_path / "scenes.csv").write_text(labels)

    with pytest.raises(PhotographsUnusable, match=re.escape(message)):
        read_photographs(tmp_path)


def test_a_broken_photograph_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")

    with pytest.raises(PhotographsUnusable, match=re.escape("broken.jpg")):
        vehicle_clips(tmp_path, GATE, Photographed(broken, ("29C12345",)))


def test_a_photograph_stands_in_its_clip(tmp_path: Path) -> None:
    _photograph(tmp_path / "a.png")

    clips = vehicle_clips(tmp_path, GATE, Photographed(tmp_path / "a.png", ("29C12345",)))

    middle = _frames(clips.stand)[0][300:400, 600:700]
    assert middle.mean(axis=(0, 1)) == pytest.approx((40, 80, 160), abs=8)


def test_every_clip_is_made_of_closed_groups_of_half_a_second(clips: VehicleClips, idle: Path) -> None:
    for clip in (idle, clips.approach, clips.stand, clips.leave, clips.back_away):
        keys = [frame.key_frame for frame in _decoded(clip)]
        assert keys == [number % 5 == 0 for number in range(len(keys))], clip.name
        assert len(keys) % 5 == 0


def test_clips_follow_each_other_without_a_jump(clips: VehicleClips, idle: Path) -> None:
    empty, standing = _frames(idle)[0], _frames(clips.stand)
    approach, leave, back_away = _frames(clips.approach), _frames(clips.leave), _frames(clips.back_away)

    assert _difference(empty, approach[0]) < 2
    assert _difference(approach[-1], standing[0]) < 2
    assert _difference(standing[-1], standing[0]) < 2
    assert _difference(standing[-1], leave[0]) < 2
    assert _difference(leave[-1], empty) < 2
    assert _difference(back_away[-1], empty) < 5  # far off, an eighth of its size
    assert _difference(standing[0], empty) > 30


def test_the_sensor_noise_of_a_standing_truck_never_stands_still(clips: VehicleClips) -> None:
    one, next_one = _frames(clips.stand)[:2]
    assert _difference(one, next_one) > 0


def test_clips_joined_end_to_end_are_one_stream(clips: VehicleClips, idle: Path, tmp_path: Path) -> None:
    joined = tmp_path / "joined.h264"
    joined.write_bytes(
        b"".join(c.read_bytes() for c in (idle, clips.approach, clips.stand, clips.leave, idle))
    )

    assert len(_frames(joined)) == 25 + 15 + 10 + 15 + 25


def test_the_night_is_darker(tmp_path: Path, idle: Path) -> None:
    night = idle_clip(tmp_path, Gate(GATE.place, GATE.seed, night=True))
    assert _frames(night)[0].mean() < 0.75 * _frames(idle)[0].mean()


def test_a_clip_is_made_once_and_anew_for_other_inputs(tmp_path: Path) -> None:
    first = idle_clip(tmp_path, GATE)
    first.write_bytes(b"kept")

    assert idle_clip(tmp_path, GATE).read_bytes() == b"kept"
    assert idle_clip(tmp_path, Gate("barrier-2", seed=3)) != first
    assert sorted(tmp_path.iterdir()) == sorted({first, idle_clip(tmp_path, Gate("barrier-2", seed=3))})


def test_a_cache_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ClipUnwritable, match="give another cache folder"):
        idle_clip(tmp_path / "file", GATE)


@pytest.fixture(scope="module")
def reader() -> Any:
    from rapidocr import EngineType, RapidOCR

    parts = ("Det", "Cls", "Rec")
    return RapidOCR(params={f"{part}.engine_type": EngineType.OPENVINO for part in parts})


@pytest.mark.parametrize(
    ("truck", "seen"),
    [
        (TRUCK, "29C12345"),
        (DrawnTruck("98R03688", "VN", 2, Ground.WHITE, 4), "98R03688"),
        (DrawnTruck("桂FF0123", "CN", 1, Ground.YELLOW, 5), "FF0123"),
        (DrawnTruck("桂AB7301", "CN", 2, Ground.YELLOW, 6), "AB7301"),
    ],
    ids=lambda value: value.plate if isinstance(value, DrawnTruck) else "",
)
def test_a_reader_that_was_never_tuned_to_them_reads_the_drawn_plates(
    reader: Any, truck: DrawnTruck, seen: str, tmp_path: Path
) -> None:
    frame = _frames(vehicle_clips(tmp_path, GATE, truck).stand)[0]

    texts = reader(frame).txts or ()

    assert seen in re.sub(r"[^A-Z0-9]", "", "".join(texts).upper())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def clips(folder: Path) -> VehicleClips:
    return vehicle_clips(folder, GATE, TRUCK)


@pytest.fixture(scope="module")
def idle(folder: Path) -> Path:
    return idle_clip(folder, GATE)


def _decoded(clip: Path) -> list[av.VideoFrame]:
    with av.open(str(clip), format="h264") as container:
        return list(container.decode(video=0))


def _frames(clip: Path) -> list[Picture]:
    return [frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False) for frame in _decoded(clip)]


def _photograph(file: Path) -> None:
    cv2.imwrite(str(file), np.full((360, 640, 3), (40, 80, 160), np.uint8))


def _difference(one: Picture, other: Picture) -> float:
    """Mean absolute difference in grey levels."""
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())


def _share_of(picture: Picture, rgb: tuple[int, int, int]) -> float:
    near = np.abs(picture[:, :, ::-1].astype(np.int16) - np.array(rgb, np.int16)).max(axis=2) < 20
    return float(near.mean())


def _plate_box(frame: Picture) -> tuple[int, int, int, int]:
    """Left, top, width and height in pixels of what is coloured like a Vietnamese yellow plate."""
    hsv = cv2.cvtColor(frame, cv2.COLOR_BGR2HSV)
    yellow = cv2.inRange(hsv, np.array([22, 150, 120]), np.array([34, 255, 255]))
    yellow = cv2.morphologyEx(yellow, cv2.MORPH_CLOSE, np.ones((9, 25), np.uint8))
    contours, _ = cv2.findContours(yellow, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    left, top, width, height = cv2.boundingRect(max(contours, key=cv2.contourArea))
    return left, top, width, height
