"""The simulated cameras over real RTSP: what they show on command, how they break when told to."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from simulation import cameras
from simulation.cameras import (
    SERVER_PROGRAM,
    SYSTEM_PYTHON,
    CameraFarm,
    CameraFarmError,
    CommandRefused,
    Credentials,
    PackageMissing,
    ServerNotRunning,
    ServerSilent,
    missing_package,
)
from simulation.clips import VehicleClips, idle_clip, vehicle_clips
from simulation.plate_drawing import Ground, Picture
from simulation.rtsp_server import BadClip, Playlist, read_clip
from simulation.trucks import DrawnTruck, Gate

MISSING = missing_package()
real_server = pytest.mark.skipif(MISSING is not None, reason=f"the Debian package {MISSING} is not installed")


def test_a_clip_is_split_into_its_groups_of_pictures_without_losing_a_byte(clips: VehicleClips) -> None:
    groups = read_clip(clips.approach)

    assert [len(group) for group in groups] == [5, 5, 5]
    assert b"".join(unit for group in groups for unit in group) == clips.approach.read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"", "no H.264 access unit"), (b"\0\0\0\1\x09\xf0\0\0\1\x41", "a key frame")],
)
def test_what_is_no_clip_is_refused_by_name(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "clip.h264"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(BadClip, match=rf"clip\.h264.*{message}"):
        read_clip(file)


def test_a_playlist_shows_a_clip_once_and_its_successor_for_ever() -> None:
    playlist = Playlist([[b"a", b"b"]], [[b"c", b"d"], [b"e"]])
    assert b"".join(playlist.advance() for _ in range(8)) == b"abcdecde"


def test_a_playlist_changes_only_between_groups_of_pictures() -> None:
    playlist = Playlist([], [[b"a", b"b", b"c"]])
    playlist.advance()
    playlist.change([[b"x"]], [[b"y"]])

    assert b"".join(playlist.advance() for _ in range(4)) == b"bcxy"


def test_a_new_viewer_is_first_given_the_group_being_shown_from_its_key_frame_on() -> None:
    playlist = Playlist([], [[b"key", b"second", b"third"]])
    for _ in range(2):
        playlist.advance()

    assert playlist.shown_of_group() == [b"key", b"second"]


@real_server
def test_a_truck_comes_stands_and_drives_through(idle: Path, clips: VehicleClips) -> None:
    async def story() -> None:
        async with _farm(idle) as (farm, url):
            with _viewer(url) as see:
                assert await see(_lane_empty)
                await farm.truck_arrives("barrier-1", clips)
                assert await see(_truck_stands)
                await asyncio.sleep(2.5)  # longer than approach and stand together: standing is looped
                assert await see(_truck_stands)
                await farm.truck_leaves("barrier-1", clips)
                assert await see(_lane_empty)

    asyncio.run(story())


@real_server
def test_a_refused_truck_backs_away(idle: Path, clips: VehicleClips) -> None:
    async def story() -> None:
        async with _farm(idle) as (farm, url):
            await farm.truck_arrives("barrier-1", clips)
            with _viewer(url) as see:
                assert await see(_truck_stands)
                await farm.truck_backs_away("barrier-1", clips)
                assert await see(_lane_empty)

    asyncio.run(story())


@real_server
def test_each_camera_shows_its_own_lane(idle: Path, clips: VehicleClips) -> None:
    async def story() -> None:
        farm = CameraFarm()
        try:
            urls = await farm.start({"barrier-1": idle, "barrier-2": idle})
            await farm.truck_arrives("barrier-2", clips)
            with _viewer(urls["barrier-1"]) as see_1, _viewer(urls["barrier-2"]) as see_2:
                assert await see_2(_truck_stands)
                assert await see_1(_lane_empty)
        finally:
            await farm.stop()

    asyncio.run(story())


@real_server
def test_a_viewer_has_a_picture_within_two_seconds_and_then_ten_in_a_second(idle: Path) -> None:
    async def story() -> None:
        async with _farm(idle) as (_, url):
            begun_s = time.monotonic()
            with _opened(url) as capture:
                assert await asyncio.to_thread(capture.grab)
                assert time.monotonic() - begun_s < 2.0
                for _ in range(10):  # what was buffered while opening
                    await asyncio.to_thread(capture.grab)
                begun_s = time.monotonic()
                for _ in range(20):
                    assert await asyncio.to_thread(capture.grab)
                assert 20 / (time.monotonic() - begun_s) == pytest.approx(10, rel=0.15)

    asyncio.run(story())


@real_server
def test_a_frozen_server_sends_nothing_and_answers_nothing_until_it_is_thawed(
    idle: Path, clips: VehicleClips, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cameras, "ANSWER_TIMEOUT_S", 0.5)

    async def story() -> None:
        async with _farm(idle) as (farm, url):
            with _viewer(url) as see:
                farm.freeze()
                with pytest.raises(ServerSilent, match="thaw"):
                    await farm.truck_arrives("barrier-1", clips)
                assert not await see(_truck_stands, within_s=1.0)
                farm.thaw()
                await farm.truck_arrives("barrier-1", clips)
                assert await see(_truck_stands)

    asyncio.run(story())


@real_server
def test_a_killed_server_breaks_the_stream_and_starts_again_at_the_same_address(idle: Path) -> None:
    async def story() -> None:
        async with _farm(idle) as (farm, url):
            with _opened(url) as capture:
                await farm.kill()
                assert await asyncio.to_thread(_ends, capture)
            with pytest.raises(ServerNotRunning, match="call start"):
                await farm.idle("barrier-1")
            assert await farm.start({"barrier-1": idle}) == {"barrier-1": url}
            with _viewer(url) as see:
                assert await see(_lane_empty)

    asyncio.run(story())


@real_server
def test_with_credentials_only_those_who_know_them_may_watch(idle: Path) -> None:
    async def story() -> None:
        async with _farm(idle, Credentials("cam", "secret")) as (_, url):
            with _opened(url.replace("//", "//cam:secret@")) as known, _opened(url) as unknown:
                assert known.isOpened()
                assert not unknown.isOpened()
            with _opened(url.replace("//", "//cam:guess@")) as guessed:
                assert not guessed.isOpened()

    asyncio.run(story())


@real_server
def test_a_clip_that_cannot_be_played_is_refused_and_the_picture_goes_on(idle: Path, tmp_path: Path) -> None:
    lost = tmp_path / "lost.h264"

    async def story() -> None:
        async with _farm(idle) as (farm, url):
            with pytest.raises(CommandRefused, match=r"camera barrier-1: .*lost\.h264: cannot be read"):
                await farm.truck_arrives("barrier-1", VehicleClips(lost, lost, lost, lost))
            with _viewer(url) as see:
                assert await see(_lane_empty)

    asyncio.run(story())


@real_server
def test_a_camera_that_was_not_started_is_named(idle: Path) -> None:
    async def story() -> None:
        async with _farm(idle) as (farm, _):
            with pytest.raises(CameraFarmError, match=r"no camera yard-in; .*there are: barrier-1"):
                await farm.idle("yard-in")

    asyncio.run(story())


@real_server
def test_a_port_in_use_is_said(idle: Path) -> None:
    async def story() -> None:
        async with _farm(idle) as (_, url):
            port = int(url.split(":")[2].split("/")[0])
            with pytest.raises(CommandRefused, match="choose another port"):
                await CameraFarm(port=port).start({"barrier-1": idle})

    asyncio.run(story())


@real_server
def test_stopping_ends_even_a_frozen_server(idle: Path) -> None:
    async def story() -> None:
        async with _farm(idle) as (farm, url):
            farm.freeze()
            begun_s = time.monotonic()
            await farm.stop()
            assert time.monotonic() - begun_s < 3
            with _opened(url) as capture:
                assert not capture.isOpened()

    asyncio.run(story())


@real_server
def test_the_server_ends_with_the_process_that_started_it() -> None:
    server = subprocess.Popen([SYSTEM_PYTHON, SERVER_PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert json.loads(server.stdout.readline())["ready"] is True
        server.stdin.close()
        assert server.wait(timeout=5) == 0


def test_a_missing_debian_package_is_named_with_the_command_that_brings_it(
    idle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_gi = tmp_path / "server.py"
    without_gi.write_text("""print('{"missing": "gir1.2-gst-rtsp-server-1.0"}')""")
    monkeypatch.setattr(cameras, "SERVER_PROGRAM", without_gi)
    monkeypatch.setattr(cameras, "SYSTEM_PYTHON", sys.executable)

    with pytest.raises(PackageMissing, match=r"apt-get install gir1\.2-gst-rtsp-server-1\.0"):
        asyncio.run(CameraFarm().start({"barrier-1": idle}))


def test_a_missing_system_python_is_named_too(
    idle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cameras, "SYSTEM_PYTHON", tmp_path / "python3")

    assert missing_package() == "python3"
    with pytest.raises(PackageMissing, match="python3"):
        asyncio.run(CameraFarm().start({"barrier-1": idle}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def idle(folder: Path) -> Path:
    return idle_clip(folder, Gate("barrier-1"))


@pytest.fixture(scope="module")
def clips(folder: Path) -> VehicleClips:
    return vehicle_clips(folder, Gate("barrier-1"), DrawnTruck("29C12345", "VN", 1, Ground.YELLOW))


@pytest.fixture(autouse=True)
def _tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp|analyzeduration;200000")
    monkeypatch.setenv("OPENCV_LOG_LEVEL", "OFF")


@asynccontextmanager
async def _farm(idle: Path, credentials: Credentials | None = None) -> AsyncIterator[tuple[CameraFarm, str]]:
    farm = CameraFarm(credentials=credentials)
    try:
        yield farm, (await farm.start({"barrier-1": idle}))["barrier-1"]
    finally:
        await farm.stop()


@contextmanager
def _opened(url: str) -> Iterator[cv2.VideoCapture]:
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 3000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 3000]
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, timeouts)
    try:
        yield capture
    finally:
        capture.release()


@contextmanager
def _viewer(url: str) -> Iterator[Callable[..., Awaitable[bool]]]:
    """Gives `see(what, within_s)`: reads on until the picture shows it, or the time is over."""
    with _opened(url) as capture:

        async def see(shows: Callable[[Picture], bool], within_s: float = 5.0) -> bool:
            return await asyncio.to_thread(_reads_until, capture, shows, within_s)

        yield see


def _reads_until(capture: cv2.VideoCapture, shows: Callable[[Picture], bool], within_s: float) -> bool:
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        good, frame = capture.read()
        if good and shows(frame.astype(np.uint8, copy=False)):
            return True
    return False


def _ends(capture: cv2.VideoCapture) -> bool:
    """Whether the stream breaks off after what is buffered."""
    return any(not capture.grab() for _ in range(50))


def _yellow_px(frame: Picture) -> int:
    hsv = cv2.cvtColor(frame, cv2.COLOR_BGR2HSV)
    return cv2.countNonZero(cv2.inRange(hsv, np.array([22, 150, 120]), np.array([34, 255, 255])))


def _truck_stands(frame: Picture) -> bool:
    """The yellow plate, 218 x 46 px, is in its place."""
    return _yellow_px(frame[420:540, 500:780]) > 4000 and _yellow_px(frame) < 10000


def _lane_empty(frame: Picture) -> bool:
    return _yellow_px(frame) < 50
